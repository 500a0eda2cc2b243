//! Rights of one holder that other tasks have passed on to it, as the port's receiver keeps them.
//!
//! The issuer asks the authority before it publishes the message, and may be killed between the two.
//! So the receiver remembers who passed a right on until it comes back, or until the issuer is dead
//! and the holder has said what it has of that one's.

/// The rights that are *open*: believed, and neither given back nor settled.
#[derive(Debug, Default)]
pub(crate) struct OpenGrants(Vec<Open>);

#[derive(Debug)]
struct Open {
    by: u64,
    epoch: u32,
    count: u64,
    /// The issuer is dead, and the holder was asked what it has.
    asked: bool,
}

impl OpenGrants {
    fn find(&mut self, by: u64, epoch: u32) -> Option<usize> {
        self.0.iter().position(|open| (open.by, open.epoch) == (by, epoch))
    }

    /// `by` has passed on a right of an epoch.
    pub(crate) fn add(&mut self, by: u64, epoch: u32) {
        match self.find(by, epoch) {
            Some(at) => self.0[at].count += 1,
            None => self.0.push(Open { by, epoch, count: 1, asked: false }),
        }
    }

    /// The holder gives back up to `count` of them; says how many there were of so many. What was
    /// settled is not among them: it counts no more.
    pub(crate) fn take(&mut self, by: u64, epoch: u32, count: u64) -> u64 {
        let Some(at) = self.find(by, epoch) else { return 0 };
        let taken = count.min(self.0[at].count);
        self.0[at].count -= taken;
        if self.0[at].count == 0 {
            self.0.swap_remove(at);
        }
        taken
    }

    /// `by` is dead: the epochs of its rights that are open. The holder is asked about each, once.
    pub(crate) fn ask(&mut self, by: u64) -> impl Iterator<Item = u32> {
        let of_the_dead = self.0.iter_mut().filter(move |open| open.by == by && !open.asked);
        of_the_dead.map(|open| {
            open.asked = true;
            open.epoch
        })
    }

    /// The holder answers that it has `held` of them; says how many never reached it. An answer that
    /// nobody asked for says nothing.
    pub(crate) fn settle(&mut self, by: u64, epoch: u32, held: u64) -> u64 {
        match self.find(by, epoch) {
            Some(at) if self.0[at].asked => self.0.swap_remove(at).count.saturating_sub(held),
            _ => 0,
        }
    }

    /// The holder is dead.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_arrived_is_told_apart_from_what_is_held_and_given_back() {
        let mut open = OpenGrants::default();
        (0..5).for_each(|_| open.add(7, 0));
        assert_eq!(open.take(7, 0, 1), 1);
        assert_eq!(open.settle(7, 0, 0), 0, "nobody has asked: its issuer lives");
        assert_eq!(open.ask(7).collect::<Vec<_>>(), [0]);
        assert_eq!(open.ask(7).count(), 0, "once");
        assert_eq!(open.settle(7, 0, 3), 1);
        assert_eq!(open.take(7, 0, 1), 0, "the settlement has ended it already");
        assert_eq!(open.settle(7, 0, 0), 0, "an answer counts once");
    }

    #[test]
    fn issuers_and_epochs_have_accounts_of_their_own() {
        let mut open = OpenGrants::default();
        open.add(7, 0);
        open.add(7, 1);
        open.add(8, 0);
        assert_eq!(open.take(9, 0, 1), 0, "nobody's");
        assert_eq!(open.take(8, 0, u64::MAX), 1, "clamped");
        assert_eq!(open.ask(7).collect::<Vec<_>>(), [0, 1]);
        assert_eq!((open.settle(7, 0, u64::MAX), open.settle(7, 1, 0)), (0, 1));
    }
}
