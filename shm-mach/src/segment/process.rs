//! What the kernel tells of other processes.

use std::io::ErrorKind;

/// When a process started, in clock ticks since boot; 0 when there is no such process, or it is dead
/// and not yet reaped, or that cannot be told.
pub fn start_time(pid: u32) -> u64 {
    read(pid).unwrap_or(0)
}

/// Whether the process that had this pid and start time is dead, as far as can be told: not without a
/// readable `/proc`, and not from another pid namespace, where the pid is another process's or nobody's.
/// `own` is this process as the other pids were told: if it is another one here, so are they.
pub fn is_dead(pid: u32, started: u64, own: (u32, u64)) -> bool {
    let is_same_namespace = own.0 == std::process::id() && own.1 != 0 && start_time(own.0) == own.1;
    is_same_namespace
        && started != 0
        && match read(pid) {
            Ok(now) => now != started,
            Err(kind) => kind == ErrorKind::NotFound,
        }
}

fn read(pid: u32) -> Result<u64, ErrorKind> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).map_err(|error| error.kind())?;
    Ok(started(&stat))
}

/// The start time in a line of `/proc/PID/stat`; 0 of a process of which no thread runs any more.
fn started(stat: &str) -> u64 {
    // Field 2 is the command in parentheses, which may itself contain spaces and parentheses.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let fields: Vec<&str> = after.split_ascii_whitespace().collect();
    let number = |field: usize| fields.get(field - 3).and_then(|field| field.parse::<u64>().ok());
    let state = fields.first().copied().unwrap_or("X");
    // The state is the first thread's. One that has ended may have left others behind that run on.
    let is_dead = matches!(state, "Z" | "X" | "x") && number(20).unwrap_or(0) <= 1;
    if is_dead { 0 } else { number(22).unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_dead_only_where_its_pid_means_something() {
        let own = (std::process::id(), start_time(std::process::id()));
        assert!(!is_dead(own.0, own.1, own), "this one lives");
        assert!(is_dead(own.0, own.1 + 1, own), "its pid was another one's");
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert!(is_dead(pid, 1, own), "no such process");
        assert!(!is_dead(pid, 1, (own.0 + 1, own.1)), "the pids are of another namespace");
        assert!(!is_dead(pid, 0, own), "nobody knows when it started");
    }
    #[test]
    fn a_process_lives_as_long_as_any_of_its_threads() {
        let line = |state: &str, threads: u32| {
            format!("7 (a) b (c) {state} 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 {threads} 0 4711 9 9")
        };
        assert_eq!(started(&line("S", 1)), 4711);
        assert_eq!(started(&line("Z", 2)), 4711, "its first thread has ended alone");
        assert_eq!((started(&line("Z", 1)), started(&line("X", 0)), started("")), (0, 0, 0));
    }
}
