//! The receiver's end of a lane.

use futex::sync::{self, AtomicU64};
use futex::{Gate, order};

use crate::ring::age::Age;
use crate::ring::lane_out::{Death, publish_interval};
use crate::ring::layout::{
    Cursor, Entry, FLAG_DEAD, FLAG_LIMIT, FLAG_REVOKED, FLAG_SOLE, FLAG_WAKE, Flags, Slot,
};
use crate::ring::payload;
use crate::ring::slot::{Head, Kind, Nonsense, Short, is_close, seq};
use crate::segment::Shared;

/// The words of a lane as its receiver sees them: `flags` and `cursor` in its own half, the rest
/// read-only in the sender's.
#[derive(Clone, Debug)]
pub struct InWords {
    /// The lane's line in the sender's directory: only its full flag is read here.
    pub entry: Shared<Entry>,
    /// Its ring.
    pub slots: Shared<[Slot]>,
    /// The payload region of the sender's half.
    pub payload: Shared<[AtomicU64]>,
    /// What this receiver tells the sender.
    pub flags: Shared<Flags>,
    /// How far this receiver has read.
    pub cursor: Shared<Cursor>,
}

/// The receiver's end of one lane in one of its generations, used under the lock of its group.
#[derive(Debug)]
pub struct LaneIn {
    words: InWords,
    gate: Gate,
    generation: u32,
    /// Position of the next slot to read.
    head: u64,
    /// Dequeues between two publications of the cursor.
    interval: u64,
    unpublished: u64,
    /// The flags word as last stored, without the generation.
    flags: u64,
    /// What is known of the times of its messages, whatever their stamps say.
    age: Age,
}

impl LaneIn {
    /// Adopts a lane that the sender has opened: `start` is what its entry says, which concerns
    /// only what this sender itself wrote; `limit` is the port's.
    pub fn adopt(words: InWords, gate: Gate, generation: u32, start: u64, limit: u32) -> Self {
        let age = Age::new(words.slots.len());
        let mut lane =
            Self { words, gate, generation, head: start, interval: 1, unpublished: 0, flags: 0, age };
        lane.store_limit(limit);
        lane.store_flags(0);
        // After the generation: a sender that filled the lane before it was known sleeps, and
        // believes no limit of another generation.
        lane.notify_state();
        lane
    }

    /// Tells the sender a new queue limit, and wakes it if it waits for room.
    pub fn set_limit(&mut self, limit: u32) {
        if self.unpublished > 0 {
            // What was read counts against a lower limit, and perhaps nothing is left to be read.
            self.publish_cursor();
        }
        self.store_limit(limit);
        self.notify_state();
    }

    /// The limit was lowered, or may be lower than the sender was told with its right: it reads the limit
    /// before each message from here on, and not only when it has used up the one before.
    pub fn watch_limit(&mut self) {
        if sync::step("lowered-limit-is-told") && self.flags & FLAG_LIMIT == 0 {
            self.store_flags(self.flags | FLAG_LIMIT);
        }
    }

    fn store_limit(&mut self, limit: u32) {
        self.interval = publish_interval(limit, self.words.slots.len());
        self.words.flags.limit.store(limit.saturating_add(1), sync::Ordering::Relaxed);
    }

    /// Tells the sender that the port is dead, or that it may not send to it (any more).
    pub fn kill(&mut self, death: Death) {
        let revoked = if death == Death::Revoked { FLAG_REVOKED } else { 0 };
        self.store_flags(self.flags | FLAG_DEAD | revoked);
        self.notify_state();
    }

    /// The sender's position after what was read: where its next generation may not start before.
    pub fn position(&self) -> u64 {
        self.head
    }

    /// The message at the head, if one is published. Its slot's words are loaded once, here.
    ///
    /// # Errors
    /// [`Nonsense`]: the sender wrote a slot that no honest sender writes.
    #[inline]
    pub fn peek(&self) -> Result<Option<Head>, Nonsense> {
        let Some(words) = self.published() else { return Ok(None) };
        let place = || [4, 5].map(|index| self.slot().words[index].load(sync::Ordering::Relaxed));
        Head::decode(words, place).map(Some)
    }

    /// The message at the head, if one is published that lies in its slot whole. A look of its own:
    /// [`peek`](Self::peek) tells of all others.
    #[inline(always)]
    pub fn peek_short(&self) -> Option<Short> {
        self.published().and_then(Short::decode)
    }

    /// The slot at the head.
    #[inline(always)]
    fn slot(&self) -> &Slot {
        let slots = &*self.words.slots;
        &slots[self.head as usize & (slots.len() - 1)]
    }

    /// The first words of the slot at the head, each loaded once, if it is published.
    #[inline(always)]
    fn published(&self) -> Option<[u64; 4]> {
        let words = &self.slot().words;
        let first = words[0].load(order!("slot-look", Relaxed));
        if first as u32 != seq(self.head) {
            return None;
        }
        // ORDER(slot-look): a relaxed load and an Acquire fence, pairs with the Release of
        // slot-publish (an acquire load is not allowed on a read-only page).
        sync::fence(order!("slot-fence", Acquire));
        let load = |index: usize| words[index].load(sync::Ordering::Relaxed);
        Some([first, load(1), load(2), load(3)])
    }

    /// How many messages are published and not read. The sender may publish more meanwhile, or lie.
    pub fn count_unread(&self) -> usize {
        let slots = &*self.words.slots;
        let is_there = |ahead: &usize| {
            let position = self.head.wrapping_add(*ahead as u64);
            let first = slots[position as usize & (slots.len() - 1)].words[0].load(sync::Ordering::Relaxed);
            first as u32 == seq(position) && !is_close(first)
        };
        (0..slots.len()).take_while(is_there).count()
    }

    /// The message at the head of a killed lane is destroyed. The sender is told nothing: it may use
    /// the ring again only when it has ended the lane.
    pub fn discard(&mut self) {
        self.head = self.head.wrapping_add(1);
    }

    /// Slots of the ring.
    pub fn capacity(&self) -> usize {
        self.words.slots.len()
    }

    /// The gate of the link that the lane belongs to.
    pub fn gate(&self) -> Gate {
        self.gate
    }

    /// Copies what the head says its message consists of: the records of its rights and its body,
    /// each appended. The bytes may change under the copy and mean nothing yet. A large message's lie in
    /// its region: [`region::read`](super::region::read).
    ///
    /// # Errors
    /// [`Nonsense`]: the payload does not lie in the payload region.
    #[inline]
    pub fn copy(&self, head: &Head, rights: &mut Vec<u8>, body: &mut Vec<u8>) -> Result<(), Nonsense> {
        if head.region.is_some() {
            return Err(Nonsense);
        }
        payload::read(self.slot(), &self.words.payload, head, rights, body)
    }

    /// The same of a message that [`peek_short`](Self::peek_short) told.
    #[inline]
    pub fn copy_short(&self, short: &Short, body: &mut Vec<u8>) {
        payload::read_inline(self.slot(), short.length, body);
    }

    /// When the message at the head was sent, if that was before `horizon`: what its `stamp` says, as far
    /// as it can be true.
    pub fn due(&mut self, stamp: u64, horizon: u64) -> Option<u64> {
        self.age.due(stamp, horizon)
    }

    /// Nothing of this lane was sent before: see [`Age`].
    pub fn begins_after(&mut self, time: u64) {
        self.age.begins_after(time);
    }

    /// Tells the sender whether nobody else can send to the port. It is told otherwise *before* somebody
    /// else is given a way to it.
    pub fn set_sole(&mut self, sole: bool) {
        if sole != self.is_sole() {
            self.store_flags(self.flags ^ FLAG_SOLE);
        }
    }

    fn is_sole(&self) -> bool {
        self.flags & FLAG_SOLE != 0
    }

    /// The message at the head, which [`peek`](Self::peek) told as `head`, was taken: gives its slot
    /// back to the sender, at the latest with the next `interval - 1` others. Payload, and a ring
    /// that was closed, are given back at once: the sender may need them while the queue is empty.
    #[inline]
    pub fn advance(&mut self, head: &Head) {
        self.step(head.payload_bytes() > 0 || head.kind == Kind::Close);
    }

    /// The same of a message that [`peek_short`](Self::peek_short) told.
    #[inline]
    pub fn advance_short(&mut self) {
        self.step(false);
    }

    #[inline]
    fn step(&mut self, publish: bool) {
        // The start was the sender's word: it may lie before the end of the number range.
        self.head = self.head.wrapping_add(1);
        self.age.taken();
        if !self.is_sole() {
            self.age.enter(self.head);
        }
        self.unpublished += 1;
        if self.unpublished >= self.interval || publish {
            self.publish_cursor();
        }
    }

    /// Publishes how far this receiver has read, and wakes a sender that waits for room.
    #[inline]
    pub fn publish_cursor(&mut self) {
        if !sync::step("publish-unasked") && self.words.entry.full.load(sync::Ordering::Relaxed) == 0 {
            return;
        }
        self.unpublished = 0;
        // ORDER(cursor): Release, pairs with the sender's Acquire fence: our copies are done
        // before the sender writes those slots again.
        self.words.cursor.position.store(self.head as u32, order!("cursor-publish", Release));
        self.gate.light();
        if self.words.entry.full.load(order!("full-look", Relaxed)) != 0 {
            sync::futex_wake(&self.words.cursor.position, 1);
        }
    }

    /// Whether the sender was asked to ring `bell`.
    pub fn is_armed(&self, bell: u8) -> bool {
        let named = self.flags & FLAG_WAKE;
        named == u64::from(bell) + 1 || (named != 0 && !sync::step("arm-for-own-bell"))
    }

    /// Asks the sender to ring `bell` after each message. A heavy fence and another look must follow
    /// before anybody sleeps.
    pub fn arm(&mut self, bell: u8) {
        self.store_flags(self.flags & !FLAG_WAKE | (u64::from(bell) + 1));
    }

    /// Asks the sender to ring no bell.
    #[inline]
    pub fn disarm(&mut self) {
        if self.flags & FLAG_WAKE != 0 {
            self.store_flags(self.flags & !FLAG_WAKE);
        }
    }

    fn store_flags(&mut self, flags: u64) {
        self.flags = flags;
        let word = u64::from(self.generation) << 32 | flags;
        // ORDER(flags): Release, so that a sender which sees this generation sees its limit.
        self.words.flags.word.store(word, order!("flags-store", Release));
    }

    /// A blocked sender must look again.
    fn notify_state(&self) {
        let state = &self.words.flags.state;
        // Only this process writes it, under the group's lock: no read-modify-write is needed.
        let next = state.load(sync::Ordering::Relaxed).wrapping_add(1);
        state.store(next, order!("state-store", Release));
        self.gate.light();
        if self.words.entry.full.load(order!("full-look-state", Relaxed)) != 0 {
            sync::futex_wake(state, 1);
        }
    }
}
