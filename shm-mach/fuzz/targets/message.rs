//! A message of a C program: the options of the call, what its arguments would say of the descriptors,
//! and then the message itself. What is understood arrives, and is then what was sent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shm_mach::wire::mach::{
    Address, Arrival, Content, Descriptor, Envelope, Guarding, Header, Notify, Options, Outline, PortType,
    Shape, Trailer, Vectors, Voucher,
};

/// Sends `shape` on to a buffer, and reads it there.
fn arrives(shape: &Shape<'_>, options: Options) {
    let descriptors: Vec<Descriptor<Address>> = shape.descriptors().collect();
    let is_complex = shape.header().bits.is_complex();
    let content = Content { is_complex, descriptors: &descriptors, body: shape.body() };
    assert_eq!(content.size(), u64::from(shape.header().size));
    let arrival = Arrival {
        id: shape.header().id,
        port: shape.header().remote,
        port_type: PortType::Send,
        reply: shape.header().local,
        reply_type: Some(PortType::SendOnce),
        voucher: Voucher::NONE,
        content,
        trailer: Trailer::default(),
    };
    let size = shape.header().size as usize;
    let mut buffer = vec![0xaa; size + 68];
    let at = Address(0x7000);
    let written = arrival.deliver(options, &mut buffer, at).expect("room for all");
    assert_eq!(written, size + options.trailer_size() as usize);
    let outline = Outline::of_memory(shape.header().size, &buffer).expect("an outline");
    let again = outline.shape(Options::NONE, &buffer).expect("a shape");
    let guarding = Guarding::of(options, at);
    assert!(again.descriptors().eq(descriptors.iter().map(|descriptor| descriptor.delivered(guarding))));
    assert_eq!((again.rights(), again.body()), (shape.rights(), shape.body()));
}

fuzz_target!(|bytes: &[u8]| {
    let Some((options, rest)) = bytes.split_first_chunk() else { return };
    let Some((count, message)) = rest.split_first_chunk() else { return };
    let (options, count) = (Options::from_bits(u64::from_le_bytes(*options)), u32::from_le_bytes(*count));
    let _ = (options.check_call(), Notify::decode(message), Trailer::decode(message));
    if let Ok(vectors) = Vectors::decode(message, count) {
        let _ = (vectors.to_send(count), vectors.to_receive(count));
    }
    let size = message.len() as u32;
    let header = Header::decode(message).unwrap_or_default();
    assert!(message.len() < 24 || message[..24] == header.encode());
    for outline in [Outline::of_memory(size, message), Outline::of_arguments(size, header, count)] {
        let Ok(outline) = outline else { continue };
        let _ = Envelope::check(outline.header(), options);
        if let Ok(shape) = outline.shape(options, message) {
            arrives(&shape, options);
        }
    }
});
