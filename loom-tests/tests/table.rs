//! The table names exactly what the sources name, in the files where they name it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use loom_tests::models::Model;
use loom_tests::table::{ORDERS, Proof, RULES, Row, STEPS, rows};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace")
}

/// Every Rust file under `folder`.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(folder).expect("a folder of sources").map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| match path.extension() {
            _ if path.is_dir() => sources(&path),
            Some(extension) if extension == "rs" => vec![path],
            _ => Vec::new(),
        })
        .collect()
}

/// The pairs (name, file) for each `opening"name"` in code under `folders`.
fn named(openings: &[&str], folders: &[&str]) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for path in folders.iter().flat_map(|folder| sources(&root().join(folder))) {
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        let file = path.strip_prefix(root()).expect("under the root").display().to_string();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            for opening in openings {
                for rest in line.split(&format!("{opening}\"")).skip(1) {
                    let name = rest.split('"').next().expect("split gives one at least");
                    found.insert((name.to_owned(), file.clone()));
                }
            }
        }
    }
    found
}

fn listed(rows: &[Row]) -> BTreeSet<(String, String)> {
    rows.iter().map(|row| (row.name.to_owned(), row.file.to_owned())).collect()
}

#[test]
fn orderings_in_table_and_sources_are_equal() {
    assert_eq!(listed(ORDERS), named(&["order!("], &["futex/src", "shm-mach/src"]));
}

#[test]
fn steps_in_table_and_sources_are_equal() {
    assert_eq!(listed(STEPS), named(&["step(", "sample_late("], &["futex/src", "shm-mach/src"]));
    assert_eq!(listed(RULES), named(&["step("], &["loom-tests/src"]));
}

#[test]
fn names_are_unique_and_models_exist() {
    let names: BTreeSet<_> = rows().map(|row| row.name).collect();
    assert_eq!(names.len(), rows().count(), "a name stands for one thing");
    for row in rows() {
        if let Proof::Fails(models) = row.proof {
            for (model, _) in models {
                assert!(Model::named(model).is_some(), "{}: no model {model}", row.name);
            }
        }
    }
}
