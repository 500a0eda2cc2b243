//! Revocation: the receiver ends rights to its port, under the lock that also covers the copy of a
//! message, so that it is exact.

use std::sync::Arc;

use crate::client::aftermath::Aftermath;
use crate::client::identity::Identity;
use crate::client::link::Link;
use crate::client::port::Port;
use crate::client::task::Inner;
use crate::ring::lane_out::Death;
use crate::ring::world::World as _;
use crate::wire::request::{PortRef, Request};

impl Port {
    /// Ends all rights of a task: nothing of it is received from here on, what it has queued or
    /// answered included. Says whether it held any.
    pub(crate) fn revoke(&self, task: u64) -> (bool, Aftermath) {
        self.group.change(|state| {
            let mut held = state.port.revoke_answers(task);
            // Else one that is never sent would be counted as long as the loser lives.
            held |= state.port.on_their_way.revoke(task);
            held |= state.port.revoke_kept(Some(task));
            let found = state.port.holders.find(task);
            if let Some(at) = found.filter(|at| state.port.holders.get(*at).is_live()) {
                held = true;
                self.end_lanes_of(state, at, Death::Revoked);
                let watchers: Vec<_> =
                    state.port.holders.watchers().filter(|(other, _)| *other == task).collect();
                state.port.holders.revoke(at);
                self.tell_of_revocation(&mut state.port, &watchers);
            }
            state.port.judge();
            (held, state.port.aftermath())
        })
    }

    /// Ends the rights of all tasks, those that are on their way and those of the authority included.
    /// Says whether there were any.
    pub(crate) fn revoke_all(&self) -> (bool, Aftermath) {
        self.group.change(|state| {
            let tasks = state.port.answerers().into_iter();
            let mut held = tasks.fold(false, |any, task| state.port.revoke_answers(task) | any);
            while !state.seats().is_empty() {
                self.end_lane(state, 0, Some(Death::Revoked));
            }
            held |= state.port.on_their_way.any();
            state.port.on_their_way.clear();
            let watchers: Vec<_> = state.port.holders.watchers().collect();
            held |= state.port.holders.revoke_all();
            self.tell_of_revocation(&mut state.port, &watchers);
            held |= state.port.revoke_kept(None);
            state.port.unsettled = false;
            state.port.judge();
            (held, state.port.aftermath())
        })
    }

    /// The tasks that are `holder`, of those that use rights to this port or were given one, also of
    /// the dead.
    pub(crate) fn tasks_of(&self, holder: Identity) -> Vec<u64> {
        let state = self.group.lock();
        let awaited = state.port.awaited.iter().map(|awaited| &awaited.link);
        let links = state.port.holders.links().chain(awaited);
        let linked = links.filter(|link| link.peer == holder).map(|link| link.task);
        let answers = state.port.local.iter().filter(|message| message.sender == holder);
        let answered = answers.filter_map(|message| message.answer_of);
        let kept = state.port.kept_back.iter().filter(|message| message.sender == holder);
        let kept = kept.map(|message| message.besides.from);
        linked.chain(state.port.holders.tasks_of(holder)).chain(answered).chain(kept).collect()
    }
}

impl Inner {
    /// The tasks that are, or were, `holder` as far as this task or one of its ports knows.
    fn tasks_of(&self, holder: Identity, port: &Port) -> Vec<u64> {
        let links = self.links();
        let of_holder = |link: &&Arc<Link>| link.peer == holder;
        let mut tasks: Vec<u64> = links.iter().filter(of_holder).map(|link| link.task).collect();
        tasks.extend(port.tasks_of(holder));
        tasks.extend(self.once_grants.tasks_of(port, holder));
        tasks.sort_unstable();
        tasks.dedup();
        tasks
    }

    /// Ends every right of `holder` to a port; says whether there was one.
    pub(crate) fn revoke(&self, port: &Port, holder: Identity) -> bool {
        // Rights that others have passed on to it before this call end as well.
        self.look();
        let any = self.tasks_of(holder, port).into_iter().fold(false, |any, task| {
            let (held, aftermath) = self.revoke_task(port, task);
            self.perform(aftermath);
            any | held
        });
        self.destroy_all_unread();
        any
    }

    /// Ends every right of everybody to a port; says whether there was one.
    pub(crate) fn revoke_all(&self, port: &Port) -> bool {
        self.look();
        let held_once = self.once_grants.revoke_all(port);
        let (held, aftermath) = port.revoke_all();
        self.perform(aftermath);
        self.destroy_all_unread();
        held_once | held
    }

    fn revoke_task(&self, port: &Port, task: u64) -> (bool, Aftermath) {
        // In this order: a send-once right that is used meanwhile is found at the port.
        let held_once = self.once_grants.revoke(port, task);
        let (held, aftermath) = port.revoke(task);
        (held_once | held, aftermath)
    }

    /// The authority's program ends a task's rights to one port, or to all. Called by the thread that
    /// acts on events.
    pub(super) fn revoke_by_policy(&self, serial: u32, task: u64, port: Option<PortRef>) {
        let ports = match port {
            Some(of) => self.find_port(of.port, of.key).into_iter().collect(),
            None => self.all_ports(),
        };
        for port in ports {
            let (_, aftermath) = self.revoke_task(&port, task);
            self.perform(aftermath);
        }
        if let Some(authority) = &self.authority {
            authority.say(&Request::Revoked { serial }, None);
        }
    }
}
