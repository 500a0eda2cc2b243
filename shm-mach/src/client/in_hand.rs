//! What was taken from a link and is not the program's yet.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::client::link::Link;

/// The rights of one message, between the take and their arrival.
#[derive(Debug)]
pub(crate) struct InHand {
    /// Whose half they were read from.
    pub(crate) link: Arc<Link>,
    /// They count as queued on the link; `None`: there is nothing but a reply right, which leads to the peer
    /// itself. So a message that asks for an answer pays nothing for this.
    pub(crate) counted: Option<Counted>,
}

impl InHand {
    /// Rights of a message that is taken from this link now: under the lock of the port, before the lane
    /// or the answer is gone. `count`: of those beside its reply right.
    #[inline]
    pub(crate) fn of(link: &Arc<Link>, count: usize) -> Self {
        Self { link: link.clone(), counted: if count > 0 { Some(Counted::on(link)) } else { None } }
    }
}

/// Rights of third tasks may be in hand: they count as queued on the link, since neither its lanes nor
/// the program's rights show them.
#[derive(Debug)]
pub(crate) struct Counted(Arc<Link>);

impl Counted {
    fn on(link: &Arc<Link>) -> Self {
        link.in_hand.fetch_add(1, Ordering::Relaxed);
        Self(link.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        // Release: who sees that nothing is in hand sees the rights that have arrived.
        self.0.in_hand.fetch_sub(1, Ordering::Release);
    }
}

impl Link {
    /// Whether nothing of a dead peer's is left to be received or destroyed. Its last news were acted on.
    pub(crate) fn is_dry(&self) -> bool {
        // The lanes first: a message that was the last of one was in hand before the lane had ended.
        !self.is_read() && !self.has_unread() && self.in_hand.load(Ordering::Acquire) == 0
    }
}
