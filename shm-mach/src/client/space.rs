//! A task's names, and what the library keeps behind each of them.
//!
//! Every reference to a right belongs either to a *handle*, a value of the program's that gives it up by
//! being dropped, or to the *name* itself. Calls on names change the latter only, so a handle is good
//! for as long as it is there; a program that uses names alone has Mach's rules and no others.
//!
//! One lock covers all of it, and nothing else is locked while it is held: what a call leaves to be done
//! at links and ports is handed out and done afterwards.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::client::few::Few;
use crate::client::held::{Held, Target};
use crate::client::notification::Notification;
use crate::client::once_names::OnceNames;
use crate::client::once_right::Parked;
use crate::client::own_ports::OwnPorts;
use crate::client::own_sets::OwnSets;
use crate::client::port::Port;
use crate::client::port_set::Set;
use crate::ipc::{
    Effect, Effects, NameTable, Notice, Place, PortError, PortName, RawName, ReceiverId, RightKind, Space,
    State, Urefs,
};
use crate::ring::lane_out::Death;

/// Under the lock of the task's names.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) space: Space,
    pub(crate) ports: OwnPorts,
    pub(crate) sets: OwnSets,
    pub(crate) once: OnceNames,
    /// By the name's index.
    keeps: Vec<Keep>,
    pub(super) effects: Effects,
}

/// What stands behind one name.
#[derive(Debug, Default)]
pub(super) struct Keep {
    pub(super) shares: Vec<Share>,
    /// References to a dead name that no right behind it explains.
    pub(super) more: u32,
    /// What the request on the name is answered by.
    pub(super) request: Option<Parked>,
}

/// One credit behind a name, and who needs it.
#[derive(Debug)]
pub(crate) struct Share {
    pub(super) held: Arc<Held>,
    /// References that belong to handles: exact.
    pub(super) handles: u32,
    /// References that belong to the name: at most 65,535, and that many for good.
    pub(super) named: u32,
    /// Lanes of it that are open, with their generations.
    pub(super) lanes: Vec<(usize, u32)>,
}

/// A count of references that sticks at its most.
pub(super) fn added(count: u32, delta: i32) -> u32 {
    const MOST: u32 = Urefs::MAX.get() as u32;
    if count >= MOST { MOST } else { count.saturating_add_signed(delta).min(MOST) }
}

impl Keep {
    pub(super) fn handles(&self) -> u32 {
        self.shares.iter().map(|share| share.handles).sum()
    }

    /// How many references the name owns.
    pub(super) fn named(&self) -> u32 {
        self.shares.iter().fold(self.more, |sum, share| sum.saturating_add(share.named))
    }

    fn position(&self, held: &Arc<Held>) -> Option<usize> {
        self.shares.iter().position(|share| Arc::ptr_eq(&share.held, held))
    }

    /// Takes out the credits that nobody needs any more.
    pub(super) fn purge(&mut self, ended: &mut Few<Arc<Held>>) {
        self.shares.retain(|share| {
            let needed = share.handles > 0 || share.named > 0;
            if !needed {
                ended.push(share.held.clone());
            }
            needed
        });
    }
}

/// What a call leaves to be done once the lock is released.
#[derive(Debug, Default)]
pub(crate) struct Leftover {
    /// Credits that are over.
    pub(crate) ended: Few<Arc<Held>>,
    /// Ports whose receive right is gone, with whether the authority keeps a name for it.
    pub(crate) destroyed: Few<(Arc<Port>, bool)>,
    /// Rights that were made and are not needed.
    pub(crate) surplus: Vec<Target>,
    /// Credits that are under another name now: the old one, the new one.
    pub(crate) renamed: Vec<(Arc<Held>, Arc<Held>)>,
    /// Ports whose receive right has gone from name to name.
    pub(crate) moved: Vec<Arc<Port>>,
    /// Port sets that are over.
    pub(crate) sets: Vec<Arc<Set>>,
    /// Ports whose receive right is gone, and that have a port-destroyed request.
    pub(crate) returned: Vec<Arc<Port>>,
    /// Requests that fired.
    pub(crate) fired: Vec<(Parked, Notification)>,
    /// Send-once rights that nobody has any more.
    pub(crate) unused: Vec<Parked>,
}

impl Names {
    /// The names of `task`: none yet. `seed` decides in which order they are handed out.
    pub(crate) fn new(task: ReceiverId, table: NameTable, seed: u64) -> Self {
        let space = Space::new(task, table, seed);
        Self {
            space,
            ports: OwnPorts::default(),
            sets: OwnSets::default(),
            once: OnceNames::default(),
            keeps: Vec::new(),
            effects: Effects::new(),
        }
    }

    pub(super) fn keep(&mut self, index: u32) -> &mut Keep {
        let index = index as usize;
        if index >= self.keeps.len() {
            self.keeps.resize_with(index + 1, Keep::default);
        }
        &mut self.keeps[index]
    }

    /// The credit that a new handle to the right at `index` stands on: one that lives, if any does.
    pub(super) fn credit(&self, index: u32) -> Option<Arc<Held>> {
        let shares = &self.keeps.get(index as usize)?.shares;
        let alive = shares.iter().find(|share| !share.held.is_dead());
        alive.or(shares.first()).map(|share| share.held.clone())
    }

    /// A right arrives, or was made, and a handle to it with it. Says on which credit the handle
    /// stands, and gives `target` back if that was there before: then what it was counted for is
    /// surplus.
    ///
    /// # Errors
    /// [`PortError::DeadPort`], [`PortError::ForReplies`] of a port of this task's own; [`PortError::NoSpace`],
    /// [`PortError::ResourceShortage`]. With `target`: it is not taken in.
    pub(crate) fn take_in(
        &mut self,
        target: Target,
    ) -> Result<(Arc<Held>, Option<Target>), (PortError, Target)> {
        let (port, receiver) = target.id(self.space.task());
        if let Target::Local(own) = &target
            && !self.ports.get(own.index).is_some_and(|live| Arc::ptr_eq(live, own))
        {
            return Err((PortError::DeadPort, target));
        }
        if let Target::Local(own) = &target
            && self.ports.context(own.index).is_for_replies
        {
            return Err((PortError::ForReplies, target));
        }
        let name = match self.space.insert_send(port, receiver, &mut self.effects) {
            Ok(name) => name,
            Err(error) => return Err((error, target)),
        };
        self.effects.clear(); // a surplus, which the credits below know better
        let shares = &mut self.keep(name.index()).shares;
        let same =
            shares.iter_mut().find(|share| !share.held.is_dead() && share.held.target().merges_with(&target));
        if let Some(share) = same {
            share.held.share();
            share.handles += 1;
            share.held.arrivals.fetch_add(1, Ordering::Relaxed);
            share.held.watched.store(0, Ordering::Relaxed);
            if let (Target::Remote { link, .. }, Some(known)) = (share.held.target(), target.link()) {
                let _ = link.set(known.clone());
            }
            return Ok((share.held.clone(), Some(target)));
        }
        let held = Held::new(name, target);
        shares.push(Share { held: held.clone(), handles: 1, named: 0, lanes: Vec::new() });
        Ok((held, None))
    }

    /// One more handle stands on a credit; false if the credit is over.
    pub(crate) fn add_handle(&mut self, held: &Arc<Held>) -> bool {
        let keep = self.keep(held.name.index());
        let Some(at) = keep.position(held) else { return false };
        held.share();
        keep.shares[at].handles += 1;
        self.one_more(held.name);
        true
    }

    /// One reference more to a send right or a dead name.
    fn one_more(&mut self, name: PortName) {
        let kind = match self.state(name) {
            Some(State::Dead { .. }) => RightKind::DeadName,
            _ => RightKind::Send,
        };
        let done = self.space.mod_refs(name.into(), kind.number(), 1, &mut self.effects);
        debug_assert_eq!(done, Ok(()), "a credit stands behind a right or a dead name");
    }

    /// Whether nobody can send by the credit but by name.
    pub(crate) fn is_name_only(&mut self, held: &Arc<Held>) -> bool {
        let keep = self.keep(held.name.index());
        keep.position(held).is_some_and(|at| keep.shares[at].handles == 0)
    }

    pub(super) fn state(&self, name: PortName) -> Option<State> {
        self.space.entry(name.into()).ok().map(|entry| *entry.state())
    }

    /// A handle is dropped.
    pub(crate) fn drop_handle(&mut self, held: &Arc<Held>, rest: &mut Leftover) {
        let keep = self.keep(held.name.index());
        let Some(at) = keep.position(held) else { return };
        keep.shares[at].handles -= 1;
        keep.purge(&mut rest.ended);
        self.one_less(held.name, rest);
    }

    /// One reference less; the last one takes the right off the name, pegged or not.
    fn one_less(&mut self, name: PortName, rest: &mut Leftover) {
        let keep = self.keep(name.index());
        let is_over = keep.shares.is_empty() && keep.named() == 0;
        let raw = RawName::from(name);
        let pegged = self.space.entry(raw).is_ok_and(|entry| entry.urefs() == Urefs::MAX.get());
        let done = if is_over && pegged {
            let kind = match self.state(name) {
                Some(State::Dead { .. }) => RightKind::DeadName,
                _ => RightKind::Send,
            };
            self.space.mod_refs(raw, kind.number(), -i32::from(Urefs::MAX.get()), &mut self.effects)
        } else {
            self.space.deallocate(raw, &mut self.effects)
        };
        debug_assert_eq!(done, Ok(()), "a handle owns a reference");
        self.settle(rest);
    }

    /// The handle to a receive right is dropped. Says whether the authority keeps a name for the port;
    /// `None`: the port does not die by that, as it has a port-destroyed request.
    pub(crate) fn drop_receive(&mut self, index: u32, name: PortName, rest: &mut Leftover) -> Option<bool> {
        let done = self.space.drop_receive_right(name.into(), &mut self.effects);
        debug_assert_eq!(done, Ok(()), "the name of a port lives as long as the port");
        let is_returned = self.effects.iter().any(|effect| matches!(effect, Effect::ReceiveReturned { .. }));
        self.effects.retain(|effect| !matches!(effect, Effect::ReceiveDestroyed { .. })); // known
        self.settle(rest);
        (!is_returned).then(|| self.ports.release(index))
    }

    /// A handle gives its reference to the name; false if its credit is over.
    pub(crate) fn give_to_name(&mut self, held: &Arc<Held>) -> bool {
        let keep = self.keep(held.name.index());
        let Some(at) = keep.position(held) else { return false };
        let share = &mut keep.shares[at];
        share.handles -= 1;
        share.named = added(share.named, 1);
        true
    }

    /// The effects of calls on the space, as what is left to do.
    pub(super) fn settle(&mut self, rest: &mut Leftover) {
        if self.effects.is_empty() {
            return;
        }
        let mut effects = std::mem::take(&mut self.effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::Notify { notice, name, .. } => {
                    let keep = self.keep(name.index());
                    if notice == Notice::DeadName {
                        // Who hears of the name's death owns one more reference to it.
                        keep.more = added(keep.more, 1);
                    }
                    let right = keep.request.take();
                    rest.fired.extend(right.map(|right| (right, Notification::of(notice, name))));
                }
                Effect::ReceiveDestroyed { handle, .. } => {
                    let port = self.ports.get(handle as u32).cloned().expect("the port of a receive right");
                    rest.destroyed.push((port, self.ports.release(handle as u32)));
                }
                Effect::SendOnceDropped { handle, .. } => {
                    rest.unused.extend(self.once.release(handle).map(|kept| kept.right));
                }
                Effect::SendOnceDied { handle } => {
                    if let Some(kept) = self.once.release(handle) {
                        let more = &mut self.keep(kept.name.index()).more;
                        *more = added(*more, 1); // the dead name's one reference
                        rest.unused.push(kept.right);
                    }
                }
                Effect::SetDestroyed { handle } => rest.sets.extend(self.sets.release(handle)),
                Effect::ReceiveReturned { handle, .. } => {
                    rest.returned.extend(self.ports.get(handle as u32).cloned());
                }
                // The credits tell of send rights.
                Effect::SendSurplus { .. } | Effect::SendReleased { .. } => {}
            }
        }
        self.effects = effects; // its room is kept
    }

    // Where rights lead.

    /// A lane was opened for a credit.
    pub(crate) fn lane_opened(&mut self, held: &Arc<Held>, lane: usize, generation: u32) {
        let keep = self.keep(held.name.index());
        if let Some(at) = keep.position(held) {
            keep.shares[at].lanes.push((lane, generation));
            self.show_place(held.name);
        }
    }

    /// One was closed.
    pub(crate) fn lane_closed(&mut self, held: &Arc<Held>, lane: usize) {
        let keep = self.keep(held.name.index());
        if let Some(at) = keep.position(held) {
            let lanes = &mut keep.shares[at].lanes;
            if let Some(at) = lanes.iter().position(|(open, _)| *open == lane) {
                lanes.remove(at);
            }
            self.show_place(held.name);
        }
    }

    /// The table shows the lane that was opened last, of those that are open.
    pub(super) fn show_place(&mut self, name: PortName) {
        let shares = self.keep(name.index()).shares.iter().rev();
        let place = shares.filter_map(|share| {
            let (lane, generation) = *share.lanes.last()?;
            let link = share.held.target().link()?;
            let offset = link.own.geometry.ring(lane) as u64;
            Some(Place { segment: link.number as u32, generation, offset })
        });
        let place = place.take(1).next().unwrap_or(Place::NOWHERE);
        let _ = self.space.set_place(name.into(), place); // a dead name leads nowhere
    }

    // Death.

    /// A credit is known to be dead. Its name is dead when all credits behind it are.
    pub(crate) fn judge(&mut self, held: &Held, rest: &mut Leftover) {
        let Some(keep) = self.keeps.get(held.name.index() as usize) else { return };
        let is_its = keep.shares.iter().any(|share| std::ptr::eq(&*share.held, held));
        let all_dead = keep.shares.iter().all(|share| share.held.is_dead());
        if is_its && all_dead && matches!(self.state(held.name), Some(State::Port { .. })) {
            let (port, receiver) = held.target().id(self.space.task());
            self.space.port_died(port, receiver, &mut self.effects);
            self.settle(rest);
        }
    }

    /// Every right to a port of that task is dead.
    pub(crate) fn lose_task(&mut self, task: u64, rest: &mut Leftover) {
        let all = self.keeps.iter().flat_map(|keep| &keep.shares).map(|share| &share.held);
        let lost: Vec<Arc<Held>> = all.filter(|held| held.is_of(task)).cloned().collect();
        for held in &lost {
            held.die(Death::Died);
        }
        for held in &lost {
            self.judge(held, rest);
        }
        self.lose_once(task, rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::request::PortRef;

    fn names() -> Names {
        Names::new(ReceiverId(1), NameTable::create(64).unwrap().0, 7)
    }

    fn right(epoch: u32, by: u64) -> Target {
        Target::granted(by, 2, PortRef { port: 3, epoch, key: 4, limit: 5 })
    }

    #[test]
    fn what_a_third_task_vouches_for_never_ends_an_honest_right() {
        let mut names = names();
        let (lie, surplus) = names.take_in(right(0, 9)).unwrap();
        assert!(surplus.is_none());
        let (honest, surplus) = names.take_in(right(0, 0)).unwrap();
        assert!(surplus.is_none(), "the honest one is not given back for the other");
        assert_eq!(honest.name, lie.name);
        let (again, surplus) = names.take_in(right(0, 0)).unwrap();
        assert!(Arc::ptr_eq(&again, &honest) && surplus.is_some(), "what comes from the same hands merges");
        let mut rest = Leftover::default();
        lie.die(Death::Died);
        names.judge(&lie, &mut rest);
        assert!(matches!(names.state(lie.name), Some(State::Port { .. })), "one of the two lives");
        names.drop_handle(&lie, &mut rest);
        assert_eq!(rest.ended.into_iter().count(), 1, "the credit of the lie");
        let mut rest = Leftover::default();
        names.drop_handle(&again, &mut rest);
        assert_eq!(rest.ended.into_iter().count(), 0);
        let mut rest = Leftover::default();
        names.drop_handle(&honest, &mut rest);
        assert_eq!(rest.ended.into_iter().count(), 1);
        assert!(names.state(honest.name).is_none());
    }

    #[test]
    fn rights_of_different_epochs_share_a_name_and_no_credit() {
        let mut names = names();
        let (old, _) = names.take_in(right(0, 0)).unwrap();
        let (new, surplus) = names.take_in(right(1, 0)).unwrap();
        assert!(surplus.is_none() && old.name == new.name);
        old.die(Death::Revoked);
        names.judge(&old, &mut Leftover::default());
        assert!(Arc::ptr_eq(&names.credit(old.name.index()).unwrap(), &new));
        new.die(Death::Died);
        names.judge(&new, &mut Leftover::default());
        assert!(matches!(names.state(old.name), Some(State::Dead { .. })));
    }

    #[test]
    fn two_ports_with_one_number_do_not_merge() {
        let mut names = names();
        let (first, _) = names.take_in(right(0, 0)).unwrap();
        let later = Target::granted(0, 2, PortRef { port: 3, epoch: 0, key: 6, limit: 5 });
        let (second, surplus) = names.take_in(later).unwrap();
        assert!(surplus.is_none() && first.name != second.name);
    }
}
