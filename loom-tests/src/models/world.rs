//! Several groups of a task, and lanes that it does not know yet.

use futex::Deadline;
use futex::sync::Arc;
use shm_mach::ring::patience::Wait;
use shm_mach::ring::world::World;

use crate::explore::{expire_timers, spawn, timer, wake_newest_first};
use crate::mail::{Inbox, Port, send, send_first, take};
use crate::office::{NOBODYS, Office};
use crate::scene::Scene;
use crate::wire::{Wire, bells};

/// Two groups listen to one bell, a thread sleeps in each, and a message comes for each. A wake-up
/// may take the wrong one of the two: it kicks the other.
pub fn shared_bell() {
    let bells = bells(2);
    let wires = [Wire::in_half(2, 0, bells.clone()), Wire::in_half(2, 0, bells)];
    let scene = Arc::new(Scene::quiet());
    let groups = [0, 1].map(|at: usize| {
        let group = Port::new(1, Inbox::default());
        group.insert(wires[at].seat(1));
        group
    });
    let senders = [0, 1].map(|at: usize| {
        let mut lane = wires[at].sender(1);
        spawn(move || send(&mut lane, at as i32))
    });
    let [mine, others] = groups;
    let there = scene.clone();
    let other = spawn(move || others.wait(&*there, Wait::Park, Deadline::NEVER, take));
    assert_eq!(mine.wait(&*scene, Wait::Park, Deadline::NEVER, take), Some(0));
    assert_eq!(other.join().unwrap(), Some(1));
    senders.into_iter().for_each(|sender| sender.join().unwrap());
}

/// Two groups listen to one bell; the message is for one, and the thread of the other leaves when
/// its time is up, perhaps with the wake-up in its hands: it kicks the first.
pub fn shared_bell_early() {
    let bells = bells(2);
    let wires = [Wire::in_half(2, 0, bells.clone()), Wire::in_half(2, 0, bells)];
    let scene = Arc::new(Scene::quiet());
    let [mine, others] = [0, 1].map(|at: usize| {
        let group = Port::new(1, Inbox::default());
        group.insert(wires[at].seat(1));
        group
    });
    let mut lane = wires[0].sender(1);
    let sender = spawn(move || send(&mut lane, 1));
    let there = scene.clone();
    let other = spawn(move || others.wait(&*there, Wait::Park, timer(), take));
    let clock = spawn(expire_timers);
    assert_eq!(mine.wait(&*scene, Wait::Park, Deadline::NEVER, take), Some(1));
    assert_eq!(other.join().unwrap(), None);
    sender.join().unwrap();
    clock.join().unwrap();
}

/// As [`shared_bell_early`], where the kernel wakes the thread that came last: it may have sampled the
/// bell when it was rung already, so that its own sample still stands, and took the wake-up anyway.
pub fn shared_bell_newest() {
    wake_newest_first(true);
    shared_bell_early();
}

/// A lane is opened while the receiver sleeps, which therefore cannot have armed it: the first
/// message rings the control bell, and the receiver finds the lane.
pub fn new_lane() {
    let wire = Wire::new(2);
    let group = Arc::new(Port::new(1, Inbox::default()));
    let (known, home) = (wire.clone(), group.clone());
    let scene = Scene::with_news(wire.control_bell(), move || {
        known.is_announced().then(|| (home.clone(), known.seat(1)))
    });
    let mut lane = wire.sender(1);
    let there = wire.clone();
    let sender = spawn(move || send_first(&there, &mut lane, 1));
    assert_eq!(group.wait(&scene, Wait::Park, Deadline::NEVER, take), Some(1));
    sender.join().unwrap();
}

/// As [`new_lane`], with two groups asleep on the same control bell, and one thread that leaves
/// early: whoever finds the lane puts it into its group and kicks that group's leader.
pub fn new_lane_for_another() {
    let wire = Wire::new(2);
    let group = Arc::new(Port::new(1, Inbox::default()));
    let other_group = Port::new(1, Inbox::default());
    let (known, home) = (wire.clone(), group.clone());
    let scene = Arc::new(Scene::with_news(wire.control_bell(), move || {
        known.is_announced().then(|| (home.clone(), known.seat(1)))
    }));
    let mut lane = wire.sender(1);
    let there = wire.clone();
    let sender = spawn(move || send_first(&there, &mut lane, 1));
    let around = scene.clone();
    let other = spawn(move || other_group.wait(&*around, Wait::Park, timer(), take));
    let clock = spawn(expire_timers);
    assert_eq!(group.wait(&*scene, Wait::Park, Deadline::NEVER, take), Some(1));
    assert_eq!(other.join().unwrap(), None);
    sender.join().unwrap();
    clock.join().unwrap();
}

/// News come over a lane of their own. A thread reads them on its way, while another is about to sleep
/// on the bell that it has armed for them: no news is slept over.
pub fn news_lane() {
    let wire = Wire::new(4);
    let group = Arc::new(Port::new(1, Inbox::default()));
    let office = Arc::new(Office::new(&wire, 3, group.clone()));
    office.arm(&mut Vec::new()); // by an earlier sleep
    let mut lane = wire.sender(3);
    let sender = spawn(move || [NOBODYS, NOBODYS + 1].into_iter().for_each(|id| send(&mut lane, id)));
    let there = office.clone();
    let passer_by = spawn(move || there.look());
    // The first piece kicks nobody awake.
    assert_eq!(group.wait(&*office, Wait::Park, Deadline::NEVER, take), Some(NOBODYS + 1));
    passer_by.join().unwrap();
    sender.join().unwrap();
}

/// A group that waits for `messages` messages of a sender whose first one finds the receiver's half
/// unknown, and rings the control bell; then the half arrives.
fn messages_of_a_pending_lane(messages: i32) {
    let wire = Wire::new(4);
    let group = Port::new(1, Inbox::default());
    group.insert(wire.seat(3));
    let scene = Scene::with_news(wire.control_bell(), || None);
    let there = wire.clone();
    let sender = spawn(move || {
        let mut lane = there.pending_sender(3);
        send(&mut lane, 1);
        there.complete(&mut lane);
        (2..=messages).for_each(|id| send(&mut lane, id));
    });
    for id in 1..=messages {
        assert_eq!(group.wait(&scene, Wait::Park, Deadline::NEVER, take), Some(id), "out of order");
    }
    sender.join().unwrap();
}

/// A sender that cannot know who sleeps rings the control bell: the sleeper takes the message.
pub fn pending() {
    messages_of_a_pending_lane(1);
}

/// From the second message on it rings what it is asked to, while the receiver goes to sleep.
pub fn completed() {
    messages_of_a_pending_lane(2);
}
