//! The three rights of a header: rows SD1 to SD4, the table of dispositions, and strict replies.

use shm_mach::wire::mach::{Bits, Code, Disposition, Envelope, Header, RawName};

use super::*;

const DEST: RawName = RawName(0x103);
const REPLY: RawName = RawName(0x203);
const VOUCHER: RawName = RawName(0x303);

/// To [`DEST`] by a copied right, without reply and voucher.
fn plain() -> Header {
    header(COPY_SEND, 0, 0)
}

fn header(remote: u8, local: u8, voucher: u8) -> Header {
    Header {
        bits: Bits::new(remote.into(), local.into(), voucher.into(), false),
        remote: DEST,
        local: if local == 0 { RawName::NULL } else { REPLY },
        voucher: if voucher == 0 { RawName::NULL } else { VOUCHER },
        ..Header::default()
    }
}

fn refusal(header: &Header) -> Option<SendRefusal> {
    Envelope::check(header, Options::NONE).err()
}

#[test]
fn sd1_bits_that_are_not_for_senders() {
    for bit in 0..32 {
        let bits = plain().bits.bits() | 1 << bit;
        let found = refusal(&Header { bits: Bits::from_bits(bits), ..plain() });
        let is_for_senders = 0x801f_1f1f_u32 & 1 << bit != 0;
        let expected = SendRefusal::HeaderBits { bits: 1 << bit };
        assert_eq!(found == Some(expected), !is_for_senders, "bit {bit}: {found:?}");
        assert_eq!(expected.code(), Code::SEND_INVALID_HEADER);
    }
}

#[test]
fn sd1_a_reply_name_needs_a_disposition() {
    for name in [REPLY, RawName::DEAD] {
        let refused = SendRefusal::ReplyDisposition { disposition: 0 };
        assert_eq!(refusal(&Header { local: name, ..plain() }), Some(refused));
        assert_eq!(refused.code(), Code::SEND_INVALID_HEADER);
    }
    assert_eq!(refusal(&plain()), None);
    for name in [RawName::NULL, RawName::DEAD] {
        let with = Header { local: name, ..header(COPY_SEND, MAKE_SEND_ONCE, 0) };
        let envelope = Envelope::check(&with, Options::NONE).unwrap();
        assert_eq!(envelope.reply, name, "a disposition needs no name");
        assert_eq!(envelope.reply_disposition, Some(Disposition::MakeSendOnce));
    }
}

#[test]
fn sd1_destination_and_reply_are_things_to_send_to() {
    for number in 0..32_u8 {
        let fits = (17..=21).contains(&number);
        let disposition = number.into();
        let found = refusal(&header(number, 0, 0));
        assert_eq!(found, (!fits).then_some(SendRefusal::DestDisposition { disposition }));
        let found = refusal(&Header { local: REPLY, ..header(COPY_SEND, number, 0) });
        assert_eq!(found, (!fits).then_some(SendRefusal::ReplyDisposition { disposition }));
    }
    assert_eq!(SendRefusal::DestDisposition { disposition: 16 }.code(), Code::SEND_INVALID_HEADER);
}

#[test]
fn sd2_a_voucher_is_moved_or_copied() {
    for number in 0..32_u8 {
        let found = refusal(&Header { voucher: VOUCHER, ..header(COPY_SEND, 0, number) });
        let refused = SendRefusal::Voucher { disposition: number.into() };
        assert_eq!(found, (![0, 17, 19].contains(&number)).then_some(refused));
        assert_eq!(refused.code(), Code::SEND_INVALID_VOUCHER);
        let found = refusal(&Header { voucher: RawName::DEAD, ..header(COPY_SEND, 0, number) });
        assert_eq!(found, (number != 0).then_some(refused), "DEAD is no voucher");
    }
    for disposition in [MOVE_SEND, COPY_SEND] {
        let null = Header { voucher: RawName::NULL, ..header(COPY_SEND, 0, disposition) };
        assert_eq!(refusal(&null), None, "a disposition with NULL is fine");
    }
    let word = Envelope::check(&Header { voucher: RawName(5), ..plain() }, Options::NONE).unwrap();
    assert_eq!((word.voucher.name, word.voucher.disposition), (RawName(5), None), "a plain word");
}

#[test]
fn sd3_the_destination_is_a_name() {
    for name in [RawName::NULL, RawName::DEAD] {
        let refused = SendRefusal::NoDest { name };
        assert_eq!(refusal(&Header { remote: name, ..plain() }), Some(refused));
        assert_eq!(refused.code(), Code::SEND_INVALID_DEST);
    }
}

#[test]
fn sd3_a_destination_that_is_the_voucher_travels_like_one() {
    for number in 17..=21 {
        let same = Header { voucher: DEST, ..header(number, 0, COPY_SEND) };
        let fits = [MOVE_SEND, COPY_SEND].contains(&number);
        assert_eq!(refusal(&same), (!fits).then_some(SendRefusal::DestIsVoucher));
        let word = Header { voucher: DEST, ..header(number, 0, 0) };
        assert_eq!(refusal(&word), None, "a word that is no voucher");
    }
    assert_eq!(SendRefusal::DestIsVoucher.code(), Code::SEND_INVALID_DEST);
}

#[test]
fn sd3_one_send_once_right_is_not_destination_and_reply() {
    for remote in 17..=21 {
        for local in 17..=21 {
            let same = Header { local: DEST, ..header(remote, local, 0) };
            let refused = [remote, local].contains(&MOVE_SEND_ONCE).then_some(SendRefusal::DestIsReply);
            assert_eq!(refusal(&same), refused);
            assert_eq!(refusal(&header(remote, local, 0)), None, "two names");
        }
    }
    assert_eq!(SendRefusal::DestIsReply.code(), Code::SEND_INVALID_DEST);
}

#[test]
fn sd4_a_strict_reply_is_a_send_once_right() {
    let check = |header: &Header| Envelope::check(header, Options::STRICT_REPLY).err();
    for local in 17..=21 {
        let fits = [MOVE_SEND_ONCE, MAKE_SEND_ONCE].contains(&local);
        assert_eq!(check(&header(COPY_SEND, local, 0)), (!fits).then_some(SendRefusal::StrictReply));
    }
    for name in [RawName::NULL, RawName::DEAD] {
        let without = Header { local: name, ..header(COPY_SEND, MAKE_SEND_ONCE, 0) };
        assert_eq!(check(&without), Some(SendRefusal::StrictReply));
    }
    assert_eq!(check(&plain()), Some(SendRefusal::StrictReply));
    assert_eq!(SendRefusal::StrictReply.code(), Code::SEND_INVALID_REPLY);
}

#[test]
fn sd4_the_reply_is_not_the_voucher() {
    let same = Header { voucher: REPLY, ..header(COPY_SEND, MAKE_SEND_ONCE, COPY_SEND) };
    assert_eq!(refusal(&same), Some(SendRefusal::ReplyIsVoucher));
    assert_eq!(SendRefusal::ReplyIsVoucher.code(), Code::SEND_INVALID_REPLY);
    let word = Header { voucher: REPLY, ..header(COPY_SEND, MAKE_SEND_ONCE, 0) };
    assert_eq!(refusal(&word), None, "a word that is no voucher");
    let null = Header {
        local: RawName::NULL,
        voucher: RawName::NULL,
        ..header(COPY_SEND, MAKE_SEND_ONCE, COPY_SEND)
    };
    assert_eq!(refusal(&null), None, "NULL twice");
}

#[test]
fn sd1_to_sd4_the_order_of_the_checks() {
    // Each step repairs what the step before was refused for.
    let steps: [(Header, SendRefusal); 8] = [
        (
            Header { bits: Bits::from_bits(0x4011_1010), local: REPLY, ..Header::default() },
            SendRefusal::HeaderBits { bits: 0x4000_0000 },
        ),
        (
            Header { local: REPLY, ..Header { remote: RawName::NULL, ..header(16, 16, 16) } },
            SendRefusal::ReplyDisposition { disposition: 16 },
        ),
        (
            Header { remote: RawName::NULL, ..header(16, COPY_SEND, 16) },
            SendRefusal::Voucher { disposition: 16 },
        ),
        (
            Header { remote: RawName::NULL, ..header(16, COPY_SEND, COPY_SEND) },
            SendRefusal::DestDisposition { disposition: 16 },
        ),
        (
            Header { remote: RawName::NULL, ..header(MAKE_SEND, COPY_SEND, COPY_SEND) },
            SendRefusal::NoDest { name: RawName::NULL },
        ),
        (
            Header { local: DEST, voucher: DEST, ..header(MOVE_SEND_ONCE, COPY_SEND, COPY_SEND) },
            SendRefusal::DestIsVoucher,
        ),
        (
            Header { local: DEST, voucher: DEST, ..header(COPY_SEND, MOVE_SEND_ONCE, COPY_SEND) },
            SendRefusal::DestIsReply,
        ),
        (
            Header { local: DEST, voucher: DEST, ..header(COPY_SEND, COPY_SEND, COPY_SEND) },
            SendRefusal::StrictReply,
        ),
    ];
    for (header, refused) in steps {
        assert_eq!(Envelope::check(&header, Options::STRICT_REPLY), Err(refused));
    }
}

#[test]
fn a_header_that_fits_is_told_apart() {
    let envelope = Envelope::check(&header(MOVE_SEND, MAKE_SEND_ONCE, COPY_SEND), Options::NONE).unwrap();
    assert_eq!((envelope.dest, envelope.dest_disposition), (DEST, Disposition::MoveSend));
    assert_eq!((envelope.reply, envelope.reply_disposition), (REPLY, Some(Disposition::MakeSendOnce)));
    assert_eq!((envelope.voucher.name, envelope.voucher.disposition), (VOUCHER, Some(Disposition::CopySend)));
}

#[test]
fn e3_options_are_machs_bits() {
    let low = [
        Options::SEND_MSG,
        Options::RCV_MSG,
        Options::RCV_LARGE,
        Options::RCV_LARGE_IDENTITY,
        Options::SEND_TIMEOUT,
        Options::SEND_OVERRIDE,
        Options::SEND_INTERRUPT,
        Options::SEND_NOTIFY,
        Options::RCV_TIMEOUT,
        Options::STRICT_REPLY,
        Options::RCV_INTERRUPT,
        Options::RCV_VOUCHER,
        Options::RCV_GUARDED_DESC,
    ];
    assert_eq!(low.map(Options::bits), std::array::from_fn(|bit| 1 << bit));
    let others = [
        (Options::RCV_SYNC_WAIT, 0x4000),
        (Options::RCV_SYNC_PEEK, 0x8000),
        (Options::SEND_FILTER_NONFATAL, 0x1_0000),
        (Options::SEND_TRAILER, 0x2_0000),
        (Options::SEND_NOIMPORTANCE, 0x4_0000),
        (Options::SEND_SYNC_OVERRIDE, 0x10_0000),
        (Options::SEND_PROPAGATE_QOS, 0x20_0000),
        (Options::SEND_SYNC_BOOTSTRAP_CHECKIN, 0x80_0000),
        (Options::NONE.with_trailer(3), 0x0300_0000),
        (Options::VECTOR, 0x1_0000_0000),
        (Options::SEND_KOBJECT_CALL, 0x2_0000_0000),
        (Options::SEND_MQ_CALL, 0x4_0000_0000),
        (Options::SEND_ANY, 0x8_0000_0000),
        (Options::SEND_DK_CALL, 0x10_0000_0000),
        (Options::RCV_LINEAR_VECTOR, 1 << 60),
        (Options::RCV_STACK, 1 << 61),
        (Options::PEEK_MSG, 1 << 62),
    ];
    for (option, bits) in others {
        assert_eq!(option.bits(), bits, "{option:?}");
    }
}
