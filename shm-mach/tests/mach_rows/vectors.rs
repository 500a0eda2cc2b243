//! `mach_msg2`: the header in the arguments, lists of buffers, and auxiliary data.

use shm_mach::mach::Arguments;

use super::*;

/// What a C program packs into the arguments, by pairs.
#[derive(Clone, Copy, Debug, Default)]
struct Packed {
    bits: u32,
    size: u32,
    remote: u32,
    local: u32,
    voucher: u32,
    id: u32,
    descriptors: u32,
    receive_name: u32,
    receive_size: u32,
}

impl Packed {
    fn arguments(&self) -> Arguments {
        let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        Arguments::unpack([
            pair(self.bits, self.size),
            pair(self.remote, self.local),
            pair(self.voucher, self.id),
            pair(self.descriptors, self.receive_name),
            pair(self.receive_size, 0),
        ])
    }

    fn call(&self, task: &Task, at: u64, options: Options) -> Code {
        let timeout = if options.contains(Options::RCV_MSG) { SOON } else { 0 };
        task.mach_msg2_raw(promise(), Address(at), options, &self.arguments(), timeout)
    }
}

fn at(bytes: &mut [u8]) -> u64 {
    bytes.as_mut_ptr().addr() as u64
}

/// A list of buffers: what to send, where to receive instead, sizes of both.
fn list(buffers: &[(u64, u64, u32, u32)]) -> Vec<u8> {
    let vector = |(data, receive_at, send, receive): &(u64, u64, u32, u32)| {
        [&data.to_le_bytes()[..], &receive_at.to_le_bytes(), &send.to_le_bytes(), &receive.to_le_bytes()]
            .concat()
    };
    buffers.iter().flat_map(vector).collect()
}

const SEND: Options = Options::SEND_MSG;
const RECEIVE: Options = Options::RCV_MSG;

#[test]
fn x1_the_header_in_memory_is_not_read() {
    let two = two();
    let own = port(&two.one);
    let mut memory = Bytes::default().raw(&[0xff; 24]).port(own, MAKE_SEND).raw(b"body").0;
    memory.splice(24..24, 99u32.to_le_bytes());
    let bits = COMPLEX | COPY_SEND | MAKE_SEND_ONCE << 8;
    let size = memory.len() as u32;
    let call = Packed { bits, size, remote: two.to, local: own, id: 4, descriptors: 1, ..Packed::default() };
    assert_eq!(call.call(&two.one, at(&mut memory), SEND | Options::SEND_MQ_CALL), Code::SUCCESS);
    let got = receive(&two.other, two.port);
    assert_eq!((got.id(), got.bits(), got.word(24)), (4, COMPLEX | 18 | 17 << 8, 1));
    assert_eq!(got.from(28 + 12), b"body");
    let count = Packed { bits: COPY_SEND, ..call };
    assert_eq!(count.call(&two.one, at(&mut memory), SEND | Options::SEND_ANY), Code::SEND_TOO_LARGE);
}

#[test]
fn x2_a_call_says_once_that_it_calls_a_queue() {
    let two = two();
    let mut memory = [0_u8; 24];
    let call = Packed { bits: COPY_SEND, size: 24, remote: two.to, ..Packed::default() };
    let mut send = |options| call.call(&two.one, at(&mut memory), SEND | options);
    let objects = [Options::SEND_KOBJECT_CALL, Options::SEND_DK_CALL];
    for options in [Options::NONE, Options::SEND_MQ_CALL | Options::SEND_ANY, objects[0], objects[1]] {
        assert_eq!(send(options), Code::SEND_INVALID_OPTIONS, "{options:?}");
    }
    assert_eq!([send(Options::SEND_MQ_CALL), send(Options::SEND_ANY)], [Code::SUCCESS; 2]);
}

#[test]
fn x3_buffers_are_where_the_list_says() {
    let two = two();
    let own = port_with_send(&two.one);
    let (mut message, mut into) = ([0x11_u8; 40], [0xaa_u8; 80]);
    let mut buffers = list(&[(at(&mut message), at(&mut into), 40, 80)]);
    let call = Packed {
        bits: COPY_SEND,
        size: 1,
        remote: own,
        id: 6,
        receive_name: own,
        receive_size: 1,
        ..Packed::default()
    };
    let both = SEND | RECEIVE | Options::VECTOR | Options::SEND_MQ_CALL;
    assert_eq!(call.call(&two.one, at(&mut buffers), both), Code::SUCCESS);
    assert_eq!(
        (message, &into[24..40], &into[20..24]),
        ([0x11; 40], &[0x11; 16][..], &6u32.to_le_bytes()[..])
    );
    assert!(into[48..].iter().all(|byte| *byte == 0xaa), "a trailer of 8 bytes, and no more");
    let none = Packed { size: 0, receive_size: 0, ..call };
    assert_eq!(none.call(&two.one, at(&mut buffers), both), Code::SEND_MSG_TOO_SMALL);
    assert_eq!(none.call(&two.one, at(&mut buffers), RECEIVE | Options::VECTOR), Code::RCV_INVALID_ARGUMENTS);
    let three = Packed { size: 3, receive_size: 3, ..call };
    assert_eq!(three.call(&two.one, at(&mut buffers), both), Code::SEND_INVALID_DATA);
    assert_eq!(
        three.call(&two.one, at(&mut buffers), RECEIVE | Options::VECTOR),
        Code::RCV_INVALID_ARGUMENTS
    );
    assert_eq!(call.call(&two.one, 16, both), Code::SEND_INVALID_DATA, "a list that is not there");
    is_empty(&two.one, own);
}

/// Sends a message with auxiliary data `aux`, its header included.
fn send_aux(two: &Two, aux: &mut [u8]) -> Code {
    let mut message = [0x22_u8; 32];
    let mut buffers = list(&[(at(&mut message), 0, 32, 0), (at(aux), 0, aux.len() as u32, 0)]);
    let call = Packed { bits: COPY_SEND, size: 2, remote: two.to, id: 5, ..Packed::default() };
    call.call(&two.one, at(&mut buffers), SEND | Options::VECTOR | Options::SEND_MQ_CALL)
}

/// Receives with so much room for auxiliary data; gives both buffers.
fn receive_aux(two: &Two, room: usize, options: Options) -> (Code, Vec<u8>, Vec<u8>) {
    let (mut message, mut aux) = (vec![0xaa; 100], vec![0xbb; room]);
    let mut buffers = list(&[(at(&mut message), 0, 0, 100), (at(&mut aux), 0, 0, room as u32)]);
    let call = Packed { receive_name: two.port, receive_size: 2, ..Packed::default() };
    let options = RECEIVE | Options::RCV_TIMEOUT | Options::VECTOR | options;
    (call.call(&two.other, at(&mut buffers), options), message, aux)
}

fn aux_of(payload: &[u8]) -> Vec<u8> {
    [&[0xcc; 8][..], payload].concat() // its header is the library's
}

#[test]
fn x4_auxiliary_data_is_for_who_has_a_buffer_for_it() {
    let two = two();
    assert_eq!(send_aux(&two, &mut aux_of(&[7; 100])), Code::SUCCESS);
    let (code, message, aux) = receive_aux(&two, 200, Options::NONE);
    assert_eq!((code, &message[24..32]), (Code::SUCCESS, &[0x22; 8][..]));
    assert_eq!((&aux[..8], &aux[8..108]), (&[108, 0, 0, 0, 0, 0, 0, 0][..], &[7; 100][..]));
    assert!(aux[108..].iter().all(|byte| *byte == 0xbb));
    // Nobody else is shown it, and the message is as it would be without.
    assert_eq!(send_aux(&two, &mut aux_of(&[7; 1016])), Code::SUCCESS);
    let got = receive(&two.other, two.port);
    assert_eq!((got.bits(), got.from(24)), (17 << 8, &[0x22; 8][..]));
    // Without any, a header says so; with a header alone, that is told.
    assert_eq!(Bytes::to(two.to, 1).send(&two.one), Code::SUCCESS);
    assert_eq!(receive_aux(&two, 8, Options::NONE).2, [0; 8]);
    assert_eq!(send_aux(&two, &mut aux_of(&[])), Code::SUCCESS);
    assert_eq!(receive_aux(&two, 8, Options::NONE).2, [8, 0, 0, 0, 0, 0, 0, 0]);
    // A buffer that is too short for it is too short for the message.
    for large in [true, false, false] {
        if !large {
            assert_eq!(send_aux(&two, &mut aux_of(&[7; 5])), Code::SUCCESS);
        }
        if large {
            assert_eq!(send_aux(&two, &mut aux_of(&[7; 5])), Code::SUCCESS);
            let (code, message, _) = receive_aux(&two, 12, Options::RCV_LARGE);
            assert_eq!((code, &message[4..8]), (Code::RCV_TOO_LARGE, &[32, 0, 0, 0][..]));
            assert_eq!(receive_aux(&two, 13, Options::RCV_LARGE).0, Code::SUCCESS);
        } else {
            let (code, message, _) = receive_aux(&two, 12, Options::NONE);
            assert_eq!((code, &message[4..8]), (Code::RCV_TOO_LARGE, &[24, 0, 0, 0][..]));
        }
    }
    is_empty(&two.other, two.port);
}

#[test]
fn z12_auxiliary_data_is_8_to_1024_bytes() {
    let two = two();
    assert_eq!(send_aux(&two, &mut aux_of(&[0; 1017])), Code::SEND_AUX_TOO_LARGE);
    assert_eq!(send_aux(&two, &mut [0; 7]), Code::SEND_AUX_TOO_SMALL);
    assert_eq!(send_aux(&two, &mut []), Code::SUCCESS, "none");
    assert_eq!(receive(&two.other, two.port).id(), 5);
    is_empty(&two.other, two.port);
}

/// What one call sends the other receives, whichever they are.
#[test]
fn x5_both_calls_understand_each_other() {
    let two = two();
    for (wide_send, wide_receive) in [(false, false), (false, true), (true, false), (true, true)] {
        let own = port(&two.one);
        let mut message = Bytes::header((COPY_SEND, MAKE_SEND_ONCE), two.to, own, 8).complex(1);
        message = message.port(own, MAKE_SEND_ONCE).raw(b"the body");
        if wide_send {
            let (size, bits) = (message.0.len() as u32, COMPLEX | COPY_SEND | MAKE_SEND_ONCE << 8);
            let call =
                Packed { bits, size, remote: two.to, local: own, id: 8, descriptors: 1, ..Packed::default() };
            assert_eq!(call.call(&two.one, at(&mut message.0), SEND | Options::SEND_ANY), Code::SUCCESS);
        } else {
            assert_eq!(message.send(&two.one), Code::SUCCESS);
        }
        let got = if wide_receive {
            let mut bytes = vec![0; 200];
            let call = Packed { receive_name: two.port, receive_size: 200, ..Packed::default() };
            let code = call.call(&two.other, at(&mut bytes), RECEIVE | Options::RCV_TIMEOUT);
            Got { code, bytes }
        } else {
            receive(&two.other, two.port)
        };
        assert_eq!((got.code, got.bits(), got.id()), (Code::SUCCESS, COMPLEX | 18 | 17 << 8, 8));
        assert_eq!(got.from(28 + 12), b"the body");
        for name in [got.remote(), got.word(28)] {
            assert_eq!(kind(&two.other, name), Some(TypeBits::SEND_ONCE));
        }
    }
}
