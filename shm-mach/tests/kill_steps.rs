//! SIGKILL at every step, in a pair without an authority: a child is run instruction by instruction
//! through one call, and killed in each state that others can tell from the one before (see
//! `common::trace`). Nothing acknowledged is lost, nothing comes twice, nothing is torn, nobody is
//! stuck, nothing is left.

mod common;

use std::thread::JoinHandle;

use common::census::{Census, alone, role_beside};
use common::trace::{Point, Traced, patience};
use common::watchdog::Watchdog;
use common::{Peer, inherited, sockets, spawn, sys};
use shm_mach::{
    Geometry, Joined, Message, Notification, Options, ReceiveError, ReceiveRight, Received, Right,
    SendFailure, SendOnceRight, Wait, join,
};

/// Small, so that little is looked at after each step.
const SIZES: Geometry = Geometry { slots: 8, areas: 2, area_bytes: 16 << 10 };
/// Messages before the call under test, all acknowledged.
const BEFORE: i32 = 3;
/// Requests that wait in the child's queue when it revokes their sender's right.
const QUEUED: usize = 3;

fn options() -> Options {
    Options::default().geometry(SIZES).queue_limit(5)
}

fn body(id: i32, length: usize) -> Vec<u8> {
    (0..length).map(|at| (id as usize * 7 + at) as u8).collect()
}

/// The length of the bodies of a variant: in a slot, or in the payload area.
fn length(variant: &str) -> usize {
    if matches!(variant, "long" | "answer_long") { 100 } else { 8 }
}

/// The child: three messages, then the call between two marks. The parent has run it to the first.
fn child(variant: &str) {
    let joined = join(inherited(), &options()).unwrap();
    joined.send.set_wait(Wait::Spin);
    let length = length(variant);
    for id in 0..BEFORE {
        joined.send.send(Message::new(id, &body(id, length))).unwrap();
    }
    let last = body(BEFORE, length);
    let mut message = Received::new();
    let clone = joined.send.clone();
    let port = joined.task.allocate().unwrap();
    match variant {
        "drop" => clone.send(Message::new(BEFORE, &last)).unwrap(),
        "revoke" => joined.send.send(Message::new(BEFORE, &last).with_right(port.make_send())).unwrap(),
        _ => {}
    }
    joined.receive.receive(&mut message).unwrap(); // the parent says go on
    let mut reply = message.take_reply();
    sys::be_traced();
    sys::stop_here();
    match variant {
        "short" | "long" => joined.send.send(Message::new(BEFORE, &last)).unwrap(),
        "first" => clone.send(Message::new(BEFORE, &last)).unwrap(),
        "rights" => {
            let carries = Message::new(BEFORE, &last).with_right(port.make_send());
            joined.send.send(carries.reply_to(port.make_send_once())).unwrap();
        }
        "receive" => joined.receive.try_receive(&mut message).unwrap(),
        "drop" => drop(clone),
        "answer" | "answer_long" => reply.take().unwrap().send(Message::new(BEFORE, &last)).unwrap(),
        "unanswered" => drop(reply.take()),
        "revoke" => assert!(port.revoke(joined.peer)),
        other => panic!("{other}"),
    }
    sys::stop_here();
    sys::exit_now(0);
}

/// What came of a child that was killed.
#[derive(Debug, Default)]
struct Seen {
    /// Its messages.
    all: Vec<(i32, Vec<u8>)>,
    /// What came by the send-once rights that were given to it: answers, or (`None`) notifications.
    answers: Vec<Option<Vec<u8>>>,
}

/// A child stopped at its first mark, and the thread that receives from it until it is dead.
struct Run {
    peer: Peer,
    traced: Traced,
    receiver: JoinHandle<Seen>,
}

fn start(test: &str, variant: &str) -> Run {
    let (ours, theirs) = sockets();
    let peer = spawn(test, variant, theirs);
    let joined = join(ours, &options()).unwrap();
    let answers = joined.task.allocate().unwrap();
    let answer = |_| answers.make_send_once();
    let mut seen = Seen::default();
    let mut right = None;
    if variant == "revoke" {
        let mut message = Received::new();
        for id in 0..=BEFORE {
            joined.receive.receive(&mut message).unwrap();
            seen.all.push((id, message.body().to_vec()));
        }
        right = message.take_rights().pop().and_then(Right::into_send);
        for request in (0..QUEUED).map(answer) {
            right.as_ref().unwrap().send(Message::new(0, b"").reply_to(request)).unwrap();
        }
    }
    let awaited: usize = if variant == "revoke" { QUEUED } else { usize::from(variant.contains("answer")) };
    let go_on = |reply: Option<SendOnceRight>| {
        let message = Message::new(0, b"go on");
        joined.send.send(reply.map_or(Message::new(1, b"go on"), |reply| message.reply_to(reply))).unwrap();
    };
    go_on(variant.contains("answer").then(|| answers.make_send_once()));
    go_on(None);
    let receiver = std::thread::spawn(move || {
        let mut seen = receive_all(&joined, seen);
        seen.answers = receive_answers(&answers, awaited);
        if let Some(right) = right {
            let failure = right.send(Message::new(0, b"")).unwrap_err().failure();
            assert_eq!(failure, SendFailure::PortDied, "revoked or not, its port is dead");
        }
        seen
    });
    let traced = Traced::at_mark(&peer);
    Run { peer, traced, receiver }
}

/// Sleeps for messages, so that the child must wake this thread, until no sender is left; then the
/// port of the dead is dead, too, and so is all that it gave away.
fn receive_all(joined: &Joined, mut seen: Seen) -> Seen {
    joined.receive.set_wait(Wait::Park);
    let mut message = Received::new();
    let (mut rights, mut reply) = (Vec::new(), None);
    loop {
        joined.receive.receive(&mut message).unwrap();
        if let Some(notification) = message.notification() {
            assert_eq!(notification, Notification::NoSenders { mscount: 1 });
            break;
        }
        assert_eq!(message.sender(), joined.peer);
        seen.all.push((message.id(), message.body().to_vec()));
        rights.extend(message.take_rights());
        reply = reply.or(message.take_reply());
    }
    assert_eq!(joined.receive.try_receive(&mut message), Err(ReceiveError::TimedOut), "the last one");
    assert_eq!(rights.len(), usize::from(reply.is_some()), "a message has all its rights");
    for right in rights.into_iter().filter_map(Right::into_send) {
        assert_eq!(right.send(Message::new(0, b"")).unwrap_err().failure(), SendFailure::PortDied);
    }
    let refused = reply.map(|reply| reply.send(Message::new(0, b"")).unwrap_err().failure());
    assert!(refused.is_none_or(|failure| failure == SendFailure::PortDied));
    let refused = joined.send.send(Message::new(0, b"")).unwrap_err().failure();
    assert_eq!(refused, SendFailure::PortDied, "its port is dead");
    seen
}

/// Each send-once right comes to one message, however its holder ended.
fn receive_answers(answers: &ReceiveRight, awaited: usize) -> Vec<Option<Vec<u8>>> {
    let mut message = Received::new();
    let receive = |_| {
        answers.receive(&mut message).unwrap();
        match message.notification() {
            Some(notification) => {
                assert_eq!(notification, Notification::SendOnce);
                None
            }
            None => {
                assert_eq!(message.id(), BEFORE);
                Some(message.body().to_vec())
            }
        }
    };
    let all = (0..awaited).map(receive).collect();
    assert_eq!(answers.try_receive(&mut Received::new()), Err(ReceiveError::TimedOut), "one each");
    all
}

fn kill_at(test: &str, variant: &str, point: Point) -> JoinHandle<Seen> {
    let Run { mut peer, mut traced, receiver } = start(test, variant);
    traced.run_to(point);
    traced.kill(&mut peer);
    receiver
}

/// The matrix of one variant; `always` messages are acknowledged before the call, and it sends
/// `maybe` more.
fn matrix(test: &'static str, always: i32, maybe: usize) {
    if let Some(variant) = role_beside() {
        return child(&variant);
    }
    if alone(test) {
        return;
    }
    let _watchdog = Watchdog::start(test, patience());
    let variant = test.rsplit_once("_in_").unwrap().1;
    let before = Census::here();
    let Run { mut peer, mut traced, receiver } = start(test, variant);
    let course = traced.measure(|| false);
    traced.kill(&mut peer);
    receiver.join().unwrap();

    let kills = course.kills();
    let receivers: Vec<_> = kills.iter().map(|point| kill_at(test, variant, *point)).collect();
    let (mut sent, mut answered) = (0, 0);
    for (point, receiver) in kills.iter().zip(receivers) {
        let seen = receiver.join().unwrap_or_else(|_| panic!("killed at {point:?}"));
        let more = seen.all.len() - always as usize;
        assert!(more <= maybe, "killed at {point:?}: {seen:?}");
        for (n, (id, bytes)) in seen.all.iter().enumerate() {
            assert_eq!(*id as usize, n, "killed at {point:?}: lost, twice or out of order");
            assert!(*bytes == body(*id, length(variant)), "killed at {point:?}: message {id} is torn");
        }
        let whole = Some(body(BEFORE, length(variant)));
        assert!(seen.answers.iter().all(|answer| answer.is_none() || *answer == whole), "torn: {seen:?}");
        sent += more;
        answered += seen.answers.iter().flatten().count();
    }
    before.expect_again(std::process::id(), "after all kills");
    eprintln!("{variant}: {}; {sent} sent, {answered} answered", course.describe());
    let is_split = |seen: usize| (1..kills.len()).contains(&seen);
    assert!(is_split(sent) == (maybe > 0), "some kills come before the message, some after");
    assert!(is_split(answered) == variant.starts_with("answer"), "some come before the answer, some after");
    assert!(course.changes > 0, "the call must have changed something");
}

/// Fails if a message is visible before it is whole, or one that was acknowledged is lost.
#[test]
fn killed_in_short() {
    matrix("killed_in_short", BEFORE, 1);
}

/// The same with a body in the payload area.
#[test]
fn killed_in_long() {
    matrix("killed_in_long", BEFORE, 1);
}

/// The same with the first message of a right, which opens a lane.
#[test]
fn killed_in_first() {
    matrix("killed_in_first", BEFORE, 1);
}

/// The same with a send right and a reply right in the message: both or none arrive.
#[test]
fn killed_in_rights() {
    matrix("killed_in_rights", BEFORE, 1);
}

/// Fails if a receiver that dies between taking a message and saying so sticks anybody.
#[test]
fn killed_in_receive() {
    matrix("killed_in_receive", BEFORE, 0);
}

/// Fails if a right that is dropped halfway is counted for ever, or takes messages with it.
#[test]
fn killed_in_drop() {
    matrix("killed_in_drop", BEFORE + 1, 0);
}

/// Fails if an answer is visible before it is whole, or if neither it nor a notification comes.
#[test]
fn killed_in_answer() {
    matrix("killed_in_answer", BEFORE, 0);
}

/// The same with a body in the heap of answers.
#[test]
fn killed_in_answer_long() {
    matrix("killed_in_answer_long", BEFORE, 0);
}

/// Fails if a reply right that is dropped halfway comes to two notifications, or to none.
#[test]
fn killed_in_unanswered() {
    matrix("killed_in_unanswered", BEFORE, 0);
}

/// Fails if a revocation that is cut off leaves a request in the queue without an end, or its sender
/// without an error.
#[test]
fn killed_in_revoke() {
    matrix("killed_in_revoke", BEFORE + 1, 0);
}
