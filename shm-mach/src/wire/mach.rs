//! Mach's message form: the bytes that a C program hands to `mach_msg` and gets back from it.
//!
//! Pure functions over private bytes. Nothing here knows a space, a queue or another task: what a
//! name stands for, where memory out of line lies and whether a queue is full is for the caller. The
//! layout is that of 64-bit tasks, little-endian; rows such as `Z5` are those of the table of Mach's
//! semantics, after which the tests are named.
//!
//! | module | what it is |
//! |---|---|
//! | [`name`], [`disposition`] | a name in a message, and how its right travels |
//! | `declared` | sizes and offsets, as C declares them |
//! | [`bits`], [`header`] | the first 24 bytes |
//! | [`options`] | what a call asks for |
//! | [`descriptor`] | rights and memory in a body |
//! | [`trailer`] | who sent it: what follows a received message |
//! | [`code`], [`refusal`] | what `mach_msg` returns, and why a send is refused |
//! | [`outline`], [`shape`] | the checks of a send: sizes first, then what the message holds |
//! | [`envelope`] | the three rights in a header, checked as far as a header can tell |
//! | [`arguments`], [`vector`] | what `mach_msg2` gets, its list of buffers, and auxiliary data |
//! | [`form`] | how a message travels between tasks |
//! | [`content`] | descriptors and plain bytes, on their way into a buffer |
//! | [`arrival`], [`remains`] | a message into the receiver's buffer, or what is left of one |
//! | [`returned`] | a message that was not sent, back into its sender's buffer |
//! | [`notify`] | what the system itself sends |
//!
//! A send goes through [`Outline`], a private copy made by the caller, [`Shape`] and [`Envelope`];
//! only then is any right looked up, so a refusal up to there has consumed nothing.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

pub mod arguments;
pub mod arrival;
pub mod bits;
pub mod code;
pub mod content;
mod declared;
pub mod descriptor;
pub mod disposition;
pub mod envelope;
pub mod form;
pub mod header;
pub mod name;
pub mod notify;
pub mod options;
pub mod outline;
mod pen;
pub mod refusal;
pub mod remains;
pub mod returned;
pub mod shape;
pub mod trailer;
pub mod vector;

pub use arguments::Arguments;
pub use arrival::Arrival;
pub use bits::Bits;
pub use code::{Code, Special};
pub use content::{Content, Fit};
pub use descriptor::{Address, CopyOption, Descriptor, Fate, GuardFlags, Guarding, Offset};
pub use disposition::{Disposition, PortType};
pub use envelope::{Envelope, Voucher};
pub use form::Form;
pub use header::Header;
pub use name::RawName;
pub use notify::Notify;
pub use options::Options;
pub use outline::Outline;
pub use refusal::{DeliveryFailure, SendRefusal};
pub use remains::Remains;
pub use returned::Returned;
pub use shape::{Shape, Table};
pub use trailer::{AuditToken, SecurityToken, Trailer};
pub use vector::{Vector, Vectors};
