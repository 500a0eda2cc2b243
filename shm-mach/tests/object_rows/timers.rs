//! Timers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use shm_mach::{
    Deadline, Disposition, Identity, Joined, Message, Notification, NotificationKind, Options, PortError,
    RawName, ReceiveError, ReceiveRight, Received, RightKind, Task, TypeBits, Wait, join,
};

use super::common::meet::{next, soon};
use super::common::sockets;
use super::common::watchdog::Watchdog;

fn pair() -> (Joined, Joined) {
    let (ours, theirs) = sockets();
    let other = std::thread::spawn(move || join(theirs, &Options::default()).unwrap());
    (join(ours, &Options::default()).unwrap(), other.join().unwrap())
}

fn ms(count: u64) -> Deadline {
    Deadline::after(Duration::from_millis(count))
}

#[track_caller]
fn is_empty(port: &ReceiveRight) {
    let mut message = Received::new();
    assert_eq!(port.try_receive(&mut message), Err(ReceiveError::TimedOut), "{message:?}");
}

/// Waits for the timer's message.
#[track_caller]
fn expires(port: &ReceiveRight) -> Received {
    let message = next(port, "a timer");
    assert!(message.is_expiry(), "{message:?}");
    message
}

#[test]
fn tm1_a_timer_is_a_receive_right_that_is_not_moved() {
    let (here, there) = pair();
    let timer = here.task.allocate_timer().unwrap();
    let name = timer.name();
    assert_eq!(here.task.right_type(name), Ok(TypeBits::RECEIVE));
    // Others may send to it.
    here.send.send(Message::new(0, b"").with_right(timer.make_send())).unwrap();
    let right = next(&there.receive, "a right").take_rights().pop().unwrap().into_send().unwrap();
    right.send(Message::new(7, b"from another task")).unwrap();
    assert_eq!(next(&timer, "what was sent").id(), 7);
    here.task.arm_timer(name, Deadline::NOW).unwrap();
    right.send(Message::new(8, b"behind it")).unwrap();
    expires(&timer);
    assert_eq!(next(&timer, "what was sent").id(), 8);
    timer.into_name();
    let moved = here.task.extract_right(name, Disposition::MoveReceive);
    assert_eq!(moved.unwrap_err(), PortError::Immovable);
    here.task.guard(name, 5, Default::default()).unwrap();
    here.task.unguard(name, 5).unwrap();
    let moved = here.task.extract_right(name, Disposition::MoveReceive);
    assert_eq!(moved.unwrap_err(), PortError::Immovable, "a guard that came and went changes nothing");
}

#[test]
fn tm2_it_is_due_at_its_time_and_not_before() {
    let _watchdog = Watchdog::start("tm2_it_is_due_at_its_time_and_not_before", 60);
    let (here, _there) = pair();
    let timer = here.task.allocate_timer().unwrap();
    for wait in [Wait::Park, Wait::Spin, Wait::Adaptive] {
        timer.set_wait(wait);
        // Were it only found by the tick of a second, this would take too long.
        for turn in 0..60 {
            let at = ms(turn % 7);
            here.task.arm_timer(timer.name(), at).unwrap();
            expires(&timer);
            assert!(at.has_passed(), "too early");
            is_empty(&timer);
        }
    }
    // A time that has passed, and one that never comes.
    here.task.arm_timer(timer.name(), Deadline::NOW).unwrap();
    let mut message = Received::new();
    timer.try_receive(&mut message).unwrap();
    assert!(message.is_expiry());
    here.task.arm_timer(timer.name(), Deadline::NEVER).unwrap();
    assert_eq!(timer.receive_deadline(&mut message, ms(20)), Err(ReceiveError::TimedOut));
}

#[test]
fn tm2_armed_again_it_forgets_the_time_before() {
    let (here, _there) = pair();
    let timer = here.task.allocate_timer().unwrap();
    here.task.arm_timer(timer.name(), ms(5)).unwrap();
    let later = ms(60);
    here.task.arm_timer(timer.name(), later).unwrap();
    expires(&timer);
    assert!(later.has_passed(), "the first time does not count");
    is_empty(&timer);
}

/// It is armed, or armed for an earlier time, while several threads sleep there already.
#[test]
fn tm2_who_sleeps_already_is_woken_at_the_new_time() {
    let _watchdog = Watchdog::start("tm2_who_sleeps_already_is_woken_at_the_new_time", 60);
    let (here, _there) = pair();
    let timer = here.task.allocate_timer().unwrap();
    timer.set_wait(Wait::Park);
    for turn in 0..100 {
        if turn % 2 == 0 {
            here.task.arm_timer(timer.name(), ms(60_000)).unwrap();
        }
        let count = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    expires(&timer);
                    count.fetch_add(1, Ordering::Relaxed);
                });
            }
            std::thread::sleep(Duration::from_millis(3));
            for before in 0..3 {
                here.task.arm_timer(timer.name(), ms(2)).unwrap();
                while count.load(Ordering::Relaxed) == before {
                    std::thread::yield_now();
                }
            }
        });
    }
}

#[test]
fn tm3_what_it_sends_and_one_at_a_time() {
    let (here, _there) = pair();
    let timer = here.task.allocate_timer().unwrap();
    for _ in 0..5 {
        here.task.arm_timer(timer.name(), Deadline::NOW).unwrap();
    }
    let mut message = expires(&timer);
    assert_eq!((message.id(), message.body(), message.sender()), (0, &[0; 24][..], Identity::KERNEL));
    assert!(message.take_reply().is_none() && message.rights().is_empty());
    assert_eq!(message.notification(), None);
    is_empty(&timer);
    here.task.arm_timer(timer.name(), Deadline::NOW).unwrap();
    expires(&timer);
    // It is subject to no limit.
    timer.set_queue_limit(0).unwrap();
    here.task.arm_timer(timer.name(), Deadline::NOW).unwrap();
    expires(&timer);
    // Nobody else's message passes for one.
    timer.set_queue_limit(5).unwrap();
    timer.make_send().send(Message::new(0, &[0; 24])).unwrap();
    assert!(!next(&timer, "a message").is_expiry());
}

#[test]
fn tm4_cancel_and_destroy() {
    let (here, _there) = pair();
    let task = &here.task;
    let timer = task.allocate_timer().unwrap();
    let name = timer.name();
    assert_eq!(task.cancel_timer(name), Ok(None));
    let at = ms(60_000);
    task.arm_timer(name, at).unwrap();
    assert_eq!(task.cancel_timer(name), Ok(Some(at)));
    assert_eq!(task.cancel_timer(name), Ok(None));
    task.arm_timer(name, ms(10)).unwrap();
    task.cancel_timer(name).unwrap();
    let mut message = Received::new();
    assert_eq!(timer.receive_deadline(&mut message, ms(40)), Err(ReceiveError::TimedOut));
    // What was sent stays.
    task.arm_timer(name, Deadline::NOW).unwrap();
    assert_eq!(task.cancel_timer(name), Ok(None));
    expires(&timer);
    assert_eq!(task.destroy_timer(name), Err(PortError::Pinned), "it is a handle");
    timer.into_name();
    task.arm_timer(name, ms(1)).unwrap();
    task.destroy_timer(name).unwrap();
    assert_eq!(task.right_type(name), Err(PortError::UnknownName));
    // A later port with the same number gets nothing of it.
    let later = task.allocate().unwrap();
    assert_eq!(later.receive_deadline(&mut message, ms(20)), Err(ReceiveError::TimedOut));
}

#[test]
fn tm2_tm4_what_is_no_timer() {
    let (here, _there) = pair();
    let task = &here.task;
    let port = task.allocate().unwrap();
    let dead = task.allocate_dead_name().unwrap();
    let refused: [(RawName, PortError); 6] = [
        (RawName::NULL, PortError::NoSuchRight),
        (RawName::DEAD, PortError::NoSuchRight),
        (RawName(12), PortError::UnknownName),
        (dead.into(), PortError::NoSuchRight),
        (here.send.name().into(), PortError::NoSuchRight),
        (port.name().into(), PortError::NotATimer),
    ];
    for (name, error) in refused {
        assert_eq!(task.arm_timer(name, Deadline::NOW), Err(error));
        assert_eq!(task.cancel_timer(name), Err(error));
        assert_eq!(task.destroy_timer(name), Err(error));
    }
    assert_eq!(PortError::NotATimer.code(), 4);
    assert_eq!(task.get_refs(dead, RightKind::DeadName), Ok(1));
}

#[test]
fn tm5_what_else_its_port_allows() {
    let (here, _there) = pair();
    let timer = here.task.allocate_timer().unwrap();
    here.task.set_context(timer.name(), 77).unwrap();
    assert_eq!(here.task.get_context(timer.name()), Ok(77));
    here.task.arm_timer(timer.name(), Deadline::NOW).unwrap();
    expires(&timer);
    // Requests like any port's.
    let notify = here.task.allocate().unwrap();
    let right = Some(notify.make_send_once());
    let kind = NotificationKind::NoSenders;
    here.task.request_notification(timer.name(), kind, 0, right).unwrap();
    let told = next(&notify, "no senders").notification();
    assert_eq!(told, Some(Notification::NoSenders { mscount: 0 }));
}

/// A set's thread sleeps until the first timer among its members is due.
#[test]
fn ps2_timers_in_a_set() {
    let _watchdog = Watchdog::start("ps2_timers_in_a_set", 60);
    let (here, _there) = pair();
    let set = here.task.allocate_set().unwrap();
    set.set_wait(Wait::Park);
    let timers: Vec<ReceiveRight> = (0..4).map(|_| here.task.allocate_timer().unwrap()).collect();
    timers.iter().for_each(|timer| set.insert(timer).unwrap());
    let arm = |task: &Task, timer: &ReceiveRight, at| task.arm_timer(timer.name(), at).unwrap();
    for _ in 0..20 {
        let order = [2, 0, 3, 1];
        for (turn, at) in order.iter().enumerate() {
            arm(&here.task, &timers[*at], ms(3 * (turn as u64 + 1)));
        }
        for at in order {
            let mut message = Received::new();
            set.receive_deadline(&mut message, soon()).unwrap();
            assert!(message.is_expiry());
            assert_eq!(message.port(), timers[at].name().into());
        }
    }
    // Armed while the thread sleeps.
    std::thread::scope(|scope| {
        for _ in 0..20 {
            let sleeper = scope.spawn(|| set.receive_deadline(&mut Received::new(), soon()));
            std::thread::sleep(Duration::from_millis(2));
            arm(&here.task, &timers[0], ms(2));
            sleeper.join().unwrap().unwrap();
        }
    });
}
