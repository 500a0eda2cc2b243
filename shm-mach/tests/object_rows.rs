//! Ports that stand for something of the system's own, a file for each kind.

#[path = "object_rows/timers.rs"]
mod timers;

mod common;
