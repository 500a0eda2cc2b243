//! Whether this process is a forked child of the one that made the mappings.
//!
//! Mappings of segments are not inherited by a child (`MADV_DONTFORK`), so a handle that the child
//! inherits must not touch them, in its destructor neither. One page of the process is wiped at
//! fork; every handle looks at it first.

use std::sync::OnceLock;

use futex::sync::{AtomicU32, Ordering};
use memmap2::{MmapOptions, MmapRaw};
use rustix::mm::{Advice, madvise};

use super::Shared;
use super::mapping::Mapping;

static PARENT: OnceLock<Shared<AtomicU32>> = OnceLock::new();

/// Makes the page, before the first mapping of a segment.
///
/// # Errors
/// What the kernel says of mapping one page.
pub(super) fn watch() -> std::io::Result<()> {
    if PARENT.get().is_none() {
        let mut map = MmapOptions::new().len(rustix::param::page_size()).map_anon()?;
        // SAFETY: bounds: exactly the page just mapped. Life: it is private and anonymous, and no
        // reference to it exists yet. Peer: no other process maps it.
        unsafe { madvise(map.as_mut_ptr().cast(), map.len(), Advice::LinuxWipeOnFork)? };
        let page = Mapping::kept_at_fork(MmapRaw::from(map));
        let word: Shared<AtomicU32> = Shared::map(page, 0).expect("a page holds a word");
        word.store(1, Ordering::Relaxed);
        let _ = PARENT.set(word); // another thread may have been first: either page will do
    }
    Ok(())
}

/// Whether this process is a child that inherited handles it must not use.
#[inline]
pub fn is_child() -> bool {
    PARENT.get().is_some_and(|word| word.load(Ordering::Relaxed) == 0)
}
