//! Delegation: a boss gives a worker, a third process, a right that it holds itself.
//!
//! The worker is started with a right to the boss and to nothing else, so it cannot reach the counter.
//! The boss sends it one right to the counter. From then on the worker counts without the boss, and
//! the counter sees who counts: the kernel's word on who the worker is, not the worker's. Then the
//! counter ends the worker's right, and the boss's goes on.

use std::error::Error;
use std::process::{Child, Command};

use shm_mach::authority::Embedded;
use shm_mach::{Message, Options, ReceiveRight, Received, Right, SendFailure, SendRight, Task};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The ids of messages: count one more; here is a right; it is counted (again, please); it was refused.
const COUNT: i32 = 1;
const RIGHT: i32 = 2;
const COUNTED: i32 = 3;
const REVOKED: i32 = 4;

fn main() -> Outcome {
    match std::env::args().nth(1).as_deref() {
        Some("boss") => boss(),
        Some("worker") => worker(),
        _ => counter(),
    }
}

fn counter() -> Outcome {
    let authority = Embedded::start()?;
    let (task, _) = Task::attach_to(authority.connect()?, &Options::default())?;
    let counter = task.allocate()?;
    let mut boss = start(&task, &counter, "boss")?;
    let (mut message, mut revoked) = (Received::new(), false);
    for total in 1..=6 {
        counter.receive(&mut message)?;
        let by_boss = message.sender().pid == boss.id();
        println!("{total}: counted by {}", if by_boss { "the boss" } else { "the worker" });
        if !by_boss && message.body() == b"last" {
            revoked = counter.revoke(message.sender());
        }
        if let Some(reply) = message.take_reply() {
            let _ = reply.send(Message::new(COUNTED, &[]));
        }
    }
    println!("the worker's right was revoked: {}", revoked && boss.wait()?.success());
    Ok(())
}

fn boss() -> Outcome {
    let (task, counter) = Task::attach(&Options::default())?;
    let counter = counter.ok_or("started by the counter")?;
    count(&task, &counter, b"")?;
    let (desk, mut message) = (task.allocate()?, Received::new());
    let mut child = start(&task, &desk, "worker")?;
    // The worker's first message says where it can be reached.
    desk.receive(&mut message)?;
    let worker = message.take_rights().pop().and_then(Right::into_send).ok_or("a right to the worker")?;
    send(&worker, Message::new(RIGHT, &[]).with_right(counter.clone()))?;
    desk.receive(&mut message)?;
    count(&task, &counter, b"")?;
    send(&worker, Message::new(COUNT, &[]))?;
    desk.receive(&mut message)?;
    child.wait()?;
    if message.id() == REVOKED { Ok(()) } else { Err("the worker was not stopped".into()) }
}

fn worker() -> Outcome {
    let (task, boss) = Task::attach(&Options::default())?;
    let boss = boss.ok_or("started by the boss")?;
    let (door, mut message) = (task.allocate()?, Received::new());
    send(&boss, Message::new(RIGHT, &[]).with_right(door.make_send()))?;
    door.receive(&mut message)?;
    let counter = message.take_rights().pop().and_then(Right::into_send).ok_or("a right to the counter")?;
    for body in [&b""[..], b"", b"", b"last"] {
        count(&task, &counter, body)?;
    }
    send(&boss, Message::new(COUNTED, &[]))?;
    door.receive(&mut message)?;
    let refused = counter.send(Message::new(COUNT, &[])).map_err(|error| error.failure());
    send(&boss, Message::new(if refused == Err(SendFailure::Revoked) { REVOKED } else { COUNTED }, &[]))
}

fn count(task: &Task, counter: &SendRight, body: &[u8]) -> Outcome {
    let (answers, mut answer) = (task.allocate()?, Received::new());
    send(counter, Message::new(COUNT, body).reply_to(answers.make_send_once()))?;
    answers.receive(&mut answer)?;
    Ok(())
}

fn send(to: &SendRight, message: Message<'_>) -> Outcome {
    to.send(message).map_err(|error| error.to_string().into())
}

fn start(task: &Task, port: &ReceiveRight, role: &str) -> Outcome<Child> {
    let mut command = Command::new("/proc/self/exe");
    Ok(command.arg(role).env("SHM_MACH_AUTHORITY", "fd:0").stdin(task.prepare_child(port)?).spawn()?)
}
