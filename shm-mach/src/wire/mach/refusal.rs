//! Why a message is refused.

use thiserror::Error;

use super::code::Code;
use super::name::RawName;

/// Why a send is refused. Nothing was looked up then, and nothing consumed.
///
/// One variant for each cause; [`code`](Self::code) is what `mach_msg` returns for it, and several
/// causes share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum SendRefusal {
    /// X2: the options contradict each other, or do not say whom the call is for.
    #[error("the options do not say exactly once whom the call is for, or vectors do not fit it")]
    Options,
    /// X3: more buffers than a vector call can have.
    #[error("{count} buffers, at most 2 are possible")]
    Vectors {
        /// How many.
        count: u32,
    },
    /// X3: a vector call without a buffer.
    #[error("a vector call without a buffer")]
    NoVector,
    /// X3: a buffer at address 0, or the buffers' list cannot be read.
    #[error("a buffer that is to be sent has no address, or the list of buffers cannot be read")]
    NullVector,
    /// Z1: shorter than a header, or no multiple of 4.
    #[error("a message of {size} bytes is shorter than a header or no multiple of 4")]
    Size {
        /// Bytes of the message.
        size: u32,
    },
    /// Z2: longer than any message may be.
    #[error("a message of {size} bytes is longer than {longest}")]
    TooLong {
        /// Bytes of the message.
        size: u32,
        /// The most that is possible.
        longest: u32,
    },
    /// Z3: the header, or the count behind it, cannot be read.
    #[error("the header cannot be read")]
    UnreadableHeader,
    /// Z4: COMPLEX, and no room for a count of descriptors.
    #[error("the message is COMPLEX and has no count of descriptors")]
    NoCount,
    /// Z5: the count of descriptors is larger than could fit.
    #[error("{count} descriptors do not fit into the message")]
    Count {
        /// How many were announced.
        count: u32,
    },
    /// Z6: descriptors announced beside a message that is not COMPLEX.
    #[error("{count} descriptors, but the message is not COMPLEX")]
    CountOfSimple {
        /// How many were announced.
        count: u32,
    },
    /// Z8: more descriptors than a call to an object may have.
    #[error("{count} descriptors in a call to an object, at most 3 are possible")]
    ObjectCount {
        /// How many.
        count: u32,
    },
    /// Z9: no descriptor has this type, or not in a call of this kind.
    #[error("descriptor {index} has type {kind}, which this call cannot have")]
    DescriptorType {
        /// Its place among the descriptors.
        index: u32,
        /// Its type byte.
        kind: u8,
    },
    /// Z9: a descriptor runs past the end of the message.
    #[error("descriptor {index} runs past the end of the message")]
    DescriptorCut {
        /// Its place among the descriptors.
        index: u32,
    },
    /// Z10: neither a physical nor a virtual copy.
    #[error("descriptor {index} has a copy option that is neither physical nor virtual")]
    CopyOption {
        /// Its place among the descriptors.
        index: u32,
    },
    /// Z10: a guarded descriptor that moves no receive right, or with flags that fit nothing.
    #[error("descriptor {index} is guarded, with a disposition or flags that it cannot have")]
    Guard {
        /// Its place among the descriptors.
        index: u32,
    },
    /// Z10: more rights than one message can carry.
    #[error("more than {most} rights in one message")]
    Rights {
        /// The most that is possible.
        most: u32,
    },
    /// Z11: the body cannot be read to its end.
    #[error("the body cannot be read")]
    UnreadableBody,
    /// Z12: auxiliary data, shorter than its header.
    #[error("{size} bytes of auxiliary data are less than their header")]
    AuxTooSmall {
        /// Bytes of it.
        size: u32,
    },
    /// Z12: more auxiliary data than a message can have.
    #[error("{size} bytes of auxiliary data are more than {most}")]
    AuxTooLarge {
        /// Bytes of it.
        size: u32,
        /// The most that is possible.
        most: u32,
    },
    /// SD1: bits that no sender may set.
    #[error("bits {bits:#010x} of the header are not for senders")]
    HeaderBits {
        /// Those bits.
        bits: u32,
    },
    /// SD1: a reply port without a disposition, or with one that gives nothing to send to.
    #[error("disposition {disposition} does not fit the reply port")]
    ReplyDisposition {
        /// The disposition's number.
        disposition: u32,
    },
    /// SD2: a voucher with a disposition that it cannot have, or DEAD.
    #[error("the voucher is DEAD, or disposition {disposition} does not fit it")]
    Voucher {
        /// The disposition's number.
        disposition: u32,
    },
    /// SD1: the destination's disposition gives nothing to send to.
    #[error("disposition {disposition} does not fit the destination")]
    DestDisposition {
        /// The disposition's number.
        disposition: u32,
    },
    /// SD3: the destination is NULL or DEAD.
    #[error("the destination {name} is no name of a right")]
    NoDest {
        /// NULL or DEAD.
        name: RawName,
    },
    /// SD3: the destination is the voucher, and its disposition fits no voucher.
    #[error("the destination is also the voucher, and is not moved or copied as a send right")]
    DestIsVoucher,
    /// SD3: destination and reply are one name, and a send-once right cannot be both.
    #[error("the destination is also the reply, and one of them moves a send-once right")]
    DestIsReply,
    /// SD4: a strict reply was asked for, and the reply is no send-once right.
    #[error("the reply must be a send-once right for a strict reply")]
    StrictReply,
    /// SD4: the reply is the voucher.
    #[error("the reply is also the voucher")]
    ReplyIsVoucher,
    /// B1: a right in the body has a disposition that no right has. Found when its turn comes, so
    /// what stands before it in the message is consumed.
    #[error("disposition {disposition} fits no right")]
    BodyDisposition {
        /// The disposition's number.
        disposition: u8,
    },
}

impl SendRefusal {
    /// What `mach_msg` returns.
    pub const fn code(&self) -> Code {
        match self {
            Self::Options => Code::SEND_INVALID_OPTIONS,
            Self::Vectors { .. } | Self::NullVector | Self::UnreadableHeader | Self::UnreadableBody => {
                Code::SEND_INVALID_DATA
            }
            Self::NoVector
            | Self::Size { .. }
            | Self::NoCount
            | Self::Count { .. }
            | Self::DescriptorCut { .. } => Code::SEND_MSG_TOO_SMALL,
            Self::TooLong { .. }
            | Self::CountOfSimple { .. }
            | Self::ObjectCount { .. }
            | Self::Rights { .. } => Code::SEND_TOO_LARGE,
            Self::DescriptorType { .. } | Self::CopyOption { .. } | Self::Guard { .. } => {
                Code::SEND_INVALID_TYPE
            }
            Self::AuxTooSmall { .. } => Code::SEND_AUX_TOO_SMALL,
            Self::AuxTooLarge { .. } => Code::SEND_AUX_TOO_LARGE,
            Self::HeaderBits { .. } | Self::ReplyDisposition { .. } | Self::DestDisposition { .. } => {
                Code::SEND_INVALID_HEADER
            }
            Self::Voucher { .. } => Code::SEND_INVALID_VOUCHER,
            Self::NoDest { .. } | Self::DestIsVoucher | Self::DestIsReply => Code::SEND_INVALID_DEST,
            Self::StrictReply | Self::ReplyIsVoucher => Code::SEND_INVALID_REPLY,
            Self::BodyDisposition { .. } => Code::SEND_INVALID_RIGHT,
        }
    }
}

/// Why a message is not in the receiver's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum DeliveryFailure {
    /// X3: a vector call without a buffer, with too many, or with one that cannot hold the least.
    #[error("the buffers of the call cannot be received into")]
    Arguments,
    /// Message and trailer need more room. Nothing was written.
    #[error("the message needs {needed} bytes, {room} are there")]
    TooLarge {
        /// Bytes of message and trailer.
        needed: u64,
        /// Bytes of the buffer.
        room: u64,
    },
    /// Not even a header fits. Nothing was written.
    #[error("a buffer of {room} bytes does not hold a header")]
    NoRoom {
        /// Bytes of the buffer.
        room: u64,
    },
}

impl DeliveryFailure {
    /// What `mach_msg` returns.
    pub const fn code(&self) -> Code {
        match self {
            Self::Arguments => Code::RCV_INVALID_ARGUMENTS,
            Self::TooLarge { .. } => Code::RCV_TOO_LARGE,
            Self::NoRoom { .. } => Code::RCV_INVALID_DATA,
        }
    }
}
