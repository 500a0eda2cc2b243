//! The authority: a small process that introduces tasks to each other, attests who they are, keeps
//! names, passes rights on to third parties, and reports death. It is never on the data path.
//!
//! | module | what it is |
//! |---|---|
//! | [`ledger`] | what it knows, as a state machine without I/O |
//! | [`listen`] | where it is found; an authority inside a program |
//! | [`server`] | its sockets: attaching tasks, requests in, events out |

pub mod ledger;
pub mod listen;
mod once;
pub mod server;

pub use listen::Embedded;
pub use server::Server;
