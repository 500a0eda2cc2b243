//! The rows of shm-mach itself, one module a family, through the public API only.
//!
//! Still to come, with the calls that they need: `rpc_send_once` and `rpc_fresh_port` in [`rpc`], and
//! `right_to_third_party` in a family of its own.

mod meet;
mod port;
mod rpc;
mod stream;
mod trip;

use crate::row::Row;

/// Every row of shm-mach, in the order of the table.
pub(crate) const ROWS: &[&[Row]] = &[trip::ROWS, stream::ROWS, rpc::ROWS, port::ROWS];
