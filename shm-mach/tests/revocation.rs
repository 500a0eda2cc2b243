//! Revocation of everybody by the receiver, and of one task by the program that runs the authority.

mod common;

use std::time::Duration;

use common::watchdog::Watchdog;
use common::{Peer, inherited, role, spawn};
use rustix::process::{Pid, Signal, kill_process};
use shm_mach::authority::{Embedded, PolicyError};
use shm_mach::{
    Deadline, Message, Notification, Options, ReceiveError, ReceiveRight, Received, Right, SendFailure,
    SendRight, Task,
};

fn attach(authority: &Embedded) -> Task {
    Task::attach_to(authority.connect().unwrap(), &Options::default()).unwrap().0
}

fn first_right(message: &mut Received) -> SendRight {
    message.take_rights().into_iter().next().and_then(Right::into_send).unwrap()
}

/// A child that has told its parent its own port.
struct Child {
    task: Task,
    parent: SendRight,
    own: ReceiveRight,
}

impl Child {
    fn start() -> Self {
        let (task, special) = Task::attach_to(inherited(), &Options::default()).unwrap();
        let parent = special.unwrap();
        let own = task.allocate().unwrap();
        parent.send(Message::new(0, b"").with_right(own.make_send())).unwrap();
        Self { task, parent, own }
    }

    fn next(&self) -> Received {
        let mut message = Received::new();
        self.own.receive(&mut message).unwrap();
        message
    }
}

/// Sends until that fails.
fn failure(right: &SendRight) -> SendFailure {
    loop {
        if let Err(refused) = right.send(Message::new(13, b"")) {
            return refused.failure();
        }
    }
}

/// Looks at the news of a port's task until a child has ended well. Nothing is received meanwhile.
fn look_until_the_end(mut peer: Peer, port: &ReceiveRight) {
    let mut message = Received::new();
    while peer.0.try_wait().unwrap().is_none() {
        let soon = Deadline::after(Duration::from_millis(5));
        assert_eq!(port.receive_deadline(&mut message, soon), Err(ReceiveError::TimedOut), "{message:?}");
    }
    peer.finish();
}

/// Stops a process, and waits until each of its threads stands.
fn stop(process: Pid) {
    kill_process(process, Signal::STOP).unwrap();
    let folder = format!("/proc/{}/task", process.as_raw_nonzero());
    let stands = |stat: std::path::PathBuf| std::fs::read_to_string(stat).unwrap().contains(") T ");
    while !std::fs::read_dir(&folder).unwrap().all(|thread| stands(thread.unwrap().path().join("stat"))) {
        std::thread::yield_now();
    }
}

struct Parent {
    task: Task,
    meeting: ReceiveRight,
    authority: Embedded,
}

impl Parent {
    fn start() -> Self {
        let authority = Embedded::start().unwrap();
        let task = attach(&authority);
        let meeting = task.allocate().unwrap();
        Self { task, meeting, authority }
    }

    fn meet(&self, test: &str, role: &str) -> (Peer, SendRight) {
        let peer = spawn(test, role, self.task.prepare_child(&self.meeting).unwrap());
        (peer, first_right(&mut self.hear(0)))
    }

    fn hear(&self, id: i32) -> Received {
        let mut message = Received::new();
        self.meeting.receive(&mut message).unwrap();
        assert_eq!(message.id(), id);
        message
    }
}

/// Rights of a holder, of one that it has passed its right on to, of a name, of a child that has not
/// attached, on its way home, and a request's. Fails if any of them is still good, or if the right that
/// is given afterwards is not.
#[test]
fn a_revocation_of_all_ends_whatever_was_given_before() {
    const TEST: &str = "a_revocation_of_all_ends_whatever_was_given_before";
    match role().as_deref() {
        Some("holder") => {
            let child = Child::start();
            let mut first = child.next();
            let mut rights = first.take_rights().into_iter().filter_map(Right::into_send);
            let (right, third, home) =
                (rights.next().unwrap(), rights.next().unwrap(), rights.next().unwrap());
            third.send(Message::new(0, b"").with_right(right.clone())).unwrap();
            home.send(Message::new(0, b"").with_right(right.clone())).unwrap();
            for id in 0..5 {
                right.send(Message::new(id, b"queued")).unwrap();
            }
            let request = child.next().take_reply().unwrap();
            child.parent.send(Message::new(1, b"")).unwrap();
            child.next();
            assert_eq!(failure(&right), SendFailure::Revoked);
            assert_eq!(request.send(Message::new(13, b"")).unwrap_err().failure(), SendFailure::PortDied);
            child.parent.send(Message::new(2, b"")).unwrap();
            first_right(&mut child.next()).send(Message::new(20, b"new")).unwrap();
            child.next();
        }
        Some("third") => {
            let child = Child::start();
            let right = first_right(&mut child.next());
            child.parent.send(Message::new(3, b"")).unwrap();
            child.next();
            assert_eq!(failure(&right), SendFailure::Revoked);
            child.parent.send(Message::new(4, b"")).unwrap();
        }
        Some("late") => {
            let (_task, special) = Task::attach_to(inherited(), &Options::default()).unwrap();
            assert_eq!(failure(&special.unwrap()), SendFailure::Revoked);
        }
        _ => revoke_all(TEST),
    }
}

fn revoke_all(test: &'static str) {
    let _watchdog = Watchdog::start(test, 60);
    let parent = Parent::start();
    let port = parent.task.check_in("service").unwrap();
    let (home, notify) = (parent.task.allocate().unwrap(), parent.task.allocate().unwrap());
    let (holder, to_holder) = parent.meet(test, "holder");
    let (third, to_third) = parent.meet(test, "third");
    let late = parent.task.prepare_child(&port).unwrap();
    let gifts = Message::new(0, b"").with_right(port.make_send()).with_right(to_third.clone());
    to_holder.send(gifts.with_right(home.make_send())).unwrap();
    to_holder.send(Message::new(0, b"").reply_to(port.make_send_once())).unwrap();
    // Either may be first: the holder sends to the third before it sends here.
    let mut message = Received::new();
    for _ in 0..2 {
        parent.meeting.receive(&mut message).unwrap();
        assert!([1, 3].contains(&message.id()));
    }
    port.receive(&mut message).unwrap();
    assert_eq!(message.body(), b"queued");

    assert!(port.revoke_all());
    port.try_receive(&mut message).unwrap();
    assert_eq!(message.notification(), Some(Notification::SendOnce), "nobody answers any more");
    assert_eq!(port.try_receive(&mut message), Err(ReceiveError::TimedOut), "what was queued is destroyed");
    port.request_no_senders(0, &notify);
    notify.try_receive(&mut message).unwrap();
    assert!(matches!(message.notification(), Some(Notification::NoSenders { .. })));
    assert!(!port.revoke_all(), "there are none left");
    let _again = parent.task.check_in("service").expect("the name is free");
    home.receive(&mut message).unwrap();
    assert!(matches!(message.rights(), [Right::Dead]), "{message:?}");
    let late = spawn(test, "late", late);
    for to in [&to_holder, &to_third] {
        to.send(Message::new(0, b"go on")).unwrap();
    }
    for _ in 0..2 {
        parent.meeting.receive(&mut message).unwrap();
        assert!([2, 4].contains(&message.id()));
    }
    // All these were refused before anything new is given.
    look_until_the_end(late, &port);
    look_until_the_end(third, &port);
    to_holder.send(Message::new(0, b"").with_right(port.make_send())).unwrap();
    port.receive(&mut message).unwrap();
    assert_eq!(message.id(), 20);
    to_holder.send(Message::new(0, b"end")).unwrap();
    holder.finish();
}

/// A holder passes its right back to the receiver itself, in a message that finds no room, and keeps it.
/// Fails if what it has not sent is counted after its revocation, or if a right that it is given
/// afterwards does not come back.
#[test]
fn what_a_revoked_holder_had_passed_home_is_counted_no_more() {
    let _watchdog = Watchdog::start("what_a_revoked_holder_had_passed_home_is_counted_no_more", 60);
    let authority = Embedded::start().unwrap();
    let (receiver, loser) = (attach(&authority), attach(&authority));
    let (full, own) = (receiver.check_in("full").unwrap(), loser.check_in("loser").unwrap());
    let (to_full, to_loser) = (loser.look_up("full").unwrap(), receiver.look_up("loser").unwrap());
    let (port, notify) = (receiver.allocate().unwrap(), receiver.allocate().unwrap());
    let mut message = Received::new();
    let mut give = || {
        to_loser.send(Message::new(0, b"").with_right(port.make_send())).unwrap();
        own.receive(&mut message).unwrap();
        first_right(&mut message)
    };
    let right = give();
    while to_full.try_send(Message::new(0, b"")).is_ok() {}
    let home = Message::new(1, b"").with_right(right.clone());
    assert_eq!(to_full.try_send(home).unwrap_err().failure(), SendFailure::TimedOut);
    assert_eq!(port.try_receive(&mut Received::new()), Err(ReceiveError::TimedOut));
    port.request_no_senders(0, &notify);
    assert!(port.revoke(loser.identity()));
    let mut told = Received::new();
    notify.try_receive(&mut told).expect("nobody has a right");
    assert!(matches!(told.notification(), Some(Notification::NoSenders { .. })));

    while full.try_receive(&mut told).is_ok() {}
    to_full.send(Message::new(2, b"").with_right(give())).unwrap();
    full.receive(&mut told).unwrap();
    first_right(&mut told).send(Message::new(3, b"")).unwrap();
    port.receive(&mut told).unwrap();
    assert_eq!(told.id(), 3);
    drop(right);
}

/// Fails if the program's word reaches one receiver too few, ends the right of somebody else, or is
/// acknowledged before it is carried out.
#[test]
fn the_authoritys_program_ends_the_rights_of_one_process() {
    const TEST: &str = "the_authoritys_program_ends_the_rights_of_one_process";
    if role().is_some() {
        let child = Child::start();
        let (one, two) = (child.task.look_up("one").unwrap(), child.task.look_up("two").unwrap());
        for right in [&one, &two] {
            right.send(Message::new(1, b"")).unwrap();
            right.send(Message::new(13, b"queued")).unwrap();
        }
        child.parent.send(Message::new(1, b"")).unwrap();
        child.next();
        assert_eq!(failure(&one), SendFailure::Revoked);
        two.send(Message::new(2, b"still good")).unwrap();
        child.parent.send(Message::new(2, b"")).unwrap();
        child.next();
        assert_eq!(failure(&two), SendFailure::Revoked);
        assert_eq!(failure(&child.parent), SendFailure::Revoked);
        child.task.look_up("one").unwrap().send(Message::new(3, b"a new one")).unwrap();
        child.next();
        return;
    }
    let _watchdog = Watchdog::start(TEST, 60);
    let parent = Parent::start();
    let policy = parent.authority.policy();
    let (one, two) = (parent.task.check_in("one").unwrap(), attach(&parent.authority));
    let two_port = two.check_in("two").unwrap();
    let (loser, to_loser) = parent.meet(TEST, "loser");
    let pid = loser.0.id();
    parent.hear(1);
    let mut message = Received::new();
    for port in [&one, &two_port] {
        port.receive(&mut message).unwrap();
        assert_eq!(message.id(), 1);
    }
    assert_eq!(policy.revoke(1, "one", Deadline::NEVER), Err(PolicyError::NoTask));
    assert_eq!(policy.revoke(pid, "nobody", Deadline::NEVER), Err(PolicyError::UnknownService));
    let soon = Deadline::after(Duration::from_millis(100));
    assert_eq!(policy.revoke(pid, "one", soon), Err(PolicyError::TimedOut), "nobody looks");
    // It was told all the same: a look at the news, and what was queued is gone.
    for port in [&parent.meeting, &one] {
        assert_eq!(port.try_receive(&mut message), Err(ReceiveError::TimedOut), "{message:?}");
    }
    to_loser.send(Message::new(0, b"go on")).unwrap();
    parent.hear(2);
    for id in [13, 2] {
        two_port.receive(&mut message).unwrap();
        assert_eq!(message.id(), id, "another receiver's port");
    }
    // Both receivers look at their news while they wait.
    std::thread::scope(|scope| {
        let waits = |port: ReceiveRight| move || (port.receive(&mut Received::new()), port);
        let (stop_one, stop_two) = (one.make_send(), two_port.make_send());
        let (one, two) = (scope.spawn(waits(one)), scope.spawn(waits(two_port)));
        assert_eq!(policy.revoke_all(pid, Deadline::NEVER), Ok(()));
        assert!(!one.is_finished() && !two.is_finished());
        to_loser.send(Message::new(0, b"go on")).unwrap();
        let (received, _one) = one.join().unwrap(); // the new right's
        received.unwrap();
        stop_two.send(Message::new(0, b"")).unwrap();
        let (received, _two) = two.join().unwrap();
        received.unwrap();
        drop(stop_one);
    });
    to_loser.send(Message::new(0, b"end")).unwrap();
    loser.finish();
    while policy.revoke_all(pid, Deadline::NOW) != Err(PolicyError::NoTask) {
        std::thread::yield_now(); // until the authority has seen its end
    }
}

/// A receiver is stopped. Fails if that delays anything but the call that waits for it, or if the
/// stopped one's acknowledgement is not awaited.
#[test]
fn a_stopped_receiver_delays_only_the_revocation_that_waits_for_it() {
    const TEST: &str = "a_stopped_receiver_delays_only_the_revocation_that_waits_for_it";
    match role().as_deref() {
        Some("stopped") => {
            let child = Child::start();
            let service = child.task.check_in("stopped").unwrap();
            child.parent.send(Message::new(1, b"")).unwrap();
            let mut message = Received::new();
            service.receive(&mut message).unwrap(); // and whatever it is told meanwhile
            return;
        }
        Some("loser") => {
            let child = Child::start();
            let rights = [child.task.look_up("stopped").unwrap(), child.task.look_up("running").unwrap()];
            child.parent.send(Message::new(2, b"")).unwrap();
            let mut message = child.next();
            for right in rights {
                assert_eq!(failure(&right), SendFailure::Revoked);
            }
            message.take_reply().unwrap().send(Message::new(3, b"")).unwrap();
            child.next();
            return;
        }
        _ => {}
    }
    let _watchdog = Watchdog::start(TEST, 60);
    let parent = Parent::start();
    let policy = parent.authority.policy();
    let running = parent.task.check_in("running").unwrap();
    let (mut stopped, _) = parent.meet(TEST, "stopped");
    parent.hear(1);
    let process = stopped.pid();
    let (loser, to_loser) = parent.meet(TEST, "loser");
    let pid = loser.0.id();
    parent.hear(2);
    stop(process);
    let soon = || Deadline::after(Duration::from_millis(100));
    std::thread::scope(|scope| {
        let all = scope.spawn(|| policy.revoke_all(pid, Deadline::NEVER));
        assert_eq!(policy.revoke(pid, "stopped", soon()), Err(PolicyError::TimedOut));
        // This one is not stopped, and acknowledges when it looks.
        let looks = scope.spawn(|| running.receive(&mut Received::new()));
        assert_eq!(policy.revoke(pid, "running", Deadline::NEVER), Ok(()));
        assert!(!all.is_finished(), "one receiver has not acknowledged");
        kill_process(process, Signal::CONT).unwrap();
        assert_eq!(all.join().unwrap(), Ok(()));
        let replies = parent.task.allocate().unwrap();
        to_loser.send(Message::new(0, b"go on").reply_to(replies.make_send_once())).unwrap();
        let mut message = Received::new();
        replies.receive(&mut message).unwrap();
        assert_eq!(message.id(), 3, "both rights were refused");
        // One that dies receives nothing any more.
        stop(process);
        let all = scope.spawn(|| policy.revoke_all(pid, Deadline::NEVER));
        assert_eq!(policy.revoke(pid, "stopped", soon()), Err(PolicyError::TimedOut));
        assert!(!all.is_finished());
        stopped.kill();
        assert_eq!(all.join().unwrap(), Ok(()));
        parent.task.look_up("running").unwrap().send(Message::new(0, b"")).unwrap();
        looks.join().unwrap().unwrap();
    });
    to_loser.send(Message::new(0, b"end")).unwrap();
    loser.finish();
}
