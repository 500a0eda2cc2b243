//! Trailers: rows T1 to T4.

use shm_mach::wire::mach::trailer::{TRAILER_MAX, TRAILER_MIN};
use shm_mach::wire::mach::{Address, AuditToken, Content, SecurityToken, Trailer};

use super::*;

const TRAILER: Trailer = Trailer {
    seqno: 11,
    sender: SecurityToken { uid: 501, gid: 20 },
    audit: AuditToken([1, 2, 3, 4, 5, 6, 7, 8]),
    context: 0x0123_4567_89ab_cdef,
};

/// All words of the longest trailer, with the size of one of `size` bytes.
fn all(size: u32) -> Vec<u32> {
    vec![0, size, 11, 501, 20, 1, 2, 3, 4, 5, 6, 7, 8, 0x89ab_cdef, 0x0123_4567, 0, 0]
}

fn size_of_elements(elements: u32) -> u32 {
    match elements {
        0 => 8,
        1 => 12,
        2 => 20,
        3 => 52,
        4 => 60,
        _ => 68,
    }
}

#[test]
fn t1_the_elements_asked_for_decide_the_size() {
    assert_eq!((TRAILER_MIN, TRAILER_MAX), (8, 68));
    for elements in 0..16 {
        let options = Options::RCV_MSG.with_trailer(elements);
        let size = size_of_elements(elements);
        assert_eq!((options.trailer_elements(), options.trailer_size()), (elements, size));
        let mut buffer = [0xaa; 80];
        assert_eq!(TRAILER.encode(options, &mut buffer), size as usize);
        assert_eq!(words(&buffer[..size as usize]), all(size)[..size as usize / 4]);
        assert!(buffer[size as usize..].iter().all(|byte| *byte == 0xaa), "and not a byte more");
    }
    assert_eq!(Options::RCV_MSG.trailer_size(), 8, "nobody asked");
    for format in 0..16_u64 {
        let options = Options::from_bits(format << 28);
        assert_eq!(options.trailer_size(), 8, "the format does not count");
    }
    assert_eq!(Options::from_bits(1 << 32 | 3 << 24 | 0xf).trailer_size(), 52, "nor what is around it");
    assert_eq!(Options::NONE.with_trailer(7).with_trailer(3), Options::NONE.with_trailer(3));
}

#[test]
fn t1_a_trailer_is_read_by_its_own_size() {
    for elements in [0, 1, 2, 3, 4, 7] {
        let size = size_of_elements(elements) as usize;
        let mut bytes = [0xaa; 68];
        TRAILER.encode(Options::NONE.with_trailer(elements), &mut bytes);
        let (read, told) = Trailer::decode(&bytes).unwrap();
        assert_eq!(told as usize, size);
        assert_eq!(read.seqno, if elements > 0 { 11 } else { 0 });
        assert_eq!(read.sender, if elements > 1 { TRAILER.sender } else { SecurityToken::default() });
        assert_eq!(read.audit, if elements > 2 { TRAILER.audit } else { AuditToken::default() });
        assert_eq!(read.context, if elements > 3 { TRAILER.context } else { 0 });
        assert_eq!(Trailer::decode(&bytes[..size - 1]), None, "cut");
        let mut format = bytes;
        format[0] = 1;
        assert_eq!(Trailer::decode(&format), None, "of another format");
    }
    for size in (0..=72).filter(|size| ![8, 12, 20, 52, 60, 68].contains(size)) {
        let bytes = Bytes::words(&all(size)).raw(&[0; 8]);
        assert_eq!(Trailer::decode(&bytes.0), None, "of no size that a trailer has");
    }
}

#[test]
fn t2_the_system_itself_has_tokens_of_its_own() {
    let mut bytes = [0xaa; 60];
    Trailer::kernel(5, 9).encode(Options::NONE.with_trailer(4), &mut bytes);
    assert_eq!(words(&bytes), [0, 60, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0]);
}

#[test]
fn t3_the_number_is_told_from_the_first_element_on() {
    let mut bytes = [0; 12];
    for seqno in [0, 1, u32::MAX] {
        Trailer { seqno, ..Trailer::default() }.encode(Options::NONE.with_trailer(1), &mut bytes);
        assert_eq!(words(&bytes), [0, 12, seqno]);
    }
}

#[test]
fn t1_the_trailer_follows_at_a_multiple_of_four() {
    for length in 0..9_usize {
        let body = &b"body body"[..length];
        let arrival = super::receive::arrival(Content { body, ..Content::default() });
        let mut buffer = [0xaa; 64];
        let written = arrival.deliver(Options::NONE, &mut buffer, Address(0)).unwrap();
        let at = (24 + length).next_multiple_of(4);
        assert_eq!(written, at + 8);
        assert_eq!(words(&buffer[4..8]), [24 + length as u32], "the size is the true one");
        assert_eq!(&buffer[24..24 + length], body);
        assert!(buffer[24 + length..at].iter().all(|byte| *byte == 0));
        assert_eq!(words(&buffer[at..written]), [0, 8]);
        assert_eq!(buffer[written], 0xaa);
    }
}
