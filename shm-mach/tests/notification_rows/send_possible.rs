//! Queues that are full, and have room again.

use std::time::Duration;

use shm_mach::{
    Deadline, NotificationKind, RawName, RightKind, SendFailure, SendOnceRight, Task, TypeBits, Wait,
};

use super::common::meet::{joined_with, next, park};
use super::common::watchdog::Watchdog;
use super::common::{inherited, role};
use super::*;

/// Neither armed (`sync` 0) nor yet due, or armed and looked at now.
fn ask(task: &Task, name: PortName, sync: u32, notify: &ReceiveRight) -> Option<SendOnceRight> {
    let right = Some(notify.make_send_once());
    task.request_notification(name, NotificationKind::SendPossible, sync, right).unwrap()
}

/// Sends until the queue is full, which arms a request; says how many it took.
fn fill(right: &SendRight) -> i32 {
    for id in 0.. {
        if let Err(refused) = right.send_notify(Message::new(id, b""), Deadline::NOW) {
            assert_eq!(refused.failure(), SendFailure::TimedOut);
            return id;
        }
    }
    unreachable!("a queue has an end");
}

fn bits(task: &Task, name: PortName) -> TypeBits {
    task.names().unwrap().into_iter().find(|(other, _)| *other == name).unwrap().1
}

/// Takes one message.
fn take(port: &ReceiveRight) -> i32 {
    next(port, "what was sent").id()
}

#[test]
fn sp3_sp4_a_send_that_meets_a_full_queue_arms_it() {
    let (here, there) = pair();
    let notify = here.task.allocate().unwrap();
    for limit in [1, 3, 64, 256] {
        let (port, name) = given_with(&there, &here, limit);
        let right = here.task.send_right(name).unwrap();
        assert!(ask(&here.task, name, 0, &notify).is_none());
        assert!(bits(&here.task, name).contains(TypeBits::SPREQUEST_DELAYED));
        // Not armed: nothing is told, whatever is read.
        right.send(Message::new(-1, b"")).unwrap();
        assert_eq!(take(&port), -1);
        is_empty(&notify);
        let count = fill(&right);
        assert!(count >= limit as i32);
        assert!(bits(&here.task, name).contains(TypeBits::SPREQUEST));
        is_empty(&notify);
        (0..count).for_each(|id| assert_eq!(take(&port), id));
        assert_eq!(told(&notify), Notification::SendPossible { name });
        assert_eq!(bits(&here.task, name), TypeBits::SEND, "once, and then it is gone");
        let count = fill(&right);
        (0..count).for_each(|id| assert_eq!(take(&port), id));
        is_empty(&notify);
        assert_eq!(here.task.get_refs(name, RightKind::Send), Ok(2), "no reference more");
    }
}

/// A thread that sleeps where the notification comes is woken by the read, however it was armed.
#[test]
fn sp4_a_thread_that_sleeps_is_woken() {
    let _watchdog = Watchdog::start("sp4_a_thread_that_sleeps_is_woken", 60);
    let (here, there) = pair();
    let notify = here.task.allocate().unwrap();
    notify.set_wait(Wait::Park);
    for turn in 0..200 {
        let (port, name) = given_with(&there, &here, 1);
        let right = here.task.send_right(name).unwrap();
        ask(&here.task, name, 0, &notify);
        std::thread::scope(|scope| {
            // It may sleep before the queue is full, or not.
            let sleeper = scope.spawn(|| next(&notify, "room").notification());
            if turn % 2 == 0 {
                std::thread::sleep(Duration::from_millis(2));
            }
            assert_eq!(fill(&right), 1);
            if turn % 4 < 2 {
                std::thread::sleep(Duration::from_millis(2));
            }
            assert_eq!(take(&port), 0);
            assert_eq!(sleeper.join().unwrap(), Some(Notification::SendPossible { name }));
        });
    }
}

/// One thread waits for room on the lane itself, another one for the notification: one wake-up serves both.
#[test]
fn sp4_beside_a_thread_that_waits_for_room() {
    let _watchdog = Watchdog::start("sp4_beside_a_thread_that_waits_for_room", 60);
    let (here, there) = pair();
    let notify = here.task.allocate().unwrap();
    notify.set_wait(Wait::Park);
    for turn in 0..200 {
        let (port, name) = given_with(&there, &here, 1);
        let right = here.task.send_right(name).unwrap();
        right.set_wait(Wait::Park);
        ask(&here.task, name, 0, &notify);
        assert_eq!(fill(&right), 1);
        std::thread::scope(|scope| {
            let sleep = || scope.spawn(|| next(&notify, "room").notification());
            let early = (turn % 2 == 0).then(sleep);
            let pause = || std::thread::sleep(Duration::from_millis(2)); // mostly it sleeps then
            pause();
            let blocked = scope.spawn(move || right.send_deadline(Message::new(1, b""), soon()).is_ok());
            pause();
            let sleeper = early.unwrap_or_else(sleep);
            pause();
            assert_eq!(take(&port), 0);
            assert!(blocked.join().unwrap());
            assert_eq!(sleeper.join().unwrap(), Some(Notification::SendPossible { name }));
            assert_eq!(take(&port), 1);
        });
    }
}

#[test]
fn sp2_armed_at_once_it_looks_at_the_queue() {
    let (here, there) = pair();
    let notify = here.task.allocate().unwrap();
    let (port, name) = given_with(&there, &here, 2);
    let send = |id| {
        let sent = here.task.with_send_right(name, |right| right.try_send(Message::new(id, b"")).is_ok());
        sent.unwrap()
    };
    ask(&here.task, name, 1, &notify);
    assert_eq!(told(&notify), Notification::SendPossible { name }, "nothing was sent yet");
    assert!(send(0));
    ask(&here.task, name, 1, &notify);
    assert_eq!(told(&notify), Notification::SendPossible { name }, "there is room for one more");
    assert_eq!(bits(&here.task, name), TypeBits::SEND, "nothing is stored");
    assert!(send(1) && !send(2));
    ask(&here.task, name, 1, &notify);
    is_empty(&notify);
    assert_eq!(take(&port), 0);
    assert_eq!(told(&notify), Notification::SendPossible { name });
    assert!(send(3));
    // Of a send-once right, which no queue refuses.
    let answers = there.task.allocate().unwrap();
    there.send.send(Message::new(0, b"").reply_to(answers.make_send_once())).unwrap();
    let once = next(&here.receive, "a reply right").take_reply().unwrap();
    let once = once.into_name(&here.task).unwrap();
    ask(&here.task, once, 1, &notify);
    assert_eq!(told(&notify), Notification::SendPossible { name: once });
    here.task.deallocate(once).unwrap();
    is_empty(&notify);
}

/// The queue of the task's own messages.
#[test]
fn sp2_sp3_the_tasks_own_port() {
    let (here, _there) = pair();
    let (port, notify) = (here.task.allocate().unwrap(), here.task.allocate().unwrap());
    port.set_queue_limit(2).unwrap();
    let (right, name) = (port.make_send(), port.name());
    ask(&here.task, name, 0, &notify);
    assert_eq!(fill(&right), 2);
    is_empty(&notify);
    port.set_queue_limit(5).unwrap();
    is_empty(&notify);
    assert_eq!(take(&port), 0);
    assert_eq!(told(&notify), Notification::SendPossible { name });
    assert_eq!(take(&port), 1);
    is_empty(&notify);
    for _ in 0..2 {
        ask(&here.task, name, 1, &notify);
        assert_eq!(told(&notify), Notification::SendPossible { name }, "there is room");
        assert_eq!(fill(&right), 5);
        ask(&here.task, name, 1, &notify);
        is_empty(&notify);
        (0..5).for_each(|id| assert_eq!(take(&port), id));
        assert_eq!(told(&notify), Notification::SendPossible { name });
        is_empty(&notify);
    }
}

/// A raised limit makes room, but nothing was read.
#[test]
fn sp4_a_raised_limit_alone_tells_nothing() {
    let (here, there) = pair();
    let notify = here.task.allocate().unwrap();
    let (port, name) = given_with(&there, &here, 1);
    let right = here.task.send_right(name).unwrap();
    right.send(Message::new(0, b"")).unwrap();
    assert_eq!(take(&port), 0); // the receiver knows the lane from here on
    ask(&here.task, name, 0, &notify);
    assert_eq!(fill(&right), 1);
    port.set_queue_limit(4).unwrap();
    is_empty(&notify);
    right.try_send(Message::new(1, b"")).unwrap();
    is_empty(&notify);
    assert_eq!(take(&port), 0);
    assert_eq!(told(&notify), Notification::SendPossible { name });
}

#[test]
fn sp5_the_port_dies_first_or_is_dead() {
    let (here, there) = pair();
    let notify = here.task.allocate().unwrap();
    for is_armed in [false, true] {
        let (port, name) = given_with(&there, &here, 1);
        let right = here.task.send_right(name).unwrap();
        ask(&here.task, name, 0, &notify);
        if is_armed {
            assert_eq!(fill(&right), 1);
        }
        drop(port);
        assert_eq!(told(&notify), Notification::DeadName { name });
        assert_eq!(here.task.get_refs(name, RightKind::DeadName), Ok(3));
        for sync in [0, 1] {
            ask(&here.task, name, sync, &notify);
            assert_eq!(told(&notify), Notification::DeadName { name }, "at once");
            assert_eq!(here.task.get_refs(name, RightKind::DeadName), Ok(4 + sync as u16));
        }
        is_empty(&notify);
    }
}

/// Who reads is another process, which is killed while the queue is full.
#[test]
fn sp5_the_receiver_is_killed() {
    const NAME: &str = "send_possible::sp5_the_receiver_is_killed";
    if role().is_some() {
        let joined = join(inherited(), &Options::default().queue_limit(4)).unwrap();
        let start = joined.task.allocate().unwrap();
        joined.send.send(Message::new(0, b"").with_right(start.make_send())).unwrap();
        next(&start, "go on");
        for id in 0..4 {
            assert_eq!(take(&joined.receive), id);
        }
        park();
    }
    let _watchdog = Watchdog::start(NAME, 60);
    let (joined, mut peer) = joined_with(NAME, "reader", &Options::default());
    let (name, notify) = (joined.send.name(), joined.task.allocate().unwrap());
    notify.set_wait(Wait::Park);
    let start = right_in(&joined.receive);
    ask(&joined.task, name, 0, &notify);
    assert_eq!(fill(&joined.send), 4);
    start.send(Message::new(0, b"go on")).unwrap();
    assert_eq!(told(&notify), Notification::SendPossible { name }, "read by the other process");
    ask(&joined.task, name, 0, &notify);
    let more = fill(&joined.send);
    assert!((1..=4).contains(&more));
    peer.kill();
    loop {
        match told(&notify) {
            Notification::DeadName { name: dead } => break assert_eq!(dead, name),
            // It was still reading.
            Notification::SendPossible { .. } => drop(ask(&joined.task, name, 0, &notify)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn sp1_refused_and_replaced_like_a_dead_name_request() {
    let (here, there) = pair();
    let (first, second) = (here.task.allocate().unwrap(), here.task.allocate().unwrap());
    let (_port, name) = given(&there, &here);
    for raw in [RawName::NULL, RawName::DEAD, RawName(12)] {
        for sync in [0, 1] {
            let right = Some(first.make_send_once());
            let asked = here.task.request_notification(raw, NotificationKind::SendPossible, sync, right);
            assert!(asked.is_err());
            assert_eq!(told(&first), Notification::SendOnce);
        }
    }
    ask(&here.task, name, 0, &first);
    let right = Some(second.make_send_once());
    let previous = here.task.request_notification(name, NotificationKind::DeadName, 0, right);
    drop(previous.unwrap().expect("they share one place"));
    assert_eq!(told(&first), Notification::SendOnce);
    let previous = ask(&here.task, name, 1, &first).expect("the dead-name request's");
    assert_eq!(told(&first), Notification::SendPossible { name }, "there is room");
    drop(previous);
    assert_eq!(told(&second), Notification::SendOnce);
    // Taken back while it is armed.
    let (port, name) = given_with(&there, &here, 1);
    let right = here.task.send_right(name).unwrap();
    ask(&here.task, name, 0, &first);
    fill(&right);
    let back = here.task.request_notification(name, NotificationKind::SendPossible, 0, None).unwrap();
    drop(back.expect("the one that is armed"));
    assert_eq!(told(&first), Notification::SendOnce);
    take(&port);
    is_empty(&first);
}
