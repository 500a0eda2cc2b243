//! What one name stands for.

use super::port::{Place, PortId, ReceiverId};
use super::right::TypeBits;
use super::urefs::Urefs;

/// What a space knows of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub(super) state: State,
    pub(super) request: Option<Request>,
    pub(super) place: Place,
    /// Neighbours among the space's send-once rights to the same port.
    pub(super) once: Links,
}

/// The rights under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A send right, a receive right, or both, to one port. Never neither.
    Port {
        /// The port.
        port: PortId,
        /// Its receiver, as the space was told.
        receiver: ReceiverId,
        /// References to the send right, if there is one.
        send: Option<Urefs>,
        /// The receive right, if it is here.
        receive: Option<Receive>,
    },
    /// One send-once right.
    SendOnce {
        /// The port.
        port: PortId,
        /// Its receiver.
        receiver: ReceiverId,
        /// What the caller gave with the right.
        handle: u64,
    },
    /// A port set.
    PortSet {
        /// What the caller gave with the set.
        handle: u64,
    },
    /// A dead name.
    Dead {
        /// References to it.
        urefs: Urefs,
        /// Whether the receive right died under this name: its holder knows why the name is dead.
        was_receive: bool,
    },
}

/// The receive right of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receive {
    /// What the caller gave with the right.
    pub handle: u64,
    /// What the caller said of it since.
    pub traits: ReceiveTraits,
}

/// What decides whether a receive right may be dropped or moved, and what then becomes of it. The
/// caller, who keeps the port itself, tells the space when it changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiveTraits {
    /// Whether the port is guarded.
    pub guard: Guard,
    /// The right may not be moved.
    pub immovable: bool,
    /// A port-destroyed request is armed.
    pub port_destroyed: bool,
    /// Only send-once rights are made of it.
    pub for_replies: bool,
}

/// A port's guard, as far as the space must know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Guard {
    /// Not guarded.
    #[default]
    None,
    /// Guarded with the value 0: only `destroy` still drops it.
    Zero,
    /// Guarded with another value.
    Value,
}

/// Neighbours in a list of indices; 0: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Links {
    pub(super) previous: u32,
    pub(super) next: u32,
}

/// Somebody wants to hear of what happens to a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// What the caller needs to send the notification.
    pub handle: u64,
    /// What is asked for.
    pub kind: RequestKind,
}

/// What a request asks for. All of them hear of the name's end as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// The port's death.
    DeadName,
    /// Room in the port's queue, once a send has met a full one.
    SendPossibleDelayed,
    /// Room in the port's queue.
    SendPossible,
}

impl Entry {
    pub(super) fn new(state: State, place: Place) -> Self {
        Self { state, request: None, place, once: Links::default() }
    }

    /// The rights under the name.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The request on the name, if any.
    pub fn request(&self) -> Option<Request> {
        self.request
    }

    /// Where the right leads.
    pub fn place(&self) -> Place {
        self.place
    }

    /// The type bits, those of a request included.
    pub fn type_bits(&self) -> TypeBits {
        let mut bits = match self.state {
            State::Port { send, receive, .. } => {
                let send = send.map_or(TypeBits::NONE, |_| TypeBits::SEND);
                send | receive.map_or(TypeBits::NONE, |_| TypeBits::RECEIVE)
            }
            State::SendOnce { .. } => TypeBits::SEND_ONCE,
            State::PortSet { .. } => TypeBits::PORT_SET,
            State::Dead { .. } => TypeBits::DEAD_NAME,
        };
        if let Some(request) = self.request {
            bits |= TypeBits::DNREQUEST;
            bits |= match request.kind {
                RequestKind::DeadName => TypeBits::NONE,
                RequestKind::SendPossibleDelayed => TypeBits::SPREQUEST_DELAYED,
                RequestKind::SendPossible => TypeBits::SPREQUEST,
            };
        }
        bits
    }

    /// References to the send right or dead name; 1 for a send-once right, else 0.
    pub fn urefs(&self) -> u16 {
        match self.state {
            State::Port { send, .. } => send.map_or(0, Urefs::get),
            State::SendOnce { .. } => 1,
            State::PortSet { .. } => 0,
            State::Dead { urefs, .. } => urefs.get(),
        }
    }

    /// The port that a right under this name is for.
    pub fn port(&self) -> Option<(PortId, ReceiverId)> {
        match self.state {
            State::Port { port, receiver, .. } | State::SendOnce { port, receiver, .. } => {
                Some((port, receiver))
            }
            State::PortSet { .. } | State::Dead { .. } => None,
        }
    }
}
