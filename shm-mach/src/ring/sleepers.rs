//! Who sleeps in a task, on what, and how they are woken from inside it.

use std::sync::Arc;

use futex::sync::{self, AtomicU32, Lock};

use crate::ring::layout::Bell;
use crate::ring::samples::Samples;
use crate::segment::Shared;

/// Who wakes a leader that sleeps, from inside its own task.
#[derive(Debug, Default)]
pub struct Kick(pub(super) AtomicU32);

impl Kick {
    /// Wakes it.
    pub(super) fn kick(&self) {
        self.advance();
        sync::futex_wake(&self.0, 1);
    }

    /// Keeps it from going to sleep on what it has sampled already.
    pub(super) fn advance(&self) {
        if sync::step("kick-count") {
            // Relaxed: what is kicked for was done under the group's lock, or is a bell, whose own
            // sample tells; the kernel compares the word itself.
            self.0.fetch_add(1, sync::Ordering::Relaxed);
        }
    }
}

/// The groups of a task whose leaders sleep, and on what: several sleep on the same control bells,
/// and a wake takes only one of them.
#[derive(Debug, Default)]
pub struct Sleepers(Lock<Vec<Sleeper>>);

#[derive(Debug)]
struct Sleeper {
    kick: Arc<Kick>,
    samples: Vec<(Shared<Bell>, u32)>,
}

impl Sleepers {
    /// Whether no thread of the task sleeps.
    pub fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }

    /// A leader is about to sleep on `samples`.
    pub(super) fn enter(&self, kick: &Arc<Kick>, samples: &Samples) {
        self.0.lock().push(Sleeper { kick: kick.clone(), samples: samples.words.clone() });
    }

    /// The sharing rule. A thread that slept on `samples` was woken, timed out, or was interrupted;
    /// it may have swallowed a wake-up that others needed. Each other group that sleeps on one of
    /// the same bells with an older count is kicked.
    pub(super) fn leave(&self, kick: &Arc<Kick>, samples: &Samples, woken: bool) {
        let mut sleepers = self.0.lock();
        if let Some(at) = sleepers.iter().position(|sleeper| Arc::ptr_eq(&sleeper.kick, kick)) {
            sleepers.swap_remove(at);
        }
        // Whatever woke it, and even if its own samples still stand.
        if !sync::step("sharing-rule") || !(woken || sync::step("sharing-after-timeout")) {
            return;
        }
        for sleeper in sleepers.iter() {
            let is_stale = samples.words.iter().any(|(bell, own)| {
                let now = bell.count.load(sync::Ordering::Relaxed);
                (now != *own || sync::step("sharing-when-unchanged"))
                    && sleeper
                        .samples
                        .iter()
                        .any(|(other, theirs)| std::ptr::eq(&**other, &**bell) && now != *theirs)
            });
            if is_stale {
                sleeper.kick.kick();
            }
        }
    }
}
