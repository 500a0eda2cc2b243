//! Calls that a signal ends.
//!
//! A wait goes on after a signal, unless the call was told otherwise. Whether it was is kept beside the
//! thread and not in the arguments of everything that waits.

use std::cell::Cell;
use std::marker::PhantomData;

use futex::Deadline;
use futex::sync::interruptions;

use crate::client::error::SendFailure;

thread_local! {
    /// What [`interruptions`] said when the call began that a signal ends.
    static BEGAN: Cell<Option<u32>> = const { Cell::new(None) };
}

/// As long as this lives, a signal that interrupts a sleep of this thread ends what it waits for.
#[derive(Debug)]
pub(crate) struct EndsAtSignals(PhantomData<*const ()>);

impl EndsAtSignals {
    pub(crate) fn begin() -> Self {
        BEGAN.set(Some(interruptions()));
        Self(PhantomData)
    }
}

impl Drop for EndsAtSignals {
    fn drop(&mut self) {
        BEGAN.set(None);
    }
}

/// Whether a signal has come that ends the call of this thread.
pub(crate) fn has_come() -> bool {
    BEGAN.get().is_some_and(|began| began != interruptions())
}

/// Whether a send goes on to wait for room.
///
/// # Errors
/// [`SendFailure::Interrupted`], [`SendFailure::TimedOut`].
pub(crate) fn go_on(deadline: Deadline) -> Result<(), SendFailure> {
    match has_come() {
        true => Err(SendFailure::Interrupted),
        false if deadline.has_passed() => Err(SendFailure::TimedOut),
        false => Ok(()),
    }
}
