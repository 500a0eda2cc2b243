//! Peers that lie about regions: their link ends, and nobody else is harmed.

mod common;

use std::num::NonZeroU32;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use common::raw::{self, Raw, SMALL};
use common::sockets;
use common::watchdog::Watchdog;
use futex::sync::{AtomicU64, Ordering};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use shm_mach::ring::region::{REGION_LEAST, REGION_MOST, REGIONS_MAX};
use shm_mach::ring::slot::{BODY_MAX, Head, Token};
use shm_mach::segment::{OwnSegment, Shared};
use shm_mach::wire::control::Control;
use shm_mach::wire::hello::lend;
use shm_mach::{Deadline, Joined, Message, Options, Received, SendFailure, join};

const FIRST: NonZeroU32 = NonZeroU32::MIN;

/// A victim, and a peer without the library that has opened a lane to it.
fn victim() -> (Joined, Raw) {
    let (ours, theirs) = sockets();
    let peer = std::thread::spawn(move || Raw::join(theirs, SMALL));
    let joined = join(ours, &Options::default()).unwrap();
    let mut raw = peer.join().unwrap();
    raw.tell(raw.opened(1, 1, 0));
    (joined, raw)
}

fn tell(raw: &Raw, region: NonZeroU32, fds: &[&OwnedFd]) {
    let fds: Vec<_> = fds.iter().map(|fd| fd.as_fd()).collect();
    raw::send(raw.socket.as_ref().unwrap(), &lend(region), &fds);
}

/// A sealed region of so many bytes.
fn region(size: usize) -> (OwnedFd, Shared<[AtomicU64]>) {
    let segment = OwnSegment::create(size).unwrap();
    let words = segment.memory().slice(0, size / 8);
    (segment.into_read_only(), words)
}

/// A large message in the first region.
fn large(length: usize) -> Head {
    Head { region: Some(FIRST), ..Head::message(7, length) }
}

/// The link must end: not by a message, and not by a panic.
fn expect_end(joined: &Joined, what: &str) {
    let mut message = Received::new();
    let late = Deadline::after(Duration::from_secs(30));
    loop {
        let got = joined.receive.receive_deadline(&mut message, late);
        got.unwrap_or_else(|error| panic!("{what}: {error}"));
        if message.notification().is_some() {
            break;
        }
        assert_eq!(message.id(), 1, "{what}: a message came through");
    }
    let refused = joined.send.send(Message::new(0, b"")).unwrap_err();
    assert_eq!(refused.failure(), SendFailure::PortDied, "{what}");
}

#[test]
fn an_honest_region_is_read_and_its_liar_is_not() {
    let _watchdog = Watchdog::start("an_honest_region_is_read_and_its_liar_is_not", 120);
    let (joined, raw) = victim();
    let (fd, words) = region(REGION_LEAST);
    words.iter().for_each(|word| word.store(0x0101_0101_0101_0101, Ordering::Relaxed));
    tell(&raw, FIRST, &[&fd]);
    let fits = REGION_LEAST - 64;
    raw.publish(1, 0, Head { payload_at: 64, ..large(fits) }, &[]);
    raw.send(1, 1, 1, b"behind it");
    let mut message = Received::new();
    joined.receive.receive(&mut message).unwrap();
    assert_eq!((message.id(), message.body()), (7, &vec![1; fits][..]));
    // One byte more is outside. (Word by word: eight.)
    raw.publish(1, 2, Head { payload_at: 64, ..large(fits + 1) }, &[]);
    raw.ring(0);
    expect_end(&joined, "a body that leaves its region");
}

#[test]
fn places_outside_every_region_end_the_link() {
    let _watchdog = Watchdog::start("places_outside_every_region_end_the_link", 120);
    let far = Head { payload_at: u32::MAX as usize * 64, ..large(64) };
    let other = Head { region: NonZeroU32::new(2), ..large(64) };
    let token = Token { slot: 3, generation: 1 };
    for (what, head) in [
        ("the longest body in a small region", large(BODY_MAX)),
        ("one that begins far outside", far),
        ("another region's number", other),
        ("rights that do not fit beside it", Head { rights: 1023, ..large(REGION_LEAST - 1000) }),
        ("records that are none", Head { rights: 3, ..large(64) }),
        ("a reply right, and nothing there", Head { reply: Some(token), ..other }),
    ] {
        let (joined, raw) = victim();
        let (fd, words) = region(REGION_LEAST);
        words.iter().for_each(|word| word.store(u64::MAX, Ordering::Relaxed));
        tell(&raw, FIRST, &[&fd]);
        raw.publish(1, 0, head, &[]);
        raw.ring(0);
        expect_end(&joined, what);
    }
}

#[test]
fn what_is_no_slot_of_a_large_message_ends_the_link() {
    let _watchdog = Watchdog::start("what_is_no_slot_of_a_large_message_ends_the_link", 120);
    let (longest, zero) = (BODY_MAX as u64 + 1, 0);
    for (what, place) in
        [("too long", [1, longest]), ("no region", [zero, 64]), ("empty", [1, 0]), ("all", [!0; 2])]
    {
        let (joined, raw) = victim();
        let (fd, _words) = region(REGION_MOST);
        tell(&raw, FIRST, &[&fd]);
        let slot = raw.slot(1, 0);
        let words = large(64).encode(1);
        place.iter().zip(&slot.words[4..]).for_each(|(value, word)| word.store(*value, Ordering::Relaxed));
        for at in [1, 2, 3, 0] {
            slot.words[at].store(words[at], Ordering::Release);
        }
        raw.ring(0);
        expect_end(&joined, what);
    }
}

#[test]
fn files_that_are_no_regions_end_the_link() {
    let _watchdog = Watchdog::start("files_that_are_no_regions_end_the_link", 120);
    let unsealed = memfd_create(c"unsealed", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
    ftruncate(&unsealed, REGION_LEAST as u64).unwrap();
    let (small, _) = region(REGION_LEAST - 4096);
    let (huge, _) = region(REGION_MOST + 4096);
    let (good, _) = region(REGION_LEAST);
    let pipe = rustix::pipe::pipe().unwrap().0;
    for (what, fds) in [
        ("unsealed", vec![&unsealed]),
        ("too small", vec![&small]),
        ("too large", vec![&huge]),
        ("a pipe", vec![&pipe]),
        ("none", vec![]),
        ("two", vec![&good, &good]),
    ] {
        let (joined, raw) = victim();
        tell(&raw, FIRST, &fds);
        raw.publish(1, 0, large(64), &[]);
        raw.ring(0);
        expect_end(&joined, what);
    }
}

#[test]
fn too_many_regions_and_numbers_twice_end_the_link() {
    let _watchdog = Watchdog::start("too_many_regions_and_numbers_twice_end_the_link", 120);
    let (least, _) = region(REGION_LEAST);
    let (most, _) = region(REGION_MOST);
    let number = |n: u32| NonZeroU32::new(n).unwrap();
    let flood: Vec<_> = (1..=REGIONS_MAX as u32 + 1).map(|n| (number(n), &least)).collect();
    let bytes: Vec<_> = (1..=9).map(|n| (number(n), &most)).collect();
    for (what, told) in [("so many", flood), ("so long", bytes), ("twice", vec![(FIRST, &least); 2])] {
        let (joined, raw) = victim();
        for (region, fd) in &told {
            tell(&raw, *region, &[fd]);
        }
        // Whatever asks for a region that is not known reads all that was told.
        raw.publish(1, 0, Head { region: NonZeroU32::new(99), ..large(64) }, &[]);
        raw.ring(0);
        expect_end(&joined, what);
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        assert!(maps.lines().count() < 2000, "{what}: all of it is mapped");
    }
}

#[test]
fn a_region_that_was_retired_is_gone() {
    let _watchdog = Watchdog::start("a_region_that_was_retired_is_gone", 120);
    for is_known in [true, false] {
        let (joined, mut raw) = victim();
        if is_known {
            let (fd, _words) = region(REGION_LEAST);
            tell(&raw, FIRST, &[&fd]);
            raw.publish(1, 0, large(64), &[]);
            raw.ring(0);
            let mut message = Received::new();
            joined.receive.receive(&mut message).unwrap();
            assert_eq!(message.body(), [0; 64]);
        }
        raw.tell(Control::Retired { region: FIRST });
        // Heard before the message: until then the region is there.
        while is_known && u64::from(raw.read_to(0)) < raw.told {
            let _ = joined.receive.try_receive(&mut Received::new());
        }
        raw.publish(1, u64::from(is_known), large(64), &[]);
        raw.ring(0);
        expect_end(&joined, "a region that is no more, or never was");
    }
}

/// Bytes on the socket that are no region's.
#[test]
fn noise_on_the_socket_ends_the_link_that_needs_it() {
    let _watchdog = Watchdog::start("noise_on_the_socket_ends_the_link_that_needs_it", 120);
    let (joined, raw) = victim();
    for bytes in [&b"x"[..], &[7; 16], &[0; 100]] {
        raw::send(raw.socket.as_ref().unwrap(), bytes, &[]);
    }
    raw.send(1, 0, 1, b"needs no region");
    let mut message = Received::new();
    joined.receive.receive(&mut message).unwrap();
    assert_eq!(message.id(), 1);
    raw.publish(1, 1, large(64), &[]);
    raw.ring(0);
    expect_end(&joined, "noise");
}
