//! Placeholder.
#![deny(unsafe_code)]
pub mod ipc;
#[allow(unsafe_code, reason = "promises of `Words` for its structures")]
pub mod ring;
#[allow(unsafe_code, reason = "the floor of raw memory")]
pub mod segment;
