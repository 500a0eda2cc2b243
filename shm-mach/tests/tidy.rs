//! The rules of the tree, held by a test: which floor may use which, where `unsafe` may live, who
//! may know of loom, how long files and functions are, and what no source may say.
//!
//! Each rule is first shown a source that breaks it, because a rule that cannot fail says nothing;
//! then the whole tree. That every unsafe block has its SAFETY comment is left to clippy.

#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/source.rs"]
mod source;

use source::{Source, tokens, tree};

type Rule = fn(&Source) -> Vec<String>;

/// Lines that break a rule, each alone, in a file of this name.
fn breaks(rule: Rule, path: &str, all: &[&str]) {
    for text in all {
        assert_ne!(rule(&Source::new(path, text)), Vec::<String>::new(), "in {path}: {text}");
    }
}

/// Lines that do not.
fn keeps(rule: Rule, path: &str, all: &[&str]) {
    for text in all {
        assert_eq!(rule(&Source::new(path, text)), Vec::<String>::new(), "in {path}: {text}");
    }
}

fn tree_keeps(rule: Rule) {
    let sources = tree();
    assert!(sources.iter().any(|source| source.path == "shm-mach/src/lib.rs"), "the tree was not found");
    let wrong: Vec<String> = sources.iter().flat_map(rule).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn comments_and_literals_are_no_code() {
    let text = "a /* b /* c */ d */ 'e' '\\'' \"f \\\" g\" r#\"h \" i\"# b'\\n' // j\n&'k l";
    let found: Vec<(&str, usize)> = tokens(text).iter().map(|token| (token.text, token.line)).collect();
    assert_eq!(found, [("a", 1), ("&", 2), ("l", 2)]);
}

#[test]
fn floors_stand_only_on_floors_below() {
    let ring = "shm-mach/src/ring/lane.rs";
    breaks(
        rules::floors,
        ring,
        &[
            "use crate::wire::control::Control;",
            "use crate::client::link;",
            "use crate::{segment::Shared, wire::hello};",
            "use crate::{segment::{Shared, Words}, ipc};",
            "fn f() -> crate::Message { todo() }",
            "use super::super::client;",
            "mod tests { use super::super::super::client; }",
        ],
    );
    keeps(
        rules::floors,
        ring,
        &[
            "use crate::segment::Shared; use crate::ring::slot; use crate::{segment, ring};",
            "/// As [`Message`](crate::Message).\nfn f() {}",
            "use super::slot; mod tests { use super::super::slot; }",
        ],
    );
    breaks(rules::floors, "shm-mach/src/ring.rs", &["use super::client;"]);
    keeps(rules::floors, "shm-mach/src/ring.rs", &["mod tests { use super::slot; }"]);
    breaks(rules::floors, "shm-mach/src/client/a.rs", &["use crate::authority::ledger;"]);
    breaks(rules::floors, "shm-mach/src/authority/a.rs", &["use crate::client::link;"]);
    keeps(rules::floors, "shm-mach/src/authority.rs", &["use crate::wire::hello; use crate::ring::slot;"]);
    breaks(rules::floors, "shm-mach/src/attic/a.rs", &["fn f() {}"]);
    tree_keeps(rules::floors);
}

#[test]
fn no_floor_is_below_itself() {
    for (at, (floor, below)) in rules::FLOORS.iter().enumerate() {
        for lower in *below {
            let found = rules::FLOORS[..at].iter().any(|(name, _)| name == lower);
            assert!(found, "{floor} stands on {lower}, which must come before it");
        }
    }
}

#[test]
fn unsafe_lives_in_its_rooms() {
    let block = "fn f() { unsafe { g() } }";
    let promise = "unsafe impl Words for Line {}";
    breaks(rules::rooms, "shm-mach/src/ring/lane.rs", &[block, promise, "unsafe fn g() {}"]);
    breaks(rules::rooms, "shm-mach/tests/a.rs", &[block]);
    breaks(rules::rooms, "shm-mach/src/ring/layout.rs", &[block]);
    keeps(rules::rooms, "shm-mach/src/ring/layout.rs", &[promise]);
    keeps(rules::rooms, "shm-mach/src/segment/shared.rs", &[block, promise]);
    let symbol = "#[unsafe(no_mangle)]\nextern \"C\" fn f() {}";
    let exports = "shm-mach/capi/src/exports/a.rs";
    keeps(rules::rooms, exports, &[symbol]);
    breaks(rules::rooms, exports, &[block, promise, "#[unsafe(naked)] fn f() {}", "unsafe extern fn f() {}"]);
    breaks(rules::rooms, "shm-mach/capi/src/names.rs", &[symbol]);
    keeps(rules::rooms, "shm-mach/src/ring/lane.rs", &["// unsafe\nfn f() { g(\"unsafe\") }"]);
    tree_keeps(rules::rooms);
    let sources = tree();
    for (room, _) in rules::ROOMS {
        let mut inside = sources.iter().filter(|source| rules::in_room(room, &source.path)).peekable();
        let empty = inside.peek().is_some()
            && inside.all(|source| source.tokens().iter().all(|token| token.text != "unsafe"));
        assert!(!empty, "{room} needs no unsafe any more: take it off the list");
    }
}

#[test]
fn one_file_knows_of_loom() {
    breaks(
        rules::loom,
        "shm-mach/src/ring/lane.rs",
        &[
            "#[cfg(loom)] mod a;",
            "#[cfg(not(loom))] mod a;",
            "#![cfg(any(test, all(unix, loom)))]",
            "fn f() -> bool { cfg!(loom) }",
            "#[cfg_attr(loom, allow(dead_code))] mod a;",
        ],
    );
    keeps(rules::loom, "shm-mach/src/ring/lane.rs", &["// cfg(loom)\n#[cfg(test)] mod loom;"]);
    tree_keeps(rules::loom);
    let facade = tree().into_iter().find(|source| source.path == rules::LOOM[0]).expect("the façade");
    assert_eq!(rules::loom_lines(&facade).count(), 2, "one body for each world");
}

#[test]
fn files_and_functions_are_short() {
    let lines = |count: usize| "\n".repeat(count);
    let function = |count: usize| format!("fn f(a: [u8; 2]) -> [u8; 2] {{{}}}", lines(count - 1));
    let long = rules::FUNCTION_LINES + 1;
    breaks(rules::sizes, "bench/src/a.rs", &[&lines(rules::FILE_LINES + 1), &function(long)]);
    breaks(
        rules::sizes,
        "bench/src/a.rs",
        &[&format!("trait T {{ fn g(); }}\nimpl A {{ {} }}", function(long))],
    );
    keeps(rules::sizes, "bench/src/a.rs", &[&lines(rules::FILE_LINES), &function(rules::FUNCTION_LINES)]);
    tree_keeps(rules::sizes);
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [concat!("// TO", "DO: more"), concat!("/* FIX", "ME */")];
    breaks(rules::finished, "bench/src/a.rs", &marks);
    breaks(rules::finished, "README.md", &marks);
    breaks(
        rules::finished,
        "bench/tests/a.rs",
        &[
            "#[test]\n#[ignore]\nfn f() {}",
            "#[test]\n#[ignore = \"slow\"]\nfn f() {}",
            "#[cfg_attr(debug_assertions, ignore)]\nfn f() {}",
            "fn f() { todo!() }",
            "fn f() { unimplemented!(\"later\") }",
            "fn f() { dbg!(1); }",
        ],
    );
    keeps(rules::finished, "bench/src/a.rs", &["let todo = 1; // dbg!\nf(ignore); g(\"todo!\");"]);
    tree_keeps(rules::finished);
}

#[test]
fn nothing_tells_of_one_machine() {
    let home = concat!("see /ho", "me/someone/notes");
    let root = concat!("`/ro", "ot/.cargo`");
    let temporary = concat!("(/t", "mp/job/out)");
    let host = concat!("fetched from https://reg", "istry.example.org/crates");
    let number = concat!("http:", "//10.0.0.7:8080/x");
    for path in ["README.md", "shm-mach/docs/layout.md", "shm-mach/src/lib.rs", ".ci/run"] {
        breaks(rules::anywhere, path, &[home, root, temporary, host, number]);
    }
    breaks(rules::anywhere, ".cargo/config.toml", &["[source.crates-io]", "replace-with = \"near\""]);
    breaks(rules::anywhere, "Cargo.lock", &["source = \"registry+https://example.org/index\""]);
    keeps(
        rules::anywhere,
        "README.md",
        &[
            "send/receive",
            "`/proc/self/fd`",
            "https://docs.rs/loom/latest",
            "1/2 and a/b/c",
            "shm-mach/src/ring.rs",
        ],
    );
    tree_keeps(rules::anywhere);
}
