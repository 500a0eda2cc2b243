//! The ways into a port. While there is only one, messages need no order among senders: then nobody
//! reads a clock.
//!
//! A way is whatever a message can come by: a lane, a right that may open one, a send right or a
//! send-once right of this task's own, an answer that is awaited, a notification. A second one is made
//! only after the first was told to stamp its messages, so that who learns of the second cannot have
//! anything unstamped to follow it.

use crate::client::port::PortState;
use crate::ring::order::{Order, Source};
use crate::ring::state::State;

/// What [`Source::Own`] says of the queue of this task's own messages.
pub(super) const LOCAL: u64 = 0;
/// And of the answers that it awaits.
pub(super) const ANSWERS: u64 = 1;

impl State<PortState> {
    /// There is, or is about to be, another way into the port.
    #[inline]
    pub(super) fn open_up(&mut self) {
        if !self.order.is_in_force() {
            self.order.set(true);
            self.tell_ways(false);
        }
    }

    /// A lane was opened: perhaps it is the only way.
    pub(super) fn count_ways(&mut self) {
        if self.port.has_one_way() && self.seats().len() == 1 {
            self.order.set(false);
            self.tell_ways(true);
        } else {
            self.order.set(true);
            self.tell_ways(false);
        }
    }

    /// One more answer is awaited: perhaps it is the only way.
    pub(super) fn count_answers(&mut self) {
        if self.port.expects_one_answer() {
            if self.order.is_in_force() {
                self.order.set(false);
            }
        } else {
            self.open_up();
        }
    }

    fn tell_ways(&mut self, sole: bool) {
        for at in 0..self.seats().len() {
            self.seat(at).lane.set_sole(sole);
        }
        if !sole {
            self.port.put_answers_in_order();
        }
    }
}

impl PortState {
    /// Whether a lane that is open is all there is.
    fn has_one_way(&self) -> bool {
        self.holders.is_single()
            && self.local_senders + self.once == 0
            && !self.on_their_way.any()
            && self.local.is_empty()
            && !self.is_notified
    }

    /// Whether nothing can come but the answer that the one send-once right in the world is for.
    fn expects_one_answer(&self) -> bool {
        self.once <= 1
            && self.awaited.is_empty()
            && self.local.is_empty()
            && self.elsewhere == 0
            && self.local_senders == 0
            && !self.on_their_way.any()
            && !self.holders.any_live()
            && !self.is_notified
    }

    /// Whether others than this task have a way.
    pub(super) fn is_known_outside(&self) -> bool {
        !self.holders.is_empty() || !self.awaited.is_empty() || self.elsewhere > 0
    }

    /// Enters the first message of the local queue into a round.
    pub(super) fn enter_local(&self, order: &mut Order) {
        if let Some(message) = self.local.front() {
            order.add(message.stamp, Source::Own(LOCAL));
        }
    }
}
