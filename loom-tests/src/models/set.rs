//! Port sets: threads that wait for several ports at once.

use futex::Deadline;
use futex::sync::{Arc, Ordering};
use shm_mach::ring::lane_out::LaneOut;
use shm_mach::ring::members::Set;
use shm_mach::ring::patience::Wait;

use crate::explore::{expire_timers, spawn, timer};
use crate::mail::{Member, publish, send, take, take_from};
use crate::reply::{Desk, FIRST};
use crate::scene::Scene;
use crate::wire::{Wire, bells};

/// The bell of every set here; that of every port is 1.
const BELL: u8 = 2;

fn set() -> Arc<Set<Member>> {
    Arc::new(Set::set(BELL))
}

/// A port, with a lane if there is a wire.
fn port(wire: Option<&Wire>) -> Arc<Member> {
    let port = Member::new(0);
    wire.into_iter().for_each(|wire| port.insert(wire.seat(3)));
    port
}

fn wire() -> Wire {
    Wire::in_half(4, 0, bells(3))
}

fn admit(set: &Set<Member>, port: &Arc<Member>) {
    set.admit(port.clone(), |_, is_member| if is_member { Err(()) } else { Ok(()) }).expect("no member yet");
}

/// Waits at a set for one message.
fn wait(set: &Set<Member>, scene: &Scene) -> Option<i32> {
    set.wait(scene, Wait::Park, Deadline::NEVER, take_from)
}

/// A sender publishes two messages for a member; a thread waits for both at the set. It gets both, in
/// order and whole, and never sleeps over one.
pub fn sleeper() {
    let wire = wire();
    let (set, port) = (set(), port(Some(&wire)));
    admit(&set, &port);
    let mut lane = wire.sender(3);
    let sender = spawn(move || (1..=2).for_each(|id| send(&mut lane, id)));
    let scene = Scene::quiet();
    for id in 1..=2 {
        assert_eq!(wait(&set, &scene), Some(id), "out of order");
    }
    sender.join().unwrap();
}

/// Two messages are sent inside the task to a member without lanes, while a thread waits at the set:
/// both are taken.
pub fn local() {
    let (set, port) = (set(), port(None));
    admit(&set, &port);
    let sender = spawn(move || (1..=2).for_each(|id| port.change(|state| state.port.local.push(id))));
    let scene = Scene::quiet();
    let mut got = [0; 2].map(|_| wait(&set, &scene).unwrap());
    got.sort_unstable();
    assert_eq!(got, [1, 2], "a message is lost or came twice");
    sender.join().unwrap();
}

/// A port becomes a member while a thread waits at the set, and a message is sent on a lane of it: the
/// message is taken, whether it was there before or comes later.
pub fn admitted() {
    let wire = wire();
    let (set, port) = (set(), port(Some(&wire)));
    let mut lane = wire.sender(3);
    let there = set.clone();
    let admitting = spawn(move || admit(&there, &port));
    let sender = spawn(move || send(&mut lane, 1));
    assert_eq!(wait(&set, &Scene::quiet()), Some(1));
    admitting.join().unwrap();
    sender.join().unwrap();
}

/// A port goes from one set to another while a message is sent on its lane. A thread waits at each; that
/// of the first leaves when its time is up, and what it got it sends on to the port. The message is
/// taken at the second set, whichever of the two the lane was armed for.
pub fn moved() {
    let wire = wire();
    let (from, to, port) = (Arc::new(Set::set(1)), set(), port(Some(&wire)));
    admit(&from, &port);
    let scene = Arc::new(Scene::quiet());
    let mut lane = wire.sender(3);
    let (around, member, left) = (scene.clone(), port.clone(), from.clone());
    let first = spawn(move || {
        if let Some(id) = left.wait(&*around, Wait::Park, timer(), take_from) {
            member.change(|state| state.port.local.push(id));
        }
    });
    let there = to.clone();
    let mover = spawn(move || {
        expire_timers();
        assert!(from.dismiss(&port, |_| ()));
        admit(&there, &port);
    });
    let sender = spawn(move || send(&mut lane, 1));
    assert_eq!(wait(&to, &scene), Some(1));
    first.join().unwrap();
    mover.join().unwrap();
    sender.join().unwrap();
}

/// A port leaves its set while a thread waits at the port itself, and a message is sent: the thread
/// gets it, whichever bell it is asleep on.
pub fn dismissed() {
    let wire = wire();
    let (set, port) = (set(), port(Some(&wire)));
    admit(&set, &port);
    let mut lane = wire.sender(3);
    let there = port.clone();
    let leaving = spawn(move || assert!(set.dismiss(&there, |_| ())));
    let sender = spawn(move || send(&mut lane, 1));
    assert_eq!(port.wait(&Scene::quiet(), Wait::Park, Deadline::NEVER, take), Some(1));
    leaving.join().unwrap();
    sender.join().unwrap();
}

/// One thread waits at a set, one at its member, and two messages come on the member's lane: each
/// thread gets one.
pub fn beside_a_receiver() {
    let wire = wire();
    let (set, port) = (set(), port(Some(&wire)));
    admit(&set, &port);
    let scene = Arc::new(Scene::quiet());
    let mut lane = wire.sender(3);
    let sender = spawn(move || (1..=2).for_each(|id| send(&mut lane, id)));
    let around = scene.clone();
    let direct = spawn(move || port.wait(&*around, Wait::Park, Deadline::NEVER, take));
    let mut got = [wait(&set, &scene), direct.join().unwrap()];
    got.sort_unstable();
    assert_eq!(got, [Some(1), Some(2)], "a message is lost or came twice");
    sender.join().unwrap();
}

/// Two threads wait at a set; a message comes on the lane of one member, another inside the task to the
/// same member: each thread gets one.
pub fn two_threads() {
    let wire = wire();
    let (set, port) = (set(), port(Some(&wire)));
    admit(&set, &port);
    let scene = Arc::new(Scene::quiet());
    let mut lane = wire.sender(3);
    let sender = spawn(move || {
        send(&mut lane, 1);
        port.change(|state| state.port.local.push(2));
    });
    let (there, around) = (set.clone(), scene.clone());
    let other = spawn(move || wait(&there, &around));
    let mut got = [wait(&set, &scene), other.join().unwrap()];
    got.sort_unstable();
    assert_eq!(got, [Some(1), Some(2)], "a message is lost or came twice");
    sender.join().unwrap();
}

/// A port is in two sets, whose own bells differ, and a thread waits at each. Two messages come on its
/// lane: each thread gets one.
pub fn two_sets() {
    let wire = wire();
    let (first, second, port) = (set(), Arc::new(Set::set(1)), port(Some(&wire)));
    admit(&first, &port);
    admit(&second, &port);
    let scene = Arc::new(Scene::quiet());
    let mut lane = wire.sender(3);
    let sender = spawn(move || (1..=2).for_each(|id| send(&mut lane, id)));
    let around = scene.clone();
    let other = spawn(move || wait(&second, &around));
    let mut got = [wait(&first, &scene), other.join().unwrap()];
    got.sort_unstable();
    assert_eq!(got, [Some(1), Some(2)], "a message is lost or came twice");
    sender.join().unwrap();
}

/// Two members have lanes in one half, and so rely on one bell; a message comes on each. Both are taken.
pub fn one_link() {
    let bells = bells(3);
    let wires = [1, 2].map(|_| Wire::in_half(2, 0, bells.clone()));
    let set = set();
    for (wire, rank) in wires.iter().zip(0..) {
        let port = Member::new(rank);
        port.insert(wire.seat(1));
        admit(&set, &port);
    }
    let senders = [0, 1].map(|at: usize| {
        let mut lane = wires[at].sender(1);
        spawn(move || send(&mut lane, at as i32))
    });
    let scene = Scene::quiet();
    let mut got = [0; 2].map(|_| wait(&set, &scene).unwrap());
    got.sort_unstable();
    assert_eq!(got, [0, 1], "a message is lost or came twice");
    senders.into_iter().for_each(|sender| sender.join().unwrap());
}

/// One thread waits at a port, another at the set that it is in, which leaves when its time is up, and
/// what it got it sends on to the port. Both sleep on one bell: the message reaches the first.
pub fn early() {
    let wire = wire();
    let (set, port) = (set(), port(Some(&wire)));
    admit(&set, &port);
    let scene = Arc::new(Scene::quiet());
    let mut lane = wire.sender(3);
    let (around, member) = (scene.clone(), port.clone());
    let other = spawn(move || {
        if let Some(id) = set.wait(&*around, Wait::Park, timer(), take_from) {
            member.change(|state| state.port.local.push(id));
        }
    });
    let sender = spawn(move || {
        expire_timers();
        send(&mut lane, 1);
    });
    assert_eq!(port.wait(&*scene, Wait::Park, Deadline::NEVER, take), Some(1));
    other.join().unwrap();
    sender.join().unwrap();
}

/// A thread sleeps at a set. A peer counts a bell up and wakes nobody, as one that is killed there; a
/// thread that passes by hears that bell, and takes what was rung for. Then a message is sent inside
/// the task: the sleeper gets it.
pub fn half_a_ring() {
    let wire = wire();
    let (set, port) = (set(), port(Some(&wire)));
    admit(&set, &port);
    let scene = Arc::new(Scene::quiet());
    let mut lane = wire.sender(3);
    let there = wire.clone();
    let killed = spawn(move || {
        publish(&mut lane, 1);
        there.bells()[usize::from(BELL)].count.fetch_add(1, Ordering::Release);
    });
    let (passed, around) = (set.clone(), scene.clone());
    let passer_by = spawn(move || {
        passed.try_take(&*around, take_from);
        port.change(|state| state.port.local.push(2));
    });
    while wait(&set, &scene) != Some(2) {}
    killed.join().unwrap();
    passer_by.join().unwrap();
}

/// A member awaits an answer in a half that has not arrived yet. The half arrives, and the control bell is
/// rung for that; then the answer is given: a thread that waits at the set takes it.
pub fn pending() {
    let (wire, desk) = (wire(), Desk::new(1, bells(3), 0));
    let (set, port) = (set(), port(None));
    let (token, awaited) = desk.ask(0, FIRST, Some(BELL));
    let mut state = port.lock();
    state.port.awaited.push(awaited);
    state.port.is_pending = true;
    drop(state);
    admit(&set, &port);
    let known = wire.clone();
    let scene = Scene::with_news(wire.control_bell(), move || {
        if known.is_announced() {
            port.lock().port.is_pending = false;
        }
        None
    });
    let peer = spawn(move || {
        wire.announce();
        LaneOut::ring(wire.bells(), 0);
        desk.answer(token, 1, 1);
    });
    assert_eq!(wait(&set, &scene), Some(1));
    peer.join().unwrap();
}

/// A member has several senders, so that its messages are taken in rounds, and another has one. A message
/// comes at each while a thread waits at the set: both are taken.
pub fn in_rounds() {
    let wires = [wire().stamped(), wire()];
    let set = set();
    for (wire, rank) in wires.iter().zip(0..) {
        let port = Member::new(rank);
        port.insert(wire.seat(3));
        port.lock().order.set(rank == 0);
        admit(&set, &port);
    }
    let mut lanes = wires.map(|wire| wire.sender(3));
    send(&mut lanes[1], 1);
    let sender = spawn(move || send(&mut lanes[0], 2));
    let scene = Scene::quiet();
    let mut got = [0; 2].map(|_| wait(&set, &scene).unwrap());
    got.sort_unstable();
    assert_eq!(got, [1, 2], "a message is lost or came twice");
    sender.join().unwrap();
}
