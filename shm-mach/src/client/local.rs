//! Messages that are not, or no longer, in shared memory: between threads of one task, from the dead,
//! and notifications.

use futex::Deadline;
use futex::sync::{Ordering, futex_wait};

use crate::client::identity::Identity;
use crate::client::message::{Message, Raw, Received};
use crate::client::notification::Notification;
use crate::client::once_right::SendOnceRight;
use crate::client::port::{Port, PortState};
use crate::client::right::Right;

/// A message that is not, or no longer, in shared memory.
#[derive(Debug)]
pub(crate) struct LocalMessage {
    pub(super) id: i32,
    pub(super) body: Vec<u8>,
    pub(super) sender: Identity,
    pub(super) reply: Option<SendOnceRight>,
    pub(super) rights: Vec<Right>,
    /// When it was queued.
    pub(super) stamp: u64,
    /// Rights of a dead peer's answer that are nobody's yet.
    pub(super) raw: Raw,
    /// The dead task whose answer it is.
    pub(super) answer_of: Option<u64>,
}

impl LocalMessage {
    /// A message of this task's own.
    pub(crate) fn of(message: Message<'_>, sender: Identity) -> Self {
        let Message { id, body, reply, rights } = message;
        let (body, raw) = (body.to_vec(), Raw::default());
        Self { id, body, sender, reply, rights, stamp: 0, raw, answer_of: None }
    }

    pub(super) fn notification(notification: Notification) -> Self {
        let (id, body) = notification.encode();
        let stamp = futex::sync::stamp();
        let (sender, rights) = (Identity::KERNEL, Vec::new());
        Self { id, body, sender, reply: None, rights, stamp, raw: Raw::default(), answer_of: None }
    }

    pub(super) fn is_send_once(&self) -> bool {
        self.sender == Identity::KERNEL && self.id == Notification::SendOnce.encode().0
    }

    /// The message that it was made of, with the body that it was copied from.
    pub(crate) fn into_message(self, body: &[u8]) -> Message<'_> {
        Message { id: self.id, body, reply: self.reply, rights: self.rights }
    }
}

impl Port {
    /// Queues a message of this task's own, if the limit allows it.
    ///
    /// # Errors
    /// The message, and whether the port is dead (else it is full).
    pub(crate) fn send_local(&self, message: LocalMessage) -> Result<(), (LocalMessage, bool)> {
        self.group.change(|state| {
            let stamp = futex::sync::stamp();
            let port = &mut state.port;
            if port.is_dead || port.local.len() >= port.limit as usize {
                return Err((message, port.is_dead));
            }
            port.queue(LocalMessage { stamp, ..message });
            Ok(())
        })
    }

    /// Waits until the local queue may have room.
    pub(crate) fn wait_for_room(&self, deadline: Deadline) {
        let sampled = self.room.load(Ordering::Acquire);
        let mut state = self.group.lock();
        if state.port.is_dead || state.port.local.len() < state.port.limit as usize {
            return;
        }
        state.port.waiting_for_room += 1;
        drop(state);
        futex_wait(&self.room, sampled, deadline);
        self.group.lock().port.waiting_for_room -= 1;
    }

    /// Queues a notification: never refused, never waits.
    pub(crate) fn notify(&self, notification: Notification) {
        self.group.change(|state| {
            if !state.port.is_dead {
                state.port.queue(LocalMessage::notification(notification));
            }
        });
    }
}

impl PortState {
    /// Queues a message, behind all that were sent before.
    pub(super) fn queue(&mut self, message: LocalMessage) {
        let at = match self.local.back() {
            Some(last) if last.stamp > message.stamp => {
                self.local.partition_point(|other| other.stamp <= message.stamp)
            }
            _ => self.local.len(),
        };
        self.local.insert(at, message);
    }

    /// Takes the next message that is not in shared memory.
    pub(super) fn take_local(&mut self, into: &mut Received) -> bool {
        let Some(message) = self.local.pop_front() else { return false };
        self.lane_was_last = false;
        LocalMessage {
            id: into.id,
            body: into.body,
            sender: into.sender,
            reply: into.reply,
            rights: into.rights,
            stamp: _,
            raw: into.raw,
            answer_of: _,
        } = message;
        true
    }
}
