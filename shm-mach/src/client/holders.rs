//! Who holds send rights to a port: the ledger of the port, in its receiver's private memory.
//!
//! Rights are counted by the receiver alone. What a holder says ("I give two back") is clamped by
//! what was given to it, so a liar can only hurt itself.

use std::sync::Arc;

use crate::client::identity::Identity;
use crate::client::link::Link;
use crate::client::open_grants::OpenGrants;

/// The authority as a holder: it keeps rights for names and for children not born yet.
pub(crate) const AUTHORITY: u64 = 0;

/// One task's send rights to the port.
#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) task: u64,
    /// As the authority told when somebody passed a right on to it.
    pub(crate) identity: Option<Identity>,
    /// Known once the task has opened a lane to the port.
    pub(crate) link: Option<Arc<Link>>,
    /// Rights given to it since its last revocation, and given back by it.
    minted: u64,
    returned: u64,
    /// Rights that were revoked and that it has not given back. They count again when somebody whose
    /// right is as old passes it one: it cannot be told which of them it gives back then.
    void: u64,
    /// Of all these, what others have passed on to it.
    open: OpenGrants,
    /// Lanes of it that are open here.
    pub(crate) lanes: u32,
    /// Rights of an older epoch of the port are void: they were revoked.
    oldest: u32,
    /// The task is dead: a lane of it that is dry is over.
    pub(crate) is_gone: bool,
    /// The last question by which it wanted to hear of the end of its rights; 0: none.
    watches: u64,
}

impl Holder {
    pub(crate) fn is_live(&self) -> bool {
        self.minted > self.returned || self.lanes > 0
    }

    /// How many rights it holds; one that was given back but is still being used counts.
    fn rights(&self) -> u64 {
        self.minted.saturating_sub(self.returned).max(u64::from(self.lanes > 0))
    }

    /// Nothing more comes of it but what it had published.
    pub(crate) fn lose(&mut self) {
        self.is_gone = true;
        self.returned = self.minted;
        self.open.clear();
        self.forget_link();
    }

    /// A dead task's link is kept as long as something of it is unread.
    pub(crate) fn forget_link(&mut self) {
        if self.is_over() {
            self.link = None;
        }
    }

    /// Nothing more comes of it: another task can take its place in the table.
    fn is_over(&self) -> bool {
        self.is_gone && self.lanes == 0
    }
}

/// What the table says of a lane that a task has opened to the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The task holds a right; this is its index in the table.
    Covered(usize),
    /// It held one, which was revoked.
    Revoked,
    /// It holds none.
    Unknown,
}

/// The table.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    list: Vec<Holder>,
    /// Incremented by each revocation; a right carries the epoch that it was given in.
    pub(crate) epoch: u32,
    /// Rights of older epochs are void, whoever holds them: all were revoked.
    floor: u32,
}

impl Holders {
    /// How many rights they hold together, those on their way included.
    pub(crate) fn rights(&self) -> u64 {
        self.list.iter().map(Holder::rights).sum()
    }

    pub(crate) fn get(&self, index: usize) -> &Holder {
        &self.list[index]
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> &mut Holder {
        &mut self.list[index]
    }

    /// The links of those that have opened lanes here.
    pub(crate) fn links(&self) -> impl Iterator<Item = &Arc<Link>> {
        self.list.iter().filter_map(|holder| holder.link.as_ref())
    }

    /// Tells who a holder is that may never open a lane.
    pub(crate) fn identify(&mut self, task: u64, identity: Identity) {
        if let Some(at) = self.find(task) {
            self.list[at].identity = Some(identity);
        }
    }

    /// The tasks that are known to be `identity`.
    pub(crate) fn tasks_of(&self, identity: Identity) -> impl Iterator<Item = u64> {
        self.list.iter().filter(move |holder| holder.identity == Some(identity)).map(|holder| holder.task)
    }

    pub(crate) fn find(&self, task: u64) -> Option<usize> {
        self.list.iter().position(|holder| holder.task == task)
    }

    /// Whether the task holds a right of the epoch, or a newer one; none of an epoch that has not begun.
    pub(crate) fn covers(&self, task: u64, epoch: u32) -> bool {
        let covers = |holder: &Holder| holder.is_live() && epoch >= holder.oldest;
        (self.floor..=self.epoch).contains(&epoch) && self.find(task).is_some_and(|at| covers(&self.list[at]))
    }

    /// Gives the task one right of epoch `epoch`.
    pub(crate) fn mint(&mut self, task: u64, epoch: u32) {
        let at = self.find(task).unwrap_or_else(|| {
            let new = Holder {
                task,
                identity: None,
                link: None,
                minted: 0,
                returned: 0,
                void: 0,
                open: OpenGrants::default(),
                lanes: 0,
                oldest: 0,
                is_gone: false,
                watches: 0,
            };
            if let Some(at) = self.list.iter().position(Holder::is_over) {
                self.list[at] = new;
                return at;
            }
            self.list.push(new);
            self.list.len() - 1
        });
        let holder = &mut self.list[at];
        holder.minted += 1;
        // Passed on by one whose right is older than this task's revocation: it counts again.
        if epoch < holder.oldest {
            holder.oldest = epoch;
            holder.minted += std::mem::take(&mut holder.void);
        }
    }

    /// `by` has passed a right of an epoch on to a task: as [`mint`](Self::mint), until it is given
    /// back or [settled](Self::settle).
    pub(crate) fn grant(&mut self, by: u64, to: u64, epoch: u32) {
        self.mint(to, epoch);
        if let Some(at) = self.find(to).filter(|_| by != AUTHORITY) {
            self.list[at].open.add(by, epoch);
        }
    }

    /// `count` rights of an epoch were not given after all.
    pub(crate) fn unmint(&mut self, task: u64, epoch: u32, count: u64) {
        if let Some(at) = self.find(task).filter(|_| epoch >= self.floor) {
            let holder = &mut self.list[at];
            if epoch < holder.oldest {
                holder.void = holder.void.saturating_sub(count);
            } else {
                holder.minted = holder.minted.saturating_sub(count);
                holder.returned = holder.returned.min(holder.minted);
            }
        }
    }

    /// The task gives back `count` rights of an epoch, which `by` had passed on to it (0: nobody had).
    pub(crate) fn take_back(&mut self, task: u64, by: u64, epoch: u32, mut count: u64) {
        if let Some(at) = self.find(task).filter(|_| epoch >= self.floor) {
            let holder = &mut self.list[at];
            if by != AUTHORITY {
                count = holder.open.take(by, epoch, count);
            }
            if epoch >= holder.oldest {
                holder.returned = holder.returned.saturating_add(count).min(holder.minted);
            } else {
                holder.void = holder.void.saturating_sub(count);
            }
        }
    }

    /// A task is dead: who is to be asked what of it, of those that it had passed rights on to, and the
    /// epochs of those rights.
    pub(crate) fn ask(&mut self, issuer: u64) -> Vec<(u64, u32)> {
        let living = self.list.iter_mut().filter(|holder| !holder.is_gone);
        living.flat_map(|holder| holder.open.ask(issuer).map(|epoch| (holder.task, epoch))).collect()
    }

    /// The task has `held` rights of an epoch that the dead `issuer` had passed on to it. What else that
    /// one had asked for never reached it.
    pub(crate) fn settle(&mut self, task: u64, issuer: u64, epoch: u32, held: u64) {
        if let Some(at) = self.find(task) {
            let lost = self.list[at].open.settle(issuer, epoch, held);
            self.unmint(task, epoch, lost);
        }
    }

    /// Judges a lane that the task has opened with a right of `epoch`.
    pub(crate) fn judge(&self, task: u64, epoch: u32) -> Claim {
        match self.find(task) {
            // A claim of an epoch that has not begun would outlive the next revocation.
            _ if epoch > self.epoch => Claim::Unknown,
            _ if epoch < self.floor => Claim::Revoked,
            Some(at) if epoch < self.list[at].oldest => Claim::Revoked,
            Some(at) if self.list[at].is_live() && !self.list[at].is_gone => Claim::Covered(at),
            _ => Claim::Unknown,
        }
    }

    /// A holder wants to hear of the end of its rights, by this question.
    pub(crate) fn watch(&mut self, index: usize, serial: u64) {
        let last = &mut self.list[index].watches;
        *last = serial.max(*last);
    }

    /// The tasks that want to hear of the end of their rights, and their last questions.
    pub(crate) fn watchers(&self) -> impl Iterator<Item = (u64, u64)> {
        let watching = self.list.iter().filter(|holder| holder.watches != 0 && !holder.is_gone);
        watching.map(|holder| (holder.task, holder.watches))
    }

    /// Rights of the task that are older than this epoch were revoked.
    pub(crate) fn oldest(&self, task: u64) -> u32 {
        self.find(task).map_or(0, |at| self.list[at].oldest).max(self.floor)
    }

    /// Ends all rights of a holder.
    pub(crate) fn revoke(&mut self, index: usize) {
        self.epoch = self.epoch.wrapping_add(1);
        let holder = &mut self.list[index];
        holder.void += holder.minted - holder.returned;
        (holder.minted, holder.returned) = (0, 0);
        holder.oldest = self.epoch;
    }

    /// Ends all rights of all tasks; says whether there were any. No lane of theirs is open any more.
    pub(crate) fn revoke_all(&mut self) -> bool {
        let any = self.any_live();
        self.epoch = self.epoch.wrapping_add(1);
        self.floor = self.epoch;
        self.list.clear();
        any
    }

    /// Whether no task was ever given a right.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether there is one right to the port in the world, besides this task's own: with one task, that
    /// can give nobody another without being asked.
    pub(crate) fn is_single(&self) -> bool {
        let mut live = self.list.iter().filter(|holder| holder.is_live());
        match (live.next(), live.next()) {
            (Some(holder), None) => holder.task != AUTHORITY && holder.minted - holder.returned <= 1,
            _ => false,
        }
    }

    pub(crate) fn any_live(&self) -> bool {
        self.list.iter().any(Holder::is_live)
    }

    /// Whether a task without rights, or a dead one, has lanes that are not read to the end yet.
    pub(crate) fn any_unsettled(&self) -> bool {
        self.list.iter().any(|holder| holder.minted <= holder.returned && holder.lanes > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_counted_and_clamped() {
        let mut holders = Holders::default();
        holders.mint(7, 0);
        holders.mint(7, 0);
        holders.take_back(7, 0, 0, 1);
        assert!(holders.any_live());
        holders.take_back(7, 0, 0, u64::MAX);
        assert!(!holders.any_live(), "what is given back too much is ignored");
        holders.mint(7, 0);
        assert!(holders.any_live(), "and is not held against later rights");
        holders.take_back(8, 0, 0, 1);
        assert_eq!(holders.judge(8, 0), Claim::Unknown);
    }

    #[test]
    fn a_revoked_right_stays_dead_and_a_new_one_lives() {
        let mut holders = Holders::default();
        holders.mint(7, holders.epoch);
        let at = holders.find(7).unwrap();
        holders.revoke(at);
        assert!(!holders.any_live());
        assert_eq!(holders.judge(7, 0), Claim::Revoked);
        holders.mint(7, holders.epoch);
        assert_eq!(holders.judge(7, 0), Claim::Revoked, "a lane opened by the old right stays dead");
        assert_eq!(holders.judge(7, 1), Claim::Covered(at));
        assert_eq!(holders.judge(7, 2), Claim::Unknown, "an epoch that has not begun");
        assert!(holders.covers(7, 1) && !holders.covers(7, 2), "nor can it be passed on");
        holders.take_back(7, 0, 0, 1);
        assert!(holders.any_live(), "giving back the old right takes nothing from the new one");
    }

    #[test]
    fn giving_back_a_revoked_right_takes_nothing_from_one_passed_on_since() {
        let mut holders = Holders::default();
        holders.mint(7, 0);
        holders.revoke(holders.find(7).unwrap());
        holders.mint(7, 0); // by another holder, whose right is as old and was not revoked
        holders.take_back(7, 0, 0, 1);
        assert!(holders.any_live(), "the revoked one came back");
        holders.take_back(7, 0, 0, 1);
        assert!(!holders.any_live());
    }

    #[test]
    fn the_dead_make_room_once_their_lanes_are_read() {
        let mut holders = Holders::default();
        holders.mint(7, 0);
        let at = holders.find(7).unwrap();
        holders.get_mut(at).lanes = 1;
        holders.get_mut(at).lose();
        holders.mint(8, 0);
        assert_eq!(holders.list.len(), 2, "one of its lanes is still read");
        holders.get_mut(at).lanes = 0;
        holders.mint(9, 0);
        assert_eq!((holders.list.len(), holders.find(9)), (2, Some(at)));
        assert_eq!(holders.judge(7, 0), Claim::Unknown);
    }

    #[test]
    fn a_revoked_right_given_back_takes_nothing_from_one_passed_on_by_another() {
        let mut holders = Holders::default();
        holders.mint(7, 0);
        let at = holders.find(7).unwrap();
        holders.revoke(at);
        holders.mint(7, 0); // by one whose right was not revoked
        holders.take_back(7, 0, 0, 1); // the revoked one, as far as the holder knows
        assert!(holders.any_live(), "the other one is still there");
        holders.take_back(7, 0, 0, 1);
        assert!(!holders.any_live());
    }

    #[test]
    fn a_right_refused_after_a_revocation_takes_nothing_from_a_new_one() {
        let mut holders = Holders::default();
        holders.mint(7, 0);
        let at = holders.find(7).unwrap();
        holders.revoke(at);
        holders.mint(7, holders.epoch);
        holders.unmint(7, 0, 1);
        assert!(holders.any_live());
        holders.unmint(7, holders.epoch, 1);
        assert!(!holders.any_live());
    }

    #[test]
    fn a_grant_that_never_arrived_is_settled_and_takes_nothing_else() {
        let mut holders = Holders::default();
        holders.mint(7, 0); // the receiver's own
        (0..3).for_each(|_| holders.grant(5, 7, 0));
        holders.grant(6, 7, 0);
        holders.take_back(7, 5, 0, 1);
        assert_eq!(holders.ask(5), [(7, 0)]);
        assert_eq!(holders.ask(5), [], "asked once");
        holders.settle(7, 5, 0, 1);
        holders.take_back(7, 5, 0, 1);
        holders.take_back(7, 0, 0, 2);
        assert!(holders.any_live(), "what 6 has passed on, and nothing of what 5 had");
        holders.take_back(7, 6, 0, 1);
        assert!(!holders.any_live());
    }

    #[test]
    fn a_grant_of_a_revoked_right_is_settled_among_the_revoked() {
        let mut holders = Holders::default();
        holders.mint(7, 0);
        holders.grant(5, 7, 0);
        holders.revoke(holders.find(7).unwrap());
        assert_eq!(holders.ask(5), [(7, 0)]);
        holders.settle(7, 5, 0, 0);
        holders.grant(6, 7, 0); // by one whose right is as old: what was revoked counts again
        holders.take_back(7, 6, 0, 1);
        assert!(holders.any_live(), "one of the two revoked ones was real");
        holders.take_back(7, 0, 0, 1);
        assert!(!holders.any_live());
    }

    #[test]
    fn an_answer_of_nonsense_takes_from_nobody_else() {
        let mut holders = Holders::default();
        holders.grant(5, 7, 0);
        holders.grant(5, 8, 0);
        assert_eq!(holders.ask(5), [(7, 0), (8, 0)]);
        holders.settle(7, 5, 0, u64::MAX);
        holders.settle(7, 5, 0, 0);
        holders.settle(9, 5, 0, 0);
        assert!(holders.covers(7, 0) && holders.covers(8, 0));
        holders.take_back(7, 0, 0, u64::MAX);
        assert!(!holders.covers(7, 0) && holders.covers(8, 0));
    }

    #[test]
    fn what_is_older_than_the_revocation_of_all_is_void_whoever_has_it() {
        let mut holders = Holders::default();
        holders.mint(7, 0);
        holders.grant(7, 8, 0);
        assert!(holders.revoke_all() && !holders.any_live());
        assert!(!holders.revoke_all(), "there were none left");
        let epoch = holders.epoch;
        holders.mint(7, epoch);
        assert!(!holders.covers(7, 0) && holders.covers(7, epoch));
        assert_eq!((holders.judge(7, 0), holders.judge(9, 1)), (Claim::Revoked, Claim::Revoked));
        holders.take_back(7, 0, 0, 1);
        holders.unmint(7, 0, 1);
        assert!(holders.any_live(), "an old right takes nothing from a new one");
        assert_eq!(holders.judge(7, epoch), Claim::Covered(0));
    }
}
