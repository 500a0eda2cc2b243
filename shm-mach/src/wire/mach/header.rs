//! The first 24 bytes of a message.
//!
//! ```text
//! 0 msgh_bits u32 · 4 msgh_size u32 · 8 msgh_remote_port u32 · 12 msgh_local_port u32
//! 16 msgh_voucher_port u32 · 20 msgh_id i32 · COMPLEX only: 24 msgh_descriptor_count u32
//! ```

use std::mem::offset_of;

use super::bits::Bits;
use super::declared;
use super::name::RawName;
use super::pen::Pen;
use crate::wire::bytes::Reader;

/// Bytes of a header: `sizeof(mach_msg_header_t)`.
pub const HEADER_BYTES: u32 = size_of::<declared::Header>() as u32;
/// Bytes of a header with the count of descriptors: `sizeof(mach_msg_base_t)`.
pub const BASE_BYTES: u32 = size_of::<declared::Base>() as u32;

/// Where `msgh_size` is.
pub(super) const SIZE_AT: usize = offset_of!(declared::Header, size);
/// Where `msgh_remote_port` is.
pub(super) const REMOTE_AT: usize = offset_of!(declared::Header, remote);
/// Where `msgh_local_port` is.
pub(super) const LOCAL_AT: usize = offset_of!(declared::Header, local);
/// Where `msgh_voucher_port` is.
pub(super) const VOUCHER_AT: usize = offset_of!(declared::Header, voucher);

/// `mach_msg_header_t`. The names mean something only in the space of the task that reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// `msgh_bits`.
    pub bits: Bits,
    /// `msgh_size`: bytes of header and body. A send ignores it, a receive writes it.
    pub size: u32,
    /// `msgh_remote_port`: sent, the destination; received, the reply right.
    pub remote: RawName,
    /// `msgh_local_port`: sent, the reply port; received, the port that the message came through.
    pub local: RawName,
    /// `msgh_voucher_port`.
    pub voucher: RawName,
    /// `msgh_id`, which only sender and receiver understand.
    pub id: i32,
}

impl Header {
    /// Its bytes.
    pub fn encode(&self) -> [u8; HEADER_BYTES as usize] {
        let mut bytes = [0; HEADER_BYTES as usize];
        self.write(&mut Pen::new(&mut bytes));
        bytes
    }

    pub(super) fn write(&self, to: &mut Pen<'_>) {
        to.u32(self.bits.bits()).u32(self.size).u32(self.remote.0).u32(self.local.0);
        to.u32(self.voucher.0).bytes(&self.id.to_le_bytes());
    }

    /// Reads the header at the front of `bytes`; `None` if there are fewer than 24.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        Self::read(&mut Reader::new(bytes))
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            bits: Bits::from_bits(from.u32()?),
            size: from.u32()?,
            remote: RawName(from.u32()?),
            local: RawName(from.u32()?),
            voucher: RawName(from.u32()?),
            id: from.u32()?.cast_signed(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_where_mach_has_them() {
        let header = Header {
            bits: Bits::from_bits(0x0403_0201),
            size: 0x0807_0605,
            remote: RawName(0x0c0b_0a09),
            local: RawName(0x100f_0e0d),
            voucher: RawName(0x1413_1211),
            id: 0x1817_1615,
        };
        let bytes: Vec<u8> = (1..=24).collect();
        assert_eq!(header.encode()[..], bytes);
        assert_eq!(Header::decode(&bytes), Some(header));
        assert_eq!(bytes.get(..23).map(Header::decode), Some(None));
    }
}
