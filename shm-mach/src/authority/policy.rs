//! What the program that runs an authority can have it do while it serves: end the rights of a task.
//!
//! The authority holds no right that it could take away: the receiver of a port is the judge of who may
//! send there. So it tells the receivers, and a call returns when they have acknowledged. One that is
//! stopped delays the call, and nobody else.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use futex::Deadline;
use futex::sync::{AtomicU32, Lock, Ordering, futex_wait, futex_wake};
use rustix::event::{EventfdFlags, eventfd};

use crate::authority::ledger::{Events, Ledger};
use crate::wire::event::{Event, Refusal};

/// Why rights were not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// No task of that process is attached.
    #[error("no task of that process is attached")]
    NoTask,
    /// Nobody has registered the name.
    #[error("no service of that name")]
    UnknownService,
    /// Not every receiver has acknowledged before the deadline. All were told, and each ends the rights
    /// when it next looks at its news, before anything that comes after them.
    #[error("not every receiver has acknowledged before the deadline")]
    TimedOut,
    /// The authority has ended.
    #[error("the authority has ended")]
    Gone,
}

/// A hand on a running authority: cheap to clone, for any thread of its process.
#[derive(Clone, Debug)]
pub struct Policy(Arc<Desk>);

/// Where orders are put down.
#[derive(Debug)]
struct Desk {
    /// An eventfd of this process's own: the authority sleeps on it.
    bell: OwnedFd,
    orders: Lock<Orders>,
}

#[derive(Debug, Default)]
struct Orders {
    new: Vec<Order>,
    /// Nobody takes orders any more.
    is_closed: bool,
}

/// End the rights of the tasks of a process, to the port of one name or to all ports.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) pid: u32,
    pub(super) name: Option<String>,
    result: Arc<AtomicU32>,
}

/// What an order has come to.
const PENDING: u32 = 0;
const DONE: u32 = 1;
const NO_TASK: u32 = 2;
const UNKNOWN_SERVICE: u32 = 3;
const GONE: u32 = 4;

impl Policy {
    /// Ends every right of a process to the port that is registered as `service`: those that its tasks
    /// hold, their send-once rights, and what they have sent and was not received. When this returns
    /// `Ok`, the receiver gets nothing more by them. A right that it is given afterwards, by whomever, is
    /// a new one; rights that it has passed on to others stand.
    ///
    /// `pid` is the process as the authority sees it.
    ///
    /// # Errors
    /// In the order checked: [`PolicyError::Gone`], [`PolicyError::NoTask`],
    /// [`PolicyError::UnknownService`], [`PolicyError::TimedOut`].
    pub fn revoke(&self, pid: u32, service: &str, deadline: Deadline) -> Result<(), PolicyError> {
        self.order(pid, Some(service.to_owned()), deadline)
    }

    /// As [`revoke`](Self::revoke), but every right of the process to every port of every other task. Its
    /// own ports, and others' rights to them, are as they were.
    ///
    /// # Errors
    /// In the order checked: [`PolicyError::Gone`], [`PolicyError::NoTask`], [`PolicyError::TimedOut`].
    pub fn revoke_all(&self, pid: u32, deadline: Deadline) -> Result<(), PolicyError> {
        self.order(pid, None, deadline)
    }

    fn order(&self, pid: u32, name: Option<String>, deadline: Deadline) -> Result<(), PolicyError> {
        let result = Arc::new(AtomicU32::new(PENDING));
        let mut orders = self.0.orders.lock();
        if orders.is_closed {
            return Err(PolicyError::Gone);
        }
        orders.new.push(Order { pid, name, result: result.clone() });
        drop(orders);
        // Fails only when the count would overflow: then it is not zero, and the authority is awake.
        let _ = rustix::io::write(&self.0.bell, &1u64.to_ne_bytes());
        loop {
            match result.load(Ordering::Acquire) {
                PENDING if deadline.has_passed() => return Err(PolicyError::TimedOut),
                PENDING => drop(futex_wait(&result, PENDING, deadline)),
                DONE => return Ok(()),
                NO_TASK => return Err(PolicyError::NoTask),
                UNKNOWN_SERVICE => return Err(PolicyError::UnknownService),
                _ => return Err(PolicyError::Gone),
            }
        }
    }
}

impl Order {
    fn conclude(&self, result: u32) {
        self.result.store(result, Ordering::Release);
        futex_wake(&self.result, 1);
    }
}

/// The authority's side: orders to be carried out, and those that wait for acknowledgements.
#[derive(Debug)]
pub(super) struct Office {
    desk: Arc<Desk>,
    waiting: Vec<(BTreeSet<(u32, u64)>, Order)>,
    /// Of the last revocation that receivers were told of.
    pub(super) serial: u32,
}

impl Office {
    pub(super) fn open() -> std::io::Result<Self> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let desk = Arc::new(Desk { bell, orders: Lock::default() });
        Ok(Self { desk, waiting: Vec::new(), serial: 0 })
    }

    pub(super) fn policy(&self) -> Policy {
        Policy(self.desk.clone())
    }

    /// Readable when there are orders.
    pub(super) fn bell(&self) -> BorrowedFd<'_> {
        self.desk.bell.as_fd()
    }

    /// The orders that were not looked at yet.
    pub(super) fn take(&self) -> Vec<Order> {
        // Before the look: an order that comes after it rings again.
        let _ = rustix::io::read(&self.desk.bell, &mut [0u8; 8]);
        std::mem::take(&mut self.desk.orders.lock().new)
    }

    /// An order was told to whom it concerns: `told` are to acknowledge it.
    pub(super) fn enter(&mut self, order: Order, told: Result<BTreeSet<(u32, u64)>, Refusal>) {
        match told {
            Ok(told) => self.waiting.push((told, order)),
            Err(Refusal::UnknownService) => order.conclude(UNKNOWN_SERVICE),
            Err(_) => order.conclude(NO_TASK),
        }
        self.conclude();
    }

    /// A task has acknowledged a revocation.
    pub(super) fn acknowledge(&mut self, serial: u32, task: u64) {
        self.waiting.iter_mut().for_each(|(told, _)| told.retain(|waiting| *waiting != (serial, task)));
        self.conclude();
    }

    /// A task is dead: it receives nothing any more.
    pub(super) fn forget(&mut self, task: u64) {
        self.waiting.iter_mut().for_each(|(told, _)| told.retain(|(_, to)| *to != task));
        self.conclude();
    }

    fn conclude(&mut self) {
        for (_, order) in self.waiting.extract_if(.., |(told, _)| told.is_empty()) {
            order.conclude(DONE);
        }
    }
}

impl Ledger {
    /// The program that runs the authority ends the rights of the tasks of a process, to the port of one
    /// name or to all. Tells the receivers; gives those that are to acknowledge, by `serial`, which counts
    /// on.
    ///
    /// # Errors
    /// In the order checked: [`Refusal::TaskDied`], [`Refusal::UnknownService`].
    pub fn revoke<F>(
        &mut self,
        pid: u32,
        name: Option<&str>,
        serial: &mut u32,
        out: &mut Events<F>,
    ) -> Result<BTreeSet<(u32, u64)>, Refusal> {
        let losers: Vec<u64> =
            self.tasks.iter().filter(|(_, task)| task.who.pid == pid).map(|(id, _)| *id).collect();
        if losers.is_empty() {
            return Err(Refusal::TaskDied);
        }
        let found = name.map(|name| self.names.get(name).copied().ok_or(Refusal::UnknownService));
        let found = found.transpose()?;
        let mut waiting = BTreeSet::new();
        for task in losers {
            *serial = serial.wrapping_add(1);
            let peers = self.tasks[&task].peers.iter().copied();
            for to in peers.filter(|to| found.is_none_or(|found| found.receiver == *to)) {
                let port = found.map(|found| found.port);
                self.tell(to, Event::Revoke { serial: *serial, task, port }, None, out);
                waiting.insert((*serial, to));
            }
        }
        Ok(waiting)
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        let mut orders = self.desk.orders.lock();
        orders.is_closed = true;
        let unserved = std::mem::take(&mut orders.new);
        drop(orders);
        let waiting = self.waiting.iter().map(|(_, order)| order);
        unserved.iter().chain(waiting).for_each(|order| order.conclude(GONE));
    }
}
