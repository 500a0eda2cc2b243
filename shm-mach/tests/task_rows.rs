//! The rules for queues, receives and notifications between tasks, one test a row of Mach's semantics.
//!
//! Both tasks are in this process: memory is shared between them as between two processes, and what
//! is queued where is known at each step.

#[path = "task_rows/notifications.rs"]
mod notifications;
#[path = "task_rows/queues.rs"]
mod queues;
#[path = "task_rows/receive.rs"]
mod receive;

mod common;

use std::time::Duration;

use common::watchdog::Watchdog;
use shm_mach::{
    Deadline, Identity, Joined, Message, Notification, Options, PortError, ReceiveError, ReceiveRight,
    Received, Right, SendFailure, SendRight, Wait, join,
};

/// Two tasks that hold send rights to a port of each other's.
fn pair() -> (Joined, Joined) {
    let (ours, theirs) = common::sockets();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| join(theirs, &Options::default()).unwrap());
        (join(ours, &Options::default()).unwrap(), other.join().unwrap())
    })
}

/// Long enough for a thread to begin to wait; nothing is wrong if it was not.
fn a_while() {
    std::thread::sleep(Duration::from_millis(50));
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

/// The id of the next message, which must come.
fn next(port: &ReceiveRight) -> i32 {
    let mut message = Received::new();
    port.receive_deadline(&mut message, soon()).unwrap();
    assert_eq!(message.notification(), None);
    message.id()
}

/// The next message, which must be a notification.
fn told(port: &ReceiveRight) -> Notification {
    let mut message = Received::new();
    port.receive_deadline(&mut message, soon()).unwrap();
    message.notification().expect("a notification")
}

#[track_caller]
fn is_empty(port: &ReceiveRight) {
    let mut message = Received::new();
    assert_eq!(port.try_receive(&mut message), Err(ReceiveError::TimedOut), "{message:?}");
}

/// Whether the queue takes an empty message with this id.
#[track_caller]
fn fits(right: &SendRight, id: i32) -> bool {
    match right.try_send(Message::new(id, b"")) {
        Ok(()) => true,
        Err(refused) => {
            assert_eq!(refused.failure(), SendFailure::TimedOut);
            false
        }
    }
}
