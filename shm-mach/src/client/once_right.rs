//! The send-once right: one message, and then it is gone.

use std::sync::Arc;

use crate::client::error::{SendError, SendFailure};
use crate::client::held::Target as SendTarget;
use crate::client::link::Link;
use crate::client::message::Message;
use crate::client::numbered::Numbered;
use crate::client::port::Port;
use crate::client::right::Passage;
use crate::client::task::Inner;
use crate::ipc::{PortId, ReceiverId};
use crate::ring::slot::{BODY_MAX, Head, RIGHT_BYTES, Token};
use crate::wire::record::Record;
use crate::wire::request::{Addressee, OnceRef};

/// The right to send one message to a port. Sending never waits: it is not subject to the queue
/// limit. Dropped unused, by the program or by its death, it sends
/// [`Notification::SendOnce`](crate::Notification::SendOnce) instead, so that whoever waits for an
/// answer always gets one.
#[derive(Debug)]
pub struct SendOnceRight {
    target: Option<Target>,
}

/// A right to a port of this task's own holds the port alone: a request makes one each time, and each
/// count of references that is shared between threads costs as much as a lock.
#[derive(Debug)]
enum Target {
    Local(Arc<Port>),
    Remote {
        task: Arc<Inner>,
        link: Arc<Link>,
        token: Token,
    },
    /// It was passed on, to this task or by it.
    Numbered {
        task: Arc<Inner>,
        right: Box<Numbered>,
    },
}

impl Target {
    fn is_forked(&self) -> bool {
        match self {
            Self::Local(port) => port.is_forked(),
            Self::Remote { task, .. } | Self::Numbered { task, .. } => task.is_forked(),
        }
    }
}

/// A right without the task that it is of: for what that task keeps itself.
#[derive(Debug)]
pub(crate) enum Parked {
    /// To a port of the task's own.
    Local(Arc<Port>),
    /// By a token.
    Remote(Arc<Link>, Token),
    /// By a number.
    Numbered(Box<Numbered>),
}

impl Parked {
    /// The port, if it is the task's own.
    pub(crate) fn local_port(&self) -> Option<&Arc<Port>> {
        match self {
            Self::Local(port) => Some(port),
            _ => None,
        }
    }

    /// The task that receives, if it is another.
    pub(crate) fn receiver(&self) -> Option<u64> {
        match self {
            Self::Local(_) => None,
            Self::Remote(link, _) => Some(link.task),
            Self::Numbered(right) => Some(right.receiver()),
        }
    }

    /// Whether its receiver has said that it is dead. Takes no lock.
    pub(crate) fn is_dead_elsewhere(&self) -> bool {
        match self {
            Self::Remote(link, token) => link.is_answer_dead(*token),
            Self::Local(_) | Self::Numbered(_) => false,
        }
    }

    /// Nobody has it any more: its port is told.
    pub(crate) fn end(self, task: &Inner) {
        match self {
            Self::Local(port) => port.drop_once(),
            // Needs no memory, so it is never refused.
            Self::Remote(link, token) => drop(link.answer(token, Head::close(), [&[], &[]])),
            Self::Numbered(right) => right.release(task),
        }
    }

    /// What its port is called. Of another task's port its receiver tells nothing: each such right is
    /// known as if it had a port to itself, by a number of its own.
    pub(crate) fn id(&self, own: ReceiverId, number: u64) -> (PortId, ReceiverId) {
        match (self, self.receiver()) {
            (Self::Local(port), _) => SendTarget::id_of(port, own),
            (_, receiver) => {
                let birth = receiver.unwrap_or_default();
                (PortId { birth, index: u32::MAX, generation: 0, secret: number }, ReceiverId(birth))
            }
        }
    }
}

impl SendOnceRight {
    /// Whether the port is known to be dead.
    pub(crate) fn is_dead(&self) -> bool {
        match &self.target {
            Some(Target::Local(port)) => port.is_dead(),
            Some(Target::Remote { link, token, .. }) => link.is_answer_dead(*token),
            Some(Target::Numbered { .. }) | None => false,
        }
    }

    /// It was made for a message that was not sent: nobody hears of it.
    pub(crate) fn unmake(mut self) {
        if let Some(Target::Local(port)) = self.target.take_if(|target| matches!(target, Target::Local(_))) {
            port.forget_once();
        }
    }

    /// Takes it apart.
    pub(crate) fn park(mut self) -> Parked {
        match self.target.take() {
            Some(Target::Local(port)) => Parked::Local(port),
            Some(Target::Remote { link, token, .. }) => Parked::Remote(link, token),
            Some(Target::Numbered { right, .. }) => Parked::Numbered(right),
            None => unreachable!("only `send`, `leave`, `park` and `drop` empty it, and consume it"),
        }
    }

    /// A right of `task`'s, whole again.
    pub(crate) fn unpark(task: &Arc<Inner>, right: Parked) -> Self {
        let task = task.clone();
        Self {
            target: Some(match right {
                Parked::Local(port) => Target::Local(port),
                Parked::Remote(link, token) => Target::Remote { task, link, token },
                Parked::Numbered(right) => Target::Numbered { task, right },
            }),
        }
    }

    /// Whether it is a right of that task's.
    pub(crate) fn is_of(&self, task: &Arc<Inner>) -> bool {
        match &self.target {
            Some(Target::Local(port)) => port.is_of(task.owner()),
            Some(Target::Remote { task: own, .. } | Target::Numbered { task: own, .. }) => {
                Arc::ptr_eq(own, task)
            }
            None => false,
        }
    }

    pub(crate) fn local(port: Arc<Port>) -> Self {
        Self { target: Some(Target::Local(port)) }
    }

    pub(crate) fn remote(task: Arc<Inner>, link: Arc<Link>, token: Token) -> Self {
        Self { target: Some(Target::Remote { task, link, token }) }
    }

    /// A right to another task's port that was passed on to this task.
    pub(crate) fn numbered(task: Arc<Inner>, right: Numbered) -> Self {
        Self { target: Some(Target::Numbered { task, right: Box::new(right) }) }
    }

    /// The port, if it is this task's own.
    #[inline]
    pub(crate) fn local_port(&self) -> Option<&Arc<Port>> {
        match &self.target {
            Some(Target::Local(port)) => Some(port),
            _ => None,
        }
    }

    /// What is needed so that a short message by it waits for nobody. Waits for the authority, where it leads to
    /// a task that this one has no link with.
    pub(crate) fn make_ready(&mut self) -> Result<(), SendFailure> {
        match &mut self.target {
            Some(Target::Remote { task, link, .. }) => task.announce(link),
            Some(Target::Numbered { task, right }) => {
                let link = right.make_ready(task)?;
                task.announce(&link)
            }
            Some(Target::Local(_)) | None => Ok(()),
        }
    }

    /// A right to another task's port is to go to the task `to`, in a message: how it is told there;
    /// `None` if it is dead.
    ///
    /// # Errors
    /// As [`Passage::prepare`]; it is still this task's.
    pub(crate) fn pass_on(&mut self, to: u64, is_reply: bool) -> Result<Option<Record>, SendFailure> {
        if let Some(Target::Remote { task, link, token }) = &self.target {
            let (right, result) = match Numbered::of_token(task, link, *token, to) {
                Ok(right) => (right, Ok(None)),
                Err((failure, right)) => (right, Err(failure)),
            };
            let Some(right) = right else { return result };
            self.target = Some(Target::Numbered { task: task.clone(), right: Box::new(right) });
            result?;
        }
        let Some(Target::Numbered { task, right }) = &mut self.target else { return Ok(None) };
        match right.pass_on(task, to) {
            Ok((receiver, number)) => Ok(Some(Record::Numbered { receiver, number, is_reply })),
            Err(SendFailure::PortDied) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// It was published in a message to the task `to`: it is not dropped, it is away; but one that
    /// turned out dead on the way there is dropped.
    #[inline]
    pub(crate) fn leave(mut self, to: u64) {
        match &self.target {
            Some(Target::Local(_)) => self.target = None,
            Some(Target::Numbered { right, .. }) if right.is_for(to) => self.target = None,
            _ => {}
        }
    }

    /// Sends the message, and uses the right up.
    ///
    /// # Errors
    /// In the order checked; the message comes back whole, and so does this right where it is still
    /// good for something: [`SendFailure::Forked`], [`SendFailure::PortDied`] (the right is gone),
    /// [`SendFailure::TooLarge`], [`SendFailure::TooManyRights`], [`SendFailure::NotIntroduced`],
    /// [`SendFailure::NotMovable`], [`SendFailure::NoBuffer`]; of a long body that needs a new region also
    /// [`SendFailure::NoAuthority`].
    #[inline]
    pub fn send(mut self, mut message: Message<'_>) -> Result<(), SendError<'_>> {
        if self.target.as_ref().is_some_and(Target::is_forked) {
            return Err(SendError::new(SendFailure::Forked, message));
        }
        match self.target.take() {
            None => Ok(()), // not reachable: only `send`, `leave` and `drop` empty it, and consume it
            Some(Target::Numbered { task, mut right }) => match right.send(&task, message) {
                Ok(()) => Ok(()),
                Err((SendFailure::PortDied, message)) => {
                    right.release(&task);
                    Err(SendError::new(SendFailure::PortDied, message))
                }
                Err((failure, message)) => {
                    self.target = Some(Target::Numbered { task, right });
                    Err(SendError::new(failure, message).with_right(self))
                }
            },
            Some(Target::Local(port)) => {
                if message.body.len() > BODY_MAX {
                    let failure = SendFailure::TooLarge { length: message.body.len(), longest: BODY_MAX };
                    self.target = Some(Target::Local(port));
                    return Err(SendError::new(failure, message).with_right(self));
                }
                match port.answer_within(message) {
                    Ok(()) => Ok(()),
                    Err((failure, message)) => {
                        self.target = Some(Target::Local(port));
                        Err(SendError::new(failure, message).with_right(self))
                    }
                }
            }
            Some(Target::Remote { task, link, token }) => match answer(&task, &link, token, &mut message) {
                Ok(()) => Ok(()),
                Err(SendFailure::PortDied) => {
                    // The peer uses the slot again when it sees this one answered.
                    let _ = link.answer(token, Head::close(), [&[], &[]]);
                    Err(SendError::new(SendFailure::PortDied, message))
                }
                Err(failure) => {
                    self.target = Some(Target::Remote { task, link, token });
                    Err(SendError::new(failure, message).with_right(self))
                }
            },
        }
    }
}

fn answer(
    task: &Arc<Inner>,
    link: &Arc<Link>,
    token: Token,
    message: &mut Message<'_>,
) -> Result<(), SendFailure> {
    if link.is_answer_dead(token) {
        return Err(SendFailure::PortDied);
    }
    let length = message.body.len();
    if length > BODY_MAX {
        return Err(SendFailure::TooLarge { length, longest: BODY_MAX });
    }
    task.announce(link)?;
    let mut head = Head::message(message.id, length);
    if message.is_plain() {
        return publish(task, link, token, head, [&[], message.body], None);
    }
    let passage = Passage::prepare(task, message, link, Addressee::Once(OnceRef::Token(token)))?;
    head.reply = passage.token;
    head.rights = passage.records.len() / RIGHT_BYTES;
    match publish(task, link, token, head, [&passage.records, message.body], Some(&passage)) {
        Ok(()) => {
            passage.depart(message);
            Ok(())
        }
        Err(failure) => {
            passage.refuse(message);
            Err(failure)
        }
    }
}

fn publish(
    task: &Inner,
    link: &Arc<Link>,
    token: Token,
    mut head: Head,
    parts: [&[u8]; 2],
    passage: Option<&Passage<'_>>,
) -> Result<(), SendFailure> {
    let push = |head| match passage {
        None => Ok(link.answer(token, head, parts)),
        Some(passage) => passage.publish(|| link.answer(token, head, parts)),
    };
    let bytes = head.payload_bytes();
    if bytes <= link.longest_payload() {
        return push(head)?.map_err(|_| SendFailure::NoBuffer);
    }
    let loan = task.lend(link, bytes)?;
    head.region = Some(loan.write(parts));
    push(head)?.map_err(|_| SendFailure::NoBuffer)?;
    loan.answered(token);
    Ok(())
}

impl Drop for SendOnceRight {
    fn drop(&mut self) {
        match self.target.take() {
            None => {}
            Some(target) if target.is_forked() => {}
            Some(Target::Local(port)) => port.drop_once(),
            Some(Target::Numbered { task, right }) => right.release(&task),
            Some(Target::Remote { link, token, .. }) => {
                // Needs no memory, so it is never refused.
                let _ = link.answer(token, Head::close(), [&[], &[]]);
            }
        }
    }
}
