//! The memory of one lane on the heap, and its two ends: the shipped code over a few slots.

use std::num::NonZeroU32;

use futex::Gate;
use futex::sync::{AtomicU64, Ordering, fence, yield_now};
use shm_mach::ring::lane_in::{InWords, LaneIn};
use shm_mach::ring::lane_out::{LaneOut, OutWords};
use shm_mach::ring::layout::{Bell, Cursor, Entry, Flags, Slot};
use shm_mach::ring::payload::Area;
use shm_mach::ring::region;
use shm_mach::ring::slot::{Head, seq};
use shm_mach::ring::state::Seat;
use shm_mach::segment::Shared;

use crate::mail::body;

/// Where lanes begin: the second message of a lane wraps the sequence number and the cursor.
pub const START: u64 = u32::MAX as u64 - 1;

/// Bytes of the payload area of a lane that has one.
pub const AREA: usize = 256;

/// The memory of one lane.
#[derive(Clone)]
pub struct Wire {
    slots: Shared<[Slot]>,
    bells: Shared<[Bell]>,
    entry: Shared<Entry>,
    flags: Shared<Flags>,
    cursor: Shared<Cursor>,
    payload: Shared<[AtomicU64]>,
    /// Which half it lies in.
    link: u64,
    gate: Gate,
    /// Whether the receiver says that no stamps are needed.
    sole: bool,
}

/// The slot at index `at` as the lap before [`START`] left it: a message that must not be seen again.
fn last_lap(at: u64, slots: u64) -> Slot {
    let slot = Slot::default();
    let position = START - slots + at.wrapping_sub(START) % slots;
    let words = Head::message(-1, 8).encode(seq(position));
    words.iter().zip(&slot.words).for_each(|(value, word)| word.store(*value, Ordering::Relaxed));
    slot
}

/// The bells of one half.
pub fn bells(count: usize) -> Shared<[Bell]> {
    Shared::heap_slice((0..count).map(|_| Bell::default()).collect())
}

impl Wire {
    /// A lane of `slots` slots in a half of its own, with two bells.
    pub fn new(slots: usize) -> Self {
        Self::in_half(slots, 0, bells(2))
    }

    /// A lane of `slots` slots in half `link`, whose bells are `bells`.
    pub fn in_half(slots: usize, link: u64, bells: Shared<[Bell]>) -> Self {
        let cursor = Cursor::default();
        // What a receiver of the lane's earlier generations left there.
        cursor.position.store(START as u32, Ordering::Relaxed);
        Self {
            slots: Shared::heap_slice((0..slots as u64).map(|at| last_lap(at, slots as u64)).collect()),
            bells,
            entry: Shared::heap(Entry::default()),
            flags: Shared::heap(Flags::default()),
            cursor: Shared::heap(cursor),
            payload: Shared::heap_slice(Box::new([])),
            link,
            gate: Gate::Symmetric,
            sole: true,
        }
    }

    /// The same lane with a gate whose heavy side is `membarrier`.
    #[must_use]
    pub fn with_membarrier(mut self) -> Self {
        self.gate = Gate::register();
        self
    }

    /// The same lane as one of several ways to its port: its messages are stamped.
    #[must_use]
    pub fn stamped(mut self) -> Self {
        self.sole = false;
        self
    }

    /// Gives the lane a payload region.
    #[must_use]
    pub fn with_payload(mut self) -> Self {
        self.payload = Shared::heap_slice((0..AREA / 8).map(|_| AtomicU64::new(0)).collect());
        self
    }

    /// The sender's end of the lane's first generation.
    pub fn sender(&self, limit: u32) -> LaneOut {
        self.sender_of(1, START, limit)
    }

    /// The sender's end of some generation.
    pub fn sender_of(&self, generation: u32, start: u64, limit: u32) -> LaneOut {
        let words = OutWords {
            entry: self.entry.clone(),
            slots: self.slots.clone(),
            bells: self.bells.clone(),
            flags: self.flags.clone(),
            cursor: self.cursor.clone(),
        };
        let mut lane = LaneOut::open(words, self.gate, generation, start, limit);
        if !self.payload.is_empty() {
            lane.set_area(Area::new(self.payload.clone(), 0, 0, self.slots.len()));
        }
        lane
    }

    /// The sender's end while it does not know the receiver's half.
    pub fn pending_sender(&self, limit: u32) -> LaneOut {
        let blank = Self {
            flags: Shared::heap(Flags::default()),
            cursor: Shared::heap(Cursor::default()),
            ..self.clone()
        };
        blank.sender(limit).pending()
    }

    /// The receiver's half has arrived at the sender.
    pub fn complete(&self, lane: &mut LaneOut) {
        lane.complete(self.flags.clone(), self.cursor.clone());
    }

    /// The receiver's end of the lane's first generation.
    pub fn receiver(&self, limit: u32) -> LaneIn {
        self.receiver_of(1, START, limit)
    }

    /// The receiver's end of some generation.
    pub fn receiver_of(&self, generation: u32, start: u64, limit: u32) -> LaneIn {
        let words = InWords {
            entry: self.entry.clone(),
            slots: self.slots.clone(),
            payload: self.payload.clone(),
            flags: self.flags.clone(),
            cursor: self.cursor.clone(),
        };
        let mut lane = LaneIn::adopt(words, self.gate, generation, start, limit);
        lane.set_sole(self.sole);
        lane
    }

    /// How far the receiver has read, as its half says.
    pub fn cursor(&self) -> &Shared<Cursor> {
        &self.cursor
    }

    /// Tells the receiver that the lane is open: what its look at the news finds.
    pub fn announce(&self) {
        self.entry.generation.store(1, Ordering::Release);
    }

    /// Whether the lane was announced.
    pub fn is_announced(&self) -> bool {
        let generation = self.entry.generation.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        generation == 1
    }

    /// What no sender may do, and none can where the flags are mapped read-only: clears the wish for
    /// a wake-up that it has just served.
    pub fn clear_wish(&self) {
        self.flags.word.store(1 << 32, Ordering::Relaxed);
    }

    /// Publishes a large message: its payload lies in the lane's payload region, as if that were one.
    ///
    /// # Panics
    /// When it is refused.
    pub fn push_large(&self, lane: &mut LaneOut, id: i32, length: usize) {
        let body = body(id, length);
        region::write(&self.payload, [&[], &body]);
        let head = Head { region: Some(NonZeroU32::MIN), ..Head::message(id, length) };
        lane.push(head, [&[], &body]).expect("there is room");
    }

    /// Whether all that `lane` has sent was read, as the owner of a region asks.
    pub fn is_read(&self, lane: &LaneOut) -> bool {
        region::is_read(&self.cursor, lane.position())
    }

    /// Polls for a large message: its id, if it is whole.
    ///
    /// # Panics
    /// When it is not what was sent.
    pub fn poll_large(&self, lane: &mut LaneIn) -> i32 {
        let head = loop {
            match lane.peek().expect("an honest sender writes no nonsense") {
                Some(head) => break head,
                None => yield_now(),
            }
        };
        assert_eq!(head.region, Some(NonZeroU32::MIN));
        let mut bytes = Vec::new();
        region::read(&self.payload, &head, &mut Vec::new(), &mut bytes).expect("it lies in the region");
        assert!(bytes == body(head.id, head.length), "torn");
        lane.advance(&head);
        head.id
    }

    /// The control bell of its half.
    pub fn control_bell(&self) -> Shared<Bell> {
        self.bells.at(0).expect("a half has bells")
    }

    /// The bells of its half.
    pub fn bells(&self) -> &[Bell] {
        &self.bells
    }

    /// The receiver's end in a group.
    pub fn seat(&self, limit: u32) -> Seat {
        self.seat_of(self.receiver(limit))
    }

    /// `lane` in a group.
    pub fn seat_of(&self, lane: LaneIn) -> Seat {
        Seat { lane, bells: self.bells.clone(), link: self.link, index: 0, holder: 0 }
    }
}
