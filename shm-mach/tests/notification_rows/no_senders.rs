//! No-senders requests by name, and what becomes of their rights.

use shm_mach::{NotificationKind, PortError, RawName, SendOnceRight, Task};

use super::*;

fn ask(task: &Task, name: PortName, sync: u32, notify: &ReceiveRight) -> Option<SendOnceRight> {
    let right = Some(notify.make_send_once());
    task.request_notification(name, NotificationKind::NoSenders, sync, right).unwrap()
}

#[test]
fn ns1_what_is_refused() {
    let (here, _there) = pair();
    let notify = here.task.allocate().unwrap();
    let dead = here.task.allocate_dead_name().unwrap();
    let refused = [
        (RawName::NULL, PortError::NoSuchRight),
        (RawName::DEAD, PortError::NoSuchRight),
        (RawName(12), PortError::UnknownName),
        (dead.into(), PortError::NoSuchRight),
        (here.send.name().into(), PortError::NoSuchRight),
    ];
    for (name, error) in refused {
        let right = Some(notify.make_send_once());
        let asked = here.task.request_notification(name, NotificationKind::NoSenders, 0, right);
        assert_eq!(asked.unwrap_err(), error, "{name:?}");
        assert_eq!(told(&notify), Notification::SendOnce, "rn2: the right is given up");
    }
}

#[test]
fn ns2_ns3_by_name() {
    let (here, there) = pair();
    let (port, notify) = (here.task.allocate().unwrap(), here.task.allocate().unwrap());
    assert!(ask(&here.task, port.name(), 0, &notify).is_none());
    assert_eq!(told(&notify), Notification::NoSenders { mscount: 0 });
    assert!(ask(&here.task, port.name(), 1, &notify).is_none(), "it fired, and is gone");
    is_empty(&notify);
    here.send.send(Message::new(0, b"").with_right(port.make_send())).unwrap();
    let right = right_in(&there.receive);
    is_empty(&notify);
    drop(right);
    assert_eq!(told(&notify), Notification::NoSenders { mscount: 1 });
    drop(port.make_send());
    is_empty(&notify);
}

#[test]
fn rn2_the_one_before_comes_back() {
    let (here, _there) = pair();
    let port = here.task.allocate().unwrap();
    let (first, second) = (here.task.allocate().unwrap(), here.task.allocate().unwrap());
    let right = port.make_send();
    ask(&here.task, port.name(), 0, &first);
    let previous = ask(&here.task, port.name(), 0, &second).expect("the first one's right");
    assert_eq!(first.send_once_rights(), 1);
    drop(previous);
    assert_eq!(told(&first), Notification::SendOnce);
    let cancelled = here.task.request_notification(port.name(), NotificationKind::NoSenders, 0, None);
    drop(cancelled.unwrap().expect("the second one's right"));
    assert_eq!(told(&second), Notification::SendOnce);
    drop(right);
    is_empty(&second);
    is_empty(&first);
}

/// One that fires at once gives the one before back all the same.
#[test]
fn ns2_what_comes_at_once_gives_the_one_before_back() {
    let (here, _there) = pair();
    let port = here.task.allocate().unwrap();
    let (first, second) = (here.task.allocate().unwrap(), here.task.allocate().unwrap());
    ask(&here.task, port.name(), 1, &first);
    let previous = ask(&here.task, port.name(), 0, &second).expect("the first one's right");
    assert_eq!(told(&second), Notification::NoSenders { mscount: 0 });
    drop(previous);
    assert_eq!(told(&first), Notification::SendOnce);
    drop(port.make_send());
    is_empty(&first);
    is_empty(&second);
}

#[test]
fn d5_a_port_that_dies_gives_up_the_right_of_its_request() {
    let (here, _there) = pair();
    let notify = here.task.allocate().unwrap();
    for has_sender in [false, true] {
        let port = here.task.allocate().unwrap();
        let right = has_sender.then(|| port.make_send());
        ask(&here.task, port.name(), 1, &notify);
        is_empty(&notify);
        drop(port);
        assert_eq!(told(&notify), Notification::SendOnce, "not NO_SENDERS");
        is_empty(&notify);
        drop(right);
        is_empty(&notify);
    }
    // To itself: nobody is there to be told.
    let port = here.task.allocate().unwrap();
    ask(&here.task, port.name(), 1, &port);
    drop(port);
}

/// The handle's own way replaces a request that has a right, and the other way round.
#[test]
fn both_ways_to_ask_share_one_request() {
    let (here, _there) = pair();
    let port = here.task.allocate().unwrap();
    let (first, second) = (here.task.allocate().unwrap(), here.task.allocate().unwrap());
    let right = port.make_send();
    ask(&here.task, port.name(), 0, &first);
    port.request_no_senders(0, &second);
    assert_eq!(told(&first), Notification::SendOnce);
    assert!(ask(&here.task, port.name(), 0, &first).is_none(), "no right was behind it");
    drop(right);
    assert_eq!(told(&first), Notification::NoSenders { mscount: 1 });
    is_empty(&second);
}
