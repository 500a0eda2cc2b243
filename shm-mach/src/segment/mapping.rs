//! One mapping, and its end.

use std::mem::ManuallyDrop;
use std::sync::Arc;

use memmap2::{Advice, MmapRaw};

use super::fork::Process;

/// A mapping, which a forked child does not have: there, unmapping it could hit something else.
#[derive(Debug)]
pub(super) struct Mapping {
    map: ManuallyDrop<MmapRaw>,
    /// Where it is mapped; `None`: in forked children too.
    process: Option<Process>,
}

impl Mapping {
    /// A mapping of a segment.
    pub(super) fn new(map: MmapRaw) -> std::io::Result<Arc<Self>> {
        let process = Some(Process::current()?);
        map.advise(Advice::DontFork)?;
        Ok(Arc::new(Self { map: ManuallyDrop::new(map), process }))
    }

    /// A mapping that a forked child does have, of its own.
    pub(super) fn kept_at_fork(map: MmapRaw) -> Arc<Self> {
        Arc::new(Self { map: ManuallyDrop::new(map), process: None })
    }
}

impl std::ops::Deref for Mapping {
    type Target = MmapRaw;

    fn deref(&self) -> &MmapRaw {
        &self.map
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if !self.process.is_some_and(Process::is_other) {
            // SAFETY: bounds and life: dropped once, here, by the last owner, and not used after.
            // Peer: unmapping concerns this process alone.
            unsafe { ManuallyDrop::drop(&mut self.map) }
        }
    }
}
