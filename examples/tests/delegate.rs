//! The program as a user runs it: what it prints, what it refuses, what it leaves behind.

mod common;

use std::path::Path;
use std::time::Duration;

use common::{Folder, Run, descendants, is_alive, sha256sum};

/// As whom the program is run: as this test, and without privileges if that has any.
fn users() -> Vec<bool> {
    if rustix::process::geteuid().is_root() { vec![false, true] } else { vec![false] }
}

#[test]
fn digests_are_those_of_sha256sum() {
    let folder = Folder::new("digests");
    let names = ["empty", "one", "below", "boundary", "above", "two words", "a\\b", "a\nb", "-dash", "big"];
    let sizes = [0, 1, 65_535, 65_536, 65_537, 511, 512, 513, 100_000, 3 << 20];
    for (name, size) in names.iter().zip(sizes) {
        folder.write(name, size);
    }
    for unprivileged in users() {
        let run = Run::new(&folder, unprivileged).arg("--").args(names).finish();
        assert!(run.is_success, "{}", run.errors);
        assert_eq!(run.output, sha256sum(folder.path(), &names));
        run.assert_sandboxed();
        assert!(run.errors.contains("files: 10 opened, 10 closed on no-senders"), "{}", run.errors);
        folder.assert_no_socket();
    }
}

#[test]
fn the_default_file_is_the_lock_file() {
    let folder = Folder::new("default");
    let run = Run::new(&folder, false).finish();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("Cargo.lock");
    let expected = sha256sum(folder.path(), &[file.to_str().unwrap()]);
    assert!(run.is_success, "{}", run.errors);
    assert_eq!(run.output, expected);
}

#[test]
fn a_bad_file_is_named_and_the_others_work() {
    let folder = Folder::new("bad");
    folder.write("good", 1000);
    folder.write("fine", 70_000);
    folder.write("secret", 10);
    folder.forbid("secret");
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    std::os::unix::net::UnixListener::bind(folder.path().join("special")).unwrap();
    for unprivileged in users() {
        let names = ["good", "missing", "folder", "secret", "special", "fine"];
        let run = Run::new(&folder, unprivileged).args(names).finish();
        assert!(!run.is_success && run.code == Some(1), "{}", run.errors);
        for (name, why) in [
            ("missing", "No such file or directory"),
            ("folder", "Is a directory"),
            ("special", "not a regular file"),
        ] {
            let line = format!("delegate: {name}: {why}\n");
            assert!(run.errors.contains(&line), "{line} in {}", run.errors);
        }
        let is_root = rustix::process::geteuid().is_root() && !unprivileged;
        let good: &[&str] = if is_root { &["good", "secret", "fine"] } else { &["good", "fine"] };
        assert_eq!(run.output, folder.digests(good));
        assert_eq!(run.errors.contains("delegate: secret: Permission denied\n"), !is_root);
        run.assert_sandboxed();
    }
}

#[test]
fn a_revoked_right_fails_with_the_precise_error() {
    let folder = Folder::new("revoke");
    let sizes = [("empty", 0), ("one", 1), ("small", 100), ("large", 1 << 20)];
    for (name, size) in sizes {
        folder.write(name, size);
    }
    for unprivileged in users() {
        let run = Run::new(&folder, unprivileged).arg("--revoke").args(sizes.map(|(name, _)| name)).finish();
        assert!(run.is_success, "{}", run.errors);
        assert_eq!(run.output, b"");
        for (name, reads) in [("empty", 1), ("one", 1), ("small", 4), ("large", 8)] {
            let next = reads + 1;
            let line = format!(
                "{name}: {reads} reads worked; read {next}: the right was revoked by the port's receiver (0x10000003)\n"
            );
            assert!(run.errors.contains(&line), "{line} in {}", run.errors);
        }
        assert!(run.errors.contains("4 opened, 4 closed on no-senders; 4 rights revoked"), "{}", run.errors);
        run.assert_sandboxed();
    }
}

/// The attempts bite: without a sandbox they succeed, and the program fails and says so. Landlock and
/// the namespaces each hold alone, where the system has them.
#[test]
fn the_attempts_bite_and_each_layer_holds_alone() {
    let folder = Folder::new("layers");
    folder.write("file", 1000);
    let spare = |layers: &[&str]| {
        let mut run = Run::new(&folder, false);
        for layer in layers {
            run = run.arg(format!("--spare={layer}"));
        }
        run.arg("file").finish()
    };
    let run = spare(&["namespaces", "landlock", "seccomp", "user"]);
    assert_eq!((run.code, &run.output[..]), (Some(1), &b""[..]), "{}", run.errors);
    for able in ["open ", "connect to tcp", "connect to a unix socket", "connect to the authority", "signal"]
    {
        let line = format!("delegate: the reader was able to {able}");
        assert!(run.errors.contains(&line), "{line} in {}", run.errors);
    }
    for (layers, kept) in [
        (["namespaces", "seccomp"], "landlock: not given up"),
        (["landlock", "seccomp"], "namespaces: not given up"),
    ] {
        let run = spare(&layers);
        if run.errors.contains(kept) {
            println!("skipped: this system has not what is left without {layers:?}");
            continue;
        }
        assert!(run.is_success, "without {layers:?}: {}", run.errors);
        run.assert_refused();
    }
}

/// Whoever is killed in the middle of it, nobody and nothing is left.
#[test]
fn nothing_is_left_behind() {
    let folder = Folder::new("left");
    folder.sparse("endless", 1 << 36);
    for victim in ["launcher", "server", "client", "reader"] {
        let mut run = Run::new(&folder, false).arg("endless").start();
        let roles = run.roles();
        let pids: Vec<i32> = descendants(run.pid()).into_iter().chain([run.pid()]).collect();
        assert_eq!(pids.len(), 5, "{roles:?}");
        common::signal(roles[victim], rustix::process::Signal::KILL);
        let ended = run.finish();
        assert!(!ended.is_success, "{victim} killed: {}", ended.errors);
        common::await_gone(&pids);
        folder.assert_no_socket();
    }
    for signal in [rustix::process::Signal::INT, rustix::process::Signal::TERM] {
        let mut run = Run::new(&folder, false).arg("endless").start();
        let roles = run.roles();
        let pids = descendants(run.pid());
        // Without the authority established traffic goes on.
        common::signal(roles["authority"], rustix::process::Signal::KILL);
        std::thread::sleep(Duration::from_millis(300));
        assert!(is_alive(roles["reader"]) && is_alive(roles["server"]));
        common::signal(run.pid(), signal);
        assert!(!run.finish().is_success);
        common::await_gone(&pids);
        folder.assert_no_socket();
    }
}
