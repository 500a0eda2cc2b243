//! The bench as a command: what it prints and writes, and how it ends when something is wrong.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn bench(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
    command.args(arguments);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn run(arguments: &[&str]) -> Output {
    bench(arguments).output().expect("the bench starts")
}

#[test]
fn json_has_one_object_a_line() {
    let path = std::env::temp_dir().join(format!("bench-{}.json", std::process::id()));
    let name = path.to_str().expect("a plain path");
    let output = run(&["--quick", "--json", name, "futex_rtt_one_core", "socketpair_create"]);
    let written = std::fs::read_to_string(&path).expect("a file");
    std::fs::remove_file(&path).expect("removable");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let mut names = Vec::new();
    for line in written.lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("an object");
        let row = row.as_object().expect("an object");
        let keys =
            ["name", "payload_bytes", "wait", "p50_ns", "p99_ns", "p999_ns", "msgs_per_s", "anchor", "ratio"];
        assert_eq!(row.len(), keys.len());
        assert!(keys.iter().all(|key| row.contains_key(*key)), "{line}");
        assert!(row["p50_ns"].as_u64().is_some_and(|time| time > 0), "{line}");
        names.push(row["name"].as_str().expect("a name").to_owned());
    }
    assert_eq!(names, ["futex_rtt_one_core", "socketpair_create"]);
    let table = text(&output.stdout);
    assert!(names.iter().all(|name| table.contains(name)), "{table}");
}

#[test]
fn an_unknown_name_lists_the_known() {
    let output = run(&["no_such_row"]);
    assert!(!output.status.success());
    let said = text(&output.stderr);
    assert!(
        said.contains("no_such_row") && said.contains("line_rtt") && said.contains("bare_ring"),
        "{said}"
    );
}

#[test]
fn a_path_that_cannot_be_written_fails_before_measuring() {
    let output = run(&["--quick", "--json", "/no/such/folder/rows.json"]);
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    assert!(text(&output.stderr).contains("/no/such/folder/rows.json"));
}

/// The processes that `parent` started.
fn children(parent: u32) -> Vec<i32> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let list = std::fs::read_to_string(path).unwrap_or_default();
    list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// Waits for something to come true, for at most ten seconds.
fn until(mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !done() {
        if start.elapsed() > Duration::from_secs(10) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
    // It may have ended by itself a moment ago.
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

fn is_running(pid: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = status.rsplit(')').next().unwrap_or_default().trim_start().chars().next();
    state.is_some_and(|state| state != 'Z')
}

#[test]
fn no_process_outlives_its_partner_or_the_coordinator() {
    for victim in ["a worker", "the coordinator"] {
        let mut coordinator = bench(&["futex_rtt_one_core", "socketpair_create"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the bench starts");
        let mut workers = Vec::new();
        let started = until(|| {
            workers = children(coordinator.id());
            workers.len() == 2
        });
        assert!(started, "two workers never ran at once");
        match victim {
            "a worker" => kill(workers[0]),
            _ => coordinator.kill().expect("it runs"),
        }
        let status = coordinator.wait().expect("a status");
        assert!(!status.success(), "{victim} was killed, yet the run succeeded");
        assert!(until(|| !workers.iter().any(|&pid| is_running(pid))), "{victim} killed: a worker runs on");
    }
}
