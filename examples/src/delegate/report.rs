//! What is printed: digests on the standard output, everything else on the standard error.

use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::attempts::Attempt;
use crate::protocol::{Account, Sent, Summary, Tried};

/// What the client has learned, for the standard error.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) reader: u32,
    pub(crate) given_up: Vec<String>,
    pub(crate) tried: Vec<Tried>,
    /// What works outside of the sandbox.
    pub(crate) outside: Vec<Attempt>,
    pub(crate) sent: Sent,
    pub(crate) summary: Option<Summary>,
    pub(crate) account: Option<Account>,
}

/// Prints a line as sha256sum does.
pub(crate) fn print_digest(digest: &[u8; 32], file: &Path) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    output.write_all(&digest_line(digest, file.as_os_str().as_bytes()))?;
    output.flush()
}

/// A name with a newline, a carriage return or a backslash is escaped, and the line starts with a
/// backslash to say so.
fn digest_line(digest: &[u8; 32], name: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(name.len() + 70);
    if name.iter().any(|byte| matches!(byte, b'\n' | b'\r' | b'\\')) {
        line.push(b'\\');
    }
    line.extend(digest.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()));
    line.extend(b"  ");
    for byte in name {
        match byte {
            b'\n' => line.extend(b"\\n"),
            b'\r' => line.extend(b"\\r"),
            b'\\' => line.extend(b"\\\\"),
            other => line.push(*other),
        }
    }
    line.push(b'\n');
    line
}

/// Says that the right to a file was revoked when it should be.
pub(crate) fn print_revoked(file: &Path, reads: u64, error: &str, code: u32) {
    let next = reads + 1;
    eprintln!("{}: {reads} reads worked; read {next}: {error} ({code:#x})", file.display());
}

impl Report {
    /// Prints it.
    pub(crate) fn print(&self) {
        eprintln!("the reader, process {}:", self.reader);
        for line in &self.given_up {
            eprintln!("  {line}");
        }
        for Tried { attempt, refused } in &self.tried {
            let outside = self.outside.iter().any(|works| works.to_string() == attempt.to_string());
            let outside = if outside { " (the client can)" } else { "" };
            let outcome = refused.as_deref().unwrap_or("SUCCEEDED");
            eprintln!("  tried to {attempt}{outside}: {outcome}");
        }
        if let Some(summary) = &self.summary {
            eprintln!("  after its first read gave up more: {}", summary.sealed);
        }
        if let (Some(summary), Some(account)) = (&self.summary, &self.account) {
            self.print_counts(summary, account);
        }
    }

    fn print_counts(&self, summary: &Summary, account: &Account) {
        let client = account.client;
        eprintln!("the server saw:");
        eprintln!("  the client: process {}, user {}, group {}", client.pid, client.uid, client.gid);
        for seen in &account.readers {
            eprintln!("  a reader: process {}, user {}, group {}", seen.pid, seen.uid, seen.gid);
        }
        let Account { opened, closed, revoked, .. } = account;
        eprintln!("  files: {opened} opened, {closed} closed on no-senders; {revoked} rights revoked");
        let all = [self.sent, summary.sent, account.sent];
        let messages: u64 = all.iter().map(|sent| sent.messages).sum();
        let rights: u64 = all.iter().map(|sent| sent.rights).sum();
        eprintln!(
            "{} bytes in {} reads; {messages} messages, {rights} rights moved",
            summary.bytes, summary.reads
        );
        let micros = |nanoseconds: u64| nanoseconds as f64 / 1000.0;
        let [p50, p99, p999] = summary.round_trip.map(micros);
        let first = micros(summary.first);
        eprintln!(
            "round trip of a read: p50 {p50:.1} us, p99 {p99:.1} us, p99.9 {p999:.1} us; the first, which makes the link: {first:.1} us"
        );
    }
}
