//! The memory of one task's reply slots on the heap, and its two sides.

use futex::Gate;
use futex::sync::{self, AtomicU64, Ordering};
use shm_mach::ring::heap::Heap;
use shm_mach::ring::lane_out::LaneOut;
use shm_mach::ring::layout::{Bell, ReplyFlags, Slot};
use shm_mach::ring::reply::ReplyWords;
use shm_mach::ring::samples::Samples;
use shm_mach::ring::slot::{Head, Kind, Token};
use shm_mach::segment::Shared;

use crate::mail::body;

/// Where the generations of these models begin: the slot shows an answer of the one before.
pub const FIRST: u32 = 7;

/// What [`Awaited::take`] gives for a send-once right that was dropped unused.
pub const DROPPED: i32 = 0;

/// Reply slots in the answering task's half, and what belongs to them.
#[derive(Clone)]
pub struct Desk {
    slots: Shared<[Slot]>,
    flags: Shared<[ReplyFlags]>,
    payload: Shared<[AtomicU64]>,
    bells: Shared<[Bell]>,
    gate: Gate,
}

/// A slot as the generation before [`FIRST`] left it: an answer that must not be seen again.
fn last_life() -> Slot {
    let slot = Slot::default();
    let words = Head::message(-1, 8).encode(FIRST - 1);
    words.iter().zip(&slot.words).for_each(|(value, word)| word.store(*value, Ordering::Relaxed));
    slot
}

impl Desk {
    /// `slots` reply slots in a half whose bells are `bells`, with room for payload of `bytes`.
    pub fn new(slots: usize, bells: Shared<[Bell]>, bytes: usize) -> Self {
        Self {
            slots: Shared::heap_slice((0..slots).map(|_| last_life()).collect()),
            flags: Shared::heap_slice((0..slots).map(|_| ReplyFlags::default()).collect()),
            payload: Shared::heap_slice((0..bytes / 8).map(|_| AtomicU64::new(0)).collect()),
            bells,
            gate: Gate::Symmetric,
        }
    }

    /// The words of one slot.
    pub fn words(&self, slot: u16) -> ReplyWords<'_> {
        let slot = usize::from(slot);
        ReplyWords { slot: &self.slots[slot], flags: &self.flags[slot], gate: self.gate }
    }

    /// Begins a generation of a slot: its token, and the answer that is awaited. With `bell`, the
    /// answer rings it.
    pub fn ask(&self, slot: u16, generation: u32, bell: Option<u8>) -> (Token, Awaited) {
        self.words(slot).begin(generation, bell);
        let token = Token { slot, generation };
        (token, Awaited { desk: self.clone(), token, armed: bell })
    }

    /// Answers a token with message `id` of 8 bytes.
    pub fn answer(&self, token: Token, id: i32, stamp: u64) {
        self.publish(token, Head { stamp, ..Head::message(id, 8) }, &body(id, 8));
    }

    /// The same, stamped if that is asked for.
    pub fn answer_in_order(&self, token: Token, id: i32) {
        let is_stamped = token.is_stamped() || self.words(token.index()).is_stamped(token.generation);
        self.answer(token, id, if is_stamped { sync::stamp() } else { 0 });
    }

    /// The right that the token stands for is dropped unused.
    pub fn drop_unused(&self, token: Token) {
        self.publish(token, Head::close(), &[]);
    }

    fn publish(&self, token: Token, head: Head, body: &[u8]) {
        if let Some(bell) = self.words(token.index()).publish(token.generation, head, body) {
            LaneOut::ring(&self.bells, bell);
        }
    }

    /// Room for long answers: the whole payload region.
    pub fn heap(&self) -> Heap {
        let mut heap = Heap::default();
        heap.grow(0, self.payload.clone());
        heap
    }

    /// Answers a token with message `id` of `length` bytes, if the heap has room; says whether.
    pub fn answer_long(&self, heap: &mut Heap, token: Token, id: i32, length: usize) -> bool {
        let is_free = |token: Token| self.words(token.index()).is_consumed(token.generation);
        let body = body(id, length);
        let Some(at) = heap.write([&[], &body], token, is_free) else { return false };
        self.publish(token, Head { payload_at: at, ..Head::message(id, length) }, &body);
        true
    }
}

/// An answer that is awaited.
#[derive(Clone)]
pub struct Awaited {
    desk: Desk,
    token: Token,
    armed: Option<u8>,
}

impl std::fmt::Debug for Awaited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Awaited({:?})", self.token)
    }
}

impl Awaited {
    fn words(&self) -> ReplyWords<'_> {
        self.desk.words(self.token.index())
    }

    /// The answer, if it is there.
    pub fn peek(&self) -> Option<Head> {
        self.words().peek(self.token.generation).expect("torn: an honest peer writes no nonsense")
    }

    /// Whether the answer is there.
    pub fn is_there(&self) -> bool {
        self.peek().is_some()
    }

    /// Copies the answer out and gives its memory back: its id, or [`DROPPED`].
    ///
    /// # Panics
    /// When it is not there, or not what an honest peer writes.
    pub fn take(self) -> i32 {
        let head = self.peek().expect("the answer was seen");
        let id = self.read(&head);
        self.words().consume(self.token.generation, &head);
        id
    }

    fn read(&self, head: &Head) -> i32 {
        if head.kind == Kind::Close {
            return DROPPED;
        }
        let (mut records, mut bytes) = (Vec::new(), Vec::new());
        let copied = self.words().copy(&self.desk.payload, head, &mut records, &mut bytes);
        copied.expect("torn: the payload lies in the region");
        assert_eq!(bytes, body(head.id, head.length), "torn: answer {}", head.id);
        head.id
    }

    /// Reads the answer and says nothing of it: its id.
    ///
    /// # Panics
    /// As [`take`](Self::take).
    pub fn copy(&self) -> i32 {
        self.read(&self.peek().expect("the answer was seen"))
    }

    /// Something else can come where the answer comes, from now on.
    pub fn put_in_order(&self) {
        self.words().ask(self.token.generation, self.armed, true);
    }

    /// Nobody waits for the answer any more.
    pub fn abandon(self) {
        self.words().abandon(self.token.generation);
    }

    /// Asks for `bell`, if no bell was asked for yet: the gate, if so.
    pub fn arm(&mut self, bell: u8) -> Option<Gate> {
        let is_new = self.armed.replace(bell) != Some(bell);
        is_new.then(|| {
            self.words().ask(self.token.generation, Some(bell), false);
            self.desk.gate
        })
    }

    /// Samples the bell that is rung for it.
    pub fn sample(&self, bell: u8, samples: &mut Samples) {
        samples.add(self.desk.bells.at(usize::from(bell)).expect("a half has bells"));
    }
}
