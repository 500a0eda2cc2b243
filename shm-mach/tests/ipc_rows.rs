//! The rules for names, references and the state of an entry, one test a row of Mach's semantics.

use shm_mach::ipc::{
    Carried, Disposition, Effect, Effects, Guard, Line, NameTable, New, Notice, Origin, Place, PortError,
    PortId, PortName, RawName, ReceiveTraits, ReceiverId, Request, RequestKind, Right, Space, State,
    TypeBits,
};
use shm_mach::segment::Shared;

const ME: ReceiverId = ReceiverId(1);
const OTHER: ReceiverId = ReceiverId(2);
const SEND: u32 = 0;
const RECEIVE: u32 = 1;
const SEND_ONCE: u32 = 2;
const PORT_SET: u32 = 3;
const DEAD_NAME: u32 = 4;

/// A space, and what its calls left to be done.
struct Task {
    space: Space,
    effects: Effects,
}

fn port(number: u32) -> PortId {
    PortId { birth: 9, index: number, generation: 1, secret: 77 }
}

fn new_port(number: u32) -> New {
    New::Receive { port: port(number), handle: u64::from(number) }
}

fn dead_name_request(handle: u64) -> Option<Request> {
    Some(Request { handle, kind: RequestKind::DeadName })
}

fn notify(handle: u64, notice: Notice, name: PortName) -> Effect {
    Effect::Notify { handle, notice, name }
}

fn released(number: u32, receiver: ReceiverId) -> Effect {
    Effect::SendReleased { port: port(number), receiver }
}

fn destroyed(number: u32) -> Effect {
    Effect::ReceiveDestroyed { port: port(number), handle: u64::from(number) }
}

impl Task {
    fn new() -> Self {
        Self::with_lines(100)
    }

    fn with_lines(lines: usize) -> Self {
        let lines: Vec<Line> = (0..lines).map(|_| Line::default()).collect();
        let table = NameTable::new(Shared::heap_slice(lines.into_boxed_slice()));
        Self { space: Space::new(ME, table, 5), effects: Effects::new() }
    }

    fn receive(&mut self, number: u32) -> PortName {
        self.space.allocate(new_port(number)).unwrap()
    }

    fn send(&mut self, number: u32, receiver: ReceiverId) -> PortName {
        self.space.insert_send(port(number), receiver, &mut self.effects).unwrap()
    }

    /// A receive right with a send right beside it.
    fn both(&mut self, number: u32) -> PortName {
        let name = self.receive(number);
        assert_eq!(self.send(number, ME), name);
        name
    }

    fn once(&mut self, number: u32, receiver: ReceiverId, handle: u64) -> PortName {
        self.space.insert_send_once(port(number), receiver, handle).unwrap()
    }

    fn dead(&mut self) -> PortName {
        self.space.allocate(New::DeadName).unwrap()
    }

    fn set(&mut self) -> PortName {
        self.space.allocate(New::PortSet { handle: 40 }).unwrap()
    }

    fn mod_refs(&mut self, name: PortName, right: u32, delta: i32) -> Result<(), PortError> {
        self.space.mod_refs(name.into(), right, delta, &mut self.effects)
    }

    fn deallocate(&mut self, name: PortName) -> Result<(), PortError> {
        self.space.deallocate(name.into(), &mut self.effects)
    }

    fn destroy(&mut self, name: PortName) -> Result<(), PortError> {
        self.space.destroy(name.into(), &mut self.effects)
    }

    fn copyin(&mut self, name: PortName, disposition: Disposition) -> Result<Carried, PortError> {
        let check = self.space.check_copyin(name.into(), disposition);
        let result = self.space.copyin(name.into(), disposition, &mut self.effects);
        assert_eq!(check.err(), result.err());
        result
    }

    fn request(&mut self, name: PortName, handle: u64) {
        assert_eq!(self.ask(name, dead_name_request(handle)), Ok(None));
    }

    fn ask(&mut self, name: PortName, request: Option<Request>) -> Result<Option<u64>, PortError> {
        self.space.set_request(name.into(), request, &mut self.effects)
    }

    fn traits(&mut self, name: PortName, traits: ReceiveTraits) {
        self.space.set_receive_traits(name.into(), traits).unwrap();
    }

    fn refs(&self, name: PortName, right: u32) -> u16 {
        self.space.get_refs(name.into(), right).unwrap()
    }

    /// The type of a name, which the table tells as well.
    fn bits(&self, name: PortName) -> TypeBits {
        let row = self.space.reader().lookup(name).expect("a live name is in the table");
        assert_eq!(row.type_bits, self.space.entry(name.into()).unwrap().type_bits());
        self.space.type_bits(name.into()).unwrap()
    }

    fn is_free(&self, name: PortName) -> bool {
        assert_eq!(self.space.reader().lookup(name).is_none(), self.space.entry(name.into()).is_err());
        self.space.type_bits(name.into()) == Err(PortError::UnknownName)
    }

    fn done(&mut self) -> Effects {
        std::mem::take(&mut self.effects)
    }
}

#[test]
fn r1_send_and_receive_share_a_name_in_either_order() {
    let mut task = Task::new();
    let name = task.receive(1);
    assert_eq!(task.bits(name), TypeBits::RECEIVE);
    assert_eq!(task.send(1, ME), name);
    assert_eq!(task.bits(name), TypeBits::SEND_RECEIVE);

    let name = task.send(2, OTHER);
    let once = task.once(2, OTHER, 50);
    assert_eq!(task.space.insert_receive(port(2), OTHER, 2), Ok(name));
    assert_eq!(task.bits(name), TypeBits::SEND_RECEIVE);
    assert_eq!(task.space.name_of(port(2), ME), Some(name));
    assert_eq!(task.space.name_of(port(2), OTHER), None);
    assert_eq!(task.done(), []);
    // The send-once right knows of the new receiver too.
    task.mod_refs(name, RECEIVE, -1).unwrap();
    assert_eq!(task.bits(once), TypeBits::DEAD_NAME);
}

#[test]
fn r1_rights_merge_on_the_whole_id_and_the_receiver() {
    let mut task = Task::new();
    let name = task.send(1, OTHER);
    let mut guessed = port(1);
    guessed.secret += 1;
    let forged = task.space.insert_send(guessed, OTHER, &mut task.effects).unwrap();
    assert_ne!(forged, name);
    assert_ne!(task.send(1, ReceiverId(3)), name);
    assert_eq!(task.refs(name, SEND), 1);
}

#[test]
fn r2_a_send_right_that_is_held_adds_a_reference_and_the_surplus_is_released() {
    let mut task = Task::new();
    let name = task.send(1, OTHER);
    assert_eq!(task.done(), []);
    assert_eq!(task.send(1, OTHER), name);
    assert_eq!(task.refs(name, SEND), 2);
    assert_eq!(task.done(), [Effect::SendSurplus { port: port(1), receiver: OTHER }]);
}

#[test]
fn r3_each_send_once_right_has_its_own_name() {
    let mut task = Task::new();
    let name = task.both(1);
    let a = task.once(1, ME, 50);
    let b = task.once(1, ME, 51);
    assert!(a != b && a != name && b != name);
    assert_eq!((task.bits(a), task.refs(a, SEND_ONCE)), (TypeBits::SEND_ONCE, 1));
}

#[test]
fn r4_dead_names_are_never_merged() {
    let mut task = Task::new();
    assert_ne!(task.dead(), task.dead());
    let a = task.send(1, OTHER);
    task.space.port_died(port(1), OTHER, &mut task.effects);
    assert_ne!(task.send(1, OTHER), a, "a right to a dead port does not join the dead name");
}

#[test]
fn r5_a_receive_right_is_here_once() {
    let mut task = Task::new();
    let name = task.receive(1);
    assert_eq!(task.space.insert_receive(port(1), OTHER, 3), Err(PortError::RightExists));
    assert_eq!(task.space.allocate(new_port(1)), Err(PortError::RightExists));
    assert_eq!(
        task.copyin(name, Disposition::MoveReceive),
        Ok(Carried::Receive { port: port(1), handle: 1 })
    );
    assert!(task.is_free(name));
    assert!(task.space.insert_receive(port(1), ME, 3).is_ok());
}

#[test]
fn u2_counts_peg_wherever_they_grow() {
    let mut task = Task::new();
    let name = task.send(1, OTHER);
    task.mod_refs(name, SEND, 65_533).unwrap();
    assert_eq!(task.refs(name, SEND), 65_534);
    task.request(name, 60);
    for _ in 0..3 {
        task.send(1, OTHER);
        assert_eq!(task.refs(name, SEND), 65_535);
    }
    task.done();
    task.space.port_died(port(1), OTHER, &mut task.effects);
    assert_eq!(task.refs(name, DEAD_NAME), 65_535);
    assert_eq!(task.done(), [notify(60, Notice::DeadName, name)]);
}

#[test]
fn u3_pegged_count_is_frozen() {
    let mut task = Task::new();
    for name in [task.send(1, OTHER), task.both(2)] {
        task.mod_refs(name, SEND, 65_535).unwrap();
        task.done();
        task.deallocate(name).unwrap();
        task.mod_refs(name, SEND, -65_534).unwrap();
        let moved = task.copyin(name, Disposition::MoveSend).unwrap();
        assert!(matches!(moved, Carried::Send { origin: Origin::Copied, .. }));
        assert_eq!((task.refs(name, SEND), task.done()), (65_535, vec![]));
        task.mod_refs(name, SEND, -65_535).unwrap();
        assert_eq!(task.done().len(), 1);
    }
    let dead = task.dead();
    task.mod_refs(dead, DEAD_NAME, 65_535).unwrap();
    task.deallocate(dead).unwrap();
    assert_eq!(task.copyin(dead, Disposition::MoveSend), Ok(Carried::Dead));
    assert_eq!(task.refs(dead, DEAD_NAME), 65_535);
    task.mod_refs(dead, DEAD_NAME, -65_535).unwrap();
    assert!(task.is_free(dead));
}

#[test]
fn u4_a_delta_out_of_range_changes_nothing() {
    let mut task = Task::new();
    let name = task.both(1);
    let dead = task.dead();
    for delta in [i32::MIN, -65_536, -2, 65_536, i32::MAX] {
        assert_eq!(task.mod_refs(name, SEND, delta), Err(PortError::BadDelta));
        assert_eq!(task.mod_refs(dead, DEAD_NAME, delta), Err(PortError::BadDelta));
    }
    for (name, right) in [(name, SEND), (name, RECEIVE), (dead, DEAD_NAME)] {
        assert_eq!(task.mod_refs(name, right, 0), Ok(()));
        assert_eq!(task.refs(name, right), 1);
    }
    assert_eq!(task.done(), []);
}

#[test]
fn u5_no_reference_frees_the_name_or_leaves_receive() {
    let mut task = Task::new();
    let name = task.send(1, OTHER);
    task.mod_refs(name, SEND, 2).unwrap();
    task.mod_refs(name, SEND, -3).unwrap();
    assert!(task.is_free(name));
    let name = task.both(2);
    task.mod_refs(name, SEND, -1).unwrap();
    assert_eq!(task.bits(name), TypeBits::RECEIVE);
    assert_eq!(task.done(), [released(1, OTHER), released(2, ME)]);
}

#[test]
fn s1_make_send_inserted_at_the_receive_right() {
    let mut task = Task::new();
    let name = task.receive(1);
    let made = task.copyin(name, Disposition::MakeSend).unwrap();
    assert_eq!(made, Carried::Send { port: port(1), receiver: ME, origin: Origin::Made });
    assert_eq!(task.bits(name), TypeBits::RECEIVE);
    assert_eq!(task.send(1, ME), name);
    assert_eq!((task.bits(name), task.refs(name, SEND)), (TypeBits::SEND_RECEIVE, 1));
}

#[test]
fn s2_the_last_send_reference_leaves_receive_and_the_request() {
    let mut task = Task::new();
    let name = task.both(1);
    task.request(name, 60);
    task.deallocate(name).unwrap();
    assert_eq!(task.bits(name), TypeBits::RECEIVE | TypeBits::DNREQUEST);
    assert_eq!(task.done(), [released(1, ME)]);
}

#[test]
fn s3_receive_destroyed_leaves_a_dead_name() {
    let mut task = Task::new();
    let name = task.both(1);
    task.mod_refs(name, SEND, 2).unwrap();
    task.mod_refs(name, RECEIVE, -1).unwrap();
    assert_eq!((task.bits(name), task.refs(name, DEAD_NAME)), (TypeBits::DEAD_NAME, 3));
    let entry = task.space.entry(name.into()).unwrap();
    assert!(matches!(entry.state(), State::Dead { was_receive: true, .. }));
    assert_eq!(task.done(), [destroyed(1)]);

    let name = task.both(2);
    task.request(name, 60);
    task.mod_refs(name, RECEIVE, -1).unwrap();
    assert_eq!((task.bits(name), task.refs(name, DEAD_NAME)), (TypeBits::DEAD_NAME, 2));
    assert_eq!(task.done(), [destroyed(2), notify(60, Notice::DeadName, name)]);
    assert_eq!(task.space.name_of(port(2), ME), None);
}

#[test]
fn s4_with_a_port_destroyed_request_the_right_leaves_and_send_stays() {
    let mut task = Task::new();
    let name = task.both(1);
    task.request(name, 60);
    task.traits(name, ReceiveTraits { port_destroyed: true, ..ReceiveTraits::default() });
    task.mod_refs(name, RECEIVE, -1).unwrap();
    assert_eq!(task.bits(name), TypeBits::SEND | TypeBits::DNREQUEST);
    assert_eq!(task.done(), [Effect::ReceiveReturned { port: port(1), handle: 1 }]);

    let name = task.receive(2);
    task.request(name, 61);
    task.traits(name, ReceiveTraits { port_destroyed: true, ..ReceiveTraits::default() });
    task.mod_refs(name, RECEIVE, -1).unwrap();
    let returned = Effect::ReceiveReturned { port: port(2), handle: 2 };
    assert_eq!(task.done(), [returned, notify(61, Notice::PortDeleted, name)]);
    assert!(task.is_free(name));
}

#[test]
fn s5_receive_moved_leaves_send_with_its_references_and_request() {
    let mut task = Task::new();
    let name = task.both(1);
    task.mod_refs(name, SEND, 4).unwrap();
    task.request(name, 60);
    let place = Place { segment: 0, generation: 1, offset: 64 };
    task.space.set_place(name.into(), place).unwrap();
    assert_eq!(task.space.reader().lookup(name).unwrap().place, place);
    task.copyin(name, Disposition::MoveReceive).unwrap();
    assert_eq!(task.bits(name), TypeBits::SEND | TypeBits::DNREQUEST);
    assert_eq!((task.refs(name, SEND), task.done()), (5, vec![]));
    assert_eq!(task.space.reader().lookup(name).unwrap().place, Place::NOWHERE);
    // The receiver is told, and its death is felt here.
    task.space.rebind(port(1), ME, OTHER).unwrap();
    task.space.port_died(port(1), OTHER, &mut task.effects);
    assert_eq!((task.bits(name), task.refs(name, DEAD_NAME)), (TypeBits::DEAD_NAME, 6));
}

#[test]
fn s6_receive_alone_frees_the_name_and_the_request_says_deleted() {
    let mut task = Task::new();
    let moved = task.receive(1);
    task.request(moved, 60);
    task.copyin(moved, Disposition::MoveReceive).unwrap();
    assert_eq!(task.done(), [notify(60, Notice::PortDeleted, moved)]);
    let dropped = task.receive(2);
    task.request(dropped, 61);
    task.mod_refs(dropped, RECEIVE, -1).unwrap();
    assert_eq!(task.done(), [destroyed(2), notify(61, Notice::PortDeleted, dropped)]);
    assert!(task.is_free(moved) && task.is_free(dropped));
}

#[test]
fn s7_a_port_that_dies_elsewhere_leaves_dead_names() {
    let mut task = Task::new();
    let send = task.send(1, OTHER);
    task.mod_refs(send, SEND, 2).unwrap();
    let once: Vec<PortName> = (50..53).map(|handle| task.once(1, OTHER, handle)).collect();
    let elsewhere = task.send(1, ReceiverId(3));
    task.request(once[1], 61);
    task.space.port_died(port(1), OTHER, &mut task.effects);
    assert_eq!((task.bits(send), task.refs(send, DEAD_NAME)), (TypeBits::DEAD_NAME, 3));
    let refs: Vec<u16> = once.iter().map(|name| task.refs(*name, DEAD_NAME)).collect();
    assert_eq!(refs, [1, 2, 1]);
    assert_eq!(task.done(), [notify(61, Notice::DeadName, once[1])]);
    assert_eq!(task.bits(elsewhere), TypeBits::SEND);
    assert_eq!(task.space.reader().lookup(send).unwrap().port, PortId::default());
    // Nothing is left to die a second time.
    task.space.port_died(port(1), OTHER, &mut task.effects);
    assert_eq!((task.done(), task.refs(send, DEAD_NAME)), (vec![], 3));
}

#[test]
fn s7_a_port_that_is_received_here_does_not_die_by_hearsay() {
    let mut task = Task::new();
    let name = task.both(1);
    let once = task.once(1, ME, 50);
    task.space.port_died(port(1), ME, &mut task.effects);
    assert_eq!((task.bits(name), task.bits(once)), (TypeBits::SEND_RECEIVE, TypeBits::SEND_ONCE));
}

#[test]
fn s8_the_last_send_reference_dropped_or_moved_frees_the_name() {
    let mut task = Task::new();
    let dropped = task.send(1, OTHER);
    task.request(dropped, 60);
    task.deallocate(dropped).unwrap();
    assert_eq!(task.done(), [released(1, OTHER), notify(60, Notice::PortDeleted, dropped)]);
    let moved = task.send(1, OTHER);
    task.request(moved, 61);
    let carried = task.copyin(moved, Disposition::MoveSend).unwrap();
    assert_eq!(carried, Carried::Send { port: port(1), receiver: OTHER, origin: Origin::Moved });
    assert_eq!(task.done(), [notify(61, Notice::PortDeleted, moved)]);
    assert!(task.is_free(dropped) && task.is_free(moved));
}

#[test]
fn s9_a_send_once_right_given_up_is_told_to_its_port() {
    let mut task = Task::new();
    for way in 0..3 {
        let name = task.once(1, OTHER, 50);
        task.request(name, 60);
        match way {
            0 => task.deallocate(name),
            1 => task.mod_refs(name, SEND_ONCE, -1),
            _ => task.destroy(name),
        }
        .unwrap();
        let dropped = Effect::SendOnceDropped { port: port(1), receiver: OTHER, handle: 50 };
        assert_eq!(task.done(), [dropped, notify(60, Notice::PortDeleted, name)]);
        assert!(task.is_free(name));
    }
    // Used, it says nothing.
    let name = task.once(1, OTHER, 51);
    let carried = task.copyin(name, Disposition::MoveSendOnce).unwrap();
    assert!(matches!(carried, Carried::SendOnce { origin: Origin::Moved, handle: 51, .. }));
    assert!(task.is_free(name) && task.done().is_empty());
}

#[test]
fn s9_send_once_rights_to_one_port_are_given_up_in_any_order() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0]] {
        let mut task = Task::new();
        let names: Vec<PortName> = (0..3).map(|handle| task.once(1, OTHER, handle)).collect();
        for &which in &order[..2] {
            task.deallocate(names[which]).unwrap();
        }
        task.done();
        task.space.port_died(port(1), OTHER, &mut task.effects);
        assert_eq!(task.bits(names[order[2]]), TypeBits::DEAD_NAME);
        assert_eq!(task.space.names().unwrap().len(), 1);
    }
}

#[test]
fn s10_dead_names_are_counted_down() {
    let mut task = Task::new();
    let name = task.dead();
    task.mod_refs(name, DEAD_NAME, 2).unwrap();
    task.deallocate(name).unwrap();
    assert_eq!(task.refs(name, DEAD_NAME), 2);
    assert_eq!(task.copyin(name, Disposition::MoveSendOnce), Ok(Carried::Dead));
    task.mod_refs(name, DEAD_NAME, -1).unwrap();
    assert!(task.is_free(name));
    assert_eq!(task.done(), []);
}

#[test]
fn b2_copy_and_move_of_a_dead_name_carry_dead_and_a_move_costs_a_reference() {
    let mut task = Task::new();
    let name = task.dead();
    assert_eq!(task.copyin(name, Disposition::CopySend), Ok(Carried::Dead));
    assert_eq!(task.refs(name, DEAD_NAME), 1);
    for disposition in [Disposition::MakeSend, Disposition::MakeSendOnce, Disposition::MoveReceive] {
        assert_eq!(task.copyin(name, disposition), Err(PortError::NoSuchRight));
    }
    assert_eq!(task.copyin(name, Disposition::MoveSend), Ok(Carried::Dead));
    assert!(task.is_free(name));
}

#[test]
fn copyin_needs_the_right_that_the_disposition_names() {
    let mut task = Task::new();
    use Disposition::*;
    let (receive, send) = (task.receive(1), task.send(2, OTHER));
    let (once, set) = (task.once(3, OTHER, 50), task.set());
    let refused: [(PortName, &[Disposition]); 4] = [
        (receive, &[MoveSend, CopySend, MoveSendOnce]),
        (send, &[MakeSend, MakeSendOnce, MoveSendOnce, MoveReceive]),
        (once, &[MakeSend, MakeSendOnce, MoveSend, CopySend, MoveReceive]),
        (set, &Disposition::ALL),
    ];
    for (name, dispositions) in refused {
        for disposition in dispositions {
            assert_eq!(task.copyin(name, *disposition), Err(PortError::NoSuchRight));
        }
    }
    for raw in [RawName::NULL, RawName::DEAD, RawName(send.get() + 4), RawName(send.get() - 1)] {
        let result = task.space.copyin(raw, CopySend, &mut task.effects);
        assert_eq!(result, Err(PortError::UnknownName));
    }
    let made = task.copyin(receive, MakeSendOnce).unwrap();
    assert_eq!(made, Carried::SendOnce { port: port(1), receiver: ME, origin: Origin::Made, handle: 1 });
    task.traits(receive, ReceiveTraits { immovable: true, ..ReceiveTraits::default() });
    assert_eq!(task.copyin(receive, MoveReceive), Err(PortError::Immovable));
}

#[test]
fn f1_names_lists_every_entry_with_its_request() {
    let mut task = Task::new();
    let (receive, send, dead) = (task.receive(1), task.send(2, OTHER), task.dead());
    task.ask(send, Some(Request { handle: 60, kind: RequestKind::SendPossibleDelayed })).unwrap();
    let mut names = task.space.names().unwrap();
    names.sort_by_key(|(name, _)| [receive, send, dead].iter().position(|other| other == name));
    let asked = TypeBits::SEND | TypeBits::DNREQUEST | TypeBits::SPREQUEST_DELAYED;
    assert_eq!(names, [(receive, TypeBits::RECEIVE), (send, asked), (dead, TypeBits::DEAD_NAME)]);
}

#[test]
fn f2_type_masks_the_send_possible_bits_and_knows_dead() {
    let mut task = Task::new();
    let send = task.send(2, OTHER);
    task.ask(send, Some(Request { handle: 60, kind: RequestKind::SendPossible })).unwrap();
    assert_eq!(task.bits(send), TypeBits::SEND | TypeBits::DNREQUEST);
    assert_eq!(task.space.type_bits(RawName::DEAD), Ok(TypeBits::DEAD_NAME));
    assert_eq!(task.space.type_bits(RawName::NULL), Err(PortError::UnknownName));
}

#[test]
fn f3_f4_allocate_with_any_or_a_chosen_name() {
    let mut task = Task::new();
    let name = RawName(7 << 8 | 0x0b);
    assert_eq!(task.space.allocate_name(name, new_port(1)).unwrap().get(), name.0);
    assert_eq!(task.space.allocate_name(name, New::PortSet { handle: 4 }), Err(PortError::NameExists));
    let other = RawName(name.0 + 4);
    assert_eq!(task.space.allocate_name(other, new_port(2)), Err(PortError::OtherGeneration));
    for raw in [RawName::NULL, RawName::DEAD] {
        assert_eq!(task.space.allocate_name(raw, New::DeadName), Err(PortError::ReservedName));
    }
    // A dead name goes where it likes.
    let dead = task.space.allocate_name(name, New::DeadName).unwrap();
    assert_ne!(dead.get(), name.0);
    assert_eq!(task.refs(dead, DEAD_NAME), 1);
}

#[test]
fn f6_destroy_gives_up_everything_under_the_name() {
    let mut task = Task::new();
    let name = task.both(1);
    let once = task.once(1, ME, 50);
    task.mod_refs(name, SEND, 7).unwrap();
    task.request(name, 60);
    task.request(once, 61);
    task.destroy(name).unwrap();
    let (own, others) = (notify(60, Notice::PortDeleted, name), notify(61, Notice::DeadName, once));
    assert_eq!(task.done(), [released(1, ME), destroyed(1), others, own]);
    assert!(task.is_free(name));
    assert_eq!((task.bits(once), task.refs(once, DEAD_NAME)), (TypeBits::DEAD_NAME, 2));
    let set = task.set();
    task.destroy(set).unwrap();
    assert_eq!(task.done(), [Effect::SetDestroyed { handle: 40 }]);
    for raw in [RawName::NULL, RawName::DEAD] {
        assert_eq!(task.space.destroy(raw, &mut task.effects), Ok(()));
    }
    assert_eq!(task.destroy(name), Err(PortError::UnknownName));
}

#[test]
fn f6_q2_a_guard_keeps_the_receive_right() {
    let mut task = Task::new();
    let name = task.receive(1);
    task.traits(name, ReceiveTraits { guard: Guard::Value, ..ReceiveTraits::default() });
    assert_eq!(task.destroy(name), Err(PortError::Guarded));
    assert_eq!(task.mod_refs(name, RECEIVE, -1), Err(PortError::Guarded));
    assert_eq!(task.mod_refs(name, RECEIVE, 0), Ok(()));
    task.traits(name, ReceiveTraits { guard: Guard::Zero, ..ReceiveTraits::default() });
    assert_eq!(task.mod_refs(name, RECEIVE, -1), Err(PortError::Guarded));
    assert_eq!(task.destroy(name), Ok(()));
}

#[test]
fn f7_deallocate_by_kind() {
    let mut task = Task::new();
    let receive = task.receive(1);
    assert_eq!(task.deallocate(receive), Err(PortError::NoSuchRight));
    let set = task.set();
    task.deallocate(set).unwrap();
    assert!(task.is_free(set));
    assert_eq!(task.deallocate(set), Err(PortError::UnknownName));
    for raw in [RawName::NULL, RawName::DEAD] {
        assert_eq!(task.space.deallocate(raw, &mut task.effects), Ok(()));
    }
    assert_eq!(task.done(), [Effect::SetDestroyed { handle: 40 }]);
}

#[test]
fn f8_get_refs_by_kind() {
    let mut task = Task::new();
    let (name, set) = (task.both(1), task.set());
    task.mod_refs(name, SEND, 4).unwrap();
    let refs: Vec<u16> = (0..6).map(|right| task.refs(name, right)).collect();
    assert_eq!(refs, [5, 1, 0, 0, 0, 0]);
    assert_eq!((task.refs(set, PORT_SET), task.refs(set, SEND)), (1, 0));
    let of = |raw, right| task.space.get_refs(raw, right);
    assert_eq!(of(RawName(1), 6), Err(PortError::BadRight));
    assert_eq!(of(RawName(1), 5), Err(PortError::UnknownName));
    for raw in [RawName::NULL, RawName::DEAD] {
        assert_eq!((of(raw, SEND), of(raw, SEND_ONCE)), (Ok(1), Ok(1)));
        assert_eq!(of(raw, RECEIVE), Err(PortError::UnknownName));
    }
}

#[test]
fn f25_destruct_drops_receive_and_some_send_references() {
    let mut task = Task::new();
    let name = task.both(1);
    task.mod_refs(name, SEND, 2).unwrap();
    let destruct = |task: &mut Task, delta| task.space.destruct(name.into(), delta, &mut task.effects);
    assert_eq!(destruct(&mut task, 1), Err(PortError::BadDelta));
    assert_eq!(destruct(&mut task, -4), Err(PortError::BadDelta));
    assert_eq!(destruct(&mut task, -2), Ok(()));
    assert_eq!((task.refs(name, DEAD_NAME), task.done()), (1, vec![destroyed(1)]));
    assert_eq!(destruct(&mut task, 0), Err(PortError::NoSuchRight));
    let name = task.receive(2);
    assert_eq!(task.space.destruct(name.into(), -1, &mut task.effects), Err(PortError::NoSuchRight));
}

#[test]
fn q0_to_q6_mod_refs_by_kind() {
    let mut task = Task::new();
    let (receive, send, dead) = (task.receive(1), task.send(2, OTHER), task.dead());
    let (once, set) = (task.once(3, OTHER, 50), task.set());
    assert_eq!(task.mod_refs(receive, 6, 0), Err(PortError::BadRight), "Q0");
    for (name, right) in
        [(receive, RECEIVE), (send, SEND), (once, SEND_ONCE), (set, PORT_SET), (dead, DEAD_NAME)]
    {
        for other in 0..6 {
            let expected = if other == right { Ok(()) } else { Err(PortError::NoSuchRight) };
            assert_eq!(task.mod_refs(name, other, 0), expected, "{right} as {other}");
        }
        if !matches!(right, SEND | DEAD_NAME) {
            for delta in [-2, 1] {
                assert_eq!(task.mod_refs(name, right, delta), Err(PortError::BadDelta));
            }
        }
    }
    assert_eq!(task.mod_refs(receive, SEND, 1), Err(PortError::NoSuchRight), "Q5: nothing is made");
    task.space.port_died(port(2), OTHER, &mut task.effects);
    task.space.port_died(port(3), OTHER, &mut task.effects);
    assert_eq!(task.mod_refs(send, SEND, -1), Err(PortError::NoSuchRight), "Q5: dead");
    assert_eq!(task.mod_refs(once, SEND_ONCE, -1), Err(PortError::NoSuchRight), "Q3: dead");
    for raw in [RawName::NULL, RawName::DEAD] {
        let expected = [Ok(()), Err(PortError::UnknownName), Ok(()), Err(PortError::UnknownName)];
        for (right, expected) in expected.into_iter().enumerate() {
            assert_eq!(task.space.mod_refs(raw, right as u32, -5, &mut task.effects), expected);
        }
    }
    assert_eq!(task.mod_refs(set, PORT_SET, -1), Ok(()), "Q1");
    assert_eq!(task.done(), [Effect::SetDestroyed { handle: 40 }]);
}

#[test]
fn i1_i5_to_i9_insert_right_in_the_order_of_the_checks() {
    let mut task = Task::new();
    let send = |number| Right::Send { port: port(number), receiver: OTHER };
    let insert =
        |task: &mut Task, raw, right| task.space.insert_right(RawName(raw), right, &mut task.effects);
    assert_eq!(insert(&mut task, 0, send(1)), Err(PortError::ReservedName));
    assert_eq!(insert(&mut task, u32::MAX, send(1)), Err(PortError::ReservedName));
    assert_eq!(insert(&mut task, 100 << 8 | 2, send(1)), Err(PortError::NoSpace));
    assert_eq!(insert(&mut task, 122, send(1)), Err(PortError::BadNameBits));
    assert_eq!(insert(&mut task, 123, send(1)), Err(PortError::ReservedIndex));
    assert_eq!(insert(&mut task, 0x703, send(1)), Ok(()));
    assert_eq!(insert(&mut task, 0x707, send(1)), Err(PortError::OtherGeneration));
    assert_eq!(insert(&mut task, 0x803, send(1)), Err(PortError::RightExists));
    assert_eq!(insert(&mut task, 0x703, send(2)), Err(PortError::NameExists));
    assert_eq!(insert(&mut task, 0x803, send(2)), Ok(()));
    assert_eq!(insert(&mut task, 0x803, send(1)), Err(PortError::RightExists), "I7 before I8");
    let once = Right::SendOnce { port: port(1), receiver: OTHER, handle: 50 };
    assert_eq!(insert(&mut task, 0x703, once), Err(PortError::NameExists));
    assert_eq!(insert(&mut task, 0x903, once), Ok(()));
    assert_eq!(task.done(), []);
    assert_eq!(insert(&mut task, 0x703, send(1)), Ok(()));
    assert_eq!(task.done(), [Effect::SendSurplus { port: port(1), receiver: OTHER }]);
    let receive = Right::Receive { port: port(1), from: OTHER, handle: 1 };
    assert_eq!(insert(&mut task, 0xa03, receive), Err(PortError::RightExists));
    assert_eq!(insert(&mut task, 0x703, receive), Ok(()));
    let name = PortName::new(0x703).unwrap();
    assert_eq!((task.bits(name), task.refs(name, SEND)), (TypeBits::SEND_RECEIVE, 2));
}

#[test]
fn i2_a_name_gets_a_send_right_from_itself() {
    let mut task = Task::new();
    let (receive, send, dead, set) = (task.receive(1), task.send(2, OTHER), task.dead(), task.set());
    let same = |task: &mut Task, name: PortName, how| task.space.insert_same(name.into(), how);
    use Disposition::{CopySend, MakeSend, MoveSend};
    assert_eq!(same(&mut task, receive, CopySend), Err(PortError::NoSuchRight));
    assert_eq!(same(&mut task, receive, MakeSend), Ok(Origin::Made));
    assert_eq!(same(&mut task, receive, CopySend), Ok(Origin::Copied));
    assert_eq!((task.bits(receive), task.refs(receive, SEND)), (TypeBits::SEND_RECEIVE, 2));
    assert_eq!(same(&mut task, send, MakeSend), Err(PortError::NoSuchRight));
    assert_eq!(same(&mut task, send, MoveSend), Err(PortError::BadDisposition));
    assert_eq!(same(&mut task, dead, CopySend), Err(PortError::DeadPort));
    assert_eq!(same(&mut task, set, MakeSend), Err(PortError::NoSuchRight));
    assert_eq!(task.space.insert_same(RawName::DEAD, MakeSend), Err(PortError::ReservedName));
    assert_eq!(task.space.insert_same(RawName(0x6303), MakeSend), Err(PortError::UnknownName));
}

#[test]
fn n6_a_full_table_takes_nothing_in() {
    let mut task = Task::with_lines(3);
    let name = task.send(1, OTHER);
    task.dead();
    assert_eq!(task.space.allocate(New::DeadName), Err(PortError::NoSpace));
    assert_eq!(task.space.insert_send(port(2), OTHER, &mut task.effects), Err(PortError::NoSpace));
    assert_eq!(task.send(1, OTHER), name, "what joins needs no name");
    assert_eq!(task.space.insert_receive(port(1), OTHER, 1), Ok(name));
}

#[test]
fn dn1_dn2_dn6_one_request_a_name() {
    let mut task = Task::new();
    let (send, set, dead) = (task.send(1, OTHER), task.set(), task.dead());
    let nothing = Err(PortError::NothingToAwait);
    assert_eq!(task.space.set_request(RawName::NULL, None, &mut task.effects), nothing);
    assert_eq!(task.space.set_request(RawName::DEAD, None, &mut task.effects), nothing);
    let unknown = task.space.set_request(RawName(5), None, &mut task.effects);
    assert_eq!(unknown, Err(PortError::UnknownName));
    assert_eq!(task.ask(set, None), Err(PortError::NoSuchRight));
    assert_eq!(task.ask(send, None), Ok(None));
    assert_eq!(task.ask(dead, None), Ok(None));
    assert_eq!(task.ask(send, dead_name_request(60)), Ok(None));
    let possible = Request { handle: 61, kind: RequestKind::SendPossible };
    assert_eq!(task.ask(send, Some(possible)), Ok(Some(60)));
    assert_eq!(task.ask(send, None), Ok(Some(61)));
    assert_eq!((task.bits(send), task.done()), (TypeBits::SEND, vec![]));
}

#[test]
fn dn5_sp5_a_request_on_a_dead_name() {
    let mut task = Task::new();
    let dead = task.dead();
    assert_eq!(task.ask(dead, dead_name_request(60)), Err(PortError::NothingToAwait));
    assert_eq!(task.refs(dead, DEAD_NAME), 1);
    assert_eq!(task.ask(dead, Some(Request { handle: 61, kind: RequestKind::SendPossible })), Ok(None));
    assert_eq!((task.refs(dead, DEAD_NAME), task.bits(dead)), (2, TypeBits::DEAD_NAME));
    assert_eq!(task.done(), [notify(61, Notice::DeadName, dead)]);
}

#[test]
fn sp3_sp4_sp6_a_delayed_request_is_armed_and_fires_once() {
    let mut task = Task::new();
    let send = task.send(1, OTHER);
    task.ask(send, Some(Request { handle: 60, kind: RequestKind::SendPossibleDelayed })).unwrap();
    task.space.send_possible(port(1), OTHER, &mut task.effects);
    assert_eq!(task.done(), []);
    assert_eq!(task.space.arm_request(send.into()), Ok(true));
    let bits = task.space.entry(send.into()).unwrap().type_bits();
    assert_eq!(bits, TypeBits::SEND | TypeBits::DNREQUEST | TypeBits::SPREQUEST);
    for expected in [vec![notify(60, Notice::SendPossible, send)], vec![]] {
        task.space.send_possible(port(1), OTHER, &mut task.effects);
        assert_eq!(task.done(), expected);
    }
    assert_eq!((task.bits(send), task.refs(send, SEND)), (TypeBits::SEND, 1));
    assert_eq!(task.space.arm_request(send.into()), Ok(false));
}

#[test]
fn rebind_moves_what_is_held_or_changes_nothing() {
    let mut task = Task::new();
    let (name, once) = (task.send(1, OTHER), task.once(1, OTHER, 50));
    let third = ReceiverId(3);
    task.space.rebind(port(1), OTHER, third).unwrap();
    assert_eq!(task.send(1, third), name);
    task.send(1, OTHER);
    assert_eq!(task.space.rebind(port(1), third, OTHER), Err(PortError::RightExists));
    let own = task.both(2);
    assert_eq!(task.space.rebind(port(2), ME, OTHER), Err(PortError::RightExists));
    assert_eq!(task.space.name_of(port(2), ME), Some(own));
    task.done();
    task.space.port_died(port(1), third, &mut task.effects);
    assert_eq!((task.bits(name), task.bits(once)), (TypeBits::DEAD_NAME, TypeBits::DEAD_NAME));
}

#[test]
fn c2_teardown_gives_everything_up_and_refuses_what_follows() {
    let mut task = Task::new();
    let (both, send) = (task.both(1), task.send(2, OTHER));
    let (mine, theirs) = (task.once(1, ME, 50), task.once(2, OTHER, 51));
    let (set, dead) = (task.set(), task.dead());
    let guarded = task.receive(3);
    task.traits(guarded, ReceiveTraits { guard: Guard::Value, port_destroyed: true, immovable: true });
    task.request(send, 60);
    task.space.teardown(&mut task.effects);
    let mut effects = task.done();
    let mut expected = vec![
        released(1, ME),
        destroyed(1),
        released(2, OTHER),
        notify(60, Notice::PortDeleted, send),
        Effect::SendOnceDropped { port: port(2), receiver: OTHER, handle: 51 },
        Effect::SetDestroyed { handle: 40 },
        Effect::ReceiveReturned { port: port(3), handle: 3 },
    ];
    for list in [&mut effects, &mut expected] {
        list.sort_by_key(|effect| format!("{effect:?}"));
    }
    assert_eq!(effects, expected);
    let reader = task.space.reader();
    for name in [both, send, mine, theirs, set, dead, guarded] {
        assert_eq!(reader.lookup(name), None);
    }
    assert_eq!(task.space.allocate(New::DeadName), Err(PortError::TaskGone));
    assert_eq!(task.space.deallocate(RawName::NULL, &mut task.effects), Err(PortError::TaskGone));
    assert_eq!(task.space.names(), Err(PortError::TaskGone));
    assert_eq!(task.space.type_bits(RawName::DEAD), Err(PortError::TaskGone));
}

#[test]
fn the_codes_are_machs() {
    use PortError::*;
    let codes = [
        (NoSpace, 3),
        (NothingToAwait, 4),
        (ReservedIndex, 5),
        (OtherGeneration, 5),
        (ResourceShortage, 6),
        (NameExists, 13),
        (UnknownName, 15),
        (TaskGone, 16),
        (NoSuchRight, 17),
        (Guarded, 17),
        (BadRight, 18),
        (BadDisposition, 18),
        (BadDelta, 18),
        (ReservedName, 18),
        (BadNameBits, 18),
        (Immovable, 20),
        (DeadPort, 20),
        (RightExists, 21),
    ];
    for (error, code) in codes {
        assert_eq!(error.code(), code, "{error}");
    }
}
