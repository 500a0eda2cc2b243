//! How many instructions the steps of the hot path take: the same in every run, also on a busy machine.
//!
//! ```text
//! cargo bench -p bench --bench instructions        the table; fails if a step takes more than it may
//! ```
//! A child process does each step a few times, and this one has the kernel stop it after every instruction
//! in between. Time is another thing: a locked instruction costs as much as twenty plain ones, a line that comes
//! from the other core as much as two hundred. The bounds are for x86-64 and the compiler's settings of a release build.
#![allow(missing_docs, reason = "a program")]
#![allow(unsafe_code, reason = "ptrace and its registers")]

use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode};

use rustix::process::{Signal, getpid, kill_process};
use shm_mach::{Joined, Message, Options, Received, Wait, join};

/// Each step is done so often: a receive looks at the task's news every 64th time.
const TIMES: u64 = 64;

/// A step, and how many instructions it may take: what it took when this was written, and a tenth more for another
/// compiler.
struct Step {
    name: &'static str,
    most: u64,
    run: fn(&mut Pair),
}

const STEPS: &[Step] = &[
    Step { name: "nothing", most: u64::MAX, run: |_| {} },
    Step { name: "send", most: 220, run: |pair| times(|number| pair.send(number)) },
    Step { name: "receive", most: 350, run: |pair| times(|_| pair.receive()) },
    Step { name: "request_and_answer", most: 2150, run: |pair| times(|number| pair.call(number)) },
    Step {
        name: "create_destroy",
        most: 2900,
        run: |pair| times(|_| drop(pair.a.task.allocate().expect("there is room"))),
    },
];

fn times(step: impl FnMut(u64)) {
    (0..TIMES).for_each(step);
}

/// Two tasks in one process.
struct Pair {
    a: Joined,
    b: Joined,
    replies: shm_mach::ReceiveRight,
    message: Received,
}

impl Pair {
    fn new() -> Self {
        let (here, there) = UnixStream::pair().expect("a pair of sockets");
        let other = std::thread::spawn(move || join(there.into(), &Options::default()));
        let a = join(here.into(), &Options::default()).expect("the other one joins");
        let b = other.join().expect("it does not panic").expect("it joins");
        let replies = a.task.allocate().expect("there is room");
        for receive in [&a.receive, &b.receive, &replies] {
            receive.set_wait(Wait::Spin);
        }
        Self { a, b, replies, message: Received::new() }
    }

    #[inline(never)]
    fn send(&self, number: u64) {
        let body = number.to_le_bytes();
        self.a.send.send(Message::new(1, &body)).map_err(|error| error.failure()).expect("there is room");
    }

    #[inline(never)]
    fn receive(&mut self) {
        self.b.receive.receive(&mut self.message).expect("it was sent");
        assert_eq!(self.message.body().len(), 8);
    }

    fn call(&mut self, number: u64) {
        let body = number.to_le_bytes();
        let request = Message::new(1, &body).reply_to(self.replies.make_send_once());
        self.a.send.send(request).map_err(|error| error.failure()).expect("there is room");
        self.receive();
        let reply = self.message.take_reply().expect("it came with the request");
        reply.send(Message::new(2, &body)).map_err(|error| error.failure()).expect("nobody waits for ever");
        self.replies.receive(&mut self.message).expect("it was answered");
        assert_eq!(self.message.body(), body);
    }
}

/// The child: everything once, to warm up, and then between two signals each.
fn be_counted() {
    let mut pair = Pair::new();
    for is_counted in [false, true] {
        for step in STEPS {
            let mark = || {
                if is_counted {
                    kill_process(getpid(), Signal::USR1).expect("a signal to this process");
                }
            };
            mark();
            (step.run)(&mut pair);
            mark();
        }
    }
}

/// What a stop of the child was for.
#[derive(PartialEq, Eq)]
enum Stop {
    Signal(i32),
    End,
}

fn wait(child: &Child) -> Stop {
    let mut status = 0;
    // SAFETY: bounds: one integer, ours. Life: the call returns before it ends. Peer: none.
    let waited = unsafe { libc::waitpid(child.id() as i32, &raw mut status, 0) };
    assert_eq!(waited, child.id() as i32, "the child can be waited for");
    if libc::WIFSTOPPED(status) { Stop::Signal(libc::WSTOPSIG(status)) } else { Stop::End }
}

/// Lets the child run, to its next instruction or its next signal; `signal` is given to it.
fn go_on(child: &Child, request: libc::c_uint, signal: i32) {
    // SAFETY: bounds and life: no memory of this process is named. Peer: the child is stopped and is ours to trace.
    let result = unsafe { libc::ptrace(request, child.id() as i32, 0, signal) };
    assert_eq!(result, 0, "the child is stopped");
}

/// Runs the child to its next mark, step by step or not; says how many instructions that were. `None`: it has ended.
fn run_to_mark(child: &Child, request: libc::c_uint) -> Option<u64> {
    let (mut count, mut signal) = (0, 0);
    loop {
        go_on(child, request, signal);
        match wait(child) {
            Stop::Signal(libc::SIGUSR1) => return Some(count),
            Stop::Signal(libc::SIGTRAP) => (count, signal) = (count + 1, 0),
            Stop::Signal(other) => signal = other,
            Stop::End => return None,
        }
    }
}

/// In the child: its parent traces it from its next program on.
fn be_traced() -> std::io::Result<()> {
    // SAFETY: bounds, life and peer: no memory is named.
    let result = unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

/// Counts every step; `None` where a child may not be traced.
fn count() -> std::io::Result<Option<Vec<u64>>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--be-counted");
    // SAFETY: between fork and exec only that one system call is made.
    unsafe { command.pre_exec(be_traced) };
    let Ok(child) = command.spawn() else { return Ok(None) };
    assert!(wait(&child) == Stop::Signal(libc::SIGTRAP), "a traced program stops when it begins");
    let mut counts = Vec::new();
    while run_to_mark(&child, libc::PTRACE_CONT).is_some() {
        counts.push(run_to_mark(&child, libc::PTRACE_SINGLESTEP).expect("each mark has a second one"));
    }
    Ok(Some(counts))
}

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--be-counted") {
        be_counted();
        return ExitCode::SUCCESS;
    }
    if !cfg!(target_arch = "x86_64") || cfg!(debug_assertions) {
        println!("SKIP instructions: the bounds are for release builds on x86-64");
        return ExitCode::SUCCESS;
    }
    let Some(counts) = count().expect("this program is there") else {
        println!("SKIP instructions: a child may not be traced here");
        return ExitCode::SUCCESS;
    };
    assert_eq!(counts.len(), STEPS.len(), "every step was counted");
    let mut is_kept = true;
    println!("{:20} {:>12} {:>8}", "step", "instructions", "at most");
    for (step, count) in STEPS.iter().zip(&counts).skip(1) {
        let each = (count - counts[0]).div_ceil(TIMES);
        println!("{:20} {each:>12} {:>8}", step.name, step.most);
        is_kept &= each <= step.most;
    }
    if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
