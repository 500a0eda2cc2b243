//! User references, giving up, and asking.

use super::effect::{Effect, Effects, Notice};
use super::entry::{Guard, Receive, State};
use super::error::PortError;
use super::name::{PortName, RawName};
use super::port::PortId;
use super::right::{RIGHT_NUMBER, RightKind, TypeBits};
use super::space::Space;
use super::urefs::Urefs;

impl Space {
    /// All names with their type bits, those of requests included (F1).
    ///
    /// # Errors
    /// [`PortError::TaskGone`].
    pub fn names(&self) -> Result<Vec<(PortName, TypeBits)>, PortError> {
        self.alive()?;
        let row = |index| (self.slots.name(index), self.slots.entry(index).type_bits());
        Ok(self.slots.live().map(row).collect())
    }

    /// The type bits of a name, without the send-possible bits (F2). DEAD is a dead name.
    ///
    /// # Errors
    /// 1. [`PortError::TaskGone`].
    /// 2. [`PortError::UnknownName`].
    pub fn type_bits(&self, name: RawName) -> Result<TypeBits, PortError> {
        self.alive()?;
        if name == RawName::DEAD {
            return Ok(TypeBits::DEAD_NAME);
        }
        let bits = self.entry(name)?.type_bits();
        Ok(bits.without(TypeBits::SPREQUEST).without(TypeBits::SPREQUEST_DELAYED))
    }

    /// How many references a name has to the kind of right with this number (F8): 0 when the name
    /// does not stand for it. NULL and DEAD have one of send and send-once.
    ///
    /// # Errors
    /// 1. [`PortError::TaskGone`].
    /// 2. [`PortError::BadRight`].
    /// 3. [`PortError::UnknownName`].
    pub fn get_refs(&self, name: RawName, right: u32) -> Result<u16, PortError> {
        self.alive()?;
        let Some(kind) = right_kind(right)? else {
            return self.entry(name).map(|_| 0);
        };
        if !name.is_valid() {
            return may_be_null(kind).map(|()| 1);
        }
        let entry = self.entry(name)?;
        if !entry.type_bits().contains(kind.type_bit()) {
            return Ok(0);
        }
        Ok(match kind {
            RightKind::Receive | RightKind::PortSet => 1,
            RightKind::Send | RightKind::SendOnce | RightKind::DeadName => entry.urefs(),
        })
    }

    /// Gives up one reference (F7): of the send right, before all, or of the dead name; or the
    /// send-once right; or the port set. NULL and DEAD are fine.
    ///
    /// # Errors
    /// 1. [`PortError::TaskGone`].
    /// 2. [`PortError::UnknownName`].
    /// 3. [`PortError::NoSuchRight`]: a receive right alone.
    pub fn deallocate(&mut self, name: RawName, effects: &mut Effects) -> Result<(), PortError> {
        self.alive()?;
        if !name.is_valid() {
            return Ok(());
        }
        let index = self.find(name)?;
        match self.slots.entry(index).state {
            State::Port { send: Some(urefs), .. } => self.keep_send(index, urefs.one_less(), effects),
            State::Port { send: None, .. } => return Err(PortError::NoSuchRight),
            State::SendOnce { .. } | State::PortSet { .. } => self.give_up(index, effects),
            State::Dead { .. } => self.drop_dead(index),
        }
        Ok(())
    }

    /// Gives up everything under a name (F6). NULL and DEAD are fine.
    ///
    /// # Errors
    /// 1. [`PortError::TaskGone`].
    /// 2. [`PortError::UnknownName`].
    /// 3. [`PortError::Guarded`]: with a value other than 0.
    pub fn destroy(&mut self, name: RawName, effects: &mut Effects) -> Result<(), PortError> {
        self.alive()?;
        if !name.is_valid() {
            return Ok(());
        }
        let index = self.find(name)?;
        if let State::Port { receive: Some(receive), .. } = self.slots.entry(index).state
            && receive.traits.guard == Guard::Value
        {
            return Err(PortError::Guarded);
        }
        self.give_up(index, effects);
        Ok(())
    }

    /// Changes the references to the kind of right with this number by `delta` (F9). NULL and DEAD
    /// are fine with send and send-once.
    ///
    /// # Errors
    /// 1. [`PortError::TaskGone`].
    /// 2. [`PortError::BadRight`] (Q0).
    /// 3. [`PortError::UnknownName`].
    /// 4. [`PortError::NoSuchRight`] (Q1 to Q6).
    /// 5. [`PortError::BadDelta`]: for a counted right more than 65,535 either way, or more than
    ///    there are; for the others anything but 0 and -1.
    /// 6. [`PortError::Guarded`]: the receive right, with any value (Q2).
    pub fn mod_refs(
        &mut self,
        name: RawName,
        right: u32,
        delta: i32,
        effects: &mut Effects,
    ) -> Result<(), PortError> {
        self.alive()?;
        let kind = right_kind(right)?;
        if !name.is_valid() {
            return may_be_null(kind.ok_or(PortError::UnknownName)?);
        }
        let index = self.find(name)?;
        match (kind, self.slots.entry(index).state) {
            (Some(RightKind::Send), State::Port { send: Some(urefs), .. }) => {
                let left = urefs.changed_by(delta)?;
                self.keep_send(index, left, effects);
            }
            (Some(RightKind::DeadName), State::Dead { urefs, .. }) => {
                let left = urefs.changed_by(delta)?;
                self.keep_dead(index, left);
            }
            (Some(RightKind::Receive), State::Port { receive: Some(receive), .. }) => {
                if drops_one(delta)? {
                    if receive.traits.guard != Guard::None {
                        return Err(PortError::Guarded);
                    }
                    self.drop_receive(index, effects);
                }
            }
            (Some(RightKind::SendOnce), State::SendOnce { .. })
            | (Some(RightKind::PortSet), State::PortSet { .. }) => {
                if drops_one(delta)? {
                    self.give_up(index, effects);
                }
            }
            _ => return Err(PortError::NoSuchRight),
        }
        Ok(())
    }

    /// Gives up the receive right, and `-srdelta` references to the send right with it (F25). The
    /// caller has compared the guard.
    ///
    /// # Errors
    /// 1. [`PortError::TaskGone`].
    /// 2. [`PortError::UnknownName`]: NULL and DEAD too.
    /// 3. [`PortError::NoSuchRight`]: no receive right, or no send right and a `srdelta`.
    /// 4. [`PortError::BadDelta`]: more than 0, or more than there are.
    pub fn destruct(&mut self, name: RawName, srdelta: i32, effects: &mut Effects) -> Result<(), PortError> {
        let index = self.find(name)?;
        let State::Port { send, receive: Some(_), .. } = self.slots.entry(index).state else {
            return Err(PortError::NoSuchRight);
        };
        if srdelta != 0 {
            let urefs = send.ok_or(PortError::NoSuchRight)?;
            if srdelta > 0 {
                return Err(PortError::BadDelta);
            }
            let left = urefs.changed_by(srdelta)?;
            self.keep_send(index, left, effects);
        }
        self.drop_receive(index, effects);
        Ok(())
    }

    /// Gives up the receive right, guarded or not: for whoever owns it as a value.
    ///
    /// # Errors
    /// 1. [`PortError::TaskGone`].
    /// 2. [`PortError::UnknownName`].
    /// 3. [`PortError::NoSuchRight`].
    pub fn drop_receive_right(&mut self, name: RawName, effects: &mut Effects) -> Result<(), PortError> {
        let index = self.find(name)?;
        if !self.has_receive(index) {
            return Err(PortError::NoSuchRight);
        }
        self.drop_receive(index, effects);
        Ok(())
    }

    /// Sets what is left of a send right; its end is an effect.
    fn keep_send(&mut self, index: u32, left: Option<Urefs>, effects: &mut Effects) {
        if let State::Port { port, receiver, receive, .. } = self.slots.entry(index).state {
            if left.is_none() {
                effects.push(Effect::SendReleased { port, receiver });
            }
            self.set_rights(index, left, receive, effects);
        }
    }

    /// Sets what is left of a dead name.
    fn keep_dead(&mut self, index: u32, left: Option<Urefs>) {
        let Some(left) = left else {
            self.remove(index);
            return;
        };
        if let State::Dead { urefs, .. } = &mut self.slots.entry_mut(index).state {
            *urefs = left;
        }
        self.publish(index);
    }

    /// Gives up one reference to a dead name.
    pub(super) fn drop_dead(&mut self, index: u32) {
        if let State::Dead { urefs, .. } = self.slots.entry(index).state {
            self.keep_dead(index, urefs.one_less());
        }
    }

    /// Gives up the receive right; a send right under the name stays, dead or alive (S3, S4, S6).
    fn drop_receive(&mut self, index: u32, effects: &mut Effects) {
        let State::Port { port, send, receive: Some(receive), .. } = self.slots.entry(index).state else {
            return;
        };
        if receive.traits.port_destroyed || send.is_none() {
            let entry = self.slots.entry_mut(index);
            let request = if send.is_none() { entry.request.take() } else { None };
            let name = self.slots.name(index);
            self.set_rights(index, send, None, effects);
            self.end_receive(port, receive, effects);
            effects.extend(request.map(|request| request.fire(Notice::PortDeleted, name)));
        } else {
            effects.push(Effect::ReceiveDestroyed { port, handle: receive.handle });
            self.bury(index, true, effects);
            self.bury_port((port, self.task), effects);
        }
    }

    /// Gives up everything under a name.
    pub(super) fn give_up(&mut self, index: u32, effects: &mut Effects) {
        let name = self.slots.name(index);
        let entry = self.remove(index);
        match entry.state {
            State::Port { port, receiver, send, receive } => {
                if send.is_some() {
                    effects.push(Effect::SendReleased { port, receiver });
                }
                if let Some(receive) = receive {
                    self.end_receive(port, receive, effects);
                }
            }
            State::SendOnce { port, receiver, handle } => {
                effects.push(Effect::SendOnceDropped { port, receiver, handle });
            }
            State::PortSet { handle } => effects.push(Effect::SetDestroyed { handle }),
            State::Dead { .. } => {}
        }
        effects.extend(entry.request.map(|request| request.fire(Notice::PortDeleted, name)));
    }

    /// The receive right has left this space's names: the port dies, or goes out in a notification.
    fn end_receive(&mut self, port: PortId, receive: Receive, effects: &mut Effects) {
        let handle = receive.handle;
        if receive.traits.port_destroyed {
            effects.push(Effect::ReceiveReturned { port, handle });
        } else {
            effects.push(Effect::ReceiveDestroyed { port, handle });
            self.bury_port((port, self.task), effects);
        }
    }

    /// Frees a name; a request on it fires.
    pub(super) fn forget(&mut self, index: u32, effects: &mut Effects) {
        let name = self.slots.name(index);
        let entry = self.remove(index);
        effects.extend(entry.request.map(|request| request.fire(Notice::PortDeleted, name)));
    }
}

/// The kind with this number; `None` for the obsolete one.
fn right_kind(right: u32) -> Result<Option<RightKind>, PortError> {
    if right >= RIGHT_NUMBER { Err(PortError::BadRight) } else { Ok(RightKind::from_number(right)) }
}

/// NULL and DEAD stand for rights that one can send to, and nothing else.
fn may_be_null(kind: RightKind) -> Result<(), PortError> {
    match kind {
        RightKind::Send | RightKind::SendOnce => Ok(()),
        _ => Err(PortError::UnknownName),
    }
}

/// Whether `delta` takes away the one reference that a right without a count has.
fn drops_one(delta: i32) -> Result<bool, PortError> {
    match delta {
        0 => Ok(false),
        -1 => Ok(true),
        _ => Err(PortError::BadDelta),
    }
}
