//! What a receiver gets of a message that was destroyed instead of delivered.

use super::bits::Bits;
use super::disposition::{Disposition, PortType};
use super::envelope::Voucher;
use super::header::{HEADER_BYTES, Header};
use super::name::RawName;
use super::options::Options;
use super::refusal::DeliveryFailure;
use super::trailer::Trailer;

/// The header of a message that did not fit (V3), or whose reply right found no name (V10). All its
/// rights but the destination's were destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remains {
    /// `msgh_id`.
    pub id: i32,
    /// Whether the message had descriptors. The bit stays, although none are there any more.
    pub is_complex: bool,
    /// The receiver's name for the port, as in an [`Arrival`](super::Arrival).
    pub port: RawName,
    /// What the sender held.
    pub port_type: PortType,
    /// The reply, as sent: DEAD stays DEAD. A right is gone, and shown as NULL.
    pub reply: RawName,
    /// What the reply right was.
    pub reply_type: Option<PortType>,
    /// The voucher, as sent. A right is gone, and shown as NULL; a plain word stays.
    pub voucher: Voucher,
    /// The number that the message took in its port.
    pub seqno: u32,
    /// The port's context, or 0 if the message did not fit.
    pub context: u64,
}

impl Remains {
    /// The header that the receiver sees.
    pub fn header(&self) -> Header {
        let reply = PortType::number_or_none(self.reply_type);
        let has_voucher = self.voucher.disposition.is_some();
        let voucher = if has_voucher { Disposition::MoveSend.number() } else { 0 };
        Header {
            bits: Bits::new(reply, self.port_type.number(), voucher, self.is_complex),
            size: HEADER_BYTES,
            remote: if self.reply.is_valid() { RawName::NULL } else { self.reply },
            local: self.port,
            voucher: if has_voucher { RawName::NULL } else { self.voucher.name },
            id: self.id,
        }
    }

    /// Writes the header, and behind it as much of the trailer as there is room for. The trailer is
    /// one of the system's own: it names no sender. Returns how many bytes were written.
    ///
    /// # Errors
    /// [`DeliveryFailure::NoRoom`]: not even the header fits, and nothing was written. It counts more
    /// than why the message was destroyed.
    pub fn deliver(&self, options: Options, buffer: &mut [u8]) -> Result<usize, DeliveryFailure> {
        let room = buffer.len() as u64;
        let (head, rest) = buffer.split_first_chunk_mut().ok_or(DeliveryFailure::NoRoom { room })?;
        *head = self.header().encode();
        let trailer = Trailer::kernel(self.seqno, self.context).encode(options, rest);
        Ok(head.len().saturating_add(trailer))
    }
}
