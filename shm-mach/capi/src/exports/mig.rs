//! `mig.h`: what generated code calls.

use mach::RightKind;

use super::on_task;
use crate::abi::{Out, Room, Text};
use crate::code::Code;
use crate::memory::{self, Address};
use crate::objects::TASK;
use crate::session::Session;

/// The bytes of a copy with its NUL: as many as fit.
fn cut(text: &Text, length: i32) -> Vec<u8> {
    let Some(most) = usize::try_from(length).ok().filter(|length| *length > 0) else { return Vec::new() };
    let mut bytes = text.bytes(most - 1);
    bytes.push(0);
    bytes
}

#[unsafe(no_mangle)]
extern "C" fn mig_strncpy(to: Room, from: Text, length: i32) -> i32 {
    let bytes = cut(&from, length);
    to.fill(&bytes);
    bytes.len() as i32
}

#[unsafe(no_mangle)]
extern "C" fn mig_strncpy_zerofill(to: Room, from: Text, length: i32) -> i32 {
    let mut bytes = cut(&from, length);
    let copied = bytes.len() as i32;
    bytes.resize(usize::try_from(length).unwrap_or(0), 0);
    to.fill(&bytes);
    copied
}

#[unsafe(no_mangle)]
extern "C" fn mig_allocate(address: Out<Address>, size: u64) {
    const ANYWHERE: i32 = 1;
    let made = on_task(TASK, |_| address.set(memory::allocate(address.get(), size, ANYWHERE)?));
    if made != Code::SUCCESS {
        address.put(Address::NULL);
    }
}

#[unsafe(no_mangle)]
extern "C" fn mig_deallocate(address: Address, size: u64) {
    // As with free(3), there is nobody to tell.
    let _ = memory::deallocate(address, size);
}

/// It ends with the thread.
#[unsafe(no_mangle)]
extern "C" fn mig_get_reply_port() -> u32 {
    Session::current().map_or(0, |session| session.task.thread_reply_port().0)
}

/// The port goes, so that an answer which comes too late finds nobody.
#[unsafe(no_mangle)]
extern "C" fn mig_dealloc_reply_port(port: u32) {
    // Whoever has given it up before has nothing to give up now.
    let _ = on_task(TASK, |session| session.mod_refs(port, RightKind::Receive.number(), -1));
}

/// It stays the thread's.
#[unsafe(no_mangle)]
extern "C" fn mig_put_reply_port(_port: u32) {}
