//! The floor of names and rights: what a task holds, and what each call does to it.
//!
//! A pure state machine in private memory. Nothing here sleeps, reads a clock, or touches a peer's
//! memory: the caller holds a lock around a [`Space`], and performs the [`Effect`]s that a call
//! hands out after it has let go of it.
//!
//! | module | what it is |
//! |---|---|
//! | [`name`] | the number by which a task knows a right |
//! | [`right`] | kinds of rights, type bits, dispositions |
//! | [`urefs`] | how often a name is held, and how that count sticks |
//! | [`port`] | what a port is called outside, and where a right to it leads |
//! | [`error`] | why a call is refused, with Mach's codes |
//! | [`effect`] | what the caller has to do after a call |
//! | [`entry`] | what one name stands for |
//! | `slots` | the numbers that are free, and their generations |
//! | `holdings` | from a port to the names that a space has for it |
//! | [`table`] | the copy of the entries that readers look at without a lock |
//! | [`backing`] | the memory file that the table lies in |
//! | [`space`] | a task's names |
//! | [`info`] | how large it is, and what lies in it |
//! | [`insert`] | making rights, and taking in rights that arrive |
//! | [`copyin`] | taking a right out, into a message |
//! | [`refs`] | user references, and giving up |
//! | [`request`] | who wants to hear of a name's end |
//! | [`death`] | the end of a port, and of the space itself |
//!
//! The rules and their ids (`U3`, `S5`) are those of `docs/semantics.md`; the tests are named after
//! them.

pub mod backing;
pub mod copyin;
pub mod death;
pub mod effect;
pub mod entry;
pub mod error;
mod holdings;
pub mod info;
pub mod insert;
pub mod name;
pub mod port;
pub mod refs;
pub mod request;
pub mod right;
mod slots;
pub mod space;
#[allow(unsafe_code, reason = "the promises of `Words` and `Zeroable` for its line")]
pub mod table;
pub mod urefs;

pub use backing::BadTable;
pub use copyin::{Carried, Origin};
pub use effect::{Effect, Effects, Notice};
pub use entry::{Entry, Guard, ReceiveTraits, Request, RequestKind, State};
pub use error::PortError;
pub use info::{NameInfo, SpaceInfo};
pub use insert::{New, Right};
pub use name::{PortName, RawName};
pub use port::{Place, PortId, ReceiverId};
pub use right::{Disposition, RightKind, TypeBits};
pub use space::Space;
pub use table::{Line, Miss, NameReader, NameTable, Row, Sight};
pub use urefs::Urefs;
