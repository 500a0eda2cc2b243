//! Port-destroyed requests: a port whose receive right is given up lives on, and the right comes back.

use shm_mach::authority::Embedded;
use shm_mach::{
    Disposition, GuardOptions, Identity, Immovable, NotificationKind, PortError, PortOptions, RawName,
    RightKind, SendFailure, SendOnceRight, Task, TypeBits,
};

use super::common::meet::{Pair, next};
use super::*;

fn request(
    task: &Task,
    name: impl Into<RawName>,
    sync: u32,
    notify: Option<SendOnceRight>,
) -> Result<(), PortError> {
    let asked = task.request_notification(name, NotificationKind::PortDestroyed, sync, notify);
    asked.map(|previous| assert!(previous.is_none(), "there is never one before"))
}

fn ask(task: &Task, port: &ReceiveRight, notify: &ReceiveRight) {
    request(task, port.name(), 0, Some(notify.make_send_once())).unwrap();
}

/// The receive right in the next message, which must be the notification.
#[track_caller]
fn returned(at: &ReceiveRight) -> ReceiveRight {
    let mut message = Received::new();
    at.receive_deadline(&mut message, soon()).unwrap();
    assert_eq!(message.notification(), Some(Notification::PortDestroyed), "{message:?}");
    assert_eq!((message.id(), message.sender(), message.body().len()), (69, Identity::KERNEL, 0));
    let [right] = <[Right; 1]>::try_from(message.take_rights()).expect("one right");
    right.into_receive().expect("a receive right")
}

#[track_caller]
fn is_over(right: &SendRight) {
    assert_eq!(right.send(Message::new(0, b"")).unwrap_err().failure(), SendFailure::PortDied);
}

fn is_asked(task: &Task, port: &ReceiveRight) -> bool {
    task.receive_status(port.name()).unwrap().pdrequest
}

#[test]
fn pd1_what_is_refused() {
    let (here, _there) = pair();
    let (port, notify) = (here.task.allocate().unwrap(), here.task.allocate().unwrap());
    let dead = here.task.allocate_dead_name().unwrap();
    let set = here.task.allocate_set().unwrap();
    let refused = [
        (RawName::NULL, 1, PortError::BadSync, 18),
        (port.name().into(), 1, PortError::BadSync, 18),
        (RawName::NULL, 0, PortError::NoSuchRight, 17),
        (RawName::DEAD, 0, PortError::NoSuchRight, 17),
        (RawName(12), 0, PortError::UnknownName, 15),
        (dead.into(), 0, PortError::NoSuchRight, 17),
        (here.send.name().into(), 0, PortError::NoSuchRight, 17),
        (set.name().into(), 0, PortError::NoSuchRight, 17),
    ];
    for (name, sync, error, code) in refused {
        let asked = request(&here.task, name, sync, Some(notify.make_send_once())).unwrap_err();
        assert_eq!((asked, asked.code()), (error, code), "{name:?}");
        assert_eq!(told(&notify), Notification::SendOnce, "rn2: the right is given up");
        assert_eq!(request(&here.task, name, sync, None), Err(error), "{name:?}");
    }
    assert!(!is_asked(&here.task, &port));
}

#[test]
fn pd2_tm5_not_of_reply_ports_and_timers() {
    let (here, _there) = pair();
    let notify = here.task.allocate().unwrap();
    let options = PortOptions { flags: PortOptions::REPLY_PORT, ..PortOptions::default() };
    let replies = here.task.construct(&options, 0).unwrap();
    let timer = here.task.allocate_timer().unwrap();
    for name in [replies, timer.name()] {
        let asked = request(&here.task, name, 0, Some(notify.make_send_once()));
        assert_eq!(asked, Err(PortError::NoSuchRight));
        assert_eq!(told(&notify), Notification::SendOnce);
    }
    drop(timer);
    here.task.destruct(replies, 0, 0).unwrap();
    is_empty(&notify);
}

#[test]
fn pd3_once_armed_it_stays() {
    let (here, _there) = pair();
    let (first, second) = (here.task.allocate().unwrap(), here.task.allocate().unwrap());
    let port = here.task.allocate().unwrap();
    assert_eq!(request(&here.task, port.name(), 0, None), Ok(()), "nothing is taken back");
    assert!(!is_asked(&here.task, &port));
    ask(&here.task, &port, &first);
    assert!(is_asked(&here.task, &port));
    let again = request(&here.task, port.name(), 0, Some(second.make_send_once())).unwrap_err();
    assert_eq!((again, again.code()), (PortError::RequestStays, 5));
    assert_eq!(told(&second), Notification::SendOnce);
    assert_eq!(request(&here.task, port.name(), 0, None), Err(PortError::RequestStays), "nor taken back");
    is_empty(&first);
    drop(port);
    let port = returned(&first);
    assert!(!is_asked(&here.task, &port), "rn3: it is spent");
    ask(&here.task, &port, &second);
    drop(port);
    let right = returned(&second).make_send();
    is_over(&right);
    is_empty(&first);
}

/// Gives up the receive right, whose handle this is, in one of the ways there are.
fn give_up(task: &Task, way: u32, port: ReceiveRight) {
    if way == 0 {
        return drop(port);
    }
    if way == 1 {
        let inbox = task.allocate().unwrap();
        inbox.make_send().send(Message::new(1, b"").with_right(port)).unwrap();
        return drop(inbox);
    }
    if way == 2 {
        // It arrives, and is never taken out.
        let inbox = task.allocate().unwrap();
        inbox.make_send().send(Message::new(1, b"").with_right(port)).unwrap();
        return drop(next(&inbox, "the message"));
    }
    let name = port.into_name();
    match way {
        3 => task.mod_refs(name, RightKind::Receive, -1).unwrap(),
        4 => task.destruct(name, 0, 0).unwrap(),
        _ => {
            let taken = task.allocate_dead_name().unwrap();
            let put = task.insert_right(taken, name, Disposition::MoveReceive);
            assert!(matches!(put, Err(PortError::NameExists | PortError::RightExists)), "{put:?}");
        }
    }
}

#[test]
fn pd4_d1_it_fires_in_place_of_the_ports_death() {
    let (here, there) = pair();
    let notify = here.task.allocate().unwrap();
    for way in 0..6 {
        let port = here.task.allocate().unwrap();
        let set = here.task.allocate_set().unwrap();
        set.insert(&port).unwrap();
        port.set_queue_limit(3).unwrap();
        here.task.set_context(port.name(), 7).unwrap();
        let right = port.make_send();
        here.send.send(Message::new(0, b"").with_right(port.make_send())).unwrap();
        let given = right_in(&there.receive);
        right.send(Message::new(0, b"")).unwrap();
        next(&port, "one that is read");
        right.send(Message::new(1, b"from here")).unwrap();
        given.send(Message::new(2, b"from there")).unwrap();
        ask(&here.task, &port, &notify);
        give_up(&here.task, way, port);
        let types = here.task.right_type(right.name());
        assert_eq!(types, Ok(TypeBits::SEND), "the send right lives, way {way}");
        assert!(set.members().is_empty());
        right.send(Message::new(3, b"while nobody has it")).unwrap();
        let port = returned(&notify);
        assert_eq!(port.name(), right.name(), "it joins the send right");
        assert_eq!(here.task.get_context(port.name()), Ok(0));
        let status = here.task.receive_status(port.name()).unwrap();
        assert_eq!((status.mscount, status.seqno, status.qlimit, status.pdrequest), (0, 0, 3, false));
        let mut seen: Vec<_> = (0..3)
            .map(|seqno| {
                let message = next(&port, "a message that stayed");
                assert_eq!(message.seqno(), seqno);
                message.id()
            })
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, [1, 2, 3]);
        given.send(Message::new(4, b"")).unwrap();
        assert_eq!(next(&port, "by another task").id(), 4);
        drop(port);
        is_over(&right);
        is_empty(&notify);
    }
}

/// By a guarded name, with everything else under it.
#[test]
fn pd4_d1_destroy_gives_the_receive_right_back() {
    let (here, there) = pair();
    let notify = here.task.allocate().unwrap();
    let port = here.task.allocate().unwrap();
    here.send.send(Message::new(0, b"").with_right(port.make_send())).unwrap();
    let given = right_in(&there.receive);
    port.make_send().into_name();
    ask(&here.task, &port, &notify);
    let name = port.into_name();
    here.task.guard(name, 5, GuardOptions::default()).unwrap();
    assert_eq!(here.task.destroy(name), Err(PortError::Guarded));
    is_empty(&notify);
    here.task.unguard(name, 5).unwrap();
    here.task.destroy(name).unwrap();
    assert_eq!(here.task.right_type(name), Err(PortError::UnknownName));
    let port = returned(&notify);
    given.send(Message::new(4, b"")).unwrap();
    assert_eq!(next(&port, "a port like before").id(), 4);
}

#[test]
fn pd5_it_moves_with_the_receive_right() {
    let (here, _there) = pair();
    let (inbox, notify) = (here.task.allocate().unwrap(), here.task.allocate().unwrap());
    let port = here.task.allocate().unwrap();
    ask(&here.task, &port, &notify);
    inbox.make_send().send(Message::new(1, b"").with_right(port)).unwrap();
    let port = next(&inbox, "the port").take_rights().pop().and_then(Right::into_receive).unwrap();
    assert!(is_asked(&here.task, &port));
    let again = request(&here.task, port.name(), 0, Some(inbox.make_send_once()));
    assert_eq!(again, Err(PortError::RequestStays));
    assert_eq!(told(&inbox), Notification::SendOnce);
    let name = port.into_name();
    let other = here.task.extract_right(name, Disposition::MoveReceive).unwrap();
    let port = here.task.receive_right(other).unwrap();
    assert!(is_asked(&here.task, &port));
    is_empty(&notify);
    drop(port);
    let right = returned(&notify).make_send();
    is_over(&right);
}

/// Who asks while the right is given up is refused, or gets it.
#[test]
fn pd4_it_is_asked_for_while_the_right_is_given_up() {
    let (here, _there) = pair();
    let (inbox, notify) = (here.task.allocate().unwrap(), here.task.allocate().unwrap());
    let to_inbox = inbox.make_send();
    for turn in 0..600 {
        let port = here.task.allocate().unwrap();
        let (name, right) = (port.name(), port.make_send());
        let start = std::sync::Barrier::new(2);
        let asked = std::thread::scope(|scope| {
            let asks = scope.spawn(|| {
                start.wait();
                request(&here.task, name, 0, Some(notify.make_send_once()))
            });
            start.wait();
            match turn % 3 {
                0 => drop(port),
                1 => here.task.mod_refs(port.into_name(), RightKind::Receive, -1).unwrap(),
                _ => {
                    to_inbox.send(Message::new(1, b"").with_right(port)).unwrap();
                    drop(next(&inbox, "the port"));
                }
            }
            asks.join().unwrap()
        });
        match asked {
            Ok(()) => {
                let port = returned(&notify);
                right.send(Message::new(2, b"it lives")).unwrap();
                drop(port);
            }
            Err(error) => {
                assert_eq!(error, PortError::NoSuchRight, "of a send right, or a dead name");
                assert_eq!(told(&notify), Notification::SendOnce);
            }
        }
        is_over(&right);
        is_empty(&notify);
    }
}

/// Ports in each other's queues, given up together: each comes back by itself.
#[test]
fn pd4_a_port_in_the_queue_of_one_that_dies() {
    let (here, _there) = pair();
    let notify = here.task.allocate().unwrap();
    let (outer, inner) = (here.task.allocate().unwrap(), here.task.allocate().unwrap());
    let right = inner.make_send();
    ask(&here.task, &outer, &notify);
    ask(&here.task, &inner, &notify);
    outer.make_send().send(Message::new(1, b"").with_right(inner)).unwrap();
    drop(outer);
    let outer = returned(&notify);
    is_empty(&notify);
    drop(outer);
    let inner = returned(&notify);
    right.send(Message::new(2, b"")).unwrap();
    assert_eq!(next(&inner, "its message").id(), 2);
}

#[test]
fn d1_what_cannot_be_delivered_dies() {
    let (here, _there) = pair();
    // Its listener is dead.
    let (port, notify) = (here.task.allocate().unwrap(), here.task.allocate().unwrap());
    let right = port.make_send();
    ask(&here.task, &port, &notify);
    drop(notify);
    drop(port);
    is_over(&right);
    // It is its own listener.
    let port = here.task.allocate().unwrap();
    let right = port.make_send();
    ask(&here.task, &port, &port);
    drop(port);
    is_over(&right);
    // Its listener is on its way to it.
    let (port, notify) = (here.task.allocate().unwrap(), here.task.allocate().unwrap());
    let rights = [port.make_send(), notify.make_send()];
    ask(&here.task, &port, &notify);
    rights[0].send(Message::new(1, b"").with_right(notify)).unwrap();
    drop(port);
    rights.iter().for_each(is_over);
    // Its listener dies with the notification in its queue.
    let (port, notify) = (here.task.allocate().unwrap(), here.task.allocate().unwrap());
    let right = port.make_send();
    ask(&here.task, &port, &notify);
    drop(port);
    right.send(Message::new(1, b"it lives")).unwrap();
    drop(notify);
    is_over(&right);
}

/// The right is not carried to another task: that is told that its send-once right ended.
#[test]
fn d1_a_listener_in_another_task_is_told_that_its_right_ended() {
    let (here, there) = pair();
    let notify = there.task.allocate().unwrap();
    there.send.send(Message::new(0, b"").with_right(notify.make_send_once())).unwrap();
    let mut rights = next(&here.receive, "a right").take_rights();
    let Some(Right::SendOnce(right_there)) = rights.pop() else { panic!("a send-once right") };
    let port = here.task.allocate().unwrap();
    let right = port.make_send();
    request(&here.task, port.name(), 0, Some(right_there)).unwrap();
    drop(port);
    assert_eq!(next(&notify, "the end of the right").id(), 71);
    is_over(&right);
}

/// Nor does it go to a task that is another one in the same process.
#[test]
fn d1_a_listener_of_another_task_of_the_process_is_told_that_its_right_ended() {
    let (here, there) = pair();
    let notify = there.task.allocate().unwrap();
    let port = here.task.allocate().unwrap();
    let right = port.make_send();
    ask(&here.task, &port, &notify);
    drop(port);
    assert_eq!(told(&notify), Notification::SendOnce);
    is_over(&right);
}

/// To another task it goes without its request or not at all.
#[test]
fn pd5_a_port_with_a_request_stays_in_its_task() {
    let authority = Embedded::start().unwrap();
    let pair = Pair::new(|| authority.connect().unwrap(), &Options::default());
    let (port, notify) = (pair.task.allocate().unwrap(), pair.task.allocate().unwrap());
    ask(&pair.task, &port, &notify);
    let error = pair.to_other.send(Message::new(1, b"").with_right(port)).unwrap_err();
    assert_eq!(error.failure(), SendFailure::NotMovable(Immovable::Requested));
    drop(error);
    let port = returned(&notify);
    pair.to_other.send(Message::new(1, b"").with_right(port)).unwrap();
    next(&pair.port, "it is free to go");
}
