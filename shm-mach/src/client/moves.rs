//! Receive rights in messages, at the task that sends them.
//!
//! To another task: the authority tells that task of the port first (OFFER), which is there from then on;
//! then, in one step for everybody else in this task, the message is published and the port leaves. What
//! could be refused is refused before.

use std::sync::Arc;

use futex::sync::{Guard, Ordering, futex_wake};

use crate::client::aftermath::Aftermath;
use crate::client::error::{Immovable, SendFailure};
use crate::client::held::Target;
use crate::client::holders::AUTHORITY;
use crate::client::link::Link;
use crate::client::local::LocalMessage;
use crate::client::message::Message;
use crate::client::peers::failure_of;
use crate::client::port::{Port, PortState};
use crate::client::port_set::Set;
use crate::client::receive_right::ReceiveRight;
use crate::client::right::Right;
use crate::client::space::{Leftover, Names};
use crate::client::task::Inner;
use crate::ipc::{Disposition, PortName};
use crate::wire::request::{Addressee, MOVED, PAIRED, PortRef, Request};

/// A port whose receive right is to go to another task, which knows of it already.
#[derive(Debug)]
pub(crate) struct Leaving {
    port: Arc<Port>,
    name: PortName,
    /// By which everybody will know it.
    pub(super) to: PortRef,
    /// The other task counts this one as a sender.
    keeps: bool,
}

impl Leaving {
    pub(super) fn is_of(&self, port: &Arc<Port>) -> bool {
        Arc::ptr_eq(&self.port, port)
    }
}

/// What is left of a port that has gone.
struct Left {
    sets: Vec<Arc<Set>>,
    has_sender: bool,
    aftermath: Aftermath,
}

impl PortState {
    /// Why the port cannot leave the task.
    fn check_alone(&self) -> Result<(), Immovable> {
        if self.holders.any_live() || self.on_their_way.any() {
            Err(Immovable::HeldElsewhere)
        } else if self.once > 0 {
            Err(Immovable::AnswersAwaited)
        } else if !self.local.is_empty() {
            Err(Immovable::NotEmpty)
        } else if self.no_senders.is_some() || self.port_destroyed.is_some() || self.is_notified {
            Err(Immovable::Requested)
        } else {
            Ok(())
        }
    }
}

impl Port {
    /// Where this task's rights to the port lead, if that is another task by now.
    #[inline]
    pub(crate) fn moved_to(&self) -> Option<&Target> {
        self.moved.get()
    }

    /// Whether the port can go to another task now: its queue limit, and whether this task has a send right
    /// to it.
    fn look_alone(&self) -> Result<(u32, bool), Immovable> {
        let port = &self.group.lock().port;
        port.check_alone().map(|()| (port.limit, port.local_senders > 0))
    }

    /// From here on nothing is queued and no right is given, until it has left or is opened again.
    fn close(&self) -> Result<(), Immovable> {
        let port = &mut self.group.lock().port;
        port.check_alone()?;
        port.is_closed = true;
        Ok(())
    }

    fn reopen(&self) {
        self.group.lock().port.is_closed = false;
        self.wake_senders();
    }

    /// Threads of this task that wait for room look again.
    fn wake_senders(&self) {
        self.room.fetch_add(1, Ordering::Release);
        futex_wake(&self.room, u32::MAX);
    }

    /// The receive right was published: there is no port here any more.
    fn leave(&self, to: Target) -> Left {
        let left = self.group.change(|state| {
            // Under the lock: who finds the port dead finds where it is.
            let is_first = self.moved.set(to).is_ok();
            debug_assert!(is_first, "a port leaves once");
            (state.port.is_dead, state.port.is_shut) = (true, true);
            if let Some(kept) = state.port.kept.take() {
                kept.give_back();
            }
            Left {
                sets: std::mem::take(&mut state.port.sets),
                has_sender: state.port.local_senders > 0,
                aftermath: state.port.aftermath(),
            }
        });
        self.wake_senders();
        left
    }

    /// What a port loses by being moved. Who waits at it, by its name, is told.
    pub(super) fn reset(&self) {
        self.begin_anew();
        self.group.change(|state| state.port.is_shut = true);
    }

    /// Its receive right has arrived in this task.
    pub(super) fn open(&self) {
        self.bound_for.store(0, Ordering::Relaxed);
        let port = &mut self.group.lock().port;
        port.is_shut = port.is_dead;
    }
}

impl Names {
    /// The receive right leaves its name. A send right keeps it, and leads to `to`, if the port is another
    /// task's from now on.
    fn send_receive(&mut self, port: &Port, name: PortName, to: Option<&Target>, rest: &mut Leftover) {
        let taken = self.space.copyin(name.into(), Disposition::MoveReceive, &mut self.effects);
        debug_assert!(taken.is_ok(), "checked before, and held by the caller: {taken:?}");
        if let Some(to) = to {
            let own = self.space.task();
            self.space.follow(Target::id_of(port, own), to.id(own), &mut self.effects);
            self.ports.release(port.index);
        }
        self.settle(rest);
    }

    /// The receive right of a port is destroyed on its way, where it has no name. Says whether the authority
    /// keeps a name for the port.
    pub(super) fn end_receive(&mut self, port: &Port, rest: &mut Leftover) -> bool {
        let (id, own) = Target::id_of(port, self.space.task());
        self.space.port_died(id, own, &mut self.effects);
        self.settle(rest);
        self.ports.release(port.index)
    }
}

impl Inner {
    /// Whether a receive right of this task's may go anywhere.
    fn check_movable(&self, right: &ReceiveRight) -> Result<(), SendFailure> {
        if !std::ptr::eq(&**right.task(), self) {
            return Err(SendFailure::NotMovable(Immovable::OtherTask));
        }
        let names = self.names.lock();
        let name = right.name().into();
        let may = names.space.check_copyin(name, Disposition::MoveReceive);
        may.map_err(|_| SendFailure::NotMovable(Immovable::Restricted))
    }

    /// Offers a port to the peer of `link`, for a message that goes to `to`. Waits for the authority, never
    /// for the peer.
    ///
    /// # Errors
    /// [`SendFailure::NotIntroduced`], [`SendFailure::NotMovable`], [`SendFailure::PortDied`],
    /// [`SendFailure::NoBuffer`], [`SendFailure::NoAuthority`].
    pub(super) fn offer(
        &self,
        right: &ReceiveRight,
        link: &Arc<Link>,
        to: Addressee,
    ) -> Result<Leaving, SendFailure> {
        let authority = match &self.authority {
            Some(authority) if link.task & PAIRED == 0 => authority,
            _ => return Err(SendFailure::NotIntroduced),
        };
        self.check_movable(right)?;
        let port = right.port().clone();
        let (limit, keeps) = port.look_alone().map_err(SendFailure::NotMovable)?;
        let key = self.next_secret();
        let request = Request::Offer { task: link.task, key, limit, keeps, to };
        authority.ask(&request, None).map_err(|error| failure_of(&error))?;
        let to = PortRef { port: MOVED, epoch: 0, key, limit };
        Ok(Leaving { port, name: right.name(), to, keeps })
    }

    /// What was offered is not sent.
    pub(super) fn withdraw(&self, leaving: &Leaving, link: &Link) {
        if let Some(authority) = &self.authority {
            authority.say(&Request::Withdraw { task: link.task, key: leaving.to.key }, None);
        }
    }

    /// Publishes a message, by `publish`, and with it the receive rights that leave the task. No thread of
    /// this task sees a moment between the two.
    ///
    /// # Errors
    /// [`SendFailure::NotMovable`]: nothing was tried. What `publish` says; the ports are here still.
    pub(super) fn publish_leaving<R, E>(
        &self,
        all: &[Leaving],
        link: &Arc<Link>,
        publish: impl FnOnce() -> Result<R, E>,
    ) -> Result<Result<R, E>, SendFailure> {
        let moving = self.moving.lock();
        for (at, leaving) in all.iter().enumerate() {
            if let Err(why) = leaving.port.close() {
                all[..at].iter().for_each(|closed| closed.port.reopen());
                return Err(SendFailure::NotMovable(why));
            }
        }
        let published = publish();
        if published.is_err() {
            all.iter().for_each(|leaving| leaving.port.reopen());
            return Ok(published);
        }
        let (mut rest, mut left, mut questions) = (Leftover::default(), Vec::new(), Vec::new());
        for Leaving { port, name, to, keeps } in all {
            let target = || Target::linked(link.clone(), *to);
            self.names.lock().send_receive(port, *name, Some(&target()), &mut rest);
            left.push((port, port.leave(target())));
            // Who asked to be told of the port's end is told by its new receiver.
            questions.extend(self.names.lock().watch_all(*name, 0, || self.next_serial()));
            if *keeps && !left.last().is_some_and(|(_, left)| left.has_sender) {
                link.give_back(*to, 1, AUTHORITY);
            }
        }
        drop(moving);
        for (port, Left { sets, aftermath, .. }) in left {
            for set in sets {
                set.dismiss(port);
            }
            self.perform(aftermath);
        }
        if link.is_dead() {
            // It died just now: nobody else tells these rights of it.
            self.names.lock().lose_task(link.task, &mut rest);
        }
        self.finish(rest);
        self.ask_of_end(questions);
        // Who waits for room in the queue that was here finds an empty one there.
        all.iter().for_each(|leaving| self.room_at(leaving.name.into()));
        Ok(published)
    }

    // Within the task.

    /// Prepares a message that carries receive rights for the queue of a port of this task's own. `None`:
    /// a port would be on its way to itself; the message is to be destroyed.
    ///
    /// # Errors
    /// [`SendFailure::NotMovable`].
    fn move_within<'t>(
        &'t self,
        to: &Arc<Port>,
        message: &mut Message<'_>,
    ) -> Result<Option<Within<'t>>, SendFailure> {
        for right in receive_rights(&mut message.rights) {
            self.check_movable(right)?;
        }
        let moving = self.moving.lock();
        let mut ports = Vec::new();
        for right in receive_rights(&mut message.rights) {
            if self.is_on_its_way_to(to, right.port()) {
                return Ok(None);
            }
            ports.push((right.port().clone(), right.name()));
        }
        for right in receive_rights(&mut message.rights) {
            right.set_on_its_way(true);
            right.port().bound_for.store(to.index + 1, Ordering::Relaxed);
        }
        Ok(Some(Within { task: self, moving, ports }))
    }

    /// Whether `port` is `end`, or on its way to it. Called under the lock of moves.
    pub(super) fn is_on_its_way_to(&self, port: &Arc<Port>, end: &Arc<Port>) -> bool {
        let mut at = port.clone();
        loop {
            if Arc::ptr_eq(&at, end) {
                return true;
            }
            let next = at.bound_for.load(Ordering::Relaxed).checked_sub(1);
            match next.and_then(|index| self.port(index)) {
                Some(next) => at = next,
                None => return false,
            }
        }
    }
}

/// The receive rights among those of a message.
fn receive_rights(rights: &mut [Right]) -> impl Iterator<Item = &mut ReceiveRight> {
    rights.iter_mut().filter_map(|right| match right {
        Right::Receive(right) => Some(right),
        _ => None,
    })
}

impl Port {
    /// Queues a message of this task's own that carries receive rights. If one of them is that of this port, or
    /// of one that this port is on its way to, the message is destroyed.
    ///
    /// # Errors
    /// The message, with [`SendFailure::NotMovable`], [`SendFailure::PortDied`], or
    /// [`SendFailure::TimedOut`] when the queue is full now.
    pub(super) fn queue_within<'a>(
        self: &Arc<Self>,
        message: Message<'a>,
    ) -> Result<(), (SendFailure, Message<'a>)> {
        self.move_in(message, |local| self.send_local(local)).map(drop)
    }

    /// The same by a send-once right, which is used then. No queue is full for it.
    ///
    /// # Errors
    /// The message, with [`SendFailure::NotMovable`].
    pub(super) fn answer_within<'a>(
        self: &Arc<Self>,
        message: Message<'a>,
    ) -> Result<(), (SendFailure, Message<'a>)> {
        if !message.moves_ports() {
            self.answer_local(LocalMessage::of(message, self.identity));
            return Ok(());
        }
        let is_queued = self.move_in(message, |local| {
            self.answer_local(local);
            Ok(())
        })?;
        if !is_queued {
            self.drop_once();
        }
        Ok(())
    }

    /// Says whether the message was queued; else it was destroyed.
    fn move_in<'a>(
        self: &Arc<Self>,
        mut message: Message<'a>,
        queue: impl FnOnce(LocalMessage) -> Result<(), (LocalMessage, bool)>,
    ) -> Result<bool, (SendFailure, Message<'a>)> {
        let first = receive_rights(&mut message.rights).next();
        let task = first.expect("the caller has seen one").task().clone();
        let within = match task.move_within(self, &mut message) {
            Ok(Some(within)) => within,
            Ok(None) => {
                drop(message);
                task.end_doomed();
                return Ok(false);
            }
            Err(failure) => return Err((failure, message)),
        };
        let body = message.body;
        match queue(LocalMessage::of(message, self.identity)) {
            Ok(()) => {
                within.done();
                task.end_doomed(); // the port may be dead
                Ok(true)
            }
            Err((mut refused, is_dead)) => {
                within.undo(&mut refused);
                let failure = if is_dead { SendFailure::PortDied } else { SendFailure::TimedOut };
                Err((failure, refused.into_message(body)))
            }
        }
    }
}

/// Receive rights that are about to be queued within the task. Who receives them waits until this is over.
struct Within<'t> {
    task: &'t Inner,
    moving: Guard<'t, ()>,
    ports: Vec<(Arc<Port>, PortName)>,
}

impl Within<'_> {
    /// The message is queued, or destroyed because its port is dead.
    fn done(self) {
        let Self { task, moving, ports } = self;
        let mut rest = Leftover::default();
        for (port, name) in &ports {
            task.names.lock().send_receive(port, *name, None, &mut rest);
            port.reset();
        }
        drop(moving);
        task.finish(rest);
    }

    /// It was refused.
    fn undo(self, refused: &mut LocalMessage) {
        for right in receive_rights(&mut refused.rights) {
            right.set_on_its_way(false);
            right.port().bound_for.store(0, Ordering::Relaxed);
        }
    }
}
