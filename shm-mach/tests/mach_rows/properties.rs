//! Any message that is sent arrives, and is then what was sent.

use proptest::prelude::*;

use super::*;

/// One descriptor, as drawn: what kind of thing it carries.
#[derive(Clone, Debug)]
enum Piece {
    Null,
    Dead,
    Send { disposition: u32 },
    Once,
    Memory { size: usize, copy: u8 },
    Names { count: usize },
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        Just(Piece::Null),
        Just(Piece::Dead),
        (MOVE_SEND..=MAKE_SEND)
            .prop_filter("a send right", |number| *number != MOVE_SEND_ONCE)
            .prop_map(|disposition| Piece::Send { disposition }),
        Just(Piece::Once),
        (0..20_000usize, 0..2u8).prop_map(|(size, copy)| Piece::Memory { size, copy }),
        (0..20usize).prop_map(|count| Piece::Names { count }),
    ]
}

#[derive(Clone, Debug)]
struct Drawn {
    is_complex: bool,
    pieces: Vec<Piece>,
    body: Vec<u8>,
    id: u32,
    voucher: u32,
    reply: u32,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let pieces = prop::collection::vec(piece(), 0..12);
    let body = prop::collection::vec(any::<u8>(), 0..400);
    let reply = prop_oneof![Just(0), Just(MAKE_SEND), Just(MAKE_SEND_ONCE), Just(COPY_SEND)];
    (any::<bool>(), pieces, body, any::<u32>(), any::<u32>(), reply).prop_map(
        |(is_complex, pieces, mut body, id, voucher, reply)| {
            body.truncate(body.len() / 4 * 4);
            let is_complex = is_complex || !pieces.is_empty();
            Drawn { is_complex, pieces, body, id, voucher, reply }
        },
    )
}

/// Builds the message, to `to`; gives memory that it leads to, which must live as long.
fn build(drawn: &Drawn, to: u32, own: u32) -> (Bytes, Vec<Vec<u8>>) {
    let reply = if drawn.reply == 0 { NULL } else { own };
    let mut message = Bytes::header((COPY_SEND, drawn.reply), to, reply, drawn.id).voucher(drawn.voucher, 0);
    if drawn.is_complex {
        message = message.complex(drawn.pieces.len() as u32);
    }
    let mut memory = Vec::new();
    for (at, piece) in drawn.pieces.iter().enumerate() {
        message = match piece {
            Piece::Null => message.port(NULL, 7),
            Piece::Dead => message.port(DEAD, MAKE_SEND),
            Piece::Send { disposition } => message.port(own, *disposition),
            Piece::Once => message.port(own, MAKE_SEND_ONCE),
            Piece::Memory { size, copy } => {
                memory.push((0..*size).map(|byte| (byte * (at + 3)) as u8).collect::<Vec<u8>>());
                let at = memory.last().unwrap().as_ptr().addr() as u64;
                message.memory(at, *size as u32, 0, *copy)
            }
            Piece::Names { count } => {
                memory.push([own, NULL].map(u32::to_le_bytes).concat().repeat(*count));
                let at = memory.last().unwrap().as_ptr().addr() as u64;
                message.ports(at, 2 * *count as u32, 0, COPY_SEND)
            }
        };
    }
    (message.raw(&drawn.body), memory)
}

/// Looks at what arrived, and gives all of it up.
fn compare(task: &Task, drawn: &Drawn, got: &Got, memory: &[Vec<u8>]) {
    let reply = if drawn.reply == 0 {
        0
    } else if drawn.reply == MAKE_SEND_ONCE {
        18
    } else {
        17
    };
    assert_eq!(got.bits(), reply | 17 << 8 | if drawn.is_complex { COMPLEX } else { 0 });
    assert_eq!((got.id(), got.word(16)), (drawn.id, drawn.voucher));
    let give_up = |name: u32, expected: TypeBits| {
        assert_eq!(kind(task, name), Some(expected));
        task.deallocate(raw(name)).unwrap();
    };
    match reply {
        17 => give_up(got.remote(), TypeBits::SEND),
        18 => give_up(got.remote(), TypeBits::SEND_ONCE),
        _ => assert_eq!(got.remote(), NULL),
    }
    let (mut at, mut memory) = (24 + 4 * usize::from(drawn.is_complex), memory.iter());
    for piece in &drawn.pieces {
        let (name, disposition) = (got.word(at), got.word(at + 8) >> 16 & 0xff);
        match piece {
            Piece::Null => assert_eq!((name, disposition), (NULL, 0)),
            Piece::Dead => assert_eq!((name, disposition), (DEAD, 17)),
            Piece::Send { .. } => {
                assert_eq!(disposition, 17);
                give_up(name, TypeBits::SEND);
            }
            Piece::Once => {
                assert_eq!(disposition, 18);
                give_up(name, TypeBits::SEND_ONCE);
            }
            Piece::Memory { size, copy } => {
                let sent = memory.next().unwrap();
                assert_eq!(
                    (got.word(at + 12) as usize, got.bytes[at + 8..at + 10].to_vec()),
                    (*size, vec![*copy; 2])
                );
                take_memory(got.long(at), sent);
                at += 4;
            }
            Piece::Names { count } => {
                assert_eq!(got.word(at + 12) as usize, 2 * count);
                let names = memory_at(got.long(at), 8 * count);
                for pair in names.as_chunks::<8>().0 {
                    give_up(u32::from_le_bytes(*pair.first_chunk().unwrap()), TypeBits::SEND);
                    assert_eq!(pair[4..], [0; 4]);
                }
                take_memory(got.long(at), &names);
                memory.next();
                at += 4;
            }
        }
        at += 12;
    }
    assert_eq!(got.from(at), drawn.body);
}

fn take_memory(at: u64, sent: &[u8]) {
    if sent.is_empty() {
        return assert_eq!(at, 0);
    }
    assert_eq!(memory_at(at, sent.len()), sent);
    common::sys::unmap(at, sent.len());
}

#[test]
fn any_message_arrives_as_it_was_sent_and_leaves_nothing() {
    let two = two();
    let own = port(&two.one);
    two.one.with_receive_right(raw(own), |port| port.make_send().into_name()).unwrap();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(150);
    let mut config = ProptestConfig::with_cases(cases);
    config.failure_persistence = None;
    proptest!(config, |(drawn in drawn())| {
        let moved = drawn.pieces.iter().filter(|piece| matches!(piece, Piece::Send { disposition: MOVE_SEND }));
        two.one.mod_refs(raw(own), RightKind::Send, moved.count() as i32).unwrap();
        let names = (two.one.names().unwrap().len(), two.other.names().unwrap().len());
        let (mut message, memory) = build(&drawn, two.to, own);
        prop_assert_eq!(message.send(&two.one), Code::SUCCESS);
        let got = receive(&two.other, two.port);
        compare(&two.other, &drawn, &got, &memory);
        let once = drawn.pieces.iter().filter(|piece| matches!(piece, Piece::Once)).count();
        for _ in 0..once + usize::from(drawn.reply == MAKE_SEND_ONCE) {
            prop_assert_eq!(receive(&two.one, own).id(), 71);
        }
        prop_assert_eq!(refs(&two.one, own, RightKind::Send), 1);
        prop_assert_eq!((two.one.names().unwrap().len(), two.other.names().unwrap().len()), names);
    });
}
