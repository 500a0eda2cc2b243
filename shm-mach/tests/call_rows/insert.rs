//! `insert_right` and `extract_right`: from name to name.

use super::*;
use Disposition::{CopySend, MakeSend, MakeSendOnce, MoveReceive, MoveSend, MoveSendOnce};

/// A name that is free, far from those in use.
const FREE: RawName = RawName(0x12_3407);
const OTHER: RawName = RawName(0x12_350b);

/// A task, the peer whose port it holds a send right to, that port, and the right's name.
fn held() -> (Joined, Joined, ReceiveRight, PortName) {
    let (here, there) = pair();
    let port = there.task.allocate().unwrap();
    there.send.send(Message::new(1, b"").with_right(port.make_send())).unwrap();
    let right = next(&here.receive).take_rights().pop().and_then(Right::into_send).unwrap();
    right.send(Message::new(1, b"opens the lane")).unwrap();
    assert_eq!(next(&port).id(), 1);
    let name = right.into_name();
    (here, there, port, name)
}

fn send(task: &Task, name: impl Into<RawName>, id: i32) -> bool {
    task.with_send_right(name, |right| right.send(Message::new(id, b"")).is_ok()) == Ok(true)
}

#[test]
fn i2_a_name_gets_a_send_right_from_itself() {
    let (here, _there, _port, sends) = held();
    let task = &here.task;
    let same = |name: PortName, disposition| task.insert_right(name, name, disposition);
    let receive = task.allocate_right(RightKind::Receive).unwrap();
    assert_eq!(same(receive, CopySend), Err(PortError::NoSuchRight));
    same(receive, MakeSend).unwrap();
    same(receive, CopySend).unwrap();
    assert_eq!(task.right_type(receive), Ok(TypeBits::SEND_RECEIVE));
    assert_eq!(task.get_refs(receive, RightKind::Send), Ok(2));
    assert_eq!(task.receive_status(receive).map(|status| (status.mscount, status.srights)), Ok((1, true)));
    same(receive, MakeSend).unwrap();
    assert_eq!(task.get_refs(receive, RightKind::Send), Ok(3));
    assert_eq!(task.get_srights(receive), Ok(1), "references, and one right");
    assert!(send(task, receive, 4));
    same(sends, CopySend).unwrap();
    assert_eq!(task.get_refs(sends, RightKind::Send), Ok(2));
    assert_eq!(same(sends, MakeSend), Err(PortError::NoSuchRight));
    // Pegged, and still counted as made.
    task.mod_refs(receive, RightKind::Send, 65_535).unwrap();
    same(receive, MakeSend).unwrap();
    assert_eq!(task.get_refs(receive, RightKind::Send), Ok(65_535));
    assert_eq!(task.receive_status(receive).map(|status| status.mscount), Ok(3));
    let dead = task.allocate_dead_name().unwrap();
    let set = task.allocate_right(RightKind::PortSet).unwrap();
    let cases = [
        (RawName::NULL, PortError::ReservedName, 18),
        (RawName::DEAD, PortError::ReservedName, 18),
        (stale(task).into(), PortError::UnknownName, 15),
        (dead.into(), PortError::DeadPort, 20),
        (set.into(), PortError::NoSuchRight, 17),
    ];
    for disposition in [MakeSend, CopySend] {
        refuses(|name| task.insert_right(name, name, disposition), &cases);
    }
}

#[test]
fn i3_the_right_is_taken_out_before_the_name_is_looked_at() {
    let (here, _there, port, sends) = held();
    let task = &here.task;
    let receive = task.allocate_right(RightKind::Receive).unwrap();
    let dead = task.allocate_dead_name().unwrap();
    for bad in [RawName::NULL, RawName(123), FREE] {
        for disposition in Disposition::ALL {
            let from = |from: RawName| task.insert_right(bad, from, disposition);
            for nothing in [RawName::NULL, RawName::DEAD, stale(task).into()] {
                // With the shortcut's own two it is the name that is refused first.
                if nothing != bad || !matches!(disposition, MakeSend | CopySend) {
                    assert_eq!(from(nothing), Err(PortError::UnknownName), "{disposition:?} to {bad:?}");
                }
            }
        }
        assert_eq!(task.insert_right(bad, sends, MakeSend), Err(PortError::NoSuchRight));
        assert_eq!(task.insert_right(bad, sends, MoveReceive), Err(PortError::NoSuchRight));
        assert_eq!(task.insert_right(bad, receive, MoveSend), Err(PortError::NoSuchRight));
        assert_eq!(task.insert_right(bad, dead, MakeSendOnce), Err(PortError::NoSuchRight));
    }
    assert_eq!(task.get_refs(sends, RightKind::Send), Ok(1), "nothing was lost");
    let handle = task.send_right(sends).unwrap();
    task.deallocate(sends).unwrap();
    assert_eq!(task.insert_right(FREE, sends, MoveSend), Err(PortError::Pinned), "it is a handle's");
    assert_eq!(task.extract_right(sends, MoveSend), Err(PortError::Pinned));
    drop((handle, port));
    let own = task.allocate().unwrap();
    assert_eq!(task.insert_right(FREE, own.name(), MoveReceive), Err(PortError::Pinned));
    assert_eq!(PortError::Pinned.code(), 20);
}

#[test]
fn i1_i4_i10_a_dead_right_is_refused_after_the_name_and_a_moved_one_is_lost() {
    let task = task();
    let dead = task.allocate_dead_name().unwrap();
    task.mod_refs(dead, RightKind::DeadName, 4).unwrap();
    let refs = || task.get_refs(dead, RightKind::DeadName).unwrap();
    for name in [RawName::NULL, RawName::DEAD] {
        assert_eq!(task.insert_right(name, dead, CopySend), Err(PortError::ReservedName));
    }
    assert_eq!(task.insert_right(RawName(123), dead, CopySend), Err(PortError::DeadPort), "before i5");
    assert_eq!(refs(), 5);
    assert_eq!(task.insert_right(FREE, dead, MoveSend), Err(PortError::DeadPort));
    assert_eq!(refs(), 4);
    assert_eq!(task.insert_right(RawName::NULL, dead, MoveSendOnce), Err(PortError::ReservedName));
    assert_eq!(refs(), 3);
    task.mod_refs(dead, RightKind::DeadName, -2).unwrap();
    assert_eq!(task.insert_right(FREE, dead, MoveSend), Err(PortError::DeadPort));
    assert_eq!(task.right_type(dead), Err(PortError::UnknownName));
    assert_eq!((PortError::DeadPort.code(), PortError::ReservedName.code()), (20, 18));
}

#[test]
fn i5_i7_i8_i10_a_name_that_cannot_be_taken_ends_the_right() {
    let end = Options::DEFAULT_NAMES as u32 + 1;
    let (here, _there) = pair();
    let task = &here.task;
    let used = task.allocate_dead_name().unwrap();
    let cases = [
        (RawName::NULL, PortError::ReservedName, 18),
        (RawName(end << 8 | 2), PortError::NoSpace, 3),
        (RawName(122), PortError::BadNameBits, 18),
        (RawName(123), PortError::ReservedIndex, 5),
        (RawName(used.get() ^ 0x40), PortError::OtherGeneration, 5),
        (used.into(), PortError::NameExists, 13),
    ];
    // A send-once right that is made, or was moved, is told as unused.
    let port = task.allocate().unwrap();
    refuses(|name| task.insert_right(name, port.name(), MakeSendOnce), &cases);
    assert_eq!(port.send_once_rights(), 0);
    refuses(
        |name| {
            let once = port.make_send_once().into_name(task).map_err(|(error, _)| error)?;
            let result = task.insert_right(name, once, MoveSendOnce);
            assert_eq!(task.right_type(once), Err(PortError::UnknownName));
            result
        },
        &cases,
    );
    for _ in 0..2 * cases.len() {
        assert_eq!(next(&port).notification(), Some(Notification::SendOnce));
    }
    is_empty(&port);
    // The receive right takes its port with it.
    refuses(
        |name| {
            let doomed = task.allocate().unwrap();
            let once = doomed.make_send_once();
            let doomed = doomed.into_name();
            let result = task.insert_right(name, doomed, MoveReceive);
            assert_eq!(task.right_type(doomed), Err(PortError::UnknownName));
            let sent = once.send(Message::new(1, b""));
            assert!(sent.is_ok() && task.receive_right(doomed).is_err(), "sent to nobody");
            result
        },
        &cases,
    );
    // A send right beside it: the right is under another name, which comes before what the name is.
    let doomed = task.allocate_right(RightKind::Receive).unwrap();
    task.insert_right(doomed, doomed, MakeSend).unwrap();
    let error = task.insert_right(used, doomed, MoveReceive).unwrap_err();
    assert_eq!((error, error.code()), (PortError::RightExists, 21));
    assert_eq!(task.right_type(doomed), Ok(TypeBits::DEAD_NAME));
    assert_eq!(task.get_refs(doomed, RightKind::DeadName), Ok(1));
    let own = port.name();
    assert_eq!(task.insert_right(FREE, own, MakeSend), Err(PortError::RightExists));
    assert_eq!(task.right_type(own), Ok(TypeBits::RECEIVE), "what was made is gone");
}

#[test]
fn i10_a_send_right_that_is_moved_and_refused_is_given_up() {
    let (here, there, port, name) = held();
    let (task, notify) = (&here.task, there.task.allocate().unwrap());
    task.mod_refs(name, RightKind::Send, 1).unwrap();
    assert_eq!(task.insert_right(FREE, name, CopySend), Err(PortError::RightExists));
    assert_eq!(task.get_refs(name, RightKind::Send), Ok(2));
    assert_eq!(task.insert_right(FREE, name, MoveSend), Err(PortError::RightExists));
    assert_eq!(task.get_refs(name, RightKind::Send), Ok(1));
    assert!(send(task, name, 2));
    port.request_no_senders(0, &notify);
    assert_eq!(next(&port).id(), 2);
    assert_eq!(task.insert_right(RawName(123), name, MoveSend), Err(PortError::ReservedIndex));
    assert_eq!(task.right_type(name), Err(PortError::UnknownName));
    there.task.names().unwrap();
    assert_eq!(next(&notify).notification(), Some(Notification::NoSenders { mscount: 1 }));
}

#[test]
fn i6_a_port_that_dies_on_the_way_is_dead() {
    // Dead at its receiver, and not known to be so here: the right moves, and is dead when it is used.
    let (here, there, port, name) = held();
    drop(port);
    there.task.names().unwrap();
    here.task.insert_right(FREE, name, MoveSend).unwrap();
    assert!(!send(&here.task, FREE, 1));
    assert_eq!(here.task.right_type(FREE), Ok(TypeBits::DEAD_NAME));
    // Known to be dead: the name is a dead name.
    assert_eq!(here.task.insert_right(OTHER, FREE, MoveSend), Err(PortError::DeadPort));
    assert_eq!(here.task.right_type(FREE), Err(PortError::UnknownName));
    // A send-once right of a port that is known to be dead.
    let own = here.task.allocate().unwrap();
    let once = own.make_send_once().into_name(&here.task).map_err(|(error, _)| error).unwrap();
    drop(own);
    assert_eq!(here.task.insert_right(OTHER, once, MoveSendOnce), Err(PortError::DeadPort));
    assert_eq!(here.task.right_type(once), Err(PortError::UnknownName));
}

#[test]
fn f17_i9_the_last_send_right_goes_to_a_name_of_ones_choice() {
    let (here, there, port, name) = held();
    let (task, notify) = (&here.task, there.task.allocate().unwrap());
    port.request_no_senders(0, &notify);
    assert!(send(task, name, 2));
    task.insert_right(FREE, name, MoveSend).unwrap();
    assert_eq!(task.right_type(name), Err(PortError::UnknownName));
    assert_eq!((task.right_type(FREE), task.get_refs(FREE, RightKind::Send)), (Ok(TypeBits::SEND), Ok(1)));
    assert!(!send(task, name, 0) && send(task, FREE, 3));
    assert_eq!([(); 2].map(|()| next(&port).id()), [2, 3], "one lane, one order");
    // What arrives from now on joins there.
    there.send.send(Message::new(1, b"").with_right(port.make_send())).unwrap();
    let right = next(&here.receive).take_rights().pop().and_then(Right::into_send).unwrap();
    assert_eq!(RawName::from(right.name()), FREE);
    assert_eq!(task.get_refs(FREE, RightKind::Send), Ok(2));
    assert_eq!(task.insert_right(OTHER, FREE, MoveSend), Err(PortError::RightExists), "two, and one is left");
    assert_eq!(task.get_refs(FREE, RightKind::Send), Ok(1));
    right.send(Message::new(4, b"the handle is as good as before")).unwrap();
    assert_eq!(next(&port).id(), 4);
    is_empty(&notify);
    drop(right);
    assert_eq!(next(&notify).notification(), Some(Notification::NoSenders { mscount: 2 }));
    assert_eq!(task.right_type(FREE), Err(PortError::UnknownName));
}

#[test]
fn f17_i9_onto_itself_a_right_is_as_before() {
    let (here, there, port, name) = held();
    let (task, notify) = (&here.task, there.task.allocate().unwrap());
    port.request_no_senders(0, &notify);
    task.insert_right(name, name, MoveSend).unwrap();
    assert_eq!(task.get_refs(name, RightKind::Send), Ok(1));
    assert!(send(task, name, 2));
    assert_eq!(next(&port).id(), 2);
    is_empty(&notify);
    let own = task.allocate_right(RightKind::Receive).unwrap();
    task.insert_right(own, own, MakeSendOnce).unwrap_err();
    task.insert_right(own, own, MoveReceive).unwrap();
    assert_eq!(task.right_type(own), Ok(TypeBits::RECEIVE));
    let once = task.allocate().unwrap().make_send_once();
    drop(once);
}

#[test]
fn f17_o3_a_receive_right_goes_to_a_name_of_ones_choice_and_begins_anew() {
    let (here, there) = pair();
    let task = &here.task;
    let port = task.allocate().unwrap();
    let set = task.allocate_set().unwrap();
    here.send.send(Message::new(1, b"").with_right(port.make_send())).unwrap();
    let theirs = next(&there.receive).take_rights().pop().and_then(Right::into_send).unwrap();
    set.insert(&port).unwrap();
    for id in 2..5 {
        theirs.send(Message::new(id, b"")).unwrap();
    }
    assert_eq!(next(&port).id(), 2);
    let once = port.make_send_once();
    port.set_queue_limit(9).unwrap();
    let name = port.into_name();
    task.guard(name, 77, GuardOptions { is_strict: true, is_immovable: false }).unwrap();
    task.insert_right(FREE, name, MoveReceive).unwrap();
    assert_eq!(task.right_type(name), Err(PortError::UnknownName));
    let status = task.receive_status(FREE).unwrap();
    assert_eq!((status.seqno, status.mscount, status.is_in_set, status.flags), (0, 0, false, 0), "reset");
    assert_eq!((status.msgcount, status.qlimit, status.sorights, status.srights), (2, 9, 1, true), "kept");
    assert_eq!((task.get_context(FREE), set.members()), (Ok(0), vec![]));
    let port = task.receive_right(FREE).unwrap();
    theirs.send(Message::new(5, b"")).unwrap();
    for (seqno, id) in (3..6).enumerate() {
        let message = next(&port);
        assert_eq!((message.id(), message.seqno() as usize), (id, seqno));
        assert_eq!(message.port().map(RawName::from), Some(FREE));
    }
    once.send(Message::new(6, b"")).unwrap();
    assert_eq!((next(&port).id(), RawName::from(port.name())), (6, FREE));
    drop(port);
    assert_eq!(theirs.send(Message::new(7, b"")).unwrap_err().failure(), SendFailure::PortDied);
}

#[test]
fn f17_o3_who_waits_by_the_old_name_of_a_receive_right_is_told() {
    let _watchdog = common::watchdog::Watchdog::start("f17_o3_who_waits_by_the_old_name", 60);
    let task = task();
    let name = task.allocate_right(RightKind::Receive).unwrap();
    let once = task.with_receive_right(name, ReceiveRight::make_send_once).unwrap();
    let all_have_it = std::sync::Barrier::new(4);
    std::thread::scope(|scope| {
        let (task, all_have_it) = (&task, &all_have_it);
        let wait = move |name: RawName| {
            let mut message = Received::new();
            let received = task.with_receive_right(name, |right| {
                all_have_it.wait();
                right.receive(&mut message)
            });
            (received, message.id())
        };
        let waiting: Vec<_> = (0..3).map(|_| scope.spawn(move || wait(name.into()))).collect();
        all_have_it.wait();
        // One of them gets this.
        once.send(Message::new(3, b"")).unwrap();
        while !waiting.iter().any(|thread| thread.is_finished()) {
            std::thread::yield_now();
        }
        task.insert_right(FREE, name, MoveReceive).unwrap();
        let results: Vec<_> = waiting.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(results.iter().filter(|result| **result == (Ok(Ok(())), 3)).count(), 1, "{results:?}");
        let told = results.iter().filter(|result| **result == (Ok(Err(ReceiveError::PortDied)), 0));
        assert_eq!(told.count(), 2, "{results:?}");
        task.insert_right(OTHER, FREE, MakeSendOnce).unwrap();
        task.send_once_right(OTHER).unwrap().send(Message::new(4, b"")).unwrap();
        let mut message = Received::new();
        let received = task.with_receive_right(FREE, |right| right.try_receive(&mut message));
        assert_eq!((received, message.id()), (Ok(Ok(())), 4), "by its new name it is received from");
    });
}

#[test]
fn f17_send_once_rights_go_to_names_of_their_own() {
    let (here, there) = pair();
    let task = &here.task;
    let own = task.allocate().unwrap();
    task.insert_right(FREE, own.name(), MakeSendOnce).unwrap();
    assert_eq!((task.right_type(FREE), own.send_once_rights()), (Ok(TypeBits::SEND_ONCE), 1));
    assert_eq!(task.insert_right(FREE, own.name(), MakeSendOnce), Err(PortError::NameExists));
    assert_eq!(next(&own).notification(), Some(Notification::SendOnce), "i10");
    task.insert_right(OTHER, FREE, MoveSendOnce).unwrap();
    assert_eq!(task.right_type(FREE), Err(PortError::UnknownName));
    task.send_once_right(OTHER).unwrap().send(Message::new(8, b"")).unwrap();
    assert_eq!(next(&own).id(), 8);
    let port = there.task.allocate().unwrap();
    there.send.send(Message::new(1, b"").with_right(port.make_send_once())).unwrap();
    let right = next(&here.receive).take_rights().pop().and_then(Right::into_send_once).unwrap();
    let name = right.into_name(task).map_err(|(error, _)| error).unwrap();
    task.insert_right(FREE, name, MoveSendOnce).unwrap();
    task.send_once_right(FREE).unwrap().send(Message::new(9, b"")).unwrap();
    assert_eq!(next(&port).id(), 9);
}

#[test]
fn f18_extract_right_takes_a_right_out_as_a_message_would() {
    let (here, _there, port, sends) = held();
    let task = &here.task;
    let name = RawName::from(sends);
    assert_eq!(task.extract_right(sends, CopySend), Ok(name));
    assert_eq!(task.get_refs(sends, RightKind::Send), Ok(2));
    assert_eq!(task.extract_right(sends, MoveSend), Ok(name));
    assert_eq!(task.get_refs(sends, RightKind::Send), Ok(2), "out, and in again");
    task.deallocate(sends).unwrap();
    let moved = task.extract_right(sends, MoveSend).unwrap();
    assert_ne!(moved, name, "it was the last one: the name is another");
    assert!(send(task, moved, 2));
    assert_eq!(next(&port).id(), 2);
    let own = task.allocate_right(RightKind::Receive).unwrap();
    assert_eq!(task.extract_right(own, MakeSend), Ok(own.into()));
    assert_eq!(task.right_type(own), Ok(TypeBits::SEND_RECEIVE));
    assert_eq!(task.extract_right(own, MoveReceive), Ok(own.into()), "the send right keeps its name");
    let once = task.extract_right(own, MakeSendOnce).unwrap();
    assert_eq!(task.right_type(once), Ok(TypeBits::SEND_ONCE));
    let other = task.extract_right(once, MoveSendOnce).unwrap();
    assert_ne!(other, once);
    let dead = task.allocate_dead_name().unwrap();
    task.mod_refs(dead, RightKind::DeadName, 1).unwrap();
    assert_eq!(task.extract_right(dead, CopySend), Ok(RawName::DEAD));
    assert_eq!(task.extract_right(dead, MoveSendOnce), Ok(RawName::DEAD));
    assert_eq!(task.get_refs(dead, RightKind::DeadName), Ok(1));
    for disposition in [MakeSend, MakeSendOnce, MoveReceive] {
        assert_eq!(task.extract_right(dead, disposition), Err(PortError::NoSuchRight));
    }
    for disposition in Disposition::ALL {
        refuses(
            |name| task.extract_right(name, disposition).map(drop),
            &[
                (RawName::NULL, PortError::NoSuchRight, 17),
                (RawName::DEAD, PortError::NoSuchRight, 17),
                (stale(task).into(), PortError::UnknownName, 15),
            ],
        );
    }
    let fixed = task.allocate_right(RightKind::Receive).unwrap();
    task.guard(fixed, 0, GuardOptions { is_strict: false, is_immovable: true }).unwrap();
    let error = task.extract_right(fixed, MoveReceive).unwrap_err();
    assert_eq!((error, error.code()), (PortError::Immovable, 20));
}
