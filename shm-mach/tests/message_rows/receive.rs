//! A message into the receiver's buffer: the parts of rows V3 to V10 that bytes alone decide.

use shm_mach::wire::mach::arrival::tell_size;
use shm_mach::wire::mach::content::{buffer_size, fit, message_size};
use shm_mach::wire::mach::{
    Address, Arrival, AuditToken, Code, Content, CopyOption, DeliveryFailure, Descriptor, Disposition, Fit,
    PortType, RawName, Remains, SecurityToken, Special, Trailer, Voucher,
};

use super::*;

const AT: Address = Address(0x7000_0000_0000);

/// A message with id 7 to port 0x103, with a reply right.
pub(crate) fn arrival(content: Content<'_>) -> Arrival<'_> {
    Arrival {
        id: 7,
        port: RawName(0x103),
        port_type: PortType::Send,
        reply: RawName(0x203),
        reply_type: Some(PortType::SendOnce),
        voucher: Voucher::NONE,
        content,
        trailer: Trailer {
            seqno: 3,
            sender: SecurityToken { uid: 1, gid: 2 },
            audit: AuditToken([9; 8]),
            context: 4,
        },
    }
}

fn remains() -> Remains {
    Remains {
        id: 7,
        is_complex: false,
        port: RawName(0x103),
        port_type: PortType::Send,
        reply: RawName(0x203),
        reply_type: Some(PortType::SendOnce),
        voucher: Voucher::NONE,
        seqno: 3,
        context: 0,
    }
}

fn held(name: u32) -> Voucher {
    Voucher { name: RawName(name), disposition: Some(Disposition::CopySend) }
}

/// The words of the header in the buffer of this arrival.
fn header_words(arrival: &Arrival<'_>, options: Options) -> Vec<u32> {
    let mut buffer = [0xaa; 256];
    arrival.deliver(options, &mut buffer, AT).unwrap();
    words(&buffer[..24])
}

#[test]
fn v3_what_does_not_fit_is_not_written() {
    let descriptors = [Descriptor::Port { name: RawName(0x303), disposition: COPY_SEND }];
    let content = Content { descriptors: &descriptors, body: b"body", ..Content::default() };
    for elements in 0..16 {
        let options = Options::NONE.with_trailer(elements);
        let needed = 28 + 12 + 4 + options.trailer_size() as usize;
        assert_eq!(buffer_size(content.size(), options), needed as u64);
        let mut buffer = vec![0xaa; needed];
        assert_eq!(arrival(content).deliver(options, &mut buffer, AT), Ok(needed), "it just fits");
        let mut buffer = vec![0xaa; needed - 1];
        let failure = arrival(content).deliver(options, &mut buffer, AT).unwrap_err();
        let expected = DeliveryFailure::TooLarge { needed: needed as u64, room: needed as u64 - 1 };
        assert_eq!((failure, failure.code()), (expected, Code::RCV_TOO_LARGE));
        assert!(buffer.iter().all(|byte| *byte == 0xaa));
    }
}

#[test]
fn v3_v4_what_does_not_fit_is_destroyed_or_stays() {
    let large = Options::RCV_LARGE.with_trailer(3);
    for size in [24, 27, 28, 100] {
        let needed = u64::next_multiple_of(size, 4) + 52;
        for options in [large, Options::NONE.with_trailer(3)] {
            assert_eq!(fit(size, options, needed), Fit::Whole);
            assert_eq!(fit(size, options, u64::MAX), Fit::Whole);
        }
        for room in [0, 24, needed - 1] {
            assert_eq!(fit(size, large, room), Fit::Stays);
            assert_eq!(fit(size, Options::NONE.with_trailer(3), room), Fit::Destroyed);
            let identity = Options::RCV_LARGE_IDENTITY.with_trailer(3);
            assert_eq!(fit(size, identity, room), Fit::Destroyed, "which asks for nothing alone");
        }
    }
}

#[test]
fn v3_a_destroyed_message_leaves_a_header_and_a_trailer() {
    let mut buffer = [0xaa; 100];
    let options = Options::NONE.with_trailer(4);
    assert_eq!(remains().deliver(options, &mut buffer), Ok(24 + 60));
    assert_eq!(words(&buffer[..24]), [18 | 17 << 8, 24, 0, 0x103, 0, 7], "reversed, the reply gone");
    let trailer = [0, 60, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(words(&buffer[24..84]), trailer, "its number, and no sender");
    assert_eq!(buffer[84], 0xaa);
    let dead = Remains { reply: RawName::DEAD, port: RawName::DEAD, is_complex: true, ..remains() };
    dead.deliver(options, &mut buffer).unwrap();
    assert_eq!(words(&buffer[..24]), [COMPLEX | 18 | 17 << 8, 24, DEAD, DEAD, 0, 7]);
    let without = Remains { reply: RawName::NULL, reply_type: None, ..remains() };
    without.deliver(options, &mut buffer).unwrap();
    assert_eq!(words(&buffer[..12]), [17 << 8, 24, 0]);
    let voucher = Remains { voucher: held(0x303), ..remains() };
    assert_eq!((voucher.header().bits.voucher(), voucher.header().voucher), (17, RawName::NULL));
    let word = Voucher { name: RawName(5), disposition: None };
    let word = Remains { voucher: word, ..remains() };
    assert_eq!((word.header().bits.voucher(), word.header().voucher), (0, RawName(5)), "a plain word stays");
}

#[test]
fn v3_of_the_trailer_comes_what_fits() {
    let options = Options::NONE.with_trailer(3);
    let mut whole = [0; 76];
    remains().deliver(options, &mut whole).unwrap();
    for room in 0..80 {
        let mut buffer = vec![0xaa; room];
        let written = remains().deliver(options, &mut buffer);
        if room < 24 {
            let failure = written.unwrap_err();
            assert_eq!(failure, DeliveryFailure::NoRoom { room: room as u64 });
            assert_eq!(failure.code(), Code::RCV_INVALID_DATA);
            assert!(buffer.iter().all(|byte| *byte == 0xaa));
        } else {
            assert_eq!(written, Ok(room.min(76)));
            assert_eq!(buffer[..room.min(76)], whole[..room.min(76)]);
        }
    }
}

#[test]
fn v4_a_message_that_stays_tells_its_size_and_perhaps_its_port() {
    let identity = Options::RCV_LARGE | Options::RCV_LARGE_IDENTITY;
    for room in 0..32_usize {
        for options in [Options::RCV_LARGE, identity] {
            let mut buffer = vec![0xaa; room];
            tell_size(0x1234, RawName(0x103), options, &mut buffer);
            let mut expected = vec![0xaa; room];
            if room >= 8 {
                expected[4..8].copy_from_slice(&0x1234_u32.to_le_bytes());
            }
            if room >= 16 && options == identity {
                expected[12..16].copy_from_slice(&0x103_u32.to_le_bytes());
            }
            assert_eq!(buffer, expected, "{room} bytes, {options:?}");
        }
    }
}

#[test]
fn v4_the_size_told_is_without_the_trailer() {
    let memory = Descriptor::Memory {
        at: shm_mach::wire::mach::Offset(0),
        size: 9999,
        deallocate: false,
        copy: CopyOption::Virtual,
        volatile: false,
    };
    let port = Descriptor::Port { name: RawName::NULL, disposition: 0 };
    assert_eq!(message_size(true, &[memory, port], 100), 28 + 16 + 12 + 100);
    assert_eq!(message_size::<Address>(true, &[], 0), 28);
    assert_eq!(message_size::<Address>(false, &[], 3), 27);
    assert_eq!(buffer_size(27, Options::NONE), 28 + 8);
    assert_eq!(buffer_size(u64::MAX, Options::NONE), u64::MAX, "never wraps");
}

#[test]
fn v5_remote_and_local_change_places() {
    let content = Content { body: b"four", ..Content::default() };
    let sent = header_words(&arrival(content), Options::NONE);
    assert_eq!(sent, [18 | 17 << 8, 28, 0x203, 0x103, 0, 7]);
    let other = Arrival {
        port_type: PortType::SendOnce,
        reply: RawName::NULL,
        reply_type: None,
        id: -1,
        ..arrival(content)
    };
    assert_eq!(header_words(&other, Options::NONE), [18 << 8, 28, 0, 0x103, 0, u32::MAX]);
    let null = Arrival { reply: RawName::NULL, reply_type: Some(PortType::Send), ..arrival(content) };
    let expected = [17 | 17 << 8, 28, 0, 0x103, 0, 7];
    assert_eq!(header_words(&null, Options::NONE), expected, "a disposition needs no name");
}

#[test]
fn v5_complex_is_kept_also_without_descriptors() {
    let content = Content { is_complex: true, ..Content::default() };
    let mut buffer = [0xaa; 36];
    assert_eq!(arrival(content).deliver(Options::NONE, &mut buffer, AT), Ok(36));
    assert_eq!(words(&buffer), [COMPLEX | 18 | 17 << 8, 28, 0x203, 0x103, 0, 7, 0, 0, 8]);
}

#[test]
fn v5_a_voucher_is_for_who_asks() {
    let shown = |voucher, options| {
        let with = Arrival { voucher, ..arrival(Content::default()) };
        let header = header_words(&with, options);
        (header[0] >> 16, header[4])
    };
    for disposition in [Disposition::MoveSend, Disposition::CopySend] {
        let voucher = Voucher { name: RawName(0x303), disposition: Some(disposition) };
        assert_eq!(shown(voucher, Options::RCV_VOUCHER), (17, 0x303));
        assert_eq!(shown(voucher, Options::NONE), (0, 0));
    }
    assert_eq!(shown(held(0), Options::RCV_VOUCHER), (17, 0), "a disposition with NULL");
    let word = Voucher { name: RawName(5), disposition: None };
    assert_eq!(shown(word, Options::NONE), (0, 5), "a plain word travels");
    assert_eq!(shown(word, Options::RCV_VOUCHER), (0, 5));
}

#[test]
fn v6_v7_a_right_that_is_gone_is_null_and_a_dead_one_dead() {
    for gone in [RawName::NULL, RawName::DEAD] {
        let with = Arrival { port: gone, reply: RawName::DEAD, ..arrival(Content::default()) };
        let expected = [18 | 17 << 8, 24, DEAD, gone.0, 0, 7];
        assert_eq!(header_words(&with, Options::NONE), expected);
    }
}

#[test]
fn v10_what_could_not_be_handed_over_is_told_beside_the_error() {
    let special = Special::IPC_SPACE | Special::VM_KERNEL;
    let code = Code::RCV_BODY_ERROR.with(special);
    assert_eq!(code.get(), 0x1000_640c);
    assert_eq!((code.plain(), code.special()), (Code::RCV_BODY_ERROR, special));
    let all = Special::IPC_SPACE | Special::VM_SPACE | Special::IPC_KERNEL | Special::VM_KERNEL;
    for code in [Code::RCV_HEADER_ERROR, Code::SEND_TIMED_OUT, Code::SEND_NO_BUFFER] {
        assert_eq!((code.with(all).plain(), code.with(all).special()), (code, all));
        assert_eq!(code.special(), Special::NONE);
    }
    assert_eq!(all.get() & !Special::MASK, 0);
    let failed = [
        Descriptor::Port { name: RawName::NULL, disposition: MOVE_RECEIVE },
        Descriptor::Memory {
            at: Address(0x9999),
            size: 0,
            deallocate: false,
            copy: CopyOption::Virtual,
            volatile: false,
        },
        Descriptor::Ports { at: Address(0), count: 2, deallocate: false, disposition: MOVE_SEND },
    ];
    let content = Content { descriptors: &failed, ..Content::default() };
    let mut buffer = [0xaa; 80];
    assert_eq!(arrival(content).deliver(Options::NONE, &mut buffer, AT), Ok(80));
    let expected = Bytes::default()
        .port(0, MOVE_RECEIVE)
        .long(0)
        .raw(&[1, 1, 0, 1])
        .word(0)
        .long(0)
        .raw(&[1, 1, MOVE_SEND, 2])
        .word(2);
    assert_eq!(buffer[28..72], expected.0);
}

#[test]
fn the_trailer_behind_a_message_is_the_one_asked_for() {
    let mut buffer = [0; 100];
    let options = Options::NONE.with_trailer(2);
    let written = arrival(Content { body: &[1; 8], ..Content::default() }).deliver(options, &mut buffer, AT);
    assert_eq!(written, Ok(32 + 20));
    assert_eq!(words(&buffer[32..52]), [0, 20, 3, 1, 2]);
}

#[test]
fn codes_are_machs() {
    let send = [
        Code::SEND_INVALID_DATA,
        Code::SEND_INVALID_DEST,
        Code::SEND_TIMED_OUT,
        Code::SEND_INVALID_VOUCHER,
        Code::SEND_INTERRUPTED,
        Code::SEND_MSG_TOO_SMALL,
        Code::SEND_INVALID_REPLY,
        Code::SEND_INVALID_RIGHT,
        Code::SEND_INVALID_NOTIFY,
        Code::SEND_INVALID_MEMORY,
        Code::SEND_NO_BUFFER,
        Code::SEND_TOO_LARGE,
        Code::SEND_INVALID_TYPE,
        Code::SEND_INVALID_HEADER,
        Code::SEND_INVALID_TRAILER,
        Code::SEND_INVALID_CONTEXT,
        Code::SEND_INVALID_OPTIONS,
        Code::SEND_NO_GRANT_DEST,
        Code::SEND_MSG_FILTERED,
        Code::SEND_AUX_TOO_SMALL,
        Code::SEND_AUX_TOO_LARGE,
    ];
    let numbers =
        [2, 3, 4, 5, 7, 8, 9, 0xa, 0xb, 0xc, 0xd, 0xe, 0xf, 0x10, 0x11, 0x12, 0x13, 0x16, 0x17, 0x18, 0x19];
    assert_eq!(send.map(|code| code.get() - 0x1000_0000), numbers);
    let receive = [
        Code::RCV_INVALID_NAME,
        Code::RCV_TIMED_OUT,
        Code::RCV_TOO_LARGE,
        Code::RCV_INTERRUPTED,
        Code::RCV_PORT_CHANGED,
        Code::RCV_INVALID_NOTIFY,
        Code::RCV_INVALID_DATA,
        Code::RCV_PORT_DIED,
        Code::RCV_IN_SET,
        Code::RCV_HEADER_ERROR,
        Code::RCV_BODY_ERROR,
        Code::RCV_INVALID_TYPE,
        Code::RCV_SCATTER_SMALL,
        Code::RCV_INVALID_TRAILER,
        Code::RCV_INVALID_REPLY,
        Code::RCV_INVALID_ARGUMENTS,
    ];
    let numbers = [2, 3, 4, 5, 6, 7, 8, 9, 0xa, 0xb, 0xc, 0xd, 0xe, 0xf, 0x12, 0x13];
    assert_eq!(receive.map(|code| code.get() - 0x1000_4000), numbers);
    assert_eq!(Code::SUCCESS.get(), 0);
    let special = [Special::IPC_SPACE, Special::VM_SPACE, Special::IPC_KERNEL, Special::VM_KERNEL];
    assert_eq!(special.map(Special::get), [0x2000, 0x1000, 0x800, 0x400]);
}
