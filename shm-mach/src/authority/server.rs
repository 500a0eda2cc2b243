//! The authority's sockets: tasks attach, ask and are told, one datagram at a time.

mod list;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::os::fd::{AsFd, OwnedFd};

use futex::sync::Ordering;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::sockopt::socket_peercred;
use rustix::net::{AddressFamily, SocketFlags, SocketType, acceptfrom_with, socketpair};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::authority::ledger::{Ledger, Outgoing};
use crate::authority::page::{PAGE_BYTES, make_page};
use crate::authority::policy::{Office, Policy};
use crate::ring::layout::Bell;
use crate::segment::process::start_time;
use crate::segment::socket::{self, Credentials, Datagram};
use crate::segment::{PeerSegment, Shared, is_segment};
use crate::wire::event::{Answer, Attested, Event, Found, Refusal};
use crate::wire::request::{DATAGRAM_MAX, PAIRED, PROTOCOL, Request};

/// The most bytes that a task's table of names may have.
const TASK_SEGMENT_MAX: usize = 1 << 30;
/// Events that wait for a task that does not read; from then on requests about it are refused.
const QUEUE_MOST: usize = 1024;
/// Requests of one connection that are served before the next one's turn.
const TURN: usize = 16;
/// Connections at one time.
const CONNECTIONS_MAX: usize = 4096;
/// Of them, those that one user can open.
const CONNECTIONS_A_USER: usize = 1024;
/// Of them, those that may have said nothing yet: past this the oldest goes, so that silence keeps
/// nobody out. Connections made for children do not count.
const SILENT_MAX: usize = 256;

/// An authority: run it on a thread or as a process of its own.
#[derive(Debug)]
pub struct Server {
    listener: Option<OwnedFd>,
    connections: HashMap<u64, Connection>,
    /// Which connection a task is.
    tasks: BTreeMap<u64, u64>,
    ledger: Ledger,
    next_connection: u64,
    /// A connection could not be accepted for want of descriptors.
    is_short: bool,
    /// Where the program that runs the authority gives orders, once it has asked for that.
    office: Option<Office>,
}

#[derive(Debug)]
struct Connection {
    socket: OwnedFd,
    stage: Stage,
    /// What the task is told, in order, once its socket has room.
    queue: VecDeque<Told>,
    /// The special port that a child is started with.
    special: Option<Found>,
    /// Who opened it, if it came by the listener.
    user: Option<u32>,
}

/// A datagram, and whether the task is rung for it.
#[derive(Debug)]
struct Told {
    bytes: Vec<u8>,
    fd: Option<OwnedFd>,
    is_event: bool,
    /// The task's page tells of it already.
    is_counted: bool,
}

#[derive(Debug)]
enum Stage {
    /// Nothing was heard yet.
    New,
    /// Asked to prove that it is the process that the kernel says it is.
    Challenged { nonce: u64, who: Attested, process: OwnedFd, features: u32 },
    /// A task.
    Attached(Attached),
    /// No task, and never one: it asks for the tables of others.
    Tool,
}

#[derive(Debug)]
struct Attached {
    task: u64,
    who: Attested,
    process: OwnedFd,
    told: Shared<Bell>,
    arrived: Shared<Bell>,
    /// Kept for tools: the file of the task's table of names.
    names: OwnedFd,
}

/// What to do with a connection after something happened on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Keep,
    Close,
}

impl Server {
    /// An authority that accepts tasks on `listener`, a listening seqpacket socket. Without one it
    /// serves only the connections that it is [`given`](Self::adopt).
    pub fn new(listener: Option<OwnedFd>) -> Self {
        // Ids of different authorities differ, so that none is ever used again.
        let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0u8);
        let first = (random << 32) & !PAIRED;
        Self {
            listener,
            connections: HashMap::new(),
            tasks: BTreeMap::new(),
            ledger: Ledger::new(first),
            next_connection: 0,
            is_short: false,
            office: None,
        }
    }

    /// A hand on the authority, for the time that it [runs](Self::run) on a thread.
    ///
    /// # Errors
    /// What the kernel says of one more descriptor, at the first call.
    pub fn policy(&mut self) -> std::io::Result<Policy> {
        let office = match self.office.take() {
            Some(office) => office,
            None => Office::open()?,
        };
        Ok(self.office.insert(office).policy())
    }

    /// Serves a connected seqpacket socket.
    ///
    /// # Errors
    /// The socket cannot pass credentials: it is no Unix socket.
    pub fn adopt(&mut self, socket: OwnedFd) -> std::io::Result<()> {
        self.connect(socket, None)
    }

    fn connect(&mut self, socket: OwnedFd, special: Option<Found>) -> std::io::Result<()> {
        socket::pass_credentials(&socket)?;
        self.next_connection += 1;
        let connection =
            Connection { socket, stage: Stage::New, queue: VecDeque::new(), special, user: None };
        self.connections.insert(self.next_connection, connection);
        Ok(())
    }

    /// Serves for ever, or until the listener is gone and the last connection has ended.
    ///
    /// # Errors
    /// What poll(2) says; nothing that a task does is an error here.
    pub fn run(mut self) -> std::io::Result<()> {
        while self.listener.is_some() || !self.connections.is_empty() {
            self.turn(None)?;
        }
        Ok(())
    }

    /// Waits for something to do, at most until `timeout`, and does it.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn turn(&mut self, timeout: Option<&Timespec>) -> std::io::Result<()> {
        let ready = self.poll(timeout)?;
        for id in ready {
            let mut out = Vec::new();
            if self.serve(id) == Fate::Close {
                self.end(id, &mut out);
            }
            self.deliver(out);
        }
        self.obey();
        self.accept();
        Ok(())
    }

    /// Carries out what the program has ordered.
    fn obey(&mut self) {
        for order in self.office.iter().flat_map(Office::take).collect::<Vec<_>>() {
            let Some(office) = &mut self.office else { return };
            let mut out = Vec::new();
            let told = self.ledger.revoke(order.pid, order.name.as_deref(), &mut office.serial, &mut out);
            office.enter(order, told);
            self.deliver(out);
        }
    }

    /// The connections that something happened on.
    fn poll(&self, timeout: Option<&Timespec>) -> std::io::Result<Vec<u64>> {
        let mut ids = Vec::new();
        let mut fds = Vec::new();
        for (id, connection) in &self.connections {
            let room = if connection.queue.is_empty() { PollFlags::empty() } else { PollFlags::OUT };
            let more = if connection.queue.len() < QUEUE_MOST { PollFlags::IN } else { PollFlags::empty() };
            fds.push(PollFd::from_borrowed_fd(connection.socket.as_fd(), more | room));
            ids.push(*id);
            if let Stage::Attached(attached) = &connection.stage {
                fds.push(PollFd::from_borrowed_fd(attached.process.as_fd(), PollFlags::IN));
                ids.push(*id);
            }
        }
        if let Some(office) = &self.office {
            fds.push(PollFd::from_borrowed_fd(office.bell(), PollFlags::IN));
            ids.push(0); // nobody's
        }
        // A listener that cannot be served would only keep this loop busy.
        let is_full = self.connections.len() >= CONNECTIONS_MAX || self.is_short;
        if let Some(listener) = self.listener.as_ref().filter(|_| !is_full) {
            fds.push(PollFd::from_borrowed_fd(listener.as_fd(), PollFlags::IN));
        }
        let second = Timespec { tv_sec: 1, tv_nsec: 0 };
        let timeout = if is_full && timeout.is_none() { Some(&second) } else { timeout };
        loop {
            match poll(&mut fds, timeout) {
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
                Ok(_) => break,
            }
        }
        let mut ready: Vec<u64> =
            fds.iter().zip(ids).filter(|(fd, _)| !fd.revents().is_empty()).map(|(_, id)| id).collect();
        ready.dedup();
        Ok(ready)
    }

    fn accept(&mut self) {
        self.is_short = false;
        while let Some(listener) = &self.listener {
            if self.connections.len() >= CONNECTIONS_MAX {
                return;
            }
            match acceptfrom_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
                Ok((socket, _)) => self.admit(socket),
                Err(Errno::AGAIN) => return,
                // No descriptor or memory left: tried again in a while.
                Err(_) => return self.is_short = true,
            }
            self.shed_silent();
        }
    }

    fn shed_silent(&mut self) {
        let is_silent = |connection: &Connection| {
            !matches!(connection.stage, Stage::Attached(_)) && connection.special.is_none()
        };
        let silent = self.connections.iter().filter(|(_, connection)| is_silent(connection));
        if silent.clone().count() > SILENT_MAX
            && let Some(oldest) = silent.map(|(id, _)| *id).min()
        {
            self.connections.remove(&oldest);
        }
    }

    /// Serves a connection if its user has not too many already: one user cannot keep others out.
    fn admit(&mut self, socket: OwnedFd) {
        let Ok(user) = socket_peercred(&socket).map(|peer| peer.uid.as_raw()) else { return };
        let held = self.connections.values().filter(|other| other.user == Some(user)).count();
        if held < CONNECTIONS_A_USER
            && self.connect(socket, None).is_ok()
            && let Some(connection) = self.connections.get_mut(&self.next_connection)
        {
            connection.user = Some(user);
        }
    }

    /// Reads some requests of one connection, and writes what it is to be told.
    fn serve(&mut self, id: u64) -> Fate {
        for _ in 0..TURN {
            let Some(connection) = self.connections.get_mut(&id) else { return Fate::Keep };
            // What a task had asked for before it died is acted on: its death comes last.
            let is_dead = connection.has_died();
            if connection.flush() == Fate::Close && !is_dead {
                return Fate::Close;
            }
            let is_full = connection.queue.len() >= QUEUE_MOST;
            if let Stage::Attached(attached) = &connection.stage {
                let mut owed = Vec::new();
                self.ledger.set_congested(attached.task, is_full, &mut owed);
                self.deliver(owed);
            }
            if is_full && !is_dead {
                return Fate::Keep; // who does not read its answers is not asked for more questions
            }
            let Some(connection) = self.connections.get_mut(&id) else { return Fate::Keep };
            let mut bytes = [0; DATAGRAM_MAX];
            let datagram = match socket::receive(&connection.socket, &mut bytes, false) {
                Err(Errno::AGAIN) => return if is_dead { Fate::Close } else { Fate::Keep },
                Err(_) => return Fate::Close,
                Ok(datagram) if datagram.length == 0 => return Fate::Close,
                Ok(datagram) => datagram,
            };
            if self.hear(id, &bytes[..datagram.length], datagram) == Fate::Close {
                return Fate::Close;
            }
        }
        Fate::Keep
    }

    /// Decodes one request, and only then acts on it.
    fn hear(&mut self, id: u64, bytes: &[u8], datagram: Datagram) -> Fate {
        let Some((serial, request)) = Request::decode(bytes) else { return Fate::Close };
        let Some(from) = datagram.from else { return Fate::Close };
        let fd = datagram.fds.into_iter().next();
        let Some(connection) = self.connections.get_mut(&id) else { return Fate::Keep };
        match (&connection.stage, request) {
            (Stage::New, Request::Hello { version: PROTOCOL, features }) => {
                connection.challenge(from, features)
            }
            (Stage::Challenged { .. }, Request::Echo { nonce }) => self.attach(id, from, nonce, fd),
            (Stage::New | Stage::Tool, Request::List { after }) => self.list(id, serial, from, after),
            (Stage::Attached(attached), _) if attached.who.pid != from.pid => Fate::Keep, // a forked child's
            (Stage::Attached(attached), Request::Child { port }) => {
                let special = Found { receiver: attached.task, port };
                self.make_child(id, serial, special)
            }
            // A task maps what it is passed on: nothing but a segment.
            (Stage::Attached(_), Request::Connect { .. } | Request::Accept { .. } | Request::Lend { .. })
                if !fd.as_ref().is_some_and(is_segment) =>
            {
                Fate::Close
            }
            (Stage::Attached(attached), Request::Revoked { serial }) => {
                let task = attached.task;
                self.office.iter_mut().for_each(|office| office.acknowledge(serial, task));
                Fate::Keep
            }
            (Stage::Attached(attached), request) => {
                let task = attached.task;
                let mut told = Vec::new();
                let answer = self.ledger.invoke(task, serial, request, fd, &mut told);
                // Those whom it concerns are told, or at least flagged, before it is answered.
                self.deliver(told);
                match answer {
                    Some(answer) => self.answer(id, serial, answer),
                    None => Fate::Keep,
                }
            }
            _ => Fate::Close,
        }
    }

    fn answer(&mut self, id: u64, serial: u32, answer: Answer) -> Fate {
        match self.connections.get_mut(&id) {
            Some(connection) => connection.tell(&Event::Reply { serial, answer }, None),
            None => Fate::Keep,
        }
    }

    /// The echo came: the process that sent it is the one that the pidfd was opened for, if that
    /// still lives now. Then it is a task.
    fn attach(&mut self, id: u64, from: Credentials, echoed: u64, fd: Option<OwnedFd>) -> Fate {
        let Some(connection) = self.connections.get_mut(&id) else { return Fate::Keep };
        let stage = std::mem::replace(&mut connection.stage, Stage::New);
        let Stage::Challenged { nonce, who, process, features } = stage else { return Fate::Close };
        let names = fd.filter(|fd| PeerSegment::adopt(fd, PAGE_BYTES, TASK_SEGMENT_MAX).is_ok());
        let (true, Some(names)) = (echoed == nonce && from.pid == who.pid && !is_readable(&process), names)
        else {
            return Fate::Close;
        };
        let Ok(([told, arrived], page_fd)) = make_page() else { return Fate::Close };
        let task = self.ledger.attach(who, features);
        self.tasks.insert(task, id);
        let special = connection.special.take();
        connection.stage = Stage::Attached(Attached { task, who, process, told, arrived, names });
        if let Some(special) = special {
            // The port's receiver is flagged before the new task knows the right.
            let mut told = Vec::new();
            self.ledger.endow(task, special, &mut told);
            self.deliver(told);
        }
        match self.connections.get_mut(&id) {
            Some(connection) => connection.tell(&Event::Welcome { task, own: who, special }, Some(page_fd)),
            None => Fate::Keep,
        }
    }

    /// A connection for a child of the task: the task passes it on, the child attaches by it.
    fn make_child(&mut self, id: u64, serial: u32, special: Found) -> Fate {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let pair = (self.connections.len() < CONNECTIONS_MAX)
            .then(|| socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).ok())
            .flatten();
        let Some((ours, theirs)) = pair else {
            return self.answer(id, serial, Answer::Refused(Refusal::NoBuffer));
        };
        if self.connect(ours, Some(special)).is_err() {
            return self.answer(id, serial, Answer::Refused(Refusal::NoBuffer));
        }
        match self.connections.get_mut(&id) {
            Some(connection) => connection.tell(&Event::Reply { serial, answer: Answer::Done }, Some(theirs)),
            None => Fate::Keep,
        }
    }

    /// Tells tasks; one whose socket fails is ended, which may tell others.
    fn deliver(&mut self, out: Vec<Outgoing<OwnedFd>>) {
        let mut out = VecDeque::from(out);
        while let Some(Outgoing { to, event, fd }) = out.pop_front() {
            let Some(id) = self.tasks.get(&to).copied() else { continue };
            let Some(connection) = self.connections.get_mut(&id) else { continue };
            let fate = connection.tell(&event, fd);
            let is_full = connection.queue.len() >= QUEUE_MOST;
            let mut owed = Vec::new();
            self.ledger.set_congested(to, is_full, &mut owed);
            out.extend(owed);
            if fate == Fate::Close {
                let mut more = Vec::new();
                self.end(id, &mut more);
                out.extend(more);
            }
        }
    }

    /// The connection has ended, and with it the task.
    fn end(&mut self, id: u64, out: &mut Vec<Outgoing<OwnedFd>>) {
        let Some(connection) = self.connections.remove(&id) else { return };
        if let Some(special) = connection.special {
            self.ledger.take_back(special, out);
        }
        if let Stage::Attached(attached) = connection.stage {
            self.tasks.remove(&attached.task);
            self.office.iter_mut().for_each(|office| office.forget(attached.task));
            self.ledger.died(attached.task, out);
        }
    }
}

impl Connection {
    /// Asks the process behind a hello to prove itself.
    fn challenge(&mut self, from: Credentials, features: u32) -> Fate {
        // 0: a process that is not visible in this pid namespace, whose death could not be seen.
        let Some(pid) = i32::try_from(from.pid).ok().filter(|pid| *pid > 0).and_then(Pid::from_raw) else {
            return Fate::Close;
        };
        let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return Fate::Close };
        let nonce = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), from.pid);
        let who = Attested { pid: from.pid, uid: from.uid, gid: from.gid, started: start_time(from.pid) };
        self.stage = Stage::Challenged { nonce, who, process, features };
        self.tell(&Event::Challenge { nonce }, None)
    }

    /// The process has ended (before its zombie is reaped).
    fn has_died(&self) -> bool {
        match &self.stage {
            Stage::Attached(attached) => is_readable(&attached.process),
            _ => false,
        }
    }

    /// Sends an event and counts it in the task's page, or counts it and keeps it until there is room. In
    /// this order: what is counted and not there is waited for, and an authority may be stopped anywhere.
    fn tell(&mut self, event: &Event, fd: Option<OwnedFd>) -> Fate {
        let is_event = event.is_counted();
        self.queue.push_back(Told { bytes: event.encode(), fd, is_event, is_counted: false });
        let fate = self.flush();
        if let (Some(last), Stage::Attached(attached)) = (self.queue.back_mut(), &self.stage)
            && last.is_event
            && !std::mem::replace(&mut last.is_counted, true)
        {
            attached.told.count.fetch_add(1, Ordering::Release);
        }
        fate
    }

    fn flush(&mut self) -> Fate {
        while let Some(Told { bytes, fd, is_event, is_counted }) = self.queue.front() {
            match socket::send(&self.socket, bytes, fd.as_ref().map(AsFd::as_fd), false) {
                Ok(()) => {}
                Err(Errno::AGAIN) => return Fate::Keep,
                // Too many descriptors in flight: they are this side's, wait until some are read.
                Err(Errno::TOOMANYREFS) => return Fate::Keep,
                Err(_) => return Fate::Close,
            }
            // Only now: a task that was woken before it could read the event would sleep again, and
            // nothing would wake it.
            if let (Stage::Attached(attached), true) = (&self.stage, *is_event) {
                attached.told.count.fetch_add(u32::from(!is_counted), Ordering::Release);
                attached.arrived.count.fetch_add(1, Ordering::Release);
                futex::sync::futex_wake(&attached.arrived.count, u32::MAX);
            }
            self.queue.pop_front();
        }
        Fate::Keep
    }
}

fn is_readable(process: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(process, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&now)).is_ok() && !fds[0].revents().is_empty()
}
