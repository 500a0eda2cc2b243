//! Mach's calls on names, one test a row of Mach's semantics: what each does, and what it refuses, in the
//! order of the checks and with Mach's codes.

#[path = "call_rows/attributes.rs"]
mod attributes;
#[path = "call_rows/guards.rs"]
mod guards;
#[path = "call_rows/insert.rs"]
mod insert;
#[path = "call_rows/make.rs"]
mod make;
#[path = "call_rows/once.rs"]
mod once;
#[path = "call_rows/peek.rs"]
mod peek;
#[path = "call_rows/sets.rs"]
mod sets;

mod common;

use shm_mach::{
    Deadline, Disposition, GuardOptions, Joined, Message, Notification, NotificationKind, Options, PortError,
    PortName, PortOptions, Quality, RawName, ReceiveError, ReceiveRight, Received, Right, RightKind,
    SendFailure, SendOnceRight, Task, TypeBits, flavor, join,
};

/// Two tasks that hold send rights to a port of each other's.
fn pair() -> (Joined, Joined) {
    let (ours, theirs) = common::sockets();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| join(theirs, &Options::default()).unwrap());
        (join(ours, &Options::default()).unwrap(), other.join().unwrap())
    })
}

/// A task that is not alone in the world.
fn task() -> Task {
    pair().0.task
}

fn soon() -> Deadline {
    Deadline::after(std::time::Duration::from_secs(20))
}

/// The next message, which must come.
fn next(port: &ReceiveRight) -> Received {
    let mut message = Received::new();
    port.receive_deadline(&mut message, soon()).unwrap();
    message
}

#[track_caller]
fn is_empty(port: &ReceiveRight) {
    let mut message = Received::new();
    assert_eq!(port.try_receive(&mut message), Err(ReceiveError::TimedOut), "{message:?}");
}

/// A name that was given up just now.
fn stale(task: &Task) -> PortName {
    let name = task.allocate_dead_name().unwrap();
    task.deallocate(name).unwrap();
    name
}

/// What a call says of names that it cannot mean, with the codes that Mach has for it.
#[track_caller]
fn refuses(call: impl Fn(RawName) -> Result<(), PortError>, cases: &[(RawName, PortError, i32)]) {
    for (name, error, code) in cases {
        assert_eq!(call(*name), Err(*error), "{name:?}");
        assert_eq!(error.code(), *code);
    }
}
