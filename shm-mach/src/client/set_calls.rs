//! Port sets by their names.

use crate::client::port_set::PortSet;
use crate::client::receive_right::ReceiveRight;
use crate::client::task::Task;
use crate::ipc::{PortError, PortName, RawName};

/// # Port sets by name
///
/// A set has a name of its own, and can be a handle, or a name only, or lent for a while
/// ([`with_port_set`](Self::with_port_set)). NULL and DEAD are names without the right that these calls need.
impl Task {
    /// The handle to the set under a name; there is one at a time.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::UnknownName`].
    /// 3. [`PortError::NoSuchRight`]: no set.
    /// 4. [`PortError::Pinned`]: it is a handle already.
    pub fn port_set(&self, name: impl Into<RawName>) -> Result<PortSet, PortError> {
        self.is_here()?;
        let (set, name) = self.inner.names.lock().take_set(name.into())?;
        Ok(PortSet::of(self.inner.clone(), set, name, false))
    }

    /// Calls `act` with the set under a name, to receive from it, also while it is somebody's handle. The
    /// name can be given up meanwhile: then receiving fails with
    /// [`ReceiveError::PortDied`](crate::ReceiveError::PortDied).
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::NoSuchRight`]: NULL or DEAD.
    /// 3. [`PortError::UnknownName`].
    /// 4. [`PortError::NoSuchRight`]: no set.
    pub fn with_port_set<R>(
        &self,
        name: impl Into<RawName>,
        act: impl FnOnce(&PortSet) -> R,
    ) -> Result<R, PortError> {
        self.is_here()?;
        let raw = name.into();
        let set = self.inner.names.lock().set(raw)?;
        let name = PortName::new(raw.0).expect("the name of an entry");
        Ok(act(&PortSet::of(self.inner.clone(), set, name, true)))
    }

    /// Calls `act` with the receive right under a name, to receive by it, also while it is somebody's
    /// handle. The name can be given up meanwhile: then receiving fails with
    /// [`ReceiveError::PortDied`](crate::ReceiveError::PortDied).
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::NoSuchRight`]: NULL or DEAD.
    /// 3. [`PortError::UnknownName`].
    /// 4. [`PortError::NoSuchRight`]: no receive right.
    pub fn with_receive_right<R>(
        &self,
        name: impl Into<RawName>,
        act: impl FnOnce(&ReceiveRight) -> R,
    ) -> Result<R, PortError> {
        self.is_here()?;
        let raw = name.into();
        let port = self.inner.names.lock().received(raw)?;
        let name = PortName::new(raw.0).expect("the name of an entry");
        Ok(act(&ReceiveRight::lent(self.inner.clone(), port, name)))
    }

    /// Makes a port a member of one more set. What is queued there is received at once by threads that
    /// wait at the set already.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. Of the port, and then of the set: [`PortError::NoSuchRight`] for NULL and DEAD,
    ///    [`PortError::UnknownName`], [`PortError::NoSuchRight`].
    /// 3. [`PortError::AlreadyInSet`].
    pub fn insert_member(&self, port: impl Into<RawName>, set: impl Into<RawName>) -> Result<(), PortError> {
        self.is_here()?;
        let (port, set) = {
            let names = self.inner.names.lock();
            (names.received(port.into())?, names.set(set.into())?)
        };
        set.admit(&port)
    }

    /// Makes a port a member of a set no more; its messages stay with it.
    ///
    /// # Errors
    /// As [`insert_member`](Self::insert_member), but last [`PortError::NotInSet`].
    pub fn extract_member(&self, port: impl Into<RawName>, set: impl Into<RawName>) -> Result<(), PortError> {
        self.is_here()?;
        let (port, set) = {
            let names = self.inner.names.lock();
            (names.received(port.into())?, names.set(set.into())?)
        };
        if set.dismiss(&port) { Ok(()) } else { Err(PortError::NotInSet) }
    }

    /// Makes a port a member of the set `after` and of no other; of none at all if that is NULL. If it is
    /// in `after` already it stays there.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. Of the port, and then of the set: [`PortError::NoSuchRight`] for DEAD, and for NULL as a port,
    ///    [`PortError::UnknownName`], [`PortError::NoSuchRight`].
    /// 3. [`PortError::NotInSet`]: `after` is NULL, and the port was in no set.
    pub fn move_member(&self, port: impl Into<RawName>, after: impl Into<RawName>) -> Result<(), PortError> {
        self.is_here()?;
        let after = after.into();
        let (port, set) = {
            let names = self.inner.names.lock();
            let port = names.received(port.into())?;
            (port, if after == RawName::NULL { None } else { Some(names.set(after)?) })
        };
        match set {
            Some(set) => set.admit_alone(&port),
            None => {
                let left = port.sets().iter().filter(|set| set.dismiss(&port)).count();
                if left > 0 { Ok(()) } else { Err(PortError::NotInSet) }
            }
        }
    }

    /// The names of the members of a set, ascending.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::NoSuchRight`]: NULL or DEAD.
    /// 3. [`PortError::UnknownName`].
    /// 4. [`PortError::NoSuchRight`]: no set.
    pub fn get_set_status(&self, set: impl Into<RawName>) -> Result<Vec<PortName>, PortError> {
        self.is_here()?;
        let set = self.inner.names.lock().set(set.into())?;
        Ok(set.members())
    }
}
