//! All rows, found by name.

use crate::row::Row;
use crate::{anchor, ours};

/// Every row, anchors first.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    anchor::ROWS.iter().chain(ours::ROWS).copied().flatten()
}

/// Every name, for the command line.
pub(crate) fn names() -> Vec<&'static str> {
    rows().map(|row| row.name).collect()
}

/// The row of that name.
pub(crate) fn find(name: &str) -> Option<&'static Row> {
    rows().find(|row| row.name == name)
}

/// The rows named, in the order of the table; all of them if none is named.
pub(crate) fn chosen(names: &[String]) -> Vec<&'static Row> {
    rows().filter(|row| names.is_empty() || names.iter().any(|name| name == row.name)).collect()
}

/// A row, its anchor, the anchor's anchor, and so on.
pub(crate) fn chain(row: &'static Row) -> Vec<&'static Row> {
    std::iter::successors(Some(row), |row| row.anchor.and_then(find)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ() {
        let mut names = names();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn anchors_exist_and_chains_end() {
        for row in rows() {
            assert!(row.anchor.is_none_or(|anchor| find(anchor).is_some()), "{}", row.name);
            let all = rows().count();
            let steps =
                std::iter::successors(Some(row), |row| row.anchor.and_then(find)).take(all + 1).count();
            assert!(steps <= all, "{}: its anchors go in a circle", row.name);
        }
    }
}
