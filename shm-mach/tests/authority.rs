//! Tasks that meet through an authority: names, first contact, third parties, children, death.

mod common;

use std::os::fd::AsFd;
use std::process::Command;
use std::time::Duration;

use common::meet::{attached, expect_no_senders, park, receive_right};
use common::{Peer, inherited, role, spawn};
use shm_mach::authority::Embedded;
use shm_mach::{AuthorityError, Deadline, Message, Options, Received, Right, SendFailure, Task};

/// A child attaches by the socket that it was started with, and has a special port to its parent.
fn child() -> (Task, shm_mach::SendRight) {
    let (task, special) = Task::attach_to(inherited(), &Options::default()).unwrap();
    (task, special.expect("started with a special port"))
}

#[test]
fn a_child_reaches_its_parent_by_its_special_port() {
    const TEST: &str = "a_child_reaches_its_parent_by_its_special_port";
    if role().is_some() {
        let (_task, parent) = child();
        for n in 0..1000 {
            parent.send(Message::new(n, &[n as u8; 100])).unwrap();
        }
        return;
    }
    let authority = Embedded::start().unwrap();
    let (task, special) = Task::attach_to(authority.connect().unwrap(), &Options::default()).unwrap();
    assert!(special.is_none());
    let port = task.allocate().unwrap();
    let peer = spawn(TEST, "child", task.prepare_child(&port).unwrap());
    let pid = peer.0.id();
    let mut message = Received::new();
    for n in 0..1000 {
        port.receive(&mut message).unwrap();
        assert_eq!((message.id(), message.body()), (n, &[n as u8; 100][..]));
        assert_eq!(message.sender().pid, pid);
    }
    port.request_no_senders(0, &port);
    expect_no_senders(&port);
    peer.finish();
}

/// Fails if what nobody waits for any more stays with the authority: then a task is refused in the end, and
/// whoever registers the name has senders that know nothing of it.
#[test]
fn look_ups_that_were_given_up_are_forgotten() {
    let authority = Embedded::start().unwrap();
    let attach = || Task::attach_to(authority.connect().unwrap(), &Options::default()).unwrap().0;
    let (waiter, registrar) = (attach(), attach());
    for _ in 0..1500 {
        let found = waiter.look_up_deadline("late", Deadline::NOW);
        assert!(matches!(found, Err(AuthorityError::UnknownService)), "{found:?}");
    }
    // Served after what was said before.
    assert!(matches!(waiter.look_up("nobody"), Err(AuthorityError::UnknownService)));
    let service = registrar.check_in("late").unwrap();
    assert!(!service.revoke(waiter.identity()), "nobody holds a right but the authority");
}

#[test]
fn names_are_found_and_waited_for() {
    const TEST: &str = "names_are_found_and_waited_for";
    if role().is_some() {
        let (task, parent) = child();
        assert!(matches!(task.look_up("nobody"), Err(AuthorityError::UnknownService)));
        let soon = Deadline::after(Duration::from_millis(20));
        assert!(matches!(task.look_up_deadline("nobody", soon), Err(AuthorityError::UnknownService)));
        parent.send(Message::new(1, b"register now")).unwrap();
        let service = task.look_up_deadline("late", Deadline::NEVER).unwrap();
        let replies = task.allocate().unwrap();
        let mut answer = Received::new();
        for n in 0..100 {
            service.send(Message::new(n, b"ask").reply_to(replies.make_send_once())).unwrap();
            replies.receive(&mut answer).unwrap();
            assert_eq!(answer.id(), n + 100);
        }
        assert!(matches!(task.check_in("late"), Err(AuthorityError::NameInUse)));
        return;
    }
    let task = attached();
    let port = task.allocate().unwrap();
    let peer = spawn(TEST, "child", task.prepare_child(&port).unwrap());
    let mut message = Received::new();
    port.receive(&mut message).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let service = task.check_in("late").unwrap();
    for n in 0..100 {
        service.receive(&mut message).unwrap();
        message.take_reply().unwrap().send(Message::new(n + 100, b"")).unwrap();
    }
    peer.finish();
    let own = task.look_up("late").unwrap();
    own.send(Message::new(5, b"to myself")).unwrap();
    service.receive(&mut message).unwrap();
    assert_eq!(message.body(), b"to myself");
    drop(service);
    assert_eq!(own.send(Message::new(5, b"")).unwrap_err().failure(), SendFailure::PortDied);
    assert!(
        matches!(task.look_up("late"), Err(AuthorityError::UnknownService)),
        "a dead port's name is free"
    );
}

/// Parent P gives child A a right to a port; A passes it on to child B, whom P does not know.
#[test]
fn a_right_is_passed_on_to_a_third_task() {
    const TEST: &str = "a_right_is_passed_on_to_a_third_task";
    match role().as_deref() {
        Some("passer") => {
            let (task, parent) = child();
            let own = task.allocate().unwrap();
            parent.send(Message::new(1, b"my port").with_right(own.make_send())).unwrap();
            let mut message = Received::new();
            own.receive(&mut message).unwrap();
            let mut rights = message.take_rights().into_iter().filter_map(Right::into_send);
            let (right, to) = (rights.next().unwrap(), rights.next().unwrap());
            to.send(Message::new(2, b"for you").with_right(right)).unwrap();
            own.receive(&mut message).unwrap(); // until told to end
        }
        Some("third") => {
            let (task, parent) = child();
            let own = task.allocate().unwrap();
            parent.send(Message::new(1, b"my port").with_right(own.make_send())).unwrap();
            let mut message = Received::new();
            own.receive(&mut message).unwrap();
            assert_eq!(message.body(), b"for you");
            let right = message.take_rights().pop().and_then(Right::into_send).unwrap();
            for n in 0..50 {
                right.send(Message::new(n, b"through a third")).unwrap();
            }
        }
        _ => parent_of_three(TEST),
    }
}

fn parent_of_three(test: &str) {
    let task = attached();
    let (port, meeting) = (task.allocate().unwrap(), task.allocate().unwrap());
    let mut message = Received::new();
    let mut meet = |role: &str| {
        let peer = spawn(test, role, task.prepare_child(&meeting).unwrap());
        meeting.receive(&mut message).unwrap();
        (peer, message.take_rights().pop().and_then(Right::into_send).unwrap())
    };
    let (passer, to_passer) = meet("passer");
    let (third, to_third) = meet("third");
    let third_pid = third.0.id();
    port.request_no_senders(1, &port);
    // The right to the third's port is passed on as well: the passer did not know it.
    to_passer.send(Message::new(1, b"").with_right(port.make_send()).with_right(to_third)).unwrap();
    let mut message = Received::new();
    for n in 0..50 {
        port.receive(&mut message).unwrap();
        assert_eq!((message.id(), message.body()), (n, &b"through a third"[..]));
        assert_eq!(message.sender().pid, third_pid, "attested, not the passer");
    }
    expect_no_senders(&port);
    to_passer.send(Message::new(9, b"end")).unwrap();
    passer.finish();
    third.finish();
}

#[test]
fn deaths_are_told() {
    const TEST: &str = "deaths_are_told";
    if role().is_some() {
        let (task, parent) = child();
        let own = task.allocate().unwrap();
        parent.send(Message::new(1, b"alive").with_right(own.make_send())).unwrap();
        park()
    }
    let task = attached();
    let port = task.allocate().unwrap();
    let mut peer = spawn(TEST, "victim", task.prepare_child(&port).unwrap());
    let mut message = Received::new();
    let to_child = receive_right(&port, &mut message);
    for n in 0.. {
        // Nobody reads: the queue fills up.
        if to_child.try_send(Message::new(n, b"")).is_err() {
            break;
        }
    }
    let blocked = std::thread::spawn(move || to_child.send(Message::new(0, b"")).unwrap_err().failure());
    std::thread::sleep(Duration::from_millis(50));
    port.request_no_senders(0, &port);
    peer.kill();
    expect_no_senders(&port);
    assert_eq!(blocked.join().unwrap(), SendFailure::PortDied);
}

#[test]
fn machd_serves_and_its_death_does_not_stop_traffic() {
    const TEST: &str = "machd_serves_and_its_death_does_not_stop_traffic";
    if role().is_some() {
        let (task, parent) = child();
        let own = task.allocate().unwrap();
        parent.send(Message::new(1, b"").with_right(own.make_send())).unwrap();
        let mut message = Received::new();
        loop {
            own.receive(&mut message).unwrap();
            match message.take_reply() {
                Some(reply) => reply.send(Message::new(message.id(), message.body())).unwrap(),
                None => park(),
            }
        }
    }
    let folder = std::env::temp_dir().join(format!("shm-mach-test-{}", std::process::id()));
    let path = folder.join("socket");
    let machd = Command::new(env!("CARGO_BIN_EXE_machd")).arg(&path).spawn().unwrap();
    let mut machd = Peer(machd);
    while !path.exists() {
        std::thread::sleep(Duration::from_millis(2));
    }
    let socket = connect(&path);
    let (task, _) = Task::attach_to(socket, &Options::default()).unwrap();
    let port = task.allocate().unwrap();
    let mut peer = spawn(TEST, "child", task.prepare_child(&port).unwrap());
    let mut message = Received::new();
    let to_child = receive_right(&port, &mut message);
    let replies = task.allocate().unwrap();
    for n in 0..200 {
        if n == 100 {
            machd.kill();
        }
        to_child.send(Message::new(n, b"ask").reply_to(replies.make_send_once())).unwrap();
        replies.receive(&mut message).unwrap();
        assert_eq!(message.id(), n);
    }
    assert!(matches!(task.look_up("anything"), Err(AuthorityError::Gone)));
    // The kernel still tells of deaths, on a slow tick.
    port.request_no_senders(0, &port);
    to_child.send(Message::new(0, b"no reply: wait to be killed")).unwrap();
    peer.kill();
    expect_no_senders(&port);
    std::fs::remove_dir_all(folder).unwrap();
}

fn connect(path: &std::path::Path) -> std::os::fd::OwnedFd {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
    let address = SocketAddrUnix::new(path).unwrap();
    loop {
        let socket =
            socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        match connect(socket.as_fd(), &address) {
            Ok(()) => return socket,
            Err(_) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

#[test]
fn silent_connections_keep_nobody_out() {
    let authority = Embedded::start().unwrap();
    let silent: Vec<_> = (0..400).map(|_| authority.connect().unwrap()).collect();
    let (task, _) = Task::attach_to(authority.connect().unwrap(), &Options::default()).unwrap();
    task.check_in("served").unwrap();
    // The first ones were shed: their socket has hung up.
    let mut byte = [0];
    assert_eq!(rustix::io::read(&silent[0], &mut byte), Ok(0));
}

/// A holder that never sent anything has no link here: it is found by what the authority told of it.
#[test]
fn one_who_never_sent_is_revoked_too() {
    const TEST: &str = "one_who_never_sent_is_revoked_too";
    if role().is_some() {
        let (_task, parent) = child();
        std::thread::sleep(Duration::from_millis(300));
        // What it sends before it hears of that is destroyed.
        let failure = loop {
            if let Err(refused) = parent.send(Message::new(2, b"more")) {
                break refused.failure();
            }
        };
        assert_eq!(failure, SendFailure::Revoked);
        return;
    }
    let task = attached();
    let port = task.allocate().unwrap();
    let mut peer = spawn(TEST, "child", task.prepare_child(&port).unwrap());
    let own = task.identity();
    let holder = shm_mach::Identity { pid: peer.0.id(), ..own };
    while !port.revoke(holder) {
        std::thread::sleep(Duration::from_millis(5)); // until it has attached
    }
    let mut message = Received::new();
    while peer.0.try_wait().unwrap().is_none() {
        let soon = Deadline::after(Duration::from_millis(20));
        assert!(port.receive_deadline(&mut message, soon).is_err(), "{message:?}");
    }
    peer.finish();
}
