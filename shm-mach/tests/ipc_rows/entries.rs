//! Which rights share a name, how references are counted, and what each event does to an entry.

use super::*;

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

/// A port that goes to another task has another id there, and the send right that stays leads to that. A
/// name that somebody else had made for it meanwhile stays, and the number is free for another port.
#[test]
fn a_port_that_goes_by_another_id_elsewhere_keeps_the_name_of_its_send_right() {
    let there = PortId { birth: OTHER.0, index: u32::MAX, generation: 0, secret: 99 };
    for is_known in [false, true] {
        let mut task = Task::new();
        let name = task.both(1);
        task.copyin(name, Disposition::MoveReceive).unwrap();
        let known = is_known.then(|| task.space.insert_send(there, OTHER, &mut task.effects).unwrap());
        task.space.follow((port(1), ME), (there, OTHER), &mut task.effects);
        assert_eq!(task.space.name_of(port(1), ME), None, "another port may have the number");
        assert_eq!(task.space.name_of(there, OTHER), Some(known.unwrap_or(name)));
        let kept = if is_known { TypeBits::DEAD_NAME } else { TypeBits::SEND };
        assert_eq!(task.bits(name), kept);
    }
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
    let mut effects = task.done();
    let died = |effect: &Effect| matches!(effect, Effect::SendOnceDied { handle: 50..53 });
    assert_eq!(effects.iter().filter(|effect| died(effect)).count(), 3, "{effects:?}");
    effects.retain(|effect| !died(effect));
    assert_eq!(effects, [notify(61, Notice::DeadName, once[1])]);
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
