//! What the lock of a wait group guards: its lanes, and what its threads know of each other.

use std::sync::Arc;

use futex::Gate;
use futex::sync::{self, AtomicU32};

use crate::ring::lane_in::LaneIn;
use crate::ring::layout::Bell;
use crate::ring::order::{Order, Source};
use crate::ring::patience::Patience;
use crate::ring::preposts::Membership;
use crate::ring::samples::Samples;
use crate::ring::slot::{Head, Nonsense, Short};
use crate::ring::world::Sources;
use crate::segment::Shared;

/// A lane in its group, with the bells of the half it lies in.
#[derive(Debug)]
pub struct Seat {
    /// The lane.
    pub lane: LaneIn,
    /// The bells of the sender's half.
    pub bells: Shared<[Bell]>,
    /// Which link it came over, and which of that link's lanes it is: the owner's own numbers.
    pub link: u64,
    /// See `link`.
    pub index: usize,
    /// The owner's number for who holds the right that the lane uses.
    pub holder: usize,
}

impl Seat {
    /// Enters the message at the head of the lane into the round, if it belongs there.
    fn note(&mut self, at: usize, order: &mut Order) {
        let time = match self.lane.peek() {
            Ok(None) => return,
            Ok(Some(head)) => self.lane.due(head.stamp, order.horizon()),
            Err(_) => Some(0), // whoever takes it finds out
        };
        if let Some(time) = time {
            order.add(time, Source::Lane(at));
        }
    }
}

/// A thread that waits for the leader to leave: the word that it sleeps on.
#[derive(Debug, Default)]
pub(super) struct Follower {
    pub(super) word: AtomicU32,
}

/// What the lock of a group guards. `P` is the owner's: what else can be received there.
#[derive(Debug)]
pub struct State<P> {
    /// The owner's part.
    pub port: P,
    /// Which bell of each sender's half is asked for: the group's own, or that of a set.
    pub(super) bell: u8,
    /// The sets that the port is in.
    pub(super) memberships: Vec<Membership>,
    /// How many of them rely on the lanes: every message must ring.
    pub(super) watchers: u32,
    /// In which order messages of several senders are taken.
    pub order: Order,
    pub(super) seats: Vec<Seat>,
    /// Where the next look begins.
    next: usize,
    /// Messages taken from the lane at `next` in a row.
    in_a_row: u32,
    pub(super) has_leader: bool,
    /// The leader sleeps on shared words, or is about to.
    pub(super) asleep: bool,
    /// The take that runs now follows a sleep: it leaves the lanes armed.
    pub(super) after_sleep: bool,
    /// Takes since the last sleep, up to a few.
    pub(super) awake_takes: u32,
    pub(super) followers: Vec<Arc<Follower>>,
    /// The last wait ended in a sleep: the next one probably does.
    pub(super) sleepy: bool,
    /// Takes since the world's news were last looked at.
    pub(super) takes: u32,
    /// A heavy fence was refused once: the lanes that it was for stay armed, and no sleep is safe
    /// for long any more.
    pub(super) fence_refused: bool,
    pub(super) patience: Patience,
}

/// A lane that has a message is left for the next one after this many.
const TURN: u32 = 32;
/// Takes after a sleep that leave the lanes armed, besides the one that the sleep was for: a receiver
/// that sleeps often spares the heavy fence, and a sender that goes on rings a few times in vain.
const STAY_ARMED: u32 = if sync::MODEL { 0 } else { 3 };

impl<P> State<P> {
    /// No lanes, and nobody who waits.
    pub(super) fn new(bell: u8, port: P) -> Self {
        Self {
            port,
            bell,
            memberships: Vec::new(),
            watchers: 0,
            order: Order::default(),
            seats: Vec::new(),
            next: 0,
            in_a_row: 0,
            has_leader: false,
            asleep: false,
            after_sleep: false,
            awake_takes: 0,
            followers: Vec::new(),
            sleepy: false,
            takes: 0,
            fence_refused: false,
            patience: Patience::default(),
        }
    }

    /// A message of one slot that [`ready`](Self::ready) would tell, from the lane that was looked at last: tried
    /// first, since mostly there is one. `None`: ask [`ready`](Self::ready).
    #[inline]
    pub fn ready_short(&mut self) -> Option<(usize, Short)> {
        let short = self.seats.get(self.next)?.lane.peek_short()?;
        self.is_clear(short.stamp).then_some((self.next, short))
    }

    /// The next lane that has something at its head, while there is only one sender. One who stamps its
    /// messages knows of another way that may not be known here yet: what it has sent after the last
    /// horizon needs a new one.
    #[inline]
    pub fn ready(&mut self) -> Option<(usize, Result<Head, Nonsense>)> {
        let count = self.seats.len();
        for _ in 0..count {
            if self.next >= count {
                self.next = 0;
            }
            match self.seats[self.next].lane.peek() {
                Ok(Some(head)) if self.is_clear(head.stamp) => return Some((self.next, Ok(head))),
                Ok(Some(_)) => {
                    self.order.want();
                    self.turn();
                }
                Ok(None) => self.turn(),
                Err(nonsense) => return Some((self.next, Err(nonsense))),
            }
        }
        None
    }

    /// Whether nothing can have come before the message at the head of the next lane.
    #[inline]
    fn is_clear(&mut self, stamp: u64) -> bool {
        stamp == 0
            || !sync::step("stamped-needs-horizon")
            || self.seats[self.next].lane.due(stamp, self.order.horizon()).is_some()
    }

    /// Where the next message lies, while there is more than one sender. `None` when nothing is due: if
    /// something is there, a round is wanted.
    pub fn next_due(&mut self) -> Option<Source>
    where
        P: Sources,
    {
        let next = self.order.pop();
        if next.is_none() && self.any_ready(true) {
            self.order.want();
        }
        next
    }

    /// What lies at the head of a lane that a round has found something in.
    ///
    /// # Errors
    /// [`Nonsense`]: no honest sender writes it, or takes it back.
    pub fn head(&self, at: usize) -> Result<Head, Nonsense> {
        self.seats[at].lane.peek()?.ok_or(Nonsense)
    }

    /// Begins a round: the clock read `horizon`, and after that all news were heard.
    pub(super) fn begin_round(&mut self, horizon: u64)
    where
        P: Sources,
    {
        if !self.order.begin(horizon) {
            return;
        }
        for (at, seat) in self.seats.iter_mut().enumerate() {
            seat.note(at, &mut self.order);
        }
        self.port.due(&mut self.order);
    }

    fn turn(&mut self) {
        self.next += 1;
        self.in_a_row = 0;
    }

    /// The lanes.
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// One lane.
    pub fn seat(&mut self, at: usize) -> &mut Seat {
        &mut self.seats[at]
    }

    /// The message at the head of the lane, `head`, was taken, or is refused: on to the next.
    #[inline]
    pub fn advance(&mut self, at: usize, head: &Head) {
        self.seats[at].lane.advance(head);
        self.advanced(at);
    }

    /// The same of a message that [`ready_short`](Self::ready_short) told.
    #[inline]
    pub fn advance_short(&mut self, at: usize) {
        self.seats[at].lane.advance_short();
        self.advanced(at);
    }

    #[inline(always)]
    fn advanced(&mut self, at: usize) {
        // Whoever sleeps relies on the lane, also in a set that the port is in.
        let is_relied_on = self.watchers > 0 && sync::step("armed-for-sets");
        if !self.after_sleep && !self.asleep && !is_relied_on {
            self.awake_takes = self.awake_takes.saturating_add(1);
            if self.awake_takes > STAY_ARMED {
                self.seats[at].lane.disarm();
            }
        }
        if self.order.is_in_force() {
            self.seats[at].note(at, &mut self.order);
        }
        self.in_a_row += 1;
        if self.in_a_row >= TURN {
            self.turn();
        }
    }

    /// Adds a lane. Whoever calls this does so in [`Group::change`].
    pub fn insert(&mut self, seat: Seat) {
        self.seats.push(seat);
    }

    /// Takes a lane out of the group.
    pub fn remove(&mut self, at: usize) -> Seat {
        self.in_a_row = 0;
        self.order.replace_lane(at, self.seats.len() - 1);
        self.seats.swap_remove(at)
    }

    /// Whether a new source had better ring from the start.
    pub fn is_sleepy(&self) -> bool {
        self.sleepy || self.has_leader || self.watchers > 0
    }

    /// The bell of each sender's half that is asked for.
    pub fn bell(&self) -> u8 {
        self.bell
    }
}

impl<P: Sources> State<P> {
    /// Samples the bells that are rung for what lies here; false if one of them is not known yet.
    pub(super) fn sample(&mut self, samples: &mut Samples) -> bool {
        let are_all = self.port.sample(self.bell, samples);
        for (at, seat) in self.seats.iter().enumerate() {
            let is_first = self.seats[..at].iter().all(|other| other.link != seat.link);
            if let (true, Some(bell)) = (is_first, seat.bells.at(usize::from(self.bell))) {
                samples.add(bell);
            }
        }
        are_all
    }

    /// Asks every sender for the bell, and adds the gates of those that were not asked yet: their heavy
    /// fences must follow before the lock is released, and then another look. False if a source could
    /// not fence what it has fenced for itself.
    pub(super) fn arm(&mut self, gates: &mut Vec<Gate>) -> bool {
        let bell = self.bell;
        for seat in self.seats.iter_mut().filter(|seat| !seat.lane.is_armed(bell)) {
            seat.lane.arm(bell);
            gates.push(seat.lane.gate());
        }
        self.port.arm(bell, gates)
    }

    /// Whether a look would find something, when everything that was told before was `heard` or not.
    pub(super) fn any_ready(&mut self, heard: bool) -> bool {
        // What cannot be taken before the rest is heard is no reason to stay awake.
        let may_take = heard || !self.order.needs_horizon();
        let is_ready = |seat: &Seat| !matches!(seat.lane.peek(), Ok(None));
        (may_take && self.seats.iter().any(is_ready)) || self.port.any_ready(may_take)
    }
}

/// Passes the heavy side of each gate, once; false if that was refused.
pub(super) fn fence(gates: &[Gate]) -> bool {
    // The fence is one per process and gate, not one per lane.
    let kinds = [Gate::Asymmetric, Gate::Symmetric].into_iter().filter(|gate| gates.contains(gate));
    kinds.filter(|gate| gate.heavy().is_err()).count() == 0
}
