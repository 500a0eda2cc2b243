//! What the library tells a task by a message of its own.

use crate::client::identity::Identity;
use crate::client::message::Received;
use crate::ipc::{Notice, PortName};
use crate::wire::mach::notify::NDR;

/// What the library tells a task by a message of its own.
///
/// Where a name is told, it is one of the task that had asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notification {
    /// A name was given up while its port lived, and with it the request that stood on it
    /// (`MACH_NOTIFY_PORT_DELETED`).
    PortDeleted {
        /// The name as it was; it may stand for something else by now.
        name: PortName,
    },
    /// A queue that was full was read from (`MACH_NOTIFY_SEND_POSSIBLE`).
    SendPossible {
        /// The name of the right to send there.
        name: PortName,
    },
    /// A port's receive right was given up, and is in this message: the first of its rights
    /// (`MACH_NOTIFY_PORT_DESTROYED`).
    PortDestroyed,
    /// No task holds a send right to the port any more (`MACH_NOTIFY_NO_SENDERS`).
    NoSenders {
        /// How many send rights were ever made from the receive right (`mscount`).
        mscount: u32,
    },
    /// A send-once right to the port is gone unused: dropped, or its holder died
    /// (`MACH_NOTIFY_SEND_ONCE`).
    SendOnce,
    /// A port died (`MACH_NOTIFY_DEAD_NAME`).
    DeadName {
        /// The dead name. It has one reference more, which whoever reads this gives up.
        name: PortName,
    },
}

/// What can be asked for with [`Task::request_notification`](crate::Task::request_notification).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i32)]
pub enum NotificationKind {
    /// Room in the queue that the right under a name leads to: [`Notification::SendPossible`]. Else as
    /// [`DeadName`](Self::DeadName), which comes if the port dies before.
    SendPossible = 66,
    /// That a port's receive right is given up: the port lives on, and the right comes with
    /// [`Notification::PortDestroyed`].
    PortDestroyed = 69,
    /// That nobody can send to a port any more, of whoever receives from it:
    /// [`Notification::NoSenders`].
    NoSenders = 70,
    /// The death of the port under a name: [`Notification::DeadName`]; or, if the name is given up
    /// before, [`Notification::PortDeleted`].
    DeadName = 72,
}

impl NotificationKind {
    /// The kind with this number, which is the `msgh_id` of its notification; `None` for what cannot
    /// be asked for.
    pub const fn from_id(id: i32) -> Option<Self> {
        match id {
            66 => Some(Self::SendPossible),
            69 => Some(Self::PortDestroyed),
            70 => Some(Self::NoSenders),
            72 => Some(Self::DeadName),
            _ => None,
        }
    }
}

impl Notification {
    /// What a request on a name has come to.
    pub(crate) fn of(notice: Notice, name: PortName) -> Self {
        match notice {
            Notice::PortDeleted => Self::PortDeleted { name },
            Notice::DeadName => Self::DeadName { name },
            Notice::SendPossible => Self::SendPossible { name },
        }
    }

    fn id(self) -> i32 {
        match self {
            Self::PortDeleted { .. } => 65,
            Self::SendPossible { .. } => 66,
            Self::PortDestroyed => 69,
            Self::NoSenders { .. } => 70,
            Self::SendOnce => 71,
            Self::DeadName { .. } => 72,
        }
    }

    /// The id and body of the notification's message.
    pub(crate) fn encode(self) -> (i32, Vec<u8>) {
        let word = match self {
            Self::SendOnce | Self::PortDestroyed => return (self.id(), Vec::new()),
            Self::NoSenders { mscount } => mscount,
            Self::PortDeleted { name } | Self::SendPossible { name } | Self::DeadName { name } => name.get(),
        };
        (self.id(), [&NDR[..], &word.to_le_bytes()].concat())
    }

    /// The notification that a received message is, if the library sent it.
    pub(crate) fn decode(message: &Received) -> Option<Self> {
        if message.sender != Identity::KERNEL {
            return None;
        }
        let word = || Some(u32::from_le_bytes(message.body.get(8..12)?.try_into().ok()?));
        let name = || PortName::new(word()?);
        Some(match message.id {
            65 => Self::PortDeleted { name: name()? },
            66 => Self::SendPossible { name: name()? },
            69 => Self::PortDestroyed,
            70 => Self::NoSenders { mscount: word()? },
            71 => Self::SendOnce,
            72 => Self::DeadName { name: name()? },
            _ => return None,
        })
    }
}
