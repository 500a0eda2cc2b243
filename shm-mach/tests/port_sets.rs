//! Port sets: their rows, a model of them, and several processes that send to their members.

mod common;

#[path = "port_sets/model.rs"]
mod model;
#[path = "port_sets/processes.rs"]
mod processes;
#[path = "port_sets/rows.rs"]
mod rows;

use shm_mach::{Message, PortSet, ReceiveError, ReceiveRight, Received, SendRight, Task, join};

/// Two tasks in this process, joined: `count` ports of the first, and the second's right to each.
pub(crate) struct Pair {
    pub(crate) task: Task,
    pub(crate) ports: Vec<ReceiveRight>,
    pub(crate) rights: Vec<SendRight>,
    _ends: [shm_mach::Joined; 1],
}

impl Pair {
    pub(crate) fn new(count: usize) -> Self {
        let (here, there) = common::sockets();
        let other = std::thread::spawn(move || join(there, &Default::default()).unwrap());
        let ours = join(here, &Default::default()).unwrap();
        let theirs = other.join().unwrap();
        let ports: Vec<_> = (0..count).map(|_| ours.task.allocate().unwrap()).collect();
        let mut message = Received::new();
        let rights = ports.iter().map(|port| {
            ours.send.send(Message::new(0, b"").with_right(port.make_send())).unwrap();
            theirs.receive.receive(&mut message).unwrap();
            message.take_rights().remove(0).into_send().unwrap()
        });
        let rights = rights.collect();
        Self { task: ours.task.clone(), ports, rights, _ends: [theirs] }
    }
}

/// Sends message `id` inside the task.
pub(crate) fn send(port: &ReceiveRight, id: i32) {
    port.make_send().send(Message::new(id, b"")).unwrap();
}

/// The id of the next message of a set, if there is one.
pub(crate) fn next(set: &PortSet) -> Option<i32> {
    let mut message = Received::new();
    match set.try_receive(&mut message) {
        Ok(()) => Some(message.id()),
        Err(ReceiveError::TimedOut) => None,
        Err(error) => panic!("{error}"),
    }
}
