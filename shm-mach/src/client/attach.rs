//! The connection to an authority.

use std::collections::{HashMap, VecDeque};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use futex::sync::{AtomicU32, Lock, Ordering};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use crate::client::look_ups::LookUps;
use crate::client::unsaid::{Unsaid, Waiting};
use crate::ring::layout::Bell;
use crate::ring::samples::Samples;
use crate::segment::inherit::inherited;
use crate::segment::socket::{self, pass_credentials};
use crate::segment::{PeerSegment, Refused, Shared};
use crate::wire::event::{Answer, Event, Found, Refusal};
use crate::wire::place::{ARRIVED_AT, SYSTEM_PATH, TOLD_AT, user_path};
use crate::wire::request::{DATAGRAM_MAX, PROTOCOL, Request};

/// The variable that names the authority: a path, or `fd:N`.
pub(crate) const VARIABLE: &str = "SHM_MACH_AUTHORITY";

/// Why a task could not attach to an authority, or the authority refused a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// No authority listens at any of the places looked at.
    #[error(
        "no authority found: set {VARIABLE} to a socket's path or fd:N, or start one at {user} or {system}"
    )]
    NotFound {
        /// The user's place.
        user: String,
        /// The system's place.
        system: String,
    },
    /// The variable has a value that is neither a path nor `fd:N`.
    #[error("{VARIABLE}={value} is neither a path nor fd:N with an inherited descriptor")]
    Variable {
        /// Its value.
        value: String,
    },
    /// The kernel refused something.
    #[error("cannot talk to the authority: {0}")]
    Kernel(#[from] std::io::Error),
    /// The authority has hung up or is dead. Established traffic goes on without it.
    #[error("the authority has hung up")]
    Gone,
    /// The authority said what no honest authority says.
    #[error("the authority does not speak this protocol (version {PROTOCOL})")]
    Protocol,
    /// The page that the authority sent is no sealed segment.
    #[error("the authority's page is refused: {0}")]
    Page(#[from] Refused),
    /// The name is registered already and its port lives, or belongs to another task.
    #[error("the name is in use")]
    NameInUse,
    /// Nobody has registered the name.
    #[error("no service of that name")]
    UnknownService,
    /// The task that the request is about is dead.
    #[error("the task is dead")]
    TaskDied,
    /// A quota is used up, or there is no memory.
    #[error("the authority has no room for it")]
    NoBuffer,
    /// The authority tells nothing of others over this connection: it was not opened by this user.
    #[error("the authority lists no tasks over this connection")]
    NotListed,
    /// This process is a forked child of the one that attached.
    #[error("attached by the parent process: a forked child must attach by itself")]
    Forked,
}

impl From<Errno> for AuthorityError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN => Self::Gone,
            errno => Self::Kernel(errno.into()),
        }
    }
}

impl From<Refusal> for AuthorityError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotPrivileged | Refusal::ServiceActive => Self::NameInUse,
            Refusal::UnknownService => Self::UnknownService,
            Refusal::TaskDied => Self::TaskDied,
            Refusal::NoBuffer => Self::NoBuffer,
            Refusal::Protocol => Self::Protocol,
        }
    }
}

/// An authority that this task is attached to.
#[derive(Debug)]
pub(crate) struct Authority {
    /// This task's id.
    pub(crate) task: u64,
    /// This process's pid as the authority sees it, and its start time.
    pub(crate) own: (u32, u64),
    /// Counts the events that this task was or will be told.
    told: Shared<Bell>,
    /// Rung when one can be read from the socket.
    arrived: Shared<Bell>,
    socket: OwnedFd,
    talk: Lock<Talk>,
    /// What found the socket full, in order.
    unsaid: Lock<Unsaid>,
    /// How many events this task has acted on.
    acted: AtomicU32,
    /// How many have come over the socket and wait to be acted on.
    kept: AtomicU32,
    /// The authority is dead, and all that it had said was read.
    gone: AtomicU32,
}

/// What came over the socket and was not looked at yet.
#[derive(Debug, Default)]
struct Talk {
    serial: u32,
    events: VecDeque<(Event, Option<OwnedFd>)>,
    replies: HashMap<u32, (Answer, Option<OwnedFd>)>,
    look_ups: LookUps,
}

impl Authority {
    /// Attaches over a connected seqpacket socket; `names` is the file of the task's table of names. Returns the special port, if this process was
    /// started with one.
    pub(crate) fn attach(
        socket: OwnedFd,
        features: u32,
        names: BorrowedFd<'_>,
    ) -> Result<(Self, Option<Found>), AuthorityError> {
        pass_credentials(&socket)?;
        rustix::io::ioctl_fionbio(&socket, false)?;
        socket::send(&socket, &Request::Hello { version: PROTOCOL, features }.encode(0), None, true)?;
        let (Event::Challenge { nonce }, _) = receive(&socket, true)? else {
            return Err(AuthorityError::Protocol);
        };
        // A segment of the task's own proves that it means to attach: its names, for tools to read.
        socket::send(&socket, &Request::Echo { nonce }.encode(0), Some(names), true)?;
        let (Event::Welcome { task, own, special }, Some(page)) = receive(&socket, true)? else {
            return Err(AuthorityError::Protocol);
        };
        let page = PeerSegment::adopt(&page, rustix::param::page_size(), 1 << 20)?;
        let bell = |offset| page.view(offset).ok_or(AuthorityError::Protocol);
        let (told, arrived) = (bell(TOLD_AT)?, bell(ARRIVED_AT)?);
        let (talk, unsaid) = (Lock::default(), Lock::default());
        let [acted, kept, gone] = std::array::from_fn(|_| AtomicU32::new(0));
        let own = (own.pid, own.started);
        Ok((Self { task, own, told, arrived, socket, talk, unsaid, acted, kept, gone }, special))
    }

    /// Whether the authority is known to be dead.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed) != 0
    }

    /// Looks whether the authority still holds its end of the socket. If not, what it said last is read.
    pub(crate) fn check(&self) {
        let mut fds = [PollFd::new(&self.socket, PollFlags::empty())];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        if poll(&mut fds, Some(&now)).is_ok() && fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
        {
            self.drain(&mut self.talk.lock());
        }
    }

    /// Samples the bell that is rung for events.
    pub(crate) fn sample(&self, samples: &mut Samples) {
        samples.add(self.arrived.clone());
    }

    /// Whether there are events that this task has not acted on. Of a dead authority only what it has
    /// sent: not what it had only counted.
    #[inline]
    pub(crate) fn has_events(&self) -> bool {
        // One that has just arrived may not be counted yet.
        self.told().wrapping_sub(self.acted.load(Ordering::Acquire)) as i32 > 0 && !self.is_silent()
    }

    /// How many events were told up to now, for [`has_acted_on`](Self::has_acted_on).
    pub(crate) fn told(&self) -> u32 {
        let told = self.told.count.load(Ordering::Relaxed);
        futex::sync::fence(Ordering::Acquire);
        told
    }

    /// Whether this task has acted on the first `told` events; on those that a dead authority announced
    /// nobody waits.
    pub(crate) fn has_acted_on(&self, told: u32) -> bool {
        self.acted.load(Ordering::Acquire).wrapping_sub(told) as i32 >= 0 || self.is_silent()
    }

    /// Whether the authority is dead, and nothing that it had said waits to be acted on.
    fn is_silent(&self) -> bool {
        self.is_gone() && self.kept.load(Ordering::Acquire) == 0
    }

    /// The next event, if it has arrived; [`count_acted`](Self::count_acted) follows when it was acted
    /// on. Called by one thread at a time.
    pub(crate) fn next_event(&self) -> Option<(Event, Option<OwnedFd>)> {
        let mut talk = self.talk.lock();
        self.drain(&mut talk);
        talk.events.pop_front()
    }

    /// One more event was acted on.
    pub(crate) fn count_acted(&self) {
        self.acted.fetch_add(1, Ordering::Release);
        self.kept.fetch_sub(1, Ordering::Release);
    }

    fn drain(&self, talk: &mut Talk) {
        loop {
            match receive(&self.socket, false) {
                Ok((Event::Reply { serial, answer }, fd)) => {
                    if answer != Answer::Waiting {
                        talk.look_ups.end(serial);
                    }
                    talk.replies.insert(serial, (answer, fd));
                }
                Ok(event) => {
                    talk.events.push_back(event);
                    self.kept.fetch_add(1, Ordering::Relaxed);
                }
                Err(AuthorityError::Kernel(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    return;
                }
                Err(_) => return self.gone.store(1, Ordering::Relaxed),
            }
        }
    }

    /// Asks, and waits for the answer. Events that come meanwhile wait for
    /// [`next_event`](Self::next_event).
    pub(crate) fn ask(
        &self,
        request: &Request,
        fd: Option<&OwnedFd>,
    ) -> Result<(u32, Answer, Option<OwnedFd>), AuthorityError> {
        let serial = {
            let mut talk = self.talk.lock();
            talk.serial = talk.serial.wrapping_add(1);
            let serial = talk.serial;
            if let Request::LookUp { wait: true, .. } = request {
                talk.look_ups.begin(serial);
            }
            serial
        };
        self.send(request, serial, fd)?;
        loop {
            // Not read before it was waited for: the answer is not there yet, most likely. But another
            // thread may have read it.
            if let Some((answer, fd)) = self.talk.lock().replies.remove(&serial) {
                return match answer {
                    Answer::Refused(refusal) => Err(refusal.into()),
                    answer => Ok((serial, answer, fd)),
                };
            }
            if self.is_gone() {
                return Err(AuthorityError::Gone);
            }
            let unsaid = !self.flush()?;
            // Another thread may read the answer out of the socket: then this poll is not woken.
            let events = if unsaid { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
            let mut fds = [PollFd::new(&self.socket, events)];
            let slice = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
            let _ = poll(&mut fds, Some(&slice));
            self.drain(&mut self.talk.lock());
        }
    }

    /// Says something that is not answered: now, or when the socket has room. Never waits, so that an
    /// authority that is stopped holds up nobody who drops a right.
    pub(crate) fn say(&self, request: &Request, fd: Option<&OwnedFd>) {
        if self.send(request, 0, fd).is_err() {
            self.check();
        }
    }

    fn send(&self, request: &Request, serial: u32, fd: Option<&OwnedFd>) -> Result<(), AuthorityError> {
        let mut unsaid = self.unsaid.lock();
        if !self.say_all(&mut unsaid)? || !self.put(request, serial, fd)? {
            let fd = fd.map(OwnedFd::try_clone).transpose()?;
            unsaid.keep(Waiting { request: request.clone(), serial, fd });
        }
        Ok(())
    }

    /// Says what was not said yet, as far as the socket has room; says whether that was all.
    pub(crate) fn flush(&self) -> Result<bool, AuthorityError> {
        self.say_all(&mut self.unsaid.lock())
    }

    fn say_all(&self, unsaid: &mut Unsaid) -> Result<bool, AuthorityError> {
        while let Some(Waiting { request, serial, fd }) = unsaid.front() {
            match self.put(request, *serial, fd.as_ref()) {
                Ok(true) => unsaid.advance(),
                Ok(false) => return Ok(false),
                Err(error) => {
                    unsaid.clear();
                    return Err(error);
                }
            }
        }
        Ok(true)
    }

    /// Puts a request into the socket; false if that has no room.
    fn put(&self, request: &Request, serial: u32, fd: Option<&OwnedFd>) -> Result<bool, AuthorityError> {
        match socket::send(&self.socket, &request.encode(serial), fd.map(AsFd::as_fd), false) {
            Ok(()) => Ok(true),
            Err(Errno::AGAIN | Errno::TOOMANYREFS) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Keeps what a waiting look-up came to; gives it back if nobody waits for that any more.
    pub(crate) fn appeared(&self, serial: u32, found: Found) -> Option<Found> {
        self.talk.lock().look_ups.appear(serial, found)
    }

    /// What a waiting look-up came to, if it has.
    pub(crate) fn take_appeared(&self, serial: u32) -> Option<Found> {
        self.talk.lock().look_ups.take(serial)
    }

    /// A waiting look-up is given up, unless it has come to something after all.
    pub(crate) fn give_up(&self, serial: u32) -> Option<Found> {
        let found = self.talk.lock().look_ups.give_up(serial);
        if found.is_none() {
            self.say(&Request::StopWaiting { look_up: serial }, None);
        }
        found
    }

    /// How many events have arrived: taken before a look, for [`wait_for_event`](Self::wait_for_event)
    /// after it.
    pub(crate) fn arrivals(&self) -> u32 {
        self.arrived.count.load(Ordering::Acquire)
    }

    /// Sleeps until more than `seen` events have arrived, or for a while.
    pub(crate) fn wait_for_event(&self, seen: u32, deadline: futex::Deadline) {
        futex::sync::futex_wait(&self.arrived.count, seen, deadline);
    }
}

/// One datagram of the authority.
pub(crate) fn receive(from: &OwnedFd, wait: bool) -> Result<(Event, Option<OwnedFd>), AuthorityError> {
    let mut bytes = [0; DATAGRAM_MAX];
    let datagram = match socket::receive(from, &mut bytes, wait) {
        // It died with something unread. The kernel says so once, and before what it said last.
        Err(Errno::CONNRESET) => socket::receive(from, &mut bytes, wait)?,
        other => other?,
    };
    if datagram.length == 0 {
        return Err(AuthorityError::Gone);
    }
    let event = Event::decode(&bytes[..datagram.length]).ok_or(AuthorityError::Protocol)?;
    Ok((event, datagram.fds.into_iter().next()))
}

/// Connects to the authority that the environment names, or to the user's, or to the system's.
pub(crate) fn find() -> Result<OwnedFd, AuthorityError> {
    if let Ok(value) = std::env::var(VARIABLE) {
        return match value.strip_prefix("fd:") {
            Some(number) => {
                let fd = number.parse().ok().and_then(inherited);
                fd.ok_or(AuthorityError::Variable { value })
            }
            None if value.contains('/') => open(&PathBuf::from(&value)),
            None => Err(AuthorityError::Variable { value }),
        };
    }
    let user = user_path();
    open(&user).or_else(|_| open(&PathBuf::from(SYSTEM_PATH))).map_err(|_| AuthorityError::NotFound {
        user: user.display().to_string(),
        system: SYSTEM_PATH.to_owned(),
    })
}

fn open(path: &std::path::Path) -> Result<OwnedFd, AuthorityError> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}
