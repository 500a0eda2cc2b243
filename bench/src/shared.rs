//! Memory that both processes of a repetition read and write.
//!
//! The anchors are deliberately unprotected: both sides hold the same read-write mapping and trust each other. What
//! keeps this sound inside one process is that shared words are only ever seen as atomics, and that byte ranges
//! are only copied, never borrowed.

use crate::failure::Failure;
use memmap2::{MmapOptions, MmapRaw};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::{AtomicU32, AtomicU64};

/// The distance at which two words never share a cache line, nor a pair of lines fetched together.
pub(crate) const APART: usize = 128;

/// A read-write mapping of a file whose size is sealed.
pub(crate) struct Shared {
    map: MmapRaw,
}

impl Shared {
    /// Maps `length` bytes of a file that cannot shrink, with every page present.
    pub(crate) fn map(file: impl AsFd, length: usize) -> Result<Self, Failure> {
        let file = file.as_fd().as_raw_fd();
        let map = MmapOptions::new().len(length).populate().map_raw(file)?;
        Ok(Self { map })
    }

    /// The four bytes at `offset` as an atomic word.
    pub(crate) fn word32(&self, offset: usize) -> &AtomicU32 {
        let at = self.at(offset, size_of::<AtomicU32>(), align_of::<AtomicU32>());
        // SAFETY: bounds and alignment were checked by `at`; the mapping lives as long as `self`, from which the
        // reference borrows, and its file is sealed against shrinking; the peer changes these bytes by atomic accesses
        // only, and any bit pattern is a valid word.
        unsafe { AtomicU32::from_ptr(at.cast()) }
    }

    /// The eight bytes at `offset` as an atomic word.
    pub(crate) fn word64(&self, offset: usize) -> &AtomicU64 {
        let at = self.at(offset, size_of::<AtomicU64>(), align_of::<AtomicU64>());
        // SAFETY: as in `word32`.
        unsafe { AtomicU64::from_ptr(at.cast()) }
    }

    /// `N` atomic words from `offset` on.
    pub(crate) fn words<const N: usize>(&self, offset: usize) -> &[AtomicU64; N] {
        let at = self.at(offset, size_of::<[AtomicU64; N]>(), align_of::<AtomicU64>());
        // SAFETY: bounds and alignment were checked by `at` for the whole array; life, peer and bit patterns are as in
        // `word32`.
        unsafe { &*at.cast::<[AtomicU64; N]>() }
    }

    /// Copies `from` to `offset`.
    pub(crate) fn copy_in(&self, offset: usize, from: &[u8]) {
        let at = self.at(offset, from.len(), 1);
        // SAFETY: `at` checked that the range lies inside the mapping, and private memory never overlaps it. No
        // reference to these bytes exists in this process. The peer is the same program and does not touch the range
        // between this side's taking it (an Acquire load of the peer's cursor) and giving it away (a Release store of
        // its own); were it to, torn bytes would fail the payload check.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), at, from.len()) }
    }

    /// Copies from `offset` into `to`.
    pub(crate) fn copy_out(&self, offset: usize, to: &mut [u8]) {
        let at = self.at(offset, to.len(), 1);
        // SAFETY: as in `copy_in`, with source and destination exchanged; any bytes are valid in a `u8` slice.
        unsafe { std::ptr::copy_nonoverlapping(at, to.as_mut_ptr(), to.len()) }
    }

    /// The address of `length` bytes at `offset`; panics unless they lie inside the mapping and are aligned.
    fn at(&self, offset: usize, length: usize, align: usize) -> *mut u8 {
        let end = offset.checked_add(length).expect("a range that wraps");
        assert!(end <= self.map.len(), "bytes {offset}..{end} of {}", self.map.len());
        assert!(offset.is_multiple_of(align), "offset {offset} is not aligned to {align}");
        self.map.as_mut_ptr().wrapping_add(offset)
    }
}
