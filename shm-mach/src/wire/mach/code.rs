//! What `mach_msg` returns.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// `mach_msg_return_t`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code(u32);

impl Code {
    /// `MACH_MSG_SUCCESS`.
    pub const SUCCESS: Self = Self(0);
    /// `MACH_SEND_INVALID_DATA`: the message cannot be read.
    pub const SEND_INVALID_DATA: Self = Self(0x1000_0002);
    /// `MACH_SEND_INVALID_DEST`.
    pub const SEND_INVALID_DEST: Self = Self(0x1000_0003);
    /// `MACH_SEND_TIMED_OUT`: the queue was full; the message came back.
    pub const SEND_TIMED_OUT: Self = Self(0x1000_0004);
    /// `MACH_SEND_INVALID_VOUCHER`.
    pub const SEND_INVALID_VOUCHER: Self = Self(0x1000_0005);
    /// `MACH_SEND_INTERRUPTED`: the message came back.
    pub const SEND_INTERRUPTED: Self = Self(0x1000_0007);
    /// `MACH_SEND_MSG_TOO_SMALL`.
    pub const SEND_MSG_TOO_SMALL: Self = Self(0x1000_0008);
    /// `MACH_SEND_INVALID_REPLY`.
    pub const SEND_INVALID_REPLY: Self = Self(0x1000_0009);
    /// `MACH_SEND_INVALID_RIGHT`: of a right in the body.
    pub const SEND_INVALID_RIGHT: Self = Self(0x1000_000a);
    /// `MACH_SEND_INVALID_NOTIFY`; not used any more.
    pub const SEND_INVALID_NOTIFY: Self = Self(0x1000_000b);
    /// `MACH_SEND_INVALID_MEMORY`: of a region out of line.
    pub const SEND_INVALID_MEMORY: Self = Self(0x1000_000c);
    /// `MACH_SEND_NO_BUFFER`.
    pub const SEND_NO_BUFFER: Self = Self(0x1000_000d);
    /// `MACH_SEND_TOO_LARGE`.
    pub const SEND_TOO_LARGE: Self = Self(0x1000_000e);
    /// `MACH_SEND_INVALID_TYPE`: of a descriptor.
    pub const SEND_INVALID_TYPE: Self = Self(0x1000_000f);
    /// `MACH_SEND_INVALID_HEADER`.
    pub const SEND_INVALID_HEADER: Self = Self(0x1000_0010);
    /// `MACH_SEND_INVALID_TRAILER`; not used any more.
    pub const SEND_INVALID_TRAILER: Self = Self(0x1000_0011);
    /// `MACH_SEND_INVALID_CONTEXT`.
    pub const SEND_INVALID_CONTEXT: Self = Self(0x1000_0012);
    /// `MACH_SEND_INVALID_OPTIONS`.
    pub const SEND_INVALID_OPTIONS: Self = Self(0x1000_0013);
    /// `MACH_SEND_NO_GRANT_DEST`: the port takes no rights in a body.
    pub const SEND_NO_GRANT_DEST: Self = Self(0x1000_0016);
    /// `MACH_SEND_MSG_FILTERED`.
    pub const SEND_MSG_FILTERED: Self = Self(0x1000_0017);
    /// `MACH_SEND_AUX_TOO_SMALL`.
    pub const SEND_AUX_TOO_SMALL: Self = Self(0x1000_0018);
    /// `MACH_SEND_AUX_TOO_LARGE`.
    pub const SEND_AUX_TOO_LARGE: Self = Self(0x1000_0019);

    /// `MACH_RCV_INVALID_NAME`.
    pub const RCV_INVALID_NAME: Self = Self(0x1000_4002);
    /// `MACH_RCV_TIMED_OUT`.
    pub const RCV_TIMED_OUT: Self = Self(0x1000_4003);
    /// `MACH_RCV_TOO_LARGE`.
    pub const RCV_TOO_LARGE: Self = Self(0x1000_4004);
    /// `MACH_RCV_INTERRUPTED`.
    pub const RCV_INTERRUPTED: Self = Self(0x1000_4005);
    /// `MACH_RCV_PORT_CHANGED`: the right moved or died while it was waited on.
    pub const RCV_PORT_CHANGED: Self = Self(0x1000_4006);
    /// `MACH_RCV_INVALID_NOTIFY`; not used any more.
    pub const RCV_INVALID_NOTIFY: Self = Self(0x1000_4007);
    /// `MACH_RCV_INVALID_DATA`: the buffer cannot hold even the shortest result.
    pub const RCV_INVALID_DATA: Self = Self(0x1000_4008);
    /// `MACH_RCV_PORT_DIED`; of other systems.
    pub const RCV_PORT_DIED: Self = Self(0x1000_4009);
    /// `MACH_RCV_IN_SET`; of other systems.
    pub const RCV_IN_SET: Self = Self(0x1000_400a);
    /// `MACH_RCV_HEADER_ERROR`: with bits of [`Special`].
    pub const RCV_HEADER_ERROR: Self = Self(0x1000_400b);
    /// `MACH_RCV_BODY_ERROR`: with bits of [`Special`].
    pub const RCV_BODY_ERROR: Self = Self(0x1000_400c);
    /// `MACH_RCV_INVALID_TYPE`.
    pub const RCV_INVALID_TYPE: Self = Self(0x1000_400d);
    /// `MACH_RCV_SCATTER_SMALL`.
    pub const RCV_SCATTER_SMALL: Self = Self(0x1000_400e);
    /// `MACH_RCV_INVALID_TRAILER`.
    pub const RCV_INVALID_TRAILER: Self = Self(0x1000_400f);
    /// `MACH_RCV_INVALID_REPLY`.
    pub const RCV_INVALID_REPLY: Self = Self(0x1000_4012);
    /// `MACH_RCV_INVALID_ARGUMENTS`.
    pub const RCV_INVALID_ARGUMENTS: Self = Self(0x1000_4013);

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// With bits that say what could not be handed over.
    pub const fn with(self, special: Special) -> Self {
        Self(self.0 | special.0)
    }

    /// The bits that say what could not be handed over.
    pub const fn special(self) -> Special {
        Special(self.0 & Special::MASK)
    }

    /// Without those bits.
    pub const fn plain(self) -> Self {
        Self(self.0 & !Special::MASK)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({:#010x})", self.0)
    }
}

/// What of a message could not be handed over. It is told beside the error; the name is NULL then,
/// or the address 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Special(u32);

impl Special {
    /// `MACH_MSG_MASK`: where these bits are in a code.
    pub const MASK: u32 = 0x3e00;
    /// Everything was handed over.
    pub const NONE: Self = Self(0);
    /// `MACH_MSG_IPC_SPACE`: no name was left.
    pub const IPC_SPACE: Self = Self(0x2000);
    /// `MACH_MSG_VM_SPACE`: no address was left.
    pub const VM_SPACE: Self = Self(0x1000);
    /// `MACH_MSG_IPC_KERNEL`: no memory was left for a right.
    pub const IPC_KERNEL: Self = Self(0x0800);
    /// `MACH_MSG_VM_KERNEL`: no memory was left for a region. Alone, it is the code of a send that
    /// failed for this.
    pub const VM_KERNEL: Self = Self(0x0400);

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl BitOr for Special {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Special {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}
