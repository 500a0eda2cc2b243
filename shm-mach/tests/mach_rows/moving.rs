//! Receive rights in messages.

use super::*;

const GUARD: u64 = 0x1122_3344_5566_7788;
const IMMOVABLE: u16 = 1;
const UNGUARDED: u16 = 2;

fn guarded(message: Bytes, context: u64, flags: u16, name: u32) -> Bytes {
    let message = message.raw(&context.to_le_bytes()).raw(&flags.to_le_bytes());
    message.raw(&[MOVE_RECEIVE as u8, 4]).word(name)
}

/// Whether the task receives at a name what it sends there.
#[track_caller]
fn works(task: &Task, name: u32) {
    assert_eq!(Bytes::header((MAKE_SEND_ONCE, 0), name, NULL, 77).send(task), Code::SUCCESS);
    assert_eq!(receive(task, name).id(), 77);
}

#[test]
fn a_receive_right_moves_in_a_descriptor_and_in_an_array() {
    let two = two();
    let own = [(); 3].map(|()| port(&two.one));
    let array = [own[1], NULL, own[2]].map(u32::to_le_bytes).concat();
    let message = Bytes::to(two.to, 1).complex(2).port(own[0], MOVE_RECEIVE);
    let mut message = message.ports(array.as_ptr().addr() as u64, 3, 0, MOVE_RECEIVE);
    assert_eq!(message.send(&two.one), Code::SUCCESS);
    assert_eq!(own.map(|name| kind(&two.one, name)), [None; 3]);
    let got = receive(&two.other, two.port);
    assert_eq!((got.word(36) >> 16, got.word(48) >> 16 & 0xff), (16, 16));
    let names = memory_at(got.long(40), 12);
    let names: Vec<u32> = names.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
    assert_eq!(names[1], NULL);
    for name in [got.word(28), names[0], names[2]] {
        assert_eq!(kind(&two.other, name), Some(TypeBits::RECEIVE));
        works(&two.other, name);
    }
}

#[test]
fn sd11_a_receive_right_before_what_fails_is_destroyed() {
    let two = two();
    let own = port_with_send(&two.one);
    let mut message = Bytes::to(two.to, 1).complex(2).port(own, MOVE_RECEIVE).port(own, MOVE_RECEIVE);
    assert_eq!(message.send(&two.one), Code::SEND_INVALID_RIGHT, "it went with the first");
    assert_eq!(kind(&two.one, own), Some(TypeBits::DEAD_NAME));
    is_empty(&two.other, two.port);
}

#[test]
fn b8_a_guarded_right_goes_only_with_its_guard() {
    let two = two();
    let own = port(&two.one);
    let to = || Bytes::to(two.to, 1).complex(1);
    let refused = |context, flags| {
        assert_eq!(guarded(to(), context, flags, own).send(&two.one), Code::SEND_INVALID_RIGHT);
        assert_eq!(kind(&two.one, own), Some(TypeBits::RECEIVE), "it stays");
    };
    refused(0, IMMOVABLE); // it has no guard
    two.one.set_context(raw(own), 5).unwrap();
    refused(5, IMMOVABLE);
    refused(0, UNGUARDED); // nor is it without a context
    two.one.set_context(raw(own), 0).unwrap();
    two.one.guard(raw(own), GUARD, shm_mach::GuardOptions::default()).unwrap();
    refused(GUARD + 1, IMMOVABLE);
    refused(0, UNGUARDED);
    assert_eq!(guarded(to(), GUARD, IMMOVABLE, own).send(&two.one), Code::SUCCESS);
    assert_eq!(kind(&two.one, own), None);
    let free = port(&two.one);
    assert_eq!(guarded(to(), 0, UNGUARDED, free).send(&two.one), Code::SUCCESS);
    let fixed = port(&two.one);
    let immovable = shm_mach::GuardOptions { is_immovable: true, ..shm_mach::GuardOptions::default() };
    two.one.guard(raw(fixed), GUARD, immovable).unwrap();
    assert_eq!(guarded(to(), GUARD, IMMOVABLE, fixed).send(&two.one), Code::SEND_INVALID_RIGHT);
    // A plain descriptor asks for no guard, and takes none along.
    let plain = port(&two.one);
    two.one.guard(raw(plain), GUARD, shm_mach::GuardOptions::default()).unwrap();
    assert_eq!(to().port(plain, MOVE_RECEIVE).send(&two.one), Code::SUCCESS);
    let ask = Options::RCV_GUARDED_DESC;
    for _ in 0..2 {
        assert_eq!(receive_with(&two.other, two.port, ask, 400, SOON).code, Code::SUCCESS);
    }
    let got = receive_with(&two.other, two.port, ask, 400, SOON);
    assert_eq!(two.other.get_context(raw(got.word(28))), Ok(0));
}

#[test]
fn b9_a_guarded_right_arrives_for_who_asks() {
    let two = two();
    let to = || Bytes::to(two.to, 1).complex(1);
    let send = |flags| {
        let own = port_with_send(&two.one);
        if flags & UNGUARDED == 0 {
            two.one.guard(raw(own), GUARD, shm_mach::GuardOptions::default()).unwrap();
        }
        two.one.deallocate(raw(own)).unwrap();
        let context = if flags & UNGUARDED == 0 { GUARD } else { 0 };
        assert_eq!(guarded(to(), context, flags, own).send(&two.one), Code::SUCCESS);
    };
    let field = |got: &Got| (got.long(28), got.word(36), got.word(40));
    let before = two.other.names().unwrap().len();
    send(IMMOVABLE);
    let got = receive(&two.other, two.port);
    assert_eq!((field(&got).0, field(&got).2), (0, NULL), "nobody asked");
    assert_eq!(two.other.names().unwrap().len(), before, "it is destroyed");

    let ask = Options::RCV_GUARDED_DESC;
    send(IMMOVABLE | UNGUARDED);
    let mut buffer = vec![0; 400];
    let at = buffer.as_ptr().addr() as u64;
    let options = Options::RCV_MSG | Options::RCV_TIMEOUT | ask;
    let (receive_name, timeout) = (raw(two.port), SOON);
    let call = Call { options, receive_size: 400, receive_name, timeout, ..Call::default() };
    assert_eq!(two.other.mach_msg(&mut buffer, &call), Code::SUCCESS);
    let got = Got { code: Code::SUCCESS, bytes: buffer };
    let (context, marks, name) = field(&got);
    assert_eq!((context, marks & 0xffff), (at, u32::from(IMMOVABLE)), "guarded by the buffer's address");
    assert_eq!(two.other.get_context(raw(name)), Ok(at), "and not strictly");
    let mut back = Bytes::header((MAKE_SEND, 0), two.port, NULL, 1).complex(1).port(name, MOVE_RECEIVE);
    assert_eq!(back.send(&two.other), Code::SEND_INVALID_RIGHT, "it is immovable");
    two.other.unguard(raw(name), at).unwrap();

    send(UNGUARDED);
    let got = receive_with(&two.other, two.port, ask, 400, SOON);
    let (context, _, name) = field(&got);
    assert_eq!((context, two.other.get_context(raw(name))), (0, Ok(0)), "no guard was asked for");
    works(&two.other, name);
}

#[test]
fn sd20_receive_rights_come_back_too() {
    let two = two();
    let (plain, kept) = (port(&two.one), port(&two.one));
    two.one.guard(raw(kept), GUARD, shm_mach::GuardOptions::default()).unwrap();
    let full = port(&two.one);
    two.one.with_receive_right(raw(full), |port| port.set_queue_limit(0)).unwrap().unwrap();
    let header = Bytes::header((MAKE_SEND, 0), full, NULL, 1).complex(2);
    let mut message = guarded(header.port(plain, MOVE_RECEIVE), GUARD, IMMOVABLE, kept);
    let at = message.0.as_ptr().addr() as u64;
    assert_eq!(message.send_with(&two.one, Options::SEND_TIMEOUT, 0), Code::SEND_TIMED_OUT);
    let back = Got { code: Code::SUCCESS, bytes: message.0 };
    assert_eq!((back.word(28), back.word(36) >> 16), (plain, 16));
    assert_eq!((back.long(40), back.word(52)), (at, kept), "guarded by the buffer's address");
    assert_eq!(two.one.get_context(raw(kept)), Ok(at));
    works(&two.one, plain);
    // And can be sent again as it is.
    let mut again = Bytes::to(two.to, 2).complex(2).raw(&back.bytes[28..]);
    assert_eq!(again.send(&two.one), Code::SUCCESS);
    assert_eq!([plain, kept].map(|name| kind(&two.one, name)), [None; 2]);
}

/// A port that others hold rights to does not move yet: the message comes back, and the right in it.
#[test]
fn a_receive_right_that_cannot_move_comes_back() {
    let two = two();
    let own = port(&two.one);
    assert_eq!(Bytes::to(two.to, 1).complex(1).port(own, MAKE_SEND).send(&two.one), Code::SUCCESS);
    let theirs = receive(&two.other, two.port).word(28);
    let mut message = Bytes::to(two.to, 1).complex(1).port(own, MOVE_RECEIVE).raw(b"body");
    assert_eq!(message.send(&two.one), Code::SEND_NO_BUFFER);
    let back = Got { code: Code::SUCCESS, bytes: message.0 };
    assert_eq!((back.word(28), back.word(36) >> 16, back.from(40)), (own, 16, &b"body"[..]));
    assert_eq!(kind(&two.one, own), Some(TypeBits::RECEIVE));
    assert_eq!(Bytes::to(theirs, 2).send(&two.other), Code::SUCCESS);
    assert_eq!(receive(&two.one, own).id(), 2);
    is_empty(&two.other, two.port);
}

/// A port that is sent to itself has nobody left to receive from it: sent, and destroyed.
#[test]
fn sd13_a_port_in_a_message_to_itself_dies() {
    let task = alone();
    let own = port_with_send(&task);
    let mut message = Bytes::to(own, 1).complex(1).port(own, MOVE_RECEIVE);
    assert_eq!(message.send(&task), Code::SUCCESS);
    assert_eq!(kind(&task, own), Some(TypeBits::DEAD_NAME));
}

#[test]
fn v9_threads_that_wait_at_a_port_that_moves_are_told() {
    const TEST: &str = "moving::v9_threads_that_wait_at_a_port_that_moves_are_told";
    let _watchdog = common::watchdog::Watchdog::start(TEST, 60);
    let two = two();
    let own = port(&two.one);
    std::thread::scope(|scope| {
        let wait = || receive_with(&two.one, own, Options::NONE, 100, SOON).code;
        let threads = [(); 3].map(|()| scope.spawn(wait));
        std::thread::sleep(std::time::Duration::from_millis(50));
        let mut message = Bytes::to(two.to, 1).complex(1).port(own, MOVE_RECEIVE);
        assert_eq!(message.send(&two.one), Code::SUCCESS);
        for thread in threads {
            // One that had not begun to wait finds no name.
            let code = thread.join().unwrap();
            assert!([Code::RCV_PORT_CHANGED, Code::RCV_INVALID_NAME].contains(&code), "{code:?}");
        }
    });
    works(&two.other, receive(&two.other, two.port).word(28));
}
