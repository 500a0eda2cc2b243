//! Two real processes for a test: the test itself, and a child that runs the same test function with
//! its end of a socket as standard input.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod bare;
pub(crate) mod census;
pub(crate) mod machd;
pub(crate) mod meet;
pub(crate) mod random;
pub(crate) mod raw;
#[allow(unsafe_code, reason = "the system calls that no safe crate wraps")]
pub(crate) mod sys;
pub(crate) mod trace;
pub(crate) mod watchdog;

use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

const ROLE: &str = "SHM_MACH_TEST_CHILD";

/// A pair of connected sockets.
pub(crate) fn sockets() -> (OwnedFd, OwnedFd) {
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap()
}

/// The role of this process, if it is a child: what was passed to [`spawn`].
pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// In a child: its end of the socket. It does not outlive the test, however that ends.
pub(crate) fn inherited() -> OwnedFd {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).unwrap();
    rustix::io::fcntl_dupfd_cloexec(std::io::stdin().as_fd(), 3).unwrap()
}

/// A child that is killed when the test ends.
pub(crate) struct Peer(pub(crate) Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Peer {
    /// Waits for the child to end by itself, successfully.
    pub(crate) fn finish(mut self) {
        let status = self.0.wait().unwrap();
        assert!(status.success(), "the child failed: {status}");
    }

    /// Its process.
    pub(crate) fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.0)
    }

    /// SIGKILL, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Runs the test function `test` of this test binary in a child, as `role`.
pub(crate) fn spawn(test: &str, role: &str, socket: OwnedFd) -> Peer {
    start(test, role, socket, Stdio::null())
}

/// The same; the child's standard output is `note`, which outlives it.
pub(crate) fn spawn_noting(test: &str, role: &str, socket: OwnedFd, note: OwnedFd) -> Peer {
    start(test, role, socket, Stdio::from(note))
}

fn start(test: &str, role: &str, socket: OwnedFd, output: Stdio) -> Peer {
    let child = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .stdin(Stdio::from(socket))
        .stdout(output)
        .spawn()
        .unwrap();
    Peer(child)
}
