//! The bootstrap: services by name, which the authority keeps.

use mach::{AuthorityError, RawName, TypeBits};

use crate::code::Code;
use crate::objects::BOOTSTRAP;
use crate::session::Session;

/// The longest name, without its NUL; what is longer is cut, as it always was.
pub(crate) const NAME_MAX: usize = 127;

impl Session {
    /// Whether a call goes to the bootstrap.
    ///
    /// # Errors
    /// 1. [`Code::NOT_SUPPORTED`]: a right to a port, at which somebody may serve the bootstrap's protocol.
    /// 2. [`Code::INVALID_DEST`].
    pub(crate) fn check_bootstrap(&self, name: u32) -> Result<(), Code> {
        match self.right_type(name) {
            Ok(_) if name == BOOTSTRAP => Ok(()),
            Ok(bits) if bits.contains(TypeBits::SEND) => Err(Code::NOT_SUPPORTED),
            _ => Err(Code::INVALID_DEST),
        }
    }

    /// `bootstrap_register` (BS2).
    pub(crate) fn register(&self, service: &str, port: u32) -> Result<(), Code> {
        // Ports that die take their names with them, so there is nothing to remove.
        if port == 0 {
            return Ok(());
        }
        let bits = self.right_type(port).map_err(|_| Code::SEND_INVALID_RIGHT)?;
        if !bits.contains(TypeBits::SEND) {
            return Err(Code::SEND_INVALID_RIGHT);
        }
        if !bits.contains(TypeBits::RECEIVE) {
            return Err(Code::NOT_SUPPORTED);
        }
        let mut services = self.services();
        let done = self.task.with_receive_right(RawName(port), |right| self.task.register(service, right))?;
        done.map_err(|error| refusal(&error, services.contains(service)))?;
        services.insert(service.to_owned());
        Ok(())
    }

    /// `bootstrap_check_in` (BS1).
    pub(crate) fn check_in(&self, service: &str) -> Result<u32, Code> {
        let mut services = self.services();
        let made = self.task.check_in(service);
        let right = made.map_err(|error| refusal(&error, services.contains(service)))?;
        services.insert(service.to_owned());
        Ok(right.into_name().get())
    }

    /// `bootstrap_look_up` (BS3).
    pub(crate) fn look_up(&self, service: &str) -> Result<u32, Code> {
        let found = self.task.look_up(service).map_err(|error| refusal(&error, false))?;
        Ok(found.into_name().get())
    }
}

/// `is_own`: this task has taken the name before; a port of its own that is dead has no name any more.
fn refusal(error: &AuthorityError, is_own: bool) -> Code {
    match error {
        AuthorityError::NameInUse if is_own => Code::SERVICE_ACTIVE,
        AuthorityError::NameInUse => Code::NOT_PRIVILEGED,
        AuthorityError::UnknownService | AuthorityError::TaskDied => Code::UNKNOWN_SERVICE,
        AuthorityError::NoBuffer => Code::NO_MEMORY,
        AuthorityError::Gone => Code::INVALID_DEST,
        _ => Code::FAILURE,
    }
}
