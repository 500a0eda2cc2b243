//! Send-once rights to this task's ports that others have passed on: who has each of them now.
//!
//! A right is known by a number from the moment that its holder asks the authority to pass it on until
//! it is used, dropped, or has come home. It is here exactly that long, and then no longer: so exactly
//! one message or notification comes of it, whatever dies and whoever lies.

use std::collections::HashMap;
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
use crate::wire::request::{OnceRef, Request};

/// The table. Its lock is taken before that of a port's group, and held while a right goes from here
/// to a port: a revocation that finds it not here finds it there.
#[derive(Debug, Default)]
pub(crate) struct OnceGrants(Lock<HashMap<u64, Grant>>);

/// One right.
#[derive(Debug)]
struct Grant {
    port: Arc<Port>,
    /// Who has passed it on last: that task may take it back until it has sent it.
    by: u64,
    /// Who has it, or gets it.
    to: u64,
    who: Identity,
}

impl OnceGrants {
    /// Whether a claim of `number` by `task` can be decided now.
    pub(crate) fn knows(&self, task: u64, number: u64) -> bool {
        self.0.lock().get(&number).is_some_and(|grant| grant.to == task)
    }

    /// The tasks that are `holder`, of those that have rights to a port.
    pub(crate) fn tasks_of(&self, port: &Arc<Port>, holder: Identity) -> Vec<u64> {
        let grants = self.0.lock();
        let to_port = grants.values().filter(|grant| Arc::ptr_eq(&grant.port, port));
        to_port.filter(|grant| grant.who == holder).map(|grant| grant.to).collect()
    }

    /// The port is dead, and all rights to it.
    pub(crate) fn end_all(&self, port: &Arc<Port>) {
        self.0.lock().retain(|_, grant| !Arc::ptr_eq(&grant.port, port));
    }

    /// A right has come home: takes it.
    fn take(&self, number: u64, to: u64) -> Option<Arc<Port>> {
        let mut grants = self.0.lock();
        if grants.get(&number)?.to != to {
            return None;
        }
        grants.remove(&number).map(|grant| grant.port)
    }
}

impl Inner {
    /// `by` has passed a right on, says the authority. Believed if it is the one who has it, or who has
    /// passed it on last and did not send it.
    pub(crate) fn grant_once(&self, by: u64, right: OnceRef, to: (u64, Identity), number: u64) {
        let mut grants = self.once_grants.0.lock();
        if grants.contains_key(&number) {
            return; // numbers are drawn at random: no honest task draws one twice
        }
        let port = match right {
            OnceRef::Token(token) => self.take_token(by, token),
            OnceRef::Number(old) => match grants.get(&old) {
                Some(grant) if grant.to == by || grant.by == by => {
                    grants.remove(&old).map(|grant| grant.port)
                }
                _ => None,
            },
        };
        if let Some(port) = port {
            grants.insert(number, Grant { port, by, to: to.0, who: to.1 });
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
        let mut grants = self.once_grants.0.lock();
        let is_theirs = grants.get(&number).is_some_and(|grant| grant.to == link.task);
        match if is_theirs { grants.remove(&number) } else { None } {
            Some(grant) => grant.port.await_on_lane(link, index, lane),
            None => link.kill_lane(index, lane, Death::Died),
        }
    }

    /// A task drops a right that it has, or did not send, or has not got.
    pub(crate) fn end_once(&self, task: u64, number: u64, token: Token) {
        let mut grants = self.once_grants.0.lock();
        let port = match grants.get(&number) {
            Some(grant) if grant.to == task || grant.by == task => {
                grants.remove(&number).map(|grant| grant.port)
            }
            // The authority died before it told of the number.
            None if token != NO_TOKEN => self.take_token(task, token),
            _ => None,
        };
        drop(grants);
        if let Some(port) = port {
            port.give_up();
        }
    }

    /// A right has come home in a message: to this task's own port. None if it is unknown.
    pub(crate) fn arrive_once(&self, number: u64) -> Option<SendOnceRight> {
        let own = self.authority.as_ref()?.task;
        let port = self.once_grants.take(number, own)?;
        port.take_home();
        Some(SendOnceRight::local(port))
    }

    /// Ends what a task has of rights to a port; says whether that was any.
    pub(crate) fn revoke_once(&self, port: &Arc<Port>, task: u64) -> bool {
        let mut grants = self.once_grants.0.lock();
        let before = grants.len();
        grants.retain(|_, grant| grant.to != task || !Arc::ptr_eq(&grant.port, port));
        let ended = before - grants.len();
        drop(grants);
        (0..ended).for_each(|_| port.give_up());
        ended > 0
    }

    /// A task is dead, or writes nonsense: what it had ends. What it had passed on may have been sent
    /// or not: its destinations are asked.
    pub(crate) fn lose_once(&self, task: u64) {
        let mut grants = self.once_grants.0.lock();
        let lost: Vec<_> = grants.extract_if(|_, grant| grant.to == task).collect();
        let passed_on = grants.iter().filter(|(_, grant)| grant.by == task);
        let asked: Vec<(u64, u64)> = passed_on.map(|(number, grant)| (*number, grant.to)).collect();
        drop(grants);
        for (_, grant) in lost {
            grant.port.give_up();
        }
        let Some(authority) = &self.authority else { return };
        for (number, to) in asked {
            if to == authority.task {
                self.be_asked_once(task, to, number);
            } else {
                authority.say(&Request::SettleOnce { issuer: task, number, to }, None);
            }
        }
    }
}
