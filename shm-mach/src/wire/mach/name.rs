//! A name as it stands in a message, or as a call gave it.

use std::fmt;

/// A name as some caller gave it: any number, NULL and DEAD included.
///
/// The calls that take a name by number take this, because each has its own answer to NULL and to
/// DEAD. A number that no table could hold is simply a name that is not known.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawName(pub u32);

impl RawName {
    /// `MACH_PORT_NULL`: no right.
    pub const NULL: Self = Self(0);
    /// `MACH_PORT_DEAD`: a right that died before it got a name.
    pub const DEAD: Self = Self(u32::MAX);

    /// Whether an entry could have this name: it is neither NULL nor DEAD.
    pub const fn is_valid(self) -> bool {
        self.0 != Self::NULL.0 && self.0 != Self::DEAD.0
    }

    /// The upper 24 bits.
    pub const fn index(self) -> u32 {
        self.0 >> 8
    }

    /// The low byte.
    pub const fn generation(self) -> u8 {
        self.0 as u8
    }

    /// Whether the two low bits are set, as in every name that a space hands out.
    pub const fn has_name_bits(self) -> bool {
        self.0 & 3 == 3
    }
}

impl fmt::Display for RawName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

impl fmt::Debug for RawName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
