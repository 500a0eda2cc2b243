//! Calls on names, under the lock: what the names' own references are worth.

use std::sync::Arc;

use crate::client::held::Held;
use crate::client::port::Port;
use crate::client::space::{Keep, Leftover, Names, added};
use crate::ipc::{New, PortError, PortName, RawName, RightKind, State, Urefs};

impl Keep {
    /// Takes `count` references from what the name owns, the last ones first: what the first right
    /// brought is kept longest.
    fn take_named(&mut self, mut count: u32) {
        for owned in self.shares.iter_mut().rev().map(|share| &mut share.named).chain([&mut self.more]) {
            let taken = count.min(*owned);
            *owned -= taken;
            count -= taken;
        }
        debug_assert_eq!(count, 0, "the name owns so many");
    }

    pub(super) fn add_named(&mut self, count: i32) {
        let owned = match self.shares.iter_mut().find(|share| !share.held.is_dead()) {
            Some(share) => &mut share.named,
            None => &mut self.more,
        };
        *owned = added(*owned, count);
    }

    /// The name owns nothing any more.
    fn disown(&mut self) {
        self.more = 0;
        for share in &mut self.shares {
            share.named = 0;
        }
    }
}

impl Names {
    /// See [`Task::mod_refs`](crate::Task::mod_refs).
    pub(crate) fn mod_refs(
        &mut self,
        name: RawName,
        kind: RightKind,
        delta: i32,
        rest: &mut Leftover,
    ) -> Result<(), PortError> {
        let counted = matches!(kind, RightKind::Send | RightKind::DeadName);
        let is_there = name.is_valid()
            && self.space.entry(name).is_ok_and(|entry| entry.type_bits().contains(kind.type_bit()));
        if is_there && counted {
            return self.mod_counted(name, kind, delta, rest);
        }
        if is_there && delta == -1 {
            match kind {
                RightKind::Receive => self.check_receive(name)?,
                RightKind::PortSet => self.check_set(name)?,
                _ => {}
            }
        }
        let done = self.space.mod_refs(name, kind.number(), delta, &mut self.effects);
        self.settle(rest);
        done
    }

    /// Of a send right or a dead name that is there.
    fn mod_counted(
        &mut self,
        name: RawName,
        kind: RightKind,
        delta: i32,
        rest: &mut Leftover,
    ) -> Result<(), PortError> {
        let urefs = self.space.entry(name)?.urefs();
        let left = Urefs::new(urefs).map_or(Ok(None), |urefs| urefs.changed_by(delta))?;
        let is_pegged = urefs == Urefs::MAX.get();
        let index = name.index();
        let keep = self.keep(index);
        let handles = keep.handles();
        if is_pegged {
            // Nobody knows how many there are: all of the name's go at once, or none.
            if left.is_none() {
                keep.disown();
                keep.purge(&mut rest.ended);
                if handles > 0 {
                    return Ok(());
                }
            }
        } else if delta < 0 {
            if keep.named() < delta.unsigned_abs() {
                return Err(PortError::Pinned);
            }
            keep.take_named(delta.unsigned_abs());
            keep.purge(&mut rest.ended);
        } else {
            keep.add_named(delta);
        }
        let done = self.space.mod_refs(name, kind.number(), delta, &mut self.effects);
        self.settle(rest);
        done
    }

    /// The receive right may be given up by name: it is not guarded, and no handle.
    fn check_receive(&self, name: RawName) -> Result<(), PortError> {
        match self.space.entry(name)?.state() {
            State::Port { receive: Some(receive), .. } => {
                if receive.traits.guard != crate::ipc::Guard::None {
                    return Err(PortError::Guarded);
                }
                if self.ports.has_handle(receive.handle as u32) {
                    return Err(PortError::Pinned);
                }
                Ok(())
            }
            _ => Err(PortError::NoSuchRight),
        }
    }

    /// See [`Task::deallocate`](crate::Task::deallocate).
    pub(crate) fn deallocate(&mut self, name: RawName, rest: &mut Leftover) -> Result<(), PortError> {
        if name.is_valid() {
            match self.space.entry(name)?.state() {
                State::Port { send: Some(_), .. } => return self.mod_refs(name, RightKind::Send, -1, rest),
                State::Dead { .. } => return self.mod_refs(name, RightKind::DeadName, -1, rest),
                State::PortSet { .. } => self.check_set(name)?,
                _ => {}
            }
        }
        let done = self.space.deallocate(name, &mut self.effects);
        self.settle(rest);
        done
    }

    /// See [`Task::destroy`](crate::Task::destroy).
    pub(crate) fn destroy(&mut self, name: RawName, rest: &mut Leftover) -> Result<(), PortError> {
        if name.is_valid() {
            if let State::Port { receive: Some(receive), .. } = self.space.entry(name)?.state() {
                if receive.traits.guard == crate::ipc::Guard::Value {
                    return Err(PortError::Guarded);
                }
                if self.ports.has_handle(receive.handle as u32) {
                    return Err(PortError::Pinned);
                }
            }
            self.check_set(name)?;
            let keep = self.keep(name.index());
            if keep.handles() > 0 {
                return Err(PortError::Pinned);
            }
            keep.disown();
            keep.purge(&mut rest.ended);
        }
        let done = self.space.destroy(name, &mut self.effects);
        self.settle(rest);
        done
    }

    /// See [`Task::allocate_dead_name`](crate::Task::allocate_dead_name).
    pub(crate) fn allocate_dead_name(&mut self) -> Result<PortName, PortError> {
        let name = self.space.allocate(New::DeadName)?;
        self.keep(name.index()).more = 1;
        Ok(name)
    }

    /// The credit behind the send right under a name.
    ///
    /// # Errors
    /// 1. [`PortError::UnknownName`].
    /// 2. [`PortError::DeadPort`].
    /// 3. [`PortError::NoSuchRight`].
    pub(crate) fn send_credit(&self, name: RawName) -> Result<Arc<Held>, PortError> {
        match self.space.entry(name)?.state() {
            State::Port { send: Some(_), .. } => {}
            State::Dead { .. } => return Err(PortError::DeadPort),
            _ => return Err(PortError::NoSuchRight),
        }
        Ok(self.credit(name.index()).expect("a credit stands behind a send right"))
    }

    /// The receive right becomes a handle.
    ///
    /// # Errors
    /// See [`Task::receive_right`](crate::Task::receive_right).
    pub(crate) fn take_receive(&mut self, name: RawName) -> Result<(Arc<Port>, PortName), PortError> {
        let State::Port { receive: Some(receive), .. } = self.space.entry(name)?.state() else {
            return Err(PortError::NoSuchRight);
        };
        let index = receive.handle as u32;
        if self.ports.set_handle(index, true) {
            return Err(PortError::Pinned);
        }
        let port = self.ports.get(index).cloned().expect("the port of a receive right");
        Ok((port, PortName::new(name.0).expect("the name of an entry")))
    }
}
