//! Datagrams with file descriptors and attested credentials, over a Unix socket.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, UCred, sendmsg};

/// The process that sent a datagram, as the kernel attests it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Process id as seen from here; 0 when the process is not visible from this pid namespace.
    pub pid: u32,
    /// Effective user id, or one that the process may take on.
    pub uid: u32,
    /// Effective group id, or one that the process may take on.
    pub gid: u32,
}

/// What was received.
#[derive(Debug)]
pub struct Datagram {
    /// Bytes that were written into the buffer; 0: the peer has hung up.
    pub length: usize,
    /// Who sent it; `None` when the socket does not pass credentials.
    pub from: Option<Credentials>,
    /// The file descriptors that came with it, close-on-exec.
    pub fds: Vec<OwnedFd>,
}

/// Makes the socket tell who sent what is received from it.
///
/// # Errors
/// What the kernel says; not for a Unix socket.
pub fn pass_credentials(socket: impl AsFd) -> std::io::Result<()> {
    Ok(rustix::net::sockopt::set_socket_passcred(socket, true)?)
}

/// Sends `bytes` with this process's credentials and perhaps a file descriptor. With `wait` false a
/// full socket is the error `EAGAIN`. Never raises SIGPIPE.
///
/// # Errors
/// What the kernel says; `EPIPE` or `ECONNRESET` when the peer has hung up.
pub fn send(socket: impl AsFd, bytes: &[u8], fd: Option<BorrowedFd<'_>>, wait: bool) -> Result<(), Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1), ScmCredentials(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmCredentials(UCred {
        pid: rustix::process::getpid(),
        uid: rustix::process::geteuid(),
        gid: rustix::process::getegid(),
    }));
    let fds = fd.map(|fd| [fd]);
    if let Some(fds) = &fds {
        control.push(SendAncillaryMessage::ScmRights(fds));
    }
    let flags = if wait { SendFlags::NOSIGNAL } else { SendFlags::NOSIGNAL | SendFlags::DONTWAIT };
    loop {
        match sendmsg(socket.as_fd(), &[IoSlice::new(bytes)], &mut control, flags) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Receives one datagram into `bytes`. With `wait` false an empty socket is the error `EAGAIN`.
///
/// # Errors
/// What the kernel says.
pub fn receive(socket: impl AsFd, bytes: &mut [u8], wait: bool) -> Result<Datagram, Errno> {
    super::ancillary::receive(socket.as_fd(), bytes, wait)
}
