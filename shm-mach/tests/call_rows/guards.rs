//! Contexts and guards.

use super::*;

const STRICT: GuardOptions = GuardOptions { is_strict: true, is_immovable: false };
const LOOSE: GuardOptions = GuardOptions { is_strict: false, is_immovable: false };
const GUARD: u64 = 0xfeed_0000_0000_0001;

/// A task with a port that is a name only.
fn port() -> (Task, PortName) {
    let task = task();
    let name = task.allocate_right(RightKind::Receive).unwrap();
    (task, name)
}

/// Names without a receive right, as most of these calls see them.
fn no_ports(task: &Task) -> Vec<(RawName, PortError, i32)> {
    let set = task.allocate_right(RightKind::PortSet).unwrap();
    vec![
        (RawName::NULL, PortError::UnknownName, 15),
        (RawName::DEAD, PortError::UnknownName, 15),
        (stale(task).into(), PortError::UnknownName, 15),
        (set.into(), PortError::NoSuchRight, 17),
        (task.allocate_dead_name().unwrap().into(), PortError::NoSuchRight, 17),
    ]
}

/// The same for calls to which NULL and DEAD are names without the right.
fn without_right(task: &Task) -> Vec<(RawName, PortError, i32)> {
    let mut all = no_ports(task);
    for case in &mut all[..2] {
        (case.1, case.2) = (PortError::NoSuchRight, 17);
    }
    all
}

fn words(guard: u64) -> [u32; 2] {
    [guard as u32, (guard >> 32) as u32]
}

#[test]
fn f23_the_context_is_the_receivers_and_a_guard_is_one() {
    let (task, name) = port();
    assert_eq!(task.get_context(name), Ok(0));
    task.set_context(name, GUARD).unwrap();
    assert_eq!(task.get_context(name), Ok(GUARD));
    task.set_context(name, 0).unwrap();
    // What is not strictly guarded is guarded with what is set.
    task.guard(name, 5, LOOSE).unwrap();
    assert_eq!(task.get_context(name), Ok(5));
    task.set_context(name, 6).unwrap();
    assert_eq!((task.unguard(name, 5), task.unguard(name, 6)), (Err(PortError::WrongGuard), Ok(())));
    task.guard(name, 7, STRICT).unwrap();
    assert_eq!(task.get_context(name), Ok(0));
    let error = task.set_context(name, 8).unwrap_err();
    assert_eq!((error, error.code()), (PortError::StrictGuard, 4));
    assert_eq!(task.unguard(name, 7), Ok(()));
    refuses(|name| task.get_context(name).map(drop), &without_right(&task));
    refuses(|name| task.set_context(name, 1), &without_right(&task));
}

#[test]
fn f26_guard_needs_a_context_of_0() {
    let (task, name) = port();
    task.set_context(name, 1).unwrap();
    let error = task.guard(name, GUARD, LOOSE).unwrap_err();
    assert_eq!((error, error.code()), (PortError::HasContext, 4));
    task.set_context(name, 0).unwrap();
    task.guard(name, 0, LOOSE).unwrap();
    task.guard(name, GUARD, STRICT).unwrap();
    assert_eq!(task.guard(name, GUARD, STRICT), Err(PortError::HasContext));
    let flags = || task.receive_status(name).map(|status| status.flags).unwrap();
    assert_eq!(flags(), 2 | 4);
    task.unguard(name, GUARD).unwrap();
    assert_eq!(flags(), 0);
    task.guard(name, 1, GuardOptions { is_strict: false, is_immovable: true }).unwrap();
    assert_eq!(flags(), 2 | 0x40);
    task.unguard(name, 1).unwrap();
    assert_eq!(flags(), 0, "it is shown with a guard only");
    let moved = task.extract_right(name, Disposition::MoveReceive);
    assert_eq!(moved, Err(PortError::Immovable), "and stays without");
    task.guard(name, 1, LOOSE).unwrap();
    assert_eq!(flags(), 2 | 0x40);
    refuses(|name| task.guard(name, 1, LOOSE), &no_ports(&task));
}

#[test]
fn f27_unguard_needs_the_guard() {
    let (task, name) = port();
    let error = task.unguard(name, 0).unwrap_err();
    assert_eq!((error, error.code()), (PortError::NotGuarded, 4));
    for options in [LOOSE, STRICT] {
        task.guard(name, GUARD, options).unwrap();
        let error = task.unguard(name, GUARD + 1).unwrap_err();
        assert_eq!((error, error.code()), (PortError::WrongGuard, 4));
        task.unguard(name, GUARD).unwrap();
        assert_eq!(task.get_context(name), Ok(0), "the context goes with it");
    }
    refuses(|name| task.unguard(name, 0), &no_ports(&task));
}

#[test]
fn f28_swap_guard_needs_the_guard_and_none_that_is_strict() {
    let (task, name) = port();
    assert_eq!(task.swap_guard(name, 0, 1), Err(PortError::NotGuarded));
    task.guard(name, GUARD, STRICT).unwrap();
    assert_eq!(task.swap_guard(name, 0, 1), Err(PortError::StrictGuard), "before the value is looked at");
    task.unguard(name, GUARD).unwrap();
    task.guard(name, GUARD, LOOSE).unwrap();
    assert_eq!(task.swap_guard(name, 1, 2), Err(PortError::WrongGuard));
    task.swap_guard(name, GUARD, 2).unwrap();
    assert_eq!((task.unguard(name, GUARD), task.unguard(name, 2)), (Err(PortError::WrongGuard), Ok(())));
    refuses(|name| task.swap_guard(name, 0, 1), &no_ports(&task));
}

#[test]
fn f34_assert_attributes_is_for_strict_guards() {
    let (task, name) = port();
    let assert = |name: RawName, number, info: &[u32]| task.assert_attributes(name, number, info);
    let holds = |guard| assert(name.into(), flavor::GUARD_INFO, &words(guard));
    let error = holds(0).unwrap_err();
    assert_eq!((error, error.code()), (PortError::NotGuarded, 4));
    task.guard(name, GUARD, LOOSE).unwrap();
    assert_eq!(holds(GUARD), Err(PortError::NotGuarded));
    task.unguard(name, GUARD).unwrap();
    task.guard(name, GUARD, STRICT).unwrap();
    assert_eq!(holds(GUARD), Ok(()));
    for other in [0, GUARD & 0xffff_ffff, GUARD & !0xffff_ffff, GUARD + 1] {
        assert_eq!(holds(other), Err(PortError::WrongGuard));
    }
    let nobody = RawName::from(stale(&task));
    for number in [0, 1, 7, 9] {
        let error = assert(nobody, number, &[]).unwrap_err();
        assert_eq!((error, error.code()), (PortError::UnknownFlavor, 4));
    }
    let error = assert(nobody, flavor::GUARD_INFO, &[1]).unwrap_err();
    assert_eq!((error, error.code()), (PortError::TooFewWords, 5));
    refuses(|name| assert(name, flavor::GUARD_INFO, &[0, 0]), &without_right(&task));
}

#[test]
fn f6_q2_a_guard_keeps_the_receive_right_from_calls_that_do_not_know_it() {
    let (task, name) = port();
    for options in [LOOSE, STRICT] {
        task.guard(name, GUARD, options).unwrap();
        let refused = [task.mod_refs(name, RightKind::Receive, -1), task.destroy(name)];
        assert_eq!(refused, [Err(PortError::Guarded); 2]);
        assert_eq!(PortError::Guarded.code(), 17);
        assert_eq!(task.mod_refs(name, RightKind::Receive, 0), Ok(()));
        task.unguard(name, GUARD).unwrap();
    }
    task.guard(name, 0, LOOSE).unwrap();
    assert_eq!(task.mod_refs(name, RightKind::Receive, -1), Err(PortError::Guarded), "q2: any value");
    task.destroy(name).unwrap();
    assert_eq!(task.right_type(name), Err(PortError::UnknownName), "f6: a value other than 0");
}

#[test]
fn f25_destruct_gives_up_a_guarded_port_and_references_with_it() {
    let (task, name) = port();
    for _ in 0..4 {
        task.insert_right(name, name, Disposition::MakeSend).unwrap();
    }
    task.guard(name, GUARD, STRICT).unwrap();
    let bare = task.allocate_right(RightKind::Receive).unwrap();
    let destruct = |name: PortName, srdelta, guard| task.destruct(name, srdelta, guard);
    assert_eq!(destruct(bare, -1, 0), Err(PortError::NoSuchRight), "no send right");
    assert_eq!(destruct(bare, 1, 0), Err(PortError::NoSuchRight), "which is looked at first");
    assert_eq!(destruct(name, 1, 0), Err(PortError::BadDelta));
    let error = destruct(name, -9, 0).unwrap_err();
    assert_eq!((error, error.code()), (PortError::WrongGuard, 4), "before the count");
    assert_eq!(destruct(name, -5, GUARD), Err(PortError::BadDelta));
    assert_eq!(task.get_refs(name, RightKind::Send), Ok(4), "nothing has changed");
    let handle = task.send_right(name).unwrap();
    assert_eq!(destruct(name, -5, GUARD), Err(PortError::Pinned), "one of five is a handle's");
    drop(handle);
    destruct(name, -3, GUARD).unwrap();
    assert_eq!(task.right_type(name), Ok(TypeBits::DEAD_NAME), "s3");
    assert_eq!(task.get_refs(name, RightKind::DeadName), Ok(1));
    destruct(bare, 0, 99).unwrap();
    assert_eq!(task.right_type(bare), Err(PortError::UnknownName), "s6: an unguarded one needs none");
    let own = task.allocate().unwrap();
    assert_eq!(destruct(own.name(), 0, 0), Err(PortError::Pinned));
    refuses(|name| task.destruct(name, 0, 0), &no_ports(&task));
    // All of its references at once.
    let all = task.allocate_right(RightKind::Receive).unwrap();
    task.insert_right(all, all, Disposition::MakeSend).unwrap();
    destruct(all, -1, 0).unwrap();
    assert_eq!(task.right_type(all), Err(PortError::UnknownName));
}

#[test]
fn a_receive_right_that_is_a_value_is_dropped_whatever_its_guard() {
    let task = task();
    let port = task.allocate().unwrap();
    let (name, right) = (port.name(), port.make_send());
    task.guard(name, GUARD, STRICT).unwrap();
    drop(port);
    assert_eq!(task.right_type(name), Ok(TypeBits::DEAD_NAME));
    assert_eq!(right.send(Message::new(1, b"")).unwrap_err().failure(), SendFailure::PortDied);
    let next = task.allocate().unwrap();
    assert_eq!(task.receive_status(next.name()).map(|status| status.flags), Ok(0), "not the next one's");
}
