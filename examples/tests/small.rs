//! The small programs, as a reader of their sources would run them.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a run may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a program's source may be, in lines.
const LINES: usize = 100;

/// What `program` prints, once it has succeeded.
fn run(program: &str) -> String {
    let mut child = Command::new(program).stdout(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begin.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("{program} does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let output = std::io::read_to_string(child.stdout.take().unwrap()).unwrap();
    assert!(status.success(), "{status}: {output}");
    output
}

#[test]
fn select_serves_each_client_its_own_sum() {
    let mut lines: Vec<String> = run(env!("CARGO_BIN_EXE_select")).lines().map(str::to_owned).collect();
    assert_eq!(lines.pop().unwrap(), "0 sessions are left");
    lines.sort();
    assert_eq!(lines, ["a session ends with 100", "a session ends with 200", "a session ends with 300"]);
}

#[test]
fn a_lease_ends_with_its_holder() {
    let expected =
        "one client has the lock\nit was killed\nthe other client has the lock\nthe lock is free\n";
    assert_eq!(run(env!("CARGO_BIN_EXE_lease")), expected);
}

#[test]
fn what_was_handed_over_works_until_it_is_revoked() {
    let output = run(env!("CARGO_BIN_EXE_hand_over"));
    let lines: Vec<&str> = output.lines().collect();
    let by = ["boss", "worker", "worker", "worker", "worker", "boss"];
    for (number, (line, by)) in (1..).zip(lines.iter().zip(by)) {
        assert_eq!(*line, format!("{number}: counted by the {by}"));
    }
    assert_eq!(lines[by.len()..], ["the worker's right was revoked: true"]);
}

#[test]
fn they_are_small() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin");
    let programs: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(programs.len(), 3);
    for program in programs {
        let lines = std::fs::read_to_string(&program).unwrap().lines().count();
        assert!(lines < LINES, "{}: {lines} lines", program.display());
    }
}
