//! What is refused as a peer's segment, and what nobody can do to one that was accepted: not its
//! receiver, not root.

mod common;

use std::io::ErrorKind;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;

use common::raw::{self, SMALL, greeting, half};
use common::{sockets, sys};
use futex::sync::{AtomicU64, Ordering};
use rustix::fs::{FallocateFlags, MemfdFlags, Mode, OFlags, SealFlags};
use shm_mach::ring::layout::place;
use shm_mach::segment::{OwnSegment, PeerSegment, Refused, Shared};
use shm_mach::{BadHalf, JoinError, Options, join};

const LENGTH: usize = 1 << 16;

fn adopt(fd: &OwnedFd) -> Result<PeerSegment, Refused> {
    PeerSegment::adopt(fd, 4096, 1 << 20)
}

fn memfd(flags: MemfdFlags, length: usize, seals: SealFlags) -> OwnedFd {
    let fd = rustix::fs::memfd_create(c"test", MemfdFlags::CLOEXEC | flags).unwrap();
    rustix::fs::ftruncate(&fd, length as u64).unwrap();
    if !seals.is_empty() {
        rustix::fs::fcntl_add_seals(&fd, seals).unwrap();
    }
    fd
}

fn all_seals() -> SealFlags {
    SealFlags::SHRINK | SealFlags::GROW | SealFlags::FUTURE_WRITE | SealFlags::SEAL
}

/// Each seal is needed. Fails if one is not asked for.
#[test]
fn every_seal_is_needed() {
    let sealing = MemfdFlags::ALLOW_SEALING;
    adopt(&memfd(sealing, LENGTH, all_seals())).expect("with all seals it is accepted");
    let unsealed = memfd(sealing, LENGTH, SealFlags::empty());
    assert!(matches!(adopt(&unsealed), Err(Refused::Unsealed { found: 0 })));
    for missing in [SealFlags::SHRINK, SealFlags::GROW, SealFlags::FUTURE_WRITE, SealFlags::SEAL] {
        let seals = all_seals() - missing;
        let refused = adopt(&memfd(sealing, LENGTH, seals));
        assert!(matches!(refused, Err(Refused::Unsealed { found }) if found == seals.bits()), "{missing:?}");
    }
    let never = memfd(MemfdFlags::empty(), LENGTH, SealFlags::empty());
    assert!(matches!(adopt(&never), Err(Refused::Unsealed { .. })), "a memfd that takes no seals");
}

/// Fails if the size is not held against its limits, both included.
#[test]
fn the_size_has_limits() {
    for (length, is_good) in [(0, false), (4095, false), (4096, true), (1 << 20, true), (1 << 20 | 1, false)]
    {
        let adopted = adopt(&memfd(MemfdFlags::ALLOW_SEALING, length, all_seals()));
        match adopted {
            Ok(segment) => assert!(is_good && segment.size() == length),
            Err(error) => {
                assert!(
                    !is_good && matches!(error, Refused::WrongSize { found, .. } if found == length as u64)
                )
            }
        }
    }
}

/// Fails if something is mapped that is no memfd, or a memfd whose pages can run out.
#[test]
fn other_files_are_refused() {
    let huge = rustix::fs::memfd_create(c"huge", MemfdFlags::ALLOW_SEALING | MemfdFlags::HUGETLB);
    match huge {
        Ok(fd) => {
            rustix::fs::ftruncate(&fd, 2 << 20).unwrap();
            rustix::fs::fcntl_add_seals(&fd, all_seals()).unwrap();
            let refused = PeerSegment::adopt(&fd, 4096, 1 << 30);
            assert!(matches!(refused, Err(Refused::NotTmpfs { .. })), "{refused:?}");
        }
        Err(errno) => println!("SKIPPED, hugetlb memfd: {errno}"),
    }
    let mut file = tempfile("segment");
    std::io::Write::write_all(&mut file, &[0; LENGTH]).unwrap();
    let (pipe, _other) = rustix::pipe::pipe().unwrap();
    let (socket, _other) = sockets();
    let open = |path| rustix::fs::open(path, OFlags::RDONLY, Mode::empty()).unwrap();
    for (fd, what) in [
        (OwnedFd::from(file), "a regular file"),
        (pipe, "a pipe"),
        (socket, "a socket"),
        (open("/dev/zero"), "a device"),
        (open("/"), "a directory"),
    ] {
        let refused = adopt(&fd);
        assert!(matches!(refused, Err(Refused::Unsealed { .. })), "{what}: {refused:?}");
    }
    let path_only = rustix::fs::open("/", OFlags::PATH, Mode::empty()).unwrap();
    assert!(matches!(adopt(&path_only), Err(Refused::Kernel(_))), "a descriptor of a path");
}

/// A file that is gone when it is closed.
fn tempfile(name: &str) -> std::fs::File {
    let path = std::env::temp_dir().join(format!("shm-mach-{name}-{}", std::process::id()));
    let file = std::fs::File::options().read(true).write(true).create_new(true).open(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    file
}

/// A fresh segment, with what its peer gets: the descriptor and the mapping.
fn segment() -> (Shared<AtomicU64>, OwnedFd, PeerSegment) {
    let own = OwnSegment::create(LENGTH).unwrap();
    let word: Shared<AtomicU64> = own.memory().view(0);
    word.store(0x1122_3344, Ordering::Relaxed);
    let fd = own.into_read_only();
    let adopted = adopt(&fd).unwrap();
    (word, fd, adopted)
}

fn mapped(fd: &OwnedFd, write: bool) -> std::io::Result<()> {
    let options = memmap2::MmapOptions::new();
    if write { options.map_raw(fd).map(drop) } else { options.map_raw_read_only(fd).map(drop) }
}

/// As root where the test is root: the kernel refuses everything but reading, through the descriptor
/// that was handed out and through one that is opened anew for writing. Fails if a seal or the
/// read-only reopening is left out.
#[test]
fn nobody_but_its_maker_writes_a_segment() {
    let (word, fd, _adopted) = segment();
    println!("as root: {}", sys::is_root());
    mapped(&fd, false).unwrap();
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let reopened = rustix::fs::open(path, OFlags::RDWR, Mode::empty());
    let reopened = reopened.map_err(|errno| println!("not even opened for writing: {errno}")).ok();
    for (fd, what) in [(Some(&fd), "as given"), (reopened.as_ref(), "opened for writing")] {
        let Some(fd) = fd else { continue };
        let refused = mapped(fd, true).unwrap_err().kind();
        assert_eq!(refused, ErrorKind::PermissionDenied, "writable mapping, {what}");
        let written = rustix::io::pwrite(fd, b"lies", 0);
        assert!(written.is_err(), "write, {what}: {written:?}");
        for length in [0, LENGTH as u64 * 2] {
            let cut = rustix::fs::ftruncate(fd, length);
            assert!(cut.is_err(), "truncate to {length}, {what}: {cut:?}");
        }
        let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        for flags in [punch, FallocateFlags::ZERO_RANGE, FallocateFlags::empty()] {
            let length = if flags.is_empty() { LENGTH as u64 * 2 } else { 4096 };
            let done = rustix::fs::fallocate(fd, flags, 0, length);
            assert!(done.is_err(), "fallocate {flags:?}, {what}: {done:?}");
        }
        assert!(rustix::fs::fcntl_add_seals(fd, SealFlags::WRITE).is_err(), "one more seal, {what}");
    }
    assert_eq!(word.load(Ordering::Relaxed), 0x1122_3344);
    word.store(5, Ordering::Relaxed); // its maker goes on
}

/// Fails if the peer's mapping can be made writable, or written through /proc, or emptied.
#[test]
fn a_peers_mapping_stays_read_only() {
    let (word, _fd, adopted) = segment();
    let view: Shared<AtomicU64> = adopted.view(0).unwrap();
    let address = (&raw const *view) as usize;
    let flags = |at: usize| {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps.lines().find(|line| line.starts_with(&format!("{at:x}-"))).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!(flags(address), "r--s");
    assert_eq!(sys::make_writable(address, 4096).unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert!(sys::remove_pages(address, 4096).is_err(), "MADV_REMOVE");
    assert_eq!(flags(address), "r--s");
    let memory = std::fs::File::options().read(true).write(true).open("/proc/self/mem").unwrap();
    let refused = memory.write_at(b"lies", address as u64).unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(libc::EIO), "{refused}");
    let own = (&raw const *word) as usize;
    assert!(sys::remove_pages(own, 4096).is_err(), "its maker cannot take pages away either");
    assert_eq!(view.load(Ordering::Relaxed), 0x1122_3344);
}

/// The checks stand in the join itself. Fails if a half is adopted some other way.
#[test]
fn join_refuses_what_is_no_half() {
    let size = SMALL.size();
    let refused = |fds: Vec<OwnedFd>| {
        let (ours, theirs) = sockets();
        let borrowed: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
        raw::send(&theirs, &greeting(1).encode(), &borrowed);
        join(ours, &Options::default()).expect_err("no half")
    };
    let sealed = || memfd(MemfdFlags::ALLOW_SEALING, size, all_seals());
    assert!(matches!(refused(vec![]), JoinError::Descriptors { count: 0 }));
    assert!(matches!(refused(vec![sealed(), sealed()]), JoinError::Descriptors { count: 2 }));
    let unsealed = memfd(MemfdFlags::ALLOW_SEALING, size, SealFlags::empty());
    assert!(matches!(refused(vec![unsealed]), JoinError::Half(BadHalf::Refused(Refused::Unsealed { .. }))));
    assert!(matches!(refused(vec![sealed()]), JoinError::Half(BadHalf::Version)), "all zero");
    for (offset, value, what) in [
        (16, 63, "slots no power of two"),
        (16, 4096, "too many slots"),
        (16, 0, "no slots"),
        (16, 128, "more slots than fit"),
        (20, u32::MAX, "areas"),
        (24, 4097, "area bytes"),
        (24, u32::MAX, "area bytes"),
        (20, 3, "less than the segment holds"),
    ] {
        let segment = half(SMALL, 0);
        segment
            .memory()
            .view::<futex::sync::AtomicU32>(place::HEADER + offset)
            .store(value, Ordering::Relaxed);
        let error = refused(vec![segment.into_read_only()]);
        assert!(matches!(error, JoinError::Half(BadHalf::Geometry)), "{what}: {error}");
    }
}
