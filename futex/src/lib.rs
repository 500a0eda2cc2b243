//! Sleeping on shared memory, and nothing else: shared futex words, absolute deadlines, waiting on
//! many words at once, the asymmetric fence, and the one façade through which the loom model
//! checker sees all of it.
//!
//! | module | what it is |
//! |---|---|
//! | [`sync`] | atomics, fences, locks, futex calls and word copies; the only place that knows about loom |
//! | [`Deadline`] | a point on the monotonic clock, or never |
//! | [`WaitSet`] | up to 128 words with the values they were sampled at: one sleep on all of them |
//! | [`RawLock`] | a private lock that is released by a plain store |
//! | [`Gate`] | the store-then-load pair of a sleeper and a waker, with the cost on the sleeper's side |
//!
//! Every futex here is of the *shared* kind (never `FUTEX_PRIVATE_FLAG`): a word in a memfd is one
//! word for all processes that map it, also through a read-only mapping. So a sleeper needs no right
//! to write the word that it sleeps on, and a word can have one writer for ever.
//!
//! # Sleeping without losing a wake-up
//!
//! The kernel compares and queues in one step, but only for values that were sampled in time:
//!
//! 1. sample the words;
//! 2. look for work;
//! 3. tell the wakers that a wake-up is wanted, pass [`Gate::heavy`], and look again;
//! 4. sleep on the samples of step 1.
//!
//! A waker publishes its work, passes [`Gate::light`], and looks whether a wake-up is wanted; if so it
//! changes the word and *then* wakes. A sample that is taken after the last look loses wake-ups, and so
//! does a wake-up without a change. On a set of words one wake-up can be swallowed by a thread that was
//! just woken through another word of its set (measured), so whoever leaves such a sleep hands on what
//! it may have swallowed.
//!
//! # Deadlines
//!
//! A [`Deadline`] is absolute: a wait that is interrupted and begun again ends when it would have ended.
//!
//! ```
//! use std::sync::atomic::AtomicU32;
//! use std::time::Duration;
//! use futex::{Deadline, Outcome, WaitSet};
//!
//! let (bell, other) = (AtomicU32::new(7), AtomicU32::new(0));
//! let mut set = WaitSet::new();
//! set.add(&bell, 6).unwrap(); // sampled before somebody rang
//! set.add(&other, 0).unwrap();
//! assert_eq!(set.sleep(Deadline::NEVER), Outcome::Changed);
//! assert!(Deadline::after(Duration::from_secs(5)) < Deadline::NEVER);
//! ```
//!
//! # What it needs
//!
//! Linux 5.16 for sets of more than one word (`futex_waitv`). Without the right to call `membarrier`
//! [`Gate::register`] answers [`Gate::Symmetric`]: a full fence on both sides.
#![deny(unsafe_code)]

mod gate;
mod raw_lock;
pub mod sync;
mod wait_set;

pub use gate::{Gate, HeavyFenceRefused};
pub use raw_lock::RawLock;
pub use sync::Deadline;
pub use wait_set::{WaitSet, WaitSetFull};

/// How a sleep ended. None of the three says that there is something to do: a sleeper always looks
/// again before it believes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A wake-up arrived, or a signal handler ran, or the kernel woke the thread for no reason.
    Woken,
    /// A word no longer held its sampled value when the kernel compared it; the thread did not sleep.
    Changed,
    /// The deadline passed.
    TimedOut,
}
