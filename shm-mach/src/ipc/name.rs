//! The number by which a task knows a right.

use std::fmt;
use std::num::NonZeroU32;

pub use crate::wire::mach::name::RawName;

/// The most names that fit: the index has 24 bits, 0 is reserved, and the last index would let a
/// name collide with [`PortName::DEAD`].
pub const INDEX_MAX: u32 = 0x00ff_fffe;

impl From<PortName> for RawName {
    fn from(name: PortName) -> Self {
        Self(name.get())
    }
}

/// A number that has the form of a name: an index above 0, shifted left by 8, and a generation
/// whose two low bits are set. Whether an entry has it is for its [`Space`](super::Space) to say.
///
/// ```text
/// 31              8 7          2 1 0
/// | index          | reuse      |1 1|
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortName(NonZeroU32);

impl PortName {
    /// `MACH_PORT_DEAD`: stands for a right that died before it got a name. No entry has it.
    pub const DEAD: Self = Self(NonZeroU32::MAX);

    /// The name that `raw` spells; `None` when its index is 0 or its two low bits are not set.
    pub const fn new(raw: u32) -> Option<Self> {
        if raw & 3 != 3 || raw >> 8 == 0 {
            return None;
        }
        match NonZeroU32::new(raw) {
            Some(raw) => Some(Self(raw)),
            None => None,
        }
    }

    /// The number itself.
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// Which line of the table: 1 to [`INDEX_MAX`], save for [`DEAD`](Self::DEAD).
    pub const fn index(self) -> u32 {
        self.get() >> 8
    }

    /// Which of the lives of that index.
    pub const fn generation(self) -> u8 {
        self.get() as u8
    }

    /// Whether this is [`DEAD`](Self::DEAD).
    pub const fn is_dead(self) -> bool {
        self.get() == u32::MAX
    }
}

impl fmt::Display for PortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.get())
    }
}

impl fmt::Debug for PortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n1_null_and_dead_are_no_names_of_entries() {
        assert_eq!(PortName::new(0), None);
        assert!(!RawName::NULL.is_valid() && !RawName::DEAD.is_valid());
        assert_eq!(PortName::new(u32::MAX), Some(PortName::DEAD));
        assert!(PortName::DEAD.is_dead() && PortName::DEAD.index() > INDEX_MAX);
    }

    #[test]
    fn n2_a_name_is_index_and_generation() {
        let name = PortName::new(0x0001_2307).unwrap();
        assert_eq!((name.index(), name.generation()), (0x123, 0x07));
        assert_eq!(PortName::new(0x03), None, "index 0 is reserved");
        assert_eq!(name.to_string(), "0x00012307");
        assert_eq!(RawName(0x103).to_string(), "0x00000103");
    }

    #[test]
    fn n3_the_two_low_bits_of_a_name_are_set() {
        for bits in 0..3 {
            assert_eq!(PortName::new(0x100 | bits), None);
        }
        assert!(RawName(0x103).has_name_bits() && !RawName(0x102).has_name_bits());
    }
}
