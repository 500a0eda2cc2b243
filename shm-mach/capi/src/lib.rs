//! Mach's C interface: the functions that the headers in `include` declare.
//!
//! | module | what it is |
//! |---|---|
//! | `exports` | the functions themselves, a file for each family: they do nothing but pass on |
//! | `abi` | pointers that C hands over, and what a C caller promises |
//! | `code` | what the functions return |
//! | `session` | the task of this process: made at first use, and anew in a forked child |
//! | `home` | an authority in this process |
//! | `objects` | names of what is the system's: the task, its threads, the machine, the bootstrap |
//! | `messages`, `server` | messages in C's memory, and serving them |
//! | `names` | calls on names |
//! | `requests` | requests to be told |
//! | `semaphore` | semaphores |
//! | `services` | the bootstrap |
//! | `memory` | memory of this process |
//! | `words` | codes in words |
//!
//! `docs/c.md` of the library says which call does what, and which ones are not there.
//!
//! No panic passes into C: one in a function that C calls ends the process, as in every `extern "C"`
//! function.
#![deny(unsafe_code)]

#[allow(unsafe_code, reason = "what C promises about its pointers")]
mod abi;
mod code;
#[allow(unsafe_code, reason = "the names of the functions are exported")]
mod exports;
#[allow(unsafe_code, reason = "descriptors that one thread keeps to itself")]
mod home;
#[allow(unsafe_code, reason = "memory that C asks to map, unmap and copy")]
mod memory;
mod messages;
mod names;
mod objects;
mod requests;
mod semaphore;
mod server;
mod services;
#[allow(unsafe_code, reason = "one pointer that is never freed")]
mod session;
mod words;
