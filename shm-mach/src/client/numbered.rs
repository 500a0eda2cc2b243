//! Send-once rights to other tasks' ports that are passed on: what this task has of them, and how it
//! uses one, drops it, and passes it on.

use std::collections::HashSet;
use std::sync::Arc;

use futex::sync::Lock;

use crate::client::attach::AuthorityError;
use crate::client::error::SendFailure;
use crate::client::link::Link;
use crate::client::message::Message;
use crate::client::right::Passage;
use crate::client::task::Inner;
use crate::ring::slot::{Head, RIGHT_BYTES, Token};
use crate::wire::control::{Control, NO_TOKEN};
use crate::wire::request::{Addressee, OnceRef, PAIRED, Request};

/// A send-once right to another task's port, as its receiver knows it since it was passed on.
#[derive(Debug)]
pub(crate) struct Numbered {
    receiver: u64,
    number: u64,
    /// Who was to get it in a message that was not sent; 0: this task has it.
    unsent_to: u64,
    /// The authority died before it answered: perhaps this is what the receiver knows of the right.
    unsure: Option<OnceRef>,
}

/// What a task has of such rights.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    /// Receiver and number of each right that has arrived and was not used, dropped or passed on: each is
    /// taken out after the receiver was told, or the authority.
    held: Lock<HashSet<(u64, u64)>>,
}

impl Numbers {
    /// Whether a right has arrived and is here.
    pub(crate) fn holds(&self, receiver: u64, number: u64) -> bool {
        self.held.lock().contains(&(receiver, number))
    }
}

impl Numbered {
    /// A right has arrived.
    pub(crate) fn arrive(task: &Inner, receiver: u64, number: u64) -> Self {
        task.numbers.held.lock().insert((receiver, number));
        Self { receiver, number, unsent_to: 0, unsure: None }
    }

    /// The task that receives.
    pub(crate) fn receiver(&self) -> u64 {
        self.receiver
    }

    /// Passes on a right that the peer of `home` gave to this task by `token`: it is a number from here
    /// on, sent or not.
    ///
    /// # Errors
    /// The failure, and the number if the token may have ended; `None` if a task is dead.
    pub(crate) fn of_token(
        task: &Inner,
        home: &Link,
        token: Token,
        to: u64,
    ) -> Result<Option<Self>, (SendFailure, Option<Self>)> {
        let mut right = Self { receiver: home.task, number: task.next_secret(), unsent_to: to, unsure: None };
        match right.grant(task, OnceRef::Token(token), right.number, to, 0) {
            Ok(()) => Ok(Some(right)),
            Err(Some(SendFailure::PortDied)) => Ok(None),
            Err(Some(failure)) => Err((failure, None)),
            Err(None) => {
                right.unsure = Some(OnceRef::Token(token));
                Err((SendFailure::NoAuthority, Some(right)))
            }
        }
    }

    /// Makes it a right that the task `to` has: asks the authority, which tells the receiver first.
    ///
    /// # Errors
    /// [`SendFailure::NotIntroduced`], [`SendFailure::NoAuthority`], [`SendFailure::NoBuffer`],
    /// [`SendFailure::PortDied`]: a task is dead. `None`: the authority died before it answered, and may
    /// have told the receiver.
    fn grant(
        &self,
        task: &Inner,
        right: OnceRef,
        number: u64,
        to: u64,
        instead_of: u64,
    ) -> Result<(), Option<SendFailure>> {
        let authority = match &task.authority {
            Some(authority) if (self.receiver | to) & PAIRED == 0 => authority,
            _ => return Err(Some(SendFailure::NotIntroduced)),
        };
        authority.check();
        if authority.is_gone() {
            return Err(Some(SendFailure::NoAuthority));
        }
        let request = Request::GrantOnce { receiver: self.receiver, right, number, to, instead_of };
        match authority.ask(&request, None) {
            Ok(_) => Ok(()),
            Err(AuthorityError::TaskDied) => Err(Some(SendFailure::PortDied)),
            Err(AuthorityError::NoBuffer) => Err(Some(SendFailure::NoBuffer)),
            Err(_) => Err(None),
        }
    }

    /// Passes it on, to the peer with whom a message goes; gives the number that is to be sent. Asked for
    /// once, it stays so until it is sent.
    ///
    /// # Errors
    /// As [`grant`](Self::grant).
    pub(crate) fn pass_on(&mut self, task: &Inner, to: u64) -> Result<(u64, u64), SendFailure> {
        if self.unsent_to != to || self.unsure.is_some() {
            self.renumber(task, to)?;
            self.unsent_to = to;
        }
        Ok((self.receiver, self.number))
    }

    fn renumber(&mut self, task: &Inner, to: u64) -> Result<(), SendFailure> {
        if self.unsure.is_some() {
            return Err(SendFailure::NoAuthority);
        }
        let number = task.next_secret();
        if let Err(failure) = self.grant(task, OnceRef::Number(self.number), number, to, self.unsent_to) {
            if failure.is_none() {
                self.unsure = Some(OnceRef::Number(number));
            }
            return Err(failure.unwrap_or(SendFailure::NoAuthority));
        }
        task.numbers.held.lock().remove(&(self.receiver, self.number));
        self.number = number;
        Ok(())
    }

    /// Sends a message with it. Never waits for the receiver.
    ///
    /// # Errors
    /// [`SendFailure::PortDied`]: and the right with it. Others: it is as good as before.
    pub(crate) fn send<'a>(
        &mut self,
        task: &Arc<Inner>,
        mut message: Message<'a>,
    ) -> Result<(), (SendFailure, Message<'a>)> {
        match self.try_send(task, &mut message) {
            Ok(()) => Ok(()),
            Err(failure) => Err((failure, message)),
        }
    }

    /// The way to its receiver, for a right that is this task's to use. Waits for the authority.
    pub(crate) fn make_ready(&mut self, task: &Inner) -> Result<Arc<Link>, SendFailure> {
        if self.unsent_to != 0 {
            // It was to be another's: this task takes it back.
            let own = task.authority.as_ref().ok_or(SendFailure::NotIntroduced)?.task;
            self.renumber(task, own)?;
            self.unsent_to = 0;
            task.numbers.held.lock().insert((self.receiver, self.number));
        }
        let link = task.link_to(self.receiver)?;
        if link.is_dead() { Err(SendFailure::PortDied) } else { Ok(link) }
    }

    /// Sends a short message without rights by a right that is [ready](Self::make_ready), over a link that
    /// the peer was told of. Waits for nobody.
    pub(crate) fn send_plain(
        &mut self,
        task: &Inner,
        link: &Link,
        id: i32,
        body: &[u8],
    ) -> Result<(), SendFailure> {
        link.send_on_own_lane(self.number, Head::message(id, body.len()), [&[], body])?;
        task.numbers.held.lock().remove(&(self.receiver, self.number));
        Ok(())
    }

    fn try_send(&mut self, task: &Arc<Inner>, message: &mut Message<'_>) -> Result<(), SendFailure> {
        let link = &self.make_ready(task)?;
        // A region would outlive the lane, which ends with its one message.
        let (length, longest) = (message.body.len(), link.longest_payload());
        if length > longest {
            return Err(SendFailure::TooLarge { length, longest });
        }
        task.announce(link)?;
        let to = Addressee::Once(OnceRef::Number(self.number));
        let passage = Passage::prepare(task, message, link, to)?;
        let mut head = Head::message(message.id, length);
        head.reply = passage.token;
        head.rights = passage.records.len() / RIGHT_BYTES;
        let parts = [&passage.records[..], message.body];
        let sent = passage.publish(|| link.send_on_own_lane(self.number, head, parts));
        match sent.and_then(std::convert::identity) {
            Ok(()) => {
                task.numbers.held.lock().remove(&(self.receiver, self.number));
                passage.depart(message);
                Ok(())
            }
            Err(failure) => {
                passage.refuse(message);
                Err(failure)
            }
        }
    }

    /// It is dropped unused. Of one about which the authority died, the receiver ends what it knows.
    pub(crate) fn release(self, task: &Inner) {
        let token = match self.unsure {
            Some(OnceRef::Token(token)) => token,
            _ => NO_TOKEN,
        };
        task.drop_number(self.receiver, self.number, token);
        if let Some(OnceRef::Number(number)) = self.unsure {
            task.drop_number(self.receiver, number, NO_TOKEN); // of the two the receiver knows one
        }
        task.numbers.held.lock().remove(&(self.receiver, self.number));
    }

    /// Whether a message to this task carries it away.
    pub(crate) fn is_for(&self, to: u64) -> bool {
        self.unsent_to == to && self.unsure.is_none()
    }
}

impl Inner {
    /// Tells a right's receiver that it is dropped, or has not arrived: over the link, if there is one, so
    /// that it comes after what was told there of the same right.
    fn drop_number(&self, receiver: u64, number: u64, token: Token) {
        if let Some(link) = self.peers.get(receiver) {
            link.tell(Control::Dropped { number, token });
        } else if let Some(authority) = &self.authority {
            authority.say(&Request::ReleaseOnce { receiver, number }, None);
        }
    }

    /// A right that `by` has passed on is destroyed unread with its message, or never came.
    pub(crate) fn refuse_once(&self, by: u64, receiver: u64, number: u64) {
        match &self.authority {
            Some(authority) if authority.task == receiver => self.end_home_once(by, number),
            _ => self.drop_number(receiver, number, NO_TOKEN),
        }
    }
}
