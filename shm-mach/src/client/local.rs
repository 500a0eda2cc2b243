//! Messages that are not, or no longer, in shared memory: between threads of one task, from the dead,
//! and notifications.

use futex::Deadline;
use futex::sync::{Ordering, futex_wait};

use crate::client::identity::Identity;
use crate::client::message::{Besides, Message, Raw, Received};
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
    pub(super) besides: Besides,
    /// The dead task whose answer it is.
    pub(super) answer_of: Option<u64>,
}

impl LocalMessage {
    /// A message of this task's own.
    pub(crate) fn of(message: Message<'_>, sender: Identity) -> Self {
        let Message { id, body, reply, rights, form } = message;
        let (body, raw) = (body.to_vec(), Raw::default());
        let besides = Besides { form, ..Besides::default() };
        Self { id, body, sender, reply, rights, stamp: 0, raw, besides, answer_of: None }
    }

    pub(super) fn notification(notification: Notification) -> Self {
        let (id, body) = notification.encode();
        let stamp = futex::sync::stamp();
        let (sender, rights) = (Identity::KERNEL, Vec::new());
        let (raw, besides) = (Raw::default(), Besides { by_once: true, ..Besides::default() });
        Self { id, body, sender, reply: None, rights, stamp, raw, besides, answer_of: None }
    }

    pub(super) fn is_send_once(&self) -> bool {
        self.sender == Identity::KERNEL && self.id == Notification::SendOnce.encode().0
    }

    fn put_into(self, into: &mut Received) {
        Self {
            id: into.id,
            body: into.body,
            sender: into.sender,
            reply: into.reply,
            rights: into.rights,
            stamp: _,
            raw: into.raw,
            besides: into.besides,
            answer_of: _,
        } = self;
    }

    /// The message that it was made of, with the body that it was copied from.
    pub(crate) fn into_message(self, body: &[u8]) -> Message<'_> {
        Message { id: self.id, body, reply: self.reply, rights: self.rights, form: self.besides.form }
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
            if port.is_dead || port.is_closed || port.local.len() >= port.limit as usize {
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
        let has_room = !state.port.is_closed && state.port.local.len() < state.port.limit as usize;
        if state.port.is_dead || has_room {
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
    /// Whether the message that was just taken does not fit into its receiver's room: then it is the next
    /// one again, under its number, and its size is told instead.
    pub(super) fn keeps_back(&mut self, into: &mut Received) -> bool {
        let Some(size) = into.room.as_ref().and_then(|room| room.is_exceeded_by(into)) else { return false };
        let Received { id, sender, besides, .. } = *into;
        let (reply, body) = (into.reply.take(), std::mem::take(&mut into.body));
        let (rights, raw) = (std::mem::take(&mut into.rights), std::mem::take(&mut into.raw));
        let message =
            LocalMessage { id, body, sender, reply, rights, stamp: 0, raw, besides, answer_of: None };
        self.kept_back = Some(Box::new(message));
        into.kept_back = Some(size);
        true
    }

    /// A message that was kept back is destroyed if that task sent it; with `None`, if any other than this
    /// task itself did. Says whether it was.
    pub(super) fn revoke_kept(&mut self, task: Option<u64>) -> bool {
        let is_lost = |message: &mut Box<LocalMessage>| match task {
            Some(task) => message.besides.from == task,
            None => message.besides.from != 0,
        };
        let Some(message) = self.kept_back.take_if(is_lost) else { return false };
        if message.besides.by_once {
            self.queue(LocalMessage::notification(Notification::SendOnce));
        }
        self.destroyed.push(*message);
        true
    }

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

    /// Takes the message that was kept back.
    pub(super) fn take_kept(&mut self, into: &mut Received) -> bool {
        let Some(message) = self.kept_back.take() else { return false };
        message.put_into(into);
        true
    }

    /// Takes the next message that is not in shared memory.
    pub(super) fn take_local(&mut self, into: &mut Received) -> bool {
        let Some(message) = self.local.pop_front() else { return false };
        self.lane_was_last = false;
        message.put_into(into);
        true
    }
}
