//! Requests answered by a reply right made for each.

use crate::row::Row;

/// The rows of this family: none before there are reply rights.
pub(crate) const ROWS: &[Row] = &[];
