//! The interface as a whole: what is declared, what is exported, and what the documents say of it.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use support::{Folder, Linked, compile, compiler, has, root};

/// All headers, as a program includes them.
fn headers() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for folder in ["mach", "mach_debug", "servers"] {
        for entry in std::fs::read_dir(root().join("include").join(folder)).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            all.push((format!("{folder}/{name}"), std::fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(all.len() > 30, "the headers were not found");
    all
}

/// Functions and variables that the headers declare: what stands before the first parenthesis or the
/// semicolon after an `extern`.
fn declared() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (_, text) in headers() {
        for (at, _) in text.match_indices("\nextern ") {
            let declaration = &text[at + 8..];
            if declaration.starts_with('"') {
                continue;
            }
            let end = declaration.find(['(', ';']).unwrap();
            let before = declaration[..end].trim_end();
            names.insert(before.rsplit([' ', '*']).next().unwrap().to_owned());
        }
    }
    names
}

fn exported() -> BTreeSet<String> {
    let library = support::libraries().join("libshm_mach.so");
    let listed = Command::new("nm").args(["-D", "--defined-only"]).arg(library).output().unwrap();
    assert!(listed.status.success());
    let text = String::from_utf8(listed.stdout).unwrap();
    text.lines().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn what_is_declared_is_exported_and_nothing_else() {
    if !has("nm") {
        eprintln!("SKIP: there is no nm");
        return;
    }
    let (declared, exported) = (declared(), exported());
    assert!(declared.len() > 100, "only {} declarations were found", declared.len());
    let missing: Vec<_> = declared.difference(&exported).collect();
    let more: Vec<_> = exported.difference(&declared).collect();
    assert!(missing.is_empty() && more.is_empty(), "not exported: {missing:?}; not declared: {more:?}");
}

/// The functions that the sources say are not there.
fn absent() -> BTreeSet<String> {
    let source = std::fs::read_to_string(root().join("src/exports/absent.rs")).unwrap();
    let mut names = BTreeSet::new();
    for list in source.split("\n}\n").filter_map(|item| item.split_once("! {\n")).map(|(_, list)| list) {
        names.extend(list.split_whitespace().filter(|word| is_name(word)).map(str::to_owned));
    }
    names
}

fn is_name(word: &str) -> bool {
    word.contains('_') && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// What the document's table says of each function: its row's second cell.
fn told() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(root().join("../docs/c.md")).unwrap();
    let mut told = BTreeMap::new();
    let (_, table) = text.split_once("## Functions").expect("a part about the functions");
    for line in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        for name in cells[0].split('`').skip(1).step_by(2) {
            let before = told.insert(name.to_owned(), cells[1].to_owned());
            assert_eq!(before, None, "{name} is told twice");
        }
    }
    told
}

#[test]
fn the_document_tells_of_every_function_whether_it_is_there() {
    let told = told();
    let names: BTreeSet<String> = told.keys().cloned().collect();
    assert_eq!(declared(), names);
    let no: BTreeSet<String> =
        told.iter().filter(|(_, says)| *says == "no").map(|(name, _)| name.clone()).collect();
    assert_eq!(no, absent());
    for (name, says) in &told {
        assert!(["yes", "partly", "no"].contains(&says.as_str()), "{name}: {says}");
    }
}

/// A program that includes one header twice and does nothing.
fn including(header: &str) -> String {
    format!("#include <{header}>\n#include <{header}>\nint main(void)\n{{\n    return 0;\n}}\n")
}

fn every_header_compiles(name: &str, language: &str, standards: &[&str]) {
    if !has(name) {
        eprintln!("SKIP {name}: it is not installed");
        return;
    }
    let folder = Folder::new(&format!("headers-{name}"));
    let all = headers();
    for (header, _) in &all {
        let source = folder.0.join(format!("{}.{language}", header.replace(['/', '.'], "_")));
        std::fs::write(&source, including(header)).unwrap();
    }
    for standard in standards {
        let mut command = compiler(name, standard);
        command.args(["-pedantic", "-fsyntax-only"]);
        let sources = std::fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().path());
        compile_all(command, sources.collect());
        let mut command = compiler(name, standard);
        command.args(["-fsyntax-only", "-x", if language == "c" { "c" } else { "c++" }]);
        compile_all(command, vec![root().join("tests/c/layouts.c")]);
    }
}

fn compile_all(mut command: Command, sources: Vec<PathBuf>) {
    command.args(sources);
    compile(command);
}

#[test]
fn every_header_stands_alone_in_c() {
    every_header_compiles("cc", "c", &["-std=c11", "-std=gnu17"]);
}

#[test]
fn every_header_stands_alone_in_cpp() {
    every_header_compiles("c++", "cc", &["-std=c++11", "-std=c++17"]);
}

#[test]
fn every_header_compiles_with_clang() {
    every_header_compiles("clang", "c", &["-std=c11", "-std=gnu17"]);
}

#[test]
fn a_program_links_with_the_static_library() {
    if !has("cc") {
        eprintln!("SKIP: there is no cc");
        return;
    }
    for program in ["globals", "bootstrap"] {
        let folder = Folder::new(&format!("static-{program}"));
        let output = support::run(&support::build(program, &folder, Linked::Static), &folder, &[]);
        support::expect_success(program, &output);
    }
}
