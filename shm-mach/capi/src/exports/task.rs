//! `mach_init.h`, `mach_traps.h`, `task.h`: what a task has from the start.

use std::sync::atomic::{AtomicU32, Ordering};

use rustix::param::page_size;

use super::on_task;
use crate::abi::Out;
use crate::code::Code;
use crate::objects::{BOOTSTRAP, HOST, TASK};
use crate::session::Session;

/// What a program has set its guard exceptions to. There are none, so it has no effect.
static GUARD_BEHAVIOUR: AtomicU32 = AtomicU32::new(0);

#[unsafe(no_mangle)]
extern "C" fn mach_task_self() -> u32 {
    TASK
}

#[unsafe(no_mangle)]
extern "C" fn mach_thread_self() -> u32 {
    Session::current().map_or(0, Session::thread)
}

#[unsafe(no_mangle)]
extern "C" fn mach_host_self() -> u32 {
    Session::current().map_or(0, |session| session.objects.add(HOST))
}

#[unsafe(no_mangle)]
extern "C" fn mach_task_is_self(task: u32) -> u32 {
    u32::from(task == TASK)
}

#[unsafe(no_mangle)]
extern "C" fn host_page_size(_host: u32, size: Out<usize>) -> Code {
    size.put(page_size());
    Code::SUCCESS
}

#[unsafe(no_mangle)]
extern "C" fn pid_for_task(task: u32, pid: Out<i32>) -> Code {
    if task != TASK {
        pid.put(-1);
        return Code::FAILURE;
    }
    pid.put(std::process::id() as i32);
    Code::SUCCESS
}

/// Of the caller itself only.
#[unsafe(no_mangle)]
extern "C" fn task_for_pid(task: u32, pid: i32, other: Out<u32>) -> Code {
    own_task_for(task, pid, &other)
}

#[unsafe(no_mangle)]
extern "C" fn task_name_for_pid(task: u32, pid: i32, other: Out<u32>) -> Code {
    own_task_for(task, pid, &other)
}

fn own_task_for(task: u32, pid: i32, other: &Out<u32>) -> Code {
    other.put(0);
    on_task(task, |session| {
        if u32::try_from(pid) != Ok(std::process::id()) {
            return Err(Code::FAILURE);
        }
        other.set(session.objects.add(TASK))
    })
}

/// The special ports that there are: the task itself, the machine, and the bootstrap. Others are not set.
#[unsafe(no_mangle)]
extern "C" fn task_get_special_port(task: u32, which: i32, port: Out<u32>) -> Code {
    const UNSET: [i32; 3] = [9, 10, 11];
    on_task(task, |session| {
        let name = match which {
            1 | 3 | 5 | 6 => TASK,
            2 => HOST,
            4 => BOOTSTRAP,
            which if UNSET.contains(&which) => return port.set(0),
            _ => return Err(Code::INVALID_ARGUMENT),
        };
        port.set(session.objects.add(name))
    })
}

/// What may be set cannot be kept yet.
#[unsafe(no_mangle)]
extern "C" fn task_set_special_port(task: u32, which: i32, _port: u32) -> Code {
    on_task(task, |_| {
        Err(match which {
            1 | 2 => Code::NO_ACCESS,
            4 | 9 | 10 | 11 => Code::NOT_SUPPORTED,
            _ => Code::INVALID_ARGUMENT,
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn task_get_exc_guard_behavior(task: u32, behaviour: Out<u32>) -> Code {
    on_task(task, |_| behaviour.set(GUARD_BEHAVIOUR.load(Ordering::Relaxed)))
}

#[unsafe(no_mangle)]
extern "C" fn task_set_exc_guard_behavior(task: u32, behaviour: u32) -> Code {
    on_task(task, |_| {
        GUARD_BEHAVIOUR.store(behaviour, Ordering::Relaxed);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn swtch() -> u32 {
    std::thread::yield_now();
    0
}

#[unsafe(no_mangle)]
extern "C" fn swtch_pri(_priority: i32) -> u32 {
    swtch()
}

/// Waiting waits as many milliseconds; no thread is preferred.
#[unsafe(no_mangle)]
extern "C" fn thread_switch(_thread: u32, option: i32, milliseconds: u32) -> Code {
    match option {
        0 | 1 => std::thread::yield_now(),
        2 => std::thread::sleep(std::time::Duration::from_millis(milliseconds.into())),
        _ => return Code::INVALID_ARGUMENT,
    }
    Code::SUCCESS
}
