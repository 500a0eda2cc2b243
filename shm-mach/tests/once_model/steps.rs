//! What can happen next in a state.

use super::rules::{Rule, Rules};
use super::state::{Cover, Event, HOME, Has, Item, News, State, Task};

/// How much each party does, so that the model ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Tasks that may have the right, the liar included.
    pub(crate) tasks: usize,
    /// The last one passes it on to R itself.
    pub(crate) goes_home: bool,
    /// Grants of each task.
    pub(crate) grants: u8,
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
        steps.of_the_receiver();
        for at in 0..bounds.tasks {
            steps.of_the_authority(at);
            if from.tasks[at].dead {
                continue;
            }
            steps.may("is killed", at, |state| state.tasks[at].die());
            if !from.is_honest(at) {
                steps.of_the_liar(at);
                continue;
            }
            steps.of_the_holder(at);
            steps.of_the_issuer(at);
            if at > 0 {
                steps.of_the_destination(at);
            }
        }
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
                if rules.on(Rule::DeathComesLast) {
                    state.events.push(Event::Died(at as u8));
                } else {
                    state.events.push_front(Event::Died(at as u8));
                    state.arrived += 1;
                }
            });
        }
        if task.says.len() > 0 && !task.dead {
            self.will("is heard by A", at, |state| {
                if let Some(number) = state.tasks[at].says.pop() {
                    state.events.push(Event::Dropped { task: at as u8, number });
                }
            });
        }
    }

    fn of_the_receiver(&mut self) {
        let (from, rules, tasks) = (self.from, self.rules, self.bounds.tasks);
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
        self.will("R receives", 9, |state| {
            state.receive();
        });
        if from.cover == Cover::Home {
            self.will("R uses the right, or drops it", 9, State::use_at_home);
        }
        for at in 0..tasks {
            let task = &from.tasks[at];
            if task.known && !task.gone && task.news.len() > 0 {
                self.will("has its news taken by R", at, |state| {
                    state.take_news(at, rules, false);
                });
            }
        }
        match from.questions.front() {
            Some((HOME, number)) => {
                let is_dry = from.tasks[tasks - 1].passed.is_none();
                if is_dry || !rules.on(Rule::AnswerAfterQueue) {
                    self.will("R has heard the dead out", 9, |state| {
                        state.questions.pop();
                        state.settle_home(number);
                    });
                }
            }
            Some((to, number)) => self.will("is asked for R", usize::from(to), |state| {
                state.questions.pop();
                state.tasks[usize::from(to)].asked = Some(number);
            }),
            None => {}
        }
        if self.bounds.goes_home && from.tasks[tasks - 1].passed.is_some() {
            self.may("has its right received by R", tasks - 1, |state| state.arrive_home(tasks - 1, rules));
        }
    }

    fn of_the_holder(&mut self, at: usize) {
        let task = self.from.tasks[at];
        match task.has {
            Has::Token => {
                for (name, item) in [("answers", Item::Message), ("drops its token", Item::Drop)] {
                    self.may(name, at, |state| {
                        (state.tasks[at].has, state.tasks[at].slot) = (Has::Nothing, item);
                    });
                }
            }
            Has::Number(number) if task.linked => self.may("opens a lane", at, |state| {
                state.tasks[at].has = Has::Lane;
                state.tasks[at].news.push(News::Claimed(number));
            }),
            Has::Number(_) => self.may("connects", at, |state| {
                state.tasks[at].linked = true;
                state.events.push(Event::Introduced(at as u8));
            }),
            // By itself: it is the same call.
            Has::Lane => self.will("sends", at, |state| {
                (state.tasks[at].has, state.tasks[at].lane) = (Has::Nothing, Item::Message);
            }),
            _ => {}
        }
        if let Has::Number(number) | Has::Unsent(number) = task.has {
            self.may("drops its right", at, |state| {
                state.tasks[at].has = Has::Nothing;
                state.tasks[at].drop_number(number, true);
            });
        }
    }

    fn of_the_issuer(&mut self, at: usize) {
        let (rules, task, is_last) = (self.rules, self.from.tasks[at], at + 1 == self.bounds.tasks);
        let to = if is_last { HOME } else { at as u8 + 1 };
        if is_last && !self.bounds.goes_home {
            return;
        }
        let old = match task.has {
            Has::Token => Some(None),
            Has::Number(number) | Has::Unsent(number) => Some(Some(number)),
            _ => None,
        };
        let ask = |state: &mut State, to: u8, old: Option<u8>| {
            let number = state.next_number();
            state.tasks[at].grants += 1;
            let event = Event::Granted { by: at as u8, old, to, number };
            if rules.on(Rule::FlagBeforeAnswer) {
                state.events.push(event);
            } else {
                state.late.push(event);
            }
            number
        };
        let lives = is_last || !self.from.tasks[at + 1].noticed;
        if let (Some(old), true) = (old, task.grants < self.bounds.grants) {
            if lives && (is_last || self.from.is_honest(at + 1)) {
                self.may("asks for a grant to the next", at, |state| {
                    state.tasks[at].has = Has::Unsent(ask(state, to, old));
                });
            }
            if matches!(task.has, Has::Unsent(_)) && (lives || !rules.on(Rule::DeadKeepTheirs)) {
                self.may("asks for a grant to itself", at, |state| {
                    state.tasks[at].has = Has::Number(ask(state, at as u8, old));
                });
            }
        }
        if let Has::Unsent(number) = task.has {
            self.may("publishes the right to the next", at, |state| {
                (state.tasks[at].has, state.tasks[at].passed) = (Has::Nothing, Some(number));
            });
        }
    }

    fn of_the_destination(&mut self, at: usize) {
        let (rules, task, passed) = (self.rules, self.from.tasks[at], self.from.tasks[at - 1].passed);
        if let Some(number) = passed {
            self.may("receives the right", at, |state| {
                state.tasks[at - 1].passed = None;
                state.tasks[at].has = Has::Number(number);
            });
            self.may("destroys the right unread", at, |state| {
                state.tasks[at - 1].passed = None;
                if rules.on(Rule::UnreadIsDropped) {
                    state.tasks[at].drop_number(number, true);
                }
            });
        }
        if let Some(number) = task.asked
            && (passed.is_none() || !rules.on(Rule::AnswerAfterQueue))
        {
            self.will("answers what it has", at, |state| {
                let task = &mut state.tasks[at];
                task.asked = None;
                if task.has != Has::Number(number) {
                    task.drop_number(number, rules.on(Rule::AnswerInOrder));
                }
            });
        }
    }

    /// It knows every number, and says what it likes.
    fn of_the_liar(&mut self, at: usize) {
        let (task, me) = (self.from.tasks[at], at as u8);
        if !task.linked {
            self.may("connects, lying", at, |state| {
                state.tasks[at].linked = true;
                state.events.push(Event::Introduced(me));
            });
            return;
        }
        for number in 1..=self.from.numbers {
            if task.grants == 0 {
                self.may("claims, lying", at, |state| {
                    state.tasks[at].grants += 1;
                    state.tasks[at].news.push(News::Claimed(number));
                    state.tasks[at].lane = Item::Message;
                });
            }
        }
        for old in std::iter::once(None).chain((1..=self.from.numbers).map(Some)) {
            if task.grants == 0 {
                self.may("grants itself the right", at, |state| {
                    state.tasks[at].grants += 1;
                    let number = state.next_number();
                    state.events.push(Event::Granted { by: me, old, to: me, number });
                });
            }
        }
    }
}

impl Task {
    /// What only it knew is gone. What A had not read of it is never read: that A had read it before
    /// is another way.
    fn die(&mut self) {
        self.dead = true;
        self.has = Has::Nothing;
        self.says = Default::default();
        self.asked = None;
    }

    /// Its library tells R that the right is dropped: over the link, if it has one.
    fn drop_number(&mut self, number: u8, by_the_link: bool) {
        if self.linked && by_the_link {
            self.news.push(News::Dropped(number));
        } else {
            self.says.push(number);
        }
    }
}
