//! Mach's IPC for Linux user space: ports, rights and messages over shared memory.
//!
//! A *port* is a queue with one receiver and many senders. A process (a *task*) can touch it only
//! through a *right* that it holds: the receive right, a send right, or a send-once right. Every byte
//! of shared memory has one writer, enforced by the kernel; the receiver of a port decides in private
//! memory who may send to it. So a message costs what shared memory costs, and a peer can damage
//! nothing but its own messages.
//!
//! # A first example
//!
//! Two ends of a socket become two tasks, each with a port of its own and a right to the other's.
//! Here the ends are two threads; usually they are two processes.
//!
//! ```
//! use std::os::unix::net::UnixStream;
//! use shm_mach::{Message, Options, Received, join};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (here, there) = UnixStream::pair()?;
//! let other = std::thread::spawn(move || {
//!     let joined = join(there.into(), &Options::default()).unwrap();
//!     let mut message = Received::new();
//!     joined.receive.receive(&mut message).unwrap();
//!     joined.send.send(Message::new(message.id() + 1, message.body())).unwrap();
//! });
//!
//! let joined = join(here.into(), &Options::default())?;
//! joined.send.send(Message::new(7, b"there and back"))?;
//! let mut message = Received::new();
//! joined.receive.receive(&mut message)?;
//! assert_eq!((message.id(), message.body()), (8, &b"there and back"[..]));
//! assert_eq!(message.sender(), joined.peer);
//! # other.join().unwrap();
//! # Ok(())
//! # }
//! ```
//!
//! # Concepts
//!
//! * A [`Task`] is this process as others know it. [`join`] makes one that knows a single peer;
//!   [`Task::attach`] makes one that an *authority* introduces to any number of others. The authority
//!   is the program `machd`, or an [`authority::Embedded`] in a process of yours. It is needed to meet,
//!   to find names, to pass a right on to a third task and to hear of deaths at once. It never sees a
//!   message.
//! * A [`ReceiveRight`] is a port's receiving end: there is one. Dropping it destroys the port. It travels in
//!   messages too: within a task with its queue, to another task if nobody else has rights to the port
//!   ([`Immovable`] tells what keeps one). The send rights of the task that gives it away stay good.
//! * A [`PortSet`] is received from like a port, and gives the messages of all its members.
//! * A [`SendRight`] lets its holder send, and nothing else. It travels in messages
//!   ([`Message::with_right`]). Dropping it never loses what was sent before.
//! * A [`SendOnceRight`] lets its holder send one message, whatever the queue limit. Put one into a
//!   request ([`Message::reply_to`]): the answer comes, or a [`Notification::SendOnce`] when the holder
//!   drops the right or dies.
//! * Each right has a *name*: a [`PortName`], a number of the task's own. All rights to one port share it
//!   ([`SendRight::name`], [`ReceiveRight::name`]). A program may keep a name instead of a handle
//!   ([`SendRight::into_name`]), send by it ([`Task::with_send_right`]), receive by it
//!   ([`Task::with_receive_right`], [`Task::with_port_set`]), and use Mach's calls on it, which are
//!   methods of [`Task`]. Sets have names too, and a send-once right gets one where it is asked for. A
//!   tool in another process can read the table of a task's names: `lsmp` lists them, of all tasks that
//!   the authority tells its user of ([`Tasks`]).
//! * A [`Received`] message tells who sent it ([`Received::sender`]). That comes from the memory that
//!   the message was read from, never from the message.
//! * [`Notification`]s are messages of the library itself: that the last send right to a port is gone, that
//!   a port has died, that a full queue was read from. [`Task::request_notification`] asks for one.
//! * A timer ([`Task::allocate_timer`]) is a port that gets a message when its time has come.
//!
//! # Waiting
//!
//! [`ReceiveRight::set_wait`] and [`SendRight::set_wait`] choose a [`Wait`] policy: `Spin` never
//! sleeps, `Park` sleeps at once, and `Adaptive`, the default, spins for up to 20 µs as long as that
//! has been paying off. A sleep across cores costs about 7 µs to end, a spin next to a peer on the
//! same core costs that peer its time slice: the policy learns which of the two it is in.
//!
//! Each call has a form with a [`Deadline`], a point in time, and a form that does not wait. A send
//! waits only for room in the queue; but the first send to a task that is not linked yet, a send
//! that passes on a third task's right, and one whose long body needs a new region, also wait for the authority's answer, and no deadline bounds
//! that. A thread that waits wakes once a second to look whether its peers live.
//!
//! # Errors
//!
//! There is one enum each for sending ([`SendFailure`]), receiving ([`ReceiveError`]), calls about
//! ports ([`PortError`]), joining ([`JoinError`]) and the authority ([`AuthorityError`]). Where Mach has
//! a code for the cause, `code()` gives it. A message that was not sent comes back whole, with its
//! rights ([`SendError::into_message`]), so nothing is lost by an error. What a peer does wrong is never
//! a panic: its link ends, and its ports are dead from then on.
//!
//! # Threads
//!
//! Several threads may receive from one [`ReceiveRight`]; each message goes to one of them. A
//! [`SendRight`] can be moved to another thread but not shared: it owns its place in the queue, which
//! is why a send takes no lock. Give each thread a [clone](SendRight::clone); order is kept for each
//! clone by itself. The library starts no thread, except an [`authority::Embedded`] that you start.
//!
//! # Fork
//!
//! Rights belong to the process that made them. In a forked child every call fails with the `Forked`
//! error of its enum and every destructor does nothing, because the memory is not mapped there. A
//! child that wants to take part attaches by itself; [`Task::prepare_child`] prepares it a connection.
//!
//! # Signals
//!
//! The library installs no signal handler and blocks no signal; an interrupted wait goes on. A
//! signal handler must not use a right, a port or a task that the interrupted code may be using:
//! sending on the same right panics (it is borrowed), and other calls can wait for a lock that the
//! interrupted code holds. Let the handler set a flag, or write to a pipe.
//!
//! # More
//!
//! The folder `docs` of this crate tells how it works: `layout.md` (every shared byte), `protocol.md`
//! (who does what, and why so), `orderings.md` (every memory ordering and its proof), `threats.md` (what
//! an attacker can try), `differences.md` (where this is not Mach), `semantics.md` (Mach's rules one by
//! one, with their tests) and `messages.md` (Mach's own message form, and [`mach::Call`], the call that takes it).
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

pub use client::allocate::{PortOptions, Quality};
pub use client::attach::AuthorityError;
pub use client::attributes::{PortStatus, flavor};
pub use client::context::GuardOptions;
pub use client::error::{Immovable, ReceiveError, SendError, SendFailure};
pub use client::half::BadHalf;
pub use client::identity::Identity;
pub use client::join::{JoinError, Joined, join, join_deadline};
pub use client::list::{ListedTask, Tasks};
pub use client::mach;
pub use client::message::{Message, Received};
pub use client::notification::{Notification, NotificationKind};
pub use client::once_right::SendOnceRight;
pub use client::peek::Peeked;
pub use client::port_set::PortSet;
pub use client::receive_right::ReceiveRight;
pub use client::right::Right;
pub use client::send_right::SendRight;
pub use client::task::{Options, Task};
pub use futex::Deadline;
pub use ipc::{Disposition, PortError, PortName, RawName, RightKind, TypeBits};
pub use ring::layout::Geometry;
pub use ring::patience::Wait;
pub use wire::hello::BadHello;

/// The README's example runs with the other documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
