//! The ceiling of a stream of small messages: a ring of words with one producer and one consumer, and no protection.

use crate::failure::Failure;
use crate::measure::Measure;
use crate::row::{Place, Row, Wait};
use crate::shared::{APART, Shared};
use crate::side::{Role, Side};
use crate::stream::{breathe, drain, pour};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Elements in the ring.
pub(super) const SLOTS: usize = 4096;

/// Messages in one repetition.
pub(super) const COUNT: u64 = 10_000_000;

/// The rows of this family.
pub(crate) const ROWS: &[Row] = &[Row {
    name: "bare_ring",
    payload: Some(8),
    wait: Some(Wait::Spin),
    anchor: Some("rtrb"),
    place: Place::TwoCores,
    count: COUNT,
    run: bare_ring,
}];

/// Where the word lies that counts elements pushed, that for elements popped, and the elements.
const PUSHED: usize = 0;
const POPPED: usize = APART;
const ELEMENTS: usize = 4096;

fn bare_ring(side: &Side) -> Result<Measure, Failure> {
    let shared = side.shared(ELEMENTS + SLOTS * size_of::<u64>())?;
    match side.role {
        Role::Left => {
            let mut ring = Consumer::new(&shared);
            drain(side, || {
                loop {
                    if let Some(number) = ring.pop() {
                        return Ok(number);
                    }
                    breathe();
                }
            })
        }
        Role::Right => {
            let mut ring = Producer::new(&shared);
            pour(side, |number| {
                while !ring.push(number) {
                    breathe();
                }
                Ok(())
            })
        }
    }
}

/// The pushing end, with its private copies of both counts.
struct Producer<'a> {
    pushed: &'a AtomicU64,
    popped: &'a AtomicU64,
    elements: &'a [AtomicU64; SLOTS],
    own: u64,
    seen: u64,
}

impl<'a> Producer<'a> {
    fn new(shared: &'a Shared) -> Self {
        Self {
            pushed: shared.word64(PUSHED),
            popped: shared.word64(POPPED),
            elements: shared.words(ELEMENTS),
            own: 0,
            seen: 0,
        }
    }

    /// Appends an element; false if there is no room.
    #[inline]
    fn push(&mut self, element: u64) -> bool {
        if self.own - self.seen == SLOTS as u64 {
            self.seen = self.popped.load(Acquire);
            if self.own - self.seen == SLOTS as u64 {
                return false;
            }
        }
        self.elements[self.own as usize % SLOTS].store(element, Relaxed);
        self.own += 1;
        self.pushed.store(self.own, Release);
        true
    }
}

/// The popping end, with its private copies of both counts.
struct Consumer<'a> {
    pushed: &'a AtomicU64,
    popped: &'a AtomicU64,
    elements: &'a [AtomicU64; SLOTS],
    own: u64,
    seen: u64,
}

impl<'a> Consumer<'a> {
    fn new(shared: &'a Shared) -> Self {
        Self {
            pushed: shared.word64(PUSHED),
            popped: shared.word64(POPPED),
            elements: shared.words(ELEMENTS),
            own: 0,
            seen: 0,
        }
    }

    /// Takes the oldest element, if there is one.
    #[inline]
    fn pop(&mut self) -> Option<u64> {
        if self.own == self.seen {
            self.seen = self.pushed.load(Acquire);
            if self.own == self.seen {
                return None;
            }
        }
        let element = self.elements[self.own as usize % SLOTS].load(Relaxed);
        self.own += 1;
        self.popped.store(self.own, Release);
        Some(element)
    }
}
