//! A task's names.

use super::entry::{Entry, ReceiveTraits, State};
use super::error::PortError;
use super::holdings::Holdings;
use super::name::{PortName, RawName};
use super::port::{Place, PortId, ReceiverId};
use super::slots::Slots;
use super::table::{NameReader, NameTable, Row};

/// A task's names, and what each stands for.
///
/// Everything is decided here, in private memory. A call either succeeds, and appends to `effects`
/// what its caller has to do outside, or is refused and has changed nothing.
///
/// # Conditions
/// All calls are made under one lock of the caller, which may let go of it before it performs the
/// effects.
#[derive(Debug)]
pub struct Space {
    pub(super) task: ReceiverId,
    pub(super) slots: Slots,
    pub(super) holdings: Holdings,
    pub(super) table: NameTable,
    pub(super) gone: bool,
}

impl Space {
    /// The space of `task`, empty. It holds as many names as the table has lines, less one; `seed`
    /// decides in which order they are handed out.
    pub fn new(task: ReceiverId, table: NameTable, seed: u64) -> Self {
        let slots = Slots::new(table.lines(), seed);
        Self { task, slots, holdings: Holdings::new(task), table, gone: false }
    }

    /// The task whose space this is.
    pub fn task(&self) -> ReceiverId {
        self.task
    }

    /// A reading end of its table.
    pub fn reader(&self) -> NameReader {
        self.table.reader()
    }

    /// What is under this name.
    ///
    /// # Errors
    /// 1. [`PortError::TaskGone`].
    /// 2. [`PortError::UnknownName`].
    pub fn entry(&self, name: RawName) -> Result<&Entry, PortError> {
        Ok(self.slots.entry(self.find(name)?))
    }

    /// The name of the send right, the receive right, or both, to this port.
    pub fn name_of(&self, port: PortId, receiver: ReceiverId) -> Option<PortName> {
        match self.holdings.get((port, receiver)).name {
            0 => None,
            index => Some(self.slots.name(index)),
        }
    }

    /// Says where the right under a name leads, for the readers of the table.
    ///
    /// # Errors
    /// 1. [`PortError::TaskGone`].
    /// 2. [`PortError::UnknownName`].
    /// 3. [`PortError::NoSuchRight`]: a dead name leads nowhere.
    pub fn set_place(&mut self, name: RawName, place: Place) -> Result<(), PortError> {
        let index = self.find(name)?;
        let entry = self.slots.entry_mut(index);
        if let State::Dead { .. } = entry.state {
            return Err(PortError::NoSuchRight);
        }
        entry.place = place;
        self.publish(index);
        Ok(())
    }

    /// Says what has become of a receive right's guard and its port-destroyed request.
    ///
    /// # Errors
    /// 1. [`PortError::TaskGone`].
    /// 2. [`PortError::UnknownName`].
    /// 3. [`PortError::NoSuchRight`]: no receive right.
    pub fn set_receive_traits(&mut self, name: RawName, traits: ReceiveTraits) -> Result<(), PortError> {
        let index = self.find(name)?;
        match &mut self.slots.entry_mut(index).state {
            State::Port { receive: Some(receive), .. } => receive.traits = traits,
            _ => return Err(PortError::NoSuchRight),
        }
        Ok(())
    }

    /// Refuses every call once the space was torn down.
    pub(super) fn alive(&self) -> Result<(), PortError> {
        if self.gone { Err(PortError::TaskGone) } else { Ok(()) }
    }

    /// The index of the entry with this name.
    pub(super) fn find(&self, name: RawName) -> Result<u32, PortError> {
        self.alive()?;
        self.slots.find(name).ok_or(PortError::UnknownName)
    }

    pub(super) fn has_receive(&self, index: u32) -> bool {
        matches!(self.slots.entry(index).state, State::Port { receive: Some(_), .. })
    }

    /// Brings the table's line up to date.
    pub(super) fn publish(&mut self, index: u32) {
        let row = Row::new(self.slots.name(index), self.slots.entry(index));
        self.table.write(&row);
    }

    /// Makes an entry, under a chosen name that is free or any.
    pub(super) fn add(
        &mut self,
        name: Option<RawName>,
        state: State,
        place: Place,
    ) -> Result<u32, PortError> {
        if let State::Port { port, receiver, .. } | State::SendOnce { port, receiver, .. } = state {
            self.holdings.reserve((port, receiver))?;
        }
        let entry = Entry::new(state, place);
        let index = match name {
            Some(name) => self.slots.claim_chosen(name, entry)?,
            None => self.slots.claim(entry)?,
        };
        if self.table.reserve(index).is_err() {
            self.slots.release(index);
            return Err(PortError::ResourceShortage);
        }
        self.hold(index);
        self.publish(index);
        Ok(index)
    }

    /// Ends an entry; its name is free.
    pub(super) fn remove(&mut self, index: u32) -> Entry {
        self.let_go(index);
        self.table.clear(index);
        self.slots.release(index)
    }

    /// Notes the entry among what is held of its port.
    pub(super) fn hold(&mut self, index: u32) {
        let entry = self.slots.entry(index);
        match entry.state {
            State::Port { port, receiver, .. } => {
                self.holdings.update((port, receiver), |held| held.name = index);
            }
            State::SendOnce { port, receiver, .. } => {
                let mut next = 0;
                self.holdings.update((port, receiver), |held| {
                    next = std::mem::replace(&mut held.once, index);
                });
                self.slots.entry_mut(index).once.next = next;
                if next != 0 {
                    self.slots.entry_mut(next).once.previous = index;
                }
            }
            State::PortSet { .. } | State::Dead { .. } => {}
        }
    }

    /// Forgets the entry among what is held of its port.
    pub(super) fn let_go(&mut self, index: u32) {
        let entry = self.slots.entry_mut(index);
        let links = std::mem::take(&mut entry.once);
        match entry.state {
            State::Port { port, receiver, .. } => {
                self.holdings.update((port, receiver), |held| held.name = 0);
            }
            State::SendOnce { port, receiver, .. } => {
                if links.next != 0 {
                    self.slots.entry_mut(links.next).once.previous = links.previous;
                }
                match links.previous {
                    0 => self.holdings.update((port, receiver), |held| held.once = links.next),
                    previous => self.slots.entry_mut(previous).once.next = links.next,
                }
            }
            State::PortSet { .. } | State::Dead { .. } => {}
        }
    }
}
