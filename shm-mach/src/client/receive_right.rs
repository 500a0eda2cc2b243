//! The receive right: what its one holder can do with a port.

use std::sync::Arc;
use std::time::Duration;

use futex::Deadline;
use futex::sync::{AtomicU32, Ordering};

use crate::client::error::{PortError, ReceiveError};
use crate::client::message::Received;
use crate::client::port::{Port, Taken};
use crate::client::send_right::SendRight;
use crate::client::task::{Inner, Options};
use crate::ring::patience::Wait;
use crate::segment::fork;

/// How often a thread that waits asks the kernel whether its peers live.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// The right to receive from a port. There is exactly one; whoever holds it is the port's receiver.
/// Dropping it destroys the port: queued messages are destroyed, blocked senders wake with
/// [`SendFailure::PortDied`](crate::SendFailure::PortDied).
///
/// Several threads may receive from one port at the same time; each message goes to one of them.
#[derive(Debug)]
pub struct ReceiveRight {
    task: Arc<Inner>,
    port: Arc<Port>,
    wait: AtomicU32,
}

impl ReceiveRight {
    pub(crate) fn new(task: Arc<Inner>, port: Arc<Port>) -> Self {
        let right = Self { task, port, wait: AtomicU32::new(0) };
        right.set_wait(Wait::Adaptive);
        right
    }

    pub(crate) fn port(&self) -> &Arc<Port> {
        &self.port
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
    /// [`ReceiveError::Forked`], [`ReceiveError::PortDied`], [`ReceiveError::TooManyLinks`].
    #[inline]
    pub fn receive(&self, into: &mut Received) -> Result<(), ReceiveError> {
        self.receive_deadline(into, Deadline::NEVER)
    }

    /// Receives a message if one is there. Makes no system call.
    ///
    /// # Errors
    /// As [`receive`](Self::receive), and [`ReceiveError::TimedOut`] when there is none.
    #[inline]
    pub fn try_receive(&self, into: &mut Received) -> Result<(), ReceiveError> {
        if fork::is_child() {
            return Err(ReceiveError::Forked);
        }
        loop {
            let taken = self.port.group.try_take(&*self.task, |state| self.port.take(state, into));
            if let Some(result) = self.conclude(taken) {
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
        if fork::is_child() {
            return Err(ReceiveError::Forked);
        }
        let taken = self.port.group.take_now(&*self.task, &mut |state| self.port.take(state, into));
        match self.conclude(taken) {
            Some(result) => result,
            None => self.wait_for(into, deadline),
        }
    }

    /// Waits in slices: nothing but the kernel tells of a peer's death when no authority does.
    fn wait_for(&self, into: &mut Received, deadline: Deadline) -> Result<(), ReceiveError> {
        loop {
            let slice = deadline.min(Deadline::after(TICK));
            let waited =
                self.port.group.wait(&*self.task, self.wait(), slice, |state| self.port.take(state, into));
            let taken = waited.map_err(|_| ReceiveError::TooManyLinks)?;
            if let Some(result) = self.conclude(taken) {
                return result;
            }
            if taken.is_none() {
                if deadline.has_passed() {
                    return Err(ReceiveError::TimedOut);
                }
                self.task.tick();
            }
        }
    }

    /// What a look comes to, after its aftermath is done: `None` to look again.
    #[inline]
    fn conclude(&self, taken: Option<Taken>) -> Option<Result<(), ReceiveError>> {
        match taken? {
            Taken::Message => Some(Ok(())),
            Taken::MessageAndAftermath => {
                self.task.perform(self.port.settle());
                Some(Ok(()))
            }
            Taken::Aftermath => {
                self.task.perform(self.port.settle());
                None
            }
            Taken::PortDied => Some(Err(ReceiveError::PortDied)),
        }
    }

    /// Makes a send right to this port for this task itself.
    pub fn make_send(&self) -> SendRight {
        self.port.add_local_sender(true);
        SendRight::local(self.task.clone(), self.port.clone())
    }

    /// Asks for one [`Notification::NoSenders`](crate::Notification::NoSenders) message on `notify`
    /// when no task holds a send right to this port any more. If that is so now and `sync` is not
    /// more than the count of rights made so far, it comes at once: pass that count plus one to wait
    /// for the next right to come and go. One request is kept; a new one replaces it.
    pub fn request_no_senders(&self, sync: u32, notify: &ReceiveRight) {
        if !fork::is_child() {
            self.task.perform(self.port.request_no_senders(sync, notify.port.clone()));
        }
    }

    /// Sets how many messages of one sender the queue holds, 0 to 1,024. A sender that is blocked
    /// takes notice at once; lowering the limit discards nothing.
    ///
    /// # Errors
    /// [`PortError::Forked`], [`PortError::InvalidLimit`].
    pub fn set_queue_limit(&self, limit: u32) -> Result<(), PortError> {
        if fork::is_child() {
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
        if !fork::is_child() {
            self.task.destroy(&self.port);
        }
    }
}
