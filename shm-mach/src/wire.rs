//! The floor of bytes: what travels, apart from how. Pure functions; every decoder is total and
//! yields checked values or nothing.

pub mod bytes;
pub mod control;
pub mod event;
pub mod hello;
pub mod mach;
pub mod place;
pub mod record;
pub mod request;
