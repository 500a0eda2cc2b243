//! `mk_timer.h`. Points in time are those of `mach_absolute_time`: nanoseconds of `CLOCK_MONOTONIC`.

use mach::{Deadline, PortError, RawName, Task};

use crate::abi::Out;
use crate::code::{Code, returned};
use crate::session::Session;

/// Calls `act` for the timer under a name.
fn on_timer<T>(
    name: u32,
    act: impl FnOnce(&Task, RawName) -> Result<T, PortError>,
    finish: impl FnOnce(T) -> Result<(), Code>,
) -> Code {
    returned(
        Session::current()
            .and_then(|session| session.in_space(name, act(&session.task, RawName(name))))
            .and_then(finish),
    )
}

#[unsafe(no_mangle)]
extern "C" fn mk_timer_create() -> u32 {
    let timer = Session::current().and_then(|session| Ok(session.task.allocate_timer()?));
    timer.map_or(0, |timer| timer.into_name().get())
}

#[unsafe(no_mangle)]
extern "C" fn mk_timer_destroy(name: u32) -> Code {
    on_timer(name, |task, name| task.destroy_timer(name), Ok)
}

#[unsafe(no_mangle)]
extern "C" fn mk_timer_arm(name: u32, expire_time: u64) -> Code {
    on_timer(name, |task, name| task.arm_timer(name, Deadline::at(expire_time)), Ok)
}

/// A timer here is never late on purpose: the leeway is not used.
#[unsafe(no_mangle)]
extern "C" fn mk_timer_arm_leeway(name: u32, _flags: u64, expire_time: u64, _leeway: u64) -> Code {
    mk_timer_arm(name, expire_time)
}

#[unsafe(no_mangle)]
extern "C" fn mk_timer_cancel(name: u32, result_time: Out<u64>) -> Code {
    let armed_for = |was: Option<Deadline>| result_time.set(was.map_or(0, Deadline::nanoseconds));
    on_timer(name, |task, name| task.cancel_timer(name), armed_for)
}
