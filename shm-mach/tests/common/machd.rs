//! A `machd` of a test's own.

use std::os::fd::OwnedFd;
use std::process::Command;

use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
};

use super::{Peer, sys};

/// A `machd`, and where to connect to it.
pub(crate) struct Machd {
    pub(crate) process: Peer,
    pub(crate) address: SocketAddrUnix,
}

/// A socket that is not connected.
pub(crate) fn socket() -> OwnedFd {
    socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap()
}

impl Machd {
    /// Starts one; of the same process each has a number of its own.
    pub(crate) fn start(number: usize) -> Self {
        let name = format!("shm-mach-test/{}/{number}", std::process::id());
        let address = SocketAddrUnix::new_abstract_name(name.as_bytes()).unwrap();
        let listener = socket();
        bind(&listener, &address).unwrap();
        listen(&listener, 16).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_machd"));
        let process = sys::tied(command.arg("fd:0").stdin(listener)).spawn().unwrap();
        Self { process: Peer(process), address }
    }

    /// A connection to attach by.
    pub(crate) fn connect(&self) -> OwnedFd {
        connected(&self.address)
    }
}

/// A connection to whoever listens there.
pub(crate) fn connected(address: &SocketAddrUnix) -> OwnedFd {
    let socket = socket();
    connect(&socket, address).unwrap();
    socket
}
