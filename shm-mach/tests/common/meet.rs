//! Tasks that meet, and what is received from them by a deadline that is only there to end a test.

use std::os::fd::OwnedFd;
use std::time::Duration;

use shm_mach::authority::Embedded;
use shm_mach::{
    Deadline, Joined, Message, Notification, Options, ReceiveError, ReceiveRight, Received, Right, SendRight,
    Task, join,
};

use super::{Peer, sockets, spawn};

/// Much longer than anything takes that does not hang.
pub(crate) fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

/// The next message. Nobody waits for ever.
pub(crate) fn next(port: &ReceiveRight, what: &str) -> Received {
    let mut message = Received::new();
    port.receive_deadline(&mut message, soon()).unwrap_or_else(|error| panic!("{what}: {error}"));
    message
}

/// What came before the last sender was gone.
pub(crate) fn until_no_senders(port: &ReceiveRight, what: &str) -> Vec<Received> {
    let mut all = Vec::new();
    loop {
        let message = next(port, what);
        if let Some(notification) = message.notification() {
            assert!(matches!(notification, Notification::NoSenders { .. }), "{what}: {notification:?}");
            let more = port.try_receive(&mut Received::new());
            assert_eq!(more, Err(ReceiveError::TimedOut), "{what}: that was the last");
            return all;
        }
        all.push(message);
    }
}

pub(crate) fn send_rights(message: &mut Received) -> impl Iterator<Item = SendRight> {
    message.take_rights().into_iter().filter_map(Right::into_send)
}

/// A child with role `role` of the test function `test`, joined by a bare socket.
pub(crate) fn joined_with(test: &str, role: &str, options: &Options) -> (Joined, Peer) {
    let (ours, theirs) = sockets();
    let peer = spawn(test, role, theirs);
    (join(ours, options).unwrap(), peer)
}

/// A task of this process, and an authority of its own, which serves until the process ends.
pub(crate) fn attached() -> Task {
    let authority = Embedded::start().unwrap();
    Task::attach_to(authority.connect().unwrap(), &Options::default()).unwrap().0
}

/// The last right in the next message.
pub(crate) fn receive_right(port: &ReceiveRight, message: &mut Received) -> SendRight {
    port.receive(message).unwrap();
    message.take_rights().pop().and_then(Right::into_send).unwrap()
}

/// The next message says that the last sender is gone.
pub(crate) fn expect_no_senders(port: &ReceiveRight) {
    let mut message = Received::new();
    port.receive(&mut message).unwrap();
    assert!(matches!(message.notification(), Some(Notification::NoSenders { .. })), "{message:?}");
}

/// Waits to be killed.
pub(crate) fn park() -> ! {
    loop {
        std::thread::park();
    }
}

/// Two tasks of this process, with a link between them, and ports of which each has one sender.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) task: Task,
    pub(crate) other: Task,
    /// The other's port, and the task's right to it.
    pub(crate) port: ReceiveRight,
    pub(crate) to_other: SendRight,
    /// The task's port, and the other's right to it.
    pub(crate) from_other: ReceiveRight,
    pub(crate) to_task: SendRight,
    /// A port of each that the authority knows as `test.task` and `test.other`: others may send there,
    /// so its messages have an order among senders. And the other's right to the task's.
    named: [ReceiveRight; 2],
    to_named: SendRight,
}

impl Pair {
    /// Attaches both, by connections to one authority, and links them.
    pub(crate) fn new(connect: impl Fn() -> OwnedFd, options: &Options) -> Self {
        let attach = || Task::attach_to(connect(), options).unwrap().0;
        let (task, other) = (attach(), attach());
        let named = [task.check_in("test.task").unwrap(), other.check_in("test.other").unwrap()];
        let to_named = other.look_up("test.task").unwrap();
        let (port, from_other) = (other.allocate().unwrap(), task.allocate().unwrap());
        to_named.send(Message::new(0, b"").with_right(port.make_send())).unwrap();
        let to_other = send_rights(&mut next(&named[0], "a right")).next().unwrap();
        to_other.send(Message::new(0, b"").with_right(from_other.make_send())).unwrap();
        let to_task = send_rights(&mut next(&port, "a right")).next().unwrap();
        let pair = Self { task, other, port, to_other, from_other, to_task, named, to_named };
        pair.goes_on();
        pair
    }

    /// The two talk to each other as ever.
    pub(crate) fn goes_on(&self) {
        const BODY: &[u8] = &[0xa5; 100];
        for id in 0..10 {
            self.to_other.send(Message::new(id, BODY)).unwrap();
            let message = next(&self.port, "from the task");
            assert_eq!((message.id(), message.body()), (id, BODY));
            self.to_task.send(Message::new(id, BODY)).unwrap();
            let message = next(&self.from_other, "from the other");
            assert_eq!((message.id(), message.body()), (id, BODY));
        }
    }

    /// Whether a message to a port that has an order among senders is received until `deadline`. It is
    /// in the end.
    pub(crate) fn goes_on_in_order(&self, deadline: Deadline) -> bool {
        self.to_named.send(Message::new(1, b"in order")).unwrap();
        let mut message = Received::new();
        let is_soon = self.named[0].receive_deadline(&mut message, deadline).is_ok();
        assert!(!is_soon || message.body() == b"in order");
        is_soon
    }

    /// A port of the other's, which asks for its last sender's end, and the task's only right to it.
    pub(crate) fn port_of_other(&self) -> (ReceiveRight, SendRight) {
        let port = self.other.allocate().unwrap();
        self.to_task.send(Message::new(3, b"").with_right(port.make_send())).unwrap();
        port.request_no_senders(0, &port);
        let right = send_rights(&mut next(&self.from_other, "a right")).next().unwrap();
        (port, right)
    }
}
