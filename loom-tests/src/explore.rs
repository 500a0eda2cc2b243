//! One model, two ways to run it: every interleaving under loom, or many times on real threads.
//! The only file of this package that knows which of the two it is.

#[cfg(loom)]
pub use exhaustive::{expire_timers, explore, refuse_membarrier, spawn, timer, wake_newest_first, weaken};
#[cfg(not(loom))]
pub use repeated::{expire_timers, explore, refuse_membarrier, spawn, timer, wake_newest_first, weaken};

/// A thread of a model.
#[cfg(loom)]
pub type Thread<T> = loom::thread::JoinHandle<T>;
/// A thread of a model.
#[cfg(not(loom))]
pub type Thread<T> = std::thread::JoinHandle<T>;

#[cfg(loom)]
mod exhaustive {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use futex::Deadline;

    pub use futex::sync::{expire_timers, refuse_membarrier, wake_newest_first, weaken};
    pub use loom::thread::spawn;

    /// More steps than any execution of a model takes: one that takes more is a livelock.
    const STEPS: usize = 20_000;

    /// Runs `model` in every interleaving with at most `preemptions` preemptions, and with every
    /// value that each load may return; says how many executions that were.
    ///
    /// # Panics
    /// When an assertion of the model fails, or its threads are stuck.
    pub fn explore(preemptions: usize, model: fn()) -> u64 {
        let executions = Arc::new(AtomicU64::new(0));
        let counter = executions.clone();
        let mut builder = loom::model::Builder::new();
        builder.max_branches = STEPS;
        builder.preemption_bound = builder.preemption_bound.or(Some(preemptions));
        builder.check(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            model();
        });
        executions.load(Ordering::Relaxed)
    }

    /// A deadline that passes when the model calls [`expire_timers`].
    pub fn timer() -> Deadline {
        Deadline::TIMER
    }
}

#[cfg(not(loom))]
mod repeated {
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::time::Duration;

    use futex::Deadline;

    pub use std::thread::spawn;

    const TIMES: u64 = 100;
    const STUCK_AFTER: Duration = Duration::from_secs(60);

    /// Runs `model` many times on real threads; says how often.
    ///
    /// # Panics
    /// When an assertion of the model fails, or it does not end within a minute.
    pub fn explore(_preemptions: usize, model: fn()) -> u64 {
        let (done, wait) = channel();
        let runner = spawn(move || {
            (0..TIMES).for_each(|_| model());
            let _ = done.send(());
        });
        // A runner that panics hangs up, and `join` then tells its panic.
        if wait.recv_timeout(STUCK_AFTER) == Err(RecvTimeoutError::Timeout) {
            panic!("stuck: the model's threads still wait after {STUCK_AFTER:?}");
        }
        if let Err(panic) = runner.join() {
            std::panic::resume_unwind(panic);
        }
        TIMES
    }

    /// A deadline that passes soon.
    pub fn timer() -> Deadline {
        Deadline::after(Duration::from_micros(100))
    }

    /// Real timers expire by themselves.
    pub fn expire_timers() {}

    /// The kernel chooses.
    pub fn wake_newest_first(_newest: bool) {}

    /// The kernel decides: natively the call is allowed.
    pub fn refuse_membarrier(_refuses: bool) {}

    /// Only a model under loom can leave something out.
    ///
    /// # Panics
    /// When something is to be left out.
    pub fn weaken(name: Option<&str>) {
        assert!(name.is_none(), "natively nothing can be left out: build with --cfg loom");
    }
}
