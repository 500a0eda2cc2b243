//! What a process has: to be compared before and after.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{ROLE, role};

/// Descriptors, mapped segments, memory in them, and children, of some process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Census {
    descriptors: usize,
    pub(crate) segments: usize,
    shared_kib: usize,
    children: usize,
}

impl Census {
    /// Of a process now.
    pub(crate) fn of(process: u32) -> Self {
        let read = |name| std::fs::read_to_string(format!("/proc/{process}/{name}")).unwrap();
        let (maps, status) = (read("maps"), read("status"));
        let shared = status.lines().find_map(|line| line.strip_prefix("RssShmem:")).unwrap();
        let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
        let children = tasks.map(|task| {
            let list = std::fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default();
            list.split_whitespace().count()
        });
        Self {
            descriptors: std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().count(),
            segments: maps.lines().filter(|line| line.contains("memfd:shm-mach")).count(),
            shared_kib: shared.trim().trim_end_matches(" kB").parse().unwrap(),
            children: children.sum(),
        }
    }

    /// Of this process now.
    pub(crate) fn here() -> Self {
        Self::of(std::process::id())
    }

    /// Waits until the process has again what it had: an authority hears of an end a moment later.
    ///
    /// # Panics
    /// When it still has something else after twenty seconds.
    pub(crate) fn expect_again(self, process: u32, what: &str) {
        let limit = Instant::now() + Duration::from_secs(20);
        while Self::of(process) != self {
            assert!(Instant::now() < limit, "{what}: before {self:?}, after {:?}", Self::of(process));
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Runs the test function `test` in a process of its own, in which nothing else is counted: true in the
/// test, when that has succeeded; false in that process, and in its children.
pub(crate) fn alone(test: &str) -> bool {
    const ALONE: &str = "alone";
    match role() {
        None => {
            let output = Command::new(std::env::current_exe().unwrap())
                .args([test, "--exact", "--nocapture", "--test-threads=1"])
                .env(ROLE, ALONE)
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            print!("{said}");
            assert!(output.status.success(), "{test} failed: {}\n{said}", output.status);
            true
        }
        Some(role) => {
            if role == ALONE {
                let kill = Some(rustix::process::Signal::KILL);
                rustix::process::set_parent_process_death_signal(kill).unwrap();
            }
            false
        }
    }
}

/// The role of a child of the process that [`alone`] made; `None` in that process itself.
pub(crate) fn role_beside() -> Option<String> {
    role().filter(|role| role != "alone")
}
