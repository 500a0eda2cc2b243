//! Random calls on ports and sets, against a model of them: a queue for each port, and for each set
//! its members.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::collection::vec;
use proptest::prelude::*;
use shm_mach::{
    Deadline, Message, PortError, PortName, PortSet, ReceiveError, ReceiveRight, Received, SendRight, Wait,
};

use crate::Pair;

const PORTS: usize = 5;
/// The last one is exclusive.
const SETS: usize = 3;
/// More than this in a queue would find it full.
const QUEUE_MOST: usize = 200;

#[derive(Clone, Copy, Debug)]
enum Call {
    Insert {
        port: usize,
        set: usize,
    },
    Remove {
        port: usize,
        set: usize,
    },
    Move {
        port: usize,
        set: usize,
    },
    Send {
        port: usize,
        inside: bool,
        count: usize,
    },
    Receive {
        set: usize,
    },
    ReceiveDirectly {
        port: usize,
    },
    /// Waits at a set in vain: nobody looks at its members any more.
    Rest {
        set: usize,
    },
    Kill {
        port: usize,
    },
    Renew {
        set: usize,
    },
}

fn call() -> impl Strategy<Value = Call> {
    let (port, set) = (0..PORTS, 0..SETS);
    prop_oneof![
        3 => (port.clone(), set.clone()).prop_map(|(port, set)| Call::Insert { port, set }),
        1 => (port.clone(), set.clone()).prop_map(|(port, set)| Call::Remove { port, set }),
        1 => (port.clone(), set.clone()).prop_map(|(port, set)| Call::Move { port, set }),
        8 => (port.clone(), any::<bool>(), 1..4usize)
            .prop_map(|(port, inside, count)| Call::Send { port, inside, count }),
        16 => set.clone().prop_map(|set| Call::Receive { set }),
        3 => port.clone().prop_map(|port| Call::ReceiveDirectly { port }),
        4 => set.clone().prop_map(|set| Call::Rest { set }),
        1 => port.prop_map(|port| Call::Kill { port }),
        1 => set.prop_map(|set| Call::Renew { set }),
    ]
}

/// The real things, and what the model knows of them.
struct World {
    pair: Pair,
    ports: Vec<Option<ReceiveRight>>,
    rights: Vec<SendRight>,
    sets: Vec<PortSet>,
    /// Messages of each port, wherever they came from: each was sent after the one before it had been.
    queues: Vec<VecDeque<i32>>,
    members: Vec<BTreeSet<usize>>,
    /// For each set and each of its members that waits to be served: how often others were served since.
    passed: Vec<BTreeMap<usize, BTreeMap<usize, u32>>>,
    last: i32,
}

impl World {
    fn new() -> Self {
        let mut pair = Pair::new(PORTS);
        let ports: Vec<_> = std::mem::take(&mut pair.ports).into_iter().map(Some).collect();
        let rights = std::mem::take(&mut pair.rights);
        // A lane that is new is not heard of before the task looks at its news.
        for (port, right) in std::iter::zip(&ports, &rights) {
            right.send(Message::new(0, b"")).unwrap();
            let port: &ReceiveRight = Option::as_ref(port).expect("just made");
            port.receive(&mut Received::new()).unwrap();
        }
        let sets = (0..SETS).map(|at| Self::allocate(&pair, at)).collect();
        Self {
            pair,
            ports,
            rights,
            sets,
            queues: vec![VecDeque::new(); PORTS],
            members: vec![BTreeSet::new(); SETS],
            passed: vec![BTreeMap::new(); SETS],
            last: 0,
        }
    }

    fn allocate(pair: &Pair, at: usize) -> PortSet {
        let task = &pair.task;
        let set = if at == SETS - 1 { task.allocate_exclusive_set() } else { task.allocate_set() };
        set.unwrap()
    }

    fn is_empty(&self, port: usize) -> bool {
        self.queues[port].is_empty()
    }

    fn in_exclusive(&self, port: usize) -> bool {
        self.members[SETS - 1].contains(&port)
    }

    fn insert(&mut self, port: usize, set: usize) -> Result<(), PortError> {
        let others = self.members.iter().enumerate().filter(|(_, members)| members.contains(&port));
        if others.map(|(other, _)| other).any(|other| other == set || other.max(set) == SETS - 1) {
            return Err(PortError::AlreadyInSet);
        }
        self.members[set].insert(port);
        Ok(())
    }

    /// Checks that `id`, which came through `port`, is next there.
    fn took(&mut self, port: usize, id: i32) {
        assert_eq!(self.queues[port].pop_front(), Some(id), "lost, twice or out of order");
    }

    /// Each member that has something is passed over by each other at most once.
    fn served(&mut self, set: usize, served: usize, was_ready: &[usize]) {
        self.passed[set].retain(|port, _| was_ready.contains(port) && *port != served);
        for port in was_ready.iter().filter(|port| **port != served) {
            let times = self.passed[set].entry(*port).or_default().entry(served).or_default();
            *times += 1;
            assert!(*times <= 1, "{port} waits while {served} is served again and again in set {set}");
        }
    }

    fn leave_all(&mut self, port: usize) {
        for members in &mut self.members {
            members.remove(&port);
        }
    }

    fn port_of(&self, id: Option<PortName>) -> usize {
        let is_it = |port: &Option<ReceiveRight>| port.as_ref().map(ReceiveRight::name) == id;
        self.ports.iter().position(is_it).expect("a living port")
    }

    fn perform(&mut self, call: Call) {
        match call {
            Call::Insert { port, set } => {
                let Some(right) = &self.ports[port] else { return };
                let real = self.sets[set].insert(right);
                assert_eq!(real, self.insert(port, set));
            }
            Call::Remove { port, set } => {
                let Some(right) = &self.ports[port] else { return };
                let real = self.sets[set].remove(right);
                let was_in = self.members[set].remove(&port);
                assert_eq!(real, if was_in { Ok(()) } else { Err(PortError::NotInSet) });
            }
            Call::Move { port, set } => {
                let Some(right) = &self.ports[port] else { return };
                self.sets[set].move_member(right).unwrap();
                self.leave_all(port);
                self.members[set].insert(port);
            }
            Call::Send { port, inside, count } => self.send(port, inside, count),
            Call::Receive { set } => self.receive(set),
            Call::ReceiveDirectly { port } => self.receive_directly(port),
            Call::Rest { set } => self.rest(set),
            Call::Kill { port } => {
                if self.ports[port].take().is_some() {
                    self.queues[port].clear();
                    self.leave_all(port);
                }
            }
            Call::Renew { set } => {
                self.sets[set] = Self::allocate(&self.pair, set);
                self.members[set].clear();
                self.passed[set].clear();
            }
        }
        for (passed, members) in self.passed.iter_mut().zip(&self.members) {
            passed.retain(|port, _| members.contains(port)); // who comes back stands at the end
        }
        for (set, members) in self.sets.iter().zip(&self.members) {
            let mut real: Vec<_> = set.members().into_iter().map(|id| self.port_of(Some(id))).collect();
            real.sort_unstable();
            assert!(real.iter().eq(members.iter()));
        }
    }

    fn send(&mut self, port: usize, inside: bool, count: usize) {
        let Some(right) = &self.ports[port] else { return };
        for _ in 0..count {
            let queue = &mut self.queues[port];
            if queue.len() >= QUEUE_MOST {
                return;
            }
            self.last += 1;
            queue.push_back(self.last);
            let message = Message::new(self.last, b"");
            if inside {
                right.make_send().send(message).unwrap();
            } else {
                self.rights[port].send(message).unwrap();
            }
        }
    }

    fn receive(&mut self, set: usize) {
        let ready: Vec<_> = self.members[set].iter().copied().filter(|port| !self.is_empty(*port)).collect();
        let mut message = Received::new();
        match self.sets[set].try_receive(&mut message) {
            Ok(()) => {
                let port = self.port_of(message.port());
                assert!(ready.contains(&port), "from a port that is no member, or has nothing");
                self.took(port, message.id());
                self.served(set, port, &ready);
            }
            Err(error) => {
                assert_eq!((error, ready), (ReceiveError::TimedOut, vec![]), "something is ready");
            }
        }
    }

    fn rest(&mut self, set: usize) {
        if self.members[set].iter().all(|port| self.is_empty(*port)) {
            let mut message = Received::new();
            self.sets[set].set_wait(Wait::Park);
            let soon = Deadline::after(std::time::Duration::from_micros(200));
            let got = self.sets[set].receive_deadline(&mut message, soon);
            assert_eq!(got, Err(ReceiveError::TimedOut), "from a set that has nothing");
        }
    }

    fn receive_directly(&mut self, port: usize) {
        let Some(right) = &self.ports[port] else { return };
        let mut message = Received::new();
        match right.try_receive(&mut message) {
            Ok(()) => {
                assert!(!self.in_exclusive(port));
                self.took(port, message.id());
            }
            Err(ReceiveError::InSet) => assert!(self.in_exclusive(port)),
            Err(error) => assert_eq!((error, self.is_empty(port)), (ReceiveError::TimedOut, true)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sets_behave_like_their_model(calls in vec(call(), 1..150)) {
        let mut world = World::new();
        for call in calls {
            world.perform(call);
        }
        // And nothing is left behind that a receive would not find.
        for set in 0..SETS {
            while world.members[set].iter().any(|port| !world.is_empty(*port)) {
                world.receive(set);
            }
        }
    }
}
/// A member that nobody looks at rings while another one is served, and a third is looked at in vain: it
/// is served before the other one's turn comes again.
#[test]
fn who_has_rung_waits_for_one_turn_of_each() {
    let mut world = World::new();
    for call in [
        Call::Move { port: 0, set: 0 },
        Call::Move { port: 2, set: 0 },
        Call::Send { port: 4, inside: false, count: 3 },
        Call::Rest { set: 0 },
        Call::Insert { port: 4, set: 0 },
        Call::Receive { set: 0 },
        Call::Insert { port: 0, set: 0 }, // refused, and looked at
        Call::Send { port: 2, inside: false, count: 1 },
        Call::Receive { set: 0 },
        Call::Receive { set: 0 },
    ] {
        world.perform(call);
    }
}
