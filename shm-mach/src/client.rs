//! The library inside a task: links, ports, and the rights that programs hold.

pub(crate) mod answers;
pub(crate) mod attach;
pub(crate) mod bootstrap;
pub(crate) mod dead_lanes;
pub(crate) mod error;
pub(crate) mod half;
pub(crate) mod holders;
pub(crate) mod identity;
pub(crate) mod join;
pub(crate) mod lanes_out;
pub(crate) mod link;
pub(crate) mod local;
pub(crate) mod message;
pub(crate) mod news;
pub(crate) mod numbered;
pub(crate) mod once_grants;
pub(crate) mod once_right;
pub(crate) mod peers;
pub(crate) mod port;
pub(crate) mod receive_right;
pub(crate) mod replies;
pub(crate) mod right;
pub(crate) mod send_right;
pub(crate) mod take;
pub(crate) mod task;
pub(crate) mod ways;
