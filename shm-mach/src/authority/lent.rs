//! Regions on their way from one task to another: passed on, and not mapped yet.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use crate::authority::ledger::{Events, Ledger};
use crate::wire::event::{Answer, Event, Refusal};

/// Regions of one task for another that are on their way: twice what an honest one has. Each keeps a
/// descriptor in flight.
const OF_A_PAIR: u32 = 64;
/// The same, for all others together.
const OF_A_TASK: u32 = 256;
/// The same, of all tasks of one user: the kernel lets the authority have only so many descriptors in
/// flight, as many as it may have open, and refuses those of everybody when they are used up.
const OF_A_USER: u32 = 512;

/// How many are on their way, from whom and to whom.
#[derive(Debug, Default)]
pub(super) struct Lent(BTreeMap<(u64, u64), u32>);

impl Lent {
    /// One more, if that is not too many; says whether. `is_same_user`: of a task, whether its user is
    /// that of `from`.
    fn add(&mut self, from: u64, to: u64, is_same_user: impl Fn(u64) -> bool) -> bool {
        let sum = |is_of: &dyn Fn(u64) -> bool| -> u32 {
            self.0.iter().filter(|((by, _), _)| is_of(*by)).map(|(_, count)| count).sum()
        };
        let of_pair = self.0.get(&(from, to)).copied().unwrap_or(0);
        let has_room = of_pair < OF_A_PAIR
            && sum(&|task| task == from) < OF_A_TASK
            && sum(&|task| task == from || is_same_user(task)) < OF_A_USER;
        if has_room {
            self.0.insert((from, to), of_pair + 1);
        }
        has_room
    }

    /// `by` has one of those of `from`, or has refused it.
    pub(super) fn take(&mut self, from: u64, by: u64) {
        if let Some(count) = self.0.get_mut(&(from, by)) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&(from, by));
            }
        }
    }

    /// The task is dead.
    pub(super) fn forget(&mut self, task: u64) {
        self.0.retain(|(from, to), _| *from != task && *to != task);
    }
}

impl Ledger {
    /// Passes a region on to a task that `from` was introduced to.
    pub(super) fn lend<F>(
        &mut self,
        from: u64,
        to: u64,
        region: NonZeroU32,
        fd: Option<F>,
        out: &mut Events<F>,
    ) -> Result<Answer, Refusal> {
        let fd = fd.ok_or(Refusal::Protocol)?;
        if !self.pairs.contains_key(&(from.min(to), from.max(to))) {
            return Err(Refusal::TaskDied);
        }
        self.reachable(to)?;
        let user = |task: u64| self.tasks.get(&task).map(|task| task.who.uid);
        if !self.lent.add(from, to, |other| user(other) == user(from)) {
            return Err(Refusal::NoBuffer);
        }
        self.tell(to, Event::Lent { task: from, region }, Some(fd), out);
        Ok(Answer::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_are_on_their_way() {
        let mut lent = Lent::default();
        let alone = |_| false;
        for to in 10..14 {
            for _ in 0..OF_A_PAIR {
                assert!(lent.add(1, to, alone));
            }
            assert!(!lent.add(1, to, alone), "too many for one");
        }
        assert!(!lent.add(1, 14, alone), "too many of one");
        assert!(lent.add(2, 10, alone), "another one has room of its own");
        lent.take(1, 10);
        lent.take(1, 99);
        assert!(lent.add(1, 14, alone) && !lent.add(1, 14, alone));
        lent.forget(10);
        assert!(lent.add(1, 10, alone));
        lent.forget(1);
        assert_eq!(lent.0.len(), 0);
    }
    #[test]
    fn the_tasks_of_one_user_use_up_nobody_elses() {
        let mut lent = Lent::default();
        let is_of_the_first = |task| task < 100;
        let taken = (0..20).filter(|from| {
            (0..OF_A_PAIR).filter(|_| lent.add(*from, 200, is_of_the_first)).count() == OF_A_PAIR as usize
        });
        assert_eq!(taken.count(), (OF_A_USER / OF_A_PAIR) as usize);
        assert!(!lent.add(99, 201, is_of_the_first) && lent.add(100, 200, |task| task >= 100));
    }
}
