//! Names of a message into rights: what a header and a body take out of the task.

use std::sync::Arc;

use crate::client::context::Context;
use crate::client::held::Held;
use crate::client::once_right::{Parked, SendOnceRight};
use crate::client::port::Port;
use crate::client::receive_right::ReceiveRight;
use crate::client::right::Right;
use crate::client::send_right::SendRight;
use crate::client::space::{Leftover, Names, added};
use crate::client::task::Inner;
use crate::ipc::{PortError, PortName, RawName, State, Urefs};
use crate::wire::mach::{Code, Disposition, Envelope};

/// A right that was taken under the lock of the names, and is not a value yet.
#[derive(Debug)]
pub(super) enum Taken {
    /// A send right; the reference is a handle's by now.
    Send(Arc<Held>),
    /// A send right is to be made.
    Make(Arc<Port>, PortName),
    /// A send-once right is to be made.
    MakeOnce(Arc<Port>),
    /// A send-once right.
    Once(Parked),
    /// The receive right; it is a handle by now.
    Receive(Arc<Port>, PortName),
    /// The name was a dead name.
    Dead,
}

impl Taken {
    /// As a value. Called with no lock held.
    pub(super) fn into_right(self, task: &Arc<Inner>) -> Right {
        match self {
            Self::Send(held) => Right::Send(SendRight::new(task.clone(), held)),
            Self::Make(port, name) => Right::Send(ReceiveRight::lent(task.clone(), port, name).make_send()),
            Self::MakeOnce(port) => {
                port.add_once();
                Right::SendOnce(SendOnceRight::local(port))
            }
            Self::Once(right) => Right::SendOnce(SendOnceRight::unpark(task, right)),
            Self::Receive(port, name) => Right::Receive(ReceiveRight::new(task.clone(), port, name)),
            Self::Dead => Right::Dead,
        }
    }
}

/// A strict reply (SD4): to a port that the task itself receives from, and nobody but the message has a
/// send-once right to it, and one at most a send right. The disposition fits already.
///
/// # Errors
/// `SEND_INVALID_REPLY`.
pub(super) fn check_strict_reply(task: &Inner, envelope: &Envelope) -> Result<(), Code> {
    let disposition = envelope.reply_disposition.unwrap_or(Disposition::MakeSendOnce);
    let port = task.names.lock().own_reply(envelope.reply, disposition).ok_or(Code::SEND_INVALID_REPLY)?;
    let port = &port.group.lock().port;
    let once = u32::from(disposition == Disposition::MoveSendOnce);
    if port.once == once && port.send_rights() <= 1 { Ok(()) } else { Err(Code::SEND_INVALID_REPLY) }
}

impl Names {
    /// Whether the names of a header give what it asks of them. Takes nothing.
    ///
    /// # Errors
    /// 1. `SEND_INVALID_DEST` (SD5): the destination is not known, or no right to a port.
    /// 2. `SEND_INVALID_REPLY` (SD6): likewise the reply.
    /// 3. `SEND_INVALID_REPLY` (SD7): the reply does not give what its disposition needs.
    /// 4. `SEND_INVALID_DEST` (SD8): nor does the destination; (SD9) or not twice.
    pub(super) fn check_header(&mut self, envelope: &Envelope) -> Result<(), Code> {
        let (dest, reply) = (envelope.dest, envelope.reply);
        if !self.is_right(dest) {
            return Err(Code::SEND_INVALID_DEST);
        }
        let mut moved = 0;
        if let Some(disposition) = envelope.reply_disposition.filter(|_| reply.is_valid()) {
            let gives = self.is_right(reply) && self.gives(reply, disposition, 0);
            if !gives {
                return Err(Code::SEND_INVALID_REPLY);
            }
            moved = u32::from(dest == reply && disposition == Disposition::MoveSend);
        }
        let gives = self.gives(dest, envelope.dest_disposition, moved);
        if gives { Ok(()) } else { Err(Code::SEND_INVALID_DEST) }
    }

    /// Whether a name stands for rights to a port that lives.
    fn is_right(&self, name: RawName) -> bool {
        let entry = self.space.entry(name);
        entry.is_ok_and(|entry| matches!(entry.state(), State::Port { .. } | State::SendOnce { .. }))
    }

    /// Whether a name gives a right with this disposition after `moved` references were taken of it.
    fn gives(&mut self, name: RawName, disposition: Disposition, moved: u32) -> bool {
        if self.space.check_copyin(name, disposition).is_err() {
            return false;
        }
        disposition != Disposition::MoveSend || self.keep(name.index()).named() > moved
    }

    /// Takes what `disposition` asks for out of `name`, which is neither NULL nor DEAD.
    ///
    /// # Errors
    /// 1. [`PortError::Immovable`].
    /// 2. [`PortError::UnknownName`].
    /// 3. [`PortError::NoSuchRight`]; [`PortError::ForReplies`]: a send right of a port for answers.
    /// 4. [`PortError::Pinned`]: the reference that would move is a handle's.
    pub(super) fn take(
        &mut self,
        name: RawName,
        disposition: Disposition,
        rest: &mut Leftover,
    ) -> Result<Taken, PortError> {
        let is_dead = matches!(self.space.entry(name)?.state(), State::Dead { .. });
        match disposition {
            Disposition::MoveReceive => {
                self.space.check_copyin(name, disposition)?;
                let (port, made_of) = self.take_receive(name)?;
                self.set_context(name, port.index, Context::default()); // a guard does not go along (O3)
                Ok(Taken::Receive(port, made_of))
            }
            Disposition::CopySend if is_dead => Ok(Taken::Dead),
            Disposition::CopySend => {
                let held = self.send_credit(name)?;
                self.add_handle(&held);
                Ok(Taken::Send(held))
            }
            Disposition::MoveSend | Disposition::MoveSendOnce if is_dead => {
                self.deallocate(name, rest)?;
                Ok(Taken::Dead)
            }
            Disposition::MoveSend => {
                self.send_credit(name)?;
                self.take_reference(name).map(Taken::Send).ok_or(PortError::Pinned)
            }
            Disposition::MoveSendOnce => self.take_once(name, rest).map(Taken::Once),
            Disposition::MakeSend => {
                self.space.check_copyin(name, disposition)?;
                let made_of = PortName::new(name.0).ok_or(PortError::UnknownName)?;
                Ok(Taken::Make(self.received(name)?, made_of))
            }
            Disposition::MakeSendOnce => Ok(Taken::MakeOnce(self.received(name)?)),
        }
    }

    /// The task's own port that a reply with this disposition leads to.
    fn own_reply(&self, name: RawName, disposition: Disposition) -> Option<Arc<Port>> {
        if disposition == Disposition::MakeSendOnce {
            return self.received(name).ok();
        }
        let State::SendOnce { handle, .. } = *self.space.entry(name).ok()?.state() else { return None };
        self.once.get(handle)?.local_port().cloned()
    }

    /// The same of a receive right that a descriptor moves with its guard (B8).
    ///
    /// # Errors
    /// As [`take`](Self::take); [`PortError::WrongGuard`].
    pub(super) fn take_guarded(
        &mut self,
        name: RawName,
        guard: Option<u64>,
        rest: &mut Leftover,
    ) -> Result<Taken, PortError> {
        let index = self.receive(name)?.handle as u32;
        if !self.ports.context(index).lets_go(guard) {
            return Err(PortError::WrongGuard);
        }
        self.take(name, Disposition::MoveReceive, rest)
    }

    /// Whether the name is of a port for answers: only the reply of a header makes a right of it.
    pub(super) fn is_for_replies(&self, name: RawName) -> bool {
        self.receive(name).is_ok_and(|receive| receive.traits.for_replies)
    }

    /// A reference of the name's becomes a handle's: of the right that came last, of those that live. The
    /// name loses it when the handle is dropped. `None` if the name owns none.
    fn take_reference(&mut self, name: RawName) -> Option<Arc<Held>> {
        let shares = &mut self.keep(name.index()).shares;
        let owns = |at: &usize, lives: bool| shares[*at].named > 0 && shares[*at].held.is_dead() != lives;
        let at = (0..shares.len()).rev().find(|at| owns(at, true));
        let at = at.or_else(|| (0..shares.len()).rev().find(|at| owns(at, false)))?;
        let share = &mut shares[at];
        if share.named < u32::from(Urefs::MAX.get()) {
            share.named = added(share.named, -1);
        }
        share.handles += 1;
        Some(share.held.clone())
    }
}
