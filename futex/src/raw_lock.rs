//! The word of a private lock whose release is a plain store.
//!
//! A lock that is released by an exchange, to learn whether somebody sleeps, costs two locked instructions;
//! each waits for every store before it. Here the release is a store and a look, and whoever is about to sleep
//! pays for that with the heavy side of the [gate](Gate):
//!
//! ```text
//! holder                          waiter
//! a free the word    (Release)    1 count itself as waiting
//! b light fence                   2 heavy fence
//! c anybody waiting?              3 try to take the word
//!   then wake one                 4 sleep while it is held; on to 3
//! ```
//! A word freed before 2 is seen to be free by 3; one freed after it finds the waiter counted, and wakes it.
//! Only the sleep relies on the fence: who holds the word is decided by a compare-exchange alone.

use std::time::Duration;

use crate::sync::{self, AtomicU32, Deadline, Ordering};
use crate::{Gate, order};

const FREE: u32 = 0;
const HELD: u32 = 1;

/// Tries before a sleep: what is done under a private lock is short.
const TRIES: u32 = if sync::MODEL { 0 } else { 100 };
/// How long a sleep lasts when nobody can promise to end it.
const UNCERTAIN: Duration = Duration::from_millis(1);

/// A lock without anything that it guards.
#[derive(Debug, Default)]
pub struct RawLock {
    word: AtomicU32,
    waiting: AtomicU32,
}

impl RawLock {
    /// Takes the lock if nobody holds it.
    #[inline(always)]
    pub fn try_lock(&self) -> bool {
        // ORDER(lock-take): Acquire, pairs with lock-free: what the last holder did is done.
        self.word.compare_exchange(FREE, HELD, order!("lock-take", Acquire), Ordering::Relaxed).is_ok()
    }

    /// Takes the lock, waiting for its turn.
    #[inline(always)]
    pub fn lock(&self) {
        if !self.try_lock() {
            self.wait();
        }
    }

    #[cold]
    fn wait(&self) {
        for _ in 0..TRIES {
            sync::spin_loop();
            if self.word.load(Ordering::Relaxed) == FREE && self.try_lock() {
                return;
            }
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        // A holder that took the other side of the gate may be registered from now on only.
        let gate = Gate::of_process();
        let is_certain = gate.heavy().is_ok() && gate == Gate::Asymmetric;
        while !self.try_lock() {
            let deadline = if is_certain { Deadline::NEVER } else { Deadline::after(UNCERTAIN) };
            sync::futex_wait(&self.word, HELD, deadline);
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// Releases the lock. Whoever calls this holds it.
    #[inline(always)]
    pub fn unlock(&self) {
        // ORDER(lock-free): Release, pairs with lock-take.
        self.word.store(FREE, order!("lock-free", Release));
        Gate::of_process().light();
        if self.waiting.load(Ordering::Relaxed) != 0 {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        sync::futex_wake(&self.word, 1);
    }
}
