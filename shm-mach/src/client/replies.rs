//! The reply slots of a link: which tokens this task has given out, and where it answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use futex::sync::Lock;

use crate::client::dead_lanes::RawRights;
use crate::client::link::{Link, NoRoom};
use crate::ring::heap::Heap;
use crate::ring::lane_in::LaneIn;
use crate::ring::lane_out::Death;
use crate::ring::layout::REPLIES;
use crate::ring::reply::{ReplyWords, next_generation};
use crate::ring::slot::{Head, Kind, Nonsense, Short, Token};

/// The reply slots of both halves.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    asking: Lock<Asking>,
    /// How often the peer was asked to ring for an answer, modulo 2^32.
    asked_to_ring: AtomicU32,
    /// Long answers to the peer.
    heap: Lock<Heap>,
    /// For each page of own reply slots, whether it is allocated.
    pages: [AtomicBool; REPLIES / SLOTS_A_PAGE],
}

/// Tokens for the peer to answer.
#[derive(Debug, Default)]
struct Asking {
    /// The generation of each slot that was ever used, as of when it was last given back.
    generations: Vec<u32>,
    /// Which port used each slot last.
    ports: Vec<u32>,
    free: Vec<u16>,
    /// Tokens that nobody waits for, and the peer has not answered or dropped yet.
    abandoned: Vec<Token>,
}

/// Reply slots of one page.
const SLOTS_A_PAGE: usize = 4096 / 64;

/// One answer that a port waits for. The right to give it is out: the port's own table says so, and
/// only there.
#[derive(Debug)]
pub(crate) struct Awaited {
    pub(crate) link: Arc<Link>,
    place: Place,
    /// The bell that the answer rings.
    armed: Option<u8>,
    /// The answering side stamps it, or will have been told to.
    is_stamped: bool,
    /// It cannot have been given before.
    floor: u64,
    /// When it was first seen, if that was before its stamp.
    seen: Option<u64>,
}

/// Where an answer comes.
#[derive(Debug)]
enum Place {
    /// A reply slot, for whom this task gave the right itself.
    Slot(Token),
    /// A lane for this one record, for whom the right was passed on to.
    Lane(Box<(usize, LaneIn)>),
}

/// A reply slot without a token out, which a port keeps for its next one: that needs no lock of the
/// link, and the answering side finds its memory where the last answer was.
#[derive(Debug)]
pub(crate) struct Kept {
    link: Arc<Link>,
    last: Token,
}

impl Kept {
    /// Whether it is the peer's.
    pub(crate) fn is_of(&self, link: &Arc<Link>) -> bool {
        Arc::ptr_eq(&self.link, link)
    }

    /// Begins the slot's next generation. With `bell`, the answer rings it. `stamped`: it has an order
    /// among other things that come.
    #[inline]
    pub(crate) fn begin(self, bell: Option<u8>, stamped: bool) -> (Token, Awaited) {
        let Self { link, last } = self;
        let token = Token::new(last.index(), next_generation(last.generation), stamped);
        Awaited::begin(link, token, bell)
    }

    /// The slot is the link's again.
    pub(crate) fn give_back(self) {
        self.link.end_reply(self.last);
    }
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

    /// The index of the port that awaits the answer to a token, if it is out.
    pub(crate) fn port_of(&self, token: Token) -> Option<u32> {
        self.replies.asking.lock().ports.get(usize::from(token.index())).copied()
    }

    /// Takes a free reply slot of the peer's and begins a generation of it, for a port.
    pub(crate) fn begin_reply(
        self: &Arc<Self>,
        port: u32,
        bell: Option<u8>,
        stamped: bool,
    ) -> Result<(Token, Awaited), NoRoom> {
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
                asking.ports.push(port);
                slot as u16
            }
            None => return Err(NoRoom),
        };
        asking.ports[usize::from(slot)] = port;
        let generation = next_generation(asking.generations[usize::from(slot)]);
        drop(asking);
        Ok(Awaited::begin(self.clone(), Token::new(slot, generation, stamped), bell))
    }

    /// Abandoned slots that the peer is done with are free.
    fn recover(&self, asking: &mut Asking) {
        let mut abandoned = std::mem::take(&mut asking.abandoned);
        abandoned.retain(|token| {
            let is_over = match self.asking_words(token.index()).peek(token.generation) {
                Ok(None) => false,
                Ok(Some(head)) => !carries_rights(&head), // else they are to be released first
                Err(_) => true,
            };
            if is_over {
                self.asking_words(token.index()).finish(token.generation);
                asking.give_back(*token);
                self.remains.fetch_sub(1, Ordering::Relaxed);
            }
            !is_over
        });
        asking.abandoned = abandoned;
    }

    /// How many rings for answers an honest peer can have made, modulo 2^32.
    pub(crate) fn answers_asked_to_ring(&self) -> u32 {
        self.replies.asked_to_ring.load(Ordering::Relaxed)
    }

    /// Whether an answer that nobody waits for has come.
    pub(crate) fn has_late_answer(&self) -> bool {
        let is_there =
            |token: &Token| !matches!(self.asking_words(token.index()).peek(token.generation), Ok(None));
        self.replies.asking.lock().abandoned.iter().any(is_there)
    }

    /// Takes such answers, up to one that carries rights; says whether there is one.
    /// Of one whose region is not known yet `may_come` says whether it is waited for.
    pub(crate) fn take_late_answer(&self, raw: &mut RawRights, may_come: impl Fn() -> bool) -> bool {
        let mut asking = self.replies.asking.lock();
        let mut at = 0;
        while let Some(token) = asking.abandoned.get(at).copied() {
            let words = self.asking_words(token.index());
            let answer = words.peek(token.generation);
            let rights = answer.ok().flatten().filter(carries_rights);
            let waits = rights.is_some_and(|head| self.misses_rights(&head) && may_come());
            if answer == Ok(None) || waits {
                at += 1;
                continue;
            }
            asking.abandoned.swap_remove(at);
            self.remains.fetch_sub(1, Ordering::Relaxed);
            let copied = match (&rights, self.theirs()) {
                (Some(head), _) if head.region.is_some() => self.read_rights(head, raw).is_ok(),
                (Some(head), Some(theirs)) => {
                    words.copy(&theirs.payload, head, &mut raw.records, &mut raw.body).is_ok()
                }
                _ => false,
            };
            words.finish(token.generation);
            asking.give_back(token);
            if let Some(head) = rights.filter(|_| copied) {
                (raw.token, raw.count) = (head.reply, head.rights);
                return true;
            }
        }
        false
    }

    /// The token was never published, or its answer was read: the slot is free.
    pub(crate) fn end_reply(&self, token: Token) {
        self.replies.asking.lock().give_back(token);
    }

    /// The token was never published: the slot is free. False if nobody had given it up meanwhile.
    pub(crate) fn cancel_reply(&self, token: Token) -> bool {
        let mut asking = self.replies.asking.lock();
        let Some(at) = asking.abandoned.iter().position(|abandoned| *abandoned == token) else {
            return false;
        };
        asking.abandoned.swap_remove(at);
        self.remains.fetch_sub(1, Ordering::Relaxed);
        asking.give_back(token);
        true
    }

    /// Makes room for the answer to a token of the peer's, when it arrives with a request.
    pub(crate) fn expect_to_answer(&self, token: Token) -> Result<(), NoRoom> {
        let slot = usize::from(token.index());
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
        self.is_dead() || self.answering_words(token.index()).is_dead(token.generation)
    }

    /// Whether the peer is done with the answer to a token.
    pub(crate) fn is_answer_over(&self, token: Token) -> bool {
        self.answering_words(token.index()).is_over(token.generation)
    }

    /// Answers a token; `parts` are the records of the answer's rights and its body.
    pub(crate) fn answer(&self, token: Token, mut head: Head, parts: [&[u8]; 2]) -> Result<(), NoRoom> {
        if head.payload_bytes() > 0 && head.region.is_none() {
            head.payload_at = self.write_long(token, parts)?;
        }
        if token.is_stamped() || self.answering_words(token.index()).is_stamped(token.generation) {
            head.stamp = futex::sync::stamp();
        }
        if let Some(bell) = self.answering_words(token.index()).publish(token.generation, head, parts[1]) {
            self.ring(bell);
        }
        Ok(())
    }

    /// Writes an answer that does not fit into its slot; says where it lies in the payload region.
    #[cold]
    fn write_long(&self, token: Token, parts: [&[u8]; 2]) -> Result<usize, NoRoom> {
        let is_free = |token: Token| self.answering_words(token.index()).is_consumed(token.generation);
        let mut heap = self.replies.heap.lock();
        if let Some(at) = heap.write(parts, token, is_free) {
            return Ok(at);
        }
        let (region, base) = self.take_area()?;
        heap.grow(base, region);
        heap.write(parts, token, is_free).ok_or(NoRoom)
    }
}

impl Asking {
    /// The slot is free; the token's generation was its last.
    fn give_back(&mut self, token: Token) {
        self.generations[usize::from(token.index())] = token.generation;
        self.free.push(token.index());
    }
}

fn carries_rights(head: &Head) -> bool {
    head.kind == Kind::Message && head.carries_rights()
}

impl Awaited {
    #[inline]
    fn begin(link: Arc<Link>, token: Token, bell: Option<u8>) -> (Token, Self) {
        link.asking_words(token.index()).begin(token.generation, bell);
        if bell.is_some() {
            link.replies.asked_to_ring.fetch_add(1, Ordering::Relaxed);
        }
        let is_stamped = token.is_stamped();
        (token, Self { link, place: Place::Slot(token), armed: bell, is_stamped, floor: 0, seen: None })
    }

    /// The peer has opened a lane for the answer.
    pub(crate) fn by_lane(link: Arc<Link>, index: usize, lane: LaneIn) -> Self {
        let place = Place::Lane(Box::new((index, lane)));
        Self { link, place, armed: None, is_stamped: true, floor: 0, seen: None }
    }

    /// Whether it is the answer to this token of a task's.
    pub(crate) fn is_to(&self, task: u64, token: Token) -> bool {
        self.link.task == task && matches!(self.place, Place::Slot(own) if own == token)
    }

    /// The answer, if it is there.
    #[inline]
    pub(crate) fn peek(&self) -> Result<Option<Head>, Nonsense> {
        match &self.place {
            Place::Slot(token) => self.link.asking_words(token.index()).peek(token.generation),
            Place::Lane(place) => place.1.peek(),
        }
    }

    /// The answer, if it is there and lies in its reply slot whole: then its token, too.
    #[inline]
    pub(crate) fn peek_short(&self) -> Option<(Token, Short)> {
        match &self.place {
            Place::Slot(token) => self
                .link
                .asking_words(token.index())
                .peek_short(token.generation)
                .map(|short| (*token, short)),
            Place::Lane(_) => None,
        }
    }

    /// Copies an answer out that [`peek_short`](Self::peek_short) told, which is then read: the reply slot is
    /// the caller's.
    #[inline]
    pub(crate) fn take_short(self, (last, short): (Token, &Short), body: &mut Vec<u8>) -> Kept {
        self.link.asking_words(last.index()).copy_short(short, body);
        Kept { link: self.link, last }
    }

    /// It was asked for after `horizon`.
    pub(crate) fn begins_after(&mut self, horizon: u64) {
        self.floor = horizon;
    }

    /// Something else can come where the answer comes, from now on.
    pub(crate) fn put_in_order(&mut self) {
        if let (false, Place::Slot(token)) = (std::mem::replace(&mut self.is_stamped, true), &self.place) {
            self.link.asking_words(token.index()).ask(token.generation, self.armed, true);
        }
    }

    /// When the answer that is there was given, if that was not after `horizon`: what its stamp says, as
    /// far as that can be true.
    pub(crate) fn due(&mut self, horizon: u64) -> Option<u64> {
        let stamp = match self.peek() {
            Ok(None) => return None,
            Ok(Some(head)) => head.stamp,
            Err(_) => 0, // whoever takes it finds out
        };
        let mut time = stamp.max(self.floor);
        if time > horizon {
            // It is here: so it was given before now, whatever it says.
            time = time.min(*self.seen.get_or_insert_with(futex::sync::stamp));
        }
        (time <= horizon).then_some(time)
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
        match &self.place {
            Place::Slot(token) => {
                self.link.asking_words(token.index()).copy(&theirs.payload, head, records, body)
            }
            Place::Lane(place) => place.1.copy(head, records, body),
        }
    }

    /// Asks for `bell` if it was not asked for already; says whether that was so.
    pub(crate) fn arm(&mut self, bell: u8) -> bool {
        let is_new = self.armed.replace(bell) != Some(bell);
        if is_new {
            self.link.replies.asked_to_ring.fetch_add(1, Ordering::Relaxed);
            match &mut self.place {
                Place::Slot(token) => {
                    self.link.asking_words(token.index()).ask(token.generation, Some(bell), self.is_stamped);
                }
                Place::Lane(place) => place.1.arm(bell),
            }
        }
        is_new
    }

    /// The answer, which [`peek`](Self::peek) told as `head`, was read. A reply slot is the caller's; a
    /// lane is the peer's again, since nothing but this record comes on it.
    #[inline]
    pub(crate) fn consume(self, head: &Head) -> Option<Kept> {
        let Self { link, place, .. } = self;
        match place {
            Place::Slot(last) => {
                link.asking_words(last.index()).consume(last.generation, head);
                Some(Kept { link, last })
            }
            Place::Lane(place) => {
                link.release_lane(place.0, place.1);
                None
            }
        }
    }

    /// The right is no longer the peer's, which has passed it on and writes nothing: the slot is free.
    pub(crate) fn take_back(self) {
        if let Place::Slot(token) = self.place {
            self.link.end_reply(token);
        }
    }

    /// Nobody waits for the answer any more.
    pub(crate) fn abandon(self, death: Death) {
        let Self { link, place, .. } = self;
        match place {
            Place::Slot(token) => {
                link.asking_words(token.index()).abandon(token.generation);
                // It rings if it comes late.
                link.replies.asked_to_ring.fetch_add(1, Ordering::Relaxed);
                link.remains.fetch_add(1, Ordering::Release);
                link.replies.asking.lock().abandoned.push(token);
            }
            Place::Lane(place) => link.kill_lane(place.0, place.1, death),
        }
    }
}
