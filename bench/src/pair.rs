//! Starting the two processes of a repetition, and waiting for both.

use crate::cpus::Cpus;
use crate::failure::Failure;
use crate::measure::Measure;
use crate::row::{Place, Row};
use crate::side::Role;
use crate::worker::Job;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open};
use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// After this a repetition is taken to hang: a lost message or a missed wake-up. The longest take below a second.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs one repetition of a row in two fresh processes and returns what the left one measured.
pub(crate) fn repeat(row: &Row, cpus: &Cpus, count: u64) -> Result<Measure, Failure> {
    run(row, cpus, count).map_err(|failure| format!("{}: {failure}", row.name).into())
}

fn run(row: &Row, cpus: &Cpus, count: u64) -> Result<Measure, Failure> {
    let cpus = match row.place {
        Place::TwoCores => *cpus,
        Place::OneCore => cpus.one(),
    };
    let (one, other) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    let start = |role, link| {
        let job = Job { row: row.name.to_owned(), role, cpus, count, coordinator: getpid().as_raw_pid() };
        Process::start(&job, link)
    };
    let mut left = start(Role::Left, one)?;
    let mut right = start(Role::Right, other)?;
    wait(&mut left, &mut right)?;
    right.result()?;
    match left.result()? {
        Measure::Served => Err("the left side measured nothing".into()),
        measure => Ok(measure),
    }
}

/// Waits until both have ended well. If one fails, or time runs out, dropping both ends what still runs.
fn wait(left: &mut Process, right: &mut Process) -> Result<(), Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let running: Vec<_> = [&left, &right].into_iter().filter(|process| !process.ended).collect();
        if running.is_empty() {
            return Ok(());
        }
        let mut ends: Vec<_> =
            running.iter().map(|process| PollFd::new(&process.pidfd, PollFlags::IN)).collect();
        let rest = Timespec::try_from(deadline.saturating_duration_since(Instant::now()))?;
        match poll(&mut ends, Some(&rest)) {
            Ok(0) => return Err(format!("no result in {PATIENCE:?}: a message or a wake-up was lost").into()),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        left.look()?;
        right.look()?;
    }
}

/// A worker process; dropping it ends it.
struct Process {
    role: Role,
    child: Child,
    pidfd: OwnedFd,
    output: File,
    ended: bool,
}

impl Process {
    fn start(job: &Job, link: OwnedFd) -> Result<Self, Failure> {
        // A file and not a pipe: it takes a result of any size before anybody reads.
        let output = File::from(memfd_create("result", MemfdFlags::CLOEXEC)?);
        // The link of the kernel's own, so that a rebuild during a run does not mix two programs.
        let mut child = Command::new("/proc/self/exe")
            .arg0("bench")
            .arg("--worker")
            .arg(serde_json::to_string(job)?)
            .stdin(Stdio::from(link))
            .stdout(Stdio::from(output.try_clone()?))
            .spawn()?;
        match pidfd_open(Pid::from_child(&child), PidfdFlags::empty()) {
            Ok(pidfd) => Ok(Self { role: job.role, child, pidfd, output, ended: false }),
            Err(error) => {
                child.kill()?;
                child.wait()?;
                Err(error.into())
            }
        }
    }

    /// Notes whether the process has ended; it is an error if it ended badly.
    fn look(&mut self) -> Result<(), Failure> {
        if let Some(status) = self.child.try_wait()? {
            self.ended = true;
            if !status.success() {
                return Err(format!("the {:?} process failed: {status}", self.role).into());
            }
        }
        Ok(())
    }

    /// What it wrote; call this after it has ended.
    fn result(&mut self) -> Result<Measure, Failure> {
        let mut text = String::new();
        self.output.rewind()?;
        self.output.read_to_string(&mut text)?;
        Ok(serde_json::from_str(&text)?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.ended {
            // Errors mean that it is gone already, which is what is wanted.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
