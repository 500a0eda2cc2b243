//! A file descriptor that this process was started with.

use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

use rustix::io::FdFlags;

/// A copy of the inherited descriptor `number`, which is itself made close-on-exec. `None` when
/// there is no such descriptor.
pub fn inherited(number: RawFd) -> Option<OwnedFd> {
    if number < 0 {
        return None;
    }
    // SAFETY: bounds: not -1, checked above. Life: the borrow ends with this function; if nobody has
    // this descriptor open, the calls below fail with EBADF, and if somebody else in this process
    // has, a copy of it harms nobody. Peer: descriptors are private to the process.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    rustix::io::fcntl_setfd(borrowed, FdFlags::CLOEXEC).ok()?;
    rustix::io::fcntl_dupfd_cloexec(borrowed, 3).ok()
}
