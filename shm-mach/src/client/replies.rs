//! The reply slots of a link: which tokens this task has given out, and where it answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futex::sync::Lock;

use crate::client::dead_lanes::RawRights;
use crate::client::link::{Link, NoRoom};
use crate::ring::heap::Heap;
use crate::ring::layout::REPLIES;
use crate::ring::reply::ReplyWords;
use crate::ring::slot::{Head, Kind, Nonsense, Token};

/// The reply slots of both halves.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    asking: Lock<Asking>,
    answering: Lock<Answering>,
    /// For each page of own reply slots, whether it is allocated.
    pages: [AtomicBool; REPLIES / SLOTS_A_PAGE],
}

/// Tokens for the peer to answer.
#[derive(Debug, Default)]
struct Asking {
    /// The generation of each slot that was ever used.
    generations: Vec<u32>,
    free: Vec<u16>,
    /// Tokens that nobody waits for, and the peer has not answered or dropped yet.
    abandoned: Vec<Token>,
}

/// Answers to the peer.
#[derive(Debug, Default)]
struct Answering {
    heap: Heap,
    /// How many answers were given: their order.
    count: u64,
}

/// Reply slots of one page.
const SLOTS_A_PAGE: usize = 4096 / 64;

/// One answer that a port waits for. The token is out: the port's own table says so, and only there.
#[derive(Debug)]
pub(crate) struct Awaited {
    pub(crate) link: Arc<Link>,
    pub(crate) token: Token,
    /// The bell that the answer rings.
    pub(crate) armed: Option<u8>,
}

impl Link {
    fn asking_words(&self, slot: u16) -> ReplyWords<'_> {
        let index = usize::from(slot);
        let slot = self.theirs().map_or(&self.blank.0, |theirs| &theirs.replies[index]);
        ReplyWords { slot, flags: &self.own.reply_flags[index], gate: self.gate }
    }

    fn answering_words(&self, slot: u16) -> ReplyWords<'_> {
        let index = usize::from(slot);
        let flags = self.theirs().map_or(&self.blank.1, |theirs| &theirs.reply_flags[index]);
        ReplyWords { slot: &self.own.replies[index], flags, gate: self.gate }
    }

    /// Takes a free reply slot of the peer's and begins a generation of it.
    pub(crate) fn begin_reply(&self, bell: Option<u8>) -> Result<Token, NoRoom> {
        let mut asking = self.replies.asking.lock();
        if asking.free.is_empty() {
            self.recover(&mut asking);
        }
        let slot = match asking.free.pop() {
            Some(slot) => slot,
            None if asking.generations.len() < REPLIES => {
                let slot = asking.generations.len();
                self.own.prefault_reply_flags(slot).map_err(|_| NoRoom)?;
                asking.generations.push(0);
                slot as u16
            }
            None => return Err(NoRoom),
        };
        let generation = &mut asking.generations[usize::from(slot)];
        *generation = generation.wrapping_add(1).max(1);
        let token = Token { slot, generation: *generation };
        drop(asking);
        self.asking_words(slot).begin(token.generation, bell);
        Ok(token)
    }

    /// Abandoned slots that the peer is done with are free.
    fn recover(&self, asking: &mut Asking) {
        let mut abandoned = std::mem::take(&mut asking.abandoned);
        abandoned.retain(|token| {
            let is_over = match self.asking_words(token.slot).peek(token.generation) {
                Ok(None) => false,
                Ok(Some(head)) => !carries_rights(&head), // else they are to be released first
                Err(_) => true,
            };
            if is_over {
                self.asking_words(token.slot).consume(token.generation);
                asking.free.push(token.slot);
                self.remains.fetch_sub(1, Ordering::Relaxed);
            }
            !is_over
        });
        asking.abandoned = abandoned;
    }

    /// How many tokens were given out, modulo 2^32.
    pub(crate) fn answers_taken(&self) -> u32 {
        self.replies.asking.lock().generations.iter().fold(0, |sum, generation| sum.wrapping_add(*generation))
    }

    /// Whether an answer that nobody waits for has come.
    pub(crate) fn has_late_answer(&self) -> bool {
        let is_there =
            |token: &Token| !matches!(self.asking_words(token.slot).peek(token.generation), Ok(None));
        self.replies.asking.lock().abandoned.iter().any(is_there)
    }

    /// Takes such answers, up to one that carries rights; says whether there is one.
    /// Of one whose region is not known yet `may_come` says whether it is waited for.
    pub(crate) fn take_late_answer(&self, raw: &mut RawRights, may_come: impl Fn() -> bool) -> bool {
        let mut asking = self.replies.asking.lock();
        let mut at = 0;
        while let Some(token) = asking.abandoned.get(at).copied() {
            let words = self.asking_words(token.slot);
            let answer = words.peek(token.generation);
            let rights = answer.ok().flatten().filter(carries_rights);
            let waits = rights.is_some_and(|head| self.misses_rights(&head) && may_come());
            if answer == Ok(None) || waits {
                at += 1;
                continue;
            }
            asking.abandoned.swap_remove(at);
            self.remains.fetch_sub(1, Ordering::Relaxed);
            asking.free.push(token.slot);
            let copied = match (&rights, self.theirs()) {
                (Some(head), _) if head.region.is_some() => self.read_rights(head, raw).is_ok(),
                (Some(head), Some(theirs)) => {
                    words.copy(&theirs.payload, head, &mut raw.records, &mut raw.body).is_ok()
                }
                _ => false,
            };
            words.consume(token.generation);
            if let Some(head) = rights.filter(|_| copied) {
                (raw.token, raw.count) = (head.reply, head.rights);
                return true;
            }
        }
        false
    }

    /// The token was never published, or its answer was read: the slot is free.
    pub(crate) fn end_reply(&self, token: Token) {
        self.replies.asking.lock().free.push(token.slot);
    }

    /// The token was never published: the slot is free. False if it was not abandoned by a port that
    /// died meanwhile, but settled.
    pub(crate) fn cancel_reply(&self, token: Token) -> bool {
        let mut asking = self.replies.asking.lock();
        let Some(at) = asking.abandoned.iter().position(|abandoned| *abandoned == token) else {
            return false;
        };
        asking.abandoned.swap_remove(at);
        self.remains.fetch_sub(1, Ordering::Relaxed);
        asking.free.push(token.slot);
        true
    }

    /// Makes room for the answer to a token of the peer's, when it arrives with a request.
    pub(crate) fn expect_to_answer(&self, token: Token) -> Result<(), NoRoom> {
        let slot = usize::from(token.slot);
        if slot >= REPLIES {
            return Err(NoRoom);
        }
        let page = &self.replies.pages[slot / SLOTS_A_PAGE];
        if !page.load(Ordering::Relaxed) {
            self.own.prefault_reply(slot).map_err(|_| NoRoom)?;
            page.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whether nobody waits for the answer to a token any more.
    pub(crate) fn is_answer_dead(&self, token: Token) -> bool {
        self.is_dead() || self.answering_words(token.slot).is_dead(token.generation)
    }

    /// Whether the peer is done with the answer to a token.
    pub(crate) fn is_answer_over(&self, token: Token) -> bool {
        self.answering_words(token.slot).is_over(token.generation)
    }

    /// Answers a token; `parts` are the records of the answer's rights and its body.
    pub(crate) fn answer(&self, token: Token, mut head: Head, parts: [&[u8]; 2]) -> Result<(), NoRoom> {
        let words = self.answering_words(token.slot);
        let mut answering = self.replies.answering.lock();
        if head.payload_bytes() > 0 && head.region.is_none() {
            let is_free = |token: Token| self.answering_words(token.slot).is_consumed(token.generation);
            let mut at = answering.heap.write(parts, token, is_free);
            if at.is_none() {
                let (region, base) = self.take_area()?;
                answering.heap.grow(base, region);
                at = answering.heap.write(parts, token, is_free);
            }
            head.payload_at = at.ok_or(NoRoom)?;
        }
        answering.count += 1;
        head.stamp = answering.count;
        // Under the lock, so that the numbers of the answers are their order.
        let bell = words.publish(token.generation, head, parts[1]);
        drop(answering);
        if let Some(bell) = bell {
            self.ring(bell);
        }
        Ok(())
    }
}

fn carries_rights(head: &Head) -> bool {
    head.kind == Kind::Message && head.carries_rights()
}

impl Awaited {
    fn words(&self) -> ReplyWords<'_> {
        self.link.asking_words(self.token.slot)
    }

    /// The answer, if it is there.
    #[inline]
    pub(crate) fn peek(&self) -> Result<Option<Head>, Nonsense> {
        self.words().peek(self.token.generation)
    }

    /// Copies the answer out.
    pub(crate) fn copy(
        &self,
        head: &Head,
        records: &mut Vec<u8>,
        body: &mut Vec<u8>,
    ) -> Result<(), Nonsense> {
        if head.region.is_some() {
            return self.link.read_large(head, records, body);
        }
        let theirs = self.link.theirs().ok_or(Nonsense)?;
        self.words().copy(&theirs.payload, head, records, body)
    }

    /// Asks for `bell` if it was not asked for already; says whether that was so.
    pub(crate) fn arm(&mut self, bell: u8) -> bool {
        let is_new = self.armed.replace(bell) != Some(bell);
        if is_new {
            self.words().arm(self.token.generation, bell);
        }
        is_new
    }

    /// The answer was read.
    pub(crate) fn consume(self) {
        self.words().consume(self.token.generation);
        self.link.end_reply(self.token);
    }

    /// Nobody waits for the answer any more.
    pub(crate) fn abandon(self) {
        self.words().abandon(self.token.generation);
        self.link.remains.fetch_add(1, Ordering::Release);
        self.link.replies.asking.lock().abandoned.push(self.token);
    }
}
