//! recvmsg(2), with the descriptors and the credentials that come beside the bytes.
//!
//! The kernel tells pid 0 of a process that is not visible in the receiver's pid namespace. The safe
//! wrapper at hand has a pid type without a zero, and would make such a value; here it is a number.

use std::io::IoSliceMut;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use rustix::io::Errno;

use super::socket::{Credentials, Datagram};

/// Descriptors of one datagram that there is room for; the kernel closes the rest.
const FDS: usize = 4;
/// Room for them and for credentials, in words, which are aligned as the kernel's headers are.
const ROOM: usize = 16;

/// What data of so many bytes takes with its header.
const fn needed(bytes: usize) -> usize {
    // SAFETY: no memory is touched: it computes a size.
    unsafe { libc::CMSG_SPACE(bytes as u32) as usize }
}

const _: () = {
    let all = needed(FDS * size_of::<RawFd>()) + needed(size_of::<libc::ucred>());
    assert!(all <= ROOM * size_of::<u64>() && align_of::<u64>() >= align_of::<libc::cmsghdr>());
};

/// Receives one datagram. Descriptors are close-on-exec.
pub(super) fn receive(socket: BorrowedFd<'_>, bytes: &mut [u8], wait: bool) -> Result<Datagram, Errno> {
    let mut room = [MaybeUninit::<u64>::zeroed(); ROOM];
    let mut slices = [IoSliceMut::new(bytes)];
    // SAFETY: zero is a value of each of its fields: numbers and pointers.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = slices.as_mut_ptr().cast();
    message.msg_iovlen = 1;
    message.msg_control = room.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&room) as _;
    let flags = libc::MSG_CMSG_CLOEXEC | if wait { 0 } else { libc::MSG_DONTWAIT };
    let length = loop {
        // SAFETY: bounds and life: `message` names `bytes` and `room`, with their lengths, and both are
        // borrowed for the call; IoSliceMut is an iovec by its own promise. Peer: the kernel copies.
        let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, flags) };
        match usize::try_from(length) {
            Ok(length) => break length,
            Err(_) => match Errno::from_io_error(&std::io::Error::last_os_error()) {
                Some(Errno::INTR) => {}
                errno => return Err(errno.unwrap_or(Errno::IO)),
            },
        }
    };
    let mut datagram = Datagram { length, from: None, fds: Vec::new() };
    // SAFETY: bounds: `message` is as the kernel left it, with the part of `room` that it has filled.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(&raw const message) };
    while !next.is_null() {
        // SAFETY: bounds: not null, so a whole header lies in the filled part of `room`, aligned as
        // `u64` is. Life: `room` lives. Peer: the kernel has written it, and nobody else can.
        let header = unsafe { *next };
        // SAFETY: as above: the data follows the header.
        let data = unsafe { libc::CMSG_DATA(next) };
        // SAFETY: no memory is touched.
        let before = unsafe { libc::CMSG_LEN(0) } as usize;
        let length = (header.cmsg_len as usize).saturating_sub(before);
        if header.cmsg_level == libc::SOL_SOCKET {
            // SAFETY: bounds: `length` bytes of data lie in `room`, as the kernel says in the header.
            let data = unsafe { std::slice::from_raw_parts(data, length) };
            take(header.cmsg_type, data, &mut datagram);
        }
        // SAFETY: as for the first: it is null, or lies in the filled part of `room`.
        next = unsafe { libc::CMSG_NXTHDR(&raw const message, next) };
    }
    Ok(datagram)
}

/// What the kernel says in one header's data.
fn take(kind: i32, data: &[u8], into: &mut Datagram) {
    let (numbers, _) = data.as_chunks::<4>();
    match kind {
        libc::SCM_RIGHTS => {
            let fds = numbers.iter().map(|number| RawFd::from_ne_bytes(*number));
            // SAFETY: the kernel has just made these descriptors for this process, and nobody else
            // knows them.
            into.fds.extend(fds.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
        }
        libc::SCM_CREDENTIALS => {
            if let [pid, uid, gid] = numbers {
                let number = |bytes: &[u8; 4]| u32::from_ne_bytes(*bytes);
                into.from = Some(Credentials { pid: number(pid), uid: number(uid), gid: number(gid) });
            }
        }
        _ => {}
    }
}
