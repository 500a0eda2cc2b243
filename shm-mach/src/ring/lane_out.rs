//! The sender's end of a lane.

use futex::sync::{self, AtomicU64};
use futex::{Gate, order};

use crate::ring::layout::{
    Bell, Cursor, Entry, FLAG_DEAD, FLAG_LIMIT, FLAG_REVOKED, FLAG_SOLE, FLAG_WAKE, FULL_WAITS, FULL_WATCHED,
    Flags, Slot,
};
use crate::ring::payload::Area;
use crate::ring::region::Unread;
use crate::ring::slot::{Head, INLINE, seq};
use crate::segment::Shared;

/// Why a message was not published. Nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The queue holds as many messages of this sender as its limit allows, or the payload area has
    /// no room for the body until more is read.
    Full,
    /// The port is dead, or this sender holds no right to it any more.
    Dead,
    /// The payload is longer than half a payload area: it belongs into a region.
    TooLarge,
    /// The body needs a payload area and the lane has none: give it one and try again.
    NeedsArea,
}

/// [`LaneOut::quiet`] of a lane whose receiver's lines are not here yet.
const PENDING: u64 = u64::MAX;

/// How a lane came to be dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// The port died, or the sender never held a right to it.
    Died,
    /// The receiver revoked the sender's rights.
    Revoked,
}

/// The words of a lane as its sender sees them: `entry`, `slots` and `bells` in its own half,
/// `flags` and `cursor` read-only in the receiver's.
#[derive(Clone, Debug)]
pub struct OutWords {
    /// The lane's line in the directory.
    pub entry: Shared<Entry>,
    /// Its ring.
    pub slots: Shared<[Slot]>,
    /// The half's bells.
    pub bells: Shared<[Bell]>,
    /// What the receiver tells this sender.
    pub flags: Shared<Flags>,
    /// How far the receiver has read.
    pub cursor: Shared<Cursor>,
}

/// The sender's end of one lane in one of its generations. One thread at a time uses it.
///
/// A message is published by one store of its slot's sequence number, after everything else about
/// it; so a sender that is killed at any instruction leaves each message present or absent, and the
/// published slots are always a prefix.
#[derive(Debug)]
pub struct LaneOut {
    words: OutWords,
    gate: Gate,
    /// The flags word while the receiver wants nothing; [`PENDING`] never equals one.
    quiet: u64,
    /// `quiet` of a pending lane, once it is complete.
    generation_told: u64,
    /// Position of the next slot to write.
    tail: u64,
    /// The receiver's position as last seen.
    head: u64,
    /// How many unread messages are admitted.
    admitted: u64,
    dead: bool,
    /// Messages are stamped whatever the receiver says.
    stamps: bool,
    area: Option<Area>,
    /// Large messages.
    large: Unread,
}

/// Up to this limit every dequeue is published. A model must get past it with a small ring.
const EXACT: u32 = if sync::MODEL { 7 } else { 64 };

/// How many dequeues a receiver may make before it publishes its cursor. A sender admits
/// `limit + interval - 1`, so it blocks only when the queue truly holds `limit`; up to a limit of
/// 64 the interval is 1, which makes the count exact.
pub fn publish_interval(limit: u32, slots: usize) -> u64 {
    let wanted = if limit <= EXACT { 1 } else { u64::from(limit) / 4 };
    // One slot is kept back for the close record.
    wanted.min((slots as u64).saturating_sub(u64::from(limit))).max(1)
}

impl LaneOut {
    /// Opens the lane: `start` is where its ring's last generation ended, `limit` how many unread
    /// messages the port's queue holds for one sender. The caller has written the entry.
    ///
    /// A ring is used again only when the receiver has read the last generation to its end, which is
    /// when its cursor stands at `start`: the new generation takes every slot for free.
    pub fn open(words: OutWords, gate: Gate, generation: u32, start: u64, limit: u32) -> Self {
        let mut lane = Self {
            words,
            gate,
            quiet: u64::from(generation) << 32,
            generation_told: 0,
            tail: start,
            head: start,
            admitted: 0,
            dead: false,
            stamps: false,
            area: None,
            large: Unread::default(),
        };
        lane.set_limit(limit);
        lane
    }

    /// The lane's receiver has no half here yet: whoever may sleep there is woken for every message,
    /// by the control bell, until [`complete`](Self::complete).
    #[must_use]
    pub fn pending(mut self) -> Self {
        self.generation_told = self.quiet;
        self.quiet = PENDING;
        self
    }

    /// Whether [`complete`](Self::complete) was not called yet.
    #[inline(always)]
    pub fn is_pending(&self) -> bool {
        self.quiet == PENDING
    }

    /// The receiver's half has arrived: here are its lines.
    pub fn complete(&mut self, flags: Shared<Flags>, cursor: Shared<Cursor>) {
        if self.is_pending() {
            self.words.flags = flags;
            self.words.cursor = cursor;
            self.quiet = self.generation_told;
        }
    }

    /// Takes over a new queue limit.
    pub fn set_limit(&mut self, limit: u32) {
        let slots = self.words.slots.len();
        let limit = limit.min(slots as u32 - 1);
        let unpublished =
            if sync::step("admit-unpublished") { publish_interval(limit, slots) - 1 } else { 0 };
        self.admitted = (u64::from(limit) + unpublished).min(slots as u64 - 1);
    }

    /// From now on messages are stamped, also while the receiver thinks that nobody else can send:
    /// its task is about to have another way to the port, or to give one away.
    pub fn stamp_always(&mut self) {
        self.stamps = true;
    }

    /// Gives the lane room for long bodies.
    pub fn set_area(&mut self, area: Area) {
        self.area = Some(area);
    }

    /// Where the lane's next generation must start, and the area to give back.
    pub fn end(self) -> (u64, Option<Area>) {
        (self.tail, self.area)
    }

    /// Position of the next slot to write: how many messages were ever published here.
    pub fn position(&self) -> u64 {
        self.tail
    }

    #[inline(always)]
    fn index(&self, position: u64) -> usize {
        position as usize & (self.words.slots.len() - 1)
    }

    /// Publishes a message: `parts` are the records of its rights and its body. Returns whether the
    /// receiver must be woken with [`ring`](Self::ring); nothing else is left to do.
    ///
    /// # Errors
    /// In the order checked: [`Refusal::Dead`], [`Refusal::NeedsArea`], [`Refusal::TooLarge`],
    /// [`Refusal::Full`].
    #[inline]
    pub fn push(&mut self, head: Head, parts: [&[u8]; 2]) -> Result<Option<u8>, Refusal> {
        // Loaded first: a port known to be dead refuses, one that dies from here on swallows.
        let flags = self.words.flags.word.load(order!("flags-before", Relaxed));
        if flags & (FLAG_DEAD | FLAG_LIMIT) != 0 && self.heed(flags) {
            return Err(Refusal::Dead);
        }
        let payload = head.payload_bytes();
        if payload > 0 && head.region.is_none() {
            let area = self.area.as_ref().ok_or(Refusal::NeedsArea)?;
            if payload > area.longest() {
                return Err(Refusal::TooLarge);
            }
        }
        if !self.has_room(payload) {
            return Err(Refusal::Full);
        }
        // After room was found: a message that waited for room is as old as its success.
        let stamp = if self.is_sole(flags) { 0 } else { sync::stamp() };
        self.write(Head { stamp, ..head }, parts);
        Ok(self.after_publish())
    }

    /// Whether the receiver has said, in this generation, that nobody else can send to the port.
    #[inline(always)]
    fn is_sole(&self, flags: u64) -> bool {
        (flags ^ self.quiet) & !(FLAG_WAKE | FLAG_LIMIT) == FLAG_SOLE && !self.stamps
    }

    /// Publishes the close record in the slot that is kept back for it. Never refused.
    pub fn close(&mut self) -> Option<u8> {
        self.write(Head::close(), [&[], &[]]);
        self.after_publish()
    }

    /// Rings a bell that [`push`](Self::push) named: one thread, never all (a hostile receiver can
    /// have thousands queued on the word).
    #[cold]
    pub fn ring(bells: &[Bell], bell: u8) {
        let count = &bells[usize::from(bell)].count;
        // ORDER(bell-bump): Release, pairs with the sleeper's Acquire sample: who sees the new count
        // sees the message. A read-modify-write, because threads share the bell.
        if !sync::step("bell-shared") {
            count.store(count.load(sync::Ordering::Relaxed) + 1, sync::Ordering::Release);
        } else if sync::step("bell-count") {
            count.fetch_add(1, order!("bell-bump", Release));
        }
        sync::futex_wake(count, 1);
    }

    /// Whether the receiver has read everything, the close record included.
    pub fn is_drained(&self) -> bool {
        let position = self.words.cursor.position.load(sync::Ordering::Relaxed);
        // Pairs with the receiver's Release, as for room: the ring is written again after this.
        sync::fence(order!("drained-fence", Acquire));
        position == self.tail as u32
    }

    /// Looks whether the receiver has killed the lane.
    pub fn see_death(&mut self) -> bool {
        let flags = self.words.flags.word.load(sync::Ordering::Relaxed);
        self.is_dead(flags)
    }

    /// Whether the port was seen to be dead, and if so whether by revocation.
    pub fn death(&self) -> Option<Death> {
        let flags = self.words.flags.word.load(sync::Ordering::Relaxed);
        let is_ours = (flags ^ self.quiet) >> 32 == 0;
        self.dead.then_some(if is_ours && flags & FLAG_REVOKED != 0 { Death::Revoked } else { Death::Died })
    }

    /// The bells of this lane's half.
    pub fn bells(&self) -> &Shared<[Bell]> {
        &self.words.bells
    }

    /// Acts on what the receiver tells before a send: a limit that may be lower now, or death. Says whether
    /// it is that.
    #[cold]
    fn heed(&mut self, flags: u64) -> bool {
        if flags & FLAG_LIMIT != 0 {
            self.read_limit();
        }
        self.is_dead(flags)
    }

    fn is_dead(&mut self, flags: u64) -> bool {
        self.dead |= (flags ^ self.quiet) >> 32 == 0 && flags & FLAG_DEAD != 0;
        self.dead
    }

    /// Whether a message with so much payload finds room now. The receiver's progress is read only
    /// when the private copy of it says "full".
    #[inline]
    pub fn has_room(&mut self, payload: usize) -> bool {
        let fits =
            |lane: &Self| lane.tail - lane.head < lane.admitted && (payload == 0 || lane.has_place(payload));
        fits(self) || (self.refresh() && fits(self))
    }

    /// Whether a payload finds room: in the area, if it is short enough, else in a region.
    fn has_place(&self, payload: usize) -> bool {
        match &self.area {
            Some(area) if payload <= area.longest() => area.has_room(payload),
            _ => self.large.has_room(payload),
        }
    }

    /// Reads the limit and the cursor; false if they say nothing new, or something impossible.
    #[cold]
    fn refresh(&mut self) -> bool {
        let before = self.admitted;
        self.read_limit();
        self.read_cursor() || self.admitted > before
    }

    /// Takes over the limit that the receiver tells for this generation, if it tells one.
    fn read_limit(&mut self) {
        // ORDER(flags-limit): Acquire, pairs with flags-store: the limit that is read next is that of
        // this generation or newer, never an older one's.
        let flags = self.words.flags.word.load(sync::Ordering::Relaxed);
        sync::fence(order!("flags-limit", Acquire));
        let told = self.words.flags.limit.load(sync::Ordering::Relaxed);
        if (flags ^ self.quiet) >> 32 == 0 && told != 0 {
            self.set_limit(told - 1);
        }
    }

    fn read_cursor(&mut self) -> bool {
        // ORDER(cursor): Acquire, pairs with the receiver's Release: its reads of the slots and
        // payload before the cursor happen before we write them again.
        let position = self.words.cursor.position.load(order!("cursor-load", Relaxed));
        sync::fence(order!("cursor-fence", Acquire));
        let unread = u64::from((self.tail as u32).wrapping_sub(position));
        if unread > self.tail - self.head {
            // Behind what it said before, or ahead of what was sent: only a receiver that damages
            // its own queue writes that. Believe what it said before.
            return false;
        }
        let moved = unread != self.tail - self.head;
        self.head = self.tail - unread;
        self.large.free(self.head);
        if moved && self.area.is_some() {
            let last = self.index(self.head.wrapping_sub(1));
            if let Some(area) = &mut self.area {
                area.free(last);
            }
        }
        moved
    }

    #[inline]
    fn write(&mut self, mut head: Head, parts: [&[u8]; 2]) {
        let index = self.index(self.tail);
        let slots = &*self.words.slots;
        let slot = &slots[index].words;
        if let Some(area) = &mut self.area {
            if head.payload_bytes() > 0 && head.region.is_none() {
                head.payload_at = area.write(parts, index).expect("room was checked");
            } else {
                area.skip(index);
            }
        }
        if let Some(region) = head.region {
            self.large.add(self.tail + 1, head.payload_bytes());
            let place = head.encode_place(region);
            place
                .iter()
                .zip(&slot[4..])
                .for_each(|(value, word)| word.store(*value, sync::Ordering::Relaxed));
        } else if head.payload_bytes() == 0 {
            debug_assert!(parts[1].len() <= INLINE);
            sync::store_bytes(&slot[4..], parts[1]);
        }
        let [first, second, third, fourth] = head.encode(seq(self.tail));
        slot[1].store(second, sync::Ordering::Relaxed);
        slot[2].store(third, sync::Ordering::Relaxed);
        slot[3].store(fourth, sync::Ordering::Relaxed);
        // ORDER(slot-publish): Release, pairs with the receiver's Acquire fence after it has seen
        // this sequence number: it then sees the words, the body and the payload.
        slot[0].store(first, order!("slot-publish", Release));
        self.tail += 1;
    }

    /// The gate: publish, light fence, look whether anybody sleeps.
    #[inline(always)]
    fn after_publish(&mut self) -> Option<u8> {
        self.gate.light();
        let flags = self.words.flags.word.load(order!("flags-after", Relaxed));
        if (flags ^ self.quiet) & !(FLAG_SOLE | FLAG_LIMIT) == 0 {
            return None;
        }
        self.wanted(flags)
    }

    #[cold]
    fn wanted(&mut self, flags: u64) -> Option<u8> {
        if self.is_pending() {
            return sync::step("pending-rings").then_some(0);
        }
        if (flags ^ self.quiet) >> 32 != 0 {
            return None; // flags of an earlier lane here, or of a receiver that has not looked yet
        }
        if flags & FLAG_DEAD != 0 {
            self.dead = true;
            // Published after it was killed, and destroyed unread: its rights are to be released.
            return Some(0);
        }
        let bell = (flags & FLAG_WAKE) as u8;
        // A bell that does not exist is a receiver that wants no wake-up.
        (1..=self.words.bells.len() as u64).contains(&u64::from(bell)).then(|| bell - 1)
    }

    /// Prepares to sleep for room: raises the full flag, fences, and looks once more. `None` when
    /// the look found room or a dead port: try again at once.
    pub fn prepare_wait(&mut self, payload: usize) -> Option<FullWait> {
        // The other bit may be another thread's.
        self.words.entry.full.fetch_or(FULL_WAITS, order!("full-raise", Relaxed));
        // A receiver without the light fence may miss the flag: then the sleep must be short.
        let reliable = self.gate.heavy().is_ok();
        let state = self.words.flags.state.load(order!("state-sample", Relaxed));
        let position = self.words.cursor.position.load(order!("cursor-sample", Relaxed));
        // ORDER(full-sample): Acquire, pairs with state-store and cursor-publish: whatever the
        // samples already count is seen by the looks that follow. So it stands between the two.
        sync::fence(order!("full-sample", Acquire));
        let flags = self.words.flags.word.load(order!("flags-full", Relaxed));
        if self.is_dead(flags) {
            return None;
        }
        if self.has_room(payload) {
            return None;
        }
        Some(FullWait {
            flags: self.words.flags.clone(),
            cursor: self.words.cursor.clone(),
            state,
            position,
            reliable,
        })
    }

    /// Nobody waits for room any more.
    pub fn lower_full(&self) {
        self.words.entry.full.fetch_and(!FULL_WAITS, sync::Ordering::Relaxed);
    }

    /// After a refusal for want of room: asks to be woken when the receiver has read something, without
    /// waiting for it. `None`: it has done so since.
    pub fn watch_room(&mut self) -> Option<RoomWatch> {
        let watch = RoomWatch { entry: self.words.entry.clone(), position: self.head as u32 };
        watch.entry.full.fetch_or(FULL_WATCHED, order!("full-watch", Relaxed));
        // As for a sender that sleeps. Refused, it is noticed by a look that is made anyway.
        let _ = self.gate.heavy();
        // While the receiver has no half here, it cannot have read anything that would be seen.
        let position = self.words.cursor.position.load(order!("cursor-rewatch", Relaxed));
        if position != watch.position && !self.is_pending() {
            watch.end();
            return None;
        }
        Some(watch)
    }
}

/// Somebody wants to hear when the receiver has read more of a lane than up to a position.
#[derive(Debug)]
pub struct RoomWatch {
    entry: Shared<Entry>,
    position: u32,
}

impl RoomWatch {
    /// Whether the receiver, whose cursor for this lane is given, has read on.
    pub fn has_moved(&self, cursor: &Cursor) -> bool {
        cursor.position.load(sync::Ordering::Relaxed) != self.position
    }

    /// Nobody wants to hear of it any more.
    pub fn end(&self) {
        if sync::step("watch-apart") {
            self.entry.full.fetch_and(!FULL_WATCHED, sync::Ordering::Relaxed);
        } else {
            self.entry.full.store(0, sync::Ordering::Relaxed);
        }
    }
}

/// What a sender without room sleeps on: the cursor and the state word of the receiver's lines.
#[derive(Debug)]
pub struct FullWait {
    flags: Shared<Flags>,
    cursor: Shared<Cursor>,
    state: u32,
    position: u32,
    /// False when the heavy fence was refused: a wake-up may be missed.
    pub reliable: bool,
}

impl FullWait {
    /// The words with their samples, for a [`futex::WaitSet`].
    pub fn words(&self) -> [(&sync::AtomicU32, u32); 2] {
        [(&self.cursor.position, self.position), (&self.flags.state, self.state)]
    }
}

/// Keeps the type of a region of payload in one place.
pub type Region = Shared<[AtomicU64]>;
