//! Pointers that C hands over.
//!
//! **What a C caller promises.** A pointer in an argument is one to memory of its type that the call may
//! use until it returns: write where a result goes, read where something is passed, and no other thread
//! changes it meanwhile. (What the call only takes the address of, such as the ranges of the `vm_`
//! calls, is not promised anything: see `memory`.) Whoever breaks it has what C always has then. The types
//! here are made by C only: no Rust code can make one.

use std::ffi::c_char;

use mach::mach::Raw;

use crate::code::Code;
use crate::memory::Address;

/// Where a result goes.
#[repr(transparent)]
pub(crate) struct Out<T>(*mut T);

impl<T: Copy> Out<T> {
    /// Writes the result.
    pub(crate) fn put(&self, value: T) {
        // SAFETY: bounds and life: the caller's promise, for one T; it need not be aligned. Peer: memory
        // of this process alone.
        unsafe { self.0.write_unaligned(value) }
    }

    /// The same, as the last thing that a call does.
    pub(crate) fn set(&self, value: T) -> Result<(), Code> {
        self.put(value);
        Ok(())
    }

    /// Writes several from there on; the caller has said that there is room for so many.
    pub(crate) fn put_all(&self, values: &[T]) {
        for (at, value) in values.iter().enumerate() {
            // SAFETY: bounds: the caller promises room for the number that it gave, which is not less than
            // that of the values.
            let place = unsafe { self.0.add(at) };
            // SAFETY: as above; it need not be aligned. Peer: memory of this process alone.
            unsafe { place.write_unaligned(*value) }
        }
    }

    /// What stands there: for arguments that are both.
    pub(crate) fn get(&self) -> T {
        // SAFETY: bounds and life: the caller's promise, for one T that C has set; every value of the
        // integers and structs of integers that these are made for is a value. Peer: as above.
        unsafe { self.0.read_unaligned() }
    }
}

/// Words that C passes, as many as it says.
#[repr(transparent)]
pub(crate) struct Words(*const u32);

impl Words {
    /// The first `count` of them; the caller has said that there are so many.
    pub(crate) fn first(&self, count: usize) -> Vec<u32> {
        let word = |at| {
            // SAFETY: bounds: the caller promises as many words as it says.
            let place = unsafe { self.0.add(at) };
            // SAFETY: as above; each value is a u32, and it need not be aligned. Peer: memory of this
            // process alone.
            unsafe { place.read_unaligned() }
        };
        (0..count).map(word).collect()
    }
}

/// A C string.
#[repr(transparent)]
pub(crate) struct Text(*const c_char);

impl Text {
    /// Its bytes up to the NUL, or the first `most`. Without a string there are none.
    pub(crate) fn bytes(&self, most: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while !self.0.is_null() && bytes.len() < most {
            // SAFETY: bounds: the caller promises a NUL at its end, and none was before this place.
            let place = unsafe { self.0.add(bytes.len()) };
            // SAFETY: as above. Peer: memory of this process alone.
            match unsafe { place.read() } {
                0 => break,
                byte => bytes.push(byte as u8),
            }
        }
        bytes
    }
}

/// Room for a C string.
#[repr(transparent)]
pub(crate) struct Room(*mut c_char);

impl Room {
    /// Writes bytes from its start; the exported function was told that so many fit.
    pub(crate) fn fill(&self, bytes: &[u8]) {
        // SAFETY: bounds: the caller promises as much room as it says. The source is a slice, and C's
        // memory cannot be part of it. Peer: memory of this process alone.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.0.cast(), bytes.len()) }
    }
}

/// A function of the program's that answers a request: it gets both messages.
pub(crate) type Demux = extern "C" fn(*mut u32, *mut u32) -> u32;

/// A message in C's memory, as words. Calls that only take its address make no use of the promise.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Message(*mut u32);

impl Message {
    /// Which word has the count of descriptors.
    pub(crate) const COUNT: usize = 6;
    /// Where they begin.
    pub(crate) const DESCRIPTORS: usize = 7;

    /// A message in memory of the library's own, for as long as that is there.
    pub(crate) fn of(room: &mut [u64]) -> Self {
        Self(room.as_mut_ptr().cast())
    }

    pub(crate) fn is_null(&self) -> bool {
        self.0.is_null()
    }

    pub(crate) fn pointer(&self) -> *mut u32 {
        self.0
    }

    pub(crate) fn address(&self) -> u64 {
        self.0.addr() as u64
    }

    /// That the call may use the message's memory, and unmap what the message says.
    pub(crate) fn promise(&self) -> Raw {
        // SAFETY: C says so by its call: the buffers and what a message has marked to be deallocated are
        // its own, and no Rust value lies there but a server's buffers, which are words and are used as
        // such afterwards.
        unsafe { Raw::promise() }
    }

    /// A word of a message that is whole.
    pub(crate) fn word(&self, at: usize) -> u32 {
        // SAFETY: bounds: the caller promises a message, which has a header, and as many descriptors as it
        // says; no other place is asked for.
        let place = unsafe { self.0.add(at) };
        // SAFETY: as above; it need not be aligned. Peer: memory of this process alone.
        unsafe { place.read_unaligned() }
    }

    pub(crate) fn bits(&self) -> u32 {
        self.word(0)
    }

    pub(crate) fn is_complex(&self) -> bool {
        self.bits() & 0x8000_0000 != 0
    }

    pub(crate) fn size(&self) -> u32 {
        self.word(1)
    }

    pub(crate) fn remote(&self) -> u32 {
        self.word(2)
    }

    pub(crate) fn local(&self) -> u32 {
        self.word(3)
    }

    pub(crate) fn voucher(&self) -> u32 {
        self.word(4)
    }

    /// The remote port is NULL from here on.
    pub(crate) fn forget_remote(&self) {
        // SAFETY: bounds: the third word of a header. Life: the caller's promise.
        let place = unsafe { self.0.add(2) };
        // SAFETY: as above; C has given the memory to be written to. Peer: memory of this process alone.
        unsafe { place.write_unaligned(0) }
    }

    /// The address in a descriptor.
    pub(crate) fn memory_at(&self, at: usize) -> Address {
        Address::told(u64::from(self.word(at)) | u64::from(self.word(at + 1)) << 32)
    }

    /// The names that a descriptor has out of line.
    pub(crate) fn names_at(&self, at: usize, count: u32) -> Vec<u32> {
        let address = u64::from(self.word(at)) | u64::from(self.word(at + 1)) << 32;
        Words(std::ptr::with_exposed_provenance(address as usize)).first(count as usize)
    }
}
