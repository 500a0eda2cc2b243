//! `mach_port.h`: contexts and guards.

use mach::{GuardOptions, RawName};

use super::{on_name, on_task};
use crate::abi::Out;
use crate::code::Code;

#[unsafe(no_mangle)]
extern "C" fn mach_port_get_context(task: u32, name: u32, context: Out<u64>) -> Code {
    on_task(task, |session| context.set(session.in_space(name, session.task.get_context(RawName(name)))?))
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_set_context(task: u32, name: u32, context: u64) -> Code {
    on_name(task, name, |task| task.set_context(RawName(name), context))
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_guard(task: u32, name: u32, guard: u64, strict: u32) -> Code {
    let options = GuardOptions { is_strict: strict != 0, is_immovable: false };
    on_name(task, name, |task| task.guard(RawName(name), guard, options))
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_guard_with_flags(task: u32, name: u32, guard: u64, flags: u64) -> Code {
    const STRICT: u64 = 1;
    const IMMOVABLE: u64 = 2;
    if flags & !(STRICT | IMMOVABLE) != 0 {
        return on_task(task, |_| Err(Code::INVALID_ARGUMENT));
    }
    let options = GuardOptions { is_strict: flags & STRICT != 0, is_immovable: flags & IMMOVABLE != 0 };
    on_name(task, name, |task| task.guard(RawName(name), guard, options))
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_unguard(task: u32, name: u32, guard: u64) -> Code {
    on_name(task, name, |task| task.unguard(RawName(name), guard))
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_swap_guard(task: u32, name: u32, old: u64, new: u64) -> Code {
    on_name(task, name, |task| task.swap_guard(RawName(name), old, new))
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_destruct(task: u32, name: u32, srdelta: i32, guard: u64) -> Code {
    on_name(task, name, |task| task.destruct(RawName(name), srdelta, guard))
}
