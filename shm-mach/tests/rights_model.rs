//! The protocol of send rights between tasks, as a model: every interleaving of a receiver, an
//! issuer, a destination and the authority, with a kill at every step.
//!
//! The full protocol does nothing wrong in any of them; without any one of its rules something goes
//! wrong, and the shortest way there is printed (`--nocapture`).

#[path = "common/queue.rs"]
mod queue;
#[path = "rights_model/rules.rs"]
mod rules;
#[path = "common/search.rs"]
mod search;
#[path = "rights_model/state.rs"]
mod state;
#[path = "rights_model/steps.rs"]
mod steps;

use std::collections::HashMap;

use rules::{Rule, Rules};
use search::{Look, Search, search};
use state::{State, Wrong};
use steps::{Bounds, Steps};

fn look(state: &State, rules: Rules, bounds: Bounds) -> Look<State, Wrong, usize> {
    let steps = Steps::of(state, rules, bounds).found;
    let mut look = Look { steps, wrong: state.wrong, is_goal: state.fired };
    if look.is_quiet() && !state.fired && !state.any_right() {
        look.wrong = look.wrong.or(Some(Wrong::Missing));
    }
    look
}

fn explore(first: State, rules: Rules, bounds: Bounds) -> Search<Wrong> {
    search(first, |state| look(state, rules, bounds))
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

#[test]
fn the_full_protocol_does_nothing_wrong() {
    for (name, first, bounds) in scenarios() {
        explore(first, Rules::FULL, bounds).expect_right(name);
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
        let found = explore(first, Rules::FULL.without(rule), bounds).wrong;
        let (wrong, way) = found.unwrap_or_else(|| panic!("without {rule:?} nothing goes wrong"));
        println!("without {rule:?}, {name}: {wrong:?}\n{way}");
        assert_eq!(wrong, kind, "without {rule:?}\n{way}");
    }
}
