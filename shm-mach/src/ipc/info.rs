//! The size of a space, and what lies in it, for whoever looks at all of it.

use super::error::PortError;
use super::name::RawName;
use super::port::{PortId, ReceiverId};
use super::right::TypeBits;
use super::space::Space;

/// `ipc_info_space_basic_t`: how large a table of names is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpaceInfo {
    /// The bits of a name that are its generation, as `MACH_PORT_GEN` shifts them.
    pub generation_mask: u32,
    /// Lines that were made so far, line 0 included.
    pub size: u32,
    /// How many there will be when these do not suffice any more.
    pub next: u32,
    /// Lines with an entry.
    pub in_use: u32,
}

/// `ipc_info_name_t`: one line of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameInfo {
    /// The name; of a free line the one that it had last.
    pub name: RawName,
    /// Its type bits, those of a request included; none of a free line.
    pub type_bits: TypeBits,
    /// See [`Entry::urefs`](super::Entry::urefs).
    pub urefs: u16,
    /// The port; all zero for port sets, dead names and free lines.
    pub port: PortId,
    /// The task that receives from it, or 0.
    pub receiver: ReceiverId,
}

impl Space {
    /// How large it is (F32).
    ///
    /// # Errors
    /// [`PortError::TaskGone`].
    pub fn info(&self) -> Result<SpaceInfo, PortError> {
        self.alive()?;
        let (size, next) = self.slots.sizes();
        let in_use = self.slots.live().count() as u32;
        Ok(SpaceInfo { generation_mask: 0xff00_0000, size, next, in_use })
    }

    /// All its lines but the first, which is never used (F31).
    ///
    /// # Errors
    /// [`PortError::TaskGone`].
    pub fn lines(&self) -> Result<Vec<NameInfo>, PortError> {
        self.alive()?;
        let (size, _) = self.slots.sizes();
        let line = |index| {
            let (name, entry) = self.slots.line(index);
            let (port, receiver) = entry.and_then(|entry| entry.port()).unwrap_or_default();
            let type_bits = entry.map_or(TypeBits::NONE, |entry| entry.type_bits());
            NameInfo { name, type_bits, urefs: entry.map_or(0, |entry| entry.urefs()), port, receiver }
        };
        Ok((1..size.max(1)).map(line).collect())
    }

    /// How many requests there are on the names of a port (F33).
    pub fn requests(&self, port: PortId, receiver: ReceiverId) -> u32 {
        let held = self.holdings.get((port, receiver));
        let count = |index| u32::from(self.slots.entry(index).request.is_some());
        let mut sum = if held.name != 0 { count(held.name) } else { 0 };
        let mut index = held.once;
        while index != 0 {
            sum += count(index);
            index = self.slots.entry(index).once.next;
        }
        sum
    }
}
