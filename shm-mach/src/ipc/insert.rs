//! Making rights, and taking in rights that arrive.

use super::effect::{Effect, Effects};
use super::entry::{Receive, ReceiveTraits, State};
use super::error::PortError;
use super::holdings::Key;
use super::name::{PortName, RawName};
use super::port::{Place, PortId, ReceiverId};
use super::slots::Chosen;
use super::space::Space;
use super::urefs::Urefs;

/// What [`Space::allocate`] makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum New {
    /// The receive right of a new port of this task.
    Receive {
        /// The port.
        port: PortId,
        /// Where it lies.
        place: Place,
        /// Opaque; comes back in effects.
        handle: u64,
    },
    /// An empty port set.
    PortSet {
        /// Opaque; comes back in effects.
        handle: u64,
    },
    /// A dead name with one reference.
    DeadName,
}

/// A right that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// A send right.
    Send {
        /// The port.
        port: PortId,
        /// Its receiver.
        receiver: ReceiverId,
    },
    /// A send-once right.
    SendOnce {
        /// The port.
        port: PortId,
        /// Its receiver.
        receiver: ReceiverId,
        /// Opaque; comes back in effects.
        handle: u64,
    },
    /// The receive right.
    Receive {
        /// The port.
        port: PortId,
        /// Who received from it before: what this space holds of the port is known under that.
        from: ReceiverId,
        /// Opaque; comes back in effects.
        handle: u64,
    },
}

impl Space {
    /// Makes a right under a new name (F3).
    ///
    /// # Errors
    /// 1. [`PortError::TaskGone`].
    /// 2. [`PortError::RightExists`]: the new port's id is not new.
    /// 3. [`PortError::NoSpace`], [`PortError::ResourceShortage`].
    pub fn allocate(&mut self, new: New) -> Result<PortName, PortError> {
        self.alive()?;
        let (state, place) = self.fresh(new)?;
        let index = self.add(None, state, place)?;
        Ok(self.slots.name(index))
    }

    /// Makes a right under a name that the caller chose (F4), and says under which it is: a dead
    /// name is made under any name, as in Mach.
    ///
    /// # Errors
    /// 1. [`PortError::TaskGone`].
    /// 2. [`PortError::ReservedName`]: NULL or DEAD.
    /// 3. [`PortError::RightExists`]: the new port's id is not new.
    /// 4. Not for dead names: [`PortError::NoSpace`], [`PortError::BadNameBits`],
    ///    [`PortError::ReservedIndex`], [`PortError::OtherGeneration`], [`PortError::NameExists`].
    /// 5. [`PortError::NoSpace`] for dead names, [`PortError::ResourceShortage`].
    pub fn allocate_name(&mut self, name: RawName, new: New) -> Result<PortName, PortError> {
        self.alive()?;
        if !name.is_valid() {
            return Err(PortError::ReservedName);
        }
        let (state, place) = self.fresh(new)?;
        let mut chosen = None;
        if new != New::DeadName {
            if let Chosen::Live(_) = self.slots.chosen(name)? {
                return Err(PortError::NameExists);
            }
            chosen = Some(name);
        }
        let index = self.add(chosen, state, place)?;
        Ok(self.slots.name(index))
    }

    /// A send right arrives (R1, R2): it joins the rights to the same port, or gets a new name.
    ///
    /// Appends [`Effect::SendSurplus`] when the space held a send right already.
    ///
    /// # Errors
    /// 1. [`PortError::TaskGone`].
    /// 2. [`PortError::NoSpace`], [`PortError::ResourceShortage`]: the right is not taken in.
    pub fn insert_send(
        &mut self,
        port: PortId,
        receiver: ReceiverId,
        effects: &mut Effects,
    ) -> Result<PortName, PortError> {
        self.insert(Right::Send { port, receiver }, effects)
    }

    /// A send-once right arrives (R3) and gets a name of its own.
    ///
    /// # Errors
    /// As [`insert_send`](Self::insert_send).
    pub fn insert_send_once(
        &mut self,
        port: PortId,
        receiver: ReceiverId,
        handle: u64,
    ) -> Result<PortName, PortError> {
        self.alive()?;
        let index = self.add(None, State::SendOnce { port, receiver, handle }, Place::NOWHERE)?;
        Ok(self.slots.name(index))
    }

    /// The receive right arrives (R1) and joins a send right to its port, or gets a new name. What
    /// the space holds of the port is from now on known under this task as its receiver; where it
    /// leads is [`Place::NOWHERE`] until the caller says.
    ///
    /// A name that the space holds for this task as receiver is joined before one that it holds for
    /// `from`. If there are both, the other stays; the caller, who knows which was true, ends it.
    ///
    /// # Errors
    /// 1. [`PortError::TaskGone`].
    /// 2. [`PortError::RightExists`]: the receive right is here already.
    /// 3. [`PortError::NoSpace`], [`PortError::ResourceShortage`]: the right is not taken in.
    pub fn insert_receive(
        &mut self,
        port: PortId,
        from: ReceiverId,
        handle: u64,
    ) -> Result<PortName, PortError> {
        self.insert(Right::Receive { port, from, handle }, &mut Effects::new())
    }

    /// A right arrives and gets a name, as one of the three calls above.
    ///
    /// # Errors
    /// As they.
    pub fn insert(&mut self, right: Right, effects: &mut Effects) -> Result<PortName, PortError> {
        self.alive()?;
        let index = match self.known(right) {
            0 => self.add_right(None, right)?,
            index => self.join(index, right, effects)?,
        };
        Ok(self.slots.name(index))
    }

    /// A right arrives under a name that somebody chose (I1, I5 to I9). On an error the caller
    /// still has the right, and releases it (I10).
    ///
    /// # Errors
    /// 1. [`PortError::TaskGone`].
    /// 2. [`PortError::ReservedName`]: NULL or DEAD.
    /// 3. [`PortError::NoSpace`], [`PortError::BadNameBits`], [`PortError::ReservedIndex`],
    ///    [`PortError::OtherGeneration`].
    /// 4. [`PortError::RightExists`]: it would have to join another name.
    /// 5. [`PortError::NameExists`]: the name stands for something else.
    /// 6. [`PortError::ResourceShortage`].
    pub fn insert_right(
        &mut self,
        name: RawName,
        right: Right,
        effects: &mut Effects,
    ) -> Result<(), PortError> {
        self.alive()?;
        if !name.is_valid() {
            return Err(PortError::ReservedName);
        }
        let chosen = self.slots.chosen(name)?;
        match (self.known(right), chosen) {
            (0, Chosen::Free) => self.add_right(Some(name), right)?,
            (0, Chosen::Live(_)) => return Err(PortError::NameExists),
            (known, Chosen::Live(index)) if known == index => self.join(index, right, effects)?,
            _ => return Err(PortError::RightExists),
        };
        Ok(())
    }

    /// The receiver of a port has changed: what is held for `from` is held for `to` from now on,
    /// and leads nowhere until the caller says.
    ///
    /// # Errors
    /// 1. [`PortError::TaskGone`].
    /// 2. [`PortError::RightExists`]: both have a name here, or the receive right itself is here.
    pub fn rebind(&mut self, port: PortId, from: ReceiverId, to: ReceiverId) -> Result<(), PortError> {
        self.alive()?;
        let (old, new) = ((port, from), (port, to));
        let name = self.holdings.get(old).name;
        if from == to {
            return Ok(());
        }
        if name != 0 && (self.has_receive(name) || self.holdings.get(new).name != 0) {
            return Err(PortError::RightExists);
        }
        self.rekey(old, new);
        Ok(())
    }

    /// A port of this task has gone to another, and has another id there: what is held for `from` is held for
    /// `to` from now on, and leads nowhere until the caller says. If there is a name for `to`, somebody has
    /// told of the port who could not know of it, and the old one becomes a dead name.
    pub fn follow(&mut self, from: (PortId, ReceiverId), to: (PortId, ReceiverId), effects: &mut Effects) {
        let name = self.holdings.get(from).name;
        if name != 0 && self.holdings.get(to).name != 0 {
            self.bury(name, false, effects);
        }
        self.rekey(from, to);
    }

    fn fresh(&self, new: New) -> Result<(State, Place), PortError> {
        Ok(match new {
            New::Receive { port, place, handle } => {
                if self.holdings.get((port, self.task)).name != 0 {
                    return Err(PortError::RightExists);
                }
                (self.receive_state(port, handle), place)
            }
            New::PortSet { handle } => (State::PortSet { handle }, Place::NOWHERE),
            New::DeadName => (State::Dead { urefs: Urefs::ONE, was_receive: false }, Place::NOWHERE),
        })
    }

    fn receive_state(&self, port: PortId, handle: u64) -> State {
        let receive = Receive { handle, traits: ReceiveTraits::default() };
        State::Port { port, receiver: self.task, send: None, receive: Some(receive) }
    }

    /// The index of the entry that a right has to join; 0: none.
    fn known(&self, right: Right) -> u32 {
        match right {
            Right::Send { port, receiver } => self.holdings.get((port, receiver)).name,
            Right::SendOnce { .. } => 0,
            Right::Receive { port, from, .. } => match self.holdings.get((port, self.task)).name {
                0 => self.holdings.get((port, from)).name,
                index => index,
            },
        }
    }

    /// A right that joins nothing gets an entry of its own.
    fn add_right(&mut self, name: Option<RawName>, right: Right) -> Result<u32, PortError> {
        match right {
            Right::Send { port, receiver } => {
                let send = Some(Urefs::ONE);
                self.add(name, State::Port { port, receiver, send, receive: None }, Place::NOWHERE)
            }
            Right::SendOnce { port, receiver, handle } => {
                self.add(name, State::SendOnce { port, receiver, handle }, Place::NOWHERE)
            }
            Right::Receive { port, from, handle } => {
                let index = self.add(name, self.receive_state(port, handle), Place::NOWHERE)?;
                self.rekey((port, from), (port, self.task));
                Ok(index)
            }
        }
    }

    /// A right joins the entry at `index`.
    fn join(&mut self, index: u32, right: Right, effects: &mut Effects) -> Result<u32, PortError> {
        match right {
            Right::Receive { port, from, handle } => {
                if self.has_receive(index) {
                    return Err(PortError::RightExists);
                }
                self.rekey((port, from), (port, self.task));
                let entry = self.slots.entry_mut(index);
                entry.place = Place::NOWHERE;
                if let State::Port { receive, .. } = &mut entry.state {
                    *receive = Some(Receive { handle, traits: ReceiveTraits::default() });
                }
            }
            Right::Send { port, receiver } | Right::SendOnce { port, receiver, .. } => {
                if let State::Port { send, .. } = &mut self.slots.entry_mut(index).state {
                    if send.is_some() {
                        effects.push(Effect::SendSurplus { port, receiver });
                    }
                    *send = Some(send.map_or(Urefs::ONE, Urefs::one_more));
                }
            }
        }
        self.publish(index);
        Ok(index)
    }

    /// Moves what is held for one key to another; a name stays if the other key has one.
    fn rekey(&mut self, from: Key, to: Key) {
        let held = self.holdings.get(from);
        if from == to {
            return;
        }
        if held.name != 0 && self.holdings.get(to).name == 0 {
            self.rekey_entry(held.name, to);
        }
        let mut index = held.once;
        while index != 0 {
            let next = self.slots.entry(index).once.next;
            self.rekey_entry(index, to);
            index = next;
        }
    }

    fn rekey_entry(&mut self, index: u32, to: Key) {
        self.let_go(index);
        let entry = self.slots.entry_mut(index);
        entry.place = Place::NOWHERE;
        if let State::Port { port, receiver, .. } | State::SendOnce { port, receiver, .. } = &mut entry.state
        {
            (*port, *receiver) = to;
        }
        self.hold(index);
        self.publish(index);
    }
}
