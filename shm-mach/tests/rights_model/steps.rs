//! What can happen next in a state.

use super::rules::{Rule, Rules};
use super::state::{Event, Item, Lane, News, Question, Say, State, TASKS};

/// How much each party does, so that the model ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Tasks that may hold rights, the liar included.
    pub(crate) tasks: usize,
    /// Grants of each task, rights that R gives, messages of each task to the port.
    pub(crate) grants: u8,
    pub(crate) mints: u8,
    pub(crate) sends: u8,
    pub(crate) ports_die: bool,
}

/// The number of a step is that of its task.
pub(crate) type Step = crate::search::Step<usize>;

pub(crate) struct Steps<'s> {
    from: &'s State,
    rules: Rules,
    bounds: Bounds,
    pub(crate) found: Vec<(Step, State)>,
}

impl<'s> Steps<'s> {
    pub(crate) fn of(from: &'s State, rules: Rules, bounds: Bounds) -> Self {
        let mut steps = Self { from, rules, bounds, found: Vec::new() };
        if from.fired {
            return steps; // R has no right left to give, so nobody gets one any more
        }
        for at in 0..bounds.tasks {
            steps.of_the_authority(at);
            steps.of_the_receiver(at);
            let task = &from.tasks[at];
            if task.dead {
                continue;
            }
            steps.may("is killed", at, |state| state.tasks[at].die());
            if !from.is_honest(at) {
                steps.of_the_liar(at);
                continue;
            }
            steps.of_the_holder(at);
            if at + 1 < bounds.tasks && from.is_honest(at + 1) {
                steps.of_the_issuer(at);
            }
            if at > 0 {
                steps.of_the_destination(at);
            }
        }
        steps.of_the_port();
        steps
    }

    fn may(&mut self, name: &'static str, at: usize, change: impl FnOnce(&mut State)) {
        self.add((name, at, false), change);
    }

    fn will(&mut self, name: &'static str, at: usize, change: impl FnOnce(&mut State)) {
        self.add((name, at, true), change);
    }

    fn add(&mut self, step: Step, change: impl FnOnce(&mut State)) {
        let mut to = *self.from;
        change(&mut to);
        if to != *self.from {
            self.found.push((step, to));
        }
    }

    fn of_the_authority(&mut self, at: usize) {
        let (rules, task) = (self.rules, &self.from.tasks[at]);
        if task.dead && !task.noticed {
            self.will("is seen dead by A", at, |state| {
                state.tasks[at].noticed = true;
                state.tasks[at].says = Default::default();
                if rules.on(Rule::DeathComesLast) {
                    state.events.push(Event::Died(at as u8));
                } else {
                    state.events.push_front(Event::Died(at as u8));
                    state.arrived += 1;
                }
            });
        }
        if let (Some(say), false) = (task.says.front(), task.dead) {
            self.will("is heard by A", at, |state| {
                state.tasks[at].says.pop();
                let task = at as u8;
                state.events.push(match say {
                    Say::Release { by } => Event::Released { task, by },
                    Say::Settled { held } => Event::Settled { task, held },
                    Say::None => Event::None,
                });
            });
        }
    }

    fn of_the_receiver(&mut self, at: usize) {
        let (rules, held) = (self.rules, self.from.tasks[at].held);
        if held.linked && !held.gone && self.from.tasks[at].news.len() > 0 {
            self.will("has its news taken by R", at, |state| {
                let before = *state;
                if !state.take_news(at, rules) && state.events == before.events {
                    *state = before;
                }
            });
        }
        if held.undecided {
            self.will("has its claim decided by R", at, |state| state.decide(at, rules));
        }
        if held.lane && self.from.tasks[at].data.len() > 0 {
            self.will("is received from by R", at, |state| state.receive(at));
        }
    }

    fn of_the_port(&mut self) {
        let (from, rules) = (self.from, self.rules);
        if from.is_event_coming() {
            self.will("an event arrives at R", 9, |state| state.arrived += 1);
        }
        if from.arrived > 0 {
            self.will("R acts on an event", 9, |state| state.act(rules));
        }
        if let Some(event) = from.late.front() {
            self.will("A flags late", 9, |state| {
                state.late.pop();
                state.events.push(event);
            });
        }
        if from.local && from.entered.is_none() {
            self.may("R drops its own right", 9, |state| {
                state.local = false;
                state.judge();
            });
        }
        if let Some(task) = from.owed {
            self.will("R enters a right late", 9, |state| {
                state.owed = None;
                state.tasks[usize::from(task)].held.minted += 1;
            });
        }
        for at in 0..self.bounds.tasks {
            if from.local && from.entered.is_none() && from.mints < self.bounds.mints {
                self.may("R enters a right for it", at, |state| {
                    state.mints += 1;
                    state.entered = Some(at as u8);
                    if rules.on(Rule::MintBeforePublish) {
                        state.tasks[at].held.minted += 1;
                    }
                });
            }
        }
        let Some(to) = from.entered else { return };
        let at = usize::from(to);
        if !from.tasks[at].held.gone {
            self.will("is given a right by R", at, |state| {
                state.entered = None;
                state.tasks[at].given += 1;
                if !rules.on(Rule::MintBeforePublish) {
                    state.owed = Some(to);
                }
            });
        }
        self.will("has no room for R's right", at, |state| state.refuse(at, rules));
    }

    fn of_the_holder(&mut self, at: usize) {
        let (rules, task) = (self.rules, self.from.tasks[at]);
        let me = at as u8;
        if task.given > 0 {
            self.may("receives R's right", at, |state| {
                state.tasks[at].given -= 1;
                state.tasks[at].direct += 1;
            });
        }
        if task.rights() == 0 {
            return;
        }
        if !task.linked {
            self.may("connects", at, |state| {
                state.tasks[at].linked = true;
                state.events.push(Event::Introduced(me));
            });
        }
        if task.linked && task.lane == Lane::None && self.bounds.sends > 0 {
            self.may("opens a lane", at, |state| {
                state.tasks[at].lane = Lane::Open;
                state.tasks[at].news.push(News::Opened);
            });
        }
        if task.lane == Lane::Open {
            if task.sends < self.bounds.sends {
                self.may("sends", at, |state| {
                    state.tasks[at].sends += 1;
                    state.tasks[at].data.push(Item::Data);
                });
            }
            self.may("closes its lane", at, |state| {
                state.tasks[at].lane = Lane::Closed;
                state.tasks[at].data.push(Item::Close);
            });
            if task.rights() == 1 {
                return; // the lane is closed first
            }
        }
        let mut drop = |name, by, which: fn(&mut super::state::Task) -> &mut u8| {
            let mut task = task;
            if *which(&mut task) == 0 {
                return;
            }
            self.may(name, at, |state| {
                let task = &mut state.tasks[at];
                if task.rights() == 1 {
                    let spare = std::mem::take(&mut task.spare);
                    task.unsent += if rules.on(Rule::SpareIsHandedOn) { spare } else { 0 };
                }
                *which(task) -= 1;
                task.give_back(by);
            });
        };
        drop("drops a right of R's", false, |task| &mut task.direct);
        drop("drops a right that was passed on to it", true, |task| &mut task.granted);
        drop("drops a right that it has told of", false, |task| &mut task.settled);
    }

    fn of_the_issuer(&mut self, at: usize) {
        let (rules, task, to) = (self.rules, self.from.tasks[at], at + 1);
        let next = self.from.tasks[to];
        if task.rights() > 0 && task.grants < self.bounds.grants && !next.noticed {
            self.may("asks for a grant to the next", at, |state| {
                state.tasks[at].grants += 1;
                state.tasks[at].spare += 1;
                let event = Event::Granted { by: at as u8, to: to as u8 };
                if rules.on(Rule::FlagBeforeAnswer) {
                    state.events.push(event);
                } else {
                    state.late.push(event);
                }
            });
        }
        if task.spare > 0 && !next.death_seen {
            self.may("publishes a right to the next", at, |state| {
                state.tasks[at].spare -= 1;
                state.tasks[at].passed += 1;
                state.tasks[to].death_seen = state.tasks[to].port_dead;
            });
        }
        if next.port_dead && !next.abandoned {
            self.will("abandons its lane to the next", at, |state| {
                state.tasks[to].death_seen = true;
                state.tasks[to].abandoned = true;
            });
        }
    }

    fn of_the_destination(&mut self, at: usize) {
        let (rules, task, by) = (self.rules, self.from.tasks[at], at - 1);
        let issuer = self.from.tasks[by];
        if issuer.passed > 0 && !task.port_dead {
            self.may("receives a right that was passed on", at, |state| {
                state.tasks[by].passed -= 1;
                state.tasks[at].granted += 1;
            });
        }
        if self.bounds.ports_die && !task.port_dead {
            self.may("destroys its port", at, |state| {
                state.tasks[at].port_dead = true;
                state.give_back_unread(at, rules.on(Rule::UnreadIsReleased));
            });
        }
        if issuer.passed > 0 && task.port_dead && (task.abandoned || issuer.noticed) {
            self.will("gives back what it never read", at, |state| {
                state.give_back_unread(at, rules.on(Rule::AbandonedIsReleased));
            });
        }
        if issuer.unsent > 0 {
            self.will("gives back an unused grant", at, |state| {
                state.tasks[by].unsent -= 1;
                state.tasks[at].give_back(true);
            });
        }
        let is_dry = issuer.passed == 0 && issuer.unsent == 0;
        if task.question == Question::Asked && (is_dry || !rules.on(Rule::AnswerAfterQueue)) {
            self.will("answers what it holds", at, |state| {
                let task = &mut state.tasks[at];
                let held = std::mem::take(&mut task.granted);
                task.question = Question::Answered;
                task.settled += held;
                if task.linked && rules.on(Rule::AnswerInOrder) {
                    task.news.push(News::Settled { held });
                } else {
                    task.says.push(Say::Settled { held });
                }
            });
        }
    }

    fn of_the_liar(&mut self, at: usize) {
        let (task, me) = (self.from.tasks[at], at as u8);
        if !task.linked {
            self.may("connects, lying", at, |state| {
                state.tasks[at].linked = true;
                state.events.push(Event::Introduced(me));
            });
        }
        if task.grants == 0 {
            self.may("grants itself a right", at, |state| {
                state.tasks[at].grants += 1;
                state.events.push(Event::Granted { by: me, to: me });
            });
        }
        if task.linked && task.lane == Lane::None {
            self.may("opens a lane, lying", at, |state| {
                state.tasks[at].lane = Lane::Open;
                state.tasks[at].news.push(News::Opened);
            });
        }
        if task.linked && task.sends == 0 {
            self.may("returns what it never had", at, |state| {
                state.tasks[at].sends += 1;
                state.tasks[at].news.push(News::Returned { by: true });
            });
        }
    }
}

impl super::state::Task {
    /// What only it knew is gone. What A had not read of it is never read: that A had read it
    /// before is another way.
    fn die(&mut self) {
        self.dead = true;
        (self.direct, self.granted, self.settled, self.spare, self.given) = (0, 0, 0, 0, 0);
        self.says = Default::default();
        self.question = Question::None;
    }
}

impl State {
    fn give_back_unread(&mut self, at: usize, is_released: bool) {
        let unread = std::mem::take(&mut self.tasks[at - 1].passed);
        if is_released {
            (0..unread).for_each(|_| self.tasks[at].give_back(true));
        }
    }
}

const _: () = assert!(TASKS == 3);
