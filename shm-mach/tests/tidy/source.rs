//! The tree as text, and Rust source as a list of words and signs, without comments and literals.

use std::path::{Path, PathBuf};

/// One text file: its path from the root of the workspace, with `/`, and what it says.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether it is part of a package's `src`.
    pub(crate) fn is_shipped(&self) -> bool {
        self.is_rust() && self.path.split('/').any(|part| part == "src")
    }

    pub(crate) fn tokens(&self) -> Vec<Token<'_>> {
        tokens(&self.text)
    }
}

/// Every text file of the workspace that is not built and not hidden; `.ci` is public too.
pub(crate) fn tree() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace around the package");
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a plain name");
            let built = ["target", "corpus", "artifacts"].contains(&name);
            if path.is_dir() {
                if !built && (!name.starts_with('.') || [".ci", ".cargo"].contains(&name)) {
                    folders.push(path);
                }
            } else if name != ".git" {
                found.extend(read(root, path));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// A file that is not UTF-8 is no text, and has no rules.
fn read(root: &Path, path: PathBuf) -> Option<Source> {
    let text = String::from_utf8(std::fs::read(&path).expect("a readable file")).ok()?;
    let inside = path.strip_prefix(root).expect("below the root");
    Some(Source { path: inside.to_str().expect("a plain path").to_owned(), text })
}

/// A word (identifier, keyword or number) or one sign, and the line it stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    pub(crate) line: usize,
}

/// Takes source apart. Comments, strings, characters and lifetimes leave nothing behind.
pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(next) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = ignored(rest).unwrap_or_else(|| {
            let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = word.max(next.len_utf8());
            if !next.is_whitespace() {
                found.push(Token { text: &rest[..length], line });
            }
            length
        });
        line += rest[..length].matches('\n').count();
        at += length;
    }
    found
}

/// How long the comment, literal or lifetime is that `rest` begins with, if it does.
fn ignored(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    match bytes {
        [b'/', b'/', ..] => Some(rest.find('\n').unwrap_or(rest.len())),
        [b'/', b'*', ..] => Some(block_comment(bytes)),
        [b'"', ..] => Some(quoted(bytes, 1, b'"')),
        [b'b' | b'c', b'"', ..] => Some(quoted(bytes, 2, b'"')),
        [b'b', b'\'', ..] => Some(quoted(bytes, 2, b'\'')),
        [b'r', b'"' | b'#', ..] => raw_string(rest, 1),
        [b'b' | b'c', b'r', b'"' | b'#', ..] => raw_string(rest, 2),
        [b'\'', b'\\', ..] => Some(quoted(bytes, 1, b'\'')),
        [b'\'', ..] => {
            let mut after = rest[1..].char_indices();
            let (_, inside) = after.next()?;
            let (close, quote) = after.next()?;
            let name = rest[1..].find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len() - 1);
            Some(if quote == '\'' { 1 + close + 1 } else { 1 + name.max(inside.len_utf8()) })
        }
        _ => None,
    }
}

fn block_comment(bytes: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0usize);
    while at < bytes.len() {
        match bytes[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted(bytes: &[u8], from: usize, quote: u8) -> usize {
    let mut at = from;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// `None` for a raw identifier.
fn raw_string(rest: &str, prefix: usize) -> Option<usize> {
    let hashes = rest[prefix..].bytes().take_while(|byte| *byte == b'#').count();
    let body = prefix + hashes + 1;
    if rest.as_bytes().get(body - 1) != Some(&b'"') {
        return None;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    Some(rest[body..].find(&end).map_or(rest.len(), |close| body + close + end.len()))
}
