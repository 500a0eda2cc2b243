//! What a call of `mach_msg` asks for.

use std::fmt;
use std::ops::BitOr;

use super::refusal::SendRefusal;

/// `mach_msg_option_t` in the low half, and what `mach_msg2` adds above it.
///
/// Any number is allowed, since it comes from the caller; bits that no rule knows have no effect.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Options(u64);

impl Options {
    /// `MACH_MSG_OPTION_NONE`.
    pub const NONE: Self = Self(0);
    /// `MACH_SEND_MSG`.
    pub const SEND_MSG: Self = Self(0x1);
    /// `MACH_RCV_MSG`: after the send if both.
    pub const RCV_MSG: Self = Self(0x2);
    /// `MACH_RCV_LARGE`: a message that does not fit stays queued.
    pub const RCV_LARGE: Self = Self(0x4);
    /// `MACH_RCV_LARGE_IDENTITY`: with that, also tell its port.
    pub const RCV_LARGE_IDENTITY: Self = Self(0x8);
    /// `MACH_SEND_TIMEOUT`.
    pub const SEND_TIMEOUT: Self = Self(0x10);
    /// `MACH_SEND_OVERRIDE`: the priority argument counts.
    pub const SEND_OVERRIDE: Self = Self(0x20);
    /// `MACH_SEND_INTERRUPT`: an interrupted send is not begun again.
    pub const SEND_INTERRUPT: Self = Self(0x40);
    /// `MACH_SEND_NOTIFY`: a full queue arms the send-possible request.
    pub const SEND_NOTIFY: Self = Self(0x80);
    /// `MACH_RCV_TIMEOUT`.
    pub const RCV_TIMEOUT: Self = Self(0x100);
    /// `MACH_MSG_STRICT_REPLY`: the reply must be a send-once right.
    pub const STRICT_REPLY: Self = Self(0x200);
    /// `MACH_RCV_INTERRUPT`: an interrupted receive is not begun again.
    pub const RCV_INTERRUPT: Self = Self(0x400);
    /// `MACH_RCV_VOUCHER`: the voucher is delivered.
    pub const RCV_VOUCHER: Self = Self(0x800);
    /// `MACH_RCV_GUARDED_DESC`: receive rights may come guarded.
    pub const RCV_GUARDED_DESC: Self = Self(0x1000);
    /// `MACH_RCV_SYNC_WAIT`.
    pub const RCV_SYNC_WAIT: Self = Self(0x4000);
    /// `MACH_RCV_SYNC_PEEK`.
    pub const RCV_SYNC_PEEK: Self = Self(0x8000);
    /// `MACH_SEND_FILTER_NONFATAL`.
    pub const SEND_FILTER_NONFATAL: Self = Self(0x1_0000);
    /// `MACH_SEND_TRAILER`.
    pub const SEND_TRAILER: Self = Self(0x2_0000);
    /// `MACH_SEND_NOIMPORTANCE`.
    pub const SEND_NOIMPORTANCE: Self = Self(0x4_0000);
    /// `MACH_SEND_SYNC_OVERRIDE`.
    pub const SEND_SYNC_OVERRIDE: Self = Self(0x10_0000);
    /// `MACH_SEND_PROPAGATE_QOS`.
    pub const SEND_PROPAGATE_QOS: Self = Self(0x20_0000);
    /// `MACH_SEND_SYNC_BOOTSTRAP_CHECKIN`.
    pub const SEND_SYNC_BOOTSTRAP_CHECKIN: Self = Self(0x80_0000);
    /// `MACH64_MSG_VECTOR`: the arguments are up to two buffers.
    pub const VECTOR: Self = Self(1 << 32);
    /// `MACH64_SEND_KOBJECT_CALL`: the destination is an object of the system.
    pub const SEND_KOBJECT_CALL: Self = Self(2 << 32);
    /// `MACH64_SEND_MQ_CALL`: the destination is a queue.
    pub const SEND_MQ_CALL: Self = Self(4 << 32);
    /// `MACH64_SEND_ANY`: the destination is either.
    pub const SEND_ANY: Self = Self(8 << 32);
    /// `MACH64_SEND_DK_CALL`: the destination is a driver.
    pub const SEND_DK_CALL: Self = Self(0x10 << 32);
    /// `MACH64_RCV_LINEAR_VECTOR`: message and auxiliary data in one buffer.
    pub const RCV_LINEAR_VECTOR: Self = Self(1 << 60);
    /// `MACH64_RCV_STACK`: at the end of that buffer.
    pub const RCV_STACK: Self = Self(1 << 61);
    /// `MACH64_PEEK_MSG`.
    pub const PEEK_MSG: Self = Self(1 << 62);

    /// What says whom a `mach_msg2` means to call.
    const CALLS: u64 =
        Self::SEND_KOBJECT_CALL.0 | Self::SEND_MQ_CALL.0 | Self::SEND_ANY.0 | Self::SEND_DK_CALL.0;

    /// The options that this number has.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The number.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// `MACH_RCV_TRAILER_ELEMENTS` with format 0: asks for a trailer up to `elements`, of which the
    /// low four bits count.
    pub const fn with_trailer(self, elements: u32) -> Self {
        Self(self.0 & !0xff00_0000 | (elements as u64 & 0xf) << 24)
    }

    /// `GET_RCV_ELEMENTS`: which trailer is asked for.
    pub const fn trailer_elements(self) -> u32 {
        (self.0 >> 24 & 0xf) as u32
    }

    /// Whether this is a call to an object or a driver, which takes no guarded rights and no volatile
    /// memory.
    pub(super) const fn is_plain_only(self) -> bool {
        self.0 & (Self::SEND_KOBJECT_CALL.0 | Self::SEND_DK_CALL.0) != 0
    }

    /// What `mach_msg2` asks before it looks at anything else (X2). `mach_msg` has no such rule.
    ///
    /// # Errors
    /// [`SendRefusal::Options`] of a send that does not say exactly once whom it calls, or that has
    /// vectors for something else than a queue.
    pub const fn check_call(self) -> Result<(), SendRefusal> {
        if !self.contains(Self::SEND_MSG) {
            return Ok(());
        }
        let for_queue = self.0 & (Self::SEND_MQ_CALL.0 | Self::SEND_ANY.0) != 0;
        if (self.0 & Self::CALLS).count_ones() != 1 || self.contains(Self::VECTOR) && !for_queue {
            return Err(SendRefusal::Options);
        }
        Ok(())
    }
}

impl BitOr for Options {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Options({:#x})", self.0)
    }
}
