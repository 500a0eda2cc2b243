//! How a message in Mach's form travels: what goes along with its rights and its plain bytes.
//!
//! ```text
//! record    one, before those of the rights: see `wire::record`
//! payload   plain bytes · table · memory · auxiliary data
//! table     of 8 bytes for each descriptor, in their order:
//!           0 type u8 · 1 disposition u8 · 2 marks u8 · 3 zero u8 · 4 word u32
//! memory    what lies out of line, in the order of the descriptors and without gaps
//!
//! type            word                                  marks
//! 0 PORT          0 NULL, 1 a right, 0xffffffff DEAD
//! 1 OOL           bytes of memory                       1 deallocate, 2 virtual copy
//! 2 OOL_PORTS     names, of 4 bytes of memory each:     1 deallocate
//!                 as in PORT
//! 3 OOL_VOLATILE  as OOL
//! 4 GUARDED_PORT  as PORT                               4 immovable, 8 unguarded on send
//! ```
//! Rights lie beside the payload, in the order of the descriptors and, in one, of its names. A message
//! that has nothing to tell but such rights, each in a PORT of its own, and plain bytes needs no record.
//!
//! All of it is what a peer wrote: [`Form::check`] is total, and its work is bounded by the payload.

use super::descriptor::{CopyOption, Descriptor, GuardFlags, NAME_BYTES, Offset};
use super::disposition::{Disposition, PortType};
use super::name::RawName;
use crate::wire::bytes::Reader;

/// Bytes of an entry of the table.
pub const ENTRY_BYTES: usize = 8;
/// The most descriptors of a message that travels.
pub const DESCRIPTORS_MAX: u32 = 16_383;
/// Stands in a name's place for a right that lies beside.
pub const RIGHT: RawName = RawName(1);

/// What a message says of itself besides its rights and its payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Whether it was sent as COMPLEX.
    pub is_complex: bool,
    /// The reply.
    pub reply: Reply,
    /// A voucher field without a disposition: any word.
    pub voucher: u32,
    /// How many descriptors it has.
    pub descriptors: u32,
    /// How many plain bytes.
    pub body: u32,
    /// How many bytes of auxiliary data, without their header; `None` if it has none.
    pub aux: Option<u16>,
}

/// The reply of a message that travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reply {
    /// A send-once right, where the transport has it; or none.
    #[default]
    Once,
    /// The first of the rights that lie beside, a send right.
    Right,
    /// NULL, with the disposition of such a right.
    Null(PortType),
    /// DEAD, likewise.
    Dead(PortType),
}

impl Reply {
    /// As two bytes.
    pub const fn encode(self) -> [u8; 2] {
        match self {
            Self::Once => [0, 0],
            Self::Right => [1, 0],
            Self::Null(kind) => [2, kind.number() as u8],
            Self::Dead(kind) => [3, kind.number() as u8],
        }
    }

    /// Reads them; `None` for what no honest library writes.
    pub fn decode(bytes: [u8; 2]) -> Option<Self> {
        let kind = |number| match number {
            17 => Some(PortType::Send),
            18 => Some(PortType::SendOnce),
            _ => None,
        };
        match bytes {
            [0, 0] => Some(Self::Once),
            [1, 0] => Some(Self::Right),
            [2, number] => kind(number).map(Self::Null),
            [3, number] => kind(number).map(Self::Dead),
            _ => None,
        }
    }
}

/// The parts of a payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts<'a> {
    /// The plain bytes.
    pub body: &'a [u8],
    /// The table.
    table: &'a [u8],
    /// What lies out of line; offsets count from its start.
    pub memory: &'a [u8],
    /// Auxiliary data, without its header.
    pub aux: Option<&'a [u8]>,
}

impl Form {
    /// The plain bytes at the front of a payload; fewer if it is cut.
    pub fn body<'a>(&self, payload: &'a [u8]) -> &'a [u8] {
        payload.get(..self.body as usize).unwrap_or(payload)
    }

    /// The parts of a payload; `None` if it is shorter than they are.
    pub fn parts<'a>(&self, payload: &'a [u8]) -> Option<Parts<'a>> {
        let (body, rest) = payload.split_at_checked(self.body as usize)?;
        let table = (self.descriptors as usize).checked_mul(ENTRY_BYTES)?;
        let (table, rest) = rest.split_at_checked(table)?;
        let aux = self.aux.map_or(0, usize::from);
        let (memory, aux) = rest.split_at_checked(rest.len().checked_sub(aux)?)?;
        Some(Parts { body, table, memory, aux: self.aux.map(|_| aux) })
    }

    /// Whether `payload` and rights of these kinds beside it (`None`: dead, of whatever kind it was) are
    /// those of a message that an honest library sends. What [`parts`](Self::parts) gives is good then.
    pub fn check(&self, payload: &[u8], rights: impl IntoIterator<Item = Option<PortType>>) -> bool {
        self.look(payload, rights).is_some()
    }

    fn look(&self, payload: &[u8], rights: impl IntoIterator<Item = Option<PortType>>) -> Option<()> {
        if self.descriptors > DESCRIPTORS_MAX {
            return None;
        }
        let parts = self.parts(payload)?;
        let mut rights = rights.into_iter();
        let mut takes = |kind: Option<PortType>| {
            let right = rights.next()?;
            (right.is_none() || right == kind).then_some(())
        };
        if self.reply == Reply::Right {
            takes(Some(PortType::Send))?;
        }
        let (mut walk, mut used) = (parts.descriptors(), 0);
        for _ in 0..self.descriptors {
            let descriptor = walk.next()?;
            let kind = descriptor.disposition().map(u32::from).and_then(Disposition::from_number);
            let kind = kind.map(Disposition::port_type);
            for name in parts.names(&descriptor)? {
                match name {
                    RIGHT => takes(kind)?,
                    RawName::NULL | RawName::DEAD => {}
                    _ => return None,
                }
            }
            used = walk.at;
        }
        (used == parts.memory.len() && rights.next().is_none()).then_some(())
    }
}

impl<'a> Parts<'a> {
    /// Those of a message that has no form: plain bytes.
    pub fn plain(body: &'a [u8]) -> Self {
        Self { body, ..Self::default() }
    }

    /// The descriptors in their order, each with where its memory begins. The name of a right that lies
    /// beside is [`RIGHT`]. Ends before the first that no honest library writes.
    pub fn descriptors(&self) -> Walk<'a> {
        Walk { table: self.table, at: 0, end: self.memory.len() }
    }

    /// The names in a descriptor: its own, or those of its array.
    fn names(&self, descriptor: &Descriptor<Offset>) -> Option<Names<'a>> {
        Some(match *descriptor {
            Descriptor::Port { name, .. } | Descriptor::GuardedPort { name, .. } => Names::One(Some(name)),
            Descriptor::Memory { .. } => Names::One(None),
            Descriptor::Ports { .. } => Names::Array(Reader::new(self.memory_of(descriptor)?)),
        })
    }

    /// The memory of a descriptor; empty if it has none, `None` if the payload does not hold it.
    pub fn memory_of(&self, descriptor: &Descriptor<Offset>) -> Option<&'a [u8]> {
        let Some((Offset(at), bytes)) = descriptor.memory() else { return Some(&[]) };
        let rest = self.memory.get(usize::try_from(*at).ok()?..)?;
        rest.get(..usize::try_from(bytes).ok()?)
    }
}

enum Names<'a> {
    One(Option<RawName>),
    Array(Reader<'a>),
}

impl Iterator for Names<'_> {
    type Item = RawName;

    fn next(&mut self) -> Option<RawName> {
        match self {
            Self::One(name) => name.take(),
            Self::Array(words) => words.u32().map(RawName),
        }
    }
}

/// The descriptors of a message that travels.
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    table: &'a [u8],
    at: usize,
    end: usize,
}

impl Iterator for Walk<'_> {
    type Item = Descriptor<Offset>;

    fn next(&mut self) -> Option<Self::Item> {
        let (entry, rest) = self.table.split_first_chunk()?;
        let at = Offset(self.at as u64);
        let descriptor = decode(*entry, at)?;
        let bytes = descriptor.memory().map_or(0, |(_, bytes)| bytes);
        let end = self.at.checked_add(usize::try_from(bytes).ok()?)?;
        if end > self.end {
            return None;
        }
        (self.table, self.at) = (rest, end);
        Some(descriptor)
    }
}

const DEALLOCATE: u8 = 1;
const VIRTUAL: u8 = 2;
/// Guard flags stand above the other marks.
const GUARD_SHIFT: u32 = 2;

/// The entry of a descriptor whose names are written as they travel.
pub fn encode<At>(descriptor: &Descriptor<At>) -> [u8; ENTRY_BYTES] {
    let mark = |is_set: bool, mark: u8| if is_set { mark } else { 0 };
    let (kind, disposition, marks, word) = match *descriptor {
        Descriptor::Port { name, disposition } => (0, disposition, 0, name.0),
        Descriptor::Memory { size, deallocate, copy, volatile, .. } => {
            let copy = mark(copy == CopyOption::Virtual, VIRTUAL);
            (if volatile { 3 } else { 1 }, 0, mark(deallocate, DEALLOCATE) | copy, size)
        }
        Descriptor::Ports { count, deallocate, disposition, .. } => {
            (2, disposition, mark(deallocate, DEALLOCATE), count)
        }
        Descriptor::GuardedPort { name, flags, .. } => {
            (4, PortType::Receive.number() as u8, (flags.bits() as u8) << GUARD_SHIFT, name.0)
        }
    };
    let [a, b, c, d] = word.to_le_bytes();
    [kind, disposition, marks, 0, a, b, c, d]
}

/// Reads one entry, whose memory begins at `at`.
fn decode(entry: [u8; ENTRY_BYTES], at: Offset) -> Option<Descriptor<Offset>> {
    let [kind, disposition, marks, zero, a, b, c, d] = entry;
    let word = u32::from_le_bytes([a, b, c, d]);
    let (name, deallocate) = (RawName(word), marks & DEALLOCATE != 0);
    if zero != 0 {
        return None;
    }
    match kind {
        0 if marks == 0 => Some(Descriptor::Port { name, disposition }),
        1 | 3 if marks & !(DEALLOCATE | VIRTUAL) == 0 && disposition == 0 => {
            let copy = if marks & VIRTUAL != 0 { CopyOption::Virtual } else { CopyOption::Physical };
            Some(Descriptor::Memory { at, size: word, deallocate, copy, volatile: kind == 3 })
        }
        2 if marks & !DEALLOCATE == 0 => Some(Descriptor::Ports { at, count: word, deallocate, disposition }),
        4 if marks & 3 == 0 && u32::from(disposition) == PortType::Receive.number() => {
            let flags = GuardFlags::from_bits(u16::from(marks >> GUARD_SHIFT))?;
            Some(Descriptor::GuardedPort { name, context: 0, flags })
        }
        _ => None,
    }
}

/// Bytes of a payload with these parts: `body` plain bytes, `descriptors` of them, `memory` bytes out of
/// line, and auxiliary data.
pub fn payload_size(body: usize, descriptors: usize, memory: u64, aux: usize) -> u64 {
    let table = (descriptors as u64).saturating_mul(ENTRY_BYTES as u64);
    [body as u64, table, memory, aux as u64].into_iter().fold(0, u64::saturating_add)
}

const _: () = assert!(NAME_BYTES == 4);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_descriptors_than_travel_are_refused() {
        for (descriptors, holds) in [(DESCRIPTORS_MAX, true), (DESCRIPTORS_MAX + 1, false)] {
            let form = Form { is_complex: true, descriptors, ..Form::default() };
            let table = [0; ENTRY_BYTES].repeat(descriptors as usize); // PORT descriptors of NULL
            assert_eq!(form.check(&table, []), holds, "{descriptors}");
        }
    }
}
