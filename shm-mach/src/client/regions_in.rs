//! The regions that the peer of a link writes its large messages to, as this task knows them.

use std::num::NonZeroU32;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use futex::sync::{AtomicU64, Lock};

use crate::client::dead_lanes::RawRights;
use crate::client::identity::Identity;
use crate::client::link::{Link, Watch};
use crate::client::port::{Port, PortState};
use crate::client::task::Inner;
use crate::ring::region::{self, BYTES_MAX, REGION_LEAST, REGION_MOST, REGIONS_MAX};
use crate::ring::slot::{Head, Nonsense};
use crate::segment::socket::{self, Credentials};
use crate::segment::{PeerSegment, Shared};
use crate::wire::hello::{LEND_BYTES, lent};

/// A peer's regions, each with the peer's number for it.
#[derive(Debug, Default)]
pub(super) struct RegionsIn {
    known: Lock<Vec<(NonZeroU32, Shared<[AtomicU64]>)>>,
}

impl RegionsIn {
    fn get(&self, region: NonZeroU32) -> Option<Shared<[AtomicU64]>> {
        self.known.lock().iter().find(|(id, _)| *id == region).map(|(_, words)| words.clone())
    }

    /// Checks a region and maps it.
    fn adopt(&self, region: NonZeroU32, fd: &OwnedFd) -> Result<(), Nonsense> {
        let segment = PeerSegment::adopt(fd, REGION_LEAST, REGION_MOST).map_err(|_| Nonsense)?;
        let words = segment.slice(0, segment.size() / 8).ok_or(Nonsense)?;
        let mut known = self.known.lock();
        let bytes: usize = known.iter().map(|(_, words)| words.len() * 8).sum();
        let is_new = known.iter().all(|(id, _)| *id != region);
        if !is_new || known.len() >= REGIONS_MAX || bytes + segment.size() > BYTES_MAX {
            return Err(Nonsense);
        }
        known.push((region, words));
        Ok(())
    }

    fn retire(&self, region: NonZeroU32) -> Result<(), Nonsense> {
        let mut known = self.known.lock();
        let at = known.iter().position(|(id, _)| *id == region).ok_or(Nonsense)?;
        let retired = known.swap_remove(at);
        drop(known);
        drop(retired); // unmaps, not under the lock
        Ok(())
    }
}

impl Link {
    /// One of the peer's regions. Of a pair: also if it was only just told of.
    pub(crate) fn region(&self, region: NonZeroU32) -> Option<Shared<[AtomicU64]>> {
        self.borrowed.get(region).or_else(|| {
            // Nonsense on the socket is found out by whoever misses the region.
            self.read_socket().ok()?;
            self.borrowed.get(region)
        })
    }

    /// Copies a large message of the peer's out of its region.
    ///
    /// # Errors
    /// [`Nonsense`]: there is no such region, or the payload does not lie in it; or as
    /// [`region::read`].
    pub(crate) fn read_large(
        &self,
        head: &Head,
        records: &mut Vec<u8>,
        body: &mut Vec<u8>,
    ) -> Result<(), Nonsense> {
        let words = head.region.and_then(|region| self.region(region)).ok_or(Nonsense)?;
        region::read(&words, head, records, body)
    }

    /// Whether a message's records of rights lie in a region that is not known.
    pub(super) fn misses_rights(&self, head: &Head) -> bool {
        head.region.is_some_and(|region| self.region(region).is_none())
    }

    /// Copies the records of a large message that is destroyed.
    pub(super) fn read_rights(&self, head: &Head, raw: &mut RawRights) -> Result<(), Nonsense> {
        let head = Head { length: 0, ..*head };
        if head.rights == 0 {
            return Ok(()); // a reply right alone
        }
        self.read_large(&head, &mut raw.records, &mut raw.body)
    }

    /// Of a pair: adopts the regions that the peer has told of over the socket. It told before it sent.
    fn read_socket(&self) -> Result<(), Nonsense> {
        let Watch::Pair { socket, .. } = &self.watch else { return Ok(()) };
        loop {
            let mut bytes = [0; LEND_BYTES];
            let Ok(datagram) = socket::receive(socket, &mut bytes, false) else { return Ok(()) };
            if datagram.length == 0 {
                return Ok(());
            }
            let sender = datagram.from.map(|Credentials { pid, uid, gid }| Identity { pid, uid, gid });
            let region = lent(&bytes[..datagram.length]).filter(|_| sender == Some(self.peer));
            match (region, &datagram.fds[..]) {
                (Some(region), [fd]) => self.borrowed.adopt(region, fd)?,
                _ => return Err(Nonsense),
            }
        }
    }

    /// Adopts a region that the authority has passed on from the peer.
    ///
    /// # Errors
    /// [`Nonsense`]: it is no region, or one too many; or there is no memory to map it.
    pub(super) fn adopt_region(&self, region: NonZeroU32, fd: &OwnedFd) -> Result<(), Nonsense> {
        self.borrowed.adopt(region, fd)
    }

    /// The peer uses a region no more.
    ///
    /// # Errors
    /// [`Nonsense`]: there is no such region.
    pub(super) fn forget_region(&self, region: NonZeroU32) -> Result<(), Nonsense> {
        self.borrowed.retire(region)
    }

    /// Nothing of the peer's is read any more.
    pub(super) fn forget_regions(&self) {
        drop(std::mem::take(&mut *self.borrowed.known.lock()));
    }
}

impl PortState {
    /// Whether a message of the peer's lies in a region that is not known yet: then it waits, and
    /// [`Inner::hear_of_regions`] is to be called. Of the dead everything was heard.
    pub(super) fn misses(&mut self, link: &Arc<Link>, region: NonZeroU32) -> bool {
        let is_missing = !link.is_dead() && link.region(region).is_none();
        if is_missing {
            self.missing.push((link.clone(), region));
        }
        is_missing
    }
}

impl Port {
    /// Messages that could not be taken because their regions were not known.
    fn take_missing(&self) -> Vec<(Arc<Link>, NonZeroU32)> {
        std::mem::take(&mut self.group.lock().port.missing)
    }
}

impl Inner {
    /// Hears of the regions of messages that lie in `port` and could not be taken. A sender publishes a
    /// message only after the authority has counted the event that tells of its region: so this waits
    /// for nothing that is not on its way. Called by no thread that acts, with no group locked.
    pub(crate) fn hear_of_regions(&self, port: &Port) {
        for (link, region) in port.take_missing() {
            if link.region(region).is_some() {
                continue;
            }
            if let Some(authority) = &self.authority {
                self.hear_what_was_told(authority);
                let _acting = self.acting.lock();
                self.hear_the_rest(authority);
            }
            if link.region(region).is_none() {
                self.lose_link(&link, true);
            }
        }
    }
}
