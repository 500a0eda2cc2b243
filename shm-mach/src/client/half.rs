//! The two halves of a link: the one that this task writes, and the one that it reads.

use std::os::fd::OwnedFd;

use futex::Gate;
use futex::sync::{AtomicU64, Ordering, fence};

use crate::ring::lane_in::InWords;
use crate::ring::lane_out::OutWords;
use crate::ring::layout::{
    BELLS, Bell, Cursor, Entry, FEATURE_MEMBARRIER, Flags, Geometry, Header, LANES, MAGIC, REPLIES,
    ReplyFlags, SLOTS_MAX, Slot, VERSION, place,
};
use crate::segment::{OwnMemory, OwnSegment, PeerSegment, Refused, Shared};

/// The half that this task writes, towards one peer.
#[derive(Debug)]
pub(crate) struct OwnHalf {
    memory: OwnMemory,
    pub(crate) geometry: Geometry,
    pub(crate) bells: Shared<[Bell]>,
    entries: Shared<[Entry]>,
    flags: Shared<[Flags]>,
    cursors: Shared<[Cursor]>,
    pub(crate) replies: Shared<[Slot]>,
    pub(crate) reply_flags: Shared<[ReplyFlags]>,
}

/// The feature bits of a task that can promise `gate`.
pub(crate) fn features_of(gate: Gate) -> u32 {
    if gate == Gate::Asymmetric { FEATURE_MEMBARRIER } else { 0 }
}

/// The gate that feature bits promise.
pub(crate) fn gate_of(features: u32) -> Gate {
    if features & FEATURE_MEMBARRIER != 0 { Gate::Asymmetric } else { Gate::Symmetric }
}

/// Pages that every link touches, so that a lack of memory shows when the half is made.
const FIRST_PAGES: [usize; 5] = [place::HEADER, place::BELLS, place::DIRECTORY, place::FLAGS, place::CURSORS];

impl OwnHalf {
    /// Makes a half; returns it with the read-only file descriptor for the peer.
    ///
    /// # Errors
    /// What the kernel says of making, mapping or filling it.
    pub(crate) fn create(geometry: Geometry, gate: Gate) -> std::io::Result<(Self, OwnedFd)> {
        let segment = OwnSegment::create(geometry.size())?;
        for page in FIRST_PAGES {
            segment.prefault(page, 1)?;
        }
        let memory = segment.memory();
        let header: Shared<Header> = memory.view(place::HEADER);
        header.version.store(VERSION, Ordering::Relaxed);
        header.features.store(features_of(gate), Ordering::Relaxed);
        header.slots.store(geometry.slots as u32, Ordering::Relaxed);
        header.areas.store(geometry.areas as u32, Ordering::Relaxed);
        header.area_bytes.store(geometry.area_bytes as u32, Ordering::Relaxed);
        header.magic.store(MAGIC, Ordering::Release);
        let half = Self {
            geometry,
            bells: memory.slice(place::BELLS, BELLS),
            entries: memory.slice(place::DIRECTORY, LANES),
            flags: memory.slice(place::FLAGS, LANES),
            cursors: memory.slice(place::CURSORS, LANES),
            replies: memory.slice(place::REPLIES, REPLIES),
            reply_flags: memory.slice(place::REPLY_FLAGS, REPLIES),
            memory,
        };
        half.prefault_lane(0)?;
        half.prefault_answers(0)?;
        Ok((half, segment.into_read_only()))
    }

    /// Allocates the ring and the directory line of an own lane.
    pub(crate) fn prefault_lane(&self, lane: usize) -> std::io::Result<()> {
        self.memory.prefault(place::DIRECTORY + lane * size_of::<Entry>(), size_of::<Entry>())?;
        self.memory.prefault(self.geometry.ring(lane), self.geometry.slots * size_of::<Slot>())
    }

    /// Allocates the lines by which this task answers a lane of the peer.
    pub(crate) fn prefault_answers(&self, lane: usize) -> std::io::Result<()> {
        self.memory.prefault(place::FLAGS + lane * size_of::<Flags>(), size_of::<Flags>())?;
        self.memory.prefault(place::CURSORS + lane * size_of::<Cursor>(), size_of::<Cursor>())
    }

    /// Allocates the page of an own reply slot, to answer the peer there.
    pub(crate) fn prefault_reply(&self, slot: usize) -> std::io::Result<()> {
        self.memory.prefault(place::REPLIES + slot * size_of::<Slot>(), size_of::<Slot>())
    }

    /// Allocates the page of the flags of one of the peer's reply slots, to await an answer there.
    pub(crate) fn prefault_reply_flags(&self, slot: usize) -> std::io::Result<()> {
        self.memory.prefault(place::REPLY_FLAGS + slot * size_of::<ReplyFlags>(), size_of::<ReplyFlags>())
    }

    /// Allocates a payload area and gives a view of it, with its place in the payload region.
    pub(crate) fn area(&self, index: usize) -> std::io::Result<(Shared<[AtomicU64]>, usize)> {
        let base = index * self.geometry.area_bytes;
        let at = self.geometry.payload() + base;
        self.memory.prefault(at, self.geometry.area_bytes)?;
        Ok((self.memory.slice(at, self.geometry.area_bytes / 8), base))
    }

    /// Writes the directory line of an own lane, for tools that look on.
    pub(crate) fn describe(&self, lane: usize, generation: u32, port: u32) {
        self.entries[lane].port.store(port, Ordering::Relaxed);
        self.entries[lane].generation.store(generation, Ordering::Release);
    }

    /// The generation that an own lane has now.
    pub(crate) fn generation(&self, lane: usize) -> u32 {
        self.entries[lane].generation.load(Ordering::Relaxed)
    }

    /// How many slots of the peer's lanes this task has read, modulo 2^32, give or take what it has
    /// not published yet.
    pub(crate) fn taken(&self) -> u32 {
        let positions = self.cursors.iter().map(|cursor| cursor.position.load(Ordering::Relaxed));
        positions.fold(0, u32::wrapping_add)
    }

    /// Where this task, as receiver, stands in a lane of the peer's: the low half of the position.
    pub(crate) fn position(&self, lane: usize) -> u32 {
        self.cursors[lane].position.load(Ordering::Relaxed)
    }

    /// Whether a lane of the peer's can have become so long: it is not further ahead of what was read
    /// than a ring holds.
    pub(crate) fn can_end(&self, lane: usize, end: u64) -> bool {
        lane < LANES && (end as u32).wrapping_sub(self.position(lane)) <= 2 * SLOTS_MAX as u32
    }

    /// Answers the peer that its dead lane is over: its cursor stands where the lane ends.
    pub(crate) fn bury(&self, lane: usize, end: u64) {
        self.cursors[lane].position.store(end as u32, Ordering::Release);
    }

    /// The sender's view of own lane `lane`. Without the peer's half, its flags say nothing and its
    /// cursor stands still.
    pub(crate) fn out_words(&self, theirs: Option<&PeerHalf>, lane: usize) -> OutWords {
        let own = "an own lane's index is below LANES";
        OutWords {
            entry: self.entries.at(lane).expect(own),
            slots: self.memory.slice(self.geometry.ring(lane), self.geometry.slots),
            bells: self.bells.clone(),
            flags: theirs.map_or_else(|| Shared::heap(Flags::default()), |theirs| theirs.flags_of(lane)),
            cursor: theirs.map_or_else(|| Shared::heap(Cursor::default()), |theirs| theirs.cursor_of(lane)),
        }
    }
}

/// The half that the peer writes, read-only here. Its geometry was read from its header once.
#[derive(Debug)]
pub(crate) struct PeerHalf {
    segment: PeerSegment,
    geometry: Geometry,
    pub(crate) gate: Gate,
    pub(crate) bells: Shared<[Bell]>,
    entries: Shared<[Entry]>,
    flags: Shared<[Flags]>,
    cursors: Shared<[Cursor]>,
    pub(crate) payload: Shared<[AtomicU64]>,
    pub(crate) replies: Shared<[Slot]>,
    pub(crate) reply_flags: Shared<[ReplyFlags]>,
}

/// Why a peer's half is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadHalf {
    /// The file descriptor is no sealed segment.
    #[error("the peer's half is refused: {0}")]
    Refused(#[from] Refused),
    /// The header has another magic number or layout version.
    #[error("the peer's half is not of layout version {VERSION}")]
    Version,
    /// The header's sizes are out of range or do not make up the segment's size.
    #[error("the peer's half has impossible sizes")]
    Geometry,
}

/// The most bytes that a peer's half may have: what all our reading could make the peer allocate.
const HALF_MAX: usize = 1 << 31;

impl PeerHalf {
    /// Checks and maps the half behind a file descriptor that a peer sent.
    ///
    /// # Errors
    /// In the order checked: [`BadHalf::Refused`], [`BadHalf::Version`], [`BadHalf::Geometry`].
    pub(crate) fn adopt(fd: &OwnedFd) -> Result<Self, BadHalf> {
        let segment = PeerSegment::adopt(fd, place::RINGS, HALF_MAX)?;
        let header: Shared<Header> = segment.view(place::HEADER).ok_or(BadHalf::Geometry)?;
        let magic = header.magic.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        if magic != MAGIC || header.version.load(Ordering::Relaxed) != VERSION {
            return Err(BadHalf::Version);
        }
        let geometry = Geometry {
            slots: header.slots.load(Ordering::Relaxed) as usize,
            areas: header.areas.load(Ordering::Relaxed) as usize,
            area_bytes: header.area_bytes.load(Ordering::Relaxed) as usize,
        };
        let features = header.features.load(Ordering::Relaxed);
        if !geometry.is_valid() || geometry.size() != segment.size() {
            return Err(BadHalf::Geometry);
        }
        let gate = gate_of(features);
        let bells = segment.slice(place::BELLS, BELLS).ok_or(BadHalf::Geometry)?;
        let entries = segment.slice(place::DIRECTORY, LANES).ok_or(BadHalf::Geometry)?;
        let flags = segment.slice(place::FLAGS, LANES).ok_or(BadHalf::Geometry)?;
        let cursors = segment.slice(place::CURSORS, LANES).ok_or(BadHalf::Geometry)?;
        let replies = segment.slice(place::REPLIES, REPLIES).ok_or(BadHalf::Geometry)?;
        let reply_flags = segment.slice(place::REPLY_FLAGS, REPLIES).ok_or(BadHalf::Geometry)?;
        let payload =
            segment.slice(geometry.payload(), geometry.payload_bytes() / 8).ok_or(BadHalf::Geometry)?;
        Ok(Self { segment, geometry, gate, bells, entries, flags, cursors, payload, replies, reply_flags })
    }

    /// What the peer, as receiver, tells of own lane `lane`.
    pub(crate) fn flags_of(&self, lane: usize) -> Shared<Flags> {
        self.flags.at(lane).expect("an own lane's index is below LANES")
    }

    /// As [`cursor_of`](Self::cursor_of), for a look.
    pub(crate) fn cursor(&self, lane: usize) -> &Cursor {
        &self.cursors[lane]
    }

    /// How far the peer has read own lane `lane`.
    pub(crate) fn cursor_of(&self, lane: usize) -> Shared<Cursor> {
        self.cursors.at(lane).expect("an own lane's index is below LANES")
    }

    /// The receiver's view of the peer's lane `lane`, below `LANES`.
    pub(crate) fn in_words(&self, own: &OwnHalf, lane: usize) -> InWords {
        let checked = "a lane's index was checked";
        InWords {
            entry: self.entries.at(lane).expect(checked),
            slots: self
                .segment
                .slice(self.geometry.ring(lane), self.geometry.slots)
                .expect("the geometry was checked against the size"),
            payload: self.payload.clone(),
            flags: own.flags.at(lane).expect(checked),
            cursor: own.cursors.at(lane).expect(checked),
        }
    }
}
