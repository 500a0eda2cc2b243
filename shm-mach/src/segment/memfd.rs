//! Making, sealing, checking and mapping one memfd.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use memmap2::{Advice, MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags};
use rustix::io::Errno;

use super::Shared;
use super::mapping::Mapping;
use super::shared::Words;

/// The seals every segment carries: its size and its writers can never change again.
const SEALS: SealFlags =
    SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::FUTURE_WRITE).union(SealFlags::SEAL);

/// `f_type` of tmpfs in statfs(2). A hugetlb memfd takes the same seals, and can raise SIGBUS.
const TMPFS_MAGIC: u64 = 0x0102_1994;

/// A segment that this process made and writes.
#[derive(Debug)]
pub struct OwnSegment {
    map: Arc<Mapping>,
    /// The same file opened read-only, to hand out.
    read_only: OwnedFd,
}

impl OwnSegment {
    /// Makes a segment of `len` bytes, all zero, sealed, mapped writable here and nowhere else.
    /// Pages are allocated when they are touched or [`prefault`](Self::prefault)ed.
    ///
    /// # Errors
    /// What the kernel says: no file descriptor, no memory for the mapping, or a sandbox that
    /// forbids `memfd_create` or opening `/proc/self/fd`.
    pub fn create(len: usize) -> std::io::Result<Self> {
        let fd = memfd(MemfdFlags::NOEXEC_SEAL)?;
        rustix::fs::ftruncate(&fd, len as u64)?;
        let map = MmapOptions::new().len(len).map_raw(&fd)?;
        let map = Mapping::new(map)?;
        rustix::fs::fcntl_add_seals(&fd, SEALS)?;
        let read_only = reopen_read_only(&fd)?;
        Ok(Self { map, read_only })
    }

    /// The read-only file descriptor, to send to a peer and to close.
    pub fn into_read_only(self) -> OwnedFd {
        self.read_only
    }

    /// Allocates the pages of a range now, so that a lack of memory is an error here and not a
    /// signal at the first write.
    ///
    /// # Errors
    /// `ENOMEM` or what else the kernel says; the range is then partly allocated.
    pub fn prefault(&self, offset: usize, len: usize) -> std::io::Result<()> {
        prefault(&self.map, offset, len)
    }

    /// A handle that can [`prefault`](Self::prefault) and view the segment after its file
    /// descriptor was handed out and closed.
    pub fn memory(&self) -> OwnMemory {
        OwnMemory { map: self.map.clone() }
    }
}

/// A memfd that can be sealed, with `newer` flags where the kernel knows them (before 6.3 it does
/// not know NOEXEC_SEAL) and without them where it says EINVAL.
fn memfd(newer: MemfdFlags) -> Result<OwnedFd, Errno> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match rustix::fs::memfd_create(c"shm-mach", flags | newer) {
        Err(Errno::INVAL) => rustix::fs::memfd_create(c"shm-mach", flags),
        other => other,
    }
}

/// The writer's mapping of a segment.
#[derive(Clone, Debug)]
pub struct OwnMemory {
    map: Arc<Mapping>,
}

impl OwnMemory {
    /// A view of one `T` at `offset`.
    ///
    /// # Panics
    /// When the range is not inside the segment or not aligned: offsets into our own segment come
    /// from our own layout.
    pub fn view<T: Words>(&self, offset: usize) -> Shared<T> {
        Shared::map(self.map.clone(), offset).expect("an offset of our own layout")
    }

    /// A view of `count` values of `T` from `offset`.
    ///
    /// # Panics
    /// As [`view`](Self::view).
    pub fn slice<T: Words>(&self, offset: usize, count: usize) -> Shared<[T]> {
        Shared::map_slice(self.map.clone(), offset, count).expect("a range of our own layout")
    }

    /// As [`OwnSegment::prefault`].
    ///
    /// # Errors
    /// As there.
    pub fn prefault(&self, offset: usize, len: usize) -> std::io::Result<()> {
        prefault(&self.map, offset, len)
    }
}

fn prefault(map: &MmapRaw, offset: usize, len: usize) -> std::io::Result<()> {
    let page = rustix::param::page_size();
    let start = offset / page * page;
    let end = (offset + len).next_multiple_of(page).min(map.len());
    map.advise_range(Advice::PopulateWrite, start, end - start)
}

/// Opens the file behind `fd` again with another open file description that cannot write: a peer
/// that held the writable one could `fallocate` through it.
fn reopen_read_only(fd: &OwnedFd) -> std::io::Result<OwnedFd> {
    use std::os::fd::AsRawFd;
    let open = |whose: &str| {
        let path = format!("/proc/{whose}/fd/{}", fd.as_raw_fd());
        rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
    };
    // A thread may have descriptors of its own. A sandbox may show only those that all threads share.
    match open("thread-self") {
        Err(Errno::NOENT | Errno::ACCESS) => Ok(open("self")?),
        other => Ok(other?),
    }
}

/// Whether a file descriptor is a segment of some size. Asks nothing of a file system that could keep
/// it waiting.
pub fn is_segment(fd: &OwnedFd) -> bool {
    rustix::fs::fcntl_get_seals(fd).is_ok_and(|seals| seals.contains(SEALS))
        && rustix::fs::fstatfs(fd).is_ok_and(|found| found.f_type as u64 == TMPFS_MAGIC)
}

/// Why a file descriptor that a peer sent is not a segment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// It is no memfd, or its maker could still shrink it or map it writable again.
    #[error("not sealed: it has seals {found:#x} and needs {:#x} (SEAL, SHRINK, GROW, FUTURE_WRITE)", SEALS.bits())]
    Unsealed {
        /// The seals that it has, as `F_GET_SEALS` tells them.
        found: u32,
    },
    /// It is not on tmpfs; a hugetlb memfd, for one, can raise SIGBUS in whoever reads it.
    #[error("on a file system of type {found:#x}, not tmpfs")]
    NotTmpfs {
        /// `f_type` as `fstatfs` tells it.
        found: u64,
    },
    /// It has another size than it must have, or more than the cap.
    #[error("{found} bytes long, expected at least {least} and at most {most}")]
    WrongSize {
        /// Its size in bytes.
        found: u64,
        /// The least that is accepted.
        least: u64,
        /// The most that is accepted.
        most: u64,
    },
    /// The kernel refused to examine or map it.
    #[error("cannot be examined or mapped: {0}")]
    Kernel(#[from] std::io::Error),
}

/// A segment that a peer made and writes, mapped read-only here.
#[derive(Clone, Debug)]
pub struct PeerSegment {
    map: Arc<Mapping>,
}

impl PeerSegment {
    /// Checks a file descriptor that a peer sent, and maps it read-only. Afterwards the peer can
    /// change bytes and nothing else: not the size, not the file, and no access faults.
    ///
    /// # Errors
    /// In the order checked: [`Refused::Unsealed`], [`Refused::NotTmpfs`], [`Refused::WrongSize`]
    /// (`least..=most` bytes), [`Refused::Kernel`]. The seals come first: before they are known,
    /// the size could change after it was read.
    pub fn adopt(fd: &OwnedFd, least: usize, most: usize) -> Result<Self, Refused> {
        let seals = match rustix::fs::fcntl_get_seals(fd) {
            Ok(seals) => seals,
            Err(Errno::INVAL) => SealFlags::empty(),
            Err(errno) => return Err(Refused::Kernel(errno.into())),
        };
        if !seals.contains(SEALS) {
            return Err(Refused::Unsealed { found: seals.bits() });
        }
        let file_system = rustix::fs::fstatfs(fd.as_fd()).map_err(std::io::Error::from)?;
        let found = file_system.f_type as u64;
        if found != TMPFS_MAGIC {
            return Err(Refused::NotTmpfs { found });
        }
        let found = rustix::fs::fstat(fd).map_err(std::io::Error::from)?.st_size as u64;
        if !(least as u64..=most as u64).contains(&found) {
            return Err(Refused::WrongSize { found, least: least as u64, most: most as u64 });
        }
        let map = MmapOptions::new().len(found as usize).map_raw_read_only(fd)?;
        Ok(Self { map: Mapping::new(map)? })
    }

    /// Its size in bytes.
    pub fn size(&self) -> usize {
        self.map.len()
    }

    /// A read-only view of one `T` at `offset`; `None` when it does not lie inside, aligned.
    pub fn view<T: Words>(&self, offset: usize) -> Option<Shared<T>> {
        Shared::map(self.map.clone(), offset)
    }

    /// A read-only view of `count` values of `T` from `offset`; `None` when they do not lie
    /// inside, aligned.
    pub fn slice<T: Words>(&self, offset: usize, count: usize) -> Option<Shared<[T]>> {
        Shared::map_slice(self.map.clone(), offset, count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_does_not_know_the_newer_flags_still_makes_segments() {
        let unknown = MemfdFlags::from_bits_retain(1 << 20);
        assert_eq!(rustix::fs::memfd_create(c"test", unknown).unwrap_err(), Errno::INVAL);
        let fd = memfd(unknown).unwrap();
        rustix::fs::fcntl_add_seals(&fd, SEALS).unwrap();
    }
}
