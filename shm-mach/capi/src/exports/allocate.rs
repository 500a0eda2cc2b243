//! `mach_port.h`: making rights.

use mach::{PortOptions, Quality, RawName};

use super::on_task;
use crate::abi::Out;
use crate::code::Code;
use crate::names::RightNumber;
use crate::session::Session;

/// `mach_port_qos_t`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Qos {
    /// The lowest bit: the caller has chosen the name. The next one: room is to be kept ready.
    bits: u32,
    room: u32,
}

const _: () = assert!(size_of::<Qos>() == 8);

impl Qos {
    fn quality(self, name: u32) -> Quality {
        Quality {
            name: (self.bits & 1 != 0).then_some(RawName(name)),
            room: (self.bits & 2 != 0).then_some(self.room),
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_allocate(task: u32, right: u32, name: Out<u32>) -> Code {
    on_task(task, |session| {
        let kind = RightNumber::kind(right)?;
        name.set(session.task.allocate_right(kind)?.get())
    })
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_allocate_name(task: u32, right: u32, name: u32) -> Code {
    on_task(task, |session| {
        let kind = RightNumber::kind(right)?;
        session.task.allocate_name(kind, RawName(name))?;
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_allocate_qos(task: u32, right: u32, qos: Out<Qos>, name: Out<u32>) -> Code {
    on_task(task, |session| {
        let quality = qos.get().quality(0);
        if quality.name.is_some() {
            return Err(Code::INVALID_ARGUMENT);
        }
        name.set(session.task.allocate_qos(RightNumber::kind(right)?, quality)?.get())
    })
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_allocate_full(
    task: u32,
    right: u32,
    proto: u32,
    qos: Out<Qos>,
    name: Out<u32>,
) -> Code {
    on_task(task, |session| {
        let kind = RightNumber::kind(right)?;
        let qos = qos.get();
        let chosen = if qos.bits & 1 != 0 { name.get() } else { 0 };
        name.set(session.task.allocate_full(kind, RawName(proto), qos.quality(chosen))?.get())
    })
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_construct(
    task: u32,
    options: Out<PortOptions>,
    context: u64,
    name: Out<u32>,
) -> Code {
    on_task(task, |session| name.set(session.task.construct(&options.get(), context)?.get()))
}

#[unsafe(no_mangle)]
extern "C" fn task_set_port_space(task: u32, _entries: i32) -> Code {
    on_task(task, |_| Ok(()))
}

#[unsafe(no_mangle)]
extern "C" fn mach_reply_port() -> u32 {
    Session::current().map_or(0, |session| session.task.mach_reply_port().0)
}
