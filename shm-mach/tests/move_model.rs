//! The protocol by which a receive right moves, as models: every interleaving of the old receiver,
//! the new one, the authority and the others, with a kill at every step.
//!
//! The full protocol does nothing wrong in any of them; without any one of its rules something goes
//! wrong, and the shortest way there is printed (`--nocapture`). The code has the part that `alone` models.

#[path = "move_model/alone.rs"]
mod alone;
#[path = "common/search.rs"]
mod breadth_first;
#[path = "move_model/carried.rs"]
mod carried;
#[path = "move_model/nest.rs"]
mod nest;
#[path = "move_model/nest_steps.rs"]
mod nest_steps;
#[path = "move_model/queue.rs"]
mod queue;
#[path = "move_model/queue_steps.rs"]
mod queue_steps;
#[path = "move_model/rights.rs"]
mod rights;
#[path = "move_model/rights_steps.rs"]
mod rights_steps;
#[path = "move_model/rules.rs"]
mod rules;
#[path = "move_model/search.rs"]
mod search;

use queue::Lie;
use rules::{Rule, Rules};
use search::{Search, Wrong, search};

const QUEUE: queue::Bounds =
    queue::Bounds { hosts: 2, senders: 2, messages: [2, 2], limit: 2, others: 0, reuses: false, lie: None };
const ONE: queue::Bounds = queue::Bounds { senders: 1, messages: [2, 0], ..QUEUE };
const QUEUES: [(&str, queue::Bounds); 11] = [
    ("one sender", ONE),
    ("two senders", QUEUE),
    ("a full lane", queue::Bounds { messages: [3, 0], limit: 1, ..ONE }),
    ("a lane used again", queue::Bounds { reuses: true, ..ONE }),
    ("another port is cut", queue::Bounds { others: 2, ..ONE }),
    ("two moves", queue::Bounds { hosts: 3, ..ONE }),
    ("a lie about a cursor", queue::Bounds { limit: 1, lie: Some(Lie::Cursor), ..ONE }),
    ("a lie about a lane", queue::Bounds { messages: [1, 1], lie: Some(Lie::Lane), ..QUEUE }),
    ("a lie about room", queue::Bounds { limit: 1, lie: Some(Lie::Room), ..ONE }),
    ("a lie about a death", queue::Bounds { lie: Some(Lie::Dead), ..ONE }),
    ("silence", queue::Bounds { lie: Some(Lie::Silence), ..ONE }),
];

const RIGHT: rights::Bounds =
    rights::Bounds { grants: 0, homes: 0, lanes: false, once: false, settles: false };
const RIGHTS: [(&str, rights::Bounds); 5] = [
    ("rights", rights::Bounds { grants: 1, ..RIGHT }),
    ("rights with lanes", rights::Bounds { lanes: true, ..RIGHT }),
    ("a send-once right", rights::Bounds { once: true, ..RIGHT }),
    ("a grant that is settled", rights::Bounds { grants: 1, settles: true, ..RIGHT }),
    ("rights on their way home", rights::Bounds { homes: 1, ..RIGHT }),
];

const NESTS: [(&str, nest::Bounds); 2] = [
    ("ports in messages", nest::Bounds { sends: 4, destroys: 1, kills: 2, rescue: false }),
    ("port-destroyed", nest::Bounds { sends: 3, destroys: 1, kills: 1, rescue: true }),
];

type Scenario = (&'static str, Box<dyn Fn() -> Search>);

fn all(rules: Rules) -> Vec<Scenario> {
    let queues = QUEUES.map(|(name, bounds)| {
        let run = move || search(queue::State::default(), |state| queue::look(state, rules, bounds));
        (name, Box::new(run) as _)
    });
    let rights = RIGHTS.map(|(name, bounds)| {
        let run = move || search(rights::first(bounds), |state| rights::look(state, rules, bounds));
        (name, Box::new(run) as _)
    });
    let nests = NESTS.map(|(name, bounds)| {
        let run = move || search(nest::first(bounds), |state| nest::look(state, rules, bounds));
        (name, Box::new(run) as _)
    });
    let run = move || search(carried::first(), |state| carried::look(state, rules));
    let carried: Scenario = ("a right in a carried message", Box::new(run));
    let run = move || search(alone::first(), |state| alone::look(state, rules));
    let alone: Scenario = ("a port of one task alone", Box::new(run));
    queues.into_iter().chain(rights).chain([carried]).chain(nests).chain([alone]).collect()
}

#[test]
fn the_full_protocol_does_nothing_wrong() {
    for (name, run) in all(Rules::FULL) {
        run().expect_right(name);
    }
}

#[test]
fn each_rule_is_needed() {
    use Wrong::{CutOff, Early, Forged, Leaked, Lost, Missing, Order, Stuck, Twice};
    let expected = [
        ("one sender", Rule::ReadsNoMore, Twice),
        ("silence", Rule::PageIsTheAuthoritys, Lost),
        ("one sender", Rule::RingBeforeCut, Lost),
        ("two senders", Rule::TellAfterAllCuts, Order),
        ("one sender", Rule::CompleteIsLast, CutOff),
        ("one sender", Rule::CarryComesFirst, Order),
        ("two senders", Rule::CarryKeepsOrder, Order),
        ("one sender", Rule::CarriedIsNotSentAgain, Twice),
        ("one sender", Rule::RestIsSentAgain, Lost),
        ("a lane used again", Rule::CopiedBeforeReuse, Lost),
        ("one sender", Rule::HalvesOfTheDeadAreKept, Lost),
        ("a full lane", Rule::SleepersAreRung, Stuck),
        ("another port is cut", Rule::EarlierCutsAreHeard, Lost),
        ("two moves", Rule::CutsAreCounted, Lost),
        ("a lie about a cursor", Rule::FreedIsLookedAt, Forged),
        ("a lie about a lane", Rule::LaneNamesItsPort, Forged),
        ("a lie about room", Rule::RoomIsAskedFor, Lost),
        ("a lie about a death", Rule::DeathIsAskedFor, CutOff),
        ("rights", Rule::MoverIsUpToDate, Missing),
        ("rights", Rule::NewsAreCarried, Missing),
        ("rights", Rule::NewsAreToldAgain, Missing),
        ("rights", Rule::GrantsFollow, Early),
        ("rights", Rule::UsesFollow, Lost),
        ("rights with lanes", Rule::HostedFirst, Lost),
        ("rights", Rule::OwnRightsAreHeld, Early),
        ("rights", Rule::RequestsGoAlong, Missing),
        ("a send-once right", Rule::TokensGoAlong, Missing),
        ("a grant that is settled", Rule::OpenGrantsGoAlong, Missing),
        ("rights", Rule::ArrivalIsJudged, Missing),
        ("rights", Rule::AllAreAcquainted, Missing),
        ("a right in a carried message", Rule::TransfersComeFirst, Early),
        ("a right in a carried message", Rule::DeathAfterTransfers, Early),
        ("a right in a carried message", Rule::DestroyedIsGivenBack, Missing),
        ("ports in messages", Rule::OfferFirst, Lost),
        ("ports in messages", Rule::HeadWaits, Lost),
        ("ports in messages", Rule::QueuedGoAlong, Lost),
        ("ports in messages", Rule::CirclesAreDestroyed, Leaked),
        ("ports in messages", Rule::DeathGoesDown, Leaked),
        ("port-destroyed", Rule::DestroyedAreRescued, Missing),
        ("a port of one task alone", Rule::AnsweredFirst, Lost),
        ("a port of one task alone", Rule::ClosesFirst, Twice),
        ("a port of one task alone", Rule::LooksAgain, Lost),
        ("a port of one task alone", Rule::WithdrawalsAreTold, Leaked),
        ("a port of one task alone", Rule::OffersEnd, Leaked),
        ("a port of one task alone", Rule::HeardOutFirst, Lost),
        ("a port of one task alone", Rule::GiverIsCounted, CutOff),
        ("a port of one task alone", Rule::ArrivalHears, Lost),
        ("a port of one task alone", Rule::ClaimsWait, CutOff),
    ];
    for (name, rule, kind) in expected {
        let found = all(Rules::FULL.without(rule)).into_iter().find(|(other, _)| *other == name);
        let (_, run) = found.expect("a scenario of that name");
        let (wrong, way) = run().wrong.unwrap_or_else(|| panic!("without {rule:?} nothing goes wrong"));
        println!("without {rule:?}, {name}: {wrong:?}\n{way}");
        assert_eq!(wrong, kind, "without {rule:?}\n{way}");
    }
}
