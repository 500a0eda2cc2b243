//! `semaphore.h`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::on_task;
use crate::abi::Out;
use crate::code::{Code, returned};
use crate::objects::TASK;
use crate::semaphore::Semaphore;
use crate::session::Session;

/// `mach_timespec_t`, which is small enough to come as one number.
#[derive(Clone, Copy)]
#[repr(C)]
struct Span {
    seconds: u32,
    nanoseconds: i32,
}

const _: () = assert!(size_of::<Span>() == 8);

impl Span {
    /// # Errors
    /// [`Code::INVALID_VALUE`] of nanoseconds that are none (SE3).
    fn deadline(self) -> Result<Option<Instant>, Code> {
        let nanoseconds = u32::try_from(self.nanoseconds).ok().filter(|count| *count < 1_000_000_000);
        let span = Duration::new(self.seconds.into(), nanoseconds.ok_or(Code::INVALID_VALUE)?);
        Ok(Some(Instant::now() + span))
    }
}

fn on_semaphore(name: u32, act: impl FnOnce(&Session, &Arc<Semaphore>) -> Result<(), Code>) -> Code {
    returned(Session::current().and_then(|session| act(session, &session.semaphore(name)?)))
}

#[unsafe(no_mangle)]
extern "C" fn semaphore_create(task: u32, semaphore: Out<u32>, policy: i32, count: i32) -> Code {
    if task == 0 {
        return Code::INVALID_ARGUMENT;
    }
    on_task(task, |session| semaphore.set(session.objects.add_semaphore(Semaphore::new(policy, count)?)?))
}

#[unsafe(no_mangle)]
extern "C" fn semaphore_destroy(task: u32, semaphore: u32) -> Code {
    if task != TASK || semaphore == 0 {
        return Code::INVALID_ARGUMENT;
    }
    on_semaphore(semaphore, |session, found| {
        found.end();
        session.deallocate(semaphore)
    })
}

#[unsafe(no_mangle)]
extern "C" fn semaphore_signal(semaphore: u32) -> Code {
    on_semaphore(semaphore, |_, found| found.signal())
}

#[unsafe(no_mangle)]
extern "C" fn semaphore_signal_all(semaphore: u32) -> Code {
    on_semaphore(semaphore, |_, found| found.signal_all())
}

#[unsafe(no_mangle)]
extern "C" fn semaphore_signal_thread(semaphore: u32, thread: u32) -> Code {
    on_semaphore(semaphore, |_, found| found.signal_thread(thread))
}

#[unsafe(no_mangle)]
extern "C" fn semaphore_wait(semaphore: u32) -> Code {
    on_semaphore(semaphore, |session, found| found.wait(session.thread_name(), None, None))
}

#[unsafe(no_mangle)]
extern "C" fn semaphore_timedwait(semaphore: u32, span: Span) -> Code {
    on_semaphore(semaphore, |session, found| found.wait(session.thread_name(), span.deadline()?, None))
}

#[unsafe(no_mangle)]
extern "C" fn semaphore_wait_signal(semaphore: u32, signalled: u32) -> Code {
    on_semaphore(semaphore, |session, found| {
        let other = session.semaphore(signalled)?;
        found.wait(session.thread_name(), None, Some(&other))
    })
}

#[unsafe(no_mangle)]
extern "C" fn semaphore_timedwait_signal(semaphore: u32, signalled: u32, span: Span) -> Code {
    on_semaphore(semaphore, |session, found| {
        let other = session.semaphore(signalled)?;
        found.wait(session.thread_name(), span.deadline()?, Some(&other))
    })
}
