//! Rights that travel: replies, send rights in messages, revocation.

mod common;

use std::time::Duration;

use common::meet::{expect_no_senders, joined_with, park, receive_right};
use common::{inherited, role};
use shm_mach::{Deadline, Message, Notification, Options, ReceiveError, Received, SendFailure, Wait, join};

/// Answers every request with its body, by its reply right; a request with id 1 is dropped unanswered.
fn serve() {
    let joined = join(inherited(), &Options::default()).unwrap();
    let mut message = Received::new();
    loop {
        joined.receive.receive(&mut message).unwrap();
        if message.notification().is_some() {
            return;
        }
        let reply = message.take_reply();
        if message.id() != 1 {
            reply.unwrap().send(Message::new(message.id() + 100, message.body())).unwrap();
        }
    }
}

#[test]
fn a_request_is_answered_once() {
    if role().is_some() {
        return serve();
    }
    for wait in [Wait::Park, Wait::Adaptive, Wait::Spin] {
        let (joined, peer) = joined_with("a_request_is_answered_once", "server", &Options::default());
        let replies = joined.task.allocate().unwrap();
        replies.set_wait(wait);
        let mut answer = Received::new();
        for n in 0..2000usize {
            let body = vec![n as u8; [0, 8, 32, 33, 5000, 100_000][n % 6]];
            joined.send.send(Message::new(7, &body).reply_to(replies.make_send_once())).unwrap();
            replies.receive(&mut answer).unwrap();
            assert_eq!((answer.id(), answer.body()), (107, &body[..]));
            assert_eq!(answer.sender(), joined.peer);
        }
        joined.send.send(Message::new(1, b"").reply_to(replies.make_send_once())).unwrap();
        replies.receive(&mut answer).unwrap();
        assert_eq!(answer.notification(), Some(Notification::SendOnce), "dropped unused");
        drop((joined, replies));
        peer.finish();
    }
}

#[test]
fn many_answers_come_in_the_order_they_were_given() {
    if role().is_some() {
        return serve();
    }
    let (joined, peer) =
        joined_with("many_answers_come_in_the_order_they_were_given", "server", &Options::default());
    let replies = joined.task.allocate().unwrap();
    let mut answer = Received::new();
    for round in 0..20 {
        for n in 0..200i32 {
            joined.send.send(Message::new(n + 1000, &[0; 60]).reply_to(replies.make_send_once())).unwrap();
        }
        for n in 0..200i32 {
            replies.receive(&mut answer).unwrap();
            assert_eq!(answer.id(), n + 1100, "round {round}");
        }
    }
    drop((joined, replies));
    peer.finish();
}

/// Ports keep the slots of their last answers, but nobody goes short of them for it.
#[test]
fn every_reply_slot_can_be_out_at_one_time() {
    const TEST: &str = "every_reply_slot_can_be_out_at_one_time";
    if role().is_some() {
        let joined = join(inherited(), &Options::default()).unwrap();
        let mut message = Received::new();
        let mut held = Vec::new();
        loop {
            joined.receive.receive(&mut message).unwrap();
            match (message.id(), message.take_reply()) {
                (1, Some(reply)) => reply.send(Message::new(101, b"")).unwrap(),
                (_, Some(reply)) => held.push(reply),
                (_, None) => return,
            }
        }
    }
    let (joined, peer) = joined_with(TEST, "holder", &Options::default());
    let ports = [0; 5].map(|_| joined.task.allocate().unwrap());
    let mut message = Received::new();
    for port in &ports {
        joined.send.send(Message::new(1, b"").reply_to(port.make_send_once())).unwrap();
        port.receive(&mut message).unwrap();
    }
    let ask = || {
        let request = Message::new(2, b"").reply_to(ports[0].make_send_once());
        joined.send.send(request).map_err(|error| error.failure())
    };
    for _ in 0..1024 {
        ask().unwrap();
    }
    assert_eq!(ports[0].send_once_rights(), 1024);
    assert_eq!(ask(), Err(SendFailure::NoBuffer));
    ports[0].receive(&mut message).unwrap();
    assert_eq!(message.notification(), Some(Notification::SendOnce), "the refused message's right");
    joined.send.send(Message::new(3, b"")).unwrap();
    for _ in 0..1024 {
        ports[0].receive(&mut message).unwrap();
        assert_eq!(message.notification(), Some(Notification::SendOnce));
    }
    assert_eq!(ports[0].send_once_rights(), 0);
    peer.finish();
}

#[test]
fn the_death_of_a_holder_answers_for_it() {
    if role().is_some() {
        let joined = join(inherited(), &Options::default()).unwrap();
        let mut message = Received::new();
        let mut held = Vec::new();
        for n in 0..3 {
            joined.receive.receive(&mut message).unwrap();
            let reply = message.take_reply().unwrap();
            match n {
                0 => reply.send(Message::new(100, b"answered")).unwrap(),
                _ => held.push(reply),
            }
        }
        joined.send.send(Message::new(0, b"ready")).unwrap();
        park()
    }
    let (joined, mut peer) =
        joined_with("the_death_of_a_holder_answers_for_it", "holder", &Options::default());
    let replies = joined.task.allocate().unwrap();
    for _ in 0..3 {
        joined.send.send(Message::new(5, b"").reply_to(replies.make_send_once())).unwrap();
    }
    let mut message = Received::new();
    joined.receive.receive(&mut message).unwrap();
    peer.kill();
    replies.receive(&mut message).unwrap();
    assert_eq!((message.id(), message.body()), (100, &b"answered"[..]));
    for _ in 0..2 {
        replies.receive(&mut message).unwrap();
        assert_eq!(message.notification(), Some(Notification::SendOnce));
    }
    let refused = joined.send.send(Message::new(5, b"").reply_to(replies.make_send_once())).unwrap_err();
    assert_eq!(refused.failure(), SendFailure::PortDied);
    assert!(refused.into_message().take_reply().is_some(), "a refused message comes back with its rights");
}

#[test]
fn a_send_right_travels_and_is_revoked() {
    if role().is_some() {
        let joined = join(inherited(), &Options::default()).unwrap();
        let mut message = Received::new();
        let right = receive_right(&joined.receive, &mut message);
        for n in 0..10 {
            right.send(Message::new(n, b"by the right")).unwrap();
        }
        // Told to go on after the revocation.
        joined.receive.receive(&mut message).unwrap();
        let refused = right.send(Message::new(99, b"too late")).unwrap_err();
        assert_eq!(refused.failure(), SendFailure::Revoked);
        assert_eq!(right.clone().send(Message::new(99, b"")).unwrap_err().failure(), SendFailure::Revoked);
        joined.send.send(Message::new(1, b"refused")).unwrap();
        // A right given afterwards is a new one.
        let right = receive_right(&joined.receive, &mut message);
        right.send(Message::new(100, b"again")).unwrap();
        return;
    }
    let (joined, peer) = joined_with("a_send_right_travels_and_is_revoked", "holder", &Options::default());
    let port = joined.task.allocate().unwrap();
    joined.send.send(Message::new(0, b"").with_right(port.make_send())).unwrap();
    let mut message = Received::new();
    for n in 0..4 {
        port.receive(&mut message).unwrap();
        assert_eq!((message.id(), message.sender()), (n, joined.peer));
    }
    assert!(port.revoke(joined.peer));
    assert!(!port.revoke(joined.peer), "it holds none any more");
    joined.send.send(Message::new(1, b"revoked")).unwrap();
    joined.receive.receive(&mut message).unwrap();
    assert_eq!(message.body(), b"refused");
    assert!(port.try_receive(&mut message).is_err(), "what was queued is destroyed");
    joined.send.send(Message::new(2, b"").with_right(port.make_send())).unwrap();
    port.receive(&mut message).unwrap();
    assert_eq!(message.body(), b"again");
    port.request_no_senders(0, &port);
    expect_no_senders(&port);
    peer.finish();
}

#[test]
fn no_senders_follows_the_last_drop() {
    if role().is_some() {
        let joined = join(inherited(), &Options::default()).unwrap();
        let mut message = Received::new();
        for _ in 0..300 {
            let right = receive_right(&joined.receive, &mut message);
            let clone = right.clone();
            drop(right);
            if message.id() % 2 == 0 {
                clone.send(Message::new(message.id(), b"used")).unwrap();
            }
            drop(clone);
        }
        joined.receive.receive(&mut message).unwrap();
        return;
    }
    let (joined, peer) = joined_with("no_senders_follows_the_last_drop", "holder", &Options::default());
    let mut message = Received::new();
    for n in 0..300 {
        let port = joined.task.allocate().unwrap();
        let right = port.make_send();
        port.request_no_senders(0, &port);
        joined.send.send(Message::new(n, b"").with_right(right)).unwrap();
        if n % 2 == 0 {
            port.receive(&mut message).unwrap();
            assert_eq!(message.body(), b"used");
        }
        port.receive(&mut message).unwrap();
        assert_eq!(message.notification(), Some(Notification::NoSenders { mscount: 1 }), "port {n}");
    }
    drop(joined);
    peer.finish();
}

/// Holds each reply right until the next message, and then answers, wanted or not.
fn serve_late() {
    let joined = join(inherited(), &Options::default()).unwrap();
    let mut message = Received::new();
    loop {
        joined.receive.receive(&mut message).unwrap();
        if message.notification().is_some() {
            return;
        }
        let reply = message.take_reply().unwrap();
        joined.receive.receive(&mut message).unwrap();
        assert_eq!(reply.send(Message::new(3, b"")).unwrap_err().failure(), SendFailure::PortDied);
    }
}

#[test]
fn a_refused_answer_frees_its_slot() {
    if role().is_some() {
        return serve_late();
    }
    let (joined, peer) = joined_with("a_refused_answer_frees_its_slot", "server", &Options::default());
    for round in 0..1500 {
        let replies = joined.task.allocate().unwrap();
        let request = Message::new(1, b"").reply_to(replies.make_send_once());
        assert!(joined.send.send(request).is_ok(), "round {round}");
        drop(replies);
        joined.send.send(Message::new(2, b"")).unwrap();
    }
    drop(joined);
    peer.finish();
}

/// A message that waits for room comes back with a reply right that is as good as before, whoever has
/// ended the right that was to be the receiver's meanwhile.
#[test]
fn a_refused_messages_reply_right_is_whole_whatever_ended_meanwhile() {
    const TEST: &str = "a_refused_messages_reply_right_is_whole_whatever_ended_meanwhile";
    if role().is_some() {
        let _joined = join(inherited(), &Options::default()).unwrap();
        park();
    }
    let (joined, mut peer) = joined_with(TEST, "idle", &Options::default());
    while joined.send.try_send(Message::new(0, b"")).is_ok() {}
    let mut message = Received::new();
    for dies in [false, true] {
        let port = joined.task.allocate().unwrap();
        let request = Message::new(1, b"").reply_to(port.make_send_once());
        let mut refused = std::thread::scope(|scope| {
            let (port, joined_peer, peer) = (&port, joined.peer, &mut peer);
            scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(50));
                if dies {
                    peer.kill();
                } else {
                    assert!(port.revoke(joined_peer), "the right waits with the message");
                }
            });
            let in_time = Deadline::after(Duration::from_millis(if dies { 20_000 } else { 500 }));
            let refused = joined.send.send_deadline(request, in_time).unwrap_err();
            assert_eq!(refused.failure(), if dies { SendFailure::PortDied } else { SendFailure::TimedOut });
            refused.into_message()
        });
        assert_eq!(port.send_once_rights(), 1);
        refused.take_reply().unwrap().send(Message::new(7, b"")).unwrap();
        port.receive(&mut message).unwrap();
        assert_eq!((message.id(), port.send_once_rights()), (7, 0));
        assert_eq!(port.try_receive(&mut message), Err(ReceiveError::TimedOut), "{message:?}");
    }
}
