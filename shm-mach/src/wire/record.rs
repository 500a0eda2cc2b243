//! The record of one right in a message, 32 bytes before the body.
//!
//! ```text
//! kind            bytes, little-endian
//! 1 SEND          0 kind u32 · 4 port u32 · 8 key u64 · 16 epoch u32 · 20 limit u32 · 24 zero
//! 2 SEND_ONCE     0 kind u32 · 4 slot u32 · 8 generation u32 · 12 zero
//! 3 DEAD          0 kind u32 · 4 zero
//! ```
//! A record says where a right is known and proves nothing: SEND and SEND_ONCE lead to ports of the
//! task whose half the record was read from, and only that task's own table says what they are worth.

use crate::ring::slot::{RIGHT_BYTES, Token};

/// One right, as it travels between two tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// A send right to a port of the sender's.
    Send {
        /// The port's index in the sender's table.
        port: u32,
        /// The port's key.
        key: u64,
        /// The epoch that the right is given in.
        epoch: u32,
        /// The port's queue limit.
        limit: u32,
    },
    /// A send-once right to a port of the sender's: a reply slot in the receiver's half.
    SendOnce(Token),
    /// A right to a port that is dead.
    Dead,
}

impl Record {
    /// Its bytes.
    pub fn encode(&self) -> [u8; RIGHT_BYTES] {
        let mut bytes = [0; RIGHT_BYTES];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        match *self {
            Self::Send { port, key, epoch, limit } => {
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
        }
        bytes
    }

    /// Reads one record; `None` for one that no honest library writes.
    pub fn decode(bytes: &[u8; RIGHT_BYTES]) -> Option<Self> {
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        match word(0) {
            1 => Some(Self::Send {
                port: word(4),
                key: u64::from(word(8)) | u64::from(word(12)) << 32,
                epoch: word(16),
                limit: word(20),
            }),
            2 => {
                let slot = u16::try_from(word(4)).ok()?;
                Some(Self::SendOnce(Token { slot, generation: word(8) }))
            }
            3 => Some(Self::Dead),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        for record in [
            Record::Send { port: 5, key: u64::MAX - 3, epoch: 7, limit: 1024 },
            Record::SendOnce(Token { slot: u16::MAX, generation: u32::MAX }),
            Record::Dead,
        ] {
            assert_eq!(Record::decode(&record.encode()), Some(record));
        }
    }

    #[test]
    fn unknown_kinds_and_slots_are_refused() {
        assert_eq!(Record::decode(&[0; 32]), None);
        assert_eq!(Record::decode(&[4; 32]), None);
        let mut bytes = Record::SendOnce(Token { slot: 1, generation: 1 }).encode();
        bytes[6] = 1;
        assert_eq!(Record::decode(&bytes), None, "a slot above 65,535");
    }
}
