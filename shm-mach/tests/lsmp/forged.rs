//! Tables that no library wrote.

use std::os::fd::OwnedFd;
use std::sync::atomic::AtomicBool;

use futex::sync::{AtomicU32, AtomicU64, Ordering};
use serde_json::Value;
use shm_mach::ipc::backing::{MAGIC, VERSION};
use shm_mach::ipc::{NameReader, Place, PortId, ReceiverId, Row};
use shm_mach::segment::{OwnMemory, OwnSegment};
use shm_mach::{Options, PortName, TypeBits};

use super::common::bare::Bare;
use super::common::machd::Machd;
use super::common::meet::Pair;
use super::common::random::Random;
use super::{columns, name_in, of_pid, picture, printed, told};

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

/// A task by its id: all tasks here are of this process.
fn of_id(all: &[Value], id: u64) -> &Value {
    let id = Value::from(id.to_string());
    all.iter().find(|task| task["task"] == id).expect("the task is told")
}

fn row_of(port: u32) -> Row {
    Row {
        name: PortName::DEAD,
        type_bits: TypeBits::NONE,
        urefs: 0,
        port: PortId { birth: 1, index: port, generation: 0, secret: 9 },
        receiver: ReceiverId(0),
        place: Place::NOWHERE,
    }
}

fn state(task: &Value, line: u64) -> &Value {
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
    let forged = of_id(&all, forger.task);
    let states: Vec<&str> = (1..10).map(|line| state(forged, line)["state"].as_str().unwrap()).collect();
    let (right, nonsense) = ("right", "nonsense");
    assert_eq!(states, [nonsense, right, right, "busy", nonsense, nonsense, nonsense, right, nonsense]);
    assert_eq!(forged["names"].as_array().unwrap().len(), 9, "the rest is free");
    assert_eq!(state(forged, 2)["to"]["task"], forger.task.to_string(), "a port of its own, if any");
    assert_eq!(state(forged, 3)["to"]["name"], pair.port.name().get());
    let unseen = &state(forged, 8)["to"];
    assert_eq!((&unseen["task"], unseen["pid"].is_null()), (&u64::MAX.to_string().into(), true));
    let mut others: Vec<&Value> = all.iter().collect();
    let known = [forger.task, victim.receiver.0].map(|id| of_id(&all, id));
    others.retain(|task| !known.contains(task));
    assert_eq!(others.len(), 1, "the honest holder");
    let lead = &name_in(others[0], pair.to_other.name())["to"];
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
fn every_kind_of_right_has_its_words() {
    let machd = Machd::start(8);
    let (memory, file) = table(8, 8);
    let bare = Bare::attach_with(machd.connect(), &file);
    put(&memory, 1, 0x103, RECEIVE, 0, bare.task, &row_of(1));
    put(&memory, 2, 0x203, 0x4_0000, 1, bare.task, &row_of(1));
    put(&memory, 3, 0x303, 0x8_0000, 0, 0, &row_of(0));
    put(&memory, 4, 0x403, 0x8010_0000, 2, 0, &row_of(0));
    put(&memory, 5, 0x503, 0x6000_0000 | SEND | RECEIVE, 3, bare.task, &row_of(2));
    let expected: [(&[&str], &[&str], u32); 5] = [
        (&["recv"], &[], 0),
        (&["once"], &[], 1),
        (&["set"], &[], 0),
        (&["dead"], &["dead-name"], 2),
        (&["recv", "send"], &["send-possible", "send-possible-armed"], 3),
    ];
    let all = told(&machd, &["-j"]);
    let text = columns(&printed(&machd, &[]), std::process::id());
    for (line, (rights, flags, urefs)) in (1..).zip(expected) {
        let entry = state(&all[0], line);
        assert_eq!((&entry["rights"], &entry["flags"]), (&rights.into(), &flags.into()), "{entry}");
        assert_eq!(entry["urefs"], urefs);
        let row = &text[&format!("{:#010x}", line << 8 | 3)];
        let flags = if flags.is_empty() { "-".to_owned() } else { flags.join(",") };
        assert_eq!(row[..3], [rights.join(","), urefs.to_string(), flags]);
    }
    let own = format!("t{}", bare.task);
    let (_, arrows) = picture(&printed(&machd, &["--dot"]));
    assert_eq!(arrows[&(own.clone(), own)], "2 ports", "the send-once right and the send right");
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
        let task = |id: u64| of_id(&all, id);
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
                let at = 4096 + random.below(256 * 16) * 4;
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
