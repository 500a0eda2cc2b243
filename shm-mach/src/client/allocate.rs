//! Making rights by name: `allocate` and its variants, and ports made to order.

use crate::client::attributes::PortStatus;
use crate::client::context::{Context, GuardOptions};
use crate::client::port_set::PortSet;
use crate::client::receive_right::ReceiveRight;
use crate::client::task::{Options, Task};
use crate::ipc::{NameInfo, PortError, PortName, RawName, RightKind, SpaceInfo};
use crate::ring::slot::BODY_MAX;

/// `mach_port_qos_t`: how [`Task::allocate_full`] is to make a right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// The name that it is to get.
    pub name: Option<RawName>,
    /// Room for a message of so many bytes is to be kept ready. It is taken and means nothing: a send that
    /// finds room in the queue finds memory.
    pub room: Option<u32>,
}

/// `mach_port_options_t`: how a port is made by [`Task::construct`], in Mach's layout.
///
/// ```text
/// 0   flags u32
/// 4   queue limit u32      counts with QLIMIT
/// 8   two u64              the label of a service port, the service of a connection port
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct PortOptions {
    /// The sum of the constants of this type.
    pub flags: u32,
    /// The queue limit.
    pub limit: u32,
    /// What the kind of port needs.
    pub more: [u64; 2],
}

const _: () = assert!(size_of::<PortOptions>() == 24);

impl PortOptions {
    /// The context is a guard.
    pub const CONTEXT_AS_GUARD: u32 = 0x1;
    /// The queue limit is given.
    pub const QLIMIT: u32 = 0x2;
    /// A hint that shows in the port's status.
    pub const TEMPOWNER: u32 = 0x4;
    /// A hint that shows in the port's status.
    pub const IMPORTANCE_RECEIVER: u32 = 0x8;
    /// The name gets a send right too.
    pub const INSERT_SEND_RIGHT: u32 = 0x10;
    /// The guard is strict.
    pub const STRICT: u32 = 0x20;
    /// A hint that shows in the port's status.
    pub const DENAP_RECEIVER: u32 = 0x40;
    /// The receive right of the guarded port cannot be moved.
    pub const IMMOVABLE_RECEIVE: u32 = 0x80;
    /// A hint.
    pub const FILTER_MSG: u32 = 0x100;
    /// For the system alone.
    pub const TG_BLOCK_TRACKING: u32 = 0x200;
    /// A service's port: for a launcher alone.
    pub const SERVICE_PORT: u32 = 0x400;
    /// A port for one client of a service.
    pub const CONNECTION_PORT: u32 = 0x800;
    /// Nothing but send-once rights is made of it, and its receive right does not move.
    pub const REPLY_PORT: u32 = 0x1000;
    /// A hint: replies to it go to reply ports.
    pub const ENFORCE_REPLY_PORT_SEMANTICS: u32 = 0x2000;
    /// A hint: as good as a reply port.
    pub const PROVISIONAL_REPLY_PORT: u32 = 0x4000;
    /// A hint: for exceptions.
    pub const EXCEPTION_PORT: u32 = 0x8000;

    /// One of these at most, and one of those.
    const KINDS: [u32; 2] = [
        Self::SERVICE_PORT | Self::CONNECTION_PORT | Self::TG_BLOCK_TRACKING,
        Self::REPLY_PORT
            | Self::ENFORCE_REPLY_PORT_SEMANTICS
            | Self::PROVISIONAL_REPLY_PORT
            | Self::EXCEPTION_PORT,
    ];

    const fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// # Errors
    /// See [`Task::construct`].
    fn check(&self) -> Result<(), PortError> {
        if self.has(Self::TG_BLOCK_TRACKING) {
            return Err(PortError::Denied);
        }
        if self.has(Self::SERVICE_PORT | Self::CONNECTION_PORT) {
            return Err(if self.more[0] == 0 { PortError::NoLabel } else { PortError::Denied });
        }
        if self.has(Self::QLIMIT) && self.limit > Options::LIMIT_MAX {
            return Err(PortError::InvalidLimit { limit: self.limit, most: Options::LIMIT_MAX });
        }
        Ok(())
    }

    fn context(&self, value: u64) -> Context {
        let guard = self.has(Self::CONTEXT_AS_GUARD).then(|| GuardOptions {
            is_strict: self.has(Self::STRICT),
            is_immovable: self.has(Self::IMMOVABLE_RECEIVE),
        });
        let hint = |flag, shown| if self.has(flag) { shown } else { 0 };
        let receives = Self::IMPORTANCE_RECEIVER | Self::DENAP_RECEIVER;
        let hints = hint(Self::TEMPOWNER, PortStatus::TEMPOWNER) | hint(receives, PortStatus::IMP_DONATION);
        Context::made(value, guard, hints, self.has(Self::REPLY_PORT))
    }
}

/// # Rights made by name
///
/// The reference that is made belongs to the name.
impl Task {
    /// `mach_port_allocate`: makes a port, a set, or a dead name, and gives its name.
    ///
    /// # Errors
    /// [`PortError::Forked`], [`PortError::BadRight`]: a kind that is not made from nothing,
    /// [`PortError::NoSpace`], [`PortError::ResourceShortage`].
    pub fn allocate_right(&self, kind: RightKind) -> Result<PortName, PortError> {
        self.make(kind, None)
    }

    /// `mach_port_allocate_name`: the same, under a name that the caller chooses. A dead name is made under
    /// any name, as in Mach. Says which it is.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::BadRight`].
    /// 3. [`PortError::ReservedName`]: NULL or DEAD.
    /// 4. Not for dead names: [`PortError::NoSpace`], [`PortError::BadNameBits`],
    ///    [`PortError::ReservedIndex`], [`PortError::OtherGeneration`], [`PortError::NameExists`].
    /// 5. [`PortError::NoSpace`], [`PortError::ResourceShortage`].
    pub fn allocate_name(&self, kind: RightKind, name: impl Into<RawName>) -> Result<PortName, PortError> {
        self.make(kind, Some(name.into()))
    }

    /// `mach_port_allocate_full`: the same, as `quality` says. `proto` is NULL.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::BadProto`].
    /// 3. [`PortError::ResourceShortage`]: room for more bytes than a body can have.
    /// 4. [`PortError::BadRight`]: room, and no port.
    /// 5. As [`allocate_right`](Self::allocate_right), or with a name as
    ///    [`allocate_name`](Self::allocate_name).
    pub fn allocate_full(
        &self,
        kind: RightKind,
        proto: RawName,
        quality: Quality,
    ) -> Result<PortName, PortError> {
        self.is_here()?;
        if proto != RawName::NULL {
            return Err(PortError::BadProto);
        }
        if quality.room.is_some_and(|room| room as usize > BODY_MAX) {
            return Err(PortError::ResourceShortage);
        }
        if quality.room.is_some() && kind != RightKind::Receive {
            return Err(PortError::BadRight);
        }
        self.make(kind, quality.name)
    }

    /// `mach_port_allocate_qos`: the same without a choice of the name.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::NameChosen`].
    /// 3. As [`allocate_full`](Self::allocate_full).
    pub fn allocate_qos(&self, kind: RightKind, quality: Quality) -> Result<PortName, PortError> {
        self.is_here()?;
        if quality.name.is_some() {
            return Err(PortError::NameChosen);
        }
        self.allocate_full(kind, RawName::NULL, quality)
    }

    fn make(&self, kind: RightKind, chosen: Option<RawName>) -> Result<PortName, PortError> {
        self.is_here()?;
        match kind {
            RightKind::Send | RightKind::SendOnce => Err(PortError::BadRight),
            RightKind::Receive => {
                let (port, name) = self.inner.allocate(self.inner.options.limit, chosen)?;
                self.inner.names.lock().ports.set_handle(port.index, false);
                Ok(name)
            }
            RightKind::PortSet => Ok(PortSet::new(self, chosen, false)?.into_name()),
            RightKind::DeadName if chosen.is_some_and(|name| !name.is_valid()) => {
                Err(PortError::ReservedName)
            }
            RightKind::DeadName => self.allocate_dead_name(),
        }
    }

    /// `mach_port_construct`: makes a port with these options and this context. Service ports and
    /// connection ports need a launcher that makes them, and are denied.
    ///
    /// # Errors
    /// 1. [`PortError::ExclusiveKinds`].
    /// 2. [`PortError::Forked`].
    /// 3. [`PortError::Denied`], or [`PortError::NoLabel`]: the kind is not made here, or not without more.
    /// 4. [`PortError::InvalidLimit`]: more than 1,024.
    /// 5. [`PortError::NoSpace`], [`PortError::ResourceShortage`].
    pub fn construct(&self, options: &PortOptions, context: u64) -> Result<PortName, PortError> {
        if PortOptions::KINDS.iter().any(|kinds| (options.flags & kinds).count_ones() > 1) {
            return Err(PortError::ExclusiveKinds);
        }
        self.is_here()?;
        options.check()?;
        let limit = if options.has(PortOptions::QLIMIT) { options.limit } else { self.inner.options.limit };
        let (port, name) = self.inner.allocate(limit, None)?;
        let index = port.index;
        let right = ReceiveRight::new(self.inner.clone(), port, name);
        if options.has(PortOptions::INSERT_SEND_RIGHT) {
            right.make_send().into_name();
        }
        right.into_name();
        self.inner.names.lock().set_context(name.into(), index, options.context(context));
        Ok(name)
    }

    /// `mach_port_space_info`: the size of the task's table of names, and every line of it that was ever
    /// used, those that are free with type 0.
    ///
    /// # Errors
    /// [`PortError::Forked`].
    pub fn space_info(&self) -> Result<(SpaceInfo, Vec<NameInfo>), PortError> {
        self.is_here()?;
        self.names()?; // what has died is seen
        let names = self.inner.names.lock();
        Ok((names.space.info()?, names.space.lines()?))
    }

    /// `mach_port_space_basic_info`: the size of the task's table of names.
    ///
    /// # Errors
    /// [`PortError::Forked`].
    pub fn space_basic_info(&self) -> Result<SpaceInfo, PortError> {
        self.is_here()?;
        self.inner.names.lock().space.info()
    }
}
