//! `mach_msg_destroy`: messages that nobody wants.

use super::*;

/// What two tasks hold, but for the number of references.
fn names(two: &Two) -> (usize, usize) {
    (two.one.names().unwrap().len(), two.other.names().unwrap().len())
}

fn destroy_raw(task: &Task, got: &mut Got) {
    task.mach_msg_destroy_raw(promise(), Address(got.bytes.as_mut_ptr().addr() as u64));
}

#[test]
fn what_was_received_is_given_up() {
    let two = two();
    let own = port(&two.one);
    let array = common::sys::pages_of(&[own, NULL, own].map(u32::to_le_bytes).concat());
    let data = [7; 300];
    let before = names(&two);
    let header = Bytes::header((COPY_SEND, MAKE_SEND_ONCE), two.to, own, 1).complex(4);
    let message = header.port(own, MAKE_SEND).port(own, MAKE_SEND_ONCE);
    let message = message.memory(data.as_ptr().addr() as u64, 300, 0, 1).ports(array, 3, 0, MAKE_SEND_ONCE);
    for by_address in [true, false] {
        assert_eq!(message.clone().send(&two.one), Code::SUCCESS);
        let mut got = receive(&two.other, two.port);
        let (memory, names_at) = (got.long(28 + 24), got.long(28 + 24 + 16));
        assert_eq!(memory_at(memory, 300), data);
        let sent = memory_at(names_at, 12);
        if by_address {
            destroy_raw(&two.other, &mut got);
        } else {
            two.other.mach_msg_destroy(&got.bytes);
        }
        let is_there =
            |at, bytes: &[u8]| common::sys::read_at(at, bytes.len()).is_some_and(|read| read == bytes);
        assert_eq!([is_there(memory, &data), is_there(names_at, &sent)], [!by_address; 2]);
        // The reply, the one in a PORT, and the two in the array.
        for _ in 0..4 {
            assert_eq!(receive(&two.one, own).id(), 71);
        }
        assert_eq!(names(&two), before);
        is_empty(&two.one, own);
    }
}

/// Rights that would have been made are made and given up; the local port stays.
#[test]
fn what_was_not_sent_is_given_up() {
    let task = alone();
    let (to, own) = (port_with_send(&task), port_with_send(&task));
    let (once, moved) = (send_once(&task, own), port_with_send(&task));
    let dead = task.allocate_dead_name().unwrap().get();
    let header = Bytes::header((MOVE_SEND, MAKE_SEND_ONCE), to, own, 1).complex(6);
    let message = header.port(own, MAKE_SEND_ONCE).port(once, MOVE_SEND_ONCE).port(own, COPY_SEND);
    let mut message = message.port(moved, MOVE_RECEIVE).port(dead, MOVE_SEND).port(NULL, MAKE_SEND);
    let size = message.0.len() as u32;
    message.0[4..8].copy_from_slice(&size.to_le_bytes());
    task.mach_msg_destroy(&message.0);
    assert_eq!(kind(&task, to), Some(TypeBits::RECEIVE), "its send right is gone");
    assert_eq!([receive(&task, own).id(), receive(&task, own).id()], [71, 71]);
    is_empty(&task, own); // nothing was made of the local port
    assert_eq!([kind(&task, once), kind(&task, dead)], [None, None]);
    assert_eq!(
        kind(&task, moved),
        Some(TypeBits::DEAD_NAME),
        "the receive right is gone, its send right dead"
    );
    assert_eq!(refs(&task, own, RightKind::Send), 1);
    // MAKE_SEND counts, and perhaps nobody can send any more.
    task.deallocate(raw(own)).unwrap();
    task.with_receive_right(raw(own), |port| port.request_no_senders(u32::MAX, port)).unwrap();
    let mut message = Bytes::header((MAKE_SEND, 0), own, NULL, 1);
    message.0[4..8].copy_from_slice(&24u32.to_le_bytes());
    task.mach_msg_destroy(&message.0);
    assert_eq!(receive(&task, own).id(), 70);
}

#[test]
fn a_message_without_sense_is_given_up_as_far_as_it_has_one() {
    let task = alone();
    let to = port_with_send(&task);
    let mut message = Bytes::header((MOVE_SEND, 0), to, NULL, 1).complex(99);
    let size = message.0.len() as u32;
    message.0[4..8].copy_from_slice(&size.to_le_bytes());
    task.mach_msg_destroy(&message.0);
    assert_eq!(kind(&task, to), Some(TypeBits::RECEIVE));
    task.mach_msg_destroy(&[1; 23]);
    task.mach_msg_destroy_raw(promise(), Address(16));
    assert_eq!(task.names().unwrap().len(), 1);
}
