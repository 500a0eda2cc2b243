//! One mapping, and its end.

use std::mem::ManuallyDrop;
use std::sync::Arc;

use memmap2::{Advice, MmapRaw};

use super::fork;

/// A mapping, which a forked child does not have: there, unmapping it could hit something else.
#[derive(Debug)]
pub(super) struct Mapping(ManuallyDrop<MmapRaw>);

impl Mapping {
    /// A mapping of a segment.
    pub(super) fn new(map: MmapRaw) -> std::io::Result<Arc<Self>> {
        fork::watch()?;
        map.advise(Advice::DontFork)?;
        Ok(Arc::new(Self(ManuallyDrop::new(map))))
    }

    /// A mapping that a forked child does have, of its own.
    pub(super) fn kept_at_fork(map: MmapRaw) -> Arc<Self> {
        Arc::new(Self(ManuallyDrop::new(map)))
    }
}

impl std::ops::Deref for Mapping {
    type Target = MmapRaw;

    fn deref(&self) -> &MmapRaw {
        &self.0
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if !fork::is_child() {
            // SAFETY: bounds and life: dropped once, here, by the last owner, and not used after.
            // Peer: unmapping concerns this process alone.
            unsafe { ManuallyDrop::drop(&mut self.0) }
        }
    }
}
