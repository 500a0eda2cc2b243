//! Sleeping on shared memory, and nothing else: shared futex words, absolute deadlines, waiting on
//! many words at once, the asymmetric fence, and the one façade through which the loom model
//! checker sees all of it.
//!
//! | module | what it is |
//! |---|---|
//! | [`sync`] | atomics, fences, locks, futex calls and word copies; the only place that knows about loom |
//! | [`Deadline`] | a point on the monotonic clock, or never |
//! | [`WaitSet`] | up to 128 words with the values they were sampled at: one sleep on all of them |
//! | [`Gate`] | the store-then-load pair of a sleeper and a waker, with the cost on the sleeper's side |
//!
//! Every futex here is of the *shared* kind (never `FUTEX_PRIVATE_FLAG`): a word in a memfd is one
//! word for all processes that map it, also through a read-only mapping.
#![deny(unsafe_code)]

mod gate;
pub mod sync;
mod wait_set;

pub use gate::{Gate, HeavyFenceRefused};
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
