//! The protocol of send rights between tasks, as a model: every interleaving of a receiver, an
//! issuer, a destination and the authority, with a kill at every step.
//!
//! The full protocol does nothing wrong in any of them; without any one of its rules something goes
//! wrong, and the shortest way there is printed (`--nocapture`).

#[path = "rights_model/rules.rs"]
mod rules;
#[path = "rights_model/state.rs"]
mod state;
#[path = "rights_model/steps.rs"]
mod steps;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};

use rules::{Rule, Rules};
use state::{State, Wrong};
use steps::{Bounds, Step, Steps};

/// What a search came to: how many states it saw, and what went wrong first, with the way there.
struct Search {
    states: usize,
    wrong: Option<(Wrong, Vec<Step>)>,
}

/// Quick also in a debug build; nobody chooses the states to spite it.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u8(*byte);
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.0 = (self.0.rotate_left(5) ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_isize(&mut self, discriminant: isize) {
        self.write_u8(discriminant as u8);
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}

/// Breadth first: the first thing found is the one with the shortest way.
fn search(first: State, rules: Rules, bounds: Bounds) -> Search {
    let mut seen: HashMap<State, usize, BuildHasherDefault<Mix>> = HashMap::default();
    seen.insert(first, 0);
    let mut all: Vec<(State, usize, Step)> = vec![(first, 0, ("", 0, false))];
    let mut at = 0;
    while at < all.len() {
        let state = all[at].0;
        let steps = Steps::of(&state, rules, bounds).found;
        let is_quiet = !steps.iter().any(|((_, _, happens), _)| *happens);
        let is_missing = is_quiet && !state.fired && !state.any_right();
        if let Some(wrong) = state.wrong.or(is_missing.then_some(Wrong::Missing)) {
            let mut way = Vec::new();
            while at > 0 {
                way.push(all[at].2);
                at = all[at].1;
            }
            way.reverse();
            return Search { states: all.len(), wrong: Some((wrong, way)) };
        }
        for (step, next) in steps {
            if let Entry::Vacant(vacant) = seen.entry(next) {
                vacant.insert(all.len());
                all.push((next, at, step));
            }
        }
        at += 1;
    }
    Search { states: all.len(), wrong: None }
}

/// Task 0 holds one right, which R has given it over their link; R itself has none.
fn one_holder() -> State {
    let mut state = State::default();
    let holder = &mut state.tasks[0];
    (holder.direct, holder.linked) = (1, true);
    (holder.held.minted, holder.held.linked) = (1, true);
    state
}

/// Two grants from one issuer to one destination.
const PASSING: Bounds = Bounds { tasks: 2, grants: 2, mints: 0, sends: 0, ports_die: false };

/// One, and both send; the destination is linked with R before or not.
const SENDING: Bounds = Bounds { tasks: 2, grants: 1, mints: 0, sends: 1, ports_die: false };

/// The destination's port dies while rights are on their way to it.
const DYING: Bounds = Bounds { tasks: 2, grants: 2, mints: 0, sends: 0, ports_die: true };

fn both_linked() -> State {
    let mut state = one_holder();
    (state.tasks[1].linked, state.tasks[1].held.linked) = (true, true);
    state
}

/// R has a right of its own, and gives one away while task 0 passes one on.
fn receiver_gives() -> (State, Bounds) {
    let mut state = both_linked();
    state.local = true;
    (state, Bounds { tasks: 2, grants: 1, mints: 1, sends: 0, ports_die: false })
}

/// A right goes from hand to hand.
const CHAIN: Bounds = Bounds { tasks: 3, grants: 1, mints: 0, sends: 0, ports_die: false };

/// Task 1 was given nothing, and claims all it can.
fn with_a_liar() -> (State, Bounds) {
    let mut state = one_holder();
    state.liar = Some(1);
    (state, Bounds { tasks: 2, grants: 0, mints: 0, sends: 0, ports_die: false })
}

fn scenarios() -> [(&'static str, State, Bounds); 7] {
    let (giving, gives) = receiver_gives();
    let (liar, lies) = with_a_liar();
    [
        ("passing", one_holder(), PASSING),
        ("sending", one_holder(), SENDING),
        ("linked", both_linked(), SENDING),
        ("dying", one_holder(), DYING),
        ("giving", giving, gives),
        ("chain", one_holder(), CHAIN),
        ("liar", liar, lies),
    ]
}

fn show(way: &[Step]) -> String {
    let lines = way.iter().map(|(name, task, _)| match task {
        0..=2 => format!("  task {task} {name}\n"),
        _ => format!("  {name}\n"),
    });
    lines.collect()
}

#[test]
fn the_full_protocol_does_nothing_wrong() {
    for (name, first, bounds) in scenarios() {
        let Search { states, wrong } = search(first, Rules::FULL, bounds);
        println!("{name}: {states} states");
        if let Some((wrong, way)) = wrong {
            panic!("{name}: {wrong:?}\n{}", show(&way));
        }
    }
}

#[test]
fn each_rule_is_needed() {
    use Wrong::{Early, Forged, Lost, Missing};
    let expected = [
        ("passing", Rule::FlagBeforeAnswer, Early),
        ("passing", Rule::EventsBeforeNews, Early),
        ("passing", Rule::ReturnsWait, Early),
        ("linked", Rule::ClaimsWait, Lost),
        ("linked", Rule::NewsStayInOrder, Lost),
        ("passing", Rule::DeathComesLast, Early),
        ("liar", Rule::IssuerIsCovered, Forged),
        ("liar", Rule::ClaimsAreJudged, Forged),
        ("sending", Rule::LanesCount, Lost),
        ("sending", Rule::LastNewsCount, Lost),
        ("sending", Rule::DeadAreHeardOut, Lost),
        ("giving", Rule::MintBeforePublish, Early),
        ("giving", Rule::RefusedIsUnminted, Missing),
        ("passing", Rule::DeathIsSettled, Missing),
        ("passing", Rule::AnswerAfterQueue, Early),
        ("sending", Rule::AnswerInOrder, Lost),
        ("passing", Rule::ReturnNamesIssuer, Early),
        ("dying", Rule::UnreadIsReleased, Missing),
        ("dying", Rule::AbandonedIsReleased, Missing),
        ("passing", Rule::SpareIsHandedOn, Missing),
    ];
    let scenarios: HashMap<_, _> =
        scenarios().into_iter().map(|(name, first, bounds)| (name, (first, bounds))).collect();
    for (name, rule, kind) in expected {
        let (first, bounds) = scenarios[name];
        let found = search(first, Rules::FULL.without(rule), bounds).wrong;
        let (wrong, way) = found.unwrap_or_else(|| panic!("without {rule:?} nothing goes wrong"));
        println!("without {rule:?}, {name}: {wrong:?}\n{}", show(&way));
        assert_eq!(wrong, kind, "without {rule:?}\n{}", show(&way));
    }
}
