//! Two tasks and an authority against a model: whatever is done with handles and names, in whatever
//! order, the handles, the calls, the table and the receiver's count of senders agree with it.

mod common;

use std::time::{Duration, Instant};

use common::random::Random;
use shm_mach::authority::Embedded;
use shm_mach::ipc::NameReader;
use shm_mach::{
    Message, Notification, Options, PortError, PortName, ReceiveRight, Received, RightKind, SendFailure,
    SendRight, Task, TypeBits,
};

/// Sequences, and operations in each.
const RUNS: u64 = 300;
const OPERATIONS: usize = 120;
const PORTS: usize = 3;
const MOST: u32 = 65_535;

/// A count that sticks at its most.
fn added(count: u32, delta: i32) -> u32 {
    if count == MOST { MOST } else { count.saturating_add_signed(delta).min(MOST) }
}

/// What one task holds of one port.
#[derive(Default)]
struct Thing {
    handles: Vec<SendRight>,
    /// References of the name's own.
    named: u32,
    /// All references, as the name tells them.
    total: u32,
    /// The name, while there is anything under it.
    name: Option<PortName>,
    /// The task has learned that the port is dead.
    is_dead: bool,
    has_receive: bool,
}

impl Thing {
    fn holds(&self) -> bool {
        !self.handles.is_empty() || self.named > 0
    }

    /// A handle is here that was not.
    fn add(&mut self, handle: SendRight) {
        match self.name {
            Some(name) => assert_eq!(handle.name(), name, "rights to one port share a name"),
            None => self.name = Some(handle.name()),
        }
        self.total = added(self.total, 1);
        self.handles.push(handle);
    }

    /// A reference is gone.
    fn lessen(&mut self, count: u32) {
        if !self.holds() {
            self.total = 0;
            if !self.has_receive {
                (self.name, self.is_dead) = (None, false);
            }
        } else if self.total != MOST {
            self.total -= count;
        }
    }

    fn bits(&self) -> TypeBits {
        let receive = if self.has_receive { TypeBits::RECEIVE } else { TypeBits::NONE };
        match (self.holds(), self.is_dead) {
            (false, _) => receive,
            (true, false) => receive | TypeBits::SEND,
            (true, true) => TypeBits::DEAD_NAME,
        }
    }

    fn kind(&self) -> RightKind {
        if self.is_dead { RightKind::DeadName } else { RightKind::Send }
    }
}

/// One task: what the model says that it holds, and the way to it.
struct Side {
    task: Task,
    things: [Thing; PORTS],
    inbox: ReceiveRight,
    /// To the other side's inbox.
    way: SendRight,
    table: NameReader,
    /// Its own names from before.
    others: usize,
}

struct World {
    sides: [Side; 2],
    /// At side 0.
    ports: [Option<ReceiveRight>; PORTS],
    notify: [ReceiveRight; PORTS],
    /// A no-senders request is out.
    asked: [bool; PORTS],
    random: Random,
    _authority: Embedded,
}

fn world(seed: u64) -> World {
    let authority = Embedded::start().unwrap();
    let tasks =
        [(); 2].map(|()| Task::attach_to(authority.connect().unwrap(), &Options::default()).unwrap().0);
    let inboxes = [0, 1].map(|at| tasks[at].check_in(["left", "right"][at]).unwrap());
    let ways = [tasks[0].look_up("right").unwrap(), tasks[1].look_up("left").unwrap()];
    let notify = [(); PORTS].map(|()| tasks[0].allocate().unwrap());
    let mut parts = tasks.into_iter().zip(inboxes).zip(ways);
    let sides = [(); 2].map(|()| {
        let ((task, inbox), way) = parts.next().unwrap();
        let table = NameReader::adopt(task.names_file()).unwrap();
        let others = task.names().unwrap().len();
        Side { task, things: Default::default(), inbox, way, table, others }
    });
    let ports = [const { None }; PORTS];
    World { sides, ports, notify, asked: [false; PORTS], random: Random::new(seed), _authority: authority }
}

impl World {
    fn operate(&mut self) {
        let (side, port) = (self.random.below(2), self.random.below(PORTS));
        match self.random.below(16) {
            0 | 1 => self.make(port),
            2 => self.kill(port),
            3..=5 => self.pass(side, port),
            6 | 7 => self.copy(side, port),
            8 | 9 => self.drop_one(side, port),
            10 => self.give_to_name(side, port),
            11 => self.take_handle(side, port),
            12 => self.change(side, port),
            13 => self.deallocate(side, port),
            14 => self.send_by_handle(side, port),
            _ => self.send_by_name(side, port),
        }
    }

    /// The receive right, and a send right from it.
    fn make(&mut self, port: usize) {
        let is_held = self.sides.iter().any(|side| side.things[port].holds());
        let thing = &mut self.sides[0].things[port];
        if self.ports[port].is_none() {
            if is_held {
                return; // of a port that is dead
            }
            let right = self.sides[0].task.allocate().unwrap();
            (thing.has_receive, thing.name) = (true, Some(right.name()));
            self.ports[port] = Some(right);
            return;
        }
        let right = self.ports[port].as_ref().unwrap();
        thing.add(right.make_send());
        if !self.asked[port] {
            right.request_no_senders(0, &self.notify[port]);
            self.asked[port] = true;
        }
    }

    fn kill(&mut self, port: usize) {
        if self.random.below(4) > 0 {
            return;
        }
        let Some(right) = self.ports[port].take() else { return };
        if self.random.below(2) == 0 {
            let name = right.into_name();
            self.sides[0].task.mod_refs(name, RightKind::Receive, -1).unwrap();
        } else {
            drop(right);
        }
        self.asked[port] = false;
        let own = &mut self.sides[0].things[port];
        own.has_receive = false;
        own.is_dead = own.holds();
        if !own.holds() {
            own.name = None;
        }
        // The other side learns of it by sending, once this one has looked at what it did before.
        let [first, other] = &mut self.sides;
        let thing = &mut other.things[port];
        if let Some(name) = thing.name {
            let begin = Instant::now();
            loop {
                first.task.names().unwrap();
                let sent = match thing.handles.first() {
                    Some(handle) => Ok(handle.try_send(Message::new(1, b"")).map_err(|e| e.failure())),
                    None => {
                        let send =
                            |right: &SendRight| right.try_send(Message::new(1, b"")).map_err(|e| e.failure());
                        other.task.with_send_right(name, send)
                    }
                };
                match sent {
                    Ok(Err(SendFailure::PortDied)) => break,
                    _ => assert!(begin.elapsed() < Duration::from_secs(20), "{sent:?}"),
                }
            }
            thing.is_dead = true;
        }
    }

    /// Moves a handle to the other side.
    fn pass(&mut self, side: usize, port: usize) {
        let from = &mut self.sides[side];
        if from.things[port].is_dead {
            return;
        }
        let Some(handle) = from.things[port].handles.pop() else { return };
        from.way.send(Message::new(1, b"").with_right(handle)).unwrap();
        from.things[port].lessen(1);
        let to = &mut self.sides[1 - side];
        let mut message = Received::new();
        to.inbox.receive(&mut message).unwrap();
        let arrived = message.take_rights().pop().unwrap().into_send().expect("a right to a live port");
        to.things[port].add(arrived);
    }

    fn copy(&mut self, side: usize, port: usize) {
        let thing = &mut self.sides[side].things[port];
        if let Some(handle) = thing.handles.first() {
            let copy = handle.clone();
            thing.add(copy);
        }
    }

    fn drop_one(&mut self, side: usize, port: usize) {
        let thing = &mut self.sides[side].things[port];
        if !thing.handles.is_empty() {
            drop(thing.handles.swap_remove(self.random.below(thing.handles.len())));
            thing.lessen(1);
        }
    }

    fn give_to_name(&mut self, side: usize, port: usize) {
        let thing = &mut self.sides[side].things[port];
        if let Some(handle) = thing.handles.pop() {
            assert_eq!(Some(handle.into_name()), thing.name);
            thing.named = added(thing.named, 1);
        }
    }

    fn take_handle(&mut self, side: usize, port: usize) {
        let Side { task, things, .. } = &mut self.sides[side];
        let thing = &mut things[port];
        let Some(name) = thing.name else { return };
        match (thing.holds(), thing.is_dead) {
            (true, false) => {
                let handle = task.send_right(name).unwrap();
                thing.add(handle);
            }
            (true, true) => assert_eq!(task.send_right(name).map(drop), Err(PortError::DeadPort)),
            (false, _) => assert_eq!(task.send_right(name).map(drop), Err(PortError::NoSuchRight)),
        }
    }

    fn change(&mut self, side: usize, port: usize) {
        let Side { task, things, .. } = &mut self.sides[side];
        let thing = &mut things[port];
        let Some(name) = thing.name else { return };
        let delta = self.random.pick(&[1, 2, 5, -1, -2, -3, -5, 65_535, -65_535, -65_536, 0]);
        let done = task.mod_refs(name, thing.kind(), delta);
        let count = delta.unsigned_abs();
        let expected = if !thing.holds() {
            Err(PortError::NoSuchRight)
        } else if count > MOST || (delta < 0 && thing.total != MOST && count > thing.total) {
            Err(PortError::BadDelta)
        } else if thing.total == MOST {
            if delta == -65_535 {
                thing.named = 0;
                thing.lessen(0);
            }
            Ok(())
        } else if delta < 0 && count > thing.named {
            Err(PortError::Pinned)
        } else {
            thing.named = added(thing.named, delta);
            if delta < 0 {
                thing.lessen(count);
            } else {
                thing.total = added(thing.total, delta);
            }
            Ok(())
        };
        assert_eq!(done, expected, "by {delta}");
    }

    fn deallocate(&mut self, side: usize, port: usize) {
        let Side { task, things, .. } = &mut self.sides[side];
        let thing = &mut things[port];
        let Some(name) = thing.name else { return };
        let done = task.deallocate(name);
        let expected = match (thing.holds(), thing.total, thing.named) {
            (false, ..) => Err(PortError::NoSuchRight),
            (_, MOST, _) => Ok(()),
            (_, _, 0) => Err(PortError::Pinned),
            _ => {
                thing.named -= 1;
                thing.lessen(1);
                Ok(())
            }
        };
        assert_eq!(done, expected);
    }

    fn send_by_handle(&mut self, side: usize, port: usize) {
        let thing = &self.sides[side].things[port];
        let Some(handle) = thing.handles.first() else { return };
        let sent = handle.try_send(Message::new(7, b"by handle")).map_err(|error| error.failure());
        self.arrived(port, thing.is_dead, sent);
    }

    fn send_by_name(&mut self, side: usize, port: usize) {
        let Side { task, things, .. } = &self.sides[side];
        let Some(name) = things[port].name else { return };
        let send = |right: &SendRight| right.try_send(Message::new(7, b"by name")).map_err(|e| e.failure());
        let sent = task.with_send_right(name, send);
        match (things[port].holds(), things[port].is_dead) {
            (false, _) => assert_eq!(sent, Err(PortError::NoSuchRight)),
            (true, true) => assert_eq!(sent, Err(PortError::DeadPort)),
            (true, false) => self.arrived(port, false, sent.unwrap()),
        }
    }

    fn arrived(&self, port: usize, is_dead: bool, sent: Result<(), SendFailure>) {
        if is_dead {
            return assert_eq!(sent, Err(SendFailure::PortDied));
        }
        assert_eq!(sent, Ok(()));
        let mut message = Received::new();
        self.ports[port].as_ref().unwrap().receive(&mut message).unwrap();
        assert_eq!(message.id(), 7);
    }

    /// Everything that can be looked at, against the model.
    fn check(&mut self) {
        for side in &self.sides {
            let mut count = side.others;
            for thing in &side.things {
                let Some(name) = thing.name else { continue };
                count += 1;
                let refs = side.task.get_refs(name, thing.kind()).unwrap();
                assert_eq!(side.task.right_type(name), Ok(thing.bits()));
                assert_eq!(u32::from(refs), thing.total);
                let row = side.table.lookup(name).unwrap();
                assert_eq!((row.type_bits, row.urefs), (thing.bits(), thing.total));
                assert!(thing.handles.iter().all(|handle| handle.name() == name));
            }
            assert_eq!(side.task.names().unwrap().len(), count);
        }
        for port in 0..PORTS {
            let are_there = self.sides.iter().any(|side| side.things[port].holds());
            let mut told = self.no_senders(port);
            if self.asked[port] && !are_there {
                let begin = Instant::now();
                while !told {
                    assert!(begin.elapsed() < Duration::from_secs(20), "no-senders is missing");
                    told = self.no_senders(port);
                }
                self.asked[port] = false;
            } else {
                assert!(!told, "no-senders came too early, or twice");
            }
        }
    }

    fn no_senders(&self, port: usize) -> bool {
        let mut message = Received::new();
        let is_there = self.notify[port].try_receive(&mut message).is_ok();
        assert!(!is_there || matches!(message.notification(), Some(Notification::NoSenders { .. })));
        is_there
    }
}

#[test]
fn handles_names_tables_and_counts_agree() {
    for seed in 0..RUNS {
        println!("seed {seed}");
        let mut world = world(seed);
        for operation in 0..OPERATIONS {
            println!("operation {operation}");
            world.operate();
            world.check();
        }
    }
}
