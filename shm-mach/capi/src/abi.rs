//! Pointers that C hands over.
//!
//! **What a C caller promises.** A pointer in an argument is one to memory of its type that the call may
//! use until it returns: write where a result goes, read where something is passed, and no other thread
//! changes it meanwhile. (What the call only takes the address of, such as the ranges of the `vm_`
//! calls, is not promised anything: see `memory`.) Whoever breaks it has what C always has then. The types
//! here are made by C only: no Rust code can make one.

use std::ffi::c_char;

use crate::code::Code;

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

    /// What stands there: for arguments that are both.
    pub(crate) fn get(&self) -> T {
        // SAFETY: bounds and life: the caller's promise, for one T that C has set; every value of the
        // integers and structs of integers that these are made for is a value. Peer: as above.
        unsafe { self.0.read_unaligned() }
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
