//! Every decoder is total: whatever a peer writes, it yields a checked value or a refusal, and never
//! a panic. And what is encoded is decoded.

use std::num::NonZeroU32;

use proptest::array::{uniform4, uniform32};
use proptest::collection::vec;
use proptest::prelude::*;
use shm_mach::ring::slot::{
    BODY_MAX, Head, INLINE, Kind, LENGTH_MAX, Nonsense, PAYLOAD_UNIT, RIGHT_BYTES, RIGHTS_MAX, Short, Token,
};
use shm_mach::wire::control::{self, Control, End};
use shm_mach::wire::hello::{ECHO_BYTES, HELLO_BYTES, Hello, echo};
use shm_mach::wire::mach::form::{Form, RIGHT, Reply, encode};
use shm_mach::wire::mach::{
    Address, CopyOption, Descriptor, Disposition, GuardFlags, Offset, PortType, RawName,
};
use shm_mach::wire::record::Record;
use shm_mach::wire::request::PortRef;

fn config() -> ProptestConfig {
    let cases = if cfg!(miri) { 4 } else { 2048 };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Any word; more often than by chance one of the values at which something changes.
fn word() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), 0..5u32, Just(u32::MAX), Just(0xffff), Just(1 << 16)]
}

/// Bytes whose words are often small: kinds and counts are at the front.
fn bytes(words: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(word(), words).prop_map(|words| words.into_iter().flat_map(u32::to_le_bytes).collect())
}

/// Any but 0, and 1 more often than by chance.
fn not_zero() -> impl Strategy<Value = u32> {
    word().prop_map(|word| word.max(1))
}

fn control() -> impl Strategy<Value = Control> {
    let opened = (not_zero(), not_zero(), word(), word(), any::<u64>(), any::<u64>());
    prop_oneof![
        opened.prop_map(|(lane, generation, port, epoch, key, start)| Control::Opened {
            lane,
            generation,
            port,
            epoch,
            key,
            start,
        }),
        (word(), word(), any::<u64>(), any::<u64>(), any::<u64>())
            .prop_map(|(port, epoch, key, count, by)| Control::Returned { port, epoch, key, count, by }),
        (word(), word(), any::<u64>(), any::<u64>())
            .prop_map(|(port, epoch, key, receiver)| Control::Unsent { port, epoch, key, receiver }),
        (word(), word(), any::<u64>(), any::<u64>(), any::<u64>())
            .prop_map(|(port, epoch, key, held, issuer)| Control::Settled { port, epoch, key, held, issuer }),
        (not_zero(), any::<u64>()).prop_map(|(lane, end)| Control::Abandoned { lane, end }),
        (not_zero(), not_zero(), any::<u64>(), any::<u64>()).prop_map(|(lane, generation, number, start)| {
            Control::Claimed { lane, generation, number, start }
        }),
        (any::<u64>(), any::<u16>(), word()).prop_map(|(number, slot, generation)| Control::Dropped {
            number,
            token: Token { slot, generation },
        }),
        any::<NonZeroU32>().prop_map(|region| Control::Retired { region }),
        (word(), word(), any::<u64>(), any::<u64>())
            .prop_map(|(port, epoch, key, serial)| Control::Watched { port, epoch, key, serial }),
        (word(), word(), any::<u64>(), any::<u64>(), end())
            .prop_map(|(port, epoch, key, serial, end)| Control::Ended { port, epoch, key, serial, end }),
    ]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Died), Just(End::Revoked), Just(End::Void)]
}

fn hello() -> impl Strategy<Value = Hello> {
    (word(), any::<u64>(), word(), word(), any::<u64>())
        .prop_map(|(features, nonce, port, limit, key)| Hello { features, nonce, port, limit, key })
}

fn port() -> impl Strategy<Value = PortRef> {
    (word(), word(), any::<u64>(), word()).prop_map(|(port, epoch, key, limit)| PortRef {
        port,
        epoch,
        key,
        limit,
    })
}

fn record() -> impl Strategy<Value = Record> {
    prop_oneof![
        port().prop_map(Record::Send),
        (any::<u64>(), port()).prop_map(|(receiver, port)| Record::Granted { receiver, port }),
        (any::<u16>(), word()).prop_map(|(slot, generation)| Record::SendOnce(Token { slot, generation })),
        (any::<u64>(), any::<u64>(), any::<bool>())
            .prop_map(|(receiver, number, is_reply)| Record::Numbered { receiver, number, is_reply }),
        any::<u64>().prop_map(|key| Record::Receive { key }),
        Just(Record::Dead),
        form().prop_map(Record::Form),
    ]
}

fn port_type() -> impl Strategy<Value = PortType> {
    prop_oneof![Just(PortType::Send), Just(PortType::SendOnce)]
}

fn reply() -> impl Strategy<Value = Reply> {
    let plain = prop_oneof![Just(Reply::Once), Just(Reply::Right)];
    prop_oneof![plain, port_type().prop_map(Reply::Null), port_type().prop_map(Reply::Dead)]
}

/// Of any numbers, or of small ones that could be true of a short payload.
fn form() -> impl Strategy<Value = Form> {
    let count = || prop_oneof![0..6u32, word()];
    let aux = prop::option::of(prop_oneof![0..6u16, any::<u16>()]);
    (any::<bool>(), reply(), word(), count(), count(), aux).prop_map(
        |(is_complex, reply, voucher, descriptors, body, aux)| Form {
            is_complex,
            reply,
            voucher,
            descriptors,
            body,
            aux,
        },
    )
}

/// A descriptor as it travels, with its memory.
fn travelling() -> impl Strategy<Value = (Descriptor<Address>, Vec<u8>)> {
    let name = || prop_oneof![Just(RawName::NULL), Just(RawName::DEAD), Just(RIGHT)];
    let copy = prop_oneof![Just(CopyOption::Physical), Just(CopyOption::Virtual)];
    let at = Address(0);
    let names = vec(name(), 0..5);
    prop_oneof![
        (name(), 16..22u8)
            .prop_map(|(name, disposition)| (Descriptor::Port { name, disposition }, Vec::new())),
        (vec(any::<u8>(), 0..40), any::<bool>(), copy, any::<bool>()).prop_map(
            move |(memory, deallocate, copy, volatile)| {
                let size = memory.len() as u32;
                (Descriptor::Memory { at, size, deallocate, copy, volatile }, memory)
            }
        ),
        (names, any::<bool>(), 16..22u8).prop_map(move |(names, deallocate, disposition)| {
            let memory: Vec<u8> = names.iter().flat_map(|name| name.0.to_le_bytes()).collect();
            (Descriptor::Ports { at, count: names.len() as u32, deallocate, disposition }, memory)
        }),
        (name(), 1..4u16).prop_map(|(name, flags)| {
            let flags = GuardFlags::from_bits(flags).unwrap();
            (Descriptor::GuardedPort { name, context: 0, flags }, Vec::new())
        }),
    ]
}

/// The rights that lie beside such descriptors.
fn beside(descriptors: &[(Descriptor<Address>, Vec<u8>)]) -> Vec<Option<PortType>> {
    let each = descriptors.iter().flat_map(|(descriptor, memory)| {
        let disposition = descriptor.disposition().map(u32::from).and_then(Disposition::from_number);
        let count = match descriptor {
            Descriptor::Port { name, .. } | Descriptor::GuardedPort { name, .. } => {
                usize::from(*name == RIGHT)
            }
            Descriptor::Ports { .. } => {
                memory.as_chunks().0.iter().filter(|word| **word == RIGHT.0.to_le_bytes()).count()
            }
            Descriptor::Memory { .. } => 0,
        };
        std::iter::repeat_n(disposition.map(Disposition::port_type), count)
    });
    each.collect()
}

fn head() -> impl Strategy<Value = Head> {
    let kind = prop_oneof![Just(Kind::Message), Just(Kind::Close)];
    let reply =
        prop::option::of((0..u16::MAX, word()).prop_map(|(slot, generation)| Token { slot, generation }));
    let payload_at = word().prop_map(|units| units as usize * PAYLOAD_UNIT);
    let region = prop::option::of(any::<NonZeroU32>());
    let place = (payload_at, region, INLINE + 1..=BODY_MAX);
    (kind, any::<i32>(), 0..=LENGTH_MAX, 0..=RIGHTS_MAX, reply, any::<u64>(), place).prop_map(
        |(kind, id, length, rights, reply, stamp, (payload_at, region, large))| Head {
            kind,
            id,
            length: if kind == Kind::Message && region.is_some() { large } else { length },
            rights,
            reply,
            stamp,
            payload_at,
            region: region.filter(|_| kind == Kind::Message),
        },
    )
}

/// What a slot says of which `head` was written.
fn again(head: &Head, seq: u32) -> Result<Head, Nonsense> {
    Head::decode(head.encode(seq), || head.encode_place(head.region.unwrap()))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn control_takes_any_bytes(id in prop_oneof![any::<i32>(), -1..8i32], bytes in vec(any::<u8>(), 0..80)) {
        let decoded = Control::decode(id, &bytes);
        prop_assert!(decoded.is_none() || bytes.len() == control::BYTES);
    }

    #[test]
    fn control_takes_any_words(id in 0..8i32, bytes in bytes(control::BYTES / 4)) {
        if let Some(control) = Control::decode(id, &bytes) {
            let (again, encoded) = control.encode();
            prop_assert_eq!(again, id);
            prop_assert_eq!(Control::decode(again, &encoded), Some(control));
        }
    }

    #[test]
    fn control_comes_back(control in control()) {
        let (id, bytes) = control.encode();
        prop_assert_eq!(Control::decode(id, &bytes), Some(control));
    }

    #[test]
    fn hello_takes_any_bytes(bytes in vec(any::<u8>(), 0..80)) {
        // The magic number is not met by chance.
        prop_assert!(Hello::decode(&bytes).is_err());
    }

    #[test]
    fn hello_takes_any_change_of_itself(
        hello in hello(), at in 0..HELLO_BYTES, value in any::<u8>(), keep in 0..=HELLO_BYTES,
    ) {
        let mut bytes = hello.encode();
        bytes[at] = value;
        let same = bytes == hello.encode();
        let decoded = Hello::decode(&bytes[..keep]);
        prop_assert!(decoded.is_err() || keep == HELLO_BYTES);
        if keep == HELLO_BYTES {
            // The first twelve bytes are the magic number and the version.
            prop_assert_eq!(decoded.is_ok(), same || at >= 12);
            prop_assert!(!same || decoded == Ok(hello));
        }
    }

    #[test]
    fn hello_comes_back(hello in hello()) {
        prop_assert_eq!(Hello::decode(&hello.encode()), Ok(hello));
    }

    #[test]
    fn echoes_tell_nonces_apart(one in any::<u64>(), two in any::<u64>()) {
        prop_assert_eq!(echo(one).len(), ECHO_BYTES);
        prop_assert_eq!(echo(one) == echo(two), one == two);
    }

    #[test]
    fn record_takes_any_bytes(bytes in prop_oneof![vec(any::<u8>(), RIGHT_BYTES), bytes(RIGHT_BYTES / 4)]) {
        let bytes: [u8; RIGHT_BYTES] = bytes.try_into().expect("as many");
        if let Some(record) = Record::decode(&bytes) {
            prop_assert_eq!(Record::decode(&record.encode()), Some(record));
        }
    }

    #[test]
    fn record_refuses_unknown_kinds(kind in 9..=u32::MAX, mut bytes in uniform32(any::<u8>())) {
        bytes[..4].copy_from_slice(&kind.to_le_bytes());
        prop_assert_eq!(Record::decode(&bytes), None);
    }

    #[test]
    fn record_comes_back(record in record()) {
        prop_assert_eq!(Record::decode(&record.encode()), Some(record));
    }

    #[test]
    fn form_takes_any_payload(
        form in form(),
        payload in prop_oneof![vec(any::<u8>(), 0..100), vec(0..4u8, 0..100)],
        rights in vec(prop::option::of(port_type()), 0..4),
    ) {
        let holds = form.check(&payload, rights.iter().copied());
        prop_assert!(form.body(&payload).len() <= payload.len());
        let Some(parts) = form.parts(&payload) else {
            prop_assert!(!holds);
            return Ok(());
        };
        let walked: Vec<_> = parts.descriptors().collect();
        let memory = walked.iter().map(|descriptor| parts.memory_of(descriptor).map(<[u8]>::len));
        let memory: Option<usize> = memory.sum();
        prop_assert!(memory.is_some_and(|sum| sum <= payload.len()), "never more than is there");
        prop_assert!(!holds || walked.len() == form.descriptors as usize && memory == Some(parts.memory.len()));
    }

    #[test]
    fn form_holds_what_was_put_in(
        body in vec(any::<u8>(), 0..20),
        descriptors in vec(travelling(), 0..6),
        aux in prop::option::of(vec(any::<u8>(), 0..9)),
        reply in reply(),
        wrong in any::<prop::sample::Index>(),
    ) {
        let table: Vec<u8> = descriptors.iter().flat_map(|(descriptor, _)| encode(descriptor)).collect();
        let memory: Vec<u8> = descriptors.iter().flat_map(|(_, memory)| memory.clone()).collect();
        let payload = [&body[..], &table, &memory, aux.as_deref().unwrap_or_default()].concat();
        let form = Form {
            is_complex: true,
            reply,
            voucher: 1,
            descriptors: descriptors.len() as u32,
            body: body.len() as u32,
            aux: aux.as_ref().map(|aux| aux.len() as u16),
        };
        let first = (reply == Reply::Right).then_some(Some(PortType::Send));
        let rights: Vec<_> = first.into_iter().chain(beside(&descriptors)).collect();
        prop_assert!(form.check(&payload, rights.iter().copied()));
        let parts = form.parts(&payload).unwrap();
        prop_assert_eq!((parts.body, parts.aux), (&body[..], aux.as_deref()));
        for (walked, (sent, memory)) in parts.descriptors().zip(&descriptors) {
            prop_assert_eq!(parts.memory_of(&walked), Some(&memory[..]));
            let sent = sent.placed(|_, _| walked.memory().map_or(Ok(Offset(0)), |(at, _)| Ok::<_, ()>(*at)));
            prop_assert_eq!(walked.placed(|at, bytes| Ok::<_, ()>(if bytes == 0 { Offset(0) } else { at })), sent);
        }
        // One right more or less, one of another kind, or one byte less is not believed.
        let more = rights.iter().copied().chain([None]);
        prop_assert!(!form.check(&payload, more));
        if !rights.is_empty() {
            prop_assert!(!form.check(&payload, rights[1..].iter().copied()));
            let mut other = rights.clone();
            let at = wrong.index(other.len());
            let is_once = other[at] == Some(PortType::SendOnce);
            other[at] = Some(if is_once { PortType::Send } else { PortType::SendOnce });
            prop_assert!(!form.check(&payload, other));
        }
        if !payload.is_empty() {
            prop_assert!(!form.check(&payload[..payload.len() - 1], rights));
        }
    }

    #[test]
    fn head_takes_any_words(
        mut words in uniform4(any::<u64>()),
        place in (any::<u64>(), prop_oneof![any::<u64>(), 0..64u64, BODY_MAX as u64 - 2..BODY_MAX as u64 + 3]),
        kind in 0..4u64,
        rights in prop_oneof![0..3u64, 0..1030u64],
    ) {
        let place = [place.0, place.1];
        // By chance alone hardly any word has a known kind and few enough rights.
        let _ = Head::decode(words, || place);
        words[0] = words[0] & !(0xff << 56) | kind << 56;
        words[1] = words[1] & !(0xffff << 48) | rights << 48;
        let decoded = Head::decode(words, || place);
        let needs_region = rights > 0 || place[1] > INLINE as u64;
        let is_place = place[0] as u32 != 0 && place[1] <= BODY_MAX as u64 && needs_region;
        prop_assert_eq!(decoded.is_ok(), rights <= RIGHTS_MAX as u64 && (kind < 2 || kind == 2 && is_place));
        if let Ok(head) = decoded {
            let longest = if kind == 2 { BODY_MAX } else { LENGTH_MAX };
            prop_assert!(head.length <= longest && head.rights <= RIGHTS_MAX);
            prop_assert!(head.payload_bytes() <= longest + RIGHTS_MAX * RIGHT_BYTES);
            prop_assert_eq!(head.region.is_some(), kind == 2);
            prop_assert!(head.payload_at % PAYLOAD_UNIT == 0 && head.payload_at >> 32 < PAYLOAD_UNIT);
            prop_assert!(head.reply.is_none_or(|token| token.slot < u16::MAX));
            prop_assert_eq!(again(&head, words[0] as u32), Ok(head));
        }
    }

    #[test]
    fn a_short_message_is_what_its_head_says(
        mut words in uniform4(any::<u64>()),
        kind in 0..3u64,
        length in prop_oneof![0..40u64, any::<u64>()],
        rights in 0..2u64,
        no_reply in any::<bool>(),
    ) {
        words[0] = words[0] & 0xffff_ffff | (length << 32) & !(0xff << 56) | kind << 56;
        words[1] = words[1] & 0xffff_ffff | rights << 48 | if no_reply { 0xffff << 32 } else { 7 << 32 };
        let head = Head::decode(words, || [0, 0]).ok();
        let is_short = |head: &Head| head.kind == Kind::Message && head.payload_bytes() == 0;
        let short = head.filter(is_short).map(|head| Short {
            id: head.id,
            length: head.length,
            reply: head.reply,
            stamp: head.stamp,
        });
        prop_assert_eq!(Short::decode(words), short);
    }

    #[test]
    fn head_comes_back(head in head(), seq in any::<u32>()) {
        let words = head.encode(seq);
        prop_assert_eq!(words[0] as u32, seq, "the number that publishes the slot");
        prop_assert_eq!(again(&head, seq), Ok(head));
    }
}
