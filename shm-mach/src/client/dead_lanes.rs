//! Lanes that were killed: what lies in them is destroyed unread, and the rights in it are released.

use std::sync::atomic::Ordering;

use crate::client::link::{DEAD, FREE, Link};
use crate::ring::lane_in::LaneIn;
use crate::ring::lane_out::Death;
use crate::ring::slot::{Nonsense, Token};

/// A lane that was killed. What the peer has published there, and still publishes until it sees the
/// lane's death, is destroyed unread; the rights in it are released.
#[derive(Debug)]
pub(super) struct DeadLane {
    index: usize,
    lane: LaneIn,
    /// The heavy fence after the kill: what is published without seeing the death is seen here.
    is_fenced: bool,
    /// How many more messages an honest peer can have there.
    left: usize,
    /// The peer has ended the lane at this position: nothing more comes.
    end: Option<u64>,
}

impl DeadLane {
    fn has_more(&self) -> bool {
        self.end.is_some() || !self.is_fenced || (self.left > 0 && !matches!(self.lane.peek(), Ok(None)))
    }

    /// Copies the rights of the next message that carries some. Of one
    /// whose region is not known yet `may_come` says whether it is waited for.
    fn take(&mut self, link: &Link, raw: &mut RawRights, may_come: impl Fn() -> bool) -> Found {
        if !std::mem::replace(&mut self.is_fenced, true) {
            // Refused: then what is published from now on is found by a later look.
            let _ = self.lane.gate().heavy();
        }
        while self.left > 0 {
            let Ok(head) = self.lane.peek() else {
                self.left = 0;
                return Found::Nothing;
            };
            let Some(head) = head else { return Found::Nothing };
            if head.carries_rights() && link.misses_rights(&head) && may_come() {
                return Found::Later;
            }
            let copied = head.carries_rights()
                && match head.region {
                    None => self.lane.copy(&head, &mut raw.records, &mut raw.body).is_ok(),
                    Some(_) => link.read_rights(&head, raw).is_ok(),
                };
            self.lane.discard();
            self.left -= 1;
            if copied {
                raw.token = head.reply;
                raw.count = head.rights;
                return Found::Rights;
            }
        }
        Found::Nothing
    }
}

/// What a look at a killed lane finds.
enum Found {
    /// Rights, copied.
    Rights,
    /// No more (yet).
    Nothing,
    /// Rights in a region that was not heard of yet.
    Later,
}

/// The rights of a message that is destroyed unread.
#[derive(Debug, Default)]
pub(crate) struct RawRights {
    pub(crate) token: Option<Token>,
    /// How many records there are.
    pub(crate) count: usize,
    pub(crate) records: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

impl Link {
    /// The lane is read no further. The peer may open it again after it has said where it ends.
    pub(crate) fn kill_lane(&self, index: usize, mut lane: LaneIn, death: Death) {
        let mut dead = self.dead_lanes.lock();
        self.lanes_in[index].store(DEAD, Ordering::Release);
        lane.kill(death);
        let left = lane.capacity();
        self.remains.fetch_add(1, Ordering::Release);
        dead.push(DeadLane { index, lane, is_fenced: false, left, end: None });
    }

    /// Whether a message may lie in a lane that was killed.
    pub(crate) fn has_unread(&self) -> bool {
        self.remains.load(Ordering::Acquire) > 0
            && (self.dead_lanes.lock().iter().any(DeadLane::has_more) || self.has_late_answer())
    }

    /// Destroys messages in lanes that were killed, and answers that nobody waits for, up to the next
    /// one that carries rights: those are for the caller to release. False when there is none (yet).
    /// `may_come`: whether something that the authority has told is not heard yet.
    pub(crate) fn destroy_unread(&self, raw: &mut RawRights, may_come: impl Fn() -> bool) -> bool {
        if self.remains.load(Ordering::Acquire) == 0 {
            return false;
        }
        let mut dead = self.dead_lanes.lock();
        let mut at = 0;
        while at < dead.len() {
            let found = dead[at].take(self, raw, &may_come);
            if let Found::Rights = found {
                return true;
            }
            if let (Found::Nothing, Some(end)) = (found, dead[at].end) {
                // Read to the end: the peer may use the ring again.
                let over = dead.swap_remove(at);
                self.remains.fetch_sub(1, Ordering::Relaxed);
                self.lanes_in[over.index].store(FREE, Ordering::Release);
                self.own.bury(over.index, end);
                continue;
            }
            at += 1;
        }
        drop(dead);
        self.take_late_answer(raw, may_come)
    }

    /// The peer has seen that its lane is dead, and has ended it: it is free once it is read so far.
    ///
    /// # Errors
    /// [`Nonsense`]: the lane is not dead, or cannot end there.
    pub(crate) fn bury_lane(&self, lane: u32, end: u64) -> Result<(), Nonsense> {
        if !self.own.can_end(lane as usize, end) {
            return Err(Nonsense);
        }
        let mut dead = self.dead_lanes.lock();
        let ended = dead.iter_mut().find(|dead| dead.index == lane as usize && dead.end.is_none());
        ended.ok_or(Nonsense)?.end = Some(end);
        Ok(())
    }
}
