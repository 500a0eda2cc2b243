//! The send-once right: one message, and then it is gone.

use std::sync::Arc;

use crate::client::error::{SendError, SendFailure};
use crate::client::link::Link;
use crate::client::local::LocalMessage;
use crate::client::message::Message;
use crate::client::port::Port;
use crate::client::right::Passage;
use crate::client::task::Inner;
use crate::ring::slot::{BODY_MAX, Head, Token};

/// The right to send one message to a port. Sending never waits: it is not subject to the queue
/// limit. Dropped unused, by the program or by its death, it sends
/// [`Notification::SendOnce`](crate::Notification::SendOnce) instead, so that whoever waits for an
/// answer always gets one.
#[derive(Debug)]
pub struct SendOnceRight {
    task: Arc<Inner>,
    target: Option<Target>,
}

#[derive(Debug)]
enum Target {
    Local(Arc<Port>),
    Remote { link: Arc<Link>, token: Token },
}

impl SendOnceRight {
    pub(crate) fn local(task: Arc<Inner>, port: Arc<Port>) -> Self {
        Self { task, target: Some(Target::Local(port)) }
    }

    pub(crate) fn remote(task: Arc<Inner>, link: Arc<Link>, token: Token) -> Self {
        Self { task, target: Some(Target::Remote { link, token }) }
    }

    /// The port, if it is this task's own.
    pub(crate) fn local_port(&self) -> Option<&Arc<Port>> {
        match &self.target {
            Some(Target::Local(port)) => Some(port),
            _ => None,
        }
    }

    /// A right to a port of this task's own goes out as a token: it is not dropped, it is away.
    pub(crate) fn into_token(mut self) {
        self.target = None;
    }

    /// Sends the message, and uses the right up.
    ///
    /// # Errors
    /// In the order checked; the message comes back whole, and so does this right where it is still
    /// good for something: [`SendFailure::Forked`], [`SendFailure::PortDied`] (the right is gone),
    /// [`SendFailure::TooLarge`], [`SendFailure::TooManyRights`], [`SendFailure::NotIntroduced`],
    /// [`SendFailure::NoBuffer`]; of a long body that needs a new region also
    /// [`SendFailure::NoAuthority`].
    pub fn send(mut self, message: Message<'_>) -> Result<(), SendError<'_>> {
        if self.task.is_forked() {
            return Err(SendError::new(SendFailure::Forked, message));
        }
        match self.target.take() {
            None => Ok(()), // not reachable: only `send`, `into_token` and `drop` empty it, and consume it
            Some(Target::Local(port)) => {
                if message.body.len() > BODY_MAX {
                    let failure = SendFailure::TooLarge { length: message.body.len(), longest: BODY_MAX };
                    self.target = Some(Target::Local(port));
                    return Err(SendError::new(failure, message).with_right(self));
                }
                port.answer_local(LocalMessage::of(message, self.task.identity));
                Ok(())
            }
            Some(Target::Remote { link, token }) => match answer(&self.task, &link, token, &message) {
                Ok(passage) => {
                    passage.depart(message);
                    Ok(())
                }
                Err(SendFailure::PortDied) => {
                    // The peer uses the slot again when it sees this one answered.
                    let _ = link.answer(token, Head::close(), [&[], &[]]);
                    Err(SendError::new(SendFailure::PortDied, message))
                }
                Err(failure) => {
                    self.target = Some(Target::Remote { link, token });
                    Err(SendError::new(failure, message).with_right(self))
                }
            },
        }
    }
}

fn answer<'l>(
    task: &'l Arc<Inner>,
    link: &'l Arc<Link>,
    token: Token,
    message: &Message<'_>,
) -> Result<Passage<'l>, SendFailure> {
    if link.is_answer_dead(token) {
        return Err(SendFailure::PortDied);
    }
    let length = message.body.len();
    if length > BODY_MAX {
        return Err(SendFailure::TooLarge { length, longest: BODY_MAX });
    }
    task.announce(link)?;
    let passage = Passage::prepare(task, message, link)?;
    let mut head = Head::message(message.id, length);
    head.reply = passage.token;
    head.rights = message.rights.len();
    match publish(task, link, token, head, [&passage.records, message.body]) {
        Ok(()) => Ok(passage),
        Err(failure) => {
            passage.refuse();
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
) -> Result<(), SendFailure> {
    let bytes = head.payload_bytes();
    if bytes <= link.longest_payload() {
        return link.answer(token, head, parts).map_err(|_| SendFailure::NoBuffer);
    }
    let loan = task.lend(link, bytes)?;
    head.region = Some(loan.write(parts));
    link.answer(token, head, parts).map_err(|_| SendFailure::NoBuffer)?;
    loan.answered(token);
    Ok(())
}

impl Drop for SendOnceRight {
    fn drop(&mut self) {
        if self.task.is_forked() {
            return;
        }
        match self.target.take() {
            None => {}
            Some(Target::Local(port)) => port.drop_once(),
            Some(Target::Remote { link, token }) => {
                // Needs no memory, so it is never refused.
                let _ = link.answer(token, Head::close(), [&[], &[]]);
            }
        }
    }
}
