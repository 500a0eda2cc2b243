//! The link to one peer: both halves, the lanes in them, and the control lanes.

use std::os::fd::{AsFd, OwnedFd};
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
use crate::ring::layout::LANES;
use crate::ring::payload::{Area, longest_payload};
use crate::ring::slot::{Head, Nonsense};
use crate::wire::control::Control;

/// Which port of the peer a right leads to, as the peer told when it gave the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RemotePort {
    pub(crate) port: u32,
    pub(crate) epoch: u32,
    pub(crate) key: u64,
    pub(crate) limit: u32,
}

/// No generation of the lane is open.
const FREE: u32 = 0;
/// A group reads the lane.
const OPEN: u32 = 1;
/// The lane was killed; the sender has not said yet where it ends.
const DEAD: u32 = 2;

/// The bell that is rung for news.
const CONTROL_BELL: u8 = 0;
/// News handled in one look, so that a peer cannot keep a thread busy.
pub(crate) const NEWS_A_LOOK: usize = 64;

/// A link to one peer.
#[derive(Debug)]
pub(crate) struct Link {
    /// This task's number for the link, never used again.
    pub(crate) number: u64,
    pub(crate) peer: Identity,
    pub(crate) gate: Gate,
    pub(crate) own: OwnHalf,
    pub(crate) theirs: PeerHalf,
    pub(crate) replies: Replies,
    out: Lock<OutLanes>,
    /// Something found the control lane full.
    has_backlog: AtomicBool,
    news: Lock<LaneIn>,
    /// For each lane of the peer, one of `FREE`, `OPEN`, `DEAD`.
    lanes_in: [AtomicU32; LANES],
    dead: AtomicBool,
    watch: Watch,
}

/// What tells of the peer's death when no authority does.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) process: OwnedFd,
    pub(crate) socket: OwnedFd,
}

/// The sender's side of the link: which lanes are free, and what is still to be told.
#[derive(Debug)]
struct OutLanes {
    control: LaneOut,
    /// News that found the control lane full, in order.
    backlog: Vec<Control>,
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

/// There is no lane, no payload area or no memory for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

impl Link {
    pub(crate) fn new(
        number: u64,
        peer: Identity,
        own: OwnHalf,
        theirs: PeerHalf,
        gate: Gate,
        watch: Watch,
    ) -> Self {
        let slots = own.geometry.slots as u32;
        let control = LaneOut::open(own.out_words(&theirs, 0), gate, 1, 0, slots - 1);
        let news = LaneIn::adopt(theirs.in_words(&own, 0), gate, 1, 0, slots - 1);
        let out = OutLanes {
            control,
            backlog: Vec::new(),
            lanes: vec![(0, 0); LANES],
            free: (1..LANES).rev().collect(),
            closing: Vec::new(),
            free_areas: (0..own.geometry.areas).rev().collect(),
        };
        Self {
            number,
            peer,
            gate,
            own,
            theirs,
            replies: Replies::default(),
            out: Lock::new(out),
            has_backlog: AtomicBool::new(false),
            news: Lock::new(news),
            lanes_in: [const { AtomicU32::new(FREE) }; LANES],
            dead: AtomicBool::new(false),
            watch,
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Acquire)
    }

    /// Marks the link dead; says whether this call was the first.
    pub(crate) fn set_dead(&self) -> bool {
        !self.dead.swap(true, Ordering::AcqRel)
    }

    /// Asks the kernel whether the peer lives. A dead process's pidfd is readable, a closed socket
    /// has hung up; nothing else counts as a death.
    pub(crate) fn has_died(&self) -> bool {
        let mut fds = [
            PollFd::from_borrowed_fd(self.watch.process.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.watch.socket.as_fd(), PollFlags::empty()),
        ];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        match poll(&mut fds, Some(&now)) {
            Ok(_) => {
                !fds[0].revents().is_empty() || fds[1].revents().intersects(PollFlags::HUP | PollFlags::ERR)
            }
            Err(_) => false,
        }
    }

    // The sending side.

    /// Opens a lane to a port of the peer.
    pub(crate) fn open_lane(&self, to: RemotePort) -> Result<(usize, LaneOut), NoRoom> {
        let mut out = self.out.lock();
        out.reclaim();
        let lane = *out.free.last().ok_or(NoRoom)?;
        self.own.prefault_lane(lane).map_err(|_| NoRoom)?;
        let (generation, start) = out.lanes[lane];
        let generation = generation.wrapping_add(1).max(1);
        self.own.describe(lane, generation, to.port);
        let words = self.own.out_words(&self.theirs, lane);
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
        Ok((lane, LaneOut::open(words, self.gate, generation, start, to.limit)))
    }

    /// Closes a lane: its close record follows everything that was sent on it.
    pub(crate) fn close_lane(&self, lane: usize, mut sender: LaneOut) {
        if let Some(bell) = sender.close() {
            self.ring(bell);
        }
        let mut out = self.out.lock();
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
    pub(crate) fn give_back(&self, to: RemotePort, count: u64) {
        self.tell(Control::Returned { port: to.port, epoch: to.epoch, key: to.key, count });
    }

    /// Tells the peer something, now or as soon as the control lane has room. Never waits.
    fn tell(&self, news: Control) {
        let mut out = self.out.lock();
        out.flush();
        if !out.backlog.is_empty() || !out.try_tell(&news) {
            out.backlog.push(news);
        }
        self.has_backlog.store(!out.backlog.is_empty(), Ordering::Relaxed);
    }

    /// Tells what found the control lane full, as far as there is room: the program may never tell
    /// anything again by itself.
    #[cold]
    fn flush(&self) {
        let mut out = self.out.lock();
        out.flush();
        self.has_backlog.store(!out.backlog.is_empty(), Ordering::Relaxed);
    }

    // The receiving side.

    /// Samples the bell that the peer rings for news.
    pub(crate) fn sample(&self, samples: &mut Samples) {
        if let Some(bell) = self.theirs.bells.at(usize::from(CONTROL_BELL)) {
            samples.add(bell);
        }
    }

    /// Asks the peer to ring for news; says whether it was not asked already.
    pub(crate) fn arm(&self) -> bool {
        let mut news = self.news.lock();
        let is_new = !news.is_armed(CONTROL_BELL);
        if is_new {
            news.arm(CONTROL_BELL);
        }
        is_new
    }

    /// Takes some news, one after the other, and says how many: 0 when there are none.
    ///
    /// # Errors
    /// [`Nonsense`]: the peer said something that no honest library says.
    pub(crate) fn take_news(
        &self,
        nobody_sleeps: bool,
        mut act: impl FnMut(Control) -> Result<(), Nonsense>,
    ) -> Result<usize, Nonsense> {
        if self.has_backlog.load(Ordering::Relaxed) {
            self.flush();
        }
        let mut news = self.news.lock();
        let mut body = Vec::new();
        let mut taken = 0;
        while let (true, Some(head)) = (taken < NEWS_A_LOOK, news.peek()?) {
            if nobody_sleeps {
                news.disarm();
            }
            if head.payload_bytes() > 0 {
                return Err(Nonsense);
            }
            news.copy(&head, &mut Vec::new(), &mut body)?;
            news.advance(&head);
            act(Control::decode(head.id, &body).ok_or(Nonsense)?)?;
            taken += 1;
        }
        Ok(taken)
    }

    /// Adopts a lane that the peer opened.
    ///
    /// # Errors
    /// [`Nonsense`]: there is no such lane, or it is open already.
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
        state.store(OPEN, Ordering::Relaxed);
        // Our own lack of memory for a line of flags: the sender is told nothing and keeps waiting,
        // and the lane stays unread. Ending the link is the only answer that is not silent.
        self.own.prefault_answers(index).map_err(|_| Nonsense)?;
        Ok(LaneIn::adopt(self.theirs.in_words(&self.own, index), self.gate, generation, start, limit))
    }

    /// The lane's close record is at its head, and is taken. The peer may open the lane again as
    /// soon as it sees that, so the lane must be free here before.
    pub(crate) fn release_lane(&self, index: usize, mut lane: LaneIn) {
        self.lanes_in[index].store(FREE, Ordering::Release);
        lane.advance(&Head::close());
    }

    /// The lane is read no further. The peer may open it again after it has said where it ends.
    pub(crate) fn kill_lane(&self, index: usize, mut lane: LaneIn, death: Death) {
        self.lanes_in[index].store(DEAD, Ordering::Release);
        lane.kill(death);
    }

    /// The peer has seen that its lane is dead, and has ended it.
    ///
    /// # Errors
    /// [`Nonsense`]: the lane is not dead.
    pub(crate) fn bury_lane(&self, lane: u32, end: u64) -> Result<(), Nonsense> {
        let index = lane as usize;
        let state = self.lanes_in.get(index).ok_or(Nonsense)?;
        if state.load(Ordering::Acquire) != DEAD {
            return Err(Nonsense);
        }
        state.store(FREE, Ordering::Release);
        self.own.bury(index, end);
        Ok(())
    }

    /// The bells of the peer's half.
    pub(crate) fn bells(&self) -> &crate::segment::Shared<[crate::ring::layout::Bell]> {
        &self.theirs.bells
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

    fn flush(&mut self) {
        while let Some(news) = self.backlog.first().copied() {
            if !self.try_tell(&news) {
                return;
            }
            self.backlog.remove(0);
        }
    }
}
