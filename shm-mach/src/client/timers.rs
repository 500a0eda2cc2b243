//! Timers: ports whose messages the library makes itself, when their time has come.
//!
//! There is no thread for them. Who waits to receive sleeps no longer than until the first timer of the
//! task is due, and whoever looks at the task's news sends what is due.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futex::Deadline;
use futex::sync::Lock;

use crate::client::context::Context;
use crate::client::identity::Identity;
use crate::client::local::LocalMessage;
use crate::client::message::{Message, Received};
use crate::client::port::Port;
use crate::client::receive_right::ReceiveRight;
use crate::client::space::Names;
use crate::client::task::{Inner, Task};
use crate::ipc::{PortError, RawName};

/// Bytes of the message of a timer that is due: zeros.
const EXPIRY: [u8; 24] = [0; 24];

/// The timers of a task that are armed.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    /// While there are none, nobody looks.
    any: AtomicBool,
    armed: Lock<Vec<(Deadline, Arc<Port>)>>,
}

impl Timers {
    /// When the first one is due.
    pub(crate) fn next(&self) -> Deadline {
        if !self.any.load(Ordering::Relaxed) {
            return Deadline::NEVER;
        }
        self.armed.lock().iter().map(|(at, _)| *at).min().unwrap_or(Deadline::NEVER)
    }

    /// Arms the timer of a port, or disarms it; says when it would have been due.
    fn set(&self, port: &Arc<Port>, at: Option<Deadline>) -> Option<Deadline> {
        let mut armed = self.armed.lock();
        let known = armed.iter().position(|(_, other)| Arc::ptr_eq(other, port));
        let before = known.map(|known| armed.swap_remove(known).0);
        armed.extend(at.map(|at| (at, port.clone())));
        self.any.store(!armed.is_empty(), Ordering::Relaxed);
        before
    }

    /// Takes out those that are due.
    fn take_due(&self) -> Vec<(Deadline, Arc<Port>)> {
        let mut armed = self.armed.lock();
        let mut due: Vec<_> = armed.extract_if(.., |(at, _)| at.has_passed()).collect();
        self.any.store(!armed.is_empty(), Ordering::Relaxed);
        due.sort_by_key(|(at, _)| *at);
        due
    }
}

impl Inner {
    /// Sends the messages of timers that are due.
    pub(crate) fn look_at_timers(&self) {
        if self.timers.any.load(Ordering::Relaxed) && self.timers.next().has_passed() {
            self.timers.take_due().into_iter().for_each(|(_, port)| port.expire());
        }
    }

    /// The port is dead.
    pub(crate) fn forget_timer(&self, port: &Port) {
        if self.timers.any.load(Ordering::Relaxed) {
            self.timers.armed.lock().retain(|(_, other)| !std::ptr::eq(&**other, port));
        }
    }
}

impl LocalMessage {
    fn is_expiry(&self) -> bool {
        self.sender == Identity::KERNEL && self.id == 0
    }
}

impl Port {
    /// Queues the message of its timer, if the last one was taken.
    fn expire(&self) {
        self.group.change(|state| {
            if !state.port.is_dead && !state.port.local.iter().any(LocalMessage::is_expiry) {
                let message = LocalMessage::of(Message::new(0, &EXPIRY), Identity::KERNEL);
                state.port.queue(LocalMessage { stamp: futex::sync::stamp(), ..message });
            }
        });
    }

    /// Who waits here sleeps for another time than it would have.
    fn retime(&self) {
        self.group.change(|state| state.port.is_retimed = true);
    }
}

impl Names {
    /// The port of the timer under a name.
    fn timer(&self, name: RawName) -> Result<Arc<Port>, PortError> {
        let port = self.received(name)?;
        if self.ports.context(port.index).is_timer { Ok(port) } else { Err(PortError::NotATimer) }
    }
}

/// # Timers
///
/// A timer is a port of the task's that sends itself a message at a time that is set. Its receive right is
/// like any other but that it cannot be moved; it can be in sets, and others can be given rights to it. The
/// message has the id 0, a body of 24 zeros, and comes from [`Identity::KERNEL`]. It comes to who waits to
/// receive, or looks, at that time or later: the library has no thread that would do something meanwhile.
///
/// [`Identity::KERNEL`]: crate::Identity::KERNEL
impl Task {
    /// `mk_timer_create`: makes a timer, which is not armed.
    ///
    /// # Errors
    /// [`PortError::Forked`], [`PortError::NoSpace`], [`PortError::ResourceShortage`].
    pub fn allocate_timer(&self) -> Result<ReceiveRight, PortError> {
        let right = self.allocate()?;
        right.port().expect_notifications();
        self.inner.names.lock().set_context(right.name().into(), right.port().index, Context::timer());
        Ok(right)
    }

    /// `mk_timer_arm`: arms a timer, once, in place of what it was armed for before. If the time has passed, it
    /// is due at once. A timer that is due while its last message waits in the queue sends no other.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::UnknownName`].
    /// 3. [`PortError::NoSuchRight`]: no receive right.
    /// 4. [`PortError::NotATimer`].
    pub fn arm_timer(&self, name: impl Into<RawName>, at: Deadline) -> Result<(), PortError> {
        self.is_here()?;
        let port = self.inner.names.lock().timer(name.into())?;
        self.inner.timers.set(&port, Some(at));
        if port.group.lock().port.is_dead {
            self.inner.forget_timer(&port); // another thread gave it up meanwhile
        }
        port.retime();
        self.inner.look_at_timers();
        Ok(())
    }

    /// `mk_timer_cancel`: disarms a timer, and says when it would have been due. A message that it has sent stays.
    ///
    /// # Errors
    /// As [`arm_timer`](Self::arm_timer).
    pub fn cancel_timer(&self, name: impl Into<RawName>) -> Result<Option<Deadline>, PortError> {
        self.is_here()?;
        let port = self.inner.names.lock().timer(name.into())?;
        self.inner.look_at_timers();
        Ok(self.inner.timers.set(&port, None))
    }

    /// `mk_timer_destroy`: gives up everything under the name of a timer.
    ///
    /// # Errors
    /// As [`arm_timer`](Self::arm_timer), and then as [`destroy`](Self::destroy).
    pub fn destroy_timer(&self, name: impl Into<RawName>) -> Result<(), PortError> {
        self.is_here()?;
        let name = name.into();
        self.inner.names.lock().timer(name)?;
        self.destroy(name)
    }
}

impl Received {
    /// Whether this is the message of a timer that was due.
    pub fn is_expiry(&self) -> bool {
        self.sender == Identity::KERNEL && self.id == 0 && self.body == EXPIRY
    }
}
