//! A world whose news come over a lane of their own, which is armed like any other.

use futex::Gate;
use futex::sync::{Arc, Lock, step};
use shm_mach::ring::lane_in::LaneIn;
use shm_mach::ring::layout::Bell;
use shm_mach::ring::samples::Samples;
use shm_mach::ring::sleepers::Sleepers;
use shm_mach::ring::world::World;
use shm_mach::segment::Shared;

use crate::mail::{Port, read};
use crate::wire::Wire;

/// News that concern no group.
pub const NOBODYS: i32 = 1;

/// Each other piece of news is a message to one group, put there by whoever reads it.
pub struct Office {
    bell: Shared<Bell>,
    news: Lock<LaneIn>,
    home: Arc<Port>,
    sleepers: Sleepers,
}

impl Office {
    /// News come over `wire` and are for `home`.
    pub fn new(wire: &Wire, limit: u32, home: Arc<Port>) -> Self {
        let news = Lock::new(wire.receiver(limit));
        Self { bell: wire.control_bell(), news, home, sleepers: Sleepers::default() }
    }
}

impl World for Office {
    fn sample(&self, samples: &mut Samples) {
        samples.add(self.bell.clone());
    }

    fn look(&self) {
        let nobody_sleeps = self.sleepers.is_empty();
        let mut news = self.news.lock();
        while let Some(head) = news.peek().expect("an honest sender") {
            if nobody_sleeps && !step("news-stay-armed") {
                news.disarm(); // somebody may be about to sleep, and trust in what it armed
            }
            let id = read(&news, &head).expect("no close record");
            news.advance(&head);
            if id != NOBODYS {
                self.home.change(|state| state.port.local.push(id));
            }
        }
    }

    fn arm(&self, gates: &mut Vec<Gate>) {
        let mut news = self.news.lock();
        if !news.is_armed(0) {
            news.arm(0);
            gates.push(news.gate());
        }
    }

    fn sleepers(&self) -> &Sleepers {
        &self.sleepers
    }
}
