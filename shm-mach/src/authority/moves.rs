//! Receive rights on their way from one task to another: offered, and not arrived.

use std::collections::BTreeMap;

use crate::authority::ledger::{Events, Ledger};
use crate::authority::owed::Owed;
use crate::wire::event::{Answer, Event, Refusal};
use crate::wire::request::Request;

/// Receive rights of one task on their way to another: each is a port that the other keeps, and that its
/// program has not seen.
const OF_A_PAIR: u32 = 64;
/// The same, for all others together.
const OF_A_TASK: u32 = 1024;

/// How many are on their way, from whom and to whom.
#[derive(Debug, Default)]
pub(super) struct Moves(BTreeMap<(u64, u64), u32>);

impl Moves {
    /// One more, if that is not too many; says whether.
    fn add(&mut self, from: u64, to: u64) -> bool {
        let of_task: u32 = self.0.range((from, 0)..=(from, u64::MAX)).map(|(_, count)| count).sum();
        let of_pair = self.0.get(&(from, to)).copied().unwrap_or(0);
        let has_room = of_pair < OF_A_PAIR && of_task < OF_A_TASK;
        if has_room {
            self.0.insert((from, to), of_pair + 1);
        }
        has_room
    }

    /// One of those has arrived, or never will.
    pub(super) fn end(&mut self, from: u64, to: u64) {
        if let Some(count) = self.0.get_mut(&(from, to)) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&(from, to));
            }
        }
    }

    /// The task is dead.
    pub(super) fn forget(&mut self, task: u64) {
        self.0.retain(|(from, to), _| *from != task && *to != task);
    }
}

impl Ledger {
    /// Tells a task of a port that `from` is about to give it. Whoever gets a right to it is told of
    /// afterwards, so nothing about the port reaches that task before this.
    pub(super) fn offer<F>(
        &mut self,
        from: u64,
        request: Request,
        out: &mut Events<F>,
    ) -> Result<Answer, Refusal> {
        let Request::Offer { task, key, limit, keeps, to } = request else { return Err(Refusal::Protocol) };
        if !self.pairs.contains_key(&(from.min(task), from.max(task))) {
            return Err(Refusal::TaskDied);
        }
        self.reachable(task)?;
        if !self.moves.add(from, task) {
            return Err(Refusal::NoBuffer);
        }
        self.tell(task, Event::Offered { task: from, key, limit, keeps, to }, None, out);
        Ok(Answer::Done)
    }

    /// `from` has not sent it after all.
    pub(super) fn withdraw<F>(&mut self, from: u64, task: u64, key: u64, out: &mut Events<F>) {
        self.moves.end(from, task);
        self.pass_on(from, task, Owed::Withdrawn { key }, 1, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_are_on_their_way() {
        let mut moves = Moves::default();
        for to in 0..OF_A_TASK / OF_A_PAIR {
            for _ in 0..OF_A_PAIR {
                assert!(moves.add(1, 10 + u64::from(to)));
            }
            assert!(!moves.add(1, 10 + u64::from(to)), "too many for one");
        }
        assert!(!moves.add(1, 99), "too many of one");
        assert!(moves.add(2, 10), "another one has room of its own");
        moves.end(1, 10);
        moves.end(1, 98);
        assert!(moves.add(1, 99) && !moves.add(1, 99));
        moves.forget(11);
        assert!(moves.add(1, 10));
        moves.forget(1);
        assert_eq!(moves.0.len(), 1);
    }
}
