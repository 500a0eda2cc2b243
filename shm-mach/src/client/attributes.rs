//! What can be asked about a port, and set, by its name.

use futex::sync::{Ordering, futex_wake};

use crate::client::port::Port;
use crate::client::space::Names;
use crate::client::task::{Inner, Options, Task};
use crate::ipc::{PortError, RawName};
use crate::ring::world::World as _;

/// Numbers of the flavours of `get_attributes`, `set_attributes` and `assert_attributes`.
pub mod flavor {
    /// The queue limit: one word.
    pub const LIMITS_INFO: u32 = 1;
    /// A [`PortStatus`](super::PortStatus): ten words.
    pub const RECEIVE_STATUS: u32 = 2;
    /// How many requests the port's names have room for: one word.
    pub const DNREQUESTS_SIZE: u32 = 3;
    /// Hint without effect.
    pub const TEMPOWNER: u32 = 4;
    /// Hint without effect.
    pub const IMPORTANCE_RECEIVER: u32 = 5;
    /// Hint without effect.
    pub const DENAP_RECEIVER: u32 = 6;
    /// The status, and seven words that are 0.
    pub const INFO_EXT: u32 = 7;
    /// A guard, in two words, the lower half first.
    pub const GUARD_INFO: u32 = 8;
    /// Of service ports, which do not exist.
    pub const SERVICE_THROTTLED: u32 = 9;
}

/// Words of a [`PortStatus`].
const STATUS_WORDS: usize = 10;
/// Those, and what follows them in the extended form.
const EXTENDED_WORDS: usize = 17;

/// `mach_port_status_t`: what a port's receiver can know of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PortStatus {
    /// It is in some set (`mps_pset`).
    pub is_in_set: bool,
    /// The number of the next message (`mps_seqno`).
    pub seqno: u32,
    /// How many send rights were made (`mps_mscount`).
    pub mscount: u32,
    /// How many messages of one sender the queue holds (`mps_qlimit`).
    pub qlimit: u32,
    /// How many messages are queued, of all senders (`mps_msgcount`).
    pub msgcount: u32,
    /// How many send-once rights exist (`mps_sorights`).
    pub sorights: u32,
    /// Whether a send right exists (`mps_srights`).
    pub srights: bool,
    /// A port-destroyed request is armed (`mps_pdrequest`).
    pub pdrequest: bool,
    /// A no-senders request is armed (`mps_nsrequest`).
    pub nsrequest: bool,
    /// [`GUARDED`](Self::GUARDED) and the like (`mps_flags`).
    pub flags: u32,
}

impl PortStatus {
    /// It was made with the hint that its queue's owner changes.
    pub const TEMPOWNER: u32 = 1;
    /// It is guarded.
    pub const GUARDED: u32 = 2;
    /// Its context cannot be changed either.
    pub const STRICT_GUARD: u32 = 4;
    /// It was made with the hint that it receives importance.
    pub const IMP_DONATION: u32 = 8;
    /// It is guarded, and its receive right cannot be moved.
    pub const GUARD_IMMOVABLE_RECEIVE: u32 = 0x40;

    /// In the order and with the width of Mach's structure.
    fn words(&self) -> [u32; STATUS_WORDS] {
        [
            u32::from(self.is_in_set),
            self.seqno,
            self.mscount,
            self.qlimit,
            self.msgcount,
            self.sorights,
            u32::from(self.srights),
            u32::from(self.pdrequest),
            u32::from(self.nsrequest),
            self.flags,
        ]
    }
}

impl Port {
    /// What the port itself knows.
    fn status(&self) -> PortStatus {
        let state = self.group.lock();
        let port = &state.port;
        let kept = usize::from(port.kept_back.is_some());
        let lanes: usize = state.seats().iter().map(|seat| seat.lane.count_unread()).sum();
        PortStatus {
            is_in_set: !port.sets.is_empty(),
            seqno: port.seqno,
            mscount: port.mscount,
            qlimit: port.limit,
            msgcount: (lanes + kept + port.local.len() + port.answers_there()) as u32,
            sorights: port.once,
            srights: port.send_rights() > 0,
            nsrequest: port.no_senders.is_some(),
            ..PortStatus::default()
        }
    }

    /// How many send rights exist: one for each task that holds any, and those on their way.
    fn send_rights(&self) -> u64 {
        self.group.lock().port.send_rights()
    }

    /// The next right that is made is the one after this many.
    fn set_mscount(&self, count: u32) {
        self.group.lock().port.mscount = count;
    }

    /// The next message has this number.
    fn set_seqno(&self, seqno: u32) {
        self.group.lock().port.seqno = seqno;
    }

    /// How many messages of one sender the queue holds.
    pub(crate) fn limit(&self) -> u32 {
        self.group.lock().port.limit
    }

    /// Takes over a new queue limit, for all senders.
    pub(crate) fn set_limit(&self, limit: u32) {
        self.group.change(|state| {
            let is_lower = limit < state.port.limit;
            state.port.was_lowered |= is_lower;
            state.port.limit = limit;
            for at in 0..state.seats().len() {
                let lane = &mut state.seat(at).lane;
                lane.set_limit(limit);
                if is_lower {
                    lane.watch_limit();
                }
            }
        });
        self.room.fetch_add(1, Ordering::Release);
        futex_wake(&self.room, u32::MAX);
    }

    /// The receive right has gone from name to name: the port begins anew, but for its messages, its
    /// senders and its requests.
    pub(crate) fn begin_anew(&self) {
        for set in self.sets() {
            set.dismiss(self);
        }
        self.group.change(|state| (state.port.mscount, state.port.seqno) = (0, 0));
    }
}

impl Names {
    /// How many requests there are on names of the port under this name.
    fn requests(&self, name: RawName) -> u32 {
        let Ok(entry) = self.space.entry(name) else { return 0 };
        entry.port().map_or(0, |(port, receiver)| self.space.requests(port, receiver))
    }
}

impl Inner {
    /// # Errors
    /// [`PortError::UnknownName`], [`PortError::NoSuchRight`].
    pub(crate) fn status(&self, name: RawName) -> Result<PortStatus, PortError> {
        let (port, flags, pdrequest) = {
            let names = self.names.lock();
            let receive = names.receive(name)?;
            let flags = names.ports.context(receive.handle as u32).flags();
            (names.received(name)?, flags, receive.traits.port_destroyed)
        };
        Ok(PortStatus { flags, pdrequest, ..port.status() })
    }
}

/// # Attributes of ports by name
///
/// NULL and DEAD are names without the receive right that these calls need, unless they say otherwise.
impl Task {
    /// What the receiver of a port can know of it (`MACH_PORT_RECEIVE_STATUS`).
    ///
    /// # Errors
    /// [`PortError::Forked`], [`PortError::NoSuchRight`] for NULL and DEAD, [`PortError::UnknownName`],
    /// [`PortError::NoSuchRight`].
    pub fn receive_status(&self, name: impl Into<RawName>) -> Result<PortStatus, PortError> {
        self.is_here()?;
        self.inner.look();
        self.inner.status(name.into())
    }

    /// `mach_port_get_attributes`: writes the words of the flavour with number `number` to `info`, and
    /// says how many. NULL and DEAD have no limit, and no room for requests.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::TooFewWords`]: `info` is too short for this flavour.
    /// 3. [`PortError::UnknownFlavor`].
    /// 4. [`PortError::NoSuchRight`] for NULL and DEAD, [`PortError::UnknownName`],
    ///    [`PortError::NoSuchRight`].
    /// 5. [`PortError::NotService`], of [`SERVICE_THROTTLED`](flavor::SERVICE_THROTTLED).
    pub fn get_attributes(
        &self,
        name: impl Into<RawName>,
        number: u32,
        info: &mut [u32],
    ) -> Result<usize, PortError> {
        self.is_here()?;
        let name = name.into();
        let words = match number {
            flavor::LIMITS_INFO | flavor::DNREQUESTS_SIZE | flavor::SERVICE_THROTTLED => 1,
            flavor::RECEIVE_STATUS => STATUS_WORDS,
            flavor::INFO_EXT => EXTENDED_WORDS,
            _ => return Err(PortError::UnknownFlavor),
        };
        let info = info.get_mut(..words).ok_or(PortError::TooFewWords)?;
        self.inner.look();
        if !name.is_valid() && number == flavor::LIMITS_INFO {
            return Ok(0);
        }
        if !name.is_valid() && number == flavor::DNREQUESTS_SIZE {
            info[0] = 0;
            return Ok(1);
        }
        let status = self.inner.status(name)?;
        match number {
            flavor::LIMITS_INFO => info[0] = status.qlimit,
            flavor::DNREQUESTS_SIZE => info[0] = self.inner.names.lock().requests(name),
            flavor::SERVICE_THROTTLED => return Err(PortError::NotService),
            _ => {
                info.fill(0);
                info[..STATUS_WORDS].copy_from_slice(&status.words());
            }
        }
        Ok(words)
    }

    /// `mach_port_set_attributes`: sets the queue limit. The hints are taken and mean nothing.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::TooFewWords`]: `info` is too short for this flavour.
    /// 3. [`PortError::UnknownFlavor`].
    /// 4. [`PortError::InvalidLimit`]: more than 1,024.
    /// 5. [`PortError::NoSuchRight`] for NULL and DEAD, [`PortError::UnknownName`],
    ///    [`PortError::NoSuchRight`].
    /// 6. [`PortError::NotService`], of [`SERVICE_THROTTLED`](flavor::SERVICE_THROTTLED).
    pub fn set_attributes(
        &self,
        name: impl Into<RawName>,
        number: u32,
        info: &[u32],
    ) -> Result<(), PortError> {
        self.is_here()?;
        let words = match number {
            flavor::LIMITS_INFO | flavor::DNREQUESTS_SIZE | flavor::SERVICE_THROTTLED => 1,
            flavor::TEMPOWNER | flavor::IMPORTANCE_RECEIVER | flavor::DENAP_RECEIVER => 0,
            _ => return Err(PortError::UnknownFlavor),
        };
        let info = info.get(..words).ok_or(PortError::TooFewWords)?;
        if number == flavor::LIMITS_INFO && info[0] > Options::LIMIT_MAX {
            return Err(PortError::InvalidLimit { limit: info[0], most: Options::LIMIT_MAX });
        }
        let port = self.inner.names.lock().received(name.into())?;
        match number {
            flavor::LIMITS_INFO => port.set_limit(info[0]),
            flavor::SERVICE_THROTTLED => return Err(PortError::NotService),
            _ => {}
        }
        Ok(())
    }

    /// `mach_port_set_mscount`: the count of send rights made so far is this.
    ///
    /// # Errors
    /// [`PortError::Forked`], [`PortError::NoSuchRight`] for NULL and DEAD, [`PortError::UnknownName`],
    /// [`PortError::NoSuchRight`].
    pub fn set_mscount(&self, name: impl Into<RawName>, count: u32) -> Result<(), PortError> {
        self.is_here()?;
        let port = self.inner.names.lock().received(name.into())?;
        port.set_mscount(count);
        Ok(())
    }

    /// `mach_port_set_seqno`: the next message has this number.
    ///
    /// # Errors
    /// As [`set_mscount`](Self::set_mscount).
    pub fn set_seqno(&self, name: impl Into<RawName>, seqno: u32) -> Result<(), PortError> {
        self.is_here()?;
        let port = self.inner.names.lock().received(name.into())?;
        port.set_seqno(seqno);
        Ok(())
    }

    /// `mach_port_get_srights`: how many send rights to a port there are in all tasks, one for each that
    /// holds any, and in messages.
    ///
    /// # Errors
    /// [`PortError::Forked`], [`PortError::UnknownName`], also for NULL and DEAD,
    /// [`PortError::NoSuchRight`].
    pub fn get_srights(&self, name: impl Into<RawName>) -> Result<u64, PortError> {
        self.is_here()?;
        self.inner.look();
        let name = name.into();
        let port = {
            let names = self.inner.names.lock();
            names.space.entry(name)?;
            names.received(name)?
        };
        Ok(port.send_rights())
    }

    /// `mach_port_dnrequest_info`: how many requests the names of a port have room for, and how many there
    /// are. Room is made for each one, so the two are the same.
    ///
    /// # Errors
    /// As [`get_srights`](Self::get_srights).
    pub fn dnrequest_info(&self, name: impl Into<RawName>) -> Result<(u32, u32), PortError> {
        self.is_here()?;
        let name = name.into();
        let names = self.inner.names.lock();
        names.space.entry(name)?;
        names.received(name)?;
        let requests = names.requests(name);
        Ok((requests, requests))
    }

    /// `task_set_port_space`: a hint how many names the task will need, which means nothing.
    ///
    /// # Errors
    /// [`PortError::Forked`].
    pub fn set_port_space(&self, _names: u32) -> Result<(), PortError> {
        self.is_here()
    }
}
