//! Hearing of the end of rights to other tasks' ports, without using them.
//!
//! A port's receiver tells nobody of its end unasked: mostly nobody wants to know. Who has put a request on
//! a name asks the receiver (WATCHED), and is told (ENDED). Each word concerns the speaker's own ports
//! only, so a liar harms nobody's rights but those to its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::client::error::SendFailure;
use crate::client::held::{Held, Target};
use crate::client::holders::Claim;
use crate::client::link::Link;
use crate::client::port::{Port, PortState};
use crate::client::space::{Leftover, Names};
use crate::client::task::Inner;
use crate::ipc::{PortId, PortName, ReceiverId};
use crate::ring::lane_out::Death;
use crate::wire::control::{Control, End};

// At the receiver.

impl Port {
    /// The task asks to be told of the end of its rights. If they are over, how, and the epoch of that.
    fn be_watched(&self, task: u64, key: u64, epoch: u32, serial: u64) -> Result<(), (End, u32)> {
        let mut state = self.group.lock();
        let port = &mut state.port;
        if key != self.key || port.is_dead {
            return Err((End::Died, 0));
        }
        match port.holders.judge(task, epoch) {
            Claim::Covered(holder) => {
                port.holders.watch(holder, serial);
                Ok(())
            }
            Claim::Revoked => Err((End::Revoked, port.holders.oldest(task))),
            Claim::Unknown => Err((End::Void, 0)),
        }
    }

    /// The port is dead: who has asked is to be told.
    pub(super) fn tell_of_end(&self, port: &mut PortState) {
        for (task, serial) in port.holders.watchers() {
            port.untold.push((task, self.ended((End::Died, 0), serial)));
        }
    }

    /// Rights of these watchers were revoked.
    pub(super) fn tell_of_revocation(&self, port: &mut PortState, watchers: &[(u64, u64)]) {
        for (task, serial) in watchers {
            let end = (End::Revoked, port.holders.oldest(*task));
            port.untold.push((*task, self.ended(end, *serial)));
        }
    }

    fn ended(&self, (end, epoch): (End, u32), serial: u64) -> Control {
        Control::Ended { port: self.index, epoch, key: self.key, serial, end }
    }
}

impl Inner {
    /// Tells a task something, if there is a link to it.
    pub(super) fn tell(&self, task: u64, news: Control) {
        if let Some(link) = self.links().iter().find(|link| link.task == task) {
            link.tell(news);
        }
    }

    /// The peer of `link` asks to be told of the end of a right to a port of this task's.
    pub(super) fn be_watched(&self, link: &Link, (port, key): (u32, u64), epoch: u32, serial: u64) {
        let watched = match self.port(port) {
            Some(port) => port.be_watched(link.task, key, epoch, serial),
            None => Err((End::Died, 0)),
        };
        if let Err((end, epoch)) = watched {
            link.tell(Control::Ended { port, epoch, key, serial, end });
        }
    }
}

// At the holder.

impl Held {
    /// Whether what the receiver has told is about this right. Of a right that came later, or was asked about
    /// later, the word says nothing: the receiver may not have known of it.
    fn is_ended_by(&self, (end, epoch): (End, u32), serial: u64) -> bool {
        let asked = self.watched.load(Ordering::Relaxed);
        let Target::Remote { port, .. } = self.target() else { return false };
        match end {
            End::Died => true,
            End::Revoked => port.epoch < epoch && (1..=serial).contains(&asked),
            End::Void => asked == serial && asked != 0,
        }
    }
}

impl Names {
    /// The question about a right that is not asked yet, or was asked before the receiver said something about
    /// the port, up to question `serial`: it may have forgotten that it was asked.
    fn watch(held: &Held, serial: u64, next: impl FnOnce() -> u64) -> Option<Control> {
        let Target::Remote { port, .. } = *held.target() else { return None };
        if held.is_dead() || held.watched.load(Ordering::Relaxed) > serial {
            return None;
        }
        let serial = next();
        held.watched.store(serial, Ordering::Relaxed);
        Some(Control::Watched { port: port.port, epoch: port.epoch, key: port.key, serial })
    }

    /// The questions about the rights under a name on which there is a request, for the receiver of its port.
    pub(super) fn watch_all(
        &mut self,
        name: PortName,
        serial: u64,
        next: impl Fn() -> u64,
    ) -> Vec<(Arc<Held>, Control)> {
        if !self.space.entry(name.into()).is_ok_and(|entry| entry.request().is_some()) {
            return Vec::new();
        }
        let all = self.keep(name.index()).shares.iter().map(|share| &share.held);
        all.filter_map(|held| Some((held.clone(), Self::watch(held, serial, &next)?))).collect()
    }

    /// Rights to a port of the task `of` have ended, it says. Gives the name that it has here.
    fn end_rights(
        &mut self,
        of: u64,
        (index, secret): (u32, u64),
        end: (End, u32),
        serial: u64,
        rest: &mut Leftover,
    ) -> Option<PortName> {
        let port = PortId { birth: of, index, generation: 0, secret };
        let name = self.space.name_of(port, ReceiverId(of))?;
        let death = if end.0 == End::Revoked { Death::Revoked } else { Death::Died };
        let all = self.keep(name.index()).shares.iter().map(|share| &share.held);
        let ended: Vec<_> =
            all.filter(|held| !held.is_dead() && held.is_ended_by(end, serial)).cloned().collect();
        for held in ended {
            held.die(death);
            self.judge(&held, rest);
        }
        Some(name)
    }
}

impl Inner {
    /// The peer of `link` tells that rights to a port of its have ended.
    pub(super) fn hear_of_end(&self, link: &Link, port: (u32, u64), end: (End, u32), serial: u64) {
        let mut rest = Leftover::default();
        let again = {
            let mut names = self.names.lock();
            let name = names.end_rights(link.task, port, end, serial, &mut rest);
            name.map_or_else(Vec::new, |name| names.watch_all(name, serial, || self.next_serial()))
        };
        self.finish(rest);
        again.into_iter().for_each(|(_, question)| link.tell(question));
    }

    /// Asks the receivers of rights to tell of their end. The links are there: see [`reach`](Self::reach).
    pub(super) fn ask_of_end(&self, questions: Vec<(Arc<Held>, Control)>) {
        for (held, question) in questions {
            match self.reach(&held) {
                Ok(Some(link)) => link.tell(question),
                Ok(None) => {}
                Err(SendFailure::PortDied) => drop(self.learn(&held, Death::Died)),
                // The authority died just now: then all links that will ever be are there.
                Err(_) => {}
            }
        }
    }

    /// The link to the receiver of a right, made if need be. Waits for the authority, never for the receiver.
    ///
    /// # Errors
    /// As [`link_to`](Self::link_to).
    pub(super) fn reach(&self, held: &Held) -> Result<Option<Arc<Link>>, SendFailure> {
        let Target::Remote { receiver, link, .. } = held.target() else { return Ok(None) };
        if let Some(link) = link.get() {
            return Ok(Some(link.clone()));
        }
        let made = self.link_to(*receiver)?;
        Ok(Some(link.get_or_init(|| made).clone()))
    }
}
