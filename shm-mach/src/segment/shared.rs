//! A typed view of shared memory that keeps its mapping alive.

use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

use super::mapping::Mapping;
use futex::sync::{self, AtomicU32, AtomicU64};

/// Types that may lie in shared memory: made of atomics only, so that a reference stays sound while
/// another process writes; valid for every content, all zero included; with no pointer in them.
///
/// # Safety
/// The type consists of `AtomicU32` and `AtomicU64` fields and arrays of them, and is `repr(C)`.
pub unsafe trait Words: Send + Sync + 'static {}

// SAFETY: an atomic.
unsafe impl Words for AtomicU32 {}
// SAFETY: an atomic.
unsafe impl Words for AtomicU64 {}
// SAFETY: an array of what may lie there.
unsafe impl<T: Words, const N: usize> Words for [T; N] {}

/// A reference to words that live as long as it does: in a mapping, or (models, tests, and a task's
/// private structures) on the heap.
///
/// A view of a peer's segment is read-only by the page tables, not by this type: a store or a
/// read-modify-write through it would fault. The ring types above give each side only the calls
/// that its side may make.
pub struct Shared<T: ?Sized> {
    words: NonNull<T>,
    /// The mapping or the heap value, kept alive and in place.
    owner: Arc<dyn Send + Sync>,
}

// SAFETY: it gives out `&T` only, and `T: Words` is `Sync`; the owner is an `Arc` of a mapping
// (which is `Send` and `Sync`) or of `T`.
unsafe impl<T: ?Sized + Sync> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Sync> Sync for Shared<T> {}

impl<T: ?Sized> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self { words: self.words, owner: self.owner.clone() }
    }
}

impl<T: ?Sized> std::fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shared({:p})", self.words)
    }
}

impl<T: ?Sized> Deref for Shared<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: bounds: `words` was checked against its mapping when the view was made, or comes
        // from the `Arc`. Life: `owner` keeps the mapping or the heap value alive and in place.
        // Peer: `T` is atomics only, for which writes by others are not data races.
        unsafe { self.words.as_ref() }
    }
}

impl<T: Words> Shared<T> {
    /// A view of words on this process's heap.
    pub fn heap(value: T) -> Self {
        let value = Arc::new(value);
        Self { words: NonNull::from(&*value), owner: value }
    }
}

impl<T: Words> Shared<[T]> {
    /// A view of a slice on this process's heap.
    pub fn heap_slice(values: Box<[T]>) -> Self {
        let values = Arc::new(values);
        Self { words: NonNull::from(&**values), owner: values }
    }

    /// A view of one of the values; `None` past the end.
    pub fn at(&self, index: usize) -> Option<Shared<T>> {
        let words = NonNull::from(self.get(index)?);
        Some(Shared { words, owner: self.owner.clone() })
    }
}

/// The address of `count` values of `T` at `offset` of a mapping, if they lie inside it, aligned.
fn place<T: Words>(map: &Mapping, offset: usize, count: usize) -> Option<NonNull<T>> {
    if sync::MODEL {
        return None; // loom's atomics have no layout to lay over memory
    }
    let bytes = count.checked_mul(size_of::<T>())?;
    let end = offset.checked_add(bytes)?;
    if end > map.len() || !offset.is_multiple_of(align_of::<T>()) {
        return None;
    }
    NonNull::new(map.as_mut_ptr().wrapping_add(offset).cast::<T>())
}

impl<T: Words> Shared<T> {
    /// A view of the `T` at `offset` of a mapping; `None` when it does not lie inside, aligned.
    pub(super) fn map(map: Arc<Mapping>, offset: usize) -> Option<Self> {
        let words = place::<T>(&map, offset, 1)?;
        Some(Self { words, owner: map })
    }
}

impl<T: Words> Shared<[T]> {
    /// A view of `count` values from `offset` of a mapping; `None` when they do not lie inside.
    pub(super) fn map_slice(map: Arc<Mapping>, offset: usize, count: usize) -> Option<Self> {
        let first = place::<T>(&map, offset, count)?;
        let words = NonNull::slice_from_raw_parts(first, count);
        Some(Self { words, owner: map })
    }
}
