//! Send-once rights to a port, and the answers that it awaits by them.

use std::collections::VecDeque;
use std::sync::Arc;

use futex::Gate;

use crate::client::identity::Identity;
use crate::client::in_hand::InHand;
use crate::client::link::{Link, NoRoom};
use crate::client::local::LocalMessage;
use crate::client::message::{Besides, Raw, Received};
use crate::client::notification::Notification;
use crate::client::port::{Port, PortState};
use crate::client::replies::{Awaited, Kept};
use crate::client::ways::ANSWERS;
use crate::ring::lane_in::LaneIn;
use crate::ring::lane_out::Death;
use crate::ring::order::{Order, Source};
use crate::ring::samples::Samples;
use crate::ring::slot::{Head, Kind, Nonsense, RIGHT_BYTES, Token};
use crate::ring::world::Sources;
use crate::wire::record::Record;

impl Port {
    /// A send-once right of this task's own was made.
    #[inline]
    pub(crate) fn add_once(&self) {
        let mut state = self.group.lock();
        if state.port.is_known_outside() {
            state.open_up();
        }
        state.port.once += 1;
    }

    /// How many send-once rights to the port exist (`sorights`): of this task's own, and out to others.
    pub(crate) fn send_once_rights(&self) -> u32 {
        self.group.lock().port.once
    }

    /// Such a right was used.
    pub(crate) fn answer_local(&self, message: LocalMessage) {
        let refused = self.group.change(|state| {
            state.port.once -= 1;
            if state.port.is_dead {
                return Some(message);
            }
            let stamp = futex::sync::stamp();
            let besides = Besides { by_once: true, ..message.besides };
            state.port.queue(LocalMessage { stamp, besides, ..message });
            None
        });
        drop(refused); // not under the lock: its rights may lead to this very port
    }

    /// Such a right was dropped unused.
    pub(crate) fn drop_once(&self) {
        self.answer_local(LocalMessage::notification(Notification::SendOnce));
    }

    /// Such a right was never used, and is not missed.
    pub(crate) fn forget_once(&self) {
        self.group.lock().port.once -= 1;
    }

    /// A send-once right of this task's own goes to the peer of `link` as a token: the answer is
    /// awaited here. `None` if the port is dead.
    pub(crate) fn await_answer(&self, link: &Arc<Link>) -> Result<Option<Token>, NoRoom> {
        self.group.extend(|state| {
            if state.port.is_dead {
                return Ok(None);
            }
            state.count_answers();
            let bell = state.is_sleepy().then(|| state.bell());
            let stamped = state.order.is_in_force();
            let (token, mut awaited) = match state.port.kept.take_if(|kept| kept.is_of(link)) {
                Some(kept) => kept.begin(bell, stamped),
                None => link.begin_reply(self.index, bell, stamped)?,
            };
            awaited.begins_after(state.order.horizon());
            state.port.awaited.push(awaited);
            Ok(Some(token))
        })
    }

    /// A task has passed on the right that its token stood for: the token ends, if it is out.
    pub(crate) fn take_token(&self, task: u64, token: Token) -> bool {
        let port = &mut self.group.lock().port;
        let mut awaited = port.awaited.iter();
        let Some(at) = awaited.position(|awaited| awaited.is_to(task, token)) else { return false };
        port.awaited.swap_remove(at).take_back();
        port.elsewhere += 1;
        true
    }

    /// A right that was passed on is this task's own again.
    pub(crate) fn take_home(&self) {
        self.group.lock().port.elsewhere -= 1;
    }

    /// A right that was passed on has ended unused.
    pub(crate) fn give_up(&self) {
        self.group.change(|state| {
            state.port.elsewhere -= 1;
            state.port.once -= 1;
            if !state.port.is_dead {
                state.port.queue(LocalMessage::notification(Notification::SendOnce));
            }
        });
    }

    /// The peer of `link` has opened a lane to use a right that was passed on to it: its answer is
    /// awaited there.
    pub(crate) fn await_on_lane(&self, link: &Arc<Link>, index: usize, lane: LaneIn) {
        let refused = self.group.change(|state| {
            state.port.elsewhere -= 1;
            if state.port.is_dead {
                return Some(lane);
            }
            state.port.awaited.push(Awaited::by_lane(link.clone(), index, lane));
            None
        });
        if let Some(lane) = refused {
            link.kill_lane(index, lane, Death::Died);
        }
    }

    /// The reply slot that the port keeps for its next token is the link's again.
    pub(crate) fn give_kept_back(&self, link: &Arc<Link>) {
        let kept = self.group.lock().port.kept.take_if(|kept| kept.is_of(link));
        if let Some(kept) = kept {
            kept.give_back();
        }
    }

    /// The token was not published after all: the right is still this task's.
    pub(crate) fn forget_answer(&self, link: &Arc<Link>, token: Token) {
        let port = &mut self.group.lock().port;
        if let Some(at) = port.awaited.iter().position(|awaited| awaited.is_to(link.task, token)) {
            return port.awaited.swap_remove(at).take_back();
        }
        let was_given_up = link.cancel_reply(token);
        if port.is_dead {
            return;
        }
        // Settled meanwhile: the peer has died or was revoked, or it guessed the token and answered.
        // The right exists again, so what told of its end is taken back: one such notification is like
        // another.
        port.once += 1;
        let told = port.local.iter().rposition(LocalMessage::is_send_once);
        if let (true, Some(at)) = (was_given_up || link.is_dead(), told) {
            port.local.remove(at);
        }
    }
}

impl PortState {
    /// The answer that is awaited, if it is there: nothing else can come.
    #[inline]
    pub(super) fn take_answer(&mut self, into: &mut Received) -> bool {
        // Mostly one is awaited, or none.
        let [only] = &self.awaited[..] else { return !self.awaited.is_empty() && self.take_first(into) };
        let Some((token, short)) = only.peek_short() else { return self.take_first(into) };
        let Some(only) = self.awaited.pop() else { return false };
        self.once -= 1;
        self.lane_was_last = true;
        into.besides.by_once = true;
        into.set_origin(short.id, (short.reply, 0), &only.link);
        let slot = only.take_short((token, &short), &mut into.body);
        self.keep(slot);
        true
    }

    #[inline(never)]
    fn take_first(&mut self, into: &mut Received) -> bool {
        let peek = |awaited: &Awaited| awaited.peek().transpose();
        let Some((at, head)) =
            self.awaited.iter().enumerate().find_map(|(at, awaited)| Some((at, peek(awaited)?)))
        else {
            return false;
        };
        self.take_answer_at(at, head, into) == Some(true)
    }

    /// The first of the answers that were given up to `horizon`; `None`: its region is not known yet.
    pub(super) fn take_due_answer(&mut self, horizon: u64, into: &mut Received) -> Option<bool> {
        let Some((_, at)) = self.first_answer(horizon) else { return Some(false) };
        match self.awaited[at].peek().transpose() {
            Some(head) => self.take_answer_at(at, head, into),
            None => Some(false), // a peer has taken it back
        }
    }

    fn take_answer_at(
        &mut self,
        at: usize,
        head: Result<Head, Nonsense>,
        into: &mut Received,
    ) -> Option<bool> {
        if let Ok(Head { region: Some(region), .. }) = head {
            let link = self.awaited[at].link.clone();
            if self.misses(&link, region) {
                return None;
            }
        }
        let awaited = self.awaited.swap_remove(at);
        self.once -= 1;
        self.lane_was_last = true;
        into.besides.by_once = true;
        let copied = head.and_then(|head| match head.kind {
            Kind::Message => awaited.copy(&head, &mut into.raw.records, &mut into.body).map(|()| head),
            Kind::Close => Ok(head),
        });
        let Ok(head) = copied else {
            into.set_notification(Notification::SendOnce);
            self.condemned.push(awaited.link); // and the slot with it
            return Some(true);
        };
        match head.kind {
            Kind::Message => into.set_origin(head.id, (head.reply, head.rights), &awaited.link),
            Kind::Close => into.set_notification(Notification::SendOnce),
        }
        if let Some(slot) = awaited.consume(&head) {
            self.keep(slot);
        }
        Some(true)
    }

    /// How many answers are there to be taken.
    pub(super) fn answers_there(&self) -> usize {
        self.awaited.iter().filter(|awaited| matches!(awaited.peek(), Ok(Some(_)))).count()
    }

    /// Keeps a reply slot for the next token: the latest, since the next request goes there again.
    #[inline]
    fn keep(&mut self, slot: Kept) {
        if let Some(last) = self.kept.replace(slot) {
            last.give_back();
        }
    }

    /// When the first of the answers that were given up to `horizon` was given, and which it is.
    fn first_answer(&mut self, horizon: u64) -> Option<(u64, usize)> {
        let awaited = self.awaited.iter_mut().enumerate();
        awaited.filter_map(|(at, awaited)| awaited.due(horizon).map(|time| (time, at))).min()
    }

    /// Enters the first answer into a round.
    pub(super) fn enter_answers(&mut self, order: &mut Order) {
        if let Some((time, _)) = self.first_answer(order.horizon()) {
            order.add(time, Source::Own(ANSWERS));
        }
    }

    /// Each answer that is awaited is one of several things that can come, from now on.
    pub(super) fn put_answers_in_order(&mut self) {
        self.awaited.iter_mut().for_each(Awaited::put_in_order);
    }

    /// A task answers no more: what it has answered is delivered, the rest are
    /// notifications. Says whether there was anything.
    pub(super) fn lose_answers(&mut self, task: u64, condemned: bool) -> bool {
        let (lost, kept) =
            std::mem::take(&mut self.awaited).into_iter().partition(|awaited| awaited.link.task == task);
        self.awaited = kept;
        let lost: Vec<Awaited> = lost;
        let any = !lost.is_empty();
        for mut awaited in lost {
            self.once -= 1;
            let time = awaited.due(u64::MAX).map_or(0, |time| time.min(futex::sync::stamp()));
            match if condemned { None } else { last_answer(&awaited) } {
                Some((head, answer)) => {
                    self.queue(LocalMessage { stamp: time, ..answer });
                    awaited.consume(&head);
                }
                None => {
                    self.queue(LocalMessage::notification(Notification::SendOnce));
                    awaited.abandon(Death::Died); // a lane is read by nobody, and what lies there released
                }
            }
        }
        any
    }

    /// The tasks that answers are awaited of, or that gave one which waits in the queue.
    pub(super) fn answerers(&self) -> Vec<u64> {
        let awaited = self.awaited.iter().map(|awaited| awaited.link.task);
        let mut tasks: Vec<u64> = awaited.chain(self.local.iter().filter_map(|one| one.answer_of)).collect();
        tasks.sort_unstable();
        tasks.dedup();
        tasks
    }

    /// A task's send-once rights to the port end, and what it had answered before it died. Says whether there
    /// was any.
    pub(super) fn revoke_answers(&mut self, task: u64) -> bool {
        let (ended, kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.awaited).into_iter().partition(|awaited| awaited.link.task == task);
        self.awaited = kept;
        let (given, kept): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut self.local).into_iter().partition(|one| one.answer_of == Some(task));
        self.local = kept;
        let any = !(ended.is_empty() && given.is_empty());
        for answer in given {
            self.queue(LocalMessage::notification(Notification::SendOnce));
            self.destroyed.push(answer);
        }
        for awaited in ended {
            self.once -= 1;
            self.queue(LocalMessage::notification(Notification::SendOnce));
            awaited.abandon(Death::Revoked);
        }
        any
    }
}

/// A dead peer's answer. Its rights count as queued on the link until it is received; those to the
/// peer's own ports lead to the dead.
fn last_answer(awaited: &Awaited) -> Option<(Head, LocalMessage)> {
    let head = awaited.peek().ok()??;
    let (mut records, mut body) = (Vec::new(), Vec::new());
    awaited.copy(&head, &mut records, &mut body).ok()?;
    for bytes in records.as_chunks_mut::<RIGHT_BYTES>().0 {
        let is_of_the_dead = |record| matches!(record, Record::Send(_) | Record::SendOnce(_) | Record::Dead);
        if Record::decode(bytes).is_none_or(is_of_the_dead) {
            *bytes = Record::Dead.encode();
        }
    }
    let from = (!records.is_empty()).then(|| InHand::of(&awaited.link, head.rights));
    let raw = Raw { records, token: None, from };
    let (sender, rights) = (awaited.link.peer, Vec::new());
    let (id, answer_of) = (head.id, Some(awaited.link.task));
    let besides = Besides { from: awaited.link.task, by_once: true, ..Besides::default() };
    let message = LocalMessage { id, body, sender, reply: None, rights, stamp: 0, raw, besides, answer_of };
    (head.kind == Kind::Message).then_some((head, message))
}

impl Received {
    /// Says who sent what was just copied, and what rights lie beside it.
    #[inline]
    pub(super) fn set_origin(&mut self, id: i32, rights: (Option<Token>, usize), link: &Arc<Link>) {
        let (reply, count) = rights;
        self.id = id;
        self.sender = link.peer;
        self.besides.from = link.task;
        if reply.is_some() || count > 0 {
            self.raw.token = reply;
            self.raw.from = Some(InHand::of(link, count));
        }
    }

    pub(super) fn set_notification(&mut self, notification: Notification) {
        (self.id, self.body) = notification.encode();
        self.sender = Identity::KERNEL;
    }
}

impl Sources for PortState {
    fn sample(&mut self, bell: u8, samples: &mut Samples) -> bool {
        let mut are_known = true;
        for (at, awaited) in self.awaited.iter().enumerate() {
            if self.awaited[..at].iter().all(|other| !Arc::ptr_eq(&other.link, &awaited.link)) {
                are_known &= awaited.link.sample_bell(bell, samples);
            }
        }
        are_known
    }

    fn arm(&mut self, bell: u8, gates: &mut Vec<Gate>) -> bool {
        for awaited in &mut self.awaited {
            if awaited.arm(bell) {
                gates.push(awaited.link.gate);
            }
        }
        true
    }

    fn any_ready(&mut self, may_take: bool) -> bool {
        let has_answer = || self.awaited.iter().any(|awaited| !matches!(awaited.peek(), Ok(None)));
        self.kept_back.is_some() || (may_take && (!self.local.is_empty() || has_answer()))
    }

    fn due(&mut self, order: &mut Order) {
        self.enter_local(order);
        self.enter_answers(order);
    }
}
