//! The link to one peer: both halves, the lanes in them, and the control lanes.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use futex::Gate;
use futex::sync::Lock;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::client::half::{OwnHalf, PeerHalf};
use crate::client::identity::Identity;
use crate::client::replies::Replies;
use crate::ring::group::Samples;
use crate::ring::lane_in::LaneIn;
use crate::ring::lane_out::{Death, LaneOut, Refusal, Region};
use crate::ring::layout::{Bell, LANES, ReplyFlags, Slot};
use crate::ring::payload::{Area, longest_payload};
use crate::ring::slot::{Head, Nonsense, Token};
use crate::segment::Shared;
use crate::segment::process::is_dead;
use crate::wire::control::Control;
use crate::wire::request::PortRef;

/// No generation of the lane is open.
const FREE: u32 = 0;
/// A group reads the lane.
const OPEN: u32 = 1;
/// The lane was killed; the sender has not said yet where it ends.
const DEAD: u32 = 2;

/// The bell that is rung for news.
const CONTROL_BELL: u8 = 0;

/// News that wait for room in the control lane.
const BACKLOG_MOST: usize = 1 << 16;

/// A link to one peer.
///
/// A link that this task has asked for is *pending* until the peer's half arrives: this task can
/// send already, and rings for everything that it sends, since it cannot know yet who sleeps.
#[derive(Debug)]
pub(crate) struct Link {
    /// This task's number for the link, never used again.
    pub(crate) number: u64,
    /// The peer's task id; in a pair without an authority a number of this task's own.
    pub(crate) task: u64,
    pub(crate) peer: Identity,
    pub(crate) gate: Gate,
    pub(crate) own: OwnHalf,
    theirs: OnceLock<PeerHalf>,
    pub(crate) replies: Replies,
    /// Stand for the peer's reply slots and flags while it has none here.
    pub(crate) blank: (Slot, ReplyFlags),
    out: Lock<OutLanes>,
    /// Something found the control lane full.
    has_backlog: AtomicBool,
    news: Lock<Option<LaneIn>>,
    /// For each lane of the peer, one of `FREE`, `OPEN`, `DEAD`.
    lanes_in: [AtomicU32; LANES],
    /// The lanes that are `DEAD`.
    dead_lanes: Lock<Vec<DeadLane>>,
    /// How many lanes are `DEAD` and tokens abandoned: while there are none, nobody looks.
    pub(crate) remains: AtomicU32,
    dead: AtomicBool,
    /// How often a bell of the peer's was seen rung.
    rings: AtomicU32,
    watch: Watch,
}

/// How many rings more than messages taken a peer may have: more than it can have messages queued
/// here that were rung for and not taken.
const RINGS_AHEAD: u32 = 1 << 17;

/// What tells of the peer's death when no authority does.
#[derive(Debug)]
pub(crate) enum Watch {
    /// The peer's process, and the socket that joins it.
    Pair { process: OwnedFd, socket: OwnedFd },
    /// The peer's pid and start time, as the authority attested them, and this process's.
    Attested { pid: u32, started: u64, own: (u32, u64) },
}

/// The sender's side of the link: which lanes are free, and what is still to be told.
#[derive(Debug)]
struct OutLanes {
    control: LaneOut,
    /// News that found the control lane full, in order.
    backlog: VecDeque<Control>,
    /// For each lane, its last generation and where the next one starts.
    lanes: Vec<(u32, u64)>,
    free: Vec<usize>,
    /// Closed lanes whose close record the receiver has not read yet.
    closing: Vec<Closing>,
    free_areas: Vec<usize>,
}

#[derive(Debug)]
struct Closing {
    lane: usize,
    sender: LaneOut,
    /// The receiver was told where a dead lane ends.
    abandoned: bool,
}

/// A lane that was killed. What the peer has published there, and still publishes until it sees the
/// lane's death, is destroyed unread; the rights in it are released.
#[derive(Debug)]
struct DeadLane {
    index: usize,
    lane: LaneIn,
    /// The heavy fence after the kill: what is published without seeing the death is seen here.
    is_fenced: bool,
    /// How many more messages an honest peer can have there.
    left: usize,
    /// The peer has ended the lane at this position: nothing more comes.
    end: Option<u64>,
}

impl DeadLane {
    fn has_more(&self) -> bool {
        self.end.is_some() || !self.is_fenced || (self.left > 0 && !matches!(self.lane.peek(), Ok(None)))
    }

    /// Copies the rights of the next message that carries some; false when there is none (yet).
    fn take(&mut self, raw: &mut RawRights) -> bool {
        if !std::mem::replace(&mut self.is_fenced, true) {
            // Refused: then what is published from now on is found by a later look.
            let _ = self.lane.gate().heavy();
        }
        while self.left > 0 {
            let Ok(head) = self.lane.peek() else {
                self.left = 0;
                return false;
            };
            let Some(head) = head else { return false };
            let has_rights = head.reply.is_some() || head.rights > 0;
            let copied = has_rights && self.lane.copy(&head, &mut raw.records, &mut raw.body).is_ok();
            self.lane.discard();
            self.left -= 1;
            if copied {
                raw.token = head.reply;
                raw.count = head.rights;
                return true;
            }
        }
        false
    }
}

/// The rights of a message that is destroyed unread.
#[derive(Debug, Default)]
pub(crate) struct RawRights {
    pub(crate) token: Option<Token>,
    /// How many records there are.
    pub(crate) count: usize,
    pub(crate) records: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

/// There is no lane, no payload area or no memory for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

impl Link {
    /// A link over the own half, pending until [`complete`](Self::complete) is called.
    pub(crate) fn new(
        number: u64,
        task: u64,
        peer: Identity,
        own: OwnHalf,
        gate: Gate,
        watch: Watch,
    ) -> Self {
        let slots = own.geometry.slots as u32;
        let out = OutLanes {
            control: LaneOut::open(own.out_words(None, 0), gate, 1, 0, slots - 1).pending(),
            backlog: VecDeque::new(),
            lanes: vec![(0, 0); LANES],
            free: (1..LANES).rev().collect(),
            closing: Vec::new(),
            free_areas: (0..own.geometry.areas).rev().collect(),
        };
        Self {
            number,
            task,
            peer,
            gate,
            own,
            theirs: OnceLock::new(),
            replies: Replies::default(),
            blank: Default::default(),
            out: Lock::new(out),
            has_backlog: AtomicBool::new(false),
            news: Lock::new(None),
            lanes_in: [const { AtomicU32::new(FREE) }; LANES],
            dead_lanes: Lock::default(),
            remains: AtomicU32::new(0),
            dead: AtomicBool::new(false),
            rings: AtomicU32::new(0),
            watch,
        }
    }

    /// The peer's half has arrived.
    pub(crate) fn complete(&self, theirs: PeerHalf) {
        let slots = self.own.geometry.slots as u32;
        let mut out = self.out.lock();
        let mut news = self.news.lock();
        if self.theirs.get().is_some() {
            return;
        }
        let theirs = self.theirs.get_or_init(|| theirs);
        out.control.complete(theirs.flags_of(0), theirs.cursor_of(0));
        for closing in &mut out.closing {
            closing.sender.complete(theirs.flags_of(closing.lane), theirs.cursor_of(closing.lane));
        }
        *news = Some(LaneIn::adopt(theirs.in_words(&self.own, 0), self.gate, 1, 0, slots - 1));
    }

    /// The peer's half, once it has arrived.
    pub(crate) fn theirs(&self) -> Option<&PeerHalf> {
        self.theirs.get()
    }

    /// Completes a lane that was opened while the link was pending, if that is over.
    #[cold]
    pub(crate) fn complete_lane(&self, index: usize, lane: &mut LaneOut) {
        if let Some(theirs) = self.theirs() {
            lane.complete(theirs.flags_of(index), theirs.cursor_of(index));
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Acquire)
    }

    /// Marks the link dead; says whether this call was the first.
    pub(crate) fn set_dead(&self) -> bool {
        !self.dead.swap(true, Ordering::AcqRel)
    }

    /// Whether only the kernel can tell of the peer's death.
    pub(crate) fn is_pair(&self) -> bool {
        matches!(self.watch, Watch::Pair { .. })
    }

    /// Asks the kernel whether the peer lives. A dead process's pidfd is readable, a closed socket
    /// has hung up, another start time is another process; nothing else counts as a death.
    pub(crate) fn has_died(&self) -> bool {
        match &self.watch {
            Watch::Pair { process, socket } => {
                let mut fds = [
                    PollFd::from_borrowed_fd(process.as_fd(), PollFlags::IN),
                    PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::empty()),
                ];
                let now = Timespec { tv_sec: 0, tv_nsec: 0 };
                let hung_up = PollFlags::HUP | PollFlags::ERR;
                poll(&mut fds, Some(&now)).is_ok()
                    && (!fds[0].revents().is_empty() || fds[1].revents().intersects(hung_up))
            }
            Watch::Attested { pid, started, own } => is_dead(*pid, *started, *own),
        }
    }

    // The sending side.

    /// Opens a lane to a port of the peer.
    pub(crate) fn open_lane(&self, to: PortRef) -> Result<(usize, LaneOut), NoRoom> {
        let mut out = self.out.lock();
        out.flush();
        out.reclaim();
        let lane = *out.free.last().ok_or(NoRoom)?;
        self.own.prefault_lane(lane).map_err(|_| NoRoom)?;
        let (generation, start) = out.lanes[lane];
        let generation = generation.wrapping_add(1).max(1);
        self.own.describe(lane, generation, to.port);
        let theirs = self.theirs();
        let words = self.own.out_words(theirs, lane);
        let news = Control::Opened {
            lane: lane as u32,
            generation,
            port: to.port,
            epoch: to.epoch,
            key: to.key,
            start,
        };
        if !out.try_tell(&news) {
            return Err(NoRoom);
        }
        out.free.pop();
        out.lanes[lane].0 = generation;
        let opened = LaneOut::open(words, self.gate, generation, start, to.limit);
        Ok((lane, if theirs.is_none() { opened.pending() } else { opened }))
    }

    /// Closes a lane: its close record follows everything that was sent on it.
    pub(crate) fn close_lane(&self, lane: usize, mut sender: LaneOut) {
        if let Some(bell) = sender.close() {
            self.ring(bell);
        }
        let mut out = self.out.lock();
        // The peer's half may have come since the lane was last used: it is looked for once.
        self.complete_lane(lane, &mut sender);
        out.closing.push(Closing { lane, sender, abandoned: false });
        out.reclaim();
    }

    /// Gives a lane room for long bodies.
    pub(crate) fn give_area(&self, sender: &mut LaneOut) -> Result<(), NoRoom> {
        let (index, words, base) = self.claim_area()?;
        sender.set_area(Area::new(words, index, base, self.own.geometry.slots));
        Ok(())
    }

    /// Takes a payload area for good, and where it begins in the payload region.
    pub(crate) fn take_area(&self) -> Result<(Region, usize), NoRoom> {
        self.claim_area().map(|(_, words, base)| (words, base))
    }

    fn claim_area(&self) -> Result<(usize, Region, usize), NoRoom> {
        let mut out = self.out.lock();
        if out.free_areas.is_empty() {
            out.reclaim();
        }
        let index = *out.free_areas.last().ok_or(NoRoom)?;
        let (words, base) = self.own.area(index).map_err(|_| NoRoom)?;
        out.free_areas.pop();
        Ok((index, words, base))
    }

    /// Rings a bell of the own half.
    pub(crate) fn ring(&self, bell: u8) {
        LaneOut::ring(&self.own.bells, bell);
    }

    /// The longest body of a message over this link.
    pub(crate) fn longest_body(&self) -> usize {
        longest_payload(self.own.geometry.area_bytes)
    }

    /// Gives rights back to the peer. What was sent with them is received first.
    pub(crate) fn give_back(&self, to: PortRef, count: u64) {
        self.tell(Control::Returned { port: to.port, epoch: to.epoch, key: to.key, count });
    }

    /// Tells the peer something, now or as soon as the control lane has room. Never waits.
    fn tell(&self, news: Control) {
        let mut out = self.out.lock();
        out.flush();
        if !out.backlog.is_empty() || !out.try_tell(&news) {
            out.defer(news);
        }
        self.has_backlog.store(!out.backlog.is_empty(), Ordering::Relaxed);
    }

    /// Tells what found the control lane full, as far as there is room now: the program may never
    /// tell anything again by itself.
    pub(crate) fn flush(&self) {
        if self.has_backlog.load(Ordering::Relaxed) {
            let mut out = self.out.lock();
            out.flush();
            self.has_backlog.store(!out.backlog.is_empty(), Ordering::Relaxed);
        }
    }

    // The receiving side.

    /// A bell was rung. If it is one of the peer's, says whether that was once too often: whether it
    /// has rung far more than what it has sent explains.
    pub(crate) fn rang(&self, bell: &Shared<Bell>) -> bool {
        let is_ours =
            self.bells().is_some_and(|bells| bells.as_ptr_range().contains(&std::ptr::from_ref(&**bell)));
        if !is_ours {
            return false;
        }
        let rings = self.rings.fetch_add(1, Ordering::Relaxed);
        // Sums modulo 2^32: what counts is how far one is ahead of the other.
        rings.is_multiple_of(1024) && {
            let taken = self.own.taken().wrapping_add(self.answers_taken());
            let ahead = rings.wrapping_sub(taken) as i32;
            ahead > RINGS_AHEAD as i32
        }
    }

    /// Samples the bell that the peer rings for news.
    pub(crate) fn sample(&self, samples: &mut Samples) {
        self.sample_bell(CONTROL_BELL, samples);
    }

    /// Asks the peer to ring for news; says whether it was not asked already. The lane stays armed
    /// for good: a thread that is about to sleep may have found it so.
    pub(crate) fn arm(&self) -> bool {
        let mut news = self.news.lock();
        match &mut *news {
            Some(news) if !news.is_armed(CONTROL_BELL) => {
                news.arm(CONTROL_BELL);
                true
            }
            _ => false,
        }
    }

    /// Whether there are news.
    pub(crate) fn has_news(&self) -> bool {
        self.news.lock().as_ref().is_some_and(|news| !matches!(news.peek(), Ok(None)))
    }

    /// The next piece of news.
    ///
    /// # Errors
    /// [`Nonsense`]: the peer said something that no honest library says.
    pub(crate) fn peek_news(&self) -> Result<Option<Control>, Nonsense> {
        let news = self.news.lock();
        let Some(news) = &*news else { return Ok(None) };
        let Some(head) = news.peek()? else { return Ok(None) };
        if head.payload_bytes() > 0 {
            return Err(Nonsense);
        }
        let mut body = Vec::new();
        news.copy(&head, &mut Vec::new(), &mut body)?;
        Control::decode(head.id, &body).ok_or(Nonsense).map(Some)
    }

    /// The piece of news that was [peeked](Self::peek_news) at was taken.
    pub(crate) fn advance_news(&self) {
        if let Some(news) = &mut *self.news.lock() {
            news.advance(&Head::message(0, 0));
        }
    }

    /// Adopts a lane that the peer opened.
    ///
    /// # Errors
    /// [`Nonsense`]: there is no such lane, it is open already, or it begins elsewhere.
    pub(crate) fn adopt_lane(
        &self,
        lane: u32,
        generation: u32,
        start: u64,
        limit: u32,
    ) -> Result<LaneIn, Nonsense> {
        let index = lane as usize;
        let state = self.lanes_in.get(index).ok_or(Nonsense)?;
        if state.load(Ordering::Acquire) != FREE {
            return Err(Nonsense);
        }
        // A generation begins where the last one was read to the end.
        if start as u32 != self.own.position(index) {
            return Err(Nonsense);
        }
        let theirs = self.theirs().ok_or(Nonsense)?;
        state.store(OPEN, Ordering::Relaxed);
        // Our own lack of memory for a line of flags: the sender is told nothing and keeps waiting,
        // and the lane stays unread. Ending the link is the only answer that is not silent.
        self.own.prefault_answers(index).map_err(|_| Nonsense)?;
        Ok(LaneIn::adopt(theirs.in_words(&self.own, index), self.gate, generation, start, limit))
    }

    /// The lane's close record is at its head, and is taken. The peer may open the lane again as
    /// soon as it sees that, so the lane must be free here before.
    pub(crate) fn release_lane(&self, index: usize, mut lane: LaneIn) {
        self.lanes_in[index].store(FREE, Ordering::Release);
        lane.advance(&Head::close());
    }

    /// The lane is read no further. The peer may open it again after it has said where it ends.
    pub(crate) fn kill_lane(&self, index: usize, mut lane: LaneIn, death: Death) {
        let mut dead = self.dead_lanes.lock();
        self.lanes_in[index].store(DEAD, Ordering::Release);
        lane.kill(death);
        let left = lane.capacity();
        self.remains.fetch_add(1, Ordering::Release);
        dead.push(DeadLane { index, lane, is_fenced: false, left, end: None });
    }

    /// Whether a message may lie in a lane that was killed.
    pub(crate) fn has_unread(&self) -> bool {
        self.remains.load(Ordering::Acquire) > 0
            && (self.dead_lanes.lock().iter().any(DeadLane::has_more) || self.has_late_answer())
    }

    /// Destroys messages in lanes that were killed, and answers that nobody waits for, up to the next
    /// one that carries rights: those are for the caller to release. False when there is none (yet).
    pub(crate) fn destroy_unread(&self, raw: &mut RawRights) -> bool {
        if self.remains.load(Ordering::Acquire) == 0 {
            return false;
        }
        let mut dead = self.dead_lanes.lock();
        let mut at = 0;
        while at < dead.len() {
            if dead[at].take(raw) {
                return true;
            }
            if let Some(end) = dead[at].end {
                // Read to the end: the peer may use the ring again.
                let over = dead.swap_remove(at);
                self.remains.fetch_sub(1, Ordering::Relaxed);
                self.lanes_in[over.index].store(FREE, Ordering::Release);
                self.own.bury(over.index, end);
                continue;
            }
            at += 1;
        }
        drop(dead);
        self.take_late_answer(raw)
    }

    /// The peer has seen that its lane is dead, and has ended it: it is free once it is read so far.
    ///
    /// # Errors
    /// [`Nonsense`]: the lane is not dead, or cannot end there.
    pub(crate) fn bury_lane(&self, lane: u32, end: u64) -> Result<(), Nonsense> {
        if !self.own.can_end(lane as usize, end) {
            return Err(Nonsense);
        }
        let mut dead = self.dead_lanes.lock();
        let ended = dead.iter_mut().find(|dead| dead.index == lane as usize && dead.end.is_none());
        ended.ok_or(Nonsense)?.end = Some(end);
        Ok(())
    }

    /// The bells of the peer's half, once it has arrived.
    pub(crate) fn bells(&self) -> Option<&Shared<[Bell]>> {
        self.theirs().map(|theirs| &theirs.bells)
    }

    /// Adds one of those bells to what a thread sleeps on.
    pub(crate) fn sample_bell(&self, bell: u8, samples: &mut Samples) {
        if let Some(bell) = self.bells().and_then(|bells| bells.at(usize::from(bell))) {
            samples.add(bell);
        }
    }
}

impl OutLanes {
    /// Lanes whose close record was read are free again. One that the receiver has killed is read no
    /// further: it is told where the lane ends, and answers by moving its cursor there.
    fn reclaim(&mut self) {
        let mut at = 0;
        while at < self.closing.len() {
            let closing = &mut self.closing[at];
            if closing.sender.is_drained() {
                let Closing { lane, sender, .. } = self.closing.swap_remove(at);
                let (start, area) = sender.end();
                self.lanes[lane].1 = start;
                self.free.push(lane);
                self.free_areas.extend(area.map(|area| area.index()));
                continue;
            }
            if !closing.abandoned && closing.sender.see_death() {
                let news = Control::Abandoned { lane: closing.lane as u32, end: closing.sender.position() };
                self.closing[at].abandoned = self.try_tell(&news);
            }
            at += 1;
        }
    }

    fn try_tell(&mut self, news: &Control) -> bool {
        let (id, body) = news.encode();
        match self.control.push(Head::message(id, body.len()), [&[], &body]) {
            Ok(Some(bell)) => {
                LaneOut::ring(self.control.bells(), bell);
                true
            }
            Ok(None) => true,
            Err(Refusal::Full) => false,
            Err(Refusal::Dead | Refusal::TooLarge | Refusal::NeedsArea) => true, // nobody is there to tell
        }
    }

    /// Keeps news until there is room. A peer that reads no news while it goes on giving rights
    /// away does not fill this task's memory: beyond
    /// the limit it is not told that they are back.
    fn defer(&mut self, news: Control) {
        if let (
            Some(Control::Returned { port, epoch, key, count }),
            Control::Returned { port: new_port, epoch: new_epoch, key: new_key, count: more },
        ) = (self.backlog.back_mut(), news)
            && (*port, *epoch, *key) == (new_port, new_epoch, new_key)
        {
            *count = count.saturating_add(more);
        } else if self.backlog.len() < BACKLOG_MOST {
            self.backlog.push_back(news);
        }
    }

    fn flush(&mut self) {
        while let Some(news) = self.backlog.front().copied() {
            if !self.try_tell(&news) {
                return;
            }
            self.backlog.pop_front();
        }
    }
}
