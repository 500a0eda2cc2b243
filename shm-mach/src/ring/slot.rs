//! What the eight words of a slot mean.
//!
//! ```text
//! word  low 32 bits                      high 32 bits
//! 0     seq: position + 1                length of the body in bytes, kind << 24
//! 1     msgh_id                          rights << 16 | reply slot (0xffff: no reply right), of which
//!                                        bit 15 says that the answer is to be stamped
//! 2     stamp (all 64 bits)
//! 3     generation of the reply slot     where the payload begins, in units of 64 bytes
//! 4..7  a body of up to 32 bytes, when the message carries no rights
//! ```
//! A *large* message (kind 2) has its payload in a region, and says where in words 4 and 5 instead; its
//! length in word 0 and its payload in word 3 are 0:
//!
//! ```text
//! 4     region                           where the payload begins in it, in units of 64 bytes
//! 5     length of the body in bytes (all 64 bits)
//! ```
//! Word 0 is stored last, with Release: it publishes the other seven and the payload, and brings
//! the length in the same load. A longer body, and the records of the rights before it, lie in the
//! payload region of the same half.

use std::num::NonZeroU32;

/// Bytes of a body that fit into the slot itself.
pub const INLINE: usize = 32;
/// Bytes of the record of one right, before the body in the payload.
pub const RIGHT_BYTES: usize = 32;
/// The most rights one message carries.
pub const RIGHTS_MAX: usize = 1023;
/// The longest body beside which a slot can tell its kind: 16 MiB less one byte.
pub const LENGTH_MAX: usize = (1 << 24) - 1;
/// The longest body of all, in a region: 64 MiB.
pub const BODY_MAX: usize = 64 << 20;
/// Payload begins at multiples of this.
pub const PAYLOAD_UNIT: usize = 64;

const NO_REPLY: u16 = u16::MAX;
/// In [`Token::slot`], beside the index: the answer is to be stamped.
const STAMPED: u16 = 1 << 15;

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A message to the lane's port.
    Message,
    /// The last record of a lane's generation: its sender dropped the right. In a reply slot: the
    /// send-once right was dropped unused.
    Close,
}

/// A reply slot that may be answered once: which, and in which of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// The slot's index, below 32,767, and in the highest bit whether the answer is to be stamped.
    pub slot: u16,
    /// The slot's generation.
    pub generation: u32,
}

impl Token {
    /// That of a slot in one of its lives. `stamped`: other things can come where the answer comes, and
    /// the answer has an order among them.
    pub fn new(index: u16, generation: u32, stamped: bool) -> Self {
        Self { slot: index & !STAMPED | if stamped { STAMPED } else { 0 }, generation }
    }

    /// The slot's index.
    #[inline]
    pub fn index(self) -> u16 {
        self.slot & !STAMPED
    }

    /// Whether the answer is to be stamped.
    #[inline]
    pub fn is_stamped(self) -> bool {
        self.slot & STAMPED != 0
    }
}

/// Everything a slot says but its body. Made by a sender from its own values, or decoded from a
/// peer's words: then only the kind and the sizes of its fields have been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// What the slot holds.
    pub kind: Kind,
    /// `msgh_id`.
    pub id: i32,
    /// Bytes of the body.
    pub length: usize,
    /// Rights that the message carries besides a reply right.
    pub rights: usize,
    /// The reply right, if any.
    pub reply: Option<Token>,
    /// When it was sent, in ticks of the senders' common clock; 0: not told.
    pub stamp: u64,
    /// Where its payload begins, in bytes from the start of the payload region, or of `region`.
    pub payload_at: usize,
    /// The region of the sender's that its payload lies in, if not in the half: its number.
    pub region: Option<NonZeroU32>,
}

/// The slot says something that no honest sender writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonsense;

/// Whether the first word of a slot is that of a close record.
pub(super) fn is_close(first: u64) -> bool {
    first >> 56 == 1
}

impl Head {
    /// A message of `length` bytes and nothing else.
    pub fn message(id: i32, length: usize) -> Self {
        Self {
            kind: Kind::Message,
            id,
            length,
            rights: 0,
            reply: None,
            stamp: 0,
            payload_at: 0,
            region: None,
        }
    }

    /// The record that closes a lane.
    pub fn close() -> Self {
        Self { kind: Kind::Close, ..Self::message(0, 0) }
    }

    /// Bytes of payload it needs: none if all of it fits into the slot.
    #[inline]
    pub fn payload_bytes(&self) -> usize {
        if self.rights == 0 && self.length <= INLINE { 0 } else { self.rights * RIGHT_BYTES + self.length }
    }

    /// Whether rights lie beside the body.
    #[inline]
    pub fn carries_rights(&self) -> bool {
        self.reply.is_some() || self.rights > 0
    }

    /// Words 0 to 3, with the sequence number that publishes them.
    #[inline]
    pub fn encode(&self, seq: u32) -> [u64; 4] {
        let (kind, length, payload_at) = match (self.kind, self.region) {
            (Kind::Message, None) => (0u64, self.length, self.payload_at),
            (Kind::Message, Some(_)) => (2, 0, 0),
            (Kind::Close, _) => (1, self.length, self.payload_at),
        };
        let reply = self.reply.map_or(NO_REPLY, |token| token.slot);
        let generation = self.reply.map_or(0, |token| token.generation);
        [
            u64::from(seq) | (length as u64) << 32 | kind << 56,
            u64::from(self.id as u32) | (self.rights as u64) << 48 | u64::from(reply) << 32,
            self.stamp,
            u64::from(generation) | ((payload_at / PAYLOAD_UNIT) as u64) << 32,
        ]
    }

    /// Words 4 and 5 of a large message.
    pub fn encode_place(&self, region: NonZeroU32) -> [u64; 2] {
        let at = (self.payload_at / PAYLOAD_UNIT) as u64;
        [u64::from(region.get()) | at << 32, self.length as u64]
    }

    /// Reads words 0 to 3, of which word 0 had the right sequence number; and of a large message words
    /// 4 and 5, which `place` loads.
    ///
    /// # Errors
    /// [`Nonsense`]: a kind that does not exist, more rights than a message carries; of a large message
    /// no region, a body that is too long, or one that needs no region.
    #[inline]
    pub fn decode(words: [u64; 4], place: impl FnOnce() -> [u64; 2]) -> Result<Self, Nonsense> {
        let [first, second, stamp, fourth] = words;
        let (kind, is_large) = match first >> 56 {
            0 => (Kind::Message, false),
            1 => (Kind::Close, false),
            2 => (Kind::Message, true),
            _ => return Err(Nonsense),
        };
        let rights = (second >> 48) as usize;
        if rights > RIGHTS_MAX {
            return Err(Nonsense);
        }
        let slot = (second >> 32) as u16;
        let reply = (slot != NO_REPLY).then_some(Token { slot, generation: fourth as u32 });
        let head = Self {
            kind,
            id: second as u32 as i32,
            length: (first >> 32) as usize & LENGTH_MAX,
            rights,
            reply,
            stamp,
            payload_at: (fourth >> 32) as usize * PAYLOAD_UNIT,
            region: None,
        };
        if is_large { head.in_region(place()) } else { Ok(head) }
    }

    #[cold]
    fn in_region(self, [place, length]: [u64; 2]) -> Result<Self, Nonsense> {
        let region = NonZeroU32::new(place as u32).ok_or(Nonsense)?;
        let length = usize::try_from(length).ok().filter(|length| *length <= BODY_MAX).ok_or(Nonsense)?;
        let payload_at = (place >> 32) as usize * PAYLOAD_UNIT;
        let head = Self { length, payload_at, region: Some(region), ..self };
        if head.payload_bytes() == 0 { Err(Nonsense) } else { Ok(head) }
    }
}

/// A message that lies in its slot whole, and carries nothing but a reply right: nearly every one is such.
/// It is told from others by two comparisons, and stays in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short {
    /// `msgh_id`.
    pub id: i32,
    /// Bytes of the body, at most [`INLINE`].
    pub length: usize,
    /// The reply right, if any.
    pub reply: Option<Token>,
    /// As [`Head::stamp`].
    pub stamp: u64,
}

impl Short {
    /// Reads words 0 to 3, of which word 0 had the right sequence number. `None`: it is not such a message;
    /// what it is, [`Head::decode`] tells.
    #[inline(always)]
    pub fn decode([first, second, stamp, fourth]: [u64; 4]) -> Option<Self> {
        // The kind of a message of one slot is 0, so are its rights.
        if first >> 32 > INLINE as u64 || second >> 48 != 0 {
            return None;
        }
        let slot = (second >> 32) as u16;
        let reply = (slot != NO_REPLY).then_some(Token { slot, generation: fourth as u32 });
        Some(Self { id: second as u32 as i32, length: (first >> 32) as usize, reply, stamp })
    }
}

/// The sequence number that a published slot at `position` shows: never that of the slot's earlier
/// content, because positions only grow and a ring has fewer than 2^32 slots.
#[inline(always)]
pub fn seq(position: u64) -> u32 {
    (position as u32).wrapping_add(1)
}
