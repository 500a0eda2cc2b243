//! Which process this is, in a line of forks.
//!
//! Mappings of segments are not inherited by a forked child (`MADV_DONTFORK`), so a handle that the
//! child inherits must not touch them, in its destructor neither. One page of the process is wiped at
//! fork; every handle looks at it first, and compares it with the process that it was made in. A
//! child that makes segments of its own is a process like any other.

use std::sync::OnceLock;
use std::sync::atomic::AtomicU32 as Count;

use futex::sync::{AtomicU32, Ordering};
use memmap2::{MmapOptions, MmapRaw};
use rustix::mm::{Advice, madvise};

use super::Shared;
use super::mapping::Mapping;

/// Holds the number of this process; 0 in a child that has none yet.
static PAGE: OnceLock<Shared<AtomicU32>> = OnceLock::new();

/// The last number given in this process or in those that it was forked from.
static LAST: Count = Count::new(0);

/// The process that something was made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process(u32);

impl Process {
    /// This process. Called before the first mapping of a segment.
    ///
    /// # Errors
    /// What the kernel says of mapping one page.
    pub fn current() -> std::io::Result<Self> {
        let page = match PAGE.get() {
            Some(page) => page,
            None => {
                let page = make_page()?;
                PAGE.get_or_init(|| page) // another thread may have been first: either page will do
            }
        };
        let now = page.load(Ordering::Relaxed);
        if now != 0 {
            return Ok(Self(now));
        }
        let next = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        match page.compare_exchange(0, next, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => Ok(Self(next)),
            Err(first) => Ok(Self(first)), // another thread gave the number
        }
    }

    /// Its number: not 0, and more than that of each process that it was forked from.
    pub fn number(self) -> u32 {
        self.0
    }

    /// Whether this process is another one: a forked child of the one meant here.
    #[inline]
    pub fn is_other(self) -> bool {
        PAGE.get().is_none_or(|page| page.load(Ordering::Relaxed) != self.0)
    }
}

fn make_page() -> std::io::Result<Shared<AtomicU32>> {
    let mut map = MmapOptions::new().len(rustix::param::page_size()).map_anon()?;
    // SAFETY: bounds: exactly the page just mapped. Life: it is private and anonymous, and no
    // reference to it exists yet. Peer: no other process maps it.
    unsafe { madvise(map.as_mut_ptr().cast(), map.len(), Advice::LinuxWipeOnFork)? };
    let page = Mapping::kept_at_fork(MmapRaw::from(map));
    Ok(Shared::map(page, 0).expect("a page holds a word"))
}
