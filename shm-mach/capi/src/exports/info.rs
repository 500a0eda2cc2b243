//! `mach_port.h` and `mach_debug`: what a tool is told of a space.

use mach::RawName;
use mach::ipc::NameInfo;

use super::on_task;
use crate::abi::Out;
use crate::code::Code;
use crate::memory::{Address, hand_out};
use crate::objects::Objects;

/// Words of an `ipc_info_name_t`.
const NAME_WORDS: usize = 7;
/// Words of an `ipc_info_space_t`, and of an `ipc_info_space_basic_t`.
const SPACE_WORDS: usize = 6;
/// Bytes of a `kobject_description_t`.
const DESCRIPTION: usize = 512;

/// Name, collision, type, references, object, next, hash.
fn words_of(line: &NameInfo) -> [u32; NAME_WORDS] {
    let port = line.port;
    // Some number that is the same for all rights to a port, and tells nobody its secret.
    let object = (port.index + 1).wrapping_mul(u32::from(port.birth != 0)) ^ (port.birth as u32) << 16;
    [line.name.0, 0, line.type_bits.bits(), u32::from(line.urefs), object, 0, 0]
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_space_info(
    task: u32,
    space: Out<[u32; SPACE_WORDS]>,
    table: Out<Address>,
    table_count: Out<u32>,
    tree: Out<Address>,
    tree_count: Out<u32>,
) -> Code {
    on_task(task, |session| {
        let (info, lines) = session.task.space_info()?;
        let object = |name| {
            let urefs = session.objects.get_refs(name, mach::RightKind::Send).unwrap_or_default();
            [name, 0, Objects::TYPE.bits(), u32::from(urefs), name, 0, 0]
        };
        let objects = session.objects.names().into_iter().map(object);
        let words: Vec<u32> = lines.iter().map(words_of).chain(objects).flatten().collect();
        let (at, length) = hand_out(&words)?;
        space.put([info.generation_mask, info.size, info.next, 0, 0, 0]);
        table.put(at);
        table_count.put(length / NAME_WORDS as u32);
        tree.put(Address::NULL);
        tree_count.set(0)
    })
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_space_basic_info(task: u32, space: Out<[u32; SPACE_WORDS]>) -> Code {
    on_task(task, |session| {
        let info = session.task.space_basic_info()?;
        space.set([info.generation_mask, info.size, info.next, info.in_use, 0, 0])
    })
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_dnrequest_info(task: u32, name: u32, total: Out<u32>, used: Out<u32>) -> Code {
    on_task(task, |session| {
        let (room, taken) = session.in_space(name, session.task.dnrequest_info(RawName(name)))?;
        total.put(room);
        used.set(taken)
    })
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_kobject(task: u32, name: u32, kind: Out<u32>, address: Out<u64>) -> Code {
    on_task(task, |session| {
        kind.put(session.object_kind(name)?);
        address.set(0)
    })
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_kobject_description(
    task: u32,
    name: u32,
    kind: Out<u32>,
    address: Out<u64>,
    description: Out<[u8; DESCRIPTION]>,
) -> Code {
    on_task(task, |session| {
        kind.put(session.object_kind(name)?);
        address.put(0);
        description.set([0; DESCRIPTION])
    })
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_kernel_object(task: u32, name: u32, kind: Out<u32>, address: Out<u32>) -> Code {
    on_task(task, |session| {
        kind.put(session.object_kind(name)?);
        address.set(0)
    })
}
