//! Receiving by name: what comes out, and what becomes of a message that does not.

use super::*;

#[test]
fn v1_one_receives_by_a_receive_right_or_a_set() {
    let task = alone();
    let (port, other) = (port_with_send(&task), alone());
    let (dead, send_only) = (task.allocate_dead_name().unwrap().get(), two());
    let invalid = |task: &Task, name| {
        let got = receive_with(task, name, Options::NONE, 100, SOON);
        assert_eq!((got.code, got.bytes), (Code::RCV_INVALID_NAME, vec![0xaa; 100]), "{name:#x}");
    };
    for name in [NULL, DEAD, dead, port + 4, send_once(&task, port)] {
        invalid(&task, name);
    }
    invalid(&send_only.one, send_only.to);
    invalid(&other, port_with_send(&other) + 0x100);
    let set = task.allocate_set().unwrap().into_name().get();
    task.insert_member(raw(port), raw(set)).unwrap();
    for from in [set, port, set] {
        assert_eq!(Bytes::to(port, from).send(&task), Code::SUCCESS);
        let got = receive(&task, from);
        assert_eq!((got.id(), got.local()), (from, port), "the port is told, not the set");
    }
}

#[test]
fn v2_what_is_there_is_taken_with_no_time_left() {
    let two = two();
    let timed = |timeout| receive_with(&two.other, two.port, Options::NONE, 100, timeout).code;
    assert_eq!([timed(0), timed(1), timed(20)], [Code::RCV_TIMED_OUT; 3]);
    assert_eq!(Bytes::to(two.to, 5).send(&two.one), Code::SUCCESS);
    assert_eq!([timed(0), timed(0)], [Code::SUCCESS, Code::RCV_TIMED_OUT]);
}

#[test]
fn v3_a_message_that_does_not_fit_is_destroyed_with_its_rights() {
    let two = two();
    let (own, carried) = (port(&two.one), port(&two.one));
    let header = Bytes::header((COPY_SEND, MAKE_SEND_ONCE), two.to, own, 77);
    let mut message = header.complex(1).port(carried, MAKE_SEND).raw(b"a body of 24 plain bytes");
    assert_eq!(message.send(&two.one), Code::SUCCESS);
    assert_eq!(Bytes::to(two.to, 2).send(&two.one), Code::SUCCESS);
    let size = message.0.len();
    two.one.with_receive_right(raw(carried), |port| port.request_no_senders(0, port)).unwrap();
    let seqno = Options::NONE.with_trailer(1);
    let got = receive_with(&two.other, two.port, seqno, size + 11, SOON); // one byte short of its trailer
    assert_eq!(got.code, Code::RCV_TOO_LARGE);
    let words: Vec<u32> = (0..9).map(|at| got.word(at * 4)).collect();
    // Reversed, COMPLEX kept, the reply gone; a trailer of the system's own.
    assert_eq!(words[..6], [18 | 17 << 8 | COMPLEX, 24, NULL, two.port, 0, 77]);
    assert_eq!(words[6..], [0, 12, 0]);
    assert_eq!(got.bytes[36..], vec![0xaa; size + 11 - 36]);
    assert_eq!(receive(&two.one, own).id(), 71, "the reply right was given up");
    assert_eq!(receive(&two.one, carried).id(), 70, "and so was the right in the body");
    let next = receive_with(&two.other, two.port, seqno, 100, SOON);
    assert_eq!((next.code, next.id(), next.word(24 + 8)), (Code::SUCCESS, 2, 1), "its number was taken");
    // Not even a header fits.
    assert_eq!(Bytes::to(two.to, 3).send(&two.one), Code::SUCCESS);
    let got = receive_with(&two.other, two.port, Options::NONE, 20, SOON);
    assert_eq!((got.code, got.bytes), (Code::RCV_INVALID_DATA, vec![0xaa; 20]));
    is_empty(&two.other, two.port);
}

#[test]
fn v4_with_large_it_stays_and_its_size_is_told() {
    let two = two();
    let (own, carried) = (port(&two.one), port(&two.one));
    let header = Bytes::header((COPY_SEND, MAKE_SEND_ONCE), two.to, own, 8);
    let mut message = header.complex(1).port(carried, MAKE_SEND).raw(&[5; 100]);
    assert_eq!(message.send(&two.one), Code::SUCCESS);
    assert_eq!(Bytes::to(two.to, 9).send(&two.one), Code::SUCCESS);
    let size = message.0.len();
    let large = Options::RCV_LARGE.with_trailer(1);
    let identity = large | Options::RCV_LARGE_IDENTITY;
    for (options, room, told) in [
        (large, size + 11, [None, Some(size as u32), None, None]),
        (identity, 100, [None, Some(size as u32), None, Some(two.port)]),
        (identity, 15, [None, Some(size as u32), None, None]),
        (large, 8, [None, Some(size as u32), None, None]),
        (large, 7, [None; 4]),
        (large, 0, [None; 4]),
    ] {
        let got = receive_with(&two.other, two.port, options, room, SOON);
        assert_eq!(got.code, Code::RCV_TOO_LARGE);
        let mut expected = vec![0xaa; room];
        for (at, word) in told.into_iter().enumerate().filter_map(|(at, word)| Some((at, word?))) {
            expected[at * 4..at * 4 + 4].copy_from_slice(&word.to_le_bytes());
        }
        assert_eq!(got.bytes, expected, "{room}");
    }
    let got = receive_with(&two.other, two.port, large, size + 12, SOON);
    assert_eq!((got.code, got.id(), got.size()), (Code::SUCCESS, 8, size));
    assert_eq!(got.trailer()[8..], [0; 4], "under its own number");
    assert_eq!(got.from(28 + 12), [5; 100]);
    let mut answer = Bytes::header((MOVE_SEND_ONCE, 0), got.remote(), NULL, 1);
    assert_eq!(answer.send(&two.other), Code::SUCCESS);
    assert_eq!(receive(&two.one, own).id(), 1, "its reply right is as good as ever");
    assert_eq!(Bytes::to(got.word(28), 6).send(&two.other), Code::SUCCESS);
    assert_eq!(receive(&two.one, carried).id(), 6);
    let got = receive_with(&two.other, two.port, large, 36, SOON);
    assert_eq!((got.id(), got.word(24 + 8)), (9, 1));
}

/// Also from a set, and of a task's own, and of an answer; and whoever comes next gets it.
#[test]
fn v4_what_stays_is_the_next_one_for_everybody() {
    let two = two();
    let own = port_with_send(&two.one);
    let set = two.one.allocate_set().unwrap().into_name().get();
    two.one.insert_member(raw(own), raw(set)).unwrap();
    let identity = Options::RCV_LARGE | Options::RCV_LARGE_IDENTITY;
    for round in 0..2 {
        if round == 0 {
            assert_eq!(Bytes::to(own, 1).raw(&[1; 64]).send(&two.one), Code::SUCCESS);
        } else {
            let mut request = Bytes::header((COPY_SEND, MAKE_SEND_ONCE), two.to, own, 3);
            assert_eq!(request.send(&two.one), Code::SUCCESS);
            let request = receive(&two.other, two.port);
            let mut answer = Bytes::header((MOVE_SEND_ONCE, 0), request.remote(), NULL, 1).raw(&[1; 64]);
            assert_eq!(answer.send(&two.other), Code::SUCCESS);
        }
        assert_eq!(Bytes::to(own, 2).send(&two.one), Code::SUCCESS);
        for from in [set, own, set] {
            let got = receive_with(&two.one, from, identity, 40, SOON);
            assert_eq!((got.code, got.size(), got.local()), (Code::RCV_TOO_LARGE, 88, own));
        }
        let from = [own, set][round];
        assert_eq!([receive(&two.one, from).id(), receive(&two.one, from).id()], [1, 2]);
        is_empty(&two.one, set);
    }
}

#[test]
fn v4_what_stays_is_revoked_like_all_else() {
    let two = two();
    let own = port(&two.one);
    let header = Bytes::header((COPY_SEND, MAKE_SEND_ONCE), two.to, own, 8);
    let message = header.complex(1).port(own, MAKE_SEND).raw(&[5; 100]);
    assert_eq!(message.clone().send(&two.one), Code::SUCCESS);
    let got = receive_with(&two.other, two.port, Options::RCV_LARGE, 8, SOON);
    assert_eq!(got.code, Code::RCV_TOO_LARGE);
    let revoked = |port: &shm_mach::ReceiveRight| port.revoke(two.one.identity());
    assert!(two.other.with_receive_right(raw(two.port), revoked).unwrap());
    let got = receive_with(&two.other, two.port, Options::NONE, 400, 0);
    assert_eq!(got.code, Code::SUCCESS, "no sender is left");
    assert_eq!(got.id(), 70);
    is_empty(&two.other, two.port);
    assert_eq!(receive(&two.one, own).id(), 71, "its reply right was given up");
}

#[test]
fn v4_what_stays_dies_with_its_port() {
    let two = two();
    let own = port(&two.one);
    let mut message = Bytes::header((COPY_SEND, MAKE_SEND_ONCE), two.to, own, 8).raw(&[5; 100]);
    assert_eq!(message.send(&two.one), Code::SUCCESS);
    let got = receive_with(&two.other, two.port, Options::RCV_LARGE, 8, SOON);
    assert_eq!(got.code, Code::RCV_TOO_LARGE);
    two.other.mod_refs(raw(two.port), RightKind::Receive, -1).unwrap();
    assert_eq!(receive(&two.one, own).id(), 71);
}

#[test]
fn v5_a_receiver_answers_by_the_bits_that_it_sees() {
    let two = two();
    let own = port(&two.one);
    for (disposition, seen) in [(MAKE_SEND_ONCE, 18), (MAKE_SEND, 17)] {
        let mut message = Bytes::header((COPY_SEND, disposition), two.to, own, 1).voucher(0x1234, 0);
        assert_eq!(message.send(&two.one), Code::SUCCESS);
        let got = receive(&two.other, two.port);
        assert_eq!(got.bits(), seen | 17 << 8);
        assert_eq!(got.word(16), 0x1234, "a voucher without a disposition is a plain word");
        assert_eq!((got.size(), got.local()), (24, two.port));
        // The bits of the reply, as they came, are those to answer with.
        let mut answer = Bytes::header((got.bits() & 0x1f, 0), got.remote(), NULL, 101);
        assert_eq!(answer.send(&two.other), Code::SUCCESS);
        let answer = receive(&two.one, own);
        assert_eq!((answer.bits(), answer.remote(), answer.id()), (seen << 8, NULL, 101));
    }
}

#[test]
fn v5_the_right_it_came_by_is_used_up() {
    let task = alone();
    let port = port(&task);
    let once = send_once(&task, port);
    assert_eq!(task.with_receive_right(raw(port), |port| port.send_once_rights()).unwrap(), 1);
    assert_eq!(Bytes::header((MOVE_SEND_ONCE, 0), once, NULL, 1).send(&task), Code::SUCCESS);
    assert_eq!(kind(&task, once), None);
    assert_eq!(receive(&task, port).bits(), 18 << 8);
    assert_eq!(task.with_receive_right(raw(port), |port| port.send_once_rights()).unwrap(), 0);
    is_empty(&task, port); // no notification: it was used
}

/// Receives while nothing comes and is interrupted, again and again; gives what the receive returned.
fn interrupted(task: &Task, from: u32, options: Options, timeout: u32) -> Code {
    common::sys::interrupt_by_signals();
    let task = task.clone();
    let receiver = std::thread::spawn(move || {
        let code = receive_with(&task, from, options, 100, timeout).code;
        // What was said of one call holds for no later one of the thread.
        assert_eq!(receive_with(&task, from, Options::NONE, 100, 30).code, Code::RCV_TIMED_OUT);
        code
    });
    while !receiver.is_finished() {
        std::thread::sleep(std::time::Duration::from_millis(10));
        common::sys::interrupt(&receiver);
    }
    receiver.join().unwrap()
}

#[test]
fn v8_a_signal_ends_a_receive_that_says_so() {
    let _watchdog = common::watchdog::Watchdog::start("receive::v8_a_signal_ends_a_receive_that_says_so", 60);
    let two = two();
    let set = two.other.allocate_set().unwrap().into_name().get();
    two.other.insert_member(raw(two.port), raw(set)).unwrap();
    for from in [two.port, set] {
        assert_eq!(interrupted(&two.other, from, Options::RCV_INTERRUPT, SOON), Code::RCV_INTERRUPTED);
        assert_eq!(interrupted(&two.other, from, Options::NONE, 100), Code::RCV_TIMED_OUT);
        // Of two threads that wait, the one that does not sleep on the shared words as well.
        std::thread::scope(|scope| {
            let first = scope.spawn(|| receive_with(&two.other, from, Options::NONE, 100, SOON).code);
            std::thread::sleep(std::time::Duration::from_millis(50));
            assert_eq!(interrupted(&two.other, from, Options::RCV_INTERRUPT, SOON), Code::RCV_INTERRUPTED);
            assert_eq!(Bytes::to(two.to, 1).send(&two.one), Code::SUCCESS);
            assert_eq!(first.join().unwrap(), Code::SUCCESS);
        });
    }
    assert_eq!(Bytes::to(two.to, 2).send(&two.one), Code::SUCCESS);
    let got = receive_with(&two.other, two.port, Options::RCV_INTERRUPT, 100, SOON);
    assert_eq!((got.code, got.id()), (Code::SUCCESS, 2), "signals of the past end nothing");
}

#[test]
fn v9_threads_that_wait_at_a_port_that_ends_are_told() {
    let _watchdog =
        common::watchdog::Watchdog::start("v9_threads_that_wait_at_a_port_that_ends_are_told", 60);
    let task = alone();
    for ends_by_destroy in [false, true] {
        let port = port(&task);
        let wait = || receive_with(&task, port, Options::NONE, 100, SOON).code;
        std::thread::scope(|scope| {
            let threads = [(); 3].map(|()| scope.spawn(wait));
            std::thread::sleep(std::time::Duration::from_millis(50));
            if ends_by_destroy {
                task.destroy(raw(port)).unwrap();
            } else {
                task.mod_refs(raw(port), RightKind::Receive, -1).unwrap();
            }
            for thread in threads {
                // One that had not begun to wait finds no name.
                let code = thread.join().unwrap();
                assert!([Code::RCV_PORT_CHANGED, Code::RCV_INVALID_NAME].contains(&code), "{code:?}");
            }
        });
    }
}

#[test]
fn v10_no_name_for_the_reply_destroys_the_message() {
    let authority = Embedded::start().unwrap();
    let few = shm_mach::Options::default().names(3);
    let (server, _) = Task::attach_to(authority.connect().unwrap(), &few).unwrap();
    let (client, _) = Task::attach_to(authority.connect().unwrap(), &shm_mach::Options::default()).unwrap();
    let port = server.check_in("few").unwrap().into_name().get();
    let to = client.look_up("few").unwrap().into_name().get();
    let own = self::port(&client);
    let fill: Vec<u32> =
        std::iter::from_fn(|| server.allocate_dead_name().ok()).map(|name| name.get()).collect();
    assert_eq!(fill.len(), 2);
    let send = || {
        let mut message = Bytes::header((COPY_SEND, MAKE_SEND_ONCE), to, own, 1).raw(b"lost");
        assert_eq!(message.send(&client), Code::SUCCESS);
    };
    send();
    let got = receive_with(&server, port, Options::NONE, 100, SOON);
    assert_eq!(got.code, Code::RCV_HEADER_ERROR.with(shm_mach::mach::Special::IPC_SPACE));
    assert_eq!((got.size(), got.remote(), got.id(), got.bits()), (24, NULL, 1, 18 | 17 << 8));
    assert_eq!(receive(&client, own).id(), 71);
    server.deallocate(raw(fill[0])).unwrap();
    send();
    assert_eq!(receive(&server, port).from(24), b"lost");
}

#[test]
fn v10_no_name_for_a_right_in_the_body_leaves_null() {
    let authority = Embedded::start().unwrap();
    let few = shm_mach::Options::default().names(2);
    let (server, _) = Task::attach_to(authority.connect().unwrap(), &few).unwrap();
    let (client, _) = Task::attach_to(authority.connect().unwrap(), &shm_mach::Options::default()).unwrap();
    let port = server.check_in("few").unwrap().into_name().get();
    let to = client.look_up("few").unwrap().into_name().get();
    let (own, other) = (self::port(&client), self::port(&client));
    client.with_receive_right(raw(other), |port| port.request_no_senders(1, port)).unwrap();
    let mut message = Bytes::to(to, 1).complex(2).port(own, MAKE_SEND).port(other, MAKE_SEND).raw(b"kept");
    assert_eq!(message.send(&client), Code::SUCCESS);
    let got = receive_with(&server, port, Options::NONE, 100, SOON);
    assert_eq!(got.code, Code::RCV_BODY_ERROR.with(shm_mach::mach::Special::IPC_SPACE));
    assert_eq!(got.word(28 + 12), NULL, "the second found no name");
    assert_eq!(got.from(28 + 24), b"kept");
    assert_eq!(receive(&client, other).id(), 70, "and was given back");
    assert_eq!(Bytes::to(got.word(28), 5).send(&server), Code::SUCCESS, "the first is good");
    assert_eq!(receive(&client, own).id(), 5);
}

#[test]
fn v11_a_buffer_that_cannot_be_written_loses_the_message() {
    let two = two();
    let own = port(&two.one);
    let mut message = Bytes::header((COPY_SEND, MAKE_SEND_ONCE), two.to, own, 1);
    assert_eq!(message.send(&two.one), Code::SUCCESS);
    let options = Options::RCV_MSG | Options::RCV_TIMEOUT;
    let call = Call { options, receive_size: 100, receive_name: raw(two.port), ..Call::default() };
    let nowhere = Address(16);
    assert_eq!(two.other.mach_msg_raw(promise(), nowhere, nowhere, &call), Code::RCV_INVALID_DATA);
    is_empty(&two.other, two.port);
}

#[test]
fn v12_one_call_sends_and_then_receives() {
    let task = alone();
    let port = port(&task);
    let options = Options::SEND_MSG | Options::RCV_MSG | Options::RCV_TIMEOUT;
    let call = Call { options, send_size: 28, receive_size: 64, receive_name: raw(port), ..Call::default() };
    let mut buffer = Bytes::header((MAKE_SEND, 0), port, NULL, 1).raw(b"ping").0;
    buffer.resize(64, 0);
    assert_eq!(task.mach_msg(&mut buffer, &call), Code::SUCCESS);
    assert_eq!(&buffer[24..28], b"ping");
    assert_eq!(buffer[0..4], (17u32 << 8).to_le_bytes(), "the same buffer was used again");
    // A buffer of its own for what is received.
    let message = Bytes::header((MAKE_SEND, 0), port, NULL, 2).raw(b"pong");
    let (mut sent, mut into) = (message.0.clone(), [0; 64]);
    assert_eq!(task.mach_msg_overwrite(&mut sent, &mut into, &call), Code::SUCCESS);
    assert_eq!((sent, &into[24..28]), (message.0, &b"pong"[..]));
    // A send that fails receives nothing.
    assert_eq!(Bytes::header((MAKE_SEND, 0), port, NULL, 3).send(&task), Code::SUCCESS);
    let mut bad = Bytes::header((MAKE_SEND, 0), port + 4, NULL, 4).raw(b"none").0;
    bad.resize(64, 0);
    assert_eq!(task.mach_msg(&mut bad, &call), Code::SEND_INVALID_DEST);
    assert_eq!(receive(&task, port).id(), 3);
}
