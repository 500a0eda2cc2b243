//! What becomes of the rights that a task had passed on when it dies.
//!
//! The issuer may have been killed between the authority's word and its message. The port's receiver
//! asks each destination what it has of the dead, once, through the authority. A destination answers
//! when it has received or given back everything that the dead had queued for it: so what it does not
//! hold then never comes. One that never answers keeps what it was granted, as if it held it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futex::sync::Lock;

use crate::client::aftermath::Aftermath;
use crate::client::link::Link;
use crate::client::port::Port;
use crate::client::task::Inner;
use crate::wire::control::Control;
use crate::wire::request::{PortRef, Request};

/// Peers that are dead and not heard out, and questions that wait for that.
#[derive(Debug, Default)]
pub(crate) struct Settlement {
    state: Lock<State>,
    /// There are some: else nobody takes the lock.
    is_open: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    departed: Vec<Departed>,
    questions: Vec<Question>,
}

/// A link that is over.
#[derive(Debug)]
struct Departed {
    link: Arc<Link>,
    /// Its last news were acted on.
    is_heard: bool,
}

impl Departed {
    /// Nothing more comes of it.
    fn is_over(&self) -> bool {
        self.is_heard && self.link.is_dry()
    }

    fn is_due(&self) -> bool {
        self.link.has_unread() || self.is_over()
    }
}

/// What is there of what `issuer` had passed on, of rights to ports of `asker`'s?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Question {
    issuer: u64,
    asker: u64,
    about: Subject,
}

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Send rights to a port: how many are here?
    Port(PortRef),
    /// The send-once right of this number: is it here?
    Once(u64),
}

/// Questions of one asker that wait; it asks about each of its ports.
const QUESTIONS_MOST: usize = 1 << 12;

impl Settlement {
    /// The link is over; says whether it lived until now.
    pub(crate) fn depart(&self, link: &Arc<Link>) -> bool {
        // In one step: a question that finds no living link finds the departed one.
        let mut state = self.state.lock();
        if !link.set_dead() {
            return false;
        }
        state.departed.push(Departed { link: link.clone(), is_heard: false });
        self.is_open.store(true, Ordering::Release);
        true
    }

    /// The last news of a departed link were acted on.
    pub(crate) fn hear_out(&self, link: &Arc<Link>) {
        let mut state = self.state.lock();
        if let Some(departed) = state.departed.iter_mut().find(|departed| Arc::ptr_eq(&departed.link, link)) {
            departed.is_heard = true;
        }
    }

    fn departed(&self) -> Vec<Arc<Link>> {
        self.state.lock().departed.iter().map(|departed| departed.link.clone()).collect()
    }

    /// Whether there may be something to do.
    pub(crate) fn is_due(&self) -> bool {
        self.is_open.load(Ordering::Acquire) && {
            let state = self.state.lock();
            !state.questions.is_empty() || state.departed.iter().any(Departed::is_due)
        }
    }

    /// Keeps a question until nothing more comes of whom it is about.
    fn keep(&self, question: Question) {
        let mut state = self.state.lock();
        let of_asker = state.questions.iter().filter(|other| other.asker == question.asker).count();
        if of_asker < QUESTIONS_MOST && !state.questions.contains(&question) {
            state.questions.push(question);
            self.is_open.store(true, Ordering::Release);
        }
    }

    /// Whether something of a dead task's is left to be received.
    pub(super) fn waits_for(&self, task: u64) -> bool {
        self.state.lock().departed.iter().any(|departed| departed.link.task == task)
    }

    /// Forgets departed links of which nothing is left, and takes the questions that can be answered now.
    /// Says whose links those were.
    fn close(&self) -> (Vec<u64>, Vec<Question>) {
        let mut state = self.state.lock();
        let mut over = Vec::new();
        for departed in state.departed.extract_if(.., |departed| departed.is_over()) {
            departed.link.forget_regions();
            over.push(departed.link.task);
        }
        let State { departed, questions } = &mut *state;
        let waits =
            |question: &Question| departed.iter().any(|departed| departed.link.task == question.issuer);
        let (waiting, due) = std::mem::take(questions).into_iter().partition(waits);
        *questions = waiting;
        self.is_open.store(!(departed.is_empty() && questions.is_empty()), Ordering::Release);
        (over, due)
    }
}

impl Port {
    /// A task is dead: who is to be asked what of the rights that it had passed on.
    fn ask(&self, issuer: u64) -> Vec<(u64, PortRef)> {
        let mut state = self.group.lock();
        let asked = state.port.holders.ask(issuer);
        let limit = state.port.limit;
        let port = |epoch| PortRef { port: self.number, epoch, key: self.key, limit };
        asked.into_iter().map(|(task, epoch)| (task, port(epoch))).collect()
    }

    /// A task answers: it has `held` rights that a dead one had passed on.
    pub(crate) fn settle_grants(&self, task: u64, issuer: u64, epoch: u32, key: u64, held: u64) -> Aftermath {
        let mut state = self.group.lock();
        if key == self.key {
            state.port.holders.settle(task, issuer, epoch, held);
            self.drain_closes(&mut state);
            state.port.judge();
        }
        state.port.aftermath()
    }
}

impl Inner {
    /// The authority says that a task is dead: asks those that it had passed rights on to.
    pub(super) fn ask_about(&self, issuer: u64) {
        let Some(authority) = &self.authority else { return };
        for port in self.all_ports() {
            for (to, port) in port.ask(issuer) {
                authority.say(&Request::Settle { issuer, port, to }, None);
            }
        }
        for (number, to) in self.once_grants.passed_on_by(issuer) {
            if to != authority.task {
                authority.say(&Request::SettleOnce { issuer, number, to }, None);
            }
        }
    }

    /// A task is dead, whoever says so. Of rights that it had passed back to this task, this task itself is
    /// the destination: what has not arrived when it is heard out never will.
    pub(super) fn ask_itself_about(&self, issuer: u64) {
        let Some(authority) = &self.authority else { return };
        let keep = |about| self.settlement.keep(Question { issuer, asker: authority.task, about });
        for port in self.all_ports().iter().filter(|port| port.awaits_home(issuer)) {
            keep(Subject::Port(PortRef { port: port.number, epoch: 0, key: port.key, limit: 0 }));
        }
        for (number, _) in
            self.once_grants.passed_on_by(issuer).into_iter().filter(|(_, to)| *to == authority.task)
        {
            keep(Subject::Once(number));
        }
    }

    /// The receiver of a port asks, through the authority, what this task has of a dead one's.
    pub(super) fn be_asked(&self, issuer: u64, asker: u64, about: Subject) {
        // An honest receiver asks about the dead alone, and this task has heard of their death before.
        let is_living = |link: &Arc<Link>| link.task == issuer && !link.is_dead() && link.theirs().is_some();
        if !self.links().iter().any(is_living) {
            self.settlement.keep(Question { issuer, asker, about });
        }
    }

    /// Destroys what lies unread of departed peers where nobody receives, and answers the questions
    /// about those of whom nothing is left. Called with no group locked.
    pub(super) fn settle_departed(&self) {
        if !self.settlement.is_due() {
            return;
        }
        for link in self.settlement.departed() {
            self.destroy_unread(&link);
        }
        let (over, due) = self.settlement.close();
        over.into_iter().for_each(|task| self.end_offers_of(task));
        due.into_iter().for_each(|question| self.answer_about(question));
    }

    fn answer_about(&self, Question { issuer, asker, about }: Question) {
        let Some(authority) = &self.authority else { return };
        let port = match about {
            Subject::Port(port) => port,
            Subject::Once(number) => {
                if !self.numbers.holds(asker, number) {
                    self.refuse_once(issuer, asker, number);
                }
                return;
            }
        };
        if asker == authority.task {
            if let Some(port) = self.find_port(port.port, port.key) {
                self.perform(port.settle_home(issuer));
            }
            return;
        }
        // In this order: a thread that has linked since, and has given a right back over the link, is
        // seen to have linked.
        let held = self.passed.settle(issuer, asker, port);
        match self.peers.get(asker) {
            Some(link) => {
                let PortRef { port, epoch, key, .. } = port;
                link.tell(Control::Settled { port, epoch, key, held, issuer });
            }
            None => {
                let held = u32::try_from(held).unwrap_or(u32::MAX);
                authority.say(&Request::Settled { receiver: asker, port, issuer, held }, None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_asker_has_only_so_many_questions_waiting() {
        let settlement = Settlement::default();
        let question = |asker, key| {
            let port = PortRef { port: 0, epoch: 0, key, limit: 0 };
            Question { issuer: 7, asker, about: Subject::Port(port) }
        };
        for key in 0..QUESTIONS_MOST as u64 + 3 {
            settlement.keep(question(1, key));
            settlement.keep(question(1, 0));
        }
        settlement.keep(question(2, 0));
        assert!(settlement.is_due());
        let (_, due) = settlement.close();
        assert_eq!(due.len(), QUESTIONS_MOST + 1, "and another one has room of its own");
        assert_eq!(due.last(), Some(&question(2, 0)));
        assert!(!settlement.is_due() && settlement.close().1.is_empty());
    }
}
