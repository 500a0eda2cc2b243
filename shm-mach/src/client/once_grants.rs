//! Send-once rights to this task's ports that others have passed on: who has each of them now.
//!
//! A right is known by a number from the moment that its holder asks the authority to pass it on until
//! it is used, dropped, or has come home. It is here exactly that long, and then no longer: so exactly
//! one message or notification comes of it, whatever dies and whoever lies.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futex::sync::Lock;

use crate::client::identity::Identity;
use crate::client::link::Link;
use crate::client::once_right::SendOnceRight;
use crate::client::port::Port;
use crate::client::task::Inner;
use crate::ring::lane_in::LaneIn;
use crate::ring::lane_out::Death;
use crate::ring::slot::Token;
use crate::wire::control::NO_TOKEN;
use crate::wire::request::OnceRef;

/// The table. Its lock is taken before that of a port's group, and held while a right goes from here
/// to a port: a revocation that finds it not here finds it there.
#[derive(Debug, Default)]
pub(crate) struct OnceGrants(Lock<Table>);

#[derive(Debug, Default)]
struct Table {
    rights: HashMap<u64, Grant>,
    /// Who has passed which right back to this task, in a message that was destroyed before the
    /// authority's word was heard.
    ended: HashSet<(u64, u64)>,
}

/// Rights of one task that are kept in `ended`.
const ENDED_A_TASK: usize = 1024;

/// One right.
#[derive(Debug)]
struct Grant {
    port: Arc<Port>,
    /// Who has passed it on last: that task may take it back until it has sent it.
    by: u64,
    /// Who has it, or gets it.
    to: u64,
    who: Identity,
    /// `by` was revoked since: what it has sent stands, what it takes back ends.
    is_final: bool,
}

impl OnceGrants {
    /// Whether a claim of `number` by `task` can be decided now.
    pub(crate) fn knows(&self, task: u64, number: u64) -> bool {
        self.0.lock().rights.get(&number).is_some_and(|grant| grant.to == task)
    }

    /// The number of the port that a right leads to.
    pub(crate) fn port_of(&self, number: u64) -> Option<u32> {
        self.0.lock().rights.get(&number).map(|grant| grant.port.index)
    }

    /// The tasks that are `holder`, of those that have rights to a port.
    pub(crate) fn tasks_of(&self, port: &Port, holder: Identity) -> Vec<u64> {
        let table = self.0.lock();
        let to_port = table.rights.values().filter(|grant| grant.is_to(port));
        to_port.filter(|grant| grant.who == holder).map(|grant| grant.to).collect()
    }

    /// The rights that a task has passed on, and to whom.
    pub(crate) fn passed_on_by(&self, task: u64) -> Vec<(u64, u64)> {
        let table = self.0.lock();
        let passed_on = table.rights.iter().filter(|(_, grant)| grant.by == task);
        passed_on.map(|(number, grant)| (*number, grant.to)).collect()
    }

    /// The port is dead, and all rights to it.
    pub(crate) fn end_all(&self, port: &Port) {
        self.0.lock().rights.retain(|_, grant| !grant.is_to(port));
    }

    /// Ends what a task has of rights to a port; says whether that was any. What it has passed on stands,
    /// if it was sent.
    pub(crate) fn revoke(&self, port: &Port, task: u64) -> bool {
        let mut table = self.0.lock();
        for grant in table.rights.values_mut().filter(|grant| grant.by == task && grant.is_to(port)) {
            grant.is_final = true;
        }
        table.end(|grant| grant.to == task && grant.is_to(port))
    }

    /// Ends all rights to a port; says whether there were any.
    pub(crate) fn revoke_all(&self, port: &Port) -> bool {
        self.0.lock().end(|grant| grant.is_to(port))
    }

    /// A right that `by` has passed back to this task is destroyed unread with its message, or never came.
    /// `is_word_coming`: the authority has something to tell that was not heard yet, which may be that this
    /// one is passed.
    fn end_home(&self, by: u64, own: u64, number: u64, is_word_coming: impl FnOnce() -> bool) {
        let mut table = self.0.lock();
        if let Some(port) = table.take_home(by, own, number) {
            drop(table);
            return port.give_up();
        }
        if !is_word_coming() {
            table.ended.clear();
        } else if table.ended.iter().filter(|(other, _)| *other == by).count() < ENDED_A_TASK {
            table.ended.insert((by, number));
        }
    }

    /// Ends what a task has, which is dead or writes nonsense.
    pub(crate) fn lose(&self, task: u64) {
        self.0.lock().end(|grant| grant.to == task);
    }
}

impl Table {
    /// Ends rights unused; says whether there were any.
    fn end(&mut self, which: impl Fn(&Grant) -> bool) -> bool {
        let ended = self.rights.extract_if(|_, grant| which(grant));
        ended.fold(false, |_, (_, grant)| {
            grant.port.give_up();
            true
        })
    }

    /// Takes a right out that `by` has, or has passed on last.
    fn take_of(&mut self, by: u64, number: u64) -> Option<Grant> {
        let grant = self.rights.get(&number)?;
        if grant.to == by || grant.by == by { self.rights.remove(&number) } else { None }
    }

    /// Takes a right out that `by` has passed back to this task.
    fn take_home(&mut self, by: u64, own: u64, number: u64) -> Option<Arc<Port>> {
        let grant = self.rights.get(&number)?;
        if (grant.by, grant.to) != (by, own) {
            return None;
        }
        self.rights.remove(&number).map(|grant| grant.port)
    }
}

impl Grant {
    fn is_to(&self, port: &Port) -> bool {
        std::ptr::eq(&*self.port, port)
    }
}

impl Inner {
    /// `by` has passed a right on, says the authority. Believed if it is the one who has it, or who has
    /// passed it on last and did not send it.
    pub(crate) fn grant_once(&self, by: u64, right: OnceRef, to: (u64, Identity), number: u64) {
        let mut table = self.once_grants.0.lock();
        if table.rights.contains_key(&number) {
            return; // numbers are drawn at random: no honest task draws one twice
        }
        let port = match right {
            OnceRef::Token(token) => self.take_token(by, token),
            OnceRef::Number(old) => match table.take_of(by, old) {
                Some(grant) if grant.is_final && grant.to != by => return grant.port.give_up(),
                grant => grant.map(|grant| grant.port),
            },
        };
        let has_ended = table.ended.remove(&(by, number));
        match port {
            Some(port) if has_ended => port.give_up(),
            Some(port) => {
                let grant = Grant { port, by, to: to.0, who: to.1, is_final: false };
                table.rights.insert(number, grant);
            }
            None => {}
        }
    }

    fn take_token(&self, by: u64, token: Token) -> Option<Arc<Port>> {
        let links = self.links();
        let link = links.iter().find(|link| link.task == by)?;
        let port = self.port(link.port_of(token)?)?;
        port.take_token(by, token).then_some(port)
    }

    /// The peer of `link` has opened a lane to use a right.
    pub(crate) fn claim_once(&self, link: &Arc<Link>, number: u64, index: usize, lane: LaneIn) {
        let mut table = self.once_grants.0.lock();
        let is_theirs = table.rights.get(&number).is_some_and(|grant| grant.to == link.task);
        match if is_theirs { table.rights.remove(&number) } else { None } {
            Some(grant) => grant.port.await_on_lane(link, index, lane),
            None => link.kill_lane(index, lane, Death::Died),
        }
    }

    /// A task drops a right that it has, or did not send, or has not got.
    pub(crate) fn end_once(&self, task: u64, number: u64, token: Token) {
        let mut table = self.once_grants.0.lock();
        let port = if table.rights.contains_key(&number) {
            table.take_of(task, number).map(|grant| grant.port)
        } else if token != NO_TOKEN {
            self.take_token(task, token) // the authority died before it told of the number
        } else {
            None
        };
        drop(table);
        if let Some(port) = port {
            port.give_up();
        }
    }

    /// A right that `by` has passed back has come home in a message: to this task's own port. `None` if
    /// it has ended.
    pub(crate) fn arrive_once(&self, own: u64, by: u64, number: u64) -> Option<SendOnceRight> {
        let port = self.once_grants.0.lock().take_home(by, own, number)?;
        port.take_home();
        Some(SendOnceRight::local(port))
    }

    /// Such a right is destroyed unread with its message, or never came.
    pub(crate) fn end_home_once(&self, by: u64, number: u64) {
        let Some(authority) = &self.authority else { return };
        self.once_grants.end_home(by, authority.task, number, || authority.has_events());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::receive_right::ReceiveRight;
    use crate::client::task::{Options, Task};
    use crate::ipc::NameTable;

    const OWN: u64 = 9;

    /// A task, and a port of its own with `count` rights that are elsewhere.
    fn task(count: u32) -> (Arc<Inner>, ReceiveRight) {
        let task = Task::new(Options::default(), None, NameTable::create(16).unwrap()).unwrap();
        let right = task.allocate().unwrap();
        for _ in 0..count {
            right.port().add_once();
            right.port().group.lock().port.elsewhere += 1;
        }
        (task.inner, right)
    }

    fn hold(task: &Inner, right: &ReceiveRight, number: u64, by: u64, to: u64) {
        let grant = Grant { port: right.port().clone(), by, to, who: Identity::KERNEL, is_final: false };
        task.once_grants.0.lock().rights.insert(number, grant);
    }

    fn pass(task: &Inner, by: u64, old: u64, to: u64, number: u64) {
        task.grant_once(by, OnceRef::Number(old), (to, Identity::KERNEL), number);
    }

    #[test]
    fn one_that_was_destroyed_before_the_authoritys_word_ends_with_it() {
        let (task, port) = task(2);
        hold(&task, &port, 1, 5, 6);
        hold(&task, &port, 2, 5, 6);
        task.once_grants.end_home(6, OWN, 11, || true);
        task.once_grants.end_home(7, OWN, 12, || true);
        pass(&task, 6, 1, OWN, 11);
        assert_eq!(port.send_once_rights(), 1, "given up");
        pass(&task, 6, 2, OWN, 12);
        assert_eq!(port.send_once_rights(), 1, "7 did not pass that one");
        task.once_grants.end_home(6, OWN, 12, || true);
        assert_eq!(port.send_once_rights(), 0);
    }

    #[test]
    fn what_ended_is_remembered_only_as_long_as_a_word_may_come() {
        let (task, port) = task(1);
        hold(&task, &port, 1, 5, 6);
        for number in 0..2 * ENDED_A_TASK as u64 {
            task.once_grants.end_home(7, OWN, number, || true);
        }
        assert_eq!(task.once_grants.0.lock().ended.len(), ENDED_A_TASK);
        task.once_grants.end_home(6, OWN, 11, || true);
        assert_eq!(task.once_grants.0.lock().ended.len(), ENDED_A_TASK + 1, "another has room of its own");
        task.once_grants.end_home(6, OWN, 12, || false);
        assert!(task.once_grants.0.lock().ended.is_empty());
        pass(&task, 6, 1, OWN, 11);
        assert_eq!(port.send_once_rights(), 1);
    }

    #[test]
    fn a_right_comes_home_only_from_the_one_who_passed_it() {
        let (task, port) = task(1);
        hold(&task, &port, 1, 5, OWN);
        assert!(task.arrive_once(OWN, 6, 1).is_none(), "who has only seen the number");
        assert!(task.arrive_once(OWN, 5, 1).is_some() && task.arrive_once(OWN, 5, 1).is_none());
    }
}
