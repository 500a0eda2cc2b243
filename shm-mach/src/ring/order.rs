//! In which order the messages of several senders are taken.
//!
//! If one send happened before another, its message is received first, also when they came from
//! different tasks over different lanes. Messages are stamped for this, and taken in *rounds*:
//!
//! ```text
//! receiver                                        sender
//! 1 read the clock: the horizon                   a find room
//! 2 hear all news: lanes that were opened         b read the clock: the stamp
//! 3 look once at every lane and queue             c publish
//! 4 take, by stamp, what was sent up to the horizon
//! ```
//! Let *m* be taken in a round, and *y* be sent before *m*: whoever sent *m* had seen an effect of *y*'s
//! send, and read the clock after that. So *y*, its lane and the right to that lane were visible at a time
//! before *m*'s stamp, which is before the horizon, which is before steps 2 and 3: the round knows *y*, or
//! *y* was taken before. And *y*'s stamp is the smaller one, so *y* comes first. Nothing here depends on
//! what a third sender does. What is seen after the horizon waits for the next round.
//!
//! A round may be given up at any time, and another one begun.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Where a message lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Among what the owner of the group keeps: its own number for it.
    Own(u64),
    /// At the head of this lane.
    Lane(usize),
}

/// The messages of a round that were not taken yet: the first of each source.
#[derive(Debug, Default)]
pub struct Order {
    /// Whether there can be more than one sender.
    in_force: bool,
    horizon: u64,
    due: BinaryHeap<Reverse<(u64, Source)>>,
    /// Somebody has found messages, and no round.
    wanted: bool,
}

impl Order {
    /// From now on there may be more than one sender, or again there is only one.
    pub fn set(&mut self, in_force: bool) {
        self.in_force = in_force;
        self.give_up();
    }

    /// Whether a thread that is about to look needs a horizon.
    pub(super) fn needs_horizon(&self) -> bool {
        self.in_force || self.wanted
    }

    /// Whether messages are taken in rounds.
    #[inline]
    pub fn is_in_force(&self) -> bool {
        self.in_force
    }

    /// Whether a round is needed before anything can be taken.
    #[inline]
    pub fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// There are messages but no round.
    pub(super) fn want(&mut self) {
        self.wanted = true;
    }

    /// Begins a round, unless one is going on; says whether the sources are to be entered. While there is
    /// only one sender its messages up to the horizon are clear.
    pub(super) fn begin(&mut self, horizon: u64) -> bool {
        self.wanted = false;
        let is_new = self.due.is_empty();
        if is_new {
            self.horizon = horizon;
        }
        is_new && self.in_force
    }

    /// Up to which time of sending this round takes messages.
    pub fn horizon(&self) -> u64 {
        self.horizon
    }

    /// The first message of a source, sent at `time`: belongs to this round if that is not after the
    /// horizon.
    pub fn add(&mut self, time: u64, source: Source) {
        if time <= self.horizon {
            self.due.push(Reverse((time, source)));
        }
    }

    /// The source of the next message.
    pub fn pop(&mut self) -> Option<Source> {
        self.due.pop().map(|Reverse((_, source))| source)
    }

    /// A lane is taken out, and the one with the index `last` takes its place.
    pub(super) fn replace_lane(&mut self, at: usize, last: usize) {
        let gone = |due: &Reverse<(u64, Source)>| due.0.1 == Source::Lane(at);
        let moved = |Reverse((time, source))| match source {
            Source::Lane(lane) if lane == last => Reverse((time, Source::Lane(at))),
            source => Reverse((time, source)),
        };
        let due = std::mem::take(&mut self.due);
        self.due = due.into_iter().filter(|due| !gone(due)).map(moved).collect();
    }

    /// Gives the round up: what it knew of sources does not hold any more.
    pub fn give_up(&mut self) {
        self.due.clear();
        // What was sent before may have been among it: nothing more belongs to this round.
        self.horizon = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_goes_by_time_and_ends_at_the_horizon() {
        let mut order = Order::default();
        order.set(true);
        assert!(order.begin(10));
        order.add(7, Source::Lane(0));
        order.add(3, Source::Own(0));
        order.add(11, Source::Lane(1));
        assert!(!order.begin(20), "the round goes on");
        assert_eq!(order.pop(), Some(Source::Own(0)));
        order.add(10, Source::Own(0));
        assert_eq!(order.pop(), Some(Source::Lane(0)));
        assert_eq!(order.pop(), Some(Source::Own(0)));
        assert_eq!(order.pop(), None);
    }

    #[test]
    fn a_single_sender_needs_no_round() {
        let mut order = Order::default();
        assert!(!order.begin(10));
        order.set(true);
        order.want();
        assert!(order.is_wanted() && order.begin(10) && !order.is_wanted());
        order.add(3, Source::Lane(0));
        order.set(false);
        assert_eq!(order.pop(), None);
    }
}
