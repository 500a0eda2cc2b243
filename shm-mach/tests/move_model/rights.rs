//! The rights to a port that moves: who holds them, who counts them, and what is told to whom.
//!
//! Tasks 0 and 1 may hold rights; 0 passes them on. Task 2 is R, the port's first receiver, and 3 is X,
//! the second. What a task publishes and looks at counts as one step here: the queue's model takes
//! the two apart.

use std::hash::{Hash, Hasher};

use super::rights_steps::of;
use super::rules::{Rule, Rules};
use super::search::{Look, Wrong};

/// The tasks that may hold rights: 0, 1, and R as soon as the port is X's.
pub(crate) const HOLDERS: usize = 3;
pub(crate) const R: usize = 2;
pub(crate) const X: usize = 3;

/// How much each party does, so that the model ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Rights that task 0 passes on: to task 1, and to R.
    pub(crate) grants: u8,
    pub(crate) homes: u8,
    /// Whether the holders open lanes.
    pub(crate) lanes: bool,
    /// Whether task 0 has a send-once right as well.
    pub(crate) once: bool,
    /// Whether task 0 can die between the grant to task 1 and the message with it.
    pub(crate) settles: bool,
}

/// A short queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queue<T> {
    len: u8,
    items: [T; 6],
}

impl<T: Hash> Hash for Queue<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.len.hash(state);
        self.items[..usize::from(self.len)].iter().for_each(|item| item.hash(state));
    }
}

impl<T: Copy + Default> Queue<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn push(&mut self, item: T) {
        self.items[usize::from(self.len)] = item;
        self.len += 1;
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        let first = (self.len > 0).then(|| self.items[0])?;
        self.items.copy_within(1.., 0);
        self.len -= 1;
        self.items[usize::from(self.len)] = T::default();
        Some(first)
    }
}

/// What the authority tells a receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    #[default]
    None,
    Granted {
        to: u8,
    },
    /// `by`: one that task 0 had passed on.
    Released {
        task: u8,
        by: bool,
    },
    Settled {
        held: u8,
    },
    Died(u8),
    /// The port is yours; table and carried news are beside it.
    Hosted,
}

/// What a holder tells a receiver over their link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum News {
    #[default]
    None,
    Opened,
    Closed,
    Returned {
        by: bool,
    },
    /// What it has of the dead task 0's.
    Settled {
        held: u8,
    },
    /// It has used, or dropped, its send-once right: both lie in a reply slot.
    Answered,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    #[default]
    None,
    Open,
    Closed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Task {
    pub(crate) dead: bool,
    /// The authority has seen its death.
    pub(crate) noticed: bool,
    pub(crate) rights: u8,
    /// Of these, those that it has told of in a settlement.
    pub(crate) settled: u8,
    /// Grants that it has asked for, and not sent.
    pub(crate) spare: u8,
    /// Rights on their way to it.
    pub(crate) coming: u8,
    /// The receiver that its right names: the second one?
    pub(crate) knows: bool,
    /// It has a link to the receiver that it names.
    pub(crate) linked: bool,
    pub(crate) lane: Lane,
    /// It has a send-once right; it was given one.
    pub(crate) once: bool,
    pub(crate) has_had_once: bool,
    /// It was told that the port's receiver is dead.
    pub(crate) warned: bool,
    /// Its news to R and to X.
    pub(crate) news: [Queue<News>; 2],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Held {
    pub(crate) count: u8,
    pub(crate) lane: bool,
}

/// What the port's receiver keeps of it, and hands on with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Table {
    pub(crate) held: [Held; HOLDERS],
    pub(crate) armed: bool,
    /// Of what task 1 counts for, passed on by task 0, and neither given back nor settled.
    pub(crate) open: u8,
    /// Task 0's send-once right is out.
    pub(crate) token: bool,
}

/// Where the port is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    #[default]
    AtR,
    /// R has written down its table, and has asked.
    Asked,
    /// The authority has moved it; X has not heard of it yet.
    Moved,
    AtX,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) tasks: [Task; HOLDERS],
    pub(crate) x_dead: bool,
    pub(crate) x_noticed: bool,
    pub(crate) table: Table,
    pub(crate) place: Place,
    /// What the authority tells R and X.
    pub(crate) events: [Queue<Event>; 2],
    pub(crate) grants: u8,
    pub(crate) homes: u8,
    pub(crate) fired: bool,
    /// Task 1 is asked what it has of task 0's.
    pub(crate) question: bool,
    /// Whether the end of the send-once right, an answer or a notification, is queued.
    pub(crate) ended: bool,
    pub(crate) wrong: Option<Wrong>,
}

impl State {
    pub(crate) fn fail(&mut self, wrong: Wrong) {
        self.wrong = self.wrong.or(Some(wrong));
    }

    /// The authority has moved the port.
    pub(crate) fn has_moved(&self) -> bool {
        matches!(self.place, Place::Moved | Place::AtX)
    }

    /// Whose table it is, as an index of the queues of events and news.
    pub(crate) fn side(&self) -> usize {
        usize::from(self.has_moved())
    }

    pub(crate) fn is_port_dead(&self) -> bool {
        if self.has_moved() { self.x_dead } else { self.tasks[R].dead && self.place == Place::AtR }
    }

    pub(crate) fn any_right(&self) -> bool {
        self.tasks.iter().any(|task| !task.dead && task.rights + task.coming > 0)
    }

    pub(crate) fn judge(&mut self) {
        let has_senders = self.table.held.iter().any(|held| held.count > 0 || held.lane);
        if self.table.armed && !has_senders {
            self.table.armed = false;
            self.fired = true;
            if self.any_right() {
                self.fail(Wrong::Early);
            }
        }
    }

    /// The receiver acts on one event.
    pub(crate) fn act(&mut self, side: usize, rules: Rules) {
        let Some(event) = self.events[side].pop() else { return };
        if side != self.side() || (side == 1 && self.place != Place::AtX && event != Event::Hosted) {
            return; // the port is not here (any more)
        }
        match event {
            Event::None => {}
            Event::Granted { to } => {
                let issuer = self.table.held[0];
                if issuer.count == 0 && !issuer.lane {
                    return self.fail(Wrong::Lost);
                }
                self.table.held[usize::from(to)].count += 1;
                self.table.open += u8::from(to == 1);
            }
            Event::Released { task, by } => self.take_back(usize::from(task), by),
            Event::Settled { held } => self.settle(held),
            Event::Died(task) => self.lose(usize::from(task), side),
            Event::Hosted => {
                self.hear_carried(rules);
                if !rules.on(Rule::ArrivalIsJudged) {
                    return;
                }
            }
        }
        self.judge();
    }

    fn take_back(&mut self, at: usize, by: bool) {
        if by && self.table.open == 0 {
            return; // the settlement has ended it already
        }
        self.table.open -= u8::from(by);
        let held = &mut self.table.held[at];
        held.count = held.count.saturating_sub(1);
    }

    /// What task 1 was granted and does not have never reached it.
    fn settle(&mut self, told: u8) {
        let lost = std::mem::take(&mut self.table.open).saturating_sub(told);
        let held = &mut self.table.held[1];
        held.count = held.count.saturating_sub(lost);
    }

    fn lose(&mut self, at: usize, side: usize) {
        self.tasks[at].news[side] = Queue::default();
        self.table.held[at] = Held::default();
        // Read first, if it was used.
        if at == 0 {
            self.end_token();
            self.question = self.table.open > 0;
        } else if at == 1 {
            self.table.open = 0;
        }
    }

    /// An answer, or the notification that there will be none.
    fn end_token(&mut self) {
        if std::mem::take(&mut self.table.token) {
            if self.ended {
                self.fail(Wrong::Twice);
            }
            self.ended = true;
        }
    }

    /// What was told to R of the port, and was not read there.
    fn hear_carried(&mut self, rules: Rules) {
        self.place = Place::AtX;
        for at in 0..HOLDERS {
            while let Some(news) = self.tasks[at].news[0].pop() {
                if rules.on(Rule::NewsAreCarried) {
                    self.hear(at, news);
                }
            }
        }
    }

    pub(crate) fn hear_next(&mut self, at: usize, side: usize) {
        let news = self.tasks[at].news[side].pop().unwrap_or_default();
        if side == 1 && self.place != Place::AtX {
            if news == News::Opened {
                self.fail(Wrong::Lost); // no such port
            }
            return;
        }
        self.hear(at, news);
        self.judge();
    }

    /// The receiver acts on a piece of a holder's news.
    fn hear(&mut self, at: usize, news: News) {
        let held = &mut self.table.held[at];
        match news {
            News::None => {}
            News::Opened if held.count == 0 && !held.lane => self.fail(Wrong::Lost),
            News::Opened => held.lane = true,
            News::Closed => held.lane = false,
            News::Returned { by } => self.take_back(at, by),
            News::Settled { held } => self.settle(held),
            News::Answered => self.end_token(),
        }
    }

    /// A holder tells the receiver that it knows; if that is the old one, it finds out after it has
    /// published.
    pub(crate) fn tell(&mut self, at: usize, news: News, rules: Rules) {
        if self.has_moved() && !self.tasks[at].knows {
            if !rules.on(Rule::NewsAreToldAgain) {
                return;
            }
            self.tasks[at].knows = true;
        }
        let side = usize::from(self.tasks[at].knows);
        self.tasks[at].news[side].push(news);
    }

    /// What is wrong when nothing more happens by itself.
    fn at_rest(&self) -> Option<Wrong> {
        if self.is_port_dead() {
            let is_unaware = |task: &Task| !task.dead && task.rights > 0 && !task.warned;
            return self.tasks.iter().any(is_unaware).then_some(Wrong::Missing);
        }
        let is_unanswered = self.tasks[0].has_had_once && !self.tasks[0].once && !self.ended;
        (is_unanswered || (!self.fired && !self.any_right())).then_some(Wrong::Missing)
    }
}

/// What can happen next, and what has gone wrong.
pub(crate) fn look(state: &State, rules: Rules, bounds: Bounds) -> Look<State> {
    let all_done = (state.grants, state.homes, state.ended) == (bounds.grants, bounds.homes, bounds.once);
    let is_goal = state.place == Place::AtX && state.fired && all_done;
    let mut look = Look { steps: of(state, rules, bounds), wrong: state.wrong, is_goal };
    if look.is_quiet() {
        look.wrong = look.wrong.or_else(|| state.at_rest());
    }
    look
}

/// Task 0 holds a right that R has given it, and R one of its own; no-senders is asked for.
pub(crate) fn first(bounds: Bounds) -> State {
    let mut state = State::default();
    for at in [0, R] {
        state.tasks[at].rights = 1;
        state.table.held[at].count = 1;
    }
    state.tasks[0].linked = true;
    state.table.armed = true;
    (state.tasks[0].once, state.tasks[0].has_had_once) = (bounds.once, bounds.once);
    state.table.token = bounds.once;
    state
}
