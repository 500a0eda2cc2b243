//! Requests to be told of what happens to a right.

use std::sync::Arc;

use crate::client::aftermath::Aftermath;
use crate::client::error::SendFailure;
use crate::client::held::Held;
use crate::client::listener::Listener;
use crate::client::notification::{Notification, NotificationKind};
use crate::client::once_right::{Parked, SendOnceRight};
use crate::client::port::Port;
use crate::client::space::{Leftover, Names};
use crate::client::task::{Inner, Task};
use crate::ipc::{PortError, PortName, RawName, Request, RequestKind};
use crate::ring::lane_out::Death;
use crate::ring::world::World as _;

impl Task {
    /// Asks for one notification of what happens to the right under a name, or with `None` takes such a
    /// request back. It is sent by `notify`, which the library keeps until then.
    ///
    /// * [`NotificationKind::DeadName`] of a send right, a receive right or a send-once right. `sync` is not
    ///   looked at. A name has one request; it is over when the name is.
    /// * [`NotificationKind::SendPossible`] of the same rights, in place of a dead-name request. With `sync` 0 it
    ///   waits for a send that finds the queue full ([`SendRight::send_notify`]). Otherwise the queue is looked
    ///   at now: the notification comes at once if a send by name would find room, and else when something was
    ///   read of what was sent by name. On a dead name it is a [`Notification::DeadName`] that comes at once, and
    ///   the name has one reference more.
    /// * [`NotificationKind::NoSenders`] of a receive right: when no task holds a send right any more. If that
    ///   is so now, and `sync` is not more than the count of rights made so far, it comes at once.
    ///
    /// * [`NotificationKind::PortDestroyed`] of a receive right: when it is given up, by its name, by its handle
    ///   or with a message that it lies in. The port lives on then, with its messages, and begins anew as one that
    ///   was moved; the right comes with the notification. The request stays until it fires: there is no other in
    ///   its place and it is not taken back. It goes with the right from name to name of the task. If `notify`
    ///   leads to a port of another task, or to one that is dead or on its way to this one, the port dies, and
    ///   [`Notification::SendOnce`] is what comes.
    ///
    /// Gives the right of the request that was there before, which is the caller's again. A request is spent
    /// when its notification is sent, and its right with it. Of a request that ends otherwise the right is
    /// dropped.
    ///
    /// The receiver of the port is asked to tell of its end, so the caller hears of it without sending
    /// anything: when the port dies, as soon as a thread of this task waits or looks. The receiver's task
    /// answers when it looks at its own news; that of a task that does not, only its own death is
    /// heard of. The call waits for the authority where a port's task is not linked with this one yet.
    ///
    /// A notification that goes to a port of this task's own comes from [`Identity::KERNEL`], and nobody else
    /// can send such a message. One that goes to another task is a message from this task, with the id and
    /// the body of the notification.
    ///
    /// # Errors
    /// In the order checked; `notify` is dropped.
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::DeadPort`]: nobody can be told by `notify` any more.
    /// 3. [`PortError::Unreachable`]: the task that `notify` leads to.
    /// 4. [`PortError::BadSync`]: a port-destroyed request with a `sync` other than 0.
    /// 5. [`PortError::NothingToAwait`]: a dead-name or send-possible request on NULL or DEAD; of the others
    ///    [`PortError::NoSuchRight`].
    /// 6. [`PortError::UnknownName`].
    /// 7. [`PortError::NoSuchRight`]: a port set; where a receive right is needed, anything else; of a
    ///    port-destroyed request a reply port or a timer.
    /// 8. [`PortError::RequestStays`]: there is a port-destroyed request.
    /// 9. [`PortError::NothingToAwait`]: a dead-name request on a dead name.
    /// 10. [`PortError::Unreachable`]: the port's task.
    ///
    /// [`Identity::KERNEL`]: crate::Identity::KERNEL
    /// [`SendRight::send_notify`]: crate::SendRight::send_notify
    pub fn request_notification(
        &self,
        name: impl Into<RawName>,
        kind: NotificationKind,
        sync: u32,
        notify: Option<SendOnceRight>,
    ) -> Result<Option<SendOnceRight>, PortError> {
        if self.inner.is_forked() {
            return Err(PortError::Forked);
        }
        let (task, name) = (&self.inner, name.into());
        let notify =
            notify.map(SendOnceRight::into_listener).transpose().map_err(|failure| match failure {
                SendFailure::PortDied => PortError::DeadPort,
                _ => PortError::Unreachable,
            })?;
        task.look(); // a port that is known to be dead has a dead name
        let previous = match kind {
            NotificationKind::NoSenders => task.ask_for_no_senders(name, sync, notify),
            NotificationKind::PortDestroyed => task.ask_for_port_destroyed(name, sync, notify).map(|()| None),
            NotificationKind::DeadName => task.ask_of_name(name, RequestKind::DeadName, notify),
            NotificationKind::SendPossible if sync == 0 => {
                task.ask_of_name(name, RequestKind::SendPossibleDelayed, notify)
            }
            NotificationKind::SendPossible => {
                let asks = notify.is_some();
                let previous = task.ask_of_name(name, RequestKind::SendPossible, notify);
                if asks && previous.is_ok() {
                    task.watch_name(name);
                }
                previous
            }
        }?;
        Ok(previous.map(|right| SendOnceRight::unpark(task, right)))
    }
}

impl Inner {
    fn ask_of_name(
        &self,
        name: RawName,
        kind: RequestKind,
        notify: Option<Parked>,
    ) -> Result<Option<Parked>, PortError> {
        // Before the request is there: what fails here leaves nothing behind.
        let asks = notify.is_some();
        if let Err(error) = if asks { self.reach_all(name) } else { Ok(()) } {
            notify.into_iter().for_each(|right| right.end(self));
            return Err(error);
        }
        let mut rest = Leftover::default();
        let (previous, questions) = {
            let mut names = self.names.lock();
            names.refresh(name, &mut rest);
            let previous = names.set_request(name, kind, notify, &mut rest);
            let asked = PortName::new(name.0).filter(|_| previous.is_ok() && asks);
            let next = || self.next_serial();
            (previous, asked.map_or_else(Vec::new, |name| names.watch_all(name, u64::MAX, next)))
        };
        self.finish(rest);
        self.ask_of_end(questions);
        previous
    }

    /// Makes the links to the receiver of the rights under a name.
    fn reach_all(&self, name: RawName) -> Result<(), PortError> {
        let credits = self.names.lock().credits(name);
        for held in credits.into_iter().filter(|held| !held.is_dead()) {
            match self.reach(&held) {
                Ok(_) => {}
                Err(SendFailure::PortDied) => drop(self.learn(&held, Death::Died)),
                Err(_) => return Err(PortError::Unreachable),
            }
        }
        Ok(())
    }

    fn ask_for_no_senders(
        &self,
        name: RawName,
        sync: u32,
        notify: Option<Parked>,
    ) -> Result<Option<Parked>, PortError> {
        let found = self.names.lock().received(name);
        let asked = match found {
            Ok(port) => {
                let asked = port.request_no_senders(sync, notify.map(Listener::Right));
                asked.map_err(|notify| (PortError::UnknownName, notify.and_then(Listener::into_right)))
            }
            Err(error) => Err((error, notify)),
        };
        match asked {
            Ok((previous, aftermath)) => {
                self.perform(aftermath);
                Ok(previous.and_then(Listener::into_right))
            }
            Err((error, notify)) => {
                notify.into_iter().for_each(|right| right.end(self));
                Err(error)
            }
        }
    }
}

impl Names {
    /// Puts a request on a name, or takes it off; gives what the one before was to be answered by.
    fn set_request(
        &mut self,
        name: RawName,
        kind: RequestKind,
        notify: Option<Parked>,
        rest: &mut Leftover,
    ) -> Result<Option<Parked>, PortError> {
        let request = notify.as_ref().map(|_| Request { handle: 0, kind });
        match self.space.set_request(name, request, &mut self.effects) {
            Ok(_) => {
                let previous = std::mem::replace(&mut self.keep(name.index()).request, notify);
                self.settle(rest);
                Ok(previous)
            }
            Err(error) => {
                rest.unused.extend(notify);
                Err(error)
            }
        }
    }

    /// The credits behind a name.
    pub(super) fn credits(&mut self, name: RawName) -> Vec<Arc<Held>> {
        match self.space.entry(name) {
            Ok(_) => self.keep(name.index()).shares.iter().map(|share| share.held.clone()).collect(),
            Err(_) => Vec::new(),
        }
    }
}

impl Port {
    /// Asks for one [`Notification::NoSenders`] to `notify`; see [`request_no_senders`](Self::request_no_senders).
    pub(crate) fn tell_no_senders(&self, sync: u32, notify: Arc<Self>) -> Aftermath {
        if !std::ptr::eq(&*notify, self) {
            notify.expect_notifications();
        }
        match self.request_no_senders(sync, Some(Listener::Port(notify))) {
            Ok((previous, mut aftermath)) => {
                aftermath.unused.extend(previous.and_then(Listener::into_right));
                aftermath
            }
            Err(_) => Aftermath::default(),
        }
    }

    /// The library itself may send messages here: one more way into the port.
    pub(super) fn expect_notifications(&self) {
        let mut state = self.group.lock();
        state.port.is_notified = true;
        state.open_up();
    }

    /// Asks for one [`Notification::NoSenders`]; at once if there is no sender now and `sync` is at most the
    /// count of rights made so far. `None` takes the request back. Gives who was to hear of it before.
    ///
    /// # Errors
    /// `notify`: the port is dead.
    fn request_no_senders(
        &self,
        sync: u32,
        notify: Option<Listener>,
    ) -> Result<(Option<Listener>, Aftermath), Option<Listener>> {
        let mut state = self.group.lock();
        let port = &mut state.port;
        if port.is_dead {
            return Err(notify);
        }
        let previous = port.no_senders.take();
        match notify {
            Some(notify) if !port.has_senders() && sync <= port.mscount => {
                port.due.push((notify, Notification::NoSenders { mscount: port.mscount }));
            }
            notify => port.no_senders = notify,
        }
        Ok((previous, state.port.aftermath()))
    }
}
