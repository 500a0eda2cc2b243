//! The gate between a sleeper and a waker.
//!
//! Both sides do *store, fence, load*: the waker publishes work, passes the gate, and loads the
//! sleeper's flag; the sleeper stores its flag, passes the gate, and looks for work. Whatever the
//! timing, at least one of them sees the other's store. The waker runs far more often than the
//! sleeper sleeps, so its side can be made free: the sleeper's `membarrier` puts a full fence into
//! every running thread of every registered process, and the waker needs only to keep the compiler
//! from moving its load above its store.

use crate::sync::{self, Ordering};

/// How the two sides of a gate make their stores visible before their loads. Fixed for the life of
/// what it guards: the two sides must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// The waker pays nothing, the sleeper calls `membarrier` (0.2 to 2 µs). Both processes are
    /// registered and stay able to make the call.
    Asymmetric,
    /// A `SeqCst` fence on both sides, for a process that may lose `membarrier`.
    Symmetric,
}

/// The kernel refused `membarrier`, for instance because a seccomp filter was set after the gate was
/// chosen. The sleeper must not rely on being woken through this gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeavyFenceRefused;

impl std::fmt::Display for HeavyFenceRefused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("membarrier(GLOBAL_EXPEDITED) was refused: a sandbox must allow it, or the process must attach with the symmetric gate")
    }
}

impl std::error::Error for HeavyFenceRefused {}

impl Gate {
    /// The cheapest gate that this process can promise: registers for `membarrier`, once, before it
    /// has threads if it can choose (with threads the kernel takes 7 to 14 ms for it).
    pub fn register() -> Self {
        match sync::membarrier_register() {
            Ok(()) => Self::Asymmetric,
            Err(_) => Self::Symmetric,
        }
    }

    /// The gate between the threads of this process, as far as is known now: a process may register at any
    /// time. Who takes the heavy side of a symmetric one may therefore wait for somebody who takes the light
    /// side of the other kind.
    #[inline(always)]
    pub fn of_process() -> Self {
        if sync::is_registered() { Self::Asymmetric } else { Self::Symmetric }
    }

    /// The gate of a link whose two ends can promise `self` and `other`.
    pub fn agreed(self, other: Self) -> Self {
        if self == other { self } else { Self::Symmetric }
    }

    /// The waker's side: after its store, before its load.
    #[inline(always)]
    pub fn light(self) {
        if !sync::step("gate-light") {
            return;
        }
        match self {
            Self::Asymmetric => sync::compiler_fence(),
            Self::Symmetric => sync::fence(Ordering::SeqCst),
        }
    }

    /// The sleeper's side: after its store, before its look.
    ///
    /// # Errors
    /// [`HeavyFenceRefused`] when the gate is asymmetric and the kernel no longer allows the call.
    pub fn heavy(self) -> Result<(), HeavyFenceRefused> {
        if !sync::step("gate-heavy") {
            return Ok(());
        }
        match self {
            Self::Asymmetric => sync::membarrier_heavy().map_err(|_| HeavyFenceRefused),
            Self::Symmetric => {
                sync::fence(Ordering::SeqCst);
                Ok(())
            }
        }
    }
}
