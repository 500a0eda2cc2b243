//! A right inside a message that is carried: S has sent the message to R's port, with a right to a
//! port of its own, and the port moves to X before the message is received.

use super::rights::Queue;
use super::rules::{Rule, Rules};
use super::search::{Look, Step, Wrong};

const S: u8 = 0;
const R: u8 = 2;
const X: u8 = 3;
const AUTHORITY: u8 = 20;

/// Where the message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Message {
    #[default]
    AtR,
    /// The lane was cut; the authority has not looked what lies there.
    Cut,
    /// S was told whom the right goes to.
    Told,
    /// X can receive it.
    AtX,
    /// Received, or destroyed.
    Gone,
}

/// What the authority tells S.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Event {
    #[default]
    None,
    /// The right that R had goes to X.
    Moved,
    /// R's right is given back: the message was destroyed.
    GivenBack,
    /// R, or X, is dead.
    Died(bool),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum News {
    #[default]
    None,
    Opened,
    Returned,
}

/// A task that may get the right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Holder {
    dead: bool,
    noticed: bool,
    holds: bool,
    used: bool,
    news: Queue<News>,
    /// How many rights S counts for it.
    count: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct State {
    message: Message,
    /// S is told later than X (only where the rule is off).
    owed: bool,
    holders: [Holder; 2],
    events: Queue<Event>,
    fired: bool,
    wrong: Option<Wrong>,
}

/// S has counted R, and asked for no-senders; the message is unread.
pub(crate) fn first() -> State {
    let mut state = State::default();
    state.holders[0].count = 1;
    state
}

impl State {
    fn fail(&mut self, wrong: Wrong) {
        self.wrong = self.wrong.or(Some(wrong));
    }

    fn any_right(&self) -> bool {
        let [r, x] = &self.holders;
        let on_its_way = match self.message {
            Message::AtR => !r.dead,
            Message::Cut | Message::Told | Message::AtX => !x.dead,
            Message::Gone => false,
        };
        on_its_way || (r.holds && !r.dead) || (x.holds && !x.dead)
    }

    fn judge(&mut self) {
        if !self.fired && self.holders.iter().all(|holder| holder.count == 0) {
            self.fired = true;
            if self.any_right() {
                self.fail(Wrong::Early);
            }
        }
    }

    fn act(&mut self) {
        match self.events.pop().unwrap_or_default() {
            Event::None => {}
            Event::Moved if self.holders[0].count == 0 => self.fail(Wrong::Lost),
            Event::Moved => {
                self.holders[0].count -= 1;
                self.holders[1].count += 1;
            }
            Event::GivenBack => self.holders[0].count = self.holders[0].count.saturating_sub(1),
            Event::Died(is_x) => {
                let holder = &mut self.holders[usize::from(is_x)];
                (holder.count, holder.news) = (0, Queue::default());
            }
        }
        self.judge();
    }

    fn hear(&mut self, at: usize) {
        let holder = &mut self.holders[at];
        match holder.news.pop().unwrap_or_default() {
            News::None => {}
            News::Opened if holder.count == 0 => self.fail(Wrong::Lost),
            News::Opened => {}
            News::Returned => holder.count = holder.count.saturating_sub(1),
        }
        self.judge();
    }

    /// The authority comes to the message, behind the cut.
    fn carry(&mut self, rules: Rules) {
        if self.holders[1].noticed {
            self.message = Message::Gone;
            if rules.on(Rule::DestroyedIsGivenBack) {
                self.events.push(Event::GivenBack);
            }
        } else if rules.on(Rule::TransfersComeFirst) {
            self.message = Message::Told;
            self.events.push(Event::Moved);
        } else {
            self.message = Message::AtX;
            self.owed = true;
        }
    }

    fn die(&mut self, at: usize) {
        let holder = &mut self.holders[at];
        (holder.dead, holder.holds) = (true, false);
    }

    fn notice(&mut self, at: usize) {
        self.holders[at].noticed = true;
        self.events.push(Event::Died(at == 1));
        let is_there = [Message::AtR, Message::Told, Message::AtX].contains(&self.message);
        if is_there && (at == 1) == (self.message != Message::AtR) {
            self.message = Message::Gone;
        }
    }
}

struct Steps<'s> {
    from: &'s State,
    found: Vec<(Step, State)>,
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
        self.found.push((step, to));
    }

    fn of_the_holder(&mut self, at: usize) {
        let (who, holder, message) = ([R, X][at], self.from.holders[at], self.from.message);
        if holder.dead {
            return;
        }
        self.may("is killed", who, |state| state.die(at));
        if message == [Message::AtR, Message::AtX][at] {
            self.may("receives the message", who, |state| {
                state.message = Message::Gone;
                state.holders[at].holds = true;
            });
        }
        if message == Message::AtR && at == 0 {
            self.may("gives the port away", who, |state| state.message = Message::Cut);
        }
        if holder.holds && !holder.used {
            self.may("uses the right", who, |state| {
                state.holders[at].used = true;
                state.holders[at].news.push(News::Opened);
            });
        }
        if holder.holds {
            self.may("drops the right", who, |state| {
                state.holders[at].holds = false;
                state.holders[at].news.push(News::Returned);
            });
        }
    }

    fn of_the_authority(&mut self, rules: Rules) {
        let from = self.from;
        match from.message {
            Message::Cut => self.will("looks at the message", AUTHORITY, |state| state.carry(rules)),
            Message::Told => self.will("hands it over", AUTHORITY, |state| state.message = Message::AtX),
            _ => {}
        }
        if from.owed {
            self.will("tells S late", AUTHORITY, |state| {
                state.owed = false;
                state.events.push(Event::Moved);
            });
        }
        for at in 0..2 {
            let waits = at == 0 && from.message == Message::Cut && rules.on(Rule::DeathAfterTransfers);
            if from.holders[at].dead && !from.holders[at].noticed && !waits {
                let name = ["sees R dead", "sees X dead"][at];
                self.will(name, AUTHORITY, |state| state.notice(at));
            }
        }
    }
}

/// What can happen next, and what has gone wrong.
pub(crate) fn look(state: &State, rules: Rules) -> Look<State> {
    let mut steps = Steps { from: state, found: Vec::new() };
    for at in 0..2 {
        steps.of_the_holder(at);
        if !state.holders[at].news.is_empty() && state.events.is_empty() {
            let name = ["acts on news of R", "acts on news of X"][at];
            steps.will(name, S, |state| state.hear(at));
        }
    }
    if !state.events.is_empty() {
        steps.will("acts on an event", S, State::act);
    }
    steps.of_the_authority(rules);
    let is_goal = state.fired && state.holders[1].used && !state.holders[1].dead;
    let mut look = Look { steps: steps.found, wrong: state.wrong, is_goal };
    if look.is_quiet() && !state.fired && !state.any_right() {
        look.wrong = look.wrong.or(Some(Wrong::Missing));
    }
    look
}
