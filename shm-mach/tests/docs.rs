//! The documents name tests, models and orderings: what they name is there, and what is there is named.

#[path = "docs/semantics.rs"]
mod semantics;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect(path)
}

/// Every Rust source of the workspace's packages, in one text.
fn sources() -> String {
    fn collect(folder: PathBuf, all: &mut String) {
        for entry in std::fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                collect(path, all);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                all.push_str(&std::fs::read_to_string(path).expect("UTF-8"));
            }
        }
    }
    let mut all = String::new();
    for folder in ["shm-mach/src", "shm-mach/tests", "futex/tests", "examples", "loom-tests/src"] {
        collect(root().join(folder), &mut all);
    }
    all
}

/// The rows of a document's tables, as cells.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = text.lines().filter(|line| line.starts_with('|'));
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

/// What stands between backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Names of functions of ours: several words, or a module and a name.
fn is_name(text: &str) -> bool {
    text.contains(['_', ':'])
        && text.chars().all(|c| c.is_ascii_lowercase() || "_:".contains(c) || c.is_ascii_digit())
}

#[test]
fn proofs_exist() {
    let sources = sources();
    let threats = read("shm-mach/docs/threats.md");
    let orderings = read("shm-mach/docs/orderings.md");
    let messages = read("shm-mach/docs/messages.md");
    let mut count = 0;
    let all = rows(&threats).chain(rows(&orderings)).chain(rows(&messages));
    let last_cells = all.filter_map(|cells| cells.last().copied());
    for name in last_cells.flat_map(quoted).filter(|name| is_name(name)) {
        let function = name.rsplit("::").next().expect("split gives one at least");
        assert!(sources.contains(&format!("fn {function}(")), "nothing is called {name}");
        count += 1;
    }
    assert!(count > 100, "only {count} names were found");
}

#[test]
fn attacks_are_numbered_without_gaps() {
    let threats = read("shm-mach/docs/threats.md");
    let numbers: Vec<usize> =
        rows(&threats).filter_map(|cells| cells[0].strip_prefix('A')?.parse().ok()).collect();
    assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>());
    for cells in rows(&threats).filter(|cells| cells[0].starts_with('A')) {
        assert_eq!(cells.len(), 4, "{cells:?}");
    }
}

/// For each name in the first cell the models in the last.
fn told(document: &str) -> BTreeMap<String, BTreeSet<String>> {
    let models = |cells: &[&str]| -> BTreeSet<String> {
        let last = cells.last().copied().unwrap_or_default();
        quoted(last).filter(|name| name.contains("::")).map(str::to_owned).collect()
    };
    let names = |cells: &[&str]| quoted(cells[0]).map(str::to_owned).collect::<Vec<_>>();
    rows(document)
        .flat_map(|cells| names(&cells).into_iter().map(move |name| (name, models(&cells))))
        .collect()
}

/// The same of the table that the models are run by.
fn listed(table: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::new();
    for entry in table.split("row(").skip(1) {
        let mut texts = entry.split('"').skip(1).step_by(2);
        if let (true, Some(name)) = (entry.trim_start().starts_with('"'), texts.next()) {
            let models = texts.filter(|text| text.contains("::") && is_name(text));
            all.insert(name.to_owned(), models.map(str::to_owned).collect());
        }
    }
    all
}

#[test]
fn orderings_are_those_of_the_models() {
    let listed = listed(&read("loom-tests/src/table.rs"));
    assert!(listed.len() > 20, "the table was not understood");
    assert_eq!(told(&read("shm-mach/docs/orderings.md")), listed);
}
