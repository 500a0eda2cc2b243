//! A task: this process's ports and links, under one handle.

use std::hash::{BuildHasher, RandomState};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use futex::Gate;
use futex::sync::Lock;

use crate::client::attach::Authority;
use crate::client::held::{Held, Target};
use crate::client::hosted::Hosted;
use crate::client::identity::Identity;
use crate::client::link::Link;
use crate::client::numbered::Numbers;
use crate::client::once_grants::OnceGrants;
use crate::client::passed::Passed;
use crate::client::peers::Peers;
use crate::client::port::{Owner, Port};
use crate::client::receive_right::ReceiveRight;
use crate::client::rooms::Rooms;
use crate::client::send_right::{SendRight, Sender};
use crate::client::settlement::Settlement;
use crate::client::space::{Leftover, Names};
use crate::client::tick::Ticks;
use crate::client::timers::Timers;
use crate::ipc::backing::LINES_MAX;
use crate::ipc::{NameReader, NameTable, New, PortError, PortName, RawName, ReceiverId};
use crate::ring::lane_out::Death;
use crate::ring::layout::{Bell, Geometry};
use crate::ring::sleepers::Sleepers;
use crate::segment::Shared;
use crate::segment::fork::Process;
use crate::wire::request::{PAIRED, PortRef, Request};

/// The next [`Inner::serial`].
static NEXT_SERIAL: AtomicU64 = AtomicU64::new(1);

/// How a task is made.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub(crate) geometry: Geometry,
    pub(crate) limit: u32,
    pub(crate) symmetric: bool,
    pub(crate) names: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            geometry: Geometry::DEFAULT,
            limit: Self::DEFAULT_LIMIT,
            symmetric: false,
            names: Self::DEFAULT_NAMES,
        }
    }
}

impl Options {
    /// How many messages of one sender a port's queue holds unless it is told otherwise: room for a
    /// stream to flow while the receiver is descheduled. (Mach's own default is 5.)
    pub const DEFAULT_LIMIT: u32 = 256;
    /// The largest queue limit.
    pub const LIMIT_MAX: u32 = 1024;
    /// How many names a task can have unless it is told otherwise.
    pub const DEFAULT_NAMES: usize = (1 << 20) - 1;
    /// The most names that a task can have.
    pub const NAMES_MAX: usize = LINES_MAX - 1;

    /// The sizes of the halves that this task makes.
    ///
    /// # Panics
    /// When [`Geometry::is_valid`] says no.
    #[must_use]
    pub fn geometry(mut self, geometry: Geometry) -> Self {
        assert!(geometry.is_valid(), "not a possible geometry: {geometry:?}");
        self.geometry = geometry;
        self
    }

    /// The queue limit of ports that this task makes, at most [`LIMIT_MAX`](Self::LIMIT_MAX).
    #[must_use]
    pub fn queue_limit(mut self, limit: u32) -> Self {
        self.limit = limit.min(Self::LIMIT_MAX);
        self
    }

    /// How many names the task can have at a time, from 1 to [`NAMES_MAX`](Self::NAMES_MAX). Each
    /// takes 64 bytes of address space, and memory once it is used.
    #[must_use]
    pub fn names(mut self, most: usize) -> Self {
        self.names = most.clamp(1, Self::NAMES_MAX);
        self
    }

    /// Fence on both sides instead of `membarrier`: for a process that will lose that system call
    /// to a sandbox. Sends become slower by a full fence.
    #[must_use]
    pub fn without_membarrier(mut self) -> Self {
        self.symmetric = true;
        self
    }
}

/// This process as a task: cheap to clone, and alive as long as any right made from it.
#[derive(Clone, Debug)]
pub struct Task {
    pub(crate) inner: Arc<Inner>,
}

/// What all handles of a task share.
pub(crate) struct Inner {
    /// Itself, for handles that the library makes.
    pub(super) me: Weak<Self>,
    process: Process,
    pub(crate) options: Options,
    pub(crate) gate: Gate,
    pub(crate) identity: Identity,
    pub(crate) authority: Option<Authority>,
    pub(crate) links: Lock<Arc<Vec<Arc<Link>>>>,
    /// Rung when a link comes or is completed: whoever sleeps must watch its bells too.
    pub(crate) changes: Shared<Bell>,
    pub(crate) peers: Peers,
    pub(crate) passed: Passed,
    pub(crate) settlement: Settlement,
    pub(crate) hosted: Hosted,
    /// Held while receive rights of this task's leave their names. Taken before that of a port, of the
    /// names, or of a link.
    pub(crate) moving: Lock<()>,
    /// Held by the thread that acts on news: one after the other, in order.
    pub(crate) acting: Lock<()>,
    /// What the task holds. No other lock is taken while this one is held.
    pub(crate) names: Lock<Names>,
    /// The table of the names, for looking without the lock.
    pub(crate) reader: NameReader,
    /// The read-only file of that table.
    table: OwnedFd,
    /// Tells tasks of this process apart.
    pub(crate) serial: u64,
    pub(crate) sleepers: Sleepers,
    pub(crate) once_grants: OnceGrants,
    pub(crate) numbers: Numbers,
    pub(crate) rooms: Rooms,
    pub(crate) timers: Timers,
    next_link: AtomicU64,
    /// Makes keys without a system call: SipHash of a counter under a random key.
    keys: RandomState,
    /// Apart from the numbers of ports.
    next_key: AtomicU64,
    pub(crate) ticks: Ticks,
}

impl std::fmt::Debug for Inner {
    /// Who it is, and no secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl Task {
    /// A task that knows nobody yet.
    ///
    /// # Errors
    /// What the kernel says of mapping one page.
    pub(crate) fn new(
        options: Options,
        authority: Option<Authority>,
        (table, file): (NameTable, OwnedFd),
    ) -> std::io::Result<Self> {
        let gate = if options.symmetric { Gate::Symmetric } else { Gate::register() };
        let own = ReceiverId(authority.as_ref().map_or(PAIRED, |authority| authority.task));
        let reader = table.reader();
        let keys = RandomState::new();
        let seed = keys.hash_one(u64::MAX);
        let process = Process::current()?;
        let inner = Arc::new_cyclic(|me| Inner {
            me: me.clone(),
            process,
            options,
            gate,
            identity: Identity::own(),
            authority,
            links: Lock::default(),
            changes: Shared::heap(Bell::default()),
            peers: Peers::default(),
            passed: Passed::default(),
            settlement: Settlement::default(),
            hosted: Hosted::default(),
            moving: Lock::default(),
            acting: Lock::default(),
            names: Lock::new(Names::new(own, table, seed)),
            reader,
            table: file,
            serial: NEXT_SERIAL.fetch_add(1, Ordering::Relaxed),
            sleepers: Sleepers::default(),
            once_grants: OnceGrants::default(),
            numbers: Numbers::default(),
            rooms: Rooms::default(),
            timers: Timers::default(),
            next_link: AtomicU64::new(1),
            keys,
            next_key: AtomicU64::new(1 << 63),
            ticks: Ticks::default(),
        });
        Ok(Self { inner })
    }

    /// Makes a port and gives its receive right.
    ///
    /// # Errors
    /// [`PortError::Forked`], [`PortError::NoSpace`], [`PortError::ResourceShortage`].
    pub fn allocate(&self) -> Result<ReceiveRight, PortError> {
        if self.inner.is_forked() {
            return Err(PortError::Forked);
        }
        let (port, name) = self.inner.allocate(self.inner.options.limit, None)?;
        Ok(ReceiveRight::new(self.inner.clone(), port, name))
    }

    /// The read-only file of the table of this task's names, for a tool in another process: see
    /// [`NameReader::adopt`](crate::ipc::NameReader::adopt). An authority gets one at attach.
    pub fn names_file(&self) -> BorrowedFd<'_> {
        self.inner.table.as_fd()
    }

    /// Who this task is to those who receive from it.
    pub fn identity(&self) -> Identity {
        self.inner.identity
    }
}

impl Inner {
    /// Whether this process is a forked child of the task's: nothing of the task is usable here.
    #[inline]
    pub(crate) fn is_forked(&self) -> bool {
        self.process.is_other()
    }

    /// Which of the tasks of the machine it is, for what belongs to it.
    pub(crate) fn owner(&self) -> Owner {
        Owner { process: self.process, task: self.serial }
    }

    /// Makes a port, and a name for it: one that was chosen, or any.
    ///
    /// # Errors
    /// As [`Task::allocate_name`], or [`Task::allocate`] if no name was chosen.
    pub(crate) fn allocate(
        &self,
        limit: u32,
        chosen: Option<RawName>,
    ) -> Result<(Arc<Port>, PortName), PortError> {
        let names = &mut *self.names.lock();
        let port = names.ports.claim(&self.keys, limit, (self.owner(), self.identity))?;
        let (id, _) = Target::id_of(&port, names.space.task());
        let place = names.ports.place(port.index);
        let new = New::Receive { port: id, place, handle: u64::from(port.index) };
        let named = match chosen {
            Some(name) => names.space.allocate_name(name, new),
            None => names.space.allocate(new),
        };
        match named {
            Ok(name) => {
                names.ports.name(port.index, name);
                Ok((port, name))
            }
            Err(error) => {
                names.ports.release(port.index);
                Err(error)
            }
        }
    }

    /// The handle to a receive right was dropped.
    pub(crate) fn drop_receive(&self, port: &Port, name: PortName) {
        let mut rest = Leftover::default();
        let dies = self.names.lock().drop_receive(port.index, name, &mut rest);
        if let Some(is_registered) = dies {
            self.destroy(port, is_registered);
        }
        self.finish(rest);
    }

    /// A port's receive right is gone; `is_registered`: the authority keeps a name for it.
    pub(super) fn destroy(&self, port: &Port, is_registered: bool) {
        if let (true, Some(authority)) = (is_registered, &self.authority) {
            authority.say(&Request::Unregister { key: port.key }, None);
        }
        self.forget_timer(port);
        let (was_given, aftermath) = port.destroy();
        self.once_grants.end_all(port);
        self.perform(aftermath);
        if was_given {
            self.look_after_death();
            self.destroy_all_unread();
        }
        self.end_doomed();
    }

    /// Does what a call on names left over. Called with no lock held.
    pub(crate) fn finish(&self, rest: Leftover) {
        for (old, new) in rest.renamed {
            let sender = old.by_name.lock().end();
            let left = sender.and_then(|sender| new.by_name.lock().inherit(sender));
            if let (Some(sender), Some(link)) = (left, new.target().link()) {
                let Sender { index, lane, .. } = *sender;
                self.names.lock().lane_closed(&new, index);
                link.close_lane(index, lane);
            }
        }
        for target in rest.surplus {
            self.give_back(&target);
        }
        for port in rest.moved {
            port.begin_anew();
        }
        for held in rest.ended {
            self.end_credit(&held);
        }
        for (port, is_registered) in rest.destroyed {
            self.destroy(&port, is_registered);
        }
        for port in rest.returned {
            self.end_nameless(&port);
        }
        for set in rest.sets {
            set.end();
        }
        for (right, notification) in rest.fired {
            right.notify(self, notification);
        }
        for right in rest.unused {
            right.end(self);
        }
    }

    /// Nobody stands on the credit any more: the receiver counts one sender less.
    fn end_credit(&self, held: &Arc<Held>) {
        let sender = held.by_name.lock().end();
        if let (Some(sender), Some(link)) = (sender, held.target().link()) {
            let Sender { index, lane, .. } = *sender;
            link.close_lane(index, lane);
        }
        self.give_back(held.target());
        if let Target::Remote { receiver, port, .. } = *held.target() {
            self.hand_on_spare(receiver, port);
        }
    }

    /// Gives back a right of this task's, which the receiver has counted.
    pub(crate) fn give_back(&self, target: &Target) {
        match target {
            Target::Local(port) => match port.drop_local_sender() {
                Some(aftermath) => self.perform(aftermath),
                None => port.moved_to().into_iter().for_each(|target| self.give_back(target)),
            },
            Target::Remote { receiver, port, link, by } => {
                let by = self.passed.leave(*by, *receiver, *port);
                match link.get() {
                    Some(link) => link.give_back(*port, 1, by),
                    None => self.release(by, *receiver, *port),
                }
            }
        }
    }

    /// A right to another task's port arrives, passed on by `by` (0: by the authority).
    ///
    /// # Errors
    /// As [`take_in`](Self::take_in).
    pub(crate) fn take_granted(
        self: &Arc<Self>,
        by: u64,
        receiver: u64,
        port: PortRef,
    ) -> Result<SendRight, PortError> {
        self.passed.arrive(by, receiver, port);
        self.take_in(Target::granted(by, receiver, port))
    }

    /// A right arrives, or was made.
    ///
    /// # Errors
    /// [`PortError::NoSpace`], [`PortError::ResourceShortage`]; the right was given back.
    pub(crate) fn take_in(self: &Arc<Self>, target: Target) -> Result<SendRight, PortError> {
        if target.has_moved() {
            // Perhaps from this task, and its own rights to it are about to be known by that.
            drop(self.moving.lock());
        }
        let taken = self.names.lock().take_in(target);
        match taken {
            Ok((held, surplus)) => {
                if let Some(target) = surplus {
                    self.give_back(&target);
                }
                Ok(SendRight::new(self.clone(), held))
            }
            Err((error, target)) => {
                self.give_back(&target);
                Err(error)
            }
        }
    }

    /// A right is dead, as one of its handles has learned.
    pub(crate) fn learn(&self, held: &Held, death: Death) -> Death {
        let death = held.die(death);
        let mut rest = Leftover::default();
        self.names.lock().judge(held, &mut rest);
        self.finish(rest);
        death
    }

    pub(crate) fn port(&self, index: u32) -> Option<Arc<Port>> {
        self.names.lock().ports.get(index).cloned()
    }

    /// The port that another task knows by this number and key, if it lives.
    pub(crate) fn find_port(&self, number: u32, key: u64) -> Option<Arc<Port>> {
        self.names.lock().ports.find(number, key).filter(|port| port.key == key).cloned()
    }

    pub(crate) fn all_ports(&self) -> Vec<Arc<Port>> {
        self.names.lock().ports.live().cloned().collect()
    }

    /// A number that nobody can guess, also who has seen others of them.
    pub(crate) fn next_secret(&self) -> u64 {
        self.secret(self.next_serial())
    }

    fn secret(&self, serial: u64) -> u64 {
        self.keys.hash_one(serial)
    }

    /// A number of this task's own that comes once. (The secrets are made of them.)
    pub(crate) fn next_serial(&self) -> u64 {
        self.next_key.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn next_link(&self) -> u64 {
        self.next_link.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn add_link(&self, link: Arc<Link>) {
        let mut links = self.links.lock();
        let mut all = Vec::clone(&links);
        all.push(link);
        *links = Arc::new(all);
        drop(links);
        self.ring_changes();
    }

    /// The words to sleep on are others than before.
    pub(crate) fn ring_changes(&self) {
        self.changes.count.fetch_add(1, Ordering::Release);
        futex::sync::futex_wake(&self.changes.count, 1);
    }

    pub(crate) fn links(&self) -> Arc<Vec<Arc<Link>>> {
        self.links.lock().clone()
    }
}
