//! The link to one peer: both halves, the lanes in them, and the control lanes.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use futex::Gate;
use futex::sync::Lock;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::client::dead_lanes::DeadLane;
use crate::client::half::{OwnHalf, PeerHalf};
use crate::client::identity::Identity;
use crate::client::lanes_out::OutLanes;
use crate::client::regions_in::RegionsIn;
use crate::client::regions_out::RegionsOut;
use crate::client::replies::Replies;
use crate::client::rings::Rings;
use crate::ring::lane_in::LaneIn;
use crate::ring::lane_out::LaneOut;
use crate::ring::layout::{Bell, LANES, ReplyFlags, Slot};
use crate::ring::samples::Samples;
use crate::ring::slot::{Head, Nonsense};
use crate::segment::Shared;
use crate::segment::process::is_dead;
use crate::wire::control::Control;

/// No generation of the lane is open.
pub(super) const FREE: u32 = 0;
/// A group reads the lane.
pub(super) const OPEN: u32 = 1;
/// The lane was killed; the sender has not said yet where it ends.
pub(super) const DEAD: u32 = 2;

/// The bell that is rung for news.
const CONTROL_BELL: u8 = 0;

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
    pub(super) theirs: OnceLock<PeerHalf>,
    pub(crate) replies: Replies,
    /// Stand for the peer's reply slots and flags while it has none here.
    pub(crate) blank: (Slot, ReplyFlags),
    pub(super) out: Lock<OutLanes>,
    /// Regions for large messages to the peer.
    pub(super) lent: RegionsOut,
    /// The peer's, for those to this task.
    pub(super) borrowed: RegionsIn,
    /// Something found the control lane full.
    pub(super) has_backlog: AtomicBool,
    pub(super) news: Lock<Option<LaneIn>>,
    /// When the control lane was last read to its end: lanes that it tells of later began later.
    pub(super) heard: AtomicU64,
    /// For each lane of the peer, one of `FREE`, `OPEN`, `DEAD`.
    pub(super) lanes_in: [AtomicU32; LANES],
    /// The lanes that are `DEAD`.
    pub(super) dead_lanes: Lock<Vec<DeadLane>>,
    /// How many lanes are `DEAD` and tokens abandoned: while there are none, nobody looks.
    pub(crate) remains: AtomicU32,
    pub(super) dead: AtomicBool,
    /// The own half is on its way to the peer, and may not have been announced to it yet.
    unannounced: AtomicBool,
    /// Messages with rights that were taken and whose rights have not arrived.
    pub(super) in_hand: AtomicU32,
    /// How often a bell of the peer's was seen rung.
    pub(super) rings: Rings,
    pub(super) watch: Watch,
}

/// What tells of the peer's death when no authority does.
#[derive(Debug)]
pub(crate) enum Watch {
    /// The peer's process, and the socket that joins it.
    Pair { process: OwnedFd, socket: OwnedFd },
    /// The peer's pid and start time, as the authority attested them, and this process's.
    Attested { pid: u32, started: u64, own: (u32, u64) },
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
            lent: RegionsOut::default(),
            borrowed: RegionsIn::default(),
            has_backlog: AtomicBool::new(false),
            news: Lock::new(None),
            heard: AtomicU64::new(0),
            lanes_in: [const { AtomicU32::new(FREE) }; LANES],
            dead_lanes: Lock::default(),
            remains: AtomicU32::new(0),
            dead: AtomicBool::new(false),
            unannounced: AtomicBool::new(false),
            in_hand: AtomicU32::new(0),
            rings: Rings::default(),
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
        let mut control = LaneIn::adopt(theirs.in_words(&self.own, 0), self.gate, 1, 0, slots - 1);
        control.set_sole(true);
        *news = Some(control);
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

    #[inline]
    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Acquire)
    }

    /// Whether a port reads one of the peer's lanes.
    pub(crate) fn is_read(&self) -> bool {
        self.lanes_in.iter().any(|state| state.load(Ordering::Acquire) == OPEN)
    }

    /// The own half was given to the authority, which has not answered.
    pub(crate) fn set_unannounced(&self) {
        self.unannounced.store(true, Ordering::Relaxed);
    }

    /// The authority has announced the own half to the peer.
    pub(crate) fn set_announced(&self) {
        self.unannounced.store(false, Ordering::Relaxed);
    }

    /// Whether the peer can know that what is sent here is sent: it has the own half, or it was announced
    /// to it.
    #[inline]
    pub(crate) fn is_announced(&self) -> bool {
        !self.unannounced.load(Ordering::Relaxed) || self.has_adopted()
    }

    /// Whether the peer reads the control lane. If so, that is remembered.
    #[cold]
    fn has_adopted(&self) -> bool {
        let has =
            self.theirs().is_some_and(|theirs| theirs.flags_of(0).word.load(Ordering::Relaxed) >> 32 != 0);
        if has {
            self.set_announced();
        }
        has
    }

    /// Marks the link dead; says whether this call was the first.
    pub(crate) fn set_dead(&self) -> bool {
        !self.dead.swap(true, Ordering::AcqRel)
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

    /// A bell was rung. If it is one of the peer's, says whether that was once too often: whether it
    /// has rung far more than what it has sent explains.
    pub(crate) fn rang(&self, bell: &Shared<Bell>) -> bool {
        let Some(bells) = self.bells() else { return false };
        let Some(index) = bells.iter().position(|own| std::ptr::eq(own, &**bell)) else { return false };
        let now = bell.count.load(Ordering::Relaxed);
        self.rings.rang(index, now, || self.own.taken().wrapping_add(self.answers_asked_to_ring()))
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

    /// The control lane was just read to its end.
    pub(crate) fn has_heard(&self) {
        let now = futex::sync::stamp();
        if !self.has_news() {
            self.heard.store(now, Ordering::Relaxed);
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
        let mut lane = LaneIn::adopt(theirs.in_words(&self.own, index), self.gate, generation, start, limit);
        lane.begins_after(self.heard.load(Ordering::Relaxed));
        Ok(lane)
    }

    /// The lane's close record is at its head, and is taken. The peer may open the lane again as
    /// soon as it sees that, so the lane must be free here before.
    pub(crate) fn release_lane(&self, index: usize, mut lane: LaneIn) {
        self.lanes_in[index].store(FREE, Ordering::Release);
        lane.advance(&Head::close());
    }

    /// The bells of the peer's half, once it has arrived.
    pub(crate) fn bells(&self) -> Option<&Shared<[Bell]>> {
        self.theirs().map(|theirs| &theirs.bells)
    }

    /// Adds one of those bells to what a thread sleeps on; false if it is not known yet.
    pub(crate) fn sample_bell(&self, bell: u8, samples: &mut Samples) -> bool {
        let bell = self.bells().and_then(|bells| bells.at(usize::from(bell)));
        bell.map(|bell| samples.add(bell)).is_some()
    }
}
