//! Names and handles: what shares a name, what a reference is worth, what is left of the dead, and what
//! a reader of the table sees. The rules' ids (`R2`, `S7`) are those of the table of Mach's semantics.

mod common;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use common::{inherited, role, sockets, spawn, sys};
use shm_mach::ipc::{Miss, NameReader, Row};
use shm_mach::{
    Deadline, Joined, Message, Notification, Options, PortError, PortName, RawName, ReceiveRight, Received,
    Right, RightKind, SendFailure, SendRight, Task, TypeBits, join,
};

/// Two tasks of this process, joined.
fn pair(options: Options) -> (Joined, Joined) {
    let (here, there) = sockets();
    let other = std::thread::spawn(move || join(there, &options).unwrap());
    (join(here, &Options::default()).unwrap(), other.join().unwrap())
}

/// Gives the peer a right, which it takes out of the message.
fn give(from: &Joined, right: impl Into<Right>, to: &Joined) -> Right {
    from.send.send(Message::new(1, b"").with_right(right)).unwrap();
    let mut message = Received::new();
    to.receive.receive(&mut message).unwrap();
    message.take_rights().pop().unwrap()
}

fn give_send(from: &Joined, right: SendRight, to: &Joined) -> SendRight {
    give(from, right, to).into_send().unwrap()
}

fn row(task: &Task, name: PortName) -> Option<Row> {
    NameReader::adopt(task.names_file()).unwrap().lookup(name)
}

/// What the calls and the table say of a name, which must be the same.
fn look(task: &Task, name: PortName) -> (TypeBits, u16) {
    let bits = task.right_type(name).unwrap();
    let kind = if bits == TypeBits::DEAD_NAME { RightKind::DeadName } else { RightKind::Send };
    let refs = task.get_refs(name, kind).unwrap();
    let row = row(task, name).expect("a line for each name");
    assert_eq!((row.type_bits, row.urefs), (bits, u32::from(refs)), "the table and the calls differ");
    (bits, refs)
}

fn notification(port: &ReceiveRight) -> Option<Notification> {
    let mut message = Received::new();
    port.try_receive(&mut message).ok().and_then(|()| message.notification())
}

/// Waits until the port has a notification.
fn wait_for(port: &ReceiveRight) -> Notification {
    let begin = Instant::now();
    loop {
        if let Some(told) = notification(port) {
            return told;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "nothing was told");
        std::thread::yield_now();
    }
}

#[test]
fn r1_all_rights_to_a_port_share_one_name() {
    let (a, _b) = pair(Options::default());
    let port = a.task.allocate().unwrap();
    let name = port.name();
    assert_eq!(look(&a.task, name), (TypeBits::RECEIVE, 0));
    let send = port.make_send();
    assert_eq!(send.name(), name);
    assert_eq!(look(&a.task, name), (TypeBits::SEND_RECEIVE, 1));
    let more = [send.clone(), port.make_send()];
    assert!(more.iter().all(|right| right.name() == name));
    assert_eq!(look(&a.task, name), (TypeBits::SEND_RECEIVE, 3));
    drop(more);
    assert_eq!(look(&a.task, name), (TypeBits::SEND_RECEIVE, 1));
    drop(send);
    assert_eq!(look(&a.task, name), (TypeBits::RECEIVE, 0));
    let other = a.task.allocate().unwrap();
    assert_ne!(other.name(), name);
    let mut names: Vec<PortName> = a.task.names().unwrap().into_iter().map(|(name, _)| name).collect();
    let mut expected = vec![name, other.name(), a.receive.name(), a.send.name()];
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
}

#[test]
fn r2_a_right_that_is_held_already_adds_a_reference_and_no_sender() {
    let (a, b) = pair(Options::default());
    let port = a.task.allocate().unwrap();
    let notify = a.task.allocate().unwrap();
    let first = give_send(&a, port.make_send(), &b);
    port.request_no_senders(0, &notify);
    let second = give_send(&a, port.make_send(), &b);
    let third = second.clone();
    assert_eq!((first.name(), third.name()), (second.name(), second.name()));
    assert_eq!(look(&b.task, first.name()), (TypeBits::SEND, 3));
    for right in [&first, &second, &third] {
        right.send(Message::new(5, b"by one of three")).unwrap();
    }
    drop((first, third));
    assert_eq!(look(&b.task, second.name()), (TypeBits::SEND, 1));
    second.send(Message::new(6, b"by the last")).unwrap();
    let mut message = Received::new();
    for _ in 0..4 {
        port.receive(&mut message).unwrap();
    }
    assert_eq!(notification(&notify), None, "one of the references is left");
    let name = second.name();
    drop(second);
    assert_eq!(wait_for(&notify), Notification::NoSenders { mscount: 2 });
    assert_eq!(b.task.right_type(name), Err(PortError::UnknownName));
    assert_eq!(row(&b.task, name), None);
    // The same port again: a right like any other, and its end is told again.
    port.request_no_senders(3, &notify);
    let again = give_send(&a, port.make_send(), &b);
    assert_ne!(again.name(), name, "n3: not the name that was just freed");
    again.send(Message::new(7, b"")).unwrap();
    drop(again);
    port.receive(&mut message).unwrap();
    assert_eq!(wait_for(&notify), Notification::NoSenders { mscount: 3 });
    assert_eq!(notification(&notify), None, "once");
}

#[test]
fn s7_rights_to_a_dead_port_become_a_dead_name_with_their_references() {
    let (a, b) = pair(Options::default());
    let port = a.task.allocate().unwrap();
    let right = give_send(&a, port.make_send(), &b);
    right.send(Message::new(1, b"opens the lane")).unwrap();
    let others = [right.clone(), right.clone()];
    let name = right.name();
    drop(port);
    let refused = right.send(Message::new(2, b"")).unwrap_err();
    assert_eq!(refused.failure(), SendFailure::PortDied);
    assert_eq!(look(&b.task, name), (TypeBits::DEAD_NAME, 3));
    assert_eq!(row(&b.task, name).unwrap().place.generation, 0, "it leads nowhere");
    let late = right.clone();
    assert_eq!(look(&b.task, name), (TypeBits::DEAD_NAME, 4));
    drop((others, late));
    assert_eq!(look(&b.task, name), (TypeBits::DEAD_NAME, 1));
    assert_eq!(b.task.send_right(name).map(drop), Err(PortError::DeadPort));
    assert_eq!(b.task.with_send_right(name, |_| ()), Err(PortError::DeadPort));
    drop(right);
    assert_eq!(b.task.right_type(name), Err(PortError::UnknownName));
}

#[test]
fn s7_a_dead_task_leaves_dead_names() {
    let (a, b) = pair(Options::default());
    let port = a.task.allocate().unwrap();
    let named = give_send(&a, port.make_send(), &b).into_name();
    let held = b.send.clone();
    drop((port, a));
    let begin = Instant::now();
    while b.task.right_type(named) != Ok(TypeBits::DEAD_NAME) {
        assert!(begin.elapsed() < Duration::from_secs(20), "the death is not seen");
        // Without an authority it is seen within about a second, by whoever waits.
        let _ =
            b.receive.receive_deadline(&mut Received::new(), Deadline::after(Duration::from_millis(1200)));
    }
    assert_eq!(look(&b.task, named), (TypeBits::DEAD_NAME, 1));
    assert_eq!(look(&b.task, held.name()), (TypeBits::DEAD_NAME, 2));
    assert_eq!(held.send(Message::new(1, b"")).unwrap_err().failure(), SendFailure::PortDied);
    b.task.deallocate(named).unwrap();
    assert_eq!(b.task.deallocate(named), Err(PortError::UnknownName));
}

#[test]
fn b2_rights_to_a_port_that_its_own_task_has_destroyed_arrive_dead() {
    let (a, b) = pair(Options::default());
    let port = a.task.allocate().unwrap();
    let (send, once, reply) = (port.make_send(), port.make_send_once(), port.make_send_once());
    drop(port);
    let request = Message::new(3, b"").with_right(send).with_right(once).reply_to(reply);
    a.send.send(request).unwrap();
    let mut message = Received::new();
    b.receive.receive(&mut message).unwrap();
    assert!(matches!(message.rights(), [Right::Dead, Right::Dead]), "{message:?}");
    assert!(message.take_reply().is_none());
    // Between threads of one task too.
    let port = a.task.allocate().unwrap();
    let own = a.task.allocate().unwrap();
    let send = port.make_send();
    drop(port);
    own.make_send().send(Message::new(4, b"").with_right(send)).unwrap();
    own.receive(&mut message).unwrap();
    assert!(matches!(message.rights(), [Right::Dead]), "{message:?}");
}

#[test]
fn s3_a_receive_right_that_ends_leaves_its_senders_a_dead_name() {
    let (a, _b) = pair(Options::default());
    let port = a.task.allocate().unwrap();
    let (send, name) = (port.make_send(), port.name());
    drop(port);
    assert_eq!(look(&a.task, name), (TypeBits::DEAD_NAME, 1));
    assert_eq!(send.send(Message::new(1, b"")).unwrap_err().failure(), SendFailure::PortDied);
    let next = a.task.allocate().unwrap();
    assert_ne!(next.name(), name);
    drop(send);
    assert_eq!(a.task.right_type(name), Err(PortError::UnknownName));
}

#[test]
fn a_revoked_right_is_dead_and_a_new_one_is_another() {
    let (a, b) = pair(Options::default());
    let port = a.task.allocate().unwrap();
    let old = give_send(&a, port.make_send(), &b);
    old.send(Message::new(1, b"")).unwrap();
    assert!(port.revoke(a.peer));
    // Nobody has told the holder yet: the new right shares the name, and is good.
    let new = give_send(&a, port.make_send(), &b);
    assert_eq!(new.name(), old.name());
    assert_eq!(old.send(Message::new(2, b"")).unwrap_err().failure(), SendFailure::Revoked);
    assert_eq!(look(&b.task, new.name()), (TypeBits::SEND, 2));
    new.send(Message::new(3, b"new")).unwrap();
    let mut message = Received::new();
    port.receive(&mut message).unwrap();
    assert_eq!((message.id(), message.body()), (3, &b"new"[..]));
    assert!(port.revoke(a.peer));
    assert_eq!(new.send(Message::new(4, b"")).unwrap_err().failure(), SendFailure::Revoked);
    assert_eq!(look(&b.task, new.name()), (TypeBits::DEAD_NAME, 2));
    let third = give_send(&a, port.make_send(), &b);
    assert_ne!(third.name(), new.name());
    third.send(Message::new(5, b"third")).unwrap();
    port.receive(&mut message).unwrap();
    assert_eq!(message.id(), 5);
}

#[test]
fn a_name_keeps_a_right_and_gives_handles_to_it() {
    let (a, b) = pair(Options::default());
    let port = a.task.allocate().unwrap();
    let notify = a.task.allocate().unwrap();
    let right = give_send(&a, port.make_send(), &b);
    port.request_no_senders(0, &notify);
    right.send(Message::new(1, b"by handle")).unwrap();
    let name = right.into_name();
    assert_eq!(look(&b.task, name), (TypeBits::SEND, 1));
    let send = |id| b.task.with_send_right(name, |right| right.send(Message::new(id, b"by name")).is_ok());
    assert_eq!((send(2), send(3)), (Ok(true), Ok(true)));
    let handle = b.task.send_right(name).unwrap();
    assert_eq!(look(&b.task, name), (TypeBits::SEND, 2));
    handle.send(Message::new(4, b"by handle again")).unwrap();
    let mut message = Received::new();
    let mut ids: Vec<i32> =
        (0..4).map(|_| port.receive(&mut message).map(|()| message.id()).unwrap()).collect();
    assert_eq!(
        ids.iter().filter(|id| **id != 4).copied().collect::<Vec<_>>(),
        [1, 2, 3],
        "one lane, one order"
    );
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3, 4]);
    b.task.deallocate(name).unwrap();
    assert_eq!(look(&b.task, name), (TypeBits::SEND, 1), "the handle's");
    assert_eq!(b.task.deallocate(name), Err(PortError::Pinned));
    assert_eq!(b.task.destroy(name), Err(PortError::Pinned));
    assert_eq!(b.task.mod_refs(name, RightKind::Send, -1), Err(PortError::Pinned));
    handle.send(Message::new(5, b"")).unwrap();
    drop(handle);
    assert_eq!(send(6), Err(PortError::UnknownName), "what a thread remembers is not good any more");
    port.receive(&mut message).unwrap();
    assert_eq!(wait_for(&notify), Notification::NoSenders { mscount: 1 });
}

#[test]
fn what_a_thread_remembers_keeps_no_right() {
    let (a, b) = pair(Options::default());
    let port = a.task.allocate().unwrap();
    let notify = a.task.allocate().unwrap();
    let name = give_send(&a, port.make_send(), &b).into_name();
    port.request_no_senders(0, &notify);
    let (used, gone) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let sent = b.task.with_send_right(name, |right| right.send(Message::new(1, b"")).is_ok());
            assert_eq!(sent, Ok(true));
            used.wait();
            gone.wait(); // this thread lives on, and does nothing
            assert_eq!(b.task.with_send_right(name, |_| ()), Err(PortError::UnknownName));
        });
        used.wait();
        b.task.mod_refs(name, RightKind::Send, -1).unwrap();
        port.receive(&mut Received::new()).unwrap();
        assert_eq!(wait_for(&notify), Notification::NoSenders { mscount: 1 });
        gone.wait();
    });
}

#[test]
fn a_send_by_name_within_another_has_a_lane_of_its_own() {
    let (a, b) = pair(Options::default());
    let port = a.task.allocate().unwrap();
    let name = give_send(&a, port.make_send(), &b).into_name();
    let by_name = |id| b.task.with_send_right(name, |right| right.send(Message::new(id, b"")).is_ok());
    let inner = b.task.with_send_right(name, |right| {
        let inner = by_name(1);
        b.task.destroy(name).unwrap();
        (inner, right.send(Message::new(2, b"the name is gone, the send goes on")).is_ok())
    });
    assert_eq!(inner, Ok((Ok(true), true)));
    let mut message = Received::new();
    let mut ids = [0, 0].map(|_| port.receive(&mut message).map(|()| message.id()).unwrap());
    ids.sort_unstable();
    assert_eq!(ids, [1, 2]);
}

#[test]
fn a_receive_right_can_be_a_name() {
    let (a, b) = pair(Options::default());
    let port = a.task.allocate().unwrap();
    let right = give_send(&a, port.make_send(), &b);
    assert_eq!(a.task.receive_right(port.name()).map(drop), Err(PortError::Pinned));
    assert_eq!(a.task.destroy(port.name()), Err(PortError::Pinned));
    assert_eq!(a.task.mod_refs(port.name(), RightKind::Receive, -1), Err(PortError::Pinned));
    let name = port.into_name();
    right.send(Message::new(7, b"to a port without a handle")).unwrap();
    let port = a.task.receive_right(name).unwrap();
    let mut message = Received::new();
    port.receive(&mut message).unwrap();
    assert_eq!(message.id(), 7);
    let name = port.into_name();
    assert_eq!(a.task.deallocate(name), Err(PortError::NoSuchRight), "f7: a receive right alone");
    assert_eq!(a.task.mod_refs(name, RightKind::Receive, -2), Err(PortError::BadDelta), "q2");
    a.task.mod_refs(name, RightKind::Receive, -1).unwrap();
    assert_eq!(a.task.receive_right(name).map(drop), Err(PortError::UnknownName));
    assert_eq!(right.send(Message::new(8, b"")).unwrap_err().failure(), SendFailure::PortDied);
}

#[test]
fn u3_a_pegged_count_is_frozen_but_handles_are_exact() {
    let (a, b) = pair(Options::default());
    let port = a.task.allocate().unwrap();
    let notify = a.task.allocate().unwrap();
    let right = give_send(&a, port.make_send(), &b);
    port.request_no_senders(0, &notify);
    let name = right.name();
    b.task.mod_refs(name, RightKind::Send, 65_535).unwrap();
    assert_eq!(look(&b.task, name), (TypeBits::SEND, 65_535), "u2: no overflow");
    b.task.mod_refs(name, RightKind::Send, -65_534).unwrap();
    b.task.deallocate(name).unwrap();
    assert_eq!(look(&b.task, name), (TypeBits::SEND, 65_535));
    b.task.mod_refs(name, RightKind::Send, -65_535).unwrap();
    right.send(Message::new(1, b"the handle is as good as before")).unwrap();
    port.receive(&mut Received::new()).unwrap();
    let many: Vec<SendRight> = (0..70_000).map(|_| right.clone()).collect();
    drop(many);
    assert_eq!((look(&b.task, name), notification(&notify)), ((TypeBits::SEND, 65_535), None));
    drop(right);
    assert_eq!(b.task.right_type(name), Err(PortError::UnknownName));
    assert_eq!(wait_for(&notify), Notification::NoSenders { mscount: 1 });
}

#[test]
fn null_and_dead_and_stale_names_are_answered_as_in_mach() {
    let (a, _b) = pair(Options::default());
    let task = &a.task;
    let port = task.allocate().unwrap();
    let stale = port.name();
    drop(port);
    for name in [RawName::from(stale), RawName(0x7b), RawName(stale.get() ^ 0x80), RawName(0xffff_ff03)] {
        assert_eq!(task.right_type(name), Err(PortError::UnknownName), "{name}");
        assert_eq!(task.deallocate(name), Err(PortError::UnknownName), "{name}");
        assert_eq!(task.destroy(name), Err(PortError::UnknownName), "{name}");
        assert_eq!(task.get_refs(name, RightKind::Send), Err(PortError::UnknownName), "{name}");
        assert_eq!(task.mod_refs(name, RightKind::Send, 1), Err(PortError::UnknownName), "{name}");
        assert_eq!(task.send_right(name).map(drop), Err(PortError::UnknownName), "{name}");
        assert_eq!(task.receive_right(name).map(drop), Err(PortError::UnknownName), "{name}");
        assert_eq!(task.with_send_right(name, |_| ()), Err(PortError::UnknownName), "{name}");
    }
    for name in [RawName::NULL, RawName::DEAD] {
        assert_eq!((task.deallocate(name), task.destroy(name)), (Ok(()), Ok(())));
        assert_eq!(task.get_refs(name, RightKind::SendOnce), Ok(1));
        assert_eq!(task.mod_refs(name, RightKind::Send, -1), Ok(()));
        assert_eq!(task.mod_refs(name, RightKind::Receive, -1), Err(PortError::UnknownName));
        assert_eq!(task.with_send_right(name, |_| ()), Err(PortError::UnknownName));
    }
    assert_eq!(task.right_type(RawName::NULL), Err(PortError::UnknownName));
    assert_eq!(task.right_type(RawName::DEAD), Ok(TypeBits::DEAD_NAME));
    let dead = task.allocate_dead_name().unwrap();
    task.mod_refs(dead, RightKind::DeadName, 2).unwrap();
    assert_eq!(look(task, dead), (TypeBits::DEAD_NAME, 3));
    assert_eq!(task.mod_refs(dead, RightKind::Send, 1), Err(PortError::NoSuchRight));
    assert_eq!(task.mod_refs(dead, RightKind::DeadName, -4), Err(PortError::BadDelta));
    task.mod_refs(dead, RightKind::DeadName, -3).unwrap();
    assert_eq!(task.right_type(dead), Err(PortError::UnknownName));
}

#[test]
fn a_right_that_finds_no_name_is_given_back() {
    let (a, b) = pair(Options::default().names(4)); // two of them are taken by joining
    let notify = a.task.allocate().unwrap();
    let ports = [(); 3].map(|()| a.task.allocate().unwrap());
    let mut held = Vec::new();
    for port in &ports[..2] {
        held.push(give_send(&a, port.make_send(), &b));
    }
    let refused = give(&a, ports[2].make_send(), &b);
    assert!(matches!(refused, Right::Refused(PortError::NoSpace)), "{refused:?}");
    ports[2].request_no_senders(0, &notify);
    assert_eq!(wait_for(&notify), Notification::NoSenders { mscount: 1 });
    assert_eq!(b.task.allocate().map(drop), Err(PortError::NoSpace));
    assert!(matches!(give(&a, ports[0].make_send(), &b), Right::Send(_)), "one that is held needs no name");
    held.pop();
    assert!(matches!(give(&a, ports[2].make_send(), &b), Right::Send(_)));
}

/// A child that holds three rights to the parent's ports, tells their names, hands its table out and
/// stops in the middle of everything.
fn hold_and_stop() {
    let socket = inherited();
    let (sideways, link) = (socket.try_clone().unwrap(), socket);
    let joined = join(link, &Options::default()).unwrap();
    let mut message = Received::new();
    joined.receive.receive(&mut message).unwrap();
    let rights: Vec<SendRight> = message.take_rights().into_iter().filter_map(Right::into_send).collect();
    rights[0].send(Message::new(1, b"opens a lane")).unwrap();
    let names: Vec<u8> = rights.iter().flat_map(|right| right.name().get().to_ne_bytes()).collect();
    common::raw::send(&sideways, &names, &[joined.task.names_file()]);
    sys::stop_here();
}

#[test]
fn a_tool_sees_the_table_of_a_stopped_task() {
    if role().is_some() {
        return hold_and_stop();
    }
    let (ours, theirs) = sockets();
    let sideways: OwnedFd = ours.try_clone().unwrap();
    let child = spawn("a_tool_sees_the_table_of_a_stopped_task", "holder", theirs);
    let joined = join(ours, &Options::default()).unwrap();
    let ports = [(); 2].map(|()| joined.task.allocate().unwrap());
    let rights = [&ports[0], &ports[0], &ports[1]].map(ReceiveRight::make_send);
    let own = [&rights[0], &rights[2]].map(|right| row(&joined.task, right.name()).unwrap());
    let message = rights.into_iter().fold(Message::new(1, b""), Message::with_right);
    joined.send.send(message).unwrap();
    let mut bytes = [0; 64];
    let (length, mut files) = common::raw::receive(&sideways, &mut bytes);
    let names: Vec<PortName> = bytes[..length]
        .chunks_exact(4)
        .map(|name| PortName::new(u32::from_ne_bytes(name.try_into().unwrap())).unwrap())
        .collect();
    wait_until_stopped(child.pid().as_raw_nonzero().get());
    let table = NameReader::adopt(files.pop().unwrap()).unwrap();
    assert_eq!((names.len(), names[0] == names[1]), (3, true));
    let row = |name| table.try_lookup(name).unwrap();
    for (name, urefs, own) in [(names[0], 2, own[0]), (names[2], 1, own[1])] {
        let found = row(name);
        assert_eq!((found.type_bits, found.urefs), (TypeBits::SEND, urefs));
        assert_eq!(found.port.secret, own.port.secret, "it is the right to that port");
        assert_eq!(u64::from(found.port.index), own.place.offset, "which lies at its number");
    }
    assert_ne!(row(names[0]).place.segment, 0, "over the link");
    assert_ne!(row(names[0]).place.generation, 0, "on a lane");
    assert_eq!(row(names[2]).place.generation, 0, "no lane is open");
    let count = (0..table.lines()).filter(|at| matches!(table.at(*at), Ok(Some(_)))).count();
    assert_eq!(count, 4, "what it joined with, and these two");
    assert_eq!(table.try_lookup(PortName::new(names[0].get() ^ 0x80).unwrap()), Err(Miss::Unknown));
}

fn wait_until_stopped(pid: i32) {
    let begin = Instant::now();
    let stat = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    while stat().rsplit(") ").next().is_none_or(|state| !state.starts_with('T')) {
        assert!(begin.elapsed() < Duration::from_secs(20), "the child does not stop");
        std::thread::yield_now();
    }
}

#[test]
fn a_file_that_is_no_table_is_refused() {
    let (a, _b) = pair(Options::default());
    let adopt = |file: BorrowedFd<'_>| NameReader::adopt(file).map(drop).map_err(|error| error.to_string());
    assert_eq!(adopt(a.task.names_file()), Ok(()));
    let other = shm_mach::segment::OwnSegment::create(8192).unwrap().into_read_only();
    assert_eq!(adopt(other.as_fd()), Err("not a table of names of version 1".to_owned()));
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    assert!(adopt(file.as_fd()).unwrap_err().starts_with("the table is refused"));
}

#[test]
fn a_forked_child_has_no_names() {
    let (a, _b) = pair(Options::default());
    let (port, right) = (a.task.allocate().unwrap(), a.send.clone());
    let name = right.name();
    let code = sys::in_fork(|| {
        let task = &a.task;
        let refused = [
            task.names().map(drop),
            task.right_type(name).map(drop),
            task.get_refs(name, RightKind::Send).map(drop),
            task.mod_refs(name, RightKind::Send, 1),
            task.deallocate(name),
            task.destroy(name),
            task.allocate_dead_name().map(drop),
            task.send_right(name).map(drop),
            task.receive_right(port.name()).map(drop),
            task.with_send_right(name, |_| ()),
        ];
        let inert = (port.make_send().name(), right.clone().into_name(), right.name());
        let is_inert = inert == (port.name(), name, name);
        i32::from(!(is_inert && refused.iter().all(|error| *error == Err(PortError::Forked))))
    });
    assert_eq!(code, 0);
    assert_eq!(look(&a.task, name), (TypeBits::SEND, 2));
}
