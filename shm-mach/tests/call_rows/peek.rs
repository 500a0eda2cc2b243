//! Looking at a message and leaving it.

use super::*;

/// The size that is told of a message of so many bytes, and as many port rights.
fn size(body: u64, rights: u64) -> u64 {
    let descriptors = if rights > 0 { 4 + 12 * rights } else { 0 };
    24 + descriptors + body + 8
}

#[test]
fn f10_peek_looks_at_the_next_message_and_leaves_it() {
    let (here, there) = pair();
    let task = &here.task;
    let port = task.allocate().unwrap();
    let peek = |seqno| task.peek(port.name(), seqno);
    let none = Err(PortError::NoSuchMessage);
    assert_eq!((peek(0), PortError::NoSuchMessage.code()), (none, 5));
    // From another task, and from this one.
    here.send.send(Message::new(1, b"").with_right(port.make_send())).unwrap();
    let theirs = next(&there.receive).take_rights().pop().and_then(Right::into_send).unwrap();
    let ours = port.make_send();
    let given = there.task.allocate().unwrap();
    let local = task.allocate().unwrap();
    let rights = [(&theirs, given.make_send()), (&ours, local.make_send())];
    for (first, (way, right)) in [0, 2].into_iter().zip(rights) {
        way.send(Message::new(first + 7, b"eight by").with_right(right)).unwrap();
        way.send(Message::new(first + 8, b"")).unwrap();
        let seqno = first as u32;
        for number in [0, 0, seqno] {
            let peeked = peek(number).unwrap();
            assert_eq!((peeked.id, peeked.seqno, peeked.size), (first + 7, seqno, size(8, 1)));
            assert_eq!(peeked.sender, task.identity(), "both are this process");
        }
        assert_eq!([peek(seqno + 1), peek(seqno + 2), peek(u32::MAX)], [none; 3]);
        assert_eq!(task.receive_status(port.name()).map(|status| status.msgcount), Ok(2));
        let mut message = next(&port);
        assert_eq!((message.id(), message.body(), message.seqno()), (first + 7, &b"eight by"[..], seqno));
        let right = message.take_rights().pop().and_then(Right::into_send).unwrap();
        right.send(Message::new(5, b"the right in it is good")).unwrap();
        assert_eq!(peek(seqno + 1).map(|peeked| (peeked.id, peeked.size)), Ok((first + 8, size(0, 0))));
        assert_eq!((next(&port).id(), peek(0)), (first + 8, none));
    }
    assert_eq!((next(&given).id(), next(&local).id()), (5, 5));
    // What the library says, and an answer.
    drop(port.make_send_once());
    assert_eq!(peek(0).map(|peeked| peeked.sender), Ok(shm_mach::Identity::KERNEL));
    assert_eq!(next(&port).notification(), Some(Notification::SendOnce));
    here.send.send(Message::new(1, b"").reply_to(port.make_send_once())).unwrap();
    next(&there.receive).take_reply().unwrap().send(Message::new(9, b"1234")).unwrap();
    assert_eq!(peek(0).map(|peeked| (peeked.id, peeked.size)), Ok((9, size(4, 0))));
    assert_eq!(next(&port).id(), 9);
    is_empty(&port);
    let set = task.allocate_right(RightKind::PortSet).unwrap();
    refuses(
        |name| task.peek(name, 0).map(drop),
        &[
            (RawName::NULL, PortError::NoSuchRight, 17),
            (RawName::DEAD, PortError::NoSuchRight, 17),
            (stale(task).into(), PortError::UnknownName, 15),
            (set.into(), PortError::NoSuchRight, 17),
        ],
    );
}

#[test]
fn f10_what_was_looked_at_is_received_once_and_by_sets_too() {
    let _watchdog = common::watchdog::Watchdog::start("f10_what_was_looked_at", 60);
    let task = task();
    for set in [task.allocate_set().unwrap(), task.allocate_exclusive_set().unwrap()] {
        let port = task.allocate().unwrap();
        let right = port.make_send();
        set.insert(&port).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let mut message = Received::new();
                (0..100).for_each(|id| {
                    set.receive(&mut message).unwrap();
                    assert_eq!((message.id(), message.seqno()), (id, id as u32));
                });
            });
            for id in 0..100 {
                right.send(Message::new(id, b"")).unwrap();
                if let Ok(peeked) = task.peek(port.name(), 0) {
                    assert_eq!(peeked.id, peeked.seqno as i32);
                }
            }
            waiting.join().unwrap();
        });
        assert_eq!(task.peek(port.name(), 0), Err(PortError::NoSuchMessage));
    }
}

#[test]
fn f10_what_a_loser_has_sent_is_not_received_because_it_was_looked_at() {
    let (here, there) = pair();
    let port = here.task.allocate().unwrap();
    here.send.send(Message::new(1, b"").with_right(port.make_send())).unwrap();
    let right = next(&there.receive).take_rights().pop().and_then(Right::into_send).unwrap();
    right.send(Message::new(3, b"")).unwrap();
    assert_eq!(here.task.peek(port.name(), 0).map(|peeked| peeked.id), Ok(3));
    assert!(port.revoke(here.peer));
    is_empty(&port);
    assert_eq!(here.task.peek(port.name(), 0), Err(PortError::NoSuchMessage));
}
