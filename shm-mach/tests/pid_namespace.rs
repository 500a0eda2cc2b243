//! A process that is not visible in one's pid namespace: the kernel says pid 0 of it, and its death could
//! not be seen. So it is refused.

mod common;

use std::os::fd::OwnedFd;

use common::watchdog::Watchdog;
use common::{inherited, role, sockets, spawn, sys};
use shm_mach::authority::Server;
use shm_mach::segment::socket::{pass_credentials, receive, send};
use shm_mach::{AuthorityError, JoinError, Options, Task, join};

/// Runs `inner` in a process of a pid namespace of its own, which ends well if that says yes, and `outer`
/// here, each with one end of a socket.
fn apart(test: &'static str, inner: impl FnOnce(OwnedFd) -> bool, outer: impl FnOnce(OwnedFd)) {
    if role().is_some() {
        let socket = inherited();
        let code = sys::in_pid_namespace(move || i32::from(!inner(socket)));
        return assert_eq!(code, 0, "in the namespace");
    }
    if !sys::has_pid_namespaces() {
        return eprintln!("no pid namespace can be made here: not tested");
    }
    let _watchdog = Watchdog::start(test, 60);
    let (ours, theirs) = sockets();
    let peer = spawn(test, "inner", theirs);
    outer(ours);
    peer.finish();
}

/// Fails if what the kernel says becomes anything else on its way here.
#[test]
fn a_process_that_is_not_visible_has_pid_0() {
    let inner = |socket| {
        pass_credentials(&socket).unwrap();
        let mut bytes = [0; 8];
        let datagram = receive(&socket, &mut bytes, true).unwrap();
        let from = datagram.from.expect("the socket passes credentials");
        (datagram.length, from.pid, std::process::id()) == (5, 0, 1)
    };
    let outer = |socket| send(&socket, b"hello", None, true).unwrap();
    apart("a_process_that_is_not_visible_has_pid_0", inner, outer);
}

/// Fails if a task is joined whose death could never be seen.
#[test]
fn one_that_is_not_visible_is_not_joined() {
    let inner = |socket| matches!(join(socket, &Options::default()), Err(JoinError::Invisible));
    let outer = |socket| {
        let refused = join(socket, &Options::default()).unwrap_err();
        assert!(matches!(refused, JoinError::HungUp), "{refused}");
    };
    apart("one_that_is_not_visible_is_not_joined", inner, outer);
}

/// Fails if an authority takes such a process for a task.
#[test]
fn an_authority_refuses_one_that_is_not_visible() {
    let inner = |socket| {
        let mut server = Server::new(None);
        server.adopt(socket).unwrap();
        server.run().is_ok() // until the connection has ended
    };
    let outer = |socket| {
        let refused = Task::attach_to(socket, &Options::default()).unwrap_err();
        assert!(matches!(refused, AuthorityError::Gone), "{refused}");
    };
    apart("an_authority_refuses_one_that_is_not_visible", inner, outer);
}
