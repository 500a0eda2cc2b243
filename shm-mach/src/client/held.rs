//! What the library keeps behind a send right: one *credit*, the reason why the port's receiver
//! counts this task as a sender.
//!
//! All handles to a right, and the references that its name owns, stand on one credit. A name can have
//! several credits under it, which never merge: of different epochs of the port, because a revocation
//! may have ended one and not the other; and by different issuers, because what a third task says of a
//! right may be a lie, and giving back the honest one as surplus would end it.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use futex::sync::Lock;

use crate::client::holders::AUTHORITY;
use crate::client::link::Link;
use crate::client::port::Port;
use crate::client::send_right::Sender;
use crate::ipc::{PortId, PortName, ReceiverId};
use crate::ring::lane_out::Death;
use crate::wire::request::{MOVED, PortRef};

/// One credit, and the port that it is for.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) name: PortName,
    target: Target,
    /// What one handle has learned of the right's end holds for all of them.
    pub(crate) death: OnceLock<Death>,
    /// There is more than one handle or lane by which messages can come to the port, and the receiver may
    /// not know it yet: all of them stamp what they send, from before the second one exists.
    pub(crate) is_shared: AtomicBool,
    /// How many rights have merged into it: a lane that was opened before the last one may be dead by a
    /// revocation that the last one came after.
    pub(crate) arrivals: AtomicU32,
    /// The question by which the receiver was asked to tell of the right's end; 0: it was not asked since the
    /// last one arrived. Changes under the lock of the names.
    pub(crate) watched: AtomicU64,
    pub(crate) by_name: Lock<ByName>,
}

/// The lane of sends by name: one for all threads, so that they have one order.
#[derive(Debug, Default)]
pub(crate) struct ByName {
    sender: Option<Box<Sender>>,
    /// Somebody uses it, or is about to open it.
    is_taken: bool,
    /// The credit is over: nothing is kept here any more.
    is_over: bool,
}

impl ByName {
    /// Takes the lane, if nobody has it: the lane if there is one, `None` where it is still to be opened.
    pub(crate) fn take(&mut self) -> Option<Option<Box<Sender>>> {
        if std::mem::replace(&mut self.is_taken, true) { None } else { Some(self.sender.take()) }
    }

    /// Puts it back; gives it to the caller if it will not be needed any more.
    pub(crate) fn put(&mut self, sender: Option<Box<Sender>>) -> Option<Box<Sender>> {
        self.is_taken = false;
        if self.is_over || self.sender.is_some() {
            return sender;
        }
        self.sender = sender;
        None
    }

    /// Whether the credit is over.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Takes over the lane of the same credit under an older name; gives it back if there is one already,
    /// or soon will be.
    pub(crate) fn inherit(&mut self, sender: Box<Sender>) -> Option<Box<Sender>> {
        if self.is_taken || self.is_over || self.sender.is_some() {
            return Some(sender);
        }
        self.sender = Some(sender);
        None
    }

    /// The credit is over.
    pub(crate) fn end(&mut self) -> Option<Box<Sender>> {
        self.is_over = true;
        self.sender.take()
    }
}

/// Where a right leads.
#[derive(Debug)]
pub(crate) enum Target {
    /// To a port of this task's own.
    Local(Arc<Port>),
    /// To a port of another task's.
    Remote {
        /// That task.
        receiver: u64,
        /// What the receiver knows the right by.
        port: PortRef,
        /// The task that has passed it on; 0: the receiver itself, or the authority, has given it.
        by: u64,
        /// Made at the first send, if it is not there yet.
        link: OnceLock<Arc<Link>>,
    },
}

impl Target {
    /// What the port is called among all tasks, and who receives from it.
    pub(crate) fn id(&self, own: ReceiverId) -> (PortId, ReceiverId) {
        match self {
            Self::Local(port) => Self::id_of(port, own),
            Self::Remote { receiver, port, .. } => {
                let (birth, index, secret) = (*receiver, port.port, port.key);
                (PortId { birth, index, generation: 0, secret }, ReceiverId(birth))
            }
        }
    }

    /// The same of a port of this task's own. The generation is 0: others are not told it, and the
    /// secret tells the lives of a number apart.
    pub(crate) fn id_of(port: &Port, own: ReceiverId) -> (PortId, ReceiverId) {
        (PortId { birth: own.0, index: port.number, generation: 0, secret: port.key }, own)
    }

    /// A right that the peer of `link` has given to this task.
    pub(crate) fn linked(link: Arc<Link>, port: PortRef) -> Self {
        Self::Remote { receiver: link.task, port, by: AUTHORITY, link: OnceLock::from(link) }
    }

    /// A right to a port of a task that this one may not be linked with yet, passed on by `by`; 0:
    /// by the authority.
    pub(crate) fn granted(by: u64, receiver: u64, port: PortRef) -> Self {
        Self::Remote { receiver, port, by, link: OnceLock::new() }
    }

    /// The same, for another credit.
    fn again(&self) -> Self {
        match self {
            Self::Local(port) => Self::Local(port.clone()),
            Self::Remote { receiver, port, by, link } => {
                Self::Remote { receiver: *receiver, port: *port, by: *by, link: link.clone() }
            }
        }
    }

    /// Whether a second right that leads there has the same worth, so that one credit will do.
    pub(crate) fn merges_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Local(port), Self::Local(same)) => Arc::ptr_eq(port, same),
            (Self::Remote { port, by, receiver, .. }, Self::Remote { port: p, by: i, receiver: r, .. }) => {
                (receiver, by, port.port, port.epoch, port.key) == (r, i, p.port, p.epoch, p.key)
            }
            _ => false,
        }
    }

    /// Whether it is to a port that another task has given its receiver.
    pub(crate) fn has_moved(&self) -> bool {
        matches!(self, Self::Remote { port, .. } if port.port == MOVED)
    }

    /// The task that receives, if it is another.
    pub(crate) fn receiver(&self) -> Option<u64> {
        match self {
            Self::Local(_) => None,
            Self::Remote { receiver, .. } => Some(*receiver),
        }
    }

    /// The link, if there is one.
    pub(crate) fn link(&self) -> Option<&Arc<Link>> {
        match self {
            Self::Local(_) => None,
            Self::Remote { link, .. } => link.get(),
        }
    }
}

impl Held {
    pub(crate) fn new(name: PortName, target: Target) -> Arc<Self> {
        Arc::new(Self {
            name,
            target,
            death: OnceLock::new(),
            is_shared: AtomicBool::new(false),
            arrivals: AtomicU32::new(0),
            watched: AtomicU64::new(0),
            by_name: Lock::default(),
        })
    }

    /// The same credit under another name. The lane of sends by name is the old one's still.
    pub(crate) fn renamed(&self, name: PortName) -> Arc<Self> {
        Arc::new(Self {
            name,
            target: self.target.again(),
            death: self.death.clone(),
            is_shared: AtomicBool::new(true),
            arrivals: AtomicU32::new(self.arrivals.load(Ordering::Relaxed)),
            watched: AtomicU64::new(self.watched.load(Ordering::Relaxed)),
            by_name: Lock::default(),
        })
    }

    /// Where the right leads now: a port of this task's own may have moved.
    #[inline]
    pub(crate) fn target(&self) -> &Target {
        match &self.target {
            Target::Local(port) => port.moved_to().unwrap_or(&self.target),
            remote => remote,
        }
    }

    /// Somebody else is about to have a way to the port.
    pub(crate) fn share(&self) {
        self.is_shared.store(true, Ordering::Relaxed);
    }

    /// Whether nothing can be sent by it any more, as far as this task knows.
    pub(crate) fn is_dead(&self) -> bool {
        self.death.get().is_some()
    }

    /// Whether this is a right to a port of that task's.
    pub(crate) fn is_of(&self, task: u64) -> bool {
        self.target().receiver() == Some(task)
    }

    /// The right is dead, as the caller has learned.
    pub(crate) fn die(&self, death: Death) -> Death {
        *self.death.get_or_init(|| death)
    }
}
