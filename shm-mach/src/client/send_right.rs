//! The send right: what its holders can do with a port.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use futex::{Deadline, WaitSet};

use crate::client::error::{SendError, SendFailure};
use crate::client::link::{Link, RemotePort};
use crate::client::message::Message;
use crate::client::port::{LocalMessage, Port};
use crate::client::receive_right::TICK;
use crate::client::task::Inner;
use crate::ring::lane_out::{Death, LaneOut, Refusal};
use crate::ring::patience::{Patience, Wait};
use crate::ring::slot::Head;
use crate::segment::fork;

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
    held: Arc<Held>,
    sender: RefCell<Option<Sender>>,
    wait: Cell<Wait>,
    patience: RefCell<Patience>,
}

/// What all clones of a right share: the reason why the receiver counts this task as a sender.
#[derive(Debug)]
struct Held {
    task: Arc<Inner>,
    target: Target,
}

#[derive(Debug)]
enum Target {
    Local(Arc<Port>),
    Remote { link: Arc<Link>, port: RemotePort },
}

#[derive(Debug)]
struct Sender {
    index: usize,
    lane: LaneOut,
}

impl SendRight {
    pub(crate) fn local(task: Arc<Inner>, port: Arc<Port>) -> Self {
        Self::of(Arc::new(Held { task, target: Target::Local(port) }))
    }

    /// A right that the peer of `link` has given to this task.
    pub(crate) fn remote(task: Arc<Inner>, link: Arc<Link>, port: RemotePort) -> Self {
        Self::of(Arc::new(Held { task, target: Target::Remote { link, port } }))
    }

    fn of(held: Arc<Held>) -> Self {
        Self {
            held,
            sender: RefCell::new(None),
            wait: Cell::new(Wait::Adaptive),
            patience: RefCell::new(Patience::default()),
        }
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
    /// [`SendFailure::PortDied`] or [`SendFailure::Revoked`], [`SendFailure::TooLarge`].
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
        match self.transfer(&message, deadline) {
            Ok(()) => Ok(()),
            Err(failure) => Err(SendError::new(failure, message)),
        }
    }

    #[inline]
    fn transfer(&self, message: &Message<'_>, deadline: Deadline) -> Result<(), SendFailure> {
        if fork::is_child() {
            return Err(SendFailure::Forked);
        }
        let (link, port) = match &self.held.target {
            Target::Remote { link, port } => (link, *port),
            Target::Local(port) => return self.send_local(port, message, deadline),
        };
        let mut sender = self.sender.borrow_mut();
        let lane = match &mut *sender {
            Some(sender) => &mut sender.lane,
            none => open(none, link, port)?,
        };
        let head = Head::message(message.id, message.body.len());
        loop {
            match lane.push(head, [&[], message.body]) {
                Ok(None) => return Ok(()),
                Ok(Some(bell)) => {
                    LaneOut::ring(lane.bells(), bell);
                    return Ok(());
                }
                Err(refusal) => self.overcome(refusal, link, lane, head, deadline)?,
            }
        }
    }

    /// Does what a refused push needs before it is tried again.
    #[cold]
    fn overcome(
        &self,
        refusal: Refusal,
        link: &Arc<Link>,
        lane: &mut LaneOut,
        head: Head,
        deadline: Deadline,
    ) -> Result<(), SendFailure> {
        let longest = link.longest_body();
        match refusal {
            Refusal::Dead if lane.death() == Some(Death::Revoked) => Err(SendFailure::Revoked),
            Refusal::Dead => Err(SendFailure::PortDied),
            _ if link.is_dead() => Err(SendFailure::PortDied),
            Refusal::NeedsArea if head.length > longest => {
                Err(SendFailure::TooLarge { length: head.length, longest })
            }
            Refusal::NeedsArea => link.give_area(lane).map_err(|_| SendFailure::NoBuffer),
            Refusal::TooLarge => Err(SendFailure::TooLarge { length: head.length, longest }),
            Refusal::Full if deadline.has_passed() => Err(SendFailure::TimedOut),
            Refusal::Full => {
                self.wait_for_room(lane, head.payload_bytes(), deadline);
                Ok(())
            }
        }
    }

    /// Waits until the receiver has read something, or something else is to be seen.
    fn wait_for_room(&self, lane: &mut LaneOut, payload: usize, deadline: Deadline) {
        let mut patience = self.patience.borrow_mut();
        if patience.spin(self.wait.get(), || lane.has_room(payload)) {
            return;
        }
        if self.wait.get() == Wait::Spin {
            return self.held.task.tick_if_due();
        }
        if let Some(wait) = lane.prepare_wait(payload) {
            let slice = if wait.reliable { TICK } else { std::time::Duration::from_millis(1) };
            let slice = deadline.min(Deadline::after(slice));
            let mut set = WaitSet::new();
            for (word, sampled) in wait.words() {
                set.add(word, sampled).expect("two words are not too many");
            }
            if set.sleep(slice) == futex::Outcome::TimedOut {
                self.held.task.tick();
            }
        }
        lane.lower_full();
    }

    fn send_local(
        &self,
        port: &Arc<Port>,
        message: &Message<'_>,
        deadline: Deadline,
    ) -> Result<(), SendFailure> {
        let sender = self.held.task.identity;
        let mut local = LocalMessage { id: message.id, body: message.body.to_vec(), sender };
        loop {
            match port.send_local(local) {
                Ok(()) => return Ok(()),
                Err((_, true)) => return Err(SendFailure::PortDied),
                Err((_, false)) if deadline.has_passed() => return Err(SendFailure::TimedOut),
                Err((refused, false)) => local = refused,
            }
            port.wait_for_room(deadline);
        }
    }
}

#[cold]
fn open<'a>(
    sender: &'a mut Option<Sender>,
    link: &Link,
    port: RemotePort,
) -> Result<&'a mut LaneOut, SendFailure> {
    if link.is_dead() {
        return Err(SendFailure::PortDied);
    }
    let (index, lane) = link.open_lane(port).map_err(|_| SendFailure::NoBuffer)?;
    Ok(&mut sender.insert(Sender { index, lane }).lane)
}

impl Clone for SendRight {
    /// Another right to the same port (COPY_SEND), with an order of its own. Nobody else is told.
    fn clone(&self) -> Self {
        let clone = Self::of(self.held.clone());
        clone.set_wait(self.wait.get());
        clone
    }
}

impl Drop for SendRight {
    fn drop(&mut self) {
        if fork::is_child() {
            return;
        }
        if let (Some(sender), Target::Remote { link, .. }) = (self.sender.take(), &self.held.target) {
            link.close_lane(sender.index, sender.lane);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if fork::is_child() {
            return;
        }
        match &self.target {
            Target::Local(port) => self.task.perform(port.drop_local_sender()),
            Target::Remote { link, port } => link.give_back(*port, 1),
        }
    }
}
