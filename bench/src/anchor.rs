//! What shm-mach is held against: the machine's own limits, and the usual tools. One module a family.

mod chunk;
mod crossbeam;
mod futex;
mod line;
mod ring;
mod rtrb;
mod socket;

pub(crate) use chunk::{CHUNK, number_ends, number_of};

use crate::row::Row;

/// Every anchor, in the order of the table.
pub(crate) const ROWS: &[&[Row]] =
    &[line::ROWS, futex::ROWS, ring::ROWS, rtrb::ROWS, crossbeam::ROWS, chunk::ROWS, socket::ROWS];
