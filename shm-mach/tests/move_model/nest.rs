//! Ports whose receive rights are in messages to other ports: chains, circles, deaths.
//!
//! Three tasks, three ports; every task can send to every port. A port that is on its way is hosted by
//! the task that hosts the port it is on its way to, so a chain lies within one task.

use super::nest_steps::of;
use super::rules::Rules;
use super::search::{Look, Wrong};

pub(crate) const TASKS: usize = 3;
pub(crate) const PORTS: usize = 3;

/// How much is done, so that the model ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How often a receive right is sent, by a program or for a port-destroyed request.
    pub(crate) sends: u8,
    pub(crate) destroys: u8,
    pub(crate) kills: u8,
    /// Port 0's port-destroyed request names port 2.
    pub(crate) rescue: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Right {
    /// The program of the port's host has it.
    Held,
    /// The message to that port is published; the authority is asked, and has not moved the port.
    Leaving(u8),
    /// As that, and the destination's program has received the message already.
    Taken {
        to: u8,
        by: u8,
    },
    /// In a message to that port.
    OnItsWay(u8),
    Dead,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Port {
    pub(crate) right: Right,
    /// The task whose library keeps its table and its queue.
    pub(crate) host: u8,
    /// A port-destroyed request, to port 2.
    pub(crate) rescue: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) ports: [Port; PORTS],
    pub(crate) dead: [bool; TASKS],
    pub(crate) sends: u8,
    pub(crate) destroys: u8,
    pub(crate) kills: u8,
    pub(crate) wrong: Option<Wrong>,
}

pub(crate) fn first(bounds: Bounds) -> State {
    let port = |host: u8| Port { right: Right::Held, host, rescue: bounds.rescue && host == 0 };
    State {
        ports: [port(0), port(1), port(2)],
        dead: [false; TASKS],
        sends: 0,
        destroys: 0,
        kills: 0,
        wrong: None,
    }
}

impl State {
    pub(crate) fn fail(&mut self, wrong: Wrong) {
        self.wrong = self.wrong.or(Some(wrong));
    }

    pub(crate) fn is_dead(&self, port: u8) -> bool {
        self.ports[usize::from(port)].right == Right::Dead
    }

    pub(crate) fn host(&self, port: u8) -> u8 {
        self.ports[usize::from(port)].host
    }

    /// Whether `port` is `end`, or on its way towards it.
    pub(crate) fn leads_to(&self, port: u8, end: u8) -> bool {
        let mut at = port;
        for _ in 0..=PORTS {
            if at == end {
                return true;
            }
            match self.ports[usize::from(at)].right {
                Right::OnItsWay(to) => at = to,
                _ => return false,
            }
        }
        false
    }

    /// What is wrong at any time.
    fn is_astray(&self) -> Option<Wrong> {
        for (at, port) in self.ports.iter().enumerate() {
            let Right::OnItsWay(to) = port.right else { continue };
            if self.leads_to(to, at as u8) {
                return Some(Wrong::Leaked); // a circle
            }
            let end = self.ports[usize::from(to)];
            if end.right != Right::Dead && end.host != port.host {
                return Some(Wrong::Lost); // it would die with a task that has nothing to do with it
            }
        }
        None
    }

    /// What is wrong when nothing more happens by itself.
    fn at_rest(&self) -> Option<Wrong> {
        let is_forgotten = |port: &Port| {
            port.right == Right::Dead && port.rescue && !self.dead[usize::from(port.host)] && !self.is_dead(2)
        };
        if self.ports.iter().any(is_forgotten) {
            return Some(Wrong::Missing);
        }
        let is_lost = |port: &Port| match port.right {
            Right::Dead => false,
            Right::Held => self.dead[usize::from(port.host)],
            Right::OnItsWay(to) => self.is_dead(to),
            Right::Leaving(_) | Right::Taken { .. } => true,
        };
        self.ports.iter().any(is_lost).then_some(Wrong::Leaked)
    }
}

/// What can happen next, and what has gone wrong.
pub(crate) fn look(state: &State, rules: Rules, bounds: Bounds) -> Look<State> {
    let wrong = state.wrong.or_else(|| state.is_astray());
    // Ports 0 and 1 have gone to port 2, one in the other's queue, or one was rescued there.
    let is_rescued = bounds.rescue && !state.ports[0].rescue && state.ports[0].right == Right::Held;
    let is_goal = state.host(0) == 2 && (state.host(1) == 2 || is_rescued) && !state.is_dead(0);
    let mut look = Look { steps: of(state, rules, bounds), wrong, is_goal };
    if look.is_quiet() {
        look.wrong = look.wrong.or_else(|| state.at_rest());
    }
    look
}
