//! The shipped lock-free code under the loom model checker: the same sources, every interleaving.
//!
//! | module | what it is |
//! |---|---|
//! | [`models`] | the scenarios, each with its assertions, and how far each is explored |
//! | [`table`] | every named ordering and step, and the model that fails without it |
//! | [`wire`] | the memory of one lane on the heap, and its two ends |
//! | [`reply`] | the memory of the reply slots of a link, and its two sides |
//! | [`mail`] | messages that are recognised whole, sent and taken |
//! | [`scene`] | what surrounds a group: control bells, news, the other groups |
//! | [`office`] | a world whose news come over a lane of their own |
//! | [`explore`] | loom, or many runs on real threads |
//!
//! `cargo test` runs each model natively, and builds this package once more with `--cfg loom` to
//! explore each model, and each again with one ordering or step left out, which must then fail. By
//! hand:
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo run --release -p loom-tests --target-dir target/loom -- gate::sleeper [NAME]
//! ```
//!
//! What loom does not show, and who does: the real `membarrier` (a litmus test of two processes;
//! here both sides of a gate fence), loads that see later stores (loom has none: payload words are
//! read so that a missing happens-before is reported as a race), a `futex_waitv` that queues word by
//! word (the Promela model of the protocol did; here a wait queues on all of its words at once).

pub mod explore;
pub mod mail;
pub mod models;
pub mod office;
pub mod reply;
pub mod scene;
pub mod table;
pub mod wire;
