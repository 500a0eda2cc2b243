//! One of the two processes of a repetition: started by the coordinator, it runs one side of one row and ends.

use crate::catalogue;
use crate::cpus::{self, Cpus};
use crate::failure::Failure;
use crate::side::{Role, Side};
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::os::fd::AsFd;

/// What a worker is told on its command line. Its standard input is a socket to its partner, its standard
/// output takes the result.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    /// The row to run.
    pub(crate) row: String,
    /// Which side of it.
    pub(crate) role: Role,
    /// Where the two sides run.
    pub(crate) cpus: Cpus,
    /// Operations to measure.
    pub(crate) count: u64,
    /// The process that must be alive for the result to matter.
    pub(crate) coordinator: i32,
}

/// Runs a job given as JSON.
pub(crate) fn run(job: &str) -> Result<(), Failure> {
    let job: Job = serde_json::from_str(job).map_err(|error| format!("not a job: {error}"))?;
    follow(job.coordinator)?;
    run_side(&job).map_err(|failure| format!("{}, {:?} side: {failure}", job.row, job.role).into())
}

fn run_side(job: &Job) -> Result<(), Failure> {
    let row = catalogue::find(&job.row).ok_or("no such row")?;
    cpus::pin(match job.role {
        Role::Left => job.cpus.left,
        Role::Right => job.cpus.right,
    })?;
    let link = io::stdin().as_fd().try_clone_to_owned()?;
    let side = Side::new(job.role, job.cpus, job.count, link);
    let measure = (row.run)(&side)?;
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, &measure)?;
    out.flush()?;
    Ok(())
}

/// Sees to it that this process does not outlive the one that started it, even if it spins.
pub(crate) fn follow(coordinator: i32) -> Result<(), Failure> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // Only from here on does the signal come; a coordinator that died before shows as another parent.
    if getppid().map(Pid::as_raw_pid) == Some(coordinator) {
        Ok(())
    } else {
        Err("started without a coordinator".into())
    }
}
