//! Sending by name: the look-up takes no lock.
//!
//! Each thread remembers the credits behind the names that it used last. What it remembers is good if the
//! line of the name in the task's own table still says that it is a send right, and the credit is not
//! over; else the lock is taken. The memory does not keep a right alive.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use crate::client::held::Held;
use crate::client::send_right::{SendRight, Sender};
use crate::client::task::{Inner, Task};
use crate::ipc::{PortError, PortName, RawName, TypeBits};

/// How many names a thread remembers.
const REMEMBERED: usize = 16;

struct Remembered {
    /// [`Inner::serial`] of the task.
    task: u64,
    held: Weak<Held>,
    name: PortName,
}

thread_local! {
    static LAST: RefCell<[Option<Remembered>; REMEMBERED]> = const { RefCell::new([const { None }; REMEMBERED]) };
}

fn place(name: PortName) -> usize {
    name.index() as usize % REMEMBERED
}

/// What the thread remembers of a name of the task; nothing while the thread ends.
fn recall(task: u64, name: PortName) -> Option<Arc<Held>> {
    let recall = |last: &RefCell<[Option<Remembered>; REMEMBERED]>| {
        let last = last.borrow();
        let known = last[place(name)].as_ref()?;
        (known.task == task && known.name == name).then(|| known.held.upgrade()).flatten()
    };
    LAST.try_with(recall).ok().flatten()
}

fn remember(task: u64, held: &Arc<Held>) {
    let new = Remembered { task, held: Arc::downgrade(held), name: held.name };
    let _ = LAST.try_with(|last| last.borrow_mut()[place(held.name)].replace(new));
}

/// The lane of sends by a name, if it is open already.
type Lane = Option<Box<Sender>>;

impl Inner {
    /// The credit behind the send right under a name, and its lane, if nobody uses that.
    fn credit_of(&self, name: RawName) -> Result<(Arc<Held>, Option<Lane>), PortError> {
        let known = PortName::new(name.0).and_then(|name| recall(self.serial, name));
        if let Some(held) = known
            && !held.is_dead()
            && self.reader.lookup(held.name).is_some_and(|row| row.type_bits.contains(TypeBits::SEND))
        {
            let mut by_name = held.by_name.lock();
            // The name may stand on another one since.
            if !by_name.is_over() {
                let lane = by_name.take();
                drop(by_name);
                return Ok((held, lane));
            }
        }
        let held = self.names.lock().send_credit(name)?;
        remember(self.serial, &held);
        let lane = held.by_name.lock().take();
        Ok((held, lane))
    }
}

/// A handle that is lent to a closure, with the lane of sends by name if that is free.
struct Lent {
    right: SendRight,
    has_lane: bool,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.has_lane {
            self.right.put_lane_back();
        }
    }
}

impl Task {
    /// Calls `act` with the send right under a name, to send with it. No lock of the names is taken for
    /// the look-up, except for a thread's first.
    ///
    /// All threads that send by one name share a lane, so what is sent after something else was sent
    /// arrives after it. Only a send that meets another one by the same name, in progress, goes by a
    /// lane of its own and is outside of that order. The name can be given up meanwhile: what was sent
    /// is still received.
    ///
    /// # Errors
    /// 1. [`PortError::Forked`].
    /// 2. [`PortError::UnknownName`].
    /// 3. [`PortError::DeadPort`]: a dead name.
    /// 4. [`PortError::NoSuchRight`].
    pub fn with_send_right<R>(
        &self,
        name: impl Into<RawName>,
        act: impl FnOnce(&SendRight) -> R,
    ) -> Result<R, PortError> {
        if self.inner.is_forked() {
            return Err(PortError::Forked);
        }
        let (held, lane) = self.inner.credit_of(name.into())?;
        let has_lane = lane.is_some();
        let opens = lane.as_ref().is_none_or(Option::is_none) && held.target().receiver().is_some();
        if opens && !(has_lane && self.inner.names.lock().is_name_only(&held)) {
            held.share(); // there will be another lane beside this one
        }
        let right = SendRight::with_lane(self.inner.clone(), held, lane.flatten(), false);
        let lent = Lent { right, has_lane };
        Ok(act(&lent.right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::held::Target;
    use crate::client::task::Options;
    use crate::ipc::NameTable;
    use crate::wire::request::PortRef;

    #[test]
    fn a_credit_that_is_over_is_not_used_again_while_the_name_stands_on_another() {
        let task = Task::new(Options::default(), None, NameTable::create(16).unwrap()).unwrap();
        let port = PortRef { port: 1, epoch: 0, key: 2, limit: 3 };
        let passed_on_by = |by| task.inner.take_in(Target::granted(by, 9, port)).unwrap();
        let (one, two) = (passed_on_by(5), passed_on_by(6));
        assert_eq!(one.name(), two.name());
        let name = one.into_name();
        let (first, _) = task.inner.credit_of(name.into()).unwrap();
        task.deallocate(name).unwrap();
        let (second, _) = task.inner.credit_of(name.into()).unwrap();
        assert!(!Arc::ptr_eq(&first, &second) && first.by_name.lock().is_over());
        drop(two);
        assert!(matches!(task.inner.credit_of(name.into()), Err(PortError::UnknownName)));
    }
}
