//! What was taken from a link and is not the program's yet.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::client::link::Link;

/// Rights of one message, between the take and their arrival: they count as queued on the link, since
/// neither its lanes nor the program's rights show them.
#[derive(Debug)]
pub(crate) struct InHand {
    link: Arc<Link>,
    is_counted: bool,
}

impl InHand {
    /// Rights of a message that is taken from this link now: under the lock of the port, before the lane
    /// or the answer is gone. `count`: of those beside its reply right, which leads to the peer itself.
    pub(crate) fn of(link: &Arc<Link>, count: usize) -> Self {
        let is_counted = count > 0;
        if is_counted {
            link.in_hand.fetch_add(1, Ordering::Relaxed);
        }
        Self { link: link.clone(), is_counted }
    }
}

impl Deref for InHand {
    type Target = Arc<Link>;

    fn deref(&self) -> &Arc<Link> {
        &self.link
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        if self.is_counted {
            // Release: who sees that nothing is in hand sees the rights that have arrived.
            self.link.in_hand.fetch_sub(1, Ordering::Release);
        }
    }
}

impl Link {
    /// Whether nothing of a dead peer's is left to be received or destroyed. Its last news were acted on.
    pub(crate) fn is_dry(&self) -> bool {
        // The lanes first: a message that was the last of one was in hand before the lane had ended.
        !self.is_read() && !self.has_unread() && self.in_hand.load(Ordering::Acquire) == 0
    }
}
