//! What the system itself sends: a name died, a port came back, nobody can send any more.
//!
//! ```text
//! 65 PORT_DELETED    24 NDR · 32 name u32              36 bytes
//! 66 SEND_POSSIBLE   24 NDR · 32 name u32              36
//! 69 PORT_DESTROYED  24 count u32 (1) · 28 descriptor  40, COMPLEX
//! 70 NO_SENDERS      24 NDR · 32 mscount u32           36
//! 71 SEND_ONCE       (a header)                        24
//! 72 DEAD_NAME       24 NDR · 32 name u32              36
//! ```

use super::arrival::Arrival;
use super::content::Content;
use super::descriptor::{Address, Descriptor};
use super::disposition::{Disposition, PortType};
use super::envelope::Voucher;
use super::header::Header;
use super::name::RawName;
use super::options::Options;
use super::outline::Outline;
use super::trailer::Trailer;

/// `NDR_record` of a little-endian machine: how the data in a message is to be read.
pub const NDR: [u8; 8] = [0, 0, 0, 0, 1, 0, 0, 0];

/// Bytes of a payload that is a number behind [`NDR`].
const PAYLOAD_BYTES: usize = 12;

/// `mach_notify_*`: what a notification tells. Names are those of the task that receives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Notify {
    /// `MACH_NOTIFY_PORT_DELETED`: a name was freed on which a request stood.
    PortDeleted(RawName),
    /// `MACH_NOTIFY_SEND_POSSIBLE`: a queue that was full takes messages again.
    SendPossible(RawName),
    /// `MACH_NOTIFY_PORT_DESTROYED`: a receive right whose holder gave it up.
    PortDestroyed(RawName),
    /// `MACH_NOTIFY_NO_SENDERS`: no send right is left; how many had been made.
    NoSenders(u32),
    /// `MACH_NOTIFY_SEND_ONCE`: a send-once right to this port ended unused.
    SendOnce,
    /// `MACH_NOTIFY_DEAD_NAME`: a port died; its name has one reference more.
    DeadName(RawName),
}

/// A notification as a message. It lends its parts to a [`Content`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload {
    id: i32,
    descriptor: Option<Descriptor<Address>>,
    body: Option<[u8; PAYLOAD_BYTES]>,
}

impl Payload {
    /// As the content of a message.
    pub fn content(&self) -> Content<'_> {
        Content {
            is_complex: self.descriptor.is_some(),
            descriptors: self.descriptor.as_slice(),
            body: self.body.as_ref().map_or(&[], |body| body.as_slice()),
        }
    }

    /// The message, as it arrives at the port that the receiver knows as `port`: by a send-once
    /// right, without a reply, from the system itself.
    pub fn arrival(&self, port: RawName, seqno: u32, context: u64) -> Arrival<'_> {
        Arrival {
            id: self.id,
            port,
            port_type: PortType::SendOnce,
            reply: RawName::NULL,
            reply_type: None,
            voucher: Voucher::NONE,
            content: self.content(),
            trailer: Trailer::kernel(seqno, context),
        }
    }
}

impl Notify {
    /// `msgh_id`.
    pub const fn id(&self) -> i32 {
        match self {
            Self::PortDeleted(_) => 65,
            Self::SendPossible(_) => 66,
            Self::PortDestroyed(_) => 69,
            Self::NoSenders(_) => 70,
            Self::SendOnce => 71,
            Self::DeadName(_) => 72,
        }
    }

    /// Itself as a message.
    pub fn payload(&self) -> Payload {
        let id = self.id();
        let word = match *self {
            Self::SendOnce => return Payload { id, descriptor: None, body: None },
            Self::PortDestroyed(name) => {
                let disposition = Disposition::MoveReceive.number() as u8;
                let port = Descriptor::Port { name, disposition };
                return Payload { id, descriptor: Some(port), body: None };
            }
            Self::PortDeleted(RawName(word))
            | Self::SendPossible(RawName(word))
            | Self::DeadName(RawName(word))
            | Self::NoSenders(word) => word,
        };
        let [a, b, c, d] = word.to_le_bytes();
        let [e, f, g, h, i, j, k, l] = NDR;
        Payload { id, descriptor: None, body: Some([e, f, g, h, i, j, k, l, a, b, c, d]) }
    }

    /// Reads the notification that a received message is, by its id and its bytes up to the trailer.
    /// `None` of one that is not exactly as above; whether the system sent it, its trailer tells.
    pub fn decode(message: &[u8]) -> Option<Self> {
        let header = Header::decode(message)?;
        let size = u32::try_from(message.len()).ok()?;
        let shape = Outline::of_memory(size, message).ok()?.shape(Options::NONE, message).ok()?;
        let mut descriptors = shape.descriptors();
        let word = || {
            let (ndr, word) = shape.body().split_first_chunk()?;
            (*ndr == NDR).then_some(u32::from_le_bytes(word.try_into().ok()?))
        };
        let found = match header.id {
            65 => Self::PortDeleted(RawName(word()?)),
            66 => Self::SendPossible(RawName(word()?)),
            69 => match descriptors.next()? {
                Descriptor::Port { name, .. } => Self::PortDestroyed(name),
                _ => return None,
            },
            70 => Self::NoSenders(word()?),
            71 => Self::SendOnce,
            72 => Self::DeadName(RawName(word()?)),
            _ => return None,
        };
        let payload = found.payload();
        let expected = payload.content();
        let is_exact = header.size == size
            && header.bits.is_complex() == expected.is_complex
            && shape.descriptors().eq(expected.descriptors.iter().copied())
            && shape.body() == expected.body;
        is_exact.then_some(found)
    }
}
