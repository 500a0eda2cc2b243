//! The façade: two bodies for one vocabulary. Natively these are the standard atomics, the kernel's
//! futex and `membarrier`; under `cfg(loom)` they are loom's, with the futex modelled. Every other
//! file of the workspace is written against this module, so what loom explores is what ships.
//!
//! Two things exist only for proofs and cost nothing natively:
//! * [`order!`](crate::order) names an ordering. A model can weaken one named ordering to `Relaxed`
//!   and must then find the bug that the ordering prevents.
//! * [`step`] names a step of a protocol. A model can leave one step out and must then fail.

#[cfg(loom)]
#[path = "sync/model.rs"]
#[allow(unsafe_code, reason = "one read that loom itself checks for races")]
mod body;
#[cfg(not(loom))]
#[allow(unsafe_code, reason = "one asm copy routine and the futex pointers of waitv live here")]
#[path = "sync/native.rs"]
mod body;

pub use body::*;

pub use std::sync::atomic::Ordering;

/// An [`Ordering`] with a name: `order!("slot-publish", Release)`.
///
/// The name stands in the ordering table of the docs beside its partner and the model that fails
/// when it is weakened. Natively this is the plain constant.
#[macro_export]
macro_rules! order {
    ($tag:literal, $ordering:ident) => {
        $crate::sync::ordering($tag, $crate::sync::Ordering::$ordering)
    };
}
