//! A header's rights: what they must be, what takes them, and what does not.

use super::*;

const INVALID_DEST: Code = Code::SEND_INVALID_DEST;
const INVALID_REPLY: Code = Code::SEND_INVALID_REPLY;

/// Every name of a task, with what it stands for and how often.
fn holdings(task: &Task) -> Vec<(u32, TypeBits, u16, u16)> {
    let names = task.names().unwrap().into_iter();
    let count = |name, kind| task.get_refs(name, kind).unwrap();
    let mut all: Vec<_> = names
        .map(|(name, bits)| {
            (name.get(), bits, count(name, RightKind::Send), count(name, RightKind::DeadName))
        })
        .collect();
    all.sort_unstable_by_key(|row| row.0);
    all
}

/// A send that is refused with this code, and has changed nothing.
#[track_caller]
fn refuses(task: &Task, message: Bytes, code: Code) {
    let before = holdings(task);
    let mut sent = message.clone();
    assert_eq!(sent.send(task), code);
    assert_eq!(sent, message, "the buffer is as it was");
    assert_eq!(holdings(task), before, "nothing was consumed");
}

#[test]
fn sd1_sd2_a_header_that_no_sender_may_write_consumes_nothing() {
    let task = alone();
    let (port, other) = (port_with_send(&task), port_with_send(&task));
    refuses(&task, Bytes::header((COPY_SEND | 0x20, 0), port, NULL, 1), Code::SEND_INVALID_HEADER);
    refuses(&task, Bytes::header((COPY_SEND, 0), port, port, 1), Code::SEND_INVALID_HEADER);
    refuses(&task, Bytes::header((MOVE_RECEIVE, 0), port, NULL, 1), Code::SEND_INVALID_HEADER);
    refuses(&task, Bytes::to(port, 1).voucher(port, 20), Code::SEND_INVALID_VOUCHER);
    refuses(&task, Bytes::to(port, 1).voucher(DEAD, 17), Code::SEND_INVALID_VOUCHER);
    refuses(&task, Bytes::to(port, 1).voucher(other, 17), Code::SEND_INVALID_VOUCHER);
    // A destination that is the voucher travels like one, or is none.
    refuses(&task, Bytes::header((MAKE_SEND, 0), port, NULL, 1).voucher(port, 17), INVALID_DEST);
    is_empty(&task, port);
    let mut fine = Bytes::to(port, 1).voucher(NULL, 17);
    assert_eq!(fine.send(&task), Code::SUCCESS, "no voucher, whatever is said of it");
    assert_eq!(receive(&task, port).word(16), NULL);
}

#[test]
fn sd5_the_destination_is_a_right_to_a_port() {
    let task = alone();
    let port = port_with_send(&task);
    let dead = task.allocate_dead_name().unwrap().get();
    let set = task.allocate_set().unwrap().into_name().get();
    for dest in [port + 4, 0x7ff_ff03, dead, set] {
        for disposition in MOVE_SEND..=MAKE_SEND_ONCE {
            refuses(&task, Bytes::header((disposition, 0), dest, NULL, 1), INVALID_DEST);
        }
    }
    for dest in [NULL, DEAD] {
        refuses(&task, Bytes::to(dest, 1), INVALID_DEST);
    }
    // It comes before what is wrong with the reply.
    refuses(&task, Bytes::header((COPY_SEND, COPY_SEND), dead, dead, 1), INVALID_DEST);
}

#[test]
fn sd6_the_reply_is_a_right_to_a_port_or_nothing() {
    let two = two();
    let own = port(&two.one);
    let dead = two.one.allocate_dead_name().unwrap().get();
    let set = two.one.allocate_set().unwrap().into_name().get();
    for reply in [own + 4, dead, set] {
        for disposition in MOVE_SEND..=MAKE_SEND_ONCE {
            refuses(&two.one, Bytes::header((COPY_SEND, disposition), two.to, reply, 1), INVALID_REPLY);
            // It comes before a destination that does not give what is asked of it.
            refuses(&two.one, Bytes::header((MAKE_SEND, disposition), two.to, reply, 1), INVALID_REPLY);
        }
    }
    for (reply, disposition, seen) in [(NULL, 0, 0), (NULL, COPY_SEND, 17), (DEAD, MAKE_SEND_ONCE, 18)] {
        let mut message = Bytes::header((COPY_SEND, disposition), two.to, reply, 9);
        assert_eq!(message.send(&two.one), Code::SUCCESS);
        let got = receive(&two.other, two.port);
        assert_eq!((got.remote(), got.bits() & 0x1f, got.id()), (reply, seen, 9));
    }
}

#[test]
fn sd7_the_reply_gives_what_its_disposition_asks() {
    let two = two();
    let (receive_only, send_only) = (port(&two.one), two.to);
    let once = send_once(&two.one, receive_only);
    for (reply, dispositions) in [
        (receive_only, &[MOVE_SEND, COPY_SEND, MOVE_SEND_ONCE][..]),
        (once, &[MOVE_SEND, COPY_SEND, MAKE_SEND, MAKE_SEND_ONCE][..]),
    ] {
        for disposition in dispositions {
            refuses(&two.one, Bytes::header((COPY_SEND, *disposition), two.to, reply, 1), INVALID_REPLY);
        }
    }
    for disposition in [MAKE_SEND, MAKE_SEND_ONCE] {
        refuses(&two.one, Bytes::header((COPY_SEND, disposition), two.to, send_only, 1), INVALID_REPLY);
    }
}

#[test]
fn sd8_the_destination_gives_what_its_disposition_asks() {
    let task = alone();
    let receive_only = port(&task);
    let once = send_once(&task, receive_only);
    for (dest, dispositions) in [
        (receive_only, &[MOVE_SEND, COPY_SEND, MOVE_SEND_ONCE][..]),
        (once, &[MOVE_SEND, COPY_SEND, MAKE_SEND, MAKE_SEND_ONCE][..]),
    ] {
        for disposition in dispositions {
            refuses(&task, Bytes::header((*disposition, 0), dest, NULL, 1), INVALID_DEST);
        }
    }
    is_empty(&task, receive_only);
}

#[test]
fn sd8_a_port_that_died_is_no_destination() {
    let two = two();
    let own = port(&two.one);
    assert_eq!(Bytes::to(two.to, 1).send(&two.one), Code::SUCCESS);
    receive(&two.other, two.port);
    two.other.mod_refs(raw(two.port), RightKind::Receive, -1).unwrap();
    // With a reply that would be lost, if anything were.
    let once = send_once(&two.one, own);
    let mut message = Bytes::header((COPY_SEND, MOVE_SEND_ONCE), two.to, once, 2);
    assert_eq!(message.send(&two.one), INVALID_DEST);
    assert_eq!(kind(&two.one, once), Some(TypeBits::SEND_ONCE), "the reply was not consumed");
    assert_eq!(kind(&two.one, two.to), Some(TypeBits::DEAD_NAME));
    is_empty(&two.one, own);
}

#[test]
fn sd9_one_name_can_be_destination_and_reply() {
    let two = two();
    let count = || refs(&two.one, two.to, RightKind::Send);
    // dispositions of destination and reply; how many references it takes.
    for (dispositions, takes) in [
        ((COPY_SEND, COPY_SEND), 0),
        ((COPY_SEND, MOVE_SEND), 1),
        ((MOVE_SEND, COPY_SEND), 1),
        ((MOVE_SEND, MOVE_SEND), 2),
    ] {
        two.one.mod_refs(raw(two.to), RightKind::Send, 3).unwrap();
        let before = count();
        assert_eq!(Bytes::header(dispositions, two.to, two.to, 1).send(&two.one), Code::SUCCESS);
        assert_eq!(before - count(), takes, "{dispositions:?}");
        let got = receive(&two.other, two.port);
        assert_eq!((got.bits(), got.remote()), (17 | 17 << 8, two.port), "all rights share a name");
        two.other.deallocate(raw(got.remote())).unwrap();
    }
    two.one.mod_refs(raw(two.to), RightKind::Send, 1 - i32::from(count())).unwrap();
    refuses(&two.one, Bytes::header((MOVE_SEND, MOVE_SEND), two.to, two.to, 1), INVALID_DEST);
    assert_eq!(Bytes::header((MOVE_SEND, COPY_SEND), two.to, two.to, 1).send(&two.one), Code::SUCCESS);
    assert_eq!(kind(&two.one, two.to), None, "one is enough if the other is a copy");
    let own = port(&two.one);
    for (dispositions, seen) in [((MAKE_SEND, MAKE_SEND_ONCE), 18), ((MAKE_SEND_ONCE, MAKE_SEND), 17)] {
        assert_eq!(Bytes::header(dispositions, own, own, 1).send(&two.one), Code::SUCCESS);
        let got = receive(&two.one, own);
        assert_eq!((got.bits(), got.remote() == own), (seen | (35 - seen) << 8, seen == 17));
        two.one.deallocate(raw(got.remote())).unwrap();
        if seen == 18 {
            assert_eq!(receive(&two.one, own).id(), 71, "given up unused");
        }
    }
}

#[test]
fn sd10_each_disposition_takes_what_it_says() {
    let two = two();
    let own = port(&two.one);
    let make = || two.one.with_receive_right(raw(own), |port| port.make_send().into_name()).unwrap();
    make();
    make();
    let sends = || refs(&two.one, own, RightKind::Send);
    for (disposition, left, seen) in [
        (COPY_SEND, 2, 17),
        (MAKE_SEND, 2, 17),
        (MOVE_SEND, 1, 17),
        (MAKE_SEND_ONCE, 1, 18),
        (MOVE_SEND, 0, 17),
    ] {
        let mut message = Bytes::header((COPY_SEND, disposition), two.to, own, 3).raw(b"body");
        assert_eq!(message.send(&two.one), Code::SUCCESS);
        assert_eq!(sends(), left, "{disposition}");
        let got = receive(&two.other, two.port);
        assert_eq!((got.bits() & 0x1f, got.from(24)), (seen, &b"body"[..]));
        // The answer goes by what was received, and is used up.
        let mut answer = Bytes::header((seen, 0), got.remote(), NULL, 103);
        assert_eq!(answer.send(&two.other), Code::SUCCESS);
        assert_eq!(kind(&two.other, got.remote()), None, "the last reference went");
        let answer = receive(&two.one, own);
        assert_eq!((answer.id(), answer.local(), answer.bits()), (103, own, seen << 8));
    }
    assert_eq!(kind(&two.one, own), Some(TypeBits::RECEIVE));
    let once = send_once(&two.one, own);
    let mut message = Bytes::header((COPY_SEND, MOVE_SEND_ONCE), two.to, once, 4);
    assert_eq!(message.send(&two.one), Code::SUCCESS);
    assert_eq!(kind(&two.one, once), None);
    let got = receive(&two.other, two.port);
    two.other.deallocate(raw(got.remote())).unwrap();
    assert_eq!(receive(&two.one, own).id(), 71, "given up unused");
}

#[test]
fn sd10_a_moved_destination_is_used_up() {
    let two = two();
    two.one.mod_refs(raw(two.to), RightKind::Send, 1).unwrap();
    for left in [1, 0] {
        assert_eq!(Bytes::header((MOVE_SEND, 0), two.to, NULL, left).send(&two.one), Code::SUCCESS);
        assert_eq!(refs(&two.one, two.to, RightKind::Send), left as u16);
    }
    assert_eq!(kind(&two.one, two.to), None);
    assert_eq!([receive(&two.other, two.port).id(), receive(&two.other, two.port).id()], [1, 0]);
    assert_eq!(receive(&two.other, two.port).id(), 70, "nobody can send any more");
}

/// What a handle owns is not the name's to move.
#[test]
fn a_handles_reference_is_not_moved() {
    let task = alone();
    let port = task.allocate().unwrap();
    let right = port.make_send();
    let name = right.name().get();
    refuses(&task, Bytes::header((MOVE_SEND, 0), name, NULL, 1), INVALID_DEST);
    let to = port_with_send(&task);
    refuses(&task, Bytes::header((COPY_SEND, MOVE_SEND), to, name, 1), INVALID_REPLY);
    assert_eq!(Bytes::to(name, 5).send(&task), Code::SUCCESS, "but it can be copied");
    drop(right);
    assert_eq!(receive(&task, name).id(), 5);
}

#[test]
fn a_forked_child_has_no_names_to_send_by() {
    let task = alone();
    let port = port_with_send(&task);
    let code = common::sys::in_fork(|| {
        let sent = Bytes::to(port, 1).send(&task) == INVALID_DEST;
        let received = receive_with(&task, port, Options::NONE, 100, 0).code == Code::RCV_INVALID_NAME;
        i32::from(!(sent && received))
    });
    assert_eq!(code, 0);
}
