//! The protocol of send-once rights that are passed on, as a model: every interleaving of a receiver,
//! tasks that pass one right on, and the authority, with a kill at every step.
//!
//! Of the right comes exactly one message or notification in all of them; without any one of the rules
//! something goes wrong, and the shortest way there is printed (`--nocapture`).

#[path = "common/queue.rs"]
mod queue;
#[path = "once_model/rules.rs"]
mod rules;
#[path = "common/search.rs"]
mod search;
#[path = "once_model/state.rs"]
mod state;
#[path = "once_model/steps.rs"]
mod steps;

use std::collections::HashMap;

use rules::{Rule, Rules};
use search::{Look, Search, search};
use state::{State, Wrong};
use steps::{Bounds, Steps};

fn look(state: &State, rules: Rules, bounds: Bounds) -> Look<State, Wrong, usize> {
    let steps = Steps::of(state, rules, bounds).found;
    let mut look = Look { steps, wrong: state.wrong, is_goal: state.came > 0 };
    if look.is_quiet() && state.came == 0 && !state.lives(bounds.tasks) {
        look.wrong = look.wrong.or(Some(Wrong::Missing));
    }
    look
}

fn explore(first: State, rules: Rules, bounds: Bounds) -> Search<Wrong> {
    search(first, |state| look(state, rules, bounds))
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

#[test]
fn of_a_right_comes_exactly_one_message() {
    for (name, first, bounds) in scenarios() {
        explore(first, Rules::FULL, bounds).expect_right(name);
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
        let found = explore(first, Rules::FULL.without(rule), bounds).wrong;
        let (wrong, way) = found.unwrap_or_else(|| panic!("without {rule:?} nothing goes wrong"));
        println!("without {rule:?}, {name}: {wrong:?}\n{way}");
        assert_eq!(wrong, kind, "without {rule:?}\n{way}");
    }
}
