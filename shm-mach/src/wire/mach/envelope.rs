//! The three rights of a header, as far as the header alone can tell.

use super::bits::Bits;
use super::disposition::Disposition;
use super::header::Header;
use super::name::RawName;
use super::options::Options;
use super::refusal::SendRefusal;

/// `msgh_voucher_port` with its disposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voucher {
    /// What stands in the field: without a disposition any word, which only travels along.
    pub name: RawName,
    /// How the right travels; moved or copied. `None` of a plain word.
    pub disposition: Option<Disposition>,
}

impl Voucher {
    /// No voucher.
    pub const NONE: Self = Self { name: RawName::NULL, disposition: None };
}

/// Destination, reply and voucher of a message: names with dispositions that fit their places.
/// Whether the names stand for such rights is for the space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The destination; neither NULL nor DEAD.
    pub dest: RawName,
    /// How the right to it travels: anything but a receive right.
    pub dest_disposition: Disposition,
    /// The reply port; NULL if there is none.
    pub reply: RawName,
    /// How the right to it travels: anything but a receive right. `None` only of NULL, but NULL and
    /// DEAD may have one.
    pub reply_disposition: Option<Disposition>,
    /// The voucher.
    pub voucher: Voucher,
}

impl Envelope {
    /// Checks a header that is to be sent.
    ///
    /// Two places with one name can be filled together in any way but those refused below; what
    /// that takes of the name (SD9) is for the space.
    ///
    /// # Errors
    /// 1. [`SendRefusal::HeaderBits`] (SD1).
    /// 2. [`SendRefusal::ReplyDisposition`] (SD1).
    /// 3. [`SendRefusal::Voucher`] (SD2).
    /// 4. [`SendRefusal::DestDisposition`] (SD1).
    /// 5. [`SendRefusal::NoDest`], [`SendRefusal::DestIsVoucher`], [`SendRefusal::DestIsReply`] (SD3).
    /// 6. [`SendRefusal::StrictReply`], [`SendRefusal::ReplyIsVoucher`] (SD4).
    pub fn check(header: &Header, options: Options) -> Result<Self, SendRefusal> {
        let bits = header.bits;
        if bits.bits() & !Bits::USER != 0 {
            return Err(SendRefusal::HeaderBits { bits: bits.bits() & !Bits::USER });
        }
        let reply_disposition = reply(bits.local(), header.local)?;
        let voucher = voucher(bits.voucher(), header.voucher)?;
        let disposition = bits.remote();
        let dest_disposition = to_send(disposition).ok_or(SendRefusal::DestDisposition { disposition })?;
        let (dest, reply) = (header.remote, header.local);
        let envelope = Self { dest, dest_disposition, reply, reply_disposition, voucher };
        envelope.check_names(options)?;
        Ok(envelope)
    }

    fn check_names(&self, options: Options) -> Result<(), SendRefusal> {
        let is_voucher = |name| self.voucher.disposition.is_some() && self.voucher.name == name;
        let moves_once = self.dest_disposition == Disposition::MoveSendOnce
            || self.reply_disposition == Some(Disposition::MoveSendOnce);
        let is_strict = self.reply.is_valid() && self.reply_disposition.is_some_and(Disposition::is_once);
        if !self.dest.is_valid() {
            return Err(SendRefusal::NoDest { name: self.dest });
        }
        if is_voucher(self.dest) && !self.dest_disposition.is_for_voucher() {
            return Err(SendRefusal::DestIsVoucher);
        }
        if self.dest == self.reply && moves_once {
            return Err(SendRefusal::DestIsReply);
        }
        if options.contains(Options::STRICT_REPLY) && !is_strict {
            return Err(SendRefusal::StrictReply);
        }
        if self.reply.is_valid() && is_voucher(self.reply) {
            return Err(SendRefusal::ReplyIsVoucher);
        }
        Ok(())
    }
}

fn to_send(number: u32) -> Option<Disposition> {
    Disposition::from_number(number).filter(|disposition| disposition.is_to_send())
}

fn reply(number: u32, name: RawName) -> Result<Option<Disposition>, SendRefusal> {
    if number == 0 && name == RawName::NULL {
        return Ok(None);
    }
    to_send(number).map(Some).ok_or(SendRefusal::ReplyDisposition { disposition: number })
}

fn voucher(number: u32, name: RawName) -> Result<Voucher, SendRefusal> {
    if number == 0 {
        return Ok(Voucher { name, disposition: None });
    }
    let disposition = Disposition::from_number(number).filter(|known| known.is_for_voucher());
    if disposition.is_none() || name == RawName::DEAD {
        return Err(SendRefusal::Voucher { disposition: number });
    }
    Ok(Voucher { name, disposition })
}
