//! A task without the library: it attaches and then says to the authority what it likes.

use std::os::fd::{AsFd, OwnedFd};

use rustix::net::sockopt::set_socket_passcred;
use shm_mach::segment::OwnSegment;
use shm_mach::wire::event::{Answer, Event};
use shm_mach::wire::request::{DATAGRAM_MAX, PROTOCOL, Request};

use super::raw::{receive, send};

/// An attached task; dead when dropped.
pub(crate) struct Bare {
    socket: OwnedFd,
    pub(crate) task: u64,
}

impl Bare {
    pub(crate) fn attach(socket: OwnedFd) -> Self {
        Self::attach_with(socket, &OwnSegment::create(4096).unwrap().into_read_only())
    }

    /// The same, with this file as its table of names.
    pub(crate) fn attach_with(socket: OwnedFd, names: &OwnedFd) -> Self {
        set_socket_passcred(&socket, true).unwrap();
        send(&socket, &Request::Hello { version: PROTOCOL, features: 0 }.encode(0), &[]);
        let Event::Challenge { nonce } = next(&socket) else { panic!("no challenge") };
        send(&socket, &Request::Echo { nonce }.encode(0), &[names.as_fd()]);
        let Event::Welcome { task, .. } = next(&socket) else { panic!("not welcome") };
        Self { socket, task }
    }

    /// Says something that is not answered.
    pub(crate) fn say(&self, request: &Request) {
        send(&self.socket, &request.encode(0), &[]);
    }

    /// Makes a half known to a task, and gives that task's. Its library must act on the introduction
    /// meanwhile: `until` it has.
    pub(crate) fn connect(&self, task: u64, half: &OwnedFd, mut until: impl FnMut()) -> OwnedFd {
        send(&self.socket, &Request::Connect { task }.encode(1), &[half.as_fd()]);
        loop {
            until();
            let mut bytes = [0; DATAGRAM_MAX];
            let (length, mut fds) = receive(&self.socket, &mut bytes);
            match Event::decode(&bytes[..length]).expect("the authority hung up") {
                Event::Accepted { .. } => return fds.pop().expect("with its half"),
                Event::Reply { answer, .. } => assert!(matches!(answer, Answer::Peer { .. }), "{answer:?}"),
                _ => {}
            }
        }
    }

    /// Asks, and gives the answer. Events that come before it are lost.
    pub(crate) fn ask(&self, request: &Request) -> Answer {
        self.say(request);
        self.hear(|event| match event {
            Event::Reply { answer, .. } => Some(answer),
            _ => None,
        })
    }

    /// Waits for an event.
    pub(crate) fn hear<T>(&self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(next(&self.socket)) {
                return found;
            }
        }
    }
}

fn next(socket: &OwnedFd) -> Event {
    let mut bytes = [0; DATAGRAM_MAX];
    let (length, _) = receive(socket, &mut bytes);
    Event::decode(&bytes[..length]).expect("the authority hung up")
}
