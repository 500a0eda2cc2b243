//! One of the two processes of a repetition, as a row sees it.

use crate::cpus::Cpus;
use crate::failure::Failure;
use crate::passing;
use crate::shared::Shared;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use serde::{Deserialize, Serialize};
use std::os::fd::OwnedFd;

/// Which of the two processes this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    /// The one that measures: it asks first in a round trip, and receives in a stream.
    Left,
    /// The one that answers or pours.
    Right,
}

/// Everything that a row's function needs from its process.
pub(crate) struct Side {
    /// Which of the two this is.
    pub(crate) role: Role,
    /// The CPUs of this repetition; this process is pinned to its own already.
    pub(crate) cpus: Cpus,
    /// Operations to measure.
    pub(crate) count: u64,
    /// A packet socket to the other side, for setting up.
    link: OwnedFd,
}

impl Side {
    /// Puts together what a worker process was given.
    pub(crate) fn new(role: Role, cpus: Cpus, count: u64, link: OwnedFd) -> Self {
        Self { role, cpus, count, link }
    }

    /// Operations to run before measuring.
    pub(crate) fn warm_up(&self) -> u64 {
        self.count / 8 + 16
    }

    /// A mapping that both sides read and write; both must call this, in the same order among set-up calls.
    pub(crate) fn shared(&self, length: usize) -> Result<Shared, Failure> {
        let file = match self.role {
            Role::Left => {
                let file = memfd_create("bench", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
                ftruncate(&file, length as u64)?;
                fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
                passing::send(&self.link, 0, &file)?;
                file
            }
            Role::Right => passing::receive(&self.link)?.1,
        };
        Shared::map(&file, length)
    }

    /// Hands a descriptor to the other side, which must [`take`](Self::take) it then.
    pub(crate) fn give(&self, fd: &OwnedFd) -> Result<(), Failure> {
        passing::send(&self.link, 0, fd)
    }

    /// Takes what the other side gives.
    pub(crate) fn take(&self) -> Result<OwnedFd, Failure> {
        Ok(passing::receive(&self.link)?.1)
    }

    /// One end of a fresh socket pair; both must call this, in the same order among set-up calls.
    pub(crate) fn channel(&self, kind: SocketType) -> Result<OwnedFd, Failure> {
        match self.role {
            Role::Left => {
                let (mine, yours) = socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?;
                passing::send(&self.link, 0, &yours)?;
                Ok(mine)
            }
            Role::Right => Ok(passing::receive(&self.link)?.1),
        }
    }
}
