//! Rights in a body.

use super::*;

const INVALID_RIGHT: Code = Code::SEND_INVALID_RIGHT;

/// Name and disposition of a PORT descriptor at this offset.
fn port_at(got: &Got, at: usize) -> (u32, u32) {
    assert_eq!((got.word(at + 4), got.word(at + 8) & 0xff00_ffff), (0, 0), "a PORT without anything else");
    (got.word(at), got.word(at + 8) >> 16)
}

#[test]
fn b1_null_and_dead_arrive_as_they_are() {
    let two = two();
    let mut message = Bytes::to(two.to, 1).complex(4);
    for (name, disposition) in [(NULL, MOVE_RECEIVE), (DEAD, COPY_SEND), (NULL, 99), (DEAD, MAKE_SEND_ONCE)] {
        message = message.port(name, disposition);
    }
    assert_eq!(message.raw(b"text").send(&two.one), Code::SUCCESS);
    let got = receive(&two.other, two.port);
    assert_eq!((got.bits(), got.word(24)), (COMPLEX | 17 << 8, 4));
    let ports = [0, 1, 2, 3].map(|index| port_at(&got, 28 + index * 12));
    assert_eq!(ports, [(NULL, 16), (DEAD, 17), (NULL, 0), (DEAD, 18)]);
    assert_eq!(got.from(76), b"text");
}

#[test]
fn b1_a_right_that_the_name_has_not_is_refused() {
    let two = two();
    let (receive_only, set) = (port(&two.one), two.one.allocate_set().unwrap().into_name().get());
    let once = send_once(&two.one, receive_only);
    for (name, dispositions) in [
        (receive_only, &[MOVE_SEND, COPY_SEND, MOVE_SEND_ONCE, 15, 22, 0][..]),
        (two.to, &[MAKE_SEND, MAKE_SEND_ONCE, MOVE_SEND_ONCE]),
        (once, &[MOVE_SEND, COPY_SEND, MAKE_SEND, MAKE_SEND_ONCE]),
        (set, &[MOVE_RECEIVE, MOVE_SEND, COPY_SEND, MOVE_SEND_ONCE, MAKE_SEND]),
        (receive_only + 4, &[MOVE_RECEIVE, MOVE_SEND, COPY_SEND, MOVE_SEND_ONCE, MAKE_SEND]),
    ] {
        for disposition in dispositions {
            let mut message = Bytes::to(two.to, 1).complex(1).port(name, *disposition);
            assert_eq!(message.send(&two.one), INVALID_RIGHT, "{name:#x} {disposition}");
        }
    }
    is_empty(&two.other, two.port);
}

#[test]
fn b2_a_dead_name_arrives_as_dead_and_a_move_costs_a_reference() {
    let two = two();
    let dead = two.one.allocate_dead_name().unwrap().get();
    two.one.mod_refs(raw(dead), RightKind::DeadName, 3).unwrap();
    let count = || refs(&two.one, dead, RightKind::DeadName);
    for (disposition, left, seen) in [(COPY_SEND, 4, 17), (MOVE_SEND, 3, 17), (MOVE_SEND_ONCE, 2, 18)] {
        let mut message = Bytes::to(two.to, 1).complex(1).port(dead, disposition);
        assert_eq!(message.send(&two.one), Code::SUCCESS);
        assert_eq!(count(), left);
        assert_eq!(port_at(&receive(&two.other, two.port), 28), (DEAD, seen));
    }
    for disposition in [MAKE_SEND, MAKE_SEND_ONCE] {
        let mut message = Bytes::to(two.to, 1).complex(1).port(dead, disposition);
        assert_eq!(message.send(&two.one), INVALID_RIGHT);
    }
}

#[test]
fn b10_rights_of_every_kind_arrive_and_work() {
    let two = two();
    let own = port(&two.one);
    let make = || two.one.with_receive_right(raw(own), |port| port.make_send().into_name()).unwrap();
    make();
    make();
    let once = send_once(&two.one, own);
    let message = Bytes::to(two.to, 1).complex(5);
    let message = message.port(own, MOVE_SEND).port(own, COPY_SEND).port(own, MAKE_SEND);
    let mut message = message.port(own, MAKE_SEND_ONCE).port(once, MOVE_SEND_ONCE).raw(b"with a body");
    message.0.push(0);
    assert_eq!(message.send(&two.one), Code::SUCCESS);
    assert_eq!((refs(&two.one, own, RightKind::Send), kind(&two.one, once)), (1, None));
    let got = receive(&two.other, two.port);
    let ports = [0, 1, 2, 3, 4].map(|index| port_at(&got, 28 + index * 12));
    assert_eq!(ports.map(|port| port.1), [17, 17, 17, 18, 18]);
    let [send, copy, made, first, second] = ports.map(|port| port.0);
    assert!(send == copy && copy == made && first != second && first != send, "{ports:?}");
    assert_eq!(refs(&two.other, send, RightKind::Send), 3);
    assert_eq!(got.from(28 + 60), b"with a body\0");
    for (name, id) in [(send, 1), (first, 2), (second, 3)] {
        let disposition = if name == send { COPY_SEND } else { MOVE_SEND_ONCE };
        assert_eq!(Bytes::header((disposition, 0), name, NULL, id).send(&two.other), Code::SUCCESS);
    }
    let mut ids = [receive(&two.one, own).id(), receive(&two.one, own).id(), receive(&two.one, own).id()];
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3]);
}

#[test]
fn sd11_a_right_that_fails_takes_along_what_was_before_it() {
    let two = two();
    let own = port(&two.one);
    let (reply, first, last) = (send_once(&two.one, own), send_once(&two.one, own), send_once(&two.one, own));
    two.one.mod_refs(raw(two.to), RightKind::Send, 1).unwrap();
    let message = Bytes::header((MOVE_SEND, MOVE_SEND_ONCE), two.to, reply, 1).complex(3);
    let message = message.port(first, MOVE_SEND_ONCE).port(own, MOVE_SEND).port(last, MOVE_SEND_ONCE);
    let mut sent = message.clone();
    assert_eq!(sent.send(&two.one), INVALID_RIGHT);
    assert_eq!(sent, message, "the buffer is as it was");
    assert_eq!(refs(&two.one, two.to, RightKind::Send), 1, "the destination's right is gone");
    assert_eq!([kind(&two.one, reply), kind(&two.one, first)], [None, None]);
    assert_eq!(kind(&two.one, last), Some(TypeBits::SEND_ONCE), "what comes after it is untouched");
    assert_eq!([receive(&two.one, own).id(), receive(&two.one, own).id()], [71, 71], "each was given up");
    is_empty(&two.one, own);
    is_empty(&two.other, two.port);
}

#[test]
fn sd12_into_a_port_that_died_meanwhile_is_sent_and_destroyed() {
    let two = two();
    let own = port(&two.one);
    // Nothing was sent yet, so nobody has told this task: the port is found dead by the send itself.
    two.other.mod_refs(raw(two.port), RightKind::Receive, -1).unwrap();
    let header = Bytes::header((COPY_SEND, MAKE_SEND_ONCE), two.to, own, 1);
    let mut message = header.complex(1).port(own, MAKE_SEND_ONCE);
    let code = message.send(&two.one);
    assert!([Code::SUCCESS, Code::SEND_INVALID_DEST].contains(&code), "{code:?}");
    if code == Code::SUCCESS {
        let answered = || {
            two.other.names().unwrap(); // it looks at what came
            receive_with(&two.one, own, Options::NONE, 100, 10).code == Code::SUCCESS
        };
        let mut count = 0;
        while count < 2 {
            count += usize::from(answered());
        }
    }
    is_empty(&two.one, own);
}

/// A program of this crate's own interface and one of Mach's understand each other.
#[test]
fn both_interfaces_understand_each_other() {
    let two = two();
    let own = two.one.allocate().unwrap();
    let to = two.one.send_right(raw(two.to)).unwrap();
    let message = Message::new(-5, b"plain").reply_to(own.make_send_once());
    to.send(message.with_right(own.make_send()).with_right(Right::Dead).with_right(own.make_send_once()))
        .unwrap();
    let got = receive(&two.other, two.port);
    assert_eq!((got.bits(), got.word(24), got.id() as i32), (COMPLEX | 18 | 17 << 8, 3, -5));
    let ports = [0, 1, 2].map(|index| port_at(&got, 28 + index * 12));
    assert_eq!(ports.map(|port| port.1), [17, 17, 18]);
    assert_eq!((ports[1].0, got.from(28 + 36)), (DEAD, &b"plain"[..]));

    let back = port(&two.other);
    let header = Bytes::header((MOVE_SEND_ONCE, MAKE_SEND_ONCE), got.remote(), back, 95);
    let message = header.complex(3).port(back, MAKE_SEND).port(NULL, 0).port(back, MAKE_SEND_ONCE);
    assert_eq!(message.raw(b"in Mach's form  ").send(&two.other), Code::SUCCESS);
    let mut answer = Received::new();
    own.receive_deadline(&mut answer, common::meet::soon()).unwrap();
    assert_eq!((answer.id(), answer.body()), (95, &b"in Mach's form  "[..]));
    let [Right::Send(_), Right::SendOnce(_)] = answer.rights() else { panic!("{answer:?}") };
    let mut rights = answer.take_rights().into_iter();
    let send = rights.next().and_then(Right::into_send).unwrap();
    send.send(Message::new(1, b"")).unwrap();
    rights.next().and_then(Right::into_send_once).unwrap().send(Message::new(2, b"")).unwrap();
    answer.take_reply().unwrap().send(Message::new(3, b"")).unwrap();
    let mut ids = [(); 3].map(|()| receive(&two.other, back).id());
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3]);
}

/// A reply that is a send right is the first of the rights to who knows no such replies.
#[test]
fn a_send_right_as_reply_is_told_to_both_interfaces() {
    let two = two();
    let own = port(&two.one);
    let header = Bytes::header((COPY_SEND, MAKE_SEND), two.to, own, 1);
    let mut message = header.clone().complex(1).port(own, MAKE_SEND_ONCE);
    assert_eq!(message.send(&two.one), Code::SUCCESS);
    let port = two.other.receive_right(raw(two.port)).unwrap();
    let got = common::meet::next(&port, "a request");
    let [Right::Send(reply), Right::SendOnce(_)] = got.rights() else { panic!("{got:?}") };
    reply.send(Message::new(9, b"")).unwrap();
    assert_eq!(receive(&two.one, own).id(), 9);
}

#[test]
fn more_than_a_message_carries_is_refused_before_anything_is_taken() {
    let two = two();
    let once = send_once(&two.one, port(&two.one));
    let mut message = Bytes::to(two.to, 1).complex(1022).port(once, MOVE_SEND_ONCE);
    for _ in 1..1022 {
        message = message.port(NULL, 0);
    }
    assert_eq!(message.send(&two.one), Code::SEND_TOO_LARGE);
    assert_eq!(kind(&two.one, once), Some(TypeBits::SEND_ONCE));
}

#[test]
fn ps9_a_set_is_nothing_to_send_to() {
    let task = alone();
    let set = task.allocate_set().unwrap().into_name().get();
    let port = port_with_send(&task);
    assert_eq!(Bytes::to(set, 1).send(&task), Code::SEND_INVALID_DEST);
    assert_eq!(Bytes::to(port, 1).complex(1).port(set, MOVE_RECEIVE).send(&task), INVALID_RIGHT);
}

/// Memory from slices: a program of this crate's own interface and one of Mach's.
#[test]
fn a_parcel_is_memory_for_both_interfaces() {
    let two = two();
    let own = two.one.allocate().unwrap();
    let to = two.one.send_right(raw(two.to)).unwrap();
    let parcel = || {
        let parcel = shm_mach::mach::Parcel::new(4, b"body").with_memory(&[5; 3000]).with_memory(b"");
        parcel.with_right(own.make_send_once()).with_memory(b"end").reply_to(own.make_send_once())
    };
    let mut first = parcel();
    let message = first.as_message();
    assert_eq!(message.body(), b"body");
    to.send(message).unwrap();
    let got = receive(&two.other, two.port);
    assert_eq!((got.bits(), got.word(24), got.from(28 + 60)), (COMPLEX | 18 | 17 << 8, 4, &b"body"[..]));
    let memory = [28, 44, 72].map(|at| memory_at(got.long(at), got.word(at + 12) as usize));
    assert_eq!(memory, [vec![5; 3000], vec![], b"end".to_vec()]);
    assert_eq!(port_at(&got, 60).1, 18);

    // Refused, it comes back with its rights, and is sent again as it is.
    two.other.with_receive_right(raw(two.port), |port| port.set_queue_limit(0)).unwrap().unwrap();
    while to.try_send(Message::new(0, b"")).is_ok() {}
    let mut second = parcel();
    let refused = to.try_send(second.as_message()).unwrap_err().into_message();
    two.other.with_receive_right(raw(two.port), |port| port.set_queue_limit(5)).unwrap().unwrap();
    let port = two.other.receive_right(raw(two.port)).unwrap();
    while port.try_receive(&mut Received::new()).is_ok() {}
    to.send(refused).unwrap();
    let mut got = common::meet::next(&port, "a parcel");
    assert_eq!((got.body(), got.memory().count(), got.rights().len()), (&b"body"[..], 3, 1));
    assert_eq!(got.memory().last(), Some(&b"end"[..]));
    assert!(got.take_reply().is_some());
}
