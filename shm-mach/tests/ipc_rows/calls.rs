//! The calls on names, in the order of their checks.

use super::*;

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
    let ended = Effect::SendOnceDied { handle: 50 };
    assert_eq!(task.done(), [released(1, ME), destroyed(1), ended, others, own]);
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
    assert_eq!(task.done(), [Effect::SendOnceDied { handle: 50 }, Effect::SetDestroyed { handle: 40 }]);
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
