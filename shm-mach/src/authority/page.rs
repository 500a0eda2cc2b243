//! The page that each task is given: what the authority counts for it.

use std::os::fd::OwnedFd;

use crate::ring::layout::Bell;
use crate::segment::{OwnSegment, Shared};
use crate::wire::place::{ARRIVED_AT, TOLD_AT};

/// Bytes of a task's page: two bells. The first counts the events that the task was or will be told,
/// so that it knows that something is on its way; the second is rung once an event is there to be
/// read, and is what the task sleeps on.
pub(super) const PAGE_BYTES: usize = 4096;

/// Makes one: its two bells, and the descriptor for the task.
pub(super) fn make_page() -> std::io::Result<([Shared<Bell>; 2], OwnedFd)> {
    let segment = OwnSegment::create(PAGE_BYTES)?;
    segment.prefault(0, PAGE_BYTES)?;
    let bells = [TOLD_AT, ARRIVED_AT].map(|offset| segment.memory().view(offset));
    Ok((bells, segment.into_read_only()))
}
