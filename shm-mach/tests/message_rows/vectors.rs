//! Calls of `mach_msg2`: rows X1 to X4, and Z12.

use shm_mach::wire::mach::vector::{aux_fits, deliver_aux};
use shm_mach::wire::mach::{
    Address, Arguments, Bits, Code, DeliveryFailure, Header, RawName, Vector, Vectors,
};

use super::*;

fn vector(data: u64, receive_at: u64, send_size: u32, receive_size: u32) -> Vector {
    Vector { data, receive_at, send_size, receive_size }
}

/// A message of 24 bytes, and auxiliary data.
fn with_aux(data: u64, size: u32) -> Vectors {
    Vectors { message: vector(0x1000, 0, 24, 0), aux: vector(data, 0, size, 0) }
}

#[test]
fn x1_the_header_is_in_the_arguments_and_not_in_memory() {
    let pair = |low: u64, high: u64| low | high << 32;
    let bits = u64::from(COMPLEX) | 0x13;
    let packed = [pair(bits, 40), pair(3, 4), pair(5, 0xffff_fff9), pair(1, 8), pair(9, 10)];
    let header = Header {
        bits: Bits::from_bits(COMPLEX | 0x13),
        size: 40,
        remote: RawName(3),
        local: RawName(4),
        voucher: RawName(5),
        id: -7,
    };
    let expected =
        Arguments { header, descriptors: 1, receive_name: RawName(8), receive_size: 9, priority: 10 };
    assert_eq!(Arguments::unpack(packed), expected);
    let outline = Outline::of_arguments(40, header, 1).unwrap();
    let memory = Bytes::words(&[u32::MAX; 7]).port(0x203, MOVE_SEND);
    let shape = outline.shape(Options::NONE, &memory.0).unwrap();
    assert_eq!((*shape.header(), shape.descriptors().len()), (header, 1));
}

#[test]
fn x2_a_send_says_once_whom_it_calls() {
    let calls = [Options::SEND_KOBJECT_CALL, Options::SEND_MQ_CALL, Options::SEND_ANY, Options::SEND_DK_CALL];
    for chosen in 0..16_u32 {
        let options = calls.iter().enumerate().filter(|(bit, _)| chosen & 1 << bit != 0);
        let options = options.fold(Options::NONE, |all, (_, call)| all | *call);
        let expected = if chosen.count_ones() == 1 { Ok(()) } else { Err(SendRefusal::Options) };
        assert_eq!((options | Options::SEND_MSG).check_call(), expected, "{options:?}");
        assert_eq!((options | Options::RCV_MSG).check_call(), Ok(()), "nobody is called");
        let for_queue = [0b0010, 0b0100].contains(&chosen);
        let vector = (options | Options::SEND_MSG | Options::VECTOR).check_call();
        assert_eq!(vector.is_ok(), for_queue, "{options:?} with vectors");
    }
    assert_eq!(SendRefusal::Options.code(), Code::SEND_INVALID_OPTIONS);
}

#[test]
fn x3_a_call_has_one_vector_or_two() {
    let first = vector(1, 2, 3, 4);
    let second = vector(5, 6, 7, u32::MAX);
    let bytes = [first.encode(), second.encode()].concat();
    assert_eq!(bytes[..24], Bytes::default().long(1).long(2).word(3).word(4).0);
    assert_eq!(Vectors::decode(&bytes, 2), Ok(Vectors { message: first, aux: second }));
    assert_eq!(Vectors::decode(&bytes, 1), Ok(Vectors { message: first, aux: Vector::default() }));
    assert_eq!(Vectors::decode(&bytes[..47], 2), Err(SendRefusal::NullVector), "unreadable");
    assert_eq!(Vectors::decode(&bytes[..23], 1), Err(SendRefusal::NullVector));
    for count in [3, u32::MAX] {
        assert_eq!(Vectors::decode(&bytes, count), Err(SendRefusal::Vectors { count }));
    }
    assert_eq!(Vectors::decode(&bytes, 0), Err(SendRefusal::NoVector));
    let codes = [SendRefusal::Vectors { count: 3 }, SendRefusal::NullVector, SendRefusal::NoVector];
    let expected = [Code::SEND_INVALID_DATA, Code::SEND_INVALID_DATA, Code::SEND_MSG_TOO_SMALL];
    assert_eq!(codes.map(|refusal| refusal.code()), expected);
}

#[test]
fn x3_what_a_vector_sends() {
    assert_eq!(with_aux(0, 0).to_send(0), Err(SendRefusal::NoVector));
    assert_eq!(with_aux(9, 16).to_send(1), Ok(((Address(0x1000), 24), None)), "the second does not count");
    assert_eq!(with_aux(9, 16).to_send(2), Ok(((Address(0x1000), 24), Some((Address(9), 16)))));
    assert_eq!(with_aux(0, 0).to_send(2), Ok(((Address(0x1000), 24), None)));
    let null = Vectors { message: vector(0, 0x1000, 20, 0), ..Vectors::default() };
    assert_eq!(null.to_send(1), Err(SendRefusal::NullVector), "before its size is looked at");
    let short = Vectors { message: vector(1, 0, 20, 0), aux: vector(0, 0, 1, 0) };
    assert_eq!(short.to_send(2), Err(SendRefusal::Size { size: 20 }), "the message before the second");
    assert_eq!(with_aux(0, 1).to_send(2), Err(SendRefusal::NullVector), "before its size is looked at");
}

#[test]
fn x3_where_a_vector_receives() {
    let arguments = Err(DeliveryFailure::Arguments);
    let both = |message, aux| Vectors { message, aux };
    let message = vector(0x1000, 0, 0, 64);
    assert_eq!(both(message, message).to_receive(0), arguments);
    assert_eq!(both(message, Vector::default()).to_receive(1), Ok(((Address(0x1000), 64), None)));
    let elsewhere = vector(0x1000, 0x2000, 0, 8);
    let found = both(elsewhere, elsewhere).to_receive(2);
    assert_eq!(found, Ok(((Address(0x2000), 8), Some((Address(0x2000), 8)))));
    assert_eq!(both(message, vector(0, 0, 0, 64)).to_receive(2), arguments, "no address");
    assert_eq!(both(message, vector(1, 0, 0, 7)).to_receive(2), arguments, "no room for a header");
    let nowhere = both(Vector::default(), Vector::default()).to_receive(1);
    assert_eq!(nowhere, Ok(((Address(0), 0), None)), "the first is looked at when a message is there");
    assert_eq!(DeliveryFailure::Arguments.code(), Code::RCV_INVALID_ARGUMENTS);
}

#[test]
fn z12_auxiliary_data_has_a_header_and_an_end() {
    for size in 1..8 {
        let refused = SendRefusal::AuxTooSmall { size };
        assert_eq!(with_aux(1, size).to_send(2), Err(refused));
        assert_eq!(refused.code(), Code::SEND_AUX_TOO_SMALL);
    }
    for size in [8, 9, 1024] {
        assert_eq!(with_aux(1, size).to_send(2).unwrap().1, Some((Address(1), size)));
    }
    for size in [1025, u32::MAX] {
        let refused = SendRefusal::AuxTooLarge { size, most: 1024 };
        assert_eq!(with_aux(1, size).to_send(2), Err(refused));
        assert_eq!(refused.code(), Code::SEND_AUX_TOO_LARGE);
    }
}

#[test]
fn x4_auxiliary_data_for_who_asks() {
    assert!(aux_fits(1024, None), "who has no buffer for it is not shown it");
    assert!(aux_fits(16, Some(16)) && !aux_fits(17, Some(16)));
    let mut buffer = [0xaa; 16];
    assert_eq!(deliver_aux(Some(b"data"), &mut buffer), Ok(12));
    assert_eq!(buffer, *b"\x0c\0\0\0\0\0\0\0data\xaa\xaa\xaa\xaa");
    assert_eq!(deliver_aux(None, &mut buffer), Ok(8));
    assert_eq!(buffer[..8], [0; 8], "a message without any");
    assert_eq!(deliver_aux(Some(b""), &mut buffer), Ok(8));
    assert_eq!(buffer[..8], [8, 0, 0, 0, 0, 0, 0, 0]);
    let mut short = [0xaa; 11];
    let failure = deliver_aux(Some(b"data"), &mut short).unwrap_err();
    assert_eq!((failure.code(), short), (Code::RCV_TOO_LARGE, [0xaa; 11]));
}
