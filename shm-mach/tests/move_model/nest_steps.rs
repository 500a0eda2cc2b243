//! What can happen next to ports in messages.

use super::nest::{Bounds, PORTS, Right, State, TASKS};
use super::rules::{Rule, Rules};
use super::search::{Step, Wrong};

const AUTHORITY: u8 = 20;
const SENDS: [[&str; PORTS]; PORTS] = [
    ["sends port 0 to itself", "sends port 0 to port 1", "sends port 0 to port 2"],
    ["sends port 1 to port 0", "sends port 1 to itself", "sends port 1 to port 2"],
    ["sends port 2 to port 0", "sends port 2 to port 1", "sends port 2 to itself"],
];
const MOVES: [&str; PORTS] = ["moves port 0", "moves port 1", "moves port 2"];
const RECEIVES: [&str; PORTS] = ["receives port 0", "receives port 1", "receives port 2"];
const DESTROYS: [&str; PORTS] = ["destroys port 0", "destroys port 1", "destroys port 2"];

struct Steps<'s> {
    from: &'s State,
    rules: Rules,
    bounds: Bounds,
    found: Vec<(Step, State)>,
}

pub(crate) fn of(from: &State, rules: Rules, bounds: Bounds) -> Vec<(Step, State)> {
    let mut steps = Steps { from, rules, bounds, found: Vec::new() };
    for port in 0..PORTS as u8 {
        steps.of_the_port(port);
    }
    for task in 0..TASKS as u8 {
        steps.of_the_task(task);
    }
    steps.found
}

impl Steps<'_> {
    fn add(&mut self, step: Step, change: impl FnOnce(&mut State)) {
        let mut to = *self.from;
        change(&mut to);
        self.found.push((step, to));
    }

    fn of_the_port(&mut self, at: u8) {
        let (from, rules, bounds) = (self.from, self.rules, self.bounds);
        let port = from.ports[usize::from(at)];
        let index = usize::from(at);
        let host_lives = !from.dead[usize::from(port.host)];
        match port.right {
            Right::Held if host_lives => {
                for to in 0..PORTS as u8 {
                    if from.sends < bounds.sends && !from.is_dead(to) {
                        let name = SENDS[index][usize::from(to)];
                        self.add((name, port.host, false), |state| {
                            state.sends += 1;
                            state.send(at, to, rules);
                        });
                    }
                }
                if from.destroys < bounds.destroys {
                    self.add((DESTROYS[index], port.host, false), |state| {
                        state.destroys += 1;
                        state.discard(at, rules);
                    });
                }
            }
            Right::Leaving(to) => {
                self.add((MOVES[index], AUTHORITY, true), |state| state.move_port(at, to, rules));
                if !rules.on(Rule::OfferFirst) {
                    let name = "has no room for the move";
                    self.add((name, AUTHORITY, true), |state| state.fail(Wrong::Lost));
                }
                if !rules.on(Rule::HeadWaits) {
                    self.receive(at, to, Right::Taken { to, by: from.host(to) });
                }
            }
            Right::Taken { to, by } => {
                self.add((MOVES[index], AUTHORITY, true), |state| state.move_port(at, to, rules));
                if !from.dead[usize::from(by)] && from.sends < bounds.sends {
                    // The authority knows another task as the port's host.
                    self.add(("sends it on", by, false), |state| state.fail(Wrong::Lost));
                }
            }
            Right::OnItsWay(to) => self.receive(at, to, Right::Held),
            Right::Held | Right::Dead => {}
        }
    }

    fn receive(&mut self, at: u8, to: u8, right: Right) {
        let queue = self.from.ports[usize::from(to)];
        if queue.right == Right::Held && !self.from.dead[usize::from(queue.host)] {
            self.add((RECEIVES[usize::from(at)], queue.host, false), |state| {
                state.ports[usize::from(at)].right = right;
            });
        }
    }

    fn of_the_task(&mut self, task: u8) {
        let (from, rules) = (self.from, self.rules);
        let is_its = |port: &&super::nest::Port| port.host == task && port.right != Right::Dead;
        let is_asking =
            |port: &super::nest::Port| matches!(port.right, Right::Leaving(_) | Right::Taken { .. });
        if !from.dead[usize::from(task)] && from.kills < self.bounds.kills {
            self.add(("is killed", task, false), |state| state.kill(task));
            if from.ports.iter().filter(is_its).any(is_asking) {
                self.add(("is killed before it asks", task, false), |state| {
                    state.kill(task);
                    for at in 0..PORTS {
                        if state.ports[at].host == task && is_asking(&state.ports[at]) {
                            state.die(at as u8, rules);
                        }
                    }
                });
            }
        }
        // What it had asked for is done first.
        let hosted: Vec<_> = from.ports.iter().filter(is_its).collect();
        if from.dead[usize::from(task)] && !hosted.is_empty() && !hosted.iter().any(|port| is_asking(port)) {
            self.add(("is seen dead by the authority", task, true), |state| {
                for at in 0..PORTS as u8 {
                    if state.host(at) == task {
                        state.ports[usize::from(at)].right = Right::Dead;
                    }
                }
            });
        }
    }
}

impl State {
    fn kill(&mut self, task: u8) {
        self.dead[usize::from(task)] = true;
        self.kills += 1;
    }

    /// The host of a port sends its receive right to a port.
    fn send(&mut self, at: u8, to: u8, rules: Rules) {
        if self.host(to) == self.host(at) {
            return self.send_here(at, to, rules);
        }
        self.ports[usize::from(at)].right = Right::Leaving(to);
    }

    /// The same, when it hosts both: only then can there be a circle.
    fn send_here(&mut self, at: u8, to: u8, rules: Rules) {
        if self.is_dead(to) || (self.leads_to(to, at) && rules.on(Rule::CirclesAreDestroyed)) {
            return self.discard(at, rules);
        }
        self.ports[usize::from(at)].right = Right::OnItsWay(to);
    }

    /// The authority acts on a request to move a port.
    fn move_port(&mut self, at: u8, to: u8, rules: Rules) {
        let (old, new) = (self.host(at), self.host(to));
        if self.is_dead(to) || self.dead[usize::from(new)] {
            return self.discard(at, rules); // with the message
        }
        if old == new {
            return self.send_here(at, to, rules); // the destination has moved to where this port is
        }
        for other in 0..PORTS as u8 {
            if rules.on(Rule::QueuedGoAlong) && self.leads_to(other, at) {
                self.ports[usize::from(other)].host = new;
            }
        }
        let port = &mut self.ports[usize::from(at)];
        port.host = new;
        port.right = match port.right {
            Right::Taken { .. } => Right::Held,
            _ => Right::OnItsWay(to),
        };
    }

    /// A port's receive right is destroyed, by the program or with the message that it was in.
    fn discard(&mut self, at: u8, rules: Rules) {
        let port = self.ports[usize::from(at)];
        if !(port.rescue && rules.on(Rule::DestroyedAreRescued)) || self.dead[usize::from(port.host)] {
            return self.die(at, rules);
        }
        self.ports[usize::from(at)].rescue = false;
        if self.is_dead(2) {
            return self.die(at, rules);
        }
        self.send(at, 2, rules);
    }

    /// A port dies, and what is in its queue with it.
    fn die(&mut self, at: u8, rules: Rules) {
        self.ports[usize::from(at)].right = Right::Dead;
        for other in 0..PORTS as u8 {
            if self.ports[usize::from(other)].right == Right::OnItsWay(at) && rules.on(Rule::DeathGoesDown) {
                self.discard(other, rules);
            }
        }
    }
}
