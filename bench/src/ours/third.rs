//! Rights to a port of a third task, in messages between two others.
//!
//! The left process also runs the authority (on a thread) and starts the third task's process, which sleeps in a
//! receive on its port for as long as the row runs. All three have links to one another before the measuring
//! begins. At the end the third task must hear that nobody holds a right to its port any more: every right
//! that was passed has been released.

use super::meet::{number_in, receive_number, send_number};
use crate::cpus::pin;
use crate::failure::{Failure, expect};
use crate::measure::Measure;
use crate::row::{Place, Row, Wait};
use crate::side::{Role, Side};
use crate::trip::{ask, messages};
use crate::worker;
use rustix::process::getpid;
use shm_mach::authority::Embedded;
use shm_mach::{Deadline, Message, Notification, Options, ReceiveRight, Received, Right, SendRight, Task};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The rows of this family.
pub(crate) const ROWS: &[Row] = &[Row {
    name: "right_to_third_party",
    payload: Some(8),
    wait: Some(Wait::Park),
    anchor: Some("scm_rights_rtt"),
    place: Place::TwoCores,
    count: 5_000,
    run: right_to_third_party,
}];

/// How long the last right may take to be released.
const PATIENCE: Duration = Duration::from_secs(10);

fn right_to_third_party(side: &Side) -> Result<Measure, Failure> {
    match side.role {
        Role::Left => pass(side),
        Role::Right => release(side),
    }
}

/// The passing side.
fn pass(side: &Side) -> Result<Measure, Failure> {
    let authority = Embedded::start()?;
    let (task, _) = Task::attach_to(authority.connect()?, &Options::default())?;
    let meeting = parking_port(&task)?;
    side.give(&task.prepare_child(&meeting)?)?;
    let mut message = Received::new();
    let to_peer = first_right(&meeting, &mut message)?;
    let mut third = Third::start(task.prepare_child(&meeting)?, side.cpus.right)?;
    let to_third = first_right(&meeting, &mut message)?;
    // The peer's own right, by which it makes its link.
    send_with(&to_peer, 0, to_third.clone())?;
    expect(receive_number(&meeting, &mut message)?, 0)?;
    let measure = ask(
        side,
        |number| send_with(&to_peer, number, to_third.clone()),
        || receive_number(&meeting, &mut message),
    )?;
    drop(to_third);
    // The peer drops what it has, and only then says so.
    send_number(&to_peer, 0)?;
    expect(receive_number(&meeting, &mut message)?, 0)?;
    let status = third.0.wait()?;
    if status.success() { Ok(measure) } else { Err(format!("the third process failed: {status}").into()) }
}

/// The receiving side: it drops each right and acknowledges.
fn release(side: &Side) -> Result<Measure, Failure> {
    let (task, special) = Task::attach_to(side.take()?, &Options::default())?;
    let to_passer = special.ok_or("started without a special port")?;
    to_passer.set_wait(shm_mach::Wait::Park);
    let own = parking_port(&task)?;
    let mut message = Received::new();
    send_with(&to_passer, 0, own.make_send())?;
    let to_third = first_right(&own, &mut message)?;
    send_number(&to_third, 0)?;
    send_number(&to_passer, 0)?;
    for due in 1..=messages(side) {
        own.receive(&mut message)?;
        expect(number_in(&message)?, due)?;
        let right = only_right(&mut message)?;
        if due == messages(side) {
            send_number(&right, due)?; // it is a right to the third task's port
        }
        drop(right);
        send_number(&to_passer, due)?;
    }
    drop(to_third);
    expect(receive_number(&own, &mut message)?, 0)?;
    send_number(&to_passer, 0)?;
    Ok(Measure::Served)
}

/// The third task's process, whose standard input is a connection to the authority.
pub(crate) fn run(parent_and_cpu: &[usize]) -> Result<(), Failure> {
    let &[parent, cpu] = parent_and_cpu else { return Err("a parent and a CPU are due".into()) };
    worker::follow(i32::try_from(parent)?)?;
    pin(cpu)?;
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    let (task, special) = Task::attach_to(socket, &Options::default())?;
    let to_passer = special.ok_or("started without a special port")?;
    let own = parking_port(&task)?;
    own.request_no_senders(1, &own);
    send_with(&to_passer, 0, own.make_send())?;
    let mut message = Received::new();
    // The first number comes before the measuring, the second after it.
    expect(receive_number(&own, &mut message)?, 0)?;
    let last = receive_number(&own, &mut message)?;
    if last == 0 {
        return Err("the last right did not lead here".into());
    }
    own.receive_deadline(&mut message, Deadline::after(PATIENCE))
        .map_err(|error| format!("rights to the third task's port were not released: {error}"))?;
    match message.notification() {
        Some(Notification::NoSenders { .. }) => Ok(()),
        _ => Err("a message came that nobody sends".into()),
    }
}

fn parking_port(task: &Task) -> Result<ReceiveRight, Failure> {
    let port = task.allocate()?;
    port.set_wait(shm_mach::Wait::Park);
    Ok(port)
}

fn send_with(send: &SendRight, number: u64, right: SendRight) -> Result<(), Failure> {
    let body = number.to_le_bytes();
    Ok(send.send(Message::new(0, &body).with_right(right)).map_err(|error| error.failure())?)
}

/// The right in a message that a task begins with.
fn first_right(port: &ReceiveRight, message: &mut Received) -> Result<SendRight, Failure> {
    expect(receive_number(port, message)?, 0)?;
    let right = only_right(message)?;
    right.set_wait(shm_mach::Wait::Park);
    Ok(right)
}

fn only_right(message: &mut Received) -> Result<SendRight, Failure> {
    let mut rights = message.take_rights();
    let right = rights.pop().and_then(Right::into_send).filter(|_| rights.is_empty());
    right.ok_or_else(|| "a message came without its one live send right".into())
}

/// The third task's process; it does not outlive this one.
struct Third(Child);

impl Third {
    fn start(socket: OwnedFd, cpu: usize) -> Result<Self, Failure> {
        let child = Command::new("/proc/self/exe")
            .arg0("bench")
            .arg("--third")
            .arg(getpid().as_raw_pid().to_string())
            .arg(cpu.to_string())
            .stdin(Stdio::from(socket))
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Self(child))
    }
}

impl Drop for Third {
    fn drop(&mut self) {
        // Errors mean that it is gone already, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
