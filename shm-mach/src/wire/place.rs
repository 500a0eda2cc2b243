//! Where authorities are found when nobody says where.

use std::path::PathBuf;

/// Where the system's authority listens.
pub const SYSTEM_PATH: &str = "/run/shm-mach/socket";

/// Where a user's authority listens: in `$XDG_RUNTIME_DIR`, or where that usually is.
pub fn user_path() -> PathBuf {
    let run = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(
        || PathBuf::from(format!("/run/user/{}", rustix::process::geteuid().as_raw())),
        PathBuf::from,
    );
    run.join("shm-mach/socket")
}

/// Where a task's page has the bell that counts the events that the task was or will be told.
pub(crate) const TOLD_AT: usize = 0;
/// Where it has the bell that is rung after an event was sent.
pub(crate) const ARRIVED_AT: usize = 128;
