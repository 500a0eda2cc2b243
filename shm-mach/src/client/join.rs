//! Two processes joined by a bare socket: no authority, one link, one port each way.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use futex::Gate;
use rustix::io::Errno;
use rustix::net::sockopt::set_socket_passcred;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, UCred, recvmsg, sendmsg,
};
use rustix::process::{PidfdFlags, pidfd_open};

use crate::client::half::{BadHalf, OwnHalf, PeerHalf};
use crate::client::identity::Identity;
use crate::client::link::{Link, RemotePort, Watch};
use crate::client::receive_right::ReceiveRight;
use crate::client::send_right::SendRight;
use crate::client::task::{Options, Task};
use crate::ring::layout::FEATURE_MEMBARRIER;
use crate::wire::hello::{BadHello, ECHO_BYTES, HELLO_BYTES, Hello, echo};

/// Why two processes could not join.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The kernel refused something.
    #[error("cannot join: {0}")]
    Kernel(#[from] std::io::Error),
    /// The peer hung up before it had joined.
    #[error("the peer hung up before it had joined")]
    HungUp,
    /// The peer's message was not understood.
    #[error("cannot join: {0}")]
    Hello(#[from] BadHello),
    /// The peer's half was refused.
    #[error("cannot join: {0}")]
    Half(#[from] BadHalf),
    /// The peer sent no file descriptor, or more than one.
    #[error("the peer sent {count} file descriptors, expected one")]
    Descriptors {
        /// How many came.
        count: usize,
    },
    /// The kernel told no credentials of the peer, or a pid that is not visible here: the peer is in
    /// another pid namespace, and its death could not be seen.
    #[error("the peer's process is not visible from this pid namespace")]
    Invisible,
    /// The process that answered is not the one that sent the half.
    #[error("the peer changed while joining: another process holds its end of the socket")]
    Changed,
}

impl From<Errno> for JoinError {
    fn from(errno: Errno) -> Self {
        Self::Kernel(errno.into())
    }
}

/// What a process has after it has joined another.
#[derive(Debug)]
pub struct Joined {
    /// This process as a task.
    pub task: Task,
    /// The port that the peer can send to.
    pub receive: ReceiveRight,
    /// The right to send to the peer's port.
    pub send: SendRight,
    /// Who the peer is.
    pub peer: Identity,
}

/// Joins the process at the other end of `socket` (a Unix stream or seqpacket socket), which makes
/// the same call on its end. Waits until it has done so. Each side makes a port and gives the other
/// a send right to it; a [`Notification::NoSenders`](crate::Notification::NoSenders) comes on the
/// port when the other side has dropped its right or died.
///
/// Call it before the process has threads if there is a choice: registering for `membarrier` takes
/// the kernel 7 to 14 ms afterwards.
///
/// # Errors
/// [`JoinError`]; the socket is then closed.
pub fn join(socket: OwnedFd, options: &Options) -> Result<Joined, JoinError> {
    let task = Task::new(*options);
    set_socket_passcred(&socket, true)?;
    let (own, fd) = OwnHalf::create(options.geometry, task.inner.gate)?;
    let receive = task.allocate().expect("a new task has room for a port");
    let nonce = task.inner.next_secret();
    let features = if task.inner.gate == Gate::Asymmetric { FEATURE_MEMBARRIER } else { 0 };
    let port = receive.port();
    let hello = Hello { features, nonce, port: port.index, limit: options.limit, key: port.key };
    send(&socket, &hello.encode(), Some(&fd))?;
    drop(fd);

    let (theirs, fd, peer) = receive_hello(&socket)?;
    let half = PeerHalf::adopt(&fd)?;
    let process = pidfd_open(peer_pid(peer)?, PidfdFlags::empty())?;
    send(&socket, &echo(theirs.nonce), None)?;
    receive_echo(&socket, nonce, peer)?;
    // The echo came from a process with that pid, after the pidfd was opened: it is that process,
    // unless it has died since.
    let gate = task.inner.gate.agreed(half.gate);
    let link = Arc::new(Link::new(task.inner.next_link(), peer, own, half, gate, Watch { process, socket }));
    if link.has_died() {
        return Err(JoinError::HungUp);
    }
    task.inner.add_link(link.clone());
    port.mint(&link);
    let to = RemotePort { port: theirs.port, epoch: 0, key: theirs.key, limit: theirs.limit };
    let send = SendRight::remote(task.inner.clone(), link, to);
    receive.request_no_senders(0, &receive);
    Ok(Joined { task, receive, send, peer })
}

fn peer_pid(peer: Identity) -> Result<rustix::process::Pid, JoinError> {
    i32::try_from(peer.pid).ok().and_then(rustix::process::Pid::from_raw).ok_or(JoinError::Invisible)
}

/// Sends bytes with this process's credentials, and a file descriptor.
fn send(socket: &OwnedFd, bytes: &[u8], fd: Option<&OwnedFd>) -> Result<(), JoinError> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1), ScmCredentials(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let credentials = UCred {
        pid: rustix::process::getpid(),
        uid: rustix::process::geteuid(),
        gid: rustix::process::getegid(),
    };
    control.push(SendAncillaryMessage::ScmCredentials(credentials));
    let fds = fd.map(|fd| [fd.as_fd()]);
    if let Some(fds) = &fds {
        control.push(SendAncillaryMessage::ScmRights(fds));
    }
    loop {
        match sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL) {
            Ok(sent) if sent == bytes.len() => return Ok(()),
            Ok(_) => return Err(JoinError::HungUp),
            Err(Errno::INTR) => {}
            Err(Errno::PIPE | Errno::CONNRESET) => return Err(JoinError::HungUp),
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// One message with the credentials of the process that sent it, and the descriptors it carried.
fn receive(socket: &OwnedFd, bytes: &mut [u8]) -> Result<(usize, Identity, Vec<OwnedFd>), JoinError> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4), ScmCredentials(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        match recvmsg(socket, &mut [IoSliceMut::new(bytes)], &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            Err(Errno::CONNRESET) => return Err(JoinError::HungUp),
            other => break other?,
        }
    };
    let mut fds = Vec::new();
    let mut peer = None;
    for message in control.drain() {
        match message {
            RecvAncillaryMessage::ScmRights(rights) => fds.extend(rights),
            RecvAncillaryMessage::ScmCredentials(credentials) => {
                peer = Some(Identity {
                    pid: credentials.pid.as_raw_nonzero().get() as u32,
                    uid: credentials.uid.as_raw(),
                    gid: credentials.gid.as_raw(),
                });
            }
            _ => {}
        }
    }
    if received.bytes == 0 {
        return Err(JoinError::HungUp);
    }
    Ok((received.bytes, peer.ok_or(JoinError::Invisible)?, fds))
}

fn receive_hello(socket: &OwnedFd) -> Result<(Hello, OwnedFd, Identity), JoinError> {
    let mut bytes = [0; HELLO_BYTES];
    let (length, peer, mut fds) = receive(socket, &mut bytes)?;
    let hello = Hello::decode(&bytes[..length])?;
    match (fds.len(), fds.pop()) {
        (1, Some(fd)) => Ok((hello, fd, peer)),
        (count, _) => Err(JoinError::Descriptors { count }),
    }
}

fn receive_echo(socket: &OwnedFd, nonce: u64, peer: Identity) -> Result<(), JoinError> {
    let mut bytes = [0; ECHO_BYTES];
    let (length, from, _) = receive(socket, &mut bytes)?;
    if from != peer || bytes[..length] != echo(nonce) {
        return Err(JoinError::Changed);
    }
    Ok(())
}
