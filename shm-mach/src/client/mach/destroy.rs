//! A message that nobody wants: its rights and its memory are given up.

use crate::client::task::Task;
use crate::ipc::{RawName, RightKind};
use crate::wire::mach::disposition::Disposition;
use crate::wire::mach::header::HEADER_BYTES;
use crate::wire::mach::outline::{MESSAGE_MAX, Outline};
use crate::wire::mach::{Address, Descriptor, GuardFlags, Header, Options};

use super::letter::Reach;
use super::place::Place;

/// Gives up what a message holds that was received, or was not sent. A message without a sense is given
/// up as far as it has one.
pub(super) fn destroy(task: &Task, message: &[u8], reach: Reach) {
    let Some(header) = Header::decode(message) else { return };
    give_up(task, header.remote, header.bits.remote());
    let outline = Outline::of_memory(whole(header.size), message);
    if let Ok(shape) = outline.and_then(|outline| outline.shape(Options::NONE, message)) {
        shape.descriptors().for_each(|descriptor| destroy_one(task, descriptor, reach));
    }
}

/// The same of a message in a caller's memory, which says itself how long it is.
pub(super) fn destroy_at(task: &Task, place: &Place<'_>) {
    let mut scratch = Vec::new();
    let header = Header::decode(place.read(HEADER_BYTES, HEADER_BYTES, &mut scratch));
    let size = header.map_or(0, |header| whole(header.size));
    destroy(task, place.read(size, MESSAGE_MAX, &mut scratch), place.reach(task));
}

/// A message of this crate's own interface has any length; its descriptors end at a whole word.
fn whole(size: u32) -> u32 {
    size & !3
}

fn destroy_one(task: &Task, descriptor: Descriptor<Address>, reach: Reach) {
    let disposition = descriptor.disposition().map_or(0, u32::from);
    let memory = descriptor.memory().map(|(at, bytes)| (*at, bytes));
    let deallocate = match descriptor {
        Descriptor::Port { name, .. } => return give_up(task, name, disposition),
        Descriptor::GuardedPort { name, context, flags } => {
            if !flags.contains(GuardFlags::UNGUARDED_ON_SEND) {
                let _ = task.unguard(name, context);
            }
            return give_up(task, name, disposition);
        }
        Descriptor::Memory { deallocate, .. } => deallocate,
        Descriptor::Ports { deallocate, .. } => {
            let (at, bytes) = memory.unwrap_or((Address(0), 0));
            let mut names = vec![0; bytes as usize];
            let read = reach.memory.read(at, &mut names);
            for name in names[..read].as_chunks().0 {
                give_up(task, RawName(u32::from_le_bytes(*name)), disposition);
            }
            deallocate
        }
    };
    if let (true, Some(raw), Some((at, bytes))) = (deallocate, reach.raw, memory) {
        reach.memory.unmap(raw, at, bytes);
    }
}

/// Gives up the right that a message holds, or would have made of a name. What is there no more is no
/// matter.
fn give_up(task: &Task, name: RawName, disposition: u32) {
    if !name.is_valid() {
        return;
    }
    let _ = match Disposition::from_number(disposition) {
        None | Some(Disposition::CopySend) => Ok(()),
        Some(Disposition::MoveSend | Disposition::MoveSendOnce) => task.deallocate(name),
        Some(Disposition::MoveReceive) => task.mod_refs(name, RightKind::Receive, -1),
        // Made, and given up at once: it counts, and its port is told.
        Some(Disposition::MakeSend) => task.with_receive_right(name, |port| drop(port.make_send())),
        Some(Disposition::MakeSendOnce) => task.with_receive_right(name, |port| drop(port.make_send_once())),
    };
}
