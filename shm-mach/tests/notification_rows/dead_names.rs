//! Dead names, and names that are given up before.

use std::time::Duration;

use shm_mach::authority::Embedded;
use shm_mach::{
    Deadline, NotificationKind, PortError, RawName, RightKind, SendFailure, SendOnceRight, Task, TypeBits,
};

use super::common::meet::{joined_with, next, park};
use super::common::watchdog::Watchdog;
use super::common::{inherited, role};
use super::*;

fn ask(task: &Task, name: PortName, notify: &ReceiveRight) -> Option<SendOnceRight> {
    let right = Some(notify.make_send_once());
    task.request_notification(name, NotificationKind::DeadName, 0, right).unwrap()
}

fn attach(authority: &Embedded) -> Task {
    Task::attach_to(authority.connect().unwrap(), &Options::default()).unwrap().0
}

#[test]
fn dn3_who_sends_nothing_hears_of_a_ports_death() {
    let (here, there) = pair();
    let (port, name) = given(&there, &here);
    let notify = here.task.allocate().unwrap();
    assert!(ask(&here.task, name, &notify).is_none());
    let bits = |task: &Task| task.names().unwrap().into_iter().find(|(other, _)| *other == name).unwrap().1;
    assert!(bits(&here.task).contains(TypeBits::DNREQUEST));
    is_empty(&notify);
    is_empty(&there.receive); // reads the question
    drop(port);
    assert_eq!(told(&notify), Notification::DeadName { name });
    assert_eq!(here.task.get_refs(name, RightKind::DeadName), Ok(2), "one is whose who was told");
    assert_eq!(bits(&here.task), TypeBits::DEAD_NAME);
    here.task.mod_refs(name, RightKind::DeadName, -2).unwrap();
    is_empty(&notify);
    drop(there);
}

/// The receiver looks at nothing between the question and the port's death.
#[test]
fn dn3_also_when_the_question_was_not_read() {
    let (here, there) = pair();
    let notify = here.task.allocate().unwrap();
    for _ in 0..100 {
        let (port, name) = given(&there, &here);
        ask(&here.task, name, &notify);
        drop(port);
        assert_eq!(told(&notify), Notification::DeadName { name });
        here.task.mod_refs(name, RightKind::DeadName, -2).unwrap();
    }
}

/// The port is dead before somebody asks.
#[test]
fn dn3_also_of_a_port_that_was_dead_before() {
    let (here, there) = pair();
    let notify = here.task.allocate().unwrap();
    let (port, name) = given(&there, &here);
    drop(port);
    ask(&here.task, name, &notify);
    is_empty(&notify);
    is_empty(&there.receive); // looks at its news
    assert_eq!(told(&notify), Notification::DeadName { name });
}

#[test]
fn dn3_a_thread_that_sleeps_is_woken() {
    let _watchdog = Watchdog::start("dn3_a_thread_that_sleeps_is_woken", 60);
    let (here, there) = pair();
    let (port, name) = given(&there, &here);
    let notify = here.task.allocate().unwrap();
    ask(&here.task, name, &notify);
    std::thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            notify.set_wait(shm_mach::Wait::Park);
            next(&notify, "the end of the port").notification()
        });
        std::thread::sleep(Duration::from_millis(50));
        drop(port);
        assert_eq!(sleeper.join().unwrap(), Some(Notification::DeadName { name }));
    });
}

/// The right came by a third task, and the two have no link: one is made.
#[test]
fn dn3_of_a_right_that_was_never_used() {
    let authority = Embedded::start().unwrap();
    let (server, broker, client) = (attach(&authority), attach(&authority), attach(&authority));
    let meeting = client.check_in("test.client").unwrap();
    let desk = broker.check_in("test.broker").unwrap();
    let port = server.allocate().unwrap();
    let to_broker = server.look_up("test.broker").unwrap();
    to_broker.send(Message::new(0, b"").with_right(port.make_send())).unwrap();
    let right = right_in(&desk);
    broker.look_up("test.client").unwrap().send(Message::new(0, b"").with_right(right)).unwrap();
    let name = right_in(&meeting).into_name();
    let notify = client.allocate().unwrap();
    ask(&client, name, &notify);
    drop(port);
    assert_eq!(told(&notify), Notification::DeadName { name });
}

#[test]
fn dn3_of_a_task_that_is_killed() {
    const NAME: &str = "dead_names::dn3_of_a_task_that_is_killed";
    if role().is_some() {
        let joined = join(inherited(), &Options::default()).unwrap();
        let port = joined.task.allocate().unwrap();
        joined.send.send(Message::new(0, b"").with_right(port.make_send())).unwrap();
        park();
    }
    let _watchdog = Watchdog::start(NAME, 60);
    let (joined, mut peer) = joined_with(NAME, "victim", &Options::default());
    let names = [right_in(&joined.receive).into_name(), joined.send.name()];
    let notify = joined.task.allocate().unwrap();
    names.iter().for_each(|name| drop(ask(&joined.task, *name, &notify)));
    peer.kill();
    let mut dead = [told(&notify), told(&notify)].map(|told| match told {
        Notification::DeadName { name } => name,
        other => panic!("{other:?}"),
    });
    dead.sort_unstable();
    let mut expected = names;
    expected.sort_unstable();
    assert_eq!(dead, expected);
    is_empty(&notify);
}

#[test]
fn dn3_the_tasks_own_port() {
    let (here, _there) = pair();
    let notify = here.task.allocate().unwrap();
    let port = here.task.allocate().unwrap();
    let (name, right) = (port.name(), port.make_send());
    ask(&here.task, name, &notify);
    drop(port);
    assert_eq!(told(&notify), Notification::DeadName { name });
    assert_eq!(here.task.get_refs(name, RightKind::DeadName), Ok(2));
    drop(right);
}

/// A right that was revoked is good for nothing any more, and so its name is dead.
#[test]
fn a_revoked_right_is_told_of_too() {
    let (here, there) = pair();
    let notify = here.task.allocate().unwrap();
    for all in [false, true] {
        let (port, name) = given(&there, &here);
        ask(&here.task, name, &notify);
        is_empty(&there.receive);
        assert!(if all { port.revoke_all() } else { port.revoke(there.peer) });
        assert_eq!(told(&notify), Notification::DeadName { name });
        assert_eq!(here.task.send_right(name).unwrap_err(), PortError::DeadPort);
    }
}

/// Of two rights under a name one is revoked; the port's death is heard of all the same.
#[test]
fn a_right_that_came_after_a_revocation_keeps_the_name() {
    let (here, there) = pair();
    let notify = here.task.allocate().unwrap();
    for all in [false, true] {
        let (port, name) = given(&there, &here);
        ask(&here.task, name, &notify);
        is_empty(&there.receive);
        assert!(if all { port.revoke_all() } else { port.revoke(there.peer) });
        there.send.send(Message::new(0, b"").with_right(port.make_send())).unwrap();
        // Read before the word of the revocation: nothing is looked at while there is a message.
        let later = right_in(&here.receive);
        assert_eq!(later.name(), name);
        is_empty(&notify);
        later.send(Message::new(7, b"")).unwrap();
        assert_eq!(next(&port, "by the later right").id(), 7);
        drop(port);
        assert_eq!(told(&notify), Notification::DeadName { name });
    }
}

#[test]
fn dn4_a_name_that_is_given_up_first() {
    let (here, there) = pair();
    let notify = here.task.allocate().unwrap();
    let ends: [fn(&Task, PortName); 4] = [
        |task, name| task.deallocate(name).unwrap(),
        |task, name| task.mod_refs(name, RightKind::Send, -1).unwrap(),
        |task, name| task.destroy(name).unwrap(),
        |task, name| {
            let right = task.send_right(name).unwrap();
            task.deallocate(name).unwrap();
            drop(right);
        },
    ];
    for end in ends {
        let (port, name) = given(&there, &here);
        ask(&here.task, name, &notify);
        end(&here.task, name);
        assert_eq!(told(&notify), Notification::PortDeleted { name });
        assert_eq!(here.task.right_type(name), Err(PortError::UnknownName));
        drop(port);
        is_empty(&notify);
    }
    let port = here.task.allocate().unwrap();
    let name = port.name();
    ask(&here.task, name, &notify);
    drop(port);
    assert_eq!(told(&notify), Notification::PortDeleted { name }, "a receive right alone");
}

#[test]
fn rn1_rn2_a_request_is_replaced_and_taken_back() {
    let (here, there) = pair();
    let (port, name) = given(&there, &here);
    let (first, second) = (here.task.allocate().unwrap(), here.task.allocate().unwrap());
    assert!(ask(&here.task, name, &first).is_none());
    let previous = ask(&here.task, name, &second).expect("the first one's right");
    is_empty(&first);
    drop(previous);
    assert_eq!(told(&first), Notification::SendOnce, "its owner dropped it");
    let cancel = || here.task.request_notification(name, NotificationKind::DeadName, 0, None);
    let previous = cancel().unwrap().expect("the second one's right");
    previous.send(Message::new(5, b"still good")).unwrap();
    assert_eq!(next(&second, "by the right that came back").id(), 5);
    assert!(cancel().unwrap().is_none(), "dn6");
    drop(port);
    is_empty(&second);
    is_empty(&first);
}

#[test]
fn rn1_what_can_be_asked_for() {
    let kinds = (-1..200).filter_map(|id| NotificationKind::from_id(id).map(|kind| (id, kind as i32)));
    let kinds: Vec<_> = kinds.collect();
    assert!(kinds.iter().all(|(id, kind)| id == kind));
    let ids: Vec<i32> = kinds.into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [66, 69, 70, 72], "neither 65 nor 71, which nobody asks for");
}

#[test]
fn rn2_dn1_dn5_refused_the_right_is_given_up() {
    let (here, there) = pair();
    let (port, name) = given(&there, &here);
    let notify = here.task.allocate().unwrap();
    let dead = here.task.allocate_dead_name().unwrap();
    let freed = here.task.allocate_dead_name().unwrap();
    here.task.deallocate(freed).unwrap();
    let refused = [
        (RawName::NULL, PortError::NothingToAwait),
        (RawName::DEAD, PortError::NothingToAwait),
        (RawName(12), PortError::UnknownName),
        (freed.into(), PortError::UnknownName),
        (dead.into(), PortError::NothingToAwait),
    ];
    for (name, error) in refused {
        for sync in [0, 1] {
            let right = Some(notify.make_send_once());
            let asked = here.task.request_notification(name, NotificationKind::DeadName, sync, right);
            assert_eq!(asked.unwrap_err(), error, "{name:?}");
            assert_eq!(told(&notify), Notification::SendOnce);
        }
    }
    assert_eq!(here.task.get_refs(dead, RightKind::DeadName), Ok(1));
    // A right whose port is dead is good for nothing.
    let gone = here.task.allocate().unwrap();
    let right = gone.make_send_once();
    drop(gone);
    let asked = here.task.request_notification(name, NotificationKind::DeadName, 0, Some(right));
    assert!(asked.is_ok(), "of the task's own ports that is not looked at: nobody is there to be told");
    drop(port);
}

/// The notification goes to another task: as a message of this one.
#[test]
fn l9_another_task_is_told_by_a_message() {
    let (here, there) = pair();
    let (port, name) = given(&there, &here);
    let answers = there.task.allocate().unwrap();
    there.send.send(Message::new(0, b"").reply_to(answers.make_send_once())).unwrap();
    let right = next(&here.receive, "a reply right").take_reply();
    here.task.request_notification(name, NotificationKind::DeadName, 0, right).unwrap();
    drop(port);
    is_empty(&here.receive); // looks at its news
    let message = next(&answers, "the notification");
    assert_eq!((message.id(), message.sender()), (72, there.peer));
    assert_eq!(message.notification(), None, "it is not from the system");
    let told = [&[0, 0, 0, 0, 1, 0, 0, 0][..], &name.get().to_le_bytes()].concat();
    assert_eq!(message.body(), told);
    is_empty(&answers);
}

/// The request's right was passed on twice: the notification takes the way of such a right.
#[test]
fn l9_by_a_right_that_was_passed_on() {
    let authority = Embedded::start().unwrap();
    let (server, broker, client) = (attach(&authority), attach(&authority), attach(&authority));
    let desks = [broker.check_in("test.broker").unwrap(), client.check_in("test.client").unwrap()];
    let port = server.allocate().unwrap();
    let answers = broker.allocate().unwrap();
    let to_client = server.look_up("test.client").unwrap();
    to_client.send(Message::new(0, b"").with_right(port.make_send())).unwrap();
    let name = right_in(&desks[1]).into_name();
    // The broker's right goes to the server, which passes it on to the client.
    let hall = server.check_in("test.server").unwrap();
    let request = Message::new(0, b"").reply_to(answers.make_send_once());
    broker.look_up("test.server").unwrap().send(request).unwrap();
    let right = next(&hall, "a reply right").take_reply().unwrap();
    to_client.send(Message::new(0, b"").with_right(right)).unwrap();
    let right = next(&desks[1], "a send-once right").take_rights().pop().unwrap();
    let notify = right.into_send_once();
    client.request_notification(name, NotificationKind::DeadName, 0, notify).unwrap();
    drop(port);
    is_empty(&desks[1]); // looks at its news
    let message = next(&answers, "the notification");
    assert_eq!((message.id(), message.notification()), (72, None));
    is_empty(&answers);
    // One that is not used: the broker is told that it ended.
    let request = Message::new(0, b"").reply_to(answers.make_send_once());
    broker.look_up("test.server").unwrap().send(request).unwrap();
    let right = next(&hall, "a reply right").take_reply().unwrap();
    to_client.send(Message::new(0, b"").with_right(right)).unwrap();
    let right = next(&desks[1], "a send-once right").take_rights().pop().unwrap();
    let refused = client.request_notification(name, NotificationKind::DeadName, 0, right.into_send_once());
    assert_eq!(refused.unwrap_err(), PortError::NothingToAwait);
    assert_eq!(told(&answers), Notification::SendOnce);
}

/// The port of a send-once right dies: seen by a thread that waits, within a second or so.
#[test]
fn dn3_of_a_send_once_right() {
    let (here, there) = pair();
    let notify = here.task.allocate().unwrap();
    let answers = there.task.allocate().unwrap();
    there.send.send(Message::new(0, b"").reply_to(answers.make_send_once())).unwrap();
    let once = next(&here.receive, "a reply right").take_reply().unwrap();
    let name = once.into_name(&here.task).unwrap();
    ask(&here.task, name, &notify);
    is_empty(&notify);
    drop(answers);
    assert_eq!(told(&notify), Notification::DeadName { name });
    assert_eq!(here.task.get_refs(name, RightKind::DeadName), Ok(2));
    // Given up while its port lives.
    let answers = there.task.allocate().unwrap();
    there.send.send(Message::new(0, b"").reply_to(answers.make_send_once())).unwrap();
    let once = next(&here.receive, "a reply right").take_reply().unwrap();
    let name = once.into_name(&here.task).unwrap();
    ask(&here.task, name, &notify);
    drop(here.task.send_once_right(name).unwrap());
    assert_eq!(told(&notify), Notification::PortDeleted { name });
    assert_eq!(told(&answers), Notification::SendOnce);
}

/// As many as there are; each fires for itself.
#[test]
fn rn3_each_name_has_its_own_request() {
    let (here, there) = pair();
    let notify = here.task.allocate().unwrap();
    let all: Vec<_> = (0..300).map(|_| given(&there, &here)).collect();
    for (_, name) in &all {
        ask(&here.task, *name, &notify);
    }
    let (kept, ended): (Vec<_>, Vec<_>) = all.into_iter().enumerate().partition(|(at, _)| at % 3 == 0);
    let mut expected: Vec<PortName> = ended.iter().map(|(_, (_, name))| *name).collect();
    drop(ended);
    let mut heard: Vec<PortName> = expected
        .iter()
        .map(|_| match told(&notify) {
            Notification::DeadName { name } => name,
            other => panic!("{other:?}"),
        })
        .collect();
    heard.sort_unstable();
    expected.sort_unstable();
    assert_eq!(heard, expected);
    is_empty(&notify);
    for (_, (port, name)) in &kept {
        here.task.with_send_right(*name, |right| right.send(Message::new(1, b"")).unwrap()).unwrap();
        assert_eq!(next(port, "by a name that lives").id(), 1);
    }
}

/// Silently, as its names do.
#[test]
fn a_request_ends_with_its_task() {
    let (here, there) = pair();
    let (_port, name) = given(&there, &here);
    let notify = here.task.allocate().unwrap();
    ask(&here.task, name, &notify);
    drop((here, notify));
    let late = Deadline::after(Duration::from_millis(10));
    let mut message = Received::new();
    loop {
        match there.receive.receive_deadline(&mut message, late) {
            Ok(()) => assert!(matches!(message.notification(), Some(Notification::NoSenders { .. }))),
            Err(error) => break assert_eq!(error, ReceiveError::TimedOut),
        }
    }
    let refused = there.send.send(Message::new(0, b""));
    assert!(refused.is_ok() || refused.unwrap_err().failure() == SendFailure::PortDied);
}
