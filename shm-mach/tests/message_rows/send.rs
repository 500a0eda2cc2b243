//! What a send checks before it looks anything up: rows Z1 to Z12.

use shm_mach::wire::mach::outline::MESSAGE_MAX;
use shm_mach::wire::mach::shape::RIGHTS_MAX;
use shm_mach::wire::mach::{Address, Bits, Code, CopyOption, Descriptor, Header, RawName};

use super::*;

const SIMPLE: u32 = COPY_SEND as u32;

fn of_arguments(size: u32, bits: u32, count: u32) -> Result<Outline, SendRefusal> {
    let header = Header { bits: Bits::from_bits(bits), remote: RawName(0x103), ..Header::default() };
    Outline::of_arguments(size, header, count)
}

#[test]
fn z1_a_message_is_a_header_at_least_and_words() {
    let head = Bytes::header(SIMPLE).raw(&[0; 8]);
    for size in [0, 1, 20, 23, 25, 26, 27, 29, u32::MAX] {
        let refused = SendRefusal::Size { size };
        assert_eq!(Outline::of_memory(size, &head.0), Err(refused));
        assert_eq!(of_arguments(size, SIMPLE, 0), Err(refused));
        assert_eq!(refused.code(), Code::SEND_MSG_TOO_SMALL);
    }
    for size in [24, 28, 32] {
        assert_eq!(Outline::of_memory(size, &head.0).unwrap().header().size, size, "that of the call");
    }
}

#[test]
fn z2_a_message_is_not_longer_than_three_quarters_of_64_mib() {
    assert_eq!(MESSAGE_MAX, 50_331_580);
    let head = Bytes::base(0);
    assert!(Outline::of_memory(MESSAGE_MAX, &head.0).is_ok());
    for size in [MESSAGE_MAX + 4, u32::MAX - 3] {
        let refused = SendRefusal::TooLong { size, longest: MESSAGE_MAX };
        assert_eq!(Outline::of_memory(size, &head.0), Err(refused));
        assert_eq!(of_arguments(size, SIMPLE, 0), Err(refused));
        assert_eq!(refused.code(), Code::SEND_TOO_LARGE);
    }
    let odd = MESSAGE_MAX + 1;
    assert_eq!(Outline::of_memory(odd, &head.0), Err(SendRefusal::Size { size: odd }), "Z1 before Z2");
}

#[test]
fn z3_header_and_count_must_be_readable() {
    let head = Bytes::header(SIMPLE).word(0);
    let refused = Err(SendRefusal::UnreadableHeader);
    for readable in 0..24 {
        assert_eq!(Outline::of_memory(24, &head.0[..readable]), refused);
    }
    assert!(Outline::of_memory(24, &head.0[..24]).is_ok());
    for readable in 24..28 {
        assert_eq!(
            Outline::of_memory(28, &head.0[..readable]),
            refused,
            "the count is read of every message"
        );
    }
    assert_eq!(SendRefusal::UnreadableHeader.code(), Code::SEND_INVALID_DATA);
    assert_eq!(Outline::of_memory(20, &[]), Err(SendRefusal::Size { size: 20 }), "Z1 before Z3");
}

#[test]
fn z4_a_complex_message_has_a_count() {
    let head = Bytes::header(COMPLEX | SIMPLE);
    assert_eq!(Outline::of_memory(24, &head.0), Err(SendRefusal::NoCount));
    assert_eq!(of_arguments(24, COMPLEX | SIMPLE, 9), Err(SendRefusal::NoCount), "Z4 before Z5");
    assert_eq!(SendRefusal::NoCount.code(), Code::SEND_MSG_TOO_SMALL);
    assert_eq!(Bytes::base(0).check().unwrap().descriptors().len(), 0, "a count of none is a count");
}

#[test]
fn z5_the_count_is_no_more_than_could_fit() {
    for (size, most) in [(28, 0), (36, 0), (40, 1), (48, 1), (52, 2), (MESSAGE_MAX, 4_194_296)] {
        assert!(Outline::of_memory(size, &Bytes::base(most).0).is_ok());
        assert!(of_arguments(size, COMPLEX | SIMPLE, most).is_ok());
        for count in [most + 1, u32::MAX] {
            let refused = SendRefusal::Count { count };
            assert_eq!(Outline::of_memory(size, &Bytes::base(count).0), Err(refused));
            assert_eq!(of_arguments(size, COMPLEX | SIMPLE, count), Err(refused));
            assert_eq!(refused.code(), Code::SEND_MSG_TOO_SMALL);
        }
    }
}

#[test]
fn z6_a_simple_message_has_data_where_others_have_a_count() {
    let message = Bytes::header(SIMPLE).word(u32::MAX).word(5);
    let shape = message.check().unwrap();
    assert_eq!((shape.descriptors().len(), shape.body()), (0, &message.0[24..]));
    assert!(of_arguments(32, SIMPLE, 0).is_ok());
    let refused = SendRefusal::CountOfSimple { count: 1 };
    assert_eq!(of_arguments(32, SIMPLE, 1), Err(refused));
    assert_eq!(refused.code(), Code::SEND_TOO_LARGE);
}

#[test]
fn z7_after_the_sizes_the_caller_makes_its_copy() {
    // What the header said when it was read counts, whatever stands there when the copy is made.
    let message = Bytes::base(1).port(0x203, MOVE_SEND).word(9);
    let outline = message.outline().unwrap();
    let mut copy = message.0.clone();
    copy[..28].fill(0xff);
    let shape = outline.shape(Options::NONE, &copy).unwrap();
    assert_eq!(shape.header().remote, RawName(0x103));
    assert_eq!((shape.descriptors().len(), shape.body()), (1, &[9, 0, 0, 0][..]));
}

#[test]
fn z8_a_call_to_an_object_has_three_descriptors_at_most() {
    let with = |count| (0..count).fold(Bytes::base(count), |bytes, _| bytes.port(0, MOVE_SEND));
    assert!(with(3).check_with(Options::SEND_KOBJECT_CALL).is_ok());
    assert!(with(4).check_with(Options::SEND_MQ_CALL).is_ok());
    let refused = SendRefusal::ObjectCount { count: 4 };
    assert_eq!(with(4).check_with(Options::SEND_KOBJECT_CALL), Err(refused));
    assert_eq!(refused.code(), Code::SEND_TOO_LARGE);
    let unknown = Bytes::base(4).raw(&[9; 48]);
    assert_eq!(unknown.check_with(Options::SEND_KOBJECT_CALL), Err(refused), "Z8 before Z9");
}

#[test]
fn z9_every_descriptor_is_of_a_known_type() {
    for kind in 0..=u8::MAX {
        let mut message = Bytes::base(1).raw(&[0; 16]);
        message.0[28 + 8] = 1;
        message.0[28 + 10] = MOVE_RECEIVE;
        message.0[28 + 11] = kind;
        let refused = SendRefusal::DescriptorType { index: 0, kind };
        assert_eq!(message.check().err(), (kind > 4).then_some(refused));
        for options in [Options::SEND_KOBJECT_CALL, Options::SEND_DK_CALL] {
            let checked = message.check_with(options);
            assert_eq!(checked.err(), (kind > 2).then_some(refused), "not to objects and drivers");
        }
        assert_eq!(refused.code(), Code::SEND_INVALID_TYPE);
    }
}

#[test]
fn z9_no_descriptor_runs_past_the_end() {
    let cut = |index| Err(SendRefusal::DescriptorCut { index });
    // Twelve bytes are room for a descriptor by Z5, but not for one of sixteen.
    assert_eq!(Bytes::base(1).memory(0, 0, 0).check().map(|shape| shape.body().len()), Ok(0));
    let mut message = Bytes::base(1).memory(0, 0, 0);
    message.0.truncate(40);
    assert_eq!(message.check(), cut(0));
    let mut message = Bytes::base(2).port(0, 0).memory(0, 0, 0);
    message.0.truncate(52);
    assert_eq!(message.check(), cut(1));
    let mut message = Bytes::base(2).memory(0, 0, 0).port(0, 0);
    message.0.truncate(52);
    assert_eq!(message.check(), cut(1), "not even twelve bytes are left");
    assert_eq!(SendRefusal::DescriptorCut { index: 0 }.code(), Code::SEND_MSG_TOO_SMALL);
}

#[test]
fn z9_types_are_scanned_forward_and_first() {
    let message = Bytes::base(3).memory(0, 0, 7).memory(0, 0, 0).raw(&[5; 16]);
    assert_eq!(message.check(), Err(SendRefusal::DescriptorType { index: 2, kind: 5 }), "Z9 before Z10");
    let message = Bytes::base(2).raw(&[6; 12]).raw(&[5; 12]);
    assert_eq!(message.check(), Err(SendRefusal::DescriptorType { index: 0, kind: 6 }), "the first");
}

#[test]
fn z10_memory_is_copied_physically_or_virtually() {
    for copy in 0..=u8::MAX {
        for kind in [1, 3] {
            let message = Bytes::base(1).long(0x1000).raw(&[1, copy, 0, kind]).word(64);
            let refused = SendRefusal::CopyOption { index: 0 };
            assert_eq!(message.check().err(), (copy > 1).then_some(refused));
            assert_eq!(refused.code(), Code::SEND_INVALID_TYPE);
        }
        let array = Bytes::base(1).long(0).raw(&[0, copy, MOVE_SEND, 2]).word(0);
        assert!(array.check().is_ok(), "of an array nobody asks");
    }
}

#[test]
fn z10_a_guarded_right_is_a_receive_right_that_moves() {
    let refused = SendRefusal::Guard { index: 0 };
    let check = |context, flags, disposition| {
        Bytes::base(1).guarded(context, flags, disposition, 0x203).check().err()
    };
    for disposition in 0..=u8::MAX {
        let expected = (disposition != MOVE_RECEIVE).then_some(refused);
        assert_eq!(check(0, 1, disposition), expected);
    }
    for flags in 0..=u16::MAX {
        assert_eq!(check(0, flags, MOVE_RECEIVE), (!(1..=3).contains(&flags)).then_some(refused));
    }
    assert_eq!(check(5, 1, MOVE_RECEIVE), None);
    assert_eq!(check(5, 2, MOVE_RECEIVE), Some(refused), "no guard is given for a right without one");
    assert_eq!(check(1 << 63, 3, MOVE_RECEIVE), Some(refused));
    assert_eq!(refused.code(), Code::SEND_INVALID_TYPE);
}

#[test]
fn z10_a_message_carries_16383_rights() {
    let refused = SendRefusal::Rights { most: 16_383 };
    let shape = Bytes::base(2).port(0, MOVE_SEND).ports(0, RIGHTS_MAX - 1, MOVE_SEND);
    assert_eq!(shape.check().unwrap().rights(), 16_383);
    let one_more = Bytes::base(2).port(0, MOVE_SEND).ports(0, RIGHTS_MAX, MOVE_SEND);
    assert_eq!(one_more.check(), Err(refused));
    let guarded = Bytes::base(2).guarded(0, 1, MOVE_RECEIVE, 0).ports(0, RIGHTS_MAX, MOVE_SEND);
    assert_eq!(guarded.check(), Err(refused));
    let wraps = Bytes::base(2).ports(0, u32::MAX, MOVE_SEND).ports(0, 2, MOVE_SEND);
    assert_eq!(wraps.check(), Err(refused), "the sum is not of 32 bits");
    assert_eq!(refused.code(), Code::SEND_TOO_LARGE);
}

#[test]
fn z11_the_body_is_readable_to_its_end() {
    let message = Bytes::base(1).memory(0x1000, 8, 1).word(1).word(2);
    let outline = message.outline().unwrap();
    for readable in 0..message.0.len() {
        let shape = outline.shape(Options::NONE, &message.0[..readable]);
        assert_eq!(shape, Err(SendRefusal::UnreadableBody));
    }
    assert_eq!(outline.shape(Options::NONE, &message.0).unwrap().body(), [1, 0, 0, 0, 2, 0, 0, 0]);
    let longer = message.clone().word(3);
    assert_eq!(outline.shape(Options::NONE, &longer.0).unwrap().body().len(), 8, "what follows is not read");
    assert_eq!(SendRefusal::UnreadableBody.code(), Code::SEND_INVALID_DATA);

    let simple = Bytes::header(SIMPLE).word(0).word(0);
    let outline = simple.outline().unwrap();
    for readable in 0..simple.0.len() {
        let shape = outline.shape(Options::NONE, &simple.0[..readable]);
        assert_eq!(shape, Err(SendRefusal::UnreadableBody));
    }
}

#[test]
fn z11_bad_descriptors_come_before_the_rest_of_the_body() {
    let unknown = Bytes::base(1).raw(&[5; 16]).word(0);
    let readable = &unknown.0[..44];
    let shape = unknown.outline().unwrap().shape(Options::NONE, readable);
    assert_eq!(shape, Err(SendRefusal::DescriptorType { index: 0, kind: 5 }), "Z9 before Z11");
    let copy = Bytes::base(1).memory(0, 0, 2).word(0);
    let shape = copy.outline().unwrap().shape(Options::NONE, &copy.0[..44]);
    assert_eq!(shape, Err(SendRefusal::CopyOption { index: 0 }), "Z10 before Z11");
    let many = Bytes::base(1).ports(0, RIGHTS_MAX + 1, MOVE_SEND).word(0);
    let shape = many.outline().unwrap().shape(Options::NONE, &many.0[..44]);
    assert_eq!(shape, Err(SendRefusal::UnreadableBody), "the number of rights is judged last");
}

#[test]
fn a_message_of_every_kind_is_read() {
    let message = Bytes::base(5)
        .port(0x203, MAKE_SEND_ONCE)
        .memory(0x1_0000_0000, 4096, 1)
        .ports(0x2000, 3, COPY_SEND)
        .long(0x3000)
        .raw(&[9, 0, 0, 3])
        .word(5)
        .guarded(77, 1, MOVE_RECEIVE, 0x303)
        .raw(b"body");
    let shape = message.check().unwrap();
    let found: Vec<_> = shape.descriptors().collect();
    let memory = |at, size, deallocate, copy, volatile| Descriptor::Memory {
        at: Address(at),
        size,
        deallocate,
        copy,
        volatile,
    };
    let guarded = Descriptor::GuardedPort {
        name: RawName(0x303),
        context: 77,
        flags: shm_mach::wire::mach::GuardFlags::IMMOVABLE_RECEIVE,
    };
    let expected = [
        Descriptor::Port { name: RawName(0x203), disposition: MAKE_SEND_ONCE },
        memory(0x1_0000_0000, 4096, false, CopyOption::Virtual, false),
        Descriptor::Ports { at: Address(0x2000), count: 3, deallocate: false, disposition: COPY_SEND },
        memory(0x3000, 5, true, CopyOption::Physical, true),
        guarded,
    ];
    assert_eq!(found, expected);
    assert_eq!((shape.rights(), shape.memory(), shape.body()), (5, 4096 + 12 + 5, &b"body"[..]));
    assert_eq!((shape.header().id, shape.header().size), (7, message.size()));
}
