//! The façade's native body.

use std::cell::{Cell, UnsafeCell};
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use rustix::io::Errno;
use rustix::thread::futex as sys;
use rustix::time::{ClockId, Timespec, clock_gettime};

use super::Ordering;
use crate::{Outcome, RawLock};

pub use std::hint::spin_loop;
pub use std::sync::Arc;
pub use std::sync::atomic::{AtomicU32, AtomicU64, fence};

/// True only in a loom build: for code that must not depend on layout or on the clock there.
pub const MODEL: bool = false;

/// Keeps items out of a loom build: layout assertions and `Zeroable`, which need real atomics.
#[macro_export]
macro_rules! native_only {
    ($($item:item)*) => { $($item)* };
}

/// The ordering itself; a model may weaken it by name.
#[inline(always)]
pub const fn ordering(_tag: &'static str, ordering: Ordering) -> Ordering {
    ordering
}

/// Whether the named protocol step is taken: always, except in a model that leaves it out.
#[inline(always)]
pub const fn step(_name: &'static str) -> bool {
    true
}

/// A fence for the compiler alone: the light side of an asymmetric pair.
#[inline(always)]
pub fn compiler_fence() {
    std::sync::atomic::compiler_fence(Ordering::SeqCst);
}

/// Lets another thread run; for spinning loops that a model must be able to leave.
#[inline(always)]
pub fn yield_now() {
    spin_loop();
}

/// A private lock of one process. A panic under it is a bug of ours, and the state it guards is
/// used on: the panic is reported by whoever joins the thread, not a second time by every other.
#[derive(Default)]
pub struct Lock<T> {
    raw: RawLock,
    value: UnsafeCell<T>,
}

// SAFETY: bounds and life: no pointers. Peer: a private value; whoever gets at it holds the raw lock, one thread
// at a time, so it need only be fit to be passed from thread to thread.
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> std::panic::RefUnwindSafe for Lock<T> {}

impl<T> std::fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lock").finish_non_exhaustive()
    }
}

impl<T> Lock<T> {
    /// A lock around `value`.
    pub fn new(value: T) -> Self {
        Self { raw: RawLock::default(), value: UnsafeCell::new(value) }
    }

    /// Takes the lock, waiting for its turn.
    #[inline]
    pub fn lock(&self) -> Guard<'_, T> {
        self.raw.lock();
        Guard { lock: self, stays: PhantomData }
    }

    /// What it guards, for the one who has it alone.
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// Takes the lock if nobody holds it.
    #[inline]
    pub fn try_lock(&self) -> Option<Guard<'_, T>> {
        self.raw.try_lock().then(|| Guard { lock: self, stays: PhantomData })
    }
}

/// The right to what a [`Lock`] guards, until it is dropped.
#[derive(Debug)]
pub struct Guard<'a, T> {
    lock: &'a Lock<T>,
    /// It stays with its thread: `&Guard` gives out `&T`, and `T` need not be `Sync`.
    stays: PhantomData<*mut T>,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: bounds and life: the lock's own value, and the lock is borrowed. Peer: none; the lock is held, and
        // this guard's borrow is the only way to the value.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above; and the guard is borrowed exclusively.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        self.lock.raw.unlock();
    }
}

/// A point on `CLOCK_MONOTONIC`, in nanoseconds, or never. Absolute, so a wait that is interrupted
/// and begun again never grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(u64);

impl Deadline {
    /// No deadline.
    pub const NEVER: Self = Self(u64::MAX);

    /// A deadline in the past: look, never sleep.
    pub const NOW: Self = Self(0);

    /// That point on the clock: 0 is [`NOW`](Self::NOW), the last one [`NEVER`](Self::NEVER).
    pub const fn at(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// Which point on the clock it is.
    pub const fn nanoseconds(self) -> u64 {
        self.0
    }

    /// `duration` from now; one too far away to be told is [`NEVER`](Self::NEVER).
    pub fn after(duration: Duration) -> Self {
        let span = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(monotonic_ns().saturating_add(span))
    }

    /// Whether the deadline lies in the past. Reads the clock, except for `NEVER` and `NOW`.
    pub fn has_passed(self) -> bool {
        match self {
            Self::NEVER => false,
            Self::NOW => true,
            Self(ns) => monotonic_ns() >= ns,
        }
    }

    /// How long it is until then, for calls that take no point in time; `None`: for ever.
    pub fn remaining(self) -> Option<Duration> {
        let left = |Self(ns)| Duration::from_nanos(ns.saturating_sub(monotonic_ns()));
        (self != Self::NEVER).then(|| left(self))
    }

    fn timespec(self) -> Option<Timespec> {
        (self != Self::NEVER).then_some(Timespec {
            tv_sec: (self.0 / 1_000_000_000) as i64,
            tv_nsec: (self.0 % 1_000_000_000) as i64,
        })
    }
}

/// Now, in nanoseconds of `CLOCK_MONOTONIC`.
pub fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    (now.tv_sec as u64) * 1_000_000_000 + now.tv_nsec as u64
}

/// Now, by the clock that stamps messages: `CLOCK_MONOTONIC`, the same in every process of a time
/// namespace, read through the vDSO. The kernel reads the counter behind a barrier there, so whoever
/// has seen an effect of a store reads a later time than whoever made the store had read before it.
#[inline]
pub fn stamp() -> u64 {
    let now = monotonic_ns();
    // A counter that ticks slower than a message travels could give two of them one time.
    #[cfg(not(target_arch = "x86_64"))]
    while monotonic_ns() == now {}
    now
}

thread_local! {
    static INTERRUPTIONS: Cell<u32> = const { Cell::new(0) };
}

/// How many sleeps of this thread a signal has ended, modulo 2^32. Such a sleep was woken, as far as its
/// outcome tells; who must know more compares this.
pub fn interruptions() -> u32 {
    INTERRUPTIONS.try_with(Cell::get).unwrap_or_default()
}

#[cold]
fn interrupted() -> Outcome {
    let _ = INTERRUPTIONS.try_with(|count| count.set(count.get().wrapping_add(1)));
    Outcome::Woken
}

/// Sleeps while `word` holds `expected`, until a wake or the deadline.
///
/// # Panics
/// When the kernel refuses the call for a reason other than the three outcomes: the word is then
/// not in mapped memory, which is a bug of the caller.
pub fn futex_wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> Outcome {
    let timeout = deadline.timespec();
    match sys::wait_bitset(word, sys::Flags::empty(), expected, timeout.as_ref(), NonZeroU32::MAX) {
        Ok(()) => Outcome::Woken,
        Err(Errno::INTR) => interrupted(),
        Err(Errno::AGAIN) => Outcome::Changed,
        Err(Errno::TIMEDOUT) => Outcome::TimedOut,
        Err(errno) => panic!("futex wait on a word of our own mapping: {errno}"),
    }
}

/// Wakes up to `count` threads that sleep on `word`, in any process; says how many.
///
/// # Panics
/// As [`futex_wait`].
pub fn futex_wake(word: &AtomicU32, count: u32) -> usize {
    // The kernel reads the count as an int: more than i32::MAX would be negative.
    let count = count.min(i32::MAX as u32);
    match sys::wake(word, sys::Flags::empty(), count) {
        Ok(woken) => woken,
        Err(errno) => panic!("futex wake on a word of our own mapping: {errno}"),
    }
}

/// Sleeps while every word holds the value beside it; `words` has at most 128 entries.
///
/// # Panics
/// As [`futex_wait`], and when `futex_waitv` is not there (Linux before 5.16).
pub fn futex_wait_many(words: &[(&AtomicU32, u32)], deadline: Deadline) -> Outcome {
    if let [(word, expected)] = words {
        return futex_wait(word, *expected, deadline);
    }
    // Most sleeps are on few words: do not clear room for many.
    let (mut few, mut many);
    let waiters: &mut [sys::Wait] = if words.len() <= 8 {
        few = [sys::Wait::new(); 8];
        &mut few[..words.len()]
    } else {
        many = [sys::Wait::new(); crate::WaitSet::CAPACITY];
        &mut many[..words.len()]
    };
    for (waiter, (word, expected)) in waiters.iter_mut().zip(words) {
        waiter.val = u64::from(*expected);
        waiter.uaddr = sys::WaitPtr::new(word.as_ptr().cast());
        waiter.flags = sys::WaitFlags::SIZE_U32;
    }
    let timeout = deadline.timespec();
    let flags = sys::WaitvFlags::empty();
    match sys::waitv(waiters, flags, timeout.as_ref(), ClockId::Monotonic) {
        Ok(_) => Outcome::Woken,
        Err(Errno::INTR) => interrupted(),
        Err(Errno::AGAIN) => Outcome::Changed,
        Err(Errno::TIMEDOUT) => Outcome::TimedOut,
        Err(errno) => panic!("futex_waitv on words of our own mappings: {errno}"),
    }
}

/// Whether this process, or the one that it was forked from, has registered.
static REGISTERED: AtomicU32 = AtomicU32::new(0);

/// Makes this process a target of [`membarrier_heavy`] of every process, and allows it its own.
pub fn membarrier_register() -> rustix::io::Result<()> {
    rustix::thread::membarrier(rustix::thread::MembarrierCommand::RegisterGlobalExpedited)?;
    REGISTERED.store(1, Ordering::Relaxed);
    Ok(())
}

/// Whether this process is a target of [`membarrier_heavy`].
#[inline(always)]
pub fn is_registered() -> bool {
    REGISTERED.load(Ordering::Relaxed) != 0
}

/// A full fence on every CPU that runs a registered process now.
pub fn membarrier_heavy() -> rustix::io::Result<()> {
    rustix::thread::membarrier(rustix::thread::MembarrierCommand::GlobalExpedited)
}

/// From this many bytes on, one asm copy beats the word loop, which the compiler may not vectorise.
const ASM_COPY_FROM: usize = 256;

/// Writes `bytes` into `words`, which nobody else writes; the last word is filled up with zeros.
///
/// # Panics
/// When `words` has less room than `bytes`.
#[inline]
pub fn store_bytes(words: &[AtomicU64], bytes: &[u8]) {
    assert!(bytes.len() <= words.len() * 8, "a body is checked against its room before the copy");
    if bytes.len() >= ASM_COPY_FROM && cfg!(all(target_arch = "x86_64", not(miri))) {
        // SAFETY: bounds: asserted above, both ranges are `bytes.len()` long. Life: both are
        // borrowed for the call. Peer: nobody but this process can write these words, and this
        // process does so under the lane's lock; a reader sees mixed bytes at worst and does not
        // look before the slot is published.
        unsafe { copy_bytes(words.as_ptr().cast::<u8>().cast_mut(), bytes.as_ptr(), bytes.len()) };
        return;
    }
    let chunks = bytes.chunks_exact(8);
    let rest = chunks.remainder();
    let full = bytes.len() / 8;
    for (word, chunk) in words.iter().zip(chunks) {
        let mut value = [0; 8];
        value.copy_from_slice(chunk);
        word.store(u64::from_ne_bytes(value), Ordering::Relaxed);
    }
    if !rest.is_empty() {
        let mut value = [0; 8];
        value[..rest.len()].copy_from_slice(rest);
        words[full].store(u64::from_ne_bytes(value), Ordering::Relaxed);
    }
}

/// Reads `bytes.len()` bytes out of `words`, which a peer may be writing at this very moment: what
/// arrives is then any mixture of what was and what is there, and is treated as untrusted bytes.
///
/// # Panics
/// When `words` has fewer bytes than `bytes`.
#[inline]
pub fn load_bytes(words: &[AtomicU64], bytes: &mut [u8]) {
    assert!(bytes.len() <= words.len() * 8, "a length is checked against its range before the copy");
    if bytes.len() >= ASM_COPY_FROM && cfg!(all(target_arch = "x86_64", not(miri))) {
        // SAFETY: bounds: asserted above. Life: both are borrowed for the call. Peer: the source
        // may change under the copy; the copy is one opaque instruction, so the compiler draws no
        // conclusion from what it reads, and any byte is a valid u8.
        unsafe { copy_bytes(bytes.as_mut_ptr(), words.as_ptr().cast::<u8>(), bytes.len()) };
        return;
    }
    let full = bytes.len() / 8;
    let mut chunks = bytes.chunks_exact_mut(8);
    for (chunk, word) in (&mut chunks).zip(words) {
        chunk.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
    }
    let rest = chunks.into_remainder();
    if !rest.is_empty() {
        let value = words[full].load(Ordering::Relaxed).to_ne_bytes();
        rest.copy_from_slice(&value[..rest.len()]);
    }
}

/// One bulk copy that the compiler cannot look into.
///
/// # Safety
/// `to` is valid for `len` writes and `from` for `len` reads, and they do not overlap.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
unsafe fn copy_bytes(to: *mut u8, from: *const u8, len: usize) {
    // SAFETY: bounds and life are the caller's promise. Peer: `rep movsb` reads and writes each
    // byte once, whatever a peer does to the source meanwhile. The direction flag is clear, as the
    // ABI guarantees at every call.
    unsafe {
        std::arch::asm!(
            "rep movsb",
            inout("rcx") len => _,
            inout("rsi") from => _,
            inout("rdi") to => _,
            options(nostack, preserves_flags),
        );
    }
}

/// Never called: elsewhere the word loop is taken at every length.
///
/// # Safety
/// None is needed: it only panics.
#[cfg(not(all(target_arch = "x86_64", not(miri))))]
unsafe fn copy_bytes(_to: *mut u8, _from: *const u8, _len: usize) {
    unreachable!("the word loop copies on this target");
}
