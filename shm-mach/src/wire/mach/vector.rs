//! The buffers of a vector call of `mach_msg2`, and the auxiliary data in the second.
//!
//! ```text
//! vector     0 msgv_data u64 · 8 msgv_rcv_addr u64 · 16 msgv_send_size u32 · 20 msgv_rcv_size u32
//! auxiliary  0 msgdh_size u32 · 4 zero u32 · 8 bytes
//! ```

use super::declared;
use super::descriptor::Address;
use super::outline::check_size;
use super::pen::Pen;
use super::refusal::{DeliveryFailure, SendRefusal};
use crate::wire::bytes::Reader;

/// Bytes of one vector.
pub const VECTOR_BYTES: usize = size_of::<declared::Vector>();
/// The most vectors of a call: the message, and auxiliary data.
pub const VECTORS_MAX: u32 = 2;
/// Bytes of the header of auxiliary data.
pub const AUX_HEADER_BYTES: u32 = size_of::<declared::AuxHeader>() as u32;
/// The most auxiliary data, its header included.
pub const AUX_MAX: u32 = 1024;

/// `mach_msg_vector_t`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vector {
    /// What to send, and where to receive.
    pub data: u64,
    /// Where to receive instead, unless 0.
    pub receive_at: u64,
    /// Bytes to send.
    pub send_size: u32,
    /// Bytes of room to receive.
    pub receive_size: u32,
}

impl Vector {
    /// Its bytes.
    pub fn encode(&self) -> [u8; VECTOR_BYTES] {
        let mut bytes = [0; VECTOR_BYTES];
        let mut to = Pen::new(&mut bytes);
        to.u64(self.data).u64(self.receive_at).u32(self.send_size).u32(self.receive_size);
        bytes
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let (data, receive_at) = (from.u64()?, from.u64()?);
        Some(Self { data, receive_at, send_size: from.u32()?, receive_size: from.u32()? })
    }

    fn receive_at(&self) -> Address {
        Address(if self.receive_at != 0 { self.receive_at } else { self.data })
    }
}

/// A buffer of a user: where it begins, and how many bytes it has.
pub type Buffer = (Address, u32);

/// The buffers of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vectors {
    /// For the message.
    pub message: Vector,
    /// For auxiliary data; zeros if the call has none.
    pub aux: Vector,
}

impl Vectors {
    /// Reads the list of a call: `count` vectors, the larger of the counts to send and to receive.
    ///
    /// # Errors
    /// Of a call that only receives each of these is [`DeliveryFailure::Arguments`].
    /// 1. More than two: [`SendRefusal::Vectors`].
    /// 2. None: [`SendRefusal::NoVector`].
    /// 3. The list cannot be read, so `bytes` is cut: [`SendRefusal::NullVector`].
    pub fn decode(bytes: &[u8], count: u32) -> Result<Self, SendRefusal> {
        if count > VECTORS_MAX {
            return Err(SendRefusal::Vectors { count });
        }
        if count == 0 {
            return Err(SendRefusal::NoVector);
        }
        let mut from = Reader::new(bytes);
        let message = Vector::read(&mut from).ok_or(SendRefusal::NullVector)?;
        let aux = if count == VECTORS_MAX {
            Vector::read(&mut from).ok_or(SendRefusal::NullVector)?
        } else {
            Vector::default()
        };
        Ok(Self { message, aux })
    }

    /// What the first `count` vectors have to send: the message and, if there is any, auxiliary data.
    ///
    /// # Errors
    /// 1. [`SendRefusal::NoVector`], [`SendRefusal::NullVector`] (X3).
    /// 2. [`SendRefusal::Size`] (Z1), [`SendRefusal::TooLong`] (Z2).
    /// 3. [`SendRefusal::NullVector`] of auxiliary data.
    /// 4. [`SendRefusal::AuxTooSmall`], [`SendRefusal::AuxTooLarge`] (Z12).
    pub fn to_send(&self, count: u32) -> Result<(Buffer, Option<Buffer>), SendRefusal> {
        if count == 0 {
            return Err(SendRefusal::NoVector);
        }
        if self.message.data == 0 {
            return Err(SendRefusal::NullVector);
        }
        check_size(self.message.send_size)?;
        let message = (Address(self.message.data), self.message.send_size);
        let size = self.aux.send_size;
        if count < VECTORS_MAX || size == 0 {
            return Ok((message, None));
        }
        if self.aux.data == 0 {
            return Err(SendRefusal::NullVector);
        }
        if size < AUX_HEADER_BYTES {
            return Err(SendRefusal::AuxTooSmall { size });
        }
        if size > AUX_MAX {
            return Err(SendRefusal::AuxTooLarge { size, most: AUX_MAX });
        }
        Ok((message, Some((Address(self.aux.data), size))))
    }

    /// Where the first `count` vectors receive: the message and, with two, auxiliary data. The
    /// message's buffer is not looked at before there is a message.
    ///
    /// # Errors
    /// [`DeliveryFailure::Arguments`]: none, or a second without an address or without room for the
    /// header of auxiliary data.
    pub fn to_receive(&self, count: u32) -> Result<(Buffer, Option<Buffer>), DeliveryFailure> {
        if count == 0 {
            return Err(DeliveryFailure::Arguments);
        }
        let message = (self.message.receive_at(), self.message.receive_size);
        if count < VECTORS_MAX {
            return Ok((message, None));
        }
        let aux = (self.aux.receive_at(), self.aux.receive_size);
        if aux.0 == Address(0) || aux.1 < AUX_HEADER_BYTES {
            return Err(DeliveryFailure::Arguments);
        }
        Ok((message, Some(aux)))
    }
}

/// Whether auxiliary data of `size` bytes, its header included, fits a receiver with `room` bytes for
/// it (X4). One that has no buffer for it is not shown it, so it always fits.
pub fn aux_fits(size: u32, room: Option<u32>) -> bool {
    room.is_none_or(|room| size <= room)
}

/// Writes auxiliary data into the receiver's buffer: `payload` behind a header that tells its size,
/// or a header with size 0 if the message had none (X4). Returns how many bytes were written.
///
/// # Errors
/// [`DeliveryFailure::TooLarge`]: nothing was written.
pub fn deliver_aux(payload: Option<&[u8]>, buffer: &mut [u8]) -> Result<usize, DeliveryFailure> {
    let payload_bytes = payload.unwrap_or_default();
    let whole = (payload_bytes.len() as u64).saturating_add(u64::from(AUX_HEADER_BYTES));
    let room = buffer.len() as u64;
    if whole > room {
        return Err(DeliveryFailure::TooLarge { needed: whole, room });
    }
    let told = if payload.is_some() { u32::try_from(whole).unwrap_or(u32::MAX) } else { 0 };
    let mut pen = Pen::new(buffer);
    Ok(pen.u32(told).u32(0).bytes(payload_bytes).written())
}
