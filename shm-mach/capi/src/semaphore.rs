//! Counting semaphores: objects of this task's, for its threads.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::code::Code;

/// `SYNC_POLICY_LIFO`: who waits shortest is woken first.
const LIFO: i32 = 2;
/// Policies that can be asked for, together with an obsolete one.
const KNOWN: i32 = 6;

/// A semaphore.
#[derive(Debug)]
pub(crate) struct Semaphore {
    is_lifo: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    count: i32,
    is_over: bool,
    waiting: VecDeque<Arc<Waiter>>,
}

/// A thread that waits.
#[derive(Debug)]
struct Waiter {
    /// Its name, for whoever wakes it alone; 0 of one that never had any.
    thread: u32,
    /// What its call returns, once it is woken.
    outcome: Mutex<Option<Code>>,
    woken: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Waiter {
    fn wake(&self, outcome: Code) {
        *lock(&self.outcome) = Some(outcome);
        self.woken.notify_one();
    }
}

impl State {
    /// A waiter, or one more.
    fn signal(&mut self) {
        match self.waiting.pop_front() {
            Some(waiter) => waiter.wake(Code::SUCCESS),
            None => self.count = self.count.saturating_add(1),
        }
    }
}

impl Semaphore {
    /// # Errors
    /// [`Code::INVALID_ARGUMENT`] of a count below 0, or a policy that is none (SE1).
    pub(crate) fn new(policy: i32, count: i32) -> Result<Self, Code> {
        if count < 0 || policy & !KNOWN != 0 {
            return Err(Code::INVALID_ARGUMENT);
        }
        let state = State { count, is_over: false, waiting: VecDeque::new() };
        Ok(Self { is_lifo: policy & LIFO != 0, state: Mutex::new(state) })
    }

    /// Locked, if it is not over.
    ///
    /// # Errors
    /// [`Code::TERMINATED`].
    fn state(&self) -> Result<MutexGuard<'_, State>, Code> {
        let state = lock(&self.state);
        if state.is_over { Err(Code::TERMINATED) } else { Ok(state) }
    }

    /// Waits until it is signalled, or until `deadline` (SE2, SE3). First signals another one, if there
    /// is: both at once, for whoever looks at this one (SE7).
    ///
    /// # Errors
    /// 1. [`Code::TERMINATED`]: it is over, or the other one.
    /// 2. [`Code::TIMED_OUT`].
    pub(crate) fn wait(
        self: &Arc<Self>,
        thread: u32,
        deadline: Option<Instant>,
        signalled: Option<&Arc<Self>>,
    ) -> Result<(), Code> {
        let waiter = Arc::new(Waiter { thread, outcome: Mutex::new(None), woken: Condvar::new() });
        let is_taken = {
            let mut state = self.state()?;
            let is_taken = state.count > 0;
            match (is_taken, self.is_lifo) {
                (true, _) => state.count -= 1,
                (false, true) => state.waiting.push_front(waiter.clone()),
                (false, false) => state.waiting.push_back(waiter.clone()),
            }
            is_taken
        };
        if let Some(Err(error)) = signalled.map(|other| other.signal()) {
            // As if it had not been waited for.
            if is_taken || !self.withdraw(&waiter) {
                self.signal()?;
            }
            return Err(error);
        }
        if is_taken { Ok(()) } else { self.sleep(&waiter, deadline) }
    }

    fn sleep(&self, waiter: &Arc<Waiter>, deadline: Option<Instant>) -> Result<(), Code> {
        let mut outcome = lock(&waiter.outcome);
        loop {
            match *outcome {
                Some(Code::SUCCESS) => return Ok(()),
                Some(code) => return Err(code),
                None => {}
            }
            outcome = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => waiter.woken.wait(outcome).unwrap_or_else(PoisonError::into_inner),
                Some(left) if !left.is_zero() => {
                    let waited = waiter.woken.wait_timeout(outcome, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                Some(_) => {
                    drop(outcome);
                    // Whoever signals holds the semaphore's lock: after it, the waiter was woken or is not.
                    if self.withdraw(waiter) {
                        return Err(Code::TIMED_OUT);
                    }
                    lock(&waiter.outcome)
                }
            };
        }
    }

    /// Takes a waiter off the list; says whether it was there.
    fn withdraw(&self, waiter: &Arc<Waiter>) -> bool {
        let mut state = lock(&self.state);
        let before = state.waiting.len();
        state.waiting.retain(|other| !Arc::ptr_eq(other, waiter));
        state.waiting.len() < before
    }

    /// SE4.
    ///
    /// # Errors
    /// [`Code::TERMINATED`].
    pub(crate) fn signal(&self) -> Result<(), Code> {
        self.state().map(|mut state| state.signal())
    }

    /// Wakes all who wait, and none to come (SE5).
    ///
    /// # Errors
    /// [`Code::TERMINATED`].
    pub(crate) fn signal_all(&self) -> Result<(), Code> {
        let mut state = self.state()?;
        if !state.waiting.is_empty() {
            state.count = 0;
        }
        state.waiting.drain(..).for_each(|waiter| waiter.wake(Code::SUCCESS));
        Ok(())
    }

    /// Wakes one thread if it waits; with NULL any (SE6).
    ///
    /// # Errors
    /// 1. [`Code::TERMINATED`].
    /// 2. [`Code::NOT_WAITING`].
    pub(crate) fn signal_thread(&self, thread: u32) -> Result<(), Code> {
        let mut state = self.state()?;
        let at = state.waiting.iter().position(|waiter| thread == 0 || waiter.thread == thread);
        let waiter = at.and_then(|at| state.waiting.remove(at)).ok_or(Code::NOT_WAITING)?;
        waiter.wake(Code::SUCCESS);
        Ok(())
    }

    /// It is over: whoever waits is told (SE9).
    pub(crate) fn end(&self) {
        let mut state = lock(&self.state);
        state.is_over = true;
        state.waiting.drain(..).for_each(|waiter| waiter.wake(Code::TERMINATED));
    }
}
