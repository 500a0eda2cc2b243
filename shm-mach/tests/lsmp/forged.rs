//! Tables that no library wrote.

use std::os::fd::OwnedFd;
use std::sync::atomic::AtomicBool;

use futex::sync::{AtomicU32, AtomicU64, Ordering};
use shm_mach::Options;
use shm_mach::ipc::backing::{MAGIC, VERSION};
use shm_mach::ipc::{NameReader, Row};
use shm_mach::segment::{OwnMemory, OwnSegment};

use super::common::bare::Bare;
use super::common::machd::Machd;
use super::common::meet::Pair;
use super::common::random::Random;
use super::{name_in, of_pid, picture, printed, told};

/// A table that says it has `told` lines, and has room for `lines`.
fn table(told: u32, lines: usize) -> (OwnMemory, OwnedFd) {
    let segment = OwnSegment::create(4096 + lines * 64).unwrap();
    let memory = segment.memory();
    for (at, value) in [(8, VERSION), (12, 64), (16, told)] {
        memory.view::<AtomicU32>(at).store(value, Ordering::Relaxed);
    }
    memory.view::<AtomicU64>(0).store(MAGIC, Ordering::Relaxed);
    (memory, segment.into_read_only())
}

/// Writes a line that claims what `row` says.
fn put(memory: &OwnMemory, index: usize, name: u32, bits: u32, urefs: u32, receiver: u64, row: &Row) {
    let at = 4096 + index * 64;
    for (offset, value) in [(0, name), (4, bits), (8, urefs), (52, row.port.index)] {
        memory.view::<AtomicU32>(at + offset).store(value, Ordering::Relaxed);
    }
    for (offset, value) in [(24, row.port.birth), (32, row.port.secret), (40, receiver)] {
        memory.view::<AtomicU64>(at + offset).store(value, Ordering::Relaxed);
    }
}

fn state(task: &serde_json::Value, line: u64) -> &serde_json::Value {
    let lines = task["names"].as_array().unwrap();
    lines.iter().find(|entry| entry["line"] == line).unwrap_or_else(|| panic!("line {line} is in {task}"))
}

const SEND: u32 = 0x10000;
const RECEIVE: u32 = 0x20000;

#[test]
fn forged_lines_are_shown_as_such_and_mislead_about_nobody_else() {
    let machd = Machd::start(5);
    // It attaches first, so its claims are seen before the truth is.
    let (memory, file) = table(64, 64);
    let forger = Bare::attach_with(machd.connect(), &file);
    let pair = Pair::new(|| machd.connect(), &Options::default());
    let reader = NameReader::adopt(pair.other.names_file()).unwrap();
    let victim = reader.lookup(pair.port.name()).unwrap();
    // All of this process, so by its id and not by its pid.
    let find = |all: &[serde_json::Value], id: u64| {
        all.iter().find(|task| task["task"] == id.to_string()).expect("the task is told").clone()
    };
    put(&memory, 1, 0x103, RECEIVE, 0, victim.receiver.0, &victim);
    put(&memory, 2, 0x203, RECEIVE, 0, forger.task, &victim);
    put(&memory, 3, 0x303, SEND, 1, victim.receiver.0, &victim);
    put(&memory, 4, 0x403, SEND, 1, victim.receiver.0, &victim);
    memory.view::<AtomicU32>(4096 + 4 * 64 + 60).store(7, Ordering::Relaxed);
    put(&memory, 5, 0x603, SEND, 1, victim.receiver.0, &victim);
    put(&memory, 6, 0x603, !0, 1, victim.receiver.0, &victim);
    put(&memory, 7, 0x703, SEND, u32::MAX, victim.receiver.0, &victim);
    put(&memory, 8, 0x803, SEND, 1, u64::MAX, &victim);
    put(&memory, 9, 0x1b5b_0a0d, SEND, 1, 1, &victim);

    let all = told(&machd, &["-j"]);
    let forged = find(&all, forger.task);
    let states: Vec<&str> = (1..10).map(|line| state(&forged, line)["state"].as_str().unwrap()).collect();
    let (right, nonsense) = ("right", "nonsense");
    assert_eq!(states, [nonsense, right, right, "busy", nonsense, nonsense, nonsense, right, nonsense]);
    assert_eq!(forged["names"].as_array().unwrap().len(), 9, "the rest is free");
    assert_eq!(state(&forged, 2)["to"]["task"], forger.task.to_string(), "a port of its own, if any");
    assert_eq!(state(&forged, 3)["to"]["name"], pair.port.name().get());
    let unseen = &state(&forged, 8)["to"];
    assert_eq!((&unseen["task"], unseen["pid"].is_null()), (&u64::MAX.to_string().into(), true));
    let holder = all.iter().find(|task| {
        task["names"].as_array().unwrap().iter().any(|entry| entry["name"] == pair.to_other.name().get())
            && task["task"] != forger.task.to_string()
            && task["task"] != victim.receiver.0.to_string()
    });
    let lead = &name_in(holder.unwrap(), pair.to_other.name())["to"];
    assert_eq!(lead["task"], victim.receiver.0.to_string(), "what the forger claims leads nobody astray");
    assert_eq!(lead["name"], pair.port.name().get());

    let text = printed(&machd, &["-v"]);
    assert!(text.contains("busy: line 4 "), "{text}");
    assert_eq!(text.matches("nonsense: line ").count(), 5);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    let (boxes, arrows) = picture(&printed(&machd, &["--dot"]));
    assert_eq!(boxes.len(), 4, "three tasks, and what was not seen");
    let (forger, victim) = (format!("t{}", forger.task), format!("t{}", victim.receiver.0));
    assert_eq!(arrows[&(forger.clone(), victim)], "1 port");
    assert_eq!(arrows[&(forger, "unseen".to_owned())], "1 port");
}

#[test]
fn a_table_of_any_size_takes_a_bounded_look() {
    let machd = Machd::start(6);
    let none = Bare::attach(machd.connect());
    let (_memory, file) = table(u32::MAX, 64);
    let lies = Bare::attach_with(machd.connect(), &file);
    let (memory, file) = table(20_000, 20_000);
    for index in 1..20_000 {
        let at = 4096 + index * 64;
        memory.view::<AtomicU32>(at).store((index as u32) << 8 | 3, Ordering::Relaxed);
        memory.view::<AtomicU32>(at + 4).store(0x10_0000, Ordering::Relaxed);
    }
    let full = Bare::attach_with(machd.connect(), &file);
    for (arguments, most) in
        [(&["-j"][..], 16_384), (&["-j", "-n", "5"], 5), (&["-j", "-n", "19999"], 19_999)]
    {
        let all = told(&machd, arguments);
        let task = |id: u64| all.iter().find(|task| task["task"] == id.to_string()).unwrap();
        assert_eq!(task(none.task)["failure"], "not a table of names of version 1");
        assert_eq!(task(lies.task)["failure"], "the table has an impossible size");
        let full = task(full.task);
        assert_eq!(full["names"].as_array().unwrap().len(), most);
        assert_eq!((&full["cut"], full["failure"].is_null()), (&(most < 19_999).into(), true));
    }
    assert!(printed(&machd, &["-n", "5"]).contains("the first 5 names"));
}

#[test]
fn a_table_that_changes_at_random_is_survived() {
    let machd = Machd::start(7);
    let (memory, file) = table(256, 256);
    let _forger = Bare::attach_with(machd.connect(), &file);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut random = Random::new(7);
            while !is_over.load(Ordering::Relaxed) {
                let at = 4096 + random.below(256 * 16) as usize * 4;
                let small = random.below(4) == 0;
                let value = if small { random.below(3) as u32 } else { random.next() as u32 };
                memory.view::<AtomicU32>(at).store(value, Ordering::Relaxed);
                std::hint::spin_loop();
            }
        });
        for _ in 0..10 {
            let all = told(&machd, &["-j", "-v"]);
            let task = of_pid(&all, std::process::id());
            assert!(task["names"].as_array().unwrap().len() < 256);
            picture(&printed(&machd, &["--dot", "-v"]));
        }
        is_over.store(true, Ordering::Relaxed);
    });
}
