//! What a task has to say to its authority and found its socket full: kept in order, and not without
//! bound, for the authority may stand still for as long as it likes.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use crate::wire::request::Request;

/// How much is kept. Beyond it nothing more is said of rights: their receivers count them for longer.
/// The rest is bounded by what the authority itself has said, and by the threads that wait for it.
const MOST: usize = 1 << 16;

/// Requests that wait for room in the socket, first to last.
#[derive(Debug, Default)]
pub(crate) struct Unsaid(VecDeque<Waiting>);

/// One of them, with its serial and its file descriptor.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) request: Request,
    pub(crate) serial: u32,
    pub(crate) fd: Option<OwnedFd>,
}

impl Unsaid {
    /// The first.
    pub(crate) fn front(&self) -> Option<&Waiting> {
        self.0.front()
    }

    /// The first was said.
    pub(crate) fn advance(&mut self) {
        self.0.pop_front();
    }

    /// Nobody is there to hear it.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Keeps one more. Rights to the same port that go back one after the other are one request.
    pub(crate) fn keep(&mut self, new: Waiting) {
        if let Some(last) = self.0.back_mut()
            && let Request::Release { receiver, port, count, by } = &mut last.request
            && let Request::Release { receiver: to, port: of, count: more, by: issuer } = &new.request
            && (&*receiver, &*port, &*by) == (to, of, issuer)
        {
            *count = count.saturating_add(*more);
        } else if self.0.len() < MOST || !is_of_rights(&new.request) {
            self.0.push_back(new);
        }
    }
}

/// Whether it tells of rights that a task has had, of which there is no end, and nobody waits for it.
fn is_of_rights(request: &Request) -> bool {
    matches!(
        request,
        Request::Release { .. }
            | Request::ReleaseOnce { .. }
            | Request::Settle { .. }
            | Request::SettleOnce { .. }
            | Request::Settled { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::request::PortRef;

    fn release(key: u64, count: u32, by: u64) -> Waiting {
        let port = PortRef { port: 1, epoch: 0, key, limit: 5 };
        Waiting { request: Request::Release { receiver: 9, port, count, by }, serial: 0, fd: None }
    }

    #[test]
    fn rights_that_go_back_to_one_port_are_summed_and_nothing_is_reordered() {
        let mut unsaid = Unsaid::default();
        for one in [release(1, 2, 0), release(1, 3, 0), release(1, 1, 7), release(2, 1, 7), release(1, 1, 7)]
        {
            unsaid.keep(one);
        }
        unsaid.keep(release(1, u32::MAX, 7));
        let mut said = Vec::new();
        while let Some(Waiting { request: Request::Release { port, count, by, .. }, .. }) = unsaid.front() {
            said.push((port.key, *count, *by));
            unsaid.advance();
        }
        assert_eq!(said, [(1, 5, 0), (1, 1, 7), (2, 1, 7), (1, u32::MAX, 7)]);
    }

    #[test]
    fn only_so_much_waits_and_what_is_waited_for_is_kept_all_the_same() {
        let mut unsaid = Unsaid::default();
        for key in 0..2 * MOST as u64 {
            unsaid.keep(release(key, 1, 0));
        }
        assert_eq!(unsaid.0.len(), MOST);
        unsaid.keep(Waiting { request: Request::Confirm, serial: 3, fd: None });
        unsaid.keep(release(0, 1, 0));
        assert_eq!((unsaid.0.len(), unsaid.0.back().map(|last| last.serial)), (MOST + 1, Some(3)));
    }
}
