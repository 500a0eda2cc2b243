//! A sender without room sleeps; the receiver wakes it by reading, dying, or raising the limit.

use futex::sync::Ordering;
use futex::{Deadline, WaitSet};
use shm_mach::ring::lane_out::{Death, Refusal};

use crate::explore::spawn;
use crate::mail::{poll, push, send, send_waiting};
use crate::wire::Wire;

/// Queue limit 1: the sender blocks before each of its next two messages, the receiver polls. All
/// arrive, in order, and the sender never sleeps while the queue is empty.
pub fn exact() {
    let wire = Wire::new(2);
    let mut lane = wire.sender(1);
    let mut reader = wire.receiver(1);
    send(&mut lane, 1);
    let sender = spawn(move || {
        for id in 2..=3 {
            send_waiting(&mut lane, id, 8).expect("alive");
        }
    });
    for id in 1..=3 {
        assert_eq!(poll(&mut reader), Some(id), "out of order");
    }
    sender.join().unwrap();
}

/// The cursor is published at every second dequeue (limit 8 in a model), and the sender admits nine.
/// The receiver reads two and goes away: the queue then holds fewer than the limit, so the sender
/// may not block.
pub fn interval() {
    let wire = Wire::new(16);
    let mut lane = wire.sender(8);
    let mut reader = wire.receiver(8);
    (1..=8).for_each(|id| send(&mut lane, id));
    assert_eq!(poll(&mut reader), Some(1), "out of order");
    send_waiting(&mut lane, 9, 8).expect("alive");
    let receiver = spawn(move || assert_eq!(poll(&mut reader), Some(2), "out of order"));
    send_waiting(&mut lane, 10, 8).expect("alive");
    receiver.join().unwrap();
}

/// Death while the sender waits for room, or is about to: it always learns.
pub fn death() {
    let wire = Wire::new(2);
    let mut lane = wire.sender(1);
    let mut reader = wire.receiver(1);
    send(&mut lane, 1);
    let receiver = spawn(move || reader.kill(Death::Died));
    assert_eq!(send_waiting(&mut lane, 2, 8), Err(Refusal::Dead), "sent to a dead port");
    receiver.join().unwrap();
}

/// The limit is raised while the sender waits for room, or is about to: it goes on, though the
/// receiver reads nothing.
pub fn raised_limit() {
    let wire = Wire::new(4);
    let mut lane = wire.sender(1);
    let mut reader = wire.receiver(1);
    send(&mut lane, 1);
    let receiver = spawn(move || reader.set_limit(2));
    send_waiting(&mut lane, 2, 8).expect("alive");
    assert_eq!(push(&mut lane, 3, 8), Err(Refusal::Full), "more than the limit");
    receiver.join().unwrap();
}

/// The sender fills a lane that the receiver does not know yet, up to the limit that it assumes;
/// then the receiver adopts the lane and tells a higher one: the sender goes on.
pub fn adoption() {
    let wire = Wire::new(4);
    let mut lane = wire.sender(1);
    send(&mut lane, 1);
    let known = wire.clone();
    let receiver = spawn(move || known.receiver(2));
    send_waiting(&mut lane, 2, 8).expect("alive");
    receiver.join().unwrap();
}

/// The receiver reads all that there is, leaves some of it unpublished, and lowers the limit. The
/// queue is empty, so the sender may not block.
pub fn lowered_limit() {
    let wire = Wire::new(16);
    let mut lane = wire.sender(8);
    let mut reader = wire.receiver(8);
    (1..=8).for_each(|id| send(&mut lane, id));
    assert_eq!(poll(&mut reader), Some(1), "out of order");
    send(&mut lane, 9);
    let receiver = spawn(move || {
        (2..=9).for_each(|id| assert_eq!(poll(&mut reader), Some(id), "out of order"));
        reader.set_limit(1);
    });
    send_waiting(&mut lane, 10, 8).expect("alive");
    receiver.join().unwrap();
}

/// The limit is lowered, and then the sender is told so by other means: it sends no more than that, though
/// it had room before. Meanwhile nothing is read.
pub fn lowered_before() {
    let wire = Wire::new(4);
    let mut lane = wire.sender(3);
    let mut reader = wire.receiver(3);
    send(&mut lane, 1);
    let receiver = spawn(move || {
        reader.set_limit(1);
        reader.watch_limit();
        reader
    });
    let before = push(&mut lane, 2, 8).is_ok();
    let mut reader = receiver.join().unwrap();
    assert_eq!(push(&mut lane, 3, 8), Err(Refusal::Full), "more than the lowered limit");
    let read = 1 + i32::from(before);
    (1..=read).for_each(|id| assert_eq!(poll(&mut reader), Some(id), "out of order"));
    push(&mut lane, 4, 8).expect("there is room");
    assert_eq!(push(&mut lane, 5, 8), Err(Refusal::Full), "the limit stands");
}

/// The payload area is full of a body that was read while its slot's cursor is not published. The
/// queue is empty, so the sender may not block.
pub fn payload() {
    let wire = Wire::new(16).with_payload();
    let mut lane = wire.sender(8);
    let mut reader = wire.receiver(8);
    push(&mut lane, 1, 8).expect("there is room");
    push(&mut lane, 2, 64).expect("there is room");
    push(&mut lane, 3, 128).expect("there is room");
    let receiver = spawn(move || {
        (1..=3).for_each(|id| assert_eq!(poll(&mut reader), Some(id), "out of order"));
    });
    send_waiting(&mut lane, 4, 128).expect("alive");
    receiver.join().unwrap();
}

/// A new generation tells another limit in the same words: whoever sees the generation sees its
/// limit, never the old one's.
pub fn limit_of_a_generation() {
    let wire = Wire::new(4);
    let old = wire.receiver(3);
    let start = old.position();
    drop(old);
    let known = wire.clone();
    let receiver = spawn(move || known.receiver_of(2, start, 1));
    let mut lane = wire.sender_of(2, start, 1);
    send(&mut lane, 1);
    assert_eq!(push(&mut lane, 2, 8), Err(Refusal::Full), "the old generation's limit was believed");
    receiver.join().unwrap();
}

/// A send that was refused asks to hear of room, and does not wait; another thread sleeps on the cursor. It
/// always hears that something was read.
pub fn watched() {
    let wire = Wire::new(2);
    let mut lane = wire.sender(1);
    let mut reader = wire.receiver(1);
    send(&mut lane, 1);
    let receiver = spawn(move || assert_eq!(poll(&mut reader), Some(1), "out of order"));
    if push(&mut lane, 2, 8) == Err(Refusal::Full)
        && let Some(watch) = lane.watch_room()
    {
        loop {
            let position = wire.cursor().position.load(Ordering::Relaxed);
            if watch.has_moved(wire.cursor()) {
                break;
            }
            let mut set = WaitSet::new();
            set.add(&wire.cursor().position, position).expect("one word fits");
            set.sleep(Deadline::NEVER);
        }
        watch.end();
        send(&mut lane, 2);
    }
    receiver.join().unwrap();
}

/// Somebody hears of room while the sender itself waits for it: the wish of the one who has heard ends,
/// and the sender's stays.
pub fn watched_apart() {
    let wire = Wire::new(2);
    let mut lane = wire.sender(1);
    let mut reader = wire.receiver(1);
    send(&mut lane, 1);
    let watch = lane.watch_room().expect("nothing was read");
    let other = spawn(move || watch.end());
    let receiver = spawn(move || assert_eq!(poll(&mut reader), Some(1), "out of order"));
    send_waiting(&mut lane, 2, 8).expect("alive");
    receiver.join().unwrap();
    other.join().unwrap();
}
