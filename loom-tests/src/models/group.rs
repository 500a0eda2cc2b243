//! Several threads wait for the same lanes: one leads, the others follow.

use futex::Deadline;
use futex::sync::Arc;
use shm_mach::ring::patience::Wait;

use crate::explore::{Thread, expire_timers, spawn, timer};
use crate::mail::{Inbox, Port, send, take};
use crate::scene::Scene;
use crate::wire::{Wire, bells};

/// A group over `wires`, and its surroundings.
fn place(wires: &[Wire]) -> Arc<(Port, Scene)> {
    let group = Port::new(1, Inbox::default());
    wires.iter().for_each(|wire| group.insert(wire.seat(1)));
    Arc::new((group, Scene::quiet()))
}

/// Waits for one message.
fn wait(place: &(Port, Scene), deadline: Deadline) -> Option<i32> {
    place.0.wait(&place.1, Wait::Park, deadline, take)
}

/// A thread that waits until the timer fires; what it gets, it sends on inside the task, so that
/// another gets it.
fn early_leaver(place: &Arc<(Port, Scene)>) -> Thread<()> {
    let place = place.clone();
    spawn(move || {
        if let Some(id) = wait(&place, timer()) {
            place.0.change(|state| state.port.local.push(id));
        }
    })
}

/// Two threads wait, two senders send one message each on lanes of their own: each thread gets one.
pub fn two_waiters() {
    let bells = bells(2);
    let wires = [Wire::in_half(2, 0, bells.clone()), Wire::in_half(2, 0, bells)];
    let place = place(&wires);
    let senders = [1, 2].map(|id| {
        let mut lane = wires[id - 1].sender(1);
        spawn(move || send(&mut lane, id as i32))
    });
    let there = place.clone();
    let other = spawn(move || wait(&there, Deadline::NEVER));
    let mine = wait(&place, Deadline::NEVER);
    let mut got = [mine, other.join().unwrap()];
    got.sort_unstable();
    assert_eq!(got, [Some(1), Some(2)], "a message is lost or came twice");
    senders.into_iter().for_each(|sender| sender.join().unwrap());
}

/// Two threads wait, one sender sends two messages on one lane: the thread that takes the first
/// hands the lead to the other, which takes the second.
pub fn hand_over() {
    let wire = Wire::new(4);
    let group = Port::new(1, Inbox::default());
    group.insert(wire.seat(3));
    let place = Arc::new((group, Scene::quiet()));
    let mut lane = wire.sender(3);
    let sender = spawn(move || (1..=2).for_each(|id| send(&mut lane, id)));
    let there = place.clone();
    let other = spawn(move || wait(&there, Deadline::NEVER));
    let mine = wait(&place, Deadline::NEVER);
    let mut got = [mine, other.join().unwrap()];
    got.sort_unstable();
    assert_eq!(got, [Some(1), Some(2)], "a message is lost or came twice");
    sender.join().unwrap();
}

/// Two threads wait for one message, and one of them leaves when its time is up, whatever it was
/// just woken for: the message reaches the other.
pub fn early() {
    let wires = [Wire::new(2)];
    let place = place(&wires);
    let mut lane = wires[0].sender(1);
    let leaver = early_leaver(&place);
    let sender = spawn(move || send(&mut lane, 1));
    let clock = spawn(expire_timers);
    assert_eq!(wait(&place, Deadline::NEVER), Some(1));
    leaver.join().unwrap();
    sender.join().unwrap();
    clock.join().unwrap();
}

/// Three threads wait, two of them leave early. A follower that was kicked and leaves because its
/// time is up passes the kick on, though it never led: the message reaches the third.
pub fn cascade() {
    let wires = [Wire::new(2)];
    let place = place(&wires);
    let mut lane = wires[0].sender(1);
    let leavers = [early_leaver(&place), early_leaver(&place)];
    let sender = spawn(move || {
        expire_timers();
        send(&mut lane, 1);
    });
    assert_eq!(wait(&place, Deadline::NEVER), Some(1));
    leavers.into_iter().for_each(|leaver| leaver.join().unwrap());
    sender.join().unwrap();
}
