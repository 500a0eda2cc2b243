//! The private lock between threads: one holder at a time, and every sleeper is woken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread::{sleep, spawn};
use std::time::Duration;

use futex::Gate;
use futex::sync::Lock;

const THREADS: u64 = 4;
const TIMES: u64 = 20_000;

/// Only to end a test that hangs.
const LIVENESS: Duration = Duration::from_secs(60);

/// Threads count under one lock, some of which keep it until others sleep; says what they have counted.
fn count() -> u64 {
    let counter = Arc::new(Lock::new(0u64));
    let (done, wait) = channel();
    for thread in 0..THREADS {
        let (counter, done) = (counter.clone(), done.clone());
        spawn(move || {
            for time in 0..TIMES {
                let mut held = counter.lock();
                let before = *held;
                if thread == 0 && time.is_multiple_of(1000) {
                    sleep(Duration::from_millis(1));
                }
                *held = before + 1;
            }
            done.send(()).unwrap();
        });
    }
    for _ in 0..THREADS {
        wait.recv_timeout(LIVENESS).expect("a thread sleeps over a lock that is free, or has panicked");
    }
    *counter.lock()
}

#[test]
fn nothing_that_is_done_under_the_lock_is_lost() {
    // Unless the other test was first: before the process is registered, and then after that.
    assert_eq!(count(), THREADS * TIMES);
    Gate::register();
    assert_eq!(count(), THREADS * TIMES);
}

#[test]
fn a_lock_that_is_held_is_not_taken_and_a_panic_under_it_frees_it() {
    Gate::register();
    let lock = Arc::new(Lock::new(7));
    let held = lock.lock();
    assert!(lock.try_lock().is_none());
    let (there, has_it) = (lock.clone(), Arc::new(AtomicBool::new(false)));
    let told = has_it.clone();
    let waiter = spawn(move || {
        let held = there.lock();
        told.store(true, Ordering::Relaxed);
        assert_eq!(*held, 8, "what the last holder did is seen");
        panic!("under the lock, on purpose");
    });
    sleep(Duration::from_millis(20));
    assert!(!has_it.load(Ordering::Relaxed));
    let mut held = held;
    *held = 8;
    drop(held);
    assert!(waiter.join().is_err());
    assert_eq!(*lock.lock(), 8);
    assert_eq!(lock.try_lock().map(|held| *held), Some(8));
}
