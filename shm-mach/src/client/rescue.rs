//! Port-destroyed requests: receive rights that are given up, and go out in a message instead.
//!
//! The right to send that message by lies with the port, so it stays through every move within the task. The
//! space knows of it by a trait of the receive right; while that is on its way, the port alone does.

use std::sync::Arc;

use futex::sync::Ordering;

use crate::client::local::LocalMessage;
use crate::client::notification::Notification;
use crate::client::once_right::Parked;
use crate::client::port::Port;
use crate::client::receive_right::ReceiveRight;
use crate::client::right::Right;
use crate::client::space::{Leftover, Names};
use crate::client::task::Inner;
use crate::ipc::{PortError, PortName, RawName, ReceiveTraits};

impl Names {
    /// The port that a port-destroyed request is for. If it `is_asked`, the space knows of it from here on.
    ///
    /// # Errors
    /// See [`Task::request_notification`](crate::Task::request_notification).
    fn mark_port_destroyed(&mut self, name: RawName, is_asked: bool) -> Result<Arc<Port>, PortError> {
        let receive = self.receive(name)?;
        let context = self.ports.context(receive.handle as u32);
        if context.is_for_replies || context.is_timer {
            return Err(PortError::NoSuchRight);
        }
        if receive.traits.port_destroyed {
            return Err(PortError::RequestStays);
        }
        if is_asked {
            let traits = ReceiveTraits { port_destroyed: true, ..receive.traits };
            self.space.set_receive_traits(name, traits)?;
        }
        self.received(name)
    }
}

impl Port {
    /// Whether there is a port-destroyed request.
    pub(super) fn is_to_be_sent_on(&self) -> bool {
        self.group.lock().port.port_destroyed.is_some()
    }

    fn keep_port_destroyed(&self, notify: Parked) {
        let port = &mut self.group.lock().port;
        debug_assert!(!port.is_dead, "what the space was told of is sent on");
        port.port_destroyed = Some(notify);
    }
}

impl Inner {
    /// See [`Task::request_notification`](crate::Task::request_notification).
    pub(super) fn ask_for_port_destroyed(
        &self,
        name: RawName,
        sync: u32,
        notify: Option<Parked>,
    ) -> Result<(), PortError> {
        // Who sends the receive right or gives it up meanwhile waits for the whole of it.
        let moving = self.moving.lock();
        let port = match sync {
            0 => self.names.lock().mark_port_destroyed(name, notify.is_some()),
            _ => Err(PortError::BadSync),
        };
        let kept = match (port, notify) {
            (Ok(port), Some(notify)) => {
                port.keep_port_destroyed(notify);
                Ok(())
            }
            (Ok(_), None) => Ok(()),
            (Err(error), notify) => Err((error, notify)),
        };
        drop(moving);
        kept.map_err(|(error, notify)| {
            notify.into_iter().for_each(|right| right.end(self));
            error
        })
    }

    /// A receive right that has no name is given up: the port's request sends it on, or the port dies. Called
    /// with nothing locked.
    pub(super) fn end_nameless(&self, port: &Arc<Port>) {
        if !self.send_on(port) {
            let mut rest = Leftover::default();
            let is_registered = self.names.lock().end_receive(port, &mut rest);
            self.destroy(port, is_registered);
            self.finish(rest);
        }
        self.end_doomed(); // who was to get it may be dead
    }

    /// Says whether there was a request that the right could go out by.
    fn send_on(&self, port: &Arc<Port>) -> bool {
        let moving = self.moving.lock(); // who has sent the right is done with it then
        let Some(right) = port.group.lock().port.port_destroyed.take() else { return false };
        let notify = right
            .local_port()
            .filter(|notify| notify.is_of(self.owner()) && !self.is_on_its_way_to(notify, port));
        let (Some(notify), Some(task)) = (notify, self.me.upgrade()) else {
            drop(moving);
            right.end(self);
            return false;
        };
        port.reset();
        port.bound_for.store(notify.index + 1, Ordering::Relaxed);
        let name = PortName::new(port.name().0).expect("the request was made by it");
        let rights = vec![Right::Receive(ReceiveRight::on_its_way(task, port.clone(), name))];
        let message = LocalMessage::notification(Notification::PortDestroyed);
        notify.answer_local(LocalMessage { rights, ..message });
        true
    }
}
