//! Send-once rights that are passed on: what the authority tells of them.

use crate::authority::ledger::{Events, Ledger};
use crate::wire::event::{Answer, Event, Refusal};
use crate::wire::request::Request;

impl Ledger {
    /// A task passes a send-once right on. What it has, the port's receiver judges.
    pub(super) fn grant_once<F>(
        &mut self,
        from: u64,
        request: Request,
        out: &mut Events<F>,
    ) -> Result<Answer, Refusal> {
        let Request::GrantOnce { receiver, right, number, to, instead_of } = request else {
            return Err(Refusal::Protocol);
        };
        self.known(from, receiver)?;
        if to != receiver && to != from {
            self.known(from, to)?;
        }
        // It ended with that task, and the receiver has been told, or will be before this.
        if instead_of != 0 && !self.tasks.contains_key(&instead_of) {
            return Err(Refusal::TaskDied);
        }
        self.reachable(receiver)?;
        let who = self.reachable(to)?.who;
        if to != receiver {
            self.acquaint(receiver, to)?;
        }
        self.tell(receiver, Event::GrantedOnce { by: from, right, to, who, number }, None, out);
        Ok(Answer::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::ledger::Outgoing;
    use crate::ring::slot::Token;
    use crate::wire::event::Attested;
    use crate::wire::request::OnceRef;

    const WHO: Attested = Attested { pid: 1, uid: 2, gid: 3, started: 4 };
    const TOKEN: OnceRef = OnceRef::Token(Token { slot: 1, generation: 2 });

    /// The first knows the two others, which do not know each other.
    fn ledger() -> (Ledger, [u64; 3]) {
        let mut ledger = Ledger::new(100);
        let ids = [0; 3].map(|_| ledger.attach(WHO, 1));
        ledger.acquaint(ids[0], ids[1]).unwrap();
        ledger.acquaint(ids[0], ids[2]).unwrap();
        (ledger, ids)
    }

    fn ask(ledger: &mut Ledger, from: u64, request: Request) -> (Option<Answer>, Vec<(u64, Event)>) {
        let mut out: Vec<Outgoing<u32>> = Vec::new();
        let answer = ledger.invoke(from, 1, request, None, &mut out);
        (answer, out.into_iter().map(|outgoing| (outgoing.to, outgoing.event)).collect())
    }

    fn grant([_, receiver, to]: [u64; 3], instead_of: u64) -> Request {
        Request::GrantOnce { receiver, right: TOKEN, number: 9, to, instead_of }
    }

    #[test]
    fn the_receiver_is_told_and_the_two_are_acquainted() {
        let (mut ledger, ids) = ledger();
        let stranger = grant([0, ids[2], ids[0]], 0);
        assert_eq!(ask(&mut ledger, ids[1], stranger), (Some(Answer::Refused(Refusal::TaskDied)), vec![]));
        let (answer, told) = ask(&mut ledger, ids[0], grant(ids, 0));
        let event = Event::GrantedOnce { by: ids[0], right: TOKEN, to: ids[2], who: WHO, number: 9 };
        assert_eq!((answer, told), (Some(Answer::Done), vec![(ids[1], event)]));
        assert!(ledger.known(ids[1], ids[2]).is_ok(), "each hears of the other's death");
    }

    #[test]
    fn what_ended_with_a_task_is_not_passed_on_again() {
        let (mut ledger, ids) = ledger();
        assert_eq!(ask(&mut ledger, ids[0], grant(ids, 0)).0, Some(Answer::Done));
        ledger.died::<u32>(ids[2], &mut Vec::new());
        let back =
            Request::GrantOnce { receiver: ids[1], right: TOKEN, number: 8, to: ids[0], instead_of: ids[2] };
        assert_eq!(ask(&mut ledger, ids[0], back), (Some(Answer::Refused(Refusal::TaskDied)), vec![]));
    }

    #[test]
    fn one_who_does_not_read_is_told_of_a_drop_later() {
        let (mut ledger, ids) = ledger();
        ledger.set_congested::<u32>(ids[1], true, &mut Vec::new());
        let refused = Some(Answer::Refused(Refusal::NoBuffer));
        assert_eq!(ask(&mut ledger, ids[0], grant(ids, 0)).0, refused);
        let drop = Request::ReleaseOnce { receiver: ids[1], number: 9 };
        assert_eq!(ask(&mut ledger, ids[0], drop), (None, vec![]));
        let mut out: Vec<Outgoing<u32>> = Vec::new();
        ledger.set_congested(ids[1], false, &mut out);
        let told: Vec<_> = out.into_iter().map(|outgoing| (outgoing.to, outgoing.event)).collect();
        assert_eq!(told, [(ids[1], Event::ReleasedOnce { task: ids[0], number: 9 })]);
    }
}
