//! A sleep on several words at once.

use crate::Outcome;
use crate::sync::{self, AtomicU32, Deadline};

/// The words of one sleep, each with the value it was sampled at: the thread sleeps only if all of
/// them still hold those values, and wakes when any of them is woken.
///
/// A wake of one word may be swallowed by a thread that was just woken through another (measured of
/// `futex_waitv`), so whoever leaves such a sleep must look at everything it slept on, or hand it on.
#[derive(Debug, Default)]
pub struct WaitSet<'a> {
    words: Vec<(&'a AtomicU32, u32)>,
}

/// A sleep can cover 128 words: the kernel's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitSetFull;

impl<'a> WaitSet<'a> {
    /// The kernel's limit on the words of one `futex_waitv`.
    pub const CAPACITY: usize = 128;

    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a word with the value it was sampled at, *before* the look that found nothing.
    ///
    /// # Errors
    /// [`WaitSetFull`] when the set has [`CAPACITY`](Self::CAPACITY) words already.
    pub fn add(&mut self, word: &'a AtomicU32, sampled: u32) -> Result<(), WaitSetFull> {
        if self.words.len() == Self::CAPACITY {
            return Err(WaitSetFull);
        }
        self.words.push((word, sampled));
        Ok(())
    }

    /// Sleeps until a word is woken or the deadline passes; returns at once if a word has changed.
    /// An empty set sleeps until the deadline; with [`Deadline::NEVER`] that is a bug and panics.
    pub fn sleep(&self, deadline: Deadline) -> Outcome {
        assert!(!self.words.is_empty(), "a sleep on nothing could never end");
        sync::futex_wait_many(&self.words, deadline)
    }
}
