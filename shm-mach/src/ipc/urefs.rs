//! How often a name is held, and how that count sticks.

use std::num::NonZeroU16;

use super::error::PortError;

/// The user references of a send right or a dead name: 1 to 65,535. A count that reached 65,535 is
/// *pegged*: nobody knows any more how many there are, so it never changes again, except that a
/// holder may give up exactly 65,535 at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Urefs(NonZeroU16);

impl Urefs {
    /// One reference.
    pub const ONE: Self = Self(NonZeroU16::MIN);
    /// `MACH_PORT_UREFS_MAX`, the pegged count.
    pub const MAX: Self = Self(NonZeroU16::MAX);

    /// This many; `None` for 0.
    pub const fn new(count: u16) -> Option<Self> {
        match NonZeroU16::new(count) {
            Some(count) => Some(Self(count)),
            None => None,
        }
    }

    /// How many.
    pub const fn get(self) -> u16 {
        self.0.get()
    }

    /// One more, or pegged.
    pub const fn one_more(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// One less; `None` when that was the last. A pegged count stays.
    pub const fn one_less(self) -> Option<Self> {
        match self.get() {
            u16::MAX => Some(self),
            count => Self::new(count - 1),
        }
    }

    /// Changed by `delta`; `None` when nothing is left. What would exceed the largest count pegs.
    ///
    /// # Errors
    /// [`PortError::BadDelta`] when `delta` is more than 65,535 either way, or takes away more than
    /// there is.
    pub fn changed_by(self, delta: i32) -> Result<Option<Self>, PortError> {
        const MOST: i32 = u16::MAX as i32;
        if delta.unsigned_abs() > MOST as u32 {
            return Err(PortError::BadDelta);
        }
        if self == Self::MAX {
            return Ok((delta != -MOST).then_some(self));
        }
        let count = i32::from(self.get()) + delta;
        let count = u16::try_from(count.min(MOST)).map_err(|_| PortError::BadDelta)?;
        Ok(Self::new(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urefs(count: u16) -> Urefs {
        Urefs::new(count).unwrap()
    }

    #[test]
    fn u1_a_count_is_1_to_65535() {
        assert_eq!(Urefs::new(0), None);
        assert_eq!((Urefs::ONE.get(), Urefs::MAX.get()), (1, 65_535));
    }

    #[test]
    fn u2_what_exceeds_the_limit_pegs_and_succeeds() {
        assert_eq!(urefs(65_534).one_more(), Urefs::MAX);
        assert_eq!(Urefs::MAX.one_more(), Urefs::MAX);
        assert_eq!(urefs(65_000).changed_by(65_535), Ok(Some(Urefs::MAX)));
        assert_eq!(Urefs::ONE.changed_by(65_534), Ok(Some(Urefs::MAX)));
    }

    #[test]
    fn u3_pegged_count_is_frozen() {
        assert_eq!(Urefs::MAX.one_less(), Some(Urefs::MAX));
        for delta in [-65_534, -1, 0, 1, 65_535] {
            assert_eq!(Urefs::MAX.changed_by(delta), Ok(Some(Urefs::MAX)));
        }
        assert_eq!(Urefs::MAX.changed_by(-65_535), Ok(None));
    }

    #[test]
    fn u4_a_delta_is_bounded_and_never_below_nothing() {
        for delta in [65_536, -65_536, i32::MIN, i32::MAX, -4] {
            assert_eq!(urefs(3).changed_by(delta), Err(PortError::BadDelta), "{delta}");
        }
        for delta in [65_536, -65_536, i32::MIN, i32::MAX] {
            assert_eq!(Urefs::MAX.changed_by(delta), Err(PortError::BadDelta), "pegged, {delta}");
        }
        assert_eq!(urefs(3).changed_by(0), Ok(Some(urefs(3))));
    }

    #[test]
    fn u5_the_last_one_leaves_nothing() {
        assert_eq!(Urefs::ONE.one_less(), None);
        assert_eq!(urefs(3).changed_by(-3), Ok(None));
        assert_eq!(urefs(3).changed_by(-2), Ok(Some(Urefs::ONE)));
    }
}
