//! Rights in messages: from values to records and back.

use std::sync::Arc;

use crate::client::dead_lanes::RawRights;
use crate::client::error::SendFailure;
use crate::client::held::Target;
use crate::client::holders::AUTHORITY;
use crate::client::in_hand::InHand;
use crate::client::link::{Link, NoRoom};
use crate::client::local::LocalMessage;
use crate::client::message::{Message, Received};
use crate::client::moves::Leaving;
use crate::client::numbered::Numbered;
use crate::client::once_right::SendOnceRight;
use crate::client::port::Port;
use crate::client::receive_right::ReceiveRight;
use crate::client::send_right::{Leads, SendRight};
use crate::client::task::Inner;
use crate::ipc::PortError;
use crate::ring::slot::{Head, Nonsense, RIGHT_BYTES, RIGHTS_MAX, Token};
use crate::wire::mach::PortType;
use crate::wire::record::Record;
use crate::wire::request::{Addressee, PortRef};

/// A right in a message.
#[derive(Debug)]
#[non_exhaustive]
pub enum Right {
    /// A send right.
    Send(SendRight),
    /// A send-once right.
    SendOnce(SendOnceRight),
    /// A receive right: whoever receives the message is the port's receiver from then on.
    Receive(ReceiveRight),
    /// A right to a port that died on the way (`MACH_PORT_DEAD`).
    Dead,
    /// A right that arrived and found no room in the task's table of names, or no memory for it. It
    /// was given back.
    Refused(PortError),
}

impl Right {
    /// Whether it leads to a port that is known to be dead.
    pub(crate) fn is_dead(&self) -> bool {
        match self {
            Self::Send(right) => right.is_dead(),
            Self::SendOnce(right) => right.local_port().is_some_and(|port| port.is_dead()),
            Self::Receive(_) | Self::Dead | Self::Refused(_) => false,
        }
    }

    /// The send right, if it is one.
    pub fn into_send(self) -> Option<SendRight> {
        match self {
            Self::Send(right) => Some(right),
            _ => None,
        }
    }

    /// The receive right, if it is one.
    pub fn into_receive(self) -> Option<ReceiveRight> {
        match self {
            Self::Receive(right) => Some(right),
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

impl Right {
    /// What it is to a message in Mach's form; `None` if it is dead, or was not taken in.
    pub(crate) fn port_type(&self) -> Option<PortType> {
        match self {
            Self::Send(_) => Some(PortType::Send),
            Self::SendOnce(_) => Some(PortType::SendOnce),
            Self::Receive(_) => Some(PortType::Receive),
            Self::Dead | Self::Refused(_) => None,
        }
    }
}

impl From<SendRight> for Right {
    fn from(right: SendRight) -> Self {
        Self::Send(right)
    }
}

impl From<ReceiveRight> for Right {
    fn from(right: ReceiveRight) -> Self {
        Self::Receive(right)
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
    leaving: Vec<Leaving>,
    /// Where the message goes.
    to: Addressee,
}

#[derive(Debug)]
enum Entered {
    Minted(Arc<Port>, PortRef),
    Awaited(Arc<Port>, Token),
    Granted { receiver: u64, port: PortRef },
}

impl<'l> Passage<'l> {
    /// Enters the rights of `message`, which goes to `to`. The message keeps them until
    /// [`depart`](Self::depart).
    ///
    /// # Errors
    /// [`SendFailure::TooManyRights`], [`SendFailure::NotIntroduced`], [`SendFailure::NotMovable`],
    /// [`SendFailure::NoBuffer`]; nothing is entered then.
    #[inline]
    pub(crate) fn prepare(
        task: &'l Arc<Inner>,
        message: &mut Message<'_>,
        link: &'l Arc<Link>,
        to: Addressee,
    ) -> Result<Self, SendFailure> {
        let (records, entered, leaving) = (Vec::new(), Vec::new(), Vec::new());
        let mut passage = Self { task, link, token: None, records, entered, leaving, to };
        if message.is_plain() {
            return Ok(passage);
        }
        let passed_on = message.reply.as_ref().is_some_and(|reply| reply.local_port().is_none());
        let count = message.rights.len() + usize::from(passed_on) + usize::from(message.form.is_some());
        if count > RIGHTS_MAX {
            return Err(SendFailure::TooManyRights { count, most: RIGHTS_MAX });
        }
        match passage.enter(message) {
            Ok(()) => Ok(passage),
            Err(failure) => {
                passage.refuse(message);
                Err(failure)
            }
        }
    }

    fn enter(&mut self, message: &mut Message<'_>) -> Result<(), SendFailure> {
        self.records.extend(message.form.iter().flat_map(|form| Record::Form(*form).encode()));
        // Send rights to a port that goes along lead to where it goes.
        for right in &message.rights {
            if let Right::Receive(right) = right {
                self.leaving.push(self.task.offer(right, self.link, self.to)?);
            }
        }
        let mut leaving = 0;
        match &mut message.reply {
            None => {}
            Some(reply) if reply.local_port().is_some() => self.token = self.token_for(reply)?.1,
            Some(reply) => {
                let record = reply.pass_on(self.link.task, true)?;
                self.records.extend(record.iter().flat_map(Record::encode));
            }
        }
        for right in &mut message.rights {
            let record = match right {
                Right::Send(right) => self.enter_send(right)?,
                Right::SendOnce(right) => self.enter_once(right)?,
                Right::Receive(_) => {
                    leaving += 1;
                    Record::Receive { key: self.leaving[leaving - 1].to.key }
                }
                Right::Dead | Right::Refused(_) => Record::Dead,
            };
            self.records.extend(record.encode());
        }
        Ok(())
    }

    fn enter_send(&mut self, right: &SendRight) -> Result<Record, SendFailure> {
        loop {
            let (receiver, port) = match right.leads_to() {
                Leads::There { receiver, port } => (receiver, port),
                Leads::Here(port) => {
                    if let Some(leaving) = self.leaving.iter().find(|leaving| leaving.is_of(port)) {
                        (self.link.task, leaving.to)
                    } else if let Some(reference) = port.copy_to(self.link.task) {
                        self.entered.push(Entered::Minted(port.clone(), reference));
                        return Ok(Record::Send(reference));
                    } else if port.is_closed() {
                        drop(self.task.moving.lock()); // it leads elsewhere then, or here again
                        continue;
                    } else {
                        return Ok(Record::Dead);
                    }
                }
            };
            right.share();
            let granted = self.task.grant(receiver, port, self.link)?;
            self.entered.extend(granted.then_some(Entered::Granted { receiver, port }));
            return Ok(if granted { Record::Granted { receiver, port } } else { Record::Dead });
        }
    }

    /// Publishes the message, by `push`: and with it the receive rights in it leave the task.
    ///
    /// # Errors
    /// [`SendFailure::NotMovable`], and what `push` says: [`refuse`](Self::refuse) is to be called.
    #[inline]
    pub(crate) fn publish<R, E>(
        &self,
        push: impl FnOnce() -> Result<R, E>,
    ) -> Result<Result<R, E>, SendFailure> {
        if self.leaving.is_empty() {
            return Ok(push());
        }
        self.task.publish_leaving(&self.leaving, self.link, push)
    }

    /// Whether receive rights are in the message.
    pub(crate) fn moves_ports(&self) -> bool {
        !self.leaving.is_empty()
    }

    fn enter_once(&mut self, right: &mut SendOnceRight) -> Result<Record, SendFailure> {
        if right.local_port().is_none() {
            return Ok(right.pass_on(self.link.task, false)?.unwrap_or(Record::Dead));
        }
        let (port, Some(token)) = self.token_for(right)? else { return Ok(Record::Dead) };
        self.entered.push(Entered::Awaited(port.clone(), token));
        Ok(Record::SendOnce(token))
    }

    /// The port of a right of this task's own, and the token that the peer gets; none if the port is dead.
    #[inline]
    fn token_for<'r>(&self, right: &'r SendOnceRight) -> Result<(&'r Arc<Port>, Option<Token>), SendFailure> {
        let port = right.local_port().ok_or(SendFailure::NotIntroduced)?;
        Ok((port, self.task.token_for(port, self.link)?))
    }

    /// The message was published: the rights are the peer's.
    #[inline]
    pub(crate) fn depart(self, message: &mut Message<'_>) {
        if let Some(reply) = message.reply.take() {
            reply.leave(self.link.task);
        }
        for right in message.rights.drain(..) {
            match right {
                Right::SendOnce(right) => right.leave(self.link.task),
                Right::Receive(right) => right.leave(),
                // This task's own handle goes; the peer's right was counted before.
                Right::Send(_) | Right::Dead | Right::Refused(_) => {}
            }
        }
    }

    /// The message was not published: the rights are still this task's.
    pub(crate) fn refuse(self, message: &Message<'_>) {
        if let (Some(token), Some(reply)) = (self.token, &message.reply)
            && let Some(port) = reply.local_port()
        {
            port.forget_answer(self.link, token);
        }
        self.leaving.iter().for_each(|leaving| self.task.withdraw(leaving, self.link));
        for entered in self.entered {
            match entered {
                Entered::Minted(port, right) => {
                    self.task.perform(port.unmint(self.link.task, right));
                }
                Entered::Awaited(port, token) => port.forget_answer(self.link, token),
                // To a port that went along: it ends with the offer.
                Entered::Granted { port, .. } if self.leaving.iter().any(|leaving| leaving.to == port) => {}
                // The destination counts as a holder already: kept for the next message to it.
                Entered::Granted { receiver, port } => self.task.keep_grant(receiver, port, self.link.task),
            }
        }
    }
}

impl Inner {
    /// A send-once right to a port of this task's own goes to the peer of `link`: what it is told as; nothing
    /// if the port is dead.
    #[inline]
    pub(crate) fn token_for(&self, port: &Port, link: &Arc<Link>) -> Result<Option<Token>, SendFailure> {
        port.await_answer(link).or_else(|NoRoom| {
            self.give_kept_back(link);
            port.await_answer(link).map_err(|NoRoom| SendFailure::NoBuffer)
        })
    }

    /// Every reply slot of the link is used: those that ports keep for later are free.
    #[cold]
    fn give_kept_back(&self, link: &Arc<Link>) {
        for port in self.all_ports() {
            port.give_kept_back(link);
        }
    }

    /// Releases the rights of messages of a peer that are destroyed unread: ports that were killed,
    /// claims that were refused, answers that nobody waits for. Called with no group locked.
    pub(crate) fn destroy_unread(&self, link: &Link) {
        let mut raw = RawRights::default();
        let may_come = || self.authority.as_ref().is_some_and(|authority| authority.has_events());
        while link.destroy_unread(&mut raw, may_come) {
            self.release_rights(link, raw.token, &raw.records[..raw.count * RIGHT_BYTES]);
        }
    }

    /// Releases the rights of messages that are destroyed in a port's queue.
    pub(crate) fn release_answers(&self, destroyed: Vec<LocalMessage>) {
        for message in destroyed {
            if let Some(from) = &message.raw.from {
                self.release_rights(&from.link, message.raw.token, &message.raw.records);
            }
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
                Record::Numbered { receiver, number, .. } => self.refuse_once(link.task, receiver, number),
                Record::Receive { key } => self.refuse_moved(link.task, key),
                Record::Dead | Record::Form(_) => {}
            }
        }
    }
}

/// Turns what was read beside a message into rights of this task.
///
/// # Errors
/// The link, to be ended: there is a record that no honest library writes, or no memory to answer in.
#[inline]
pub(crate) fn arrive(task: &Arc<Inner>, into: &mut Received) -> Result<(), Arc<Link>> {
    // Nothing is in hand any more when this returns.
    let Some(InHand { link, counted: _counted }) = into.raw.from.take() else { return Ok(()) };
    if !into.raw.records.is_empty() && arrive_beside(task, &link, into).is_err() {
        return Err(link);
    }
    match into.raw.token.take() {
        None => Ok(()),
        Some(token) if link.expect_to_answer(token).is_err() => Err(link),
        Some(token) => {
            into.reply = Some(SendOnceRight::remote(task.clone(), link, token));
            Ok(())
        }
    }
}

impl Inner {
    /// A send-once right that `by` has passed on has arrived, to a third task's port or to one of this
    /// task's own. `None`: it has ended meanwhile.
    fn receive_once(self: &Arc<Self>, by: u64, receiver: u64, number: u64) -> Option<SendOnceRight> {
        let Some(authority) = self.authority.as_ref().filter(|authority| authority.task == receiver) else {
            return Some(SendOnceRight::numbered(self.clone(), Numbered::arrive(self, receiver, number)));
        };
        // The authority has told of it before, or is about to.
        self.hear_what_was_told(authority);
        self.arrive_once(receiver, by, number)
    }
}

/// The rights beside a reply right.
fn arrive_beside(task: &Arc<Inner>, link: &Arc<Link>, into: &mut Received) -> Result<(), Nonsense> {
    let once = |token: Token| {
        link.expect_to_answer(token).map_err(|NoRoom| Nonsense)?;
        Ok(SendOnceRight::remote(task.clone(), link.clone(), token))
    };
    let records = &mut into.raw.records;
    for (at, record) in records.chunks_exact(RIGHT_BYTES).enumerate() {
        let record = record.try_into().ok().and_then(Record::decode).ok_or(Nonsense)?;
        let is_first = at == 0;
        into.rights.push(match record {
            Record::Send(port) => task.take_in(Target::linked(link.clone(), port)).into(),
            Record::Granted { receiver, port } => task.receive_grant(link.task, receiver, port),
            Record::SendOnce(token) => Right::SendOnce(once(token)?),
            Record::Numbered { receiver, number, is_reply } => {
                let right = task.receive_once(link.task, receiver, number);
                if is_reply {
                    into.besides.reply_is_dead = right.is_none();
                    into.reply = right;
                    continue;
                }
                right.map_or(Right::Dead, Right::SendOnce)
            }
            Record::Receive { key } => task.receive_moved(link.task, key),
            Record::Dead => Right::Dead,
            Record::Form(form) if is_first => {
                into.besides.form = Some(form);
                continue;
            }
            Record::Form(_) => return Err(Nonsense),
        });
    }
    records.clear();
    match &into.besides.form {
        Some(form) if !form.check(&into.body, into.rights.iter().map(Right::port_type)) => Err(Nonsense),
        _ => Ok(()),
    }
}
