//! What a task asks the authority for, over its attach socket: one datagram each.
//!
//! ```text
//! 0 kind u32 · 4 serial u32 · then, little-endian, the fields in the order of the variants below;
//! a port is port u32 · epoch u32 · key u64 · limit u32, a name is its length u8 and its bytes
//! ```

use std::num::NonZeroU32;

use super::bytes::{Reader, Writer};
use crate::ring::slot::Token;

/// The protocol's version, told in the first request.
pub const PROTOCOL: u32 = 1;
/// The longest datagram of either direction.
pub const DATAGRAM_MAX: usize = 512;
/// The longest name of a service, in bytes.
pub const NAME_MAX: usize = 127;

/// Bit of task ids that no authority gives: a task uses them for peers that it joined without one.
pub const PAIRED: u64 = 1 << 63;

/// The number of a port that has moved: others know it by its key alone.
pub const MOVED: u32 = u32::MAX;

/// Where a send right leads: a port as its receiver's library tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortRef {
    /// Index in the receiver's table, or [`MOVED`].
    pub port: u32,
    /// The epoch that the right is of.
    pub epoch: u32,
    /// The port's key.
    pub key: u64,
    /// Its queue limit when the right was given.
    pub limit: u32,
}

impl PortRef {
    pub(super) fn write(&self, to: &mut Writer) {
        to.u32(self.port).u32(self.epoch).u64(self.key).u32(self.limit);
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self { port: from.u32()?, epoch: from.u32()?, key: from.u64()?, limit: from.u32()? })
    }
}

/// How a port's receiver knows a send-once right that is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnceRef {
    /// The receiver gave it to the task that passes it on.
    Token(Token),
    /// By the number that it was passed on with last.
    Number(u64),
}

impl OnceRef {
    pub(super) fn write(&self, to: &mut Writer) {
        match self {
            Self::Token(token) => to.u32(u32::from(token.slot)).u64(u64::from(token.generation)),
            Self::Number(number) => to.u32(u32::MAX).u64(*number),
        };
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let (slot, value) = (from.u32()?, from.u64()?);
        if slot == u32::MAX {
            return Some(Self::Number(value));
        }
        let (slot, generation) = (u16::try_from(slot).ok()?, u32::try_from(value).ok()?);
        Some(Self::Token(Token { slot, generation }))
    }
}

/// Where a message goes that carries a receive right, as the task knows it that gets it: for a port on its
/// way cannot be sent to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressee {
    /// A port.
    Port {
        /// Its number.
        port: u32,
        /// Its key.
        key: u64,
    },
    /// The port that a send-once right leads to.
    Once(OnceRef),
}

impl Addressee {
    pub(super) fn write(&self, to: &mut Writer) {
        match self {
            Self::Port { port, key } => {
                to.u32(0).u32(*port).u64(*key);
            }
            Self::Once(right) => right.write(to.u32(1)),
        }
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Option<Self> {
        match from.u32()? {
            0 => Some(Self::Port { port: from.u32()?, key: from.u64()? }),
            1 => Some(Self::Once(OnceRef::read(from)?)),
            _ => None,
        }
    }
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The first: which protocol, and whether the task can promise `membarrier` for life (1) or not.
    Hello {
        /// [`PROTOCOL`].
        version: u32,
        /// Feature bits as in a half's header.
        features: u32,
    },
    /// The answer to the challenge, with the table of the task's names as file descriptor: a process that
    /// was only tricked into printing somewhere sends none.
    Echo {
        /// The challenge's number.
        nonce: u64,
    },
    /// Publishes a send right to a port of the task's own under a name.
    Register {
        /// 1 to [`NAME_MAX`] bytes.
        name: String,
        /// The port. The task has counted the authority as a holder already.
        port: PortRef,
    },
    /// Asks for a send right by name.
    LookUp {
        /// The name.
        name: String,
        /// Wait until somebody registers it.
        wait: bool,
    },
    /// Here is my half (file descriptor) for that task; introduce me.
    Connect {
        /// The other task.
        task: u64,
    },
    /// Here is my half (file descriptor) for the task that was introduced to me.
    Accept {
        /// The other task.
        task: u64,
    },
    /// I pass a right on: let that task use a right to a port of a third task's.
    Grant {
        /// The port's receiver.
        receiver: u64,
        /// The port.
        port: PortRef,
        /// Who gets the right.
        to: u64,
    },
    /// I give back rights to a port whose receiver I have no link with.
    Release {
        /// The port's receiver.
        receiver: u64,
        /// The port.
        port: PortRef,
        /// How many.
        count: u32,
        /// The task that had passed them on; 0: none, or they were told in a settlement.
        by: u64,
    },
    /// A connection for a child to attach by, and a right to a port of mine as its special port.
    Child {
        /// The port. The task has counted the authority as a holder already.
        port: PortRef,
    },
    /// A port of the task's own is dead, or all rights to it are revoked: its names are free. Not
    /// answered.
    Unregister {
        /// The port's key.
        key: u64,
    },
    /// A task that had passed rights to a port of mine on is dead: ask the one that it passed them on to
    /// what it has of them. Not answered; an event tells.
    Settle {
        /// The dead task.
        issuer: u64,
        /// My port.
        port: PortRef,
        /// Who is to be asked.
        to: u64,
    },
    /// What I have of the rights that a dead task had passed on to me, to a port whose receiver I have no
    /// link with. Not answered.
    Settled {
        /// The port's receiver.
        receiver: u64,
        /// The port.
        port: PortRef,
        /// The dead task.
        issuer: u64,
        /// How many, of those that were not given back.
        held: u32,
    },
    /// Is everything done that this task asked for before? Answered with DONE.
    Confirm,
    /// A revocation that the authority has asked for is done. Not answered.
    Revoked {
        /// The event's.
        serial: u32,
    },
    /// I pass a send-once right on: let that task use it, and nobody else.
    GrantOnce {
        /// The port's receiver.
        receiver: u64,
        /// The right.
        right: OnceRef,
        /// By which it is known from here on.
        number: u64,
        /// Who gets it: another task, the receiver, or I, who did not send it after all.
        to: u64,
        /// To whom I had passed it on before, without sending it; 0: to nobody. Refused if that task is
        /// dead: then the right is.
        instead_of: u64,
    },
    /// I drop a send-once right that was passed on to me, or I have not got it; I have no link with its
    /// port's receiver. Not answered.
    ReleaseOnce {
        /// The receiver.
        receiver: u64,
        /// The right's number.
        number: u64,
    },
    /// A task is dead that had passed a send-once right to a port of mine on: has it arrived? Not
    /// answered; who has not got it drops it.
    SettleOnce {
        /// The dead task.
        issuer: u64,
        /// The right's number.
        number: u64,
        /// Who is to be asked.
        to: u64,
    },
    /// Here is a region of mine (file descriptor), for messages to that task.
    Lend {
        /// The other task.
        task: u64,
        /// My number for it.
        region: NonZeroU32,
    },
    /// I have mapped, or refused, one of the regions that this task lends me. Not answered.
    Adopted {
        /// The other task.
        task: u64,
    },
    /// Nobody waits any more for what I had asked to be looked up: an APPEARED that comes all the same
    /// brings a right that I give back. Not answered.
    StopWaiting {
        /// The serial of that request.
        look_up: u32,
    },
    /// I am about to send that task the receive right of a port of mine. From now on the port is there, by
    /// this key; nobody has a right to it but I, if I say so.
    Offer {
        /// The other task.
        task: u64,
        /// A number that nobody can guess, drawn for this.
        key: u64,
        /// The port's queue limit.
        limit: u32,
        /// I keep a send right.
        keeps: bool,
        /// Where the message goes.
        to: Addressee,
    },
    /// I have not sent it, and never will. Not answered.
    Withdraw {
        /// The other task.
        task: u64,
        /// The port's key.
        key: u64,
    },
    /// A receive right that this task offered me has arrived, or is destroyed. Not answered.
    Arrived {
        /// The other task.
        task: u64,
    },
    /// A tool's, instead of a hello: the first task after this one that it may look into, and the table
    /// of that task's names.
    List {
        /// The task that was told last; 0: none yet.
        after: u64,
    },
}

impl Request {
    /// Its bytes.
    pub fn encode(&self, serial: u32) -> Vec<u8> {
        let mut writer = Writer::default();
        self.write(writer.u32(self.kind()).u32(serial));
        writer.take()
    }

    const fn kind(&self) -> u32 {
        match self {
            Self::Hello { .. } => 1,
            Self::Echo { .. } => 2,
            Self::Register { .. } => 3,
            Self::LookUp { .. } => 4,
            Self::Connect { .. } => 5,
            Self::Accept { .. } => 6,
            Self::Grant { .. } => 7,
            Self::Release { .. } => 8,
            Self::Child { .. } => 9,
            Self::Unregister { .. } => 10,
            Self::Settle { .. } => 11,
            Self::Settled { .. } => 12,
            Self::Revoked { .. } => 13,
            Self::Confirm => 14,
            Self::Lend { .. } => 15,
            Self::Adopted { .. } => 16,
            Self::GrantOnce { .. } => 20,
            Self::ReleaseOnce { .. } => 21,
            Self::SettleOnce { .. } => 22,
            Self::List { .. } => 30,
            Self::StopWaiting { .. } => 31,
            Self::Offer { .. } => 40,
            Self::Withdraw { .. } => 41,
            Self::Arrived { .. } => 42,
        }
    }

    fn write(&self, to: &mut Writer) {
        match self {
            Self::Hello { version, features } => {
                to.u32(*version).u32(*features);
            }
            Self::Echo { nonce } => {
                to.u64(*nonce);
            }
            Self::Register { name, port } => {
                port.write(to.text(name));
            }
            Self::LookUp { name, wait } => {
                to.text(name).u32(u32::from(*wait));
            }
            Self::Connect { task } => {
                to.u64(*task);
            }
            Self::Accept { task } => {
                to.u64(*task);
            }
            Self::Grant { receiver, port, to: holder } => {
                port.write(to.u64(*receiver));
                to.u64(*holder);
            }
            Self::Release { receiver, port, count, by } => {
                port.write(to.u64(*receiver));
                to.u32(*count).u64(*by);
            }
            Self::Child { port } => {
                port.write(to);
            }
            Self::Unregister { key } => {
                to.u64(*key);
            }
            Self::Settle { issuer, port, to: holder } => {
                port.write(to.u64(*issuer));
                to.u64(*holder);
            }
            Self::Settled { receiver, port, issuer, held } => {
                port.write(to.u64(*receiver));
                to.u64(*issuer).u32(*held);
            }
            Self::Revoked { serial: of } => {
                to.u32(*of);
            }
            Self::GrantOnce { receiver, right, number, to: holder, instead_of } => {
                right.write(to.u64(*receiver));
                to.u64(*number).u64(*holder).u64(*instead_of);
            }
            Self::ReleaseOnce { receiver, number } => {
                to.u64(*receiver).u64(*number);
            }
            Self::SettleOnce { issuer, number, to: holder } => {
                to.u64(*issuer).u64(*number).u64(*holder);
            }
            Self::Lend { task, region } => {
                to.u64(*task).u32(region.get());
            }
            Self::Adopted { task } => {
                to.u64(*task);
            }
            Self::StopWaiting { look_up } => {
                to.u32(*look_up);
            }
            Self::Offer { task, key, limit, keeps, to: addressee } => {
                to.u64(*task).u64(*key).u32(*limit).u32(u32::from(*keeps));
                addressee.write(to);
            }
            Self::Withdraw { task, key } => {
                to.u64(*task).u64(*key);
            }
            Self::Arrived { task } => {
                to.u64(*task);
            }
            Self::List { after } => {
                to.u64(*after);
            }
            Self::Confirm => {}
        }
    }

    /// Reads a request and its serial; `None` for one that no honest library sends.
    pub fn decode(bytes: &[u8]) -> Option<(u32, Self)> {
        let mut from = Reader::new(bytes);
        let (kind, serial) = (from.u32()?, from.u32()?);
        let name = |text: &str| (1..=NAME_MAX).contains(&text.len()).then(|| text.to_owned());
        let request = match kind {
            1 => Self::Hello { version: from.u32()?, features: from.u32()? },
            2 => Self::Echo { nonce: from.u64()? },
            3 => Self::Register { name: name(from.text()?)?, port: PortRef::read(&mut from)? },
            4 => Self::LookUp { name: name(from.text()?)?, wait: from.u32()? != 0 },
            5 => Self::Connect { task: from.u64()? },
            6 => Self::Accept { task: from.u64()? },
            7 => Self::Grant { receiver: from.u64()?, port: PortRef::read(&mut from)?, to: from.u64()? },
            8 => Self::Release {
                receiver: from.u64()?,
                port: PortRef::read(&mut from)?,
                count: from.u32()?,
                by: from.u64()?,
            },
            9 => Self::Child { port: PortRef::read(&mut from)? },
            10 => Self::Unregister { key: from.u64()? },
            11 => Self::Settle { issuer: from.u64()?, port: PortRef::read(&mut from)?, to: from.u64()? },
            12 => Self::Settled {
                receiver: from.u64()?,
                port: PortRef::read(&mut from)?,
                issuer: from.u64()?,
                held: from.u32()?,
            },
            13 => Self::Revoked { serial: from.u32()? },
            14 => Self::Confirm,
            20 => Self::GrantOnce {
                receiver: from.u64()?,
                right: OnceRef::read(&mut from)?,
                number: from.u64()?,
                to: from.u64()?,
                instead_of: from.u64()?,
            },
            21 => Self::ReleaseOnce { receiver: from.u64()?, number: from.u64()? },
            22 => Self::SettleOnce { issuer: from.u64()?, number: from.u64()?, to: from.u64()? },
            15 => Self::Lend { task: from.u64()?, region: NonZeroU32::new(from.u32()?)? },
            16 => Self::Adopted { task: from.u64()? },
            30 => Self::List { after: from.u64()? },
            31 => Self::StopWaiting { look_up: from.u32()? },
            40 => Self::Offer {
                task: from.u64()?,
                key: from.u64()?,
                limit: from.u32()?,
                keeps: from.u32()? != 0,
                to: Addressee::read(&mut from)?,
            },
            41 => Self::Withdraw { task: from.u64()?, key: from.u64()? },
            42 => Self::Arrived { task: from.u64()? },
            _ => return None,
        };
        from.end((serial, request))
    }
}

#[cfg(test)]
mod tests;
