//! Names: who has registered them, and who waits for them.

use crate::authority::ledger::{Events, Ledger};
use crate::wire::event::{Answer, Event, Found, Refusal};
use crate::wire::request::PortRef;

/// Names that one task may register, and look-ups that it may have waiting.
const NAMES_A_TASK: usize = 1024;
/// A look-up that waits for a name.
#[derive(Debug)]
pub(super) struct Waiting {
    name: String,
    pub(super) task: u64,
    serial: u32,
}

impl Ledger {
    pub(super) fn register<F>(
        &mut self,
        from: u64,
        name: String,
        port: PortRef,
        out: &mut Events<F>,
    ) -> Result<Answer, Refusal> {
        if let Some(found) = self.names.get(&name) {
            let own = found.receiver == from;
            return Err(if own { Refusal::ServiceActive } else { Refusal::NotPrivileged });
        }
        let task = self.tasks.get_mut(&from).ok_or(Refusal::TaskDied)?;
        if task.names >= NAMES_A_TASK {
            return Err(Refusal::NoBuffer);
        }
        task.names += 1;
        let found = Found { receiver: from, port };
        let (served, still): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|waiting| waiting.name == name);
        self.waiting = still;
        self.names.insert(name, found);
        for Waiting { task, serial, .. } in served {
            self.give(found, 0, task, false, out);
            self.tell(task, Event::Appeared { serial, found }, None, out);
        }
        Ok(Answer::Done)
    }

    pub(super) fn unregister(&mut self, from: u64, key: u64) {
        let before = self.names.len();
        self.names.retain(|_, found| found.receiver != from || found.port.key != key);
        let gone = before - self.names.len();
        if let Some(task) = self.tasks.get_mut(&from) {
            task.names -= gone;
        }
    }

    pub(super) fn look_up<F>(
        &mut self,
        from: u64,
        serial: u32,
        name: String,
        wait: bool,
        out: &mut Events<F>,
    ) -> Result<Answer, Refusal> {
        if let Some(found) = self.names.get(&name).copied() {
            self.reachable(found.receiver)?;
            if found.receiver != from {
                self.acquaint(found.receiver, from)?;
            }
            self.give(found, 0, from, false, out);
            return Ok(Answer::Found(found));
        }
        if !wait {
            return Err(Refusal::UnknownService);
        }
        if self.waiting.iter().filter(|waiting| waiting.task == from).count() >= NAMES_A_TASK {
            return Err(Refusal::NoBuffer);
        }
        self.waiting.push(Waiting { name, task: from, serial });
        Ok(Answer::Waiting)
    }

    /// Nobody waits for that look-up any more.
    pub(super) fn stop_waiting(&mut self, from: u64, look_up: u32) {
        self.waiting.retain(|waiting| (waiting.task, waiting.serial) != (from, look_up));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::ledger::Outgoing;
    use crate::wire::event::Attested;
    use crate::wire::request::Request;

    const PORT: PortRef = PortRef { port: 3, epoch: 0, key: 99, limit: 5 };
    const WHO: Attested = Attested { pid: 1, uid: 2, gid: 3, started: 4 };

    fn tasks(count: usize) -> (Ledger, Vec<u64>) {
        let mut ledger = Ledger::new(100);
        let ids = (0..count).map(|_| ledger.attach(WHO, 1)).collect();
        (ledger, ids)
    }

    fn ask(ledger: &mut Ledger, from: u64, request: Request) -> (Option<Answer>, Vec<(u64, Event)>) {
        let mut out: Vec<Outgoing<u32>> = Vec::new();
        let answer = ledger.invoke(from, 1, request, None, &mut out);
        (answer, out.into_iter().map(|outgoing| (outgoing.to, outgoing.event)).collect())
    }

    #[test]
    fn the_receiver_is_told_before_the_requester_is_answered() {
        let (mut ledger, ids) = tasks(2);
        let name = "service".to_owned();
        let (answer, _) = ask(&mut ledger, ids[0], Request::Register { name: name.clone(), port: PORT });
        assert_eq!(answer, Some(Answer::Done));
        let (answer, events) = ask(&mut ledger, ids[1], Request::LookUp { name, wait: false });
        assert_eq!(answer, Some(Answer::Found(Found { receiver: ids[0], port: PORT })));
        assert_eq!(
            events,
            [(ids[0], Event::Granted { port: PORT, by: 0, to: ids[1], who: WHO, moved: false })]
        );
    }

    #[test]
    fn a_name_belongs_to_its_task_until_that_dies() {
        let (mut ledger, ids) = tasks(2);
        let register = |name: &str| Request::Register { name: name.to_owned(), port: PORT };
        assert_eq!(ask(&mut ledger, ids[0], register("n")).0, Some(Answer::Done));
        let refused = |refusal| Some(Answer::Refused(refusal));
        assert_eq!(ask(&mut ledger, ids[0], register("n")).0, refused(Refusal::ServiceActive));
        assert_eq!(ask(&mut ledger, ids[1], register("n")).0, refused(Refusal::NotPrivileged));
        ledger.died::<u32>(ids[0], &mut Vec::new());
        assert_eq!(ask(&mut ledger, ids[1], register("n")).0, Some(Answer::Done));
    }

    #[test]
    fn a_look_up_may_wait() {
        let (mut ledger, ids) = tasks(2);
        let look_up = |wait| Request::LookUp { name: "later".to_owned(), wait };
        let refused = Some(Answer::Refused(Refusal::UnknownService));
        assert_eq!(ask(&mut ledger, ids[1], look_up(false)).0, refused);
        assert_eq!(ask(&mut ledger, ids[1], look_up(true)).0, Some(Answer::Waiting));
        let register = Request::Register { name: "later".to_owned(), port: PORT };
        let (_, events) = ask(&mut ledger, ids[0], register);
        let found = Found { receiver: ids[0], port: PORT };
        assert_eq!(events[1], (ids[1], Event::Appeared { serial: 1, found }));
    }
}
