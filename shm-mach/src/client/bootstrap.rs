//! What a task asks its authority for: to attach, to publish and find names, to start children.

use std::os::fd::{AsFd, OwnedFd};

use futex::{Deadline, Gate};

use crate::client::attach::{Authority, AuthorityError, find};
use crate::client::half::features_of;
use crate::client::holders::AUTHORITY;
use crate::client::receive_right::{ReceiveRight, TICK};
use crate::client::right::Right;
use crate::client::send_right::SendRight;
use crate::client::task::{Options, Task};
use crate::ipc::NameTable;
use crate::ring::world::World as _;
use crate::wire::event::{Answer, Found};
use crate::wire::request::Request;

impl Task {
    /// Attaches this process to its authority: the one that `SHM_MACH_AUTHORITY` names (a path, or
    /// `fd:N` for an inherited socket), else the user's at `$XDG_RUNTIME_DIR/shm-mach/socket`, else
    /// the system's at `/run/shm-mach/socket`. Returns the task, and the special port that whoever
    /// started this process has chosen for it.
    ///
    /// Call it before the process has threads if there is a choice.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn attach(options: &Options) -> Result<(Self, Option<SendRight>), AuthorityError> {
        Self::attach_to(find()?, options)
    }

    /// Attaches over a connected seqpacket socket whose other end an authority serves.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn attach_to(
        socket: OwnedFd,
        options: &Options,
    ) -> Result<(Self, Option<SendRight>), AuthorityError> {
        let gate = if options.symmetric { Gate::Symmetric } else { Gate::register() };
        let names = NameTable::create(options.names + 1)?;
        let (authority, special) = Authority::attach(socket, features_of(gate), names.1.as_fd())?;
        let task = Self::new(*options, Some(authority), names)?;
        let special = special.map(|found| task.inner.take_granted(AUTHORITY, found.receiver, found.port));
        let special = special.transpose().map_err(|_| AuthorityError::NoBuffer)?;
        Ok((task, special))
    }

    fn authority(&self) -> Result<&Authority, AuthorityError> {
        if self.inner.is_forked() {
            return Err(AuthorityError::Forked);
        }
        self.inner.authority.as_ref().ok_or(AuthorityError::Gone)
    }

    /// Publishes a send right to a port of this task's own under a name (`bootstrap_register`). The
    /// name is free again when the port or the task dies.
    ///
    /// # Errors
    /// [`AuthorityError::NameInUse`], [`AuthorityError::NoBuffer`], [`AuthorityError::Gone`].
    pub fn register(&self, name: &str, port: &ReceiveRight) -> Result<(), AuthorityError> {
        let authority = self.authority()?;
        let reference = port.port().mint(AUTHORITY);
        let request = Request::Register { name: name.to_owned(), port: reference };
        let answer = authority.ask(&request, None);
        if answer.is_err() {
            self.inner.perform(port.port().unmint(AUTHORITY, reference));
        } else {
            port.set_registered();
        }
        answer.map(|_| ())
    }

    /// Makes a port and publishes it under a name (`bootstrap_check_in` of a name that nobody has
    /// declared).
    ///
    /// # Errors
    /// As [`register`](Self::register), and [`AuthorityError::NoBuffer`] when there is no port left.
    pub fn check_in(&self, name: &str) -> Result<ReceiveRight, AuthorityError> {
        let port = self.allocate().map_err(|_| AuthorityError::NoBuffer)?;
        self.register(name, &port)?;
        Ok(port)
    }

    /// Finds a send right by name (`bootstrap_look_up`).
    ///
    /// # Errors
    /// [`AuthorityError::UnknownService`], [`AuthorityError::NoBuffer`], [`AuthorityError::Gone`].
    pub fn look_up(&self, name: &str) -> Result<SendRight, AuthorityError> {
        let request = Request::LookUp { name: name.to_owned(), wait: false };
        match self.authority()?.ask(&request, None)?.1 {
            Answer::Found(found) => self.redeem(found),
            _ => Err(AuthorityError::Protocol),
        }
    }

    /// Finds a send right by name, and waits until somebody registers it, or until `deadline`.
    ///
    /// # Errors
    /// As [`look_up`](Self::look_up); [`AuthorityError::UnknownService`] when the deadline passes.
    pub fn look_up_deadline(&self, name: &str, deadline: Deadline) -> Result<SendRight, AuthorityError> {
        let authority = self.authority()?;
        let request = Request::LookUp { name: name.to_owned(), wait: true };
        let serial = match authority.ask(&request, None)? {
            (_, Answer::Found(found), _) => return self.redeem(found),
            (serial, Answer::Waiting, _) => serial,
            _ => return Err(AuthorityError::Protocol),
        };
        loop {
            let seen = authority.arrivals();
            self.inner.look();
            if let Some(found) = authority.take_appeared(serial) {
                return self.redeem(found);
            }
            authority.check();
            if authority.is_gone() {
                return Err(AuthorityError::Gone);
            }
            if deadline.has_passed() {
                let found = authority.give_up(serial).ok_or(AuthorityError::UnknownService)?;
                return self.redeem(found);
            }
            authority.wait_for_event(seen, deadline.min(Deadline::after(TICK)));
        }
    }

    fn redeem(&self, found: Found) -> Result<SendRight, AuthorityError> {
        match self.inner.receive_grant(AUTHORITY, found.receiver, found.port) {
            Right::Send(right) => Ok(right),
            Right::Refused(_) => Err(AuthorityError::NoBuffer),
            _ => Err(AuthorityError::UnknownService),
        }
    }

    /// A connection for a child process to attach by, with a send right to `port` as its special
    /// port. Let the child inherit the socket as descriptor N and set `SHM_MACH_AUTHORITY=fd:N`.
    ///
    /// # Errors
    /// [`AuthorityError::NoBuffer`], [`AuthorityError::Gone`].
    pub fn prepare_child(&self, port: &ReceiveRight) -> Result<OwnedFd, AuthorityError> {
        let authority = self.authority()?;
        let reference = port.port().mint(AUTHORITY);
        match authority.ask(&Request::Child { port: reference }, None) {
            Ok((_, Answer::Done, Some(fd))) => Ok(fd),
            Ok(_) => Err(AuthorityError::Protocol),
            Err(error) => {
                self.inner.perform(port.port().unmint(AUTHORITY, reference));
                Err(error)
            }
        }
    }
}
