//! Sends that ask to be told of room, and notifications as messages.

use shm_mach::{NotificationKind, PortName};

use super::*;

fn ask(task: &Task, name: u32, kind: NotificationKind, notify: u32) {
    let right = task.with_receive_right(raw(notify), |port| port.make_send_once()).unwrap();
    task.request_notification(raw(name), kind, 0, Some(right)).unwrap();
}

/// A notification of 36 bytes that tells this word.
fn tells(got: &Got, port: u32, id: u32, word: u32) {
    assert_eq!((got.bits(), got.size()), (MOVE_SEND_ONCE << 8, 36));
    assert_eq!((got.remote(), got.local(), got.word(16), got.id()), (NULL, port, 0, id));
    assert_eq!((got.long(24), got.word(32)), (1 << 32, word), "the data representation, and the word");
    assert_eq!((got.word(36), got.word(40)), (0, 8), "a trailer of the shortest kind");
}

#[test]
fn sp3_send_notify_arms_the_request_when_the_queue_is_full() {
    let two = two();
    let notify = port(&two.one);
    two.other.with_receive_right(raw(two.port), |port| port.set_queue_limit(2)).unwrap().unwrap();
    ask(&two.one, two.to, NotificationKind::SendPossible, notify);
    let options = Options::SEND_TIMEOUT | Options::SEND_NOTIFY;
    while Bytes::to(two.to, 0).send_with(&two.one, options, 0) == Code::SUCCESS {}
    two.one.deallocate(raw(two.to)).unwrap(); // what came back
    is_empty(&two.one, notify);
    // The sender may have filled more than a queue of two before the receiver knew the lane.
    while receive_with(&two.other, two.port, Options::NONE, 4096, 0).code == Code::SUCCESS {}
    tells(&receive(&two.one, notify), notify, 66, two.to);
    is_empty(&two.one, notify);
    assert_eq!(Bytes::to(two.to, 1).send_with(&two.one, options, 0), Code::SUCCESS);
}

#[test]
fn nt6_a_dead_name_is_told_by_a_message() {
    let two = two();
    let notify = port(&two.one);
    ask(&two.one, two.to, NotificationKind::DeadName, notify);
    two.other.destroy(raw(two.port)).unwrap();
    tells(&receive(&two.one, notify), notify, 72, two.to);
    assert!(PortName::new(two.to).is_some());
    assert_eq!(kind(&two.one, two.to), Some(TypeBits::DEAD_NAME));
    assert_eq!(refs(&two.one, two.to, RightKind::DeadName), 2);
}

#[test]
fn nt3_a_receive_right_that_was_given_up_comes_in_a_descriptor() {
    let task = alone();
    let notify = port(&task);
    let lost = port_with_send(&task);
    ask(&task, lost, NotificationKind::PortDestroyed, notify);
    task.mod_refs(raw(lost), RightKind::Receive, -1).unwrap();
    assert_eq!(kind(&task, lost), Some(TypeBits::SEND));
    let got = receive(&task, notify);
    assert_eq!((got.bits(), got.size()), (COMPLEX | MOVE_SEND_ONCE << 8, 40));
    assert_eq!((got.remote(), got.local(), got.word(16), got.id()), (NULL, notify, 0, 69));
    assert_eq!(
        (got.word(24), got.word(28), got.word(36)),
        (1, lost, MOVE_RECEIVE << 16),
        "one PORT descriptor"
    );
    assert_eq!(kind(&task, lost), Some(TypeBits::SEND | TypeBits::RECEIVE));
}
