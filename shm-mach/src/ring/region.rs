//! Memory for large messages: regions beside the half.
//!
//! A *region* is a segment of its own, written by a sender for one peer, and used again when the peer has
//! read what lies in it. It holds the payload of one message at a time, from its beginning: the records of
//! the rights, and the body. A segment of its own, because the pages of a segment go back to the system
//! only all together: what lies in a half stays in memory as long as the link.

use std::collections::VecDeque;

use futex::order;
use futex::sync::{self, AtomicU64};

use crate::ring::layout::Cursor;
use crate::ring::payload::read_payload;
use crate::ring::slot::{BODY_MAX, Head, Nonsense, RIGHT_BYTES, RIGHTS_MAX};

/// Room for the records of a message's rights.
const RECORDS: usize = (RIGHTS_MAX + 1) * RIGHT_BYTES;
/// The room for a body in the smallest region.
const BODY_LEAST: usize = 256 << 10;
/// Bytes of the smallest region: 288 KiB.
pub const REGION_LEAST: usize = BODY_LEAST + RECORDS;
/// Bytes of the largest: 64 MiB and 32 KiB.
pub const REGION_MOST: usize = BODY_MAX + RECORDS;
/// The most regions of one task for one peer.
pub const REGIONS_MAX: usize = 32;
/// The most bytes that they have together: 512 MiB and 256 KiB.
pub const BYTES_MAX: usize = 8 * REGION_MOST;
/// Large messages that one lane may have unread.
const UNREAD_MAX: usize = 8;
/// The most bytes of their payloads: two of the longest.
const UNREAD_BYTES: usize = 2 * REGION_MOST;

/// The size of the region that is made for a payload of so many bytes, at most [`REGION_MOST`]: a power of
/// two for the body, and room for the records.
pub fn size_for(payload: usize) -> usize {
    payload.saturating_sub(RECORDS).next_power_of_two().max(BODY_LEAST) + RECORDS
}

/// The large messages of one lane that were not read, for its sender: so that one lane does not use up the
/// regions of all.
#[derive(Debug, Default)]
pub struct Unread {
    /// For each, the position after it, and its bytes.
    messages: VecDeque<(u64, usize)>,
    bytes: usize,
}

impl Unread {
    /// Whether there is room for one more.
    pub fn has_room(&self, bytes: usize) -> bool {
        self.messages.len() < UNREAD_MAX && self.bytes + bytes <= UNREAD_BYTES
    }

    /// One was published: the lane's position is now `end`.
    pub fn add(&mut self, end: u64, bytes: usize) {
        self.messages.push_back((end, bytes));
        self.bytes += bytes;
    }

    /// All before `position` were read.
    #[inline]
    pub fn free(&mut self, position: u64) {
        while let Some((end, bytes)) = self.messages.front().copied()
            && end <= position
        {
            self.messages.pop_front();
            self.bytes -= bytes;
        }
    }
}

/// The sender: writes a message's payload to the region that is to hold it.
///
/// # Panics
/// When it does not fit: the sender chose the region.
pub fn write(words: &[AtomicU64], parts: [&[u8]; 2]) {
    let mut at = 0;
    for part in parts {
        let end = at + part.len().div_ceil(8);
        sync::store_bytes(&words[at..end], part);
        at = end;
    }
}

/// The receiver: copies a large message out of its region: the records of its rights and its body. The bytes
/// may change under the copy and mean nothing yet.
///
/// # Errors
/// [`Nonsense`]: the payload does not lie in the region; or there is no memory for a body of that length,
/// which ends the link too, since the message can be neither received nor left out.
pub fn read(
    words: &[AtomicU64],
    head: &Head,
    records: &mut Vec<u8>,
    body: &mut Vec<u8>,
) -> Result<(), Nonsense> {
    body.try_reserve_exact(head.length.saturating_sub(body.len())).map_err(|_| Nonsense)?;
    read_payload(words, head, records, body)
}

/// The sender: whether the receiver has read a lane up to `end`, so that the region of the message before
/// it may be written again. `cursor` is the lane's. A receiver that says so too early spoils what it reads.
pub fn is_read(cursor: &Cursor, end: u64) -> bool {
    let position = cursor.position.load(sync::Ordering::Relaxed);
    // ORDER(region-read): Acquire, pairs with cursor-publish: the receiver's copy is done before the region
    // is written again.
    sync::fence(order!("region-read", Acquire));
    // Positions are known by their low halves: a lane that sends on for 2^31 messages before anybody looks
    // keeps its region longer, and that is all.
    (position.wrapping_sub(end as u32) as i32) >= 0
}

futex::native_only! {
    const _: () = assert!(REGION_LEAST.is_multiple_of(4096) && REGION_MOST.is_multiple_of(4096));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_has_room_for_its_payload_and_no_more_than_the_largest() {
        for length in [0, 1, BODY_LEAST - 1, BODY_LEAST, BODY_LEAST + 1, BODY_MAX / 2 + 1, BODY_MAX] {
            for records in [0, RIGHT_BYTES, RIGHTS_MAX * RIGHT_BYTES] {
                let size = size_for(length + records);
                assert!(size >= length + records, "{length} and {records}: {size}");
                assert!((REGION_LEAST..=REGION_MOST).contains(&size) && size.is_multiple_of(4096));
            }
        }
    }

    #[test]
    fn one_lane_has_only_so_much_unread() {
        let mut unread = Unread::default();
        for end in 1..=UNREAD_MAX as u64 {
            assert!(unread.has_room(1));
            unread.add(end, 1);
        }
        assert!(!unread.has_room(1));
        unread.free(1);
        assert!(unread.has_room(1) && !unread.has_room(UNREAD_BYTES));
        unread.free(UNREAD_MAX as u64);
        assert!(unread.has_room(UNREAD_BYTES));
    }

    #[test]
    fn what_is_read_is_known_across_the_wrap_of_the_cursor() {
        let cursor = Cursor::default();
        cursor.position.store(u32::MAX, sync::Ordering::Relaxed);
        let last = u64::from(u32::MAX);
        assert!(is_read(&cursor, last) && is_read(&cursor, last - 5) && !is_read(&cursor, last + 1));
        cursor.position.store(0, sync::Ordering::Relaxed);
        assert!(is_read(&cursor, last + 1) && !is_read(&cursor, last + 2));
    }
}
