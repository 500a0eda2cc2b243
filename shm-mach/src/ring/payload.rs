//! Room for bodies that do not fit into a slot.
//!
//! A sender gives a lane one *area* of its half's payload region when it first sends a long body
//! there. In it bodies follow one another, each in one piece; what does not fit before the area's
//! end begins again at its start. An area is emptied in the order it is filled, by the same cursor
//! that empties the lane, so the sender needs to remember only where each slot's payload ended.
//! The receiver knows nothing of areas: it checks each body against the whole region.

use crate::ring::layout::Slot;
use crate::ring::slot::{Head, INLINE, Nonsense, PAYLOAD_UNIT, RIGHT_BYTES};
use crate::segment::Shared;
use futex::sync::AtomicU64;

/// The longest payload of a message in an area of `area_bytes`: half of it. An area that was read to
/// the end is free as a whole, but its next payload may begin in its middle.
pub fn longest_payload(area_bytes: usize) -> usize {
    area_bytes / 2
}

/// A sender's area, private to the lane that writes it.
#[derive(Debug)]
pub struct Area {
    words: Shared<[AtomicU64]>,
    /// Which area of the half, to give it back.
    index: usize,
    /// Where it begins in the payload region.
    base: usize,
    size: u64,
    /// Bytes ever used, padding included; an offset is this modulo `size`.
    tail: u64,
    /// Bytes ever freed.
    head: u64,
    /// For each slot of the lane: `tail` after its message.
    ends: Box<[u64]>,
}

impl Area {
    /// An empty area over `words`, which lie `base` bytes into the region, for a lane of `slots`
    /// slots.
    pub fn new(words: Shared<[AtomicU64]>, index: usize, base: usize, slots: usize) -> Self {
        let size = words.len() as u64 * 8;
        Self { words, index, base, size, tail: 0, head: 0, ends: vec![0; slots].into_boxed_slice() }
    }

    /// Which area of the half this is.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The longest payload that always finds room in the end: see [`longest_payload`].
    pub fn longest(&self) -> usize {
        longest_payload(self.size as usize)
    }

    /// Where a payload of `bytes` would begin, counted like `tail`; `None` while there is no room.
    fn fit(&self, bytes: usize) -> Option<u64> {
        let bytes = (bytes as u64).next_multiple_of(PAYLOAD_UNIT as u64);
        let offset = self.tail % self.size;
        let start = if offset + bytes <= self.size { self.tail } else { self.tail + self.size - offset };
        (start + bytes - self.head <= self.size).then_some(start)
    }

    /// Whether a payload of `bytes` finds room now.
    pub fn has_room(&self, bytes: usize) -> bool {
        self.fit(bytes).is_some()
    }

    /// Writes `parts`, one after the other, and says where they begin in the region; `None` while
    /// there is no room. The message at slot `index` of the lane owns it until it is freed.
    pub fn write(&mut self, parts: [&[u8]; 2], index: usize) -> Option<usize> {
        let bytes = parts[0].len() + parts[1].len();
        let start = self.fit(bytes)?;
        let offset = (start % self.size) as usize;
        let mut at = offset / 8;
        for part in parts {
            let words = part.len().div_ceil(8);
            futex::sync::store_bytes(&self.words[at..at + words], part);
            at += words;
        }
        self.tail = start + (bytes as u64).next_multiple_of(PAYLOAD_UNIT as u64);
        self.ends[index] = self.tail;
        Some(self.base + offset)
    }

    /// The message at slot `index` has no payload: it frees what the one before it frees.
    pub fn skip(&mut self, index: usize) {
        self.ends[index] = self.tail;
    }

    /// The message at slot `index`, and all before it, were read.
    pub fn free(&mut self, index: usize) {
        self.head = self.ends[index];
    }
}

/// Copies what `head` says its message consists of out of its slot, or out of the payload region of
/// the half that the slot lies in: the records of its rights and its body. The bytes may change under
/// the copy and mean nothing yet.
///
/// # Errors
/// [`Nonsense`]: the payload does not lie in the region.
#[inline]
pub fn read(
    slot: &Slot,
    region: &[AtomicU64],
    head: &Head,
    records: &mut Vec<u8>,
    body: &mut Vec<u8>,
) -> Result<(), Nonsense> {
    if head.payload_bytes() == 0 {
        read_inline(slot, head.length, body);
        return Ok(());
    }
    read_payload(region, head, records, body)
}

/// Copies a body of `length` bytes that lies in its slot.
#[inline(always)]
pub(super) fn read_inline(slot: &Slot, length: usize, body: &mut Vec<u8>) {
    // All that lies there: a copy of a length that is known costs less than one of the right length.
    let mut bytes = [0; INLINE];
    futex::sync::load_bytes(&slot.words[4..], &mut bytes);
    body.clear();
    body.extend_from_slice(&bytes);
    body.truncate(length);
}

/// Copies the payload alone.
#[inline]
pub(super) fn read_payload(
    region: &[AtomicU64],
    head: &Head,
    records: &mut Vec<u8>,
    body: &mut Vec<u8>,
) -> Result<(), Nonsense> {
    let record_bytes = head.rights * RIGHT_BYTES;
    let at = head.payload_at / 8;
    let end = at + record_bytes / 8 + head.length.div_ceil(8);
    let words = region.get(at..end).ok_or(Nonsense)?;
    let (record_words, body_words) = words.split_at(record_bytes / 8);
    if record_bytes > 0 {
        records.resize(record_bytes, 0);
        futex::sync::load_bytes(record_words, records);
    }
    body.resize(head.length, 0);
    futex::sync::load_bytes(body_words, body);
    Ok(())
}
