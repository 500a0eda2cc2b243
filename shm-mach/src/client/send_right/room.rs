//! What a send does that does not go through at once: a dead lane, a full one, one without an area.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futex::{Deadline, WaitSet};

use super::{SendRight, Sender, failure_of};
use crate::client::error::SendFailure;
use crate::client::link::Link;
use crate::client::receive_right::TICK;
use crate::client::signals;
use crate::ring::lane_out::{Death, LaneOut, Refusal};
use crate::ring::patience::Wait;
use crate::ring::slot::{BODY_MAX, Head};

impl SendRight {
    /// Looks whether a send would find the port dead, as far as can be told without one.
    pub(crate) fn check_alive(&self) -> Result<(), SendFailure> {
        let Some(link) = self.held.target().link() else { return Ok(()) };
        let mut own = self.sender.borrow_mut();
        if let Some(sender) = own.as_mut()
            && sender.lane.see_death()
        {
            let dead = self.overcome(Refusal::Dead, link, sender, Head::close(), Deadline::NOW);
            if self.held.is_dead() {
                return dead;
            }
            self.close(own.take()); // a later right lives: the next send opens another lane
        }
        if link.is_dead() { Err(SendFailure::PortDied) } else { Ok(()) }
    }

    /// Does what a refused push needs before it is tried again.
    #[cold]
    pub(super) fn overcome(
        &self,
        refusal: Refusal,
        link: &Arc<Link>,
        sender: &mut Sender,
        head: Head,
        deadline: Deadline,
    ) -> Result<(), SendFailure> {
        let lane = &mut sender.lane;
        match refusal {
            Refusal::Dead => {
                let death = lane.death().unwrap_or(Death::Died);
                // A right that came after a revocation is not revoked; a port dies once.
                if death == Death::Died || sender.arrivals == self.held.arrivals.load(Ordering::Relaxed) {
                    self.task.learn(&self.held, death);
                }
                Err(failure_of(self.held.death.get().copied().unwrap_or(death)))
            }
            _ if link.is_dead() => Err(SendFailure::PortDied),
            Refusal::NeedsArea => link.give_area(lane).map_err(|_| SendFailure::NoBuffer),
            // Not of a payload that fits into an area, nor of one in a region.
            Refusal::TooLarge => Err(SendFailure::TooLarge { length: head.length, longest: BODY_MAX }),
            // The receiver may read, but how far can no more be told: its half would come by the authority.
            Refusal::Full if lane.is_pending() && link.theirs().is_none() && self.task.is_alone() => {
                Err(SendFailure::NoAuthority)
            }
            Refusal::Full => {
                signals::go_on(deadline)?;
                self.wait_for_room(link, lane, head.payload_bytes(), deadline);
                if sender.lane.is_pending() {
                    self.complete(link, sender);
                }
                Ok(())
            }
        }
    }

    /// Waits until the receiver has read something, or something else is to be seen.
    fn wait_for_room(&self, link: &Arc<Link>, lane: &mut LaneOut, payload: usize, deadline: Deadline) {
        let mut patience = self.patience.borrow_mut();
        if patience.spin(self.wait.get(), || lane.has_room(payload)) {
            return;
        }
        if self.wait.get() == Wait::Spin {
            // As long as the receiver reads there is no system call, however slowly it does.
            if patience.is_stuck(lane.position(), TICK.as_nanos() as u64) {
                self.task.tick_if_due();
            }
            return;
        }
        let told = self.task.rooms.any().then(|| self.task.rooms.told.load(Ordering::Relaxed));
        if let Some(wait) = lane.prepare_wait(payload) {
            // Nobody rings for a pending lane, nor after a refused fence: then look again soon.
            let is_certain = wait.reliable && !lane.is_pending();
            let slice = if is_certain { TICK } else { Duration::from_millis(1) };
            let slice = deadline.min(Deadline::after(slice));
            let mut set = WaitSet::new();
            for (word, sampled) in wait.words() {
                set.add(word, sampled).expect("two words are not too many");
            }
            if let Some(told) = told {
                set.add(&self.task.rooms.told, told).expect("nor are three");
            }
            if set.sleep(slice) == futex::Outcome::TimedOut {
                self.task.tick(is_certain.then_some(link));
            }
        }
        lane.lower_full();
        self.task.look_for_room(); // the wake-up may have been for others too
    }

    /// After a refusal for want of room: see [`Inner::watch_lane`].
    pub(in crate::client) fn watch_room(&self) -> bool {
        let mut own = self.sender.borrow_mut();
        let lane = own.as_mut().map(|sender| (sender.index, &mut sender.lane));
        self.task.watch_lane(&self.held, lane)
    }
}
