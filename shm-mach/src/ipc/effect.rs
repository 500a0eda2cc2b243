//! What the caller has to do after a call on a space.

use super::name::PortName;
use super::port::{PortId, ReceiverId};

/// What a call leaves to be done outside the space's lock, in this order.
pub type Effects = Vec<Effect>;

/// One thing to be done outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// The space took in a send right that it held already, and needs one only: give one back. The
    /// lane to the port stays.
    SendSurplus {
        /// The port.
        port: PortId,
        /// Its receiver.
        receiver: ReceiverId,
    },
    /// The space's last reference to the port's send right is gone: close the lane, count one
    /// sender less.
    SendReleased {
        /// The port.
        port: PortId,
        /// Its receiver.
        receiver: ReceiverId,
    },
    /// A send-once right ended unused: its port gets a send-once notification.
    SendOnceDropped {
        /// The port.
        port: PortId,
        /// Its receiver.
        receiver: ReceiverId,
        /// What the caller gave with the right.
        handle: u64,
    },
    /// A send-once right's port is dead, and its name a dead name: nothing is left to be used or told.
    SendOnceDied {
        /// What the caller gave with the right.
        handle: u64,
    },
    /// The receive right is destroyed and the port dies with it. What this space held of the port
    /// is a dead name already.
    ReceiveDestroyed {
        /// The port.
        port: PortId,
        /// What the caller gave with the right.
        handle: u64,
    },
    /// The receive right left this space, but a port-destroyed request is armed: the port lives,
    /// and the right goes out in that notification. Should that fail, it is destroyed.
    ReceiveReturned {
        /// The port.
        port: PortId,
        /// What the caller gave with the right.
        handle: u64,
    },
    /// A port set is destroyed: its members leave it.
    SetDestroyed {
        /// What the caller gave with the set.
        handle: u64,
    },
    /// A request fired: its notification is due, and the request is gone.
    Notify {
        /// What the caller gave with the request.
        handle: u64,
        /// Which notification.
        notice: Notice,
        /// The name that it tells of.
        name: PortName,
    },
}

/// What a fired request says of its name. The numbers are the `msgh_id` of the notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Notice {
    /// The name was given up while its port lived.
    PortDeleted = 65,
    /// The port's queue has room again.
    SendPossible = 66,
    /// The port died: the name is a dead name, with one more reference.
    DeadName = 72,
}
