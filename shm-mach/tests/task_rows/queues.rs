//! Limits, what passes them, and what becomes of a message that does not fit.

use super::*;

/// A port with a send right of its own task's, or of another's.
struct Queue {
    port: ReceiveRight,
    right: SendRight,
    /// What keeps both tasks alive.
    _tasks: (Joined, Joined),
}

/// A queue of this task's own, and one between two tasks whose receiver knows its sender; both with
/// this limit from the start.
fn queues(limit: u32) -> [Queue; 2] {
    let (here, there) = pair();
    let port = here.task.allocate().unwrap();
    port.set_queue_limit(limit).unwrap();
    let own = Queue { right: port.make_send(), port, _tasks: (here, there) };
    let (here, there) = pair();
    let port = there.task.allocate().unwrap();
    port.set_queue_limit(limit).unwrap();
    there.send.send(Message::new(0, b"").with_right(port.make_send())).unwrap();
    let mut message = Received::new();
    here.receive.receive_deadline(&mut message, soon()).unwrap();
    let right = message.take_rights().pop().and_then(Right::into_send).unwrap();
    right.send(Message::new(0, b"here I am")).unwrap();
    assert_eq!(next(&port), 0);
    [own, Queue { port, right, _tasks: (here, there) }]
}

#[test]
fn l1_f22_the_limit_is_at_most_1024() {
    for Queue { port, right, .. } in &queues(2) {
        for limit in [1025, u32::MAX] {
            let refused = port.set_queue_limit(limit).unwrap_err();
            assert_eq!(refused, PortError::InvalidLimit { limit, most: 1024 });
            assert_eq!(refused.code(), 18);
        }
        let taken: Vec<bool> = (0..3).map(|id| fits(right, id)).collect();
        assert_eq!(taken, [true, true, false], "a refused limit changes nothing");
        assert_eq!(port.set_queue_limit(1024), Ok(()));
        assert!((3..1023).all(|id| fits(right, id)));
    }
}

#[test]
fn l2_a_limit_of_none_admits_none() {
    let _watchdog = Watchdog::start("l2_a_limit_of_none_admits_none", 60);
    for Queue { port, right, .. } in &queues(1) {
        port.set_queue_limit(0).unwrap();
        std::thread::scope(|scope| {
            let receiver = scope.spawn(|| next(port));
            a_while();
            assert!(!fits(right, 1), "though somebody waits");
            let at_once = Deadline::after(Duration::from_millis(20));
            let refused = right.send_deadline(Message::new(2, b""), at_once).unwrap_err();
            assert_eq!((refused.failure(), refused.failure().code()), (SendFailure::TimedOut, 0x1000_0004));
            port.set_queue_limit(1).unwrap();
            right.send(Message::new(3, b"")).unwrap();
            assert_eq!(receiver.join().unwrap(), 3);
        });
        is_empty(port);
    }
}

#[test]
fn l3_answers_pass_a_full_queue() {
    let _watchdog = Watchdog::start("l3_answers_pass_a_full_queue", 60);
    let (here, there) = pair();
    let replies = here.task.allocate().unwrap();
    let right = replies.make_send();
    replies.set_queue_limit(1).unwrap();
    assert!(fits(&right, 1) && !fits(&right, 2));
    let mut request = Received::new();
    for id in 10..15 {
        here.send.send(Message::new(0, b"").reply_to(replies.make_send_once())).unwrap();
        there.receive.receive_deadline(&mut request, soon()).unwrap();
        request.take_reply().unwrap().send(Message::new(id, b"")).unwrap();
        replies.make_send_once().send(Message::new(id + 10, b"")).unwrap();
    }
    assert!(!fits(&right, 3), "they count, or not: one is there");
    let mut ids: Vec<i32> = (0..11).map(|_| next(&replies)).collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 10, 11, 12, 13, 14, 20, 21, 22, 23, 24]);
}

#[test]
fn l5_a_raised_limit_wakes_a_blocked_sender() {
    let _watchdog = Watchdog::start("l5_a_raised_limit_wakes_a_blocked_sender", 60);
    for Queue { port, right, _tasks } in queues(1) {
        assert!(fits(&right, 1) && !fits(&right, 2));
        let sender = std::thread::spawn(move || {
            for id in 2..4 {
                right.send_deadline(Message::new(id, b""), soon()).unwrap();
            }
            right
        });
        a_while();
        port.set_queue_limit(3).unwrap();
        let right = sender.join().unwrap();
        assert!(!fits(&right, 4), "nothing was taken yet");
        assert_eq!([(); 3].map(|()| next(&port)), [1, 2, 3]);
    }
}

#[test]
fn l5_a_lowered_limit_holds_for_the_next_message() {
    for Queue { port, right, .. } in &queues(8) {
        assert!(fits(right, 0));
        port.set_queue_limit(3).unwrap();
        let taken: Vec<bool> = (1..5).map(|id| fits(right, id)).collect();
        assert_eq!(taken, [true, true, false, false], "there was room for eight");
        port.set_queue_limit(2).unwrap();
        assert_eq!((next(port), fits(right, 5)), (0, false), "two are left");
        assert_eq!((next(port), fits(right, 6), fits(right, 7)), (1, true, false));
        port.set_queue_limit(5).unwrap();
        let taken: Vec<bool> = (8..13).map(|id| fits(right, id)).collect();
        assert_eq!(taken, [true, true, true, false, false], "raised again");
        assert_eq!([(); 5].map(|()| next(port)), [2, 6, 8, 9, 10]);
    }
}

#[test]
fn l5_the_first_lowered_limit_holds_for_the_next_message() {
    let (here, there) = pair();
    let (port, right) = (&there.receive, &here.send);
    right.send(Message::new(0, b"here I am")).unwrap();
    assert_eq!(next(port), 0);
    assert!(fits(right, 1), "by the limit that a port begins with");
    port.set_queue_limit(2).unwrap();
    assert_eq!([2, 3].map(|id| fits(right, id)), [true, false]);
    assert_eq!([(); 2].map(|()| next(port)), [1, 2]);
}

#[test]
fn l5_a_right_that_was_given_before_learns_of_a_lower_limit_once_its_lane_is_known() {
    let [_, Queue { port, right, .. }] = &queues(8);
    let late = right.clone();
    port.set_queue_limit(2).unwrap();
    assert!(fits(&late, 1));
    assert_eq!(next(port), 1);
    let taken: Vec<bool> = (2..6).map(|id| fits(&late, id)).collect();
    assert_eq!(taken, [true, true, false, false]);
}

#[test]
fn l5_a_lowered_limit_discards_nothing() {
    for Queue { port, right, .. } in &queues(4) {
        assert!((0..4).all(|id| fits(right, id)));
        port.set_queue_limit(2).unwrap();
        for id in 0..2 {
            assert!(!fits(right, 9));
            assert_eq!(next(port), id);
        }
        assert!(!fits(right, 9), "two are left, and two is the limit");
        assert_eq!(next(port), 2);
        assert!(fits(right, 4) && !fits(right, 9));
        assert_eq!((next(port), next(port)), (3, 4));
        is_empty(port);
    }
}

#[test]
fn sd16_sd17_sd21_a_message_that_does_not_fit_keeps_its_rights() {
    for Queue { port, right, _tasks: (here, _there) } in &queues(1) {
        assert!(fits(right, 1));
        let (carried, replies) = (here.task.allocate().unwrap(), here.task.allocate().unwrap());
        carried.request_no_senders(1, &carried);
        let whole = Message::new(2, b"whole").with_right(carried.make_send());
        let refused = right.try_send(whole.reply_to(replies.make_send_once())).unwrap_err();
        let time = Deadline::after(Duration::from_millis(20));
        let refused = right.send_deadline(refused.into_message(), time).unwrap_err();
        assert_eq!(refused.failure(), SendFailure::TimedOut);
        is_empty(&carried);
        is_empty(&replies);
        let mut message = refused.into_message();
        assert_eq!((message.id(), message.body()), (2, &b"whole"[..]));
        let rights = message.take_rights();
        let [Right::Send(back)] = &rights[..] else { panic!("{rights:?}") };
        assert!(fits(back, 3), "it leads where it led");
        assert_eq!(next(&carried), 3);
        drop((rights, message));
        assert!(matches!(told(&carried), Notification::NoSenders { .. }));
        assert_eq!(told(&replies), Notification::SendOnce);
        assert_eq!(next(port), 1);
        is_empty(port);
    }
}

#[test]
fn d4_a_blocked_thread_of_the_task_itself_wakes_when_the_port_dies() {
    let _watchdog = Watchdog::start("d4_a_blocked_thread_of_the_task_itself_wakes_when_the_port_dies", 60);
    let [Queue { port, right, _tasks }, _] = queues(1);
    assert!(fits(&right, 1));
    let sender = std::thread::spawn(move || {
        let refused = right.send(Message::new(2, b"whole")).unwrap_err();
        (refused.failure(), refused.into_message().body().to_vec())
    });
    a_while();
    drop(port);
    assert_eq!(sender.join().unwrap(), (SendFailure::PortDied, b"whole".to_vec()));
}

#[test]
fn sd18_a_signal_ends_no_send() {
    let _watchdog = Watchdog::start("sd18_a_signal_ends_no_send", 60);
    common::sys::interrupt_by_signals();
    for Queue { port, right, _tasks } in queues(1) {
        assert!(fits(&right, 1));
        right.set_wait(Wait::Park);
        let sender =
            std::thread::spawn(move || right.send(Message::new(2, b"")).map_err(|error| error.failure()));
        for _ in 0..10 {
            a_while();
            common::sys::interrupt(&sender);
        }
        assert!(!sender.is_finished());
        assert_eq!((next(&port), next(&port)), (1, 2));
        assert_eq!(sender.join().unwrap(), Ok(()));
    }
}
