//! The copy of the entries that readers look at without a lock.
//!
//! One line for each index, written by the space alone, under its lock. It lies in a segment of the
//! task's own, so that a tool that is given the read-only file can look on, without asking, also
//! when the task is stopped. In the task itself a sender finds its way here without the lock.
//!
//! ```text
//! one line: everything is written by the space of this task alone
//! 0   name u32             0: no entry; stored last when one appears, first when it goes
//! 4   type u32             which rights, and whether there is a request
//! 8   urefs u32            see `Entry::urefs`
//! 12  segment u32          where the right leads: number of the link, 0: this task
//! 16  offset u64           offset of the lane or port in that segment
//! 24  port birth u64       the port's id, in four parts
//! 32  port secret u64
//! 40  receiver u64         the task that receives from the port
//! 48  place generation u32 which life of what lies at the offset, 0: the right leads nowhere
//! 52  port index u32
//! 56  port generation u32
//! 60  version u32          odd while the line is written; + 2 for each change
//! ```
//!
//! A reader takes the version, the fields, and the version again, and keeps what it has if both are
//! the same even number. It writes nothing: its mapping may be read-only. So it cannot make the
//! writer wait, and it gives up after [`LOOKS_MAX`] tries: a writer that was stopped in the middle
//! of one line hides that line only.

use futex::order;
use futex::sync::{self, AtomicU32, AtomicU64};
use thiserror::Error;

use super::backing::Backing;
use super::entry::Entry;
use super::name::PortName;
use super::port::{Place, PortId, ReceiverId};
use super::right::TypeBits;
use crate::segment::{Shared, Words};

/// How often a reader looks at a line that changes under its eyes.
pub const LOOKS_MAX: u32 = if sync::MODEL { 2 } else { 64 };

/// One entry, for readers. See the [module](self) for its bytes.
#[repr(C, align(64))]
#[derive(Debug, Default)]
pub struct Line {
    name: AtomicU32,
    type_bits: AtomicU32,
    urefs: AtomicU32,
    segment: AtomicU32,
    offset: AtomicU64,
    port_birth: AtomicU64,
    port_secret: AtomicU64,
    receiver: AtomicU64,
    place_generation: AtomicU32,
    port_index: AtomicU32,
    port_generation: AtomicU32,
    version: AtomicU32,
}

// SAFETY: atomics only, `repr(C)`.
unsafe impl Words for Line {}

futex::native_only! {
    const _: () = {
        use std::mem::{align_of, offset_of, size_of};
        assert!(size_of::<Line>() == 64 && align_of::<Line>() == 64);
        assert!(offset_of!(Line, name) == 0 && offset_of!(Line, type_bits) == 4);
        assert!(offset_of!(Line, urefs) == 8 && offset_of!(Line, segment) == 12);
        assert!(offset_of!(Line, offset) == 16 && offset_of!(Line, port_birth) == 24);
        assert!(offset_of!(Line, port_secret) == 32 && offset_of!(Line, receiver) == 40);
        assert!(offset_of!(Line, place_generation) == 48 && offset_of!(Line, port_index) == 52);
        assert!(offset_of!(Line, port_generation) == 56 && offset_of!(Line, version) == 60);
    };

    // A fresh memfd is all zero: a table without entries.
    // SAFETY: atomics only, for which zero is a value.
    unsafe impl bytemuck::Zeroable for Line {}
}

/// What a line says, taken in one piece.
///
/// From one's own table this is the entry as it was at some moment during the look. From another
/// task's it is whatever that task chose to write there: numbers, to be checked before use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The name.
    pub name: PortName,
    /// Its type bits, those of a request included.
    pub type_bits: TypeBits,
    /// See [`Entry::urefs`].
    pub urefs: u32,
    /// The port; all zero for port sets and dead names.
    pub port: PortId,
    /// The task that receives from it; 0 for port sets and dead names.
    pub receiver: ReceiverId,
    /// Where the right leads.
    pub place: Place,
}

impl Row {
    pub(super) fn new(name: PortName, entry: &Entry) -> Self {
        let (port, receiver) = entry.port().unwrap_or_default();
        let urefs = u32::from(entry.urefs());
        Self { name, type_bits: entry.type_bits(), urefs, port, receiver, place: entry.place() }
    }
}

/// Why a look at the table found nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Miss {
    /// No entry has this name now.
    #[error("no right has this name")]
    Unknown,
    /// The line was written at every look. In the task itself: take the space's lock and ask there.
    #[error("the entry is being changed")]
    Busy,
}

/// The end of a table that its space writes.
#[derive(Debug)]
pub struct NameTable {
    lines: Shared<[Line]>,
    /// What its lines lie in, if their memory must be asked for.
    backing: Option<Backing>,
}

/// The end of a table that anybody may read, with or without the writer's knowledge.
#[derive(Clone, Debug)]
pub struct NameReader {
    lines: Shared<[Line]>,
}

impl NameTable {
    /// The writing end of a table; its lines are all zero. Line 0 is never used.
    ///
    /// # Conditions
    /// There is one writing end for these lines.
    pub fn new(lines: Shared<[Line]>) -> Self {
        Self { lines, backing: None }
    }

    /// The same, of lines in a segment: each page of it is made before a line of it is written.
    pub(super) fn backed(lines: Shared<[Line]>, backing: Backing) -> Self {
        Self { lines, backing: Some(backing) }
    }

    /// Makes sure that there is memory for a line.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn reserve(&mut self, index: u32) -> std::io::Result<()> {
        self.backing.as_mut().map_or(Ok(()), |backing| backing.reserve(index as usize))
    }

    /// How many lines it has, line 0 included.
    pub fn lines(&self) -> usize {
        self.lines.len()
    }

    /// A reading end.
    pub fn reader(&self) -> NameReader {
        NameReader::new(self.lines.clone())
    }

    /// Makes the line of `row`'s name say what `row` says, all at once.
    ///
    /// # Panics
    /// When the table has no such line: a bug of the space.
    pub fn write(&mut self, row: &Row) {
        let line = &self.lines[row.name.index() as usize];
        line.change(|line| {
            line.fill(row);
            line.name.store(row.name.get(), order!("table-field", Relaxed));
        });
    }

    /// Takes the entry at `index` off the table.
    ///
    /// # Panics
    /// When the table has no such line: a bug of the space.
    pub fn clear(&mut self, index: u32) {
        let line = &self.lines[index as usize];
        line.change(|line| {
            line.name.store(0, order!("table-field", Relaxed));
            line.fill(&NOTHING);
        });
    }
}

/// What a free line says, but for its name.
const NOTHING: Row = Row {
    name: PortName::DEAD,
    type_bits: TypeBits::NONE,
    urefs: 0,
    port: PortId { birth: 0, index: 0, generation: 0, secret: 0 },
    receiver: ReceiverId(0),
    place: Place::NOWHERE,
};

impl NameReader {
    /// A reading end of a table; the mapping may be read-only, and of any task.
    pub fn new(lines: Shared<[Line]>) -> Self {
        Self { lines }
    }

    /// How many lines it has, line 0 included.
    pub fn lines(&self) -> usize {
        self.lines.len()
    }

    /// The row of this name, if an entry has it and was not being changed all the time. A name of
    /// an older generation, or with an index past the end, has none.
    pub fn lookup(&self, name: PortName) -> Option<Row> {
        self.try_lookup(name).ok()
    }

    /// The row of this name.
    ///
    /// # Errors
    /// [`Miss::Unknown`] or [`Miss::Busy`].
    pub fn try_lookup(&self, name: PortName) -> Result<Row, Miss> {
        let row = self.at(name.index() as usize)?;
        row.filter(|row| row.name == name).ok_or(Miss::Unknown)
    }

    /// The row at this index; `None` when it is free or past the end, or when another task wrote a
    /// name there that does not belong there.
    ///
    /// # Errors
    /// [`Miss::Busy`].
    pub fn at(&self, index: usize) -> Result<Option<Row>, Miss> {
        let Some(line) = self.lines.get(index) else { return Ok(None) };
        for _ in 0..LOOKS_MAX {
            if let Some(row) = line.look() {
                return Ok(row.filter(|row| row.name.index() as usize == index));
            }
            sync::yield_now();
        }
        Err(Miss::Busy)
    }
}

impl Line {
    /// Lets `write` change the line while its version is odd.
    fn change(&self, write: impl FnOnce(&Self)) {
        let version = self.version.load(order!("table-own", Relaxed));
        self.version.store(version.wrapping_add(1), order!("table-odd", Relaxed));
        // With table-recheck: who sees a field of this change sees the odd version as well.
        sync::fence(order!("table-begin", Release));
        write(self);
        // With table-look: who sees this version sees every field of this change.
        self.version.store(version.wrapping_add(2), order!("table-end", Release));
    }

    fn fill(&self, row: &Row) {
        self.type_bits.store(row.type_bits.bits(), order!("table-field", Relaxed));
        self.urefs.store(row.urefs, order!("table-field", Relaxed));
        self.segment.store(row.place.segment, order!("table-field", Relaxed));
        self.offset.store(row.place.offset, order!("table-field", Relaxed));
        self.port_birth.store(row.port.birth, order!("table-field", Relaxed));
        self.port_secret.store(row.port.secret, order!("table-field", Relaxed));
        self.receiver.store(row.receiver.0, order!("table-field", Relaxed));
        self.place_generation.store(row.place.generation, order!("table-field", Relaxed));
        self.port_index.store(row.port.index, order!("table-field", Relaxed));
        self.port_generation.store(row.port.generation, order!("table-field", Relaxed));
    }

    /// One look: `None` when the line changed meanwhile, `Some(None)` when it is free.
    fn look(&self) -> Option<Option<Row>> {
        let version = self.version.load(order!("table-version", Relaxed));
        sync::fence(order!("table-look", Acquire));
        if version % 2 == 1 {
            return None;
        }
        let name = self.name.load(order!("table-field", Relaxed));
        let row = self.row();
        sync::fence(order!("table-recheck", Acquire));
        if self.version.load(order!("table-version", Relaxed)) != version {
            return None;
        }
        Some(PortName::new(name).map(|name| Row { name, ..row }))
    }

    /// All fields but the name, each loaded once.
    fn row(&self) -> Row {
        Row {
            name: NOTHING.name,
            type_bits: TypeBits::from_bits(self.type_bits.load(order!("table-field", Relaxed))),
            urefs: self.urefs.load(order!("table-field", Relaxed)),
            port: PortId {
                birth: self.port_birth.load(order!("table-field", Relaxed)),
                index: self.port_index.load(order!("table-field", Relaxed)),
                generation: self.port_generation.load(order!("table-field", Relaxed)),
                secret: self.port_secret.load(order!("table-field", Relaxed)),
            },
            receiver: ReceiverId(self.receiver.load(order!("table-field", Relaxed))),
            place: Place {
                segment: self.segment.load(order!("table-field", Relaxed)),
                generation: self.place_generation.load(order!("table-field", Relaxed)),
                offset: self.offset.load(order!("table-field", Relaxed)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> NameTable {
        NameTable::new(Shared::heap_slice(Box::new([Line::default(), Line::default(), Line::default()])))
    }

    fn row(raw: u32) -> Row {
        let port = PortId { birth: 1, index: 2, generation: 3, secret: 4 };
        Row { name: PortName::new(raw).unwrap(), urefs: 1, port, receiver: ReceiverId(5), ..NOTHING }
    }

    #[test]
    fn a_name_in_a_line_that_is_not_its_own_is_not_believed() {
        let mut table = table();
        table.write(&row(0x103));
        for forged in [0x203, 0x003, 0x102, u32::MAX] {
            table.lines[1].name.store(forged, order!("table-field", Relaxed));
            assert_eq!(table.reader().at(1), Ok(None), "{forged:#x}");
        }
    }

    #[test]
    fn nothing_of_an_entry_stays_in_a_free_line() {
        let mut table = table();
        table.write(&row(0x103));
        table.clear(1);
        assert_eq!(table.lines[1].row(), NOTHING);
        assert_eq!(table.lines[1].name.load(order!("table-field", Relaxed)), 0);
    }

    #[test]
    fn a_line_whose_writer_stopped_in_the_middle_is_busy_and_hides_no_other() {
        let mut table = table();
        table.write(&row(0x103));
        table.write(&row(0x203));
        table.lines[1].version.store(3, order!("table-odd", Relaxed));
        let reader = table.reader();
        assert_eq!(reader.try_lookup(PortName::new(0x103).unwrap()), Err(Miss::Busy));
        assert_eq!(reader.lookup(PortName::new(0x203).unwrap()), Some(row(0x203)));
    }
}
