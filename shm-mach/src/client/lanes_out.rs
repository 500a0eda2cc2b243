//! The sending side of a link: which lanes and payload areas are free, and what is still to be told.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use crate::client::error::SendFailure;
use crate::client::link::{Link, NoRoom};
use crate::ring::lane_out::{LaneOut, Refusal, Region};
use crate::ring::payload::{Area, longest_payload};
use crate::ring::slot::Head;
use crate::wire::control::Control;
use crate::wire::request::PortRef;

/// The sender's side of the link: which lanes are free, and what is still to be told.
#[derive(Debug)]
pub(super) struct OutLanes {
    pub(super) control: LaneOut,
    /// News that found the control lane full, in order.
    pub(super) backlog: VecDeque<Control>,
    /// For each lane, its last generation and where the next one starts.
    pub(super) lanes: Vec<(u32, u64)>,
    pub(super) free: Vec<usize>,
    /// Closed lanes whose close record the receiver has not read yet.
    pub(super) closing: Vec<Closing>,
    pub(super) free_areas: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct Closing {
    pub(super) lane: usize,
    pub(super) sender: LaneOut,
    /// The receiver was told where a dead lane ends.
    pub(super) abandoned: bool,
}

/// News that wait for room in the control lane.
const BACKLOG_MOST: usize = 1 << 16;

impl Link {
    /// Opens a lane to a port of the peer.
    pub(crate) fn open_lane(&self, to: PortRef) -> Result<(usize, LaneOut), NoRoom> {
        let PortRef { port, epoch, key, limit } = to;
        self.open(port, limit, |lane, generation, start| Control::Opened {
            lane,
            generation,
            port,
            epoch,
            key,
            start,
        })
    }

    /// Uses a send-once right that the peer knows by `number`: its one message has a lane of its own. What
    /// could be refused is had before the peer is told.
    ///
    /// # Errors
    /// [`SendFailure::TooLarge`], [`SendFailure::NoBuffer`]: nothing was told; [`SendFailure::PortDied`].
    pub(crate) fn send_on_own_lane(
        &self,
        number: u64,
        head: Head,
        parts: [&[u8]; 2],
    ) -> Result<(), SendFailure> {
        let (payload, longest) = (head.payload_bytes(), self.longest_payload());
        if payload > longest {
            return Err(SendFailure::TooLarge { length: head.length, longest });
        }
        let area =
            if payload > 0 { Some(self.claim_area().map_err(|NoRoom| SendFailure::NoBuffer)?) } else { None };
        let claimed = |lane, generation, start| Control::Claimed { lane, generation, number, start };
        let Ok((index, mut lane)) = self.open(0, 1, claimed) else {
            self.out.lock().free_areas.extend(area.map(|(index, ..)| index));
            return Err(SendFailure::NoBuffer);
        };
        if let Some((index, words, base)) = area {
            lane.set_area(Area::new(words, index, base, self.own.geometry.slots));
        }
        let sent = match lane.push(head, parts) {
            Ok(bell) => {
                bell.into_iter().for_each(|bell| self.ring(bell));
                Ok(())
            }
            Err(Refusal::Dead) => Err(SendFailure::PortDied),
            Err(refusal) => unreachable!("a new lane has room for a message: {refusal:?}"),
        };
        self.leave_lane(index, lane);
        sent
    }

    fn open(
        &self,
        port: u32,
        limit: u32,
        news: impl FnOnce(u32, u32, u64) -> Control,
    ) -> Result<(usize, LaneOut), NoRoom> {
        let mut out = self.out.lock();
        out.flush();
        out.reclaim();
        let lane = *out.free.last().ok_or(NoRoom)?;
        self.own.prefault_lane(lane).map_err(|_| NoRoom)?;
        let (generation, start) = out.lanes[lane];
        let generation = generation.wrapping_add(1).max(1);
        self.own.describe(lane, generation, port);
        let theirs = self.theirs();
        let words = self.own.out_words(theirs, lane);
        if !out.try_tell(&news(lane as u32, generation, start)) {
            return Err(NoRoom);
        }
        out.free.pop();
        out.lanes[lane].0 = generation;
        let opened = LaneOut::open(words, self.gate, generation, start, limit);
        Ok((lane, if theirs.is_none() { opened.pending() } else { opened }))
    }

    /// Closes a lane: its close record follows everything that was sent on it.
    pub(crate) fn close_lane(&self, lane: usize, mut sender: LaneOut) {
        if let Some(bell) = sender.close() {
            self.ring(bell);
        }
        self.leave_lane(lane, sender);
    }

    /// Nothing more is sent on a lane: it is free when the peer has read it to its end.
    fn leave_lane(&self, lane: usize, mut sender: LaneOut) {
        let mut out = self.out.lock();
        // The peer's half may have come since the lane was last used: it is looked for once.
        self.complete_lane(lane, &mut sender);
        out.closing.push(Closing { lane, sender, abandoned: false });
        out.reclaim();
    }

    /// Gives a lane room for long bodies.
    pub(crate) fn give_area(&self, sender: &mut LaneOut) -> Result<(), NoRoom> {
        let (index, words, base) = self.claim_area()?;
        sender.set_area(Area::new(words, index, base, self.own.geometry.slots));
        Ok(())
    }

    /// Takes a payload area for good, and where it begins in the payload region.
    pub(crate) fn take_area(&self) -> Result<(Region, usize), NoRoom> {
        self.claim_area().map(|(_, words, base)| (words, base))
    }

    fn claim_area(&self) -> Result<(usize, Region, usize), NoRoom> {
        let mut out = self.out.lock();
        if out.free_areas.is_empty() {
            out.reclaim();
        }
        let index = *out.free_areas.last().ok_or(NoRoom)?;
        let (words, base) = self.own.area(index).map_err(|_| NoRoom)?;
        out.free_areas.pop();
        Ok((index, words, base))
    }

    /// Rings a bell of the own half.
    pub(crate) fn ring(&self, bell: u8) {
        LaneOut::ring(&self.own.bells, bell);
    }

    /// The longest payload of a message that lies in the half; a longer one gets a region.
    pub(crate) fn longest_payload(&self) -> usize {
        longest_payload(self.own.geometry.area_bytes)
    }

    /// Gives rights back to the peer. What was sent with them is received first.
    /// `by` had passed them on (0: the peer itself had given them).
    pub(crate) fn give_back(&self, to: PortRef, count: u64, by: u64) {
        self.tell(Control::Returned { port: to.port, epoch: to.epoch, key: to.key, count, by });
    }

    /// Tells the peer something, now or as soon as the control lane has room. Never waits.
    pub(crate) fn tell(&self, news: Control) {
        let mut out = self.out.lock();
        out.flush();
        if !out.backlog.is_empty() || !out.try_tell(&news) {
            out.defer(news);
        }
        self.has_backlog.store(!out.backlog.is_empty(), Ordering::Relaxed);
    }

    /// Tells the peer something if that is possible now; gives the control lane's position after it.
    pub(super) fn tell_now(&self, news: &Control) -> Option<u64> {
        let mut out = self.out.lock();
        out.flush();
        (out.backlog.is_empty() && out.try_tell(news)).then(|| out.control.position())
    }

    /// Tells what found the control lane full, as far as there is room now: the program may never
    /// tell anything again by itself.
    pub(crate) fn flush(&self) {
        self.retire_regions();
        if self.has_backlog.load(Ordering::Relaxed) {
            let mut out = self.out.lock();
            out.flush();
            self.has_backlog.store(!out.backlog.is_empty(), Ordering::Relaxed);
        }
    }
}

impl OutLanes {
    /// Lanes whose close record was read are free again. One that the receiver has killed is read no
    /// further: it is told where the lane ends, and answers by moving its cursor there.
    pub(super) fn reclaim(&mut self) {
        let mut at = 0;
        while at < self.closing.len() {
            let closing = &mut self.closing[at];
            if closing.sender.is_drained() {
                let Closing { lane, sender, .. } = self.closing.swap_remove(at);
                let (start, area) = sender.end();
                self.lanes[lane].1 = start;
                self.free.push(lane);
                self.free_areas.extend(area.map(|area| area.index()));
                continue;
            }
            if !closing.abandoned && closing.sender.see_death() {
                let news = Control::Abandoned { lane: closing.lane as u32, end: closing.sender.position() };
                self.closing[at].abandoned = self.try_tell(&news);
            }
            at += 1;
        }
    }

    pub(super) fn try_tell(&mut self, news: &Control) -> bool {
        let (id, body) = news.encode();
        match self.control.push(Head::message(id, body.len()), [&[], &body]) {
            Ok(Some(bell)) => {
                LaneOut::ring(self.control.bells(), bell);
                true
            }
            Ok(None) => true,
            Err(Refusal::Full) => false,
            Err(Refusal::Dead | Refusal::TooLarge | Refusal::NeedsArea) => true, // nobody is there to tell
        }
    }

    /// Keeps news until there is room. A peer that reads no news while it goes on giving rights
    /// away does not fill this task's memory: beyond
    /// the limit it is not told that they are back.
    fn defer(&mut self, news: Control) {
        if let (
            Some(Control::Returned { port, epoch, key, count, by }),
            Control::Returned { port: new_port, epoch: new_epoch, key: new_key, count: more, by: new_by },
        ) = (self.backlog.back_mut(), news)
            && (*port, *epoch, *key, *by) == (new_port, new_epoch, new_key, new_by)
        {
            *count = count.saturating_add(more);
        } else if self.backlog.len() < BACKLOG_MOST {
            self.backlog.push_back(news);
        }
    }

    pub(super) fn flush(&mut self) {
        while let Some(news) = self.backlog.front().copied() {
            if !self.try_tell(&news) {
                return;
            }
            self.backlog.pop_front();
        }
    }
}
