//! A message that was not sent, back into its sender's buffer: the *pseudo-receive*.

use super::bits::Bits;
use super::content::Content;
use super::descriptor::{Address, Guarding};
use super::disposition::{Disposition, PortType};
use super::envelope::Voucher;
use super::header::Header;
use super::name::RawName;
use super::pen::Pen;
use super::refusal::DeliveryFailure;

/// A message that comes back because the queue stayed full (SD16 to SD20). Its rights are the
/// sender's again, perhaps under other names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returned<'a> {
    /// `msgh_id`.
    pub id: i32,
    /// The destination's name.
    pub dest: RawName,
    /// What the sender has of it now: one reference more of a send right, or a send-once right.
    pub dest_type: PortType,
    /// The reply's name, as the destination's; NULL and DEAD come back as they were.
    pub reply: RawName,
    /// What the sender has of it now; `None` if there was none.
    pub reply_type: Option<PortType>,
    /// Whether the reply is a reply port. It keeps its name then, and the right that was made of it
    /// is gone.
    pub is_reply_port: bool,
    /// The voucher. One that was moved comes back as such; one that was copied never left, and is
    /// shown as it was.
    pub voucher: Voucher,
    /// What stands behind the header, with the sender's new names, and the memory mapped anew.
    pub content: Content<'a>,
}

impl Returned<'_> {
    /// The header that the sender sees: not reversed, and as if all rights were to be moved.
    pub fn header(&self) -> Header {
        let reply = if self.is_reply_port && self.reply.is_valid() {
            Disposition::MakeSendOnce.number()
        } else {
            PortType::number_or_none(self.reply_type)
        };
        let voucher = self.voucher.disposition.map_or(0, Disposition::number);
        Header {
            bits: Bits::new(self.dest_type.number(), reply, voucher, self.content.is_complex()),
            size: u32::try_from(self.content.size()).unwrap_or(u32::MAX),
            remote: self.dest,
            local: self.reply,
            voucher: self.voucher.name,
            id: self.id,
        }
    }

    /// Writes the message over the one that was to be sent, at address `at` of the sender. No trailer
    /// follows (T4). Guarded rights come back guarded by that address, whatever was asked for (B9).
    /// Returns how many bytes were written.
    ///
    /// # Errors
    /// [`DeliveryFailure::TooLarge`]: the buffer is shorter than the message was, and nothing was
    /// written.
    pub fn deliver(&self, buffer: &mut [u8], at: Address) -> Result<usize, DeliveryFailure> {
        let (needed, room) = (self.content.size(), buffer.len() as u64);
        if needed > room {
            return Err(DeliveryFailure::TooLarge { needed, room });
        }
        let mut pen = Pen::new(buffer);
        self.content.write(self.header(), Guarding::At(at), &mut pen);
        Ok(pen.written())
    }
}
