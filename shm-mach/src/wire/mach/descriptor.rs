//! Rights and memory in a body: what stands between the count of descriptors and the plain bytes.
//!
//! ```text
//! 0 PORT          0 name u32 · 4 zero u32 · 8 zero u16 · 10 disposition u8 · 11 type u8
//! 1 OOL           0 address u64 · 8 deallocate u8 · 9 copy u8 · 10 zero u8 · 11 type u8 · 12 size u32
//! 2 OOL_PORTS     0 address u64 · 8 deallocate u8 · 9 copy u8 · 10 disposition u8 · 11 type u8
//!                 12 count u32
//! 3 OOL_VOLATILE  as OOL
//! 4 GUARDED_PORT  0 context u64 · 8 flags u16 · 10 disposition u8 · 11 type u8 · 12 name u32
//! ```
//! The type is always in byte 11, so a reader knows how long a descriptor is from its first 12 bytes.

use super::declared;
use super::disposition::{Disposition, PortType};
use super::name::RawName;
use super::options::Options;
use super::pen::Pen;
use super::refusal::SendRefusal;
use crate::wire::bytes::Reader;

/// Bytes of the shortest descriptor.
pub const DESCRIPTOR_MIN: usize = size_of::<declared::Port>();
/// Bytes of the longest.
pub const DESCRIPTOR_MAX: usize = size_of::<declared::Memory>();
/// Bytes of one name in memory out of line.
pub const NAME_BYTES: u64 = size_of::<RawName>() as u64;

/// Memory on a user's side: an address in the task that wrote, or will read, the descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address(pub u64);

/// Memory on the transport's side: where it put the bytes. What an offset counts from is its matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Offset(pub u64);

/// `mach_msg_copy_options_t` of memory out of line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CopyOption {
    /// `MACH_MSG_PHYSICAL_COPY`: the bytes are copied by the send.
    Physical = 0,
    /// `MACH_MSG_VIRTUAL_COPY`: the pages are shared until somebody writes. The receiver sees the
    /// bytes as of the send either way.
    Virtual = 1,
}

impl CopyOption {
    fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Physical),
            1 => Some(Self::Virtual),
            _ => None,
        }
    }
}

/// `mach_msg_guard_flags_t`: at least one of the two flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GuardFlags(u16);

impl GuardFlags {
    /// `MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE`: the right arrives guarded, and stays.
    pub const IMMOVABLE_RECEIVE: Self = Self(0x1);
    /// `MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND`: the sender's right has no guard.
    pub const UNGUARDED_ON_SEND: Self = Self(0x2);

    /// The flags with this number; `None` for 0, and for numbers with other bits.
    pub const fn from_bits(bits: u16) -> Option<Self> {
        if bits == 0 || bits & !0x3 != 0 { None } else { Some(Self(bits)) }
    }

    /// The number.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether all flags of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What becomes of guarded receive rights where they arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarding {
    /// The receiver did not ask for them: they are destroyed.
    Refused,
    /// They are delivered; the guard, where there is one, is the address of the buffer.
    At(Address),
}

/// What the receiver has of a guarded receive right (B9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing: the caller destroys it.
    Destroyed,
    /// The right, without a guard.
    Free,
    /// The right with this guard, which is not strict. It is immovable too, unless it only came back
    /// to its sender.
    Guarded(u64),
}

impl Guarding {
    /// What a receive with these options into the buffer at `buffer` does.
    pub const fn of(options: Options, buffer: Address) -> Self {
        if options.contains(Options::RCV_GUARDED_DESC) { Self::At(buffer) } else { Self::Refused }
    }

    /// What becomes of a right that was sent with `flags`.
    pub const fn fate(self, flags: GuardFlags) -> Fate {
        match self {
            Self::Refused => Fate::Destroyed,
            Self::At(buffer) if flags.contains(GuardFlags::IMMOVABLE_RECEIVE) => Fate::Guarded(buffer.0),
            Self::At(_) => Fate::Free,
        }
    }
}

/// One descriptor. `At` is where memory out of line lies: an [`Address`] in a user's message, an
/// [`Offset`] while the transport has it. There the names mean nothing; the rights go beside it, in
/// the order of the descriptors and, in one, of its names.
///
/// A disposition is a number as the sender wrote it: whether it is one that a right can have is asked
/// only of a name that stands for a right (B1, [`in_body`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Descriptor<At> {
    /// `mach_msg_port_descriptor_t`: one right.
    Port {
        /// Its name.
        name: RawName,
        /// How it travels.
        disposition: u8,
    },
    /// `mach_msg_ool_descriptor_t`: memory.
    Memory {
        /// Where it is; nobody looks if the size is 0.
        at: At,
        /// Bytes of it.
        size: u32,
        /// Sent: take it from the sender. Received: it is the receiver's to give back.
        deallocate: bool,
        /// How it is copied.
        copy: CopyOption,
        /// `OOL_VOLATILE`: the same, under another type.
        volatile: bool,
    },
    /// `mach_msg_ool_ports_descriptor_t`: an array of names.
    Ports {
        /// Where it is; nobody looks if the count is 0.
        at: At,
        /// How many names, of 4 bytes each.
        count: u32,
        /// As in `Memory`: of the array, not of the rights.
        deallocate: bool,
        /// How each of the rights travels.
        disposition: u8,
    },
    /// `mach_msg_guarded_port_descriptor_t`: a receive right with its guard. It is always moved.
    GuardedPort {
        /// Its name.
        name: RawName,
        /// The guard.
        context: u64,
        /// What is asked of the guard.
        flags: GuardFlags,
    },
}

/// Which descriptor begins `bytes`, by its type byte: the bytes that it takes.
///
/// # Errors
/// 1. [`SendRefusal::DescriptorCut`]: fewer than 12 bytes are left.
/// 2. [`SendRefusal::DescriptorType`]: no such type, or not in a call with these options.
/// 3. [`SendRefusal::DescriptorCut`]: fewer bytes are left than this type takes.
pub(super) fn measure(bytes: &[u8], index: u32, options: Options) -> Result<usize, SendRefusal> {
    let kind = *bytes.get(declared::KIND_AT).ok_or(SendRefusal::DescriptorCut { index })?;
    let size = match kind {
        0 => DESCRIPTOR_MIN,
        1 | 2 => DESCRIPTOR_MAX,
        3 | 4 if !options.is_plain_only() => DESCRIPTOR_MAX,
        _ => return Err(SendRefusal::DescriptorType { index, kind }),
    };
    if bytes.len() < size { Err(SendRefusal::DescriptorCut { index }) } else { Ok(size) }
}

/// The disposition, checked as Mach checks it for a right in a body: `None` for NULL and DEAD, which
/// pass whatever the disposition says (B1).
///
/// # Errors
/// [`SendRefusal::BodyDisposition`].
pub fn in_body(name: RawName, disposition: u8) -> Result<Option<Disposition>, SendRefusal> {
    if !name.is_valid() {
        return Ok(None);
    }
    let known = Disposition::from_number(u32::from(disposition));
    known.map(Some).ok_or(SendRefusal::BodyDisposition { disposition })
}

impl<At> Descriptor<At> {
    /// Bytes in a user's message.
    pub const fn bytes(&self) -> usize {
        match self {
            Self::Port { .. } => DESCRIPTOR_MIN,
            Self::Memory { .. } | Self::Ports { .. } | Self::GuardedPort { .. } => DESCRIPTOR_MAX,
        }
    }

    /// How many rights it carries, NULL and DEAD included.
    pub const fn rights(&self) -> u32 {
        match self {
            Self::Port { .. } | Self::GuardedPort { .. } => 1,
            Self::Memory { .. } => 0,
            Self::Ports { count, .. } => *count,
        }
    }

    /// The disposition of each of its rights, as the sender wrote it; `None` if it carries none.
    pub const fn disposition(&self) -> Option<u8> {
        match self {
            Self::Port { disposition, .. } | Self::Ports { disposition, .. } => Some(*disposition),
            Self::GuardedPort { .. } => Some(Disposition::MoveReceive.number() as u8),
            Self::Memory { .. } => None,
        }
    }

    /// Its memory out of line: where, and how many bytes. `None` if it has none.
    pub fn memory(&self) -> Option<(&At, u64)> {
        match self {
            Self::Memory { at, size, .. } if *size != 0 => Some((at, u64::from(*size))),
            Self::Ports { at, count, .. } if *count != 0 => {
                Some((at, u64::from(*count).saturating_mul(NAME_BYTES)))
            }
            _ => None,
        }
    }

    /// The same with its memory somewhere else: `place` is told where it was and how many bytes it
    /// has, 0 of an empty one too.
    ///
    /// # Errors
    /// Those of `place`.
    pub fn placed<To, E>(self, place: impl FnOnce(At, u64) -> Result<To, E>) -> Result<Descriptor<To>, E> {
        Ok(match self {
            Self::Port { name, disposition } => Descriptor::Port { name, disposition },
            Self::GuardedPort { name, context, flags } => Descriptor::GuardedPort { name, context, flags },
            Self::Memory { at, size, deallocate, copy, volatile } => {
                let at = place(at, u64::from(size))?;
                Descriptor::Memory { at, size, deallocate, copy, volatile }
            }
            Self::Ports { at, count, deallocate, disposition } => {
                let at = place(at, u64::from(count).saturating_mul(NAME_BYTES))?;
                Descriptor::Ports { at, count, deallocate, disposition }
            }
        })
    }
}

impl Descriptor<Address> {
    /// Reads the descriptor at the front of `bytes`, number `index` of its message, and checks what
    /// can be checked without looking anything up.
    ///
    /// # Errors
    /// 1. Those of its size and type: [`SendRefusal::DescriptorCut`], [`SendRefusal::DescriptorType`].
    /// 2. [`SendRefusal::CopyOption`] of memory, [`SendRefusal::Guard`] of a guarded right.
    pub fn decode(bytes: &[u8], index: u32) -> Result<Self, SendRefusal> {
        measure(bytes, index, Options::NONE)?;
        let cut = SendRefusal::DescriptorCut { index };
        let mut from = Reader::new(bytes);
        let (front, marks) = (from.u64().ok_or(cut)?, from.u32().ok_or(cut)?);
        let [first, second, third, kind] = marks.to_le_bytes();
        if kind == 0 {
            return Ok(Self::Port { name: RawName(front as u32), disposition: third });
        }
        let (at, deallocate, last) = (Address(front), first != 0, from.u32().ok_or(cut)?);
        Ok(match kind {
            2 => Self::Ports { at, count: last, deallocate, disposition: third },
            4 => {
                let guard = SendRefusal::Guard { index };
                let flags = GuardFlags::from_bits(u16::from_le_bytes([first, second])).ok_or(guard)?;
                let is_moved = u32::from(third) == Disposition::MoveReceive.number();
                if !is_moved || flags.contains(GuardFlags::UNGUARDED_ON_SEND) && front != 0 {
                    return Err(guard);
                }
                Self::GuardedPort { name: RawName(last), context: front, flags }
            }
            _ => {
                let copy = CopyOption::from_number(second).ok_or(SendRefusal::CopyOption { index })?;
                Self::Memory { at, size: last, deallocate, copy, volatile: kind == 3 }
            }
        })
    }

    pub(super) fn write(&self, to: &mut Pen<'_>) {
        match *self {
            Self::Port { name, disposition } => {
                to.u32(name.0).u32(0).bytes(&[0, 0, disposition, 0]);
            }
            Self::Memory { at, size, deallocate, copy, volatile } => {
                let kind = if volatile { 3 } else { 1 };
                to.u64(at.0).bytes(&[u8::from(deallocate), copy as u8, 0, kind]).u32(size);
            }
            Self::Ports { at, count, deallocate, disposition } => {
                let copy = CopyOption::Virtual as u8;
                to.u64(at.0).bytes(&[u8::from(deallocate), copy, disposition, 2]).u32(count);
            }
            Self::GuardedPort { name, context, flags } => {
                let moved = Disposition::MoveReceive.number() as u8;
                to.u64(context).bytes(&flags.bits().to_le_bytes()).bytes(&[moved, 4]).u32(name.0);
            }
        }
    }

    /// What its receiver sees of it. The names are the receiver's already, and the memory is where
    /// the receiver finds it; a name that could not be made is NULL, memory that could not be mapped
    /// has size 0 or, of an array, address 0.
    ///
    /// * A disposition is 16, 17 or 18 (B10); or 0, of NULL or DEAD with one that no right has.
    /// * Memory is the receiver's to give back if it was copied virtually; an empty one has address
    ///   0 (B5). An array of names always is (B7).
    /// * A guarded right that is destroyed is NULL without a guard. One that arrives guarded tells its
    ///   new guard, and not whether it was guarded before (B9, [`Guarding::fate`]). NULL and DEAD
    ///   have no guard, and tell what was sent.
    #[must_use]
    pub fn delivered(self, guarding: Guarding) -> Self {
        match self {
            Self::Port { name, disposition } => Self::Port { name, disposition: arrived(disposition) },
            Self::Memory { at, size, copy, volatile, .. } => {
                let at = if size == 0 { Address(0) } else { at };
                Self::Memory { at, size, deallocate: copy == CopyOption::Virtual, copy, volatile }
            }
            Self::Ports { at, count, disposition, .. } => {
                let at = if count == 0 { Address(0) } else { at };
                Self::Ports { at, count, deallocate: true, disposition: arrived(disposition) }
            }
            Self::GuardedPort { flags, name, .. } => match guarding.fate(flags) {
                Fate::Destroyed => Self::GuardedPort { name: RawName::NULL, context: 0, flags },
                Fate::Guarded(context) if name.is_valid() => {
                    Self::GuardedPort { name, context, flags: GuardFlags::IMMOVABLE_RECEIVE }
                }
                Fate::Free | Fate::Guarded(_) => self,
            },
        }
    }
}

/// What a receiver sees of a disposition.
fn arrived(disposition: u8) -> u8 {
    let known = Disposition::from_number(u32::from(disposition));
    PortType::number_or_none(known.map(Disposition::port_type)) as u8
}
