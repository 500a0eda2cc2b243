//! `mach_port.h`: port sets.

use mach::{PortError, RawName, Task};

use super::on_task;
use crate::abi::Out;
use crate::code::Code;
use crate::memory::{Address, hand_out};

/// A call on a port and a set: either name may be an object's.
fn on_both(
    task: u32,
    names: [u32; 2],
    act: impl FnOnce(&Task, [RawName; 2]) -> Result<(), PortError>,
) -> Code {
    on_task(task, |session| {
        let [port, set] = names;
        let done = act(&session.task, names.map(RawName));
        session.in_space(if session.objects.has(port) { port } else { set }, done)
    })
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_insert_member(task: u32, port: u32, set: u32) -> Code {
    on_both(task, [port, set], |task, [port, set]| task.insert_member(port, set))
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_extract_member(task: u32, port: u32, set: u32) -> Code {
    on_both(task, [port, set], |task, [port, set]| task.extract_member(port, set))
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_move_member(task: u32, port: u32, after: u32) -> Code {
    on_both(task, [port, after], |task, [port, after]| task.move_member(port, after))
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_get_set_status(task: u32, set: u32, members: Out<Address>, count: Out<u32>) -> Code {
    on_task(task, |session| {
        let found = session.in_space(set, session.task.get_set_status(RawName(set)))?;
        let found: Vec<u32> = found.into_iter().map(|name| name.get()).collect();
        let (at, length) = hand_out(&found)?;
        members.put(at);
        count.set(length)
    })
}
