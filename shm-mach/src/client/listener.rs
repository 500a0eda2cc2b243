//! Who hears of what happens to a right.

use std::sync::Arc;

use crate::client::error::SendFailure;
use crate::client::local::LocalMessage;
use crate::client::notification::Notification;
use crate::client::once_right::{Parked, SendOnceRight};
use crate::client::port::Port;
use crate::client::task::Inner;
use crate::ring::slot::Head;

/// Who hears that nobody can send to a port any more.
#[derive(Debug)]
pub(crate) enum Listener {
    /// A port of this task's.
    Port(Arc<Port>),
    /// Whoever has the receive right that this one leads to.
    Right(Parked),
}

impl Listener {
    /// Sends the notification.
    pub(crate) fn notify(self, task: &Inner, notification: Notification) {
        match self {
            Self::Port(port) => port.notify(notification),
            Self::Right(right) => right.notify(task, notification),
        }
    }

    /// The right, if it is one.
    pub(crate) fn into_right(self) -> Option<Parked> {
        match self {
            Self::Port(_) => None,
            Self::Right(right) => Some(right),
        }
    }
}

impl SendOnceRight {
    /// The library keeps the right, to send a notification by it without waiting for anybody. Waits for
    /// the authority now, where it leads to a task that this one has no link with.
    ///
    /// # Errors
    /// [`SendFailure::NoAuthority`], [`SendFailure::NoBuffer`], [`SendFailure::NotIntroduced`],
    /// [`SendFailure::PortDied`]; the right is dropped.
    pub(crate) fn into_listener(mut self) -> Result<Parked, SendFailure> {
        self.make_ready()?;
        Ok(self.park())
    }
}

impl Parked {
    /// Sends the notification by a right that is ready for it. To another task it goes as a message of this
    /// task's; if there is no room for it, that task is told that the right ended unused.
    pub(crate) fn notify(self, task: &Inner, notification: Notification) {
        let (id, body) = notification.encode();
        match self {
            Self::Local(port) => port.answer_local(LocalMessage::notification(notification)),
            // It fits into the slot, so it is never refused. If nobody waits for it any more, it is taken
            // out of there all the same.
            Self::Remote(link, token) => {
                let _ = link.answer(token, Head::message(id, body.len()), [&[], &body]);
            }
            Self::Numbered(mut right) => {
                let link = task.peers.get(right.receiver());
                if link.is_none_or(|link| right.send_plain(task, &link, id, &body).is_err()) {
                    right.release(task);
                }
            }
        }
    }
}
