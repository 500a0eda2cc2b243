//! The receive right: what its one holder can do with a port.

use std::sync::Arc;
use std::time::Duration;

use futex::Deadline;
use futex::sync::{AtomicU32, Ordering};

use crate::client::error::ReceiveError;
use crate::client::held::Target;
use crate::client::identity::Identity;
use crate::client::message::Received;
use crate::client::once_right::SendOnceRight;
use crate::client::port::{Port, PortState};
use crate::client::right::{Right, arrive};
use crate::client::send_right::SendRight;
use crate::client::take::{Taken, or_interrupted};
use crate::client::task::{Inner, Options};
use crate::ipc::{PortError, PortName};
use crate::ring::patience::Wait;
use crate::ring::state::State;
use crate::wire::request::Request;

/// How often a thread that waits asks the kernel whether its peers live.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// The right to receive from a port. There is exactly one; whoever holds it is the port's receiver.
/// Dropping it destroys the port: queued messages are destroyed, blocked senders wake with
/// [`SendFailure::PortDied`](crate::SendFailure::PortDied). If it was
/// [asked for](crate::NotificationKind::PortDestroyed), the port lives on, and the right goes to who had asked.
///
/// Several threads may receive from one port at the same time; each message goes to one of them.
#[derive(Debug)]
pub struct ReceiveRight {
    task: Arc<Inner>,
    port: Arc<Port>,
    name: PortName,
    wait: AtomicU32,
    whose: Whose,
}

/// Who sees to a receive right when its handle is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// The handle.
    Handle,
    /// Nobody needs to: it lives on as a name, or has gone elsewhere.
    Other,
    /// It lies in a message: it has no name, and the port dies with the message.
    Message,
}

impl ReceiveRight {
    pub(crate) fn new(task: Arc<Inner>, port: Arc<Port>, name: PortName) -> Self {
        let wait = AtomicU32::new(Wait::Adaptive as u32);
        Self { task, port, name, wait, whose: Whose::Handle }
    }

    /// The right for the time of a call by its name: whoever owns it may give it up meanwhile.
    pub(crate) fn lent(task: Arc<Inner>, port: Arc<Port>, name: PortName) -> Self {
        let mut right = Self::new(task, port, name);
        right.whose = Whose::Other;
        right
    }

    /// The right as it lies in a message of the library's own, without a name.
    pub(super) fn on_its_way(task: Arc<Inner>, port: Arc<Port>, name: PortName) -> Self {
        let mut right = Self::new(task, port, name);
        right.whose = Whose::Message;
        right
    }

    /// The name of the right in this task; send rights to the port have the same, and messages that come
    /// through a set tell it ([`Received::port`]).
    pub fn name(&self) -> PortName {
        self.name
    }

    /// Turns the handle into a name: the port lives, and
    /// [`Task::receive_right`](crate::Task::receive_right) makes a handle of it again.
    pub fn into_name(mut self) -> PortName {
        if self.whose == Whose::Handle && !self.task.is_forked() {
            self.task.names.lock().ports.set_handle(self.port.index, false);
            self.whose = Whose::Other;
        }
        self.name
    }

    /// It has left the task, in a message.
    pub(super) fn leave(mut self) {
        self.whose = Whose::Other;
    }

    /// It lies in a message within the task, or it does not after all.
    pub(super) fn set_on_its_way(&mut self, is_on_its_way: bool) {
        self.whose = if is_on_its_way { Whose::Message } else { Whose::Handle };
    }

    /// It has come out of a message that it lay in: the port, for which another handle is to be made.
    pub(super) fn arrive(&mut self) -> Option<Arc<Port>> {
        if self.whose != Whose::Message {
            return None;
        }
        self.whose = Whose::Other;
        Some(self.port.clone())
    }

    pub(crate) fn port(&self) -> &Arc<Port> {
        &self.port
    }

    pub(crate) fn task(&self) -> &Arc<Inner> {
        &self.task
    }

    /// Whether the port is in any set (`mps_pset`).
    pub fn is_in_set(&self) -> bool {
        !self.task.is_forked() && !self.port.sets().is_empty()
    }

    /// The authority keeps a name for the port from here on.
    pub(crate) fn set_registered(&self) {
        self.task.names.lock().ports.set_registered(self.port.index, true);
    }

    /// Sets what a receive does while there is nothing to receive; [`Wait::Adaptive`] at first.
    pub fn set_wait(&self, wait: Wait) {
        self.wait.store(wait as u32, Ordering::Relaxed);
    }

    fn wait(&self) -> Wait {
        [Wait::Spin, Wait::Park, Wait::Adaptive][self.wait.load(Ordering::Relaxed) as usize]
    }

    /// Receives the next message into `into`, waiting for one as long as it takes.
    ///
    /// Messages of one send right arrive in the order they were sent.
    ///
    /// # Errors
    /// [`ReceiveError::Forked`], [`ReceiveError::PortDied`], and for a member of an exclusive
    /// [set](crate::PortSet) [`ReceiveError::InSet`] or [`ReceiveError::PortChanged`].
    #[inline]
    pub fn receive(&self, into: &mut Received) -> Result<(), ReceiveError> {
        self.receive_deadline(into, Deadline::NEVER)
    }

    /// Receives a message if one is there. Never sleeps, and makes no system call unless there are news to
    /// act on, such as a task that is introduced.
    ///
    /// # Errors
    /// As [`receive`](Self::receive), and [`ReceiveError::TimedOut`] when there is none.
    #[inline]
    pub fn try_receive(&self, into: &mut Received) -> Result<(), ReceiveError> {
        if self.task.is_forked() {
            return Err(ReceiveError::Forked);
        }
        into.clear();
        loop {
            let taken = self.port.group.try_take(&*self.task, |state| self.take(state, into));
            if let Some(result) = self.conclude(taken, into) {
                return result;
            }
            if taken.is_none() {
                return Err(ReceiveError::TimedOut);
            }
        }
    }

    /// Receives the next message, waiting for one until `deadline`.
    ///
    /// # Errors
    /// As [`receive`](Self::receive), and [`ReceiveError::TimedOut`].
    #[inline]
    pub fn receive_deadline(&self, into: &mut Received, deadline: Deadline) -> Result<(), ReceiveError> {
        if self.task.is_forked() {
            return Err(ReceiveError::Forked);
        }
        into.clear();
        let taken = self.port.group.take_now(&*self.task, &mut |state| self.take(state, into));
        match self.conclude(taken, into) {
            Some(result) => result,
            None => self.wait_for(into, deadline),
        }
    }

    /// Takes the next message, wherever it lies. One that was lent is over when the port has another name.
    #[inline]
    fn take(&self, state: &mut State<PortState>, into: &mut Received) -> Option<Taken> {
        if self.whose == Whose::Other && self.port.name() != self.name.into() {
            return Some(Taken::PortDied);
        }
        self.port.take(state, into)
    }

    /// Waits in slices: nothing but the kernel tells of a peer's death when no authority does.
    fn wait_for(&self, into: &mut Received, deadline: Deadline) -> Result<(), ReceiveError> {
        loop {
            let slice = deadline.min(Deadline::after(TICK)).min(self.task.timers.next());
            let taken = self
                .port
                .group
                .wait(&*self.task, self.wait(), slice, |state| or_interrupted(self.take(state, into)));
            match self.conclude(taken, into) {
                Some(Err(ReceiveError::InSet)) => return Err(ReceiveError::PortChanged),
                Some(result) => return result,
                None => {}
            }
            if taken.is_none() {
                self.task.end_slice(deadline)?;
            }
        }
    }

    #[inline]
    fn conclude(&self, taken: Option<Taken>, into: &mut Received) -> Option<Result<(), ReceiveError>> {
        conclude(&self.task, Some(&self.port), taken?, into)
    }

    /// Makes a send right to this port for this task itself. That of a reply port
    /// ([`Task::construct`](crate::Task::construct)) is dead.
    pub fn make_send(&self) -> SendRight {
        // In a forked child another thread's lock may be held for ever, and nothing would be counted.
        if self.task.is_forked() {
            return SendRight::inert(self.task.clone(), self.port.clone(), self.name);
        }
        // Counted first: if the task has a right to the port already, one is given back again.
        self.port.add_local_sender(true);
        let made = self.task.take_in(Target::Local(self.port.clone()));
        made.unwrap_or_else(|_| {
            // Not for want of a name: it joins one. The right was lent and is gone, or the port is for replies.
            self.port.unmake();
            SendRight::inert(self.task.clone(), self.port.clone(), self.name)
        })
    }

    /// Makes a send-once right to this port: for a message's reply, or to be told of something.
    #[inline]
    pub fn make_send_once(&self) -> SendOnceRight {
        if !self.task.is_forked() {
            self.port.add_once();
        }
        SendOnceRight::local(self.port.clone())
    }

    /// How many send-once rights to this port exist (`mps_sorights`): with this task, with others, or
    /// on their way.
    pub fn send_once_rights(&self) -> u32 {
        if self.task.is_forked() { 0 } else { self.port.send_once_rights() }
    }

    /// Asks for one [`Notification::NoSenders`](crate::Notification::NoSenders) message on `notify`
    /// when no task holds a send right to this port any more. If that is so now and `sync` is not
    /// more than the count of rights made so far, it comes at once: pass that count plus one to wait
    /// for the next right to come and go. One request is kept; a new one replaces it.
    pub fn request_no_senders(&self, sync: u32, notify: &ReceiveRight) {
        if !self.task.is_forked() {
            self.task.perform(self.port.tell_no_senders(sync, notify.port.clone()));
        }
    }

    /// Ends every right to this port that `holder` has. When this returns, nothing of that task is
    /// received any more, whatever it does: what it still had queued is destroyed, and its next send
    /// fails with [`SendFailure::Revoked`](crate::SendFailure::Revoked). Others keep theirs, and a
    /// right given to it afterwards is a new one. Says whether it held any.
    pub fn revoke(&self, holder: Identity) -> bool {
        if self.task.is_forked() {
            return false;
        }
        self.task.revoke(&self.port, holder)
    }

    /// Ends every right to this port that anybody has but this task itself: of every holder, those that
    /// are on their way in messages, send-once rights, and those that the authority keeps (the port's
    /// names, the special port of a child that has not attached yet). When this returns, nothing that was
    /// sent by any of them is received any more. A right that is given afterwards is a new one. Says
    /// whether there was any.
    pub fn revoke_all(&self) -> bool {
        if self.task.is_forked() {
            return false;
        }
        self.unregister();
        self.task.revoke_all(&self.port)
    }

    /// The authority keeps no name for the port any more.
    fn unregister(&self) {
        let was_registered = self.task.names.lock().ports.set_registered(self.port.index, false);
        if let (true, Some(authority)) = (was_registered, &self.task.authority) {
            authority.say(&Request::Unregister { key: self.port.key }, None);
        }
    }

    /// Sets how many messages of one sender the queue holds, 0 to 1,024. A sender that is blocked
    /// takes notice at once; lowering the limit discards nothing.
    ///
    /// # Errors
    /// [`PortError::Forked`], [`PortError::InvalidLimit`].
    pub fn set_queue_limit(&self, limit: u32) -> Result<(), PortError> {
        if self.task.is_forked() {
            return Err(PortError::Forked);
        }
        if limit > Options::LIMIT_MAX {
            return Err(PortError::InvalidLimit { limit, most: Options::LIMIT_MAX });
        }
        self.port.set_limit(limit);
        Ok(())
    }
}

impl Drop for ReceiveRight {
    fn drop(&mut self) {
        match self.whose {
            _ if self.task.is_forked() => {}
            Whose::Handle => self.task.drop_receive(&self.port, self.name),
            Whose::Message => self.task.hosted.doom(self.port.clone()),
            Whose::Other => {}
        }
    }
}

/// What a call returns for what a look has found, after the aftermath at the port that it was found at,
/// if that has left any; `None` to look again.
#[inline]
pub(super) fn conclude(
    task: &Arc<Inner>,
    port: Option<&Port>,
    taken: Taken,
    into: &mut Received,
) -> Option<Result<(), ReceiveError>> {
    let settle = || port.into_iter().for_each(|port| task.perform(port.settle()));
    match taken {
        Taken::Message => {}
        Taken::MessageAndAftermath => settle(),
        Taken::Aftermath => {
            settle();
            port.into_iter().for_each(|port| task.hear_of_regions(port));
            return None;
        }
        Taken::PortDied => return Some(Err(ReceiveError::PortDied)),
        Taken::Interrupted => return Some(Err(ReceiveError::Interrupted)),
        Taken::InSet => return Some(Err(ReceiveError::InSet)),
    }
    if into.raw.from.is_some() {
        return unpack(task, into);
    }
    // Of a message of this task's own: no peer has said which of them died on the way.
    into.rights.iter_mut().filter(|right| right.is_dead()).for_each(|right| *right = Right::Dead);
    if !into.rights.is_empty() {
        task.receive_within(&mut into.rights);
    }
    Some(Ok(()))
}

/// Gives the rights of a message to the program; `None` if its sender wrote nonsense.
fn unpack(task: &Arc<Inner>, into: &mut Received) -> Option<Result<(), ReceiveError>> {
    match arrive(task, into) {
        Ok(()) => Some(Ok(())),
        Err(link) => {
            into.clear();
            task.lose_link(&link, true);
            None
        }
    }
}
