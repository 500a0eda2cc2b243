//! Rights in messages: from values to records and back.

use std::sync::Arc;

use crate::client::dead_lanes::RawRights;
use crate::client::error::SendFailure;
use crate::client::held::Target;
use crate::client::holders::AUTHORITY;
use crate::client::link::Link;
use crate::client::message::{Message, Raw, Received};
use crate::client::once_right::SendOnceRight;
use crate::client::port::Port;
use crate::client::send_right::{Leads, SendRight};
use crate::client::task::Inner;
use crate::ipc::PortError;
use crate::ring::slot::{Head, Nonsense, RIGHT_BYTES, RIGHTS_MAX, Token};
use crate::wire::record::Record;
use crate::wire::request::PortRef;

/// A right in a message.
#[derive(Debug)]
#[non_exhaustive]
pub enum Right {
    /// A send right.
    Send(SendRight),
    /// A send-once right.
    SendOnce(SendOnceRight),
    /// A right to a port that died on the way (`MACH_PORT_DEAD`).
    Dead,
    /// A right that arrived and found no room in the task's table of names, or no memory for it. It
    /// was given back.
    Refused(PortError),
}

impl Right {
    /// The send right, if it is one.
    pub fn into_send(self) -> Option<SendRight> {
        match self {
            Self::Send(right) => Some(right),
            _ => None,
        }
    }

    /// The send-once right, if it is one.
    pub fn into_send_once(self) -> Option<SendOnceRight> {
        match self {
            Self::SendOnce(right) => Some(right),
            _ => None,
        }
    }
}

impl From<SendRight> for Right {
    fn from(right: SendRight) -> Self {
        Self::Send(right)
    }
}

impl From<Result<SendRight, PortError>> for Right {
    fn from(taken: Result<SendRight, PortError>) -> Self {
        taken.map_or_else(Self::Refused, Self::Send)
    }
}

impl From<SendOnceRight> for Right {
    fn from(right: SendOnceRight) -> Self {
        Self::SendOnce(right)
    }
}

/// The rights of a message on their way to one peer: entered in the tables of their ports before the
/// message is published, and taken out again if it is not.
#[derive(Debug)]
pub(crate) struct Passage<'l> {
    task: &'l Arc<Inner>,
    link: &'l Arc<Link>,
    pub(crate) token: Option<Token>,
    pub(crate) records: Vec<u8>,
    entered: Vec<Entered>,
}

#[derive(Debug)]
enum Entered {
    Minted(Arc<Port>, PortRef),
    Awaited(Arc<Port>, Token),
    Granted { receiver: u64, port: PortRef },
}

impl<'l> Passage<'l> {
    /// Enters the rights of `message`. The message keeps them until [`depart`](Self::depart).
    ///
    /// # Errors
    /// [`SendFailure::TooManyRights`], [`SendFailure::NotIntroduced`], [`SendFailure::NoBuffer`];
    /// nothing is entered then.
    pub(crate) fn prepare(
        task: &'l Arc<Inner>,
        message: &Message<'_>,
        link: &'l Arc<Link>,
    ) -> Result<Self, SendFailure> {
        let mut passage = Self { task, link, token: None, records: Vec::new(), entered: Vec::new() };
        if message.rights.len() > RIGHTS_MAX {
            return Err(SendFailure::TooManyRights { count: message.rights.len(), most: RIGHTS_MAX });
        }
        match passage.enter(message) {
            Ok(()) => Ok(passage),
            Err(failure) => {
                passage.refuse();
                Err(failure)
            }
        }
    }

    fn enter(&mut self, message: &Message<'_>) -> Result<(), SendFailure> {
        if let Some(reply) = &message.reply {
            self.token = Some(self.enter_once(reply)?);
        }
        for right in &message.rights {
            let record = match right {
                Right::Send(right) => self.enter_send(right)?,
                Right::SendOnce(right) => Record::SendOnce(self.enter_once(right)?),
                Right::Dead | Right::Refused(_) => Record::Dead,
            };
            self.records.extend(record.encode());
        }
        Ok(())
    }

    fn enter_send(&mut self, right: &SendRight) -> Result<Record, SendFailure> {
        match right.leads_to() {
            Leads::Here(port) => {
                let reference = port.mint(self.link.task, false);
                self.entered.push(Entered::Minted(port.clone(), reference));
                Ok(Record::Send(reference))
            }
            Leads::There { receiver, port } => {
                right.share();
                let granted = self.task.grant(receiver, port, self.link)?;
                self.entered.extend(granted.then_some(Entered::Granted { receiver, port }));
                Ok(if granted { Record::Granted { receiver, port } } else { Record::Dead })
            }
        }
    }

    fn enter_once(&mut self, right: &SendOnceRight) -> Result<Token, SendFailure> {
        let port = right.local_port().ok_or(SendFailure::NotIntroduced)?;
        let token = port.await_answer(self.link).map_err(|_| SendFailure::NoBuffer)?;
        self.entered.push(Entered::Awaited(port.clone(), token));
        Ok(token)
    }

    /// The message was published: the rights are the peer's.
    pub(crate) fn depart(self, message: Message<'_>) {
        if let Some(reply) = message.reply {
            reply.into_token();
        }
        for right in message.rights {
            match right {
                Right::SendOnce(right) => right.into_token(),
                // This task's own handle goes; the peer's right was counted before.
                Right::Send(_) | Right::Dead | Right::Refused(_) => {}
            }
        }
    }

    /// The message was not published: the rights are still this task's.
    pub(crate) fn refuse(self) {
        for entered in self.entered {
            match entered {
                Entered::Minted(port, right) => {
                    self.task.perform(port.unmint(self.link.task, right));
                }
                Entered::Awaited(port, token) => port.forget_answer(self.link, token),
                // The destination counts as a holder already: kept for the next message to it.
                Entered::Granted { receiver, port } => self.task.keep_grant(receiver, port, self.link.task),
            }
        }
    }
}

impl Inner {
    /// Releases the rights of messages of a peer that are destroyed unread: ports that were killed,
    /// claims that were refused, answers that nobody waits for. Called with no group locked.
    pub(crate) fn destroy_unread(&self, link: &Link) {
        let mut raw = RawRights::default();
        let may_come = || self.authority.as_ref().is_some_and(|authority| authority.has_events());
        while link.destroy_unread(&mut raw, may_come) {
            self.release_rights(link, raw.token, &raw.records[..raw.count * RIGHT_BYTES]);
        }
    }

    /// Releases the rights of one message that is destroyed: its reply right and its records.
    pub(crate) fn release_rights(&self, link: &Link, token: Option<Token>, records: &[u8]) {
        let drop_answer = |token: Token| {
            if link.expect_to_answer(token).is_ok() {
                let _ = link.answer(token, Head::close(), [&[], &[]]); // needs no memory
            }
        };
        if let Some(token) = token {
            drop_answer(token);
        }
        let records = records.chunks_exact(RIGHT_BYTES);
        for record in records.filter_map(|record| record.try_into().ok().and_then(Record::decode)) {
            match record {
                Record::Send(port) => link.give_back(port, 1, AUTHORITY),
                Record::SendOnce(token) => drop_answer(token),
                Record::Granted { receiver, port } => self.refuse_grant(link.task, receiver, port),
                Record::Dead => {}
            }
        }
    }
}

/// Turns what was read beside a message into rights of this task.
///
/// # Errors
/// [`Nonsense`]: a record that no honest library writes, or no memory to answer in.
pub(crate) fn arrive(task: &Arc<Inner>, into: &mut Received) -> Result<(), Nonsense> {
    let Raw { records, token, from } = &mut into.raw;
    let Some(link) = from.take() else { return Ok(()) };
    let once = |token: Token| {
        link.expect_to_answer(token).map_err(|_| Nonsense)?;
        Ok(SendOnceRight::remote(task.clone(), link.clone(), token))
    };
    into.reply = token.take().map(once).transpose()?;
    for record in records.chunks_exact(RIGHT_BYTES) {
        let record = record.try_into().ok().and_then(Record::decode).ok_or(Nonsense)?;
        into.rights.push(match record {
            Record::Send(port) => task.take_in(Target::linked(link.clone(), port)).into(),
            Record::Granted { receiver, port } => task.receive_grant(link.task, receiver, port),
            Record::SendOnce(token) => Right::SendOnce(once(token)?),
            Record::Dead => Right::Dead,
        });
    }
    records.clear();
    Ok(())
}
