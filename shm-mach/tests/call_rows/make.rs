//! Making rights by name, and what is told of the table of names.

use super::*;

/// Names that cannot be chosen, with the codes of Mach: one of index 0, one without a name's low bits.
fn bad_names(task: &Task) -> Vec<(RawName, PortError, i32)> {
    let used = task.allocate_dead_name().unwrap();
    vec![
        (RawName(DEFAULT_NAMES_END << 8 | 2), PortError::NoSpace, 3),
        (RawName(122), PortError::BadNameBits, 18),
        (RawName(123), PortError::ReservedIndex, 5),
        (RawName(used.get() ^ 0x40), PortError::OtherGeneration, 5),
        (used.into(), PortError::NameExists, 13),
    ]
}

const DEFAULT_NAMES_END: u32 = Options::DEFAULT_NAMES as u32 + 1;

/// A name that is free, far from those in use.
const FREE: RawName = RawName(0x12_3407);

#[test]
fn f3_allocate_makes_a_port_a_set_or_a_dead_name() {
    let task = task();
    for (kind, bits) in [
        (RightKind::Receive, TypeBits::RECEIVE),
        (RightKind::PortSet, TypeBits::PORT_SET),
        (RightKind::DeadName, TypeBits::DEAD_NAME),
    ] {
        let name = task.allocate_right(kind).unwrap();
        assert_eq!(task.right_type(name), Ok(bits));
        assert_eq!(task.get_refs(name, kind), Ok(1));
        task.mod_refs(name, kind, -1).unwrap();
        assert_eq!(task.right_type(name), Err(PortError::UnknownName), "nothing of it is a handle");
    }
    for kind in [RightKind::Send, RightKind::SendOnce] {
        assert_eq!(task.allocate_right(kind), Err(PortError::BadRight));
    }
    assert_eq!(PortError::BadRight.code(), 18);
    let name = task.allocate_right(RightKind::Receive).unwrap();
    let port = task.receive_right(name).unwrap();
    port.make_send().send(Message::new(3, b"")).unwrap();
    assert_eq!(next(&port).id(), 3);
    let status = task.receive_status(name).unwrap();
    assert_eq!((status.qlimit, status.seqno, status.mscount), (Options::DEFAULT_LIMIT, 1, 1));
}

#[test]
fn f4_n7_allocate_name_checks_the_name_in_order() {
    let task = task();
    let bad = bad_names(&task);
    for kind in [RightKind::Receive, RightKind::PortSet] {
        refuses(|name| task.allocate_name(kind, name).map(drop), &bad);
        refuses(
            |name| task.allocate_name(kind, name).map(drop),
            &[(RawName::NULL, PortError::ReservedName, 18), (RawName::DEAD, PortError::ReservedName, 18)],
        );
        let name = task.allocate_name(kind, FREE).unwrap();
        assert_eq!((name.get(), task.right_type(name)), (FREE.0, Ok(kind.type_bit())));
        assert_eq!(task.allocate_name(kind, FREE), Err(PortError::NameExists));
        task.destroy(name).unwrap();
        let again = task.allocate_name(kind, FREE).unwrap();
        assert_eq!(again.get(), FREE.0, "a free line is taken with exactly that generation");
        task.destroy(again).unwrap();
    }
    // A kind that is not made comes first; a dead name is made under any name.
    assert_eq!(task.allocate_name(RightKind::Send, RawName::NULL), Err(PortError::BadRight));
    let dead = task.allocate_name(RightKind::DeadName, FREE).unwrap();
    assert_ne!(dead.get(), FREE.0);
    assert_eq!(task.right_type(dead), Ok(TypeBits::DEAD_NAME));
    assert_eq!(task.allocate_name(RightKind::DeadName, RawName(123)).map(|_| ()), Ok(()));
    for name in [RawName::NULL, RawName::DEAD] {
        assert_eq!(task.allocate_name(RightKind::DeadName, name), Err(PortError::ReservedName));
    }
}

#[test]
fn f5_allocate_full_and_qos_take_a_name_and_room() {
    let task = task();
    let quality = |name, room| Quality { name, room };
    let full = |kind, proto, quality| task.allocate_full(kind, proto, quality);
    let name = full(RightKind::Receive, RawName::NULL, quality(Some(FREE), Some(4096))).unwrap();
    assert_eq!((name.get(), task.right_type(name)), (FREE.0, Ok(TypeBits::RECEIVE)));
    let error = full(RightKind::Send, FREE, quality(None, Some(u32::MAX))).unwrap_err();
    assert_eq!((error, error.code()), (PortError::BadProto, 18));
    let error = full(RightKind::PortSet, RawName::NULL, quality(None, Some(u32::MAX))).unwrap_err();
    assert_eq!((error, error.code()), (PortError::ResourceShortage, 6));
    let error = full(RightKind::PortSet, RawName::NULL, quality(None, Some(1))).unwrap_err();
    assert_eq!((error, error.code()), (PortError::BadRight, 18));
    let error = full(RightKind::Receive, RawName::NULL, quality(Some(RawName::DEAD), None)).unwrap_err();
    assert_eq!((error, error.code()), (PortError::ReservedName, 18));
    let error = task.allocate_qos(RightKind::Send, quality(Some(FREE), None)).unwrap_err();
    assert_eq!((error, error.code()), (PortError::NameChosen, 4));
    let set = task.allocate_qos(RightKind::PortSet, Quality::default()).unwrap();
    assert_eq!(task.right_type(set), Ok(TypeBits::PORT_SET));
}

#[test]
fn f24_construct_makes_a_port_to_order() {
    let task = task();
    let construct = |flags, limit, context| {
        task.construct(&PortOptions { flags, limit, ..PortOptions::default() }, context)
    };
    let plain = construct(0, 9999, 7).unwrap();
    assert_eq!(task.right_type(plain), Ok(TypeBits::RECEIVE));
    let status = task.receive_status(plain).unwrap();
    assert_eq!((status.qlimit, status.flags, status.mscount), (Options::DEFAULT_LIMIT, 0, 0));
    let order = PortOptions::QLIMIT
        | PortOptions::INSERT_SEND_RIGHT
        | PortOptions::CONTEXT_AS_GUARD
        | PortOptions::STRICT
        | PortOptions::IMMOVABLE_RECEIVE
        | PortOptions::TEMPOWNER
        | PortOptions::DENAP_RECEIVER;
    let name = construct(order, 3, 8).unwrap();
    assert_eq!(task.right_type(name), Ok(TypeBits::SEND_RECEIVE));
    assert_eq!(task.get_refs(name, RightKind::Send), Ok(1));
    let status = task.receive_status(name).unwrap();
    assert_eq!((status.qlimit, status.mscount, status.srights), (3, 1, true));
    assert_eq!(status.flags, 1 | 2 | 4 | 8 | 0x40);
    assert_eq!(task.assert_attributes(name, flavor::GUARD_INFO, &[8, 0]), Ok(()));
    assert_eq!(task.insert_right(FREE, name, Disposition::MoveReceive), Err(PortError::Immovable));
    let error = construct(PortOptions::QLIMIT, 1025, 0).unwrap_err();
    assert_eq!((error, error.code()), (PortError::InvalidLimit { limit: 1025, most: 1024 }, 18));
    for (flags, error, code) in [
        (PortOptions::TG_BLOCK_TRACKING, PortError::Denied, 53),
        (PortOptions::SERVICE_PORT, PortError::NoLabel, 4),
        (PortOptions::CONNECTION_PORT, PortError::NoLabel, 4),
    ] {
        assert_eq!(construct(flags, 0, 0), Err(error));
        assert_eq!(error.code(), code);
    }
    let labelled = PortOptions { flags: PortOptions::SERVICE_PORT, limit: 0, more: [1, 0] };
    assert_eq!(task.construct(&labelled, 0), Err(PortError::Denied));
}

#[test]
fn f24_nothing_but_send_once_rights_is_made_of_a_reply_port() {
    let task = task();
    let order = PortOptions { flags: PortOptions::REPLY_PORT, ..PortOptions::default() };
    let name = task.construct(&order, 0).unwrap();
    for from in [name.into(), FREE] {
        let error = task.insert_right(from, name, Disposition::MakeSend).unwrap_err();
        assert_eq!((error, error.code()), (PortError::ForReplies, 20));
    }
    assert_eq!(task.insert_right(FREE, name, Disposition::MoveReceive), Err(PortError::Immovable));
    assert_eq!(task.insert_right(FREE, name, Disposition::MakeSendOnce), Ok(()));
    let dead = task.with_receive_right(name, |right| right.make_send().send(Message::new(1, b"")).is_err());
    assert_eq!((dead, task.right_type(name)), (Ok(true), Ok(TypeBits::RECEIVE)));
    let status = task.receive_status(name).unwrap();
    assert_eq!((status.srights, status.sorights, status.mscount), (false, 1, 0));
    task.send_once_right(FREE).unwrap().send(Message::new(6, b"the reply")).unwrap();
    assert_eq!(next(&task.receive_right(name).unwrap()).id(), 6);
}

#[test]
fn k1_kinds_of_port_that_exclude_each_other() {
    let task = task();
    use PortOptions as P;
    let first = [P::SERVICE_PORT, P::CONNECTION_PORT, P::TG_BLOCK_TRACKING];
    let second =
        [P::REPLY_PORT, P::ENFORCE_REPLY_PORT_SEMANTICS, P::EXCEPTION_PORT, P::PROVISIONAL_REPLY_PORT];
    for kinds in [&first[..], &second[..]] {
        for one in kinds {
            for other in kinds.iter().filter(|other| *other != one) {
                let order = P { flags: one | other | P::QLIMIT, limit: 9999, ..P::default() };
                let error = task.construct(&order, 0).unwrap_err();
                assert_eq!((error, error.code()), (PortError::ExclusiveKinds, 4), "{:#x}", order.flags);
            }
        }
    }
    for kind in second {
        let order = P { flags: kind, ..P::default() };
        assert!(task.construct(&order, 0).is_ok(), "{kind:#x} alone");
    }
    let code = common::sys::in_fork(|| {
        let order = |flags| P { flags, ..P::default() };
        let refused = task.construct(&order(P::REPLY_PORT | P::EXCEPTION_PORT), 0);
        let forked = task.construct(&order(0), 0);
        i32::from((refused, forked) != (Err(PortError::ExclusiveKinds), Err(PortError::Forked)))
    });
    assert_eq!(code, 0, "they are looked at before the task is");
}

#[test]
fn k2_the_context_is_kept_without_a_guard_too() {
    let task = task();
    let name = task.construct(&PortOptions::default(), 0x0123_4567_89ab_cdef).unwrap();
    assert_eq!(task.get_context(name), Ok(0x0123_4567_89ab_cdef));
    assert_eq!(task.unguard(name, 0x0123_4567_89ab_cdef), Err(PortError::NotGuarded));
    assert_eq!(task.destruct(name, 0, 0), Ok(()), "it needs no guard");
}

#[test]
fn k3_options_are_24_bytes() {
    assert_eq!((size_of::<PortOptions>(), align_of::<PortOptions>()), (24, 8));
    assert_eq!(std::mem::offset_of!(PortOptions, flags), 0);
    assert_eq!(std::mem::offset_of!(PortOptions, limit), 4);
    assert_eq!(std::mem::offset_of!(PortOptions, more), 8);
}

#[test]
fn f31_space_info_tells_every_line() {
    let task = task();
    let before = task.space_basic_info().unwrap().in_use;
    let port = task.allocate().unwrap();
    let right = port.make_send();
    let more = right.clone();
    let set = task.allocate_set().unwrap();
    let free = stale(&task);
    let (size, lines) = task.space_info().unwrap();
    assert_eq!(lines.len() as u32, size.size - 1);
    let used = lines.iter().filter(|line| line.type_bits != TypeBits::NONE).count() as u32;
    assert_eq!((used, size.in_use), (before + 2, before + 2));
    let line = |name: PortName| *lines.iter().find(|line| line.name == RawName::from(name)).unwrap();
    let found = line(port.name());
    assert_eq!((found.type_bits, found.urefs), (TypeBits::SEND_RECEIVE, 2));
    assert_ne!(found.port.secret, 0);
    assert_eq!(line(set.name()).type_bits, TypeBits::PORT_SET);
    let found = line(free);
    assert_eq!((found.type_bits, found.urefs, found.port.secret), (TypeBits::NONE, 0, 0));
    drop((right, more));
}

#[test]
fn f32_space_basic_info_tells_the_size() {
    let task = task();
    let before = task.space_basic_info().unwrap();
    assert_eq!(before.generation_mask, 0xff00_0000);
    assert!(before.in_use < before.size && before.size < before.next, "{before:?}");
    let names: Vec<PortName> = (0..before.size).map(|_| task.allocate_dead_name().unwrap()).collect();
    let after = task.space_basic_info().unwrap();
    assert_eq!((after.in_use, after.size), (before.in_use + before.size, before.next));
    names.iter().for_each(|name| task.deallocate(*name).unwrap());
    assert_eq!(task.space_basic_info().unwrap(), shm_mach::ipc::SpaceInfo { in_use: before.in_use, ..after });
}

#[test]
fn f36_set_port_space_is_taken_and_does_nothing() {
    let task = task();
    let before = task.space_basic_info();
    assert_eq!(task.set_port_space(1 << 20), Ok(()));
    assert_eq!(task.space_basic_info(), before);
}

#[test]
fn c2_in_a_forked_child_every_call_is_refused() {
    let task = task();
    let (port, set) = (task.allocate().unwrap(), task.allocate_set().unwrap());
    let once = port.make_send_once();
    let (name, members) = (port.name(), set.name());
    let code = common::sys::in_fork(|| {
        let refused = [
            task.allocate_right(RightKind::Receive).map(drop),
            task.allocate_name(RightKind::Receive, FREE).map(drop),
            task.allocate_full(RightKind::Receive, FREE, Quality::default()).map(drop),
            task.allocate_qos(RightKind::Receive, Quality { name: Some(FREE), room: None }).map(drop),
            task.construct(&PortOptions::default(), 0).map(drop),
            task.destruct(name, 0, 0),
            task.insert_right(FREE, name, Disposition::MakeSend),
            task.extract_right(name, Disposition::MakeSend).map(drop),
            task.insert_member(name, members),
            task.extract_member(name, members),
            task.move_member(name, members),
            task.get_set_status(members).map(drop),
            task.port_set(members).map(drop),
            task.with_port_set(members, |_| ()),
            task.with_receive_right(name, |_| ()),
            task.send_once_right(FREE).map(drop),
            task.receive_status(name).map(drop),
            task.get_attributes(name, 0, &mut []).map(drop),
            task.set_attributes(name, 0, &[]),
            task.assert_attributes(name, 0, &[]),
            task.set_mscount(name, 0),
            task.set_seqno(name, 0),
            task.get_srights(name).map(drop),
            task.dnrequest_info(name).map(drop),
            task.get_context(name).map(drop),
            task.set_context(name, 1),
            task.guard(name, 1, GuardOptions::default()),
            task.unguard(name, 1),
            task.swap_guard(name, 1, 2),
            task.peek(name, 0).map(drop),
            task.space_info().map(drop),
            task.space_basic_info().map(drop),
            task.set_port_space(1),
            once.into_name(&task).map(drop).map_err(|(error, _)| error),
        ];
        let inert = (set.into_name(), port.into_name());
        i32::from(!(inert == (members, name) && refused.iter().all(|error| *error == Err(PortError::Forked))))
    });
    assert_eq!((code, PortError::Forked.code()), (0, 16));
}
