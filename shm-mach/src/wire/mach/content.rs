//! What stands behind a header, on its way into a buffer.

use super::descriptor::{Address, Descriptor, Guarding};
use super::header::{BASE_BYTES, HEADER_BYTES, Header};
use super::options::Options;
use super::pen::Pen;

/// Descriptors and plain bytes of a message that goes to a user. The descriptors are as sent, but for
/// their names and addresses, which are those of the task that will read them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Content<'a> {
    /// Whether the message was sent as COMPLEX. With descriptors it is so in any case.
    pub is_complex: bool,
    /// The descriptors.
    pub descriptors: &'a [Descriptor<Address>],
    /// The plain bytes.
    pub body: &'a [u8],
}

/// Bytes of a message with these descriptors, from its header to the end of `body` plain bytes. It
/// does not depend on where their memory is, so it can be told before any name is made.
pub fn message_size<At>(is_complex: bool, descriptors: &[Descriptor<At>], body: usize) -> u64 {
    let front = if is_complex || !descriptors.is_empty() { BASE_BYTES } else { HEADER_BYTES };
    let sizes = descriptors.iter().map(|descriptor| descriptor.bytes() as u64);
    sizes.fold(u64::from(front), u64::saturating_add).saturating_add(body as u64)
}

/// Bytes that a buffer needs for a message of `size` bytes and the trailer behind it. A trailer
/// begins at a multiple of 4.
pub fn buffer_size(size: u64, options: Options) -> u64 {
    size.saturating_add(padding(size) as u64).saturating_add(u64::from(options.trailer_size()))
}

/// What becomes of a message whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It is delivered: an [`Arrival`](super::Arrival).
    Whole,
    /// It does not fit, and stays queued under its number, as the receiver wished by `RCV_LARGE`; its
    /// size is told ([`tell_size`](super::arrival::tell_size)).
    Stays,
    /// It does not fit. Its number is taken, and its rights are destroyed; what remains is a
    /// [`Remains`](super::Remains).
    Destroyed,
}

/// What becomes of a message of `size` bytes at a receiver with `room` bytes for it and its trailer.
/// Unless it is delivered, the call returns `RCV_TOO_LARGE`.
pub fn fit(size: u64, options: Options, room: u64) -> Fit {
    if buffer_size(size, options) <= room {
        Fit::Whole
    } else if options.contains(Options::RCV_LARGE) {
        Fit::Stays
    } else {
        Fit::Destroyed
    }
}

/// Bytes of zeros between a message of `size` bytes and its trailer.
pub(super) fn padding(size: u64) -> usize {
    (size.wrapping_neg() & 3) as usize
}

impl Content<'_> {
    /// Bytes of the message with this content.
    pub fn size(&self) -> u64 {
        message_size(self.is_complex, self.descriptors, self.body.len())
    }

    /// Whether descriptors, or a count of 0, stand before the plain bytes.
    pub(super) fn is_complex(&self) -> bool {
        self.is_complex || !self.descriptors.is_empty()
    }

    /// The whole message, with its size put into its header.
    pub(super) fn write(&self, header: Header, guarding: Guarding, to: &mut Pen<'_>) {
        let size = u32::try_from(self.size()).unwrap_or(u32::MAX);
        Header { size, ..header }.write(to);
        if self.is_complex() {
            to.u32(u32::try_from(self.descriptors.len()).unwrap_or(u32::MAX));
        }
        for descriptor in self.descriptors {
            descriptor.delivered(guarding).write(to);
        }
        to.bytes(self.body);
    }
}
