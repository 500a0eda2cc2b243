//! The first checks of a send, of the header alone: how long the message is, and how many
//! descriptors it has.

use super::header::{BASE_BYTES, HEADER_BYTES, Header};
use super::refusal::SendRefusal;
use crate::wire::bytes::Reader;

/// The longest message, in bytes: three quarters of 64 MiB, less the longest trailer.
pub const MESSAGE_MAX: u32 = 50_331_580;

/// Bytes of the shortest descriptor, as a size of messages.
const SHORTEST: u32 = 12;

/// A header that was read once, and how long its message is. The memory that it came from is not
/// looked at again: what a thread of the caller writes there meanwhile changes nothing.
///
/// What comes next is the caller's: memory for a copy of the message (Z7, `SEND_NO_BUFFER`), the
/// copy, and then its [`shape`](Self::shape).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    header: Header,
    descriptors: u32,
}

impl Outline {
    /// Of `mach_msg`, whose header lies in memory: `head` is what could be read of the first 28
    /// bytes, or of the first 24 if the message has no more.
    ///
    /// # Errors
    /// 1. [`SendRefusal::Size`] (Z1), [`SendRefusal::TooLong`] (Z2).
    /// 2. [`SendRefusal::UnreadableHeader`] (Z3).
    /// 3. [`SendRefusal::NoCount`] (Z4), [`SendRefusal::Count`] (Z5).
    pub fn of_memory(size: u32, head: &[u8]) -> Result<Self, SendRefusal> {
        check_size(size)?;
        let mut from = Reader::new(head);
        let header = Header::read(&mut from).ok_or(SendRefusal::UnreadableHeader)?;
        // The word behind the header is read of every message that has one, and counts only if the
        // message is COMPLEX.
        let word = if size >= BASE_BYTES { from.u32().ok_or(SendRefusal::UnreadableHeader)? } else { 0 };
        let descriptors = if header.bits.is_complex() { word } else { 0 };
        Self { header: Header { size, ..header }, descriptors }.checked()
    }

    /// Of `mach_msg2`, whose header is in its arguments, with the count of descriptors beside it. The
    /// header in memory is not read (X1).
    ///
    /// # Errors
    /// 1. [`SendRefusal::Size`] (Z1), [`SendRefusal::TooLong`] (Z2).
    /// 2. [`SendRefusal::NoCount`] (Z4), [`SendRefusal::Count`] (Z5).
    /// 3. [`SendRefusal::CountOfSimple`] (Z6).
    pub fn of_arguments(size: u32, header: Header, descriptors: u32) -> Result<Self, SendRefusal> {
        check_size(size)?;
        Self { header: Header { size, ..header }, descriptors }.checked()
    }

    fn checked(self) -> Result<Self, SendRefusal> {
        let Self { header, descriptors: count } = self;
        if !header.bits.is_complex() {
            return if count == 0 { Ok(self) } else { Err(SendRefusal::CountOfSimple { count }) };
        }
        let room = header.size.checked_sub(BASE_BYTES).ok_or(SendRefusal::NoCount)?;
        if count > room / SHORTEST { Err(SendRefusal::Count { count }) } else { Ok(self) }
    }

    /// The header, with the size that the call gave instead of its own.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// How many descriptors were announced.
    pub fn descriptors(&self) -> u32 {
        self.descriptors
    }

    /// Where the descriptors begin, or the plain bytes of a message that is not COMPLEX.
    pub fn body_at(&self) -> usize {
        (if self.header.bits.is_complex() { BASE_BYTES } else { HEADER_BYTES }) as usize
    }
}

pub(super) fn check_size(size: u32) -> Result<(), SendRefusal> {
    if size < HEADER_BYTES || !size.is_multiple_of(4) {
        return Err(SendRefusal::Size { size });
    }
    if size > MESSAGE_MAX {
        return Err(SendRefusal::TooLong { size, longest: MESSAGE_MAX });
    }
    Ok(())
}

const _: () = {
    assert!(MESSAGE_MAX == 64 * 1024 * 1024 / 4 * 3 - super::trailer::TRAILER_MAX);
    assert!(SHORTEST as usize == super::descriptor::DESCRIPTOR_MIN);
};
