//! The rules. Each looks at sources and says what is wrong, a line for each offence.

use super::source::{Source, Token};

/// The modules of the library, each with all the floors that it may stand on. `wire` stands above
/// `ring`, because the records it encodes name the ring's tokens, sizes and version; nothing in
/// `ring` knows `wire`. `client` and `authority` know nothing of each other: they meet in `wire`
/// and below. A module that is not named here has no floor yet, and is refused.
pub(crate) const FLOORS: [(&str, &[&str]); 7] = [
    ("segment", &[]),
    ("ring", &["segment"]),
    ("wire", &["segment", "ring"]),
    ("ipc", &["segment", "ring", "wire"]),
    ("authority", &["segment", "ring", "wire"]),
    ("client", &["segment", "ring", "wire", "ipc"]),
    ("aio", &["segment", "ring", "wire", "ipc", "client"]),
];

/// What `unsafe` is for in a room that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsafe {
    /// Raw memory: any use.
    Any,
    /// A promise about a type: `unsafe impl` and nothing else.
    Impl,
    /// Symbols that a linker sees: attributes such as `#[unsafe(no_mangle)]` and nothing else.
    Symbol,
}

/// The files in which `unsafe` may occur; a name that ends in `/` is a folder.
pub(crate) const ROOMS: &[(&str, Unsafe)] = &[
    ("futex/src/sync/native.rs", Unsafe::Any),
    ("futex/src/sync/model.rs", Unsafe::Any),
    ("shm-mach/src/segment/", Unsafe::Any),
    ("shm-mach/src/ring/layout.rs", Unsafe::Impl),
    ("shm-mach/src/ipc/table.rs", Unsafe::Impl),
    ("shm-mach/capi/src/abi.rs", Unsafe::Any),
    ("shm-mach/capi/src/exports/", Unsafe::Symbol),
    ("shm-mach/capi/src/home.rs", Unsafe::Any),
    ("shm-mach/capi/src/memory.rs", Unsafe::Any),
    ("shm-mach/capi/src/session.rs", Unsafe::Any),
    // What a C program calls memory: addresses, which no Rust value stands for.
    ("shm-mach/src/client/mach/memory.rs", Unsafe::Any),
    // Tests that ask the kernel for what no library offers safely.
    ("futex/tests/words.rs", Unsafe::Any),
    ("shm-mach/tests/common/sys.rs", Unsafe::Any),
    // The sandbox of the example's reader: unshare(2) is unsafe in rustix, descriptors aside.
    ("examples/src/delegate/sandbox.rs", Unsafe::Any),
    // The anchors of the bench share memory without protection, to show what protection costs.
    ("bench/src/shared.rs", Unsafe::Any),
    // Counting instructions: ptrace(2).
    ("bench/benches/instructions.rs", Unsafe::Any),
];

/// The file that decides between the machine and the model, and the one that runs the models.
pub(crate) const LOOM: [&str; 2] = ["futex/src/sync.rs", "loom-tests/src/explore.rs"];

/// The most lines of a file below a package's `src`.
pub(crate) const FILE_LINES: usize = 500;
/// The most lines of a function there.
pub(crate) const FUNCTION_LINES: usize = 80;

/// The first parts of absolute paths that mean the same on every machine. A home or a temporary
/// folder is not among them.
const SYSTEM_PATHS: [&str; 9] = ["proc", "dev", "sys", "run", "etc", "usr", "bin", "var", "no"];

/// Floors are stood on, never looked up to.
pub(crate) fn floors(source: &Source) -> Vec<String> {
    let Some(inside) = source.path.strip_prefix("shm-mach/src/") else { return Vec::new() };
    if !source.is_rust() || inside == "lib.rs" || inside == "main.rs" || inside.starts_with("bin/") {
        return Vec::new();
    }
    let from = inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs");
    let Some((_, below)) = FLOORS.iter().find(|(name, _)| *name == from) else {
        return vec![format!("{}: `{from}` is on no floor", source.path)];
    };
    reached(inside, &source.tokens())
        .into_iter()
        .filter(|to| to.text != from && !below.contains(&to.text))
        .map(|to| format!("{}:{}: `{from}` reaches up to `{}`", source.path, to.line, to.text))
        .collect()
}

/// What a file names in the root of its crate: by `crate::`, or by as many `super::` as lead there.
fn reached<'a>(inside: &str, tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let deep = inside.trim_end_matches(".rs").trim_end_matches("/mod").split('/').count();
    let mut found = Vec::new();
    let mut braces = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let root = match tokens[at].text {
            "{" => {
                braces.push(at >= 2 && tokens[at - 2].text == "mod");
                false
            }
            "}" => {
                braces.pop();
                false
            }
            "crate" => tokens.get(at + 1).is_some_and(|next| next.text == ":"),
            "super" => {
                let mut up = 1;
                while words(&tokens[at..], &[":", ":", "super"], 1) {
                    (up, at) = (up + 1, at + 3);
                }
                up >= deep + braces.iter().filter(|inline| **inline).count()
            }
            _ => false,
        };
        at += 1;
        if root && words(&tokens[at..], &[":", ":"], 0) {
            found.extend(heads(&tokens[at + 2..]));
        }
    }
    found
}

fn words(tokens: &[Token<'_>], expected: &[&str], from: usize) -> bool {
    tokens.len() >= from + expected.len() && expected.iter().zip(&tokens[from..]).all(|(e, t)| t.text == *e)
}

/// The first names of a path, or of each path of a group in braces.
fn heads<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    if tokens.first().is_none_or(|first| first.text != "{") {
        return tokens.first().copied().into_iter().collect();
    }
    let (mut depth, mut fresh, mut found) = (0usize, false, Vec::new());
    for token in tokens {
        match token.text {
            "{" => (depth, fresh) = (depth + 1, depth == 0),
            "}" if depth == 1 => break,
            "}" => depth -= 1,
            "," if depth == 1 => fresh = true,
            _ if fresh => {
                found.push(*token);
                fresh = false;
            }
            _ => {}
        }
    }
    found
}

/// `unsafe` lives in its rooms.
pub(crate) fn rooms(source: &Source) -> Vec<String> {
    if !source.is_rust() {
        return Vec::new();
    }
    let kind = ROOMS.iter().find(|(room, _)| in_room(room, &source.path)).map(|(_, kind)| *kind);
    let tokens = source.tokens();
    let uses = tokens.iter().enumerate().filter(|(_, token)| token.text == "unsafe");
    uses.filter(|(at, _)| match kind {
        Some(Unsafe::Any) => false,
        Some(Unsafe::Impl) => tokens.get(at + 1).is_none_or(|next| next.text != "impl"),
        Some(Unsafe::Symbol) => {
            let is_attribute = *at >= 2 && words(&tokens[at - 2..], &["#", "[", "unsafe", "("], 0);
            let what = tokens.get(at + 2).map_or("", |what| what.text);
            !is_attribute || !["no_mangle", "link_section"].contains(&what)
        }
        None => true,
    })
    .map(|(_, token)| format!("{}:{}: unsafe outside its rooms", source.path, token.line))
    .collect()
}

pub(crate) fn in_room(room: &str, path: &str) -> bool {
    if room.ends_with('/') { path.starts_with(room) } else { path == room }
}

/// One file decides between loom and the machine; everything else is written against it.
pub(crate) fn loom(source: &Source) -> Vec<String> {
    if !source.is_rust() || LOOM.contains(&source.path.as_str()) {
        return Vec::new();
    }
    loom_lines(source)
        .map(|line| format!("{}:{line}: loom is named in a condition outside {}", source.path, LOOM[0]))
        .collect()
}

/// Where a `cfg` of any kind (`cfg`, `cfg!`, `cfg_attr`) asks about loom.
pub(crate) fn loom_lines(source: &Source) -> impl Iterator<Item = usize> {
    let tokens = source.tokens();
    let mut lines = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if !["cfg", "cfg_attr"].contains(&token.text) {
            continue;
        }
        let after = tokens[at + 1..].iter().skip_while(|next| next.text == "!");
        let mut depth = 0;
        for inner in after {
            match inner.text {
                "(" => depth += 1,
                ")" => depth -= 1,
                "loom" => lines.push(inner.line),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    lines.into_iter()
}

/// Files and functions are short enough to be read.
pub(crate) fn sizes(source: &Source) -> Vec<String> {
    if !source.is_shipped() {
        return Vec::new();
    }
    let lines = source.text.lines().count();
    let mut wrong = Vec::new();
    if lines > FILE_LINES {
        wrong.push(format!("{}: {lines} lines, at most {FILE_LINES}", source.path));
    }
    for (name, line, lines) in functions(&source.tokens()) {
        if lines > FUNCTION_LINES {
            wrong.push(format!("{}:{line}: `{name}` has {lines} lines", source.path));
        }
    }
    wrong
}

/// Each function with a body: its name, its line, and how many lines it takes.
fn functions<'a>(tokens: &[Token<'a>]) -> Vec<(&'a str, usize, usize)> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let name = tokens.get(at + 1).map_or("(", |name| name.text);
        if token.text != "fn" || !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            continue;
        }
        let (mut depth, mut body) = (0i32, false);
        for inner in &tokens[at..] {
            match inner.text {
                ";" if depth == 0 => break,
                "{" if depth == 0 => (depth, body) = (1, true),
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                _ => {}
            }
            if body && depth == 0 {
                found.push((name, token.line, inner.line - token.line + 1));
                break;
            }
        }
    }
    found
}

/// Nothing is left for later and no test is switched off.
pub(crate) fn finished(source: &Source) -> Vec<String> {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME")];
    let mut wrong: Vec<String> = Vec::new();
    for (number, line) in source.text.lines().enumerate() {
        let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        if let Some(mark) = words.find(|word| marks.contains(word)) {
            wrong.push(format!("{}:{}: {mark}", source.path, number + 1));
        }
    }
    if !source.is_rust() {
        return wrong;
    }
    let tokens = source.tokens();
    for (at, token) in tokens.iter().enumerate() {
        let call = ["todo", "unimplemented", "dbg"].contains(&token.text) && words(&tokens[at..], &["!"], 1);
        let attribute = token.text == "#" && attribute(&tokens[at..]).any(|inner| inner.text == "ignore");
        if call || attribute {
            let what = if call { token.text } else { "ignore" };
            wrong.push(format!("{}:{}: `{what}`", source.path, token.line));
        }
    }
    wrong
}

/// What stands in the brackets of an attribute, of which the first token is the `#`.
fn attribute<'a>(tokens: &'a [Token<'a>]) -> impl Iterator<Item = &'a Token<'a>> {
    let opens = if words(tokens, &["!"], 1) { 2 } else { 1 };
    let mut depth = 0;
    tokens[1..].iter().skip(opens - 1).take_while(move |token| {
        match token.text {
            "[" => depth += 1,
            "]" => depth -= 1,
            _ => {}
        }
        depth > 0
    })
}

/// Nothing in the tree tells of one machine: no path of its own, no registry of its own.
pub(crate) fn anywhere(source: &Source) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, line) in source.text.lines().enumerate() {
        let mut say = |what: &str| wrong.push(format!("{}:{}: {what}", source.path, number + 1));
        for path in absolute_paths(line) {
            say(&format!("the path `/{path}/...` is of one machine"));
        }
        if source.path == "Cargo.lock" || source.path.ends_with("/Cargo.lock") {
            let registry = line.trim().strip_prefix("source = ");
            if registry
                .is_some_and(|name| name != "\"registry+https://github.com/rust-lang/crates.io-index\"")
            {
                say("a source that is not crates.io");
            }
        } else if registry(line) || (source.path.ends_with(".toml") && configures_a_registry(line)) {
            say("a registry or a host of one site");
        }
    }
    wrong
}

/// The first part of each absolute path with at least two parts, unless every system has it.
fn absolute_paths(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices('/') {
        let before = line[..at].chars().next_back();
        let begins = before.is_none_or(|c| c.is_whitespace() || "\"'`(<[=,:".contains(c));
        let rest = &line[at + 1..];
        let part = rest.find(|c: char| !c.is_alphanumeric() && !"_-.".contains(c)).unwrap_or(rest.len());
        if begins && part > 0 && rest[part..].starts_with('/') && !SYSTEM_PATHS.contains(&&rest[..part]) {
            found.push(&rest[..part]);
        }
    }
    found
}

/// Whether a line names a host that serves packages, or one that means another machine elsewhere.
fn registry(line: &str) -> bool {
    let hosts = line.split("://").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '.' && c != '-').unwrap_or(rest.len());
        &rest[..end]
    });
    let mut bad = hosts.filter(|host| {
        let number = !host.is_empty() && host.chars().all(|c| c.is_ascii_digit() || c == '.');
        let parts = ["registry", "index", "mirror", "proxy", "artifactory", "nexus", "localhost", "internal"];
        number || host.split(['.', '-']).any(|part| parts.contains(&part))
    });
    bad.next().is_some()
}

fn configures_a_registry(line: &str) -> bool {
    let line = line.trim_start();
    let keys = ["[source", "[registries", "[registry", "registry ", "registry=", "replace-with", "proxy"];
    keys.iter().any(|key| line.starts_with(key)) || line.contains(" registry =")
}
