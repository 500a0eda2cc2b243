//! `mach_port.h`.

use super::on_task;
use crate::abi::Out;
use crate::code::Code;
use crate::memory::{Address, hand_out};

#[unsafe(no_mangle)]
extern "C" fn mach_port_names(
    task: u32,
    names: Out<Address>,
    names_count: Out<u32>,
    types: Out<Address>,
    types_count: Out<u32>,
) -> Code {
    on_task(task, |session| {
        let (all, kinds) = session.all_names()?;
        let (at, count) = hand_out(&all)?;
        let (kinds_at, _) = hand_out(&kinds).inspect_err(|_| give_back(at, count))?;
        names.put(at);
        names_count.put(count);
        types.put(kinds_at);
        types_count.set(count)
    })
}

/// An array that was not handed out after all.
fn give_back(at: Address, words: u32) {
    let _ = crate::memory::deallocate(at, u64::from(words) * 4);
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_type(task: u32, name: u32, bits: Out<u32>) -> Code {
    on_task(task, |session| bits.set(session.right_type(name)?.bits()))
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_allocate(task: u32, right: u32, name: Out<u32>) -> Code {
    on_task(task, |session| name.set(session.allocate(right)?))
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_destroy(task: u32, name: u32) -> Code {
    on_task(task, |session| session.destroy(name))
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_deallocate(task: u32, name: u32) -> Code {
    on_task(task, |session| session.deallocate(name))
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_get_refs(task: u32, name: u32, right: u32, count: Out<u32>) -> Code {
    on_task(task, |session| count.set(session.get_refs(name, right)?))
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_mod_refs(task: u32, name: u32, right: u32, delta: i32) -> Code {
    on_task(task, |session| session.mod_refs(name, right, delta))
}

#[unsafe(no_mangle)]
extern "C" fn task_set_port_space(task: u32, _entries: i32) -> Code {
    on_task(task, |_| Ok(()))
}
