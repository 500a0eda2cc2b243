//! What a sandboxed process must not succeed with. The client makes the same attempts, to show that
//! they do succeed outside.

use std::ffi::OsString;
use std::fs::File;
use std::io::Error;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

use rustix::fs::{Mode, OFlags};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
};
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};
use shm_mach::Task;

use crate::protocol::Tried;

/// One thing to try.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Attempt {
    /// Open a file, by its absolute path.
    Open(Vec<u8>),
    /// Connect to a TCP port.
    Tcp(SocketAddr),
    /// Connect to the abstract address that the authority listens at.
    Authority(String),
    /// Connect to a unix socket by a path.
    Unix(String),
    /// Send a signal (0: none, but ask whether one could) to the server's process.
    Signal(u32),
    /// Ask the authority for a right to the server.
    LookUp(String),
}

impl std::fmt::Display for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Open(path) => write!(f, "open {}", String::from_utf8_lossy(path).escape_debug()),
            Self::Tcp(address) => write!(f, "connect to tcp {address}"),
            Self::Authority(_) => f.write_str("connect to the authority's address"),
            Self::Unix(_) => f.write_str("connect to a unix socket by path"),
            Self::Signal(_) => f.write_str("signal the server's process"),
            Self::LookUp(name) => write!(f, "look up \"{name}\""),
        }
    }
}

impl Attempt {
    fn make(&self, task: Option<&Task>) -> Result<(), Error> {
        match self {
            Self::Open(path) => File::open(OsString::from_vec(path.clone())).map(drop),
            Self::Tcp(address) => TcpStream::connect(address).map(drop),
            Self::Authority(name) => {
                let address = SocketAddrUnix::new_abstract_name(name.as_bytes())?;
                Ok(connect(unix(SocketType::SEQPACKET)?, &address)?)
            }
            Self::Unix(path) => Ok(connect(unix(SocketType::STREAM)?, &SocketAddrUnix::new(path.as_str())?)?),
            Self::Signal(pid) => {
                let pid = i32::try_from(*pid).ok().and_then(Pid::from_raw);
                Ok(test_kill_process(pid.ok_or(std::io::ErrorKind::InvalidInput)?)?)
            }
            Self::LookUp(name) => {
                let task = task.ok_or(std::io::ErrorKind::NotConnected)?;
                task.look_up(name).map(drop).map_err(Error::other)
            }
        }
    }
}

/// Makes all attempts, one after the other.
pub(crate) fn make_all(list: Vec<Attempt>, task: Option<&Task>) -> Vec<Tried> {
    list.into_iter()
        .map(|attempt| {
            let refused = attempt.make(task).err().map(|error| error.to_string());
            Tried { attempt, refused }
        })
        .collect()
}

fn unix(kind: SocketType) -> std::io::Result<OwnedFd> {
    Ok(socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?)
}

/// Sockets that take every connection, for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Decoys {
    tcp: TcpListener,
    _unix: OwnedFd,
    /// The unix socket's place in the file system, which has no name there any more.
    place: OwnedFd,
}

impl Decoys {
    pub(crate) fn open() -> std::io::Result<Self> {
        let tcp = TcpListener::bind("127.0.0.1:0")?;
        let socket = unix(SocketType::STREAM)?;
        let name = format!("shm-mach-delegate-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        bind(&socket, &SocketAddrUnix::new(&path)?)?;
        let place = rustix::fs::open(&path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        // It is reached through this process's descriptor, so that no file is ever left behind.
        std::fs::remove_file(&path)?;
        listen(&socket, 16)?;
        Ok(Self { tcp, _unix: socket, place: place? })
    }

    /// The attempts that these sockets are for.
    pub(crate) fn attempts(&self) -> std::io::Result<[Attempt; 2]> {
        let place = format!("/proc/{}/fd/{}", std::process::id(), self.place.as_raw_fd());
        Ok([Attempt::Tcp(self.tcp.local_addr()?), Attempt::Unix(place)])
    }
}
