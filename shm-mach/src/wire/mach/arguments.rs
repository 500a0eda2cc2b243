//! The arguments of `mach_msg2`, which has the header in them, two numbers in each.

use super::bits::Bits;
use super::header::Header;
use super::name::RawName;

/// What `mach_msg2` gets beside the address of its data, the options and the timeout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// The header to send. Its size is that of the message; of a vector call, how many vectors are
    /// to be sent.
    pub header: Header,
    /// How many descriptors the message has.
    pub descriptors: u32,
    /// Where to receive from.
    pub receive_name: RawName,
    /// The room to receive into; of a vector call, how many vectors are to be received into.
    pub receive_size: u32,
    /// The priority, if the options say that it counts.
    pub priority: u32,
}

impl Arguments {
    /// Takes the five packed arguments apart, in their order (X1): bits and size, remote and local
    /// port, voucher and id, count of descriptors and name to receive from, room and priority. The
    /// first of each pair is in the lower half.
    pub const fn unpack(packed: [u64; 5]) -> Self {
        let [bits_size, remote_local, voucher_id, count_name, room_priority] = packed;
        Self {
            header: Header {
                bits: Bits::from_bits(bits_size as u32),
                size: (bits_size >> 32) as u32,
                remote: RawName(remote_local as u32),
                local: RawName((remote_local >> 32) as u32),
                voucher: RawName(voucher_id as u32),
                id: (voucher_id >> 32) as i32,
            },
            descriptors: count_name as u32,
            receive_name: RawName((count_name >> 32) as u32),
            receive_size: room_priority as u32,
            priority: (room_priority >> 32) as u32,
        }
    }
}
