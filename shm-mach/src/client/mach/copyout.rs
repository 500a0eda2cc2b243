//! Rights into names and bytes into memory: what a message gives to its receiver, or back to its sender.

use crate::client::context::GuardOptions;
use crate::client::once_right::SendOnceRight;
use crate::client::right::Right;
use crate::client::task::Task;
use crate::ipc::{PortError, RawName};
use crate::wire::mach::form::{Form, Parts, RIGHT, Reply};
use crate::wire::mach::{
    Address, Content, Descriptor, Fate, GuardFlags, Guarding, Offset, PortType, Special,
};

use super::memory::Fresh;

/// A message as its descriptors tell it; its rights and its memory are still the library's.
#[derive(Debug)]
pub(super) struct Opened<'a> {
    pub(super) is_complex: bool,
    pub(super) reply: Reply,
    pub(super) voucher: u32,
    pub(super) descriptors: Vec<Descriptor<Offset>>,
    pub(super) parts: Parts<'a>,
}

impl<'a> Opened<'a> {
    /// A message with this payload, and these rights beside it.
    pub(super) fn new(form: Option<&Form>, payload: &'a [u8], rights: &[Right]) -> Self {
        let Some(form) = form else {
            // Of a program that knows no descriptors: each right has one.
            let port = |right: &Right| {
                let kind = right.port_type().unwrap_or(PortType::Send);
                Descriptor::Port { name: RIGHT, disposition: kind.number() as u8 }
            };
            let descriptors: Vec<_> = rights.iter().map(port).collect();
            let parts = Parts::plain(payload);
            let is_complex = !descriptors.is_empty();
            return Self { is_complex, reply: Reply::Once, voucher: 0, descriptors, parts };
        };
        let parts = form.parts(payload).unwrap_or_default(); // checked when it arrived
        Self {
            is_complex: form.is_complex,
            reply: form.reply,
            voucher: form.voucher,
            descriptors: parts.descriptors().collect(),
            parts,
        }
    }

    /// Gives the reply to the task: its name, and what it is. `once` is where a send-once right is;
    /// any other is the first of `rights`.
    pub(super) fn give_reply(
        &self,
        task: &Task,
        once: Option<SendOnceRight>,
        rights: &mut impl Iterator<Item = Right>,
    ) -> (RawName, Option<PortType>, Special) {
        if let Some(right) = once {
            let (name, special) = give(task, Right::SendOnce(right));
            return (name, Some(PortType::SendOnce), special);
        }
        let kind = match self.reply {
            Reply::Once => return (RawName::NULL, None, Special::NONE),
            Reply::Null(kind) => return (RawName::NULL, Some(kind), Special::NONE),
            Reply::Dead(kind) => return (RawName::DEAD, Some(kind), Special::NONE),
            Reply::Right => PortType::Send,
        };
        let given = rights.next().map(|right| give(task, right));
        let (name, special) = given.unwrap_or((RawName::NULL, Special::NONE));
        (name, Some(kind), special)
    }

    /// What stands behind its header.
    pub(super) fn content<'p>(&'p self, placed: &'p Placed) -> Content<'p> {
        let (is_complex, body) = (self.is_complex, self.parts.body);
        Content { is_complex, descriptors: &placed.descriptors, body }
    }

    /// Gives everything that its descriptors tell to the task: names for `rights`, and fresh memory. Guarded
    /// rights are guarded as `guarding` says, and immovable unless they only come back.
    pub(super) fn place(
        &self,
        task: &Task,
        rights: impl Iterator<Item = Right>,
        (guarding, comes_back): (Guarding, bool),
    ) -> Placed {
        let piece = |descriptor: &Descriptor<Offset>| self.parts.memory_of(descriptor).unwrap_or_default();
        let fresh = Fresh::map(self.descriptors.iter().map(|descriptor| piece(descriptor).len()));
        let special = Special::NONE;
        let mut placer = Placer { task, rights, guarding, comes_back, fresh: fresh.ok(), special };
        let place = |descriptor: &Descriptor<Offset>| placer.place(*descriptor, piece(descriptor));
        let descriptors = self.descriptors.iter().map(place).collect();
        if let Some(fresh) = placer.fresh {
            fresh.keep();
        }
        Placed { descriptors, special: placer.special }
    }
}

/// What a task was given.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) descriptors: Vec<Descriptor<Address>>,
    /// What could not be given.
    pub(super) special: Special,
}

struct Placer<'t, I> {
    task: &'t Task,
    rights: I,
    guarding: Guarding,
    comes_back: bool,
    fresh: Option<Fresh>,
    special: Special,
}

impl<I: Iterator<Item = Right>> Placer<'_, I> {
    fn place(&mut self, descriptor: Descriptor<Offset>, piece: &[u8]) -> Descriptor<Address> {
        match descriptor {
            Descriptor::Port { name, disposition } => {
                let (name, disposition) = (self.name(name), disposition);
                Descriptor::Port { name, disposition }
            }
            Descriptor::GuardedPort { name, context, flags } => {
                Descriptor::GuardedPort { name: self.guarded(name, flags), context, flags }
            }
            Descriptor::Memory { size, deallocate, copy, volatile, .. } => {
                let at = self.put(piece);
                let size = if at.is_some() { size } else { 0 };
                let at = at.unwrap_or(Address(0));
                Descriptor::Memory { at, size, deallocate, copy, volatile }
            }
            Descriptor::Ports { count, deallocate, disposition, .. } => {
                let mut names = Vec::with_capacity(piece.len());
                for word in piece.as_chunks().0 {
                    let name = RawName(u32::from_le_bytes(*word));
                    // Names that nobody is told would never be given up.
                    let name = if self.fresh.is_some() { self.name(name) } else { self.drop(name) };
                    names.extend(name.0.to_le_bytes());
                }
                let at = self.put(&names).unwrap_or(Address(0));
                Descriptor::Ports { at, count, deallocate, disposition }
            }
        }
    }

    fn put(&mut self, piece: &[u8]) -> Option<Address> {
        let at = self.fresh.as_mut().map(|fresh| fresh.put(piece));
        if at.is_none() {
            self.special |= Special::VM_SPACE;
        }
        at
    }

    /// The name in a descriptor, as its reader sees it.
    fn name(&mut self, name: RawName) -> RawName {
        if name != RIGHT {
            return name;
        }
        let Some(right) = self.rights.next() else { return RawName::NULL };
        let (name, special) = give(self.task, right);
        self.special |= special;
        name
    }

    /// The name of a receive right that comes with a guard (B9).
    fn guarded(&mut self, name: RawName, flags: GuardFlags) -> RawName {
        let guard = match self.guarding.fate(flags) {
            Fate::Destroyed => return self.drop(name),
            Fate::Free => None,
            Fate::Guarded(guard) => Some(guard),
        };
        let name = self.name(name);
        if let Some(guard) = guard.filter(|_| name.is_valid()) {
            let options = GuardOptions { is_strict: false, is_immovable: !self.comes_back };
            let done = self.task.guard(name, guard, options);
            debug_assert!(done.is_ok_and(|()| true) || guard == 0, "it came without a guard");
        }
        name
    }

    fn drop(&mut self, name: RawName) -> RawName {
        if name == RIGHT {
            drop(self.rights.next());
        }
        RawName::NULL
    }
}

/// Gives a right to the task, under a name: DEAD if its port is dead, NULL if there is no name for it;
/// then the right is given up.
pub(super) fn give(task: &Task, right: Right) -> (RawName, Special) {
    let refused = match right {
        Right::Dead => return (RawName::DEAD, Special::NONE),
        Right::Send(right) if right.is_dead() => return (RawName::DEAD, Special::NONE),
        Right::Send(right) => return (right.into_name().into(), Special::NONE),
        Right::Receive(right) => return (right.into_name().into(), Special::NONE),
        Right::SendOnce(right) if right.is_dead() => return (RawName::DEAD, Special::NONE),
        Right::SendOnce(right) => match right.into_name(task) {
            Ok(name) => return (name.into(), Special::NONE),
            Err((error, _)) => error,
        },
        Right::Refused(error) => error,
    };
    let special = match refused {
        PortError::ResourceShortage => Special::IPC_KERNEL,
        _ => Special::IPC_SPACE,
    };
    (RawName::NULL, special)
}
