//! The authority: a small process that introduces tasks to each other, attests who they are, keeps
//! names, passes rights on to third parties, and reports death. It is never on the data path.
//!
//! | module | what it is |
//! |---|---|
//! | [`ledger`] | what it knows, as a state machine without I/O |
//! | `names` | names of services, and who waits for them |
//! | `owed` | what a task is told once it reads again |
//! | [`policy`] | what the program that runs an authority can have it do |
//! | [`listen`] | where it is found; an authority inside a program |
//! | [`server`] | its sockets: attaching tasks, requests in, events out |

pub mod ledger;
mod lent;
pub mod listen;
mod moves;
mod names;
mod once;
mod owed;
mod page;
pub mod policy;
pub mod server;

pub use listen::Embedded;
pub use policy::{Policy, PolicyError};
pub use server::Server;
