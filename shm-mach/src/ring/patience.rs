//! How long a thread that finds nothing spins before it sleeps.

use futex::sync;

/// What a thread does while there is nothing to receive, or no room to send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wait {
    /// Never sleeps: lowest latency, a whole core per waiting thread.
    Spin,
    /// Sleeps at once.
    Park,
    /// Spins as long as spinning has been paying off, then sleeps.
    #[default]
    Adaptive,
}

/// Nanoseconds of spinning after which a sleep is cheaper: three times a wake-up across cores
/// (measured: about 7 µs one way).
const BUDGET_NS: u64 = 20_000;
/// After a spin that did not pay off, this many waits (doubling up to the second number) sleep at
/// once before spinning is tried again.
const PAUSE_FIRST: u32 = 4;
const PAUSE_MOST: u32 = 256;
/// Spins between two looks at the clock.
const CLOCK_EVERY: u32 = 64;

/// What one waiting side has learned about spinning. It spins while that pays off: when a spin ends
/// without success (the peer is slow, or shares this core and cannot run while we spin), the next
/// waits sleep at once, twice as many after each failure in a row.
#[derive(Debug, Default)]
pub struct Patience {
    pause: u32,
    failures: u32,
    stuck: Option<Stuck>,
}

/// A thread that spins for one thing and does not get it.
#[derive(Debug)]
struct Stuck {
    at: u64,
    since: u64,
}

impl Patience {
    /// Spins until `ready` or until it is time to sleep; says whether `ready` was seen. `policy`
    /// [`Wait::Spin`] returns false only every [`BUDGET_NS`], for the caller to look at its deadline
    /// and at the rest of the world.
    pub fn spin(&mut self, policy: Wait, mut ready: impl FnMut() -> bool) -> bool {
        match policy {
            Wait::Park => return false,
            Wait::Adaptive if self.pause > 0 => {
                self.pause -= 1;
                return false;
            }
            Wait::Spin | Wait::Adaptive => {}
        }
        let seen = spin_until(&mut ready);
        if policy == Wait::Adaptive {
            if seen {
                self.failures = 0;
            } else {
                self.pause = (PAUSE_FIRST << self.failures.min(16)).min(PAUSE_MOST);
                self.failures += 1;
            }
        }
        seen
    }
}

impl Patience {
    /// Whether a thread whose spin has failed at position `at` has been stuck there for `nanoseconds`; then
    /// they begin anew.
    pub fn is_stuck(&mut self, at: u64, nanoseconds: u64) -> bool {
        let now = sync::monotonic_ns();
        match &mut self.stuck {
            Some(stuck) if stuck.at == at && now.saturating_sub(stuck.since) < nanoseconds => false,
            Some(stuck) if stuck.at == at => {
                stuck.since = now;
                true
            }
            other => {
                *other = Some(Stuck { at, since: now });
                false
            }
        }
    }
}

fn spin_until(ready: &mut impl FnMut() -> bool) -> bool {
    if sync::MODEL {
        sync::yield_now();
        return ready();
    }
    let mut until = None;
    loop {
        for _ in 0..CLOCK_EVERY {
            if ready() {
                return true;
            }
            sync::spin_loop();
        }
        let now = sync::monotonic_ns();
        if *until.get_or_insert(now + BUDGET_NS) <= now {
            return false;
        }
    }
}
