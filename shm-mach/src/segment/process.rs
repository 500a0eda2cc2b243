//! What the kernel tells of other processes.

/// When a process started, in clock ticks since boot; 0 when there is no such process, or when it is
/// dead and not yet reaped, or when it cannot be read.
pub fn start_time(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Field 2 is the command in parentheses, which may itself contain spaces and parentheses.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let mut fields = after.split_ascii_whitespace();
    let is_dead = fields.next().is_none_or(|state| matches!(state, "Z" | "X" | "x"));
    let started = fields.nth(18).and_then(|field| field.parse().ok()).unwrap_or(0);
    if is_dead { 0 } else { started }
}
