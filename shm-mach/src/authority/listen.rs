//! Where an authority listens.

use std::io::{Error, ErrorKind, Result};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::net::sockopt::{socket_acceptconn, socket_type};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
};

use crate::authority::{Policy, Server};
use crate::segment::inherit::inherited;
use crate::wire::place::{SYSTEM_PATH, user_path};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 128;

fn seqpacket() -> Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

/// Listens at a path, which every user may connect to. A socket that a dead authority left there is
/// replaced; its folder is made if it is not there.
///
/// # Errors
/// `AddrInUse` when an authority listens there already, else what the kernel says.
pub fn at_path(path: &Path) -> Result<OwnedFd> {
    let address = SocketAddrUnix::new(path)?;
    if let Some(folder) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    }
    let socket = seqpacket()?;
    match bind(&socket, &address) {
        Err(Errno::ADDRINUSE) => {
            if connect(seqpacket()?, &address) != Err(Errno::CONNREFUSED) {
                return Err(Error::new(ErrorKind::AddrInUse, format!("{} is in use", path.display())));
            }
            std::fs::remove_file(path)?;
            bind(&socket, &address)?;
        }
        other => other?,
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))?;
    listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// A listening socket that this process was started with, such as by systemd.
///
/// # Errors
/// `InvalidInput` when descriptor `number` is not a listening seqpacket socket.
pub fn at_descriptor(number: i32) -> Result<OwnedFd> {
    let what = || {
        Error::new(ErrorKind::InvalidInput, format!("descriptor {number} is no listening seqpacket socket"))
    };
    let socket = inherited(number).ok_or_else(what)?;
    let is_ours = socket_type(&socket) == Ok(SocketType::SEQPACKET) && socket_acceptconn(&socket) == Ok(true);
    if !is_ours {
        return Err(what());
    }
    rustix::io::ioctl_fionbio(&socket, true)?;
    Ok(socket)
}

/// The first descriptor that systemd passed to this process, if it did.
pub fn activated() -> Option<i32> {
    let variable = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
    let is_for_us = variable("LISTEN_PID") == Some(std::process::id());
    (is_for_us && variable("LISTEN_FDS")? >= 1).then_some(3)
}

/// Where an authority listens that is told nothing: the system's place for root, else the user's.
pub fn default_path() -> PathBuf {
    if rustix::process::geteuid().is_root() { PathBuf::from(SYSTEM_PATH) } else { user_path() }
}

/// An authority on a thread of this process, for programs that bring their own and for tests. It
/// serves until the process ends.
#[derive(Debug)]
pub struct Embedded {
    address: SocketAddrUnix,
    policy: Policy,
}

impl Embedded {
    /// Starts it. It listens in no file system; tasks connect through this value, children by
    /// [`Task::prepare_child`](crate::Task::prepare_child).
    ///
    /// # Errors
    /// What the kernel says.
    pub fn start() -> Result<Self> {
        let unique = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), std::process::id());
        let name = format!("shm-mach/{}/{unique:016x}", std::process::id());
        let address = SocketAddrUnix::new_abstract_name(name.as_bytes())?;
        let socket = seqpacket()?;
        bind(&socket, &address)?;
        listen(&socket, BACKLOG)?;
        let mut server = Server::new(Some(socket));
        let policy = server.policy()?;
        std::thread::Builder::new().name("authority".to_owned()).spawn(move || {
            if let Err(error) = server.run() {
                eprintln!("the embedded authority has ended: {error}");
            }
        })?;
        Ok(Self { address, policy })
    }

    /// The hand by which this program can have the authority end rights.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// A connection to attach by.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn connect(&self) -> Result<OwnedFd> {
        let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        connect(&socket, &self.address)?;
        Ok(socket)
    }
}
