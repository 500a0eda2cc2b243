//! Descriptors: the parts of rows B1 to B10 that bytes alone decide.

use shm_mach::wire::mach::descriptor::in_body;
use shm_mach::wire::mach::{
    Address, Code, Content, CopyOption, Descriptor, Disposition, Fate, GuardFlags, Guarding, Offset, RawName,
};

use super::*;

/// Where the receiver's buffer is.
const BUFFER: Guarding = Guarding::At(Address(0x7000_0000_0000));

fn memory(at: u64, size: u32, deallocate: bool, copy: CopyOption) -> Descriptor<Address> {
    Descriptor::Memory { at: Address(at), size, deallocate, copy, volatile: false }
}

fn ports(at: u64, count: u32, disposition: u8) -> Descriptor<Address> {
    Descriptor::Ports { at: Address(at), count, deallocate: false, disposition }
}

fn guarded(context: u64, flags: u16) -> Descriptor<Address> {
    let flags = GuardFlags::from_bits(flags).unwrap();
    Descriptor::GuardedPort { name: RawName(0x203), context, flags }
}

/// The bytes of one descriptor in a receiver's buffer, without `RCV_GUARDED_DESC`.
fn received(descriptor: Descriptor<Address>) -> Vec<u8> {
    received_by(Options::NONE, descriptor)
}

fn received_by(options: Options, descriptor: Descriptor<Address>) -> Vec<u8> {
    let content = Content { descriptors: &[descriptor], ..Content::default() };
    let arrival = super::receive::arrival(content);
    let mut buffer = [0xaa; 64];
    arrival.deliver(options, &mut buffer, Address(0x7000_0000_0000)).unwrap();
    buffer[28..28 + descriptor.bytes()].to_vec()
}

#[test]
fn b1_null_and_dead_pass_with_any_disposition() {
    for disposition in 0..=u8::MAX {
        for name in [RawName::NULL, RawName::DEAD] {
            assert_eq!(in_body(name, disposition), Ok(None));
            let message = Bytes::base(1).port(name.0, disposition);
            assert!(message.check().is_ok());
        }
        let found = in_body(RawName(0x203), disposition);
        if (16..=21).contains(&disposition) {
            assert_eq!(found.unwrap().map(Disposition::number), Some(disposition.into()));
        } else {
            let refused = SendRefusal::BodyDisposition { disposition };
            assert_eq!(found, Err(refused));
            assert_eq!(refused.code(), Code::SEND_INVALID_RIGHT);
        }
        let message = Bytes::base(1).port(0x203, disposition);
        assert!(message.check().is_ok(), "refused only when its turn comes");
    }
}

#[test]
fn b3_empty_memory_leads_nowhere() {
    let message = Bytes::base(2).memory(0xdead_beef, 0, 1).ports(0xdead_beef, 0, MOVE_SEND);
    let shape = message.check().unwrap();
    assert!(shape.descriptors().all(|descriptor| descriptor.memory().is_none()));
    assert_eq!((shape.memory(), shape.rights()), (0, 0));
    let full = memory(0x1234, 5, false, CopyOption::Physical);
    assert_eq!(full.memory(), Some((&Address(0x1234), 5)), "no address needs to be aligned");
}

#[test]
fn b4_any_byte_but_0_means_deallocate() {
    for byte in 0..=u8::MAX {
        let message = Bytes::base(2).long(0x1000).raw(&[byte, 1, 0, 1]).word(1);
        let message = message.long(0x2000).raw(&[byte, 1, MOVE_SEND, 2]).word(1);
        for descriptor in message.check().unwrap().descriptors() {
            let told = match descriptor {
                Descriptor::Memory { deallocate, .. } | Descriptor::Ports { deallocate, .. } => deallocate,
                other => panic!("{other:?}"),
            };
            assert_eq!(told, byte != 0);
        }
    }
}

#[test]
fn b5_received_memory_is_given_back_if_it_was_copied_virtually() {
    for sent in [false, true] {
        let physical = received(memory(0x1_0000_0123, 77, sent, CopyOption::Physical));
        assert_eq!(physical, Bytes::default().long(0x1_0000_0123).raw(&[0, 0, 0, 1]).word(77).0);
        let virtually = received(memory(0x1_0000_0123, 77, sent, CopyOption::Virtual));
        assert_eq!(virtually, Bytes::default().long(0x1_0000_0123).raw(&[1, 1, 0, 1]).word(77).0);
        let empty = received(memory(0x1_0000_0123, 0, sent, CopyOption::Virtual));
        assert_eq!(empty, Bytes::default().long(0).raw(&[1, 1, 0, 1]).word(0).0);
    }
    let volatile = Descriptor::Memory {
        at: Address(1),
        size: 2,
        deallocate: false,
        copy: CopyOption::Virtual,
        volatile: true,
    };
    assert_eq!(received(volatile), Bytes::default().long(1).raw(&[1, 1, 0, 3]).word(2).0);
}

#[test]
fn b6_the_names_of_an_array_share_one_disposition() {
    let message = Bytes::base(1).ports(0x1000, 3, MAKE_SEND);
    let descriptor = message.check().unwrap().descriptors().next().unwrap();
    assert_eq!(descriptor.disposition(), Some(MAKE_SEND));
    assert_eq!(descriptor.memory(), Some((&Address(0x1000), 12)), "four bytes each");
    assert_eq!(descriptor.rights(), 3);
    let most = ports(0, u32::MAX, MAKE_SEND);
    assert_eq!(most.memory(), Some((&Address(0), 4 * u64::from(u32::MAX))));
}

#[test]
fn b7_a_received_array_is_given_back() {
    let array = received(ports(0x2000, 3, MAKE_SEND_ONCE));
    assert_eq!(array, Bytes::default().long(0x2000).raw(&[1, 1, MOVE_SEND_ONCE, 2]).word(3).0);
    let empty = received(ports(0x2000, 0, COPY_SEND));
    assert_eq!(empty, Bytes::default().long(0).raw(&[1, 1, MOVE_SEND, 2]).word(0).0);
}

#[test]
fn b8_what_is_asked_of_a_guard() {
    let message = Bytes::base(1).guarded(0x0123_4567_89ab_cdef, 1, MOVE_RECEIVE, 0x203);
    let descriptor = message.check().unwrap().descriptors().next().unwrap();
    assert_eq!(descriptor, guarded(0x0123_4567_89ab_cdef, 1));
    assert_eq!((descriptor.disposition(), descriptor.rights()), (Some(MOVE_RECEIVE), 1));
}

#[test]
fn b9_a_guarded_right_is_delivered_only_to_who_asks() {
    for flags in 1..=3 {
        let context = if flags == 1 { 5 } else { 0 };
        let refused = received(guarded(context, flags));
        let expected = Bytes::default().guarded(0, flags, MOVE_RECEIVE, 0).0;
        assert_eq!(refused, expected, "NULL, without a guard");
    }
    let asked = |context, flags| received_by(Options::RCV_GUARDED_DESC, guarded(context, flags));
    let at_buffer = Bytes::default().guarded(0x7000_0000_0000, 1, MOVE_RECEIVE, 0x203).0;
    assert_eq!(asked(5, 1), at_buffer, "guarded by the address of the buffer");
    assert_eq!(asked(0, 3), at_buffer, "and that it was not guarded is not told");
    assert_eq!(asked(0, 2), Bytes::default().guarded(0, 2, MOVE_RECEIVE, 0x203).0, "not guarded");
    assert_eq!(Guarding::of(Options::RCV_GUARDED_DESC, Address(0x7000_0000_0000)), BUFFER);
    for name in [RawName::NULL, RawName::DEAD] {
        let flags = GuardFlags::IMMOVABLE_RECEIVE;
        let gone = Descriptor::GuardedPort { name, context: 5, flags };
        let expected = Bytes::default().guarded(5, 1, MOVE_RECEIVE, name.0).0;
        assert_eq!(received_by(Options::RCV_GUARDED_DESC, gone), expected, "no right, no guard");
    }
    let fates = |guarding: Guarding| {
        [1, 2, 3].map(|flags| guarding.fate(GuardFlags::from_bits(flags).expect("one of three")))
    };
    let guarded = Fate::Guarded(0x7000_0000_0000);
    assert_eq!(fates(BUFFER), [guarded, Fate::Free, guarded]);
    assert_eq!(fates(Guarding::Refused), [Fate::Destroyed; 3]);
}

#[test]
fn b10_a_receiver_sees_receive_send_or_send_once() {
    let seen = [(16, 16), (17, 17), (18, 18), (19, 17), (20, 17), (21, 18)];
    for (sent, expected) in seen {
        let port = Descriptor::Port { name: RawName(0x203), disposition: sent };
        assert_eq!(received(port), Bytes::default().port(0x203, expected).0);
        assert_eq!(received(ports(0, 0, sent))[10], expected);
        let again = port.delivered(BUFFER).delivered(BUFFER);
        assert_eq!(again, port.delivered(BUFFER), "what was received once stays so");
    }
    let null = Descriptor::Port { name: RawName::DEAD, disposition: 99 };
    assert_eq!(received(null), Bytes::default().port(DEAD, 0).0, "no right, and none is named");
}

#[test]
fn a_descriptor_can_lie_elsewhere_on_its_way() {
    let mut next = 0x40;
    let mut place = |from: Address, bytes: u64| -> Result<Offset, Address> {
        let at = next;
        next += bytes;
        if from == Address(13) { Err(from) } else { Ok(Offset(at)) }
    };
    let sent = memory(0x1234, 7, true, CopyOption::Virtual);
    let away = sent.placed(&mut place).unwrap();
    let expected = Descriptor::Memory {
        at: Offset(0x40),
        size: 7,
        deallocate: true,
        copy: CopyOption::Virtual,
        volatile: false,
    };
    assert_eq!(away, expected);
    let array = ports(0x99, 2, COPY_SEND).placed(&mut place).unwrap();
    let expected =
        Descriptor::Ports { at: Offset(0x47), count: 2, deallocate: false, disposition: COPY_SEND };
    assert_eq!(array, expected);
    assert_eq!(guarded(5, 1).placed(&mut place).unwrap().memory(), None, "nothing to place");
    assert_eq!(ports(13, 1, COPY_SEND).placed(&mut place), Err(Address(13)), "it can fail");
    let home: Result<_, ()> = away.placed(|Offset(at), bytes| Ok(Address(at + bytes)));
    assert_eq!(home, Ok(memory(0x47, 7, true, CopyOption::Virtual)));
}
