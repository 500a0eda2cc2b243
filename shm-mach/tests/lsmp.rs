//! The tool that lists ports: what it says is what tasks hold, and it shows nobody what is not his.

mod common;
#[path = "lsmp/forged.rs"]
mod forged;

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::machd::Machd;
use common::meet::{next, receive_right};
use common::{inherited, role, spawn, sys};
use serde_json::Value;
use shm_mach::{
    AuthorityError, Message, Options, PortName, Received, Right, RightKind, SendRight, Task, Tasks, TypeBits,
};

/// Runs the tool, which asks this authority.
fn lsmp(machd: &Machd, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lsmp"));
    command.args(arguments).env("SHM_MACH_AUTHORITY", "fd:0").stdin(machd.connect());
    sys::tied(command.stderr(Stdio::piped()).stdout(Stdio::piped())).output().unwrap()
}

/// What it prints.
fn printed(machd: &Machd, arguments: &[&str]) -> String {
    let output = lsmp(machd, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The tasks that it tells, by pid: each line is an object of its own.
fn told(machd: &Machd, arguments: &[&str]) -> Vec<Value> {
    let text = printed(machd, arguments);
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn of_pid(all: &[Value], pid: u32) -> &Value {
    let mut found = all.iter().filter(|task| task["pid"] == pid);
    let task = found.next().expect("the task is told");
    assert!(found.next().is_none(), "once");
    task
}

fn name_in(task: &Value, name: PortName) -> &Value {
    let mut names = task["names"].as_array().unwrap().iter();
    names.find(|entry| entry["name"] == name.get()).unwrap_or_else(|| panic!("{name} is in {task}"))
}

/// Name, rights, urefs; pid and name where it leads.
type Row = (PortName, &'static [&'static str], u32, Option<(u32, PortName)>);

fn check(task: &Value, rows: &[Row]) {
    assert_eq!(task["names"].as_array().unwrap().len(), rows.len(), "{task}");
    for (name, rights, urefs, to) in rows {
        let entry = name_in(task, *name);
        assert_eq!((&entry["rights"], &entry["urefs"]), (&(*rights).into(), &(*urefs).into()), "{entry}");
        let found = &entry["to"];
        match to {
            None => assert!(found.is_null(), "{entry}"),
            Some((pid, name)) => {
                assert_eq!((&found["pid"], &found["name"]), (&(*pid).into(), &name.get().into()), "{entry}");
            }
        }
    }
}

/// The columns of the table of a process: all that stands in a line, by name.
fn columns(text: &str, pid: u32) -> BTreeMap<String, Vec<String>> {
    let begins = format!("pid {pid} uid ");
    let lines = text.lines().skip_while(|line| !line.starts_with(&begins)).skip(1);
    let mut rows = lines.take_while(|line| !line.is_empty());
    assert!(rows.next().unwrap().starts_with("NAME        RIGHTS     UREFS  FLAGS"), "a header");
    rows.map(|line| {
        let mut words = line.split_whitespace().map(str::to_owned);
        (words.next().unwrap(), words.collect())
    })
    .collect()
}

fn check_columns(text: &str, pid: u32, rows: &[Row]) {
    let found = columns(text, pid);
    assert_eq!(found.len(), rows.len());
    for (name, rights, urefs, to) in rows {
        let mut expected = vec![rights.join(","), urefs.to_string(), "-".to_owned()];
        match to {
            None => expected.push("-".to_owned()),
            Some((there, name)) if *there == pid => expected.extend(["here".to_owned(), name.to_string()]),
            Some((there, name)) => {
                expected.extend(["pid".to_owned(), there.to_string(), name.to_string()]);
            }
        }
        assert_eq!(found[&name.to_string()], expected);
    }
}

/// The boxes and arrows of a picture, which is refused if it is not well-formed.
fn picture(text: &str) -> (BTreeMap<String, String>, BTreeMap<(String, String), String>) {
    let inner = text.strip_prefix("digraph lsmp {\n").and_then(|rest| rest.strip_suffix("}\n"));
    let (mut boxes, mut arrows) = (BTreeMap::new(), BTreeMap::new());
    for line in inner.expect("one graph").lines() {
        let statement = line.strip_prefix("  ").and_then(|line| line.strip_suffix(';')).expect(line);
        if ["rankdir=LR", "node [shape=box]"].contains(&statement) {
            continue;
        }
        let (ends, rest) = statement.split_once(" [label=\"").expect(line);
        let (label, rest) = rest.split_once('"').expect(line);
        assert!(["]", ", style=solid]", ", style=dashed]"].contains(&rest), "{line}");
        let is_id = |id: &str| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric());
        match ends.split_once(" -> ") {
            None => {
                assert!(is_id(ends), "{line}");
                assert!(boxes.insert(ends.to_owned(), label.to_owned()).is_none(), "{line}");
            }
            Some((from, to)) => {
                assert!(boxes.contains_key(from) && boxes.contains_key(to), "{line}");
                assert!(arrows.insert((from.to_owned(), to.to_owned()), label.to_owned()).is_none());
            }
        }
    }
    (boxes, arrows)
}

/// A child that has a port, a dead name, and rights to the parent's ports; it tells their names and stops.
fn hold_and_stop() {
    let (task, parent) = Task::attach_to(inherited(), &Options::default()).unwrap();
    let (parent, own) = (parent.unwrap(), task.allocate().unwrap());
    parent.send(Message::new(1, b"").with_right(own.make_send())).unwrap();
    let mut message = next(&own, "rights");
    let rights: Vec<SendRight> = message.take_rights().into_iter().filter_map(Right::into_send).collect();
    rights[0].send(Message::new(2, b"opens a lane")).unwrap();
    let dead = task.allocate_dead_name().unwrap();
    task.mod_refs(dead, RightKind::DeadName, 2).unwrap();
    let names = [own.name(), parent.name(), rights[0].name(), rights[2].name(), dead];
    let body: Vec<u8> = names.iter().flat_map(|name| name.get().to_ne_bytes()).collect();
    parent.send(Message::new(3, &body)).unwrap();
    sys::stop_here();
}

fn wait_until_stopped(pid: u32) {
    let begin = Instant::now();
    let stat = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    while stat().rsplit(") ").next().is_none_or(|state| !state.starts_with('T')) {
        assert!(begin.elapsed() < Duration::from_secs(20), "the child does not stop");
        std::thread::yield_now();
    }
}

#[test]
fn what_it_lists_is_what_tasks_hold_also_stopped_ones() {
    const TEST: &str = "what_it_lists_is_what_tasks_hold_also_stopped_ones";
    if role().is_some() {
        return hold_and_stop();
    }
    let machd = Machd::start(1);
    let (task, _) = Task::attach_to(machd.connect(), &Options::default()).unwrap();
    let [home, a, b] = [(); 3].map(|()| task.allocate().unwrap());
    let child = spawn(TEST, "holder", task.prepare_child(&home).unwrap());
    let to_child = receive_right(&home, &mut Received::new());
    let more = to_child.clone();
    let message = [&a, &a, &b]
        .into_iter()
        .fold(Message::new(1, b""), |message, port| message.with_right(port.make_send()));
    to_child.send(message).unwrap();
    let names: Vec<PortName> = next(&home, "names")
        .body()
        .chunks_exact(4)
        .map(|name| PortName::new(u32::from_ne_bytes(name.try_into().unwrap())).unwrap())
        .collect();
    let (own, theirs) = (std::process::id(), child.0.id());
    wait_until_stopped(theirs);
    let here: [Row; 4] = [
        (home.name(), &["recv"], 0, Some((own, home.name()))),
        (a.name(), &["recv"], 0, Some((own, a.name()))),
        (b.name(), &["recv"], 0, Some((own, b.name()))),
        (to_child.name(), &["send"], 2, Some((theirs, names[0]))),
    ];
    let there: [Row; 5] = [
        (names[0], &["recv"], 0, Some((theirs, names[0]))),
        (names[1], &["send"], 1, Some((own, home.name()))),
        (names[2], &["send"], 2, Some((own, a.name()))),
        (names[3], &["send"], 1, Some((own, b.name()))),
        (names[4], &["dead"], 3, None),
    ];
    assert_eq!(task.names().unwrap().len(), here.len(), "what the calls say");
    assert_eq!(task.get_refs(to_child.name(), RightKind::Send), Ok(2));
    assert_eq!(task.right_type(a.name()), Ok(TypeBits::RECEIVE));

    let blocks = || rustix::fs::fstat(task.names_file()).unwrap().st_blocks;
    let before = blocks();
    let all = told(&machd, &["-j", "-v"]);
    assert_eq!(all.len(), 2);
    check(of_pid(&all, own), &here);
    check(of_pid(&all, theirs), &there);
    let entry = name_in(of_pid(&all, theirs), names[2]);
    assert_eq!(entry["port"], name_in(of_pid(&all, own), a.name())["port"], "one id in both tables");
    assert_ne!(entry["place"]["generation"], 0, "a lane is open");

    let text = printed(&machd, &[]);
    check_columns(&text, own, &here);
    check_columns(&text, theirs, &there);
    let verbose = columns(&printed(&machd, &["-v"]), theirs);
    let (lane, dead) = (&verbose[&names[2].to_string()], &verbose[&names[4].to_string()]);
    let secret = entry["port"]["secret"].as_str().unwrap();
    assert!(lane[6].ends_with(secret) && lane[7].starts_with("1:0x"), "{lane:?}");
    assert_eq!(dead[3..], ["-", "-", "-"], "nothing to tell");
    let one = told(&machd, &["-p", &theirs.to_string(), "-j"]);
    assert_eq!(one.len(), 1);
    check(of_pid(&one, theirs), &there);
    assert!(!lsmp(&machd, &["-p", "4294967295"]).status.success());
    assert_eq!(lsmp(&machd, &["--nonsense"]).status.code(), Some(2));

    let (boxes, arrows) = picture(&printed(&machd, &["--dot"]));
    let of = |pid: u32| format!("t{}", of_pid(&all, pid)["task"].as_str().unwrap());
    assert!(boxes[&of(own)].starts_with(&format!("pid {own}\\n")), "{boxes:?}");
    assert_eq!((boxes.len(), arrows.len()), (2, 2));
    assert_eq!(arrows[&(of(own), of(theirs))], "1 port");
    assert_eq!(arrows[&(of(theirs), of(own))], "3 ports");
    let (_, arrows) = picture(&printed(&machd, &["--dot", "-v"]));
    assert_eq!(arrows[&(of(own), of(theirs))], format!("{} to {}", to_child.name(), names[0]));

    assert_eq!(blocks(), before, "looking made no memory in the table");
    drop((more, child));
}

fn ids(tasks: Tasks) -> Vec<(u64, u32)> {
    tasks.map(|task| task.map(|task| (task.id, task.identity.pid)).unwrap()).collect()
}

/// A child of another uid attaches and lists what it sees, by a connection of its own and by the parent's.
fn look_as_nobody() {
    sys::become_uid(sys::NOBODY);
    let parents = inherited();
    let mut name = [0; 128];
    let (length, _) = common::raw::receive(&parents, &mut name);
    let address = rustix::net::SocketAddrUnix::new_abstract_name(&name[..length]).unwrap();
    let connect = || common::machd::connected(&address);
    let (_task, _) = Task::attach_to(connect(), &Options::default()).unwrap();
    let (_, mut roots) = common::raw::receive(&parents, &mut name);
    let seen = ids(Tasks::over(connect()).unwrap());
    assert_eq!(seen.iter().map(|(_, pid)| *pid).collect::<Vec<_>>(), [std::process::id()]);
    let mut by_root = Tasks::over(roots.pop().unwrap()).unwrap();
    assert!(matches!(by_root.next(), Some(Err(AuthorityError::NotListed))), "opened by somebody else");
    assert!(by_root.next().is_none());
    common::raw::send(&parents, b"seen", &[]);
    common::raw::receive(&parents, &mut name); // until the parent has looked
}

#[test]
fn a_user_sees_its_own_tasks_and_root_sees_all() {
    const TEST: &str = "a_user_sees_its_own_tasks_and_root_sees_all";
    if role().is_some() {
        return look_as_nobody();
    }
    if !sys::is_root() {
        println!("skipped: {TEST}: only root can become another user");
        return;
    }
    let machd = Machd::start(2);
    let (_task, _) = Task::attach_to(machd.connect(), &Options::default()).unwrap();
    let (ours, theirs) = common::sockets();
    let child = spawn(TEST, "nobody", theirs);
    common::raw::send(&ours, machd.address.abstract_name().unwrap(), &[]);
    common::raw::send(&ours, b"root's", &[machd.connect().as_fd()]);
    let (length, _) = common::raw::receive(&ours, &mut [0; 8]);
    assert_eq!(length, 4, "it has seen what it must");
    let mut all: Vec<u32> =
        ids(Tasks::over(machd.connect()).unwrap()).into_iter().map(|(_, pid)| pid).collect();
    all.sort_unstable();
    let mut expected = [std::process::id(), child.0.id()];
    expected.sort_unstable();
    assert_eq!(all, expected);
    common::raw::send(&ours, b"done", &[]);
    child.finish();
}

#[test]
fn a_connection_that_was_handed_to_a_process_lists_nothing() {
    let machd = Machd::start(3);
    let (task, _) = Task::attach_to(machd.connect(), &Options::default()).unwrap();
    let port = task.allocate().unwrap();
    let for_child = task.prepare_child(&port).unwrap();
    let mut tasks = Tasks::over(for_child).unwrap();
    assert!(matches!(tasks.next(), Some(Err(AuthorityError::NotListed))));
    // Nor does a task, over the socket that it has kept since before it went into a sandbox.
    let bare = common::bare::Bare::attach(machd.connect());
    let answer = bare.ask(&shm_mach::wire::request::Request::List { after: 0 });
    use shm_mach::wire::event::{Answer, Refusal};
    assert_eq!(answer, Answer::Refused(Refusal::Protocol));
    assert_eq!(ids(Tasks::over(machd.connect()).unwrap()).len(), 2, "others are served");
}

/// One that asks and asks, and reads nothing: it gets a few descriptors and is then shut out.
#[test]
fn one_who_does_not_read_is_soon_shut_out() {
    use rustix::net::sockopt::set_socket_passcred;
    use shm_mach::wire::request::Request;
    let machd = Machd::start(4);
    let (_task, _) = Task::attach_to(machd.connect(), &Options::default()).unwrap();
    let open = || std::fs::read_dir(format!("/proc/{}/fd", machd.process.0.id())).unwrap().count();
    let before = open();
    let silent = machd.connect();
    set_socket_passcred(&silent, true).unwrap();
    let list = Request::List { after: 0 }.encode(1);
    let begin = Instant::now();
    while shm_mach::segment::socket::send(&silent, &list, None, false) != Err(rustix::io::Errno::PIPE) {
        assert!(begin.elapsed() < Duration::from_secs(20), "it is never shut out");
    }
    let mut answers = 0;
    let mut bytes = [0; 512];
    loop {
        match shm_mach::segment::socket::receive(&silent, &mut bytes, false) {
            // Told once, before what lies there: it was shut out with requests that nobody has read.
            Err(rustix::io::Errno::CONNRESET) => {}
            Err(_) => break,
            Ok(datagram) if datagram.length == 0 => break,
            Ok(datagram) => {
                assert_eq!(datagram.fds.len(), 1);
                answers += 1;
            }
        }
    }
    assert!((1..=16).contains(&answers), "{answers} answers were in flight");
    assert_eq!(ids(Tasks::over(machd.connect()).unwrap()).len(), 1, "others are served");
    let begin = Instant::now();
    while open() > before {
        assert!(begin.elapsed() < Duration::from_secs(20), "descriptors are left");
        std::thread::yield_now();
    }
}
