//! Memory by its address: the caller's, which may not be there, and fresh memory for what arrives.
//!
//! The one place of the library that touches memory which no Rust value stands for. The kernel does
//! the copying where an address came from somebody else, so memory that is not there is an error and
//! no fault; what another thread writes there meanwhile arrives as any mixture of old and new bytes.

use std::ffi::c_void;

use rustix::mm::{MapFlags, ProtFlags};

use crate::client::identity::Identity;
use crate::wire::mach::Address;

/// Pages of memory that are written at once, so that no page is faulted in by itself.
const FILL: MapFlags = MapFlags::PRIVATE.union(MapFlags::POPULATE);

/// The promise that addresses in calls may be used as such: see [`Raw::promise`].
#[derive(Clone, Copy, Debug)]
pub struct Raw(());

impl Raw {
    /// For a C program, whose messages are addresses.
    ///
    /// # Safety
    /// In every call that gets this value, the memory that the call is told to receive into, and the
    /// memory that a message has marked to be deallocated, is the caller's to have overwritten and
    /// unmapped: no Rust value lies there, or none that is used afterwards. It need not be mapped.
    pub const unsafe fn promise() -> Self {
        Self(())
    }
}

/// Memory of this process, as system calls name it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    pid: i32,
}

impl Memory {
    pub(super) fn of(identity: Identity) -> Self {
        Self { pid: identity.pid as i32 }
    }

    /// Copies from the address `from` on. Says how many bytes could be read, from the front; never
    /// more than `into` holds.
    pub(super) fn read(self, from: Address, into: &mut [u8]) -> usize {
        let Ok(start) = usize::try_from(from.0) else { return 0 };
        let mut done = self.transfer(start, into);
        // One bad page fails the whole piece: what is readable before it is found page by page.
        while done < into.len() {
            let page = page_bytes();
            let here = (start + done) & (page - 1);
            let end = into.len().min(done + page - here);
            let more = self.transfer(start + done, &mut into[done..end]);
            done += more;
            if more == 0 {
                break;
            }
        }
        done
    }

    fn transfer(self, from: usize, into: &mut [u8]) -> usize {
        if into.is_empty() || from.checked_add(into.len()).is_none() {
            return 0;
        }
        let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
        let remote = libc::iovec { iov_base: from as *mut c_void, iov_len: into.len() };
        // SAFETY: bounds: `local` is `into`, borrowed for the call, and the kernel writes at most its
        // length. Life: both lists are on this stack. `remote` is only read, by the kernel, which fails
        // where nothing is mapped; whatever is there, bytes of it are bytes. Peer: none of the memory of
        // a link is special here: it may change meanwhile, and no reference to it exists.
        let done = unsafe { libc::process_vm_readv(self.pid, &local, 1, &remote, 1, 0) };
        usize::try_from(done).unwrap_or(0).min(into.len())
    }

    /// Copies to the address `to`; says whether all of it could be written.
    pub(super) fn write(self, _: Raw, to: Address, bytes: &[u8]) -> bool {
        let Ok(start) = usize::try_from(to.0) else { return false };
        if bytes.is_empty() {
            return true;
        }
        if start.checked_add(bytes.len()).is_none() {
            return false;
        }
        let local = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let remote = libc::iovec { iov_base: start as *mut c_void, iov_len: bytes.len() };
        // SAFETY: bounds: `local` is `bytes`, borrowed for the call, and only read. Life: both lists are
        // on this stack. `remote` is the caller's to have overwritten, by its promise; the kernel fails
        // where nothing writable is mapped. Peer: what others write to this process is mapped read-only,
        // so the kernel refuses to write there.
        let done = unsafe { libc::process_vm_writev(self.pid, &local, 1, &remote, 1, 0) };
        usize::try_from(done) == Ok(bytes.len())
    }

    /// Unmaps the pages of a range that was sent to be deallocated. The last page goes as a whole; one
    /// that begins before the range stays, since other things lie there.
    pub(super) fn unmap(self, _: Raw, at: Address, bytes: u64) {
        let page = page_bytes() as u64;
        let (Some(start), Some(end)) = (at.0.checked_next_multiple_of(page), at.0.checked_add(bytes)) else {
            return;
        };
        let Some(end) = end.checked_next_multiple_of(page).filter(|end| *end > start) else { return };
        // SAFETY: bounds and life: the range is the caller's to have unmapped, by its promise. Peer:
        // unmapping concerns this process alone.
        let _ = unsafe { rustix::mm::munmap(start as *mut c_void, (end - start) as usize) };
    }
}

fn page_bytes() -> usize {
    rustix::param::page_size()
}

/// Fresh memory for several pieces of a message, each with pages of its own, so that each can be given
/// back by itself. What is not [kept](Self::keep) is unmapped when this is dropped.
#[derive(Debug)]
pub(super) struct Fresh {
    start: *mut c_void,
    bytes: usize,
    used: usize,
}

impl Fresh {
    /// Memory for pieces of these sizes.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn map(sizes: impl Iterator<Item = usize>) -> std::io::Result<Self> {
        let page = page_bytes();
        let round = |size: usize| size.checked_next_multiple_of(page).unwrap_or(usize::MAX);
        let bytes = sizes.fold(0, |sum: usize, size| sum.saturating_add(round(size)));
        if bytes == 0 {
            return Ok(Self { start: std::ptr::null_mut(), bytes, used: 0 });
        }
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address that the kernel chooses replaces nothing.
        let start = unsafe { rustix::mm::mmap_anonymous(std::ptr::null_mut(), bytes, access, FILL) }?;
        Ok(Self { start, bytes, used: 0 })
    }

    /// Puts `piece` at the next free page; says where it is. An empty piece is at 0.
    ///
    /// # Panics
    /// When the pieces are more than it was mapped for: a bug of the caller.
    pub(super) fn put(&mut self, piece: &[u8]) -> Address {
        if piece.is_empty() {
            return Address(0);
        }
        let end = self.used + piece.len();
        assert!(end <= self.bytes, "mapped for all pieces");
        // SAFETY: `used` is within the mapping.
        let at = unsafe { self.start.cast::<u8>().add(self.used) };
        // SAFETY: bounds: asserted. Life: the mapping is this value's own, and nobody knows its address
        // yet. The two do not overlap: `piece` is a borrowed slice, and the mapping is in no slice. Peer:
        // private memory.
        unsafe { std::ptr::copy_nonoverlapping(piece.as_ptr(), at, piece.len()) };
        self.used = end.next_multiple_of(page_bytes());
        Address(at as u64)
    }

    /// The memory is the program's from here on.
    pub(super) fn keep(mut self) {
        self.bytes = 0;
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if self.bytes > 0 {
            // SAFETY: the mapping is this value's own; its address was told to nobody, else it was kept.
            let _ = unsafe { rustix::mm::munmap(self.start, self.bytes) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> (Memory, Raw) {
        // SAFETY: each test writes and unmaps only memory of its own mapping.
        (Memory::of(Identity::own()), unsafe { Raw::promise() })
    }

    /// Pages full of `fill`; behind them is one that cannot be read or written.
    fn edge(pages: usize, fill: u8) -> Address {
        let page = page_bytes();
        let mut fresh = Fresh::map([pages * page, page].into_iter()).unwrap();
        let at = fresh.put(&vec![fill; pages * page]);
        let hole = (at.0 as usize + pages * page) as *mut c_void;
        // SAFETY: the last page of a mapping that only this test knows.
        unsafe { rustix::mm::mprotect(hole, page, rustix::mm::MprotectFlags::empty()) }.unwrap();
        fresh.keep();
        at
    }

    /// Whether the page is there and full of `fill`: other tests may have mapped something else there.
    fn holds(at: Address, fill: u8) -> bool {
        let mut bytes = vec![!fill; page_bytes()];
        own().0.read(at, &mut bytes) == bytes.len() && bytes.iter().all(|byte| *byte == fill)
    }

    #[test]
    fn what_is_readable_is_read_up_to_the_first_byte_that_is_not() {
        let (at, page) = (edge(1, 7), page_bytes() as u64);
        let (memory, _) = own();
        for (from, ask, is) in [(0, page, page), (0, page + 1, page), (page - 5, 10, 5), (page, 1, 0)] {
            let mut into = vec![0; ask as usize];
            assert_eq!(memory.read(Address(at.0 + from), &mut into) as u64, is, "{ask} from {from}");
            assert!(into[..is as usize].iter().all(|byte| *byte == 7));
        }
        assert_eq!(memory.read(Address(0), &mut [0; 8]), 0);
        assert_eq!(memory.read(Address(u64::MAX - 3), &mut [0; 8]), 0);
        assert_eq!(memory.read(at, &mut []), 0);
    }

    #[test]
    fn what_is_not_writable_is_an_error_and_no_fault() {
        let (at, page) = (edge(1, 0), page_bytes() as u64);
        let (memory, raw) = own();
        assert!(memory.write(raw, at, b"here"));
        let mut into = [0; 4];
        assert_eq!((memory.read(at, &mut into), &into), (4, b"here"));
        assert!(!memory.write(raw, Address(at.0 + page - 2), b"here"));
        assert!(!memory.write(raw, Address(8), b"here"));
        assert!(!memory.write(raw, Address(u64::MAX - 1), b"here"));
        assert!(memory.write(raw, Address(8), b""));
    }

    #[test]
    fn a_page_that_begins_before_the_range_stays_and_the_last_one_goes() {
        let page = page_bytes() as u64;
        let (at, fill) = (edge(3, 0x9d), 0x9d);
        let (memory, raw) = own();
        memory.unmap(raw, Address(at.0 + 8), page); // ends 8 bytes into the second page
        let is_there = |number: u64| holds(Address(at.0 + number * page), fill);
        assert_eq!([is_there(0), is_there(1), is_there(2)], [true, false, true]);
        memory.unmap(raw, Address(at.0 + 8), 8);
        assert!(is_there(0), "a range within its first page unmaps nothing");
        memory.unmap(raw, at, 1);
        memory.unmap(raw, Address(at.0 + 2 * page), 1);
        assert_eq!([is_there(0), is_there(2)], [false, false]);
    }

    #[test]
    fn pieces_have_pages_of_their_own_and_what_is_not_kept_goes() {
        let (page, fill) = (page_bytes(), 0x3c);
        let mut fresh = Fresh::map([5, 0, page].into_iter()).unwrap();
        let (first, none) = (fresh.put(&[1; 5]), fresh.put(&[]));
        let second = fresh.put(&vec![fill; page]);
        assert_eq!((none, second.0), (Address(0), first.0 + page as u64));
        assert!(holds(second, fill));
        drop(fresh);
        assert!(!holds(second, fill));
    }
}
