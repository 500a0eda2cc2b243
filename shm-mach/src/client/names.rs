//! Rights by their names: the calls that Mach has on them, and the ways between a name and a handle.

use crate::client::receive_right::ReceiveRight;
use crate::client::send_right::SendRight;
use crate::client::space::{Leftover, Names};
use crate::client::task::Task;
use crate::ipc::{PortError, PortName, RawName, RightKind, TypeBits};
use crate::ring::world::World as _;

/// # Rights by name
///
/// Every right that a task holds has a name: a number of the task's own. All rights to one port share
/// one name; a dead name is what is left of them when the port is dead. A program can work with
/// handles, with names, or with both. Each reference belongs either to a handle or to the name: a
/// handle gives its own up by being dropped, and these calls change those of the name, which come from
/// [`SendRight::into_name`], [`ReceiveRight::into_name`] and from the calls themselves. Where a call would
/// have to take a handle's reference it is refused with [`PortError::Pinned`].
///
/// Names that are left when the last handle to the task itself is dropped end with it, silently.
impl Task {
    /// All names of the task with their type bits, in no order that may be relied on.
    ///
    /// # Errors
    /// [`PortError::Forked`].
    pub fn names(&self) -> Result<Vec<(PortName, TypeBits)>, PortError> {
        self.is_here()?;
        self.inner.look();
        let mut rest = Leftover::default();
        let all = {
            let mut names = self.inner.names.lock();
            names.refresh_all(&mut rest);
            names.space.names()
        };
        self.inner.finish(rest);
        all
    }

    /// Which rights a name stands for. DEAD is a dead name.
    ///
    /// # Errors
    /// [`PortError::Forked`], [`PortError::UnknownName`].
    pub fn right_type(&self, name: impl Into<RawName>) -> Result<TypeBits, PortError> {
        self.is_here()?;
        self.inner.look();
        let name = name.into();
        self.refreshed(name, |names, _| names.space.type_bits(name))
    }

    /// How many references a name has to this kind of right, those of handles included; 0 when it does
    /// not stand for it. NULL and DEAD have one of send and send-once.
    ///
    /// # Errors
    /// [`PortError::Forked`], [`PortError::UnknownName`].
    pub fn get_refs(&self, name: impl Into<RawName>, right: RightKind) -> Result<u16, PortError> {
        self.is_here()?;
        self.inner.look();
        let name = name.into();
        self.refreshed(name, |names, _| names.space.get_refs(name, right.number()))
    }

    /// Changes the name's references to this kind of right by `delta`. The last one takes the right off
    /// the name; the receive right (-1) takes the port with it.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::UnknownName`].
    /// 3. [`PortError::NoSuchRight`].
    /// 4. [`PortError::BadDelta`]: for a send right or a dead name more than 65,535 either way, or more
    ///    than there are; for the others anything but 0 and -1.
    /// 5. [`PortError::Guarded`]: the receive right of a guarded port.
    /// 6. [`PortError::Pinned`]: what the name owns is not enough.
    pub fn mod_refs(&self, name: impl Into<RawName>, right: RightKind, delta: i32) -> Result<(), PortError> {
        let name = name.into();
        self.refreshed(name, |names, rest| names.mod_refs(name, right, delta, rest))
    }

    /// Gives up one reference: of the send right, before all, or of the dead name, or the send-once
    /// right. NULL and DEAD are fine.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::UnknownName`].
    /// 3. [`PortError::NoSuchRight`]: a receive right alone.
    /// 4. [`PortError::Pinned`]: all references belong to handles.
    pub fn deallocate(&self, name: impl Into<RawName>) -> Result<(), PortError> {
        let name = name.into();
        self.refreshed(name, |names, rest| names.deallocate(name, rest))
    }

    /// Gives up everything under a name. NULL and DEAD are fine.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::UnknownName`].
    /// 3. [`PortError::Guarded`]: the receive right of a port that is guarded with a value other than 0.
    /// 4. [`PortError::Pinned`]: something under the name is a handle.
    pub fn destroy(&self, name: impl Into<RawName>) -> Result<(), PortError> {
        let name = name.into();
        self.refreshed(name, |names, rest| names.destroy(name, rest))
    }

    /// Makes a dead name with one reference.
    ///
    /// # Errors
    /// [`PortError::Forked`], [`PortError::NoSpace`], [`PortError::ResourceShortage`].
    pub fn allocate_dead_name(&self) -> Result<PortName, PortError> {
        self.is_here()?;
        self.inner.names.lock().allocate_dead_name()
    }

    /// A handle to the send right under a name, with a reference of its own.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::UnknownName`].
    /// 3. [`PortError::DeadPort`]: a dead name.
    /// 4. [`PortError::NoSuchRight`].
    pub fn send_right(&self, name: impl Into<RawName>) -> Result<SendRight, PortError> {
        self.is_here()?;
        self.inner.look();
        let held = {
            let mut names = self.inner.names.lock();
            let held = names.send_credit(name.into())?;
            let is_added = names.add_handle(&held);
            debug_assert!(is_added, "found under the same lock");
            held
        };
        Ok(SendRight::new(self.inner.clone(), held))
    }

    /// The handle to the receive right under a name; there is one at a time.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::UnknownName`].
    /// 3. [`PortError::NoSuchRight`].
    /// 4. [`PortError::Pinned`]: it is a handle already.
    pub fn receive_right(&self, name: impl Into<RawName>) -> Result<ReceiveRight, PortError> {
        self.is_here()?;
        let (port, name) = self.inner.names.lock().take_receive(name.into())?;
        Ok(ReceiveRight::new(self.inner.clone(), port, name))
    }

    /// Refuses calls in a forked child.
    pub(crate) fn is_here(&self) -> Result<(), PortError> {
        if self.inner.is_forked() { Err(PortError::Forked) } else { Ok(()) }
    }

    /// Calls `act` with the names, after a look whether a send-once right under `name` has died, and then
    /// does what it leaves to be done. No news are looked at: that would cost more than most calls.
    ///
    /// # Errors
    /// [`PortError::Forked`], and those of `act`.
    pub(crate) fn refreshed<R>(
        &self,
        name: RawName,
        act: impl FnOnce(&mut Names, &mut Leftover) -> Result<R, PortError>,
    ) -> Result<R, PortError> {
        self.is_here()?;
        let mut rest = Leftover::default();
        let done = {
            let mut names = self.inner.names.lock();
            names.refresh(name, &mut rest);
            act(&mut names, &mut rest)
        };
        self.inner.finish(rest);
        done
    }
}
