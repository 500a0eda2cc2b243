//! The first word of a header: dispositions, and whether descriptors follow.

use std::fmt;

/// `mach_msg_bits_t`: the `msgh_bits` of a header, as sent or as received.
///
/// ```text
/// 31      30 21 20    16 15 13 12   8 7 5 4    0
/// |COMPLEX|  0 | voucher |  0  | local | 0 | remote|
/// ```
/// Any number is allowed, since it may come from elsewhere.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Bits(u32);

impl Bits {
    /// `MACH_MSGH_BITS_REMOTE_MASK`.
    pub const REMOTE_MASK: u32 = 0x0000_001f;
    /// `MACH_MSGH_BITS_LOCAL_MASK`.
    pub const LOCAL_MASK: u32 = 0x0000_1f00;
    /// `MACH_MSGH_BITS_VOUCHER_MASK`.
    pub const VOUCHER_MASK: u32 = 0x001f_0000;
    /// `MACH_MSGH_BITS_COMPLEX`: a body with descriptors follows the header.
    pub const COMPLEX: u32 = 0x8000_0000;
    /// `MACH_MSGH_BITS_USER`: all that a sender may set.
    pub const USER: u32 = 0x801f_1f1f;

    /// `MACH_MSGH_BITS_SET`: what does not fit into a field is cut off.
    pub const fn new(remote: u32, local: u32, voucher: u32, complex: bool) -> Self {
        let complex = if complex { Self::COMPLEX } else { 0 };
        Self(
            remote & Self::REMOTE_MASK
                | local << 8 & Self::LOCAL_MASK
                | voucher << 16 & Self::VOUCHER_MASK
                | complex,
        )
    }

    /// The bits that this number has.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The number.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The disposition of the port in `msgh_remote_port`.
    pub const fn remote(self) -> u32 {
        self.0 & Self::REMOTE_MASK
    }

    /// The disposition of the port in `msgh_local_port`.
    pub const fn local(self) -> u32 {
        (self.0 & Self::LOCAL_MASK) >> 8
    }

    /// The disposition of the port in `msgh_voucher_port`.
    pub const fn voucher(self) -> u32 {
        (self.0 & Self::VOUCHER_MASK) >> 16
    }

    /// Whether descriptors follow the header.
    pub const fn is_complex(self) -> bool {
        self.0 & Self::COMPLEX != 0
    }
}

impl fmt::Debug for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bits({:#010x})", self.0)
    }
}

const _: () =
    assert!(Bits::USER == Bits::REMOTE_MASK | Bits::LOCAL_MASK | Bits::VOUCHER_MASK | Bits::COMPLEX);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_touch_each_other() {
        let bits = Bits::new(19, 21, 17, true);
        assert_eq!(bits.bits(), 0x8011_1513);
        assert_eq!((bits.remote(), bits.local(), bits.voucher(), bits.is_complex()), (19, 21, 17, true));
        assert_eq!(Bits::new(u32::MAX, 0, 0, false).bits(), Bits::REMOTE_MASK);
        assert_eq!(Bits::new(0, u32::MAX, 0, false).bits(), Bits::LOCAL_MASK);
        assert_eq!(Bits::new(0, 0, u32::MAX, false).bits(), Bits::VOUCHER_MASK);
        assert!(!Bits::from_bits(!Bits::COMPLEX).is_complex());
    }
}
