//! The task of this process. It is made at the first call that needs it, and made anew by a forked child:
//! handles of the parent's are inert there.
//!
//! The authority is the one that `SHM_MACH_AUTHORITY` names, else the one that listens at the default
//! places, else one embedded in this process, so that a program by itself works. A forked child of a
//! process with an embedded authority attaches to that one as long as it lives.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mach::segment::fork::Process;
use mach::{AuthorityError, Options, RawName, SendRight, Task, TypeBits};

use crate::code::Code;
use crate::home::Home;
use crate::objects::Objects;
use crate::semaphore::Semaphore;

/// Mach's default, unlike the Rust interface's.
const QUEUE_LIMIT: u32 = 5;

/// The session that was made last, in this process or in one that it was forked from; never freed.
static LAST: AtomicPtr<Session> = AtomicPtr::new(std::ptr::null_mut());
/// The number of the process in which a thread makes one now. A forked child may inherit its parent's.
static BUSY: AtomicU32 = AtomicU32::new(0);

/// What a process is to others.
#[derive(Debug)]
pub(crate) struct Session {
    process: Process,
    pub(crate) task: Task,
    pub(crate) objects: Objects,
    /// Names that this task has taken at the bootstrap; some may be free again. Held during a call there.
    services: Mutex<BTreeSet<String>>,
    /// Kept so that the right to it lives.
    _special: Option<SendRight>,
    home: Option<&'static Home>,
}

thread_local! {
    /// This thread's name, and the process in which it got it.
    static THREAD: Cell<Option<(Process, u32)>> = const { Cell::new(None) };
}

impl Session {
    /// This process's.
    ///
    /// # Errors
    /// Why there is none; the reason was written to the standard error stream, once.
    #[inline]
    pub(crate) fn current() -> Result<&'static Self, Code> {
        match last() {
            Some(session) if !session.process.is_other() => Ok(session),
            _ => Self::begin(),
        }
    }

    #[cold]
    fn begin() -> Result<&'static Self, Code> {
        let process = Process::current().map_err(|_| Code::RESOURCE_SHORTAGE)?;
        let number = process.number();
        loop {
            let busy = BUSY.load(Ordering::Acquire);
            if busy == number {
                // Another thread of this process makes it.
                std::thread::sleep(Duration::from_millis(1));
                continue;
            }
            if BUSY.compare_exchange(busy, number, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                break;
            }
        }
        let session = match last() {
            Some(session) if !session.process.is_other() => Ok(session),
            before => Self::make(process, before.and_then(|before| before.home)),
        };
        if let Ok(session) = session {
            LAST.store(std::ptr::from_ref(session).cast_mut(), Ordering::Release);
        }
        BUSY.store(0, Ordering::Release);
        session
    }

    fn make(process: Process, home: Option<&'static Home>) -> Result<&'static Self, Code> {
        let attached = attach(home);
        let (task, special, home) = attached.map_err(|error| {
            complain(&error);
            Code::from(&error)
        })?;
        Ok(Box::leak(Box::new(Self {
            process,
            task,
            objects: Objects::default(),
            services: Mutex::default(),
            _special: special,
            home,
        })))
    }

    /// The calling thread's name, with one more reference.
    pub(crate) fn thread(&self) -> u32 {
        self.objects.add(self.thread_name())
    }

    /// The name that the calling thread has, or would get.
    pub(crate) fn thread_name(&self) -> u32 {
        let known = THREAD.get().filter(|(process, _)| *process == self.process);
        let (_, name) = known.unwrap_or_else(|| (self.process, self.objects.new_thread()));
        THREAD.set(Some((self.process, name)));
        name
    }

    /// The semaphore with this name.
    ///
    /// # Errors
    /// In the order checked (SE8): [`Code::INVALID_NAME`], also of NULL and DEAD;
    /// [`Code::INVALID_RIGHT`]: no right to send; [`Code::INVALID_CAPABILITY`]: something else.
    pub(crate) fn semaphore(&self, name: u32) -> Result<Arc<Semaphore>, Code> {
        if let Some(semaphore) = self.objects.semaphore(name) {
            return Ok(semaphore);
        }
        let bits = if RawName(name).is_valid() { self.right_type(name) } else { Err(Code::INVALID_NAME) }?;
        Err(if bits.contains(TypeBits::SEND) { Code::INVALID_CAPABILITY } else { Code::INVALID_RIGHT })
    }

    pub(crate) fn services(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn last() -> Option<&'static Session> {
    // SAFETY: bounds and life: null, or a session that was leaked, stored after it was complete (Release,
    // Acquire) and never changed or freed since; in a forked child it is the child's copy. Peer: private
    // memory.
    unsafe { LAST.load(Ordering::Acquire).as_ref() }
}

type Attached = (Task, Option<SendRight>, Option<&'static Home>);

fn attach(home: Option<&'static Home>) -> Result<Attached, AuthorityError> {
    let options = Options::default().queue_limit(QUEUE_LIMIT);
    if let Some(home) = home {
        match at_home(home, &options) {
            // Its process is dead, or has died just now.
            Err(AuthorityError::Kernel(_) | AuthorityError::Gone) => {}
            other => return other,
        }
    }
    match Task::attach(&options) {
        Ok((task, special)) => Ok((task, special, None)),
        Err(AuthorityError::NotFound { .. }) => at_home(Home::start()?, &options),
        Err(error) => Err(error),
    }
}

fn at_home(home: &'static Home, options: &Options) -> Result<Attached, AuthorityError> {
    let (task, special) = Task::attach_to(home.connect()?, options)?;
    Ok((task, special, Some(home)))
}

/// Nothing else tells why every call fails.
fn complain(error: &AuthorityError) {
    static DONE: AtomicU32 = AtomicU32::new(0);
    if DONE.swap(1, Ordering::Relaxed) == 0 {
        // A program without a standard error stream is not told.
        let _ = std::io::stderr().write_all(format!("shm_mach: no task: {error}\n").as_bytes());
    }
}
