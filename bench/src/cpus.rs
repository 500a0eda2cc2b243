//! Which CPUs the two processes run on.

use crate::failure::Failure;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};

/// The CPUs of a run, taken from the affinity mask that the bench was started with.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Cpus {
    /// Where the measuring process runs.
    pub(crate) left: usize,
    /// Where its partner runs; the same CPU in the rows for one core.
    pub(crate) right: usize,
}

impl Cpus {
    /// Two allowed CPUs on different physical cores if there are such, else any two, else one CPU twice.
    pub(crate) fn choose() -> Result<Self, Failure> {
        let mask = sched_getaffinity(None)?;
        let allowed: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&cpu| mask.is_set(cpu)).collect();
        let left = *allowed.first().ok_or("the affinity mask is empty")?;
        let twins = threads_of_core(left);
        let right = allowed
            .iter()
            .find(|cpu| !twins.contains(cpu))
            .or_else(|| allowed.iter().find(|&&cpu| cpu != left))
            .copied()
            .unwrap_or(left);
        Ok(Self { left, right })
    }

    /// The same run with both processes on one CPU.
    pub(crate) fn one(self) -> Self {
        Self { left: self.left, right: self.left }
    }

    /// Whether two different CPUs are available.
    pub(crate) fn are_two(self) -> bool {
        self.left != self.right
    }
}

/// Binds the calling thread to one CPU.
pub(crate) fn pin(cpu: usize) -> Result<(), Failure> {
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set).map_err(|error| format!("cannot pin to CPU {cpu}: {error}"))?;
    Ok(())
}

/// The hardware threads that share a core with `cpu`, itself included; only itself where the kernel does not say.
fn threads_of_core(cpu: usize) -> Vec<usize> {
    let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
    let list = std::fs::read_to_string(path).unwrap_or_default();
    let mut threads = parse_list(list.trim()).unwrap_or_default();
    threads.push(cpu);
    threads
}

/// Parses the kernel's notation for CPU lists: `0-2,8`.
fn parse_list(list: &str) -> Option<Vec<usize>> {
    let mut cpus = Vec::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        cpus.extend(first.parse::<usize>().ok()?..=last.parse::<usize>().ok()?);
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::parse_list;

    #[test]
    fn lists_of_cpus() {
        assert_eq!(parse_list("0"), Some(vec![0]));
        assert_eq!(parse_list("0-2,8"), Some(vec![0, 1, 2, 8]));
        assert_eq!(parse_list(""), None);
    }
}
