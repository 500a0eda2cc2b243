//! Messages that come back to their sender.

use super::*;

/// Fills the queue to the port, of which the limit is 2.
fn full(two: &Two) {
    two.other.with_receive_right(raw(two.port), |port| port.set_queue_limit(2)).unwrap().unwrap();
    loop {
        let mut message = Bytes::to(two.to, 0);
        let before = message.clone();
        match message.send_with(&two.one, Options::SEND_TIMEOUT, 0) {
            Code::SUCCESS => {}
            Code::SEND_TIMED_OUT => {
                // COPY_SEND comes back as a right to be moved, one more.
                assert_eq!(message.0[0], 17);
                assert_eq!(message.0[4..8], 24u32.to_le_bytes());
                assert_eq!(message.0[8..], before.0[8..]);
                two.one.deallocate(raw(two.to)).unwrap();
                return;
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Makes room, and forgets what it was made by.
fn drain(two: &Two) {
    while receive_with(&two.other, two.port, Options::NONE, 4096, 0).code == Code::SUCCESS {}
}

#[test]
fn sd16_sd17_a_full_queue_gives_the_message_back_at_once_or_in_time() {
    let two = two();
    full(&two);
    for timeout in [0, 1, 30] {
        let mut message = Bytes::to(two.to, 5).raw(b"come back, please!!!");
        assert_eq!(message.send_with(&two.one, Options::SEND_TIMEOUT, timeout), Code::SEND_TIMED_OUT);
        assert_eq!(message.0[24..], b"come back, please!!!"[..]);
        assert_eq!(refs(&two.one, two.to, RightKind::Send), 2);
        two.one.deallocate(raw(two.to)).unwrap();
    }
    drain(&two);
    assert_eq!(Bytes::to(two.to, 6).send_with(&two.one, Options::SEND_TIMEOUT, SOON), Code::SUCCESS);
    assert_eq!(receive(&two.other, two.port).id(), 6);
}

#[test]
fn sd15_without_a_timeout_a_send_waits_for_room() {
    let _watchdog = common::watchdog::Watchdog::start("sd15_without_a_timeout_a_send_waits_for_room", 60);
    let two = two();
    full(&two);
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| Bytes::to(two.to, 7).send(&two.one));
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(!sender.is_finished());
        let mut ids = std::iter::repeat_with(|| receive(&two.other, two.port).id());
        assert!(ids.any(|id| id == 7));
        assert_eq!(sender.join().unwrap(), Code::SUCCESS);
    });
}

#[test]
fn sd20_every_right_comes_back_as_one_to_be_moved() {
    let two = two();
    full(&two);
    let own = port(&two.one);
    two.one.with_receive_right(raw(own), |port| port.make_send().into_name()).unwrap();
    let (reply, once) = (send_once(&two.one, own), send_once(&two.one, own));
    let dead = two.one.allocate_dead_name().unwrap().get();
    let names = [own, NULL].map(u32::to_le_bytes).concat();
    let (array, data) = (common::sys::pages_of(&names), common::sys::pages_of(&[7; 5000]));
    let message = Bytes::header((COPY_SEND, MOVE_SEND_ONCE), two.to, reply, 3).voucher(9, 0).complex(7);
    let message = message.port(own, MAKE_SEND).port(own, MOVE_SEND).port(own, MAKE_SEND_ONCE);
    let message = message.port(once, MOVE_SEND_ONCE).port(dead, COPY_SEND);
    let mut message = message.memory(data, 5000, 1, 1).ports(array, 2, 1, MAKE_SEND).raw(b"body");
    let (options, send_size) = (Options::SEND_MSG | Options::SEND_TIMEOUT, message.0.len() as u32);
    let at = Address(message.0.as_mut_ptr().addr() as u64);
    let code = two.one.mach_msg_raw(promise(), at, at, &Call { options, send_size, ..Call::default() });
    assert_eq!(code, Code::SEND_TIMED_OUT);
    let back = Got { code, bytes: message.0 };
    assert_eq!(back.bits(), COMPLEX | 17 | 18 << 8, "not reversed");
    assert_eq!((back.remote(), back.word(16), back.id(), back.size()), (two.to, 9, 3, back.bytes.len()));
    assert_eq!(kind(&two.one, back.local()), Some(TypeBits::SEND_ONCE));
    let port_at = |index: usize| (back.word(28 + index * 12), back.word(28 + index * 12 + 8) >> 16);
    assert_eq!([port_at(0), port_at(1), port_at(4)], [(own, 17), (own, 17), (DEAD, 17)]);
    assert_eq!(refs(&two.one, own, RightKind::Send), 3, "two of the body and one of the array");
    for index in [2, 3] {
        let (name, disposition) = port_at(index);
        assert_eq!((kind(&two.one, name), disposition), (Some(TypeBits::SEND_ONCE), 18));
    }
    let (data, array) = (28 + 60, 28 + 60 + 16);
    assert_eq!((back.word(data + 12), back.bytes[data + 8]), (5000, 1), "mapped anew, to be given back");
    assert_eq!(memory_at(back.long(data), 5000), [7; 5000]);
    assert_eq!(memory_at(back.long(array), 8), names);
    assert_eq!(back.from(array + 16), b"body");
    is_empty(&two.one, own);

    // What came back can be sent again as it is.
    drain(&two);
    assert_eq!(Bytes(back.bytes.clone()).send_raw(&two.one), Code::SUCCESS);
    let got = receive(&two.other, two.port);
    assert_eq!((got.bits(), got.id(), got.from(array + 16)), (COMPLEX | 18 | 17 << 8, 3, &b"body"[..]));
    assert_eq!(refs(&two.one, own, RightKind::Send), 0);
    assert_eq!(kind(&two.one, back.local()), None);
    assert_eq!(Bytes::header((MOVE_SEND_ONCE, 0), got.remote(), NULL, 8).send(&two.other), Code::SUCCESS);
    assert_eq!(receive(&two.one, own).id(), 8);
}

#[test]
fn sd20_a_moved_or_made_destination_comes_back_too() {
    let task = alone();
    let port = port(&task);
    task.with_receive_right(raw(port), |port| port.set_queue_limit(0)).unwrap().unwrap();
    let mut message = Bytes::header((MAKE_SEND, 0), port, NULL, 1);
    assert_eq!(message.send_with(&task, Options::SEND_TIMEOUT, 0), Code::SEND_TIMED_OUT);
    assert_eq!((message.0[0], refs(&task, port, RightKind::Send)), (17, 1));
    let mut message = Bytes::header((MOVE_SEND, 0), port, NULL, 1);
    assert_eq!(message.send_with(&task, Options::SEND_TIMEOUT, 0), Code::SEND_TIMED_OUT);
    assert_eq!((message.0[0], refs(&task, port, RightKind::Send)), (17, 1));
    // What goes by a send-once right is never refused (L3).
    let mut message = Bytes::header((MAKE_SEND_ONCE, 0), port, NULL, 2);
    assert_eq!(message.send_with(&task, Options::SEND_TIMEOUT, 0), Code::SUCCESS);
    assert_eq!(receive(&task, port).id(), 2);
}

#[test]
fn sd21_who_gives_up_releases_what_came_back() {
    let two = two();
    full(&two);
    let own = port(&two.one);
    let mut message = Bytes::header((COPY_SEND, MAKE_SEND_ONCE), two.to, own, 3);
    assert_eq!(message.send_with(&two.one, Options::SEND_TIMEOUT, 0), Code::SEND_TIMED_OUT);
    is_empty(&two.one, own);
    let back = Got { code: Code::SUCCESS, bytes: message.0 };
    two.one.deallocate(raw(back.local())).unwrap();
    assert_eq!(receive(&two.one, own).id(), 71);
}

/// Sends into a full queue and interrupts that, again and again; gives what the send returned.
fn interrupted(two: &Two, name: u32, options: Options) -> (Code, Bytes) {
    common::sys::interrupt_by_signals();
    let task = two.one.clone();
    let sender = std::thread::spawn(move || {
        let mut message = Bytes::to(name, 4).raw(b"body");
        let code = message.send_with(&task, options, 1000);
        (code, message)
    });
    while !sender.is_finished() {
        std::thread::sleep(std::time::Duration::from_millis(10));
        common::sys::interrupt(&sender);
    }
    sender.join().unwrap()
}

#[test]
fn sd18_a_signal_ends_a_send_that_says_so() {
    let _watchdog = common::watchdog::Watchdog::start("returned::sd18_a_signal_ends_a_send_that_says_so", 60);
    let two = two();
    full(&two);
    let (code, message) = interrupted(&two, two.to, Options::SEND_INTERRUPT);
    assert_eq!((code, message.0[0]), (Code::SEND_INTERRUPTED, 17), "it came back");
    assert_eq!((refs(&two.one, two.to, RightKind::Send), &message.0[24..]), (2, &b"body"[..]));
    // Another one is begun again, which here means that it goes on: until its time is up.
    let (code, _) = interrupted(&two, two.to, Options::SEND_TIMEOUT);
    assert_eq!(code, Code::SEND_TIMED_OUT);
    // The same in the task itself.
    let own = port_with_send(&two.one);
    two.one.with_receive_right(raw(own), |port| port.set_queue_limit(0)).unwrap().unwrap();
    assert_eq!(interrupted(&two, own, Options::SEND_INTERRUPT).0, Code::SEND_INTERRUPTED);
    assert_eq!(interrupted(&two, own, Options::SEND_TIMEOUT).0, Code::SEND_TIMED_OUT);
}
