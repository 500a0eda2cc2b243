//! Messages as programs see them: one to send, and a buffer to receive into.

use crate::client::identity::Identity;

/// A message to be sent: an id that means something to the receiver, and a body that is copied.
#[derive(Debug)]
pub struct Message<'a> {
    pub(crate) id: i32,
    pub(crate) body: &'a [u8],
}

impl<'a> Message<'a> {
    /// A message with id `id` (`msgh_id`, any number) and `body`, from 0 bytes to the link's most:
    /// 128 KiB unless the task was made with another size.
    pub fn new(id: i32, body: &'a [u8]) -> Self {
        Self { id, body }
    }

    /// Its id.
    pub fn id(&self) -> i32 {
        self.id
    }

    /// Its body.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }
}

/// A received message, and the room for the next one: keep it and receive into it again, and no
/// memory is allocated per message once it has held the longest.
#[derive(Debug)]
pub struct Received {
    pub(crate) id: i32,
    pub(crate) body: Vec<u8>,
    pub(crate) records: Vec<u8>,
    pub(crate) sender: Identity,
    pub(crate) seqno: u32,
}

impl Default for Received {
    fn default() -> Self {
        Self::new()
    }
}

impl Received {
    /// An empty buffer.
    pub fn new() -> Self {
        Self { id: 0, body: Vec::new(), records: Vec::new(), sender: Identity::KERNEL, seqno: 0 }
    }

    /// The message's id.
    pub fn id(&self) -> i32 {
        self.id
    }

    /// The message's body: a private copy.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Who sent it: attested by the kernel when the link was made, and taken from the memory that
    /// the message was read from, never from the message. [`Identity::KERNEL`] for notifications.
    pub fn sender(&self) -> Identity {
        self.sender
    }

    /// How many messages were received from the port before this one (`msgh_seqno`, modulo 2^32).
    pub fn seqno(&self) -> u32 {
        self.seqno
    }

    /// The notification that this message is, if the library sent it.
    pub fn notification(&self) -> Option<Notification> {
        Notification::decode(self)
    }
}

/// What the library tells a task by a message of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notification {
    /// No task holds a send right to the port any more.
    NoSenders {
        /// How many send rights were ever made from the receive right (`mscount`).
        mscount: u32,
    },
}

/// `MACH_NOTIFY_NO_SENDERS`.
const NO_SENDERS: i32 = 70;
/// The data representation before a notification's values: little-endian integers.
const NDR: [u8; 8] = [0, 0, 0, 0, 1, 0, 0, 0];

impl Notification {
    /// The id and body of the notification's message.
    pub(crate) fn encode(self) -> (i32, Vec<u8>) {
        match self {
            Self::NoSenders { mscount } => (NO_SENDERS, [&NDR[..], &mscount.to_ne_bytes()].concat()),
        }
    }

    fn decode(message: &Received) -> Option<Self> {
        if message.sender != Identity::KERNEL {
            return None;
        }
        match message.id {
            NO_SENDERS => {
                let value = message.body.get(8..12)?;
                Some(Self::NoSenders { mscount: u32::from_ne_bytes(value.try_into().ok()?) })
            }
            _ => None,
        }
    }
}
