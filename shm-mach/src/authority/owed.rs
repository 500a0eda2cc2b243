//! What a task is to be told by others once it reads again: a state, not a queue, so that nobody's
//! silence takes up more memory than others may use.

use std::collections::{BTreeMap, HashMap};

use crate::authority::ledger::{self, Events};
use crate::wire::event::Event;
use crate::wire::request::PortRef;

/// What one task can have waiting for tasks that do not read what they are told.
const OWED_A_TASK: usize = 1024;

/// What one task has for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owed {
    /// Rights to a port of the other's, which `by` had passed on; so many.
    Returned { port: PortRef, by: u64 },
    /// The question what the other has of a dead task's, of rights to a port of this one's.
    Question { port: PortRef, issuer: u64 },
    /// The answer to such a question; so many.
    Answer { port: PortRef, issuer: u64 },
    /// A send-once right to a port of the other's, which had been passed on.
    ReturnedOnce { number: u64 },
    /// The question whether the other has got such a right to a port of this one's, from a dead task.
    QuestionOnce { number: u64, issuer: u64 },
    /// A receive right that was offered to the other will not be sent.
    Withdrawn { key: u64 },
}

impl Owed {
    /// How `from` tells it.
    pub(super) fn event(self, from: u64, count: u32) -> Event {
        match self {
            Self::Returned { port, by } => Event::Released { task: from, port, count, by },
            Self::Question { port, issuer } => Event::Settle { issuer, receiver: from, port },
            Self::Answer { port, issuer } => Event::Settled { task: from, port, issuer, held: count },
            Self::ReturnedOnce { number } => Event::ReleasedOnce { task: from, number },
            Self::QuestionOnce { number, issuer } => Event::SettleOnce { issuer, receiver: from, number },
            Self::Withdrawn { key } => Event::Withdrawn { task: from, key },
        }
    }
}

/// All that is owed: to whom and by whom, and how much of each.
#[derive(Debug, Default)]
pub(super) struct Ledger(BTreeMap<(u64, u64), HashMap<Owed, u32>>);

impl Ledger {
    /// Keeps it. Who has more to tell than anybody holds is not heard to the end: then the other knows
    /// less, and counts rights for longer.
    pub(super) fn keep(&mut self, to: u64, from: u64, what: Owed, count: u32) {
        let held: usize = self.0.iter().filter(|((_, by), _)| *by == from).map(|(_, all)| all.len()).sum();
        let is_kept = self.0.get(&(to, from)).is_some_and(|all| all.contains_key(&what));
        if held >= OWED_A_TASK && !is_kept {
            return; // and no empty entry: what others are owed would wait behind it
        }
        let kept = self.0.entry((to, from)).or_default().entry(what).or_default();
        *kept = match what {
            Owed::Returned { .. } => kept.saturating_add(count),
            Owed::Question { .. } | Owed::Answer { .. } => count,
            Owed::ReturnedOnce { .. } | Owed::QuestionOnce { .. } | Owed::Withdrawn { .. } => 1,
        };
    }

    /// Takes something that a task is to be told.
    pub(super) fn take(&mut self, to: u64) -> Option<Event> {
        let (&key, all) = self.0.range_mut((to, 0)..=(to, u64::MAX)).next()?;
        let what = all.keys().next().copied();
        let count = what.and_then(|what| all.remove(&what)).unwrap_or(0);
        if all.is_empty() {
            self.0.remove(&key);
        }
        what.map(|what| what.event(key.1, count))
    }

    /// A task is dead.
    pub(super) fn forget(&mut self, task: u64) {
        self.0.retain(|(to, from), _| *to != task && *from != task);
    }
}

impl ledger::Ledger {
    /// Tells a task something about rights between it and `from`, now or when it reads again.
    pub(super) fn pass_on<F>(&mut self, from: u64, to: u64, what: Owed, count: u32, out: &mut Events<F>) {
        if self.known(from, to).is_err() {
            return;
        }
        if self.reachable(to).is_ok() {
            return self.tell(to, what.event(from, count), None, out);
        }
        self.owed.keep(to, from, what, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORT: PortRef = PortRef { port: 3, epoch: 0, key: 99, limit: 5 };

    #[test]
    fn what_is_owed_is_summed_by_its_kind_and_told_once() {
        let mut owed = Ledger::default();
        owed.keep(1, 2, Owed::Returned { port: PORT, by: 7 }, 2);
        owed.keep(1, 2, Owed::Returned { port: PORT, by: 7 }, 3);
        owed.keep(1, 2, Owed::Returned { port: PORT, by: 8 }, 1);
        owed.keep(1, 2, Owed::Question { port: PORT, issuer: 7 }, 0);
        owed.keep(1, 2, Owed::Answer { port: PORT, issuer: 7 }, 4);
        owed.keep(1, 2, Owed::Answer { port: PORT, issuer: 7 }, 4);
        owed.keep(1, 2, Owed::ReturnedOnce { number: 8 }, 1);
        owed.keep(1, 2, Owed::QuestionOnce { number: 8, issuer: 7 }, 0);
        owed.keep(1, 2, Owed::QuestionOnce { number: 8, issuer: 7 }, 0);
        owed.keep(5, 2, Owed::Answer { port: PORT, issuer: 7 }, 1);
        let told: Vec<Event> = std::iter::from_fn(|| owed.take(1)).collect();
        assert_eq!(told.len(), 6);
        for event in [
            Event::Released { task: 2, port: PORT, count: 5, by: 7 },
            Event::Released { task: 2, port: PORT, count: 1, by: 8 },
            Event::Settle { issuer: 7, receiver: 2, port: PORT },
            Event::Settled { task: 2, port: PORT, issuer: 7, held: 4 },
            Event::ReleasedOnce { task: 2, number: 8 },
            Event::SettleOnce { issuer: 7, receiver: 2, number: 8 },
        ] {
            assert!(told.contains(&event), "{event:?} of {told:?}");
        }
        owed.forget(5);
        assert_eq!(owed.take(5), None);
    }

    #[test]
    fn one_task_can_have_only_so_much_waiting() {
        let mut owed = Ledger::default();
        for key in 0..2 * OWED_A_TASK as u64 {
            owed.keep(key % 7, 2, Owed::Question { port: PortRef { key, ..PORT }, issuer: 7 }, 0);
        }
        owed.keep(1, 3, Owed::Question { port: PORT, issuer: 7 }, 0);
        let all = (0..7).map(|to| std::iter::from_fn(|| owed.take(to)).count());
        assert_eq!(all.sum::<usize>(), OWED_A_TASK + 1, "another task has room of its own");
    }
}
