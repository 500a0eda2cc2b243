//! Full queues whose reading somebody wants to hear of.
//!
//! A send that finds a queue full can ask to be told of room instead of waiting for it. For a queue of another
//! task's the lane's sender raises a flag for that, and the receiver then wakes a thread that sleeps on its
//! cursor: every thread that waits at a port where such a notification comes does.
//! Whoever is woken by it tells all that are due.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futex::sync::{AtomicU32, Lock, futex_wake};

use futex::Deadline;

use crate::client::error::{SendError, SendFailure};
use crate::client::held::{Held, Target};
use crate::client::link::Link;
use crate::client::message::Message;
use crate::client::port::{Port, PortState};
use crate::client::send_right::SendRight;
use crate::client::space::{Leftover, Names};
use crate::client::task::Inner;
use crate::ipc::{PortName, RawName};
use crate::ring::lane_out::{LaneOut, RoomWatch};
use crate::ring::samples::Samples;

/// The lanes that are watched.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    /// While there are none, nobody looks.
    any: AtomicBool,
    list: Lock<Vec<Room>>,
    /// Counts what was told: a thread that waits for room on a watched lane sleeps on this too, since
    /// another one may have been woken in its place.
    pub(super) told: AtomicU32,
}

#[derive(Debug)]
struct Room {
    link: Arc<Link>,
    lane: usize,
    watch: RoomWatch,
    /// The name that the right to send there has.
    name: PortName,
}

impl Room {
    /// While the receiver's half is not here there is no cursor; whoever sleeps is woken when it comes.
    fn has_moved(&self) -> bool {
        self.link.is_dead()
            || self.link.theirs().is_some_and(|half| self.watch.has_moved(&half.cursor_of(self.lane)))
    }
}

impl Rooms {
    /// Whether anything is watched.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Adds the words that are to be slept on.
    pub(crate) fn sample(&self, samples: &mut Samples) {
        if self.any() {
            for room in self.list.lock().iter() {
                let theirs = room.link.theirs();
                theirs.into_iter().for_each(|half| samples.add_cursor(half.cursor_of(room.lane)));
            }
        }
    }

    /// After a refusal: watches a lane; false if its receiver has read on since.
    fn watch(&self, link: &Arc<Link>, lane: (usize, &mut LaneOut), name: PortName) -> bool {
        let (lane, out) = lane;
        // Under the lock: whoever ends an older watch of the lane does so before, or not at all.
        let mut list = self.list.lock();
        list.retain(|room| room.lane != lane || !Arc::ptr_eq(&room.link, link));
        let watch = out.watch_room();
        let is_full = watch.is_some();
        list.extend(watch.map(|watch| Room { link: link.clone(), lane, watch, name }));
        self.any.store(!list.is_empty(), Ordering::Relaxed);
        is_full
    }

    /// Takes out what its receiver has read on.
    fn take_moved(&self) -> Vec<PortName> {
        let mut list = self.list.lock();
        let moved = list.extract_if(.., |room| room.has_moved()).map(|room| {
            room.watch.end();
            room.name
        });
        let moved = moved.collect();
        self.any.store(!list.is_empty(), Ordering::Relaxed);
        moved
    }
}

impl Inner {
    /// Tells of queues that have room again.
    pub(crate) fn look_for_room(&self) {
        if !self.rooms.any() {
            return;
        }
        let moved = self.rooms.take_moved();
        if moved.is_empty() {
            return;
        }
        for name in moved {
            self.room_at(name.into());
        }
        self.rooms.told.fetch_add(1, Ordering::Relaxed);
        futex_wake(&self.rooms.told, u32::MAX);
    }

    /// There is room in the queue that the right under a name leads to: armed requests fire.
    pub(crate) fn room_at(&self, name: RawName) {
        let mut rest = Leftover::default();
        self.names.lock().room_at(name, &mut rest);
        self.finish(rest);
    }

    /// A send by this right was refused for want of room. Arms the send-possible request on its name, if
    /// there is one, and watches the lane. Says whether there is something to be told of when there is room.
    pub(crate) fn watch_lane(&self, held: &Held, lane: Option<(usize, &mut LaneOut)>) -> bool {
        if !self.names.lock().space.arm_request(held.name.into()).unwrap_or(false) {
            return false;
        }
        let is_full = match (held.target(), lane) {
            (Target::Local(port), _) => port.watch_room(held.name),
            (Target::Remote { link, .. }, Some(lane)) => {
                link.get().is_some_and(|link| self.rooms.watch(link, lane, held.name))
            }
            (Target::Remote { .. }, None) => false,
        };
        if is_full {
            self.rouse(held.name);
        } else {
            self.room_at(held.name.into());
        }
        is_full
    }

    /// Threads that wait where the notification about a name comes must sleep on one word more.
    fn rouse(&self, name: PortName) {
        let port = self.names.lock().told_at(name);
        match port {
            Some(port) => port.group.change(|_| ()),
            // Another task's: whoever waits here, for whatever, sends it there.
            None => self.all_ports().iter().for_each(|port| port.group.change(|_| ())),
        }
    }

    /// Whether a send by name would find room now, for a request that was armed without a send.
    pub(super) fn watch_name(&self, name: RawName) {
        let credits = self.names.lock().credits(name);
        let mut is_full = false;
        for held in credits.iter().filter(|held| !held.is_dead()) {
            is_full |= match held.target() {
                Target::Local(_) => self.watch_lane(held, None),
                Target::Remote { .. } => self.watch_by_name(held),
            };
        }
        if !is_full {
            let received = self.names.lock().received(name);
            is_full =
                received.is_ok_and(|port| PortName::new(name.0).is_some_and(|name| port.watch_room(name)));
        }
        if !is_full {
            self.room_at(name);
        }
    }

    /// A lane that does not exist has room, and so has one that is in use: then the send takes another.
    fn watch_by_name(&self, held: &Held) -> bool {
        let taken = held.by_name.lock().take();
        let Some(mut sender) = taken else { return false };
        let is_full = sender.as_mut().is_some_and(|sender| {
            !sender.lane.has_room(0) && self.watch_lane(held, Some((sender.index, &mut sender.lane)))
        });
        let left = held.by_name.lock().put(sender);
        if let (Some(sender), Some(link)) = (left, held.target().link()) {
            link.close_lane(sender.index, sender.lane);
        }
        is_full
    }
}

impl Names {
    fn room_at(&mut self, name: RawName, rest: &mut Leftover) {
        if let Some((port, receiver)) = self.space.entry(name).ok().and_then(|entry| entry.port()) {
            self.space.send_possible(port, receiver, &mut self.effects);
            self.settle(rest);
        }
    }

    /// The task's own port where the notification about a name comes.
    fn told_at(&mut self, name: PortName) -> Option<Arc<Port>> {
        self.keep(name.index()).request.as_ref()?.local_port().cloned()
    }
}

impl SendRight {
    /// As [`send_deadline`](Self::send_deadline); but a full queue arms the send-possible request on the name
    /// of this right ([`NotificationKind::SendPossible`](crate::NotificationKind::SendPossible)), if there is one,
    /// before the call waits or gives up: the notification comes when the receiver has read something of what
    /// this handle had sent.
    ///
    /// # Errors
    /// As [`send_deadline`](Self::send_deadline).
    pub fn send_notify<'a>(&self, message: Message<'a>, deadline: Deadline) -> Result<(), SendError<'a>> {
        match self.send_deadline(message, Deadline::NOW) {
            Err(refused) if refused.failure() == SendFailure::TimedOut => {
                if self.watch_room() && deadline.has_passed() {
                    return Err(refused);
                }
                // There is room now, or it is waited for.
                self.send_deadline(refused.into_message(), deadline)
            }
            done => done,
        }
    }
}

impl Port {
    /// Watches the queue of this task's own messages; false if it has room.
    fn watch_room(&self, name: PortName) -> bool {
        let port = &mut self.group.lock().port;
        let is_full = !port.is_dead && port.local.len() >= port.limit as usize;
        if is_full && port.watched.replace(name).is_none() {
            port.waiting_for_room += 1; // so that whoever takes a message looks
        }
        is_full
    }
}

impl PortState {
    /// A message was taken while somebody wanted to hear of it.
    #[cold]
    pub(super) fn tell_of_room(&mut self) {
        if let Some(name) = self.watched.take() {
            self.waiting_for_room -= 1;
            self.with_room = Some(name);
        }
    }
}
