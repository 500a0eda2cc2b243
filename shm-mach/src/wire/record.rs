//! The record of one right in a message, 32 bytes before the body.
//!
//! ```text
//! kind            bytes, little-endian
//! 1 SEND          0 kind u32 · 4 port u32 · 8 key u64 · 16 epoch u32 · 20 limit u32 · 24 zero
//! 2 SEND_ONCE     0 kind u32 · 4 slot u32 · 8 generation u32 · 12 zero
//! 3 DEAD          0 kind u32 · 4 zero
//! 4 GRANTED       0 kind u32 · 4 port u32 · 8 key u64 · 16 epoch u32 · 20 limit u32 · 24 receiver u64
//! 5 NUMBERED      0 kind u32 · 4 is reply u32 · 8 number u64 · 16 zero · 24 receiver u64
//! 6 RECEIVE       0 kind u32 · 4 zero · 8 key u64 · 16 zero
//! 8 FORM          0 kind u32 · 4 marks u8 (1 complex, 2 auxiliary data) · 5 reply u8 · 6 reply type u8
//!                 7 zero · 8 voucher u32 · 12 descriptors u32 · 16 body u32 · 20 auxiliary u16 · 22 zero
//! ```
//! A record says where a right is known and proves nothing: SEND and SEND_ONCE lead to ports of the
//! task whose half the record was read from, and only that task's own table says what they are worth.
//! A FORM is no right: it stands before all others, and says what a message in Mach's form has besides
//! ([`Form`](crate::wire::mach::form)).

use crate::ring::slot::{RIGHT_BYTES, Token};
use crate::wire::mach::form::{Form, Reply};
use crate::wire::request::PortRef;

/// One right, as it travels between two tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// A send right to a port of the sender's.
    Send(PortRef),
    /// A send-once right to a port of the sender's: a reply slot in the receiver's half.
    SendOnce(Token),
    /// A right to a port that is dead.
    Dead,
    /// A send right to a third task's port, which the authority has told that task of.
    Granted {
        /// The port's receiver, a task id of the authority.
        receiver: u64,
        /// The port.
        port: PortRef,
    },
    /// A send-once right to a third task's port, which the authority has told that task of.
    Numbered {
        /// The port's receiver, a task id of the authority.
        receiver: u64,
        /// By which the receiver knows it.
        number: u64,
        /// It is the message's reply right.
        is_reply: bool,
    },
    /// The receive right of a port that the sender has offered to the task that reads this.
    Receive {
        /// By which the authority has told of it.
        key: u64,
    },
    /// What a message in Mach's form has besides its rights and its body.
    Form(Form),
}

impl Record {
    /// Its bytes.
    pub fn encode(&self) -> [u8; RIGHT_BYTES] {
        let mut bytes = [0; RIGHT_BYTES];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        match *self {
            Self::Send(PortRef { port, epoch, key, limit }) => {
                put(0, &1u32.to_le_bytes());
                put(4, &port.to_le_bytes());
                put(8, &key.to_le_bytes());
                put(16, &epoch.to_le_bytes());
                put(20, &limit.to_le_bytes());
            }
            Self::SendOnce(Token { slot, generation }) => {
                put(0, &2u32.to_le_bytes());
                put(4, &u32::from(slot).to_le_bytes());
                put(8, &generation.to_le_bytes());
            }
            Self::Dead => put(0, &3u32.to_le_bytes()),
            Self::Granted { receiver, port: PortRef { port, epoch, key, limit } } => {
                put(0, &4u32.to_le_bytes());
                put(4, &port.to_le_bytes());
                put(8, &key.to_le_bytes());
                put(16, &epoch.to_le_bytes());
                put(20, &limit.to_le_bytes());
                put(24, &receiver.to_le_bytes());
            }
            Self::Numbered { receiver, number, is_reply } => {
                put(0, &5u32.to_le_bytes());
                put(4, &u32::from(is_reply).to_le_bytes());
                put(8, &number.to_le_bytes());
                put(24, &receiver.to_le_bytes());
            }
            Self::Receive { key } => {
                put(0, &6u32.to_le_bytes());
                put(8, &key.to_le_bytes());
            }
            Self::Form(form) => {
                let marks = u8::from(form.is_complex) | u8::from(form.aux.is_some()) << 1;
                let [reply, kind] = form.reply.encode();
                put(0, &8u32.to_le_bytes());
                put(4, &[marks, reply, kind]);
                put(8, &form.voucher.to_le_bytes());
                put(12, &form.descriptors.to_le_bytes());
                put(16, &form.body.to_le_bytes());
                put(20, &form.aux.unwrap_or(0).to_le_bytes());
            }
        }
        bytes
    }

    /// Reads one record; `None` for one that no honest library writes.
    pub fn decode(bytes: &[u8; RIGHT_BYTES]) -> Option<Self> {
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        match word(0) {
            1 => Some(Self::Send(PortRef { port: word(4), key: long(8), epoch: word(16), limit: word(20) })),
            4 => Some(Self::Granted {
                receiver: long(24),
                port: PortRef { port: word(4), key: long(8), epoch: word(16), limit: word(20) },
            }),
            2 => {
                let slot = u16::try_from(word(4)).ok()?;
                Some(Self::SendOnce(Token { slot, generation: word(8) }))
            }
            3 => Some(Self::Dead),
            5 => Some(Self::Numbered { receiver: long(24), number: long(8), is_reply: word(4) != 0 }),
            6 => Some(Self::Receive { key: long(8) }),
            8 => {
                let [marks, reply, kind, _] = word(4).to_le_bytes();
                let has_aux = marks & 2 != 0;
                (marks <= 3).then_some(Self::Form(Form {
                    is_complex: marks & 1 != 0,
                    reply: Reply::decode([reply, kind])?,
                    voucher: word(8),
                    descriptors: word(12),
                    body: word(16),
                    aux: has_aux.then_some(word(20) as u16),
                }))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::mach::PortType;

    #[test]
    fn what_is_encoded_is_decoded() {
        for record in [
            Record::Send(PortRef { port: 5, key: u64::MAX - 3, epoch: 7, limit: 1024 }),
            Record::Granted { receiver: u64::MAX - 9, port: PortRef { port: 1, key: 2, epoch: 3, limit: 4 } },
            Record::SendOnce(Token { slot: u16::MAX, generation: u32::MAX }),
            Record::Numbered { receiver: u64::MAX - 1, number: u64::MAX - 2, is_reply: true },
            Record::Numbered { receiver: 3, number: 4, is_reply: false },
            Record::Receive { key: u64::MAX - 5 },
            Record::Dead,
            Record::Form(Form::default()),
            Record::Form(Form {
                is_complex: true,
                reply: Reply::Dead(PortType::SendOnce),
                voucher: u32::MAX - 1,
                descriptors: u32::MAX - 2,
                body: u32::MAX - 3,
                aux: Some(u16::MAX),
            }),
        ] {
            assert_eq!(Record::decode(&record.encode()), Some(record));
        }
    }

    #[test]
    fn unknown_kinds_and_slots_are_refused() {
        assert_eq!(Record::decode(&[0; 32]), None);
        assert_eq!(Record::decode(&[7; 32]), None);
        let mut bytes = Record::SendOnce(Token { slot: 1, generation: 1 }).encode();
        bytes[6] = 1;
        assert_eq!(Record::decode(&bytes), None, "a slot above 65,535");
        for (at, value) in [(4, 4), (5, 4), (6, 17)] {
            let mut bytes = Record::Form(Form::default()).encode();
            bytes[at] = value;
            assert_eq!(Record::decode(&bytes), None, "a form with {value} at {at}");
        }
    }
}
