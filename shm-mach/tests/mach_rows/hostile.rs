//! Messages in Mach's form that no honest library writes. The peer is a thread that makes its half by hand.

use super::*;
use common::raw::{Raw as Peer, SMALL};
use futex::sync::{AtomicU64, store_bytes};
use shm_mach::ring::slot::Head;
use shm_mach::segment::Shared;
use shm_mach::wire::mach::form::{Form, Reply};
use shm_mach::wire::record::Record;
use shm_mach::{Joined, Notification, join};

/// The victim, and the peer that plays by no rules, with a lane to the victim's port.
fn pair() -> (Joined, Peer) {
    let (ours, theirs) = common::sockets();
    let peer = std::thread::spawn(move || Peer::join(theirs, SMALL));
    let joined = join(ours, &shm_mach::Options::default()).unwrap();
    let mut peer = peer.join().unwrap();
    peer.tell(peer.opened(1, 1, 0));
    (joined, peer)
}

/// Publishes a message: these records, and this payload.
fn publish(peer: &Peer, records: &[Record], payload: &[u8]) {
    let bytes: Vec<u8> = records.iter().flat_map(Record::encode).chain(payload.iter().copied()).collect();
    let room: Shared<[AtomicU64]> = peer.memory.slice(SMALL.payload(), bytes.len().div_ceil(8));
    store_bytes(&room, &bytes);
    let head = Head { rights: records.len(), ..Head::message(13, payload.len()) };
    peer.publish(1, 0, head, &[]);
}

fn form() -> Form {
    Form { is_complex: true, ..Form::default() }
}

/// Each is wrong in one thing; the one without a mistake arrives, else the rest would prove nothing.
#[test]
fn a_form_that_lies_ends_its_link() {
    let _watchdog = common::watchdog::Watchdog::start("hostile::a_form_that_lies_ends_its_link", 120);
    let port = |word: u32| [[0, 17, 0, 0], word.to_le_bytes()].concat();
    let memory = |size: u32| [[1, 0, 0, 0], size.to_le_bytes()].concat();
    let array = |count: u32| [[2, 17, 0, 0], count.to_le_bytes()].concat();
    let one = Form { descriptors: 1, ..form() };
    let two = Form { descriptors: 2, ..form() };
    let dead = Record::Dead;
    let lies: Vec<(&str, Vec<Record>, Vec<u8>)> = vec![
        ("a body longer than the payload", vec![Record::Form(Form { body: 9, ..form() })], vec![0; 8]),
        ("a table longer than the payload", vec![Record::Form(two)], port(0)),
        ("a table of any length", vec![Record::Form(Form { descriptors: u32::MAX, ..form() })], port(0)),
        ("auxiliary data that is not there", vec![Record::Form(Form { aux: Some(9), ..form() })], vec![0; 8]),
        ("memory that nobody tells", vec![Record::Form(form())], vec![0; 8]),
        ("memory that is not there", vec![Record::Form(one)], memory(1)),
        ("memory of any length", vec![Record::Form(one)], memory(u32::MAX)),
        ("the same memory twice", vec![Record::Form(two)], [memory(8), memory(8), vec![0; 8]].concat()),
        ("an array of any length", vec![Record::Form(one)], array(u32::MAX)),
        ("an unknown type", vec![Record::Form(one)], vec![5, 0, 0, 0, 0, 0, 0, 0]),
        ("unknown marks", vec![Record::Form(one)], vec![0, 17, 1, 0, 0, 0, 0, 0]),
        ("a name of another task's", vec![Record::Form(one)], port(0x103)),
        ("a right that is not beside", vec![Record::Form(one)], port(1)),
        (
            "a right in an array that is not beside",
            vec![Record::Form(one)],
            [array(1), vec![1, 0, 0, 0]].concat(),
        ),
        ("a right that nobody tells", vec![Record::Form(one), dead], port(0)),
        ("a reply that is not beside", vec![Record::Form(Form { reply: Reply::Right, ..form() })], vec![]),
        ("a form behind a right", vec![dead, Record::Form(one)], port(1)),
        ("two forms", vec![Record::Form(one), Record::Form(one)], port(0)),
    ];
    for (what, records, payload) in lies {
        let (joined, peer) = pair();
        joined.receive.request_no_senders(0, &joined.receive);
        publish(&peer, &records, &payload);
        let told = common::meet::next(&joined.receive, what).notification();
        assert!(matches!(told, Some(Notification::NoSenders { .. })), "{what}: {told:?}");
    }
    let (joined, peer) = pair();
    publish(&peer, &[Record::Form(two), dead], &[port(1), memory(8), vec![7; 8]].concat());
    let mut message = Received::new();
    joined.receive.receive(&mut message).unwrap();
    assert_eq!((message.id(), message.body(), message.rights().len()), (13, &b""[..], 1));
    assert_eq!(message.memory().collect::<Vec<_>>(), [[7; 8]]);
}
