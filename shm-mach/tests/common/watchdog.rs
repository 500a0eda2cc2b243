//! A test that hangs has failed: it says so and ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Ends the whole test process, with a message, unless it is dropped in time. The limit is far above
/// what the test takes on a busy machine: it is about hanging, not about speed.
pub(crate) struct Watchdog(Arc<AtomicBool>);

impl Watchdog {
    /// Watches for `seconds`.
    pub(crate) fn start(what: &'static str, seconds: u64) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let seen = done.clone();
        std::thread::spawn(move || {
            let limit = Instant::now() + Duration::from_secs(seconds);
            while !seen.load(Ordering::Relaxed) {
                if Instant::now() > limit {
                    eprintln!("{what}: hangs, {seconds} s have passed");
                    std::process::abort();
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Self(done)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
