//! Who sent a message, as the kernel attests it.

/// Who a peer is. It comes from the memory that a message was read from, and from what the kernel
/// said of that memory's maker when the link was made; nothing in a message can change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Process id at the time of joining, as seen from this process's pid namespace.
    pub pid: u32,
    /// Effective user id at that time.
    pub uid: u32,
    /// Effective group id at that time.
    pub gid: u32,
}

impl Identity {
    /// The sender of notifications: the library itself, which plays the kernel's part. No task can
    /// send with this identity.
    pub const KERNEL: Self = Self { pid: 0, uid: 0, gid: 1 };

    /// This process.
    pub(crate) fn own() -> Self {
        Self {
            pid: rustix::process::getpid().as_raw_nonzero().get() as u32,
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
        }
    }
}
