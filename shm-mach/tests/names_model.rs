//! Two tasks and an authority against a model: whatever is done with handles and names, in whatever
//! order, the handles, the calls, the table, a port set, contexts and guards, and the receiver's count of
//! senders agree with it.

mod common;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use common::random::Random;
use shm_mach::authority::Embedded;
use shm_mach::ipc::NameReader;
use shm_mach::{
    Disposition, GuardOptions, Message, Notification, Options, PortError, PortName, ReceiveRight, Received,
    RightKind, SendFailure, SendRight, Task, TypeBits,
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

/// A name that is free.
fn free(task: &Task) -> PortName {
    let name = task.allocate_dead_name().unwrap();
    task.deallocate(name).unwrap();
    name
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
    /// Names of send-once rights.
    once: Vec<PortName>,
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

/// What the receiver has said of a port: a number, and whether that is a guard, and how strict.
#[derive(Clone, Copy, Default)]
struct Context {
    value: u64,
    is_guarded: bool,
    is_strict: bool,
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
    /// Send-once rights that have ended unused: their port has as many notifications.
    unused: [usize; PORTS],
    contexts: [Context; PORTS],
    /// A set of side 0, and its members.
    set: PortName,
    members: BTreeSet<usize>,
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
    let set = tasks[0].allocate_right(RightKind::PortSet).unwrap();
    let mut parts = tasks.into_iter().zip(inboxes).zip(ways);
    let sides = [(); 2].map(|()| {
        let ((task, inbox), way) = parts.next().unwrap();
        let table = NameReader::adopt(task.names_file()).unwrap();
        let others = task.names().unwrap().len();
        Side { task, things: Default::default(), inbox, way, table, others }
    });
    let ports = [const { None }; PORTS];
    World {
        sides,
        ports,
        notify,
        asked: [false; PORTS],
        unused: [0; PORTS],
        contexts: [Context::default(); PORTS],
        set,
        members: BTreeSet::new(),
        random: Random::new(seed),
        _authority: authority,
    }
}

impl World {
    fn operate(&mut self) {
        let (side, port) = (self.random.below(2), self.random.below(PORTS));
        match self.random.below(24) {
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
            15 | 16 => self.make_once(side, port),
            17 => self.end_once(side, port),
            18 => self.move_send(side, port),
            19 => self.move_receive(port),
            20 => self.change_set(port),
            21 | 22 => self.change_context(port),
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
            let (name, task) = (right.into_name(), &self.sides[0].task);
            let context = std::mem::take(&mut self.contexts[port]);
            if context.is_guarded {
                assert_eq!(task.mod_refs(name, RightKind::Receive, -1), Err(PortError::Guarded));
                assert_eq!(task.destruct(name, 0, context.value + 1), Err(PortError::WrongGuard));
                task.destruct(name, 0, context.value).unwrap();
            } else {
                task.mod_refs(name, RightKind::Receive, -1).unwrap();
            }
        } else {
            drop(right);
        }
        self.asked[port] = false;
        self.contexts[port] = Context::default();
        self.unused[port] = 0;
        self.members.remove(&port);
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
        self.bury_once(port);
    }

    /// The port is dead: so are the send-once rights to it, each under a name of its own.
    fn bury_once(&mut self, port: usize) {
        let [first, other] = &mut self.sides;
        for name in first.things[port].once.drain(..) {
            assert_eq!(first.task.right_type(name), Ok(TypeBits::DEAD_NAME));
            first.task.deallocate(name).unwrap();
        }
        for name in other.things[port].once.drain(..) {
            let begin = Instant::now();
            while other.task.right_type(name) != Ok(TypeBits::DEAD_NAME) {
                assert!(begin.elapsed() < Duration::from_secs(20), "the death is not seen");
                first.task.names().unwrap();
            }
            assert_eq!(other.task.get_refs(name, RightKind::DeadName), Ok(1));
            other.task.mod_refs(name, RightKind::DeadName, -1).unwrap();
        }
    }

    /// A send-once right, made here or sent there, gets a name.
    fn make_once(&mut self, side: usize, port: usize) {
        let Some(receive) = &self.ports[port] else { return };
        let mut right = receive.make_send_once();
        if side == 1 {
            self.sides[0].way.send(Message::new(1, b"").with_right(right)).unwrap();
            let mut message = Received::new();
            self.sides[1].inbox.receive(&mut message).unwrap();
            right = message.take_rights().pop().unwrap().into_send_once().expect("a right to a live port");
        }
        let Side { task, things, .. } = &mut self.sides[side];
        let name = right.into_name(task).map_err(|(error, _)| error).unwrap();
        assert!(!things[port].once.contains(&name) && things[port].name != Some(name), "a name of its own");
        things[port].once.push(name);
    }

    /// One is used, given up, or put under another name.
    fn end_once(&mut self, side: usize, port: usize) {
        let way = self.random.below(5);
        let Side { task, things, .. } = &mut self.sides[side];
        let once = &mut things[port].once;
        let Some(name) = once.pop() else { return };
        match way {
            0 => {
                let sent = task.send_once_right(name).unwrap().send(Message::new(7, b"once"));
                sent.map_err(|error| error.failure()).unwrap();
                self.arrived(port, false, Ok(()));
            }
            1 => {
                task.mod_refs(name, RightKind::SendOnce, -1).unwrap();
                self.unused[port] += 1;
            }
            2 => {
                task.destroy(name).unwrap();
                self.unused[port] += 1;
            }
            3 => {
                let moved = task.extract_right(name, Disposition::MoveSendOnce).unwrap();
                once.push(PortName::new(moved.0).unwrap());
            }
            _ => {
                let chosen = free(task);
                task.insert_right(chosen, name, Disposition::MoveSendOnce).unwrap();
                once.push(chosen);
            }
        }
    }

    /// Moves a reference of the name's to another name.
    fn move_send(&mut self, side: usize, port: usize) {
        let Side { task, things, .. } = &mut self.sides[side];
        let thing = &mut things[port];
        let Some(name) = thing.name else { return };
        let chosen = free(task);
        let done = task.insert_right(chosen, name, Disposition::MoveSend);
        if !thing.holds() {
            return assert_eq!(done, Err(PortError::NoSuchRight));
        }
        if thing.named == 0 && thing.total != MOST {
            return assert_eq!(done, Err(PortError::Pinned));
        }
        let is_last = thing.total == 1 && !thing.is_dead && !thing.has_receive;
        if is_last {
            assert_eq!(done, Ok(()));
            thing.name = Some(chosen);
            return;
        }
        let refused = if thing.is_dead { PortError::DeadPort } else { PortError::RightExists };
        assert_eq!(done, Err(refused));
        if thing.total != MOST {
            thing.named -= 1;
            thing.lessen(1);
        }
    }

    /// Moves the receive right to another name; a send right beside it would keep that from it.
    fn move_receive(&mut self, port: usize) {
        let Side { task, things, .. } = &mut self.sides[0];
        if self.ports[port].is_none() || things[port].holds() {
            return;
        }
        let name = self.ports[port].take().unwrap().into_name();
        let chosen = free(task);
        task.insert_right(chosen, name, Disposition::MoveReceive).unwrap();
        things[port].name = Some(chosen);
        self.ports[port] = Some(task.receive_right(chosen).unwrap());
        self.contexts[port] = Context::default();
        self.members.remove(&port);
    }

    fn change_context(&mut self, port: usize) {
        let Some(name) = self.ports[port].as_ref().map(ReceiveRight::name) else { return };
        let (task, random) = (&self.sides[0].task, &mut self.random);
        let context = &mut self.contexts[port];
        let (value, is_strict) = (random.pick(&[0, 1, 2]), random.below(2) == 0);
        match random.below(4) {
            0 => {
                let expected = if context.is_strict { Err(PortError::StrictGuard) } else { Ok(()) };
                assert_eq!(task.set_context(name, value), expected);
                expected.map(|()| context.value = value)
            }
            1 => {
                let expected = if context.value == 0 { Ok(()) } else { Err(PortError::HasContext) };
                let options = GuardOptions { is_strict, is_immovable: false };
                assert_eq!(task.guard(name, value, options), expected);
                expected.map(|()| *context = Context { value, is_guarded: true, is_strict })
            }
            2 => {
                let expected = match context {
                    Context { is_guarded: false, .. } => Err(PortError::NotGuarded),
                    Context { value: guard, .. } if *guard != value => Err(PortError::WrongGuard),
                    _ => Ok(()),
                };
                assert_eq!(task.unguard(name, value), expected);
                expected.map(|()| *context = Context::default())
            }
            _ => {
                let expected = match context {
                    Context { is_guarded: false, .. } => Err(PortError::NotGuarded),
                    Context { is_strict: true, .. } => Err(PortError::StrictGuard),
                    Context { value: guard, .. } if *guard != value => Err(PortError::WrongGuard),
                    _ => Ok(()),
                };
                assert_eq!(task.swap_guard(name, value, 3), expected);
                expected.map(|()| context.value = 3)
            }
        }
        .unwrap_or_default(); // a call that is refused changes nothing
    }

    fn change_set(&mut self, port: usize) {
        let task = &self.sides[0].task;
        let Some(name) = self.ports[port].as_ref().map(ReceiveRight::name) else { return };
        if self.random.below(2) == 0 {
            let done = task.insert_member(name, self.set);
            let expected = if self.members.insert(port) { Ok(()) } else { Err(PortError::AlreadyInSet) };
            assert_eq!(done, expected);
        } else {
            let done = task.extract_member(name, self.set);
            let expected = if self.members.remove(&port) { Ok(()) } else { Err(PortError::NotInSet) };
            assert_eq!(done, expected);
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
        let is_dead = thing.is_dead;
        self.arrived(port, is_dead, sent);
    }

    fn send_by_name(&mut self, side: usize, port: usize) {
        let Side { task, things, .. } = &self.sides[side];
        let Some(name) = things[port].name else { return };
        let (holds, is_dead) = (things[port].holds(), things[port].is_dead);
        let send = |right: &SendRight| right.try_send(Message::new(7, b"by name")).map_err(|e| e.failure());
        let sent = task.with_send_right(name, send);
        match (holds, is_dead) {
            (false, _) => assert_eq!(sent, Err(PortError::NoSuchRight)),
            (true, true) => assert_eq!(sent, Err(PortError::DeadPort)),
            (true, false) => self.arrived(port, false, sent.unwrap()),
        }
    }

    fn arrived(&mut self, port: usize, is_dead: bool, sent: Result<(), SendFailure>) {
        if is_dead {
            return assert_eq!(sent, Err(SendFailure::PortDied));
        }
        assert_eq!(sent, Ok(()));
        let mut message = Received::new();
        let port_at = port;
        let port = self.ports[port].as_ref().unwrap();
        port.receive(&mut message).unwrap();
        while message.notification() == Some(Notification::SendOnce) {
            self.unused[port_at] = self.unused[port_at].checked_sub(1).expect("told too often");
            port.receive(&mut message).unwrap();
        }
        assert_eq!((message.id(), message.port()), (7, Some(port.name())));
    }

    /// Everything that can be looked at, against the model.
    fn check(&mut self) {
        for side in &self.sides {
            let mut count = side.others;
            for thing in &side.things {
                count += thing.once.len();
                let once = |name: &PortName| side.task.right_type(*name) == Ok(TypeBits::SEND_ONCE);
                assert!(thing.once.iter().all(once), "{:?}", thing.once);
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
        let names = self.members.iter().map(|port| self.ports[*port].as_ref().unwrap().name());
        let members: BTreeSet<PortName> = names.collect();
        assert_eq!(self.sides[0].task.get_set_status(self.set), Ok(members.into_iter().collect()));
        for port in 0..PORTS {
            let Some(right) = &self.ports[port] else { continue };
            let (task, Context { value, is_guarded, is_strict }) = (&self.sides[0].task, self.contexts[port]);
            let status = task.receive_status(right.name()).unwrap();
            let flags = 2 * u32::from(is_guarded) + 4 * u32::from(is_strict);
            assert_eq!((status.flags, status.is_in_set), (flags, self.members.contains(&port)));
            assert_eq!(task.get_context(right.name()), Ok(if is_strict { 0 } else { value }));
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
