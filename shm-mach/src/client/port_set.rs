//! Port sets: one place to wait for several ports.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use futex::Deadline;
use futex::sync::{AtomicU32, Ordering};

use crate::client::error::ReceiveError;
use crate::client::message::Received;
use crate::client::port::{Port, PortState};
use crate::client::receive_right::{ReceiveRight, TICK, conclude};
use crate::client::space::Leftover;
use crate::client::take::{Taken, or_interrupted};
use crate::client::task::{Inner, Task};
use crate::ipc::{PortError, PortName, RawName};
use crate::ring::layout::{BELLS, Bell};
use crate::ring::members::{self, Members};
use crate::ring::patience::Wait;
use crate::ring::state::State;
use crate::ring::world::World;
use crate::segment::Shared;

/// A set of ports that are received from together: a receive takes one message from a member that has
/// some, each member in its turn.
///
/// A set has a name in its task, like a right, and can be [left](Self::into_name) under it.
///
/// Members keep their queues, their limits and their senders, who notice nothing. A member that dies
/// leaves. Dropping the set ends no port: what is queued there stays. A set is not sent to, cannot
/// be given away, and cannot be in a set.
///
/// There are two rules for members, chosen when a set is [made](Task::allocate_set). By the usual one
/// a port may be in several sets, and may be received from directly as well: each message goes to one
/// of those who wait. By the rule of older systems a member of an *exclusive* set is in no other, and a
/// direct receive fails with [`ReceiveError::InSet`], or with [`ReceiveError::PortChanged`] if it was
/// waiting when the port joined.
///
/// Several threads may receive from one set. Locks are taken in this order: the set's, its members'.
#[derive(Debug)]
pub struct PortSet {
    task: Arc<Inner>,
    set: Arc<Set>,
    name: PortName,
    wait: AtomicU32,
    /// The set lives on as a name only.
    is_given_up: bool,
}

/// A set, as its members know it.
pub(crate) struct Set {
    group: members::Set<Port>,
    is_exclusive: bool,
    /// Set under the group's lock: no port becomes a member any more, and nobody waits.
    is_dead: AtomicBool,
}

impl std::fmt::Debug for Set {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Set").field("is_exclusive", &self.is_exclusive).finish_non_exhaustive()
    }
}

/// What a look at a set leaves to be done when its lock is released.
#[derive(Debug, Default)]
struct Look {
    /// The port whose message was taken, if it left something to do.
    served: Option<Arc<Port>>,
    rung: Vec<Shared<Bell>>,
}

impl Task {
    /// Makes a port set without members, whose members may be in other sets too, and may be received from
    /// directly.
    ///
    /// # Errors
    /// [`PortError::Forked`], [`PortError::NoSpace`], [`PortError::ResourceShortage`].
    pub fn allocate_set(&self) -> Result<PortSet, PortError> {
        PortSet::new(self, None, false)
    }

    /// Makes a port set without members, whose members are in no other set, and are not received from
    /// directly.
    ///
    /// # Errors
    /// [`PortError::Forked`], [`PortError::NoSpace`], [`PortError::ResourceShortage`].
    pub fn allocate_exclusive_set(&self) -> Result<PortSet, PortError> {
        PortSet::new(self, None, true)
    }
}

impl PortSet {
    /// Makes a set, under a name that was chosen or any.
    pub(crate) fn new(task: &Task, chosen: Option<RawName>, is_exclusive: bool) -> Result<Self, PortError> {
        let task = task.inner.clone();
        if task.is_forked() {
            return Err(PortError::Forked);
        }
        // Bell 0 is for news. Ports and sets that share a bell cost kicks, not wakes.
        let number = task.next_serial();
        let bell = 1 + (number % (BELLS as u64 - 1)) as u8;
        let set =
            Arc::new(Set { group: members::Set::set(bell), is_exclusive, is_dead: AtomicBool::new(false) });
        let name = task.names.lock().allocate_set(chosen, number, set.clone())?;
        Ok(Self::of(task, set, name, false))
    }

    /// A handle to a set; `is_lent`: it is gone when this is.
    pub(crate) fn of(task: Arc<Inner>, set: Arc<Set>, name: PortName, is_lent: bool) -> Self {
        Self { task, set, name, wait: AtomicU32::new(Wait::Adaptive as u32), is_given_up: is_lent }
    }

    /// The name of the set in this task.
    pub fn name(&self) -> PortName {
        self.name
    }

    /// Turns the handle into a name: the set and its members stay, and
    /// [`Task::port_set`](crate::Task::port_set) makes a handle of it again.
    pub fn into_name(mut self) -> PortName {
        if !self.is_given_up && !self.task.is_forked() {
            self.task.names.lock().give_set_to_name(self.name);
            self.is_given_up = true;
        }
        self.name
    }

    /// Sets what a receive does while there is nothing to receive; [`Wait::Adaptive`] at first.
    pub fn set_wait(&self, wait: Wait) {
        self.wait.store(wait as u32, Ordering::Relaxed);
    }

    fn wait(&self) -> Wait {
        [Wait::Spin, Wait::Park, Wait::Adaptive][self.wait.load(Ordering::Relaxed) as usize]
    }

    /// Makes a port a member (`mach_port_insert_member`). What is queued there is received at once by
    /// threads that wait at the set already.
    ///
    /// # Errors
    /// In the order checked: [`PortError::Forked`], [`PortError::OtherTask`],
    /// [`PortError::AlreadyInSet`].
    pub fn insert(&self, right: &ReceiveRight) -> Result<(), PortError> {
        self.check(right)?;
        self.set.admit(right.port())
    }

    /// Makes a port a member no more (`mach_port_extract_member`); its messages stay with it.
    ///
    /// # Errors
    /// In the order checked: [`PortError::Forked`], [`PortError::OtherTask`], [`PortError::NotInSet`].
    pub fn remove(&self, right: &ReceiveRight) -> Result<(), PortError> {
        self.check(right)?;
        if !self.set.dismiss(right.port()) {
            return Err(PortError::NotInSet);
        }
        Ok(())
    }

    /// Makes a port a member of this set and of no other (`mach_port_move_member`). If it is one
    /// already it stays; it leaves the others, one after the other.
    ///
    /// # Errors
    /// In the order checked: [`PortError::Forked`], [`PortError::OtherTask`].
    pub fn move_member(&self, right: &ReceiveRight) -> Result<(), PortError> {
        self.check(right)?;
        self.set.admit_alone(right.port())
    }

    fn check(&self, right: &ReceiveRight) -> Result<(), PortError> {
        if self.task.is_forked() {
            return Err(PortError::Forked);
        }
        if !Arc::ptr_eq(&self.task, right.task()) {
            return Err(PortError::OtherTask);
        }
        Ok(())
    }

    /// The names of the members (`mach_port_get_set_status`), ascending.
    pub fn members(&self) -> Vec<PortName> {
        if self.task.is_forked() {
            return Vec::new();
        }
        self.set.members()
    }

    /// Receives the next message of a member into `into`, waiting for one as long as it takes.
    /// [`Received::port`] says which member it was. Waiting at an empty set is no error.
    ///
    /// Messages of one send right arrive in the order they were sent. There is no order between
    /// members, but that each is served in its turn.
    ///
    /// # Errors
    /// [`ReceiveError::Forked`], and [`ReceiveError::PortDied`] of a set that was destroyed by its name
    /// while it was [lent](Task::with_port_set).
    #[inline]
    pub fn receive(&self, into: &mut Received) -> Result<(), ReceiveError> {
        self.receive_deadline(into, Deadline::NEVER)
    }

    /// Receives a message if a member has one. Never sleeps. Makes a system call if there are news to
    /// act on, or when one of more than 16 members that were in use has been empty for some time.
    ///
    /// # Errors
    /// As [`receive`](Self::receive), and [`ReceiveError::TimedOut`] when there is none.
    pub fn try_receive(&self, into: &mut Received) -> Result<(), ReceiveError> {
        if self.task.is_forked() {
            return Err(ReceiveError::Forked);
        }
        into.clear();
        loop {
            let mut look = Look::default();
            let taken = self.set.group.try_take(&*self.task, |state| look.take(&self.set, state, into));
            if let Some(result) = self.conclude(taken, look, into) {
                return result;
            }
            if taken.is_none() {
                return Err(ReceiveError::TimedOut);
            }
        }
    }

    /// Receives the next message of a member, waiting for one until `deadline`.
    ///
    /// # Errors
    /// As [`receive`](Self::receive), and [`ReceiveError::TimedOut`].
    #[inline]
    pub fn receive_deadline(&self, into: &mut Received, deadline: Deadline) -> Result<(), ReceiveError> {
        if self.task.is_forked() {
            return Err(ReceiveError::Forked);
        }
        into.clear();
        let mut look = Look::default();
        let taken = self.set.group.take_now(&*self.task, &mut |state| look.take(&self.set, state, into));
        match self.conclude(taken, look, into) {
            Some(result) => result,
            None => self.wait_for(into, deadline),
        }
    }

    /// Waits in slices: nothing but the kernel tells of a peer's death when no authority does.
    fn wait_for(&self, into: &mut Received, deadline: Deadline) -> Result<(), ReceiveError> {
        loop {
            let slice = deadline.min(Deadline::after(TICK)).min(self.task.timers.next());
            let mut look = Look::default();
            let group = &self.set.group;
            let taken = group.wait(&*self.task, self.wait(), slice, |state| {
                or_interrupted(look.take(&self.set, state, into))
            });
            if let Some(result) = self.conclude(taken, look, into) {
                return result;
            }
            if taken.is_none() {
                self.task.end_slice(deadline)?;
            }
        }
    }

    /// What a call returns, after what the look has left to do; `None` to look again.
    #[inline]
    fn conclude(
        &self,
        taken: Option<Taken>,
        look: Look,
        into: &mut Received,
    ) -> Option<Result<(), ReceiveError>> {
        look.rung.iter().for_each(|bell| self.task.rang(bell));
        conclude(&self.task, look.served.as_deref(), taken?, into)
    }
}

impl Drop for PortSet {
    fn drop(&mut self) {
        if self.is_given_up || self.task.is_forked() {
            return;
        }
        let mut rest = Leftover::default();
        self.task.names.lock().drop_set(self.name, &mut rest);
        self.task.finish(rest);
    }
}

impl Look {
    /// Takes the next message of a member. Called under the set's lock.
    #[inline]
    fn take(&mut self, set: &Set, state: &mut State<Members<Port>>, into: &mut Received) -> Option<Taken> {
        if set.is_dead.load(Ordering::Relaxed) {
            return Some(Taken::PortDied);
        }
        let taken = state.take_next(|port, state| {
            let taken = port.take_as_member(state, into)?;
            if taken != Taken::Message {
                self.served = Some(port.clone());
            }
            Some(taken)
        });
        if state.port.has_rung() {
            self.rung.extend(state.port.take_rung());
        }
        taken
    }
}

impl Set {
    /// Makes a port a member.
    ///
    /// # Errors
    /// 1. [`PortError::UnknownName`]: the set or the port is dead.
    /// 2. [`PortError::AlreadyInSet`].
    pub(crate) fn admit(self: &Arc<Self>, port: &Arc<Port>) -> Result<(), PortError> {
        self.group.admit(port.clone(), |state, is_member| {
            if state.port.is_dead || self.is_dead.load(Ordering::Relaxed) {
                return Err(PortError::UnknownName);
            }
            let sets = &mut state.port.sets;
            let is_refused = |other: &Arc<Self>| self.is_exclusive || other.is_exclusive;
            if is_member || sets.iter().any(is_refused) {
                return Err(PortError::AlreadyInSet);
            }
            sets.push(self.clone());
            state.port.is_shut |= self.is_exclusive;
            Ok(())
        })
    }

    /// Makes a port a member of this set and of no other. If it is one already it stays.
    ///
    /// # Errors
    /// [`PortError::UnknownName`]: the set or the port is dead.
    pub(crate) fn admit_alone(self: &Arc<Self>, port: &Arc<Port>) -> Result<(), PortError> {
        loop {
            let is_other = |set: &Arc<Self>| !Arc::ptr_eq(set, self);
            for other in port.sets().into_iter().filter(is_other) {
                other.dismiss(port);
            }
            match self.admit(port) {
                Err(PortError::AlreadyInSet) if port.sets().iter().any(is_other) => {}
                Err(PortError::AlreadyInSet) => return Ok(()),
                other => return other,
            }
        }
    }

    /// The names of its members, ascending.
    pub(crate) fn members(&self) -> Vec<PortName> {
        let mut names: Vec<PortName> =
            self.group.lock().port.ports().filter_map(|port| PortName::new(port.name().0)).collect();
        names.sort_unstable();
        names
    }

    /// The set is over: its members stay as they are, and threads that wait are told.
    pub(crate) fn end(self: &Arc<Self>) {
        self.group.change(|_| self.is_dead.store(true, Ordering::Relaxed));
        self.group.dismiss_all(|_, state| self.forget(&mut state.port));
    }

    /// Makes a port a member no more; false if it was none.
    pub(crate) fn dismiss(self: &Arc<Self>, port: &Port) -> bool {
        self.group.dismiss(port, |state| self.forget(&mut state.port))
    }

    fn forget(self: &Arc<Self>, port: &mut PortState) {
        port.sets.retain(|set| !Arc::ptr_eq(set, self));
        port.is_shut = port.is_dead;
    }
}

impl Port {
    /// The sets that the port is in.
    pub(crate) fn sets(&self) -> Vec<Arc<Set>> {
        self.group.lock().port.sets.clone()
    }

    /// Takes the next message for a thread that receives from a set. Called under both locks.
    #[inline]
    fn take_as_member(&self, state: &mut State<PortState>, into: &mut Received) -> Option<Taken> {
        if state.port.is_dead {
            return None; // it is about to leave
        }
        self.take_any(state, into)
    }
}

impl members::Port for Port {
    type Part = PortState;

    fn group(&self) -> &crate::ring::group::Group<PortState> {
        &self.group
    }

    fn rank(&self) -> u64 {
        self.serial
    }
}
