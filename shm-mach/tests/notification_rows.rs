//! Requests to be told of what happens to rights, a file for each kind. Where another task's death
//! matters, it is a process that is killed; else both tasks are in this process: memory is shared between
//! them as between two processes, and what was done when is known.

#[path = "notification_rows/dead_names.rs"]
mod dead_names;
#[path = "notification_rows/hostile.rs"]
mod hostile;
#[path = "notification_rows/no_senders.rs"]
mod no_senders;
#[path = "notification_rows/port_destroyed.rs"]
mod port_destroyed;
#[path = "notification_rows/send_possible.rs"]
mod send_possible;

mod common;

use common::meet::soon;
use shm_mach::{
    Joined, Message, Notification, Options, PortName, ReceiveError, ReceiveRight, Received, Right, SendRight,
    join,
};

/// Two tasks that hold send rights to a port of each other's.
fn pair() -> (Joined, Joined) {
    let (ours, theirs) = common::sockets();
    let other = std::thread::spawn(move || join(theirs, &Options::default()).unwrap());
    (join(ours, &Options::default()).unwrap(), other.join().unwrap())
}

/// The next message, which must be a notification.
#[track_caller]
fn told(port: &ReceiveRight) -> Notification {
    let mut message = Received::new();
    port.receive_deadline(&mut message, soon()).unwrap();
    message.notification().unwrap_or_else(|| panic!("a notification, not {message:?}"))
}

#[track_caller]
fn is_empty(port: &ReceiveRight) {
    let mut message = Received::new();
    assert_eq!(port.try_receive(&mut message), Err(ReceiveError::TimedOut), "{message:?}");
}

/// A send right in the next message.
fn right_in(port: &ReceiveRight) -> SendRight {
    let mut message = Received::new();
    port.receive_deadline(&mut message, soon()).unwrap();
    message.take_rights().pop().and_then(Right::into_send).unwrap()
}

/// A port of `from`'s, and `to`'s name for its send right.
fn given(from: &Joined, to: &Joined) -> (ReceiveRight, PortName) {
    given_with(from, to, Options::DEFAULT_LIMIT)
}

/// The same, with a queue limit.
fn given_with(from: &Joined, to: &Joined, limit: u32) -> (ReceiveRight, PortName) {
    let port = from.task.allocate().unwrap();
    port.set_queue_limit(limit).unwrap();
    from.send.send(Message::new(0, b"").with_right(port.make_send())).unwrap();
    let name = right_in(&to.receive).into_name();
    (port, name)
}
