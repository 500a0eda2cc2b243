//! Port sets by their names.

use super::*;

/// A task with a set that is a name only, and a port in it.
fn member() -> (Task, PortName, ReceiveRight) {
    let task = task();
    let set = task.allocate_set().unwrap().into_name();
    let port = task.allocate().unwrap();
    task.insert_member(port.name(), set).unwrap();
    (task, set, port)
}

/// What every look-up of a set says of what is none, and of a port likewise.
fn no_sets(task: &Task) -> Vec<(RawName, PortError, i32)> {
    let port = task.allocate().unwrap().into_name();
    vec![
        (RawName::NULL, PortError::NoSuchRight, 17),
        (RawName::DEAD, PortError::NoSuchRight, 17),
        (stale(task).into(), PortError::UnknownName, 15),
        (port.into(), PortError::NoSuchRight, 17),
        (task.allocate_dead_name().unwrap().into(), PortError::NoSuchRight, 17),
    ]
}

fn no_ports(task: &Task) -> Vec<(RawName, PortError, i32)> {
    let mut all = no_sets(task);
    all[3].0 = task.allocate_set().unwrap().into_name().into();
    all
}

#[test]
fn a_set_has_a_name_of_its_own_kind() {
    let task = task();
    let set = task.allocate_set().unwrap();
    let name = set.name();
    assert_eq!(task.right_type(name), Ok(TypeBits::PORT_SET));
    assert_eq!(task.get_refs(name, RightKind::PortSet), Ok(1));
    assert_eq!(task.get_refs(name, RightKind::Receive), Ok(0));
    assert!(task.names().unwrap().contains(&(name, TypeBits::PORT_SET)));
    assert_eq!(task.port_set(name).map(drop), Err(PortError::Pinned));
    for refused in [task.mod_refs(name, RightKind::PortSet, -1), task.deallocate(name), task.destroy(name)] {
        assert_eq!(refused, Err(PortError::Pinned), "it is a handle");
    }
    assert_eq!(set.into_name(), name);
    let set = task.port_set(name).unwrap();
    assert_eq!(set.name(), name);
    drop(set);
    assert_eq!(task.right_type(name), Err(PortError::UnknownName));
    refuses(|name| task.port_set(name).map(drop), &no_sets(&task)[2..]);
}

#[test]
fn f13_get_set_status_tells_the_members_sorted() {
    let (task, set, first) = member();
    let ports: Vec<ReceiveRight> = (0..40).map(|_| task.allocate().unwrap()).collect();
    let mut expected = vec![first.name()];
    for port in &ports {
        task.insert_member(port.name(), set).unwrap();
        expected.push(port.name());
    }
    assert!(!expected.is_sorted(), "names come in no order");
    expected.sort_unstable();
    assert_eq!(task.get_set_status(set), Ok(expected));
    refuses(|name| task.get_set_status(name).map(drop), &no_sets(&task));
}

#[test]
fn f14_move_member_joins_one_set_alone_or_none() {
    let (task, set, port) = member();
    let other = task.allocate_set().unwrap();
    let third = task.allocate_set().unwrap().into_name();
    task.insert_member(port.name(), third).unwrap();
    task.move_member(port.name(), other.name()).unwrap();
    let members = || [set, other.name(), third].map(|set| task.get_set_status(set).unwrap().len());
    assert_eq!(members(), [0, 1, 0]);
    task.move_member(port.name(), other.name()).unwrap(); // no error: it is there
    assert_eq!(members(), [0, 1, 0]);
    task.insert_member(port.name(), set).unwrap();
    task.move_member(port.name(), RawName::NULL).unwrap();
    assert_eq!((members(), port.is_in_set()), ([0, 0, 0], false));
    assert_eq!(task.move_member(port.name(), RawName::NULL), Err(PortError::NotInSet));
    assert_eq!(PortError::NotInSet.code(), 12);
    refuses(|name| task.move_member(name, set), &no_ports(&task));
    refuses(|name| task.move_member(port.name(), name), &no_sets(&task)[1..]);
    // The member is looked at first.
    assert_eq!(task.move_member(stale(&task), RawName::DEAD), Err(PortError::UnknownName));
}

#[test]
fn f15_insert_member_joins_one_more_set() {
    let (task, set, port) = member();
    let other = task.allocate_set().unwrap();
    task.insert_member(port.name(), other.name()).unwrap();
    assert_eq!((task.get_set_status(set), other.members()), (Ok(vec![port.name()]), vec![port.name()]));
    assert_eq!(task.insert_member(port.name(), set), Err(PortError::AlreadyInSet));
    assert_eq!(PortError::AlreadyInSet.code(), 11);
    let exclusive = task.allocate_exclusive_set().unwrap();
    assert_eq!(task.insert_member(port.name(), exclusive.name()), Err(PortError::AlreadyInSet));
    refuses(|name| task.insert_member(name, set), &no_ports(&task));
    refuses(|name| task.insert_member(port.name(), name), &no_sets(&task));
    assert_eq!(task.insert_member(stale(&task), RawName::DEAD), Err(PortError::UnknownName));
}

#[test]
fn f16_extract_member_leaves_one_set() {
    let (task, set, port) = member();
    let other = task.allocate_set().unwrap();
    other.insert(&port).unwrap();
    task.extract_member(port.name(), set).unwrap();
    assert_eq!((task.get_set_status(set), other.members()), (Ok(vec![]), vec![port.name()]));
    assert_eq!(task.extract_member(port.name(), set), Err(PortError::NotInSet));
    refuses(|name| task.extract_member(name, set), &no_ports(&task));
    refuses(|name| task.extract_member(port.name(), name), &no_sets(&task));
    assert_eq!(task.extract_member(stale(&task), RawName::DEAD), Err(PortError::UnknownName));
}

#[test]
fn f6_f7_q1_a_set_is_given_up_by_its_name_and_its_members_stay() {
    for way in 0..3 {
        let (task, set, port) = member();
        let right = port.make_send();
        right.send(Message::new(7, b"")).unwrap();
        assert_eq!(task.mod_refs(set, RightKind::PortSet, 0), Ok(()));
        for delta in [1, -2] {
            assert_eq!(task.mod_refs(set, RightKind::PortSet, delta), Err(PortError::BadDelta));
        }
        match way {
            0 => task.deallocate(set),
            1 => task.mod_refs(set, RightKind::PortSet, -1),
            _ => task.destroy(set),
        }
        .unwrap();
        assert_eq!(task.right_type(set), Err(PortError::UnknownName));
        assert!(!port.is_in_set());
        assert_eq!(next(&port).id(), 7, "its messages stay");
        assert_eq!(task.insert_member(port.name(), set), Err(PortError::UnknownName));
    }
}

#[test]
fn ps6_who_waits_at_a_set_that_is_destroyed_is_told() {
    let _watchdog = common::watchdog::Watchdog::start("ps6_who_waits_at_a_set_that_is_destroyed_is_told", 60);
    let (task, set, port) = member();
    let all_have_it = std::sync::Barrier::new(4);
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut message = Received::new();
                    let received = task.with_port_set(set, |set| {
                        all_have_it.wait();
                        set.receive(&mut message)
                    });
                    (received, message.port())
                })
            })
            .collect();
        all_have_it.wait();
        // One of them gets this: until then the set is not touched.
        port.make_send().send(Message::new(3, b"")).unwrap();
        while !waiting.iter().any(|thread| thread.is_finished()) {
            std::thread::yield_now();
        }
        task.destroy(set).unwrap();
        let results: Vec<_> = waiting.into_iter().map(|thread| thread.join().unwrap()).collect();
        let got = results.iter().filter(|(result, by)| *result == Ok(Ok(())) && *by == Some(port.name()));
        assert_eq!(got.count(), 1, "{results:?}");
        let told = results.iter().filter(|(result, _)| *result == Ok(Err(ReceiveError::PortDied)));
        assert_eq!(told.count(), 2, "{results:?}");
    });
    assert_eq!(ReceiveError::PortDied.code(), 0x1000_4006);
    assert!(!port.is_in_set());
}

#[test]
fn d2_a_port_that_dies_leaves_its_sets_and_wakes_who_waits_there() {
    let _watchdog = common::watchdog::Watchdog::start("d2_a_port_that_dies", 60);
    let (task, set, port) = member();
    let stays = task.allocate().unwrap();
    task.insert_member(stays.name(), set).unwrap();
    let name = port.into_name();
    let right = task.with_receive_right(name, ReceiveRight::make_send).unwrap();
    let all_have_it = std::sync::Barrier::new(4);
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut message = Received::new();
                    task.with_receive_right(name, |right| {
                        all_have_it.wait();
                        right.receive(&mut message)
                    })
                })
            })
            .collect();
        all_have_it.wait();
        // One of them gets this.
        right.send(Message::new(3, b"")).unwrap();
        while !waiting.iter().any(|thread| thread.is_finished()) {
            std::thread::yield_now();
        }
        task.mod_refs(name, RightKind::Receive, -1).unwrap();
        let results: Vec<_> = waiting.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(results.iter().filter(|result| **result == Ok(Ok(()))).count(), 1, "{results:?}");
        let told = results.iter().filter(|result| **result == Ok(Err(ReceiveError::PortDied)));
        assert_eq!(told.count(), 2, "{results:?}");
    });
    assert_eq!(task.get_set_status(set), Ok(vec![stays.name()]));
    assert_eq!(right.send(Message::new(4, b"")).unwrap_err().failure(), SendFailure::PortDied);
}

#[test]
fn ps9_a_set_is_nothing_to_send_to_nor_a_member() {
    let (task, set, port) = member();
    assert_eq!(task.send_right(set).map(drop), Err(PortError::NoSuchRight));
    assert_eq!(task.with_send_right(set, |_| ()), Err(PortError::NoSuchRight));
    assert_eq!(task.send_once_right(set).map(drop), Err(PortError::NoSuchRight));
    assert_eq!(task.receive_right(set).map(drop), Err(PortError::NoSuchRight));
    let outer = task.allocate_set().unwrap().into_name();
    assert_eq!(task.insert_member(set, outer), Err(PortError::NoSuchRight));
    assert_eq!(task.get_set_status(set), Ok(vec![port.name()]));
}

#[test]
fn ps10_by_name_too_a_message_tells_which_member_it_came_through() {
    let (task, set, port) = member();
    let other = task.allocate().unwrap();
    task.insert_member(other.name(), set).unwrap();
    let mut message = Received::new();
    for port in [&other, &port] {
        port.make_send().send(Message::new(1, b"")).unwrap();
        task.with_port_set(set, |set| set.receive_deadline(&mut message, soon())).unwrap().unwrap();
        assert_eq!(message.port(), Some(port.name()));
    }
    port.make_send().send(Message::new(2, b"")).unwrap();
    let direct = task.with_receive_right(port.name(), |right| right.try_receive(&mut message));
    assert_eq!((direct, message.id()), (Ok(Ok(())), 2));
    refuses(|name| task.with_port_set(name, |_| ()), &no_sets(&task));
    refuses(|name| task.with_receive_right(name, |_| ()), &no_ports(&task));
}

#[test]
fn a_set_that_is_lent_may_end_meanwhile_and_takes_nobody_in() {
    let (task, name, port) = member();
    let other = task.allocate().unwrap();
    let ended = task.with_port_set(name, |set| {
        task.mod_refs(name, RightKind::PortSet, -1).unwrap();
        let refused = [set.insert(&other), set.move_member(&other), set.remove(&port)];
        (refused, set.try_receive(&mut Received::new()), set.members())
    });
    let refused = [Err(PortError::UnknownName), Err(PortError::UnknownName), Err(PortError::NotInSet)];
    assert_eq!(ended, Ok((refused, Err(ReceiveError::PortDied), vec![])));
    assert!(!port.is_in_set() && !other.is_in_set());
}

#[test]
fn a_receive_right_that_is_lent_may_end_meanwhile() {
    let task = task();
    let name = task.allocate().unwrap().into_name();
    let ended = task.with_receive_right(name, |right| {
        task.mod_refs(name, RightKind::Receive, -1).unwrap();
        let sent = right.make_send().send(Message::new(1, b"")).map_err(|error| error.failure());
        (right.try_receive(&mut Received::new()), sent)
    });
    assert_eq!(ended, Ok((Err(ReceiveError::PortDied), Err(SendFailure::PortDied))));
    assert_eq!(task.right_type(name), Err(PortError::UnknownName), "no right was made of it");
}
