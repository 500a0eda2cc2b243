//! Memory of this process: what the `vm_` calls do, with addresses that C chooses.
//!
//! Addresses are not trusted. What is copied is copied by the kernel, which refuses what cannot be read or
//! written; a range that is mapped, unmapped or protected is the C caller's to dispose of, as with the
//! system's own calls.

use std::ffi::c_void;

use memmap2::MmapMut;
use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, MprotectFlags, MsyncFlags, ProtFlags};
use rustix::param::page_size;

use crate::code::Code;

/// An address that C names. Only C makes one, and so says that the memory there is its own to dispose of.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct Address(u64);

impl Address {
    pub(crate) const NULL: Self = Self(0);

    /// One that stands in a message of C's.
    pub(crate) fn told(address: u64) -> Self {
        Self(address)
    }
}

/// `VM_FLAGS_ANYWHERE`.
const ANYWHERE: i32 = 0x1;
/// `VM_FLAGS_OVERWRITE`.
const OVERWRITE: i32 = 0x4000;
/// Of the flags those that decide: not hints, and not the tag in the high byte.
const KNOWN: i32 = 0x00ff_ffff & !(0x2 | 0x8 | 0x10);

/// Whole pages around some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pages {
    start: usize,
    length: usize,
}

impl Pages {
    /// Those that hold `size` bytes at `address`; `None` of no bytes.
    ///
    /// # Errors
    /// [`Code::INVALID_ARGUMENT`] when they pass the end of all addresses.
    pub(crate) fn around(address: u64, size: u64) -> Result<Option<Self>, Code> {
        if size == 0 {
            return Ok(None);
        }
        let mask = page_size() as u64 - 1;
        let end = address.checked_add(size).and_then(|end| end.checked_add(mask));
        let end = end.ok_or(Code::INVALID_ARGUMENT)? & !mask;
        let start = address & !mask;
        Ok(Some(Self { start: start as usize, length: (end - start) as usize }))
    }

    fn at(self) -> *mut c_void {
        std::ptr::without_provenance_mut(self.start)
    }

    /// Whether all of it is mapped: `msync` looks at that first, and there is nothing to write back.
    fn are_mapped(self) -> bool {
        // SAFETY: bounds: the kernel walks its own list of mappings, whatever the range. Life and peer: no
        // memory is read or changed.
        unsafe { rustix::mm::msync(self.at(), self.length, MsyncFlags::ASYNC) }.is_ok()
    }
}

/// New memory, zeroed, of which nobody knows but the caller.
fn map_anywhere(size: usize) -> Result<Address, Code> {
    Ok(let_go(MmapMut::map_anon(size).map_err(|_| Code::NO_SPACE)?))
}

/// The memory becomes C's.
fn let_go(map: MmapMut) -> Address {
    let address = Address(map.as_ptr().addr() as u64);
    std::mem::forget(map);
    address
}

/// `mach_vm_allocate`.
pub(crate) fn allocate(address: Address, size: u64, flags: i32) -> Result<Address, Code> {
    if flags & KNOWN & !(ANYWHERE | OVERWRITE) != 0 {
        return Err(Code::INVALID_ARGUMENT);
    }
    let is_anywhere = flags & ANYWHERE != 0;
    // The address is rounded down, and the size up, each by itself.
    let start = if is_anywhere { 0 } else { address.0 & !(page_size() as u64 - 1) };
    let Some(pages) = Pages::around(start, size)? else { return Ok(Address::NULL) };
    if is_anywhere {
        return map_anywhere(pages.length);
    }
    let fixed = if flags & OVERWRITE != 0 { MapFlags::FIXED } else { MapFlags::FIXED_NOREPLACE };
    let (prot, kind) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | fixed);
    // SAFETY: bounds and life: without OVERWRITE the kernel refuses a range of which any page is mapped;
    // with it the C caller says that what is mapped there is its own and may go. Peer: private memory.
    match unsafe { rustix::mm::mmap_anonymous(pages.at(), pages.length, prot, kind) } {
        Ok(_) => Ok(Address(start)),
        Err(Errno::PERM | Errno::INVAL | Errno::ACCESS) => Err(Code::INVALID_ADDRESS),
        Err(_) => Err(Code::NO_SPACE),
    }
}

/// `mach_vm_deallocate`.
pub(crate) fn deallocate(address: Address, size: u64) -> Result<(), Code> {
    let Some(pages) = Pages::around(address.0, size)? else { return Ok(()) };
    // SAFETY: bounds and life: the C caller says that nothing in the range is used any more, as it says to
    // munmap(2). Peer: private memory.
    unsafe { rustix::mm::munmap(pages.at(), pages.length) }.map_err(|_| Code::INVALID_ARGUMENT)
}

/// `mach_vm_protect`, of the current protection: the kernel keeps no other.
pub(crate) fn protect(address: Address, size: u64, set_maximum: bool, protection: i32) -> Result<(), Code> {
    const COPY: i32 = 0x10;
    let pages = Pages::around(address.0, size)?;
    if protection & !(7 | COPY) != 0 {
        return Err(Code::INVALID_ARGUMENT);
    }
    let Some(pages) = pages else { return Ok(()) };
    if set_maximum {
        return Err(Code::NOT_SUPPORTED);
    }
    let bits = [(1, MprotectFlags::READ), (2, MprotectFlags::WRITE), (4, MprotectFlags::EXEC)];
    let set = bits.into_iter().filter(|(bit, _)| protection & bit != 0);
    let flags = set.fold(MprotectFlags::empty(), |flags, (_, flag)| flags | flag);
    // SAFETY: bounds and life: the C caller says that the range is its own, as it says to mprotect(2).
    // Peer: private memory.
    match unsafe { rustix::mm::mprotect(pages.at(), pages.length, flags) } {
        Ok(()) => Ok(()),
        Err(Errno::ACCESS) => Err(Code::PROTECTION_FAILURE),
        Err(_) => Err(Code::INVALID_ADDRESS),
    }
}

/// `mach_vm_inherit`.
pub(crate) fn inherit(address: Address, size: u64, inheritance: u32) -> Result<(), Code> {
    let pages = Pages::around(address.0, size)?;
    let advice = match inheritance {
        0 => return Err(Code::NOT_SUPPORTED), // a private page cannot become a shared one
        1 => Advice::LinuxDoFork,
        2 => Advice::LinuxDontFork,
        _ => return Err(Code::INVALID_ARGUMENT),
    };
    let Some(pages) = pages else { return Ok(()) };
    // SAFETY: bounds and life: no byte changes; the C caller says that the range is its own. Peer: private
    // memory.
    unsafe { rustix::mm::madvise(pages.at(), pages.length, advice) }.map_err(|_| Code::INVALID_ADDRESS)
}

/// `mach_vm_read`: a copy in memory of its own, for the caller to give back.
pub(crate) fn read(from: Address, size: u64) -> Result<(Address, u32), Code> {
    let count = u32::try_from(size).map_err(|_| Code::INVALID_ARGUMENT)?;
    let Some(pages) = Pages::around(0, size)? else { return Ok((Address::NULL, 0)) };
    let made = map_anywhere(pages.length).map_err(|_| Code::RESOURCE_SHORTAGE)?;
    if let Err(error) = copy(from, size, made) {
        deallocate(made, size)?;
        return Err(error);
    }
    Ok((made, count))
}

/// `mach_vm_copy`: as if all was read before any of it is written.
pub(crate) fn copy(from: Address, size: u64, to: Address) -> Result<(), Code> {
    let (Some(source), Some(target)) = (Pages::around(from.0, size)?, Pages::around(to.0, size)?) else {
        return Ok(());
    };
    if from.0 == to.0 || from.0.abs_diff(to.0) >= size {
        return transfer_all(from, size, to, || source.are_mapped() && target.are_mapped());
    }
    let between = map_anywhere(source.length)?;
    let read = transfer_all(from, size, between, || source.are_mapped());
    let done = read.and_then(|()| transfer_all(between, size, to, || target.are_mapped()));
    deallocate(between, size)?;
    done
}

/// `are_mapped`: asked where the kernel stops.
fn transfer_all(from: Address, size: u64, to: Address, are_mapped: impl Fn() -> bool) -> Result<(), Code> {
    let mut done = 0;
    while done < size {
        match transfer(from.0 + done, to.0 + done, size - done) {
            0 if are_mapped() => return Err(Code::PROTECTION_FAILURE),
            0 => return Err(Code::INVALID_ADDRESS),
            copied => done += copied,
        }
    }
    Ok(())
}

/// Has the kernel copy within this process; says how many bytes it did, 0 where it cannot.
fn transfer(from: u64, to: u64, size: u64) -> u64 {
    let vector = |address: u64| libc::iovec {
        iov_base: std::ptr::without_provenance_mut(address as usize),
        iov_len: size as usize,
    };
    let (local, remote) = (vector(to), vector(from));
    let own = rustix::process::getpid().as_raw_nonzero().get();
    // SAFETY: bounds: the kernel checks both ranges, and stops at what is not mapped, not readable or not
    // writable. Life: the two vectors live until it returns. Peer: the C caller says that what it has
    // written to is its own.
    let copied = unsafe { libc::process_vm_readv(own, &local, 1, &remote, 1, 0) };
    u64::try_from(copied).unwrap_or(0)
}

/// Hands an array to C: in memory of its own, for the caller to give back (C5). Address 0 of no words.
pub(crate) fn hand_out(words: &[u32]) -> Result<(Address, u32), Code> {
    if words.is_empty() {
        return Ok((Address::NULL, 0));
    }
    let mut map = MmapMut::map_anon(words.len() * 4).map_err(|_| Code::RESOURCE_SHORTAGE)?;
    for (place, word) in map.chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_ne_bytes());
    }
    Ok((let_go(map), words.len() as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_all_bytes() {
        let page = page_size() as u64;
        assert_eq!(Pages::around(5, 0), Ok(None));
        let two = Pages::around(page - 1, 2).unwrap().unwrap();
        assert_eq!((two.start, two.length as u64), (0, 2 * page));
        assert_eq!(Pages::around(u64::MAX, 1), Err(Code::INVALID_ARGUMENT));
        assert_eq!(Pages::around(1, u64::MAX - 1), Err(Code::INVALID_ARGUMENT));
    }
}
