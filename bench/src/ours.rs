//! The rows of shm-mach itself, one module a family, through the public API only.

use crate::row::Row;

/// Every row of shm-mach, in the order of the table.
pub(crate) const ROWS: &[&[Row]] = &[];
