//! Futex words between real processes and threads, with the real kernel.

use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futex::sync::{AtomicU32, Ordering, futex_wait, futex_wake, load_bytes, monotonic_ns, store_bytes};
use futex::{Deadline, Gate, Outcome, WaitSet, WaitSetFull};

#[test]
fn a_changed_word_is_not_slept_on() {
    let word = AtomicU32::new(5);
    assert_eq!(futex_wait(&word, 4, Deadline::NEVER), Outcome::Changed);
}

#[test]
fn a_deadline_ends_the_sleep_and_not_before() {
    let word = AtomicU32::new(5);
    let begun = Instant::now();
    let deadline = Deadline::after(Duration::from_millis(30));
    assert!(!deadline.has_passed());
    assert_eq!(futex_wait(&word, 5, deadline), Outcome::TimedOut);
    assert!(begun.elapsed() >= Duration::from_millis(30));
    assert!(deadline.has_passed());
    assert_eq!(futex_wait(&word, 5, Deadline::NOW), Outcome::TimedOut);
}

#[test]
fn deadlines_are_ordered_and_too_far_is_never() {
    assert!(Deadline::NOW < Deadline::after(Duration::ZERO));
    assert!(Deadline::after(Duration::from_secs(1)) < Deadline::NEVER);
    assert_eq!(Deadline::after(Duration::MAX), Deadline::NEVER);
    assert!(!Deadline::NEVER.has_passed());
    assert!(monotonic_ns() > 0);
}

#[test]
fn one_wake_takes_one_thread() {
    let word = Arc::new(AtomicU32::new(0));
    let sleep = |word: Arc<AtomicU32>| std::thread::spawn(move || futex_wait(&word, 0, Deadline::NEVER));
    let sleepers = [sleep(word.clone()), sleep(word.clone())];
    let mut woken = 0;
    while woken < 2 {
        woken += futex_wake(&word, 1);
        assert!(woken <= 2);
    }
    for sleeper in sleepers {
        assert_eq!(sleeper.join().unwrap(), Outcome::Woken);
    }
    assert_eq!(futex_wake(&word, u32::MAX), 0, "the count must not become negative");
}

#[test]
fn a_set_wakes_by_any_of_its_words() {
    let words: Arc<Vec<AtomicU32>> = Arc::new((0..WaitSet::CAPACITY as u32).map(AtomicU32::new).collect());
    for index in [0, 1, WaitSet::CAPACITY - 1] {
        let theirs = words.clone();
        let sleeper = std::thread::spawn(move || {
            let mut set = WaitSet::new();
            for (value, word) in theirs.iter().enumerate() {
                set.add(word, value as u32).unwrap();
            }
            set.sleep(Deadline::NEVER)
        });
        while futex_wake(&words[index], 1) == 0 {
            std::thread::yield_now();
        }
        assert_eq!(sleeper.join().unwrap(), Outcome::Woken);
    }
}

#[test]
fn a_set_has_room_for_what_the_kernel_takes() {
    let word = AtomicU32::new(0);
    let mut set = WaitSet::new();
    for _ in 0..WaitSet::CAPACITY {
        set.add(&word, 0).unwrap();
    }
    assert_eq!(set.add(&word, 0), Err(WaitSetFull));
    let soon = Deadline::after(Duration::from_millis(5));
    assert_eq!(set.sleep(soon), Outcome::TimedOut);
    let mut changed = WaitSet::new();
    changed.add(&word, 0).unwrap();
    changed.add(&word, 1).unwrap();
    assert_eq!(changed.sleep(Deadline::NEVER), Outcome::Changed);
}

fn map(file: impl memmap2::MmapAsRawDesc) -> memmap2::MmapRaw {
    memmap2::MmapOptions::new().len(4096).map_raw(file).unwrap()
}

/// A word in a shared mapping is one word for all processes: a private futex would never wake.
#[test]
fn a_word_is_shared_between_processes() {
    const CHILD: &str = "FUTEX_TEST_CHILD";
    let word = |map: &memmap2::MmapRaw| {
        // SAFETY: bounds: a page holds a word, aligned. Life: the mapping is leaked by both users.
        // Peer: an atomic may be written by anybody.
        unsafe { AtomicU32::from_ptr(map.as_mut_ptr().cast()) }
    };
    if std::env::var_os(CHILD).is_some() {
        let map: &'static _ = Box::leak(Box::new(map(std::io::stdin().as_raw_fd())));
        let word = word(map);
        word.store(1, Ordering::Release);
        while futex_wake(word, 1) == 0 {
            std::thread::yield_now();
        }
        return;
    }
    let file = rustix::fs::memfd_create(c"test", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    rustix::fs::ftruncate(&file, 4096).unwrap();
    let map: &'static _ = Box::leak(Box::new(map(file.as_raw_fd())));
    let word = word(map);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["a_word_is_shared_between_processes", "--exact"])
        .env(CHILD, "1")
        .stdin(Stdio::from(file))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while word.load(Ordering::Acquire) == 0 {
        std::thread::yield_now();
    }
    assert_eq!(futex_wait(word, 1, Deadline::NEVER), Outcome::Woken);
    assert!(child.wait().unwrap().success());
}

#[test]
fn two_ends_agree_on_the_stronger_gate() {
    assert_eq!(Gate::Asymmetric.agreed(Gate::Asymmetric), Gate::Asymmetric);
    assert_eq!(Gate::Asymmetric.agreed(Gate::Symmetric), Gate::Symmetric);
    assert_eq!(Gate::Symmetric.agreed(Gate::Asymmetric), Gate::Symmetric);
    assert_eq!(Gate::Symmetric.heavy(), Ok(()));
    if Gate::register() == Gate::Asymmetric {
        assert_eq!(Gate::Asymmetric.heavy(), Ok(()));
    }
}

#[test]
fn bytes_come_back_at_every_length() {
    use futex::sync::AtomicU64;
    let words: Vec<AtomicU64> = (0..200).map(|_| AtomicU64::new(u64::MAX)).collect();
    for length in (0..70).chain([255, 256, 257, 263, 1000, 1599, 1600]) {
        let bytes: Vec<u8> = (0..length).map(|at| (at * 7 + length) as u8).collect();
        store_bytes(&words, &bytes);
        let mut back = vec![0; length];
        load_bytes(&words, &mut back);
        assert_eq!(back, bytes, "{length} bytes");
    }
}
