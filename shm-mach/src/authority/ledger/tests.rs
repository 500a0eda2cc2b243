use super::*;
use crate::wire::request::PortRef;

const PORT: PortRef = PortRef { port: 3, epoch: 0, key: 99, limit: 5 };
const WHO: Attested = Attested { pid: 1, uid: 2, gid: 3, started: 4 };

fn tasks(count: usize) -> (Ledger, Vec<u64>) {
    let mut ledger = Ledger::new(100);
    let ids = (0..count).map(|_| ledger.attach(WHO, 1)).collect();
    (ledger, ids)
}

fn ask(ledger: &mut Ledger, from: u64, request: Request) -> (Option<Answer>, Vec<(u64, Event)>) {
    let mut out: Events<u32> = Vec::new();
    let answer = ledger.invoke(from, 1, request, Some(7), &mut out);
    (answer, out.into_iter().map(|outgoing| (outgoing.to, outgoing.event)).collect())
}

#[test]
fn two_tasks_are_introduced_once_whoever_asks() {
    let (mut ledger, ids) = tasks(2);
    let (answer, events) = ask(&mut ledger, ids[0], Request::Connect { task: ids[1] });
    assert_eq!(answer, Some(Answer::Refused(Refusal::TaskDied)), "it holds no right");
    assert_eq!(events, []);
    know(&mut ledger, ids[0], ids[1]);
    let (_, events) = ask(&mut ledger, ids[0], Request::Connect { task: ids[1] });
    assert_eq!(events, [(ids[1], Event::Introduced { task: ids[0], who: WHO, features: 1 })]);
    let (answer, events) = ask(&mut ledger, ids[1], Request::Connect { task: ids[0] });
    assert_eq!(answer, Some(Answer::Peer { who: WHO, features: 1 }));
    assert_eq!(events, [(ids[0], Event::Accepted { task: ids[1] })], "asking both answers");
    let (answer, _) = ask(&mut ledger, ids[0], Request::Connect { task: ids[1] });
    assert_eq!(answer, Some(Answer::Refused(Refusal::Protocol)));
    assert_eq!(ask(&mut ledger, ids[1], Request::Accept { task: ids[0] }).1, [], "too late");
}

#[test]
fn the_acquainted_hear_of_a_death_and_nobody_else() {
    let (mut ledger, ids) = tasks(4);
    know(&mut ledger, ids[0], ids[1]);
    let grant = Request::Grant { receiver: ids[0], port: PORT, to: ids[2] };
    let (answer, events) = ask(&mut ledger, ids[1], grant.clone());
    assert_eq!(answer, Some(Answer::Refused(Refusal::TaskDied)), "it does not know the third");
    assert_eq!(events, []);
    know(&mut ledger, ids[1], ids[2]);
    assert_eq!(ask(&mut ledger, ids[1], grant).0, Some(Answer::Done));
    let mut out: Events<u32> = Vec::new();
    ledger.died(ids[0], &mut out);
    let told: Vec<u64> = out.iter().map(|outgoing| outgoing.to).collect();
    assert_eq!(told, [ids[1], ids[2]]);
}

#[test]
fn one_who_knows_too_many_is_not_made_known_to_another_either() {
    let (mut ledger, ids) = tasks(PEERS_A_TASK + 3);
    let popular = ids[0];
    for other in &ids[1..=PEERS_A_TASK] {
        know(&mut ledger, popular, *other);
    }
    let (another, dead) = (ids[PEERS_A_TASK + 1], ids[PEERS_A_TASK + 2]);
    for (one, other) in [(popular, another), (another, popular)] {
        assert_eq!(ledger.acquaint(one, other), Err(Refusal::NoBuffer));
        assert!(ledger.known(one, other).is_err() && ledger.known(other, one).is_err());
    }
    ledger.died::<u32>(dead, &mut Vec::new());
    assert_eq!(ledger.acquaint(another, dead), Err(Refusal::TaskDied));
    assert_eq!(ledger.tasks[&another].peers.len(), 0);
    know(&mut ledger, popular, ids[1]); // again
}

/// `one` holds a right that leads to `other`.
fn know(ledger: &mut Ledger, one: u64, other: u64) {
    ledger.acquaint(one, other).unwrap();
}

#[test]
fn one_who_does_not_read_is_told_no_more() {
    let (mut ledger, ids) = tasks(3);
    know(&mut ledger, ids[1], ids[0]);
    know(&mut ledger, ids[1], ids[2]);
    let mut out: Events<u32> = Vec::new();
    ledger.set_congested(ids[0], true, &mut out);
    let release = Request::Release { receiver: ids[0], port: PORT, count: 2, by: 9 };
    assert_eq!(ask(&mut ledger, ids[2], release.clone()).1, [], "a stranger");
    assert_eq!(ask(&mut ledger, ids[1], release.clone()).1, []);
    assert_eq!(ask(&mut ledger, ids[1], release).1, [], "waits");
    let refused = Some(Answer::Refused(Refusal::NoBuffer));
    assert_eq!(ask(&mut ledger, ids[1], Request::Connect { task: ids[0] }).0, refused);
    let grant = Request::Grant { receiver: ids[0], port: PORT, to: ids[2] };
    assert_eq!(ask(&mut ledger, ids[1], grant).0, refused);
    ledger.set_congested(ids[0], false, &mut out);
    let told: Vec<_> = out.into_iter().map(|outgoing| (outgoing.to, outgoing.event)).collect();
    assert_eq!(told, [(ids[0], Event::Released { task: ids[1], port: PORT, count: 4, by: 9 })]);
}
