//! Send-once rights under names.

use super::*;

/// A port of the first task, and rights to it that the second holds: by one message each.
fn rights(count: usize) -> (Joined, Joined, ReceiveRight, Vec<SendOnceRight>) {
    let (here, there) = pair();
    let port = here.task.allocate().unwrap();
    let rights = (0..count).map(|_| {
        here.send.send(Message::new(1, b"").with_right(port.make_send_once())).unwrap();
        next(&there.receive).take_rights().pop().and_then(Right::into_send_once).unwrap()
    });
    let rights = rights.collect();
    (here, there, port, rights)
}

fn name(task: &Task, right: SendOnceRight) -> PortName {
    right.into_name(task).map_err(|(error, _)| error).unwrap()
}

fn is_unused(port: &ReceiveRight) -> bool {
    next(port).notification() == Some(Notification::SendOnce)
}

#[test]
fn r3_each_send_once_right_gets_a_name_of_its_own() {
    let (here, there, port, rights) = rights(2);
    let (ours, theirs) = (&here.task, &there.task);
    let send = port.make_send();
    let mut names = vec![send.name(), name(ours, port.make_send_once()), name(ours, port.make_send_once())];
    assert_eq!(ours.right_type(names[0]), Ok(TypeBits::SEND_RECEIVE));
    for name in &names[1..] {
        assert_eq!(ours.right_type(*name), Ok(TypeBits::SEND_ONCE));
        assert_eq!(ours.get_refs(*name, RightKind::SendOnce), Ok(1));
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!((names.len(), port.send_once_rights()), (3, 4));
    let others: Vec<PortName> = rights.into_iter().map(|right| name(theirs, right)).collect();
    assert_ne!(others[0], others[1]);
    assert!(others.iter().all(|name| theirs.right_type(*name) == Ok(TypeBits::SEND_ONCE)));
    assert_eq!(port.send_once_rights(), 4);
}

#[test]
fn a_name_keeps_a_send_once_right_until_it_is_taken_out() {
    let (here, there, port, mut rights) = rights(1);
    let both = [(&here.task, port.make_send_once(), 1), (&there.task, rights.pop().unwrap(), 0)];
    for (task, right, left) in both {
        let name = name(task, right);
        assert_eq!(task.send_right(name).map(drop), Err(PortError::NoSuchRight));
        let right = task.send_once_right(name).unwrap();
        assert_eq!(task.right_type(name), Err(PortError::UnknownName), "the name is free");
        assert_eq!(task.send_once_right(name).map(drop), Err(PortError::UnknownName));
        right.send(Message::new(5, b"by a right that was a name")).unwrap();
        assert_eq!((next(&port).id(), port.send_once_rights()), (5, left));
        is_empty(&port);
        let dead = task.allocate_dead_name().unwrap();
        refuses(
            |name| task.send_once_right(name).map(drop),
            &[
                (RawName::NULL, PortError::UnknownName, 15),
                (RawName::DEAD, PortError::UnknownName, 15),
                (dead.into(), PortError::DeadPort, 20),
            ],
        );
    }
    let own = port.name();
    assert_eq!(here.task.send_once_right(own).map(drop), Err(PortError::NoSuchRight));
}

#[test]
fn s9_q3_a_send_once_right_given_up_by_its_name_is_told_to_its_port() {
    for way in 0..3 {
        let (here, there, port, mut rights) = rights(1);
        for (task, right) in [(&here.task, port.make_send_once()), (&there.task, rights.pop().unwrap())] {
            let name = name(task, right);
            assert_eq!(task.mod_refs(name, RightKind::SendOnce, 0), Ok(()));
            for delta in [1, -2] {
                assert_eq!(task.mod_refs(name, RightKind::SendOnce, delta), Err(PortError::BadDelta));
            }
            assert_eq!(task.mod_refs(name, RightKind::Send, -1), Err(PortError::NoSuchRight));
            match way {
                0 => task.deallocate(name),
                1 => task.mod_refs(name, RightKind::SendOnce, -1),
                _ => task.destroy(name),
            }
            .unwrap();
            assert!(is_unused(&port));
            assert_eq!(task.right_type(name), Err(PortError::UnknownName));
        }
        is_empty(&port);
        assert_eq!(port.send_once_rights(), 0);
    }
}

#[test]
fn s7_a_send_once_right_whose_port_dies_is_a_dead_name() {
    let (here, there, port, mut rights) = rights(2);
    let late = (port.make_send_once(), rights.pop().unwrap());
    let ours = name(&here.task, port.make_send_once());
    let theirs = name(&there.task, rights.pop().unwrap());
    drop(port);
    for (task, name) in [(&here.task, ours), (&there.task, theirs)] {
        assert_eq!(task.right_type(name), Ok(TypeBits::DEAD_NAME));
        assert_eq!(task.mod_refs(name, RightKind::SendOnce, -1), Err(PortError::NoSuchRight), "q3");
        assert_eq!(task.get_refs(name, RightKind::DeadName), Ok(1));
        assert_eq!(task.send_once_right(name).map(drop), Err(PortError::DeadPort));
        assert!(task.names().unwrap().contains(&(name, TypeBits::DEAD_NAME)));
        task.deallocate(name).unwrap();
        assert_eq!(task.right_type(name), Err(PortError::UnknownName));
    }
    // Whoever asks for all names sees it as well.
    let port = here.task.allocate().unwrap();
    here.send.send(Message::new(1, b"").with_right(port.make_send_once())).unwrap();
    let right = next(&there.receive).take_rights().pop().and_then(Right::into_send_once).unwrap();
    let all = name(&there.task, right);
    drop(port);
    assert!(there.task.names().unwrap().contains(&(all, TypeBits::DEAD_NAME)));
    // What is dead before it gets a name gets a dead one.
    for (task, right) in [(&here.task, late.0), (&there.task, late.1)] {
        let name = name(task, right);
        assert_eq!(task.right_type(name), Ok(TypeBits::DEAD_NAME));
        task.mod_refs(name, RightKind::DeadName, -1).unwrap();
    }
}

#[test]
fn s7_a_send_once_right_to_a_dead_task_is_a_dead_name() {
    let (here, there, port, mut rights) = rights(1);
    let name = name(&there.task, rights.pop().unwrap());
    drop((port, here));
    let begin = std::time::Instant::now();
    while there.task.right_type(name) != Ok(TypeBits::DEAD_NAME) {
        assert!(begin.elapsed() < std::time::Duration::from_secs(20), "the death is not seen");
        // Without an authority it is seen within about a second, by whoever waits.
        let a_while = Deadline::after(std::time::Duration::from_millis(1200));
        let _ = there.receive.receive_deadline(&mut Received::new(), a_while);
    }
    assert!(there.task.names().unwrap().contains(&(name, TypeBits::DEAD_NAME)));
    there.task.deallocate(name).unwrap();
}

#[test]
fn a_send_once_right_that_a_third_task_has_passed_on_is_a_name_too() {
    let authority = shm_mach::authority::Embedded::start().unwrap();
    let attach = || Task::attach_to(authority.connect().unwrap(), &Options::default()).unwrap().0;
    let [home, middle, holder] = [(); 3].map(|()| attach());
    let inboxes = [("middle", &middle), ("holder", &holder)].map(|(name, task)| task.check_in(name).unwrap());
    let port = home.allocate().unwrap();
    let (to_middle, to_holder) = (home.look_up("middle").unwrap(), middle.look_up("holder").unwrap());
    let mut names: Vec<PortName> = (0..3)
        .map(|_| {
            to_middle.send(Message::new(1, b"").with_right(port.make_send_once())).unwrap();
            let right = next(&inboxes[0]).take_rights().pop().unwrap();
            to_holder.send(Message::new(1, b"").with_right(right)).unwrap();
            let right = next(&inboxes[1]).take_rights().pop().and_then(Right::into_send_once).unwrap();
            name(&holder, right)
        })
        .collect();
    assert!(names.iter().all(|name| holder.right_type(*name) == Ok(TypeBits::SEND_ONCE)));
    holder.send_once_right(names.remove(0)).unwrap().send(Message::new(5, b"")).unwrap();
    assert_eq!(next(&port).id(), 5);
    holder.deallocate(names.remove(0)).unwrap();
    assert!(is_unused(&port));
    // The receiver's task dies: only the authority tells of that.
    drop((port, to_middle, home));
    let begin = std::time::Instant::now();
    while holder.right_type(names[0]) != Ok(TypeBits::DEAD_NAME) {
        assert!(begin.elapsed() < std::time::Duration::from_secs(20), "the death is not seen");
        std::thread::yield_now();
    }
    assert_eq!(holder.get_refs(names[0], RightKind::DeadName), Ok(1));
    holder.deallocate(names[0]).unwrap();
}

#[test]
fn a_send_once_right_that_gets_no_name_comes_back() {
    let (here, there, port, mut rights) = rights(1);
    let right = rights.pop().unwrap();
    let (error, right) = right.into_name(&here.task).unwrap_err();
    assert_eq!((error, error.code()), (PortError::OtherTask, 15));
    let (error, own) = port.make_send_once().into_name(&there.task).unwrap_err();
    assert_eq!(error, PortError::OtherTask);
    drop(own);
    assert!(is_unused(&port));
    right.send(Message::new(4, b"as good as before")).unwrap();
    assert_eq!(next(&port).id(), 4);
    let (ours, theirs) = common::sockets();
    let full = std::thread::scope(|scope| {
        let _other = scope.spawn(|| join(theirs, &Options::default()).unwrap());
        join(ours, &Options::default().names(3)).unwrap()
    });
    let port = full.task.allocate().unwrap();
    let (error, right) = port.make_send_once().into_name(&full.task).unwrap_err();
    assert_eq!((error, error.code()), (PortError::NoSpace, 3));
    right.send(Message::new(5, b"")).unwrap();
    assert_eq!(next(&port).id(), 5);
}

#[test]
fn names_of_send_once_rights_do_not_keep_their_task() {
    let (here, there, port, mut rights) = rights(1);
    name(&there.task, rights.pop().unwrap());
    drop(there);
    assert!(is_unused(&port), "the task is gone, and the name with it");
    drop(here);
}
