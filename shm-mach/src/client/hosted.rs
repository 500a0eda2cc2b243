//! Receive rights in messages, at the task that gets them: ports that are here before their rights are.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futex::sync::Lock;

use crate::client::held::Target;
use crate::client::port::Port;
use crate::client::receive_right::ReceiveRight;
use crate::client::right::Right;
use crate::client::task::{Inner, Options};
use crate::ipc::ReceiveTraits;
use crate::wire::request::{Addressee, OnceRef, Request};

/// Ports whose rights one task has offered and that have not arrived; and of those, what is remembered of
/// rights that were destroyed before the offer was heard.
const OF_A_TASK: usize = 64;

/// What becomes of receive rights that arrive nowhere.
#[derive(Debug, Default)]
pub(crate) struct Hosted {
    /// By whom, and the key: destroyed before the authority's word was heard.
    unwanted: Lock<HashSet<(u64, u64)>>,
    doomed: Lock<Doomed>,
    is_due: AtomicBool,
}

/// Ports whose receive rights were destroyed on their way. They die one after the other, however many lie
/// in each other's queues.
#[derive(Debug, Default)]
struct Doomed {
    ports: VecDeque<Arc<Port>>,
    is_served: bool,
}

impl Hosted {
    /// Whether a port is to die.
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        self.is_due.load(Ordering::Relaxed)
    }

    /// The receive right was destroyed on its way. The port dies at the next [`Inner::end_doomed`].
    pub(crate) fn doom(&self, port: Arc<Port>) {
        self.doomed.lock().ports.push_back(port);
        self.is_due.store(true, Ordering::Relaxed);
    }

    /// The next port to die, if no other thread sees to that.
    fn next_doomed(&self, is_first: bool) -> Option<Arc<Port>> {
        let mut doomed = self.doomed.lock();
        if is_first && doomed.is_served {
            return None;
        }
        let next = doomed.ports.pop_front();
        doomed.is_served = next.is_some();
        if next.is_none() {
            self.is_due.store(false, Ordering::Relaxed);
        }
        next
    }

    /// A right of `from` was destroyed of which nothing was heard yet.
    fn remember(&self, from: u64, key: u64) {
        let mut unwanted = self.unwanted.lock();
        if unwanted.iter().filter(|(by, _)| *by == from).count() < OF_A_TASK {
            unwanted.insert((from, key));
        }
    }

    fn is_unwanted(&self, from: u64, key: u64) -> bool {
        self.unwanted.lock().remove(&(from, key))
    }

    fn forget(&self, from: u64) {
        self.unwanted.lock().retain(|(by, _)| *by != from);
    }
}

impl Inner {
    /// A task is about to send a receive right here, says the authority. From now on the port is here. What
    /// is not kept, because there are too many or no room, arrives as a dead right.
    pub(super) fn be_offered(&self, from: u64, key: u64, limit: u32, keeps: bool, to: Addressee) {
        let bound_for = match to {
            Addressee::Port { port, key } => self.find_port(port, key).map(|port| port.index),
            Addressee::Once(OnceRef::Token(token)) => {
                self.peers.get(from).and_then(|link| link.port_of(token))
            }
            Addressee::Once(OnceRef::Number(number)) => self.once_grants.port_of(number),
        };
        let port = if self.hosted.is_unwanted(from, key) {
            None
        } else {
            let names = &mut *self.names.lock();
            let has_room = names.ports.coming_from(from).count() < OF_A_TASK;
            let limit = limit.min(Options::LIMIT_MAX);
            has_room
                .then(|| names.ports.host(from, key, limit, (self.owner(), self.identity)))
                .and_then(Result::ok)
        };
        let Some(port) = port else { return self.say_arrived(from) };
        port.bound_for.store(bound_for.map_or(0, |index| index + 1), Ordering::Relaxed);
        if keeps {
            port.group.lock().port.holders.mint(from, 0);
        }
    }

    /// It will not be sent after all. Nobody has a right to the port but that task, which knows.
    pub(super) fn be_refused(&self, from: u64, key: u64) {
        if let Some(port) = self.names.lock().ports.arrive(from, key) {
            self.hosted.doom(port);
        }
    }

    /// A receive right has arrived with a message of `from`.
    pub(super) fn receive_moved(self: &Arc<Self>, from: u64, key: u64) -> Right {
        let Some(authority) = &self.authority else { return Right::Dead };
        // The authority has told of it before it was sent.
        self.hear_what_was_told(authority);
        let Some(port) = self.names.lock().ports.arrive(from, key) else { return Right::Dead };
        self.say_arrived(from);
        self.name_receive(port)
    }

    /// The same of a message that lay within the task.
    pub(super) fn receive_within(self: &Arc<Self>, rights: &mut [Right]) {
        for slot in rights {
            if let Right::Receive(right) = slot
                && let Some(port) = right.arrive()
            {
                drop(self.moving.lock()); // who has sent it is done with it then
                *slot = self.name_receive(port);
            }
        }
    }

    /// Gives a receive right that has arrived its name: that of the send right, if there is one.
    fn name_receive(self: &Arc<Self>, port: Arc<Port>) -> Right {
        port.open();
        let port_destroyed = port.is_to_be_sent_on();
        let names = &mut *self.names.lock();
        let (id, own) = Target::id_of(&port, names.space.task());
        match names.space.insert_receive(id, own, u64::from(port.index)) {
            Ok(name) => {
                names.ports.rename(port.index, name);
                names.ports.set_handle(port.index, true);
                let traits = ReceiveTraits { port_destroyed, ..ReceiveTraits::default() };
                let done = names.space.set_receive_traits(name.into(), traits);
                debug_assert_eq!(done, Ok(()), "put there just now");
                let _ = names.space.set_place(name.into(), names.ports.place(port.index));
                Right::Receive(ReceiveRight::new(self.clone(), port, name))
            }
            Err(error) => {
                self.hosted.doom(port);
                Right::Refused(error)
            }
        }
    }

    /// A receive right in a message of `from` is destroyed unread.
    pub(super) fn refuse_moved(&self, from: u64, key: u64) {
        if let Some(port) = self.names.lock().ports.arrive(from, key) {
            self.say_arrived(from);
            self.hosted.doom(port);
        } else if self.authority.as_ref().is_some_and(|authority| authority.has_events()) {
            self.hosted.remember(from, key);
        }
    }

    fn say_arrived(&self, from: u64) {
        if let Some(authority) = &self.authority {
            authority.say(&Request::Arrived { task: from }, None);
        }
    }

    /// `from` is dead, and nothing of it is left to be received: what has not arrived never will.
    pub(super) fn end_offers_of(&self, from: u64) {
        self.hosted.forget(from);
        let names = &mut *self.names.lock();
        let keys: Vec<u64> = names.ports.coming_from(from).map(|port| port.key).collect();
        for key in keys {
            names.ports.arrive(from, key).into_iter().for_each(|port| self.hosted.doom(port));
        }
    }

    /// Ends the ports whose receive rights were destroyed on their way, and those that lie in their queues.
    /// Called with nothing locked.
    pub(super) fn end_doomed(&self) {
        if !self.hosted.is_due() {
            return;
        }
        let mut next = self.hosted.next_doomed(true);
        while let Some(port) = next {
            self.end_nameless(&port);
            next = self.hosted.next_doomed(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_one_task_only_so_much_is_remembered() {
        let hosted = Hosted::default();
        for key in 0..OF_A_TASK as u64 {
            hosted.remember(7, key);
        }
        hosted.remember(7, 1 << 40);
        hosted.remember(8, 5);
        assert!(!hosted.is_unwanted(7, 1 << 40), "one too many");
        assert!(hosted.is_unwanted(7, 5) && !hosted.is_unwanted(7, 5), "known once");
        hosted.forget(7);
        assert!(hosted.is_unwanted(8, 5) && !hosted.is_unwanted(7, 6));
    }
}
