//! The tasks of an authority, for tools that look into their tables of names.

use std::os::fd::OwnedFd;

use crate::client::attach::{self, AuthorityError};
use crate::client::identity::Identity;
use crate::segment::socket;
use crate::wire::event::{Answer, Event, Refusal};
use crate::wire::request::Request;

/// The tasks that are attached to an authority, as far as this user may look into them: a user into
/// those of its own uid, root into all. In the order in which they attached.
///
/// A tool needs no task of its own. It asks for one task after the other, and each answer may wait for
/// the authority; tasks that come or go meanwhile may be told or not. The authority is asked over a
/// connection that this user opened, and refuses over any other.
#[derive(Debug)]
pub struct Tasks {
    socket: OwnedFd,
    /// The task that was told last.
    after: u64,
    is_over: bool,
}

/// A task that was told by [`Tasks`].
#[derive(Debug)]
#[non_exhaustive]
pub struct ListedTask {
    /// Its id at the authority, never used again.
    pub id: u64,
    /// Who it is, as attested when it attached; the pid is that of the authority's pid namespace.
    pub identity: Identity,
    /// The read-only file of its names, for [`NameReader::adopt`](crate::ipc::NameReader::adopt). What
    /// stands there is whatever that task wrote.
    pub names: OwnedFd,
}

impl Tasks {
    /// Asks the authority that [`Task::attach`](crate::Task::attach) would attach to.
    ///
    /// # Errors
    /// [`AuthorityError::Variable`], [`AuthorityError::NotFound`], [`AuthorityError::Kernel`].
    pub fn find() -> Result<Self, AuthorityError> {
        attach::find().and_then(Self::over)
    }

    /// Asks over a connected socket, of which no other use was made.
    ///
    /// # Errors
    /// [`AuthorityError::Kernel`].
    pub fn over(socket: OwnedFd) -> Result<Self, AuthorityError> {
        socket::pass_credentials(&socket)?;
        rustix::io::ioctl_fionbio(&socket, false).map_err(std::io::Error::from)?;
        Ok(Self { socket, after: 0, is_over: false })
    }

    fn ask(&mut self) -> Result<Option<ListedTask>, AuthorityError> {
        socket::send(&self.socket, &Request::List { after: self.after }.encode(1), None, true)?;
        let (Event::Reply { serial: 1, answer }, fd) = attach::receive(&self.socket, true)? else {
            return Err(AuthorityError::Protocol);
        };
        match (answer, fd) {
            (Answer::Done, None) => Ok(None),
            (Answer::Refused(Refusal::NotPrivileged), None) => Err(AuthorityError::NotListed),
            (Answer::Refused(refusal), None) => Err(refusal.into()),
            // Each later than the one before: so there is an end.
            (Answer::Listed { task, who }, Some(names)) if task > self.after => {
                self.after = task;
                let identity = Identity { pid: who.pid, uid: who.uid, gid: who.gid };
                Ok(Some(ListedTask { id: task, identity, names }))
            }
            _ => Err(AuthorityError::Protocol),
        }
    }
}

impl Iterator for Tasks {
    type Item = Result<ListedTask, AuthorityError>;

    /// The next task. After an error comes nothing more. The errors are [`AuthorityError::NotListed`],
    /// [`AuthorityError::NoBuffer`], [`AuthorityError::Gone`], [`AuthorityError::Protocol`] and
    /// [`AuthorityError::Kernel`].
    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.ask().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}
