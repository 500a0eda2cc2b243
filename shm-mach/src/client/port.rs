//! A port, as its receiver's library keeps it: the queue, and the table of who may send to it.
//!
//! The table is the whole truth about send rights to the port. It is filled by this library alone,
//! when it gives rights away, and it is private memory: no peer can write it, and nothing that a
//! peer says is believed unless the table says so too.

use std::collections::VecDeque;
use std::sync::Arc;

use futex::Deadline;
use futex::sync::{AtomicU32, Ordering, futex_wait, futex_wake};

use crate::client::identity::Identity;
use crate::client::link::{Link, RemotePort};
use crate::client::message::{Notification, Received};
use crate::ring::group::{Group, Seat, State};
use crate::ring::lane_in::LaneIn;
use crate::ring::lane_out::Death;
use crate::ring::slot::Kind;

/// A port of this task.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) index: u32,
    pub(crate) key: u64,
    pub(crate) group: Group<PortState>,
    /// Threads of this task that wait for room sleep on this.
    room: AtomicU32,
}

/// What the lock of the port's group guards, besides the lanes.
#[derive(Debug)]
pub(crate) struct PortState {
    pub(crate) limit: u32,
    seqno: u32,
    mscount: u32,
    is_dead: bool,
    /// One entry for each peer that ever held a right; its index stands in the seats.
    holders: Vec<Holder>,
    /// Send rights of this task's own, as handles.
    local_senders: u32,
    /// Messages of this task's own threads, and notifications.
    local: VecDeque<LocalMessage>,
    waiting_for_room: u32,
    no_senders: Option<Arc<Port>>,
    /// A dead peer has lanes that are not dry yet.
    unsettled: bool,
    /// The last message came from a lane: the local queue is next, if both have some.
    lane_was_last: bool,
    /// Whose lane said nonsense: to be condemned once the lock is released.
    condemned: Vec<Arc<Link>>,
    /// Notifications to be sent once the lock is released.
    due: Vec<(Arc<Port>, Notification)>,
}

/// One peer's send rights to the port.
#[derive(Debug)]
struct Holder {
    link: Arc<Link>,
    /// Rights given to it in this epoch, ever, and given back by it.
    minted: u64,
    returned: u64,
    /// Lanes of this epoch that are open.
    lanes: u32,
    epoch: u32,
    revoked: bool,
    /// The peer is dead: a lane of it that is dry is over.
    is_gone: bool,
}

impl Holder {
    fn is_live(&self) -> bool {
        self.minted > self.returned || self.lanes > 0
    }
}

/// A message that never was in shared memory.
#[derive(Debug)]
pub(crate) struct LocalMessage {
    pub(crate) id: i32,
    pub(crate) body: Vec<u8>,
    pub(crate) sender: Identity,
}

/// What a look at the port found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// A message.
    Message,
    /// A message, and [`Port::settle`] is to be called.
    MessageAndAftermath,
    /// No message, but [`Port::settle`] is to be called before anybody waits.
    Aftermath,
    /// The receive right is gone.
    PortDied,
}

/// What is left to do when the group's lock is released.
#[derive(Debug, Default)]
pub(crate) struct Aftermath {
    pub(crate) condemned: Vec<Arc<Link>>,
    pub(crate) due: Vec<(Arc<Port>, Notification)>,
}

impl Port {
    pub(crate) fn new(index: u32, key: u64, bell: u8, limit: u32) -> Self {
        let state = PortState {
            limit,
            seqno: 0,
            mscount: 0,
            is_dead: false,
            holders: Vec::new(),
            local_senders: 0,
            local: VecDeque::new(),
            waiting_for_room: 0,
            no_senders: None,
            unsettled: false,
            lane_was_last: false,
            condemned: Vec::new(),
            due: Vec::new(),
        };
        Self { index, key, group: Group::new(bell, state), room: AtomicU32::new(0) }
    }

    /// Gives the peer of `link` one send right.
    pub(crate) fn mint(&self, link: &Arc<Link>) -> RemotePort {
        let mut state = self.group.lock();
        let port = &mut state.port;
        port.mscount = port.mscount.wrapping_add(1);
        let at = port.holder_of(link);
        let holder = &mut port.holders[at];
        holder.minted += 1;
        holder.revoked = false;
        RemotePort { port: self.index, epoch: holder.epoch, key: self.key, limit: port.limit }
    }

    /// The peer has opened a lane with a claim to this port. The claim is believed if the table
    /// says that the peer holds a right of that epoch; else the lane is dead from the start.
    pub(crate) fn claim(&self, link: &Arc<Link>, epoch: u32, key: u64, index: usize, mut lane: LaneIn) {
        let admitted = self.group.change(|state| {
            let port = &mut state.port;
            let at = port.holders.iter().position(|holder| Arc::ptr_eq(&holder.link, link));
            let holder = at.map(|at| &mut port.holders[at]);
            match holder {
                Some(holder)
                    if holder.epoch == epoch && holder.is_live() && key == self.key && !port.is_dead =>
                {
                    holder.lanes += 1;
                    lane.set_limit(port.limit);
                    let holder = at.unwrap_or_default();
                    state.insert(Seat {
                        lane,
                        bells: link.bells().clone(),
                        link: link.number,
                        index,
                        holder,
                    });
                    Ok(())
                }
                Some(holder) if holder.epoch != epoch || holder.revoked => Err((lane, Death::Revoked)),
                _ => Err((lane, Death::Died)),
            }
        });
        if let Err((lane, death)) = admitted {
            link.kill_lane(index, lane, death);
        }
    }

    /// The peer gives back `count` rights of an epoch.
    pub(crate) fn take_back(&self, link: &Arc<Link>, epoch: u32, key: u64, count: u64) -> Aftermath {
        let mut state = self.group.lock();
        let found = state.port.holders.iter().position(|holder| Arc::ptr_eq(&holder.link, link));
        if let (Some(at), true) = (found, key == self.key) {
            let holder = &mut state.port.holders[at];
            if holder.epoch == epoch {
                // Clamped: giving back more than it has concerns that peer alone.
                holder.returned = holder.returned.saturating_add(count).min(holder.minted);
            }
            self.drain_closes(&mut state);
            state.port.judge();
        }
        state.port.aftermath()
    }

    /// Takes the next message, wherever it lies. Called under the group's lock.
    #[inline]
    pub(crate) fn take(&self, state: &mut State<PortState>, into: &mut Received) -> Option<Taken> {
        if state.port.is_dead {
            return Some(Taken::PortDied);
        }
        let local_first = state.port.lane_was_last && !state.port.local.is_empty();
        let taken = (local_first && state.port.take_local(into))
            || self.take_from_lane(state, into)
            || state.port.take_local(into);
        if !taken {
            return state.port.has_aftermath().then_some(Taken::Aftermath);
        }
        into.seqno = state.port.seqno;
        state.port.seqno = state.port.seqno.wrapping_add(1);
        if state.port.waiting_for_room > 0 {
            self.room.fetch_add(1, Ordering::Release);
            futex_wake(&self.room, u32::MAX);
        }
        let is_last = state.port.has_aftermath() || state.port.unsettled;
        Some(if is_last { Taken::MessageAndAftermath } else { Taken::Message })
    }

    #[inline]
    fn take_from_lane(&self, state: &mut State<PortState>, into: &mut Received) -> bool {
        loop {
            let Some((at, head)) = state.ready() else { return false };
            let copied = head.and_then(|head| match head.kind {
                Kind::Message => {
                    into.records.clear();
                    state.seat(at).lane.copy(&head, &mut into.records, &mut into.body).map(|()| Some(head))
                }
                Kind::Close => Ok(None),
            });
            match copied {
                Ok(Some(head)) => {
                    into.id = head.id;
                    let holder = state.seat(at).holder;
                    into.sender = state.port.holders[holder].link.peer;
                    state.port.lane_was_last = true;
                    state.advance(at, &head);
                    return true;
                }
                Ok(None) => {
                    self.end_lane(state, at, None);
                }
                Err(_) => {
                    let holder = state.seat(at).holder;
                    let link = state.port.holders[holder].link.clone();
                    state.port.condemned.push(link);
                    self.end_lane(state, at, Some(Death::Died));
                }
            }
        }
    }

    /// Removes a lane: its close record is at its head, or it is read no further (`death`).
    fn end_lane(&self, state: &mut State<PortState>, at: usize, death: Option<Death>) {
        let seat = state.remove(at);
        let holder = &mut state.port.holders[seat.holder];
        holder.lanes -= 1;
        let link = holder.link.clone();
        match death {
            None => link.release_lane(seat.index, seat.lane),
            Some(death) => link.kill_lane(seat.index, seat.lane, death),
        }
        state.port.judge();
    }

    /// Takes the close records at the heads of lanes: no thread may ever receive here again.
    fn drain_closes(&self, state: &mut State<PortState>) {
        let mut at = 0;
        while at < state.seats().len() {
            let seat = &state.seats()[at];
            let is_gone = state.port.holders[seat.holder].is_gone;
            match seat.lane.peek() {
                Ok(Some(head)) if head.kind == Kind::Close => {
                    self.end_lane(state, at, None);
                }
                Ok(None) if is_gone => self.end_lane(state, at, Some(Death::Died)),
                _ => at += 1,
            }
        }
        state.port.unsettled = state.port.holders.iter().any(|holder| holder.is_gone && holder.lanes > 0);
    }

    /// The peer of `link` died, or is condemned: then nothing more of it is read.
    pub(crate) fn lose_peer(&self, link: &Arc<Link>, condemned: bool) -> Aftermath {
        self.group.change(|state| {
            let Some(at) = state.port.holders.iter().position(|holder| Arc::ptr_eq(&holder.link, link))
            else {
                return Aftermath::default();
            };
            let holder = &mut state.port.holders[at];
            holder.is_gone = true;
            holder.returned = holder.minted;
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

    /// Ends all rights of the peer of `link`: nothing of it is received from here on, what it has
    /// queued included.
    pub(crate) fn revoke(&self, link: &Arc<Link>) -> Aftermath {
        self.group.change(|state| {
            let Some(at) = state.port.holders.iter().position(|holder| Arc::ptr_eq(&holder.link, link))
            else {
                return Aftermath::default();
            };
            self.end_lanes_of(state, at, Death::Revoked);
            let holder = &mut state.port.holders[at];
            holder.epoch = holder.epoch.wrapping_add(1);
            (holder.minted, holder.returned, holder.revoked) = (0, 0, true);
            state.port.judge();
            state.port.aftermath()
        })
    }

    fn end_lanes_of(&self, state: &mut State<PortState>, holder: usize, death: Death) {
        while let Some(at) = state.seats().iter().position(|seat| seat.holder == holder) {
            self.end_lane(state, at, Some(death));
        }
    }

    /// The receive right is gone: every lane is dead, every message destroyed.
    pub(crate) fn destroy(&self) -> Vec<LocalMessage> {
        let (messages, waiting) = self.group.change(|state| {
            state.port.is_dead = true;
            state.port.no_senders = None;
            while !state.seats().is_empty() {
                self.end_lane(state, 0, Some(Death::Died));
            }
            (std::mem::take(&mut state.port.local), state.port.waiting_for_room)
        });
        // Who is not counted yet will see, under the lock, that the port is dead.
        if waiting > 0 {
            self.room.fetch_add(1, Ordering::Release);
            futex_wake(&self.room, u32::MAX);
        }
        messages.into()
    }

    // What threads of this task do.

    /// Queues a message of this task's own, if the limit allows it.
    ///
    /// # Errors
    /// The message, and whether the port is dead (else it is full).
    pub(crate) fn send_local(&self, message: LocalMessage) -> Result<(), (LocalMessage, bool)> {
        self.group.change(|state| {
            let port = &mut state.port;
            if port.is_dead || port.local.len() >= port.limit as usize {
                return Err((message, port.is_dead));
            }
            port.local.push_back(message);
            Ok(())
        })
    }

    /// Waits until the local queue may have room.
    pub(crate) fn wait_for_room(&self, deadline: Deadline) {
        let sampled = self.room.load(Ordering::Acquire);
        let mut state = self.group.lock();
        if state.port.is_dead || state.port.local.len() < state.port.limit as usize {
            return;
        }
        state.port.waiting_for_room += 1;
        drop(state);
        futex_wait(&self.room, sampled, deadline);
        self.group.lock().port.waiting_for_room -= 1;
    }

    /// Queues a notification: never refused, never waits.
    pub(crate) fn notify(&self, notification: Notification) {
        let (id, body) = notification.encode();
        let message = LocalMessage { id, body, sender: Identity::KERNEL };
        self.group.change(|state| {
            if !state.port.is_dead {
                state.port.local.push_back(message);
            }
        });
    }

    /// A handle to a send right of this task's own appeared.
    pub(crate) fn add_local_sender(&self, is_made: bool) {
        let mut state = self.group.lock();
        state.port.local_senders += 1;
        state.port.mscount = state.port.mscount.wrapping_add(u32::from(is_made));
    }

    /// Such a handle was dropped.
    pub(crate) fn drop_local_sender(&self) -> Aftermath {
        let mut state = self.group.lock();
        state.port.local_senders -= 1;
        state.port.judge();
        state.port.aftermath()
    }

    /// Asks for one [`Notification::NoSenders`] to `notify`; at once if there is no sender now and
    /// `sync` is at most the count of rights made so far.
    pub(crate) fn request_no_senders(&self, sync: u32, notify: Arc<Port>) -> Aftermath {
        let mut state = self.group.lock();
        let port = &mut state.port;
        if port.has_senders() || sync > port.mscount {
            port.no_senders = Some(notify);
        } else {
            port.due.push((notify, Notification::NoSenders { mscount: port.mscount }));
        }
        state.port.aftermath()
    }

    /// Takes over a new queue limit, for all senders.
    pub(crate) fn set_limit(&self, limit: u32) {
        self.group.change(|state| {
            state.port.limit = limit;
            for at in 0..state.seats().len() {
                state.seat(at).lane.set_limit(limit);
            }
        });
        self.room.fetch_add(1, Ordering::Release);
        futex_wake(&self.room, u32::MAX);
    }
}

impl PortState {
    fn holder_of(&mut self, link: &Arc<Link>) -> usize {
        let found = self.holders.iter().position(|holder| Arc::ptr_eq(&holder.link, link));
        found.unwrap_or_else(|| {
            self.holders.push(Holder {
                link: link.clone(),
                minted: 0,
                returned: 0,
                lanes: 0,
                epoch: 0,
                revoked: false,
                is_gone: false,
            });
            self.holders.len() - 1
        })
    }

    fn has_senders(&self) -> bool {
        self.local_senders > 0 || self.holders.iter().any(Holder::is_live)
    }

    /// Whether the last send right has gone; if so, the request fires, once.
    fn judge(&mut self) {
        if self.has_senders() {
            return;
        }
        if let Some(notify) = self.no_senders.take() {
            self.due.push((notify, Notification::NoSenders { mscount: self.mscount }));
        }
    }

    fn take_local(&mut self, into: &mut Received) -> bool {
        let Some(message) = self.local.pop_front() else { return false };
        self.lane_was_last = false;
        into.id = message.id;
        into.sender = message.sender;
        into.body = message.body;
        true
    }

    /// What is to be done once the lock is released.
    pub(crate) fn aftermath(&mut self) -> Aftermath {
        Aftermath { condemned: std::mem::take(&mut self.condemned), due: std::mem::take(&mut self.due) }
    }

    fn has_aftermath(&self) -> bool {
        !self.due.is_empty() || !self.condemned.is_empty()
    }
}
