//! Claims that no right stands behind: lanes, answers and news of a peer that makes its half by hand.
//! The peer is a thread here: what it may write is the same, and what it does is exact.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::raw::{Raw, SMALL};
use common::sockets;
use common::watchdog::Watchdog;
use futex::sync::{AtomicU64, Ordering as Order, store_bytes};
use shm_mach::ring::layout::{Cursor, FLAG_DEAD, FLAG_REVOKED, Slot, place};
use shm_mach::ring::slot::{Head, LENGTH_MAX, seq};
use shm_mach::segment::Shared;
use shm_mach::wire::control::Control;
use shm_mach::wire::record::Record;
use shm_mach::wire::request::PortRef;
use shm_mach::{
    Deadline, Geometry, Joined, Message, Notification, Options, ReceiveError, Received, SendFailure, Wait,
    join,
};

/// The victim, and the peer that plays by no rules.
fn pair(geometry: Geometry) -> (Joined, Raw) {
    let (ours, theirs) = sockets();
    let raw = std::thread::spawn(move || Raw::join(theirs, geometry));
    let joined = join(ours, &Options::default()).unwrap();
    (joined, raw.join().unwrap())
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_millis(60))
}

fn hears_nothing(joined: &Joined) {
    let mut message = Received::new();
    let heard = joined.receive.receive_deadline(&mut message, soon());
    assert_eq!(heard, Err(ReceiveError::TimedOut), "{message:?}");
}

/// Each claim is wrong in one thing. Fails if any of the three is not compared with the receiver's own
/// table, or if the true claim is not believed (then the rest would prove nothing).
#[test]
fn a_lane_is_believed_only_with_port_key_and_epoch() {
    let _watchdog = Watchdog::start("a_lane_is_believed_only_with_port_key_and_epoch", 60);
    let (joined, mut raw) = pair(SMALL);
    let unheld = joined.task.allocate().unwrap();
    let (port, key) = (raw.hello.port, raw.hello.key);
    let claims = [
        (port + 1, key, 0), // a port of the same task that it holds no right to
        (port + 1, 0, 0),
        (port + 2, key, 0), // no port at all
        (u32::MAX, key, 0),
        (port, key ^ 1, 0),
        (port, 0, 0),
        (port, key, 1),
        (port, key, u32::MAX),
    ];
    for (n, (port, key, epoch)) in claims.into_iter().enumerate() {
        let lane = n as u32 + 1;
        raw.send(lane as usize, 0, 13, b"forged");
        raw.tell(Control::Opened { lane, generation: 1, port, epoch, key, start: 0 });
        raw.send(lane as usize, 1, 13, b"forged");
    }
    hears_nothing(&joined);
    assert_eq!(unheld.try_receive(&mut Received::new()), Err(ReceiveError::TimedOut));
    for lane in 1..=claims.len() {
        assert_eq!(raw.wanted(lane) & FLAG_DEAD, FLAG_DEAD, "lane {lane} is told that it is dead");
    }
    raw.send(20, 0, 14, b"true");
    raw.tell(raw.opened(20, 1, 0));
    let mut message = Received::new();
    joined.receive.receive(&mut message).unwrap();
    assert_eq!((message.id(), message.body()), (14, &b"true"[..]));
}

/// Fails if a right that was given back can still open a lane, or if giving back more than one has is
/// counted.
#[test]
fn a_right_that_was_given_back_opens_nothing() {
    let _watchdog = Watchdog::start("a_right_that_was_given_back_opens_nothing", 60);
    let (joined, mut raw) = pair(SMALL);
    let (port, key) = (raw.hello.port, raw.hello.key);
    raw.tell(Control::Returned { port, epoch: 0, key, count: u64::MAX, by: 0 });
    let mut message = Received::new();
    joined.receive.receive(&mut message).unwrap();
    assert_eq!(message.notification(), Some(Notification::NoSenders { mscount: 1 }));
    raw.send(1, 0, 13, b"late");
    raw.tell(raw.opened(1, 1, 0));
    hears_nothing(&joined);
    assert_eq!(raw.wanted(1) & FLAG_DEAD, FLAG_DEAD);
}

/// Fails if a revoked peer's queue is still read, or its claims with the old or the next epoch are
/// believed.
#[test]
fn a_revoked_peer_delivers_nothing_more() {
    let _watchdog = Watchdog::start("a_revoked_peer_delivers_nothing_more", 60);
    let (joined, mut raw) = pair(SMALL);
    raw.tell(raw.opened(1, 1, 0));
    raw.send(1, 0, 14, b"in time");
    raw.send(1, 1, 13, b"queued");
    let mut message = Received::new();
    joined.receive.receive(&mut message).unwrap();
    assert_eq!(message.id(), 14);
    assert!(joined.receive.revoke(joined.peer));
    joined.receive.receive(&mut message).unwrap();
    assert_eq!(message.notification(), Some(Notification::NoSenders { mscount: 1 }));
    assert_eq!(raw.wanted(1) & (FLAG_DEAD | FLAG_REVOKED), FLAG_DEAD | FLAG_REVOKED);
    raw.send(1, 2, 13, b"afterwards");
    let (port, key) = (raw.hello.port, raw.hello.key);
    for (lane, epoch) in [(2, 0), (3, 1), (4, 2)] {
        raw.send(lane as usize, 0, 13, b"claimed again");
        raw.tell(Control::Opened { lane, generation: 1, port, epoch, key, start: 0 });
    }
    hears_nothing(&joined);
}

/// Slots with the right sequence number that nobody honest writes: the link ends, with the
/// notification, and nothing is delivered. Fails if a kind, a count or a range is not checked.
#[test]
fn nonsense_ends_the_link() {
    let _watchdog = Watchdog::start("nonsense_ends_the_link", 60);
    let message = |length, rights, payload_at| Head { rights, payload_at, ..Head::message(13, length) };
    let region = SMALL.payload_bytes();
    let lies: [(Head, u64); 6] = [
        (message(8, 0, 0), 2 << 56),                    // a kind that does not exist
        (message(8, 1024, 0), 0),                       // more rights than a message carries
        (message(64, 0, region), 0),                    // payload behind the region
        (message(65, 0, region - 64), 0),               // payload that ends behind it
        (message(LENGTH_MAX, 0, 0), 0),                 // longer than the region
        (message(33, 1023, u32::MAX as usize * 64), 0), // and what overflows 32 bits
    ];
    for (head, mask) in lies {
        let (joined, mut raw) = pair(SMALL);
        raw.tell(raw.opened(1, 1, 0));
        raw.send(1, 0, 14, b"true");
        let mut received = Received::new();
        joined.receive.receive(&mut received).unwrap();
        raw.publish(1, 1, head, &[]);
        let word = &raw.slot(1, 1).words[0];
        word.store(word.load(Order::Relaxed) | mask, Order::Relaxed);
        joined.receive.receive(&mut received).unwrap();
        assert_eq!(received.notification(), Some(Notification::NoSenders { mscount: 1 }), "{head:?}");
        raw.send(1, 2, 13, b"nobody listens");
        hears_nothing(&joined);
        let refused = joined.send.send(Message::new(0, b"")).unwrap_err();
        assert_eq!(refused.failure(), SendFailure::PortDied);
    }
}

/// A peer that hangs up but lives, and adds to its news for as long as it is not let go. Fails if the
/// last news of the "dead" are read until there are none, by a victim that is slower than its peer.
#[test]
fn news_without_end_keep_nobody() {
    let _watchdog = Watchdog::start("news_without_end_keep_nobody", 60);
    let big = Geometry { slots: 2048, ..SMALL };
    let (joined, mut raw) = pair(big);
    let stop = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let news = Control::Returned { port: raw.hello.port + 1, epoch: 0, key: 0, count: 0, by: 0 };
            let (id, body) = news.encode();
            let slots: Vec<_> = (0..big.slots as u64).map(|at| raw.slot(0, at)).collect();
            let cursor: Shared<Cursor> = raw.theirs.view(place::CURSORS).unwrap();
            let [first, second, ..] = Head::message(id, body.len()).encode(0);
            for slot in &slots {
                store_bytes(&slot.words[4..], &body);
                slot.words[1].store(second, Order::Relaxed);
            }
            raw.socket = None;
            while !stop.load(Ordering::Relaxed) {
                let room =
                    big.slots as u32 - (raw.told as u32).wrapping_sub(cursor.position.load(Order::Relaxed));
                for _ in 0..room {
                    let word = &slots[raw.told as usize % big.slots].words[0];
                    word.store(first | u64::from(seq(raw.told)), Order::Release);
                    raw.told += 1;
                }
            }
        });
        let mut message = Received::new();
        joined.receive.receive(&mut message).unwrap();
        assert_eq!(message.notification(), Some(Notification::NoSenders { mscount: 1 }));
        stop.store(true, Ordering::Relaxed);
    });
}

/// A peer answers a request that is still waiting to be sent: tokens can be guessed. Fails if the slot
/// is given back twice when the request comes back (two requests would share it), or if the right that
/// comes back is not counted.
#[test]
fn an_answer_to_a_guessed_token_breaks_no_account() {
    let _watchdog = Watchdog::start("an_answer_to_a_guessed_token_breaks_no_account", 60);
    let (joined, raw) = pair(SMALL);
    let replies = joined.task.allocate().unwrap();
    while joined.send.try_send(Message::new(0, b"")).is_ok() {} // the peer reads nothing
    let answer = |slot: usize, generation: u32, id| {
        let words: Shared<Slot> = raw.memory.view(place::REPLIES + slot * size_of::<Slot>());
        let [first, second, third, fourth] = Head::message(id, 0).encode(generation);
        for (word, value) in words.words.iter().zip([0, second, third, fourth]).skip(1) {
            word.store(value, Order::Relaxed);
        }
        words.words[0].store(first, Order::Release);
    };
    answer(0, 1, 13);
    let right = std::thread::scope(|scope| {
        let guessed = scope.spawn(|| replies.receive(&mut Received::new()));
        joined.send.set_wait(Wait::Park);
        let request = Message::new(1, b"").reply_to(replies.make_send_once());
        let refused = joined.send.send_deadline(request, Deadline::after(Duration::from_millis(300)));
        guessed.join().unwrap().unwrap();
        refused.unwrap_err().into_message().take_reply().unwrap()
    });
    let (_, cursor) = raw.answers(1);
    cursor.position.store(16, Order::Relaxed); // room for two requests and more
    joined.send.send(Message::new(1, b"").reply_to(right)).unwrap();
    joined.send.send(Message::new(2, b"").reply_to(replies.make_send_once())).unwrap();
    for (slot, generation) in [(0, 2), (1, 1)] {
        answer(slot, generation, 20 + slot as i32);
    }
    let mut message = Received::new();
    let mut ids = [0; 2];
    for id in &mut ids {
        replies.receive(&mut message).unwrap();
        *id = message.id();
    }
    ids.sort_unstable();
    assert_eq!(ids, [20, 21], "the two requests have a slot each");
}

/// A peer gives two million rights, reads nothing of their return, and then says that it has read
/// all there is room for. Fails, by taking minutes, if what could not be told is moved up by one place
/// each time that something is told.
#[test]
fn rights_without_end_are_returned_one_by_one() {
    let _watchdog = Watchdog::start("rights_without_end_are_returned_one_by_one", 120);
    const RIGHTS: usize = 1000;
    let (joined, mut raw) = pair(SMALL);
    let records: Shared<[AtomicU64]> = raw.memory.slice(SMALL.payload(), RIGHTS * 4);
    for port in 0..RIGHTS {
        let at = PortRef { port: port as u32, epoch: 0, key: 1, limit: 5 };
        store_bytes(&records[port * 4..], &Record::Send(at).encode());
    }
    raw.tell(raw.opened(1, 1, 0));
    let mut message = Received::new();
    for position in 0..2000 {
        raw.publish(1, position, Head { rights: RIGHTS, ..Head::message(0, 0) }, &[]);
        joined.receive.receive(&mut message).unwrap();
        assert_eq!(message.take_rights().len(), RIGHTS); // and drops them
    }
    let (_, control) = raw.answers(0);
    for laps in 1..60 {
        control.position.store(laps * 1023, Order::Release);
        let _ = joined.receive.try_receive(&mut message);
    }
}
