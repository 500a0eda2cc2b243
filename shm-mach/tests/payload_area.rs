//! Room for payloads, against models that remember every byte: the area of a lane, which is emptied
//! in order, and the heap of replies, which is not.

use std::collections::VecDeque;

use futex::sync::AtomicU64;
use proptest::collection::vec;
use proptest::prelude::*;
use shm_mach::ring::heap::Heap;
use shm_mach::ring::layout::Slot;
use shm_mach::ring::payload::{self, Area};
use shm_mach::ring::slot::{Head, INLINE, PAYLOAD_UNIT, RIGHT_BYTES, Token};
use shm_mach::segment::Shared;

const PAGE: usize = 4096;
const SLOTS: usize = 8;

fn config() -> ProptestConfig {
    let cases = if cfg!(miri) { 2 } else { 256 };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn words(bytes: usize) -> Shared<[AtomicU64]> {
    Shared::heap_slice((0..bytes / 8).map(|_| AtomicU64::new(u64::MAX)).collect())
}

/// A payload that is still to be read.
#[derive(Debug)]
struct Live {
    at: usize,
    records: Vec<u8>,
    body: Vec<u8>,
}

impl Live {
    /// The records of `rights` rights and a body of `length` bytes, all different from the `number`
    /// before.
    fn new(number: usize, rights: usize, length: usize) -> Self {
        let byte = |at: usize| (number * 7 + at * 13 + at / 256) as u8;
        let records = (0..rights * RIGHT_BYTES).map(byte).collect();
        Self { at: 0, records, body: (0..length).map(|at| !byte(at)).collect() }
    }

    fn bytes(&self) -> usize {
        self.records.len() + self.body.len()
    }

    fn parts(&self) -> [&[u8]; 2] {
        [&self.records, &self.body]
    }

    /// What a receiver reads is what was written. `base` is where `region` begins.
    fn check(&self, region: &[AtomicU64], base: usize) -> Result<(), TestCaseError> {
        let rights = self.records.len() / RIGHT_BYTES;
        let head = Head { rights, payload_at: self.at - base, ..Head::message(0, self.body.len()) };
        let (mut records, mut body) = (Vec::new(), Vec::new());
        let read = payload::read(&Slot::default(), region, &head, &mut records, &mut body);
        prop_assert_eq!(read, Ok(()));
        prop_assert!(records == self.records && body == self.body, "other bytes at {}", self.at);
        Ok(())
    }
}

/// Each lies in its region, begins at a unit, and shares no unit with another.
fn apart<'a>(live: impl Iterator<Item = &'a Live>, base: usize, size: usize) -> Result<(), TestCaseError> {
    let mut ranges: Vec<(usize, usize)> = live.map(|live| (live.at, live.at + live.bytes())).collect();
    ranges.sort_unstable();
    for range in &ranges {
        prop_assert!(range.0 % PAYLOAD_UNIT == 0);
        prop_assert!(base <= range.0 && range.1 <= base + size, "{:?} is outside", range);
    }
    for pair in ranges.windows(2) {
        prop_assert!(pair[0].1.next_multiple_of(PAYLOAD_UNIT) <= pair[1].0, "{:?} overlap", pair);
    }
    Ok(())
}

/// Lengths that do not fit into a slot, up to a little more than ever fits; most of them short.
fn lengths(longest: usize) -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => INLINE + 1..400,
        3 => INLINE + 1..=longest,
        1 => longest - 2 * PAYLOAD_UNIT..=longest + 2 * PAYLOAD_UNIT,
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Write {
        rights: usize,
        length: usize,
    },
    Skip,
    /// So many of the oldest messages were read.
    Free(usize),
}

fn steps(longest: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => (0..4usize, lengths(longest)).prop_map(|(rights, length)| Step::Write { rights, length }),
        1 => Just(Step::Skip),
        3 => (1..=SLOTS).prop_map(Step::Free),
    ];
    vec(step, 1..if cfg!(miri) { 20 } else { 120 })
}

/// A lane's messages in flight, oldest first; `None`: one without a payload.
struct Lane {
    area: Area,
    memory: Shared<[AtomicU64]>,
    base: usize,
    size: usize,
    live: VecDeque<Option<Live>>,
    /// Messages ever written; the slot of each is this modulo [`SLOTS`].
    sent: usize,
}

impl Lane {
    fn new(base: usize, size: usize) -> Self {
        let memory = words(size);
        let area = Area::new(memory.clone(), 3, base, SLOTS);
        Self { area, memory, base, size, live: VecDeque::new(), sent: 0 }
    }

    fn write(&mut self, rights: usize, length: usize) -> Result<(), TestCaseError> {
        let mut live = Live::new(self.sent, rights, length);
        let (fresh, bytes) = (self.sent == 0, live.bytes());
        let empty = self.live.iter().all(Option::is_none);
        let room = self.area.has_room(bytes);
        let at = self.area.write(live.parts(), self.sent % SLOTS);
        prop_assert_eq!(room, at.is_some(), "has_room and write differ");
        prop_assert!(at.is_some() || !fresh || bytes > self.size, "a new area refuses {} bytes", bytes);
        prop_assert!(at.is_some() || !empty || bytes > self.area.longest(), "empty, refuses {} bytes", bytes);
        if let Some(at) = at {
            live.at = at;
            self.live.push_back(Some(live));
            self.sent += 1;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Write { rights, length } if self.live.len() < SLOTS => self.write(rights, length)?,
            Step::Skip if self.live.len() < SLOTS => {
                self.area.skip(self.sent % SLOTS);
                self.live.push_back(None);
                self.sent += 1;
            }
            Step::Free(count) => {
                let count = count.min(self.live.len());
                self.live.drain(..count);
                // A cursor may pass many messages at once: only the last one is told of.
                if count > 0 {
                    self.area.free((self.sent - self.live.len() - 1) % SLOTS);
                }
            }
            Step::Write { .. } | Step::Skip => {}
        }
        let live = || self.live.iter().flatten();
        apart(live(), self.base, self.size)?;
        live().try_for_each(|live| live.check(&self.memory, self.base))
    }
}

#[derive(Clone, Debug)]
enum Answer {
    Grow,
    Write {
        rights: usize,
        length: usize,
    },
    /// One of the answers out was read: this one, modulo how many there are.
    Read(usize),
}

fn answers() -> impl Strategy<Value = Vec<Answer>> {
    let answer = prop_oneof![
        1 => Just(Answer::Grow),
        6 => (0..4usize, lengths(2 * PAGE)).prop_map(|(rights, length)| Answer::Write { rights, length }),
        4 => (0..64usize).prop_map(Answer::Read),
    ];
    vec(answer, 1..if cfg!(miri) { 20 } else { 120 })
}

/// The answers of one half that nobody has read yet, each with its token's generation.
struct Answers {
    heap: Heap,
    /// The blocks it was given, of two pages each: where each begins, and its memory.
    blocks: Vec<(usize, Shared<[AtomicU64]>)>,
    /// Where the blocks that it will get begin.
    bases: Vec<usize>,
    live: Vec<(u32, Live)>,
    sent: u32,
}

impl Answers {
    /// The longest run of free bytes in one block, by the answers that are out.
    fn room(&self) -> usize {
        let gaps = self.blocks.iter().flat_map(|(base, memory)| {
            let end = base + memory.len() * 8;
            let inside =
                self.live.iter().map(|(_, live)| live).filter(|live| (*base..end).contains(&live.at));
            let mut taken: Vec<(usize, usize)> =
                inside.map(|live| (live.at, live.at + live.bytes().next_multiple_of(PAYLOAD_UNIT))).collect();
            taken.push((end, end));
            taken.sort_unstable();
            let starts = std::iter::once(*base).chain(taken.iter().map(|(_, end)| *end)).collect::<Vec<_>>();
            taken.into_iter().zip(starts).map(|((start, _), free)| start - free).collect::<Vec<_>>()
        });
        gaps.max().unwrap_or(0)
    }

    fn step(&mut self, answer: &Answer) -> Result<(), TestCaseError> {
        match *answer {
            Answer::Grow => {
                if let Some(base) = self.bases.pop() {
                    let memory = words(2 * PAGE);
                    self.heap.grow(base, memory.clone());
                    self.blocks.push((base, memory));
                }
            }
            Answer::Write { rights, length } => self.write(rights, length)?,
            Answer::Read(which) if !self.live.is_empty() => {
                self.live.swap_remove(which % self.live.len());
            }
            Answer::Read(_) => {}
        }
        for (base, memory) in &self.blocks {
            let inside = |live: &&Live| (*base..base + memory.len() * 8).contains(&live.at);
            let live = || self.live.iter().map(|(_, live)| live).filter(inside);
            apart(live(), *base, memory.len() * 8)?;
            live().try_for_each(|live| live.check(memory, *base))?;
        }
        Ok(())
    }

    fn write(&mut self, rights: usize, length: usize) -> Result<(), TestCaseError> {
        let mut live = Live::new(self.sent as usize, rights, length);
        let needed = live.bytes().next_multiple_of(PAYLOAD_UNIT);
        self.sent += 1;
        let token = Token { slot: (self.sent % 5) as u16, generation: self.sent };
        let out: Vec<u32> = self.live.iter().map(|(generation, _)| *generation).collect();
        let is_free = |token: Token| !out.contains(&token.generation);
        let (room, at) = (self.room(), self.heap.write(live.parts(), token, is_free));
        // What the heap has not yet collected hides no room from it: it collects before it refuses.
        prop_assert_eq!(at.is_some(), room >= needed, "{} bytes needed, {} free in one piece", needed, room);
        if let Some(at) = at {
            live.at = at;
            let known =
                self.blocks.iter().any(|(base, memory)| (*base..base + memory.len() * 8).contains(&at));
            prop_assert!(known, "{} is in no block", at);
            self.live.push((self.sent, live));
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_area_keeps_what_it_was_given(
        (pages, steps) in (1..=4usize).prop_flat_map(|pages| (Just(pages), steps(pages * PAGE / 2))),
        base in (0..100usize).prop_map(|page| page * PAGE),
    ) {
        let mut lane = Lane::new(base, pages * PAGE);
        for step in &steps {
            lane.step(step)?;
        }
        // However it was used: once all is read, the longest payload fits.
        lane.step(&Step::Free(SLOTS))?;
        prop_assert!(lane.area.has_room(lane.area.longest()));
        lane.write(0, lane.area.longest())?;
    }

    #[test]
    fn a_heap_keeps_what_it_was_given(answers in answers(), side_by_side in any::<bool>()) {
        // Blocks that touch are still two blocks: no answer lies across the border.
        let apart = if side_by_side { 2 * PAGE } else { 6 * PAGE };
        let bases = [2, 0, 3, 1].map(|block| PAGE + block * apart).to_vec();
        let mut heap =
            Answers { heap: Heap::default(), blocks: Vec::new(), bases, live: Vec::new(), sent: 0 };
        for answer in &answers {
            heap.step(answer)?;
        }
    }
}

#[test]
fn longer_than_any_room_is_refused() {
    let mut area = Area::new(words(PAGE), 0, 0, SLOTS);
    assert!(!area.has_room(PAGE + 1) && area.write([&[], &[1; PAGE + 1]], 0).is_none());
    assert!(area.has_room(PAGE) && area.write([&[], &[1; PAGE]], 0) == Some(0));
    let mut heap = Heap::default();
    let token = Token { slot: 0, generation: 1 };
    assert_eq!(heap.write([&[], &[1; 33]], token, |_| true), None, "no block yet");
    heap.grow(PAGE, words(PAGE));
    assert_eq!(heap.write([&[], &[1; PAGE + 1]], token, |_| true), None);
    assert_eq!(heap.write([&[], &[1; PAGE]], token, |_| true), Some(PAGE));
}
