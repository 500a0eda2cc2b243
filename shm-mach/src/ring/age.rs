//! How old the messages of a lane can be, whatever its sender says.
//!
//! Messages of several senders are received in the order of their stamps. A stamp is the sender's own
//! word. An honest one was read from the clock after the message's slot was free, and before the message
//! was seen here; so a stamp that lies outside these two times is a lie, and is moved to the nearer
//! end. That never moves an honest message, and a liar gains at most the length of its ring: it can
//! make messages look as old as the slots that they lie in.
//!
//! When a slot became free is not kept for each slot, but for each sixteenth of the ring.

use futex::sync;

/// Parts of a ring whose times are kept.
const PARTS: usize = 16;

/// The times of one lane, at its receiver.
#[derive(Debug)]
pub(crate) struct Age {
    /// When the head entered each part of the ring last.
    entered: [u64; PARTS],
    /// When it entered the part where it is now in the lap before: what lies here was sent later.
    floor: u64,
    /// The last message's time: a sender's own messages have an order.
    last: u64,
    /// When the message at the head was first seen, if that was before its stamp.
    seen: Option<u64>,
    /// Slots of one part.
    part: u64,
}

impl Age {
    /// Of a ring of `slots` slots, of which nothing is known.
    pub(crate) fn new(slots: usize) -> Self {
        let part = (slots / PARTS).max(1) as u64;
        Self { entered: [0; PARTS], floor: 0, last: 0, seen: None, part }
    }

    /// Nothing in the lane was sent before `time`.
    pub(crate) fn begins_after(&mut self, time: u64) {
        self.floor = time;
        self.entered = [time; PARTS];
    }

    /// When the message at the head with this stamp was sent, if that was not after `horizon`.
    #[inline]
    pub(crate) fn due(&mut self, stamp: u64, horizon: u64) -> Option<u64> {
        let mut time = stamp.max(self.floor).max(self.last);
        if time > horizon {
            // It is here: so it was sent before now, whatever it says.
            let seen = *self.seen.get_or_insert_with(sync::stamp);
            time = time.min(seen);
        }
        (time <= horizon).then(|| {
            self.last = time;
            time
        })
    }

    /// The message at the head was taken.
    #[inline]
    pub(crate) fn taken(&mut self) {
        self.seen = None;
    }

    /// The head is at `position` now.
    #[inline]
    pub(crate) fn enter(&mut self, position: u64) {
        if position.is_multiple_of(self.part) {
            let entered = &mut self.entered[(position / self.part) as usize % PARTS];
            self.floor = std::mem::replace(entered, sync::stamp());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(age: &mut Age, position: u64) {
        age.taken();
        age.enter(position);
    }

    #[test]
    fn an_honest_stamp_stands() {
        let mut age = Age::new(64);
        assert_eq!(age.due(10, 20), Some(10));
        take(&mut age, 1);
        assert_eq!(age.due(15, 20), Some(15));
    }

    #[test]
    fn what_was_sent_after_the_horizon_waits() {
        let mut age = Age::new(64);
        let horizon = sync::stamp();
        let stamp = sync::stamp();
        assert!(stamp > horizon);
        assert_eq!(age.due(stamp, horizon), None);
        assert_eq!(age.due(stamp, sync::stamp()), Some(stamp));
    }

    #[test]
    fn a_stamp_of_the_far_future_counts_as_first_seen() {
        let mut age = Age::new(64);
        assert_eq!(age.due(u64::MAX, sync::stamp()), None);
        let next = sync::stamp();
        let time = age.due(u64::MAX, next).unwrap();
        assert!(time <= next);
        take(&mut age, 1);
        assert_eq!(age.due(u64::MAX, next), None, "the next one is seen anew");
    }

    #[test]
    fn a_stamp_of_the_past_counts_as_the_time_when_its_slot_was_free() {
        let mut age = Age::new(64);
        let before = sync::stamp();
        for position in 1..=64 {
            assert_eq!(age.due(0, before), Some(0), "in the first lap nothing is known");
            take(&mut age, position);
        }
        let time = age.due(0, sync::stamp()).unwrap();
        assert!(time <= before, "the first slot may have been free from the start");
        for position in 65..=132 {
            assert!(age.due(0, u64::MAX).is_some());
            take(&mut age, position);
        }
        assert!(age.due(0, u64::MAX).unwrap() > before);
    }

    #[test]
    fn a_new_lane_is_no_older_than_the_last_look_that_did_not_find_it() {
        let mut age = Age::new(64);
        age.begins_after(100);
        assert_eq!(age.due(7, 200), Some(100));
    }

    #[test]
    fn a_sender_s_own_order_stands() {
        let mut age = Age::new(64);
        assert_eq!(age.due(90, 200), Some(90));
        take(&mut age, 1);
        assert_eq!(age.due(3, 200), Some(90));
    }
}
