//! What the system itself sends: rows NT1 to NT6.

use shm_mach::wire::mach::{Address, Notify, RawName};

use super::*;

const NAME: RawName = RawName(0x0123_4507);

/// The bytes of a notification as received on port 0x103, with the shortest trailer that has tokens.
fn received(notify: Notify) -> Vec<u8> {
    let mut buffer = vec![0xaa; 128];
    let payload = notify.payload();
    let arrival = payload.arrival(RawName(0x103), 3, 0);
    let written = arrival.deliver(Options::NONE.with_trailer(2), &mut buffer, Address(0)).unwrap();
    buffer.truncate(written);
    buffer
}

/// Checks one that is a number behind the NDR record.
fn is_a_number(notify: Notify, id: u32, number: u32) {
    let bytes = received(notify);
    let expected = Bytes::words(&[18 << 8, 36, 0, 0x103, 0, id]).raw(&[0, 0, 0, 0, 1, 0, 0, 0]).word(number);
    assert_eq!(bytes[..36], expected.0);
    assert_eq!(words(&bytes[36..]), [0, 20, 3, 0, 1], "from the system itself");
    assert_eq!(Notify::decode(&bytes[..36]), Some(notify));
    let mut other = bytes[..36].to_vec();
    other[28] = 0;
    assert_eq!(Notify::decode(&other), None, "another NDR record");
    assert_eq!(Notify::decode(&bytes[..32]), None, "cut");
    assert_eq!(Notify::decode(&bytes[..40]), None, "too long");
    let mut other = bytes[..36].to_vec();
    other[4] = 40;
    assert_eq!(Notify::decode(&other), None, "of another size than it says");
    let mut other = bytes[..36].to_vec();
    other[3] |= 0x80;
    assert_eq!(Notify::decode(&other), None, "with descriptors");
}

#[test]
fn nt1_port_deleted() {
    is_a_number(Notify::PortDeleted(NAME), 65, NAME.0);
}

#[test]
fn nt2_send_possible() {
    is_a_number(Notify::SendPossible(NAME), 66, NAME.0);
}

#[test]
fn nt3_port_destroyed() {
    let bytes = received(Notify::PortDestroyed(NAME));
    let head = Bytes::words(&[COMPLEX | 18 << 8, 40, 0, 0x103, 0, 69, 1]);
    assert_eq!(bytes[..40], head.port(NAME.0, MOVE_RECEIVE).0);
    assert_eq!(words(&bytes[40..]), [0, 20, 3, 0, 1]);
    assert_eq!(Notify::decode(&bytes[..40]), Some(Notify::PortDestroyed(NAME)));
    let mut other = bytes[..40].to_vec();
    other[38] = MOVE_SEND;
    assert_eq!(Notify::decode(&other), None, "another right");
    let mut other = bytes[..40].to_vec();
    other[24] = 0;
    assert_eq!(Notify::decode(&other), None, "no right");
    assert_eq!(Notify::decode(&bytes[..44]), None, "too long");
}

#[test]
fn nt4_no_senders() {
    is_a_number(Notify::NoSenders(u32::MAX), 70, u32::MAX);
}

#[test]
fn nt5_send_once() {
    let bytes = received(Notify::SendOnce);
    assert_eq!(words(&bytes), [18 << 8, 24, 0, 0x103, 0, 71, 0, 20, 3, 0, 1]);
    assert_eq!(Notify::decode(&bytes[..24]), Some(Notify::SendOnce));
    assert_eq!(Notify::decode(&bytes[..28]), None, "too long");
}

#[test]
fn nt6_dead_name() {
    is_a_number(Notify::DeadName(NAME), 72, NAME.0);
}

#[test]
fn a_count_of_none_makes_no_notification() {
    let number = Bytes::words(&[COMPLEX | 18 << 8, 40, 0, 0x103, 0, 72, 0]).raw(&[0, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(Notify::decode(&number.word(NAME.0).0), None);
    let header = Bytes::words(&[COMPLEX | 18 << 8, 28, 0, 0x103, 0, 71, 0]);
    assert_eq!(Notify::decode(&header.0), None);
}

#[test]
fn other_ids_are_no_notifications() {
    for id in (0..100).filter(|id| ![65, 66, 69, 70, 71, 72].contains(id)) {
        for length in [24, 36] {
            let message = Bytes::words(&[18 << 8, length, 0, 0x103, 0, id]).raw(&[0, 0, 0, 0, 1, 0, 0, 0]);
            let message = message.word(NAME.0);
            assert_eq!(Notify::decode(&message.0[..length as usize]), None);
        }
    }
}
