//! The regions that this task writes its large messages to the peer of a link to.
//!
//! A region is made when none is free, told of before the first message that lies in it, used again when
//! that was read, and retired when it was not used for a while: then both sides unmap it, and its memory
//! goes back to the system.

use std::num::NonZeroU32;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futex::sync::{AtomicU64, Lock, monotonic_ns};
use rustix::io::Errno;

use crate::client::error::SendFailure;
use crate::client::link::{Link, Watch};
use crate::client::peers::failure_of;
use crate::client::task::Inner;
use crate::ring::region::{self, BYTES_MAX, REGIONS_MAX};
use crate::ring::slot::Token;
use crate::segment::{OwnMemory, OwnSegment, Shared, socket};
use crate::wire::control::Control;
use crate::wire::hello::lend;
use crate::wire::request::Request;

/// After so long without a message a region is retired, in ns.
const IDLE: u64 = 1_000_000_000;

/// What is known of the own regions towards one peer.
#[derive(Debug, Default)]
pub(super) struct RegionsOut {
    state: Lock<State>,
    /// There are some: while not, nobody looks.
    any: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    regions: Vec<Region>,
    /// Regions that the peer was told to unmap, until it has heard: with the control lane's position.
    retired: Vec<(u64, usize)>,
    /// The last number that was given.
    last: u32,
    /// The link is over.
    is_over: bool,
}

#[derive(Debug)]
struct Region {
    id: NonZeroU32,
    /// Its bytes; they count also while it is being made.
    size: usize,
    /// `None`: it is being made.
    memory: Option<Memory>,
    /// How many bytes are known to be allocated.
    allocated: usize,
    held: Held,
    /// When it was last given out.
    used: u64,
}

#[derive(Clone, Debug)]
struct Memory {
    memory: OwnMemory,
    words: Shared<[AtomicU64]>,
}

/// What a region waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// Nothing.
    Free,
    /// A thread of this task writes to it.
    Written,
    /// The peer's reading of this lane, up to this position.
    Lane(usize, u64),
    /// The peer's reading of this answer.
    Answer(Token),
}

/// A region that one message may be written to. Dropped before the message was published, it is free.
#[derive(Debug)]
pub(crate) struct Loan {
    link: Arc<Link>,
    id: NonZeroU32,
    words: Shared<[AtomicU64]>,
    allocated: usize,
    /// What the region waits for when this is dropped.
    held: Held,
}

impl Loan {
    /// Writes a message's payload, and says which region to name in its slot; it begins at its start.
    pub(crate) fn write(&self, parts: [&[u8]; 2]) -> NonZeroU32 {
        region::write(&self.words, parts);
        self.id
    }

    /// The message was published in own lane `lane`, whose position after it is `end`.
    pub(crate) fn sent(mut self, lane: usize, end: u64) {
        self.held = Held::Lane(lane, end);
    }

    /// The message was published as the answer to `token`.
    pub(crate) fn answered(mut self, token: Token) {
        self.held = Held::Answer(token);
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(region) = self.link.lent.state.lock().get(self.id) {
            (region.held, region.allocated) = (self.held, self.allocated);
        }
    }
}

impl State {
    fn get(&mut self, id: NonZeroU32) -> Option<&mut Region> {
        self.regions.iter_mut().find(|region| region.id == id)
    }

    /// A free region for so many bytes: the smallest, if it is not far too large or there is no room for
    /// another one.
    fn find_free(&mut self, bytes: usize) -> Option<&mut Region> {
        let most =
            if self.has_room(region::size_for(bytes)) { 4 * region::size_for(bytes) } else { usize::MAX };
        let fits = |region: &&mut Region| region.held == Held::Free && (bytes..=most).contains(&region.size);
        self.regions.iter_mut().filter(fits).min_by_key(|region| region.size)
    }

    /// Whether the peer lets this task have one more.
    fn has_room(&self, size: usize) -> bool {
        let sizes = self.regions.iter().map(|region| region.size);
        let bytes: usize = sizes.chain(self.retired.iter().map(|(_, size)| *size)).sum();
        self.regions.len() + self.retired.len() < REGIONS_MAX && bytes + size <= BYTES_MAX
    }
}

impl Link {
    /// Regions whose messages were read are free, and those that the peer has unmapped do not count.
    fn collect_regions(&self, state: &mut State) {
        let Some(theirs) = self.theirs() else { return };
        for region in &mut state.regions {
            let is_over = match region.held {
                Held::Free | Held::Written => false,
                Held::Lane(lane, end) => region::is_read(theirs.cursor(lane), end),
                Held::Answer(token) => self.is_answer_over(token),
            };
            if is_over {
                region.held = Held::Free;
            }
        }
        state.retired.retain(|(position, _)| !region::is_read(theirs.cursor(0), *position));
    }

    /// Retires free regions of which `is_due` says so, as far as the control lane has room.
    fn retire(&self, state: &mut State, is_due: impl Fn(&Region) -> bool) -> Vec<Region> {
        let mut gone = Vec::new();
        let mut at = 0;
        while at < state.regions.len() {
            let region = &state.regions[at];
            if region.held != Held::Free || !is_due(region) {
                at += 1;
                continue;
            }
            let Some(position) = self.tell_now(&Control::Retired { region: region.id }) else { break };
            state.retired.push((position, region.size));
            gone.push(state.regions.swap_remove(at));
        }
        gone
    }

    /// Retires the regions that were not used for a while. Called now and then by whoever looks.
    pub(super) fn retire_regions(&self) {
        if !self.lent.any.load(Ordering::Relaxed) {
            return;
        }
        let now = monotonic_ns();
        let mut state = self.lent.state.lock();
        self.collect_regions(&mut state);
        let gone = self.retire(&mut state, |region| now.saturating_sub(region.used) >= IDLE);
        self.lent.any.store(!(state.regions.is_empty() && state.retired.is_empty()), Ordering::Relaxed);
        drop(state);
        drop(gone); // unmaps, not under the lock
    }

    /// The link is over: nothing is sent there any more.
    pub(super) fn end_regions(&self) {
        let mut state = self.lent.state.lock();
        let gone = std::mem::replace(&mut *state, State { is_over: true, ..State::default() });
        self.lent.any.store(false, Ordering::Relaxed);
        drop(state);
        drop(gone);
    }

    /// Takes a region for a payload of so many bytes: a free one, or the number and the size of one that
    /// is to be made.
    fn claim_region(self: &Arc<Self>, bytes: usize) -> Result<Claim, SendFailure> {
        let used = monotonic_ns();
        let mut state = self.lent.state.lock();
        if state.is_over {
            return Err(SendFailure::PortDied);
        }
        self.collect_regions(&mut state);
        if let Some(Region { id, memory: Some(memory), allocated, held, used: last, .. }) =
            state.find_free(bytes)
        {
            (*held, *last) = (Held::Written, used);
            let (id, words, allocated) = (*id, memory.words.clone(), *allocated);
            let loan = Loan { link: self.clone(), id, words, allocated, held: Held::Free };
            return Ok(Claim::Free(loan, memory.memory.clone()));
        }
        let size = region::size_for(bytes);
        if !state.has_room(size) {
            // Those that are free are too small: once the peer has heard that they go, there is room.
            let gone = self.retire(&mut state, |_| true);
            drop(state);
            drop(gone);
            return Err(SendFailure::NoBuffer);
        }
        let id = state.last.checked_add(1).and_then(NonZeroU32::new).ok_or(SendFailure::NoBuffer)?;
        state.last = id.get();
        state.regions.push(Region { id, size, memory: None, allocated: 0, held: Held::Written, used });
        self.lent.any.store(true, Ordering::Relaxed);
        Ok(Claim::New(id, size))
    }

    /// A region is made (or not): it can be used from now on.
    fn enter_region(&self, id: NonZeroU32, memory: Option<Memory>) {
        let mut state = self.lent.state.lock();
        match state.regions.iter().position(|region| region.id == id) {
            Some(at) if memory.is_some() => state.regions[at].memory = memory,
            Some(at) => drop(state.regions.swap_remove(at)),
            None => {} // the link has ended
        }
    }
}

/// What a sender gets that needs a region.
#[derive(Debug)]
enum Claim {
    Free(Loan, OwnMemory),
    New(NonZeroU32, usize),
}

impl Inner {
    /// A region of `link` for a payload of so many bytes, at most the largest region's. Waits for the
    /// authority if one must be made, never for the peer.
    pub(crate) fn lend(&self, link: &Arc<Link>, bytes: usize) -> Result<Loan, SendFailure> {
        match link.claim_region(bytes)? {
            Claim::Free(mut loan, memory) => {
                if let Some(more) = bytes.checked_sub(loan.allocated).filter(|more| *more > 0) {
                    memory.prefault(loan.allocated, more).map_err(|_| SendFailure::NoBuffer)?;
                    loan.allocated = bytes;
                }
                Ok(loan)
            }
            Claim::New(id, size) => {
                let made = self.make_region(link, id, size, bytes);
                link.enter_region(id, made.as_ref().ok().cloned());
                let words = made?.words;
                Ok(Loan { link: link.clone(), id, words, allocated: bytes, held: Held::Free })
            }
        }
    }

    /// Makes a region with memory for so many bytes, and tells the peer of it.
    fn make_region(
        &self,
        link: &Arc<Link>,
        id: NonZeroU32,
        size: usize,
        bytes: usize,
    ) -> Result<Memory, SendFailure> {
        let segment = OwnSegment::create(size).map_err(|_| SendFailure::NoBuffer)?;
        segment.prefault(0, bytes).map_err(|_| SendFailure::NoBuffer)?;
        let memory = segment.memory();
        self.tell_of_region(link, id, &segment.into_read_only())?;
        Ok(Memory { words: memory.slice(0, size / 8), memory })
    }

    fn tell_of_region(&self, link: &Arc<Link>, region: NonZeroU32, fd: &OwnedFd) -> Result<(), SendFailure> {
        match (&link.watch, &self.authority) {
            (Watch::Pair { socket, .. }, _) => {
                match socket::send(socket, &lend(region), Some(fd.as_fd()), false) {
                    Ok(()) => Ok(()),
                    Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) => {
                        if link.has_died() {
                            self.lose_link(link, false);
                        }
                        Err(SendFailure::PortDied)
                    }
                    Err(_) => Err(SendFailure::NoBuffer),
                }
            }
            (Watch::Attested { .. }, Some(authority)) => {
                let request = Request::Lend { task: link.task, region };
                authority.ask(&request, Some(fd)).map(|_| ()).map_err(|error| failure_of(&error))
            }
            (Watch::Attested { .. }, None) => Err(SendFailure::NoAuthority),
        }
    }
}
