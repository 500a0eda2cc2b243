//! A task's own port sets, and the calls on them under the lock of the names.

use std::collections::HashMap;
use std::sync::Arc;

use crate::client::port::Port;
use crate::client::port_set::Set;
use crate::client::space::{Leftover, Names};
use crate::ipc::entry::Receive;
use crate::ipc::{New, PortError, PortName, RawName, RightKind, State};

/// All of them, by the number that stands beside their names.
#[derive(Debug, Default)]
pub(crate) struct OwnSets(HashMap<u64, OwnSet>);

#[derive(Debug)]
struct OwnSet {
    set: Arc<Set>,
    /// The set is a value of the program's, not only a name.
    has_handle: bool,
}

impl OwnSets {
    /// The set is gone.
    pub(super) fn release(&mut self, number: u64) -> Option<Arc<Set>> {
        self.0.remove(&number).map(|own| own.set)
    }

    /// Whether the set is a handle.
    pub(super) fn has_handle(&self, number: u64) -> bool {
        self.0.get(&number).is_some_and(|own| own.has_handle)
    }
}

impl Names {
    /// Enters a set, under a name that was chosen or any, and a handle to it.
    ///
    /// # Errors
    /// As [`Task::allocate_name`](crate::Task::allocate_name) of a chosen name; else
    /// [`PortError::NoSpace`], [`PortError::ResourceShortage`].
    pub(crate) fn allocate_set(
        &mut self,
        chosen: Option<RawName>,
        number: u64,
        set: Arc<Set>,
    ) -> Result<PortName, PortError> {
        let new = New::PortSet { handle: number };
        let name = match chosen {
            Some(name) => self.space.allocate_name(name, new)?,
            None => self.space.allocate(new)?,
        };
        self.sets.0.insert(number, OwnSet { set, has_handle: true });
        Ok(name)
    }

    /// The number of the set under a name.
    ///
    /// # Errors
    /// 1. [`PortError::UnknownName`].
    /// 2. [`PortError::NoSuchRight`].
    fn set_number(&self, name: RawName) -> Result<u64, PortError> {
        match self.space.entry(name)?.state() {
            State::PortSet { handle } => Ok(*handle),
            _ => Err(PortError::NoSuchRight),
        }
    }

    /// The set under a name; NULL and DEAD have the wrong right.
    ///
    /// # Errors
    /// As [`set_number`](Self::set_number).
    pub(crate) fn set(&self, name: RawName) -> Result<Arc<Set>, PortError> {
        if !name.is_valid() {
            return Err(PortError::NoSuchRight);
        }
        let number = self.set_number(name)?;
        Ok(self.sets.0.get(&number).expect("the set of a name").set.clone())
    }

    /// What is told of the receive right under a name; NULL and DEAD have the wrong right.
    ///
    /// # Errors
    /// 1. [`PortError::UnknownName`].
    /// 2. [`PortError::NoSuchRight`].
    pub(crate) fn receive(&self, name: RawName) -> Result<Receive, PortError> {
        if !name.is_valid() {
            return Err(PortError::NoSuchRight);
        }
        match self.space.entry(name)?.state() {
            State::Port { receive: Some(receive), .. } => Ok(*receive),
            _ => Err(PortError::NoSuchRight),
        }
    }

    /// The port whose receive right is under a name.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub(crate) fn received(&self, name: RawName) -> Result<Arc<Port>, PortError> {
        let receive = self.receive(name)?;
        Ok(self.ports.get(receive.handle as u32).expect("the port of a receive right").clone())
    }

    /// The set becomes a handle, or only a name; says which set it is.
    ///
    /// # Errors
    /// 1. [`PortError::UnknownName`].
    /// 2. [`PortError::NoSuchRight`].
    /// 3. [`PortError::Pinned`]: it is a handle already.
    pub(crate) fn take_set(&mut self, name: RawName) -> Result<(Arc<Set>, PortName), PortError> {
        let number = self.set_number(name)?;
        let own = self.sets.0.get_mut(&number).expect("the set of a name");
        if std::mem::replace(&mut own.has_handle, true) {
            return Err(PortError::Pinned);
        }
        Ok((own.set.clone(), PortName::new(name.0).expect("the name of an entry")))
    }

    /// The handle to a set became its name.
    pub(crate) fn give_set_to_name(&mut self, name: PortName) {
        if let Ok(number) = self.set_number(name.into()) {
            self.sets.0.get_mut(&number).expect("the set of a name").has_handle = false;
        }
    }

    /// The handle to a set was dropped.
    pub(crate) fn drop_set(&mut self, name: PortName, rest: &mut Leftover) {
        let done = self.space.mod_refs(name.into(), RightKind::PortSet.number(), -1, &mut self.effects);
        debug_assert_eq!(done, Ok(()), "a set lives as long as its handle");
        self.settle(rest);
    }

    /// What is under a name may be given up by name.
    ///
    /// # Errors
    /// [`PortError::Pinned`]: it is a set that is a handle.
    pub(super) fn check_set(&self, name: RawName) -> Result<(), PortError> {
        match self.set_number(name) {
            Ok(number) if self.sets.has_handle(number) => Err(PortError::Pinned),
            _ => Ok(()),
        }
    }
}
