//! The tasks that this one is linked with through the authority, and how links come to be.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use futex::sync::Lock;

use crate::client::attach::{Authority, AuthorityError};
use crate::client::error::SendFailure;
use crate::client::half::{OwnHalf, PeerHalf, gate_of};
use crate::client::held::Target;
use crate::client::identity::Identity;
use crate::client::link::{Link, Watch};
use crate::client::right::Right;
use crate::client::task::Inner;
use crate::wire::control::Control;
use crate::wire::event::{Answer, Attested};
use crate::wire::request::{PAIRED, PortRef, Request};

/// Peers by task id, and grants that were asked for and not used.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    table: Lock<HashMap<u64, Peer>>,
    spare: Lock<Vec<(u64, PortRef, u64)>>,
}

#[derive(Debug)]
enum Peer {
    /// A thread asks the authority for it; the peer's half, and regions of it, may come before the
    /// answer.
    Connecting(Option<OwnedFd>, Vec<(NonZeroU32, OwnedFd)>),
    Linked(Arc<Link>),
}

impl Peers {
    /// The link to a task, if there is one.
    pub(crate) fn get(&self, task: u64) -> Option<Arc<Link>> {
        match self.table.lock().get(&task) {
            Some(Peer::Linked(link)) => Some(link.clone()),
            _ => None,
        }
    }

    pub(crate) fn forget(&self, task: u64) {
        self.table.lock().remove(&task);
        self.spare.lock().retain(|(receiver, _, to)| *receiver != task && *to != task);
    }
}

pub(crate) fn identity(who: Attested) -> Identity {
    Identity { pid: who.pid, uid: who.uid, gid: who.gid }
}

impl Inner {
    fn make_link(&self, task: u64, who: Attested, features: u32, own: OwnHalf) -> Arc<Link> {
        let gate = self.gate.agreed(gate_of(features));
        let this = self.authority.as_ref().map_or((0, 0), |authority| authority.own);
        let watch = Watch::Attested { pid: who.pid, started: who.started, own: this };
        let link = Arc::new(Link::new(self.next_link(), task, identity(who), own, gate, watch));
        self.add_link(link.clone());
        link
    }

    /// Completes a link by the peer's half; one that is refused ends the link.
    fn complete(&self, link: &Arc<Link>, fd: &OwnedFd) {
        match PeerHalf::adopt(fd) {
            Ok(half) if self.gate.agreed(half.gate) == link.gate => {
                link.complete(half);
                self.ring_changes();
            }
            _ => self.lose_link(link, true),
        }
    }

    /// A task that this one does not know yet wants to send to it.
    pub(crate) fn be_introduced(&self, task: u64, who: Attested, features: u32, fd: Option<OwnedFd>) {
        let (Some(fd), Some(authority)) = (fd, &self.authority) else { return };
        // This task may have asked for it as well: then its half is the answer.
        let asked = match self.peers.table.lock().get_mut(&task) {
            Some(Peer::Connecting(theirs, _)) => return *theirs = Some(fd),
            // And was answered, before this event was acted on.
            Some(Peer::Linked(link)) => Some(link.clone()),
            None => None,
        };
        if let Some(link) = asked {
            return self.complete(&link, &fd);
        }
        let Ok((own, own_fd)) = OwnHalf::create(self.options.geometry, self.gate) else { return };
        let link = self.make_link(task, who, features, own);
        link.set_unannounced();
        self.peers.table.lock().insert(task, Peer::Linked(link.clone()));
        self.complete(&link, &fd);
        authority.say(&Request::Accept { task }, Some(&own_fd));
    }

    /// A task has answered this one's introduction.
    pub(crate) fn be_accepted(&self, task: u64, fd: Option<OwnedFd>) {
        let Some(fd) = fd else { return };
        let link = match self.peers.table.lock().get_mut(&task) {
            Some(Peer::Connecting(theirs, _)) => {
                *theirs = Some(fd);
                return;
            }
            Some(Peer::Linked(link)) => link.clone(),
            None => return,
        };
        self.complete(&link, &fd);
    }

    /// Whether the authority is dead, and all that it had said was acted on: nobody is introduced any more.
    pub(crate) fn is_alone(&self) -> bool {
        self.authority.as_ref().is_some_and(|authority| authority.is_gone() && !authority.has_events())
    }

    /// A task that this one is linked with, or about to be, has a region for its messages.
    pub(crate) fn be_lent(&self, task: u64, region: NonZeroU32, fd: Option<OwnedFd>) {
        let (Some(fd), Some(authority)) = (fd, &self.authority) else { return };
        let link = match self.peers.table.lock().get_mut(&task) {
            Some(Peer::Connecting(_, regions)) => {
                regions.push((region, fd));
                return;
            }
            Some(Peer::Linked(link)) => link.clone(),
            None => return,
        };
        self.borrow(authority, &link, region, &fd);
    }

    fn borrow(&self, authority: &Authority, link: &Arc<Link>, region: NonZeroU32, fd: &OwnedFd) {
        authority.say(&Request::Adopted { task: link.task }, None);
        if link.adopt_region(region, fd).is_err() {
            self.lose_link(link, true);
        }
    }

    /// The link to a task, made if need be. Waits for the authority, never for the task.
    pub(crate) fn link_to(&self, task: u64) -> Result<Arc<Link>, SendFailure> {
        let authority = match &self.authority {
            Some(authority) if task & PAIRED == 0 => authority,
            _ => return Err(SendFailure::PortDied),
        };
        loop {
            let mut table = self.peers.table.lock();
            match table.get(&task) {
                Some(Peer::Linked(link)) => return Ok(link.clone()),
                Some(Peer::Connecting(..)) => drop(table), // another thread asks: look again soon
                None => {
                    table.insert(task, Peer::Connecting(None, Vec::new()));
                    break;
                }
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        self.connect(authority, task).inspect_err(|_| self.peers.forget(task))
    }

    fn connect(&self, authority: &Authority, task: u64) -> Result<Arc<Link>, SendFailure> {
        let (own, fd) =
            OwnHalf::create(self.options.geometry, self.gate).map_err(|_| SendFailure::NoBuffer)?;
        let (who, features) = match authority.ask(&Request::Connect { task }, Some(&fd)) {
            Ok((_, Answer::Peer { who, features }, _)) => (who, features),
            Ok(_) => return Err(SendFailure::NoAuthority),
            Err(error) => return Err(failure_of(&error)),
        };
        let link = self.make_link(task, who, features, own);
        let before = self.peers.table.lock().insert(task, Peer::Linked(link.clone()));
        match before {
            Some(Peer::Connecting(half, regions)) => {
                for (region, fd) in regions {
                    self.borrow(authority, &link, region, &fd);
                }
                half.iter().for_each(|fd| self.complete(&link, fd));
            }
            // It died between the answer and now.
            _ => self.lose_link(&link, false),
        }
        Ok(link)
    }

    /// Before the first message to a task that has introduced itself: sees to it that the authority has
    /// announced this task's half to it. Else somebody who is told of the message could send to the same
    /// port, and be received first. Waits for the authority, never for the task.
    #[inline]
    pub(crate) fn announce(&self, link: &Link) -> Result<(), SendFailure> {
        if link.is_announced() { Ok(()) } else { self.confirm(link) }
    }

    #[cold]
    fn confirm(&self, link: &Link) -> Result<(), SendFailure> {
        let Some(authority) = &self.authority else { return Ok(()) };
        authority.ask(&Request::Confirm, None).map_err(|error| failure_of(&error))?;
        link.set_announced();
        Ok(())
    }

    // Rights of third tasks.

    /// Lets the peer of `link` use a right to a third task's port; false if that is dead.
    pub(crate) fn grant(&self, receiver: u64, port: PortRef, link: &Link) -> Result<bool, SendFailure> {
        let authority = match &self.authority {
            Some(authority) if (receiver | link.task) & PAIRED == 0 => authority,
            _ => return Err(SendFailure::NotIntroduced),
        };
        let mut spare = self.peers.spare.lock();
        if let Some(at) = spare.iter().position(|kept| *kept == (receiver, port, link.task)) {
            spare.swap_remove(at);
            return Ok(true);
        }
        drop(spare);
        match authority.ask(&Request::Grant { receiver, port, to: link.task }, None) {
            Ok(_) => Ok(true),
            Err(AuthorityError::TaskDied) => Ok(false),
            Err(error) => Err(failure_of(&error)),
        }
    }

    /// A grant whose message was refused: the next message of the same right to the same task uses it.
    pub(crate) fn keep_grant(&self, receiver: u64, port: PortRef, to: u64) {
        self.peers.spare.lock().push((receiver, port, to));
    }

    /// This task's right to a port is dropped: the grants that were asked for and not used go to their
    /// destinations, which give them back.
    pub(crate) fn hand_on_spare(&self, receiver: u64, port: PortRef) {
        let mut spare = self.peers.spare.lock();
        if spare.is_empty() {
            return;
        }
        let unused = |kept: &mut (u64, PortRef, u64)| (kept.0, kept.1) == (receiver, port);
        let handed: Vec<_> = spare.extract_if(.., unused).collect();
        drop(spare);
        for (receiver, PortRef { port, epoch, key, .. }, to) in handed {
            if let Some(link) = self.peers.get(to) {
                link.tell(Control::Unsent { port, epoch, key, receiver });
            }
        }
    }

    /// A right to a third task's port has arrived, which `by` has passed on (0: the authority).
    pub(crate) fn receive_grant(self: &Arc<Self>, by: u64, receiver: u64, port: PortRef) -> Right {
        let Some(authority) = self.authority.as_ref().filter(|authority| authority.task == receiver) else {
            return self.take_granted(by, receiver, port).into();
        };
        // To a port of this task's own: the authority has told of it before, or is about to.
        self.hear_what_was_told(authority);
        match self.find_port(port.port, port.key) {
            Some(home) if home.arrive_home(by, port.epoch) => self.take_in(Target::Local(home)).into(),
            _ => Right::Dead,
        }
    }

    /// A right to a third task's port, passed on by `by`, is destroyed unread, or will not be sent.
    pub(crate) fn refuse_grant(&self, by: u64, receiver: u64, port: PortRef) {
        let Some(authority) = self.authority.as_ref().filter(|authority| authority.task == receiver) else {
            return self.release(by, receiver, port);
        };
        if let Some(home) = self.find_port(port.port, port.key) {
            self.perform(home.end_home(by, port.epoch, || authority.has_events()));
        }
    }

    /// Gives back a right that `by` has passed on, to a port of a task that this one never sent to.
    pub(crate) fn release(&self, by: u64, receiver: u64, port: PortRef) {
        if let Some(link) = self.peers.get(receiver) {
            link.give_back(port, 1, by);
        } else if let Some(authority) = &self.authority {
            authority.say(&Request::Release { receiver, port, count: 1, by }, None);
        }
    }
}

pub(super) fn failure_of(error: &AuthorityError) -> SendFailure {
    match error {
        AuthorityError::TaskDied => SendFailure::PortDied,
        AuthorityError::NoBuffer => SendFailure::NoBuffer,
        _ => SendFailure::NoAuthority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_grants_end_with_their_receiver_and_their_destination() {
        let port = PortRef { port: 1, epoch: 0, key: 2, limit: 3 };
        let peers = Peers::default();
        *peers.spare.lock() = vec![(7, port, 8), (8, port, 9), (7, port, 9)];
        peers.forget(8);
        assert_eq!(*peers.spare.lock(), [(7, port, 9)]);
    }
}
