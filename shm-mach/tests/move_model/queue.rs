//! The queue of a port that moves: its senders' lanes, the cut, and what each party knows.
//!
//! The port's receivers, in turn, are tasks 0, 1 and 2. A sender has a lane to each task that it took
//! for the receiver. The authority cuts the lanes to the old one and hands what lies before the cuts
//! to the new one. Memory is taken to be in order: that a sender which does not see its page change
//! has published before the authority reads its lane is the gate's promise.

use std::hash::{Hash, Hasher};

use super::queue_steps::of;
use super::rules::{Rule, Rules};
use super::search::{Look, Wrong};

pub(crate) const HOSTS: usize = 3;
pub(crate) const SENDERS: usize = 2;
/// Messages of one sender, and so slots of a lane, at most.
pub(crate) const MESSAGES: usize = 3;

/// What the first receiver does that no honest library does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lie {
    /// It says that it has read less than it has.
    Cursor,
    /// It says that the lane of sender 1, which is another port's, was this one's.
    Lane,
    /// It shows that it has read more than it has, also when the port is not its any more.
    Room,
    /// It flags the lanes dead when the port is not its any more.
    Dead,
    /// It does not tell the senders that the port moves, as far as that is its to tell.
    Silence,
}

/// How much each party does, so that the model ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) hosts: usize,
    pub(crate) senders: usize,
    pub(crate) messages: [u8; SENDERS],
    /// Unread messages that a lane admits.
    pub(crate) limit: u8,
    /// Cuts of another port that the senders have rights to.
    pub(crate) others: u8,
    /// Senders use lanes that were cut for other ports.
    pub(crate) reuses: bool,
    pub(crate) lie: Option<Lie>,
}

impl Bounds {
    /// Whether a sender sends to another port, and the old receiver says that it was to this one.
    pub(crate) fn is_anothers(&self, sender: usize) -> bool {
        self.lie == Some(Lie::Lane) && sender == 1
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lane {
    /// The messages that were ever published here.
    pub(crate) slots: [u8; MESSAGES],
    pub(crate) tail: u8,
    /// How far the port's receiver has taken them.
    pub(crate) read: u8,
    /// How far that receiver shows the sender that it has taken them.
    pub(crate) shown: u8,
    /// How far the sender has believed that: it uses their memory again.
    pub(crate) freed: u8,
    /// How far a receiver that gives the port away says that it has read.
    pub(crate) told: u8,
    /// Where the authority has cut it; it has copied what lies before that.
    pub(crate) cut: Option<u8>,
    pub(crate) copied: bool,
    /// The sender has opened it for another port.
    pub(crate) reused: bool,
}

impl Hash for Lane {
    /// In one word: most of the time of a search goes into this.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { slots, tail, read, shown, freed, told, cut, copied, reused } = *self;
        let flags = u8::from(copied) | u8::from(reused) << 1 | cut.map_or(0, |cut| cut + 1) << 2;
        state.write(&[slots[0] | slots[1] << 4, slots[2], tail, read, shown, freed, told, flags]);
    }
}

/// What a sender does with the message in its hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    #[default]
    Idle,
    Trying,
    /// It sleeps, as there is no room.
    Asleep,
    /// The message is published at this position; the page is not looked at yet.
    Looking(u8),
    /// The page says that a lane is being cut.
    Waiting(u8),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Sender {
    pub(crate) dead: bool,
    /// It takes the port for dead.
    pub(crate) gone: bool,
    pub(crate) stage: Stage,
    /// Messages that it has begun to send; the last one is in its hand.
    pub(crate) begun: u8,
    /// Which task it takes for the receiver, and so how many moves it has heard of.
    pub(crate) host: u8,
    /// How many moves the authority has told it of.
    pub(crate) told: u8,
    /// How often the authority has changed its page, whether the last time for this port, and how many
    /// of the changes the sender has dealt with.
    pub(crate) page: u8,
    pub(crate) is_meant: bool,
    pub(crate) seen: u8,
    /// The page's count at the cut of each move.
    pub(crate) counts: [u8; HOSTS],
}

/// What the receiver does with its right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Giving {
    #[default]
    Keeps,
    /// It reads no more, and has noted how far it has read.
    Leaves,
    /// The message with the right is published, and the authority is asked.
    Asked,
    /// The authority is at this step.
    Moving(u8),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) lanes: [[Lane; SENDERS]; HOSTS],
    pub(crate) senders: [Sender; SENDERS],
    /// Who is the receiver, and what it does about that.
    pub(crate) owner: u8,
    pub(crate) giving: Giving,
    pub(crate) dead: [bool; HOSTS],
    pub(crate) authority_dead: bool,
    pub(crate) others: u8,
    pub(crate) port_dead: bool,
    /// The first receiver has flagged the lanes dead.
    pub(crate) flagged: bool,
    /// Messages, a bit each: their send has returned; they were received; their send was refused.
    pub(crate) acknowledged: u8,
    pub(crate) received: u8,
    pub(crate) refused: u8,
    /// A lying receiver has taken them, which is its right.
    pub(crate) taken: u8,
    /// For each message, those that it follows.
    pub(crate) follows: [u8; SENDERS * MESSAGES],
    pub(crate) wrong: Option<Wrong>,
}

pub(crate) fn bit(message: u8) -> u8 {
    1 << message
}

impl State {
    pub(crate) fn fail(&mut self, wrong: Wrong) {
        self.wrong = self.wrong.or(Some(wrong));
    }

    /// Clears what decides nothing any more, so that fewer states differ.
    pub(crate) fn forget(&mut self) {
        if self.port_dead {
            let (senders, wrong) = (self.senders, self.wrong);
            *self = Self { senders, wrong, port_dead: true, ..Self::default() };
            for sender in &mut self.senders {
                let Sender { dead, gone, stage, begun, .. } = *sender;
                *sender = Sender { dead, gone, stage, begun, ..Sender::default() };
            }
        }
        for (message, follows) in self.follows.iter_mut().enumerate() {
            if self.received & 1 << message != 0 {
                *follows = 0;
            }
        }
    }

    /// The number of the message in a sender's hand.
    pub(crate) fn message_of(&self, at: usize) -> u8 {
        (at * MESSAGES) as u8 + self.senders[at].begun - 1
    }

    /// A sender that sleeps on a word of this host's looks again.
    pub(crate) fn wake(&mut self, at: usize, host: usize) {
        let sender = &mut self.senders[at];
        if usize::from(sender.host) == host && sender.stage == Stage::Asleep {
            sender.stage = Stage::Trying;
        }
    }

    pub(crate) fn refuse(&mut self, at: usize) {
        self.refused |= bit(self.message_of(at));
        self.senders[at].stage = Stage::Idle;
        self.senders[at].gone = true;
    }

    pub(crate) fn acknowledge(&mut self, at: usize) {
        self.acknowledged |= bit(self.message_of(at));
        self.senders[at].stage = Stage::Idle;
    }

    /// The lanes with something to receive, as (host, sender): what was carried comes first.
    pub(crate) fn heads(&self, rules: Rules) -> Vec<(usize, usize)> {
        let owner = usize::from(self.owner);
        let has_more = |host: usize, at: usize| {
            let lane = &self.lanes[host][at];
            lane.read < if host < owner { lane.cut.unwrap_or(0) } else { lane.tail }
        };
        let all = (0..=owner).flat_map(|host| (0..SENDERS).map(move |at| (host, at)));
        let all: Vec<_> = all.filter(|(host, at)| has_more(*host, *at)).collect();
        // A sender's older lane comes before its newer one.
        let carried: Vec<_> = all.iter().copied().filter(|(host, _)| *host < owner).collect();
        if rules.on(Rule::CarryComesFirst) && !carried.is_empty() {
            let is_oldest =
                |lane: &(usize, usize)| !carried.iter().any(|other| other.1 == lane.1 && other < lane);
            let oldest: Vec<_> = carried.iter().copied().filter(is_oldest).collect();
            if !rules.on(Rule::CarryKeepsOrder) {
                return oldest[..1].to_vec();
            }
            return self.first_of(oldest);
        }
        // Without the rule nothing puts the one before the other.
        if carried.is_empty() { self.first_of(all) } else { all }
    }

    /// Those that follow none of the others: what an order by stamps comes to.
    fn first_of(&self, heads: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
        let message = |(host, at): (usize, usize)| {
            let lane = &self.lanes[host][at];
            lane.slots[usize::from(lane.read)]
        };
        let all = heads.iter().fold(0, |all, head| all | bit(message(*head)));
        heads.into_iter().filter(|head| self.follows[usize::from(message(*head))] & all == 0).collect()
    }

    /// The port's receiver takes the next message of a lane.
    pub(crate) fn receive(&mut self, (host, at): (usize, usize), bounds: Bounds) {
        let lane = &mut self.lanes[host][at];
        let message = lane.slots[usize::from(lane.read)];
        lane.read += 1;
        if host == usize::from(self.owner) {
            lane.shown = lane.read.max(lane.shown);
            self.wake(at, host);
        }
        if self.owner == 0 && bounds.lie.is_some() {
            self.taken |= bit(message);
            return;
        }
        if bounds.is_anothers(at) {
            self.fail(Wrong::Forged);
        }
        if self.received & bit(message) != 0 {
            self.fail(Wrong::Twice);
        }
        if self.refused & bit(message) != 0 {
            self.fail(Wrong::Ghost);
        }
        if self.follows[usize::from(message)] & !(self.received | self.taken) != 0 {
            self.fail(Wrong::Order);
        }
        self.received |= bit(message);
    }

    /// What is wrong when nothing more happens by itself.
    fn at_rest(&self) -> Option<Wrong> {
        let is_stuck = |sender: &Sender| !sender.dead && sender.stage != Stage::Idle;
        if self.senders.iter().any(is_stuck) {
            return Some(Wrong::Stuck);
        }
        if self.port_dead {
            return None;
        }
        if self.acknowledged & !(self.received | self.taken) != 0 {
            return Some(Wrong::Lost);
        }
        let is_cut_off = |sender: &Sender| !sender.dead && sender.gone;
        self.senders.iter().any(is_cut_off).then_some(Wrong::CutOff)
    }
}

/// What can happen next, and what has gone wrong.
pub(crate) fn look(state: &State, rules: Rules, bounds: Bounds) -> Look<State> {
    let has_moved =
        usize::from(state.owner) + 1 == bounds.hosts && state.received | state.taken == state.acknowledged;
    let all_sent = state.senders.iter().zip(bounds.messages).all(|(sender, most)| sender.begun == most);
    let is_goal = has_moved && all_sent && state.received != 0;
    let mut look = Look { steps: of(state, rules, bounds), wrong: state.wrong, is_goal };
    if look.is_quiet() {
        look.wrong = look.wrong.or_else(|| state.at_rest());
    }
    look
}
