//! One writer per shared byte, as the kernel sees it: who maps what, who holds which descriptor, and
//! that nothing is left.

mod common;

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;

use common::watchdog::Watchdog;
use common::{inherited, role, sockets, spawn};
use shm_mach::{Message, Options, Received, join};

/// The segments that a process maps: for each inode, the access and sizes of its mappings.
fn segments(pid: u32) -> BTreeMap<u64, Vec<(String, u64)>> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let mut found = BTreeMap::<u64, Vec<_>>::new();
    for line in maps.lines().filter(|line| line.contains("memfd:shm-mach")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (start, end) = words[0].split_once('-').unwrap();
        let number = |text| u64::from_str_radix(text, 16).unwrap();
        found
            .entry(words[4].parse().unwrap())
            .or_default()
            .push((words[1].into(), number(end) - number(start)));
    }
    found
}

/// Descriptors of a process that lead to a segment: their inodes, and whether one can write by them.
fn descriptors(pid: u32) -> Vec<(u64, bool)> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let to_segments = entries.flatten().filter(|entry| {
        std::fs::read_link(entry.path()).is_ok_and(|path| path.to_string_lossy().contains("memfd:"))
    });
    let found = to_segments.map(|entry| {
        let number = entry.file_name().into_string().unwrap();
        let info = std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{number}")).unwrap();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim().to_owned();
        let writable = u32::from_str_radix(&flags, 8).unwrap() & 3 != 0;
        (std::fs::metadata(entry.path()).unwrap().ino(), writable)
    });
    found.collect()
}

/// Takes out the table of names: the segment that the other process does not map. It is mapped once, and
/// written.
fn take_table(own: &mut BTreeMap<u64, Vec<(String, u64)>>, other: &BTreeMap<u64, Vec<(String, u64)>>) -> u64 {
    let alone: Vec<u64> = own.keys().filter(|inode| !other.contains_key(inode)).copied().collect();
    assert_eq!(alone.len(), 1, "one table of names");
    let maps = own.remove(&alone[0]).unwrap();
    assert_eq!((maps.len(), &*maps[0].0), (1, "rw-s"));
    alone[0]
}

/// Shared memory of the machine, in KiB.
fn shared_memory() -> u64 {
    let info = std::fs::read_to_string("/proc/meminfo").unwrap();
    let line = info.lines().find(|line| line.starts_with("Shmem:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn named_memory() -> Vec<std::ffi::OsString> {
    let entries = std::fs::read_dir("/dev/shm").into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect()
}

fn in_child() {
    let joined = join(inherited(), &Options::default()).unwrap();
    let mut message = Received::new();
    // Touches long bodies, answers and many lanes before it is looked at.
    let clones: Vec<_> = (0..20).map(|_| joined.send.clone()).collect();
    for clone in &clones {
        clone.send(Message::new(0, &[1; 100_000])).unwrap();
    }
    joined.receive.receive(&mut message).unwrap();
    message.take_reply().unwrap().send(Message::new(1, &[2; 100_000])).unwrap();
    loop {
        std::thread::park();
    }
}

/// Fails if a half is mapped writable by anybody but its maker, mapped twice, or if a descriptor of
/// one stays open anywhere: through it more could be done than through the mapping. The table of a task's
/// names is mapped by that task alone, which keeps a file of it that can only be read.
#[test]
fn each_segment_has_one_writer_and_no_descriptor() {
    const NAME: &str = "each_segment_has_one_writer_and_no_descriptor";
    if role().is_some() {
        return in_child();
    }
    let _watchdog = Watchdog::start(NAME, 60);
    let named = named_memory();
    let before = shared_memory();
    let (ours, theirs) = sockets();
    let mut peer = spawn(NAME, "peer", theirs);
    let joined = join(ours, &Options::default()).unwrap();
    let replies = joined.task.allocate().unwrap();
    joined.send.send(Message::new(1, &[0; 1000]).reply_to(replies.make_send_once())).unwrap();
    let mut message = Received::new();
    for _ in 0..20 {
        joined.receive.receive(&mut message).unwrap();
    }
    replies.receive(&mut message).unwrap();

    let (own, pid) = (std::process::id(), peer.0.id());
    let (mut here, mut there) = (segments(own), segments(pid));
    println!("here {here:?}, there {there:?}");
    let both = here.clone();
    let tables = [take_table(&mut here, &there), take_table(&mut there, &both)];
    assert_eq!(here.keys().collect::<Vec<_>>(), there.keys().collect::<Vec<_>>(), "the same two files");
    assert_eq!(here.len(), 2);
    for (inode, ours) in &here {
        let theirs = &there[inode];
        assert_eq!((ours.len(), theirs.len()), (1, 1), "mapped once in each process");
        assert_eq!(ours[0].1, theirs[0].1, "whole");
        let mut access = [&*ours[0].0, &*theirs[0].0];
        access.sort_unstable();
        assert_eq!(access, ["r--s", "rw-s"], "one writer, one reader");
    }
    let writable =
        |of: &BTreeMap<u64, Vec<(String, u64)>>| of.values().filter(|map| map[0].0 == "rw-s").count();
    assert_eq!((writable(&here), writable(&there)), (1, 1), "each writes one");
    let read_only = tables.map(|table| vec![(table, false)]);
    assert_eq!([descriptors(own), descriptors(pid)], read_only, "each shows its names, and keeps no half");
    let during = shared_memory();

    peer.kill();
    drop((joined, replies));
    assert!(segments(own).is_empty(), "dropped handles leave no mapping");
    assert_eq!(named_memory(), named, "no name was made");
    // Others use shared memory too; the link had megabytes.
    let after = shared_memory();
    println!("shared memory: {before} KiB before, {during} during, {after} after");
    assert!(after < during.saturating_sub(2000), "{after} KiB after, {during} during");
}
