//! What follows a received message.

use super::*;

#[test]
fn t1_a_trailer_is_as_long_as_was_asked_for() {
    let two = two();
    for (elements, size) in [(0, 8), (1, 12), (2, 20), (3, 52), (4, 60), (5, 68), (7, 68), (8, 68), (15, 68)]
    {
        assert_eq!(Bytes::to(two.to, elements).raw(b"12345678").send(&two.one), Code::SUCCESS);
        let options = Options::NONE.with_trailer(elements);
        let got = receive_with(&two.other, two.port, options, 4096, SOON);
        assert_eq!((got.code, got.id(), got.size()), (Code::SUCCESS, elements, 32));
        assert_eq!((got.word(32), got.word(36), got.trailer().len()), (0, size, size as usize));
        assert!(got.bytes[32 + size as usize..].iter().all(|byte| *byte == 0xaa), "nothing behind it");
    }
}

#[test]
fn t1_the_trailer_of_a_message_of_any_length_is_aligned() {
    let two = two();
    let to = two.one.send_right(raw(two.to)).unwrap();
    for length in 0..9 {
        to.send(Message::new(1, &vec![7; length])).unwrap();
        let got = receive(&two.other, two.port);
        assert_eq!((got.size(), got.from(24)), (24 + length, &vec![7; length][..]));
        assert_eq!(got.trailer()[..], [0, 0, 0, 0, 8, 0, 0, 0]);
        assert!(got.bytes[24 + length..(24 + length).next_multiple_of(4)].iter().all(|byte| *byte == 0));
    }
}

#[test]
fn t2_tokens_are_those_of_the_sending_task() {
    let two = two();
    let sender = two.one.identity();
    assert_eq!(Bytes::to(two.to, 1).send(&two.one), Code::SUCCESS);
    let got = receive_with(&two.other, two.port, Options::NONE.with_trailer(3), 4096, SOON);
    let words: Vec<u32> = (0..13).map(|at| got.word(24 + at * 4)).collect();
    assert_eq!(words[..5], [0, 52, 0, sender.uid, sender.gid]);
    let (uid, gid) = (sender.uid, sender.gid);
    assert_eq!(words[5..], [uid, uid, gid, uid, gid, sender.pid, 0, 0]);
}

#[test]
fn t2_what_the_system_sends_has_its_own_tokens() {
    let task = alone();
    let port = port(&task);
    let once = send_once(&task, port);
    task.deallocate(raw(once)).unwrap();
    let got = receive_with(&task, port, Options::NONE.with_trailer(3), 4096, SOON);
    assert_eq!((got.id(), got.bits(), got.size()), (71, 18 << 8, 24));
    let words: Vec<u32> = (0..13).map(|at| got.word(24 + at * 4)).collect();
    assert_eq!(words, [0, 52, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    task.with_receive_right(raw(port), |port| port.request_no_senders(0, port)).unwrap();
    let got = receive(&task, port);
    assert_eq!((got.id(), got.size()), (70, 36));
    assert_eq!(got.from(24), [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn t3_the_number_is_that_before_the_message() {
    let two = two();
    let number = |room| {
        assert_eq!(Bytes::to(two.to, 1).raw(&[0; 20]).send(&two.one), Code::SUCCESS);
        let got = receive_with(&two.other, two.port, Options::NONE.with_trailer(1), room, SOON);
        let at = got.size();
        (got.code, got.word(at + 8))
    };
    assert_eq!([number(56), number(56)], [(Code::SUCCESS, 0), (Code::SUCCESS, 1)]);
    assert_eq!(number(55), (Code::RCV_TOO_LARGE, 2), "one that is destroyed has one");
    assert_eq!(number(56), (Code::SUCCESS, 3));
}

#[test]
fn t1_the_context_is_that_of_the_receive() {
    let two = two();
    for (context, elements, told) in [(5, 4, 5), (u64::MAX - 2, 7, u64::MAX - 2), (9, 3, 0)] {
        assert_eq!(Bytes::to(two.to, 1).send(&two.one), Code::SUCCESS);
        two.other.set_context(raw(two.port), context).unwrap();
        let got = receive_with(&two.other, two.port, Options::NONE.with_trailer(elements), 4096, SOON);
        let trailer = got.trailer();
        let seen = trailer.get(52..60).map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
        assert_eq!(seen, told);
        assert!(trailer.iter().skip(60).all(|byte| *byte == 0));
    }
}
