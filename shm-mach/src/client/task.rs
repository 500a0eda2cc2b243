//! A task: this process's ports and links, under one handle.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futex::Gate;
use futex::sync::Lock;

use crate::client::error::PortError;
use crate::client::identity::Identity;
use crate::client::link::{Link, NEWS_A_LOOK};
use crate::client::port::{Aftermath, Port};
use crate::client::receive_right::{ReceiveRight, TICK};
use crate::ring::group::{Samples, Sleepers, World};
use crate::ring::layout::{BELLS, Geometry, SLOTS_MAX};
use crate::ring::slot::Nonsense;
use crate::wire::control::Control;

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
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) options: Options,
    pub(crate) gate: Gate,
    pub(crate) identity: Identity,
    links: Lock<Arc<Vec<Arc<Link>>>>,
    ports: Lock<Ports>,
    sleepers: Sleepers,
    next_link: AtomicU64,
    /// Makes port keys without a system call: SipHash of a counter under a random key.
    keys: RandomState,
    next_key: AtomicU64,
    last_tick: AtomicU64,
}

#[derive(Debug, Default)]
struct Ports {
    slots: Vec<Option<Arc<Port>>>,
    free: Vec<u32>,
}

/// Ports of one task.
const PORTS_MAX: usize = 1 << 24;

impl Task {
    /// A task that knows nobody yet.
    pub(crate) fn new(options: Options) -> Self {
        let gate = if options.symmetric { Gate::Symmetric } else { Gate::register() };
        let inner = Inner {
            options,
            gate,
            identity: Identity::own(),
            links: Lock::default(),
            ports: Lock::default(),
            sleepers: Sleepers::default(),
            next_link: AtomicU64::new(1),
            keys: RandomState::new(),
            next_key: AtomicU64::new(0),
            last_tick: AtomicU64::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Makes a port and gives its receive right.
    ///
    /// # Errors
    /// [`PortError::Forked`], [`PortError::NoSpace`].
    pub fn allocate(&self) -> Result<ReceiveRight, PortError> {
        if crate::segment::fork::is_child() {
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
        let port = Arc::new(Port::new(index, self.next_secret(), bell, limit));
        ports.slots[index as usize] = Some(port.clone());
        Ok(port)
    }

    /// The receive right was dropped.
    pub(crate) fn destroy(&self, port: &Arc<Port>) {
        let mut ports = self.ports.lock();
        ports.slots[port.index as usize] = None;
        ports.free.push(port.index);
        drop(ports);
        drop(port.destroy());
        // Lanes that nobody has looked at yet: their senders may be waiting for room, and perhaps no
        // thread of this task ever looks again.
        for link in self.links().iter() {
            if self.take_all_news(link).is_err() {
                self.lose_link(link, true);
            }
        }
    }

    pub(crate) fn port(&self, index: u32) -> Option<Arc<Port>> {
        self.ports.lock().slots.get(index as usize).cloned().flatten()
    }

    /// A number that nobody can guess, also who has seen others of them.
    pub(crate) fn next_secret(&self) -> u64 {
        self.keys.hash_one(self.next_key.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn next_link(&self) -> u64 {
        self.next_link.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn add_link(&self, link: Arc<Link>) {
        let mut links = self.links.lock();
        let mut all = Vec::clone(&links);
        all.push(link);
        *links = Arc::new(all);
    }

    pub(crate) fn links(&self) -> Arc<Vec<Arc<Link>>> {
        self.links.lock().clone()
    }

    /// As [`tick`](Self::tick), if the last one is a second ago: for loops that never sleep.
    pub(crate) fn tick_if_due(&self) {
        let now = futex::sync::monotonic_ns();
        let last = self.last_tick.load(Ordering::Relaxed);
        if now.saturating_sub(last) >= TICK.as_nanos() as u64 {
            self.last_tick.store(now, Ordering::Relaxed);
            self.tick();
        }
    }

    /// Asks the kernel about each peer: called about once a second by whoever waits.
    pub(crate) fn tick(&self) {
        for link in self.links().iter() {
            if link.has_died() {
                self.lose_link(link, false);
            }
        }
    }

    /// The peer died, or (`condemned`) wrote what no honest library writes: the link is over. What a
    /// dead peer had published is still received; of a condemned one nothing is.
    pub(crate) fn lose_link(&self, link: &Arc<Link>, condemned: bool) {
        if !link.set_dead() {
            return;
        }
        // The last news of a dead peer were published before it died: lanes opened, rights returned.
        let condemned = condemned || self.take_all_news(link).is_err();
        self.end_link(link, condemned);
    }

    /// Acts on all of a link's news that are there now. A ring holds only so many; a peer that goes on
    /// adding to them keeps nobody here.
    fn take_all_news(&self, link: &Arc<Link>) -> Result<(), Nonsense> {
        for _ in 0..=SLOTS_MAX / NEWS_A_LOOK {
            if self.look_at(link)? == 0 {
                break;
            }
        }
        Ok(())
    }

    fn end_link(&self, link: &Arc<Link>, condemned: bool) {
        let mut links = self.links.lock();
        *links = Arc::new(links.iter().filter(|other| !Arc::ptr_eq(other, link)).cloned().collect());
        drop(links);
        let ports: Vec<_> = self.ports.lock().slots.iter().flatten().cloned().collect();
        for port in ports {
            self.perform(port.lose_peer(link, condemned));
        }
    }

    /// What a port left to do when its lock was released.
    pub(crate) fn perform(&self, aftermath: Aftermath) {
        for (port, notification) in aftermath.due {
            port.notify(notification);
        }
        for link in aftermath.condemned {
            self.lose_link(&link, true);
        }
    }

    /// Acts on some of a link's news; says on how many.
    fn look_at(&self, link: &Arc<Link>) -> Result<usize, Nonsense> {
        link.take_news(self.sleepers.is_empty(), |news| {
            match news {
                Control::Opened { lane, generation, port, epoch, key, start } => {
                    let target = self.port(port);
                    let lane_in = link.adopt_lane(lane, generation, start, self.options.limit)?;
                    match target {
                        Some(target) => target.claim(link, epoch, key, lane as usize, lane_in),
                        None => link.kill_lane(lane as usize, lane_in, crate::ring::lane_out::Death::Died),
                    }
                }
                Control::Returned { port, epoch, key, count } => {
                    if let Some(port) = self.port(port) {
                        self.perform(port.take_back(link, epoch, key, count));
                    }
                }
                Control::Abandoned { lane, end } => link.bury_lane(lane, end)?,
            }
            Ok(())
        })
    }
}

impl World for Inner {
    fn sample(&self, samples: &mut Samples) {
        for link in self.links().iter() {
            link.sample(samples);
        }
    }

    fn look(&self) {
        for link in self.links().iter() {
            if self.look_at(link).is_err() {
                self.lose_link(link, true);
            }
        }
    }

    fn arm(&self, gates: &mut Vec<Gate>) {
        for link in self.links().iter() {
            if link.arm() {
                gates.push(link.gate);
            }
        }
    }

    fn sleepers(&self) -> &Sleepers {
        &self.sleepers
    }
}
