//! Whatever bytes a caller hands over, they are refused or understood, and never a panic. What is
//! understood is written again as it was.

use proptest::collection::vec;
use proptest::prelude::*;
use shm_mach::wire::mach::{
    Address, Arrival, Bits, Content, CopyOption, Descriptor, Disposition, Envelope, GuardFlags, Guarding,
    Header, Notify, PortType, RawName, Remains, Returned, Trailer, Vectors, Voucher,
};

use super::*;

fn config() -> ProptestConfig {
    let cases = if cfg!(miri) { 4 } else { 2048 };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn word() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), 0..24u32, Just(u32::MAX), Just(0x8000_1513), Just(0x103)]
}

fn options() -> impl Strategy<Value = Options> {
    prop_oneof![Just(0), any::<u64>(), any::<u32>().prop_map(u64::from)].prop_map(Options::from_bits)
}

fn disposition() -> impl Strategy<Value = u8> {
    prop_oneof![16..22u8, any::<u8>()]
}

/// A descriptor that a sender could write.
fn descriptor() -> impl Strategy<Value = Descriptor<Address>> {
    let copy = any::<bool>().prop_map(|it| if it { CopyOption::Virtual } else { CopyOption::Physical });
    let memory = (any::<u64>(), word(), any::<bool>(), copy, any::<bool>());
    let guarded = (word(), any::<u64>(), 1..4u16).prop_map(|(name, context, flags)| {
        let context = if flags & 2 == 0 { context } else { 0 };
        let flags = GuardFlags::from_bits(flags).expect("one of three");
        Descriptor::GuardedPort { name: RawName(name), context, flags }
    });
    prop_oneof![
        (word(), disposition())
            .prop_map(|(name, disposition)| Descriptor::Port { name: RawName(name), disposition }),
        memory.prop_map(|(at, size, deallocate, copy, volatile)| Descriptor::Memory {
            at: Address(at),
            size,
            deallocate,
            copy,
            volatile,
        }),
        (any::<u64>(), 0..4000u32, any::<bool>(), disposition()).prop_map(
            |(at, count, deallocate, disposition)| Descriptor::Ports {
                at: Address(at),
                count,
                deallocate,
                disposition,
            }
        ),
        guarded,
    ]
}

fn header() -> impl Strategy<Value = Header> {
    (word(), word(), word(), word(), word(), any::<i32>()).prop_map(
        |(bits, size, remote, local, voucher, id)| Header {
            bits: Bits::from_bits(bits),
            size,
            remote: RawName(remote),
            local: RawName(local),
            voucher: RawName(voucher),
            id,
        },
    )
}

/// Descriptors as their senders write them, byte by byte.
fn encode(bytes: Bytes, descriptor: Descriptor<Address>) -> Bytes {
    match descriptor {
        Descriptor::Port { name, disposition } => bytes.port(name.0, disposition),
        Descriptor::Memory { at, size, deallocate, copy, volatile } => {
            let kind = if volatile { 3 } else { 1 };
            bytes.long(at.0).raw(&[u8::from(deallocate), copy as u8, 0, kind]).word(size)
        }
        Descriptor::Ports { at, count, deallocate, disposition } => {
            bytes.long(at.0).raw(&[u8::from(deallocate), 1, disposition, 2]).word(count)
        }
        Descriptor::GuardedPort { name, context, flags } => {
            bytes.guarded(context, flags.bits(), MOVE_RECEIVE, name.0)
        }
    }
}

/// A message as its sender writes it.
fn message(bits: u32, descriptors: &[Descriptor<Address>], body: &[u8]) -> Bytes {
    let head = Bytes::header(COMPLEX | bits).word(descriptors.len() as u32);
    descriptors.iter().fold(head, |bytes, descriptor| encode(bytes, *descriptor)).raw(body)
}

/// The bytes of a message without those that mean nothing: fillers, and which byte says "yes".
fn meaning(mut bytes: Vec<u8>, count: usize) -> Vec<u8> {
    let mut at = 28;
    for _ in 0..count {
        match bytes[at + 11] {
            0 => bytes[at + 4..at + 10].fill(0),
            1 | 3 => {
                bytes[at + 8] = u8::from(bytes[at + 8] != 0);
                bytes[at + 10] = 0;
            }
            2 => {
                bytes[at + 8] = u8::from(bytes[at + 8] != 0);
                bytes[at + 9] = 1;
            }
            _ => {}
        }
        at += if bytes[at + 11] == 0 { 12 } else { 16 };
    }
    bytes
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_are_refused_or_understood(
        size in prop_oneof![any::<u32>(), (0..40u32).prop_map(|words| words * 4)],
        words in vec(word(), 0..40), cut in 0..4usize, options in options(),
    ) {
        let mut bytes = Bytes::words(&words).0;
        bytes.truncate(bytes.len().saturating_sub(cut));
        if let Ok(outline) = Outline::of_memory(size, &bytes) {
            let _ = outline.shape(options, &bytes);
            let _ = Envelope::check(outline.header(), options);
        }
        let header = Header::decode(&bytes).unwrap_or_default();
        let count = words.first().copied().unwrap_or_default();
        if let Ok(outline) = Outline::of_arguments(size, header, count) {
            let _ = outline.shape(options, &bytes);
        }
        let _ = (Notify::decode(&bytes), Trailer::decode(&bytes));
        if let Ok(vectors) = Vectors::decode(&bytes, count) {
            let _ = (vectors.to_send(count), vectors.to_receive(count));
        }
    }

    #[test]
    fn any_descriptors_are_refused_or_written_again(
        bits in 17..22u32, count in 0..5usize, mut table in vec(any::<u8>(), 80), kinds in vec(0..6u8, 5),
        small in any::<bool>(),
    ) {
        // A known type in each place where a descriptor might end, and few rights: by chance alone
        // hardly any message is understood.
        let mut at = 0;
        for kind in kinds.iter().take(count) {
            table[at + 11] = *kind;
            if small {
                table[at + 8] &= 1;
                table[at + 9] &= 1;
                if *kind == 4 {
                    table[at..at + 11].copy_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 2, 0, MOVE_RECEIVE]);
                } else if *kind == 2 {
                    table[at + 13..at + 16].fill(0);
                }
            }
            at += if *kind == 0 { 12 } else { 16 };
        }
        let bytes = Bytes::header(COMPLEX | bits).word(count as u32).raw(&table);
        let Ok(shape) = bytes.check() else {
            prop_assert!(!small || kinds[..count].contains(&5), "{:?}", bytes.check());
            return Ok(());
        };
        prop_assert!(!kinds[..count].contains(&5));
        let found: Vec<_> = shape.descriptors().collect();
        prop_assert_eq!(found.len(), count, "as many as were announced");
        let again = message(bits, &found, shape.body());
        prop_assert_eq!(&again.0, &meaning(bytes.0.clone(), count));
        prop_assert_eq!(again.check().map(|shape| shape.descriptors().collect::<Vec<_>>()), Ok(found));
    }

    #[test]
    fn a_message_is_understood_as_it_was_written(
        bits in 17..22u32, descriptors in vec(descriptor(), 0..5), body in vec(word(), 0..5),
    ) {
        let body = Bytes::words(&body).0;
        let bytes = message(bits, &descriptors, &body);
        let shape = bytes.check().expect("well formed");
        prop_assert_eq!(shape.descriptors().collect::<Vec<_>>(), descriptors);
        prop_assert_eq!(shape.body(), body);
    }

    #[test]
    fn what_arrives_is_read_as_it_was_delivered(
        descriptors in vec(descriptor(), 0..5), body in vec(any::<u8>(), 0..20), options in options(),
        is_complex in any::<bool>(), name in word(), less in 1..100usize,
    ) {
        let content = Content { is_complex, descriptors: &descriptors, body: &body };
        let arrival = Arrival { port: RawName(name), ..super::receive::arrival(content) };
        let mut buffer = vec![0xaa; 256];
        let at = Address(0x7000);
        let written = arrival.deliver(options, &mut buffer, at).expect("room for all");
        prop_assert!(buffer[written..].iter().all(|byte| *byte == 0xaa));
        let header = Header::decode(&buffer).expect("a header");
        prop_assert_eq!(header, arrival.header(options));
        let padded = header.size.next_multiple_of(4);
        let outline = Outline::of_memory(padded, &buffer).expect("an outline");
        let shape = outline.shape(Options::NONE, &buffer).expect("a shape");
        let guarding = Guarding::of(options, at);
        let expected = descriptors.iter().map(|descriptor| descriptor.delivered(guarding));
        prop_assert!(shape.descriptors().eq(expected));
        prop_assert!(shape.body().starts_with(&body));
        let (_, size) = Trailer::decode(&buffer[padded as usize..]).expect("a trailer");
        prop_assert_eq!((size, written), (options.trailer_size(), (padded + size) as usize));
        let mut short = vec![0xaa; written.saturating_sub(less)];
        prop_assert!(arrival.deliver(options, &mut short, at).is_err());
        prop_assert!(short.iter().all(|byte| *byte == 0xaa), "all or nothing");
    }

    #[test]
    fn no_buffer_is_too_short_to_be_safe(
        descriptors in vec(descriptor(), 0..4), options in options(), room in 0..120usize, name in word(),
    ) {
        let content = Content { is_complex: false, descriptors: &descriptors, body: b"body" };
        let mut buffer = vec![0; room];
        let _ = super::receive::arrival(content).deliver(options, &mut buffer, Address(1));
        let dest = RawName(name);
        let (dest_type, reply_type) = (PortType::Send, Some(PortType::SendOnce));
        let voucher = Voucher { name: dest, disposition: Some(Disposition::MoveSend) };
        let returned = Returned {
            id: 1, dest, dest_type, reply: dest, reply_type, is_reply_port: true, voucher, content,
        };
        let written = returned.deliver(&mut buffer, Address(1));
        prop_assert_eq!(written.is_ok(), content.size() <= room as u64);
        let remains = Remains {
            id: 1, is_complex: true, port: dest, port_type: dest_type, reply: dest, reply_type, voucher,
            seqno: 1, context: 1,
        };
        prop_assert_eq!(remains.deliver(options, &mut buffer).is_ok(), room >= 24);
        shm_mach::wire::mach::arrival::tell_size(1, dest, options, &mut buffer);
    }

    #[test]
    fn a_header_comes_back(header in header()) {
        prop_assert_eq!(Header::decode(&header.encode()), Some(header));
    }

    #[test]
    fn an_envelope_says_what_its_header_says(header in header(), options in options()) {
        if let Ok(envelope) = Envelope::check(&header, options) {
            prop_assert_eq!(header.bits.bits() & !Bits::USER, 0);
            prop_assert_eq!((envelope.dest, envelope.reply), (header.remote, header.local));
            prop_assert_eq!(envelope.voucher.name, header.voucher);
            let number = |it: Option<Disposition>| it.map_or(0, Disposition::number);
            let bits = Bits::new(
                envelope.dest_disposition.number(), number(envelope.reply_disposition),
                number(envelope.voucher.disposition), header.bits.is_complex(),
            );
            prop_assert_eq!(bits, header.bits);
        }
    }

    #[test]
    fn a_notification_is_read_only_as_it_is_written(bytes in vec(word(), 6..12), id in 60..75u32) {
        let mut bytes = Bytes::words(&bytes).0;
        bytes[20..24].copy_from_slice(&id.to_le_bytes());
        let size = bytes.len() as u32;
        bytes[4..8].copy_from_slice(&size.to_le_bytes());
        if let Some(notify) = Notify::decode(&bytes) {
            prop_assert_eq!(notify.id(), id as i32);
            let payload = notify.payload();
            prop_assert_eq!(payload.content().size(), u64::from(size));
        }
    }
}
