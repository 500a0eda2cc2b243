//! What the reader gives up, as far as Linux lets it: the best effort of each kind, and a line that
//! says what came of it. Whether it was enough is for the attempts to show.

use std::error::Error;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus, Scope,
};
use rustix::fs::Gid;
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_change, mount_remount, unmount,
};
use rustix::process::{DumpableBehavior, Resource, Rlimit, Uid, getegid, geteuid, pivot_root, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};

use crate::calls::{calls_that_nothing_needs, calls_that_open, refuse};
use crate::{Arguments, launch};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A part of the sandbox that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Layer {
    Namespaces,
    Landlock,
    Seccomp,
    User,
}

impl Layer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
            Self::User => "user",
        }
    }

    /// Does what the layer is, unless it is to be left out.
    fn unless(self, spare: &[Self], what: impl FnOnce() -> Result<String>) -> Result<String> {
        if spare.contains(&self) { Err("to be left out".into()) } else { what() }
    }
}

/// User and group "nobody".
const NOBODY: u32 = 65534;

/// Gives up everything that attaching and the first contact with a peer can do without. Must be
/// called before this process has other threads.
///
/// # Errors
/// What a process must not go on without: an empty environment and table of descriptors, no new
/// privileges, and its death with its parent.
pub(crate) fn enter(arguments: &Arguments) -> Result<Vec<String>> {
    let inherited = check_inherited()?;
    let was_root = geteuid().is_root();
    let mut lines = vec![inherited];
    let mut note = |what: &str, result: Result<String>| {
        lines.push(match result {
            Ok(how) => format!("{what}: {how}"),
            Err(error) => format!("{what}: not given up: {error}"),
        });
    };
    let spare = &arguments.spare;
    let namespaces = Layer::Namespaces.unless(spare, || unshare(was_root));
    let has_mounts = namespaces.is_ok();
    note("namespaces", namespaces);
    let root = if has_mounts { empty_root() } else { std::env::set_current_dir("/").map_err(Into::into) };
    note("file system", root.map(|()| empty_or_folder(has_mounts)));
    note("user", Layer::User.unless(spare, || become_nobody(was_root)));
    note("capabilities", Layer::User.unless(spare, drop_capabilities));
    rustix::thread::set_no_new_privs(true)?;
    note("no_new_privs", Ok("set".to_owned()));
    note("dumpable", not_dumpable());
    // A change of user takes this back.
    launch::die_with_parent(arguments)?;
    note("landlock", Layer::Landlock.unless(spare, landlock));
    note("limits", limit(&[(Resource::Core, 0), (Resource::Nproc, 0), (Resource::Nofile, 64)]));
    note("seccomp", Layer::Seccomp.unless(spare, || refuse(calls_that_nothing_needs())));
    Ok(lines)
}

/// Gives up what was needed only until the link to the server stood: new descriptors, files, growth.
pub(crate) fn seal(spare: &[Layer]) -> String {
    let limits = limit(&[(Resource::Nofile, 3), (Resource::Fsize, 0)]);
    let calls = Layer::Seccomp.unless(spare, || refuse(calls_that_open()));
    let say = |result: Result<String>| result.unwrap_or_else(|error| format!("not given up: {error}"));
    format!("limits: {}; seccomp: {}", say(limits), say(calls))
}

/// The channel is descriptor 0; 1 and 2 are /dev/null; there is nothing else.
fn check_inherited() -> Result<String> {
    let mut others = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let name = entry?.file_name();
        let target = std::fs::read_link(Path::new("/proc/self/fd").join(&name));
        let number: u32 = name.to_string_lossy().parse()?;
        let is_own = target.as_ref().is_ok_and(|target| target.ends_with("fd")); // this very listing
        if number > 2 && !is_own {
            others.push(format!("{number} ({target:?})"));
        }
    }
    if !others.is_empty() {
        return Err(format!("started with descriptors that are not its business: {others:?}").into());
    }
    let variables = std::env::vars_os().count();
    if variables > 1 {
        return Err(format!("started with {variables} variables").into());
    }
    Ok("started with: the channel, one variable that names it, and /dev/null twice".to_owned())
}

/// Namespaces of its own. The authority sees this process's pid and user as before.
fn unshare(was_root: bool) -> Result<String> {
    let own = UnshareFlags::NEWNET | UnshareFlags::NEWNS | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS;
    if was_root && unshare_flags(own).is_ok() {
        return Ok("network, mounts, ipc, host name".to_owned());
    }
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    unshare_flags(own | UnshareFlags::NEWUSER)?;
    // As who it was, and nobody else: an unmapped user has no credentials to attach by.
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
    std::fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))?;
    Ok("user, network, mounts, ipc, host name".to_owned())
}

#[allow(unsafe_code, reason = "rustix marks the call for the sake of one flag")]
fn unshare_flags(flags: UnshareFlags) -> rustix::io::Result<()> {
    assert!(!flags.contains(UnshareFlags::FILES));
    // SAFETY: unsound is only UnshareFlags::FILES, which is refused above; there is one thread.
    unsafe { rustix::thread::unshare_unsafe(flags) }
}

/// A file system of its own that has nothing in it but this process's own descriptors, which the
/// library opens its own memory by.
fn empty_root() -> Result<()> {
    let root = Path::new("/tmp");
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("tmpfs", root, "tmpfs", flags, Some(c"mode=755,size=4k"))?;
    let descriptors = root.join("proc/self/fd");
    std::fs::create_dir_all(&descriptors)?;
    mount_bind(format!("/proc/{}/fd", std::process::id()), &descriptors)?;
    std::env::set_current_dir(root)?;
    pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    std::env::set_current_dir("/")?;
    Ok(mount_remount("/", flags | MountFlags::RDONLY, c"")?)
}

fn empty_or_folder(has_mounts: bool) -> String {
    let what = if has_mounts { "a root with nothing in it but its own descriptors" } else { "folder is /" };
    what.to_owned()
}

/// Not root any more, in no group.
fn become_nobody(was_root: bool) -> Result<String> {
    if !was_root {
        return Ok("not root before either".to_owned());
    }
    let (uid, gid) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    rustix::thread::set_thread_groups(&[])?;
    rustix::thread::set_thread_res_gid(gid, gid, gid)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid)?;
    Ok(format!("{NOBODY} instead of root"))
}

fn drop_capabilities() -> Result<String> {
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(
        None,
        CapabilitySets { effective: none, permitted: none, inheritable: none },
    )?;
    Ok("none".to_owned())
}

fn not_dumpable() -> Result<String> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok("no: no core file, not traced".to_owned())
}

/// No file, no TCP port, no abstract address and no signal outside, and no exception from that.
fn landlock() -> Result<String> {
    let abi = ABI::V6;
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .restrict_self()?;
    match status.ruleset {
        RulesetStatus::FullyEnforced => Ok("files, tcp, abstract addresses, signals".to_owned()),
        RulesetStatus::PartiallyEnforced => Ok(format!("what this kernel has ({:?})", status.landlock)),
        RulesetStatus::NotEnforced => Err(format!("{:?}", status.landlock).into()),
    }
}

fn limit(limits: &[(Resource, u64)]) -> Result<String> {
    let mut words = Vec::new();
    for (resource, most) in limits {
        setrlimit(*resource, Rlimit { current: Some(*most), maximum: Some(*most) })?;
        words.push(format!("{resource:?} {most}").to_lowercase());
    }
    Ok(words.join(", "))
}
