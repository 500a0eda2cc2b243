//! Receive rights that go from hand to hand: within a task, and from one task to another.

mod common;

use std::time::Duration;

use common::meet::{
    Pair, attached, expect_no_senders, joined_with, next, park, receive_right, send_rights, soon,
};
use common::{inherited, role, spawn};
use shm_mach::authority::Embedded;
use shm_mach::{
    Deadline, GuardOptions, Immovable, Message, Notification, NotificationKind, Options, PortError,
    ReceiveError, ReceiveRight, Received, Right, RightKind, SendFailure, SendRight, Task, TypeBits, join,
};

/// Two tasks that know each other.
fn pair() -> Pair {
    let authority = Embedded::start().unwrap();
    Pair::new(|| authority.connect().unwrap(), &Options::default())
}

/// The receive right that comes with the next message.
fn moved(port: &ReceiveRight) -> ReceiveRight {
    next(port, "a message with a receive right").take_rights().pop().and_then(Right::into_receive).unwrap()
}

/// Why the message was not sent; the receive right in it is whole.
fn refused(to: &SendRight, right: ReceiveRight) -> (SendFailure, ReceiveRight) {
    let error = to.send(Message::new(0, b"").with_right(right)).unwrap_err();
    let failure = error.failure();
    let right = error.into_message().take_rights().pop().and_then(Right::into_receive);
    (failure, right.unwrap())
}

fn failure(right: &SendRight) -> SendFailure {
    right.send(Message::new(0, b"")).unwrap_err().failure()
}

/// The port is dead: the first message of a right may go out before its sender can know.
fn expect_death(right: &SendRight, receivers: &[&ReceiveRight], what: &str) {
    let limit = soon();
    while right.send(Message::new(0, b"")).is_ok() {
        assert!(!limit.has_passed(), "{what} is not dead");
        for receiver in receivers {
            let _ = receiver.try_receive(&mut Received::new());
        }
    }
    assert_eq!(failure(right), SendFailure::PortDied, "{what}");
}

// From task to task.

/// The giver keeps its send right, which leads to the new receiver from then on.
#[test]
fn mv1_mv2_a_port_goes_to_another_process() {
    const TEST: &str = "mv1_mv2_a_port_goes_to_another_process";
    if role().is_some() {
        let (task, parent) = Task::attach_to(inherited(), &Options::default()).unwrap();
        let own = task.allocate().unwrap();
        parent.unwrap().send(Message::new(1, b"").with_right(own.make_send())).unwrap();
        let port = moved(&own);
        port.request_no_senders(0, &port);
        for n in 0..1000 {
            let message = next(&port, "a message that followed");
            assert_eq!((message.id(), message.body(), message.seqno()), (n, &[n as u8; 40][..], n as u32));
            assert_eq!(message.sender().pid, std::os::unix::process::parent_id());
        }
        expect_no_senders(&port);
        return;
    }
    let task = attached();
    let meeting = task.allocate().unwrap();
    let peer = spawn(TEST, "child", task.prepare_child(&meeting).unwrap());
    let to_child = receive_right(&meeting, &mut Received::new());
    let port = task.allocate().unwrap();
    let right = port.make_send();
    right.send(Message::new(7, b"within the task")).unwrap();
    next(&port, "a message within the task");
    let name = right.name();
    to_child.send(Message::new(2, b"it is yours").with_right(port)).unwrap();
    assert_eq!(task.right_type(name), Ok(TypeBits::SEND), "the send right keeps the name");
    assert_eq!(task.receive_right(name).unwrap_err(), PortError::NoSuchRight);
    for n in 0..1000 {
        right.send(Message::new(n, &[n as u8; 40])).unwrap();
    }
    drop(right);
    assert_eq!(task.right_type(name), Err(PortError::UnknownName));
    peer.finish();
}

/// What a port loses by being moved, and what it keeps.
#[test]
fn o3_numbers_begin_again_and_the_limit_stays() {
    let pair = pair();
    let port = pair.task.allocate().unwrap();
    port.set_queue_limit(3).unwrap();
    let set = pair.task.allocate_set().unwrap();
    set.insert(&port).unwrap();
    for _ in 0..4 {
        port.make_send().send(Message::new(0, b"")).unwrap();
        next(&port, "a message");
    }
    let right = port.make_send();
    pair.to_other.send(Message::new(1, b"").with_right(port)).unwrap();
    assert!(set.members().is_empty(), "it has left its sets");
    let port = moved(&pair.port);
    assert!(!port.is_in_set());
    (0..3).for_each(|n| right.send(Message::new(n, b"")).unwrap());
    assert_eq!(right.try_send(Message::new(3, b"")).unwrap_err().failure(), SendFailure::TimedOut);
    assert_eq!(next(&port, "the first").seqno(), 0);
    drop(right);
    (1..3).for_each(|n| assert_eq!(next(&port, "the rest").seqno(), n));
    port.request_no_senders(0, &port);
    let message = next(&port, "no senders");
    assert_eq!(message.notification(), Some(Notification::NoSenders { mscount: 0 }), "none was made here");
}

/// A guard and a context stay behind: they are what the old receiver has said.
#[test]
fn o3_mv6_a_guard_is_lost_on_the_way() {
    let pair = pair();
    let inbox = pair.task.allocate().unwrap();
    let to_inbox = inbox.make_send();
    for is_within in [true, false] {
        let port = pair.task.allocate().unwrap();
        pair.task.guard(port.name(), 7, GuardOptions::default()).unwrap();
        let (to, at, task) = if is_within {
            (&to_inbox, &inbox, &pair.task)
        } else {
            (&pair.to_other, &pair.port, &pair.other)
        };
        to.send(Message::new(1, b"").with_right(port)).unwrap();
        let port = moved(at);
        assert_eq!(task.get_context(port.name()), Ok(0));
        assert_eq!(task.unguard(port.name(), 7), Err(PortError::NotGuarded));
    }
}

/// Without any right to it, and with a name that only stands for it.
#[test]
fn s6_a_name_that_has_nothing_but_the_receive_right_goes_with_it() {
    let pair = pair();
    let port = pair.task.allocate().unwrap();
    let name = port.name();
    pair.to_other.send(Message::new(1, b"").with_right(port)).unwrap();
    assert_eq!(pair.task.right_type(name), Err(PortError::UnknownName));
    let port = moved(&pair.port);
    port.request_no_senders(0, &port);
    expect_no_senders(&port);
    let right = port.make_send();
    right.send(Message::new(5, b"a port like any other")).unwrap();
    assert_eq!(next(&port, "its message").id(), 5);
}

/// A message may carry both rights to a port, in either order; they share a name where they arrive.
#[test]
fn mv3_it_joins_the_name_of_a_send_right() {
    let pair = pair();
    for send_first in [true, false] {
        let port = pair.task.allocate().unwrap();
        let kept = port.make_send();
        let given = kept.clone();
        let message = Message::new(1, b"");
        let message = if send_first {
            message.with_right(given).with_right(port)
        } else {
            message.with_right(port).with_right(given)
        };
        pair.to_other.send(message).unwrap();
        let mut rights = next(&pair.port, "both rights").take_rights();
        if send_first {
            rights.reverse();
        }
        let Ok([Right::Receive(port), Right::Send(right)]) = <[Right; 2]>::try_from(rights) else {
            panic!("two rights in their order")
        };
        assert_eq!(port.name(), right.name());
        let types = pair.other.right_type(port.name()).unwrap();
        assert_eq!(types, TypeBits::SEND | TypeBits::RECEIVE);
        right.send(Message::new(2, b"from here")).unwrap();
        assert_eq!(next(&port, "from the same task").id(), 2);
        kept.send(Message::new(3, b"from there")).unwrap();
        assert_eq!(next(&port, "from the giver").id(), 3);
        port.request_no_senders(0, &port);
        drop(kept);
        drop(right);
        expect_no_senders(&port);
    }
}

/// A right that comes back to the giver joins the one that it kept.
#[test]
fn a_right_from_the_new_receiver_joins_the_old_name() {
    let pair = pair();
    let port = pair.task.allocate().unwrap();
    let kept = port.make_send();
    pair.to_other.send(Message::new(1, b"").with_right(port)).unwrap();
    let port = moved(&pair.port);
    pair.to_task.send(Message::new(2, b"").with_right(port.make_send())).unwrap();
    let given = send_rights(&mut next(&pair.from_other, "a right")).next().unwrap();
    assert_eq!(given.name(), kept.name());
    assert_eq!(pair.task.get_refs(kept.name(), RightKind::Send), Ok(2));
    port.request_no_senders(0, &port);
    drop(kept);
    given.send(Message::new(3, b"one is left")).unwrap();
    assert_eq!(next(&port, "by the other").id(), 3);
    drop(given);
    expect_no_senders(&port);
}

/// A request on the send right that stays is one to the new receiver.
#[test]
fn s5_a_request_on_the_name_that_stays_fires_when_the_port_dies_elsewhere() {
    let pair = pair();
    let news = pair.task.allocate().unwrap();
    let port = pair.task.allocate().unwrap();
    let kept = port.make_send();
    let kind = NotificationKind::DeadName;
    let before = pair.task.request_notification(kept.name(), kind, 0, Some(news.make_send_once()));
    assert!(before.unwrap().is_none());
    pair.to_other.send(Message::new(1, b"").with_right(port)).unwrap();
    assert_eq!(news.try_receive(&mut Received::new()), Err(ReceiveError::TimedOut), "the port lives");
    let port = moved(&pair.port);
    kept.send(Message::new(2, b"")).unwrap();
    assert_eq!(next(&port, "it leads there").id(), 2);
    drop(port);
    let told = next(&news, "the port is dead").notification();
    assert_eq!(told, Some(Notification::DeadName { name: kept.name() }));
}

/// Third tasks get rights to a port that has moved from its receiver and from its senders, and the port
/// moves on when nobody has any.
#[test]
fn a_port_that_has_moved_is_like_any_other() {
    let authority = Embedded::start().unwrap();
    let pair = Pair::new(|| authority.connect().unwrap(), &Options::default());
    let (third, _) = Task::attach_to(authority.connect().unwrap(), &Options::default()).unwrap();
    let inbox = third.check_in("test.third").unwrap();
    let port = pair.task.allocate().unwrap();
    let kept = port.make_send();
    pair.to_other.send(Message::new(1, b"").with_right(port)).unwrap();
    let port = moved(&pair.port);

    pair.task.look_up("test.third").unwrap().send(Message::new(2, b"").with_right(kept)).unwrap();
    let by_giver = send_rights(&mut next(&inbox, "a right from the giver")).next().unwrap();
    let to_third = pair.other.look_up("test.third").unwrap();
    to_third.send(Message::new(3, b"").with_right(port.make_send())).unwrap();
    let by_receiver = send_rights(&mut next(&inbox, "a right from the receiver")).next().unwrap();
    assert_eq!(by_giver.name(), by_receiver.name(), "one port, one name");
    by_giver.send(Message::new(4, b"")).unwrap();
    by_receiver.send(Message::new(5, b"")).unwrap();
    assert_eq!((next(&port, "the first").id(), next(&port, "the second").id()), (4, 5));

    let (why, port) = refused(&to_third, port);
    assert_eq!(why, SendFailure::NotMovable(Immovable::HeldElsewhere));
    port.request_no_senders(0, &port);
    drop((by_giver, by_receiver));
    expect_no_senders(&port);

    let right = port.make_send();
    to_third.send(Message::new(6, b"").with_right(port)).unwrap();
    let port = moved(&inbox);
    right.send(Message::new(7, b"two moves behind")).unwrap();
    assert_eq!(next(&port, "at the third").id(), 7);
    third.register("test.moved", &port).unwrap();
    pair.task.look_up("test.moved").unwrap().send(Message::new(8, b"found by its name")).unwrap();
    assert_eq!(next(&port, "by name").id(), 8);
}

/// Answers carry receive rights too, also by a send-once right that was passed on.
#[test]
fn answers_carry_receive_rights() {
    let authority = Embedded::start().unwrap();
    let pair = Pair::new(|| authority.connect().unwrap(), &Options::default());
    let (third, _) = Task::attach_to(authority.connect().unwrap(), &Options::default()).unwrap();
    let inbox = third.check_in("test.third").unwrap();
    let answers = pair.task.allocate().unwrap();

    pair.to_other.send(Message::new(1, b"").reply_to(answers.make_send_once())).unwrap();
    let reply = next(&pair.port, "a request").take_reply().unwrap();
    let port = pair.other.allocate().unwrap();
    let right = port.make_send();
    reply.send(Message::new(2, b"").with_right(port)).unwrap();
    right.send(Message::new(3, b"to the asker")).unwrap();
    let port = moved(&answers);
    assert_eq!(next(&port, "a message").id(), 3);

    pair.to_other.send(Message::new(4, b"").reply_to(answers.make_send_once())).unwrap();
    let reply = next(&pair.port, "a request").take_reply().unwrap();
    pair.other.look_up("test.third").unwrap().send(Message::new(5, b"").with_right(reply)).unwrap();
    let reply = next(&inbox, "the reply right").take_rights().pop().and_then(Right::into_send_once).unwrap();
    let port = third.allocate().unwrap();
    let right = port.make_send();
    reply.send(Message::new(6, b"").with_right(port)).unwrap();
    right.send(Message::new(7, b"to the asker")).unwrap();
    let port = moved(&answers);
    assert_eq!(next(&port, "a message").id(), 7);
}

/// Longer than a slot, and longer than a payload area; more than one in a message.
#[test]
fn with_bodies_of_any_length() {
    let pair = pair();
    for length in [0, 100, 1 << 20] {
        let ports = [(); 3].map(|()| pair.task.allocate().unwrap());
        let rights = ports.each_ref().map(ReceiveRight::make_send);
        let body = vec![0x5a; length];
        let message = ports.into_iter().fold(Message::new(1, &body), Message::with_right);
        pair.to_other.send(message).unwrap();
        let mut message = next(&pair.port, "three ports");
        assert_eq!(message.body(), body);
        let ports: Vec<_> = message.take_rights().into_iter().filter_map(Right::into_receive).collect();
        for ((port, right), id) in ports.iter().zip(rights).zip(0..) {
            right.send(Message::new(id, b"")).unwrap();
            assert_eq!(next(port, "each has its own").id(), id);
        }
    }
}

/// What cannot be moved stays, whole, and the message comes back.
#[test]
fn mv6_what_cannot_be_moved_comes_back() {
    let pair = pair();
    let task = &pair.task;
    let why = |right: ReceiveRight| {
        let (failure, right) = refused(&pair.to_other, right);
        assert!(matches!(failure, SendFailure::NotMovable(_)), "{failure}");
        assert_eq!(failure.code(), 0x1000_000a, "MACH_SEND_INVALID_RIGHT");
        let sender = right.make_send();
        sender.send(Message::new(77, b"")).unwrap();
        let is_there =
            std::iter::repeat_with(|| next(&right, "its messages")).any(|message| message.id() == 77);
        assert!(is_there, "the port is as good as before");
        match failure {
            SendFailure::NotMovable(why) => (why, right),
            _ => unreachable!("asserted above"),
        }
    };
    let (held, answered, full, asked) = (
        task.allocate().unwrap(),
        task.allocate().unwrap(),
        task.allocate().unwrap(),
        task.allocate().unwrap(),
    );
    pair.to_other.send(Message::new(0, b"").with_right(held.make_send())).unwrap();
    assert_eq!(why(held).0, Immovable::HeldElsewhere);
    let once = answered.make_send_once();
    assert_eq!(why(answered).0, Immovable::AnswersAwaited);
    drop(once);
    full.make_send().send(Message::new(0, b"")).unwrap();
    let (reason, full) = why(full);
    assert_eq!(reason, Immovable::NotEmpty);
    let right = asked.make_send();
    asked.request_no_senders(0, &full);
    assert_eq!(why(asked).0, Immovable::Requested);
    assert_eq!(why(full).0, Immovable::Requested, "it is to be told of another port");
    drop(right);
    assert_eq!(why_other_task(&pair), Immovable::OtherTask);
    // Also within the task.
    let bound = task.allocate().unwrap();
    task.guard(bound.name(), 7, GuardOptions { is_immovable: true, ..GuardOptions::default() }).unwrap();
    let (reason, bound) = why(bound);
    assert_eq!(reason, Immovable::Restricted);
    let (failure, bound) = refused(&task.allocate().unwrap().make_send(), bound);
    assert_eq!(failure, SendFailure::NotMovable(Immovable::Restricted));
    task.unguard(bound.name(), 7).unwrap();
    assert_eq!(why(bound).0, Immovable::Restricted, "for good");
}

fn why_other_task(pair: &Pair) -> Immovable {
    let (failure, right) = refused(&pair.to_other, pair.other.allocate().unwrap());
    let SendFailure::NotMovable(why) = failure else { panic!("{failure}") };
    assert_eq!(pair.other.right_type(right.name()), Ok(TypeBits::RECEIVE));
    why
}

/// A refused message leaves nothing with the other task, and the port can be sent again.
#[test]
fn a_refused_message_leaves_nothing_behind() {
    let pair = pair();
    let inbox = pair.other.allocate().unwrap();
    inbox.set_queue_limit(1).unwrap();
    pair.to_task.send(Message::new(0, b"").with_right(inbox.make_send())).unwrap();
    let to_inbox = send_rights(&mut next(&pair.from_other, "a right")).next().unwrap();
    to_inbox.send(Message::new(0, b"fills the queue")).unwrap();
    let mut port = pair.task.allocate().unwrap();
    let right = port.make_send();
    for _ in 0..200 {
        let message = Message::new(1, b"").with_right(right.clone()).with_right(port);
        let error = to_inbox.try_send(message).unwrap_err();
        assert_eq!(error.failure(), SendFailure::TimedOut);
        let rights = error.into_message().take_rights();
        let Ok([Right::Send(_), Right::Receive(back)]) = <[Right; 2]>::try_from(rights) else {
            panic!("both")
        };
        port = back;
        right.send(Message::new(2, b"")).unwrap();
        assert_eq!(next(&port, "it is still here").id(), 2);
    }
    next(&inbox, "the first");
    to_inbox.send(Message::new(3, b"").with_right(port)).unwrap();
    right.send(Message::new(4, b"")).unwrap();
    assert_eq!(next(&moved(&inbox), "at last").id(), 4);
}

/// Threads of the giver go on sending while the port goes: every message is received once, in order, at
/// one of the two.
#[test]
fn mv1_senders_of_the_giver_go_on() {
    const EACH: i32 = 20_000;
    let pair = pair();
    let port = pair.task.allocate().unwrap();
    let rights = [port.make_send(), port.make_send(), port.make_send()];
    let sender = |(thread, right): (usize, SendRight)| {
        std::thread::spawn(move || {
            for id in 0..EACH {
                right.send(Message::new(id, &[thread as u8])).unwrap();
            }
        })
    };
    let senders: Vec<_> = rights.into_iter().enumerate().map(sender).collect();
    let mut expected = [0; 3];
    let mut take = |port: &ReceiveRight, deadline: Deadline| {
        let mut message = Received::new();
        let received = port.receive_deadline(&mut message, deadline);
        if received.is_ok() {
            let thread = usize::from(message.body()[0]);
            assert_eq!(message.id(), expected[thread], "lost, twice or out of order");
            expected[thread] += 1;
        }
        received.is_ok()
    };
    let mut port = Some(port);
    let mut tries = 0;
    while let Some(here) = port.take() {
        tries += 1;
        // One attempt in the midst of traffic, and one when the queue is empty for a moment.
        while take(&here, Deadline::NOW) {}
        let sent = pair.to_other.send(Message::new(0, b"").with_right(here));
        port = sent.err().map(|error| {
            assert_eq!(error.failure(), SendFailure::NotMovable(Immovable::NotEmpty));
            error.into_message().take_rights().pop().and_then(Right::into_receive).unwrap()
        });
    }
    let port = moved(&pair.port);
    while !senders.iter().all(|sender| sender.is_finished()) {
        take(&port, Deadline::after(Duration::from_millis(20)));
    }
    while take(&port, Deadline::after(Duration::from_millis(50))) {}
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    assert_eq!(expected, [EACH; 3], "after {tries} tries");
}

/// A port goes to and fro between two tasks, and lives.
#[test]
fn a_port_moves_many_times() {
    let pair = pair();
    let mut port = pair.task.allocate().unwrap();
    for n in 0..300 {
        let right = port.make_send();
        pair.to_other.send(Message::new(n, b"").with_right(port)).unwrap();
        let there = moved(&pair.port);
        right.send(Message::new(n, b"")).unwrap();
        assert_eq!(next(&there, "there").id(), n);
        there.request_no_senders(0, &there);
        drop(right);
        expect_no_senders(&there);
        pair.to_task.send(Message::new(n, b"").with_right(there)).unwrap();
        port = moved(&pair.from_other);
    }
    pair.goes_on();
}

/// More than the other task keeps: the rest are refused, and go when it has received.
#[test]
fn only_so_many_are_on_their_way() {
    let pair = pair();
    let mut sent = Vec::new();
    let (why, port) = loop {
        let port = pair.task.allocate().unwrap();
        let right = port.make_send();
        match pair.to_other.send(Message::new(1, b"").with_right(port)) {
            Ok(()) => sent.push(right),
            Err(error) => break (error.failure(), error.into_message().take_rights().pop().unwrap()),
        }
        assert!(sent.len() < 1000, "there is an end");
    };
    assert_eq!(why, SendFailure::NoBuffer);
    for (right, n) in sent.iter().zip(0..) {
        let port = moved(&pair.port);
        right.send(Message::new(n, b"")).unwrap();
        assert_eq!(next(&port, "each lives").id(), n);
    }
    // Requests of two tasks have no order but that of the authority's answers.
    assert!(pair.other.look_up("nobody").is_err());
    pair.to_other.send(Message::new(1, b"").with_right(port)).unwrap();
    moved(&pair.port);
}

/// No authority tells the other side of the port: such a pair moves none.
#[test]
fn a_pair_without_an_authority_moves_nothing() {
    const TEST: &str = "a_pair_without_an_authority_moves_nothing";
    if role().is_some() {
        let joined = join(inherited(), &Options::default()).unwrap();
        joined.receive.receive(&mut Received::new()).unwrap();
        return;
    }
    let (joined, peer) = joined_with(TEST, "child", &Options::default());
    let (why, port) = refused(&joined.send, joined.task.allocate().unwrap());
    assert_eq!(why, SendFailure::NotIntroduced);
    drop(port);
    joined.send.send(Message::new(1, b"end")).unwrap();
    peer.finish();
}

// Deaths.

/// The giver is killed when the message is sent: the port lives where it is.
#[test]
fn the_giver_may_die() {
    const TEST: &str = "the_giver_may_die";
    if role().is_some() {
        let (task, parent) = Task::attach_to(inherited(), &Options::default()).unwrap();
        let port = task.allocate().unwrap();
        let right = port.make_send();
        parent.unwrap().send(Message::new(1, b"").with_right(port)).unwrap();
        (0..5).for_each(|n| right.send(Message::new(n, b"last words")).unwrap());
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
        park();
    }
    let task = attached();
    let meeting = task.allocate().unwrap();
    let mut peer = spawn(TEST, "child", task.prepare_child(&meeting).unwrap());
    let _ = peer.0.wait().unwrap();
    let port = moved(&meeting);
    port.request_no_senders(0, &port);
    (0..5).for_each(|n| assert_eq!(next(&port, "what it had sent").id(), n));
    expect_no_senders(&port);
    let right = port.make_send();
    right.send(Message::new(9, b"")).unwrap();
    assert_eq!(next(&port, "it lives").id(), 9);
}

/// The new receiver is killed, with the right and before it has received it.
#[test]
fn the_receiver_may_die() {
    const TEST: &str = "the_receiver_may_die";
    if let Some(role) = role() {
        let (task, parent) = Task::attach_to(inherited(), &Options::default()).unwrap();
        let (own, parent) = (task.allocate().unwrap(), parent.unwrap());
        parent.send(Message::new(1, b"").with_right(own.make_send())).unwrap();
        if role == "received" {
            let _port = moved(&own);
            parent.send(Message::new(2, b"")).unwrap();
            park();
        }
        park();
    }
    let task = attached();
    for role in ["received", "unread"] {
        let meeting = task.allocate().unwrap();
        let mut peer = spawn(TEST, role, task.prepare_child(&meeting).unwrap());
        let to_child = receive_right(&meeting, &mut Received::new());
        let port = task.allocate().unwrap();
        let right = port.make_send();
        to_child.send(Message::new(1, b"").with_right(port)).unwrap();
        right.send(Message::new(2, b"")).unwrap();
        if role == "received" {
            next(&meeting, "it has the right");
        }
        peer.kill();
        let mut message = Received::new();
        meeting.request_no_senders(0, &meeting);
        meeting.receive_deadline(&mut message, soon()).unwrap();
        assert_eq!(failure(&right), SendFailure::PortDied, "{role}");
        assert_eq!(task.right_type(right.name()), Ok(TypeBits::DEAD_NAME));
        let port = task.allocate().unwrap();
        assert_eq!(refused(&to_child, port).0, SendFailure::PortDied);
    }
}

/// A message that is destroyed unread takes the port in it along, and those that lie in its queue.
#[test]
fn mv5_a_chain_dies_from_its_outer_end() {
    let pair = pair();
    let outer = pair.other.allocate().unwrap();
    pair.to_task.send(Message::new(1, b"").with_right(outer.make_send())).unwrap();
    let to_outer = send_rights(&mut next(&pair.from_other, "a right")).next().unwrap();
    let mut rights = vec![to_outer];
    for _ in 0..50 {
        let port = pair.task.allocate().unwrap();
        let right = port.make_send();
        rights.last().unwrap().send(Message::new(2, b"").with_right(port)).unwrap();
        rights.push(right);
    }
    rights.iter().for_each(|right| right.send(Message::new(3, b"all live")).unwrap());
    drop(outer);
    for (right, n) in rights.iter().zip(0..) {
        assert_eq!(failure(right), SendFailure::PortDied, "the {n}th");
    }
    pair.goes_on();
}

/// Unless somebody receives it in time.
#[test]
fn mv5_a_chain_without_a_circle_lives() {
    let pair = pair();
    let (first, second) = (pair.task.allocate().unwrap(), pair.task.allocate().unwrap());
    let (to_first, to_second) = (first.make_send(), second.make_send());
    pair.to_other.send(Message::new(1, b"").with_right(first)).unwrap();
    to_first.send(Message::new(2, b"").with_right(second)).unwrap();
    to_second.send(Message::new(3, b"deep inside")).unwrap();
    let first = moved(&pair.port);
    let second = moved(&first);
    drop(first);
    assert_eq!(failure(&to_first), SendFailure::PortDied);
    assert_eq!(next(&second, "what lay deep inside").id(), 3);
}

// Within a task.

/// Nothing of the port changes but what every move resets; its queue comes along.
#[test]
fn l8_within_a_task_the_queue_comes_along() {
    let pair = pair();
    let (port, inbox) = (pair.task.allocate().unwrap(), pair.task.allocate().unwrap());
    let right = port.make_send();
    pair.to_other.send(Message::new(1, b"").with_right(port.make_send())).unwrap();
    let of_other = send_rights(&mut next(&pair.port, "a right")).next().unwrap();
    of_other.send(Message::new(2, b"from outside")).unwrap();
    assert_eq!(next(&port, "the first").seqno(), 0);
    of_other.send(Message::new(3, b"from outside")).unwrap();
    right.send(Message::new(4, b"from inside")).unwrap();
    let name = port.name();
    inbox.make_send().send(Message::new(5, b"").with_right(port)).unwrap();
    assert_eq!(pair.task.right_type(name), Ok(TypeBits::SEND), "on its way it has no name");
    of_other.send(Message::new(6, b"while it is on its way")).unwrap();
    let port = moved(&inbox);
    assert_eq!((port.name(), pair.task.right_type(name)), (name, Ok(TypeBits::SEND | TypeBits::RECEIVE)));
    let all: Vec<_> = (0..3).map(|_| next(&port, "its queue")).collect();
    assert_eq!(all.iter().map(Received::id).collect::<Vec<_>>(), [3, 4, 6]);
    assert_eq!(all[0].seqno(), 0);
    port.request_no_senders(0, &port);
    drop((right, of_other));
    expect_no_senders(&port);
}

#[test]
fn mv4_sd13_a_port_that_is_sent_to_itself_dies() {
    let pair = pair();
    let port = pair.task.allocate().unwrap();
    pair.to_other.send(Message::new(1, b"").with_right(port.make_send())).unwrap();
    let of_other = send_rights(&mut next(&pair.port, "a right")).next().unwrap();
    let right = port.make_send();
    let other = pair.task.allocate().unwrap();
    let to_other = other.make_send();
    right.send(Message::new(2, b"").with_right(other).with_right(port)).unwrap();
    assert_eq!(failure(&right), SendFailure::PortDied);
    expect_death(&of_other, &[&pair.from_other], "the port for others");
    assert_eq!(failure(&to_other), SendFailure::PortDied, "with all that the message carried");
}

#[test]
fn mv4_a_circle_of_ports_dies() {
    let task = attached();
    for length in 2..6 {
        let ports: Vec<_> = (0..length).map(|_| task.allocate().unwrap()).collect();
        let rights: Vec<_> = ports.iter().map(ReceiveRight::make_send).collect();
        for (port, n) in ports.into_iter().zip(1..) {
            rights[n % length].send(Message::new(1, b"").with_right(port)).unwrap();
        }
        for right in &rights {
            assert_eq!(failure(right), SendFailure::PortDied, "of {length}");
        }
    }
    assert!(task.names().unwrap().iter().all(|(_, types)| !types.contains(TypeBits::RECEIVE)));
}

/// A circle through a port that is on its way from another task.
#[test]
fn mv4_a_circle_through_two_tasks_dies() {
    let pair = pair();
    let inner = pair.task.allocate().unwrap();
    let to_inner = inner.make_send();
    // The other task's port goes nowhere: the giver has a right to it. But it may go within its task.
    pair.to_other.send(Message::new(1, b"").with_right(to_inner.clone())).unwrap();
    let (why, inner) = refused(&pair.to_other, inner);
    assert_eq!(why, SendFailure::NotMovable(Immovable::HeldElsewhere));
    drop(next(&pair.port, "the right comes, and goes"));
    inner.request_no_senders(0, &inner);
    drop(to_inner);
    expect_no_senders(&inner);

    let to_inner = inner.make_send();
    pair.to_other.send(Message::new(2, b"").with_right(inner)).unwrap();
    // While that lies in the queue of the other's port, the right to it goes to the other by another way.
    let side = pair.other.allocate().unwrap();
    pair.to_task.send(Message::new(3, b"").with_right(side.make_send())).unwrap();
    let to_side = send_rights(&mut next(&pair.from_other, "a right")).next().unwrap();
    to_side.send(Message::new(4, b"").with_right(to_inner.clone())).unwrap();
    let of_other = send_rights(&mut next(&side, "a right to what is on its way")).next().unwrap();
    let Pair { port, to_other, .. } = pair;
    of_other.send(Message::new(5, b"").with_right(port)).unwrap();
    assert_eq!(failure(&of_other), SendFailure::PortDied);
    expect_death(&to_inner, &[&side], "the inner port");
    expect_death(&to_other, &[&side], "the outer port");
}

/// However deep, nobody runs out of stack.
#[test]
fn a_deep_chain_dies() {
    let task = attached();
    let outer = task.allocate().unwrap();
    let mut to = outer.make_send();
    let first = to.clone();
    for _ in 0..5_000 {
        let port = task.allocate().unwrap();
        let right = port.make_send();
        to.send(Message::new(1, b"").with_right(port)).unwrap();
        to = right;
    }
    drop(outer);
    assert_eq!((failure(&first), failure(&to)), (SendFailure::PortDied, SendFailure::PortDied));
    assert_eq!(task.names().unwrap().len(), 2, "two dead names");
}

/// By a send-once right of the task's own, and to a queue that is full.
#[test]
fn within_a_task_by_every_way() {
    let task = attached();
    let inbox = task.allocate().unwrap();
    inbox.set_queue_limit(0).unwrap();
    let port = task.allocate().unwrap();
    let name = port.name();
    let error = inbox.make_send().try_send(Message::new(1, b"").with_right(port)).unwrap_err();
    assert_eq!(error.failure(), SendFailure::TimedOut);
    let port = error.into_message().take_rights().pop().and_then(Right::into_receive).unwrap();
    assert_eq!((port.name(), task.right_type(name)), (name, Ok(TypeBits::RECEIVE)), "nothing has happened");
    inbox.make_send_once().send(Message::new(2, b"").with_right(port)).unwrap();
    let port = moved(&inbox);
    let set = task.allocate_set().unwrap();
    set.insert(&port).unwrap();
    inbox.make_send_once().send(Message::new(3, b"").with_right(port)).unwrap();
    assert!(set.members().is_empty());
    let mut message = Received::new();
    assert_eq!(set.try_receive(&mut message), Err(ReceiveError::TimedOut));
    let port = moved(&inbox);

    let to_dead = {
        let dead = task.allocate().unwrap();
        dead.make_send()
    };
    assert_eq!(refused(&to_dead, port).0, SendFailure::PortDied);
    let once = task.allocate().unwrap().make_send_once();
    let port = task.allocate().unwrap();
    let right = port.make_send();
    once.send(Message::new(4, b"").with_right(port)).unwrap();
    assert_eq!(failure(&right), SendFailure::PortDied, "it was sent to a dead port");
    let port = task.allocate().unwrap();
    let (right, once) = (port.make_send(), port.make_send_once());
    once.send(Message::new(5, b"").with_right(port)).unwrap();
    assert_eq!(failure(&right), SendFailure::PortDied, "it was sent to itself");
}
