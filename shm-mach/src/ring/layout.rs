//! What lies in a half, byte by byte.
//!
//! A *half* is one segment, written by one task and read by one other; two halves make a link.
//!
//! ```text
//! half of W towards P: everything is written by W alone
//! offset      size            what
//! 0x0000      4 KiB           Header, the rest of the page unused
//! 0x1000      4 KiB           64 Bells: the words that P's threads sleep on
//! 0x2000      4 KiB           unused
//! 0x3000      32 KiB          directory: 256 Entries, one for each lane of W towards P
//! 0xb000      32 KiB          flags: 256 Flags, one for each lane of P towards W
//! 0x13000     32 KiB          cursors: 256 Cursors, one for each lane of P towards W
//! 0x1b000     64 KiB          replies: 1,024 Slots, W's answers to P's requests
//! 0x2b000     64 KiB          reply flags: 1,024 ReplyFlags, one for each reply of P to W
//! 0x3b000     256 x slots x 64 B      the rings of W's lanes
//! ...         areas x area bytes      payload areas
//! ```
//!
//! Bodies that are too long for an area lie in segments of their own: [`region`](super::region).
//!
//! Lane 0 of each half is the *control lane*: it is open from the start, belongs to no port, and
//! carries what the two libraries tell each other, such as "lane 5 is open for your port 3".
//!
//! Every structure is made of atomics only, is valid and empty when all zero, and keeps words that
//! are written at different times by 128 bytes apart (two lines: the prefetcher takes pairs).

use futex::sync::{AtomicU32, AtomicU64};

use crate::segment::Words;

/// "shm-mach" read as a little-endian number; the last word of a header to be written.
pub const MAGIC: u64 = u64::from_le_bytes(*b"shm-mach");
/// The layout described here. Another number is another layout: the link is refused.
pub const VERSION: u32 = 1;
/// Lanes of one half.
pub const LANES: usize = 256;
/// Bells of one half. Bell 0 is the control bell; a wait group uses one of the others.
pub const BELLS: usize = 64;
/// Reply slots of one half: send-once rights that its reader can have out at one time.
pub const REPLIES: usize = 1024;
/// The most slots a lane may have: twice Mach's largest queue limit.
pub const SLOTS_MAX: usize = 2048;
/// The most bytes all payload areas of a half may have together.
pub const PAYLOAD_MAX: usize = 1 << 30;

/// What a half's writer says about it, once, before the half is handed out.
///
/// ```text
/// 0   magic u64        stored last, Release
/// 8   version u32
/// 12  features u32     bit 0: the writer can promise membarrier for life
/// 16  slots u32        slots of each lane, a power of two, 8 to 2048
/// 20  areas u32        payload areas
/// 24  area bytes u32   a multiple of 4096
/// 28  reserved u32
/// ```
#[repr(C)]
#[derive(Debug, Default)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: AtomicU64,
    /// [`VERSION`].
    pub version: AtomicU32,
    /// Bit 0: [`FEATURE_MEMBARRIER`].
    pub features: AtomicU32,
    /// Slots of each lane.
    pub slots: AtomicU32,
    /// Payload areas.
    pub areas: AtomicU32,
    /// Bytes of each payload area.
    pub area_bytes: AtomicU32,
    reserved: AtomicU32,
}

/// [`Header::features`]: the writer is registered for `membarrier` and keeps the right to call it.
pub const FEATURE_MEMBARRIER: u32 = 1;

/// A word that the half's writer increments and wakes, and that its reader sleeps on.
#[repr(C, align(64))]
#[derive(Debug, Default)]
pub struct Bell {
    /// Incremented by any thread of the writer, Release.
    pub count: AtomicU32,
}

/// One lane of the half's writer. The reader learns of a lane from the control lane and reads
/// nothing here but `full`; the rest is for tools that look on.
///
/// ```text
/// 0   generation u32   0: never used
/// 4   port u32         index of the port in the reader's table
/// 64  full u32         WAITS | WATCHED; on a line of its own
/// ```
#[repr(C, align(128))]
#[derive(Debug, Default)]
pub struct Entry {
    /// Incremented at each opening.
    pub generation: AtomicU32,
    /// The port that the lane sends to.
    pub port: AtomicU32,
    pad: [AtomicU64; 7],
    /// Not 0 while somebody wants to be woken when the reader reads on.
    pub full: AtomicU32,
    pad2: [AtomicU32; 15],
}

/// In [`Entry::full`]: a thread waits for room.
pub const FULL_WAITS: u32 = 1;
/// In [`Entry::full`]: others of the writer's threads want to hear of it.
pub const FULL_WATCHED: u32 = 2;

/// What the half's writer, as receiver, tells the sender of one lane.
///
/// ```text
/// 0   word u64         generation << 32 | SOLE | REVOKED | DEAD | bell + 1 of the group that wants a wake-up
/// 8   state u32        incremented whenever a blocked sender must look again: dead, a new limit
/// 12  limit u32        1 + how many messages the port's queue holds for this sender; 0: not told
/// ```
#[repr(C, align(128))]
#[derive(Debug, Default)]
pub struct Flags {
    /// Loaded by the sender at the start of each send and after each publication.
    pub word: AtomicU64,
    /// A blocked sender sleeps on this.
    pub state: AtomicU32,
    /// Meaningful with the generation in `word`.
    pub limit: AtomicU32,
    pad: [AtomicU64; 14],
}

/// [`Flags::word`]: the low byte is 0, or the bell to ring plus 1.
pub const FLAG_WAKE: u64 = 0xff;
/// [`Flags::word`]: the port is dead, or the sender holds no right to it (any more).
pub const FLAG_DEAD: u64 = 0x100;
/// [`Flags::word`], beside [`FLAG_DEAD`]: because the receiver revoked the sender's rights.
pub const FLAG_REVOKED: u64 = 0x200;
/// [`Flags::word`]: nobody else can send to the port, so messages of this lane need no stamp.
pub const FLAG_SOLE: u64 = 0x800;
/// [`Flags::word`]: the port's limit was lowered, so this sender reads it before each message.
pub const FLAG_LIMIT: u64 = 0x1000;

/// What the half's writer, who waits for an answer, tells its peer about one of the peer's reply
/// slots.
///
/// ```text
/// 0   word u64         generation << 32 | STAMPED | CONSUMED | DEAD | bell + 1 of the group that waits
/// ```
#[repr(C, align(64))]
#[derive(Debug, Default)]
pub struct ReplyFlags {
    /// Loaded by the answering side before and after it answers.
    pub word: AtomicU64,
    pad: [AtomicU64; 7],
}

/// [`ReplyFlags::word`]: the answer was copied out; the memory of its body is free.
pub const FLAG_CONSUMED: u64 = 0x400;
/// [`ReplyFlags::word`]: the answer is to be stamped, though its token says nothing of it.
pub const FLAG_STAMPED: u64 = 0x1000;

/// How far the half's writer, as receiver, has read one lane.
#[repr(C, align(128))]
#[derive(Debug, Default)]
pub struct Cursor {
    /// The low half of the position after the last slot read. A blocked sender sleeps on this.
    pub position: AtomicU32,
    pad: [AtomicU32; 31],
}

/// One message of a lane; see [`slot`](super::slot) for what the words mean.
#[repr(C, align(64))]
#[derive(Debug, Default)]
pub struct Slot {
    /// Word 0 holds the sequence number; words 4 to 7 are the inline body.
    pub words: [AtomicU64; 8],
}

// SAFETY: atomics only, `repr(C)`.
unsafe impl Words for Header {}
// SAFETY: as above.
unsafe impl Words for Bell {}
// SAFETY: as above.
unsafe impl Words for Entry {}
// SAFETY: as above.
unsafe impl Words for Flags {}
// SAFETY: as above.
unsafe impl Words for ReplyFlags {}
// SAFETY: as above.
unsafe impl Words for Cursor {}
// SAFETY: as above.
unsafe impl Words for Slot {}

/// Where everything lies in a half.
pub mod place {
    /// The [`Header`](super::Header).
    pub const HEADER: usize = 0;
    /// The first [`Bell`](super::Bell).
    pub const BELLS: usize = 0x1000;
    /// The first [`Entry`](super::Entry).
    pub const DIRECTORY: usize = 0x3000;
    /// The first [`Flags`](super::Flags).
    pub const FLAGS: usize = 0xb000;
    /// The first [`Cursor`](super::Cursor).
    pub const CURSORS: usize = 0x13000;
    /// The first reply [`Slot`](super::Slot).
    pub const REPLIES: usize = 0x1b000;
    /// The first [`ReplyFlags`](super::ReplyFlags).
    pub const REPLY_FLAGS: usize = 0x2b000;
    /// The first [`Slot`](super::Slot) of lane 0.
    pub const RINGS: usize = 0x3b000;
}

futex::native_only! {
    const _: () = {
        use std::mem::{align_of, offset_of, size_of};
        assert!(size_of::<Header>() == 32 && offset_of!(Header, area_bytes) == 24);
        assert!(size_of::<Bell>() == 64 && size_of::<Slot>() == 64 && align_of::<Slot>() == 64);
        assert!(size_of::<Entry>() == 128 && offset_of!(Entry, full) == 64);
        assert!(size_of::<Flags>() == 128 && offset_of!(Flags, state) == 8 && offset_of!(Flags, limit) == 12);
        assert!(size_of::<Cursor>() == 128);
        assert!(place::BELLS + BELLS * size_of::<Bell>() <= place::DIRECTORY);
        assert!(place::DIRECTORY + LANES * size_of::<Entry>() <= place::FLAGS);
        assert!(place::FLAGS + LANES * size_of::<Flags>() <= place::CURSORS);
        assert!(place::CURSORS + LANES * size_of::<Cursor>() <= place::REPLIES);
        assert!(place::REPLIES + REPLIES * size_of::<Slot>() <= place::REPLY_FLAGS);
        assert!(size_of::<ReplyFlags>() == 64);
        assert!(place::REPLY_FLAGS + REPLIES * size_of::<ReplyFlags>() <= place::RINGS);
    };

    // A fresh memfd is all zero: each structure says that this is a valid, empty one.
    // SAFETY: atomics only, for which zero is a value.
    unsafe impl bytemuck::Zeroable for Header {}
    // SAFETY: as above.
    unsafe impl bytemuck::Zeroable for Slot {}
}

/// The sizes that a half's writer chooses; its reader takes them from the header once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Slots of each lane: a power of two, 8 to [`SLOTS_MAX`].
    pub slots: usize,
    /// Payload areas, for lanes that send bodies longer than a slot holds.
    pub areas: usize,
    /// Bytes of each payload area: a multiple of 4096, at least 16 KiB. The longest body that lies there is
    /// half of it.
    pub area_bytes: usize,
}

impl Geometry {
    /// 1,024 slots a lane and 64 areas of 256 KiB: room for limits up to about 1,000 and bodies up
    /// to 128 KiB before they need memory of their own, 33 MiB of addresses, of which only what is used becomes memory.
    pub const DEFAULT: Self = Self { slots: 1024, areas: 64, area_bytes: 256 << 10 };

    /// Whether a half can have these sizes.
    pub fn is_valid(&self) -> bool {
        self.slots.is_power_of_two()
            && (8..=SLOTS_MAX).contains(&self.slots)
            && self.area_bytes.is_multiple_of(4096)
            && (self.areas == 0 || self.area_bytes >= 16 << 10)
            && self.area_bytes <= PAYLOAD_MAX
            && self.areas <= PAYLOAD_MAX
            && self.area_bytes.checked_mul(self.areas).is_some_and(|all| all <= PAYLOAD_MAX)
    }

    /// Where lane `lane`'s first slot lies.
    pub fn ring(&self, lane: usize) -> usize {
        place::RINGS + lane * self.slots * size_of::<Slot>()
    }

    /// Where the first payload area lies.
    pub fn payload(&self) -> usize {
        self.ring(LANES)
    }

    /// Bytes of all payload areas.
    pub fn payload_bytes(&self) -> usize {
        self.areas * self.area_bytes
    }

    /// Bytes of the whole half.
    pub fn size(&self) -> usize {
        self.payload() + self.payload_bytes()
    }
}
