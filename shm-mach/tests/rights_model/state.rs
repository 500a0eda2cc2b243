//! The state of the model: a receiver R with one port, tasks 0, 1, 2 (each passes rights on to the
//! next), and the authority A between them.

use super::rules::{Rule, Rules};

pub(crate) const TASKS: usize = 3;

/// What must never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wrong {
    /// No-senders fired while a right lived or was on its way.
    Early,
    /// Nothing more happens by itself, no right is left, and no-senders did not fire.
    Missing,
    /// A right that was honestly passed on, or a message that was sent with one, counts for nothing.
    Lost,
    /// A task that nobody gave a right was let in.
    Forged,
}

/// A short queue.
pub(crate) type Queue<T> = crate::queue::Queue<T, 10>;

/// What A tells R.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    #[default]
    None,
    Introduced(u8),
    Granted {
        by: u8,
        to: u8,
    },
    /// `by`: the right was one that the task before this one had passed on.
    Released {
        task: u8,
        by: bool,
    },
    Settled {
        task: u8,
        held: u8,
    },
    Died(u8),
}

/// What a task tells R over their link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum News {
    #[default]
    None,
    Opened,
    Returned {
        by: bool,
    },
    Settled {
        held: u8,
    },
}

/// What lies in a task's lane to the port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Item {
    #[default]
    None,
    Data,
    Close,
}

/// What a task asks of A without waiting for an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Say {
    #[default]
    None,
    Release {
        by: bool,
    },
    Settled {
        held: u8,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    #[default]
    None,
    Open,
    Closed,
}

/// How far the question has come what a task holds of a dead issuer's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Question {
    #[default]
    None,
    Asked,
    Answered,
}

/// A task that may hold rights to the port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Task {
    pub(crate) dead: bool,
    /// A has seen its death.
    pub(crate) noticed: bool,
    /// Rights that it holds: given by R, and by the task before it (told in no settlement, or told).
    pub(crate) direct: u8,
    pub(crate) granted: u8,
    pub(crate) settled: u8,
    /// Grants to the next task whose message is not published, and how many were ever asked for.
    pub(crate) spare: u8,
    pub(crate) grants: u8,
    pub(crate) linked: bool,
    pub(crate) lane: Lane,
    pub(crate) sends: u8,
    pub(crate) news: Queue<News>,
    pub(crate) data: Queue<Item>,
    pub(crate) says: Queue<Say>,
    /// Published messages to the next task that carry a right, not received yet.
    pub(crate) passed: u8,
    /// Grants that it told the next task it will not use.
    pub(crate) unsent: u8,
    /// Its own port, which the task before it sends to, is dead; and that task has seen it, and has
    /// said where its lane ends.
    pub(crate) port_dead: bool,
    pub(crate) death_seen: bool,
    pub(crate) abandoned: bool,
    /// Messages of R with a right, not received yet.
    pub(crate) given: u8,
    pub(crate) question: Question,
    pub(crate) held: Held,
}

/// R's table entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Held {
    pub(crate) minted: u8,
    pub(crate) returned: u8,
    /// Of these, passed on by the task before, and neither given back nor settled.
    pub(crate) open: u8,
    pub(crate) lane: bool,
    pub(crate) gone: bool,
    /// R has the link.
    pub(crate) linked: bool,
    /// A claim that waits outside of the order of the news.
    pub(crate) undecided: bool,
}

impl Held {
    pub(crate) fn is_live(&self) -> bool {
        self.minted > self.returned || self.lane
    }
}

impl Task {
    pub(crate) fn rights(&self) -> u8 {
        self.direct + self.granted + self.settled
    }

    /// Its library gives back a right.
    pub(crate) fn give_back(&mut self, by: bool) {
        if self.linked {
            self.news.push(News::Returned { by });
        } else {
            self.says.push(Say::Release { by });
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) tasks: [Task; TASKS],
    pub(crate) events: Queue<Event>,
    /// So many of them have arrived; of the others R sees only the count in its page.
    pub(crate) arrived: u8,
    /// Grants that were answered and not flagged (only where the rule is off).
    pub(crate) late: Queue<Event>,
    /// R has a send right of its own; a right that it has entered for a task and not published.
    pub(crate) local: bool,
    pub(crate) entered: Option<u8>,
    pub(crate) owed: Option<u8>,
    pub(crate) mints: u8,
    pub(crate) liar: Option<u8>,
    pub(crate) fired: bool,
    pub(crate) wrong: Option<Wrong>,
}

impl State {
    pub(crate) fn is_honest(&self, task: usize) -> bool {
        self.liar.map(usize::from) != Some(task)
    }

    /// Flagged, and not there yet.
    pub(crate) fn is_event_coming(&self) -> bool {
        self.events.len() > usize::from(self.arrived)
    }

    /// A right that somebody can use, now or when it arrives.
    pub(crate) fn any_right(&self) -> bool {
        let here = self.local || self.entered.is_some();
        let held = |task: &Task| !task.dead && task.rights() + task.given > 0;
        let on_its_way = (1..TASKS)
            .any(|to| self.tasks[to - 1].passed > 0 && !self.tasks[to].dead && !self.tasks[to].port_dead);
        here || self.tasks.iter().any(held) || on_its_way
    }

    pub(crate) fn judge(&mut self) {
        let has_senders =
            self.local || self.entered.is_some() || self.tasks.iter().any(|task| task.held.is_live());
        if !self.fired && !has_senders {
            self.fired = true;
            if self.any_right() {
                self.fail(Wrong::Early);
            }
        }
    }

    fn fail(&mut self, wrong: Wrong) {
        self.wrong = self.wrong.or(Some(wrong));
    }

    /// A lane is read no further.
    fn kill_lane(&mut self, at: usize) {
        self.tasks[at].held.lane = false;
        if self.is_honest(at) && self.tasks[at].data.items().contains(&Item::Data) {
            self.fail(Wrong::Lost);
        }
    }

    pub(crate) fn take_back(&mut self, at: usize, by: bool, rules: Rules) {
        let held = &mut self.tasks[at].held;
        if by && rules.on(Rule::ReturnNamesIssuer) {
            if held.open == 0 {
                return; // the settlement has ended it already
            }
            held.open -= 1;
        }
        held.returned = (held.returned + 1).min(held.minted);
        if !rules.on(Rule::LanesCount) && held.lane && held.minted == held.returned {
            self.kill_lane(at);
        }
        self.judge();
    }

    fn unmint(&mut self, at: usize, count: u8) {
        let held = &mut self.tasks[at].held;
        held.minted -= count.min(held.minted);
        held.returned = held.returned.min(held.minted);
        self.judge();
    }

    /// A task has told what it has of a dead issuer's: the rest never reached it.
    fn settle(&mut self, at: usize, told: u8) {
        let held = &mut self.tasks[at].held;
        let lost = held.open.saturating_sub(told);
        held.open = 0;
        self.unmint(at, lost);
    }

    pub(crate) fn refuse(&mut self, at: usize, rules: Rules) {
        self.entered = None;
        if rules.on(Rule::RefusedIsUnminted) && rules.on(Rule::MintBeforePublish) {
            self.unmint(at, 1);
        }
    }

    /// R acts on one event.
    pub(crate) fn act(&mut self, rules: Rules) {
        let Some(event) = self.events.pop() else { return };
        self.arrived -= 1;
        match event {
            Event::None => {}
            Event::Introduced(task) => self.tasks[usize::from(task)].held.linked = true,
            Event::Granted { by, to } => {
                if rules.on(Rule::IssuerIsCovered) && !self.tasks[usize::from(by)].held.is_live() {
                    if self.is_honest(usize::from(by)) {
                        self.fail(Wrong::Lost);
                    }
                    return;
                }
                if !self.is_honest(usize::from(by)) {
                    self.fail(Wrong::Forged);
                }
                let held = &mut self.tasks[usize::from(to)].held;
                held.minted += 1;
                held.open += 1;
            }
            Event::Released { task, by } => self.take_back(usize::from(task), by, rules),
            Event::Settled { task, held } => self.settle(usize::from(task), held),
            Event::Died(task) => self.lose(usize::from(task), rules),
        }
    }

    pub(crate) fn act_on_arrived(&mut self, rules: Rules) {
        while self.arrived > 0 {
            self.act(rules);
        }
    }

    fn lose(&mut self, at: usize, rules: Rules) {
        if rules.on(Rule::LastNewsCount) {
            while self.tasks[at].held.linked
                && let Some(news) = self.tasks[at].news.pop()
            {
                match news {
                    News::Opened => self.claim(at, rules),
                    News::Returned { by } => self.take_back(at, by, rules),
                    News::None | News::Settled { .. } => {}
                }
            }
        } else if self.tasks[at].news.items().contains(&News::Opened)
            && self.tasks[at].data.items().contains(&Item::Data)
        {
            self.fail(Wrong::Lost);
        }
        let task = &mut self.tasks[at];
        task.news = Queue::default();
        task.held.gone = true;
        task.held.returned = task.held.minted;
        task.held.open = 0;
        task.given = 0;
        if task.held.lane && (task.data.len() == 0 || !rules.on(Rule::DeadAreHeardOut)) {
            self.kill_lane(at);
        }
        if at + 1 < TASKS && self.tasks[at + 1].held.open > 0 && rules.on(Rule::DeathIsSettled) {
            self.tasks[at + 1].question = Question::Asked;
        }
        self.judge();
    }

    /// R's table judges a lane that a task has opened.
    pub(crate) fn claim(&mut self, at: usize, rules: Rules) {
        if self.tasks[at].held.is_live() || !rules.on(Rule::ClaimsAreJudged) {
            self.tasks[at].held.lane = true;
            if !self.is_honest(at) {
                self.fail(Wrong::Forged);
            }
        } else if self.is_honest(at) {
            self.fail(Wrong::Lost);
        }
    }

    /// R takes the next piece of a task's news, if it can be acted on now.
    pub(crate) fn take_news(&mut self, at: usize, rules: Rules) -> bool {
        let Some(news) = self.tasks[at].news.front() else { return false };
        match news {
            News::None => {}
            News::Opened => {
                if !self.tasks[at].held.is_live() {
                    self.act_on_arrived(rules);
                }
                if self.tasks[at].news.len() == 0 {
                    return true; // the events told of its death
                }
                let unsure = !self.tasks[at].held.is_live() && self.is_event_coming();
                if unsure && rules.on(Rule::ClaimsWait) {
                    if rules.on(Rule::NewsStayInOrder) {
                        return false;
                    }
                    self.tasks[at].news.pop();
                    self.tasks[at].held.undecided = true;
                    return true;
                }
                self.tasks[at].news.pop();
                self.claim(at, rules);
            }
            News::Settled { held } => {
                self.tasks[at].news.pop();
                self.settle(at, held);
            }
            News::Returned { by } => {
                if rules.on(Rule::EventsBeforeNews) {
                    self.act_on_arrived(rules);
                    if self.tasks[at].news.len() == 0 {
                        return true;
                    }
                }
                if self.is_event_coming() && rules.on(Rule::ReturnsWait) {
                    return false;
                }
                self.tasks[at].news.pop();
                self.take_back(at, by, rules);
            }
        }
        true
    }

    /// R looks again at a claim that waits.
    pub(crate) fn decide(&mut self, at: usize, rules: Rules) {
        self.act_on_arrived(rules);
        if self.tasks[at].held.is_live() || !self.is_event_coming() {
            self.tasks[at].held.undecided = false;
            self.claim(at, rules);
        }
    }

    /// R receives from a task's lane.
    pub(crate) fn receive(&mut self, at: usize) {
        let task = &mut self.tasks[at];
        if task.data.pop() == Some(Item::Close) || (task.held.gone && task.data.len() == 0) {
            task.held.lane = false;
        }
        self.judge();
    }
}
