//! What the members of a set tell it, and what a member knows of its sets.
//!
//! A port that changes while no thread of a set would look at it *preposts* itself there: it enters
//! its number in a list, under its own lock. The list has a lock of its own, under which no other is
//! ever taken: so a sender inside the task never waits for a thread that receives from the set.

use std::sync::Arc;

use futex::sync::{self, AtomicU32, Lock};

use crate::ring::sleepers::Kick;
use crate::ring::state::State;

/// The members of a set that may have something and that its threads do not look at.
#[derive(Debug)]
pub struct Preposts {
    list: Lock<List>,
    /// How long the list is, for whoever may be content with what it did itself.
    length: AtomicU32,
    /// Wakes the set's leader.
    kick: Arc<Kick>,
}

#[derive(Debug, Default)]
struct List {
    members: Vec<u32>,
    /// The leader sleeps, or is about to: whoever enters something wakes it.
    is_closed: bool,
}

impl Preposts {
    pub(super) fn new(kick: Arc<Kick>) -> Self {
        Self { list: Lock::default(), length: AtomicU32::new(0), kick }
    }

    /// Enters a member; says whether [`wake`](Self::wake) is to be called.
    fn enter(&self, member: u32) -> bool {
        let mut list = self.list.lock();
        list.members.push(member);
        // Relaxed: a thread that must not miss the entry has made it, or takes the lock.
        self.length.store(list.members.len() as u32, sync::Ordering::Relaxed);
        let must_wake = std::mem::take(&mut list.is_closed);
        if must_wake {
            // Before the leader sleeps, if it does not do so yet: it has sampled the word already.
            self.kick.advance();
        }
        must_wake
    }

    /// Wakes the leader, which sleeps.
    pub(super) fn wake(&self) {
        if sync::step("prepost-wake") {
            sync::futex_wake(&self.kick.0, 1);
        }
    }

    /// Takes all entries.
    #[inline]
    pub(super) fn take(&self) -> Vec<u32> {
        if self.length.load(sync::Ordering::Relaxed) == 0 {
            return Vec::new();
        }
        let mut list = self.list.lock();
        self.length.store(0, sync::Ordering::Relaxed);
        std::mem::take(&mut list.members)
    }

    /// The leader is about to sleep: from here on it is to be woken. False if there is an entry: then it
    /// must not sleep.
    pub(super) fn close(&self) -> bool {
        let mut list = self.list.lock();
        list.is_closed = list.members.is_empty() || !sync::step("preposts-before-sleep");
        list.is_closed
    }

    /// The leader sleeps no more.
    pub(super) fn open(&self) {
        self.list.lock().is_closed = false;
    }
}

/// What a port knows of one set that it is in: under the port's lock.
#[derive(Debug)]
pub(super) struct Membership {
    preposts: Arc<Preposts>,
    /// Its number there.
    member: u32,
    /// It is in the list, or a thread of the set looks at it again before any of them sleeps.
    is_listed: bool,
    /// The set relies on the lanes: no thread of it looks at them before a bell is rung.
    is_relying: bool,
}

impl<P> State<P> {
    /// The port is in a set from here on, as its number `member`, and is looked at there first. Its
    /// first set says which bell is asked for; others listen to that one.
    pub(super) fn join(&mut self, preposts: Arc<Preposts>, member: u32, bell: u8) {
        if self.memberships.is_empty() {
            self.bell = bell;
        }
        self.memberships.push(Membership { preposts, member, is_listed: true, is_relying: false });
    }

    /// The port is in that set no more; says which number it had there. `home` is the bell of a port
    /// that is in no set.
    pub(super) fn leave(&mut self, preposts: &Arc<Preposts>, home: u8) -> Option<u32> {
        let at = self.memberships.iter().position(|other| Arc::ptr_eq(&other.preposts, preposts))?;
        let left = self.memberships.swap_remove(at);
        self.watchers -= u32::from(left.is_relying);
        if self.memberships.is_empty() {
            self.bell = home;
        }
        Some(left.member)
    }

    /// The port's number in a set.
    pub(super) fn number_in(&self, preposts: &Arc<Preposts>) -> Option<u32> {
        let found = self.memberships.iter().find(|other| Arc::ptr_eq(&other.preposts, preposts));
        found.map(|membership| membership.member)
    }

    /// The port has changed: the sets whose threads would not look are told. Those that are returned are
    /// to be [woken](Preposts::wake) when the lock is released.
    pub(super) fn prepost(&mut self) -> Vec<Arc<Preposts>> {
        let mut to_wake = Vec::new();
        if !sync::step("prepost") {
            return to_wake;
        }
        for membership in self.memberships.iter_mut().filter(|membership| !membership.is_listed) {
            membership.is_listed = true;
            if membership.preposts.enter(membership.member) {
                to_wake.push(membership.preposts.clone());
            }
        }
        to_wake
    }

    /// Threads of the set look at the port from here on: they need no bell and no entry.
    pub(super) fn is_watched_by(&mut self, preposts: &Arc<Preposts>) {
        let membership = self.memberships.iter_mut().find(|other| Arc::ptr_eq(&other.preposts, preposts));
        if let Some(membership) = membership {
            membership.is_listed = true;
            self.watchers -= u32::from(std::mem::take(&mut membership.is_relying));
        }
    }

    /// Nothing is there, every lane is armed and fenced: threads of the set look at the port again when
    /// they hear of something.
    pub(super) fn is_left_by(&mut self, preposts: &Arc<Preposts>) {
        let membership = self.memberships.iter_mut().find(|other| Arc::ptr_eq(&other.preposts, preposts));
        if let Some(membership) = membership {
            membership.is_listed = false;
            self.watchers += u32::from(!std::mem::replace(&mut membership.is_relying, true));
            self.awake_takes = 0;
        }
    }
}
