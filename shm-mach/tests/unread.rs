//! Messages that are destroyed unread release the rights in them, and nobody waits for ever.

mod common;

use std::time::Duration;

use common::meet::{attached, expect_no_senders, joined_with, park, receive_right};
use common::{inherited, role, spawn};
use shm_mach::{
    Deadline, Message, Notification, Options, ReceiveError, ReceiveRight, Received, SendFailure, Task, join,
};

/// Gives the parent a right to a port that it never reads, and ends that port or the parent's right
/// when told to; again and again.
fn never_reads() {
    let joined = join(inherited(), &Options::default()).unwrap();
    let mut message = Received::new();
    loop {
        let port = joined.task.allocate().unwrap();
        if joined.send.send(Message::new(0, b"").with_right(port.make_send())).is_err() {
            return; // the parent has seen enough
        }
        joined.receive.receive(&mut message).unwrap();
        if message.notification().is_some() {
            return;
        }
        if message.id() == 1 {
            assert!(port.revoke(joined.peer));
        } else {
            drop(port);
        }
        // The next one only after what was given back is seen: the parent says so.
        joined.receive.receive(&mut message).unwrap();
        if message.notification().is_some() {
            return;
        }
    }
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(10))
}

fn expect_send_once(replies: &ReceiveRight, what: &str) {
    let mut message = Received::new();
    replies.receive_deadline(&mut message, soon()).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(message.notification(), Some(Notification::SendOnce), "{what}");
}

#[test]
fn a_message_destroyed_with_its_port_releases_its_rights() {
    const TEST: &str = "a_message_destroyed_with_its_port_releases_its_rights";
    if role().is_some() {
        return never_reads();
    }
    let (joined, peer) = joined_with(TEST, "receiver", &Options::default());
    let mut message = Received::new();
    for round in 0..20 {
        let right = receive_right(&joined.receive, &mut message);
        let (replies, given) = (joined.task.allocate().unwrap(), joined.task.allocate().unwrap());
        given.request_no_senders(1, &given);
        for n in 0..10 {
            let once = replies.make_send_once();
            let sent = Message::new(n, &[7; 100]).with_right(given.make_send()).with_right(once);
            right.send(sent.reply_to(replies.make_send_once())).unwrap();
        }
        joined.send.send(Message::new(round % 2, b"end it")).unwrap();
        for n in 0..20 {
            expect_send_once(&replies, &format!("round {round}, answer {n}"));
        }
        given.receive_deadline(&mut message, soon()).unwrap();
        assert!(matches!(message.notification(), Some(Notification::NoSenders { .. })));
        let refused = right.send(Message::new(0, b"")).unwrap_err().failure();
        assert_eq!(refused, [SendFailure::PortDied, SendFailure::Revoked][round as usize % 2]);
        drop(right);
        joined.send.send(Message::new(2, b"go on")).unwrap();
    }
    drop((joined, message));
    peer.finish();
}

/// The sender goes on while the port dies: what it was told is sent is answered, one way or another.
#[test]
fn a_message_sent_into_a_dying_port_is_answered() {
    const TEST: &str = "a_message_sent_into_a_dying_port_is_answered";
    if role().is_some() {
        return never_reads();
    }
    let (joined, peer) = joined_with(TEST, "receiver", &Options::default());
    let mut message = Received::new();
    let replies = joined.task.allocate().unwrap();
    for round in 0..300 {
        let right = receive_right(&joined.receive, &mut message);
        right.send(Message::new(0, b"opens the lane")).unwrap();
        joined.send.send(Message::new(round % 2, b"end it")).unwrap();
        let (mut made, mut answered) = (0, 0);
        let failure = loop {
            made += 1; // sent, or refused and dropped: each right comes to one notification
            match right.try_send(Message::new(0, b"").reply_to(replies.make_send_once())) {
                Ok(()) => {}
                Err(error) if error.failure() == SendFailure::TimedOut => drop(error),
                Err(error) => break error.failure(),
            }
            while replies.try_receive(&mut message).is_ok() {
                answered += 1;
            }
        };
        assert!(matches!(failure, SendFailure::PortDied | SendFailure::Revoked), "{failure:?}");
        while answered < made {
            expect_send_once(&replies, &format!("round {round}: {answered} of {made}"));
            answered += 1;
        }
        assert!(replies.try_receive(&mut message).is_err(), "answered twice");
        drop(right);
        joined.send.send(Message::new(2, b"go on")).unwrap();
    }
    drop((joined, message));
    peer.finish();
}

#[test]
fn a_revoked_holder_answers_no_more() {
    const TEST: &str = "a_revoked_holder_answers_no_more";
    if role().is_some() {
        let joined = join(inherited(), &Options::default()).unwrap();
        let mut message = Received::new();
        joined.receive.receive(&mut message).unwrap();
        let reply = message.take_reply().unwrap();
        joined.send.send(Message::new(0, b"holds it")).unwrap();
        joined.receive.receive(&mut message).unwrap();
        let late = reply.send(Message::new(66, b"late")).unwrap_err();
        assert_eq!(late.failure(), SendFailure::PortDied);
        joined.send.send(Message::new(1, b"refused")).unwrap();
        return;
    }
    let (joined, peer) = joined_with(TEST, "holder", &Options::default());
    let replies = joined.task.allocate().unwrap();
    let mut message = Received::new();
    joined.send.send(Message::new(0, b"").reply_to(replies.make_send_once())).unwrap();
    joined.receive.receive(&mut message).unwrap();
    assert!(replies.revoke(joined.peer), "a send-once right is a right");
    joined.send.send(Message::new(1, b"revoked")).unwrap();
    joined.receive.receive(&mut message).unwrap();
    assert_eq!(message.body(), b"refused");
    expect_send_once(&replies, "the revoked right");
    assert_eq!(replies.try_receive(&mut message), Err(ReceiveError::TimedOut));
    peer.finish();
}

#[test]
fn what_a_dead_peer_had_queued_can_be_revoked() {
    const TEST: &str = "what_a_dead_peer_had_queued_can_be_revoked";
    if role().is_some() {
        let joined = join(inherited(), &Options::default()).unwrap();
        for n in 0..10 {
            joined.send.send(Message::new(n, b"")).unwrap();
        }
        park()
    }
    let (joined, mut peer) = joined_with(TEST, "sender", &Options::default());
    let mut message = Received::new();
    joined.receive.receive(&mut message).unwrap();
    let other = joined.task.allocate().unwrap();
    std::thread::sleep(Duration::from_millis(200)); // until it has sent them all
    peer.kill();
    // Waiting anywhere, the death is noticed.
    let passed = Deadline::after(Duration::from_millis(1500));
    assert_eq!(other.receive_deadline(&mut message, passed), Err(ReceiveError::TimedOut));
    assert!(joined.receive.revoke(joined.peer), "it still has messages queued");
    expect_no_senders(&joined.receive);
}

/// A task that never receives has no thread that acts on the authority's news.
#[test]
fn a_blocked_sender_hears_of_a_death() {
    const TEST: &str = "a_blocked_sender_hears_of_a_death";
    if role().is_some() {
        let (task, parent) = Task::attach_to(inherited(), &Options::default()).unwrap();
        let own = task.allocate().unwrap();
        parent.unwrap().send(Message::new(1, b"").with_right(own.make_send())).unwrap();
        park()
    }
    let task = attached();
    let port = task.allocate().unwrap();
    let mut peer = spawn(TEST, "victim", task.prepare_child(&port).unwrap());
    let mut message = Received::new();
    let right = receive_right(&port, &mut message);
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        peer.kill();
    });
    let failure = loop {
        match right.send_deadline(Message::new(0, b""), soon()) {
            Ok(()) => {}
            Err(error) => break error.failure(),
        }
    };
    assert_eq!(failure, SendFailure::PortDied);
    killer.join().unwrap();
}
