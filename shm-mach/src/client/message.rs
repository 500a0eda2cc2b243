//! Messages as programs see them: one to send, and a buffer to receive into.

use crate::client::identity::Identity;
use crate::client::in_hand::InHand;
use crate::client::mach::Room;
use crate::client::notification::Notification;
use crate::client::once_right::SendOnceRight;
use crate::client::right::Right;
use crate::ipc::{PortName, RawName};
use crate::ring::slot::Token;
use crate::wire::mach::form::Form;
use crate::wire::mach::{Descriptor, Offset};

/// A message to be sent: an id that means something to the receiver, a body that is copied, and
/// rights that are moved into it.
///
/// A message that is not sent comes back with its rights; one that is dropped drops them.
#[derive(Debug)]
pub struct Message<'a> {
    pub(crate) id: i32,
    pub(crate) body: &'a [u8],
    pub(crate) reply: Option<SendOnceRight>,
    pub(crate) rights: Vec<Right>,
    /// What it has besides, if it was sent in Mach's form; the body is a payload then.
    pub(crate) form: Option<Form>,
}

impl<'a> Message<'a> {
    /// A message with id `id` (`msgh_id`, any number) and `body`, from 0 bytes to 64 MiB. Beyond half a
    /// payload area, 128 KiB unless the task was made with another size, it costs memory of its own.
    #[inline]
    pub fn new(id: i32, body: &'a [u8]) -> Self {
        Self { id, body, reply: None, rights: Vec::new(), form: None }
    }

    /// Moves a send-once right into the message as its reply right (`msgh_local_port`): whoever
    /// receives the message can answer once.
    #[inline]
    #[must_use]
    pub fn reply_to(mut self, right: SendOnceRight) -> Self {
        self.reply = Some(right);
        self
    }

    /// Moves a right into the message, after those that are in it already.
    #[must_use]
    pub fn with_right(mut self, right: impl Into<Right>) -> Self {
        self.rights.push(right.into());
        self
    }

    /// Whether it carries no right of any kind, and never had room for one: then nothing is to be dropped.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.reply.is_none() && self.is_bare()
    }

    /// Whether it carries a reply right to a port of the sender's own, and nothing else.
    #[inline]
    pub(crate) fn reply_alone(&self) -> bool {
        self.is_bare() && self.reply.as_ref().is_some_and(|reply| reply.local_port().is_some())
    }

    #[inline]
    fn is_bare(&self) -> bool {
        self.rights.capacity() == 0 && self.form.is_none()
    }

    /// Whether it carries a receive right.
    pub(crate) fn moves_ports(&self) -> bool {
        self.rights.iter().any(|right| matches!(right, Right::Receive(_)))
    }

    /// Its id.
    pub fn id(&self) -> i32 {
        self.id
    }

    /// Its body.
    pub fn body(&self) -> &'a [u8] {
        self.form.map_or(self.body, |form| form.body(self.body))
    }

    /// Takes its reply right out again.
    pub fn take_reply(&mut self) -> Option<SendOnceRight> {
        self.reply.take()
    }

    /// Takes its other rights out again, in order.
    pub fn take_rights(&mut self) -> Vec<Right> {
        std::mem::take(&mut self.rights)
    }
}

/// A received message, and the room for the next one: keep it and receive into it again, and no
/// memory is allocated per message once it has held the longest. Rights that were not taken out are
/// dropped by the next receive.
#[derive(Debug)]
pub struct Received {
    pub(crate) id: i32,
    pub(crate) body: Vec<u8>,
    pub(crate) sender: Identity,
    pub(crate) seqno: u32,
    pub(crate) port: RawName,
    pub(crate) reply: Option<SendOnceRight>,
    pub(crate) rights: Vec<Right>,
    pub(crate) raw: Raw,
    pub(crate) besides: Besides,
    /// A longer message stays where it is.
    pub(crate) room: Option<Room>,
    /// It did: its size, in Mach's form.
    pub(crate) kept_back: Option<u64>,
}

/// What only a receive in Mach's form asks of a message.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Besides {
    /// The task that sent it; 0: this task itself, or the library.
    pub(crate) from: u64,
    /// It came by a send-once right.
    pub(crate) by_once: bool,
    /// Its reply right died on the way.
    pub(crate) reply_is_dead: bool,
    /// What it has besides its rights, and what its body is made of. A peer's word; it was checked.
    pub(crate) form: Option<Form>,
}

/// Rights as they were read, before they are given to the program.
#[derive(Debug, Default)]
pub(crate) struct Raw {
    pub(crate) records: Vec<u8>,
    pub(crate) token: Option<Token>,
    /// Whose half they were read from; `None` when there are none.
    pub(crate) from: Option<InHand>,
}

impl Default for Received {
    fn default() -> Self {
        Self::new()
    }
}

impl Received {
    /// An empty buffer.
    pub fn new() -> Self {
        Self {
            id: 0,
            body: Vec::new(),
            sender: Identity::KERNEL,
            seqno: 0,
            port: RawName::NULL,
            reply: None,
            rights: Vec::new(),
            raw: Raw::default(),
            besides: Besides::default(),
            room: None,
            kept_back: None,
        }
    }

    /// The message's id.
    pub fn id(&self) -> i32 {
        self.id
    }

    /// The message's body: a private copy.
    pub fn body(&self) -> &[u8] {
        match &self.besides.form {
            None => &self.body,
            Some(form) => form.body(&self.body),
        }
    }

    /// The memory that came with it out of line, in order: of a message that was sent in
    /// [Mach's form](crate::mach).
    pub fn memory(&self) -> impl Iterator<Item = &[u8]> {
        let parts = self.besides.form.and_then(|form| form.parts(&self.body)).unwrap_or_default();
        let is_memory = |descriptor: &Descriptor<Offset>| matches!(descriptor, Descriptor::Memory { .. });
        let memory = parts.descriptors().filter(is_memory);
        memory.map(move |descriptor| parts.memory_of(&descriptor).unwrap_or_default())
    }

    /// Who sent it: attested by the kernel when the link was made, and taken from the memory that
    /// the message was read from, never from the message. [`Identity::KERNEL`] for notifications.
    pub fn sender(&self) -> Identity {
        self.sender
    }

    /// The name of the port that it came through, which matters when it was received from a set
    /// (`msgh_local_port`); `None` before the first message.
    pub fn port(&self) -> Option<PortName> {
        PortName::new(self.port.0)
    }

    /// How many messages were received from the port before this one (`msgh_seqno`, modulo 2^32).
    pub fn seqno(&self) -> u32 {
        self.seqno
    }

    /// Takes the reply right, if the message came with one and it was not taken yet.
    pub fn take_reply(&mut self) -> Option<SendOnceRight> {
        self.reply.take()
    }

    /// The rights that the message carried, besides a reply right, in order.
    pub fn rights(&self) -> &[Right] {
        &self.rights
    }

    /// Takes those rights.
    pub fn take_rights(&mut self) -> Vec<Right> {
        std::mem::take(&mut self.rights)
    }

    /// The notification that this message is, if the library sent it.
    pub fn notification(&self) -> Option<Notification> {
        Notification::decode(self)
    }

    /// Drops what is left of the last message: mostly nothing.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.besides = Besides::default();
        let Raw { records, from, .. } = &self.raw;
        if self.reply.is_some() || !self.rights.is_empty() || !records.is_empty() || from.is_some() {
            self.drop_rights();
        }
    }

    #[inline(never)]
    fn drop_rights(&mut self) {
        self.reply = None;
        self.rights.clear();
        // Of a message that was refused half-way: they must not pass for the next sender's.
        self.raw.records.clear();
        (self.raw.token, self.raw.from) = (None, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_a_refused_message_do_not_pass_for_those_of_the_next() {
        let mut message = Received::new();
        message.raw.records = vec![1; 32];
        message.raw.token = Some(Token { slot: 1, generation: 1 });
        message.clear();
        assert!(message.raw.records.is_empty() && message.raw.token.is_none());
    }
}
