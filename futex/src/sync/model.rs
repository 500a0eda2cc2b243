//! The façade's body under loom: loom's atomics and locks, and a model of the kernel's futex.
//!
//! What is modelled, and where it is stricter or weaker than the kernel:
//! * compare-and-queue is one step under one lock, as futex(2) promises for one word; a wait on
//!   many words queues on all of them in one step (the kernel goes word by word);
//! * a wake takes the longest waiting thread (the newest, if the model wants that), and a woken thread stays queued on its other words
//!   until it runs, so that it can swallow a second wake, as was measured of the kernel;
//! * `membarrier` is a `SeqCst` fence on *both* sides; that the real pair does as much is shown
//!   outside loom by a two-process litmus test;
//! * time stands still: a deadline passes when the model's own timer thread says so.

use std::cell::RefCell;

use loom::sync::atomic::{AtomicBool, Ordering as O};
use loom::sync::{Condvar, Mutex};

use super::Ordering;
use crate::Outcome;

pub use loom::sync::MutexGuard as Guard;
pub use loom::sync::atomic::{AtomicU32, AtomicU64};
pub use std::sync::Arc;

/// True only in a loom build.
pub const MODEL: bool = true;

/// Keeps items out of a loom build.
#[macro_export]
macro_rules! native_only {
    ($($item:item)*) => {};
}

/// Whether a wake takes the thread that came last, as a kernel may for one of higher priority.
static NEWEST_FIRST: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// From now on a wake takes the newest sleeper of a word, or again the oldest.
pub fn wake_newest_first(newest: bool) {
    NEWEST_FIRST.store(newest, Ordering::Relaxed);
}

static WEAKENED: std::sync::Mutex<Option<String>> = std::sync::Mutex::new(None);

/// Weakens one named ordering to `Relaxed`, or leaves out one named step, until the next call.
pub fn weaken(name: Option<&str>) {
    *WEAKENED.lock().unwrap() = name.map(str::to_owned);
}

fn is_weakened(name: &str) -> bool {
    WEAKENED.lock().unwrap().as_deref() == Some(name)
}

/// The ordering, or `Relaxed` if it is the weakened one.
pub fn ordering(tag: &'static str, ordering: Ordering) -> Ordering {
    if is_weakened(tag) { Ordering::Relaxed } else { ordering }
}

/// Whether the named protocol step is taken.
pub fn step(name: &'static str) -> bool {
    !is_weakened(name)
}

/// A fence; one that was weakened to `Relaxed` is none.
pub fn fence(ordering: Ordering) {
    if ordering != Ordering::Relaxed {
        loom::sync::atomic::fence(ordering);
    }
}

/// The light side of the asymmetric pair, as strong as its partner here.
pub fn compiler_fence() {
    fence(Ordering::SeqCst);
}

/// Spinning must let the other threads of the model run.
pub fn spin_loop() {
    loom::thread::yield_now();
}

/// As [`spin_loop`].
pub fn yield_now() {
    loom::thread::yield_now();
}

/// A lock of the model.
#[derive(Debug)]
pub struct Lock<T>(Mutex<T>);

impl<T: Default> Default for Lock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> Lock<T> {
    /// A lock around `value`.
    pub fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Takes the lock.
    pub fn lock(&self) -> Guard<'_, T> {
        self.0.lock().unwrap()
    }

    /// What it guards, for the one who has it alone.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().expect("no thread of a model panics under a lock")
    }

    /// Takes the lock if nobody holds it.
    pub fn try_lock(&self) -> Option<Guard<'_, T>> {
        self.0.try_lock().ok()
    }
}

/// A deadline that passes when a thread of the model calls [`expire_timers`], or never, or at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(u8);

impl Deadline {
    /// No deadline.
    pub const NEVER: Self = Self(2);
    /// Look, never sleep.
    pub const NOW: Self = Self(0);
    /// Passes when the model's timer fires.
    pub const TIMER: Self = Self(1);

    /// A deadline of a certain length: the model's timer.
    pub fn after(_duration: std::time::Duration) -> Self {
        Self::TIMER
    }

    /// Whether the deadline lies in the past.
    pub fn has_passed(self) -> bool {
        match self {
            Self::NOW => true,
            Self::NEVER => false,
            _ => FUTEX.expired.load(O::Acquire),
        }
    }

    /// How long it is until then: a model has no clock.
    pub fn remaining(self) -> Option<std::time::Duration> {
        (self != Self::NEVER).then_some(std::time::Duration::ZERO)
    }
}

/// One sleeping thread: the addresses it is queued on, and whether it was woken.
struct Sleeper {
    woken: RefCell<Option<Outcome>>,
    timed: bool,
    condvar: Condvar,
}

struct Futex {
    queue: Mutex<Vec<(usize, std::rc::Rc<Sleeper>)>>,
    expired: AtomicBool,
}

loom::lazy_static! {
    static ref FUTEX: Futex = Futex { queue: Mutex::new(Vec::new()), expired: AtomicBool::new(false) };
}

loom::lazy_static! {
    static ref CLOCK: AtomicU64 = AtomicU64::new(1);
}

fn address(word: &AtomicU32) -> usize {
    std::ptr::from_ref(word) as usize
}

/// Fires the model's timer: every sleeper with [`Deadline::TIMER`], now and later, times out.
pub fn expire_timers() {
    let queue = FUTEX.queue.lock().unwrap();
    FUTEX.expired.store(true, O::Release);
    for (_, sleeper) in queue.iter().filter(|(_, sleeper)| sleeper.timed) {
        sleeper.woken.borrow_mut().get_or_insert(Outcome::TimedOut);
        sleeper.condvar.notify_one();
    }
}

/// Sleeps while `word` holds `expected`.
pub fn futex_wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> Outcome {
    futex_wait_many(&[(word, expected)], deadline)
}

/// No signals come in a model.
pub fn interruptions() -> u32 {
    0
}

/// Sleeps while every word holds the value beside it.
pub fn futex_wait_many(words: &[(&AtomicU32, u32)], deadline: Deadline) -> Outcome {
    let mut queue = FUTEX.queue.lock().unwrap();
    if words.iter().any(|(word, expected)| word.load(O::Relaxed) != *expected) {
        return Outcome::Changed;
    }
    if deadline.has_passed() {
        drop(queue);
        yield_now(); // who polls with short sleeps lets the others run
        return Outcome::TimedOut;
    }
    let sleeper = std::rc::Rc::new(Sleeper {
        woken: RefCell::new(None),
        timed: deadline == Deadline::TIMER,
        condvar: Condvar::new(),
    });
    for (word, _) in words {
        queue.push((address(word), sleeper.clone()));
    }
    let outcome = loop {
        if let Some(outcome) = *sleeper.woken.borrow() {
            break outcome;
        }
        queue = sleeper.condvar.wait(queue).unwrap();
    };
    queue.retain(|(_, other)| !std::rc::Rc::ptr_eq(other, &sleeper));
    outcome
}

/// Wakes up to `count` threads queued on `word`.
pub fn futex_wake(word: &AtomicU32, count: u32) -> usize {
    let mut queue = FUTEX.queue.lock().unwrap();
    let mut woken = 0;
    while woken < count as usize {
        let mut queued = queue.iter();
        let is_queued = |(address_of, _): &(usize, _)| *address_of == address(word);
        let newest = NEWEST_FIRST.load(Ordering::Relaxed);
        let found = if newest { queued.rposition(is_queued) } else { queued.position(is_queued) };
        let Some(at) = found else { break };
        let (_, sleeper) = queue.remove(at);
        sleeper.woken.borrow_mut().get_or_insert(Outcome::Woken);
        sleeper.condvar.notify_one();
        woken += 1;
    }
    woken
}

/// Time stands still.
pub fn monotonic_ns() -> u64 {
    0
}

/// The clock that stamps messages: a counter. Reading it releases what its reader had published and
/// acquires what earlier readers had: a store that was made before somebody read a time is seen by
/// everybody who reads a later one. On a machine that follows from one order of time for all, which
/// loom does not have.
pub fn stamp() -> u64 {
    CLOCK.fetch_add(1, O::AcqRel)
}

/// The model needs no registration.
pub fn membarrier_register() -> rustix::io::Result<()> {
    Ok(())
}

/// As if it had registered before.
pub fn is_registered() -> bool {
    true
}

static REFUSES_MEMBARRIER: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// From now on [`membarrier_heavy`] is refused, as by a sandbox that was entered late, or again not.
pub fn refuse_membarrier(refuses: bool) {
    REFUSES_MEMBARRIER.store(refuses, Ordering::Relaxed);
}

/// The heavy side of the asymmetric pair.
pub fn membarrier_heavy() -> rustix::io::Result<()> {
    if REFUSES_MEMBARRIER.load(Ordering::Relaxed) {
        return Err(rustix::io::Errno::PERM);
    }
    fence(Ordering::SeqCst);
    Ok(())
}

/// Writes `bytes` into `words`.
pub fn store_bytes(words: &[AtomicU64], bytes: &[u8]) {
    for (word, chunk) in words.iter().zip(bytes.chunks(8)) {
        let mut value = [0; 8];
        value[..chunk.len()].copy_from_slice(chunk);
        word.store(u64::from_ne_bytes(value), Ordering::Relaxed);
    }
}

/// Reads bytes out of `words`. Stricter than the native body: a writer that has not published what
/// it wrote, or writes again before the reader has given it back, is a race and ends the model. loom
/// lets no load see a later store, so nothing weaker would show that a give-back came too early.
pub fn load_bytes(words: &[AtomicU64], bytes: &mut [u8]) {
    for (word, chunk) in words.iter().zip(bytes.chunks_mut(8)) {
        // SAFETY: the word is alive; loom itself checks that no store is concurrent with this.
        let value = unsafe { word.unsync_load() }.to_ne_bytes();
        chunk.copy_from_slice(&value[..chunk.len()]);
    }
}
