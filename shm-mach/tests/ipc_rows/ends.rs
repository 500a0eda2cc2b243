//! Full tables, requests, new receivers, the end of a space, and the codes of errors.

use super::*;

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
fn sp1_a_send_possible_request_is_kept_like_a_dead_name_request() {
    let mut task = Task::new();
    let kinds = [RequestKind::SendPossible, RequestKind::SendPossibleDelayed];
    for (handle, kind) in [(60, kinds[0]), (61, kinds[1])] {
        let request = Some(Request { handle, kind });
        let nothing = Err(PortError::NothingToAwait);
        assert_eq!(task.space.set_request(RawName::DEAD, request, &mut task.effects), nothing);
        let unknown = task.space.set_request(RawName(5), request, &mut task.effects);
        assert_eq!(unknown, Err(PortError::UnknownName));
        let set = task.set();
        assert_eq!(task.ask(set, request), Err(PortError::NoSuchRight));
        // The name goes, or its port.
        let (gone, dead) = (task.send(1, OTHER), task.once(2, OTHER, 50));
        assert_eq!((task.ask(gone, request), task.ask(dead, request)), (Ok(None), Ok(None)));
        task.deallocate(gone).unwrap();
        task.space.port_died(port(2), OTHER, &mut task.effects);
        assert_eq!(task.refs(dead, DEAD_NAME), 2);
        let (deleted, died) = (Notice::PortDeleted, Notice::DeadName);
        let released = [released(1, OTHER), notify(handle, deleted, gone)];
        let ended = [Effect::SendOnceDied { handle: 50 }, notify(handle, died, dead)];
        assert_eq!(task.done(), [released, ended].concat());
    }
}

#[test]
fn sp4_every_armed_request_of_a_port_fires() {
    let mut task = Task::new();
    let names = [task.send(1, OTHER), task.once(1, OTHER, 50), task.once(1, OTHER, 51)];
    let others = [task.once(1, OTHER, 52), task.send(2, OTHER), task.once(1, ReceiverId(3), 53)];
    let armed = |handle| Some(Request { handle, kind: RequestKind::SendPossible });
    for (handle, name) in (60..).zip(names) {
        task.ask(name, armed(handle)).unwrap();
    }
    task.ask(others[0], dead_name_request(70)).unwrap();
    task.ask(others[1], armed(71)).unwrap();
    task.ask(others[2], armed(72)).unwrap();
    task.space.send_possible(port(1), OTHER, &mut task.effects);
    let mut effects = task.done();
    effects.sort_by_key(|effect| format!("{effect:?}"));
    let possible = (60..).zip(names).map(|(handle, name)| notify(handle, Notice::SendPossible, name));
    assert_eq!(effects, possible.collect::<Vec<_>>());
    assert!(names.iter().all(|name| task.space.entry((*name).into()).unwrap().request().is_none()));
    assert!(others.iter().all(|name| task.space.entry((*name).into()).unwrap().request().is_some()));
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
    let traits = ReceiveTraits { guard: Guard::Value, port_destroyed: true, ..ReceiveTraits::default() };
    task.traits(guarded, ReceiveTraits { immovable: true, ..traits });
    task.request(send, 60);
    task.space.teardown(&mut task.effects);
    let mut effects = task.done();
    let mut expected = vec![
        released(1, ME),
        destroyed(1),
        released(2, OTHER),
        notify(60, Notice::PortDeleted, send),
        Effect::SendOnceDied { handle: 50 },
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
