//! The send right: what its holders can do with a port.

mod moving;
mod room;
mod within;

use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use futex::Deadline;

use crate::client::error::{SendError, SendFailure};
use crate::client::held::{Held, Target};
use crate::client::link::Link;
use crate::client::message::Message;
use crate::client::port::Port;
use crate::client::right::Passage;
use crate::client::space::Leftover;
use crate::client::task::Inner;
use crate::ipc::PortName;
use crate::ring::lane_out::{Death, LaneOut, Refusal};
use crate::ring::patience::{Patience, Wait};
use crate::ring::slot::{BODY_MAX, Head, RIGHT_BYTES};
use crate::ring::world::World as _;
use crate::wire::request::{Addressee, PortRef};

/// The right to send to a port, and nothing else: not to receive from it, not to see what others
/// send, not to hold it up.
///
/// A clone is a right of its own with a queue place of its own: give each thread one. Messages sent
/// through one right arrive in order. A right can be moved to another thread but not used by two at
/// once, which is why sending takes no lock; put it into a mutex if two must share one order.
///
/// Dropping never waits. What was sent before is still delivered.
#[derive(Debug)]
pub struct SendRight {
    pub(super) task: Arc<Inner>,
    held: Arc<Held>,
    sender: RefCell<Option<Box<Sender>>>,
    wait: Cell<Wait>,
    patience: RefCell<Patience>,
    /// One of the references to the right is this handle's.
    is_counted: bool,
}

/// Where a right leads, for whoever passes it on.
pub(crate) enum Leads<'a> {
    Here(&'a Arc<Port>),
    There { receiver: u64, port: PortRef },
}

/// A lane of a right's own.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) index: usize,
    pub(crate) lane: LaneOut,
    /// What [`Held::arrivals`] was when it was opened.
    arrivals: u32,
}

impl SendRight {
    /// A handle to a right; the reference is counted already.
    pub(crate) fn new(task: Arc<Inner>, held: Arc<Held>) -> Self {
        Self::with_lane(task, held, None, true)
    }

    /// A handle that sends on a lane which is there already.
    pub(crate) fn with_lane(
        task: Arc<Inner>,
        held: Arc<Held>,
        sender: Option<Box<Sender>>,
        is_counted: bool,
    ) -> Self {
        Self {
            task,
            held,
            sender: RefCell::new(sender),
            wait: Cell::new(Wait::Adaptive),
            patience: RefCell::new(Patience::default()),
            is_counted,
        }
    }

    /// In a forked child, or of a port that is gone: a handle that does nothing.
    pub(crate) fn inert(task: Arc<Inner>, port: Arc<Port>, name: PortName) -> Self {
        let held = Held::new(name, Target::Local(port));
        held.die(Death::Died);
        Self::with_lane(task, held, None, false)
    }

    /// The name of the right in this task: of all its rights to this port, the receive right included.
    /// Once the task has learned that the port is dead it is a dead name.
    pub fn name(&self) -> PortName {
        self.held.name
    }

    /// Turns the handle into a name: the reference stays, and is given up by calls on the name
    /// ([`Task::deallocate`](crate::Task::deallocate)).
    pub fn into_name(mut self) -> PortName {
        if self.is_counted && !self.task.is_forked() {
            // What is sent by name follows what was sent by the handle. The credit is not over yet.
            let mut by_name = self.held.by_name.lock();
            match by_name.take() {
                Some(None) => drop(by_name.put(self.sender.take())),
                Some(first) => drop(by_name.put(first)),
                None => {} // a thread is sending by name already
            }
            drop(by_name);
            self.is_counted = !self.task.names.lock().give_to_name(&self.held);
        }
        self.held.name
    }

    /// Leaves its lane for the next send by name. It was taken from there.
    pub(crate) fn put_lane_back(&self) {
        if self.task.is_forked() {
            return; // another thread may have held the lock
        }
        let sender = self.sender.take();
        let left = self.held.by_name.lock().put(sender);
        self.sender.replace(left);
    }

    /// Sets what a send does while the queue is full; [`Wait::Adaptive`] at first.
    pub fn set_wait(&self, wait: Wait) {
        self.wait.set(wait);
    }

    /// Sends a message, waiting for room in the queue as long as it takes. When it returns `Ok`, the
    /// message will be received even if this process is killed the next instant.
    ///
    /// # Errors
    /// In the order checked, the message coming back whole: [`SendFailure::Forked`],
    /// [`SendFailure::NoBuffer`] (first use of the right, or its first long body),
    /// [`SendFailure::PortDied`] or [`SendFailure::Revoked`], [`SendFailure::TooLarge`]; of a message that
    /// carries rights [`SendFailure::TooManyRights`], [`SendFailure::NotIntroduced`] and
    /// [`SendFailure::NotMovable`]; and of a body that needs a new region [`SendFailure::NoBuffer`] and
    /// [`SendFailure::NoAuthority`].
    #[inline]
    pub fn send<'a>(&self, message: Message<'a>) -> Result<(), SendError<'a>> {
        self.send_deadline(message, Deadline::NEVER)
    }

    /// Sends a message if the queue has room for it now.
    ///
    /// # Errors
    /// As [`send`](Self::send), and last [`SendFailure::TimedOut`] when there is no room.
    #[inline]
    pub fn try_send<'a>(&self, message: Message<'a>) -> Result<(), SendError<'a>> {
        self.send_deadline(message, Deadline::NOW)
    }

    /// Sends a message, waiting for room until `deadline`.
    ///
    /// # Errors
    /// As [`send`](Self::send), and last [`SendFailure::TimedOut`] when there was no room.
    #[inline]
    pub fn send_deadline<'a>(&self, message: Message<'a>, deadline: Deadline) -> Result<(), SendError<'a>> {
        if self.task.is_forked() {
            return Err(SendError::new(SendFailure::Forked, message));
        }
        let (link, port) = match self.held.target() {
            Target::Remote { receiver, port, link, .. } => match link.get() {
                Some(link) => (link, *port),
                None => match self.connect(*receiver, link) {
                    Ok(link) => (link, *port),
                    Err(failure) => return Err(SendError::new(failure, message)),
                },
            },
            Target::Local(port) => return self.send_local(port, message, deadline),
        };
        if message.is_plain() {
            let head = Head::message(message.id, message.body.len());
            return match self.transfer(link, port, head, [&[], message.body], deadline) {
                Ok(()) => {
                    std::mem::forget(message); // there is nothing in it
                    Ok(())
                }
                Err(failure) => Err(SendError::new(failure, message)),
            };
        }
        match message.reply_alone() {
            true => self.send_request(link, port, message, deadline),
            false => self.send_with_rights(link, port, message, deadline),
        }
    }

    fn send_with_rights<'a>(
        &self,
        link: &Arc<Link>,
        port: PortRef,
        mut message: Message<'a>,
        deadline: Deadline,
    ) -> Result<(), SendError<'a>> {
        let to = Addressee::Port { port: port.port, key: port.key };
        let passage = match Passage::prepare(&self.task, &mut message, link, to) {
            Ok(passage) => passage,
            Err(failure) => return Err(SendError::new(failure, message)),
        };
        let mut head = Head::message(message.id, message.body.len());
        head.reply = passage.token;
        head.rights = passage.records.len() / RIGHT_BYTES;
        let sent = if passage.moves_ports() {
            self.transfer_moving(link, port, head, (&passage, message.body), deadline)
        } else {
            self.transfer(link, port, head, [&passage.records, message.body], deadline)
        };
        match sent {
            Ok(()) => {
                passage.depart(&mut message);
                Ok(())
            }
            Err(failure) => {
                passage.refuse(&message);
                Err(SendError::new(failure, message))
            }
        }
    }

    /// The lane to send by, opened if there is none.
    #[inline(always)]
    fn ready<'s>(
        &self,
        own: &'s mut Option<Box<Sender>>,
        link: &Arc<Link>,
        port: PortRef,
    ) -> Result<&'s mut Sender, SendFailure> {
        if link.is_dead() {
            return Err(SendFailure::PortDied);
        }
        let sender = match own {
            Some(sender) => {
                if sender.lane.is_pending() {
                    self.complete(link, sender);
                }
                sender
            }
            none => self.open(none, link, port)?,
        };
        if self.held.is_shared.load(Ordering::Relaxed) {
            sender.lane.stamp_always();
        }
        Ok(sender)
    }

    #[inline]
    pub(super) fn transfer(
        &self,
        link: &Arc<Link>,
        port: PortRef,
        head: Head,
        parts: [&[u8]; 2],
        deadline: Deadline,
    ) -> Result<(), SendFailure> {
        let mut own = self.sender.borrow_mut();
        let sender = self.ready(&mut own, link, port)?;
        loop {
            match sender.lane.push(head, parts) {
                Ok(None) => return Ok(()),
                Ok(Some(bell)) => {
                    link.ring(bell);
                    return Ok(());
                }
                Err(refusal) => {
                    let is_large = matches!(refusal, Refusal::NeedsArea | Refusal::TooLarge)
                        && head.payload_bytes() > link.longest_payload();
                    let overcome = if is_large {
                        self.transfer_large(link, sender, head, parts, deadline)
                    } else {
                        self.overcome(refusal, link, sender, head, deadline)
                    };
                    match overcome {
                        Ok(()) if is_large => return Ok(()),
                        Ok(()) => {}
                        Err(failure) => {
                            if sender.lane.see_death() && !self.held.is_dead() {
                                // A later right lives: the next send opens another lane.
                                self.close(own.take());
                            }
                            return Err(failure);
                        }
                    }
                }
            }
        }
    }

    /// The same, by a region: taken when there is room in the queue, so that nothing waits with one.
    #[cold]
    fn transfer_large(
        &self,
        link: &Arc<Link>,
        sender: &mut Sender,
        mut head: Head,
        parts: [&[u8]; 2],
        deadline: Deadline,
    ) -> Result<(), SendFailure> {
        let bytes = head.payload_bytes();
        if head.length > BODY_MAX {
            return Err(SendFailure::TooLarge { length: head.length, longest: BODY_MAX });
        }
        loop {
            if !sender.lane.has_room(bytes) {
                let refusal = if sender.lane.see_death() { Refusal::Dead } else { Refusal::Full };
                self.overcome(refusal, link, sender, head, deadline)?;
                continue;
            }
            let loan = self.task.lend(link, bytes)?;
            head.region = Some(loan.write(parts));
            match sender.lane.push(head, parts) {
                Ok(bell) => {
                    loan.sent(sender.index, sender.lane.position());
                    bell.into_iter().for_each(|bell| link.ring(bell));
                    return Ok(());
                }
                Err(refusal) => self.overcome(refusal, link, sender, head, deadline)?,
            }
        }
    }

    #[cold]
    fn open<'s>(
        &self,
        sender: &'s mut Option<Box<Sender>>,
        link: &Link,
        port: PortRef,
    ) -> Result<&'s mut Sender, SendFailure> {
        if let Some(death) = self.held.death.get() {
            return Err(failure_of(*death));
        }
        if link.theirs().is_none() {
            // Nobody else may ever look: without the peer's half no closed lane is free again.
            self.task.look();
        }
        self.task.announce(link)?;
        let arrivals = self.held.arrivals.load(Ordering::Relaxed);
        let (index, lane) = link.open_lane(port).map_err(|_| SendFailure::NoBuffer)?;
        self.task.names.lock().lane_opened(&self.held, index, link.own.generation(index));
        Ok(sender.insert(Box::new(Sender { index, lane, arrivals })))
    }

    /// Closes a lane of this right's. What was sent on it is still received.
    fn close(&self, sender: Option<Box<Sender>>) {
        if let (Some(sender), Some(link)) = (sender, self.held.target().link()) {
            let Sender { index, lane, .. } = *sender;
            self.task.names.lock().lane_closed(&self.held, index);
            link.close_lane(index, lane);
        }
    }

    /// While a lane is pending each send looks whether the peer's half has come.
    #[cold]
    fn complete(&self, link: &Link, sender: &mut Sender) {
        self.task.look();
        link.complete_lane(sender.index, &mut sender.lane);
    }

    /// Somebody else is about to have a way to the port.
    pub(crate) fn share(&self) {
        self.held.share();
    }

    /// Whether the port is known to be dead, or the right to be revoked.
    pub(crate) fn is_dead(&self) -> bool {
        match self.held.target() {
            // One that leaves the task just now is not.
            Target::Local(port) => port.is_dead() && port.moved_to().is_none(),
            Target::Remote { .. } => self.held.is_dead(),
        }
    }

    /// Where the right leads.
    pub(crate) fn leads_to(&self) -> Leads<'_> {
        match self.held.target() {
            Target::Local(port) => Leads::Here(port),
            Target::Remote { receiver, port, .. } => Leads::There { receiver: *receiver, port: *port },
        }
    }

    /// Makes the link to the port's receiver. Waits for the authority, never for the receiver.
    #[cold]
    fn connect<'h>(
        &self,
        receiver: u64,
        link: &'h OnceLock<Arc<Link>>,
    ) -> Result<&'h Arc<Link>, SendFailure> {
        let made = self.task.link_to(receiver)?;
        Ok(link.get_or_init(|| made))
    }
}

fn failure_of(death: Death) -> SendFailure {
    match death {
        Death::Died => SendFailure::PortDied,
        Death::Revoked => SendFailure::Revoked,
    }
}

impl Clone for SendRight {
    /// Another right to the same port (COPY_SEND), with an order of its own: one more reference under
    /// the same name. Nobody else is told.
    fn clone(&self) -> Self {
        let is_counted = !self.task.is_forked() && self.task.names.lock().add_handle(&self.held);
        let clone = Self::with_lane(self.task.clone(), self.held.clone(), None, is_counted);
        clone.set_wait(self.wait.get());
        clone
    }
}

impl Drop for SendRight {
    fn drop(&mut self) {
        if self.task.is_forked() {
            return;
        }
        self.close(self.sender.take());
        if self.is_counted {
            let mut rest = Leftover::default();
            self.task.names.lock().drop_handle(&self.held, &mut rest);
            self.task.finish(rest);
        }
    }
}
