//! The rows of shm-mach itself, one module a family, through the public API only.

mod meet;
mod port;
mod rpc;
mod stream;
mod third;
mod trip;

use crate::row::Row;

pub(crate) use third::run as run_third;

/// Every row of shm-mach, in the order of the table.
pub(crate) const ROWS: &[&[Row]] = &[trip::ROWS, stream::ROWS, rpc::ROWS, port::ROWS, third::ROWS];
