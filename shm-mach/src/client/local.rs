//! Messages that are not, or no longer, in shared memory: between threads of one task, from the dead,
//! and notifications.

use crate::client::identity::Identity;
use crate::client::message::{Message, Notification};
use crate::client::once_right::SendOnceRight;
use crate::client::right::Right;

/// A message that is not, or no longer, in shared memory.
#[derive(Debug)]
pub(crate) struct LocalMessage {
    pub(super) id: i32,
    pub(super) body: Vec<u8>,
    pub(super) sender: Identity,
    pub(super) reply: Option<SendOnceRight>,
    pub(super) rights: Vec<Right>,
}

impl LocalMessage {
    /// A message of this task's own.
    pub(crate) fn of(message: Message<'_>, sender: Identity) -> Self {
        let Message { id, body, reply, rights } = message;
        Self { id, body: body.to_vec(), sender, reply, rights }
    }

    pub(super) fn notification(notification: Notification) -> Self {
        let (id, body) = notification.encode();
        Self { id, body, sender: Identity::KERNEL, reply: None, rights: Vec::new() }
    }

    pub(super) fn is_send_once(&self) -> bool {
        self.sender == Identity::KERNEL && self.id == Notification::SendOnce.encode().0
    }

    /// The message that it was made of, with the body that it was copied from.
    pub(crate) fn into_message(self, body: &[u8]) -> Message<'_> {
        Message { id: self.id, body, reply: self.reply, rights: self.rights }
    }
}
