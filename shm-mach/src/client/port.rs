//! A port, as its receiver's library keeps it: the queue, and the table of who may send to it.
//!
//! The table is the whole truth about send rights to the port. It is filled by this library alone,
//! when it gives rights away, and it is private memory: no peer can write it, and nothing that a
//! peer says is believed unless the table says so too.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};

use futex::sync::{AtomicU32, Ordering, futex_wake};

use crate::client::aftermath::Aftermath;
use crate::client::held::Target;
use crate::client::holders::{AUTHORITY, Claim, Holders};
use crate::client::homing::Homing;
use crate::client::identity::Identity;
use crate::client::link::Link;
use crate::client::listener::Listener;
use crate::client::local::LocalMessage;
use crate::client::notification::Notification;
use crate::client::once_right::Parked;
use crate::client::port_set::Set;
use crate::client::replies::{Awaited, Kept};
use crate::ipc::{PortName, RawName};
use crate::ring::group::Group;
use crate::ring::lane_in::LaneIn;
use crate::ring::lane_out::Death;
use crate::ring::slot::Kind;
use crate::ring::state::{Seat, State};
use crate::segment::fork::Process;
use crate::wire::control::Control;
use crate::wire::request::PortRef;

/// A port of this task.
pub(crate) struct Port {
    /// No other port of the task has it, now or later.
    pub(crate) serial: u64,
    /// The name of its receive right.
    name: AtomicU32,
    pub(crate) index: u32,
    /// By which others know it: its index, or [`MOVED`](crate::wire::request::MOVED).
    pub(crate) number: u32,
    pub(crate) key: u64,
    owner: Owner,
    /// Of its task.
    pub(crate) identity: Identity,
    pub(crate) group: Group<PortState>,
    /// Threads of this task that wait for room sleep on this.
    pub(super) room: AtomicU32,
    /// Where this task's rights to it lead since its receive right has gone to another task.
    pub(super) moved: OnceLock<Target>,
    /// While its receive right lies in a message to another port of this task: 1 + the index of that.
    pub(super) bound_for: AtomicU32,
}

impl std::fmt::Debug for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Port").field("index", &self.index).finish_non_exhaustive()
    }
}

/// The task that a port is of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Owner {
    pub(crate) process: Process,
    /// [`Inner::serial`](crate::client::task::Inner::serial).
    pub(crate) task: u64,
}

/// What the lock of the port's group guards, besides the lanes.
#[derive(Debug, Default)]
pub(crate) struct PortState {
    pub(crate) limit: u32,
    /// It was higher once: rights that were given then tell their holders more.
    pub(super) was_lowered: bool,
    pub(super) seqno: u32,
    pub(super) mscount: u32,
    pub(super) is_dead: bool,
    /// Its receive right is about to leave the task, or has left: nothing is queued any more.
    pub(super) is_closed: bool,
    /// Threads that receive from the port itself get an error: it is dead, or in an exclusive set.
    pub(super) is_shut: bool,
    /// The sets that it is in.
    pub(super) sets: Vec<Arc<Set>>,
    /// Who holds rights; the index of a holder stands in the seats.
    pub(super) holders: Holders,
    /// Send rights of this task's own, as handles.
    pub(super) local_senders: u32,
    /// Send rights that others pass back to this task, and that have not arrived yet.
    pub(super) on_their_way: Homing,
    /// Messages of this task's own threads, and notifications.
    pub(super) local: VecDeque<LocalMessage>,
    /// A message that did not fit into its receiver's room: it comes before all others.
    pub(super) kept_back: Option<Box<LocalMessage>>,
    /// Answers that are awaited here, by tokens that are out.
    pub(super) awaited: Vec<Awaited>,
    /// The reply slot of the last answer, for the next token to the same peer.
    pub(super) kept: Option<Kept>,
    /// Send-once rights that exist, those that are out included (`sorights`).
    pub(super) once: u32,
    /// Of them, those that others have passed on, and that are not used or back yet.
    pub(super) elsewhere: u32,
    pub(super) waiting_for_room: u32,
    /// The port's name, if a send-possible request there waits until a message is taken; it counts among those
    /// who wait for room.
    pub(super) watched: Option<PortName>,
    /// It is to be told, once the lock is released.
    pub(super) with_room: Option<PortName>,
    /// Its timer was set: who waits here is to find out until when.
    pub(super) is_retimed: bool,
    pub(super) no_senders: Option<Listener>,
    /// By which its receive right goes out when it is given up; the space knows that there is one.
    pub(super) port_destroyed: Option<Parked>,
    /// Notifications of other ports may come here.
    pub(super) is_notified: bool,
    /// A dead peer, or one that has given its rights back, has lanes that are not read to the end yet.
    pub(super) unsettled: bool,
    /// The last message came from a lane: the local queue is next, if both have some.
    pub(super) lane_was_last: bool,
    /// Whose lane said nonsense: to be condemned once the lock is released.
    pub(super) condemned: Vec<Arc<Link>>,
    /// Regions of messages that could not be taken, because they are not known: to be heard of once the
    /// lock is released.
    pub(super) missing: Vec<(Arc<Link>, NonZeroU32)>,
    /// Notifications to be sent once the lock is released.
    pub(super) due: Vec<(Listener, Notification)>,
    /// Messages that were taken out of the queue: their rights are to be released then.
    pub(super) destroyed: Vec<LocalMessage>,
    /// Requests that are over unfired, likewise.
    pub(super) unused: Vec<Parked>,
    /// Other tasks to be told something, likewise.
    pub(super) untold: Vec<(u64, Control)>,
}

impl Port {
    pub(crate) fn new(
        serial: u64,
        (index, number, key): (u32, u32, u64),
        bell: u8,
        limit: u32,
        (owner, identity): (Owner, Identity),
    ) -> Self {
        let group = Group::new(bell, PortState { limit, ..PortState::default() });
        let [name, room, bound_for] = [RawName::NULL.0, 0, 0].map(AtomicU32::new);
        let moved = OnceLock::new();
        Self { serial, name, index, number, key, owner, identity, group, room, moved, bound_for }
    }

    /// Whether it is a port of that task's.
    pub(crate) fn is_of(&self, owner: Owner) -> bool {
        self.owner == owner
    }

    /// The name of its receive right; NULL as long as it has none.
    #[inline]
    pub(crate) fn name(&self) -> RawName {
        RawName(self.name.load(Ordering::Relaxed))
    }

    /// Its receive right is under this name from here on.
    pub(crate) fn set_name(&self, name: RawName) {
        self.name.store(name.0, Ordering::Relaxed);
    }

    /// As that of its task.
    #[inline]
    pub(crate) fn is_forked(&self) -> bool {
        self.owner.process.is_other()
    }

    /// Whether its receive right is gone.
    pub(crate) fn is_dead(&self) -> bool {
        self.group.lock().port.is_dead
    }

    /// Makes a new port of a dead one, of which nobody else knows any more.
    pub(crate) fn renew(&mut self, serial: u64, (number, key): (u32, u64), limit: u32) {
        (self.serial, self.number, self.key) = (serial, number, key);
        (self.moved, self.bound_for) = (OnceLock::new(), AtomicU32::new(0));
        self.group.renew(PortState { limit, ..PortState::default() });
    }

    /// Gives a task one send right that is made for it, by who has the receive right.
    pub(crate) fn mint(&self, task: u64) -> PortRef {
        self.mint_in(&mut self.group.lock(), task, true)
    }

    /// Gives a task one right like one that this task has; `None` if the port is dead, or
    /// [closed](Self::is_closed).
    pub(crate) fn copy_to(&self, task: u64) -> Option<PortRef> {
        let mut state = self.group.lock();
        let is_open = !(state.port.is_dead || state.port.is_closed);
        is_open.then(|| self.mint_in(&mut state, task, false))
    }

    /// Whether its receive right is about to leave the task, or has left.
    pub(crate) fn is_closed(&self) -> bool {
        self.group.lock().port.is_closed
    }

    fn mint_in(&self, state: &mut State<PortState>, task: u64, is_made: bool) -> PortRef {
        state.open_up();
        let port = &mut state.port;
        port.mscount = port.mscount.wrapping_add(u32::from(is_made));
        let epoch = port.holders.epoch;
        port.holders.mint(task, epoch);
        PortRef { port: self.number, epoch, key: self.key, limit: port.limit }
    }

    /// The right was not given after all. Meanwhile it may have become the last one.
    pub(crate) fn unmint(&self, task: u64, right: PortRef) -> Aftermath {
        let mut state = self.group.lock();
        state.port.holders.unmint(task, right.epoch, 1);
        state.port.judge();
        state.port.aftermath()
    }

    /// `by` has passed its right on to `to`, or (`moved`) given it away, says the authority. Believed
    /// if the table says that `by` holds one. `to_self`: this task itself gets it.
    pub(crate) fn grant(
        &self,
        port: PortRef,
        by: u64,
        (to, who): (u64, Identity),
        moved: bool,
        to_self: bool,
    ) -> Aftermath {
        let mut state = self.group.lock();
        state.open_up();
        let table = &mut state.port;
        if port.key == self.key && !table.is_dead {
            let is_covered = table.holders.covers(by, port.epoch);
            if to_self {
                table.on_their_way.expect(by, port.epoch, is_covered);
            } else if is_covered {
                table.holders.grant(by, to, port.epoch);
                table.holders.identify(to, who);
            }
            if is_covered && moved {
                table.holders.take_back(by, AUTHORITY, port.epoch, 1);
            }
            table.judge();
        }
        table.aftermath()
    }

    /// Whether a claim to this port can be decided now: else the authority's news come first.
    pub(crate) fn knows(&self, task: u64, epoch: u32) -> bool {
        self.group.lock().port.holders.judge(task, epoch) != Claim::Unknown
    }

    /// The peer has opened a lane with a claim to this port. The claim is believed if the table
    /// says that the peer holds a right of that epoch; else the lane is dead from the start.
    pub(crate) fn claim(&self, link: &Arc<Link>, epoch: u32, key: u64, index: usize, mut lane: LaneIn) {
        let refused = self.group.change(|state| {
            let port = &mut state.port;
            let claim = if key == self.key && !port.is_dead {
                port.holders.judge(link.task, epoch)
            } else {
                Claim::Unknown
            };
            match claim {
                Claim::Covered(holder) => {
                    let entry = port.holders.get_mut(holder);
                    entry.lanes += 1;
                    entry.link = Some(link.clone());
                    lane.set_limit(port.limit);
                    if port.was_lowered {
                        lane.watch_limit();
                    }
                    let bells = link.bells().cloned().expect("a lane was adopted from the peer's half");
                    state.insert(Seat { lane, bells, link: link.number, index, holder });
                    state.count_ways();
                    None
                }
                Claim::Revoked => Some((lane, Death::Revoked)),
                Claim::Unknown => Some((lane, Death::Died)),
            }
        });
        if let Some((lane, death)) = refused {
            link.kill_lane(index, lane, death);
        }
    }

    /// A task gives back `count` rights of an epoch, which `by` had passed on to it (0: nobody had).
    pub(crate) fn take_back(&self, task: u64, by: u64, epoch: u32, key: u64, count: u64) -> Aftermath {
        let mut state = self.group.lock();
        if key == self.key {
            state.port.holders.take_back(task, by, epoch, count);
            self.drain_closes(&mut state);
            state.port.judge();
        }
        state.port.aftermath()
    }

    /// Removes a lane: its close record is at its head, or it is read no further (`death`).
    pub(super) fn end_lane(&self, state: &mut State<PortState>, at: usize, death: Option<Death>) {
        let seat = state.remove(at);
        let holder = state.port.holders.get_mut(seat.holder);
        holder.lanes -= 1;
        if let Some(link) = &holder.link {
            match death {
                None => link.release_lane(seat.index, seat.lane),
                Some(death) => link.kill_lane(seat.index, seat.lane, death),
            }
        }
        holder.forget_link();
        state.port.judge();
    }

    /// Takes the close records at the heads of lanes: no thread may ever receive here again.
    pub(super) fn drain_closes(&self, state: &mut State<PortState>) {
        let mut at = 0;
        while at < state.seats().len() {
            let seat = &state.seats()[at];
            let is_gone = state.port.holders.get(seat.holder).is_gone;
            match seat.lane.peek() {
                Ok(Some(head)) if head.kind == Kind::Close => {
                    self.end_lane(state, at, None);
                }
                Ok(None) if is_gone => self.end_lane(state, at, Some(Death::Died)),
                _ => at += 1,
            }
        }
        state.port.unsettled = state.port.holders.any_unsettled();
    }

    /// A task died, or is condemned: then nothing more of it is read.
    pub(crate) fn lose_task(&self, task: u64, condemned: bool) -> Aftermath {
        self.group.change(|state| {
            if state.port.lose_answers(task, condemned) {
                state.order.give_up(); // it knew of them elsewhere than where they are now
            }
            let Some(at) = state.port.holders.find(task) else { return state.port.aftermath() };
            state.port.holders.get_mut(at).lose();
            if condemned {
                self.end_lanes_of(state, at, Death::Died);
            }
            self.drain_closes(state);
            state.port.judge();
            state.port.aftermath()
        })
    }

    /// What a take left over: a dead peer's lane may be dry now, and is then over.
    pub(crate) fn settle(&self) -> Aftermath {
        let mut state = self.group.lock();
        if state.port.unsettled {
            self.drain_closes(&mut state);
        }
        state.port.aftermath()
    }

    pub(super) fn end_lanes_of(&self, state: &mut State<PortState>, holder: usize, death: Death) {
        while let Some(at) = state.seats().iter().position(|seat| seat.holder == holder) {
            self.end_lane(state, at, Some(death));
        }
    }

    /// The receive right is gone: every lane is dead, every message destroyed. Says whether any other
    /// task was ever given a right.
    pub(crate) fn destroy(&self) -> (bool, Aftermath) {
        let mut sets = Vec::new();
        let (waiting, remains) = self.group.change(|state| {
            std::mem::swap(&mut sets, &mut state.port.sets);
            (state.port.is_dead, state.port.is_shut) = (true, true);
            let listener = state.port.no_senders.take().and_then(Listener::into_right);
            state.port.unused.extend(listener);
            let unspent = state.port.port_destroyed.take();
            state.port.unused.extend(unspent);
            while !state.seats().is_empty() {
                self.end_lane(state, 0, Some(Death::Died));
            }
            let was_given = !(state.port.holders.is_empty() && state.port.awaited.is_empty());
            for awaited in state.port.awaited.drain(..) {
                awaited.abandon(Death::Died);
            }
            if let Some(kept) = state.port.kept.take() {
                kept.give_back();
            }
            self.tell_of_end(&mut state.port);
            let port = &mut state.port;
            port.destroyed.extend(port.local.drain(..));
            port.destroyed.extend(port.kept_back.take().map(|message| *message));
            (state.port.waiting_for_room, (was_given, state.port.aftermath()))
        });
        // Threads of these look at it in vain until it has left them.
        for set in sets {
            set.dismiss(self);
        }
        // Who is not counted yet will see, under the lock, that the port is dead.
        if waiting > 0 {
            self.room.fetch_add(1, Ordering::Release);
            futex_wake(&self.room, u32::MAX);
        }
        remains
    }

    // What threads of this task do.

    /// A handle to a send right of this task's own appeared.
    pub(crate) fn add_local_sender(&self, is_made: bool) {
        let mut state = self.group.lock();
        if state.port.is_known_outside() {
            state.open_up();
        }
        state.port.local_senders += 1;
        state.port.mscount = state.port.mscount.wrapping_add(u32::from(is_made));
    }

    /// The right was not made after all.
    pub(crate) fn unmake(&self) {
        let port = &mut self.group.lock().port;
        port.mscount = port.mscount.wrapping_sub(1);
    }

    /// Such a handle was dropped. `None`: meanwhile it has become a right to another task's port.
    pub(crate) fn drop_local_sender(&self) -> Option<Aftermath> {
        let mut state = self.group.lock();
        if state.port.is_dead && self.moved_to().is_some() {
            return None;
        }
        state.port.local_senders -= 1;
        state.port.judge();
        Some(state.port.aftermath())
    }
}

impl PortState {
    pub(super) fn has_senders(&self) -> bool {
        self.local_senders > 0 || self.on_their_way.any() || self.holders.any_live()
    }

    /// How many send rights there are in the world (`srights`).
    pub(super) fn send_rights(&self) -> u64 {
        u64::from(self.local_senders) + self.on_their_way.count() + self.holders.rights()
    }

    /// Whether the last send right has gone; if so, the request fires, once.
    pub(super) fn judge(&mut self) {
        if self.has_senders() {
            return;
        }
        if let Some(notify) = self.no_senders.take() {
            self.due.push((notify, Notification::NoSenders { mscount: self.mscount }));
        }
    }
}
