//! The floor of lock-free words: what lies in a half, and how two processes use it.
//!
//! | module | what it is |
//! |---|---|
//! | [`layout`] | every shared structure, byte by byte, and where each lies in a half |
//! | [`slot`] | one message in 64 bytes: what a slot's words mean |
//! | [`lane_out`] | the sender's end of a lane |
//! | [`lane_in`] | the receiver's end of a lane |
//! | [`payload`] | room for bodies that do not fit into a slot |
//! | [`reply`] | both ends of a reply slot: the answer to a request, once |
//! | [`heap`] | room for answers that do not fit into a reply slot |
//! | [`region`] | memory for large messages, beside the half |
//! | [`group`] | the threads that wait for the same lanes, and how they sleep and wake |
//! | [`state`] | what the lock of such a group guards: its lanes, and who waits |
//! | [`members`] | a wait group over other groups: a port set |
//! | [`preposts`] | what the members of a set tell it, and what they know of it |
//! | [`world`] | what surrounds a group: the rest of its task, and what else it waits for |
//! | [`samples`] | words to sleep on, with the values they had before the last look |
//! | [`sleepers`] | the groups of a task that sleep, and how they are woken from inside it |
//! | [`patience`] | how long to spin before sleeping |
//!
//! Nothing here knows what a right is, and nothing here trusts the other side: an index, a length or
//! a count that is read from a peer is used only after it was compared with a private value.

mod age;
mod bells;
pub mod group;
pub mod heap;
pub mod lane_in;
pub mod lane_out;
pub mod layout;
pub mod members;
pub mod order;
pub mod patience;
pub mod payload;
pub mod preposts;
pub mod region;
pub mod reply;
pub mod samples;
pub mod sleepers;
pub mod slot;
pub mod state;
pub mod world;
