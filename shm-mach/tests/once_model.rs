//! The protocol of send-once rights that are passed on, as a model: every interleaving of a receiver,
//! tasks that pass one right on, and the authority, with a kill at every step.
//!
//! Of the right comes exactly one message or notification in all of them; without any one of the rules
//! something goes wrong, and the shortest way there is printed (`--nocapture`).

#[path = "once_model/rules.rs"]
mod rules;
#[path = "once_model/state.rs"]
mod state;
#[path = "once_model/steps.rs"]
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
        let is_missing = is_quiet && state.came == 0 && !state.lives(bounds.tasks);
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

fn scenarios() -> [(&'static str, State, Bounds); 5] {
    let mut with_a_liar = State::new();
    with_a_liar.liar = Some(2);
    (with_a_liar.tasks[2].linked, with_a_liar.tasks[2].known) = (true, true);
    let mut linked = State::new();
    (linked.tasks[1].linked, linked.tasks[1].known) = (true, true);
    let bounds = |tasks, grants, goes_home| Bounds { tasks, grants, goes_home };
    [
        ("passing", State::new(), bounds(2, 2, false)),
        ("linked", linked, bounds(2, 2, false)),
        ("home", State::new(), bounds(2, 1, true)),
        ("chain", State::new(), bounds(3, 1, false)),
        ("liar", with_a_liar, bounds(3, 1, false)),
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
fn of_a_right_comes_exactly_one_message() {
    for (name, first, bounds) in scenarios() {
        let Search { states, wrong } = search(first, Rules::FULL, bounds);
        println!("{name}: {states} states");
        if let Some((wrong, way)) = wrong {
            panic!("{name}: {wrong:?}\n{}", show(&way));
        }
    }
}

#[test]
fn each_rule_of_passing_on_is_needed() {
    use Wrong::{Forged, Lost, Missing, Twice};
    let expected = [
        ("linked", Rule::FlagBeforeAnswer, Lost),
        ("liar", Rule::HolderIsChecked, Missing),
        ("passing", Rule::TokenIsTaken, Twice),
        ("liar", Rule::ClaimantIsChecked, Forged),
        ("linked", Rule::ClaimsWait, Lost),
        ("linked", Rule::DropsWait, Missing),
        ("passing", Rule::IssuerMayTakeBack, Missing),
        ("passing", Rule::DeadKeepTheirs, Lost),
        ("passing", Rule::DeathComesLast, Lost),
        ("linked", Rule::LastNewsCount, Lost),
        ("linked", Rule::DeadAreHeardOut, Lost),
        ("passing", Rule::DestinationsDie, Missing),
        ("passing", Rule::DeathIsSettled, Missing),
        ("passing", Rule::AnswerAfterQueue, Lost),
        ("linked", Rule::AnswerInOrder, Lost),
        ("passing", Rule::UnreadIsDropped, Missing),
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
