//! Which authority a program finds.

mod support;

use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

use mach::authority::{Server, listen};
use mach::{Options, ReceiveRight, Task};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use support::{Folder, Linked, build, expect_success, has, run};

/// The name that `finds_service` looks for.
const SERVICE: &str = "test.rust";

/// An authority on a thread of this process, which listens at a path, and a task there with a service.
fn serve(path: &Path) -> (Task, ReceiveRight) {
    let listener = listen::at_path(path).unwrap();
    std::thread::spawn(move || Server::new(Some(listener)).run());
    let (task, _) = Task::attach_to(connected(path), &Options::default()).unwrap();
    let right = task.check_in(SERVICE).unwrap();
    (task, right)
}

fn connected(path: &Path) -> OwnedFd {
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    connect(&socket, &SocketAddrUnix::new(path).unwrap()).unwrap();
    socket
}

/// Builds a program in a folder of its own; `None`, said by name, without a compiler.
fn prepared(test: &str, program: &str) -> Option<(Folder, std::path::PathBuf)> {
    if !has("cc") {
        eprintln!("SKIP {test}: there is no cc");
        return None;
    }
    let folder = Folder::new(test);
    let made = build(program, &folder, Linked::Shared);
    Some((folder, made))
}

#[test]
fn the_one_that_the_environment_names() {
    let Some((folder, made)) = prepared("named", "finds_service") else { return };
    let path = folder.0.join("elsewhere");
    let _service = serve(&path);
    let named = [("SHM_MACH_AUTHORITY", path.to_str().unwrap())];
    expect_success("finds_service", &run(&made, &folder, &named));
    assert!(!run(&made, &folder, &[]).status.success(), "it was found without being named");
}

#[test]
fn the_one_that_listens_at_the_users_place() {
    let Some((folder, made)) = prepared("default", "finds_service") else { return };
    let _service = serve(&folder.0.join("shm-mach/socket"));
    expect_success("finds_service", &run(&made, &folder, &[]));
}

#[test]
fn the_one_that_its_starter_gives_it() {
    let Some((folder, made)) = prepared("inherited", "finds_service") else { return };
    let (task, right) = serve(&folder.0.join("elsewhere"));
    let connection = task.prepare_child(&right).unwrap();
    let output = Command::new(&made)
        .env("SHM_MACH_AUTHORITY", "fd:0")
        .stdin(Stdio::from(connection))
        .output()
        .unwrap();
    expect_success("finds_service", &output);
}

#[test]
fn none_where_the_environment_is_wrong() {
    let Some((folder, made)) = prepared("wrong", "no_authority") else { return };
    let nowhere = folder.0.join("nowhere");
    for wrong in [nowhere.to_str().unwrap(), "nonsense", "fd:1000", "fd:x"] {
        let output = run(&made, &folder, &[("SHM_MACH_AUTHORITY", wrong)]);
        expect_success(wrong, &output);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said.lines().count(), 1, "the reason is said once: {said}");
        assert!(said.starts_with("shm_mach: no task: "), "{said}");
    }
}
