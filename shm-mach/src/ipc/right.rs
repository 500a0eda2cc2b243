//! Kinds of rights, the bits that tell them, and the ways in which a right goes into a message.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

pub use crate::wire::mach::disposition::Disposition;

/// The number of kinds, an obsolete one included: a right number from here on is no right at all.
pub const RIGHT_NUMBER: u32 = 6;

/// What a name gives the right to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum RightKind {
    /// `MACH_PORT_RIGHT_SEND`: to send messages, as often as one likes.
    Send = 0,
    /// `MACH_PORT_RIGHT_RECEIVE`: to receive; there is one for each port.
    Receive = 1,
    /// `MACH_PORT_RIGHT_SEND_ONCE`: to send one message.
    SendOnce = 2,
    /// `MACH_PORT_RIGHT_PORT_SET`: to receive from all ports of a set.
    PortSet = 3,
    /// `MACH_PORT_RIGHT_DEAD_NAME`: nothing any more; the name is only kept from being reused.
    DeadName = 4,
}

impl RightKind {
    /// The kind with this number; `None` for the obsolete 5 and for all from [`RIGHT_NUMBER`] on.
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Send),
            1 => Some(Self::Receive),
            2 => Some(Self::SendOnce),
            3 => Some(Self::PortSet),
            4 => Some(Self::DeadName),
            _ => None,
        }
    }

    /// Mach's number.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// Its type bit.
    pub const fn type_bit(self) -> TypeBits {
        TypeBits(1 << (self.number() + 16))
    }
}

/// `mach_port_type_t`: which rights a name stands for, and whether a request is registered on it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct TypeBits(u32);

impl TypeBits {
    /// No right.
    pub const NONE: Self = Self(0);
    /// A send right.
    pub const SEND: Self = RightKind::Send.type_bit();
    /// The receive right.
    pub const RECEIVE: Self = RightKind::Receive.type_bit();
    /// A send-once right.
    pub const SEND_ONCE: Self = RightKind::SendOnce.type_bit();
    /// A port set.
    pub const PORT_SET: Self = RightKind::PortSet.type_bit();
    /// A dead name.
    pub const DEAD_NAME: Self = RightKind::DeadName.type_bit();
    /// Both rights to one port.
    pub const SEND_RECEIVE: Self = Self(Self::SEND.0 | Self::RECEIVE.0);
    /// A dead-name or send-possible request is registered.
    pub const DNREQUEST: Self = Self(0x8000_0000);
    /// The request is a send-possible request, armed.
    pub const SPREQUEST: Self = Self(0x4000_0000);
    /// The request is a send-possible request, not armed yet.
    pub const SPREQUEST_DELAYED: Self = Self(0x2000_0000);

    /// The bits that this number has; any number is allowed, as it may come from elsewhere.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The number.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Without the bits of `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for TypeBits {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for TypeBits {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Debug for TypeBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypeBits({:#010x})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_and_bits_are_machs() {
        let bits: Vec<u32> =
            (0..5).map(|number| RightKind::from_number(number).unwrap().type_bit().bits()).collect();
        assert_eq!(bits, [0x10000, 0x20000, 0x40000, 0x80000, 0x100000]);
        assert_eq!(RightKind::from_number(5), None);
        assert_eq!(TypeBits::SEND_RECEIVE.bits(), 0x30000);
    }
}
