//! Send-once rights under names.
//!
//! A right that the program has as a value has no name. One that is [turned](SendOnceRight::into_name) into
//! a name is kept here until that is given up, or the right is taken out again.

use std::collections::HashMap;
use std::sync::Arc;

use crate::client::once_right::{Parked, SendOnceRight};
use crate::client::space::{Leftover, Names};
use crate::client::task::Task;
use crate::ipc::{Carried, Disposition, PortError, PortName, RawName, State};

/// All of them, by the number that stands beside their names.
#[derive(Debug, Default)]
pub(crate) struct OnceNames(HashMap<u64, Kept>);

#[derive(Debug)]
pub(super) struct Kept {
    pub(super) name: PortName,
    pub(super) right: Parked,
}

impl OnceNames {
    /// The right is no longer here.
    pub(super) fn release(&mut self, number: u64) -> Option<Kept> {
        self.0.remove(&number)
    }

    /// The right is under this name from here on.
    pub(super) fn keep(&mut self, number: u64, name: PortName, right: Parked) {
        self.0.insert(number, Kept { name, right });
    }

    /// The right with this number.
    pub(super) fn get(&self, number: u64) -> Option<&Parked> {
        self.0.get(&number).map(|kept| &kept.right)
    }

    fn names(&self, is: impl Fn(&Parked) -> bool) -> Vec<PortName> {
        self.0.values().filter(|kept| is(&kept.right)).map(|kept| kept.name).collect()
    }
}

impl Names {
    /// A send-once right gets a name of its own; one that is dead gets a dead name, and is given back.
    ///
    /// # Errors
    /// [`PortError::OtherTask`], [`PortError::NoSpace`], [`PortError::ResourceShortage`], with the right.
    pub(crate) fn name_once(
        &mut self,
        right: Parked,
        number: u64,
    ) -> Result<(PortName, Option<Parked>), (PortError, Parked)> {
        let is_dead = match right.local_port() {
            Some(port) => {
                let is_here = |live: &Arc<_>| Arc::ptr_eq(live, port);
                !self.ports.get(port.index).is_some_and(is_here)
            }
            None => right.is_dead_elsewhere(),
        };
        if is_dead {
            return match self.allocate_dead_name() {
                Ok(name) => Ok((name, Some(right))),
                Err(error) => Err((error, right)),
            };
        }
        let (port, receiver) = right.id(self.space.task(), number);
        match self.space.insert_send_once(port, receiver, number) {
            Ok(name) => {
                self.once.keep(number, name, right);
                Ok((name, None))
            }
            Err(error) => Err((error, right)),
        }
    }

    /// Takes the send-once right under a name out; the name is free.
    ///
    /// # Errors
    /// 1. [`PortError::UnknownName`].
    /// 2. [`PortError::DeadPort`].
    /// 3. [`PortError::NoSuchRight`].
    pub(crate) fn take_once(&mut self, name: RawName, rest: &mut Leftover) -> Result<Parked, PortError> {
        match self.space.entry(name)?.state() {
            State::SendOnce { .. } => {}
            State::Dead { .. } => return Err(PortError::DeadPort),
            _ => return Err(PortError::NoSuchRight),
        }
        let carried = self.space.copyin(name, Disposition::MoveSendOnce, &mut self.effects)?;
        self.settle(rest);
        let Carried::SendOnce { handle, .. } = carried else { return Err(PortError::NoSuchRight) };
        Ok(self.once.release(handle).expect("the right under a name").right)
    }

    /// The right under a name may have died at its receiver since the last look: then it is a dead name
    /// from here on.
    pub(crate) fn refresh(&mut self, name: RawName, rest: &mut Leftover) {
        let Ok(State::SendOnce { port, receiver, handle }) =
            self.space.entry(name).map(|entry| *entry.state())
        else {
            return;
        };
        if self.once.0.get(&handle).is_some_and(|kept| kept.right.is_dead_elsewhere()) {
            self.space.port_died(port, receiver, &mut self.effects);
            self.settle(rest);
        }
    }

    /// The same of all names.
    pub(crate) fn refresh_all(&mut self, rest: &mut Leftover) {
        for name in self.once.names(Parked::is_dead_elsewhere) {
            self.refresh(name.into(), rest);
        }
    }

    /// Every right to a port of that task is dead.
    pub(super) fn lose_once(&mut self, task: u64, rest: &mut Leftover) {
        for name in self.once.names(|right| right.receiver() == Some(task)) {
            if let Ok(State::SendOnce { port, receiver, .. }) =
                self.space.entry(name.into()).map(|entry| *entry.state())
            {
                self.space.port_died(port, receiver, &mut self.effects);
            }
        }
        self.settle(rest);
    }
}

impl SendOnceRight {
    /// Turns the right into a name of `task`'s, one of its own: no two rights share it. It is used up,
    /// given up or moved by that name, or [taken out](Task::send_once_right) again. A right that is dead
    /// gets a dead name.
    ///
    /// # Errors
    /// In the order checked, with the right: [`PortError::Forked`], [`PortError::OtherTask`],
    /// [`PortError::NoSpace`], [`PortError::ResourceShortage`].
    pub fn into_name(self, task: &Task) -> Result<PortName, (PortError, Self)> {
        if task.inner.is_forked() {
            return Err((PortError::Forked, self));
        }
        if !self.is_of(&task.inner) {
            return Err((PortError::OtherTask, self));
        }
        let number = task.inner.next_serial();
        let named = task.inner.names.lock().name_once(self.park(), number);
        match named {
            Ok((name, dead)) => {
                drop(dead.map(|right| Self::unpark(&task.inner, right)));
                Ok(name)
            }
            Err((error, right)) => Err((error, Self::unpark(&task.inner, right))),
        }
    }
}

impl Task {
    /// Takes the send-once right under a name out, as a value; the name is free.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::UnknownName`].
    /// 3. [`PortError::DeadPort`]: a dead name.
    /// 4. [`PortError::NoSuchRight`]: no send-once right.
    pub fn send_once_right(&self, name: impl Into<RawName>) -> Result<SendOnceRight, PortError> {
        let name = name.into();
        let right = self.refreshed(name, |names, rest| names.take_once(name, rest))?;
        Ok(SendOnceRight::unpark(&self.inner, right))
    }
}
