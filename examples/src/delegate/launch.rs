//! Starting processes, none of which outlives the one that has started it.

use std::hash::{BuildHasher, RandomState};
use std::io::{Error, Result};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
};
use rustix::process::{Signal, getppid, set_parent_process_death_signal};

use crate::sandbox::Layer;
use crate::{Arguments, Outcome, Role};

/// The launcher: starts the authority and the server, and waits for the server.
pub(crate) fn run(mut arguments: Arguments) -> Outcome {
    // Whatever this process was started with besides its standard streams is nobody else's business.
    close_fds::set_fds_cloexec_threadsafe(3, &[]);
    if arguments.files.is_empty() {
        arguments.files.push(default_file());
    }
    arguments.authority = format!("shm-mach/delegate/{:016x}", RandomState::new().hash_one(0u8));
    let address = SocketAddrUnix::new_abstract_name(arguments.authority.as_bytes())?;
    let listener = seqpacket()?;
    bind(&listener, &address)?;
    listen(&listener, 16)?;
    let mut authority =
        Killed(command(Role::Authority).stdin(Stdio::from(listener)).stdout(Stdio::null()).spawn()?);
    let socket = seqpacket()?;
    connect(&socket, &address)?;
    let mut server = Killed(attached(Role::Server, socket).args(passed_on(&arguments)).spawn()?);
    let status = server.0.wait()?;
    if let Some(status) = authority.0.try_wait()? {
        eprintln!("delegate: the authority has ended early: {status}");
        return Ok(ExitCode::FAILURE);
    }
    if status.code().is_none() {
        eprintln!("delegate: the server has died: {status}");
    }
    Ok(exit_code(status))
}

/// The exit status to end with after `status`.
pub(crate) fn exit_code(status: std::process::ExitStatus) -> ExitCode {
    status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// A process that is killed when this value goes.
#[derive(Debug)]
pub(crate) struct Killed(pub(crate) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // Both fail when it has ended and was waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn seqpacket() -> Result<OwnedFd> {
    Ok(socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// This program in another role.
fn command(role: Role) -> Command {
    // The file that this process runs, even if its path now leads elsewhere or is not accessible.
    let mut command = Command::new("/proc/self/exe");
    let parent = std::process::id().to_string();
    command.arg0("delegate").args(["--role", role.name(), "--parent", &parent]);
    command
}

/// This program in another role, with a connection to the authority as its standard input.
pub(crate) fn attached(role: Role, socket: OwnedFd) -> Command {
    let mut command = command(role);
    command.env("SHM_MACH_AUTHORITY", "fd:0").stdin(Stdio::from(socket));
    command
}

/// The arguments that are the same for every role that gets them.
pub(crate) fn passed_on(arguments: &Arguments) -> Vec<std::ffi::OsString> {
    let mut passed: Vec<std::ffi::OsString> = vec!["--authority".into(), arguments.authority.clone().into()];
    passed.extend(arguments.revoke.then(|| "--revoke".into()));
    passed.extend(spared(&arguments.spare).into_iter().map(Into::into));
    passed.push("--".into());
    passed.extend(arguments.files.iter().map(Into::into));
    passed
}

/// What the reader is to keep.
pub(crate) fn spared(spare: &[Layer]) -> Vec<String> {
    spare.iter().map(|layer| format!("--spare={}", layer.name())).collect()
}

/// Asks the kernel to kill this process when the one that started it dies. Whoever changes its user
/// must ask again.
pub(crate) fn die_with_parent(arguments: &Arguments) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let Some(parent) = arguments.parent else { return Ok(()) };
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let now = getppid().map_or(0, |pid| pid.as_raw_nonzero().get() as u32);
    if now == parent { Ok(()) } else { Err(Error::other("whoever started this process is dead").into()) }
}

/// The workspace's Cargo.lock, named as briefly as the current folder allows.
fn default_file() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let file = workspace.join("Cargo.lock");
    let brief = PathBuf::from("Cargo.lock");
    match (brief.canonicalize(), file.canonicalize()) {
        (Ok(here), Ok(there)) if here == there => brief,
        _ => file,
    }
}
