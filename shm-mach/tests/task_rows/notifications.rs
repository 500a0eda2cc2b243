//! What a task is told of its ports.

use super::*;

#[test]
fn o1_only_making_a_send_right_counts() {
    let (here, _there) = pair();
    let port = here.task.allocate().unwrap();
    let rights = [port.make_send(), port.make_send()];
    let copies = rights.clone();
    let once = [port.make_send_once(), port.make_send_once()];
    port.request_no_senders(0, &port);
    drop((rights, copies));
    assert_eq!(told(&port), Notification::NoSenders { mscount: 2 });
    drop(once);
    assert_eq!([(); 2].map(|()| told(&port)), [Notification::SendOnce; 2]);
    drop(port.make_send());
    port.request_no_senders(0, &port);
    assert_eq!(told(&port), Notification::NoSenders { mscount: 3 });
}

#[test]
fn nt4_nt5_notifications_come_from_the_system_without_a_reply() {
    let (here, _there) = pair();
    let port = here.task.allocate().unwrap();
    drop(port.make_send());
    let expected = [(70, &[0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0][..]), (71, &[])];
    for (id, body) in expected {
        match id {
            70 => port.request_no_senders(0, &port),
            _ => drop(port.make_send_once()),
        }
        let mut message = Received::new();
        port.receive_deadline(&mut message, soon()).unwrap();
        assert_eq!((message.id(), message.body()), (id, body));
        assert_eq!(message.sender(), Identity::KERNEL);
        assert!(message.take_reply().is_none() && message.rights().is_empty());
    }
}

#[test]
fn ns2_without_senders_it_comes_at_once_unless_sync_is_ahead() {
    let (here, _there) = pair();
    let (port, notify) = (here.task.allocate().unwrap(), here.task.allocate().unwrap());
    for mscount in 0..3 {
        port.request_no_senders(mscount, &notify);
        assert_eq!(told(&notify), Notification::NoSenders { mscount });
        port.request_no_senders(mscount + 1, &notify);
        is_empty(&notify);
        drop(port.make_send());
        assert_eq!(told(&notify), Notification::NoSenders { mscount: mscount + 1 });
        drop(port.make_send_once());
        assert_eq!(told(&port), Notification::SendOnce);
        is_empty(&notify);
    }
}

#[test]
fn ns4_a_sync_that_is_ahead_waits_for_the_next_right_only() {
    let (here, _there) = pair();
    let (port, notify) = (here.task.allocate().unwrap(), here.task.allocate().unwrap());
    port.request_no_senders(100, &notify);
    is_empty(&notify);
    let (one, other) = (port.make_send(), port.make_send());
    drop(one);
    is_empty(&notify);
    drop(other);
    assert_eq!(told(&notify), Notification::NoSenders { mscount: 2 }, "though 100 is more");
    drop(port.make_send());
    is_empty(&notify);
}

#[test]
fn ns5_r6_what_counts_as_a_sender() {
    let _watchdog = Watchdog::start("ns5_r6_what_counts_as_a_sender", 60);
    let (here, there) = pair();
    let port = here.task.allocate().unwrap();
    // Send-once rights, here and there, do not.
    let once = port.make_send_once();
    here.send.send(Message::new(0, b"").reply_to(port.make_send_once())).unwrap();
    let mut request = Received::new();
    there.receive.receive_deadline(&mut request, soon()).unwrap();
    port.request_no_senders(0, &port);
    assert!(matches!(told(&port), Notification::NoSenders { .. }));
    // A right in a message does, in the other task's queue and in its own.
    here.send.send(Message::new(1, b"").with_right(port.make_send())).unwrap();
    port.request_no_senders(0, &port);
    is_empty(&port);
    let mut message = Received::new();
    there.receive.receive_deadline(&mut message, soon()).unwrap();
    is_empty(&port);
    drop(message);
    assert!(matches!(told(&port), Notification::NoSenders { .. }));
    let queue = here.task.allocate().unwrap();
    queue.make_send().send(Message::new(2, b"").with_right(port.make_send())).unwrap();
    port.request_no_senders(0, &port);
    is_empty(&port);
    drop(queue);
    assert!(matches!(told(&port), Notification::NoSenders { .. }), "destroyed unread");
    // Several references of one task are one sender.
    let rights = [port.make_send(), port.make_send()];
    port.request_no_senders(0, &port);
    let [last, first] = rights;
    drop(first);
    is_empty(&port);
    drop(last);
    assert!(matches!(told(&port), Notification::NoSenders { .. }));
    drop((once, request));
}

#[test]
fn l9_a_full_queue_keeps_no_notification_out() {
    let (here, _there) = pair();
    let port = here.task.allocate().unwrap();
    let right = port.make_send();
    port.set_queue_limit(1).unwrap();
    assert!(fits(&right, 1) && !fits(&right, 2));
    for _ in 0..10 {
        drop(port.make_send_once());
    }
    port.request_no_senders(0, &port);
    drop(right);
    assert_eq!(next(&port), 1);
    assert_eq!([(); 10].map(|()| told(&port)), [Notification::SendOnce; 10]);
    assert_eq!(told(&port), Notification::NoSenders { mscount: 1 });
}

#[test]
fn so1_a_right_that_was_used_says_nothing() {
    let (here, there) = pair();
    let replies = here.task.allocate().unwrap();
    replies.make_send_once().send(Message::new(1, b"by the task itself")).unwrap();
    assert_eq!(next(&replies), 1);
    here.send.send(Message::new(2, b"").reply_to(replies.make_send_once())).unwrap();
    let mut request = Received::new();
    there.receive.receive_deadline(&mut request, soon()).unwrap();
    request.take_reply().unwrap().send(Message::new(3, b"by the other")).unwrap();
    there.send.send(Message::new(4, b"after that")).unwrap();
    assert_eq!(next(&replies), 3);
    assert_eq!(next(&here.receive), 4);
    is_empty(&replies);
}

#[test]
fn o1_a_right_that_moves_is_not_made_again() {
    let (here, there) = pair();
    let port = here.task.allocate().unwrap();
    let right = port.make_send();
    port.request_no_senders(0, &port);
    here.send.send(Message::new(0, b"").with_right(right)).unwrap();
    let mut message = Received::new();
    there.receive.receive_deadline(&mut message, soon()).unwrap();
    drop(message);
    assert_eq!(told(&port), Notification::NoSenders { mscount: 1 });
    here.send.send(Message::new(1, b"").with_right(port.make_send())).unwrap();
    let mut message = Received::new();
    there.receive.receive_deadline(&mut message, soon()).unwrap();
    drop(message);
    port.request_no_senders(2, &port);
    assert_eq!(told(&port), Notification::NoSenders { mscount: 2 });
}

#[test]
fn ns2_what_comes_at_once_leaves_no_request_behind() {
    let (here, _there) = pair();
    let port = here.task.allocate().unwrap();
    let (before, after) = (here.task.allocate().unwrap(), here.task.allocate().unwrap());
    port.request_no_senders(1, &before);
    port.request_no_senders(0, &after);
    assert_eq!(told(&after), Notification::NoSenders { mscount: 0 });
    drop(port.make_send());
    is_empty(&before);
    is_empty(&after);
}

#[test]
fn l6_notifications_come_in_their_order() {
    let (here, _there) = pair();
    let port = here.task.allocate().unwrap();
    drop(port.make_send());
    port.request_no_senders(0, &port);
    drop(port.make_send_once());
    assert_eq!((told(&port), told(&port)), (Notification::NoSenders { mscount: 1 }, Notification::SendOnce));
}

#[test]
fn l6_no_message_overtakes_a_notification() {
    let (here, _there) = pair();
    let port = here.task.allocate().unwrap();
    port.request_no_senders(0, &port);
    port.make_send().send(Message::new(5, b"")).unwrap();
    assert_eq!(told(&port), Notification::NoSenders { mscount: 0 });
    assert_eq!(next(&port), 5);
}

#[test]
fn l2_a_sender_that_waits_sees_no_other_limit_than_the_ports() {
    for _ in 0..50 {
        let (here, there) = pair();
        let port = there.task.allocate().unwrap();
        port.set_queue_limit(0).unwrap();
        there.send.send(Message::new(0, b"").with_right(port.make_send())).unwrap();
        let mut message = Received::new();
        here.receive.receive_deadline(&mut message, soon()).unwrap();
        let right = message.take_rights().pop().and_then(Right::into_send).unwrap();
        std::thread::scope(|scope| {
            let receiver = scope.spawn(|| {
                port.receive_deadline(&mut Received::new(), Deadline::after(Duration::from_millis(60)))
            });
            let soon = Deadline::after(Duration::from_millis(30));
            assert!(right.send_deadline(Message::new(1, b""), soon).is_err(), "the limit is 0");
            let _ = receiver.join();
        });
    }
}
