//! What follows a received message: its number, and who sent it.
//!
//! ```text
//! elements   bytes   adds
//! 0 NULL         8   0 msgh_trailer_type u32 (0) · 4 msgh_trailer_size u32
//! 1 SEQNO       12   8 msgh_seqno u32
//! 2 SENDER      20   12 msgh_sender: uid u32, gid u32
//! 3 AUDIT       52   20 msgh_audit: 8 times u32
//! 4 CTX         60   52 msgh_context u64
//! 7 AV, others  68   60 msgh_ad u32 (0) · 64 msgh_labels.sender u32 (0)
//! ```

use std::mem::offset_of;

use super::declared;
use super::options::Options;
use super::pen::Pen;
use crate::wire::bytes::Reader;

/// Bytes of the shortest trailer: `MACH_MSG_TRAILER_MINIMUM_SIZE`.
pub const TRAILER_MIN: u32 = size_of::<declared::Trailer>() as u32;
/// Bytes of the longest: `MAX_TRAILER_SIZE`.
pub const TRAILER_MAX: u32 = size_of::<declared::MacTrailer>() as u32;

/// `security_token_t`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SecurityToken {
    /// The sender's user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

impl SecurityToken {
    /// `KERNEL_SECURITY_TOKEN`: of what the system itself sends.
    pub const KERNEL: Self = Self { uid: 0, gid: 1 };
}

/// `audit_token_t`. What its words mean is for who fills it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditToken(pub [u32; 8]);

impl AuditToken {
    /// `KERNEL_AUDIT_TOKEN`: of what the system itself sends.
    pub const KERNEL: Self = Self([0; 8]);
}

/// All that a trailer can tell. A receiver gets as much of it as it asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trailer {
    /// `msgh_seqno`: how many messages the port had delivered before.
    pub seqno: u32,
    /// `msgh_sender`: the sending task's, at the time of sending.
    pub sender: SecurityToken,
    /// `msgh_audit`: likewise.
    pub audit: AuditToken,
    /// `msgh_context`: the port's, at the time of receiving.
    pub context: u64,
}

impl Options {
    /// `REQUESTED_TRAILER_SIZE`: the bytes of the trailer that this receive asks for.
    pub const fn trailer_size(self) -> u32 {
        match self.trailer_elements() {
            0 => TRAILER_MIN,
            1 => offset_of!(declared::MacTrailer, sender) as u32,
            2 => offset_of!(declared::MacTrailer, audit) as u32,
            3 => offset_of!(declared::MacTrailer, context) as u32,
            4 => offset_of!(declared::MacTrailer, ad) as u32,
            _ => TRAILER_MAX,
        }
    }
}

impl Trailer {
    /// That of a message of the system's own: a notification, or what is left of a message that did
    /// not fit.
    pub const fn kernel(seqno: u32, context: u64) -> Self {
        Self { seqno, sender: SecurityToken::KERNEL, audit: AuditToken::KERNEL, context }
    }

    /// As many of its bytes as `options` asks for, from the front of `buffer` on; a buffer that is
    /// too short gets the front of them. Returns how many were written.
    pub fn encode(&self, options: Options, buffer: &mut [u8]) -> usize {
        let size = options.trailer_size();
        let room = buffer.len().min(size as usize);
        let mut pen = Pen::new(buffer.get_mut(..room).unwrap_or_default());
        pen.u32(0).u32(size).u32(self.seqno).u32(self.sender.uid).u32(self.sender.gid);
        for word in self.audit.0 {
            pen.u32(word);
        }
        pen.u64(self.context).u64(0);
        pen.written()
    }

    /// Reads a trailer: itself, and its bytes. What a short one does not tell is 0. `None` if it is
    /// not of format 0 or of no known size, or is cut.
    pub fn decode(bytes: &[u8]) -> Option<(Self, u32)> {
        let mut head = Reader::new(bytes);
        let (0, size @ (8 | 12 | 20 | 52 | 60 | TRAILER_MAX)) = (head.u32()?, head.u32()?) else {
            return None;
        };
        let mut whole = [0; TRAILER_MAX as usize];
        let told = bytes.get(..size as usize)?;
        Pen::new(&mut whole).bytes(told);
        let mut from = Reader::new(&whole);
        from.u64()?;
        let (seqno, uid, gid) = (from.u32()?, from.u32()?, from.u32()?);
        let mut audit = [0; 8];
        for word in &mut audit {
            *word = from.u32()?;
        }
        let sender = SecurityToken { uid, gid };
        Some((Self { seqno, sender, audit: AuditToken(audit), context: from.u64()? }, size))
    }
}
