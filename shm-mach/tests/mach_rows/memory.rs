//! Memory out of line, and messages that cannot be read.

use super::*;

fn page() -> u64 {
    rustix::param::page_size() as u64
}

/// Whether that is still there. (Other tests may have mapped something else.)
fn holds(at: u64, bytes: &[u8]) -> bool {
    common::sys::read_at(at, bytes.len()).is_some_and(|read| read == bytes)
}

/// Where the memory of the descriptor at this offset is, and its marks.
fn memory_in(got: &Got, at: usize) -> (u64, usize, [u8; 4]) {
    (got.long(at), got.word(at + 12) as usize, got.bytes[at + 8..at + 12].try_into().unwrap())
}

fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 7 + at / 251) as u8).collect()
}

#[test]
fn z3_z11_what_cannot_be_read_is_an_error_and_no_fault() {
    let task = alone();
    let port = port_with_send(&task);
    let edge = common::sys::page_before_a_hole() + page();
    let message = Bytes::to(port, 1).raw(&[1; 100]).0;
    let call = Call { options: Options::SEND_MSG, send_size: message.len() as u32, ..Call::default() };
    for readable in [0, 20, 24, 27, 28, 123, 124] {
        let start = edge - readable as u64;
        common::sys::write_at(start, &message[..readable]);
        let code = task.mach_msg_raw(promise(), Address(start), Address(start), &call);
        let expected = if readable == message.len() { Code::SUCCESS } else { Code::SEND_INVALID_DATA };
        assert_eq!(code, expected, "{readable}");
    }
    assert_eq!(receive(&task, port).from(24), [1; 100]);
    is_empty(&task, port);
    // The same of a slice that is shorter than the call says.
    let call = Call { send_size: 200, ..call };
    assert_eq!(task.mach_msg(&mut message.clone(), &call), Code::SEND_INVALID_DATA);
}

/// Gives a page back.
fn task_unmaps(at: u64) {
    let task = alone();
    let port = port_with_send(&task);
    assert_eq!(Bytes::to(port, 1).complex(1).memory(at, 1, 1, 0).send_raw(&task), Code::SUCCESS);
}

#[test]
fn b3_b5_memory_is_as_of_the_send_and_the_receivers_alone() {
    let two = two();
    let mut data = pattern(100_000);
    for copy in [0, 1] {
        let at = data.as_ptr().addr() as u64 + 13;
        let mut message = Bytes::to(two.to, 1).complex(1).memory(at, 90_000, 0, copy).raw(b"body");
        assert_eq!(message.send(&two.one), Code::SUCCESS);
        let sent = data[13..13 + 90_000].to_vec();
        data.iter_mut().for_each(|byte| *byte ^= 0x5a);
        let got = receive(&two.other, two.port);
        let (at, size, marks) = memory_in(&got, 28);
        assert_eq!((size, marks), (90_000, [copy, copy, 0, 1]), "the receiver's to give back, if virtual");
        assert_eq!(memory_at(at, size), sent);
        assert_eq!(got.from(44), b"body");
        common::sys::write_at(at, b"the receiver's own");
        task_unmaps(at);
    }
}

#[test]
fn b3_empty_memory_leads_nowhere_and_memory_that_is_not_there_is_refused() {
    let two = two();
    let own = port(&two.one);
    let mut message = Bytes::to(two.to, 1).complex(2).memory(16, 0, 1, 1).ports(16, 0, 0, COPY_SEND);
    assert_eq!(message.send(&two.one), Code::SUCCESS, "nobody looks");
    let got = receive(&two.other, two.port);
    assert_eq!(memory_in(&got, 28), (0, 0, [1, 1, 0, 1]));
    assert_eq!(memory_in(&got, 44), (0, 0, [1, 1, 17, 2]));
    for at in [16, u64::MAX - 3] {
        let header = Bytes::header((COPY_SEND, MAKE_SEND_ONCE), two.to, own, 1).complex(2);
        let mut message = header.port(own, MAKE_SEND_ONCE).memory(at, 8, 0, 0);
        assert_eq!(message.send(&two.one), Code::SEND_INVALID_MEMORY);
        assert_eq!([receive(&two.one, own).id(), receive(&two.one, own).id()], [71, 71], "as in SD11");
    }
    is_empty(&two.other, two.port);
}

#[test]
fn b4_memory_to_be_deallocated_is_the_senders_no_more() {
    let two = two();
    let data = pattern(3 * page() as usize - 100);
    let at = common::sys::pages_of(&data);
    let mut message = Bytes::to(two.to, 1).complex(1).memory(at, data.len() as u32, 1, 1);
    // The compiler could not know of it: not by a slice.
    assert_eq!(message.send(&two.one), Code::SEND_INVALID_MEMORY);
    assert!(holds(at, &data));
    assert_eq!(message.send_raw(&two.one), Code::SUCCESS);
    let pages = data.chunks(page() as usize).enumerate();
    for (number, bytes) in pages {
        assert!(!holds(at + number as u64 * page(), bytes), "page {number}");
    }
    let got = receive(&two.other, two.port);
    let (at, size, _) = memory_in(&got, 28);
    assert_eq!(memory_at(at, size), data);
    task_unmaps(at);
}

#[test]
fn b6_b7_an_array_of_names_arrives_as_one() {
    let two = two();
    let own = port(&two.one);
    let dead = two.one.allocate_dead_name().unwrap().get();
    two.one.with_receive_right(raw(own), |port| port.make_send().into_name()).unwrap();
    let names = [own, NULL, dead, own, DEAD].map(u32::to_le_bytes).concat();
    let at = common::sys::pages_of(&names);
    let mut message = Bytes::to(two.to, 1).complex(1).ports(at, 5, 1, COPY_SEND).raw(b"body");
    assert_eq!(message.send_raw(&two.one), Code::SUCCESS);
    assert!(!holds(at, &names), "the array went, the rights were copied");
    let got = receive(&two.other, two.port);
    let (at, count, marks) = memory_in(&got, 28);
    assert_eq!((count, marks), (5, [1, 1, 17, 2]));
    let names = memory_at(at, 20);
    let names: Vec<u32> = names.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
    assert_eq!([names[1], names[2], names[4]], [NULL, DEAD, DEAD]);
    assert!(names[0] == names[3] && refs(&two.other, names[0], RightKind::Send) == 2);
    assert_eq!(Bytes::to(names[0], 6).send(&two.other), Code::SUCCESS);
    assert_eq!(receive(&two.one, own).id(), 6);
    task_unmaps(at);
}

#[test]
fn b6_a_name_that_fails_loses_the_array_and_what_was_before_it() {
    let two = two();
    let own = port(&two.one);
    let once = [(); 3].map(|()| send_once(&two.one, own));
    let names = [once[0], once[1], own, once[2]].map(u32::to_le_bytes).concat();
    let at = common::sys::pages_of(&names);
    let mut message = Bytes::to(two.to, 1).complex(1).ports(at, 4, 1, MOVE_SEND_ONCE);
    assert_eq!(message.send_raw(&two.one), Code::SEND_INVALID_RIGHT);
    assert!(!holds(at, &names), "unmapped before its rights were looked at");
    assert_eq!(once.map(|name| kind(&two.one, name)), [None, None, Some(TypeBits::SEND_ONCE)]);
    assert_eq!([receive(&two.one, own).id(), receive(&two.one, own).id()], [71, 71]);
    is_empty(&two.one, own);
}

#[test]
fn up_to_64_mib_travel_in_one_message() {
    let two = two();
    const SIZE: usize = (64 << 20) - 64;
    let data = pattern(SIZE);
    let at = data.as_ptr().addr() as u64;
    let header = Bytes::to(two.to, 1).complex(1);
    let mut message = header.clone().memory(at, SIZE as u32, 0, 1).raw(b"the body");
    assert_eq!(message.send(&two.one), Code::SUCCESS);
    let got = receive(&two.other, two.port);
    let (received, size, _) = memory_in(&got, 28);
    assert!(size == SIZE && memory_at(received, size) == data);
    task_unmaps(received); // its first page; the rest goes with the test
    let mut message = header.memory(at, SIZE as u32, 0, 1).raw(&[0; 64]);
    assert_eq!(message.send(&two.one), Code::SEND_TOO_LARGE, "body, table and memory together");
}

#[test]
fn a_program_that_knows_no_memory_gets_the_body() {
    let two = two();
    let data = pattern(1000);
    let at = data.as_ptr().addr() as u64;
    let mut message = Bytes::to(two.to, 3).complex(1).memory(at, 1000, 0, 1).raw(b"the body");
    assert_eq!(message.send(&two.one), Code::SUCCESS);
    let port = two.other.receive_right(raw(two.port)).unwrap();
    let got = common::meet::next(&port, "a message with memory");
    assert_eq!((got.id(), got.body(), got.rights().len()), (3, &b"the body"[..], 0));
    assert_eq!(got.memory().collect::<Vec<_>>(), [&data[..]]);
}
