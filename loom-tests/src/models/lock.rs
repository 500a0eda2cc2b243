//! A private lock that is released by a plain store.

use futex::RawLock;
use futex::sync::{Arc, AtomicU64, load_bytes, store_bytes};

use crate::explore::{expire_timers, refuse_membarrier, spawn};

/// A lock, and a count that only its holder touches.
#[derive(Default)]
struct Counter {
    lock: RawLock,
    count: [AtomicU64; 1],
}

impl Counter {
    /// Reads and writes as of private memory: loom finds two holders at a time, and a holder that does not see
    /// what the last one did.
    fn add(&self) {
        self.lock.lock();
        let mut bytes = [0; 8];
        load_bytes(&self.count, &mut bytes);
        store_bytes(&self.count, &(u64::from_ne_bytes(bytes) + 1).to_ne_bytes());
        self.lock.unlock();
    }

    fn assert(&self, expected: u64) {
        assert!(self.lock.try_lock(), "nobody holds it any more");
        let mut bytes = [0; 8];
        load_bytes(&self.count, &mut bytes);
        assert_eq!(u64::from_ne_bytes(bytes), expected, "an increment is lost");
    }
}

fn count_to(threads: u64) {
    let counter = Arc::new(Counter::default());
    let others: Vec<_> = (1..threads)
        .map(|_| {
            let there = counter.clone();
            spawn(move || there.add())
        })
        .collect();
    counter.add();
    others.into_iter().for_each(|other| other.join().unwrap());
    counter.assert(threads);
}

/// Two threads want the lock: each has it once, and nobody sleeps over its release.
pub fn two_threads() {
    count_to(2);
}

/// Three threads: a release wakes one of those that sleep, and its own release the other.
pub fn three_threads() {
    count_to(3);
}

/// The sandbox refuses `membarrier` from now on, so no sleep is sure to be ended by a release: each is a
/// short one.
pub fn refused_fence() {
    refuse_membarrier(true);
    let counter = Arc::new(Counter::default());
    let there = counter.clone();
    let other = spawn(move || {
        there.add();
        expire_timers();
    });
    counter.add();
    expire_timers();
    other.join().unwrap();
    counter.assert(2);
}
