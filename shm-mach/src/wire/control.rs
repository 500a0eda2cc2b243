//! What the library of one task tells that of another, as messages of the control lane.
//!
//! ```text
//! id  name      body, 32 bytes, little-endian
//! 1   OPENED    0 lane u32 · 4 generation u32 · 8 port u32 · 12 epoch u32 · 16 key u64 · 24 start u64
//! 2   RETURNED  0 port u32 · 4 epoch u32 · 8 key u64 · 16 count u64 · 24 by u64
//! 3   ABANDONED 0 lane u32 · 4 zero · 8 end u64 · 16 zero
//! 4   UNSENT    0 port u32 · 4 epoch u32 · 8 key u64 · 16 receiver u64 · 24 zero
//! 5   SETTLED   0 port u32 · 4 epoch u32 · 8 key u64 · 16 held u64 · 24 issuer u64
//! 6   RETIRED   0 region u32 · 4 zero
//! 8   CLAIMED   0 lane u32 · 4 generation u32 · 8 number u64 · 16 start u64 · 24 zero
//! 9   DROPPED   0 slot u32 · 4 generation u32 · 8 number u64 · 16 zero
//! 10  WATCHED   0 port u32 · 4 epoch u32 · 8 key u64 · 16 serial u64 · 24 zero
//! 11  ENDED     0 port u32 · 4 epoch u32 · 8 key u64 · 16 serial u64 · 24 end u32 · 28 zero
//! ```

use std::num::NonZeroU32;

use crate::ring::slot::Token;

/// Bytes of the body of each control message: it fits into a slot.
pub const BYTES: usize = 32;

/// One piece of news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// The sender has opened a lane in its half for a port of the receiver's. Says where the right
    /// is known; whether this sender holds one, only the receiver's own table says.
    Opened {
        /// Index of the lane, not 0.
        lane: u32,
        /// The lane's generation.
        generation: u32,
        /// The port's index in the receiver's table.
        port: u32,
        /// The epoch that the right was given in: a revocation ends an epoch.
        epoch: u32,
        /// The port's key, as it came with the right.
        key: u64,
        /// Position of the generation's first slot.
        start: u64,
    },
    /// The sender gives back send rights: so many of those that it was given.
    Returned {
        /// The port's index in the receiver's table.
        port: u32,
        /// The epoch that the rights were given in.
        epoch: u32,
        /// The port's key.
        key: u64,
        /// How many.
        count: u64,
        /// The task that had passed them on; 0: the receiver itself had given them, or the authority,
        /// or they were told in a settlement.
        by: u64,
    },
    /// The sender has seen that a lane of its is dead, and writes nothing more to it.
    Abandoned {
        /// Index of the lane, not 0.
        lane: u32,
        /// Position after the last slot it wrote.
        end: u64,
    },
    /// The sender has asked the authority to let the receiver use a right to a third task's port, and
    /// will not send it. The receiver gives it back.
    Unsent {
        /// The port's index in the third task's table.
        port: u32,
        /// The epoch that the right is of.
        epoch: u32,
        /// The port's key.
        key: u64,
        /// The third task.
        receiver: u64,
    },
    /// The sender answers what it has of rights to a port of the receiver's that a task, dead now, had
    /// passed on to it.
    Settled {
        /// The port's index in the receiver's table.
        port: u32,
        /// The epoch that the rights are of.
        epoch: u32,
        /// The port's key.
        key: u64,
        /// How many it holds, of those that it has not given back.
        held: u64,
        /// The dead task.
        issuer: u64,
    },
    /// The sender uses a send-once right that was passed on to it: the first record of this lane, and
    /// the only one, is its message.
    Claimed {
        /// Index of the lane, not 0.
        lane: u32,
        /// The lane's generation.
        generation: u32,
        /// By which the receiver knows the right.
        number: u64,
        /// Position of the message.
        start: u64,
    },
    /// A send-once right that was passed on, by the sender or to it, is dropped unused, or has not
    /// arrived.
    Dropped {
        /// By which the receiver knows it.
        number: u64,
        /// The token that the sender had of it: for when the receiver does not know the number, because
        /// the authority died before it told. Slot 65,535: none.
        token: Token,
    },
    /// The sender uses a region no more: the receiver may unmap it.
    Retired {
        /// Its number.
        region: NonZeroU32,
    },
    /// The sender wants to hear of the end of a right that it holds to a port of the receiver's.
    Watched {
        /// The port's index in the receiver's table.
        port: u32,
        /// The epoch that the right is of.
        epoch: u32,
        /// The port's key.
        key: u64,
        /// Which of the sender's questions this is: they count up.
        serial: u64,
    },
    /// Rights that the receiver holds, or says that it holds, to a port of the sender's have ended.
    Ended {
        /// The port's index in the sender's table.
        port: u32,
        /// See [`End::Revoked`].
        epoch: u32,
        /// The port's key.
        key: u64,
        /// The last of the receiver's questions about the port that was read before this was said. Of rights
        /// that it has asked about later, or got later, this says nothing, unless the port died.
        serial: u64,
        /// Which of them.
        end: End,
    },
}

/// Which rights to a port have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum End {
    /// All: there is no such port any more.
    Died = 1,
    /// Those of an older epoch: they were revoked.
    Revoked = 2,
    /// The one that was asked about: it was none.
    Void = 3,
}

/// No token: see [`Control::Dropped`].
pub const NO_TOKEN: Token = Token { slot: u16::MAX, generation: 0 };

impl Control {
    /// The message id and body.
    pub fn encode(&self) -> (i32, [u8; BYTES]) {
        let mut body = [0; BYTES];
        let mut put = |at: usize, bytes: &[u8]| body[at..at + bytes.len()].copy_from_slice(bytes);
        match *self {
            Self::Opened { lane, generation, port, epoch, key, start } => {
                put(0, &lane.to_le_bytes());
                put(4, &generation.to_le_bytes());
                put(8, &port.to_le_bytes());
                put(12, &epoch.to_le_bytes());
                put(16, &key.to_le_bytes());
                put(24, &start.to_le_bytes());
                (1, body)
            }
            Self::Returned { port, epoch, key, count, by } => {
                put(0, &port.to_le_bytes());
                put(4, &epoch.to_le_bytes());
                put(8, &key.to_le_bytes());
                put(16, &count.to_le_bytes());
                put(24, &by.to_le_bytes());
                (2, body)
            }
            Self::Abandoned { lane, end } => {
                put(0, &lane.to_le_bytes());
                put(8, &end.to_le_bytes());
                (3, body)
            }
            Self::Unsent { port, epoch, key, receiver } => {
                put(0, &port.to_le_bytes());
                put(4, &epoch.to_le_bytes());
                put(8, &key.to_le_bytes());
                put(16, &receiver.to_le_bytes());
                (4, body)
            }
            Self::Settled { port, epoch, key, held, issuer } => {
                put(0, &port.to_le_bytes());
                put(4, &epoch.to_le_bytes());
                put(8, &key.to_le_bytes());
                put(16, &held.to_le_bytes());
                put(24, &issuer.to_le_bytes());
                (5, body)
            }
            Self::Claimed { lane, generation, number, start } => {
                put(0, &lane.to_le_bytes());
                put(4, &generation.to_le_bytes());
                put(8, &number.to_le_bytes());
                put(16, &start.to_le_bytes());
                (8, body)
            }
            Self::Dropped { number, token } => {
                put(0, &u32::from(token.slot).to_le_bytes());
                put(4, &token.generation.to_le_bytes());
                put(8, &number.to_le_bytes());
                (9, body)
            }
            Self::Retired { region } => {
                put(0, &region.get().to_le_bytes());
                (6, body)
            }
            Self::Watched { port, epoch, key, serial } => {
                put(0, &port.to_le_bytes());
                put(4, &epoch.to_le_bytes());
                put(8, &key.to_le_bytes());
                put(16, &serial.to_le_bytes());
                (10, body)
            }
            Self::Ended { port, epoch, key, serial, end } => {
                put(0, &port.to_le_bytes());
                put(4, &epoch.to_le_bytes());
                put(8, &key.to_le_bytes());
                put(16, &serial.to_le_bytes());
                put(24, &(end as u32).to_le_bytes());
                (11, body)
            }
        }
    }

    /// Reads a control message; `None` for one that no honest library sends.
    pub fn decode(id: i32, body: &[u8]) -> Option<Self> {
        let body: &[u8; BYTES] = body.try_into().ok()?;
        let word = |at: usize| u32::from_le_bytes([body[at], body[at + 1], body[at + 2], body[at + 3]]);
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        match id {
            1 if word(0) != 0 && word(4) != 0 => Some(Self::Opened {
                lane: word(0),
                generation: word(4),
                port: word(8),
                epoch: word(12),
                key: long(16),
                start: long(24),
            }),
            2 => Some(Self::Returned {
                port: word(0),
                epoch: word(4),
                key: long(8),
                count: long(16),
                by: long(24),
            }),
            3 if word(0) != 0 => Some(Self::Abandoned { lane: word(0), end: long(8) }),
            4 => Some(Self::Unsent { port: word(0), epoch: word(4), key: long(8), receiver: long(16) }),
            5 => Some(Self::Settled {
                port: word(0),
                epoch: word(4),
                key: long(8),
                held: long(16),
                issuer: long(24),
            }),
            8 if word(0) != 0 && word(4) != 0 => {
                Some(Self::Claimed { lane: word(0), generation: word(4), number: long(8), start: long(16) })
            }
            9 => {
                let token = Token { slot: u16::try_from(word(0)).ok()?, generation: word(4) };
                Some(Self::Dropped { number: long(8), token })
            }
            6 => NonZeroU32::new(word(0)).map(|region| Self::Retired { region }),
            10 => Some(Self::Watched { port: word(0), epoch: word(4), key: long(8), serial: long(16) }),
            11 => {
                let end = match word(24) {
                    1 => End::Died,
                    2 => End::Revoked,
                    3 => End::Void,
                    _ => return None,
                };
                Some(Self::Ended { port: word(0), epoch: word(4), key: long(8), serial: long(16), end })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        let all = [
            Control::Opened {
                lane: 255,
                generation: u32::MAX,
                port: 7,
                epoch: 3,
                key: u64::MAX - 1,
                start: 1 << 40,
            },
            Control::Returned { port: 9, epoch: 1, key: 11, count: u64::MAX, by: u64::MAX - 2 },
            Control::Abandoned { lane: 1, end: u64::MAX },
            Control::Unsent { port: 2, epoch: 3, key: 4, receiver: u64::MAX - 5 },
            Control::Settled { port: 2, epoch: 3, key: 4, held: u64::MAX - 6, issuer: u64::MAX - 7 },
            Control::Claimed { lane: 255, generation: 1, number: u64::MAX - 4, start: u64::MAX },
            Control::Dropped { number: u64::MAX - 5, token: Token { slot: 7, generation: u32::MAX } },
            Control::Dropped { number: 0, token: NO_TOKEN },
            Control::Retired { region: NonZeroU32::MAX },
            Control::Watched { port: 1, epoch: u32::MAX, key: 3, serial: u64::MAX - 4 },
            Control::Ended { port: 1, epoch: 2, key: u64::MAX - 3, serial: 0, end: End::Died },
            Control::Ended { port: 1, epoch: 2, key: 3, serial: u64::MAX - 4, end: End::Revoked },
            Control::Ended { port: u32::MAX, epoch: 2, key: 3, serial: 4, end: End::Void },
        ];
        for control in all {
            let (id, body) = control.encode();
            assert_eq!(Control::decode(id, &body), Some(control));
        }
    }

    #[test]
    fn other_lengths_ids_and_lane_zero_are_refused() {
        assert_eq!(Control::decode(1, &[1; 31]), None);
        assert_eq!(Control::decode(2, &[1; 33]), None);
        assert_eq!(Control::decode(0, &[1; 32]), None);
        assert_eq!(Control::decode(7, &[1; 32]), None);
        assert_eq!(Control::decode(6, &[0; 32]), None, "no region has the number 0");
        assert_eq!(Control::decode(11, &[0; 32]), None, "nothing ends in no way");
        assert_eq!(Control::decode(1, &[0; 32]), None, "lane 0 is the control lane itself");
    }
}
