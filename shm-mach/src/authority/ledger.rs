//! What the authority knows, and what each request comes to. No I/O and no clock: requests go in,
//! events come out, and file descriptors only pass through (`F`).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::authority::lent::Lent;
use crate::authority::moves::Moves;
use crate::authority::names::Waiting;
use crate::authority::owed::{self, Owed};
use crate::wire::event::{Answer, Attested, Event, Found, Refusal};
use crate::wire::request::Request;

/// Tasks that one task may be introduced to.
const PEERS_A_TASK: usize = 4096;
/// How much of what others have for it a task is told at once when it reads again.
const OWED_A_TURN: usize = 256;

/// An event on its way to a task.
#[derive(Debug)]
pub struct Outgoing<F> {
    /// The task.
    pub to: u64,
    /// What it is told.
    pub event: Event,
    /// A file descriptor for it.
    pub fd: Option<F>,
}

/// The tasks, the names, and who was introduced to whom.
#[derive(Debug)]
pub struct Ledger {
    pub(super) tasks: BTreeMap<u64, Task>,
    pub(super) names: HashMap<String, Found>,
    pub(super) waiting: Vec<Waiting>,
    pub(super) pairs: HashMap<(u64, u64), Pair>,
    /// Regions on their way, from one task to another.
    pub(super) lent: Lent,
    /// Receive rights on their way.
    pub(super) moves: Moves,
    /// What tasks that do not read what they are told will be told.
    pub(super) owed: owed::Ledger,
    next_task: u64,
}

#[derive(Debug)]
pub(super) struct Task {
    pub(super) who: Attested,
    features: u32,
    /// Tasks that must hear of this one's death.
    pub(super) peers: BTreeSet<u64>,
    pub(super) names: usize,
    /// It does not read what it is told, and its queue is full.
    congested: bool,
}

/// How far two tasks have been introduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pair {
    /// This one asked for it, and its half was passed on.
    Asked(u64),
    /// Both halves were passed on.
    Complete,
}

pub(super) type Events<F> = Vec<Outgoing<F>>;

impl Ledger {
    /// An empty ledger. Task ids begin after `first`, which no other authority's do.
    pub fn new(first: u64) -> Self {
        Self {
            tasks: BTreeMap::new(),
            names: HashMap::new(),
            waiting: Vec::new(),
            pairs: HashMap::new(),
            lent: Lent::default(),
            moves: Moves::default(),
            owed: owed::Ledger::default(),
            next_task: first,
        }
    }

    /// Enters a task; gives its id.
    pub fn attach(&mut self, who: Attested, features: u32) -> u64 {
        self.next_task += 1;
        let task = Task { who, features, peers: BTreeSet::new(), names: 0, congested: false };
        self.tasks.insert(self.next_task, task);
        self.next_task
    }

    /// Says whether a task's queue is full: requests that would tell it more are refused, and what
    /// others give back to it waits. Some of that is told when there is room.
    pub fn set_congested<F>(&mut self, task: u64, congested: bool, out: &mut Events<F>) {
        if let Some(task) = self.tasks.get_mut(&task) {
            task.congested = congested;
        }
        for _ in 0..if congested { 0 } else { OWED_A_TURN } {
            let Some(event) = self.owed.take(task) else { return };
            self.tell(task, event, None, out);
        }
    }

    /// A task that was started with a special port has attached: the right moves to it.
    pub fn endow<F>(&mut self, task: u64, special: Found, out: &mut Events<F>) {
        if self.tasks.contains_key(&special.receiver) {
            self.give(special, 0, task, true, out);
        }
    }

    /// A child that was to get a special port never attached.
    pub fn take_back<F>(&mut self, Found { receiver, port }: Found, out: &mut Events<F>) {
        self.tell(receiver, Event::Released { task: 0, port, count: 1, by: 0 }, None, out);
    }

    /// A task is dead.
    pub fn died<F>(&mut self, task: u64, out: &mut Events<F>) {
        let Some(dead) = self.tasks.remove(&task) else { return };
        self.names.retain(|_, found| found.receiver != task);
        self.waiting.retain(|waiting| waiting.task != task);
        self.pairs.retain(|(one, other), _| *one != task && *other != task);
        self.lent.forget(task);
        self.moves.forget(task);
        self.owed.forget(task);
        for peer in dead.peers {
            if let Some(peer) = self.tasks.get_mut(&peer) {
                peer.peers.remove(&task);
            }
            self.tell(peer, Event::Died { task }, None, out);
        }
    }

    /// Acts on a request; the answer is for the requester's eyes. `None`: it asks for no answer.
    pub fn invoke<F>(
        &mut self,
        from: u64,
        serial: u32,
        request: Request,
        fd: Option<F>,
        out: &mut Events<F>,
    ) -> Option<Answer> {
        let result = match request {
            Request::Register { name, port } => self.register(from, name, port, out),
            Request::LookUp { name, wait } => self.look_up(from, serial, name, wait, out),
            Request::Connect { task } => self.connect(from, task, fd, out),
            Request::Accept { task } => {
                self.accept(from, task, fd, out);
                return None;
            }
            Request::Grant { receiver, port, to } => self.grant(from, Found { receiver, port }, to, out),
            Request::Release { receiver, port, count, by } => {
                self.pass_on(from, receiver, Owed::Returned { port, by }, count, out);
                return None;
            }
            Request::Settle { issuer, port, to } => {
                self.pass_on(from, to, Owed::Question { port, issuer }, 0, out);
                return None;
            }
            Request::Settled { receiver, port, issuer, held } => {
                self.pass_on(from, receiver, Owed::Answer { port, issuer }, held, out);
                return None;
            }
            Request::GrantOnce { .. } => self.grant_once(from, request, out),
            Request::ReleaseOnce { receiver, number } => {
                self.pass_on(from, receiver, Owed::ReturnedOnce { number }, 1, out);
                return None;
            }
            Request::SettleOnce { issuer, number, to } => {
                self.pass_on(from, to, Owed::QuestionOnce { number, issuer }, 0, out);
                return None;
            }
            Request::Unregister { key } => {
                self.unregister(from, key);
                return None;
            }
            Request::StopWaiting { look_up } => {
                self.stop_waiting(from, look_up);
                return None;
            }
            Request::Confirm => Ok(Answer::Done),
            Request::Lend { task, region } => self.lend(from, task, region, fd, out),
            Request::Adopted { task } => {
                self.lent.take(task, from);
                return None;
            }
            Request::Offer { .. } => self.offer(from, request, out),
            Request::Withdraw { task, key } => {
                self.withdraw(from, task, key, out);
                return None;
            }
            Request::Arrived { task } => {
                self.moves.end(task, from);
                return None;
            }
            Request::Hello { .. }
            | Request::Echo { .. }
            | Request::Child { .. }
            | Request::List { .. }
            | Request::Revoked { .. } => Err(Refusal::Protocol),
        };
        Some(result.unwrap_or_else(Answer::Refused))
    }

    pub(super) fn tell<F>(&self, to: u64, event: Event, fd: Option<F>, out: &mut Events<F>) {
        if self.tasks.contains_key(&to) {
            out.push(Outgoing { to, event, fd });
        }
    }

    /// The task lives and reads what it is told.
    pub(super) fn reachable(&self, task: u64) -> Result<&Task, Refusal> {
        match self.tasks.get(&task) {
            None => Err(Refusal::TaskDied),
            Some(task) if task.congested => Err(Refusal::NoBuffer),
            Some(task) => Ok(task),
        }
    }

    /// `task` holds, or held, a right that leads to `other`, or the other way round: else it is told
    /// that there is no such task.
    pub(super) fn known(&self, task: u64, other: u64) -> Result<(), Refusal> {
        let is_known = self.tasks.get(&other).is_some_and(|other| other.peers.contains(&task));
        is_known.then_some(()).ok_or(Refusal::TaskDied)
    }

    /// `one` and `other` must hear of each other's death.
    pub(super) fn acquaint(&mut self, one: u64, other: u64) -> Result<(), Refusal> {
        let both = [(one, other), (other, one)];
        // Both or neither: else one would be told of a task that knows nothing of it.
        for (task, peer) in both {
            let task = self.tasks.get(&task).ok_or(Refusal::TaskDied)?;
            if task.peers.len() >= PEERS_A_TASK && !task.peers.contains(&peer) {
                return Err(Refusal::NoBuffer);
            }
        }
        for (task, peer) in both {
            if let Some(task) = self.tasks.get_mut(&task) {
                task.peers.insert(peer);
            }
        }
        Ok(())
    }

    /// Lets `to` use a right: the receiver is told first.
    pub(super) fn give<F>(&mut self, right: Found, by: u64, to: u64, moved: bool, out: &mut Events<F>) {
        let Some(who) = self.tasks.get(&to).map(|task| task.who) else { return };
        let granted = Event::Granted { port: right.port, by, to, who, moved };
        self.tell(right.receiver, granted, None, out);
        if right.receiver != to {
            // Both are known to live here, and the quota was looked at before.
            let _ = self.acquaint(right.receiver, to);
        }
    }

    fn connect<F>(
        &mut self,
        from: u64,
        to: u64,
        fd: Option<F>,
        out: &mut Events<F>,
    ) -> Result<Answer, Refusal> {
        let fd = fd.ok_or(Refusal::Protocol)?;
        if from == to {
            return Err(Refusal::Protocol);
        }
        self.known(from, to)?;
        let peer = self.reachable(to)?;
        let answer = Answer::Peer { who: peer.who, features: peer.features };
        let pair = (from.min(to), from.max(to));
        match self.pairs.get(&pair) {
            None => {
                let own = self.reachable(from)?;
                let event = Event::Introduced { task: from, who: own.who, features: own.features };
                self.pairs.insert(pair, Pair::Asked(from));
                self.tell(to, event, Some(fd), out);
            }
            // Both asked at the same time: this half answers the other's introduction.
            Some(Pair::Asked(by)) if *by == to => {
                self.pairs.insert(pair, Pair::Complete);
                self.tell(to, Event::Accepted { task: from }, Some(fd), out);
            }
            Some(_) => return Err(Refusal::Protocol),
        }
        Ok(answer)
    }

    fn accept<F>(&mut self, from: u64, to: u64, fd: Option<F>, out: &mut Events<F>) {
        let pair = (from.min(to), from.max(to));
        if let (Some(fd), Some(Pair::Asked(by))) = (fd, self.pairs.get(&pair))
            && *by == to
        {
            self.pairs.insert(pair, Pair::Complete);
            self.tell(to, Event::Accepted { task: from }, Some(fd), out);
        }
    }

    fn grant<F>(&mut self, from: u64, right: Found, to: u64, out: &mut Events<F>) -> Result<Answer, Refusal> {
        // What exactly the issuer holds, the receiver judges.
        self.known(from, right.receiver)?;
        if right.receiver != to {
            self.known(from, to)?;
        }
        self.reachable(right.receiver)?;
        self.reachable(to)?;
        if right.receiver != to {
            self.acquaint(right.receiver, to)?;
        }
        self.give(right, from, to, false, out);
        Ok(Answer::Done)
    }
}

#[cfg(test)]
mod tests;
