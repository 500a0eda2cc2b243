//! The bells that a set listens to: for its cold members, until one of them is rung.

use crate::ring::layout::Bell;
use crate::ring::samples::{Samples, sample};
use crate::segment::Shared;

/// The bells of a set, and who relies on which.
#[derive(Debug, Default)]
pub(super) struct Bells {
    list: Vec<Watched>,
    /// Which one is listened to next.
    next: usize,
}

/// A bell that cold members rely on.
#[derive(Debug)]
struct Watched {
    bell: Shared<Bell>,
    /// What was rung for up to this count is seen by looks that are made after it was read.
    seen: u32,
    members: Vec<u32>,
}

fn is(bell: &Shared<Bell>, other: &Shared<Bell>) -> bool {
    std::ptr::eq(&**bell, &**other)
}

impl Bells {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.list.len()
    }

    /// Listens to the next one: which it is, if it was rung since the last time. Then its members are to
    /// be looked at.
    #[inline]
    pub(super) fn listen(&mut self) -> Option<usize> {
        self.next = if self.next + 1 < self.list.len() { self.next + 1 } else { 0 };
        let watched = self.list.get_mut(self.next)?;
        let rings = sample(&watched.bell);
        // Before the looks: what is rung for later is seen by a later one.
        let is_rung = std::mem::replace(&mut watched.seen, rings) != rings;
        is_rung.then_some(self.next)
    }

    /// One of them.
    pub(super) fn bell(&self, at: usize) -> Shared<Bell> {
        self.list[at].bell.clone()
    }

    /// Who relies on it.
    pub(super) fn members(&mut self, at: usize) -> &mut Vec<u32> {
        &mut self.list[at].members
    }

    /// Every bell, with the count that it was last heard at.
    pub(super) fn seen(&self) -> impl Iterator<Item = (Shared<Bell>, u32)> {
        self.list.iter().map(|watched| (watched.bell.clone(), watched.seen))
    }

    /// A member relies on the bells of `samples` from here on, and no more on others of `before`. Says
    /// whether one of them is new to the set.
    pub(super) fn rely(&mut self, number: u32, before: &[Shared<Bell>], samples: &Samples) -> bool {
        let stays = |old: &&Shared<Bell>| samples.words.iter().any(|(bell, _)| is(bell, old));
        for old in before.iter().filter(|old| !stays(old)) {
            if let Some(at) = self.list.iter().position(|watched| is(&watched.bell, old)) {
                self.list[at].members.retain(|other| *other != number);
                if self.list[at].members.is_empty() {
                    self.list.swap_remove(at);
                }
            }
        }
        let mut any_new = false;
        let is_new = |bell: &Shared<Bell>| !before.iter().any(|old| is(bell, old));
        for (bell, count) in samples.words.iter().filter(|(bell, _)| is_new(bell)) {
            match self.list.iter_mut().find(|watched| is(&watched.bell, bell)) {
                Some(watched) => watched.members.push(number),
                None => {
                    self.list.push(Watched { bell: bell.clone(), seen: *count, members: vec![number] });
                    any_new = true;
                }
            }
        }
        any_new
    }
}
