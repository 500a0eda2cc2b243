//! An authority on a thread of this process, for a program that finds none.
//!
//! The thread keeps its descriptors to itself. A forked child would inherit them else, and keep sockets
//! open over the end of this process: nobody would see that the authority is dead.

use std::io::{Error, Result};
use std::os::fd::OwnedFd;
use std::sync::mpsc::channel;

use mach::authority::Server;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 128;

/// Where it is found, by this process and its forked children.
#[derive(Debug)]
pub(crate) struct Home {
    address: SocketAddrUnix,
}

impl Home {
    /// Starts it. It serves until the process ends.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn start() -> Result<&'static Self> {
        let unique = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), std::process::id());
        let name = format!("shm-mach/{}/{unique:016x}", std::process::id());
        let address = SocketAddrUnix::new_abstract_name(name.as_bytes())?;
        let (tell, told) = channel();
        let place = address.clone();
        std::thread::Builder::new().name("authority".to_owned()).spawn(move || {
            keep_descriptors_apart();
            let listening = listen_at(&place);
            let server = listening.map(|socket| Server::new(Some(socket)));
            match server {
                Ok(server) => {
                    let _ = tell.send(Ok(()));
                    // Its end is seen by the tasks that are attached to it.
                    let _ = server.run();
                }
                Err(error) => drop(tell.send(Err(error))),
            }
        })?;
        told.recv().unwrap_or_else(|_| Err(Error::other("the authority's thread has ended")))?;
        Ok(Box::leak(Box::new(Self { address })))
    }

    /// A connection to attach by.
    ///
    /// # Errors
    /// What the kernel says: its process is dead.
    pub(crate) fn connect(&self) -> Result<OwnedFd> {
        let socket = new_socket(SocketFlags::CLOEXEC)?;
        connect(&socket, &self.address)?;
        Ok(socket)
    }
}

fn new_socket(flags: SocketFlags) -> Result<OwnedFd> {
    Ok(socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

fn listen_at(address: &SocketAddrUnix) -> Result<OwnedFd> {
    let socket = new_socket(SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
    bind(&socket, address)?;
    listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// Gives the calling thread a table of descriptors of its own, with nothing in it but the null device
/// where others have their standard streams. Where the kernel refuses that, it shares the process's.
fn keep_descriptors_apart() {
    // SAFETY: bounds: no memory is passed. Life: the thread has just begun and owns no descriptor, and
    // those of the other threads stay open in the table that they share without it. Peer: descriptors are
    // private to the process.
    let result = unsafe { libc::syscall(libc::SYS_close_range, 0, u32::MAX, libc::CLOSE_RANGE_UNSHARE) };
    if result == 0 {
        for _ in 0..3 {
            // Kept open for good. Without the device a message of a panic may go to a client, which then
            // knows that this is no authority.
            std::mem::forget(std::fs::OpenOptions::new().read(true).write(true).open("/dev/null"));
        }
    }
}
