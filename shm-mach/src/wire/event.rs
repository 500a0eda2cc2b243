//! What the authority tells a task, over its attach socket: one datagram each.
//!
//! ```text
//! 0 kind u32 · then, little-endian, the fields in the order of the variants below; an identity is
//! pid u32 · uid u32 · gid u32 · started u64
//! ```
//! Every kind but CHALLENGE, WELCOME and REPLY is an *event*: before it is sent, the count in the
//! task's page is incremented, so a task that has seen an effect of it can know that it is coming.

use std::num::NonZeroU32;

use super::bytes::{Reader, Writer};
use super::request::{Addressee, OnceRef, PortRef};

/// Who a task is, as the kernel attested it to the authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attested {
    /// Process id in the authority's pid namespace.
    pub pid: u32,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// When the process started, in clock ticks since boot (`/proc/PID/stat`, field 22); 0: unknown.
    pub started: u64,
}

/// Why the authority refuses a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The name belongs to another task; of LIST: not over this connection.
    NotPrivileged,
    /// The name is registered already, and its port lives.
    ServiceActive,
    /// Nobody has registered the name.
    UnknownService,
    /// The task is dead, or never was.
    TaskDied,
    /// A quota is used up, or another task does not read what it is told.
    NoBuffer,
    /// The request makes no sense now.
    Protocol,
}

impl Refusal {
    const ALL: [Self; 6] = [
        Self::NotPrivileged,
        Self::ServiceActive,
        Self::UnknownService,
        Self::TaskDied,
        Self::NoBuffer,
        Self::Protocol,
    ];

    fn number(self) -> u32 {
        Self::ALL.iter().position(|refusal| *refusal == self).map_or(0, |at| at as u32 + 1)
    }

    fn of(number: u32) -> Option<Self> {
        Self::ALL.get((number as usize).checked_sub(1)?).copied()
    }
}

/// A right that the authority has minted or granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The port's receiver.
    pub receiver: u64,
    /// The port.
    pub port: PortRef,
}

/// What a request comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done. Of CHILD: the connection is the datagram's file descriptor.
    Done,
    /// Of CONNECT: done, and this is the other task.
    Peer {
        /// Who it is.
        who: Attested,
        /// Its feature bits.
        features: u32,
    },
    /// Of LOOKUP: here it is.
    Found(Found),
    /// Of LOOKUP: not yet; an event will tell.
    Waiting,
    /// Refused.
    Refused(Refusal),
    /// Of LIST: a task; the file of its table of names is the datagram's descriptor. DONE when there is
    /// none after the one named.
    Listed {
        /// The task's id.
        task: u64,
        /// Who it is.
        who: Attested,
    },
}

/// One datagram from the authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Send this number back, with the table of your names.
    Challenge {
        /// The number.
        nonce: u64,
    },
    /// The task is attached; its page is the datagram's file descriptor.
    Welcome {
        /// The task's id, never used again.
        task: u64,
        /// Who it is to others: what its own pid is in the authority's pid namespace.
        own: Attested,
        /// Its special port, if it was started with one.
        special: Option<Found>,
    },
    /// The answer to a request.
    Reply {
        /// The request's.
        serial: u32,
        /// What it comes to.
        answer: Answer,
    },
    /// A task wants to send to this one: its half is the file descriptor. Answer with ACCEPT.
    Introduced {
        /// The other task.
        task: u64,
        /// Who it is.
        who: Attested,
        /// Its feature bits.
        features: u32,
    },
    /// A task has answered an introduction: its half is the file descriptor.
    Accepted {
        /// The other task.
        task: u64,
    },
    /// A task may send to a port of this one: `by` has passed its right on, or (0) the authority has.
    Granted {
        /// The port.
        port: PortRef,
        /// Who gave it.
        by: u64,
        /// Who has it now.
        to: u64,
        /// Who that is.
        who: Attested,
        /// The authority gave away the right that it held itself, and holds one less.
        moved: bool,
    },
    /// A task (0: the authority) gives back rights to a port of this one.
    Released {
        /// Who.
        task: u64,
        /// The port.
        port: PortRef,
        /// How many.
        count: u32,
        /// The task that had passed them on; 0: none, or they were told in a settlement.
        by: u64,
    },
    /// A task is dead. Everything it had asked for was told before.
    Died {
        /// Which.
        task: u64,
    },
    /// A name that was waited for.
    Appeared {
        /// The look-up's.
        serial: u32,
        /// The right.
        found: Found,
    },
    /// A task is dead that had passed rights to another one's port on to this one: what is there of them?
    /// Answer with SETTLED, over the link to the port's receiver if there is one.
    Settle {
        /// The dead task.
        issuer: u64,
        /// Who asks: the port's receiver.
        receiver: u64,
        /// The port.
        port: PortRef,
    },
    /// A task answers such a question of this one.
    Settled {
        /// Who.
        task: u64,
        /// The port.
        port: PortRef,
        /// The dead task.
        issuer: u64,
        /// How many rights it holds, of those that it has not given back.
        held: u32,
    },
    /// The authority's program ends a task's rights to a port of this one, or to all of them. Answer with
    /// REVOKED.
    Revoke {
        /// For the answer.
        serial: u32,
        /// Whose rights.
        task: u64,
        /// The port; `None`: all.
        port: Option<PortRef>,
    },
    /// `by` has passed a send-once right to a port of this task on, or (`to` is `by`) takes back what it
    /// did not send.
    GrantedOnce {
        /// Who had it.
        by: u64,
        /// How it was known.
        right: OnceRef,
        /// Who has it now.
        to: u64,
        /// Who that is.
        who: Attested,
        /// How it is known from here on.
        number: u64,
    },
    /// A task drops a send-once right that was passed on to it, or has not got it.
    ReleasedOnce {
        /// Who.
        task: u64,
        /// The right's number.
        number: u64,
    },
    /// A task is dead that had passed a send-once right to this one. Who has not got it drops it.
    SettleOnce {
        /// The dead task.
        issuer: u64,
        /// Who asks: the port's receiver.
        receiver: u64,
        /// The right's number.
        number: u64,
    },
    /// A region that a task uses for messages to this one: the file descriptor. Answer with ADOPTED.
    Lent {
        /// The other task.
        task: u64,
        /// Its number for it.
        region: NonZeroU32,
    },
    /// A task is about to send this one the receive right of a port, which is this task's from now on.
    /// Answer with ARRIVED when it has come or is destroyed.
    Offered {
        /// Who.
        task: u64,
        /// The key by which everybody knows the port.
        key: u64,
        /// Its queue limit.
        limit: u32,
        /// That task keeps a send right to it.
        keeps: bool,
        /// Where the message goes.
        to: Addressee,
    },
    /// It has not sent it after all. Not answered.
    Withdrawn {
        /// Who.
        task: u64,
        /// The port's key.
        key: u64,
    },
}

impl Event {
    /// Whether it counts in the task's page.
    pub fn is_counted(&self) -> bool {
        !matches!(self, Self::Challenge { .. } | Self::Welcome { .. } | Self::Reply { .. })
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        let to = &mut writer;
        match *self {
            Self::Challenge { nonce } => {
                to.u32(1).u64(nonce);
            }
            Self::Welcome { task, own, special } => {
                write_attested(to.u32(2).u64(task), own);
                write_found(to, special);
            }
            Self::Reply { serial, answer } => {
                to.u32(3).u32(serial);
                write_answer(to, answer);
            }
            Self::Introduced { task, who, features } => {
                write_attested(to.u32(4).u64(task), who);
                to.u32(features);
            }
            Self::Accepted { task } => {
                to.u32(5).u64(task);
            }
            Self::Granted { port, by, to: holder, who, moved } => {
                port.write(to.u32(6));
                write_attested(to.u64(by).u64(holder), who);
                to.u32(u32::from(moved));
            }
            Self::Released { task, port, count, by } => {
                port.write(to.u32(7).u64(task));
                to.u32(count).u64(by);
            }
            Self::Died { task } => {
                to.u32(8).u64(task);
            }
            Self::Appeared { serial, found } => write_found(to.u32(9).u32(serial), Some(found)),
            Self::Settle { issuer, receiver, port } => port.write(to.u32(10).u64(issuer).u64(receiver)),
            Self::Settled { task, port, issuer, held } => {
                port.write(to.u32(11).u64(task));
                to.u64(issuer).u32(held);
            }
            Self::Revoke { serial, task, port } => {
                to.u32(12).u32(serial).u64(task).u32(u32::from(port.is_some()));
                if let Some(port) = port {
                    port.write(to);
                }
            }
            Self::GrantedOnce { by, right, to: holder, who, number } => {
                right.write(to.u32(20).u64(by));
                write_attested(to.u64(holder), who);
                to.u64(number);
            }
            Self::ReleasedOnce { task, number } => {
                to.u32(21).u64(task).u64(number);
            }
            Self::SettleOnce { issuer, receiver, number } => {
                to.u32(22).u64(issuer).u64(receiver).u64(number);
            }
            Self::Lent { task, region } => {
                to.u32(13).u64(task).u32(region.get());
            }
            Self::Offered { task, key, limit, keeps, to: addressee } => {
                to.u32(40).u64(task).u64(key).u32(limit).u32(u32::from(keeps));
                addressee.write(to);
            }
            Self::Withdrawn { task, key } => {
                to.u32(41).u64(task).u64(key);
            }
        }
        writer.take()
    }

    /// Reads one datagram; `None` for one that no honest authority sends.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = Reader::new(bytes);
        let event = match from.u32()? {
            1 => Self::Challenge { nonce: from.u64()? },
            2 => Self::Welcome {
                task: from.u64()?,
                own: read_attested(&mut from)?,
                special: read_found(&mut from)?,
            },
            3 => Self::Reply { serial: from.u32()?, answer: read_answer(&mut from)? },
            4 => {
                Self::Introduced { task: from.u64()?, who: read_attested(&mut from)?, features: from.u32()? }
            }
            5 => Self::Accepted { task: from.u64()? },
            6 => Self::Granted {
                port: PortRef::read(&mut from)?,
                by: from.u64()?,
                to: from.u64()?,
                who: read_attested(&mut from)?,
                moved: from.u32()? != 0,
            },
            7 => Self::Released {
                task: from.u64()?,
                port: PortRef::read(&mut from)?,
                count: from.u32()?,
                by: from.u64()?,
            },
            8 => Self::Died { task: from.u64()? },
            9 => Self::Appeared { serial: from.u32()?, found: read_found(&mut from)?? },
            10 => {
                Self::Settle { issuer: from.u64()?, receiver: from.u64()?, port: PortRef::read(&mut from)? }
            }
            11 => Self::Settled {
                task: from.u64()?,
                port: PortRef::read(&mut from)?,
                issuer: from.u64()?,
                held: from.u32()?,
            },
            12 => Self::Revoke { serial: from.u32()?, task: from.u64()?, port: read_port(&mut from)? },
            20 => Self::GrantedOnce {
                by: from.u64()?,
                right: OnceRef::read(&mut from)?,
                to: from.u64()?,
                who: read_attested(&mut from)?,
                number: from.u64()?,
            },
            21 => Self::ReleasedOnce { task: from.u64()?, number: from.u64()? },
            22 => Self::SettleOnce { issuer: from.u64()?, receiver: from.u64()?, number: from.u64()? },
            13 => Self::Lent { task: from.u64()?, region: NonZeroU32::new(from.u32()?)? },
            40 => Self::Offered {
                task: from.u64()?,
                key: from.u64()?,
                limit: from.u32()?,
                keeps: from.u32()? != 0,
                to: Addressee::read(&mut from)?,
            },
            41 => Self::Withdrawn { task: from.u64()?, key: from.u64()? },
            _ => return None,
        };
        from.end(event)
    }
}

fn write_attested(to: &mut Writer, who: Attested) {
    to.u32(who.pid).u32(who.uid).u32(who.gid).u64(who.started);
}

fn read_attested(from: &mut Reader<'_>) -> Option<Attested> {
    Some(Attested { pid: from.u32()?, uid: from.u32()?, gid: from.u32()?, started: from.u64()? })
}

fn write_found(to: &mut Writer, found: Option<Found>) {
    match found {
        None => {
            to.u32(0);
        }
        Some(Found { receiver, port }) => port.write(to.u32(1).u64(receiver)),
    }
}

fn read_found(from: &mut Reader<'_>) -> Option<Option<Found>> {
    match from.u32()? {
        0 => Some(None),
        1 => Some(Some(Found { receiver: from.u64()?, port: PortRef::read(from)? })),
        _ => None,
    }
}

fn read_port(from: &mut Reader<'_>) -> Option<Option<PortRef>> {
    match from.u32()? {
        0 => Some(None),
        1 => Some(Some(PortRef::read(from)?)),
        _ => None,
    }
}

fn write_answer(to: &mut Writer, answer: Answer) {
    match answer {
        Answer::Done => {
            to.u32(0);
        }
        Answer::Peer { who, features } => {
            write_attested(to.u32(1), who);
            to.u32(features);
        }
        Answer::Found(found) => write_found(to.u32(2), Some(found)),
        Answer::Waiting => {
            to.u32(3);
        }
        Answer::Refused(refusal) => {
            to.u32(4).u32(refusal.number());
        }
        Answer::Listed { task, who } => write_attested(to.u32(5).u64(task), who),
    }
}

fn read_answer(from: &mut Reader<'_>) -> Option<Answer> {
    match from.u32()? {
        0 => Some(Answer::Done),
        1 => Some(Answer::Peer { who: read_attested(from)?, features: from.u32()? }),
        2 => read_found(from)?.map(Answer::Found),
        3 => Some(Answer::Waiting),
        4 => Refusal::of(from.u32()?).map(Answer::Refused),
        5 => Some(Answer::Listed { task: from.u64()?, who: read_attested(from)? }),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
