//! A reply slot: the place in the answering task's half where one answer is stored.
//!
//! The asking task hands out a *token* (slot and generation) with its request. The answer is a store
//! into that slot: it opens no lane, waits for nothing, and who waits for it polls one line. The
//! generation plays the part of a sequence number; the asking task keeps in private memory which
//! slots are out, in which generation and for which port, and reads no others. So a token that is
//! guessed, repeated or late is a store that nobody looks at.

use futex::sync::{self, AtomicU64};
use futex::{Gate, order};

use crate::ring::layout::{BELLS, FLAG_CONSUMED, FLAG_DEAD, FLAG_STAMPED, FLAG_WAKE, ReplyFlags, Slot};
use crate::ring::payload;
use crate::ring::slot::{Head, Nonsense, Short};

/// Generations of a slot after which its flags are stored although nobody needs them: so the
/// generation that they show is never half the number range behind, and "older" means older.
const REFRESH: u32 = 1 << 24;

/// The generation of a slot after `generation`: never 0, which is that of a slot never used.
pub fn next_generation(generation: u32) -> u32 {
    generation.wrapping_add(1).max(1)
}

/// The words of one reply slot. The slot and the payload region lie in the answering task's half,
/// the flags in the asking task's.
#[derive(Clone, Copy, Debug)]
pub struct ReplyWords<'a> {
    /// Where the answer goes.
    pub slot: &'a Slot,
    /// Where the asking task says what it wants.
    pub flags: &'a ReplyFlags,
    /// The gate of the link.
    pub gate: Gate,
}

impl ReplyWords<'_> {
    /// The answering side: whether nobody waits for the answer any more.
    pub fn is_dead(&self, generation: u32) -> bool {
        let word = self.flags.word.load(order!("reply-flags-before", Relaxed));
        word >> 32 == u64::from(generation) && word & FLAG_DEAD != 0
    }

    /// The answering side: whether the answer in `generation` is to be stamped, though its token does not
    /// say so: something else can come by now where it comes. Who has learned of anything that came so
    /// sees it, for it was said before.
    #[inline]
    pub fn is_stamped(&self, generation: u32) -> bool {
        let word = self.flags.word.load(order!("reply-flags-stamp", Relaxed));
        word >> 32 == u64::from(generation) && word & FLAG_STAMPED != 0
    }

    /// The answering side: whether the payload of an answer in `generation` is free again: the asking
    /// side says so, or speaks of a later generation already, which it begins only when it has copied
    /// the answer. Flags of an earlier generation say nothing: most are never stored.
    pub fn is_consumed(&self, generation: u32) -> bool {
        self.is_said(generation, FLAG_CONSUMED | FLAG_DEAD)
    }

    /// The answering side: whether the asking task is done with the answer in `generation`. More than
    /// [`is_consumed`](Self::is_consumed): of an answer that nobody waited for, the rights may still be
    /// read.
    pub fn is_over(&self, generation: u32) -> bool {
        self.is_said(generation, FLAG_CONSUMED)
    }

    /// Whether the asking task has said one of `flags` of the answer in `generation`, or has begun
    /// another one.
    fn is_said(&self, generation: u32, flags: u64) -> bool {
        let word = self.flags.word.load(sync::Ordering::Relaxed);
        // Pairs with reply-flags.
        sync::fence(order!("reply-consumed", Acquire));
        let ahead = ((word >> 32) as u32).wrapping_sub(generation);
        let is_over = ahead as i32 > 0 || (ahead != 0 && !sync::step("earlier-flags-say-nothing"));
        is_over || (ahead == 0 && word & flags != 0)
    }

    /// The answering side: stores the answer, or that there is none ([`Head::close`]), once in a
    /// generation. `body` is what fits into the slot; a longer one lies where the head says. Returns
    /// the bell to ring.
    #[inline]
    pub fn publish(&self, generation: u32, head: Head, body: &[u8]) -> Option<u8> {
        let words = &self.slot.words;
        if let Some(region) = head.region {
            let place = head.encode_place(region);
            place
                .iter()
                .zip(&words[4..])
                .for_each(|(value, word)| word.store(*value, sync::Ordering::Relaxed));
        } else if head.payload_bytes() == 0 {
            sync::store_bytes(&words[4..], body);
        }
        let [first, second, third, fourth] = head.encode(generation);
        words[1].store(second, sync::Ordering::Relaxed);
        words[2].store(third, sync::Ordering::Relaxed);
        words[3].store(fourth, sync::Ordering::Relaxed);
        // ORDER(reply-publish): Release, pairs with the Acquire fence of reply-look.
        words[0].store(first, order!("reply-publish", Release));
        self.gate.light();
        let flags = self.flags.word.load(order!("reply-flags-after", Relaxed));
        let bell = (flags & FLAG_WAKE) as usize;
        let is_ours = flags >> 32 == u64::from(generation);
        if is_ours && flags & FLAG_DEAD != 0 {
            return Some(0); // nobody waits for it: the rights in it are to be released
        }
        (is_ours && (1..=BELLS).contains(&bell)).then(|| bell as u8 - 1)
    }

    /// The asking side: the answer in `generation`, if it is there.
    ///
    /// # Errors
    /// [`Nonsense`]: the peer wrote what no honest peer writes.
    #[inline]
    pub fn peek(&self, generation: u32) -> Result<Option<Head>, Nonsense> {
        let Some(words) = self.published(generation) else { return Ok(None) };
        let place = || [4, 5].map(|index| self.slot.words[index].load(sync::Ordering::Relaxed));
        Head::decode(words, place).map(Some)
    }

    /// The asking side: the answer in `generation`, if it is there and lies in its slot whole. A look of
    /// its own: [`peek`](Self::peek) tells of all others.
    #[inline(always)]
    pub fn peek_short(&self, generation: u32) -> Option<Short> {
        self.published(generation).and_then(Short::decode)
    }

    /// The first words of the slot, each loaded once, if the answer is there.
    #[inline(always)]
    fn published(&self, generation: u32) -> Option<[u64; 4]> {
        let words = &self.slot.words;
        let first = words[0].load(order!("reply-look", Relaxed));
        if first as u32 != generation {
            return None;
        }
        // ORDER(reply-look): a relaxed load and an Acquire fence, pairs with reply-publish.
        sync::fence(order!("reply-fence", Acquire));
        let load = |index: usize| words[index].load(sync::Ordering::Relaxed);
        Some([first, load(1), load(2), load(3)])
    }

    /// The asking side: copies an answer out that [`peek_short`](Self::peek_short) told.
    #[inline]
    pub fn copy_short(&self, short: &Short, body: &mut Vec<u8>) {
        payload::read_inline(self.slot, short.length, body);
    }

    /// The asking side: copies the answer out; `region` is the payload region of the slot's half. A large
    /// answer lies in its own region: [`region::read`](super::region::read).
    ///
    /// # Errors
    /// [`Nonsense`]: its payload does not lie in the region.
    #[inline]
    pub fn copy(
        &self,
        region: &[AtomicU64],
        head: &Head,
        records: &mut Vec<u8>,
        body: &mut Vec<u8>,
    ) -> Result<(), Nonsense> {
        if head.region.is_some() {
            return Err(Nonsense);
        }
        payload::read(self.slot, region, head, records, body)
    }

    /// The asking side: begins a generation, before its token is published, and when the answer of the
    /// one before was copied or given up. With `bell`, the answer rings it: who answers has read the
    /// request, and sees what was stored before it, so no fence is needed for this. Without one
    /// nothing is stored: that would cost the answering side a cache line for each answer.
    #[inline]
    pub fn begin(&self, generation: u32, bell: Option<u8>) {
        if bell.is_some() || generation.is_multiple_of(REFRESH) {
            self.store_flags(generation, bell.map_or(0, |bell| u64::from(bell) + 1));
        }
    }

    /// The asking side: asks for `bell`, and whether the answer is to be `stamped`. If it is another bell
    /// than before, a heavy fence and another look must follow before anybody sleeps.
    pub fn ask(&self, generation: u32, bell: Option<u8>, stamped: bool) {
        let stamped = if stamped { FLAG_STAMPED } else { 0 };
        self.store_flags(generation, stamped | bell.map_or(0, |bell| u64::from(bell) + 1));
    }

    /// The asking side: the answer, which [`peek`](Self::peek) told as `head`, was copied: its payload,
    /// if it had one, is the peer's again. Of the slot itself the peer needs to hear nothing.
    #[inline]
    pub fn consume(&self, generation: u32, head: &Head) {
        if head.payload_bytes() > 0 {
            self.store_flags(generation, FLAG_CONSUMED);
        }
    }

    /// The asking side: of an answer that nobody waited for, nothing more is read.
    pub fn finish(&self, generation: u32) {
        self.store_flags(generation, FLAG_CONSUMED);
    }

    /// The asking side: nobody waits for the answer any more. The slot must not be used again before
    /// the peer has answered this generation or dropped it: a late answer would run into the next.
    pub fn abandon(&self, generation: u32) {
        self.store_flags(generation, FLAG_DEAD);
    }

    fn store_flags(&self, generation: u32, flags: u64) {
        let word = u64::from(generation) << 32 | flags;
        // ORDER(reply-flags): Release, so that a peer which sees an answer consumed writes its
        // memory again only after our copy.
        self.flags.word.store(word, order!("reply-flags", Release));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_an_earlier_generation_say_nothing_and_later_ones_all() {
        let (slot, flags) = (Slot::default(), ReplyFlags::default());
        let words = ReplyWords { slot: &slot, flags: &flags, gate: Gate::Symmetric };
        for generation in [1, 7, REFRESH - 1, u32::MAX - 1] {
            words.begin(generation, Some(0));
            assert!(!words.is_consumed(generation));
            assert!(!words.is_consumed(next_generation(generation)), "the flags are older");
            words.consume(generation, &Head::message(1, 100));
            assert!(words.is_consumed(generation));
            words.begin(next_generation(generation), Some(0));
            assert!(words.is_consumed(generation), "the flags are newer");
        }
    }

    #[test]
    fn flags_are_never_half_the_number_range_behind() {
        let (slot, flags) = (Slot::default(), ReplyFlags::default());
        let words = ReplyWords { slot: &slot, flags: &flags, gate: Gate::Symmetric };
        for step in 1..=256 {
            let generation = REFRESH.wrapping_mul(step);
            words.begin(generation, None);
            assert!(!words.is_consumed(generation.wrapping_add(REFRESH - 1)), "{generation:#x}");
        }
    }
}
