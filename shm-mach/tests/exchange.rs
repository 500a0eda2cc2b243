//! Two processes exchange messages.

mod common;

use std::os::fd::AsFd;
use std::time::Duration;

use common::meet::joined_with;
use common::raw::{self, SMALL, greeting, half};
use common::{inherited, role, sockets};
use shm_mach::{
    Deadline, JoinError, Message, Notification, Options, ReceiveError, Received, SendFailure, Wait, join,
    join_deadline,
};

fn body(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * 31 + n) as u8).collect()
}

/// The child of the tests below: sends every message back with its id plus 1.
fn echo(wait: Wait) {
    let joined = join(inherited(), &Options::default()).unwrap();
    joined.receive.set_wait(wait);
    joined.send.set_wait(wait);
    let mut message = Received::new();
    loop {
        joined.receive.receive(&mut message).unwrap();
        if message.notification().is_some() {
            return;
        }
        joined.send.send(Message::new(message.id() + 1, message.body())).unwrap();
    }
}

fn round_trips(test: &str, wait: Wait) {
    if role().is_some() {
        return echo(wait);
    }
    let (joined, peer) = joined_with(test, "echo", &Options::default());
    joined.receive.set_wait(wait);
    let mut message = Received::new();
    for length in [0, 1, 7, 8, 31, 32, 33, 63, 64, 65, 4095, 4096, 65536, 128 << 10]
        .into_iter()
        .cycle()
        .take(if wait == Wait::Park { 1500 } else { 400 })
    {
        joined.send.send(Message::new(length as i32, &body(length))).unwrap();
        joined.receive.receive(&mut message).unwrap();
        assert_eq!(message.id(), length as i32 + 1);
        assert_eq!(message.body(), body(length));
        assert_eq!(message.sender(), joined.peer);
    }
    assert_eq!(joined.peer.pid, peer.0.id());
    drop(joined);
    peer.finish();
}

#[test]
fn round_trips_parked() {
    round_trips("round_trips_parked", Wait::Park);
}

#[test]
fn round_trips_spinning() {
    round_trips("round_trips_spinning", Wait::Spin);
}

#[test]
fn round_trips_adaptive() {
    round_trips("round_trips_adaptive", Wait::Adaptive);
}

#[test]
fn a_stream_arrives_in_order_and_complete() {
    const COUNT: u64 = 300_000;
    if role().is_some() {
        let joined = join(inherited(), &Options::default()).unwrap();
        for n in 0..COUNT {
            joined.send.send(Message::new(n as i32, &n.to_le_bytes())).unwrap();
        }
        return;
    }
    let (joined, peer) = joined_with("a_stream_arrives_in_order_and_complete", "sender", &Options::default());
    let mut message = Received::new();
    for n in 0..COUNT {
        joined.receive.receive(&mut message).unwrap();
        assert_eq!(message.id(), n as i32);
        assert_eq!(message.body(), n.to_le_bytes());
        assert_eq!(message.seqno(), n as u32);
    }
    joined.receive.receive(&mut message).unwrap();
    assert_eq!(message.notification(), Some(Notification::NoSenders { mscount: 1 }));
    peer.finish();
}

#[test]
fn deadlines_and_full_queues() {
    if role().is_some() {
        let joined = join(inherited(), &Options::default().queue_limit(5)).unwrap();
        let mut message = Received::new();
        // Nothing is received before the parent says so by its socket closing: it sleeps here.
        std::thread::sleep(Duration::from_millis(300));
        for n in 0..6 {
            joined.receive.receive(&mut message).unwrap();
            assert_eq!(message.id(), n);
        }
        return;
    }
    let (joined, peer) = joined_with("deadlines_and_full_queues", "slow", &Options::default());
    for n in 0..5 {
        joined.send.try_send(Message::new(n, b"")).unwrap();
    }
    let refused = joined.send.try_send(Message::new(5, b"whole")).unwrap_err();
    assert_eq!(refused.failure(), SendFailure::TimedOut);
    let message = refused.into_message();
    assert_eq!((message.id(), message.body()), (5, &b"whole"[..]));
    let soon = Deadline::after(Duration::from_millis(20));
    assert_eq!(joined.send.send_deadline(message, soon).unwrap_err().failure(), SendFailure::TimedOut);
    let mut received = Received::new();
    assert_eq!(joined.receive.try_receive(&mut received), Err(ReceiveError::TimedOut));
    let soon = Deadline::after(Duration::from_millis(20));
    assert_eq!(joined.receive.receive_deadline(&mut received, soon), Err(ReceiveError::TimedOut));
    joined.send.send(Message::new(5, b"whole")).unwrap();
    peer.finish();
}

/// A peer that says nothing, and one that says hello and nothing more. Fails if either holds up whoever
/// joins it beyond the deadline.
#[test]
fn a_join_ends_at_its_deadline() {
    for says_hello in [false, true] {
        let (ours, theirs) = sockets();
        if says_hello {
            let half = half(SMALL, 0).into_read_only();
            raw::send(&theirs, &greeting(5).encode(), &[half.as_fd()]);
        }
        let soon = Deadline::after(Duration::from_millis(100));
        let refused = join_deadline(ours, &Options::default(), soon).unwrap_err();
        assert!(matches!(refused, JoinError::TimedOut), "{refused}");
        assert!(soon.has_passed(), "not before the deadline");
        let late = join(theirs, &Options::default()).unwrap_err();
        assert!(matches!(late, JoinError::HungUp), "{late}");
    }
}
