//! A folder with files, and a run of the program in it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// User and group "nobody".
const NOBODY: u32 = 65534;
/// How long a run may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder that is removed when the test ends, with a copy of the program that any user may run.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("shm-mach-test-{name}-{}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        let temporary = path.join("tmp");
        std::fs::create_dir(&temporary).unwrap();
        std::fs::set_permissions(&temporary, PermissionsExt::from_mode(0o777)).unwrap();
        // By another process: one forked here meanwhile would keep it open for writing.
        let copied =
            Command::new("cp").arg(env!("CARGO_BIN_EXE_delegate")).arg(path.join("delegate")).status();
        assert!(copied.unwrap().success());
        std::fs::set_permissions(path.join("delegate"), PermissionsExt::from_mode(0o755)).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A file of random bytes.
    pub(crate) fn write(&self, name: &str, size: usize) {
        let mut bytes = vec![0; size];
        std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
        std::fs::write(self.0.join(name), bytes).unwrap();
        std::fs::set_permissions(self.0.join(name), PermissionsExt::from_mode(0o644)).unwrap();
    }

    /// A file of zeros that takes no room.
    pub(crate) fn sparse(&self, name: &str, size: u64) {
        std::fs::File::create(self.0.join(name)).unwrap().set_len(size).unwrap();
    }

    /// Takes all permissions from a file.
    pub(crate) fn forbid(&self, name: &str) {
        std::fs::set_permissions(self.0.join(name), PermissionsExt::from_mode(0o000)).unwrap();
    }

    /// What sha256sum prints of files, as whoever this test is run by.
    pub(crate) fn digests(&self, names: &[&str]) -> Vec<u8> {
        sha256sum(&self.0, names)
    }

    /// The program has left nothing where it makes temporary files.
    pub(crate) fn assert_no_socket(&self) {
        let left: Vec<_> = std::fs::read_dir(self.0.join("tmp")).unwrap().collect();
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What sha256sum prints; it also takes that back.
pub(crate) fn sha256sum(folder: &Path, names: &[&str]) -> Vec<u8> {
    let output = Command::new("sha256sum").arg("--").args(names).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

/// A run of the program: made, started, finished.
pub(crate) struct Run {
    command: Command,
}

impl Run {
    pub(crate) fn new(folder: &Folder, unprivileged: bool) -> Self {
        let mut command = Command::new(folder.path().join("delegate"));
        command.current_dir(folder.path()).env("TMPDIR", folder.path().join("tmp"));
        if unprivileged {
            command.uid(NOBODY).gid(NOBODY);
        }
        Self { command }
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn finish(self) -> Finished {
        self.start().finish()
    }

    pub(crate) fn start(mut self) -> Started {
        let mut child = self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.stdout.take().unwrap();
        let errors = child.stderr.take().unwrap();
        Started { child, output: collect(output), errors: collect(errors) }
    }
}

type Collected = std::thread::JoinHandle<Vec<u8>>;

fn collect(mut from: impl Read + Send + 'static) -> Collected {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

pub(crate) struct Started {
    child: Child,
    output: Collected,
    errors: Collected,
}

impl Started {
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// The process of each role, once all are there and have been at work for a while.
    pub(crate) fn roles(&mut self) -> BTreeMap<String, i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline && self.child.try_wait().unwrap().is_none());
            std::thread::sleep(Duration::from_millis(200));
            let mut roles: BTreeMap<_, _> =
                descendants(self.pid()).into_iter().filter_map(|pid| Some((role(pid)?, pid))).collect();
            if roles.len() == 4 {
                roles.insert("launcher".to_owned(), self.pid());
                std::thread::sleep(Duration::from_millis(200));
                return roles;
            }
        }
    }

    /// Waits for its end, and for the end of whoever could still write to its standard streams.
    pub(crate) fn finish(mut self) -> Finished {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() > deadline => {
                    self.child.kill().unwrap();
                    panic!("does not end: {}", String::from_utf8_lossy(&self.errors.join().unwrap()));
                }
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        let errors = String::from_utf8_lossy(&self.errors.join().unwrap()).into_owned();
        let output = self.output.join().unwrap();
        Finished { is_success: status.success(), code: status.code(), output, errors }
    }
}

pub(crate) struct Finished {
    pub(crate) is_success: bool,
    pub(crate) code: Option<i32>,
    pub(crate) output: Vec<u8>,
    pub(crate) errors: String,
}

impl Finished {
    /// Nothing that the reader has tried has succeeded, and all was tried.
    pub(crate) fn assert_refused(&self) {
        for tried in [
            "tried to open ",
            "tried to connect to tcp ",
            "tried to connect to a unix socket by path",
            "tried to connect to the authority's address",
            "tried to signal the server's process",
            "tried to look up \"file-server\"",
        ] {
            assert!(self.errors.contains(tried), "{tried:?} in {}", self.errors);
        }
        assert!(!self.errors.contains("SUCCEEDED"), "{}", self.errors);
    }

    /// As [`assert_refused`](Self::assert_refused); what was tried works elsewhere; and what every
    /// system has was given up.
    pub(crate) fn assert_sandboxed(&self) {
        self.assert_refused();
        for line in [
            "tcp 127.0.0.1:",
            "by path (the client can): ",
            "address (the client can): ",
            "process (the client can): ",
            "no_new_privs: set\n",
            "capabilities: none\n",
            "limits: core 0, nproc 0, nofile 64\n",
            "a reader: process ",
            ", user 65534, group 65534\n",
        ] {
            assert!(self.errors.contains(line), "{line:?} in {}", self.errors);
        }
        for process in self.errors.split("process ").skip(1) {
            let pid: String = process.chars().take_while(char::is_ascii_digit).collect();
            assert!(pid.is_empty() || role(pid.parse().unwrap()).is_none(), "{pid} is left behind");
        }
    }
}

/// The role that a process of the program was started in.
fn role(pid: i32) -> Option<String> {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let mut words = line.split(|byte| *byte == 0);
    words.find(|word| *word == b"--role")?;
    Some(String::from_utf8_lossy(words.next()?).into_owned())
}

/// Parent and state of a process.
fn stat(pid: i32) -> Option<(i32, char)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?.chars().next()?;
    Some((fields.next()?.parse().ok()?, state))
}

pub(crate) fn is_alive(pid: i32) -> bool {
    stat(pid).is_some_and(|(_, state)| !matches!(state, 'Z' | 'X'))
}

/// Processes started by `pid`, and by those, and so on.
pub(crate) fn descendants(pid: i32) -> Vec<i32> {
    let all: Vec<i32> = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(all.iter().copied().filter(|pid| stat(*pid).is_some_and(|(of, _)| of == parent)));
        next += 1;
    }
    found.split_off(1)
}

pub(crate) fn signal(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// Waits until none of the processes is alive.
pub(crate) fn await_gone(pids: &[i32]) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while let Some(left) = pids.iter().find(|pid| is_alive(**pid)) {
        assert!(Instant::now() < deadline, "process {left} ({:?}) is left behind", role(*left));
        std::thread::sleep(Duration::from_millis(5));
    }
}
