//! What a thread that waits does about once a second: it asks the kernel whether peers live.
//!
//! The authority tells of every death, as long as it runs. It may be stopped or dead, and two that have
//! joined have none; then nothing else would ever wake who waits for the dead.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use futex::Deadline;

use crate::client::attach::Authority;
use crate::client::error::ReceiveError;
use crate::client::link::Link;
use crate::client::receive_right::TICK;
use crate::client::space::Leftover;
use crate::client::task::Inner;
use crate::ring::world::World as _;

/// Peers that the kernel is asked about in one tick while an authority watches all of them: the next
/// ones follow in the next tick. One question costs some 50 µs.
const ASKED_A_TICK: usize = 16;

/// When the kernel was asked last, and how far.
#[derive(Debug, Default)]
pub(crate) struct Ticks {
    last: AtomicU64,
    next: AtomicUsize,
}

impl Ticks {
    /// Whether a tick is due that nobody else sees to.
    fn is_due(&self) -> bool {
        let now = futex::sync::monotonic_ns();
        let last = self.last.load(Ordering::Relaxed);
        let is_due = now.saturating_sub(last) >= TICK.as_nanos() as u64;
        is_due && self.last.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl Inner {
    /// Asks the kernel about peers if nobody has done so for a second: for those who wait again and again,
    /// each time for less.
    pub(crate) fn tick_if_due(&self) {
        if self.ticks.is_due() {
            self.tick_now(true, None);
        }
    }

    /// The same, and hears what there is to hear: a task that only sends has nobody else who does. Called
    /// by whoever waits when a slice of its wait is over. `waits_for`: it was a whole tick, and waits for
    /// this peer alone.
    pub(crate) fn tick(&self, waits_for: Option<&Arc<Link>>) {
        let is_due = self.ticks.is_due();
        if is_due || waits_for.is_some() {
            self.tick_now(is_due, waits_for);
        }
        if is_due {
            self.bury_once();
        }
        self.look();
    }

    /// Nobody tells that a port has died to which there are send-once rights: it is seen in the memory of
    /// its task.
    fn bury_once(&self) {
        let mut rest = Leftover::default();
        self.names.lock().refresh_all(&mut rest);
        self.finish(rest);
    }

    /// A slice of a wait to receive is over, and nothing has come.
    ///
    /// # Errors
    /// [`ReceiveError::TimedOut`]: so is the wait.
    pub(crate) fn end_slice(&self, deadline: Deadline) -> Result<(), ReceiveError> {
        if deadline.has_passed() {
            self.tick_if_due(); // who waits again and again, each time for less than a tick
            return Err(ReceiveError::TimedOut);
        }
        self.tick(None);
        Ok(())
    }

    fn tick_now(&self, is_due: bool, waits_for: Option<&Arc<Link>>) {
        let watching = self.authority.as_ref().filter(|authority| {
            let _ = authority.flush(); // if it is gone, the next line finds it out
            authority.check();
            !authority.is_gone()
        });
        let links = self.links();
        let links = if is_due { &links[..] } else { &[] };
        links.iter().for_each(|link| link.flush());
        match watching {
            None => {
                let dead = links.iter().chain(waits_for).filter(|link| link.has_died());
                dead.for_each(|link| self.lose_link(link, false));
            }
            Some(authority) => self.doubt(authority, links, waits_for),
        }
    }

    /// The authority has not hung up, but perhaps it stands still: asks about some peers.
    fn doubt(&self, authority: &Authority, links: &[Arc<Link>], waits_for: Option<&Arc<Link>>) {
        let first = self.ticks.next.fetch_add(ASKED_A_TICK, Ordering::Relaxed) % links.len().max(1);
        let in_turn = links.iter().cycle().skip(first).take(links.len().min(ASKED_A_TICK));
        let dead: Vec<&Arc<Link>> =
            waits_for.into_iter().chain(in_turn).filter(|link| !link.is_dead() && link.has_died()).collect();
        if dead.is_empty() {
            return;
        }
        // After the question: what the dead had been told was done is counted by now.
        let acting = self.acting.lock();
        self.act_on_events();
        if authority.has_events() {
            return; // and has not arrived: it may be a right that the dead has passed on
        }
        for link in &dead {
            self.lose_link_acting(link, false);
        }
        drop(acting);
        // Others are asked when the authority tells of the death: before that they need not know of it.
        dead.iter().for_each(|link| self.ask_itself_about(link.task));
    }
}
