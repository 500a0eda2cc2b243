//! A caller's buffer: a slice, or an address.

use crate::client::task::Task;
use crate::wire::mach::Address;

use super::letter::Reach;
use super::memory::{Memory, Raw};

/// How much of a message is read at once; only a longer one is read twice.
const FIRST: usize = 4096;

/// Where a caller has a message, or wants one.
#[derive(Debug)]
pub(super) enum Place<'a> {
    /// Memory that this call has for itself.
    Slice(&'a mut [u8]),
    /// An address that the caller has promised to be his.
    Raw(Raw, Memory, Address),
}

impl Place<'_> {
    pub(super) fn reach(&self, task: &Task) -> Reach {
        let (raw, at) = match self {
            Self::Slice(slice) => (None, Address(slice.as_ptr().addr() as u64)),
            Self::Raw(raw, _, at) => (Some(*raw), *at),
        };
        Reach { memory: Memory::of(task.identity()), at, raw }
    }

    /// Bytes of the caller's buffer, of which the caller says that it has `size`.
    pub(super) fn room(&self, size: u32) -> usize {
        match self {
            Self::Slice(slice) => slice.len().min(size as usize),
            Self::Raw(..) => size as usize,
        }
    }

    /// What can be read of the first `size` bytes, at most `longest`.
    pub(super) fn read<'s>(&'s self, size: u32, longest: u32, scratch: &'s mut Vec<u8>) -> &'s [u8] {
        let (size, longest) = (size as usize, longest as usize);
        match self {
            Self::Slice(slice) => &slice[..slice.len().min(size)],
            Self::Raw(_, memory, at) => {
                scratch.clear();
                scratch.resize(size.min(FIRST), 0);
                let mut done = memory.read(*at, scratch);
                if done == FIRST && size > FIRST && size <= longest {
                    scratch.resize(size, 0);
                    let rest = Address(at.0.saturating_add(FIRST as u64));
                    done += memory.read(rest, &mut scratch[FIRST..]);
                }
                &scratch[..done]
            }
        }
    }

    /// Writes `bytes` from the offset `from` on; says whether all of it could be written.
    pub(super) fn write(&mut self, from: usize, bytes: &[u8]) -> bool {
        match self {
            Self::Slice(slice) => {
                let room = slice.get_mut(from..).and_then(|rest| rest.get_mut(..bytes.len()));
                room.map(|room| room.copy_from_slice(bytes)).is_some()
            }
            Self::Raw(raw, memory, at) => memory.write(*raw, Address(at.0.wrapping_add(from as u64)), bytes),
        }
    }
}
