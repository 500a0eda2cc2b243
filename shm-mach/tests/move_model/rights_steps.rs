//! What can happen next to the rights.

use super::rights::{Bounds, Event, HOLDERS, Lane, News, Place, Queue, R, State, X};
use super::rules::{Rule, Rules};
use super::search::Step;

const AUTHORITY: u8 = 20;

struct Steps<'s> {
    from: &'s State,
    rules: Rules,
    bounds: Bounds,
    found: Vec<(Step, State)>,
}

pub(crate) fn of(from: &State, rules: Rules, bounds: Bounds) -> Vec<(Step, State)> {
    let mut steps = Steps { from, rules, bounds, found: Vec::new() };
    if from.fired && !from.table.token && from.place == Place::AtX {
        return steps.found; // nothing is left to go wrong
    }
    for at in 0..HOLDERS {
        if !from.tasks[at].dead {
            steps.may("is killed", at, |state| state.die(at));
            steps.of_the_holder(at);
        }
        steps.of_a_death(at);
    }
    if !from.x_dead {
        steps.may("is killed", X, |state| state.x_dead = true);
    }
    steps.of_the_receivers();
    steps.of_the_authority();
    steps.found
}

impl Steps<'_> {
    fn may(&mut self, name: &'static str, who: usize, change: impl FnOnce(&mut State)) {
        self.add((name, who as u8, false), change);
    }

    fn will(&mut self, name: &'static str, who: usize, change: impl FnOnce(&mut State)) {
        self.add((name, who as u8, true), change);
    }

    fn add(&mut self, step: Step, change: impl FnOnce(&mut State)) {
        let mut to = *self.from;
        change(&mut to);
        if to != *self.from {
            self.found.push((step, to));
        }
    }

    fn of_the_holder(&mut self, at: usize) {
        let (from, rules, bounds) = (self.from, self.rules, self.bounds);
        let task = from.tasks[at];
        // R looks at its events before it takes a right to a port of its own.
        let is_unsure = at == R && !from.has_moved() && !from.events[0].is_empty();
        if task.coming > 0 && !is_unsure {
            self.may("receives a right that was passed on", at, |state| {
                state.tasks[at].coming -= 1;
                state.tasks[at].rights += 1;
            });
        }
        if task.once && !from.is_port_dead() {
            self.may("answers", at, |state| {
                state.tasks[at].once = false;
                state.tell(at, News::Answered, rules);
            });
        }
        if at == 1 && from.question && task.coming == 0 && !from.is_port_dead() {
            self.will("answers what it has of task 0's", at, |state| state.answer(rules));
        }
        if task.spare > 0 && !from.tasks[1].noticed {
            self.may("publishes a right to 1", at, |state| {
                state.tasks[at].spare -= 1;
                state.publish_to(1);
            });
        }
        if task.rights == 0 || from.is_port_dead() {
            return;
        }
        if at == R && !from.has_moved() {
            // Its own table says so; not while that is written down.
            if from.place == Place::AtR {
                self.may("drops a right of its own", at, |state| {
                    state.tasks[at].rights -= 1;
                    state.table.held[at].count -= 1;
                    state.judge();
                });
            }
            return;
        }
        if !task.linked {
            self.may("connects", at, |state| state.connect(at, rules));
        }
        if task.linked && task.lane == Lane::None && bounds.lanes {
            self.may("opens a lane", at, |state| {
                state.tasks[at].lane = Lane::Open;
                state.tell(at, News::Opened, rules);
            });
        }
        if task.lane == Lane::Open {
            self.may("closes its lane", at, |state| {
                state.tasks[at].lane = Lane::Closed;
                state.tell(at, News::Closed, rules);
            });
        }
        // Grants that are not used would be handed on: that is another model's.
        if (task.lane != Lane::Open || task.rights > 1) && task.spare == 0 {
            if task.settled > 0 {
                self.may("drops a right that it has told of", at, |state| {
                    state.tasks[at].settled -= 1;
                    state.drop_right(at, false, rules);
                });
            }
            if task.rights > task.settled {
                self.may("drops a right", at, |state| state.drop_right(at, at == 1, rules));
            }
        }
        if at == 0 && from.grants < bounds.grants && !from.tasks[1].noticed {
            let name = if bounds.settles { "asks for a grant to 1" } else { "passes a right on to 1" };
            self.may(name, at, |state| {
                state.grants += 1;
                state.pass_on(1, bounds.settles, rules);
            });
        }
        if at == 0 && from.homes < bounds.homes && !from.tasks[R].noticed {
            self.may("passes a right on to R", at, |state| {
                state.homes += 1;
                state.pass_on(R, false, rules);
            });
        }
    }

    fn of_a_death(&mut self, at: usize) {
        let (rules, task) = (self.rules, self.from.tasks[at]);
        // What R had asked for before it died is done first.
        if task.dead && !task.noticed && (at != R || self.from.place != Place::Asked) {
            self.will("is seen dead by the authority", at, |state| {
                state.tasks[at].noticed = true;
                if at != R {
                    state.events[0].push(Event::Died(at as u8));
                } else if state.place == Place::AtR {
                    state.tasks[..R].iter_mut().for_each(|holder| holder.warned = true);
                }
                if state.has_moved() && rules.on(Rule::AllAreAcquainted) {
                    state.events[1].push(Event::Died(at as u8));
                }
            });
        }
    }

    fn of_the_receivers(&mut self) {
        let (from, rules) = (self.from, self.rules);
        let is_alive = [!from.tasks[R].dead, !from.x_dead];
        // While R's table is written down it acts on nothing.
        let acts = [is_alive[0] && from.place != Place::Asked, is_alive[1]];
        for (side, who) in [(0, R), (1, X)] {
            if acts[side] && !from.events[side].is_empty() {
                self.will("acts on an event", who, |state| state.act(side, rules));
            }
            for at in 0..HOLDERS {
                let has_news = !from.tasks[at].news[side].is_empty();
                let waits = !from.events[side].is_empty() && (side == 0 || rules.on(Rule::HostedFirst));
                let is_here = side == 1 || from.place == Place::AtR;
                if acts[side] && has_news && is_here && !waits {
                    self.will("acts on news of a holder", who, |state| state.hear_next(at, side));
                }
            }
        }
        if from.place == Place::AtR && !from.tasks[R].dead && !from.x_dead {
            self.may("writes its table down and asks", R, |state| state.place = Place::Asked);
        }
    }

    fn of_the_authority(&mut self) {
        let (from, rules) = (self.from, self.rules);
        if from.place == Place::Asked {
            let is_behind = !from.events[0].is_empty() && rules.on(Rule::MoverIsUpToDate);
            // Who has more to act on first may be too dead for that: then the port dies with it.
            self.will("is asked to move the port", AUTHORITY.into(), |state| {
                if is_behind || state.x_noticed {
                    state.place = Place::AtR;
                } else {
                    state.move_port(rules);
                }
            });
        }
        if from.x_dead && !from.x_noticed {
            self.will("sees X dead", AUTHORITY.into(), |state| {
                state.x_noticed = true;
                if state.has_moved() && rules.on(Rule::AllAreAcquainted) {
                    state.tasks.iter_mut().for_each(|task| task.warned = true);
                }
            });
        }
    }
}

impl State {
    fn die(&mut self, at: usize) {
        let task = &mut self.tasks[at];
        task.dead = true;
        (task.rights, task.settled, task.spare, task.coming, task.once) = (0, 0, 0, 0, false);
    }

    /// A request about the port reaches its receiver.
    fn ask(&mut self, event: Event, rules: Rules) {
        let side = if rules.on(Rule::GrantsFollow) { self.side() } else { 0 };
        self.events[side].push(event);
    }

    /// The authority is asked, and the message is published, at once or `later`.
    fn pass_on(&mut self, to: usize, later: bool, rules: Rules) {
        self.ask(Event::Granted { to: to as u8 }, rules);
        if later {
            self.tasks[0].spare += 1;
        } else {
            self.publish_to(to);
        }
    }

    fn drop_right(&mut self, at: usize, by: bool, rules: Rules) {
        self.tasks[at].rights -= 1;
        if self.tasks[at].linked {
            self.tell(at, News::Returned { by }, rules);
        } else {
            self.ask(Event::Released { task: at as u8, by }, rules);
        }
    }

    /// All that task 0 had queued was received.
    fn answer(&mut self, rules: Rules) {
        self.question = false;
        let task = &mut self.tasks[1];
        let held = task.rights - task.settled;
        task.settled = task.rights;
        if task.linked {
            self.tell(1, News::Settled { held }, rules);
        } else {
            self.ask(Event::Settled { held }, rules);
        }
    }

    fn publish_to(&mut self, to: usize) {
        if self.tasks[to].rights + self.tasks[to].coming == 0 {
            (self.tasks[to].knows, self.tasks[to].linked) = (self.tasks[0].knows, false);
        }
        if !self.tasks[to].dead {
            self.tasks[to].coming += 1;
        }
    }

    /// The first contact with the receiver that the right names.
    fn connect(&mut self, at: usize, rules: Rules) {
        let task = &mut self.tasks[at];
        if matches!(self.place, Place::Moved | Place::AtX) && !task.knows {
            if !rules.on(Rule::UsesFollow) {
                return self.fail(super::search::Wrong::Lost);
            }
            task.knows = true;
        }
        self.tasks[at].linked = true;
    }

    fn move_port(&mut self, rules: Rules) {
        self.place = Place::Moved;
        self.events[0] = Queue::default();
        if !rules.on(Rule::OwnRightsAreHeld) {
            self.table.held[R].count = 0;
        }
        self.table.armed &= rules.on(Rule::RequestsGoAlong);
        self.table.token &= rules.on(Rule::TokensGoAlong);
        if !rules.on(Rule::OpenGrantsGoAlong) {
            self.table.open = 0;
        }
        // R has a link to X: its message went over it.
        (self.tasks[R].linked, self.tasks[R].knows) = (true, true);
        self.events[1].push(Event::Hosted);
    }
}
