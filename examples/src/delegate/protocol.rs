//! What the processes say to each other.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shm_mach::Identity;

use crate::asker::AskError;
use crate::attempts::Attempt;

/// Client to server: open a file ([`Open`]). Answer: [`OPENED`] with a send right, or [`FAULT`].
pub(crate) const OPEN: i32 = 1;
/// The size of the file that was opened (8 bytes).
pub(crate) const OPENED: i32 = 2;
/// Client to server, at the end: what have you seen and done? Answer: [`Account`].
pub(crate) const ACCOUNT: i32 = 3;
/// Reader to server, at an open file's port: [`Read`]. Answer: [`DATA`] or [`FAULT`].
pub(crate) const READ: i32 = 4;
/// Bytes of the file; fewer than asked for only at its end.
pub(crate) const DATA: i32 = 5;
/// Reader to client: here is my port ([`Ready`]).
pub(crate) const READY: i32 = 6;
/// Client to reader: try these (a list of [`Attempt`]s). Answer: a list of [`Tried`].
pub(crate) const TRY: i32 = 7;
/// Client to reader: hash the file behind this right ([`struct@Hash`]). Answer: [`Hashed`].
pub(crate) const HASH: i32 = 8;
/// Client to reader: that was all. Answer: [`Summary`].
pub(crate) const END: i32 = 9;
/// An answer: what went wrong, in words.
pub(crate) const FAULT: i32 = 10;
/// An answer: what was asked for, or that it was done.
pub(crate) const DONE: i32 = 11;

/// The most bytes of one read.
pub(crate) const READ_MOST: usize = 64 * 1024;

/// Open a file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Open {
    /// The path's bytes.
    pub(crate) path: Vec<u8>,
    /// Revoke the reader's right after half the reads: after [`half`](Plan::half) of the [`Plan`].
    pub(crate) revoke: bool,
}

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Bytes of one read.
    pub(crate) step: u32,
    /// Half of the reads, at least one; only where the right is to be revoked after them.
    pub(crate) half: Option<u64>,
}

impl Plan {
    /// Small files are read in small parts, so that there are some to time and to revoke between.
    pub(crate) fn of(size: u64, revoke: bool) -> Self {
        let (parts, least) = if revoke { (8, 1) } else { (256, 512) };
        let step = (size / parts).clamp(least, READ_MOST as u64);
        let half = revoke.then(|| (size.div_ceil(step) / 2).max(1));
        Self { step: step as u32, half }
    }
}

/// A part of an open file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read {
    pub(crate) offset: u64,
    pub(crate) length: u32,
}

impl Read {
    pub(crate) fn encode(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&self.offset.to_le_bytes());
        bytes[8..].copy_from_slice(&self.length.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (offset, length) = bytes.split_first_chunk::<8>()?;
        let length = u32::from_le_bytes(length.try_into().ok()?);
        let read = Self { offset: u64::from_le_bytes(*offset), length };
        (length as usize <= READ_MOST).then_some(read)
    }
}

/// The reader has started and given up what it could.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    /// What it gave up, and what it could not, a line each.
    pub(crate) given_up: Vec<String>,
}

/// What came of an attempt: the error, or nothing if it succeeded.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Tried {
    pub(crate) attempt: Attempt,
    pub(crate) refused: Option<String>,
}

/// Hash a file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hash {
    /// Bytes of one read; fewer come only at the file's end.
    pub(crate) step: u32,
    /// After this many reads the next one must fail.
    pub(crate) revoked_after: Option<u64>,
}

/// What came of reading a file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Hashed {
    Digest([u8; 32]),
    /// The right was revoked after this many reads that worked; the library's words and code.
    Revoked {
        reads: u64,
        error: String,
        code: u32,
    },
}

/// What a task has sent.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) messages: u64,
    pub(crate) rights: u64,
}

/// What the reader has done.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) sent: Sent,
    pub(crate) bytes: u64,
    pub(crate) reads: u64,
    /// The first read, which makes the link to the server, in nanoseconds.
    pub(crate) first: u64,
    /// Round trips of the others: p50, p99 and p99.9, in nanoseconds.
    pub(crate) round_trip: [u64; 3],
    pub(crate) uid: u32,
    pub(crate) sealed: String,
}

/// What the server has done, and whom it has seen.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) sent: Sent,
    pub(crate) opened: u64,
    pub(crate) closed: u64,
    pub(crate) revoked: u64,
    pub(crate) client: Seen,
    /// Those who have read from open files.
    pub(crate) readers: Vec<Seen>,
}

/// A sender as the authority attests it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) pid: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl From<Identity> for Seen {
    fn from(Identity { pid, uid, gid }: Identity) -> Self {
        Self { pid, uid, gid }
    }
}

/// A message's body.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("these types have no map and no writer that could fail")
}

/// What a message's body says, if it is well-formed.
pub(crate) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, AskError> {
    serde_json::from_slice(body).map_err(|_| AskError::Nonsense)
}
