//! What the functions return: `kern_return_t`.

use mach::{AuthorityError, PortError};
use rustix::io::Errno;

/// A `kern_return_t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Code(pub(crate) i32);

impl Code {
    pub(crate) const SUCCESS: Self = Self(0);
    pub(crate) const INVALID_ADDRESS: Self = Self(1);
    pub(crate) const PROTECTION_FAILURE: Self = Self(2);
    pub(crate) const NO_SPACE: Self = Self(3);
    pub(crate) const INVALID_ARGUMENT: Self = Self(4);
    pub(crate) const FAILURE: Self = Self(5);
    pub(crate) const RESOURCE_SHORTAGE: Self = Self(6);
    pub(crate) const NO_ACCESS: Self = Self(8);
    pub(crate) const ABORTED: Self = Self(14);
    pub(crate) const INVALID_NAME: Self = Self(15);
    pub(crate) const INVALID_TASK: Self = Self(16);
    pub(crate) const INVALID_RIGHT: Self = Self(17);
    pub(crate) const INVALID_VALUE: Self = Self(18);
    pub(crate) const INVALID_CAPABILITY: Self = Self(20);
    pub(crate) const TERMINATED: Self = Self(37);
    pub(crate) const NOT_SUPPORTED: Self = Self(46);
    pub(crate) const NOT_WAITING: Self = Self(48);
    pub(crate) const TIMED_OUT: Self = Self(49);
    /// `MIG_BAD_ARGUMENTS`: a right of another kind than the call takes.
    pub(crate) const BAD_ARGUMENTS: Self = Self(-304);
    /// `MACH_SEND_INVALID_DEST`: a call goes to a name that is nothing to send to.
    pub(crate) const INVALID_DEST: Self = Self(0x1000_0003);
    /// `MACH_SEND_INVALID_RIGHT`: a right in a call is not the caller's.
    pub(crate) const SEND_INVALID_RIGHT: Self = Self(0x1000_000a);
    pub(crate) const NOT_PRIVILEGED: Self = Self(1100);
    pub(crate) const UNKNOWN_SERVICE: Self = Self(1102);
    pub(crate) const SERVICE_ACTIVE: Self = Self(1103);
    pub(crate) const NO_MEMORY: Self = Self(1105);
}

impl From<PortError> for Code {
    fn from(error: PortError) -> Self {
        Self(error.code())
    }
}

/// Of a task that cannot be made: there is no space to call on.
impl From<&AuthorityError> for Code {
    fn from(error: &AuthorityError) -> Self {
        match error {
            AuthorityError::Kernel(error) if is_shortage(error) => Self::RESOURCE_SHORTAGE,
            AuthorityError::NoBuffer => Self::RESOURCE_SHORTAGE,
            _ => Self::INVALID_TASK,
        }
    }
}

fn is_shortage(error: &std::io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::NOMEM | Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::AGAIN))
}

/// What an exported function returns.
pub(crate) fn returned(result: Result<(), Code>) -> Code {
    result.err().unwrap_or(Code::SUCCESS)
}
