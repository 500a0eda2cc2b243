//! A process that is run instruction by instruction, to be killed or held anywhere.
//!
//! What a killed process leaves is what others can see of it: the memory that it shared, and what it
//! had told the kernel. Both stay as they are between two *events*: an instruction that changes shared
//! memory, and a system call. So whoever kills after each event has killed after every instruction.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::Peer;
use super::sys::{self, Standing};

/// A place in the course of a process: after so many system calls, and so many instructions more.
/// (Instructions alone would not do: a call that waits is not always made the same number of times.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    calls: usize,
    steps: usize,
}

/// What a process did between two marks.
#[derive(Debug)]
pub(crate) struct Course {
    /// Instructions.
    pub(crate) steps: usize,
    /// System calls.
    pub(crate) calls: usize,
    /// Instructions that changed memory that others see.
    pub(crate) changes: usize,
    /// The start, and where each event had just happened.
    pub(crate) after_events: Vec<Point>,
    /// Every instruction.
    every: Vec<Point>,
}

impl Course {
    /// Where to kill: once in each state that others can tell from the next. All instructions, if
    /// `SHM_MACH_EVERY_STEP` is set: that takes minutes, and finds nothing more unless the reasoning
    /// above is wrong.
    pub(crate) fn kills(&self) -> &[Point] {
        if every_step() { &self.every } else { &self.after_events }
    }

    /// For the one who reads the test's output.
    pub(crate) fn describe(&self) -> String {
        let Self { steps, calls, changes, .. } = self;
        format!(
            "{steps} instructions, {calls} system calls, {changes} changes of shared memory; killed {} times",
            self.kills().len()
        )
    }
}

/// System calls of a process that has done what it was to do.
const FURTHER: usize = 6;

fn every_step() -> bool {
    std::env::var_os("SHM_MACH_EVERY_STEP").is_some()
}

/// Seconds in which a matrix surely ends, if it does.
pub(crate) fn patience() -> u64 {
    if every_step() { 6 * 3600 } else { 300 }
}

/// A traced process. Only the thread that began it may go on with it.
#[derive(Debug)]
pub(crate) struct Traced {
    process: u32,
    thread: i32,
    memory: File,
    /// It stands inside a system call, which has not run yet.
    in_call: bool,
}

impl Traced {
    /// Waits until the child's test has stopped at its first mark ([`sys::be_traced`], then
    /// [`sys::stop_here`]).
    pub(crate) fn at_mark(peer: &Peer) -> Self {
        let process = peer.0.id();
        let main = process as i32;
        let thread = loop {
            let threads = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
            let ids = threads.filter_map(|entry| entry.ok()?.file_name().into_string().ok()?.parse().ok());
            let is_stopped = |id: &i32| {
                let status = std::fs::read_to_string(format!("/proc/{process}/task/{id}/status"));
                status.is_ok_and(|status| status.contains("tracing stop"))
            };
            // The thread that runs the test: the main thread, or the only other one.
            if let Some(thread) = ids.max_by_key(|id: &i32| (*id != main, *id)).filter(is_stopped) {
                break thread; // before that it is nobody's to wait for
            }
            std::thread::sleep(std::time::Duration::from_micros(200));
        };
        assert_eq!(sys::await_stop(thread), Standing::AtMark);
        Self { process, thread, memory: memory_of(process), in_call: false }
    }

    /// Stops a process of one thread that waits for something to do, where it waits.
    pub(crate) fn waiting(peer: &Peer) -> Self {
        let process = peer.0.id();
        sys::seize(process as i32);
        // The call that it waits in was interrupted, and begins again.
        assert_eq!(sys::run_to_call(process as i32), Standing::Stepped);
        Self { process, thread: process as i32, memory: memory_of(process), in_call: true }
    }

    /// Runs it to its second mark, or until `is_over` and a few system calls further: another run may
    /// make some more before it has come so far.
    pub(crate) fn measure(&mut self, mut is_over: impl FnMut() -> bool) -> Course {
        let mut course =
            Course { steps: 0, calls: 0, changes: 0, after_events: vec![Point::default()], every: vec![] };
        let (mut window, mut at, mut further) = (Window::of(self), Point::default(), 0);
        loop {
            course.every.push(at);
            let is_call = self.is_at_call();
            if is_call && is_over() {
                if further == FURTHER {
                    break;
                }
                further += 1;
            }
            if self.step() != Standing::Stepped {
                break;
            }
            course.steps += 1;
            if is_call {
                (course.calls, at) = (course.calls + 1, Point { calls: at.calls + 1, steps: 0 });
                window = Window::of(self);
            } else {
                at.steps += 1;
            }
            let is_changed = !is_call && window.changes(self);
            course.changes += usize::from(is_changed);
            if is_call || is_changed {
                course.after_events.push(at);
            }
        }
        course
    }

    /// Runs it to a point of its course; false if it came to its second mark or its end before.
    pub(crate) fn run_to(&mut self, point: Point) -> bool {
        for _ in 0..point.calls {
            let is_entered = std::mem::take(&mut self.in_call);
            if !is_entered && sys::run_to_call(self.thread) != Standing::Stepped {
                return false;
            }
            if sys::run_to_call(self.thread) != Standing::Stepped {
                return false;
            }
        }
        // Not beyond the next call, if this run took another way.
        (0..point.steps).all(|_| !self.is_at_call() && self.step() == Standing::Stepped)
    }

    /// Kills it, and waits until it is gone.
    pub(crate) fn kill(self, peer: &mut Peer) {
        rustix::process::kill_process(peer.pid(), rustix::process::Signal::KILL).unwrap();
        // The thread's end is told to its tracer, the process's to its parent; one thread: once.
        while self.thread as u32 != self.process && sys::await_stop(self.thread) != Standing::Ended {}
        peer.0.wait().unwrap();
    }

    /// Lets it run on by itself.
    pub(crate) fn let_go(self) {
        sys::let_go(self.thread);
    }

    fn step(&mut self) -> Standing {
        self.in_call = false;
        sys::step(self.thread)
    }

    fn is_at_call(&self) -> bool {
        const CALL: &[u8] = if cfg!(target_arch = "x86_64") { &[0x0f, 0x05] } else { &[1, 0, 0, 0xd4] };
        let mut code = [0; CALL.len()];
        self.in_call
            || (self.memory.read_exact_at(&mut code, sys::next_instruction(self.thread)).is_ok()
                && code == CALL)
    }
}

fn memory_of(process: u32) -> File {
    File::open(format!("/proc/{process}/mem")).unwrap()
}

/// What others can see of a process's memory: of each segment that it writes, the pages that it has. It
/// gets new ones by system calls (the library never writes a page that it has not asked for), and after
/// each of those the window is made anew.
struct Window(Vec<(u64, Vec<u8>)>);

impl Window {
    fn of(traced: &Traced) -> Self {
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", traced.process)).unwrap();
        let pages = File::open(format!("/proc/{}/pagemap", traced.process)).unwrap();
        let size = rustix::param::page_size() as u64;
        let mut runs: Vec<(u64, Vec<u8>)> = Vec::new();
        for line in maps.lines().filter(|line| line.contains("memfd:shm-mach") && line.contains(" rw-s ")) {
            let (start, rest) = line.split_once('-').unwrap();
            let end = rest.split_once(' ').unwrap().0;
            let [start, end] = [start, end].map(|hex| u64::from_str_radix(hex, 16).unwrap());
            let mut told = vec![0; ((end - start) / size * 8) as usize];
            pages.read_exact_at(&mut told, start / size * 8).unwrap();
            for (page, entry) in told.chunks_exact(8).enumerate() {
                let at = start + page as u64 * size;
                // The two highest bits: in memory, or swapped out.
                match runs.last_mut() {
                    _ if entry[7] >> 6 == 0 => {}
                    Some((first, seen)) if *first + seen.len() as u64 == at => {
                        seen.resize(seen.len() + size as usize, 0);
                    }
                    _ => runs.push((at, vec![0; size as usize])),
                }
            }
        }
        let mut window = Self(runs);
        window.changes(traced);
        window
    }

    /// Looks again; says whether anything was different.
    fn changes(&mut self, traced: &Traced) -> bool {
        let mut is_changed = false;
        for (start, seen) in &mut self.0 {
            let mut now = vec![0; seen.len()];
            traced.memory.read_exact_at(&mut now, *start).unwrap();
            is_changed |= now != *seen;
            *seen = now;
        }
        is_changed
    }
}
