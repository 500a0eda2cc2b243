//! The table of Mach's rules: no rule is lost, and each says truly what holds it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{quoted, read, rows, sources};

/// What holds a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Proven { is_pure: bool },
    Difference,
    NotYet,
    Gnus,
}

struct Section<'a> {
    number: &'a str,
    /// As announced at its top, `R1 to R6` or `SO1`.
    announced: Vec<String>,
    rows: Vec<Vec<&'a str>>,
}

fn sections(document: &str) -> Vec<Section<'_>> {
    let parts = document.split("\n## ").skip(1);
    let section = |part| Section {
        number: str::split(part, '.').next().expect("split gives one at least"),
        announced: announced(part),
        rows: rows(part).skip(2).collect(),
    };
    parts.map(section).collect()
}

/// The ids that `Rows: E1, R1 to R6.` stands for.
fn announced(section: &str) -> Vec<String> {
    let list = section.split("\nRows: ").nth(1).expect("a section says which rows it has");
    let list = list.split('.').next().expect("split gives one at least");
    let number = |id: &str| id.trim_start_matches(char::is_alphabetic).parse::<u32>().expect(id);
    let range = |range: &str| {
        let (first, last) = range.split_once(" to ").unwrap_or((range, range));
        let letters = first.trim_end_matches(char::is_numeric).to_owned();
        assert_eq!(letters, last.trim_end_matches(char::is_numeric), "{range}");
        (number(first)..=number(last)).map(move |number| format!("{letters}{number}"))
    };
    list.split(", ").flat_map(range).collect()
}

/// Looks at what a row says holds it.
fn held(row: &[&str], differences: &BTreeSet<String>) -> Held {
    let [id, rule, by] = row else { panic!("three cells: {row:?}") };
    assert!(!rule.is_empty(), "{id} says nothing");
    let tests: Vec<&str> = quoted(by).collect();
    for test in &tests {
        is_a_test(test);
    }
    let said = by.split("; `").next().expect("split gives one at least");
    if let Some(name) = said.strip_prefix("[difference](differences.md): ") {
        assert!(differences.contains(name), "{id}: {name} is not among the deliberate differences");
        Held::Difference
    } else if let Some(missing) = said.strip_prefix("not yet: ") {
        assert!(missing.len() > 3, "{id} does not say what is missing");
        Held::NotYet
    } else if *by == "of GNU Mach alone" {
        assert!(rule.contains("GNU"), "{id} is everybody's");
        Held::Gnus
    } else {
        assert!(
            by.starts_with('`') && !tests.is_empty(),
            "{id}: neither tests, nor a difference, nor not yet"
        );
        let pure = ["src/ipc/", "src/wire/", "ipc_", "message_rows/"];
        let is_pure = tests.iter().all(|test| pure.iter().any(|start| test.starts_with(start)));
        Held::Proven { is_pure }
    }
}

/// Fails unless `file::name` is a test that runs, or a C program that is run.
fn is_a_test(test: &str) {
    let (file, name) = test.split_once("::").expect(test);
    if file == "capi/programs" {
        let programs = read("shm-mach/capi/tests/programs.rs");
        return assert!(programs.contains(&format!("\n    {name}\n")), "there is no C program {name}");
    }
    let path = if file.starts_with("src/") { file.to_owned() } else { format!("tests/{file}") };
    if let Some((binary, module)) = file.strip_prefix("src/").map_or_else(|| file.split_once('/'), |_| None) {
        let declared = read(&format!("shm-mach/tests/{binary}.rs")).contains(&format!("\nmod {module};"));
        assert!(declared, "{file} is in no test");
    }
    let source = read(&format!("shm-mach/{path}.rs"));
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let start = format!("fn {name}(");
    let at = lines.iter().position(|line| line.starts_with(&start));
    let at = at.unwrap_or_else(|| panic!("there is no {test}"));
    let above = lines[..at].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("///"));
    let attributes: Vec<&&str> = above.collect();
    assert!(attributes.iter().any(|line| **line == "#[test]"), "{test} is no test");
    assert!(!attributes.iter().any(|line| line.starts_with("#[ignore")), "{test} does not run");
}

/// First cells of the table of what is decided otherwise.
fn deliberate_differences() -> BTreeSet<String> {
    let document = read("shm-mach/docs/differences.md");
    let deliberate =
        document.split("\n## ").find(|part| part.starts_with("Deliberate")).expect("the section");
    rows(deliberate).skip(2).map(|cells| cells[0].to_owned()).collect()
}

#[test]
fn no_rule_is_lost() {
    let document = read("shm-mach/docs/semantics.md");
    let mut all = BTreeSet::new();
    for section in sections(&document) {
        let ids: Vec<&str> = section.rows.iter().map(|row| row[0]).collect();
        assert_eq!(ids, section.announced, "section {}", section.number);
        for id in ids {
            assert!(all.insert(id.to_owned()), "{id} is there twice");
        }
    }
    assert!(all.len() > 300, "only {} rules were found", all.len());
}

/// What holds each rule exists, and the table at the top counts truly.
#[test]
fn each_rule_says_what_holds_it() {
    let document = read("shm-mach/docs/semantics.md");
    let differences = deliberate_differences();
    let mut table = String::new();
    let mut totals = [0; 6];
    for section in sections(&document) {
        let held: Vec<Held> = section.rows.iter().map(|row| held(row, &differences)).collect();
        let count = |is: fn(&Held) -> bool| held.iter().filter(|held| is(held)).count();
        let counts = [
            held.len(),
            count(|held| matches!(held, Held::Proven { .. })),
            count(|held| *held == Held::Proven { is_pure: true }),
            count(|held| *held == Held::Difference),
            count(|held| *held == Held::NotYet),
            count(|held| *held == Held::Gnus),
        ];
        (0..6).for_each(|at| totals[at] += counts[at]);
        let [all, proven, pure, different, not_yet, gnus] = counts;
        let number = section.number;
        writeln!(table, "| {number} | {all} | {proven} | {pure} | {different} | {not_yet} | {gnus} |")
            .expect("a string");
    }
    let [all, proven, pure, different, not_yet, gnus] = totals;
    writeln!(table, "| all | {all} | {proven} | {pure} | {different} | {not_yet} | {gnus} |")
        .expect("a string");
    assert!(10 * different <= all, "more than one rule in ten is decided otherwise");
    assert!(
        document.contains(&format!("|---|---|---|---|---|---|---|\n{table}\n")),
        "the counts are:\n{table}"
    );
}

/// The names of the tests in some source.
fn tests_in(source: &str) -> Vec<&str> {
    let after_attributes = source.split("#[test]\n").skip(1);
    let functions = after_attributes.filter_map(|rest| {
        let mut lines = rest.lines().map(str::trim).skip_while(|line| line.starts_with("#["));
        lines.next()?.strip_prefix("fn ")?.split('(').next()
    });
    functions.collect()
}

/// A test that is named after a rule says that it holds it: so the table says so too.
#[test]
fn tests_named_after_rules_are_in_the_table() {
    let document = read("shm-mach/docs/semantics.md");
    let sections = sections(&document);
    let ids: BTreeSet<String> =
        sections.iter().flat_map(|section| &section.announced).map(|id| id.to_lowercase()).collect();
    let sources = sources();
    let tests = tests_in(&sources);
    let named = tests.into_iter().filter(|test| ids.contains(test.split('_').next().unwrap_or_default()));
    let mut count = 0;
    for test in named {
        assert!(document.contains(&format!("::{test}`")), "{test} is not in the table of rules");
        count += 1;
    }
    assert!(count > 150, "only {count} such tests were found");
}
