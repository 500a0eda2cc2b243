//! What two processes that are joined over a bare socket say there.
//!
//! ```text
//! HELLO, 48 bytes, little-endian, with the half's file descriptor and the sender's credentials
//! 0  magic u64 · 8 version u32 · 12 features u32 · 16 nonce u64
//! 24 port u32 · 28 limit u32 · 32 key u64 · 40 zero
//! ECHO, 16 bytes, with the sender's credentials
//! 0  magic u64 · 8 the other's nonce u64
//! LEND, 16 bytes, with a region's file descriptor and the sender's credentials; any time later
//! 0  magic u64 · 8 region u32 · 12 zero
//! ```

use std::num::NonZeroU32;

use crate::ring::layout::{MAGIC, VERSION};

/// Bytes of a [`Hello`].
pub const HELLO_BYTES: usize = 48;
/// Bytes of an echo.
pub const ECHO_BYTES: usize = 16;
/// Bytes of what tells of a region.
pub const LEND_BYTES: usize = 16;

/// The first message of each side: here is my half, and a send right to this port of mine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// What the sender can promise: see the layout's feature bits.
    pub features: u32,
    /// To be sent back, which proves that the process which has these credentials reads.
    pub nonce: u64,
    /// The port's index in the sender's table.
    pub port: u32,
    /// Its queue limit.
    pub limit: u32,
    /// Its key.
    pub key: u64,
}

/// Why a hello was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadHello {
    /// It has another length or another magic number.
    #[error("the peer does not speak shm-mach")]
    NotOurs,
    /// It has another layout version.
    #[error("the peer speaks version {found} of the layout, this is version {VERSION}")]
    Version {
        /// The peer's version.
        found: u32,
    },
}

impl Hello {
    /// Its bytes.
    pub fn encode(&self) -> [u8; HELLO_BYTES] {
        let mut bytes = [0; HELLO_BYTES];
        bytes[0..8].copy_from_slice(&MAGIC.to_le_bytes());
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.features.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.nonce.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.port.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.limit.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.key.to_le_bytes());
        bytes
    }

    /// Reads a hello.
    ///
    /// # Errors
    /// In the order checked: [`BadHello::NotOurs`], [`BadHello::Version`].
    pub fn decode(bytes: &[u8]) -> Result<Self, BadHello> {
        let bytes: &[u8; HELLO_BYTES] = bytes.try_into().map_err(|_| BadHello::NotOurs)?;
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        if long(0) != MAGIC {
            return Err(BadHello::NotOurs);
        }
        if word(8) != VERSION {
            return Err(BadHello::Version { found: word(8) });
        }
        Ok(Self { features: word(12), nonce: long(16), port: word(24), limit: word(28), key: long(32) })
    }
}

/// The bytes of an echo of `nonce`.
pub fn echo(nonce: u64) -> [u8; ECHO_BYTES] {
    let mut bytes = [0; ECHO_BYTES];
    bytes[0..8].copy_from_slice(&MAGIC.to_le_bytes());
    bytes[8..16].copy_from_slice(&nonce.to_le_bytes());
    bytes
}

/// The bytes that tell of the sender's region `region`.
pub fn lend(region: NonZeroU32) -> [u8; LEND_BYTES] {
    let mut bytes = [0; LEND_BYTES];
    bytes[0..8].copy_from_slice(&MAGIC.to_le_bytes());
    bytes[8..12].copy_from_slice(&region.get().to_le_bytes());
    bytes
}

/// Which region they tell of; `None`: no honest library says it.
pub fn lent(bytes: &[u8]) -> Option<NonZeroU32> {
    let region = NonZeroU32::new(u32::from_le_bytes(bytes.get(8..12)?.try_into().ok()?))?;
    (bytes == lend(region)).then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_told_of() {
        let bytes = lend(NonZeroU32::MAX);
        assert_eq!(lent(&bytes), Some(NonZeroU32::MAX));
        assert_eq!(lent(&bytes[..15]), None);
        assert_eq!(lent(&[bytes.as_slice(), b"x"].concat()), None);
        assert_eq!(lent(&echo(0)), None, "no region has the number 0");
        assert_eq!(lent(&[1; LEND_BYTES]), None);
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let hello = Hello { features: 1, nonce: u64::MAX - 7, port: 3, limit: 128, key: 1 << 63 };
        assert_eq!(Hello::decode(&hello.encode()), Ok(hello));
    }

    #[test]
    fn another_protocol_or_version_is_named() {
        let hello = Hello { features: 0, nonce: 0, port: 0, limit: 0, key: 0 };
        let mut bytes = hello.encode();
        bytes[8] = 99;
        assert_eq!(Hello::decode(&bytes), Err(BadHello::Version { found: 99 }));
        bytes[0] = b'x';
        assert_eq!(Hello::decode(&bytes), Err(BadHello::NotOurs));
        assert_eq!(Hello::decode(&hello.encode()[..47]), Err(BadHello::NotOurs));
    }
}
