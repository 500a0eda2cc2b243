//! The floor that touches raw memory: sealed memfds, their mappings, and typed views of them.
//!
//! A segment is written by the one process that made it, and the kernel enforces that: it is mapped
//! writable *before* `F_SEAL_FUTURE_WRITE` is set, so its maker goes on writing and nobody else,
//! root included, can ever map, `mprotect`, `write` or punch it. What a receiver of such a segment
//! must check before it believes any of this is in [`PeerSegment::adopt`].
//!
//! Above this floor shared memory is only ever seen as a [`Shared`] view of atomics.

mod ancillary;
pub mod fork;
pub mod inherit;
mod mapping;
mod memfd;
pub mod process;
mod shared;
pub mod socket;

pub use memfd::{OwnMemory, OwnSegment, PeerSegment, Refused, is_segment};
pub use shared::{Shared, Words};
