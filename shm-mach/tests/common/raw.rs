//! A peer without the library: it makes its half by hand, may write any word of it, and reads the
//! other half as it likes.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use futex::sync::{AtomicU32, AtomicU64, Ordering, fence, futex_wake, store_bytes};
use rustix::net::sockopt::set_socket_passcred;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, UCred, recvmsg, sendmsg,
};
use shm_mach::Geometry;
use shm_mach::ring::layout::{Bell, Cursor, Flags, Header, MAGIC, Slot, VERSION, place};
use shm_mach::ring::slot::{Head, seq};
use shm_mach::segment::{OwnMemory, OwnSegment, PeerSegment, Shared};
use shm_mach::wire::control::Control;
use shm_mach::wire::hello::{HELLO_BYTES, Hello, echo};

/// A small geometry, to fill quickly: 64 slots, 4 areas of 16 KiB.
pub(crate) const SMALL: Geometry = Geometry { slots: 64, areas: 4, area_bytes: 16 << 10 };

/// One end of a link, made by hand.
pub(crate) struct Raw {
    /// Its own half, writable.
    pub(crate) memory: OwnMemory,
    /// The victim's half, read-only.
    pub(crate) theirs: PeerSegment,
    /// What the victim said of the port that this peer may send to.
    pub(crate) hello: Hello,
    /// The sizes of its own half.
    pub(crate) geometry: Geometry,
    /// Position of the next control message.
    pub(crate) told: u64,
    /// Hangs up when dropped.
    pub(crate) socket: Option<OwnedFd>,
}

/// An honest half: the header is filled in.
pub(crate) fn half(geometry: Geometry, features: u32) -> OwnSegment {
    let segment = OwnSegment::create(geometry.size()).unwrap();
    let header: Shared<Header> = segment.memory().view(place::HEADER);
    header.version.store(VERSION, Ordering::Relaxed);
    header.features.store(features, Ordering::Relaxed);
    header.slots.store(geometry.slots as u32, Ordering::Relaxed);
    header.areas.store(geometry.areas as u32, Ordering::Relaxed);
    header.area_bytes.store(geometry.area_bytes as u32, Ordering::Relaxed);
    header.magic.store(MAGIC, Ordering::Release);
    segment
}

/// An honest hello with the victim's queue limit as `limit`.
pub(crate) fn greeting(nonce: u64) -> Hello {
    Hello { features: 0, nonce, port: 0, limit: 16, key: 77 }
}

impl Raw {
    /// Joins as the library does, with an honest hello.
    pub(crate) fn join(socket: OwnedFd, geometry: Geometry) -> Self {
        let segment = half(geometry, 0);
        let memory = segment.memory();
        set_socket_passcred(&socket, true).unwrap();
        send(&socket, &greeting(5).encode(), &[segment.into_read_only().as_fd()]);
        let mut bytes = [0; HELLO_BYTES];
        let fd = receive(&socket, &mut bytes).1.pop().unwrap();
        let hello = Hello::decode(&bytes).unwrap();
        let theirs = PeerSegment::adopt(&fd, place::RINGS, 1 << 31).unwrap();
        send(&socket, &echo(hello.nonce), &[]);
        receive(&socket, &mut [0; 16]);
        Self { memory, theirs, hello, geometry, told: 0, socket: Some(socket) }
    }

    /// The slot of a lane at a position.
    pub(crate) fn slot(&self, lane: usize, position: u64) -> Shared<Slot> {
        let index = position as usize & (self.geometry.slots - 1);
        self.memory.view(self.geometry.ring(lane) + index * size_of::<Slot>())
    }

    /// Publishes what `head` says at a position of a lane, true or not.
    pub(crate) fn publish(&self, lane: usize, position: u64, head: Head, body: &[u8]) {
        let slot = self.slot(lane, position);
        store_bytes(&slot.words[4..], body);
        if let Some(region) = head.region {
            let place = head.encode_place(region);
            place
                .iter()
                .zip(&slot.words[4..])
                .for_each(|(value, word)| word.store(*value, Ordering::Release));
        }
        let words = head.encode(seq(position));
        for at in [1, 2, 3, 0] {
            slot.words[at].store(words[at], Ordering::Release);
        }
    }

    /// Publishes a short honest message and rings.
    pub(crate) fn send(&self, lane: usize, position: u64, id: i32, body: &[u8]) {
        self.publish(lane, position, Head::message(id, body.len()), body);
        self.ring_wanted(lane);
    }

    /// Says something on the control lane, and rings. Does not look whether there is room.
    pub(crate) fn tell(&mut self, news: Control) {
        let (id, body) = news.encode();
        self.publish(0, self.told, Head::message(id, body.len()), &body);
        self.told += 1;
        self.ring(0);
    }

    /// The claim of a lane that the victim must believe, if the generation and start are fresh.
    pub(crate) fn opened(&self, lane: u32, generation: u32, start: u64) -> Control {
        let Hello { port, key, .. } = self.hello;
        Control::Opened { lane, generation, port, epoch: 0, key, start }
    }

    /// Increments a bell and wakes one sleeper.
    pub(crate) fn ring(&self, bell: usize) {
        let bell = self.bell(bell);
        bell.count.fetch_add(1, Ordering::Release);
        futex_wake(&bell.count, 1);
    }

    fn ring_wanted(&self, lane: usize) {
        fence(Ordering::SeqCst);
        let wanted = self.wanted(lane) & 0xff;
        if wanted != 0 {
            self.ring(wanted as usize - 1);
        }
    }

    /// A bell of its own half.
    pub(crate) fn bell(&self, index: usize) -> Shared<Bell> {
        self.memory.view(place::BELLS + index * size_of::<Bell>())
    }

    /// What the victim says of a lane of this peer.
    pub(crate) fn wanted(&self, lane: usize) -> u64 {
        let flags: Shared<Flags> = self.theirs.view(place::FLAGS + lane * size_of::<Flags>()).unwrap();
        flags.word.load(Ordering::Relaxed)
    }

    /// How far the victim has read a lane of this peer.
    pub(crate) fn read_to(&self, lane: usize) -> u32 {
        let cursor: Shared<Cursor> = self.theirs.view(place::CURSORS + lane * size_of::<Cursor>()).unwrap();
        cursor.position.load(Ordering::Relaxed)
    }

    /// Where the victim's sends are answered: the flags and cursor lines of its lane in this half.
    pub(crate) fn answers(&self, lane: usize) -> (Shared<Flags>, Shared<Cursor>) {
        let flags = self.memory.view(place::FLAGS + lane * size_of::<Flags>());
        (flags, self.memory.view(place::CURSORS + lane * size_of::<Cursor>()))
    }

    /// Any aligned 64-bit word of its own half.
    pub(crate) fn word(&self, offset: usize) -> Shared<AtomicU64> {
        self.memory.view(offset & !7)
    }

    /// Any aligned 32-bit word of its own half.
    pub(crate) fn word32(&self, offset: usize) -> Shared<AtomicU32> {
        self.memory.view(offset & !3)
    }
}

/// Sends bytes with true credentials and some descriptors.
pub(crate) fn send(socket: &OwnedFd, bytes: &[u8], fds: &[std::os::fd::BorrowedFd<'_>]) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8), ScmCredentials(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let pid = rustix::process::getpid();
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    control.push(SendAncillaryMessage::ScmCredentials(UCred { pid, uid, gid }));
    if !fds.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(fds));
    }
    sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL).unwrap();
}

/// Receives bytes and descriptors.
pub(crate) fn receive(socket: &OwnedFd, bytes: &mut [u8]) -> (usize, Vec<OwnedFd>) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8), ScmCredentials(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received =
        recvmsg(socket, &mut [IoSliceMut::new(bytes)], &mut control, RecvFlags::CMSG_CLOEXEC).unwrap();
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    (received.bytes, fds)
}
