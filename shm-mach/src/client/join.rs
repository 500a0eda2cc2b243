//! Two processes joined by a bare socket: no authority, one link, one port each way.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use futex::Deadline;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, pidfd_open};

use crate::client::half::{BadHalf, OwnHalf, PeerHalf, features_of};
use crate::client::held::Target;
use crate::client::identity::Identity;
use crate::client::link::{Link, Watch};
use crate::client::receive_right::ReceiveRight;
use crate::client::send_right::SendRight;
use crate::client::task::{Options, Task};
use crate::ipc::NameTable;
use crate::segment::socket::{self, Credentials};
use crate::wire::hello::{BadHello, ECHO_BYTES, HELLO_BYTES, Hello, echo};
use crate::wire::request::{PAIRED, PortRef};

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
    /// The peer has not joined before the deadline.
    #[error("the peer has not joined before the deadline")]
    TimedOut,
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
    join_deadline(socket, options, Deadline::NEVER)
}

/// Joins as [`join`] does, and waits for the other side until `deadline`.
///
/// # Errors
/// As [`join`], and [`JoinError::TimedOut`]; the socket is then closed, and the other side, if it joins
/// later, finds it hung up.
pub fn join_deadline(socket: OwnedFd, options: &Options, deadline: Deadline) -> Result<Joined, JoinError> {
    let task = Task::new(*options, None, NameTable::create(options.names + 1)?)?;
    socket::pass_credentials(&socket)?;
    let (own, fd) = OwnHalf::create(options.geometry, task.inner.gate)?;
    let receive = task.allocate().map_err(|_| Errno::NOMEM)?; // a new task has room, if there is memory
    let nonce = task.inner.next_secret();
    let features = features_of(task.inner.gate);
    let port = receive.port();
    let hello = Hello { features, nonce, port: port.index, limit: options.limit, key: port.key };
    send(&socket, &hello.encode(), Some(&fd))?;
    drop(fd);

    let (theirs, fd, peer) = receive_hello(&socket, deadline)?;
    let half = PeerHalf::adopt(&fd)?;
    let process = match pidfd_open(peer_pid(peer)?, PidfdFlags::empty()) {
        Err(Errno::SRCH) => return Err(JoinError::HungUp), // it has died since it sent its half
        other => other?,
    };
    send(&socket, &echo(theirs.nonce), None)?;
    receive_echo(&socket, nonce, peer, deadline)?;
    // The echo came from a process with that pid, after the pidfd was opened: it is that process,
    // unless it has died since.
    let gate = task.inner.gate.agreed(half.gate);
    let number = task.inner.next_link();
    let watch = Watch::Pair { process, socket };
    let link = Arc::new(Link::new(number, PAIRED | number, peer, own, gate, watch));
    link.complete(half);
    if link.has_died() {
        return Err(JoinError::HungUp);
    }
    port.mint(link.task);
    task.inner.add_link(link.clone());
    let to = PortRef { port: theirs.port, epoch: 0, key: theirs.key, limit: theirs.limit };
    let send = task.inner.take_in(Target::linked(link, to)).map_err(|_| Errno::NOMEM)?;
    receive.request_no_senders(0, &receive);
    Ok(Joined { task, receive, send, peer })
}

fn peer_pid(peer: Identity) -> Result<rustix::process::Pid, JoinError> {
    i32::try_from(peer.pid).ok().and_then(rustix::process::Pid::from_raw).ok_or(JoinError::Invisible)
}

fn send(to: &OwnedFd, bytes: &[u8], fd: Option<&OwnedFd>) -> Result<(), JoinError> {
    match socket::send(to, bytes, fd.map(AsFd::as_fd), true) {
        Err(Errno::PIPE | Errno::CONNRESET) => Err(JoinError::HungUp),
        other => Ok(other?),
    }
}

/// One message with the process that sent it, and the descriptors it carried.
fn receive(
    from: &OwnedFd,
    bytes: &mut [u8],
    deadline: Deadline,
) -> Result<(usize, Identity, Vec<OwnedFd>), JoinError> {
    let datagram = loop {
        match socket::receive(from, bytes, false) {
            Err(Errno::CONNRESET) => return Err(JoinError::HungUp),
            Err(Errno::AGAIN) if deadline.has_passed() => return Err(JoinError::TimedOut),
            Err(Errno::AGAIN) => wait_until_readable(from, deadline)?,
            other => break other?,
        }
    };
    if datagram.length == 0 {
        return Err(JoinError::HungUp);
    }
    let Credentials { pid, uid, gid } = datagram.from.ok_or(JoinError::Invisible)?;
    Ok((datagram.length, Identity { pid, uid, gid }, datagram.fds))
}

/// Waits for something to read, a signal, or the deadline.
fn wait_until_readable(socket: &OwnedFd, deadline: Deadline) -> Result<(), JoinError> {
    let timeout = deadline.remaining().map(|left| Timespec {
        tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: left.subsec_nanos().into(),
    });
    match poll(&mut [PollFd::new(socket, PollFlags::IN)], timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

fn receive_hello(socket: &OwnedFd, deadline: Deadline) -> Result<(Hello, OwnedFd, Identity), JoinError> {
    let mut bytes = [0; HELLO_BYTES];
    let (length, peer, mut fds) = receive(socket, &mut bytes, deadline)?;
    let hello = Hello::decode(&bytes[..length])?;
    match (fds.len(), fds.pop()) {
        (1, Some(fd)) => Ok((hello, fd, peer)),
        (count, _) => Err(JoinError::Descriptors { count }),
    }
}

fn receive_echo(socket: &OwnedFd, nonce: u64, peer: Identity, deadline: Deadline) -> Result<(), JoinError> {
    let mut bytes = [0; ECHO_BYTES];
    let (length, from, _) = receive(socket, &mut bytes, deadline)?;
    if from != peer || bytes[..length] != echo(nonce) {
        return Err(JoinError::Changed);
    }
    Ok(())
}
