//! Deaths and ends: who learns of them, what is still delivered, and that lanes and rights can be
//! used again afterwards, without end. Nothing here asserts a time: a watchdog ends a test that hangs.

mod common;

use std::time::Duration;

use common::meet::{joined_with, park};
use common::watchdog::Watchdog;
use common::{inherited, role};
use shm_mach::{
    Deadline, Joined, Message, Notification, Options, ReceiveError, Received, SendFailure, Wait, join,
};

/// Receives until the no-senders notification; says what came before it.
fn drain(joined: &Joined) -> Vec<i32> {
    let mut message = Received::new();
    let mut ids = Vec::new();
    loop {
        joined.receive.receive(&mut message).unwrap();
        if message.notification().is_some() {
            return ids;
        }
        ids.push(message.id());
    }
}

/// Fails if the pidfd is not looked at while a receiver sleeps, or if what a dead peer had published
/// is thrown away.
#[test]
fn a_blocked_receiver_gets_what_was_sent_and_learns_of_the_death() {
    const NAME: &str = "a_blocked_receiver_gets_what_was_sent_and_learns_of_the_death";
    if role().is_some() {
        let joined = join(inherited(), &Options::default()).unwrap();
        for id in 0..100 {
            joined.send.send(Message::new(id, &[id as u8; 500])).unwrap();
        }
        park();
    }
    let _watchdog = Watchdog::start(NAME, 60);
    for wait in [Wait::Park, Wait::Spin] {
        let (joined, mut peer) = joined_with(NAME, "victim", &Options::default());
        joined.receive.set_wait(wait);
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            peer.kill();
        });
        assert_eq!(drain(&joined), (0..100).collect::<Vec<_>>());
        killer.join().unwrap();
        let refused = joined.send.send(Message::new(0, b"")).unwrap_err();
        assert_eq!(refused.failure(), SendFailure::PortDied, "a dead task's port is dead");
        let soon = Deadline::after(Duration::from_millis(50));
        let mut message = Received::new();
        assert_eq!(joined.receive.receive_deadline(&mut message, soon), Err(ReceiveError::TimedOut));
    }
}

/// The death is noticed, at another port, while everything is still queued, on a lane that was never
/// looked at too. Fails if a noticed death throws away what was published before it.
#[test]
fn what_the_dead_had_queued_is_delivered_after_the_death_was_noticed() {
    const NAME: &str = "what_the_dead_had_queued_is_delivered_after_the_death_was_noticed";
    if role().is_some() {
        let joined = join(inherited(), &Options::default()).unwrap();
        joined.receive.receive(&mut Received::new()).unwrap();
        let clone = joined.send.clone();
        for id in 0..50 {
            joined.send.send(Message::new(id, &[id as u8; 500])).unwrap();
            clone.send(Message::new(100 + id, b"by another lane")).unwrap();
        }
        std::process::abort();
    }
    let _watchdog = Watchdog::start(NAME, 60);
    let (joined, mut peer) = joined_with(NAME, "victim", &Options::default());
    let other = joined.task.allocate().unwrap();
    joined.send.send(Message::new(0, b"go on")).unwrap();
    peer.0.wait().unwrap();
    let long = Deadline::after(Duration::from_millis(1500));
    assert_eq!(other.receive_deadline(&mut Received::new(), long), Err(ReceiveError::TimedOut));
    let refused = joined.send.send(Message::new(0, b"")).unwrap_err();
    assert_eq!(refused.failure(), SendFailure::PortDied, "the death was noticed");
    let all = drain(&joined);
    for (lane, first) in [(0, 0), (1, 100)] {
        let of_lane: Vec<i32> = all.iter().copied().filter(|id| (*id >= 100) == (lane == 1)).collect();
        assert_eq!(of_lane, (first..first + 50).collect::<Vec<_>>());
    }
}

/// Fails if a sender that waits for room never asks the kernel about its receiver.
#[test]
fn a_blocked_sender_learns_of_the_death() {
    const NAME: &str = "a_blocked_sender_learns_of_the_death";
    if role().is_some() {
        let _joined = join(inherited(), &Options::default().queue_limit(4)).unwrap();
        park();
    }
    let _watchdog = Watchdog::start(NAME, 60);
    for wait in [Wait::Park, Wait::Spin] {
        let (joined, mut peer) = joined_with(NAME, "receiver", &Options::default());
        joined.send.set_wait(wait);
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            peer.kill();
        });
        let failure = (0..100).find_map(|id| joined.send.send(Message::new(id, b"")).err());
        assert_eq!(failure.unwrap().failure(), SendFailure::PortDied);
        killer.join().unwrap();
    }
}

/// Fails if a message that came back keeps an account of a right that the port's table has settled
/// already (an unsigned count then goes below zero), or if the program hears of the right's end twice.
#[test]
fn a_request_that_comes_back_from_a_dead_peer_keeps_its_reply_right() {
    const NAME: &str = "a_request_that_comes_back_from_a_dead_peer_keeps_its_reply_right";
    if role().is_some() {
        let _joined = join(inherited(), &Options::default().queue_limit(4)).unwrap();
        park();
    }
    let _watchdog = Watchdog::start(NAME, 60);
    let (joined, mut peer) = joined_with(NAME, "receiver", &Options::default());
    let replies = joined.task.allocate().unwrap();
    for id in 0..4 {
        joined.send.send(Message::new(id, b"")).unwrap();
    }
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        peer.kill();
    });
    let refused = joined.send.send(Message::new(4, b"").reply_to(replies.make_send_once())).unwrap_err();
    assert_eq!(refused.failure(), SendFailure::PortDied);
    killer.join().unwrap();
    let right = refused.into_message().take_reply().expect("a refused message comes back with its rights");
    let mut message = Received::new();
    assert_eq!(replies.try_receive(&mut message), Err(ReceiveError::TimedOut), "the right still exists");
    drop(right);
    replies.try_receive(&mut message).unwrap();
    assert_eq!(message.notification(), Some(Notification::SendOnce), "now it was dropped unused");
    assert_eq!(replies.try_receive(&mut message), Err(ReceiveError::TimedOut), "once");
}

/// The sender of test `name`, which sleeps whenever there is no room.
fn sends_until_the_port_dies(name: &'static str) {
    let _watchdog = Watchdog::start(name, 60);
    let (joined, _peer) = joined_with(name, "receiver", &Options::default());
    joined.send.set_wait(Wait::Park);
    let failure = (0..100).find_map(|id| joined.send.send(Message::new(id, b"")).err());
    assert_eq!(failure.unwrap().failure(), SendFailure::PortDied);
}

/// Fails if dropping the receive right does not reach a sender that sleeps for room.
#[test]
fn a_blocked_sender_wakes_when_the_port_dies() {
    const NAME: &str = "a_blocked_sender_wakes_when_the_port_dies";
    if role().is_some() {
        let joined = join(inherited(), &Options::default().queue_limit(4)).unwrap();
        let mut message = Received::new();
        joined.receive.receive(&mut message).unwrap();
        std::thread::sleep(Duration::from_millis(200)); // the sender sleeps for room by now
        drop(joined.receive);
        park();
    }
    sends_until_the_port_dies(NAME);
}

/// As above, but the receiver has never looked at the lane: it learns that there is one only while
/// it destroys the port, and never comes back. Fails if destroying a port leaves the news unread.
#[test]
fn a_blocked_sender_wakes_when_a_port_dies_that_never_received() {
    const NAME: &str = "a_blocked_sender_wakes_when_a_port_dies_that_never_received";
    if role().is_some() {
        let joined = join(inherited(), &Options::default().queue_limit(4)).unwrap();
        std::thread::sleep(Duration::from_millis(300)); // the sender sleeps for room by now
        drop(joined.receive);
        park();
    }
    sends_until_the_port_dies(NAME);
}

/// The last right goes, whether it ever sent or not: one notification, with the count of rights made.
/// Fails if clones count as rights of the receiver's, or if a right that never sent is never returned.
#[test]
fn no_senders_comes_once_when_the_last_right_goes() {
    const NAME: &str = "no_senders_comes_once_when_the_last_right_goes";
    if role().is_some() {
        let joined = join(inherited(), &Options::default()).unwrap();
        let clones: Vec<_> = (0..20).map(|_| joined.send.clone()).collect();
        clones[3].send(Message::new(3, b"")).unwrap();
        drop(joined.send);
        clones[7].send(Message::new(7, b"")).unwrap();
        drop(clones);
        park();
    }
    let _watchdog = Watchdog::start(NAME, 60);
    let (joined, mut peer) = joined_with(NAME, "sender", &Options::default());
    let mut message = Received::new();
    let mut ids = Vec::new();
    loop {
        joined.receive.receive(&mut message).unwrap();
        if let Some(notification) = message.notification() {
            assert_eq!(notification, Notification::NoSenders { mscount: 1 });
            break;
        }
        ids.push(message.id());
    }
    ids.sort_unstable();
    assert_eq!(ids, [3, 7], "a drop overtakes nothing");
    peer.kill();
    let later = Deadline::after(Duration::from_millis(1500));
    assert_eq!(
        joined.receive.receive_deadline(&mut message, later),
        Err(ReceiveError::TimedOut),
        "the death of a task without rights is no news, and the notification comes once"
    );
}
