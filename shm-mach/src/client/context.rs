//! Contexts and guards of ports.
//!
//! A port has a *context*, a number that means something to its receiver. A *guard* makes the context a
//! key: without it the receive right is not given up. It protects a program from its own mistakes, and
//! so it concerns names alone: a [`ReceiveRight`](crate::ReceiveRight) that is dropped knows what it does.

use crate::client::attributes::{PortStatus, flavor};
use crate::client::space::{Leftover, Names};
use crate::client::task::Task;
use crate::ipc::{Guard, PortError, RawName, ReceiveTraits, RightKind, State};

/// What its receiver has said of a port.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Context {
    pub(crate) value: u64,
    is_guarded: bool,
    is_strict: bool,
    /// Stays when the guard goes.
    is_immovable: bool,
    /// Hints that were given when it was made, as they show in its status.
    hints: u32,
    /// No send right is made of it.
    pub(crate) is_for_replies: bool,
    /// The library sends messages to it when its time has come.
    pub(crate) is_timer: bool,
}

/// What a guard forbids besides giving the receive right up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GuardOptions {
    /// To read or change the context (`MPG_STRICT`).
    pub is_strict: bool,
    /// To move the receive right (`MPG_IMMOVABLE_RECEIVE`), also after the guard is gone.
    pub is_immovable: bool,
}

impl Context {
    /// That of a port that is made with this.
    pub(crate) fn made(value: u64, guard: Option<GuardOptions>, hints: u32, is_for_replies: bool) -> Self {
        let plain = Self { value, hints, is_for_replies, is_immovable: is_for_replies, ..Self::default() };
        guard.map_or(plain, |options| plain.guarded(value, options))
    }

    /// That of a timer.
    pub(crate) fn timer() -> Self {
        Self { is_timer: true, is_immovable: true, ..Self::default() }
    }

    fn guarded(self, value: u64, options: GuardOptions) -> Self {
        let is_immovable = self.is_immovable || options.is_immovable;
        Self { value, is_guarded: true, is_strict: options.is_strict, is_immovable, ..self }
    }

    /// As they show in the port's status.
    pub(crate) fn flags(&self) -> u32 {
        let flag = |is_set: bool, flag| if is_set { flag } else { 0 };
        self.hints
            | flag(self.is_guarded, PortStatus::GUARDED)
            | flag(self.is_strict, PortStatus::STRICT_GUARD)
            | flag(self.is_guarded && self.is_immovable, PortStatus::GUARD_IMMOVABLE_RECEIVE)
    }

    fn guard(&self) -> Guard {
        match (self.is_guarded, self.value) {
            (false, _) => Guard::None,
            (true, 0) => Guard::Zero,
            (true, _) => Guard::Value,
        }
    }

    /// Whether a message may move the receive right that says of its guard that it is `guard`; `None`: that
    /// there is none, and no context.
    pub(crate) fn lets_go(&self, guard: Option<u64>) -> bool {
        match guard {
            None => !self.is_guarded && self.value == 0,
            Some(guard) => self.is_guarded && self.value == guard,
        }
    }

    /// The holder of this guard may act.
    fn opens(&self, guard: u64) -> Result<(), PortError> {
        if self.value == guard { Ok(()) } else { Err(PortError::WrongGuard) }
    }
}

impl Names {
    /// The number of the port whose receive right is under a name, and its context.
    ///
    /// # Errors
    /// [`PortError::UnknownName`], also for NULL and DEAD, [`PortError::NoSuchRight`].
    fn context(&self, name: RawName) -> Result<(u32, Context), PortError> {
        self.space.entry(name)?;
        let index = self.receive(name)?.handle as u32;
        Ok((index, self.ports.context(index)))
    }

    /// Changes the context, and tells the space what it must know of it.
    pub(crate) fn set_context(&mut self, name: RawName, index: u32, context: Context) {
        self.ports.set_context(index, context);
        let traits = self.receive(name).map(|receive| receive.traits).unwrap_or_default();
        let (guard, immovable) = (context.guard(), context.is_immovable);
        let traits = ReceiveTraits { guard, immovable, for_replies: context.is_for_replies, ..traits };
        let done = self.space.set_receive_traits(name, traits);
        debug_assert_eq!(done, Ok(()), "the receive right was there just now");
    }

    /// Calls `change` with the context of a port; the port has then what that gives.
    fn change_context<R>(
        &mut self,
        name: RawName,
        change: impl FnOnce(Context) -> Result<(Context, R), PortError>,
    ) -> Result<R, PortError> {
        let (index, context) = self.context(name)?;
        let (context, result) = change(context)?;
        self.set_context(name, index, context);
        Ok(result)
    }

    /// See [`Task::destruct`].
    fn destruct(
        &mut self,
        name: RawName,
        srdelta: i32,
        guard: u64,
        rest: &mut Leftover,
    ) -> Result<(), PortError> {
        let (index, context) = self.context(name)?;
        let State::Port { send, .. } = *self.space.entry(name)?.state() else {
            return Err(PortError::NoSuchRight);
        };
        if srdelta != 0 && send.is_none() {
            return Err(PortError::NoSuchRight);
        }
        if srdelta > 0 {
            return Err(PortError::BadDelta);
        }
        if context.is_guarded {
            context.opens(guard)?;
        }
        if let Some(urefs) = send {
            urefs.changed_by(srdelta)?;
        }
        if self.ports.has_handle(index) {
            return Err(PortError::Pinned);
        }
        if srdelta != 0 {
            self.mod_refs(name, RightKind::Send, srdelta, rest)?;
        }
        let done = self.space.destruct(name, 0, &mut self.effects);
        self.settle(rest);
        done
    }
}

/// # Contexts and guards
///
/// A new port has context 0 and no guard.
impl Task {
    /// `mach_port_get_context`: the number that the receiver keeps with a port; 0 under a strict guard.
    ///
    /// # Errors
    /// [`PortError::Forked`], [`PortError::NoSuchRight`] for NULL and DEAD, [`PortError::UnknownName`],
    /// [`PortError::NoSuchRight`].
    pub fn get_context(&self, name: impl Into<RawName>) -> Result<u64, PortError> {
        self.is_here()?;
        let names = self.inner.names.lock();
        let receive = names.receive(name.into())?;
        let context = names.ports.context(receive.handle as u32);
        Ok(if context.is_strict { 0 } else { context.value })
    }

    /// `mach_port_set_context`: sets that number; under a guard it is the guard's from here on.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::NoSuchRight`] for NULL and DEAD, [`PortError::UnknownName`],
    ///    [`PortError::NoSuchRight`].
    /// 3. [`PortError::StrictGuard`].
    pub fn set_context(&self, name: impl Into<RawName>, value: u64) -> Result<(), PortError> {
        self.is_here()?;
        let name = name.into();
        let mut names = self.inner.names.lock();
        names.receive(name)?;
        names.change_context(name, |context| match context.is_strict {
            true => Err(PortError::StrictGuard),
            false => Ok((Context { value, ..context }, ())),
        })
    }

    /// `mach_port_guard_with_flags`: from here on the receive right is given up only by who knows `guard`,
    /// which becomes the port's context.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::UnknownName`], also for NULL and DEAD.
    /// 3. [`PortError::NoSuchRight`].
    /// 4. [`PortError::HasContext`]: one other than 0, a guard or not.
    pub fn guard(
        &self,
        name: impl Into<RawName>,
        guard: u64,
        options: GuardOptions,
    ) -> Result<(), PortError> {
        self.is_here()?;
        self.inner.names.lock().change_context(name.into(), |context| match context.value {
            0 => Ok((context.guarded(guard, options), ())),
            _ => Err(PortError::HasContext),
        })
    }

    /// `mach_port_unguard`: takes the guard off, and the context with it.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::UnknownName`], also for NULL and DEAD.
    /// 3. [`PortError::NoSuchRight`].
    /// 4. [`PortError::NotGuarded`].
    /// 5. [`PortError::WrongGuard`].
    pub fn unguard(&self, name: impl Into<RawName>, guard: u64) -> Result<(), PortError> {
        self.is_here()?;
        self.inner.names.lock().change_context(name.into(), |context| {
            if !context.is_guarded {
                return Err(PortError::NotGuarded);
            }
            context.opens(guard)?;
            Ok((Context { value: 0, is_guarded: false, is_strict: false, ..context }, ()))
        })
    }

    /// `mach_port_swap_guard`: another guard in place of this one.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::UnknownName`], also for NULL and DEAD.
    /// 3. [`PortError::NoSuchRight`].
    /// 4. [`PortError::NotGuarded`].
    /// 5. [`PortError::StrictGuard`].
    /// 6. [`PortError::WrongGuard`].
    pub fn swap_guard(&self, name: impl Into<RawName>, old: u64, new: u64) -> Result<(), PortError> {
        self.is_here()?;
        self.inner.names.lock().change_context(name.into(), |context| {
            if !context.is_guarded {
                return Err(PortError::NotGuarded);
            }
            if context.is_strict {
                return Err(PortError::StrictGuard);
            }
            context.opens(old)?;
            Ok((Context { value: new, ..context }, ()))
        })
    }

    /// `mach_port_assert_attributes`: fine if the port is strictly guarded with the value in `info`: two
    /// words, the lower half first. The one flavour is [`GUARD_INFO`](flavor::GUARD_INFO).
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::UnknownFlavor`].
    /// 3. [`PortError::TooFewWords`].
    /// 4. [`PortError::NoSuchRight`] for NULL and DEAD, [`PortError::UnknownName`],
    ///    [`PortError::NoSuchRight`].
    /// 5. [`PortError::NotGuarded`]: nor is one that is guarded, but not strictly.
    /// 6. [`PortError::WrongGuard`].
    pub fn assert_attributes(
        &self,
        name: impl Into<RawName>,
        number: u32,
        info: &[u32],
    ) -> Result<(), PortError> {
        self.is_here()?;
        if number != flavor::GUARD_INFO {
            return Err(PortError::UnknownFlavor);
        }
        let [low, high, ..] = info else { return Err(PortError::TooFewWords) };
        let names = self.inner.names.lock();
        let receive = names.receive(name.into())?;
        let context = names.ports.context(receive.handle as u32);
        if !(context.is_guarded && context.is_strict) {
            return Err(PortError::NotGuarded);
        }
        context.opens(u64::from(*low) | u64::from(*high) << 32)
    }

    /// `mach_port_destruct`: gives up the receive right, and `-srdelta` references to the send right with
    /// it. Those that are left are a dead name. A port that is not guarded needs no guard.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::UnknownName`], also for NULL and DEAD.
    /// 3. [`PortError::NoSuchRight`]: no receive right, or no send right and a `srdelta`.
    /// 4. [`PortError::BadDelta`]: more than 0.
    /// 5. [`PortError::WrongGuard`].
    /// 6. [`PortError::BadDelta`]: more references than there are.
    /// 7. [`PortError::Pinned`]: the receive right is a handle, or the references belong to handles.
    pub fn destruct(&self, name: impl Into<RawName>, srdelta: i32, guard: u64) -> Result<(), PortError> {
        let name = name.into();
        self.refreshed(name, |names, rest| names.destruct(name, srdelta, guard, rest))
    }
}
