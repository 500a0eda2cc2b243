//! The ceiling of a stream of small messages: a ring of words with one producer and one consumer, and no protection.
//!
//! The algorithm is rtrb's: each end keeps private copies of both positions and reads the other's only when the copy
//! says "full" or "empty". Positions count up to twice the size and then begin again, as rtrb's do. That is dearer than
//! counting on and masking, most of all for the producer, and yet makes the ring faster where the cores are near: a
//! producer that outruns the consumer finds the ring full after every few elements, and then the lines of both
//! positions go back and forth.

use crate::failure::Failure;
use crate::measure::Measure;
use crate::row::{Place, Row, Wait};
use crate::shared::{APART, Shared};
use crate::side::{Role, Side};
use crate::stream::{drain, pour};
use std::hint::spin_loop;
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
                    spin_loop();
                }
            })
        }
        Role::Right => {
            let mut ring = Producer::new(&shared);
            pour(side, |number| {
                while !ring.push(number) {
                    spin_loop();
                }
                Ok(())
            })
        }
    }
}

/// From one position to another.
#[inline]
fn distance(from: u64, to: u64) -> usize {
    (if from <= to { to - from } else { 2 * SLOTS as u64 - from + to }) as usize
}

/// The position after `position`.
#[inline]
fn after(position: u64) -> u64 {
    if position == 2 * SLOTS as u64 - 1 { 0 } else { position + 1 }
}

/// The index of the element at `position`.
#[inline]
fn place(position: u64) -> usize {
    let position = position as usize;
    if position < SLOTS { position } else { (position - SLOTS) % SLOTS }
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
        if distance(self.seen, self.own) == SLOTS {
            self.seen = self.popped.load(Acquire);
            if distance(self.seen, self.own) == SLOTS {
                return false;
            }
        }
        self.elements[place(self.own)].store(element, Relaxed);
        self.own = after(self.own);
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
        let element = self.elements[place(self.own)].load(Relaxed);
        self.own = after(self.own);
        self.popped.store(self.own, Release);
        Some(element)
    }
}
