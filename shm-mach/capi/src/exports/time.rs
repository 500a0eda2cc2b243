//! `mach_time.h`. A tick is a nanosecond.

use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::abi::Out;
use crate::code::Code;

/// `mach_timebase_info_data_t`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Timebase {
    numer: u32,
    denom: u32,
}

const _: () = assert!(size_of::<Timebase>() == 8);

const SECOND: u64 = 1_000_000_000;

fn now(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    now.tv_sec as u64 * SECOND + now.tv_nsec as u64
}

#[unsafe(no_mangle)]
extern "C" fn mach_absolute_time() -> u64 {
    now(ClockId::Monotonic)
}

#[unsafe(no_mangle)]
extern "C" fn mach_approximate_time() -> u64 {
    now(ClockId::MonotonicCoarse)
}

#[unsafe(no_mangle)]
extern "C" fn mach_continuous_time() -> u64 {
    now(ClockId::Boottime)
}

#[unsafe(no_mangle)]
extern "C" fn mach_continuous_approximate_time() -> u64 {
    now(ClockId::Boottime)
}

#[unsafe(no_mangle)]
extern "C" fn mach_timebase_info(info: Out<Timebase>) -> Code {
    info.put(Timebase { numer: 1, denom: 1 });
    Code::SUCCESS
}

#[unsafe(no_mangle)]
extern "C" fn mach_wait_until(deadline: u64) -> Code {
    let until = Timespec { tv_sec: (deadline / SECOND) as i64, tv_nsec: (deadline % SECOND) as i64 };
    match clock_nanosleep_absolute(ClockId::Monotonic, &until) {
        Ok(()) => Code::SUCCESS,
        Err(_) => Code::ABORTED,
    }
}
