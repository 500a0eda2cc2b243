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
        let mut table = self.once_grants.0.lock();
        if let Some(port) = table.take_home(by, authority.task, number) {
            drop(table);
            return port.give_up();
        }
        if !authority.has_events() {
            table.ended.clear(); // whatever was to be told was told
        } else if table.ended.iter().filter(|(other, _)| *other == by).count() < ENDED_A_TASK {
            table.ended.insert((by, number));
        }
    }
}
