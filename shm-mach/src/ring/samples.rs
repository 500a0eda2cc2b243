//! The words that a thread is going to sleep on, with the values they had before its last look.

use futex::order;
use futex::sync;

use crate::ring::layout::{Bell, Cursor};
use crate::segment::Shared;

/// Words with the values they were sampled at.
#[derive(Debug, Default)]
pub struct Samples {
    pub(super) words: Vec<(Shared<Bell>, u32)>,
    /// How far receivers have read that somebody wants to hear of.
    pub(super) cursors: Vec<(Shared<Cursor>, u32)>,
}

impl Samples {
    /// Samples one bell.
    pub fn add(&mut self, bell: Shared<Bell>) {
        let count = sample(&bell);
        self.words.push((bell, count));
    }

    /// Samples how far a receiver has read. It wakes one thread that sleeps on this, if the lane's sender
    /// [has asked for it](super::lane_out::LaneOut::watch_room).
    pub fn add_cursor(&mut self, cursor: Shared<Cursor>) {
        // Nothing but the value is looked at, so nothing is ordered by it.
        let position = cursor.position.load(sync::Ordering::Relaxed);
        self.cursors.push((cursor, position));
    }
}

/// How often a bell was rung.
#[inline]
pub(super) fn sample(bell: &Bell) -> u32 {
    // ORDER(bell-sample): Acquire, pairs with bell-bump: if this sample includes a ring, the look
    // that follows sees what was rung for. A relaxed load and a fence: the page may be read-only
    // here.
    let count = bell.count.load(order!("bell-sample", Relaxed));
    sync::fence(order!("bell-sample-fence", Acquire));
    count
}
