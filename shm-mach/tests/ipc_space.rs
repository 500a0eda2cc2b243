//! A space against a model: any sequence of calls gives the same results, the same effects and the
//! same entries, and the table that readers see tells the same.

#[path = "ipc_space/model.rs"]
mod model;

use std::collections::BTreeSet;

use model::{Arrival, Code, ME, Model, Thing, To};
use proptest::prelude::*;
use shm_mach::ipc::{
    Carried, Disposition, Effect, Effects, Guard, Line, NameTable, New, Notice, Place, PortError, PortId,
    PortName, RawName, ReceiveTraits, ReceiverId, Request, RequestKind, Right, Space,
};
use shm_mach::segment::Shared;

const LINES: usize = 14;

/// How an operation gets its name: mostly one that is there.
#[derive(Clone, Copy, Debug)]
enum Pick {
    Live(usize),
    Stale(usize),
    OtherGeneration(usize),
    Any(u32),
}

#[derive(Clone, Debug)]
enum Op {
    Allocate { chosen: Option<Pick>, what: u8, port: u32 },
    Arrive { chosen: Option<Pick>, what: u8, to: To },
    Copyin { name: Pick, disposition: u32 },
    ModRefs { name: Pick, right: u32, delta: i32 },
    Deallocate { name: Pick },
    Destroy { name: Pick },
    Destruct { name: Pick, delta: i32 },
    InsertSame { name: Pick, disposition: u32 },
    Ask { name: Pick, kind: Option<char> },
    Arm { name: Pick },
    Possible { to: To },
    Died { to: To },
    Rebind { port: u32, from: u64, to: u64 },
    Traits { name: Pick, guard: char, immovable: bool, rescued: bool },
    Lead { name: Pick, leads: u32 },
    Teardown,
}

fn pick() -> impl Strategy<Value = Pick> {
    let raw = prop_oneof![
        Just(0),
        Just(u32::MAX),
        Just(122),
        Just(123),
        (0..LINES as u32 + 2, any::<u8>()).prop_map(|(index, low)| index << 8 | u32::from(low)),
        (1..LINES as u32, 0..64_u32).prop_map(|(index, reuse)| index << 8 | reuse << 2 | 3),
    ];
    prop_oneof![
        20 => any::<usize>().prop_map(Pick::Live),
        1 => any::<usize>().prop_map(Pick::Stale),
        1 => any::<usize>().prop_map(Pick::OtherGeneration),
        3 => raw.prop_map(Pick::Any),
    ]
}

fn to() -> impl Strategy<Value = To> {
    (0..3_u32, prop_oneof![2 => Just(2_u64), 2 => Just(ME), 1 => Just(3)])
}

fn delta() -> impl Strategy<Value = i32> {
    let edge = [0, -1, 1, -2, 2, 65_534, 65_535, 65_536, -65_534, -65_535, -65_536, i32::MIN, i32::MAX];
    prop_oneof![
        prop::sample::select(edge.to_vec()),
        prop::sample::select(vec![-1, -1, -2, -3, 1, 2, 65_533, 65_534, -65_535])
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let chosen = || prop::option::weighted(0.25, pick());
    let kind = || prop::option::weighted(0.85, prop::sample::select(vec!['d', 'l', 'p']));
    prop_oneof![
        6 => (chosen(), 0..5_u8, 0..3_u32).prop_map(|(chosen, what, port)| Op::Allocate { chosen, what, port }),
        12 => (chosen(), 0..5_u8, to()).prop_map(|(chosen, what, to)| Op::Arrive { chosen, what, to }),
        8 => (pick(), 16..22_u32).prop_map(|(name, disposition)| Op::Copyin { name, disposition }),
        8 => (pick(), 0..8_u32, delta()).prop_map(|(name, right, delta)| Op::ModRefs { name, right, delta }),
        2 => pick().prop_map(|name| Op::ModRefs { name, right: 1, delta: -1 }),
        3 => pick().prop_map(|name| Op::Deallocate { name }),
        1 => pick().prop_map(|name| Op::Destroy { name }),
        2 => (pick(), prop_oneof![Just(0), delta()]).prop_map(|(name, delta)| Op::Destruct { name, delta }),
        2 => (pick(), 16..22_u32).prop_map(|(name, disposition)| Op::InsertSame { name, disposition }),
        6 => (pick(), kind()).prop_map(|(name, kind)| Op::Ask { name, kind }),
        2 => pick().prop_map(|name| Op::Arm { name }),
        2 => to().prop_map(|to| Op::Possible { to }),
        2 => to().prop_map(|to| Op::Died { to }),
        2 => (to(), 1..4_u64).prop_map(|((port, from), to)| Op::Rebind { port, from, to }),
        3 => (pick(), prop::sample::select(vec!['-', '-', '0', 'v']), any::<bool>(), any::<bool>()).prop_map(
            |(name, guard, immovable, rescued)| Op::Traits { name, guard, immovable, rescued }
        ),
        3 => (pick(), 1..9_u32).prop_map(|(name, leads)| Op::Lead { name, leads }),
        1 => prop::bool::weighted(0.05).prop_map(|ends| if ends { Op::Teardown } else { Op::Died { to: (0, 2) } }),
    ]
}

/// The space under test, the model, and every name that was ever seen.
struct Pair {
    space: Space,
    model: Model,
    effects: Effects,
    seen: BTreeSet<u32>,
    step: u64,
}

/// Ports of the task's own making among them, which a space finds by their number.
fn id(port: u32) -> PortId {
    PortId {
        birth: if port == 2 { 5 } else { ME },
        index: port,
        generation: 9,
        secret: u64::from(port) << 40,
    }
}

fn place(leads: u32) -> Place {
    if leads == 0 {
        Place::NOWHERE
    } else {
        Place { segment: leads, generation: 1, offset: u64::from(leads) }
    }
}

fn key((port, receiver): To) -> (PortId, ReceiverId) {
    (id(port), ReceiverId(receiver))
}

fn code<T>(result: Result<T, PortError>) -> Code<T> {
    result.map_err(|error| error.code())
}

/// An effect as the model's words.
fn words(effect: &Effect) -> String {
    let to = |port: &PortId, receiver: &ReceiverId| (port.index, receiver.0);
    match effect {
        Effect::SendSurplus { port, receiver } => format!("surplus {:?}", to(port, receiver)),
        Effect::SendReleased { port, receiver } => format!("released {:?}", to(port, receiver)),
        Effect::SendOnceDropped { port, receiver, handle } => {
            format!("unused {:?} {handle}", to(port, receiver))
        }
        Effect::SendOnceDied { handle } => format!("dead {handle}"),
        Effect::ReceiveDestroyed { port, handle } => format!("destroyed {} {handle}", port.index),
        Effect::ReceiveReturned { port, handle } => format!("returned {} {handle}", port.index),
        Effect::SetDestroyed { handle } => format!("set {handle}"),
        Effect::Notify { handle, notice, name } => {
            let notice = match notice {
                Notice::PortDeleted => "deleted",
                Notice::SendPossible => "possible",
                Notice::DeadName => "died",
            };
            format!("{notice} {handle} {}", name.get())
        }
    }
}

fn carried_words(carried: Carried) -> String {
    match carried {
        Carried::Dead => "dead".into(),
        Carried::Send { port, receiver, origin } => {
            format!("send {:?} {origin:?}", (port.index, receiver.0))
        }
        Carried::SendOnce { port, receiver, origin, handle } => {
            format!("once {:?} {origin:?} {handle}", (port.index, receiver.0))
        }
        Carried::Receive { port, handle } => format!("receive {} {handle}", port.index),
    }
}

impl Pair {
    fn new(seed: u64) -> Self {
        let lines: Vec<Line> = (0..LINES).map(|_| Line::default()).collect();
        let table = NameTable::new(Shared::heap_slice(lines.into_boxed_slice()));
        let space = Space::new(ReceiverId(ME), table, seed);
        let model = Model::new(LINES);
        Self { space, model, effects: Effects::new(), seen: BTreeSet::new(), step: 0 }
    }

    fn raw(&self, pick: Pick) -> u32 {
        let nth = |mut names: Vec<u32>, which: usize| {
            if names.is_empty() { 0x103 } else { names.swap_remove(which % names.len()) }
        };
        let live: Vec<u32> = self.model.things.keys().copied().collect();
        match pick {
            Pick::Live(which) => nth(live, which),
            Pick::OtherGeneration(which) => nth(live, which) ^ 0x84,
            Pick::Any(raw) => raw,
            Pick::Stale(which) => {
                let is_stale = |name: &u32| !self.model.things.contains_key(name);
                nth(self.seen.iter().copied().filter(is_stale).collect(), which)
            }
        }
    }

    fn allocate(&mut self, chosen: Option<u32>, what: u8, port: u32) {
        let handle = self.step;
        let (new, thing) = match what {
            0 => (New::DeadName, Thing { dead: 1, ..Thing::default() }),
            1 => (New::PortSet { handle }, Thing { set: Some(handle), ..Thing::default() }),
            _ => {
                let new = New::Receive { port: id(port), place: Place::NOWHERE, handle };
                (new, Thing { to: Some((port, ME)), receive: Some(handle), ..Thing::default() })
            }
        };
        let got = match chosen {
            Some(name) => self.space.allocate_name(RawName(name), new),
            None => self.space.allocate(new),
        };
        let got = code(got.map(PortName::get));
        assert_eq!(got, self.model.allocate(chosen, got.ok(), thing));
    }

    fn arrive(&mut self, chosen: Option<u32>, what: u8, to: To) {
        let handle = self.step;
        let (port, receiver) = key(to);
        let (right, arrival) = match what {
            0 => (Right::Receive { port, from: receiver, handle }, Arrival::Receive(to, handle)),
            1 => (Right::SendOnce { port, receiver, handle }, Arrival::Once(to, handle)),
            _ => (Right::Send { port, receiver }, Arrival::Send(to)),
        };
        let got = match chosen {
            Some(name) => self.space.insert_right(RawName(name), right, &mut self.effects).map(|()| name),
            None => self.space.insert(right, &mut self.effects).map(PortName::get),
        };
        let got = code(got);
        assert_eq!(got, self.model.arrive(chosen, got.ok(), arrival));
    }

    fn copyin(&mut self, name: u32, number: u32) {
        let disposition = Disposition::from_number(number).unwrap();
        let check = code(self.space.check_copyin(RawName(name), disposition));
        let carried = code(self.space.copyin(RawName(name), disposition, &mut self.effects));
        assert_eq!(check.err(), carried.err());
        assert_eq!(carried.map(carried_words), self.model.copyin(name, number));
    }

    fn ask(&mut self, name: u32, kind: Option<char>) {
        let handle = self.step;
        let request = kind.map(|kind| {
            let kind = match kind {
                'd' => RequestKind::DeadName,
                'l' => RequestKind::SendPossibleDelayed,
                _ => RequestKind::SendPossible,
            };
            Request { handle, kind }
        });
        let got = code(self.space.set_request(RawName(name), request, &mut self.effects));
        assert_eq!(got, self.model.ask(name, kind.map(|kind| (handle, kind))));
    }

    fn traits(&mut self, name: u32, guard: char, immovable: bool, rescued: bool) {
        let kind = match guard {
            '0' => Guard::Zero,
            'v' => Guard::Value,
            _ => Guard::None,
        };
        let traits =
            ReceiveTraits { guard: kind, immovable, port_destroyed: rescued, ..ReceiveTraits::default() };
        let got = code(self.space.set_receive_traits(RawName(name), traits));
        assert_eq!(got, self.model.traits(name, guard, immovable, rescued));
    }

    fn run(&mut self, op: &Op) {
        self.step += 1;
        let effects = &mut self.effects;
        let (space, model) = (&mut self.space, &mut self.model);
        match *op {
            Op::Possible { to } => {
                let (port, receiver) = key(to);
                space.send_possible(port, receiver, effects);
                model.possible(to);
            }
            Op::Died { to } => {
                let (port, receiver) = key(to);
                space.port_died(port, receiver, effects);
                model.died(to);
            }
            Op::Rebind { port, from, to } => {
                let got = code(space.rebind(id(port), ReceiverId(from), ReceiverId(to)));
                assert_eq!(got, model.rebind(port, from, to));
            }
            Op::Teardown => {
                space.teardown(effects);
                model.teardown();
            }
            Op::Allocate { chosen, what, port } => {
                self.allocate(chosen.map(|pick| self.raw(pick)), what, port);
            }
            Op::Arrive { chosen, what, to } => self.arrive(chosen.map(|pick| self.raw(pick)), what, to),
            Op::Copyin { name, disposition } => self.copyin(self.raw(name), disposition),
            Op::Ask { name, kind } => self.ask(self.raw(name), kind),
            Op::Traits { name, guard, immovable, rescued } => {
                self.traits(self.raw(name), guard, immovable, rescued);
            }
            Op::ModRefs { name, .. }
            | Op::Deallocate { name }
            | Op::Destroy { name }
            | Op::Destruct { name, .. }
            | Op::InsertSame { name, .. }
            | Op::Arm { name }
            | Op::Lead { name, .. } => self.run_on(self.raw(name), op),
        }
    }

    /// The operations that have one name and little else.
    fn run_on(&mut self, name: u32, op: &Op) {
        let (space, model, effects) = (&mut self.space, &mut self.model, &mut self.effects);
        let raw = RawName(name);
        match *op {
            Op::ModRefs { right, delta, .. } => {
                let got = code(space.mod_refs(raw, right, delta, effects));
                assert_eq!(got, model.mod_refs(name, right, delta));
            }
            Op::Deallocate { .. } => {
                assert_eq!(code(space.deallocate(raw, effects)), model.deallocate(name));
            }
            Op::Destroy { .. } => assert_eq!(code(space.destroy(raw, effects)), model.destroy(name)),
            Op::Destruct { delta, .. } => {
                assert_eq!(code(space.destruct(raw, delta, effects)), model.destruct(name, delta));
            }
            Op::InsertSame { disposition, .. } => {
                let how = Disposition::from_number(disposition).unwrap();
                let got = code(space.insert_same(raw, how).map(drop));
                assert_eq!(got, model.insert_same(name, disposition));
            }
            Op::Arm { .. } => assert_eq!(code(space.arm_request(raw)), model.arm(name)),
            Op::Lead { leads, .. } => {
                assert_eq!(code(space.set_place(raw, place(leads))), model.lead(name, leads));
            }
            _ => unreachable!("the others are run elsewhere"),
        }
    }

    /// Compares all that can be seen.
    fn compare(&mut self) {
        let mut effects: Vec<String> = self.effects.drain(..).map(|effect| words(&effect)).collect();
        let mut expected = std::mem::take(&mut self.model.log);
        effects.sort();
        expected.sort();
        assert_eq!(effects, expected);

        let things = self.model.things.clone();
        if self.model.gone {
            assert_eq!(self.space.names(), Err(PortError::TaskGone));
        } else {
            let names = self.space.names().unwrap().into_iter();
            let names: BTreeSet<(u32, u32)> = names.map(|(name, bits)| (name.get(), bits.bits())).collect();
            assert_eq!(names, things.iter().map(|(name, thing)| (*name, thing.bits())).collect());
        }
        let reader = self.space.reader();
        for (name, thing) in &things {
            self.seen.insert(*name);
            let row = reader.lookup(PortName::new(*name).unwrap()).expect("a live name is in the table");
            assert_eq!((row.type_bits.bits(), row.urefs), (thing.bits(), thing.table_urefs()));
            assert_eq!((row.port, row.receiver), thing.to.map(key).unwrap_or_default());
            assert_eq!(row.place, place(thing.leads));
            if let (Some(to), None) = (thing.to, thing.once) {
                assert_eq!(self.space.name_of(key(to).0, key(to).1), PortName::new(*name));
            }
        }
        for name in self.seen.iter().filter(|name| !things.contains_key(name)) {
            assert_eq!(reader.lookup(PortName::new(*name).unwrap()), None, "{name:#x} is stale");
            assert!(self.space.entry(RawName(*name)).is_err());
        }
        for name in self.seen.iter().copied().chain([0, u32::MAX, 0x102]) {
            let bits = self.space.type_bits(RawName(name)).map(|bits| bits.bits());
            assert_eq!(code(bits), self.model.type_bits(name));
            for right in 0..7 {
                let refs = self.space.get_refs(RawName(name), right).map(u32::from);
                assert_eq!(code(refs), self.model.get_refs(name, right));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_calls_do_what_the_model_says(seed: u64, ops in prop::collection::vec(op(), 1..150)) {
        let mut pair = Pair::new(seed);
        for op in &ops {
            pair.run(op);
            pair.compare();
        }
    }
}
