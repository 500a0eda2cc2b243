//! What a task hears outside of its ports' queues, and what it does about it: lanes that are opened,
//! rights that are given back, tasks that are introduced, and deaths.
//!
//! One thread at a time acts, and in this order: the authority's events first, then each link's news.
//! So whatever a peer can tell of, because it has seen it happen, has been heard before the peer.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use futex::{Deadline, Gate};

use crate::client::aftermath::Aftermath;
use crate::client::attach::Authority;
use crate::client::holders::AUTHORITY;
use crate::client::link::Link;
use crate::client::peers::identity;
use crate::client::receive_right::TICK;
use crate::client::settlement::Subject;
use crate::client::space::Leftover;
use crate::client::task::Inner;
use crate::ring::lane_out::Death;
use crate::ring::layout::{Bell, SLOTS_MAX};
use crate::ring::samples::Samples;
use crate::ring::sleepers::Sleepers;
use crate::ring::slot::Nonsense;
use crate::ring::world::World;
use crate::segment::Shared;
use crate::wire::control::{Control, NO_TOKEN};
use crate::wire::event::{Event, Found};
use crate::wire::request::{MOVED, PortRef};

impl World for Inner {
    fn sample(&self, samples: &mut Samples) {
        if let Some(authority) = &self.authority {
            authority.sample(samples);
            // Before the links: another thread may be adding one that this sleep must watch.
            samples.add(self.changes.clone());
        }
        for link in self.links().iter() {
            link.sample(samples);
        }
        self.rooms.sample(samples);
    }

    fn look(&self) {
        self.look_for_room();
        self.look_at_timers();
        let links = self.links();
        links.iter().for_each(|link| link.flush());
        let has_events = || self.authority.as_ref().is_some_and(|authority| authority.has_events());
        let is_due = self.settlement.is_due() || self.hosted.is_due();
        if !is_due && !has_events() && !links.iter().any(|link| link.has_news() || link.has_unread()) {
            return;
        }
        let acting = self.acting.lock();
        self.act_on_events();
        for link in self.links().iter() {
            if self.act_on_news(link, false).is_err() {
                self.lose_link(link, true);
            }
        }
        drop(acting);
        self.destroy_all_unread();
    }

    fn hear(&self) -> bool {
        self.look_for_room();
        self.look_at_timers();
        let links = self.links();
        links.iter().for_each(|link| link.flush());
        let has_events = || self.authority.as_ref().is_some_and(|authority| authority.has_events());
        let is_new = |link: &Arc<Link>| link.has_news() || link.has_unread();
        let is_due = self.settlement.is_due() || self.hosted.is_due();
        if !is_due && !has_events() && !links.iter().any(is_new) {
            return true;
        }
        let authority = self.authority.as_ref().map(|authority| (authority, authority.told()));
        let acting = self.acting.lock();
        self.act_on_events();
        let mut heard = authority.is_none_or(|(authority, told)| authority.has_acted_on(told));
        for link in self.links().iter() {
            match self.act_on_all_news(link, false) {
                Ok(all) => heard &= all,
                Err(_) => self.lose_link(link, true),
            }
        }
        drop(acting);
        // Who is about to sleep would do it only at its next tick.
        self.destroy_all_unread();
        heard
    }

    fn arm(&self, gates: &mut Vec<Gate>) {
        for link in self.links().iter() {
            if link.arm() {
                gates.push(link.gate);
            }
        }
    }

    fn sleepers(&self) -> &Sleepers {
        &self.sleepers
    }

    fn read_on(&self) {
        self.look_for_room();
    }

    fn rang(&self, bell: &Shared<Bell>) {
        for link in self.links().iter() {
            if link.rang(bell) {
                self.lose_link(link, true);
            }
        }
    }
}

/// What is left of a link's news after some were acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// Nothing.
    None,
    /// Perhaps something.
    Unknown,
    /// Something that waits for an event that the authority has announced.
    Waits,
}

/// News of one link that are acted on in one look, so that a peer cannot keep a thread busy.
const NEWS_A_LOOK: usize = 64;

impl Inner {
    /// Acts on some of a link's news. `are_last`: the authority has told of the
    /// peer's death, and so of everything that the peer had done.
    ///
    /// Of other news some wait, and what follows waits behind them: an event may be on its way that
    /// must be acted on before.
    fn act_on_news(&self, link: &Arc<Link>, are_last: bool) -> Result<Rest, Nonsense> {
        let mut count = 0;
        while count < NEWS_A_LOOK {
            let Some(news) = link.peek_news()? else {
                if count > 0 {
                    link.has_heard();
                }
                return Ok(Rest::None);
            };
            let authority = self.authority.as_ref().filter(|_| !are_last && self.depends(link, &news));
            if let Some(authority) = authority.filter(|authority| authority.has_events()) {
                self.act_on_events();
                if authority.has_events() {
                    return Ok(Rest::Waits);
                }
                continue; // the events may have ended the link
            }
            if let Control::Retired { region } = news {
                // First: once the peer sees that this was read, it may tell of another region instead.
                link.forget_region(region)?;
            }
            link.advance_news();
            count += 1;
            match news {
                Control::Opened { lane, generation, port, epoch, key, start } => {
                    let target = self.find_port(port, key);
                    let limit = target.as_ref().map_or(0, |target| target.limit());
                    let adopted = link.adopt_lane(lane, generation, start, limit)?;
                    match target {
                        Some(target) => target.claim(link, epoch, key, lane as usize, adopted),
                        None => link.kill_lane(lane as usize, adopted, Death::Died),
                    }
                }
                Control::Returned { port, epoch, key, count, by } => {
                    if let Some(port) = self.find_port(port, key) {
                        self.perform(port.take_back(link.task, by, epoch, key, count));
                    }
                }
                Control::Abandoned { lane, end } => link.bury_lane(lane, end)?,
                Control::Retired { .. } => {}
                Control::Unsent { port, epoch, key, receiver } => {
                    self.refuse_grant(link.task, receiver, PortRef { port, epoch, key, limit: 0 });
                }
                Control::Settled { port, epoch, key, held, issuer } => {
                    if let Some(port) = self.find_port(port, key) {
                        self.perform(port.settle_grants(link.task, issuer, epoch, key, held));
                    }
                }
                Control::Claimed { lane, generation, number, start } => {
                    let adopted = link.adopt_lane(lane, generation, start, 1)?;
                    self.claim_once(link, number, lane as usize, adopted);
                }
                Control::Dropped { number, token } => self.end_once(link.task, number, token),
                Control::Watched { port, epoch, key, serial } => {
                    self.be_watched(link, (port, key), epoch, serial);
                }
                Control::Ended { port, epoch, key, serial, end } => {
                    self.hear_of_end(link, (port, key), (end, epoch), serial);
                }
            }
        }
        Ok(Rest::Unknown)
    }

    /// Acts on all of a link's news that are there now; false if some of them wait for the authority. A
    /// ring holds only so many; a peer that goes on adding to them keeps nobody here.
    fn act_on_all_news(&self, link: &Arc<Link>, are_last: bool) -> Result<bool, Nonsense> {
        for _ in 0..=SLOTS_MAX / NEWS_A_LOOK {
            match self.act_on_news(link, are_last)? {
                Rest::Unknown => {}
                rest => return Ok(rest == Rest::None),
            }
        }
        Ok(true)
    }

    /// A port is dead. Lanes to it may have been opened that nobody has looked at yet, and questions asked,
    /// also by tasks that are not linked yet: they wait, and perhaps no thread of this task ever looks again.
    pub(crate) fn look_after_death(&self) {
        let _acting = self.acting.lock();
        self.act_on_events();
        for link in self.links().iter() {
            if self.act_on_all_news(link, false).is_err() {
                self.lose_link(link, true);
            }
        }
    }

    /// Whether what a peer tells depends on what the authority may be about to tell: that somebody
    /// else has given the peer the right that it claims, or that it has passed on, before it returned
    /// its own, a right to somebody else.
    fn depends(&self, link: &Link, news: &Control) -> bool {
        match *news {
            // Of a port that has moved here the authority may be about to tell.
            Control::Opened { port: number, epoch, key, .. }
            | Control::Watched { port: number, epoch, key, .. } => match self.find_port(number, key) {
                Some(port) => !port.knows(link.task, epoch),
                None => number == MOVED,
            },
            Control::Claimed { number, .. } => !self.once_grants.knows(link.task, number),
            Control::Returned { .. } | Control::Dropped { .. } | Control::Settled { .. } => true,
            Control::Retired { region } => link.region(region).is_none(),
            Control::Abandoned { .. } | Control::Unsent { .. } | Control::Ended { .. } => false,
        }
    }

    /// Acts on every event of the authority that has arrived.
    pub(super) fn act_on_events(&self) {
        let Some(authority) = &self.authority else { return };
        while authority.has_events() {
            let Some((event, fd)) = authority.next_event() else { return };
            self.act_on(event, fd);
            authority.count_acted();
        }
    }

    /// Acts on every event that the authority has counted up to now, waiting for those that have not
    /// arrived: only where this task was slow to read them are there any. Called by no thread that acts.
    pub(super) fn hear_what_was_told(&self, authority: &Authority) {
        let told = authority.told();
        loop {
            let arrivals = authority.arrivals();
            let acting = self.acting.lock();
            self.act_on_events();
            drop(acting);
            if authority.has_acted_on(told) {
                return;
            }
            authority.check();
            authority.wait_for_event(arrivals, Deadline::after(TICK));
        }
    }

    /// Acts on what an authority had told before it was gone.
    pub(super) fn hear_the_rest(&self, authority: &Authority) {
        while authority.is_gone()
            && let Some((event, fd)) = authority.next_event()
        {
            self.act_on(event, fd);
            authority.count_acted();
        }
    }

    fn act_on(&self, event: Event, fd: Option<OwnedFd>) {
        match event {
            Event::Introduced { task, who, features } => self.be_introduced(task, who, features, fd),
            Event::Accepted { task } => self.be_accepted(task, fd),
            Event::Granted { port, by, to, who, moved } => {
                let to_self = self.authority.as_ref().is_some_and(|authority| authority.task == to);
                if let Some(target) = self.find_port(port.port, port.key) {
                    self.perform(target.grant(port, by, (to, identity(who)), moved, to_self));
                }
            }
            Event::Released { task, port, count, by } => {
                if let Some(target) = self.find_port(port.port, port.key) {
                    self.perform(target.take_back(task, by, port.epoch, port.key, u64::from(count)));
                }
            }
            Event::Settle { issuer, receiver, port } => {
                self.be_asked(issuer, receiver, Subject::Port(port));
            }
            Event::Settled { task, port, issuer, held } => {
                if let Some(target) = self.find_port(port.port, port.key) {
                    let held = u64::from(held);
                    self.perform(target.settle_grants(task, issuer, port.epoch, port.key, held));
                }
            }
            Event::Lent { task, region } => self.be_lent(task, region, fd),
            Event::Offered { task, key, limit, keeps, to } => self.be_offered(task, key, limit, keeps, to),
            Event::Withdrawn { task, key } => self.be_refused(task, key),
            Event::Revoke { serial, task, port } => self.revoke_by_policy(serial, task, port),
            Event::Died { task } => self.lose_task(task),
            Event::Appeared { serial, found } => {
                let unwanted = self.authority.as_ref().and_then(|all| all.appeared(serial, found));
                if let Some(Found { receiver, port }) = unwanted {
                    self.refuse_grant(AUTHORITY, receiver, port);
                }
            }
            Event::GrantedOnce { by, right, to, who, number } => {
                self.grant_once(by, right, (to, identity(who)), number);
            }
            Event::ReleasedOnce { task, number } => self.end_once(task, number, NO_TOKEN),
            Event::SettleOnce { issuer, receiver, number } => {
                self.be_asked(issuer, receiver, Subject::Once(number));
            }
            // Not events: nobody waits for them here.
            Event::Challenge { .. } | Event::Welcome { .. } | Event::Reply { .. } => {}
        }
    }

    /// Destroys what lies unread where nobody receives any more.
    pub(crate) fn destroy_all_unread(&self) {
        for link in self.links().iter() {
            self.destroy_unread(link);
        }
        self.settle_departed();
        self.end_doomed();
    }

    // Death.

    /// A task is dead, says the authority.
    fn lose_task(&self, task: u64) {
        let link = self.peers.get(task);
        if !link.is_some_and(|link| self.lose_link_acting(&link, false)) {
            // No link, or one that was over before: what others have given it since ends now.
            self.end_task(task, false);
        }
        self.peers.forget(task);
        self.ask_about(task);
        self.ask_itself_about(task);
        if !self.settlement.waits_for(task) {
            self.end_offers_of(task);
        }
    }

    /// The peer died, or (`condemned`) wrote what no honest library writes: the link is over. What a
    /// dead peer had published is still received; of a condemned one nothing is.
    pub(crate) fn lose_link(&self, link: &Arc<Link>, condemned: bool) {
        if condemned {
            self.lose_link_acting(link, true);
        } else {
            let acting = self.acting.lock();
            // It may have died with the authority, which had told of it before.
            self.authority.iter().for_each(|authority| self.hear_the_rest(authority));
            self.lose_link_acting(link, false);
            drop(acting);
            self.ask_itself_about(link.task);
        }
    }

    /// The same, for a thread that acts, or that does not look at the last news. Says whether the link
    /// lived until now.
    pub(super) fn lose_link_acting(&self, link: &Arc<Link>, mut condemned: bool) -> bool {
        if !self.settlement.depart(link) {
            return false;
        }
        // The last news of a dead peer were published before it died: lanes opened, rights returned.
        condemned = condemned || self.act_on_all_news(link, true).is_err();
        let mut links = self.links.lock();
        *links = Arc::new(links.iter().filter(|other| !Arc::ptr_eq(other, link)).cloned().collect());
        drop(links);
        link.end_regions();
        self.end_task(link.task, condemned);
        // Rights of third tasks are among what is never received, also of one who writes nonsense.
        self.destroy_unread(link);
        self.settlement.hear_out(link);
        true
    }

    fn end_task(&self, task: u64, condemned: bool) {
        let mut rest = Leftover::default();
        self.names.lock().lose_task(task, &mut rest);
        for port in self.all_ports() {
            self.perform(port.lose_task(task, condemned));
        }
        self.once_grants.lose(task);
        self.finish(rest);
    }

    /// What a port left to do when its lock was released.
    pub(crate) fn perform(&self, aftermath: Aftermath) {
        if aftermath.is_nothing() {
            return;
        }
        for (listener, notification) in aftermath.due {
            listener.notify(self, notification);
        }
        for right in aftermath.unused {
            right.end(self);
        }
        for (task, news) in aftermath.untold {
            self.tell(task, news);
        }
        self.release_answers(aftermath.destroyed);
        if let Some(name) = aftermath.with_room {
            self.room_at(name.into());
        }
        for link in aftermath.condemned {
            self.lose_link(&link, true);
        }
    }
}
