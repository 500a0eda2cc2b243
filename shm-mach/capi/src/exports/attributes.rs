//! `mach_port.h`: what can be asked about a port, and set.

use mach::RawName;

use super::{on_name, on_task};
use crate::abi::{Out, Words};
use crate::code::Code;

/// Words of the longest flavour.
const WORDS_MAX: usize = 17;

#[unsafe(no_mangle)]
extern "C" fn mach_port_get_attributes(
    task: u32,
    name: u32,
    flavor: i32,
    info: Out<u32>,
    count: Out<u32>,
) -> Code {
    on_name(task, name, |task| {
        let mut words = [0; WORDS_MAX];
        let room = (count.get() as usize).min(WORDS_MAX);
        let length = task.get_attributes(RawName(name), flavor as u32, &mut words[..room])?;
        info.put_all(&words[..length]);
        count.put(length as u32);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_set_attributes(task: u32, name: u32, flavor: i32, info: Words, count: u32) -> Code {
    let words = info.first((count as usize).min(WORDS_MAX));
    on_name(task, name, |task| task.set_attributes(RawName(name), flavor as u32, &words))
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_assert_attributes(
    task: u32,
    name: u32,
    flavor: i32,
    info: Words,
    count: u32,
) -> Code {
    let words = info.first((count as usize).min(WORDS_MAX));
    on_name(task, name, |task| task.assert_attributes(RawName(name), flavor as u32, &words))
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_set_mscount(task: u32, name: u32, count: u32) -> Code {
    on_name(task, name, |task| task.set_mscount(RawName(name), count))
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_set_seqno(task: u32, name: u32, seqno: u32) -> Code {
    on_name(task, name, |task| task.set_seqno(RawName(name), seqno))
}

#[unsafe(no_mangle)]
extern "C" fn mach_port_get_srights(task: u32, name: u32, count: Out<u32>) -> Code {
    on_task(task, |session| {
        let rights = session.in_space(name, session.task.get_srights(RawName(name)))?;
        count.set(u32::try_from(rights).unwrap_or(u32::MAX))
    })
}
