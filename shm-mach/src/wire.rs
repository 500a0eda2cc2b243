//! The floor of bytes: what travels, apart from how. Pure functions; every decoder is total and
//! yields checked values or nothing.

pub mod control;
pub mod hello;
