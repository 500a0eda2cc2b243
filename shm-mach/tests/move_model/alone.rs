//! A port that nobody else has a right to goes from R to X, as the code does it: the authority tells X of it,
//! then the message is published and the port leaves R. A thread of R's goes on sending to it.

use super::rights::Queue;
use super::rules::{Rule, Rules};
use super::search::{Look, Step, Wrong};

const R: u8 = 2;
const THREAD: u8 = 1;
const X: u8 = 3;
const AUTHORITY: u8 = 20;
/// Messages of the thread's.
const MESSAGES: u8 = 3;

/// The port, at R.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Here {
    #[default]
    Open,
    /// Nothing is queued, and no right given.
    Closed,
    /// Rights lead to X.
    Gone,
}

/// The port, at X.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum There {
    #[default]
    Nowhere,
    /// Its right has not come.
    Offered,
    /// A program has its right.
    Received,
    Ended,
}

/// How far R is with its message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Mover {
    #[default]
    Idle,
    Asks,
    /// The authority has answered.
    MaySend,
    /// The port is closed for it.
    Sends,
    /// It is published.
    HasSent,
    TakesBack,
    Done,
}

/// What the authority tells X.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Event {
    #[default]
    None,
    Offered,
    Withdrawn,
    Died,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct State {
    here: Here,
    there: There,
    mover: Mover,
    tries: u8,
    /// The authority has not served the offer.
    is_asked: bool,
    /// The message lies in X's queue.
    is_published: bool,
    is_dead: bool,
    is_noticed: bool,
    events: Queue<Event>,
    /// The thread has opened a lane to X, and X has not heard of it; it has, and believes it.
    is_claimed: bool,
    is_believed: bool,
    /// X counts R as a holder.
    is_counted: bool,
    sent: u8,
    queued: u8,
    in_lane: u8,
    received: u8,
    wrong: Option<Wrong>,
}

impl State {
    fn fail(&mut self, wrong: Wrong) {
        self.wrong = self.wrong.or(Some(wrong));
    }

    /// The thread's send returns: the message will be received, if the port lives.
    fn send(&mut self) {
        self.sent += 1;
        if self.here == Here::Open {
            self.queued += 1;
        } else {
            self.is_claimed |= self.in_lane == 0 && !self.is_believed;
            self.in_lane += 1;
        }
    }

    fn leave(&mut self) {
        (self.here, self.mover) = (Here::Gone, Mover::Done);
        if self.queued > 0 {
            self.fail(Wrong::Lost);
        }
    }

    fn hear(&mut self) {
        self.is_claimed = false;
        self.is_believed = self.is_counted && matches!(self.there, There::Offered | There::Received);
        if !self.is_believed {
            self.fail(Wrong::CutOff);
        }
    }

    fn act(&mut self, rules: Rules, is_in_hand: bool) {
        match self.events.pop().unwrap_or_default() {
            Event::None => {}
            Event::Offered => {
                (self.there, self.is_counted) = (There::Offered, rules.on(Rule::GiverIsCounted))
            }
            Event::Withdrawn if self.there == There::Offered => self.there = There::Ended,
            Event::Withdrawn => {}
            Event::Died => {
                if self.is_claimed {
                    self.hear();
                }
                let waits = rules.on(Rule::HeardOutFirst) && (self.is_published || is_in_hand);
                if self.there == There::Offered && rules.on(Rule::OffersEnd) && !waits {
                    self.there = There::Ended;
                }
            }
        }
    }

    fn receive(&mut self, rules: Rules) {
        self.is_published = false;
        while rules.on(Rule::ArrivalHears) && !self.events.is_empty() {
            self.act(rules, true);
        }
        if self.there == There::Offered {
            self.there = There::Received;
        } else {
            self.fail(Wrong::Lost);
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

    fn of_the_giver(&mut self, rules: Rules) {
        let from = self.from;
        if from.is_dead {
            return;
        }
        self.may("is killed", R, |state| state.is_dead = true);
        if from.sent < MESSAGES && from.here != Here::Closed {
            self.may("sends", THREAD, State::send);
        }
        let has_right = matches!(from.mover, Mover::Idle);
        if from.here == Here::Open && has_right && from.queued > 0 {
            self.may("receives a message", R, |state| {
                (state.queued, state.received) = (0, from.received + from.queued)
            });
        }
        match from.mover {
            Mover::Idle if from.tries < 2 && from.queued == 0 => self.may("offers the port", R, |state| {
                (state.mover, state.is_asked, state.tries) = (Mover::Asks, true, from.tries + 1);
                if !rules.on(Rule::AnsweredFirst) {
                    state.mover = Mover::MaySend;
                }
            }),
            Mover::MaySend if from.queued > 0 && rules.on(Rule::LooksAgain) => {
                self.will("finds messages in its queue", R, |state| state.mover = Mover::TakesBack);
            }
            Mover::MaySend => self.will("closes the port", R, |state| {
                state.mover = Mover::Sends;
                if rules.on(Rule::ClosesFirst) {
                    state.here = Here::Closed;
                }
            }),
            Mover::Sends => {
                self.will("publishes", R, |state| (state.mover, state.is_published) = (Mover::HasSent, true));
                self.will("finds no room", R, |state| {
                    (state.mover, state.here) = (Mover::TakesBack, Here::Open)
                });
            }
            Mover::HasSent => self.will("lets go of the port", R, State::leave),
            Mover::TakesBack => self.will("takes the offer back", R, |state| {
                state.mover = Mover::Idle;
                if rules.on(Rule::WithdrawalsAreTold) {
                    state.events.push(Event::Withdrawn);
                }
            }),
            Mover::Idle | Mover::Asks | Mover::Done => {}
        }
    }

    fn of_the_authority(&mut self) {
        let from = self.from;
        if from.is_asked {
            self.will("serves the offer", AUTHORITY, |state| {
                state.is_asked = false;
                state.events.push(Event::Offered);
                if state.mover == Mover::Asks {
                    state.mover = Mover::MaySend;
                }
            });
        } else if from.is_dead && !from.is_noticed {
            self.will("sees R dead", AUTHORITY, |state| {
                state.is_noticed = true;
                state.events.push(Event::Died);
            });
        }
    }

    fn of_the_taker(&mut self, rules: Rules) {
        let from = self.from;
        if !from.events.is_empty() {
            self.will("acts on an event", X, |state| state.act(rules, false));
        }
        if from.is_claimed && (from.events.is_empty() || !rules.on(Rule::ClaimsWait)) {
            self.will("acts on a claim", X, State::hear);
        }
        if from.is_published {
            self.will("receives the right", X, |state| state.receive(rules));
        }
        if from.there == There::Received && from.is_believed && from.in_lane > 0 {
            self.will("receives a message", X, |state| {
                (state.in_lane, state.received) = (0, from.received + from.in_lane);
            });
        }
    }
}

/// Nothing yet.
pub(crate) fn first() -> State {
    State::default()
}

/// What can happen next, and what has gone wrong.
pub(crate) fn look(state: &State, rules: Rules) -> Look<State> {
    let mut steps = Steps { from: state, found: Vec::new() };
    steps.of_the_giver(rules);
    steps.of_the_authority();
    steps.of_the_taker(rules);
    let is_goal = state.there == There::Received && state.received == MESSAGES;
    let mut look = Look { steps: steps.found, wrong: state.wrong, is_goal };
    let mut wrong = |is: bool, what| {
        if is {
            look.wrong = look.wrong.or(Some(what));
        }
    };
    wrong(state.there == There::Received && state.here == Here::Open && !state.is_dead, Wrong::Twice);
    if !look.steps.iter().any(|((_, _, happens), _)| *happens) {
        let lives_there = state.there == There::Received;
        look.wrong = look.wrong.or((state.there == There::Offered).then_some(Wrong::Leaked));
        let is_lost = lives_there && state.received != state.sent;
        look.wrong = look.wrong.or(is_lost.then_some(Wrong::Lost));
    }
    look
}
