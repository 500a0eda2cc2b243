//! One thread sleeps, peers wake it.

use futex::Deadline;
use futex::sync::Arc;
use shm_mach::ring::patience::Wait;

use crate::explore::{expire_timers, refuse_membarrier, spawn};
use crate::mail::{Inbox, Port, publish, send, send_and_leave, take};
use crate::scene::Scene;
use crate::wire::{Wire, bells};

/// A sender publishes two messages and rings when asked; a receiver waits for both, sleeping. It
/// gets both, in order and whole, and never sleeps over one.
pub fn sleeper() {
    let wire = Wire::new(4);
    let group = Port::new(1, Inbox::default());
    group.insert(wire.seat(3));
    let mut lane = wire.sender(3);
    let there = wire.clone();
    let sender = spawn(move || {
        for id in 1..=2 {
            send_and_leave(&there, &mut lane, id);
        }
    });
    let scene = Scene::quiet();
    for id in 1..=2 {
        let got = group.wait(&scene, Wait::Park, Deadline::NEVER, take);
        assert_eq!(got, Some(id), "out of order");
    }
    sender.join().unwrap();
}

/// As [`sleeper`], with a receiver that spins before it sleeps, and one message.
pub fn spinner() {
    let wire = Wire::new(2);
    let group = Port::new(1, Inbox::default());
    group.insert(wire.seat(1));
    let mut lane = wire.sender(1);
    let sender = spawn(move || send(&mut lane, 1));
    let got = group.wait(&Scene::quiet(), Wait::Adaptive, Deadline::NEVER, take);
    assert_eq!(got, Some(1));
    sender.join().unwrap();
}

/// Two senders of one half ring the same bell for the one sleeper of both their lanes. It gets both
/// messages.
pub fn two_senders() {
    let bells = bells(2);
    let wires = [Wire::in_half(2, 0, bells.clone()), Wire::in_half(2, 0, bells)];
    let group = Port::new(1, Inbox::default());
    wires.iter().for_each(|wire| group.insert(wire.seat(1)));
    let senders = [0, 1].map(|at| {
        let mut lane = wires[at].sender(1);
        spawn(move || send(&mut lane, at as i32))
    });
    let scene = Scene::quiet();
    let mut got = [0; 2].map(|_| group.wait(&scene, Wait::Park, Deadline::NEVER, take).unwrap());
    got.sort_unstable();
    assert_eq!(got, [0, 1], "a message is lost or came twice");
    senders.into_iter().for_each(|sender| sender.join().unwrap());
}

/// A message is sent inside the task while the receiver sleeps, or is about to: it is taken.
pub fn local() {
    let wire = Wire::new(2);
    let group = Arc::new(Port::new(1, Inbox::default()));
    group.insert(wire.seat(1));
    let here = group.clone();
    let sender = spawn(move || here.change(|state| state.port.local.push(7)));
    let got = group.wait(&Scene::quiet(), Wait::Park, Deadline::NEVER, take);
    assert_eq!(got, Some(7));
    sender.join().unwrap();
}

/// A lane with a message comes into the group while its receiver sleeps, or is about to: the
/// message is taken.
pub fn insert() {
    let wire = Wire::new(2);
    let group = Arc::new(Port::new(1, Inbox::default()));
    let mut lane = wire.sender(1);
    let seat = wire.seat(1);
    let there = group.clone();
    let inserter = spawn(move || there.insert(seat));
    let sender = spawn(move || send(&mut lane, 1));
    let got = group.wait(&Scene::quiet(), Wait::Park, Deadline::NEVER, take);
    assert_eq!(got, Some(1));
    inserter.join().unwrap();
    sender.join().unwrap();
}

/// A lane goes from one group to another, whose receiver sleeps, while a message is sent on it. The
/// lane was armed for the first group: the second arms it for itself, and its receiver is woken.
pub fn moved() {
    let wire = Wire::new(2);
    let (from, to) = (Port::new(2, Inbox::default()), Arc::new(Port::new(1, Inbox::default())));
    let mut seat = wire.seat(1);
    seat.lane.arm(2);
    from.insert(seat);
    let mut lane = wire.sender(1);
    let there = to.clone();
    let mover = spawn(move || {
        let seat = from.lock().remove(0);
        there.insert(seat);
    });
    let sender = spawn(move || send(&mut lane, 1));
    let got = to.wait(&Scene::quiet(), Wait::Park, Deadline::NEVER, take);
    assert_eq!(got, Some(1));
    mover.join().unwrap();
    sender.join().unwrap();
}

/// A sender is killed between the publication and the ring. The notice of its death makes the
/// receiver, which sleeps, look at its lanes again: the message is taken, and so is the notice.
pub fn death_against_receive() {
    let wire = Wire::new(2);
    let group = Arc::new(Port::new(1, Inbox::default()));
    group.insert(wire.seat(1));
    let mut lane = wire.sender(1);
    let killed = spawn(move || publish(&mut lane, 1));
    let there = group.clone();
    let authority = spawn(move || {
        killed.join().unwrap();
        there.change(|state| state.port.local.push(2));
    });
    let scene = Scene::quiet();
    let mut got = [0; 2].map(|_| group.wait(&scene, Wait::Park, Deadline::NEVER, take).unwrap());
    got.sort_unstable();
    assert_eq!(got, [1, 2], "a message is lost or came twice");
    authority.join().unwrap();
}

/// The sandbox refuses `membarrier` from now on, so no sleep on this lane is sure to be ended by a
/// ring: each is a short one, the second and third as well as the first. The message is taken.
pub fn refused_fence() {
    refuse_membarrier(true);
    let wire = Wire::new(2).with_membarrier();
    let group = Arc::new(Port::new(1, Inbox::default()));
    group.insert(wire.seat(1));
    let mut lane = wire.sender(1);
    let sender = spawn(move || send(&mut lane, 1));
    let there = group.clone();
    let kicker = spawn(move || {
        there.change(|_| ());
        expire_timers();
    });
    let got = group.wait(&Scene::quiet(), Wait::Park, Deadline::NEVER, take);
    assert_eq!(got, Some(1));
    sender.join().unwrap();
    kicker.join().unwrap();
}
