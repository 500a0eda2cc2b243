//! A refused message comes back: row SD20, and what T4 and B9 say of it.

use shm_mach::wire::mach::{
    Address, Code, Content, CopyOption, Descriptor, Disposition, GuardFlags, PortType, RawName, Returned,
    Voucher,
};

use super::*;

const AT: Address = Address(0x6000_0000);

fn returned(content: Content<'_>) -> Returned<'_> {
    Returned {
        id: 7,
        dest: RawName(0x103),
        dest_type: PortType::Send,
        reply: RawName(0x203),
        reply_type: Some(PortType::SendOnce),
        is_reply_port: false,
        voucher: Voucher::NONE,
        content,
    }
}

fn header_words(returned: &Returned<'_>) -> Vec<u32> {
    let mut buffer = [0xaa; 128];
    returned.deliver(&mut buffer, AT).unwrap();
    words(&buffer[..24])
}

#[test]
fn sd20_the_header_is_not_reversed_and_all_rights_are_to_be_moved() {
    let plain = returned(Content::default());
    assert_eq!(header_words(&plain), [17 | 18 << 8, 24, 0x103, 0x203, 0, 7]);
    let other = Returned { dest_type: PortType::SendOnce, reply_type: Some(PortType::Send), ..plain };
    assert_eq!(header_words(&other)[0], 18 | 17 << 8);
    let without = Returned { reply: RawName::NULL, reply_type: None, ..plain };
    assert_eq!(header_words(&without), [17, 24, 0x103, 0, 0, 7]);
    let dead = Returned { reply: RawName::DEAD, ..plain };
    assert_eq!(header_words(&dead), [17 | 18 << 8, 24, 0x103, DEAD, 0, 7]);
}

#[test]
fn sd20_a_reply_port_keeps_its_name() {
    let reply = Returned { is_reply_port: true, ..returned(Content::default()) };
    assert_eq!(header_words(&reply)[0], 17 | 21 << 8);
    for gone in [RawName::NULL, RawName::DEAD] {
        assert_eq!(header_words(&Returned { reply: gone, ..reply })[0], 17 | 18 << 8, "unless it is gone");
    }
}

#[test]
fn sd20_a_voucher_that_was_copied_is_as_it_was() {
    for (disposition, number) in [(Disposition::MoveSend, 17), (Disposition::CopySend, 19)] {
        let voucher = Voucher { name: RawName(0x303), disposition: Some(disposition) };
        let header = header_words(&Returned { voucher, ..returned(Content::default()) });
        assert_eq!((header[0] >> 16, header[4]), (number, 0x303));
    }
    let word = Voucher { name: RawName(5), disposition: None };
    let header = header_words(&Returned { voucher: word, ..returned(Content::default()) });
    assert_eq!((header[0] >> 16, header[4]), (0, 5));
}

#[test]
fn sd20_t4_the_body_comes_back_with_new_names_and_no_trailer() {
    let descriptors = [
        Descriptor::Port { name: RawName(0x403), disposition: MAKE_SEND },
        Descriptor::Memory {
            at: Address(0x9000),
            size: 5,
            deallocate: true,
            copy: CopyOption::Physical,
            volatile: false,
        },
        Descriptor::Memory {
            at: Address(0xa000),
            size: 5,
            deallocate: false,
            copy: CopyOption::Virtual,
            volatile: false,
        },
        Descriptor::Ports { at: Address(0xb000), count: 1, deallocate: false, disposition: COPY_SEND },
    ];
    let content = Content { is_complex: true, descriptors: &descriptors, body: b"body" };
    let mut buffer = [0xaa; 96];
    assert_eq!(returned(content).deliver(&mut buffer, AT), Ok(92), "as long as what was sent");
    let expected = Bytes::words(&[COMPLEX | 17 | 18 << 8, 92, 0x103, 0x203, 0, 7, 4])
        .port(0x403, MOVE_SEND)
        .long(0x9000)
        .raw(&[0, 0, 0, 1])
        .word(5)
        .long(0xa000)
        .raw(&[1, 1, 0, 1])
        .word(5)
        .long(0xb000)
        .raw(&[1, 1, MOVE_SEND, 2])
        .word(1)
        .raw(b"body")
        .raw(&[0xaa; 4]);
    assert_eq!(buffer[..], expected.0);
}

#[test]
fn sd20_what_came_back_can_be_sent_again() {
    let descriptors = [Descriptor::Port { name: RawName(0x403), disposition: MAKE_SEND_ONCE }];
    let content = Content { descriptors: &descriptors, body: &[1; 8], ..Content::default() };
    let mut buffer = [0; 48];
    returned(content).deliver(&mut buffer, AT).unwrap();
    let again = Bytes(buffer.to_vec());
    let shape = again.check().unwrap();
    let port = shape.descriptors().next();
    assert_eq!(port, Some(Descriptor::Port { name: RawName(0x403), disposition: MOVE_SEND_ONCE }));
    let envelope = shm_mach::wire::mach::Envelope::check(shape.header(), Options::NONE).unwrap();
    assert_eq!(envelope.dest_disposition, Disposition::MoveSend);
    assert_eq!(envelope.reply_disposition, Some(Disposition::MoveSendOnce));
}

#[test]
fn b9_a_guarded_right_comes_back_whatever_was_asked_for() {
    let flags = GuardFlags::from_bits(3).unwrap();
    let descriptors = [Descriptor::GuardedPort { name: RawName(0x403), context: 0, flags }];
    let content = Content { descriptors: &descriptors, ..Content::default() };
    let mut buffer = [0; 44];
    returned(content).deliver(&mut buffer, AT).unwrap();
    assert_eq!(buffer[28..], Bytes::default().guarded(AT.0, 1, MOVE_RECEIVE, 0x403).0);
}

#[test]
fn a_buffer_that_is_shorter_than_what_was_sent_is_left_alone() {
    let mut buffer = [0xaa; 27];
    let content = Content { body: b"four", ..Content::default() };
    let failure = returned(content).deliver(&mut buffer, AT).unwrap_err();
    assert_eq!((failure.code(), buffer), (Code::RCV_TOO_LARGE, [0xaa; 27]));
}
