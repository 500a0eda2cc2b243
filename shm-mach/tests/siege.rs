//! Peers that hold a task up without breaking a rule of memory: bells rung without end, threads parked
//! by the thousand, queues that are never read, processes that stand still. Their links suffer, others
//! do not.

mod common;

use std::time::Duration;

use common::meet::{joined_with, park};
use common::raw::{Raw, SMALL};
use common::watchdog::Watchdog;
use common::{Peer, inherited, role, sys};
use futex::sync::{Ordering as Order, futex_wait};
use rustix::process::{Signal, kill_process};
use shm_mach::ring::layout::{Bell, Slot, place};
use shm_mach::segment::Shared;
use shm_mach::{
    Deadline, Geometry, Joined, Message, Notification, Options, ReceiveError, Received, SendFailure, Wait,
    join,
};

/// A child with role `role`, joined.
fn with_child(test: &str, role: &str) -> (Joined, Peer) {
    let (joined, peer) = joined_with(test, role, &Options::default());
    joined.send.set_wait(Wait::Park);
    (joined, peer)
}

/// An honest peer: sends everything back.
fn echo() {
    let joined = join(inherited(), &Options::default()).unwrap();
    let mut message = Received::new();
    loop {
        joined.receive.receive(&mut message).unwrap();
        if message.notification().is_some() {
            return;
        }
        joined.send.send(Message::new(message.id(), message.body())).unwrap();
    }
}

/// Round trips with the honest peer go on as ever.
fn works(friend: &Joined) {
    let mut message = Received::new();
    for id in 0..500 {
        friend.send.send(Message::new(id, &id.to_le_bytes())).unwrap();
        friend.receive.receive(&mut message).unwrap();
        assert_eq!((message.id(), message.body()), (id, &id.to_le_bytes()[..]));
    }
}

/// The besieger's raw end, as nobody.
fn besieger() -> Raw {
    let socket = inherited();
    sys::become_uid(sys::NOBODY);
    Raw::join(socket, SMALL)
}

/// Fails if a receive that finds its bells moved looks again without ever looking at its deadline, or
/// at the peer's life.
#[test]
fn a_bell_storm_delays_nobody_for_ever() {
    const NAME: &str = "a_bell_storm_delays_nobody_for_ever";
    match role().as_deref() {
        Some("storm") => {
            let raw = besieger();
            let bells: Vec<_> = (0..64).map(|bell| raw.bell(bell)).collect();
            loop {
                for bell in &bells {
                    bell.count.fetch_add(1, Order::Relaxed);
                }
            }
        }
        Some(_) => return echo(),
        None => {}
    }
    let _watchdog = Watchdog::start(NAME, 60);
    let (victim, mut storm) = with_child(NAME, "storm");
    let (friend, _peer) = with_child(NAME, "echo");
    let mut message = Received::new();
    for wait in [Wait::Park, Wait::Adaptive, Wait::Spin] {
        victim.receive.set_wait(wait);
        let soon = Deadline::after(Duration::from_millis(200));
        assert_eq!(victim.receive.receive_deadline(&mut message, soon), Err(ReceiveError::TimedOut));
    }
    works(&friend);
    victim.receive.set_wait(Wait::Park);
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        storm.kill();
    });
    victim.receive.receive(&mut message).unwrap();
    assert_eq!(message.notification(), Some(Notification::NoSenders { mscount: 1 }));
    killer.join().unwrap();
}

/// Two thousand threads sleep on the victim's bell, through the peer's read-only mapping, and every
/// message must ring it. Fails, by taking far too long, if a send wakes them all.
#[test]
fn thousands_of_sleepers_on_a_bell_are_woken_one_by_one() {
    const NAME: &str = "thousands_of_sleepers_on_a_bell_are_woken_one_by_one";
    const SLEEPERS: usize = 2000;
    match role().as_deref() {
        Some("sleepers") => return sleepers(SLEEPERS),
        Some(_) => return echo(),
        None => {}
    }
    let _watchdog = Watchdog::start(NAME, 60);
    let (victim, mut sleepers) = with_child(NAME, "sleepers");
    let (friend, _peer) = with_child(NAME, "echo");
    victim.receive.receive(&mut Received::new()).unwrap();
    let threads = std::fs::read_dir(format!("/proc/{}/task", sleepers.0.id())).unwrap().count();
    println!("{threads} threads");
    assert!(threads > SLEEPERS);
    for id in 0..8000 {
        while victim.send.try_send(Message::new(id, b"ring")).is_err() {
            std::thread::yield_now(); // the peer frees its queue when it finds the time
        }
    }
    works(&friend);
    sleepers.kill();
}

/// The besieger of the test above: reads nothing, but says that it has read everything, and that it
/// wants bell 1.
fn sleepers(count: usize) {
    let mut raw = besieger();
    raw.tell(raw.opened(1, 1, 0));
    let bell: Shared<Bell> = raw.theirs.view(place::BELLS + size_of::<Bell>()).unwrap();
    for _ in 0..count {
        let bell = bell.clone();
        let sleep = move || loop {
            futex_wait(&bell.count, bell.count.load(Order::Relaxed), Deadline::NEVER);
        };
        std::thread::Builder::new().stack_size(32 << 10).spawn(sleep).unwrap();
    }
    let (flags, cursor) = raw.answers(1);
    flags.limit.store(65, Order::Relaxed);
    flags.word.store(1 << 32 | 2, Order::Release);
    raw.send(1, 0, 0, b"ready");
    // Whatever was sent counts as read: the slots of the victim's lane 1 tell.
    let Geometry { slots, .. } = Geometry::DEFAULT;
    let ring: Shared<[Slot]> = raw.theirs.slice(Geometry::DEFAULT.ring(1), slots).unwrap();
    let mut position = 0u32;
    loop {
        while ring[position as usize % slots].words[0].load(Order::Relaxed) as u32 == position.wrapping_add(1)
        {
            position = position.wrapping_add(1);
        }
        cursor.position.store(position, Order::Release);
        std::thread::yield_now();
    }
}

/// Fails if a queue that nobody reads blocks a send that does not wait, or another task's traffic.
#[test]
fn a_queue_that_is_never_read_is_the_senders_alone() {
    const NAME: &str = "a_queue_that_is_never_read_is_the_senders_alone";
    match role().as_deref() {
        Some("deaf") => {
            let _joined = join(inherited(), &Options::default()).unwrap();
            park()
        }
        Some(_) => return echo(),
        None => {}
    }
    let _watchdog = Watchdog::start(NAME, 60);
    let (victim, mut deaf) = with_child(NAME, "deaf");
    let (friend, _peer) = with_child(NAME, "echo");
    let refused = (0..2000).find_map(|id| victim.send.try_send(Message::new(id, &[1; 200])).err());
    assert_eq!(refused.unwrap().failure(), SendFailure::TimedOut);
    let soon = Deadline::after(Duration::from_millis(100));
    let refused = victim.send.send_deadline(Message::new(0, b"late"), soon).unwrap_err();
    assert_eq!(refused.failure(), SendFailure::TimedOut);
    works(&friend);
    deaf.kill();
    assert_eq!(victim.send.send(Message::new(0, b"")).unwrap_err().failure(), SendFailure::PortDied);
}

/// Fails if a peer that stands still (SIGSTOP) holds up anybody but those who wait for it, counts as
/// dead, or loses what it was sent.
#[test]
fn a_stopped_peer_is_alive_and_holds_nobody_up() {
    const NAME: &str = "a_stopped_peer_is_alive_and_holds_nobody_up";
    if role().is_some() {
        return echo();
    }
    let _watchdog = Watchdog::start(NAME, 60);
    let (victim, stopped) = with_child(NAME, "stopped");
    let (friend, _peer) = with_child(NAME, "echo");
    works(&victim);
    kill_process(stopped.pid(), Signal::STOP).unwrap();
    let stat = format!("/proc/{}/stat", stopped.0.id());
    while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
        std::thread::yield_now();
    }
    let sent = (0..2000).take_while(|id| victim.send.try_send(Message::new(*id, b"kept")).is_ok()).count();
    assert!((200..2000).contains(&sent), "{sent} messages found room");
    let long = Deadline::after(Duration::from_millis(1200)); // longer than the second after which it asks
    assert_eq!(victim.receive.receive_deadline(&mut Received::new(), long), Err(ReceiveError::TimedOut));
    works(&friend);
    kill_process(stopped.pid(), Signal::CONT).unwrap();
    let mut message = Received::new();
    for id in 0..sent {
        victim.receive.receive(&mut message).unwrap();
        assert_eq!((message.id(), message.body()), (id as i32, &b"kept"[..]));
    }
}
