//! Mach's IPC for Linux user space: ports, rights and messages over shared memory.
//!
//! A *port* is a queue with one receiver and many senders. A process (a *task*) can touch it only
//! through a *right* that it holds: the receive right, or a send right. Every byte of shared memory
//! has one writer, enforced by the kernel; the receiver of a port decides in private memory who may
//! send to it. So sending is as fast as shared memory, and a peer can damage nothing but its own
//! messages.
#![deny(unsafe_code)]
#![allow(
    clippy::result_large_err,
    reason = "a refused message comes back whole, and nothing is allocated for it"
)]

pub mod authority;
mod client;
pub mod ipc;
#[doc(hidden)]
#[allow(unsafe_code, reason = "states that the shared structures are atomics only")]
pub mod ring;
#[doc(hidden)]
#[allow(unsafe_code, reason = "the floor of raw memory")]
pub mod segment;
#[doc(hidden)]
pub mod wire;

pub use client::attach::AuthorityError;
pub use client::error::{PortError, ReceiveError, SendError, SendFailure};
pub use client::half::BadHalf;
pub use client::identity::Identity;
pub use client::join::{JoinError, Joined, join};
pub use client::message::{Message, Notification, Received};
pub use client::once_right::SendOnceRight;
pub use client::receive_right::ReceiveRight;
pub use client::right::Right;
pub use client::send_right::SendRight;
pub use client::task::{Options, Task};
pub use futex::Deadline;
pub use ring::layout::Geometry;
pub use ring::patience::Wait;
pub use wire::hello::BadHello;
