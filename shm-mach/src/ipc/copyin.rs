//! Taking a right out of a space, into a message.

use super::effect::Effects;
use super::entry::{Receive, State};
use super::error::PortError;
use super::name::RawName;
use super::port::{Place, PortId, ReceiverId};
use super::right::Disposition;
use super::space::Space;
use super::urefs::Urefs;

/// A right on its way, as it left a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// The name was a dead name: whoever receives this sees DEAD.
    Dead,
    /// A send right.
    Send {
        /// The port.
        port: PortId,
        /// Its receiver.
        receiver: ReceiverId,
        /// Where it came from.
        origin: Origin,
    },
    /// A send-once right.
    SendOnce {
        /// The port.
        port: PortId,
        /// Its receiver.
        receiver: ReceiverId,
        /// [`Origin::Moved`] or [`Origin::Made`].
        origin: Origin,
        /// If moved, what the caller gave with the right; if made, the receive right's handle.
        handle: u64,
    },
    /// The receive right. A guard stays behind; requests on the port go with it.
    Receive {
        /// The port.
        port: PortId,
        /// What the caller gave with the right.
        handle: u64,
    },
}

/// Where a right on its way came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The space keeps its own: one more right is in the world.
    Copied,
    /// The space's own right is on its way.
    Moved,
    /// It was made from the receive right: one more is in the world, and a new send right counts
    /// as made (mscount).
    Made,
}

impl Space {
    /// Takes out of `name` what `disposition` asks for, and consumes what it says.
    ///
    /// | disposition | needs | is consumed |
    /// |---|---|---|
    /// | `MoveReceive` | receive | the right; a send right keeps the name (S5) |
    /// | `MoveSend` | send, or a dead name | one reference, unless pegged |
    /// | `MoveSendOnce` | send-once, or a dead name | the right, or one reference to the dead name |
    /// | `CopySend` | send, or a dead name | nothing |
    /// | `MakeSend`, `MakeSendOnce` | receive | nothing |
    ///
    /// When the name goes with what was taken (S6, S8), a request on it fires as
    /// [`PortDeleted`](super::Notice::PortDeleted).
    ///
    /// # Errors
    /// 1. [`PortError::TaskGone`].
    /// 2. [`PortError::UnknownName`]: NULL and DEAD too; a caller that lets them pass looks first.
    /// 3. [`PortError::NoSuchRight`].
    /// 4. [`PortError::Immovable`], or [`PortError::ForReplies`] of a send right that is made.
    pub fn copyin(
        &mut self,
        name: RawName,
        disposition: Disposition,
        effects: &mut Effects,
    ) -> Result<Carried, PortError> {
        let index = self.find(name)?;
        match disposition {
            Disposition::MakeSend | Disposition::MakeSendOnce => self.make(index, disposition),
            Disposition::CopySend => self.copy_send(index),
            Disposition::MoveSend => self.move_send(index, effects),
            Disposition::MoveSendOnce => self.move_send_once(index, effects),
            Disposition::MoveReceive => self.move_receive(index, effects),
        }
    }

    /// Whether `copyin` with this disposition would succeed, with nothing taken.
    ///
    /// # Errors
    /// As [`copyin`](Self::copyin).
    pub fn check_copyin(&self, name: RawName, disposition: Disposition) -> Result<(), PortError> {
        let index = self.find(name)?;
        let is_there = match (self.slots.entry(index).state, disposition) {
            (State::Port { receive: Some(receive), .. }, Disposition::MoveReceive) => {
                if receive.traits.immovable {
                    return Err(PortError::Immovable);
                }
                true
            }
            (State::Port { receive: Some(receive), .. }, Disposition::MakeSend)
                if receive.traits.for_replies =>
            {
                return Err(PortError::ForReplies);
            }
            (State::Port { receive, .. }, Disposition::MakeSend | Disposition::MakeSendOnce) => {
                receive.is_some()
            }
            (State::Port { send, .. }, Disposition::MoveSend | Disposition::CopySend) => send.is_some(),
            (State::SendOnce { .. }, Disposition::MoveSendOnce) => true,
            (State::Dead { .. }, disposition) => matches!(
                disposition,
                Disposition::MoveSend | Disposition::CopySend | Disposition::MoveSendOnce
            ),
            _ => false,
        };
        if is_there { Ok(()) } else { Err(PortError::NoSuchRight) }
    }

    /// Adds a send right to a name from the rights under that same name (I2), and says where it
    /// came from: a made one counts (mscount), pegged or not.
    ///
    /// # Errors
    /// 1. [`PortError::TaskGone`].
    /// 2. [`PortError::ReservedName`]: NULL or DEAD.
    /// 3. [`PortError::BadDisposition`]: neither `MakeSend` nor `CopySend`.
    /// 4. [`PortError::UnknownName`].
    /// 5. [`PortError::DeadPort`]: a dead name.
    /// 6. [`PortError::NoSuchRight`].
    pub fn insert_same(&mut self, name: RawName, disposition: Disposition) -> Result<Origin, PortError> {
        self.alive()?;
        if !name.is_valid() {
            return Err(PortError::ReservedName);
        }
        if !matches!(disposition, Disposition::MakeSend | Disposition::CopySend) {
            return Err(PortError::BadDisposition);
        }
        let index = self.find(name)?;
        let is_made = disposition == Disposition::MakeSend;
        match &mut self.slots.entry_mut(index).state {
            State::Dead { .. } => return Err(PortError::DeadPort),
            State::Port { send, receive, .. } if if is_made { receive.is_some() } else { send.is_some() } => {
                *send = Some(send.map_or(Urefs::ONE, Urefs::one_more));
            }
            _ => return Err(PortError::NoSuchRight),
        }
        self.publish(index);
        Ok(if is_made { Origin::Made } else { Origin::Copied })
    }

    fn make(&self, index: u32, disposition: Disposition) -> Result<Carried, PortError> {
        let State::Port { port, receiver, receive: Some(receive), .. } = self.slots.entry(index).state else {
            return Err(PortError::NoSuchRight);
        };
        let origin = Origin::Made;
        Ok(match disposition {
            Disposition::MakeSend if receive.traits.for_replies => return Err(PortError::ForReplies),
            Disposition::MakeSend => Carried::Send { port, receiver, origin },
            _ => Carried::SendOnce { port, receiver, origin, handle: receive.handle },
        })
    }

    fn copy_send(&self, index: u32) -> Result<Carried, PortError> {
        match self.slots.entry(index).state {
            State::Port { port, receiver, send: Some(_), .. } => {
                Ok(Carried::Send { port, receiver, origin: Origin::Copied })
            }
            State::Dead { .. } => Ok(Carried::Dead),
            _ => Err(PortError::NoSuchRight),
        }
    }

    fn move_send(&mut self, index: u32, effects: &mut Effects) -> Result<Carried, PortError> {
        match self.slots.entry(index).state {
            State::Port { port, receiver, send: Some(urefs), receive } => {
                let left = urefs.one_less();
                let origin = if left.is_some() { Origin::Copied } else { Origin::Moved };
                self.set_rights(index, left, receive, effects);
                Ok(Carried::Send { port, receiver, origin })
            }
            State::Dead { .. } => self.move_dead(index),
            _ => Err(PortError::NoSuchRight),
        }
    }

    fn move_send_once(&mut self, index: u32, effects: &mut Effects) -> Result<Carried, PortError> {
        match self.slots.entry(index).state {
            State::SendOnce { port, receiver, handle } => {
                self.forget(index, effects);
                Ok(Carried::SendOnce { port, receiver, origin: Origin::Moved, handle })
            }
            State::Dead { .. } => self.move_dead(index),
            _ => Err(PortError::NoSuchRight),
        }
    }

    fn move_receive(&mut self, index: u32, effects: &mut Effects) -> Result<Carried, PortError> {
        let State::Port { port, send, receive: Some(receive), .. } = self.slots.entry(index).state else {
            return Err(PortError::NoSuchRight);
        };
        if receive.traits.immovable {
            return Err(PortError::Immovable);
        }
        self.set_rights(index, send, None, effects);
        Ok(Carried::Receive { port, handle: receive.handle })
    }

    fn move_dead(&mut self, index: u32) -> Result<Carried, PortError> {
        self.drop_dead(index);
        Ok(Carried::Dead)
    }

    /// Sets what is left under the name of a port; nothing left frees it, and a request on it fires.
    pub(super) fn set_rights(
        &mut self,
        index: u32,
        left_send: Option<Urefs>,
        left_receive: Option<Receive>,
        effects: &mut Effects,
    ) {
        if left_send.is_none() && left_receive.is_none() {
            return self.forget(index, effects);
        }
        let entry = self.slots.entry_mut(index);
        if let State::Port { send, receive, .. } = &mut entry.state {
            if receive.is_some() && left_receive.is_none() {
                entry.place = Place::NOWHERE;
            }
            (*send, *receive) = (left_send, left_receive);
        }
        self.publish(index);
    }
}
