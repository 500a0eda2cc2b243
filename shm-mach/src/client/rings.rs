//! How often a peer has rung, against how often it had a reason to.
//!
//! A ring without a reason costs its sleeper a wake-up, again and again. Rings with one are few: each is for a
//! message that was queued when nobody was awake. So who is far ahead of what was taken is no honest peer.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::ring::layout::BELLS;

/// How far ahead of messages taken a peer's rings may be: more than it can have messages queued here that
/// were rung for and not taken.
const AHEAD_MOST: u32 = 1 << 17;
/// Rings between two looks at what was taken.
const CHECK_EVERY: u32 = 1024;

/// The account of one peer's bells.
#[derive(Debug)]
pub(crate) struct Rings {
    /// The count at which each bell was judged last: several threads may sleep on one bell, and all of
    /// them find it rung.
    judged: [AtomicU32; BELLS],
    count: AtomicU32,
    /// What was taken at the last check, modulo 2^32.
    taken: AtomicU32,
    /// Rings since the beginning that nothing taken explains: taken without a ring counts for none.
    ahead: AtomicU32,
}

impl Default for Rings {
    fn default() -> Self {
        Self {
            judged: [const { AtomicU32::new(0) }; BELLS],
            count: AtomicU32::new(0),
            taken: AtomicU32::new(0),
            ahead: AtomicU32::new(0),
        }
    }
}

impl Rings {
    /// Bell `bell` was found rung, at `now`; `taken` tells how many messages were taken so far, modulo
    /// 2^32. Says whether the peer has rung far more often than that explains.
    pub(crate) fn rang(&self, bell: usize, now: u32, taken: impl FnOnce() -> u32) -> bool {
        if self.judged[bell].swap(now, Ordering::Relaxed) == now {
            return false;
        }
        let count = self.count.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        if !count.is_multiple_of(CHECK_EVERY) {
            return false;
        }
        let taken = taken();
        let more = taken.wrapping_sub(self.taken.swap(taken, Ordering::Relaxed));
        let ahead = self.ahead.load(Ordering::Relaxed).saturating_add(CHECK_EVERY).saturating_sub(more);
        self.ahead.store(ahead, Ordering::Relaxed);
        ahead > AHEAD_MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_without_a_reason_are_too_many_at_last() {
        let rings = Rings::default();
        let first = (1..).find(|now| rings.rang(3, *now, || 0)).unwrap();
        assert_eq!(first, AHEAD_MOST + CHECK_EVERY);
    }

    #[test]
    fn a_ring_that_several_sleepers_find_counts_once() {
        let rings = Rings::default();
        for now in 1..=AHEAD_MOST {
            (0..4).for_each(|_| assert!(!rings.rang(0, now, || now)));
        }
        assert!(rings.ahead.load(Ordering::Relaxed) < CHECK_EVERY);
    }

    #[test]
    fn messages_that_were_not_rung_for_are_not_held_against_anybody() {
        let rings = Rings::default();
        let taken = (1 << 31) + 5;
        for now in 1..=4 * CHECK_EVERY {
            assert!(!rings.rang(0, now, || now.wrapping_add(taken)), "after {now} rings");
        }
    }
}
