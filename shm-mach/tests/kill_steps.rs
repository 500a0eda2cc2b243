//! SIGKILL at every step: a child is run instruction by instruction through one call and killed after
//! k of them. The state that it leaves is that of its memory, so between two changes of its half and
//! two system calls all k are alike: the test kills at each k around every change, and at a sample of
//! the others. A debug build takes some thousand instructions for a send.

mod common;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::thread::JoinHandle;

use common::sys::{self, Standing};
use common::watchdog::Watchdog;
use common::{Peer, inherited, role, sockets, spawn};
use shm_mach::ring::layout::place;
use shm_mach::{Geometry, Joined, Message, Notification, Options, Received, Wait, join};

/// Small, so that little is looked at after each step.
const SIZES: Geometry = Geometry { slots: 8, areas: 2, area_bytes: 16 << 10 };
/// Messages before the call under test, all acknowledged.
const BEFORE: i32 = 3;
/// Steps before and after each change of the half at which the child is killed.
const AROUND: usize = 1;
/// Kills spread over the rest of the call.
const SPREAD: usize = 12;

fn options() -> Options {
    Options::default().geometry(SIZES).queue_limit(5)
}

fn body(id: i32, length: usize) -> Vec<u8> {
    (0..length).map(|at| (id as usize * 7 + at) as u8).collect()
}

/// The child: three messages, then the call between two marks. The parent has run it to the first.
fn child(variant: &str) {
    let socket = inherited();
    let joined = join(socket, &options()).unwrap();
    joined.send.set_wait(Wait::Spin);
    let length = if variant == "long" { 100 } else { 8 };
    for id in 0..BEFORE {
        joined.send.send(Message::new(id, &body(id, length))).unwrap();
    }
    let long_or_short = body(BEFORE, length);
    let mut message = Received::new();
    let clone = joined.send.clone();
    if variant == "drop" {
        clone.send(Message::new(BEFORE, &long_or_short)).unwrap();
    }
    joined.receive.receive(&mut message).unwrap(); // the parent says go on
    sys::be_traced();
    sys::stop_here();
    match variant {
        "short" | "long" => joined.send.send(Message::new(BEFORE, &long_or_short)).unwrap(),
        "first" => clone.send(Message::new(BEFORE, &long_or_short)).unwrap(),
        "receive" => joined.receive.try_receive(&mut message).unwrap(),
        "drop" => drop(clone),
        other => panic!("{other}"),
    }
    sys::stop_here();
    sys::exit_now(0);
}

/// A child stopped at its first mark, and the thread that receives from it until it is dead.
struct Run {
    peer: Peer,
    /// The thread of it that runs the test, which is the one that is traced.
    thread: i32,
    receiver: JoinHandle<Vec<(i32, Vec<u8>)>>,
}

fn start(test: &str, variant: &str) -> Run {
    let (ours, theirs) = sockets();
    let peer = spawn(test, variant, theirs);
    let joined = join(ours, &options()).unwrap();
    for id in 0..2 {
        joined.send.send(Message::new(id, b"go on")).unwrap();
    }
    let receiver = std::thread::spawn(move || receive_all(joined));
    let threads = std::fs::read_dir(format!("/proc/{}/task", peer.0.id())).unwrap();
    let ids = threads.map(|entry| entry.unwrap().file_name().into_string().unwrap().parse::<i32>().unwrap());
    let thread = ids.max_by_key(|id| (*id != peer.0.id() as i32, *id)).unwrap();
    let status = format!("/proc/{thread}/status");
    while !std::fs::read_to_string(&status).unwrap().contains("tracing stop") {
        std::thread::yield_now(); // before that it is nobody's to wait for
    }
    assert_eq!(sys::await_stop(thread), Standing::AtMark);
    Run { peer, thread, receiver }
}

impl Run {
    /// One step further; false at the second mark.
    fn step(&self) -> bool {
        sys::step(self.thread) == Standing::Stepped
    }

    fn kill(&mut self) {
        rustix::process::kill_process(self.peer.pid(), rustix::process::Signal::KILL).unwrap();
        while sys::await_stop(self.thread) != Standing::Ended {}
        self.peer.kill();
    }
}

/// Sleeps for messages, so that the child must wake this thread, until no sender is left; then the
/// port of the dead is dead, too.
fn receive_all(joined: Joined) -> Vec<(i32, Vec<u8>)> {
    joined.receive.set_wait(Wait::Park);
    let mut message = Received::new();
    let mut all = Vec::new();
    loop {
        joined.receive.receive(&mut message).unwrap();
        if let Some(notification) = message.notification() {
            assert_eq!(notification, Notification::NoSenders { mscount: 1 });
            break;
        }
        assert_eq!(message.sender(), joined.peer);
        all.push((message.id(), message.body().to_vec()));
    }
    assert!(joined.send.send(Message::new(0, b"")).is_err(), "its port is dead");
    all
}

/// What the rest of the world can see of a child's half: everything that the call may write.
struct Window {
    memory: File,
    start: u64,
}

impl Window {
    fn of(pid: u32) -> Self {
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
        let own = |line: &&str| line.contains("memfd:shm-mach") && line.contains(" rw-s ");
        let line = maps.lines().find(own).unwrap();
        let start = u64::from_str_radix(line.split('-').next().unwrap(), 16).unwrap();
        Self { memory: File::open(format!("/proc/{pid}/mem")).unwrap(), start }
    }

    fn look(&self) -> Vec<u8> {
        let ranges = [
            (place::BELLS, 256),
            (place::DIRECTORY, 4 * 128),
            (place::FLAGS, 4 * 128),
            (place::CURSORS, 4 * 128),
            (place::RINGS, 4 * SIZES.slots * 64),
            (SIZES.payload(), 4096),
        ];
        let mut all = Vec::new();
        for (offset, length) in ranges {
            let at = all.len();
            all.resize(at + length, 0);
            self.memory.read_exact_at(&mut all[at..], self.start + offset as u64).unwrap();
        }
        all
    }
}

/// Runs the call once to its end: how many steps it takes, and which of them change the half.
fn measure(test: &str, variant: &str) -> (usize, Vec<usize>) {
    let mut run = start(test, variant);
    let window = Window::of(run.peer.0.id());
    let mut seen = window.look();
    let mut changes = Vec::new();
    let mut steps = 0;
    while run.step() {
        steps += 1;
        let now = window.look();
        if now != seen {
            changes.push(steps);
            seen = now;
        }
    }
    run.kill();
    run.receiver.join().unwrap();
    (steps, changes)
}

/// After how many steps to kill.
fn choose(steps: usize, changes: &[usize]) -> Vec<usize> {
    let near = changes.iter().flat_map(|at| at.saturating_sub(AROUND)..=at + AROUND);
    let mut all: Vec<usize> = near.chain((0..=steps).step_by(steps / SPREAD + 1)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn kill_after(test: &str, variant: &str, steps: usize) -> Run {
    let mut run = start(test, variant);
    for _ in 0..steps {
        if !run.step() {
            break; // this run took fewer
        }
    }
    run.kill();
    run
}

/// The matrix of one variant; `always` messages are acknowledged before the call, and it sends
/// `maybe` more.
fn matrix(test: &str, always: i32, maybe: usize) {
    if let Some(variant) = role() {
        return child(&variant);
    }
    let _watchdog = Watchdog::start("a kill matrix", 100);
    let variant = test.rsplit('_').next().unwrap();
    let length = if variant == "long" { 100 } else { 8 };
    let (steps, changes) = measure(test, variant);
    let kills = choose(steps, &changes);
    let runs: Vec<Run> = kills.iter().map(|at| kill_after(test, variant, *at)).collect();
    let mut whole = 0;
    for (at, run) in kills.iter().zip(runs) {
        let all = run.receiver.join().unwrap_or_else(|_| panic!("killed after {at} steps"));
        let more = all.len() - always as usize;
        assert!(more <= maybe, "killed after {at} steps: {all:?}");
        for (n, (id, bytes)) in all.iter().enumerate() {
            assert_eq!(*id as usize, n, "killed after {at} steps: lost or out of order");
            assert!(*bytes == body(*id, length), "killed after {at} steps: message {id} is torn");
        }
        whole += more;
    }
    println!(
        "{variant}: {steps} steps, {} change the half, {} kills, {whole} sent",
        changes.len(),
        kills.len()
    );
    assert!(changes.len() > 1 || maybe == 0, "the call must have changed something");
    assert!(maybe == 0 || (1..kills.len()).contains(&whole), "some kills come before, some after");
}

/// Fails if a message is visible before it is whole, or one that was acknowledged is lost.
#[test]
fn killed_in_a_send_short() {
    matrix("killed_in_a_send_short", BEFORE, 1);
}

/// The same with a body in the payload area.
#[test]
fn killed_in_a_send_long() {
    matrix("killed_in_a_send_long", BEFORE, 1);
}

/// The same with the first message of a right, which opens a lane.
#[test]
fn killed_in_a_send_first() {
    matrix("killed_in_a_send_first", BEFORE, 1);
}

/// Fails if a receiver that dies between taking a message and saying so sticks anybody.
#[test]
fn killed_in_a_receive() {
    matrix("killed_in_a_receive", BEFORE, 0);
}

/// Fails if a right that is dropped halfway is counted for ever, or takes messages with it.
#[test]
fn killed_in_a_drop() {
    matrix("killed_in_a_drop", BEFORE + 1, 0);
}
