//! A task: this process's ports and links, under one handle.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futex::Gate;
use futex::sync::Lock;

use crate::client::attach::Authority;

use crate::client::error::PortError;
use crate::client::identity::Identity;
use crate::client::link::Link;
use crate::client::message::PortId;
use crate::client::numbered::Numbers;
use crate::client::once_grants::OnceGrants;
use crate::client::passed::Passed;
use crate::client::peers::Peers;
use crate::client::port::Port;
use crate::client::receive_right::ReceiveRight;
use crate::client::settlement::Settlement;
use crate::ring::layout::{BELLS, Bell, Geometry};
use crate::ring::sleepers::Sleepers;
use crate::segment::Shared;
use crate::segment::fork::Process;

/// How a task is made.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub(crate) geometry: Geometry,
    pub(crate) limit: u32,
    pub(crate) symmetric: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { geometry: Geometry::DEFAULT, limit: Self::DEFAULT_LIMIT, symmetric: false }
    }
}

impl Options {
    /// How many messages of one sender a port's queue holds unless it is told otherwise: room for a
    /// stream to flow while the receiver is descheduled. (Mach's own default is 5.)
    pub const DEFAULT_LIMIT: u32 = 256;
    /// The largest queue limit.
    pub const LIMIT_MAX: u32 = 1024;

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
    /// Held by the thread that acts on news: one after the other, in order.
    pub(crate) acting: Lock<()>,
    pub(crate) ports: Lock<Ports>,
    pub(crate) sleepers: Sleepers,
    pub(crate) once_grants: OnceGrants,
    pub(crate) numbers: Numbers,
    next_link: AtomicU64,
    /// Makes port keys without a system call: SipHash of a counter under a random key.
    keys: RandomState,
    next_key: AtomicU64,
    pub(crate) last_tick: AtomicU64,
}

impl std::fmt::Debug for Inner {
    /// Who it is, and no secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task").field("identity", &self.identity).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Ports {
    pub(crate) slots: Vec<Option<Arc<Port>>>,
    free: Vec<u32>,
}

/// Ports of one task.
const PORTS_MAX: usize = 1 << 24;

impl Task {
    /// A task that knows nobody yet.
    ///
    /// # Errors
    /// What the kernel says of mapping one page.
    pub(crate) fn new(options: Options, authority: Option<Authority>) -> std::io::Result<Self> {
        let gate = if options.symmetric { Gate::Symmetric } else { Gate::register() };
        let inner = Inner {
            process: Process::current()?,
            options,
            gate,
            identity: Identity::own(),
            authority,
            links: Lock::default(),
            changes: Shared::heap(Bell::default()),
            peers: Peers::default(),
            passed: Passed::default(),
            settlement: Settlement::default(),
            acting: Lock::default(),
            ports: Lock::default(),
            sleepers: Sleepers::default(),
            once_grants: OnceGrants::default(),
            numbers: Numbers::default(),
            next_link: AtomicU64::new(1),
            keys: RandomState::new(),
            next_key: AtomicU64::new(0),
            last_tick: AtomicU64::new(0),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Makes a port and gives its receive right.
    ///
    /// # Errors
    /// [`PortError::Forked`], [`PortError::NoSpace`].
    pub fn allocate(&self) -> Result<ReceiveRight, PortError> {
        if self.inner.is_forked() {
            return Err(PortError::Forked);
        }
        let port = self.inner.allocate(self.inner.options.limit)?;
        Ok(ReceiveRight::new(self.inner.clone(), port))
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

    fn allocate(&self, limit: u32) -> Result<Arc<Port>, PortError> {
        let mut ports = self.ports.lock();
        let index = match ports.free.pop() {
            Some(index) => index,
            None if ports.slots.len() < PORTS_MAX => {
                ports.slots.push(None);
                ports.slots.len() as u32 - 1
            }
            None => return Err(PortError::NoSpace),
        };
        // Bell 0 is for news; ports beyond the other 63 share bells, which costs kicks, not wakes.
        let bell = 1 + (index as usize % (BELLS - 1)) as u8;
        let serial = self.next_serial();
        let (id, at) = (PortId(serial), (index, self.secret(serial)));
        let port = Arc::new(Port::new(id, at, bell, limit, (self.process, self.identity)));
        ports.slots[index as usize] = Some(port.clone());
        Ok(port)
    }

    /// The receive right was dropped.
    pub(crate) fn destroy(&self, port: &Arc<Port>) {
        let mut ports = self.ports.lock();
        ports.slots[port.index as usize] = None;
        ports.free.push(port.index);
        drop(ports);
        let (messages, was_given) = port.destroy();
        self.once_grants.end_all(port);
        for message in messages {
            if let Some(from) = &message.raw.from {
                self.release_rights(&from.link, None, &message.raw.records);
            }
        }
        if was_given {
            self.look_after_death();
            self.destroy_all_unread();
        }
    }

    pub(crate) fn port(&self, index: u32) -> Option<Arc<Port>> {
        self.ports.lock().slots.get(index as usize).cloned().flatten()
    }

    pub(crate) fn all_ports(&self) -> Vec<Arc<Port>> {
        self.ports.lock().slots.iter().flatten().cloned().collect()
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
