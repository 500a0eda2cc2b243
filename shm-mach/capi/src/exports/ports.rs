//! `mach_port.h`: names, and the rights under them.

use super::on_task;
use crate::abi::Out;
use crate::code::Code;
use crate::memory::{Address, deallocate, hand_out};
use crate::requests::Wanted;

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
        let kinds = hand_out(&kinds);
        if kinds.is_err() {
            deallocate(at, u64::from(count) * 4)?;
        }
        let (kinds_at, _) = kinds?;
        names.put(at);
        names_count.put(count);
        types.put(kinds_at);
        types_count.set(count)
    })
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_type(task: u32, name: u32, bits: Out<u32>) -> Code {
    // Requests for sends that become possible do not show here.
    const ASIDE: u32 = 0x6000_0000;
    on_task(task, |session| bits.set(session.right_type(name)?.bits() & !ASIDE))
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
extern "C" fn mach_port_insert_right(task: u32, name: u32, right: u32, disposition: u32) -> Code {
    on_task(task, |session| session.insert_right(name, right, disposition))
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_extract_right(
    task: u32,
    name: u32,
    disposition: u32,
    right: Out<u32>,
    kind: Out<u32>,
) -> Code {
    on_task(task, |session| {
        let (taken, is) = session.extract_right(name, disposition)?;
        right.put(taken);
        kind.set(is)
    })
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_request_notification(
    task: u32,
    name: u32,
    id: i32,
    sync: u32,
    notify: u32,
    disposition: u32,
    previous: Out<u32>,
) -> Code {
    let wanted = Wanted { name, id, sync, notify, disposition };
    on_task(task, |session| previous.set(session.request_notification(wanted)?))
}
