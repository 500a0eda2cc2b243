//! The memory file that a table lies in: a segment of the task's own, sealed, which anybody who is
//! given the read-only file can look into.
//!
//! ```text
//! written by the task that made it, alone
//! 0     magic u64        the bytes "shm-mach"; stored last
//! 8     version u32      1
//! 12    line bytes u32   64
//! 16    lines u32        line 0 included
//! 20    zero
//! 4096  the lines, one after the other: see `table`
//! ```

use std::os::fd::{AsFd, OwnedFd};

use futex::sync::{self, AtomicU32, AtomicU64, Ordering};
use thiserror::Error;

use super::table::{Line, NameReader, NameTable};
use crate::segment::{OwnMemory, OwnSegment, PeerSegment, Refused, Shared};

/// The first word of the file.
pub const MAGIC: u64 = u64::from_le_bytes(*b"shm-mach");
/// The version of its layout.
pub const VERSION: u32 = 1;
/// The most lines of a table: nearly one for each index, and the file has less than 1 GiB.
pub const LINES_MAX: usize = (1 << 24) - 64;

const VERSION_AT: usize = 8;
const LINE_BYTES_AT: usize = 12;
const LINES_AT: usize = 16;
const LINES_FROM: usize = 4096;
const LINE_BYTES: usize = 64;
/// Lines whose memory is asked for at one time: a page's worth.
const CHUNK: usize = 4096 / LINE_BYTES;

/// The memory of a table's lines, which is made as they are used.
#[derive(Debug)]
pub(super) struct Backing {
    memory: OwnMemory,
    /// A bit for each chunk that is there.
    made: Vec<u64>,
}

impl Backing {
    /// Makes sure that there is memory for a line, so that writing it raises no signal.
    pub(super) fn reserve(&mut self, line: usize) -> std::io::Result<()> {
        let chunk = line / CHUNK;
        let (word, bit) = (chunk / 64, 1 << (chunk % 64));
        if self.made.get(word).is_some_and(|made| made & bit != 0) {
            return Ok(());
        }
        self.memory.prefault(LINES_FROM + chunk * CHUNK * LINE_BYTES, CHUNK * LINE_BYTES)?;
        if word >= self.made.len() {
            self.made.resize(word + 1, 0);
        }
        self.made[word] |= bit;
        Ok(())
    }
}

impl NameTable {
    /// A table of `lines` lines, line 0 included, in a segment of its own, and the read-only file of
    /// that. Memory is used only for lines that are.
    ///
    /// # Errors
    /// What the kernel says of making, mapping or filling it.
    ///
    /// # Panics
    /// With less than 2 lines, or more than [`LINES_MAX`].
    pub fn create(lines: usize) -> std::io::Result<(Self, OwnedFd)> {
        assert!((2..=LINES_MAX).contains(&lines), "a table has 2 to {LINES_MAX} lines");
        let segment = OwnSegment::create(LINES_FROM + lines * LINE_BYTES)?;
        segment.prefault(0, LINES_FROM)?;
        let memory = segment.memory();
        let put = |at, value| memory.view::<AtomicU32>(at).store(value, Ordering::Relaxed);
        put(VERSION_AT, VERSION);
        put(LINE_BYTES_AT, LINE_BYTES as u32);
        put(LINES_AT, lines as u32);
        memory.view::<AtomicU64>(0).store(MAGIC, Ordering::Release);
        let all: Shared<[Line]> = memory.slice(LINES_FROM, lines);
        let table = Self::backed(all, Backing { memory, made: Vec::new() });
        Ok((table, segment.into_read_only()))
    }
}

/// Why a file is no table of names.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BadTable {
    /// It is no sealed segment.
    #[error("the table is refused: {0}")]
    Refused(#[from] Refused),
    /// Its header has another magic number, version or size of lines.
    #[error("not a table of names of version {VERSION}")]
    Version,
    /// Its header tells of more lines than it has room for.
    #[error("the table has an impossible size")]
    Size,
}

impl NameReader {
    /// A reading end of another task's table, for a tool that was given its file. What it reads there
    /// is whatever that task chose to write.
    ///
    /// # Errors
    /// [`BadTable`], in the order of its variants.
    pub fn adopt(file: impl AsFd) -> Result<Self, BadTable> {
        let most = LINES_FROM + LINES_MAX * LINE_BYTES;
        let file = file.as_fd().try_clone_to_owned().map_err(Refused::Kernel)?;
        let segment = PeerSegment::adopt(&file, LINES_FROM, most)?;
        let magic = segment.view::<AtomicU64>(0).ok_or(BadTable::Size)?.load(Ordering::Relaxed);
        sync::fence(Ordering::Acquire);
        let word = |at| segment.view::<AtomicU32>(at).map_or(0, |word| word.load(Ordering::Relaxed));
        if (magic, word(VERSION_AT), word(LINE_BYTES_AT)) != (MAGIC, VERSION, LINE_BYTES as u32) {
            return Err(BadTable::Version);
        }
        let lines = word(LINES_AT) as usize;
        segment.slice(LINES_FROM, lines).map(Self::new).ok_or(BadTable::Size)
    }
}
