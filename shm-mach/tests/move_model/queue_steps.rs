//! What can happen next to a queue.

use super::queue::{Bounds, Giving, Lie, SENDERS, Stage, State};
use super::rules::{Rule, Rules};
use super::search::{Step, Wrong};

/// What the authority does about a move, a step at a time. All else that it is asked waits meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// It changes a sender's page; a heavy fence follows the last of these.
    Ring(usize),
    /// It reads how far a sender has published.
    Cut(usize),
    /// It tells a sender where the port is now, and where its lane was cut.
    Tell(usize),
    /// It answers the old receiver.
    Answer,
    /// It copies what lies before the cut, for the new receiver.
    Copy(usize),
    /// It tells the new receiver that all is there.
    Complete,
}

fn plan(rules: Rules, bounds: Bounds) -> Vec<Act> {
    // A lane that its sender says is another port's is left alone.
    let is_another = bounds.lie == Some(Lie::Lane) && rules.on(Rule::LaneNamesItsPort);
    let senders = if is_another { 1 } else { bounds.senders };
    let all = |act: fn(usize) -> Act| (0..senders).map(act).collect::<Vec<_>>();
    let (rings, cuts, tells) = (all(Act::Ring), all(Act::Cut), all(Act::Tell));
    let one_by_one = || (0..senders).flat_map(|at| [Act::Ring(at), Act::Cut(at), Act::Tell(at)]).collect();
    let mut plan = match () {
        () if !rules.on(Rule::RingBeforeCut) => [cuts, rings, tells].concat(),
        () if !rules.on(Rule::TellAfterAllCuts) => one_by_one(),
        () => [rings, cuts, tells].concat(),
    };
    plan.push(Act::Answer);
    plan.extend(all(Act::Copy));
    if rules.on(Rule::CompleteIsLast) {
        plan.push(Act::Complete);
    } else {
        let first_tell = plan.iter().position(|act| matches!(act, Act::Tell(_)));
        plan.insert(first_tell.unwrap_or(0), Act::Complete);
    }
    plan
}

/// Whether a move has begun, and its new receiver was not told that all is there.
fn is_incomplete(giving: Giving, rules: Rules, bounds: Bounds) -> bool {
    match giving {
        Giving::Moving(at) => !plan(rules, bounds)[..usize::from(at)].contains(&Act::Complete),
        _ => false,
    }
}

pub(crate) struct Steps<'s> {
    from: &'s State,
    rules: Rules,
    bounds: Bounds,
    found: Vec<(Step, State)>,
}

/// Names of parties in a step: senders are 0 and 1, receivers 10 to 12, the authority 20.
const RECEIVER: u8 = 10;
const AUTHORITY: u8 = 20;

pub(crate) fn of(from: &State, rules: Rules, bounds: Bounds) -> Vec<(Step, State)> {
    let mut steps = Steps { from, rules, bounds, found: Vec::new() };
    for at in 0..bounds.senders {
        if !from.senders[at].dead {
            steps.of_the_sender(at);
        }
        if !from.senders[at].dead && !from.port_dead {
            steps.may("is killed", at as u8, |state| {
                state.senders[at].dead = true;
                state.senders[at].stage = Stage::Idle;
            });
        }
    }
    if !from.authority_dead && !from.port_dead {
        steps.of_the_authority();
        // Two senders add nothing to a death outside of a move.
        if from.giving != Giving::Keeps || bounds.senders == 1 {
            steps.may("is killed", AUTHORITY, |state| {
                state.authority_dead = true;
                // A move that is not complete is none: neither receiver takes the port for its own.
                state.port_dead |= is_incomplete(state.giving, rules, bounds);
            });
        }
    }
    if !from.port_dead {
        steps.of_the_receivers();
    }
    steps.found
}

impl Steps<'_> {
    fn may(&mut self, name: &'static str, who: u8, change: impl FnOnce(&mut State)) {
        self.add((name, who, false), change);
    }

    fn will(&mut self, name: &'static str, who: u8, change: impl FnOnce(&mut State)) {
        self.add((name, who, true), change);
    }

    fn add(&mut self, step: Step, change: impl FnOnce(&mut State)) {
        let mut to = *self.from;
        change(&mut to);
        to.forget();
        self.found.push((step, to));
    }

    fn of_the_sender(&mut self, at: usize) {
        let (from, rules) = (self.from, self.rules);
        let (sender, me) = (from.senders[at], at as u8);
        let knows_better = sender.told > sender.host;
        match sender.stage {
            Stage::Idle => {
                if sender.begun < self.bounds.messages[at] && !sender.gone && !from.port_dead {
                    self.may("begins a send", me, |state| {
                        state.senders[at].begun += 1;
                        state.senders[at].stage = Stage::Trying;
                    });
                }
            }
            Stage::Trying => {
                if knows_better {
                    self.will("turns to the new receiver", me, |state| state.turn(at, rules));
                }
                if sender.page != sender.seen && !sender.is_meant && !knows_better {
                    self.will("sees that another port was cut", me, |state| {
                        state.senders[at].seen = sender.page;
                    });
                }
                self.try_to_publish(at);
            }
            Stage::Asleep => {}
            Stage::Looking(position) => {
                // Another port's cut says nothing of those before it.
                let was_cut = sender.is_meant || (knows_better && rules.on(Rule::EarlierCutsAreHeard));
                self.will("looks at its page", me, |state| {
                    if sender.page != sender.seen && was_cut {
                        state.senders[at].stage = Stage::Waiting(position);
                    } else {
                        state.senders[at].seen = sender.page;
                        state.acknowledge(at);
                    }
                });
            }
            Stage::Waiting(position) => {
                if knows_better {
                    self.will("hears where its lane was cut", me, |state| state.hear(at, position, rules));
                }
                let is_hopeless = from.authority_dead && !knows_better;
                if is_hopeless && !from.port_dead {
                    self.will("gives up, as the authority is dead", me, |state| state.refuse(at));
                }
            }
        }
        let old = from.lanes[0][at];
        if self.bounds.reuses
            && sender.host > 0
            && !old.reused
            && (old.copied || !rules.on(Rule::CopiedBeforeReuse))
        {
            self.may("uses its old lane again", me, |state| state.lanes[0][at].reused = true);
        }
        if from.port_dead && sender.stage != Stage::Idle {
            self.will("hears that the port is dead", me, |state| state.refuse(at));
        }
    }

    fn try_to_publish(&mut self, at: usize) {
        let (from, rules, bounds, limit) = (self.from, self.rules, self.bounds, self.bounds.limit);
        let (sender, me) = (from.senders[at], at as u8);
        let (host, knows_better) = (usize::from(sender.host), sender.told > sender.host);
        let is_rung = sender.page != sender.seen && (sender.is_meant || knows_better);
        if host == 0 && from.flagged && !(is_rung && rules.on(Rule::DeathIsAskedFor)) {
            return self.will("sees a flag that says dead", me, |state| state.refuse(at));
        }
        let lane = from.lanes[host][at];
        let shown = if is_rung && rules.on(Rule::RoomIsAskedFor) { lane.freed } else { lane.shown };
        if lane.tail - lane.freed >= limit && lane.tail - shown >= limit {
            // Rung, it waits for what the authority has to tell.
            if !(is_rung && (rules.on(Rule::SleepersAreRung) || knows_better)) {
                self.will("goes to sleep", me, |state| state.senders[at].stage = Stage::Asleep);
            }
            return;
        }
        self.will("publishes", me, |state| {
            let message = state.message_of(at);
            let lane = &mut state.lanes[host][at];
            if lane.tail - lane.freed >= limit {
                lane.freed = shown;
            }
            lane.slots[usize::from(lane.tail)] = message;
            let position = lane.tail;
            lane.tail += 1;
            if bounds.is_anothers(at) {
                state.taken |= 1 << message; // that port's queue is not looked at here
            }
            if state.follows[usize::from(message)] == 0 {
                state.follows[usize::from(message)] = state.acknowledged;
            }
            state.senders[at].stage = Stage::Looking(position);
        });
    }

    fn of_the_receivers(&mut self) {
        let (from, rules, bounds) = (self.from, self.rules, self.bounds);
        for host in 0..bounds.hosts {
            let matters = host >= usize::from(from.owner) || bounds.lie.is_some();
            // That two senders' lanes are cut one after the other is nothing to a receiver.
            if !from.dead[host] && matters && bounds.senders == 1 {
                self.may("is killed", RECEIVER + host as u8, |state| state.dead[host] = true);
            }
        }
        let owner = usize::from(from.owner);
        let me = RECEIVER + owner as u8;
        if !from.dead[0] {
            self.of_the_liar();
        }
        if from.dead[owner] && from.authority_dead {
            self.will("is found dead without the authority", me, |state| state.port_dead = true);
        }
        if from.dead[owner] {
            return;
        }
        let reads = match from.giving {
            Giving::Keeps => true,
            Giving::Leaves | Giving::Asked => !rules.on(Rule::ReadsNoMore),
            Giving::Moving(_) => !is_incomplete(from.giving, rules, bounds),
        };
        for head in if reads { from.heads(rules) } else { Vec::new() } {
            self.will("receives", me, |state| state.receive(head, bounds));
        }
        if from.giving == Giving::Keeps && owner + 1 < bounds.hosts && !from.authority_dead {
            self.may("reads no more", me, |state| state.leave(0));
            let has_read = (0..SENDERS).any(|at| from.lanes[0][at].read > 0);
            if bounds.lie == Some(Lie::Cursor) && owner == 0 && has_read {
                self.may("reads no more, and says that it has read less", me, |state| state.leave(1));
            }
        }
        if from.giving == Giving::Leaves {
            self.will("publishes its right and asks", me, |state| state.giving = Giving::Asked);
        }
        if from.giving == Giving::Asked && from.authority_dead {
            self.will("destroys the port, as nobody can move it", me, |state| state.port_dead = true);
        }
    }

    fn of_the_liar(&mut self) {
        let (from, bounds) = (self.from, self.bounds);
        // Before the authority has changed the pages the port is its own to kill.
        let is_rung = from.senders[..bounds.senders].iter().all(|sender| sender.page > 0);
        if bounds.lie == Some(Lie::Dead) && is_rung && !from.flagged {
            self.may("flags the lanes dead", RECEIVER, |state| state.flagged = true);
        }
        let lane = from.lanes[0][0];
        if bounds.lie == Some(Lie::Room) && lane.shown < lane.tail {
            self.may("shows that it has read everything", RECEIVER, |state| {
                for position in lane.shown..if is_rung { lane.shown } else { lane.tail } {
                    state.taken |= 1 << lane.slots[usize::from(position)]; // its right
                }
                state.lanes[0][0].shown = lane.tail;
                state.wake(0, 0);
            });
        }
    }

    fn of_the_authority(&mut self) {
        let (from, rules, bounds) = (self.from, self.rules, self.bounds);
        let (owner, next) = (usize::from(from.owner), usize::from(from.owner) + 1);
        if from.others < bounds.others && !matches!(from.giving, Giving::Moving(_)) {
            self.may("cuts another port", AUTHORITY, |state| {
                state.others += 1;
                for sender in &mut state.senders[..bounds.senders] {
                    sender.page += 1;
                    sender.is_meant = false;
                }
            });
        }
        match from.giving {
            Giving::Asked if from.dead[next] => {
                self.will("finds the destination dead", AUTHORITY, |state| state.port_dead = true);
            }
            // What a task asked for before it died is done.
            Giving::Asked => {
                self.will("begins the move", AUTHORITY, |state| state.giving = Giving::Moving(0));
            }
            Giving::Moving(at) => {
                let plan = plan(rules, bounds);
                let act = plan[usize::from(at)];
                let is_last = usize::from(at) + 1 == plan.len();
                self.will(name_of(act), AUTHORITY, |state| {
                    state.giving = Giving::Moving(at + 1);
                    state.act(act, rules, bounds);
                    if is_last {
                        state.giving = Giving::Keeps;
                    }
                });
            }
            Giving::Keeps | Giving::Leaves if from.dead[owner] => {
                self.will("tells that the receiver is dead", AUTHORITY, |state| state.port_dead = true);
            }
            Giving::Keeps | Giving::Leaves => {}
        }
    }
}

fn name_of(act: Act) -> &'static str {
    match act {
        Act::Ring(0) => "changes the page of sender 0",
        Act::Ring(_) => "changes the page of sender 1",
        Act::Cut(0) => "cuts the lane of sender 0",
        Act::Cut(_) => "cuts the lane of sender 1",
        Act::Tell(0) => "tells sender 0 where its lane was cut",
        Act::Tell(_) => "tells sender 1 where its lane was cut",
        Act::Answer => "answers the old receiver",
        Act::Copy(0) => "copies the queue of sender 0",
        Act::Copy(_) => "copies the queue of sender 1",
        Act::Complete => "tells the new receiver that all is there",
    }
}

impl State {
    /// The receiver notes how far it has read; a liar says `less`.
    fn leave(&mut self, less: u8) {
        self.giving = Giving::Leaves;
        for lane in self.lanes.as_flattened_mut() {
            lane.told = lane.read.saturating_sub(less);
        }
    }

    fn act(&mut self, act: Act, rules: Rules, bounds: Bounds) {
        let owner = usize::from(self.owner);
        match act {
            // Were it the old receiver's word to change, it might not.
            Act::Ring(_)
                if bounds.lie == Some(Lie::Silence) && owner == 0 && !rules.on(Rule::PageIsTheAuthoritys) => {
            }
            Act::Ring(at) => {
                let sender = &mut self.senders[at];
                sender.page += 1;
                sender.is_meant = true;
                sender.counts[owner] = sender.page;
            }
            Act::Cut(at) => self.cut(at, rules),
            Act::Tell(at) => {
                let sender = &mut self.senders[at];
                sender.told += 1;
                if sender.stage == Stage::Asleep && rules.on(Rule::SleepersAreRung) {
                    sender.stage = Stage::Trying;
                }
            }
            Act::Answer => {}
            Act::Copy(at) => self.copy(at, rules, bounds),
            Act::Complete => {
                self.owner += 1;
                // Whether they were used again decides nothing any more.
                self.lanes[owner].iter_mut().for_each(|lane| (lane.copied, lane.reused) = (true, true));
            }
        }
    }

    fn cut(&mut self, at: usize, rules: Rules) {
        let owner = usize::from(self.owner);
        let has_half = !self.senders[at].dead || rules.on(Rule::HalvesOfTheDeadAreKept);
        let lane = &mut self.lanes[owner][at];
        lane.cut = Some(if has_half { lane.tail } else { lane.told });
        for host in 0..=owner {
            let lane = &mut self.lanes[host][at];
            lane.read = lane.told;
        }
    }

    /// Of what lies before the cut, what the sender has used again is not there any more.
    fn copy(&mut self, at: usize, rules: Rules, bounds: Bounds) {
        let lane = &mut self.lanes[usize::from(self.owner)][at];
        lane.copied = true;
        let cut = lane.cut.unwrap_or(0);
        if rules.on(Rule::FreedIsLookedAt) {
            lane.read = lane.read.max(lane.freed).min(cut);
        }
        let is_torn = (lane.read..cut).any(|position| lane.tail > position + bounds.limit);
        let is_gone = lane.reused && lane.read < cut;
        if is_torn {
            self.fail(Wrong::Forged);
        } else if is_gone {
            self.fail(Wrong::Lost);
        }
    }

    /// A sender acts on what the authority has told it of the move.
    fn turn(&mut self, at: usize, rules: Rules) {
        let sender = &mut self.senders[at];
        let count = sender.counts[usize::from(sender.host)];
        sender.seen = if rules.on(Rule::CutsAreCounted) { sender.seen.max(count) } else { sender.page };
        sender.host += 1;
    }

    /// A sender whose message is published, and perhaps was carried, hears of the cut.
    fn hear(&mut self, at: usize, position: u8, rules: Rules) {
        let host = usize::from(self.senders[at].host);
        self.turn(at, rules);
        let is_carried = self.lanes[host][at].cut.is_some_and(|cut| position < cut);
        let is_sent_again = match is_carried {
            true => !rules.on(Rule::CarriedIsNotSentAgain),
            false => rules.on(Rule::RestIsSentAgain),
        };
        if is_sent_again {
            self.senders[at].stage = Stage::Trying;
        } else {
            self.acknowledge(at);
        }
    }
}
