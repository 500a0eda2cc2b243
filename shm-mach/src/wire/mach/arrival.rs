//! A message into the buffer of its receiver.

use super::bits::Bits;
use super::content::{Content, buffer_size, padding};
use super::descriptor::{Address, Guarding};
use super::disposition::{Disposition, PortType};
use super::envelope::Voucher;
use super::header::{Header, LOCAL_AT, REMOTE_AT, SIZE_AT, VOUCHER_AT};
use super::name::RawName;
use super::options::Options;
use super::pen::Pen;
use super::refusal::DeliveryFailure;
use super::trailer::Trailer;

/// A message whose rights have names in the receiver's space by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival<'a> {
    /// `msgh_id`.
    pub id: i32,
    /// The receiver's name for the port. NULL if it gave the right away meanwhile, DEAD if the port
    /// died (V6).
    pub port: RawName,
    /// What the sender held: a send right, or a send-once right.
    pub port_type: PortType,
    /// The name of the reply right; NULL if there is none, DEAD if its port died on the way (V7).
    pub reply: RawName,
    /// What the reply right is; `None` if there is none.
    pub reply_type: Option<PortType>,
    /// The voucher, as sent, with the receiver's name for it. A receiver that does not ask for
    /// vouchers is shown none; the caller gives such a right back, if not before, then now.
    pub voucher: Voucher,
    /// What stands behind the header.
    pub content: Content<'a>,
    /// What the trailer tells.
    pub trailer: Trailer,
}

impl Arrival<'_> {
    /// The header that the receiver sees: remote and local have changed places (V5).
    pub fn header(&self, options: Options) -> Header {
        let has_voucher = self.voucher.disposition.is_some();
        let shows_voucher = has_voucher && options.contains(Options::RCV_VOUCHER);
        let voucher = if shows_voucher { Disposition::MoveSend.number() } else { 0 };
        let reply = PortType::number_or_none(self.reply_type);
        Header {
            bits: Bits::new(reply, self.port_type.number(), voucher, self.content.is_complex()),
            size: u32::try_from(self.content.size()).unwrap_or(u32::MAX),
            remote: self.reply,
            local: self.port,
            voucher: if has_voucher && !shows_voucher { RawName::NULL } else { self.voucher.name },
            id: self.id,
        }
    }

    /// Writes the message and its trailer from the front of `buffer` on; that is at address `at` of
    /// the receiver, which is the guard of guarded rights (B9). Returns how many bytes were written.
    ///
    /// # Errors
    /// [`DeliveryFailure::TooLarge`]: the buffer is too short, and nothing was written. Names were
    /// made already by then, so a caller asks [`fit`](super::content::fit) first.
    pub fn deliver(
        &self,
        options: Options,
        buffer: &mut [u8],
        at: Address,
    ) -> Result<usize, DeliveryFailure> {
        let (size, room) = (self.content.size(), buffer.len() as u64);
        let needed = buffer_size(size, options);
        if needed > room {
            return Err(DeliveryFailure::TooLarge { needed, room });
        }
        let mut pen = Pen::new(buffer);
        self.content.write(self.header(options), Guarding::of(options, at), &mut pen);
        pen.bytes([0; 3].get(..padding(size)).unwrap_or_default());
        let mut trailer = [0; super::trailer::TRAILER_MAX as usize];
        let count = self.trailer.encode(options, &mut trailer);
        pen.bytes(trailer.get(..count).unwrap_or_default());
        Ok(pen.written())
    }
}

/// Tells a receiver that asked with `RCV_LARGE` how long the message is that stays queued (V4):
/// `size` bytes, without its trailer. With `RCV_LARGE_IDENTITY` also its port. What the buffer has no
/// room for is not told; nothing else in it changes.
pub fn tell_size(size: u32, port: RawName, options: Options, buffer: &mut [u8]) {
    if options.contains(Options::RCV_LARGE_IDENTITY)
        && let Some(field) = buffer.get_mut(LOCAL_AT..VOUCHER_AT)
    {
        Pen::new(field).u32(port.0);
    }
    if let Some(field) = buffer.get_mut(SIZE_AT..REMOTE_AT) {
        Pen::new(field).u32(size);
    }
}
