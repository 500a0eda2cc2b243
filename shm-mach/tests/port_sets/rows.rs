//! A test a row of what is known of Mach's port sets; the exclusive rule beside the usual one.

use std::time::Duration;

use shm_mach::{Deadline, Message, PortError, ReceiveError, ReceiveRight, Received, Task, Wait};

use crate::common::sockets;
use crate::{Pair, next, send};

fn task() -> Task {
    Pair::new(0).task
}

fn allocate<const N: usize>(task: &Task) -> [ReceiveRight; N] {
    std::array::from_fn(|_| task.allocate().unwrap())
}

/// Long enough for another thread to be asleep; nothing is asserted about time.
fn let_it_sleep() {
    std::thread::sleep(Duration::from_millis(50));
}

#[test]
fn get_set_status_tells_the_members() {
    let task = task();
    let [a, b, c] = allocate(&task);
    let set = task.allocate_set().unwrap();
    assert!(set.members().is_empty() && !a.is_in_set());
    [&a, &b, &c].into_iter().for_each(|port| set.insert(port).unwrap());
    set.remove(&b).unwrap();
    let mut expected = [a.name(), c.name()];
    expected.sort_unstable();
    assert_eq!(set.members(), expected);
    assert_eq!([&a, &b, &c].map(|port| port.is_in_set()), [true, false, true]);
}

#[test]
fn insert_member_refuses_a_member_and_another_tasks_port() {
    let task = task();
    let [port] = allocate(&task);
    let set = task.allocate_set().unwrap();
    set.insert(&port).unwrap();
    let again = set.insert(&port).unwrap_err();
    assert_eq!((again, again.code()), (PortError::AlreadyInSet, 11));
    let foreign = Pair::new(1);
    let other = set.insert(&foreign.ports[0]).unwrap_err();
    assert_eq!((other, other.code()), (PortError::OtherTask, 15));
    assert_eq!(set.remove(&foreign.ports[0]), Err(PortError::OtherTask));
    assert_eq!(set.move_member(&foreign.ports[0]), Err(PortError::OtherTask));
    assert_eq!(set.members(), [port.name()]);
}

#[test]
fn extract_member_refuses_a_port_that_is_not_in_it() {
    let task = task();
    let [port] = allocate(&task);
    let [set, other] = [(); 2].map(|()| task.allocate_set().unwrap());
    other.insert(&port).unwrap();
    let absent = set.remove(&port).unwrap_err();
    assert_eq!((absent, absent.code()), (PortError::NotInSet, 12));
    other.remove(&port).unwrap();
    assert_eq!(other.remove(&port), Err(PortError::NotInSet));
}

#[test]
fn move_member_leaves_all_other_sets() {
    let task = task();
    let [port] = allocate(&task);
    let sets = [(); 3].map(|()| task.allocate_set().unwrap());
    sets[0].insert(&port).unwrap();
    sets[1].insert(&port).unwrap();
    sets[2].move_member(&port).unwrap();
    assert_eq!(sets.each_ref().map(|set| set.members().len()), [0, 0, 1]);
    sets[0].insert(&port).unwrap();
    sets[2].move_member(&port).unwrap(); // it is in it already: no error
    assert_eq!(sets.each_ref().map(|set| set.members().len()), [0, 0, 1]);
    let exclusive = task.allocate_exclusive_set().unwrap();
    exclusive.move_member(&port).unwrap();
    assert_eq!((sets[2].members().len(), exclusive.members()), (0, vec![port.name()]));
    send(&port, 1);
    assert_eq!((next(&sets[2]), next(&exclusive)), (None, Some(1)));
}

#[test]
fn ps1_a_port_may_be_in_several_sets() {
    let task = task();
    let [port] = allocate(&task);
    let [one, two] = [(); 2].map(|()| task.allocate_set().unwrap());
    one.insert(&port).unwrap();
    two.insert(&port).unwrap();
    (1..=3).for_each(|id| send(&port, id));
    assert_eq!([next(&two), next(&one), next(&two), next(&one)], [Some(1), Some(2), Some(3), None]);
}

#[test]
fn ps1_a_member_of_an_exclusive_set_is_in_no_other() {
    let task = task();
    let [port] = allocate(&task);
    let (exclusive, set) = (task.allocate_exclusive_set().unwrap(), task.allocate_set().unwrap());
    exclusive.insert(&port).unwrap();
    assert_eq!(set.insert(&port), Err(PortError::AlreadyInSet));
    exclusive.remove(&port).unwrap();
    set.insert(&port).unwrap();
    assert_eq!(exclusive.insert(&port), Err(PortError::AlreadyInSet));
}

#[test]
fn ps2_members_are_served_in_turn() {
    let task = task();
    let ports: [_; 3] = allocate(&task);
    let set = task.allocate_set().unwrap();
    for (port, first) in ports.iter().zip([10, 20, 30]) {
        set.insert(port).unwrap();
        (first..first + 3).for_each(|id| send(port, id));
    }
    let order: Vec<_> = std::iter::from_fn(|| next(&set)).collect();
    assert_eq!(order, [10, 20, 30, 11, 21, 31, 12, 22, 32]);
}

#[test]
fn ps2_members_with_senders_elsewhere_are_served_in_turn() {
    let pair = Pair::new(3);
    let set = pair.task.allocate_set().unwrap();
    pair.ports.iter().for_each(|port| set.insert(port).unwrap());
    for (right, first) in pair.rights.iter().zip([10, 20, 30]) {
        (first..first + 3).for_each(|id| right.send(Message::new(id, b"")).unwrap());
    }
    let order: Vec<_> = std::iter::from_fn(|| next(&set)).collect();
    assert_eq!(order, [10, 20, 30, 11, 21, 31, 12, 22, 32]);
}

#[test]
fn ps3_a_member_may_be_received_from_directly() {
    let task = task();
    let [port] = allocate(&task);
    let set = task.allocate_set().unwrap();
    set.insert(&port).unwrap();
    (1..=3).for_each(|id| send(&port, id));
    let mut message = Received::new();
    port.try_receive(&mut message).unwrap();
    assert_eq!((message.id(), next(&set)), (1, Some(2)));
    port.try_receive(&mut message).unwrap();
    assert_eq!((message.id(), message.seqno(), next(&set)), (3, 2, None));
}

#[test]
fn ps3_a_member_of_an_exclusive_set_may_not() {
    let task = task();
    let [port] = allocate(&task);
    let set = task.allocate_exclusive_set().unwrap();
    set.insert(&port).unwrap();
    send(&port, 1);
    let mut message = Received::new();
    let refused = port.try_receive(&mut message).unwrap_err();
    assert_eq!((refused, refused.code()), (ReceiveError::InSet, 0x1000_400a));
    assert_eq!(port.receive(&mut message), Err(ReceiveError::InSet));
    assert_eq!(next(&set), Some(1), "the refused calls took nothing");
    set.remove(&port).unwrap();
    send(&port, 2);
    port.receive(&mut message).unwrap();
    assert_eq!(message.id(), 2);
}

#[test]
fn ps4_what_a_new_member_has_queued_goes_to_those_who_wait() {
    for sender in ["inside", "elsewhere"] {
        let pair = Pair::new(1);
        let set = pair.task.allocate_set().unwrap();
        for id in 1..=3 {
            match sender {
                "inside" => send(&pair.ports[0], id),
                _ => pair.rights[0].send(Message::new(id, b"")).unwrap(),
            }
        }
        let mut got = std::thread::scope(|scope| {
            let waiting: Vec<_> = (0..3)
                .map(|at| {
                    let set = &set;
                    scope.spawn(move || {
                        set.set_wait([Wait::Park, Wait::Adaptive][at % 2]);
                        let mut message = Received::new();
                        set.receive(&mut message).unwrap();
                        message.id()
                    })
                })
                .collect();
            let_it_sleep();
            set.insert(&pair.ports[0]).unwrap();
            waiting.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        got.sort_unstable();
        assert_eq!(got, [1, 2, 3], "{sender}");
    }
}

#[test]
fn ps5_who_waits_at_a_port_keeps_waiting_when_it_joins_a_set() {
    let pair = Pair::new(1);
    let set = pair.task.allocate_set().unwrap();
    pair.ports[0].set_wait(Wait::Park);
    let mut message = Received::new();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| pair.ports[0].receive(&mut message));
        let_it_sleep();
        set.insert(&pair.ports[0]).unwrap();
        assert!(!waiting.is_finished());
        pair.rights[0].send(Message::new(7, b"")).unwrap();
        assert_eq!(waiting.join().unwrap(), Ok(()));
    });
    assert_eq!(message.id(), 7);
}

#[test]
fn ps5_all_who_wait_at_a_port_are_told_when_it_joins_an_exclusive_set() {
    let task = task();
    let [port] = allocate(&task);
    let set = task.allocate_exclusive_set().unwrap();
    port.set_wait(Wait::Park);
    std::thread::scope(|scope| {
        let waiting = [(); 2].map(|()| scope.spawn(|| port.receive(&mut Received::new())));
        let_it_sleep();
        set.insert(&port).unwrap();
        for thread in waiting {
            let told = thread.join().unwrap().unwrap_err();
            assert_eq!((told, told.code()), (ReceiveError::PortChanged, 0x1000_4006));
        }
    });
}

#[test]
fn ps6_a_set_that_ends_leaves_its_members_their_messages() {
    let pair = Pair::new(2);
    let (set, other) = (pair.task.allocate_exclusive_set().unwrap(), pair.task.allocate_set().unwrap());
    pair.ports.iter().for_each(|port| set.insert(port).unwrap());
    send(&pair.ports[0], 1);
    pair.rights[1].send(Message::new(2, b"")).unwrap();
    drop(set);
    let mut message = Received::new();
    pair.ports[0].receive(&mut message).unwrap();
    assert_eq!((message.id(), pair.ports[0].is_in_set()), (1, false));
    other.insert(&pair.ports[1]).unwrap();
    assert_eq!(next(&other), Some(2));
}

#[test]
fn ps7_a_member_that_dies_leaves_and_nobody_is_told() {
    let task = task();
    let [dying, staying] = allocate(&task);
    let set = task.allocate_set().unwrap();
    set.set_wait(Wait::Park);
    set.insert(&dying).unwrap();
    set.insert(&staying).unwrap();
    let mut message = Received::new();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| set.receive(&mut message));
        let_it_sleep();
        drop(dying);
        assert_eq!(set.members(), [staying.name()]);
        assert!(!waiting.is_finished());
        send(&staying, 3);
        assert_eq!(waiting.join().unwrap(), Ok(()));
    });
    assert_eq!((message.id(), message.port()), (3, Some(staying.name())));
}

#[test]
fn ps7_messages_of_a_dead_member_are_gone() {
    let pair = Pair::new(1);
    let set = pair.task.allocate_set().unwrap();
    set.insert(&pair.ports[0]).unwrap();
    send(&pair.ports[0], 1);
    pair.rights[0].send(Message::new(2, b"")).unwrap();
    let Pair { ports, .. } = pair;
    drop(ports);
    assert_eq!((next(&set), set.members().len()), (None, 0));
}

#[test]
fn ps8_an_empty_set_is_waited_at() {
    let task = task();
    let [port] = allocate(&task);
    let set = task.allocate_set().unwrap();
    let mut message = Received::new();
    assert_eq!(set.try_receive(&mut message), Err(ReceiveError::TimedOut));
    let soon = Deadline::after(Duration::from_millis(20));
    assert_eq!(set.receive_deadline(&mut message, soon), Err(ReceiveError::TimedOut));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| set.receive(&mut message));
        set.insert(&port).unwrap();
        send(&port, 1);
        assert_eq!(waiting.join().unwrap(), Ok(()));
    });
}

#[test]
fn ps10_a_message_tells_which_member_it_came_through() {
    let pair = Pair::new(3);
    let set = pair.task.allocate_set().unwrap();
    let mut message = Received::new();
    assert_eq!(message.port(), None);
    pair.ports.iter().for_each(|port| set.insert(port).unwrap());
    for at in [2, 0, 1] {
        pair.rights[at].send(Message::new(0, b"")).unwrap();
        set.receive(&mut message).unwrap();
        assert_eq!(message.port(), Some(pair.ports[at].name()));
    }
    pair.rights[1].send(Message::new(0, b"")).unwrap();
    pair.ports[1].receive(&mut message).unwrap();
    assert_eq!(message.port(), Some(pair.ports[1].name()), "also of a direct receive");
}

#[test]
fn answers_and_notifications_come_through_a_set() {
    let (here, there) = sockets();
    let answering = std::thread::spawn(move || {
        let joined = shm_mach::join(there, &Default::default()).unwrap();
        let mut request = Received::new();
        for _ in 0..200 {
            joined.receive.receive(&mut request).unwrap();
            let reply = request.take_reply().unwrap();
            reply.send(Message::new(request.id() + 100, b"answer")).unwrap();
        }
    });
    let joined = shm_mach::join(here, &Default::default()).unwrap();
    let set = joined.task.allocate_set().unwrap();
    set.set_wait(Wait::Park);
    let [replies] = allocate(&joined.task);
    set.insert(&replies).unwrap();
    set.insert(&joined.receive).unwrap();
    let mut message = Received::new();
    for id in 0..200 {
        joined.send.send(Message::new(id, b"").reply_to(replies.make_send_once())).unwrap();
        set.receive(&mut message).unwrap();
        assert_eq!((message.id(), message.port()), (id + 100, Some(replies.name())));
    }
    answering.join().unwrap();
    set.receive(&mut message).unwrap();
    assert!(message.notification().is_some(), "no senders");
    assert_eq!(message.port(), Some(joined.receive.name()));
}
