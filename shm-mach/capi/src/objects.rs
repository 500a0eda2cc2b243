//! Names of what is the system's: the task itself, its threads, the machine, where services are found,
//! and semaphores.
//!
//! They are send rights to nothing that can be sent to yet. Their numbers lie beyond every name that a
//! space gives out, and the first ones are constants: C reads them from a variable before it has called
//! anything, and a forked child's are the same.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mach::ipc::Urefs;
use mach::{RightKind, TypeBits};

use crate::code::Code;
use crate::semaphore::Semaphore;

/// `mach_task_self()`.
pub(crate) const TASK: u32 = 0xffff_fe03;
/// `mach_host_self()`.
pub(crate) const HOST: u32 = 0xffff_fd03;
/// `bootstrap_port`.
pub(crate) const BOOTSTRAP: u32 = 0xffff_fc03;
/// The first thread that asks; each further one is 256 more.
const THREADS: u32 = 0xf000_0003;
/// How many threads have a name of their own; the next ones begin again.
const THREADS_MAX: u32 = 0xf_0000;

/// The first semaphore; each further one is 256 more.
const SEMAPHORES: u32 = 0x8000_0003;
/// How many semaphores there are at most in the life of a task.
const SEMAPHORES_MAX: u32 = 0x70_0000;

/// Their user references, under a lock of their own.
#[derive(Debug)]
pub(crate) struct Objects {
    refs: Mutex<BTreeMap<u32, Urefs>>,
    semaphores: Mutex<BTreeMap<u32, Arc<Semaphore>>>,
    next_thread: AtomicU32,
    next_semaphore: AtomicU32,
}

impl Default for Objects {
    fn default() -> Self {
        let refs = [TASK, BOOTSTRAP].map(|name| (name, Urefs::ONE)).into();
        Self {
            refs: Mutex::new(refs),
            semaphores: Mutex::default(),
            next_thread: AtomicU32::new(0),
            next_semaphore: AtomicU32::new(0),
        }
    }
}

impl Objects {
    fn refs(&self) -> MutexGuard<'_, BTreeMap<u32, Urefs>> {
        self.refs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a name is one of them, and held.
    pub(crate) fn has(&self, name: u32) -> bool {
        self.refs().contains_key(&name)
    }

    /// All that are held.
    pub(crate) fn names(&self) -> Vec<u32> {
        self.refs().keys().copied().collect()
    }

    /// One more reference (TP7, TP8), which sticks at its most.
    pub(crate) fn add(&self, name: u32) -> u32 {
        let mut refs = self.refs();
        let urefs = refs.get(&name).map_or(Urefs::ONE, |urefs| urefs.one_more());
        refs.insert(name, urefs);
        name
    }

    /// A name for a thread that has none yet.
    pub(crate) fn new_thread(&self) -> u32 {
        let number = self.next_thread.fetch_add(1, Ordering::Relaxed) % THREADS_MAX;
        THREADS + (number << 8)
    }

    /// A name for a semaphore, with one reference.
    ///
    /// # Errors
    /// [`Code::RESOURCE_SHORTAGE`]: there were too many.
    pub(crate) fn add_semaphore(&self, semaphore: Semaphore) -> Result<u32, Code> {
        let number = self.next_semaphore.fetch_add(1, Ordering::Relaxed);
        if number >= SEMAPHORES_MAX {
            self.next_semaphore.fetch_sub(1, Ordering::Relaxed);
            return Err(Code::RESOURCE_SHORTAGE);
        }
        let name = SEMAPHORES + (number << 8);
        self.semaphores().insert(name, Arc::new(semaphore));
        Ok(self.add(name))
    }

    /// The semaphore with this name, if it is held.
    pub(crate) fn semaphore(&self, name: u32) -> Option<Arc<Semaphore>> {
        self.semaphores().get(&name).cloned()
    }

    fn semaphores(&self) -> MutexGuard<'_, BTreeMap<u32, Arc<Semaphore>>> {
        self.semaphores.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody holds an object any more: a semaphore is over.
    fn drop_object(&self, name: u32) {
        let ended = self.semaphores().remove(&name);
        ended.inspect(|semaphore| semaphore.end());
    }

    /// How many references it has, of one that is held.
    pub(crate) fn get_refs(&self, name: u32, right: RightKind) -> Option<u16> {
        let urefs = *self.refs().get(&name)?;
        Some(if right == RightKind::Send { urefs.get() } else { 0 })
    }

    /// Changes its references; `None` of a name that is not held.
    pub(crate) fn mod_refs(&self, name: u32, right: RightKind, delta: i32) -> Option<Result<(), Code>> {
        let mut refs = self.refs();
        let urefs = *refs.get(&name)?;
        if right != RightKind::Send {
            return Some(Err(Code::INVALID_RIGHT));
        }
        Some(match urefs.changed_by(delta) {
            Ok(Some(urefs)) => {
                refs.insert(name, urefs);
                Ok(())
            }
            // The task keeps itself (TP2).
            Ok(None) if name == TASK => Err(Code::INVALID_CAPABILITY),
            Ok(None) => {
                refs.remove(&name);
                drop(refs);
                self.drop_object(name);
                Ok(())
            }
            Err(error) => Err(error.into()),
        })
    }

    /// Gives up all references; `None` of a name that is not held.
    pub(crate) fn destroy(&self, name: u32) -> Option<Result<(), Code>> {
        let mut refs = self.refs();
        refs.get(&name)?;
        if name == TASK {
            return Some(Err(Code::INVALID_CAPABILITY));
        }
        refs.remove(&name);
        drop(refs);
        self.drop_object(name);
        Some(Ok(()))
    }

    /// What kind of object it is, by Mach's number; `None` of a name that is not held.
    pub(crate) fn kind(&self, name: u32) -> Option<u32> {
        self.has(name).then_some(match name {
            TASK => 2,
            HOST => 3,
            BOOTSTRAP => 0, // as if it were a program's port
            THREADS.. => 1,
            _ => 23, // a semaphore
        })
    }

    /// What they stand for.
    pub(crate) const TYPE: TypeBits = TypeBits::SEND;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_gives_none_of_their_numbers_out() {
        let last = mach::Options::DEFAULT_NAMES as u32;
        assert!(SEMAPHORES >> 8 > last);
        const { assert!(SEMAPHORES + ((SEMAPHORES_MAX - 1) << 8) < THREADS) };
        const { assert!(THREADS + ((THREADS_MAX - 1) << 8) < BOOTSTRAP) };
    }

    #[test]
    fn u2_u3_references_stick_at_their_most() {
        let objects = Objects::default();
        objects.add(HOST);
        objects.mod_refs(HOST, RightKind::Send, 65_534).unwrap().unwrap();
        objects.add(HOST);
        objects.mod_refs(HOST, RightKind::Send, -1).unwrap().unwrap();
        assert_eq!(objects.get_refs(HOST, RightKind::Send), Some(65_535));
        objects.mod_refs(HOST, RightKind::Send, -65_535).unwrap().unwrap();
        assert!(!objects.has(HOST));
    }
}
