//! A lane alone: no sleep, both ends poll.

use futex::sync::{step, yield_now};
use shm_mach::ring::lane_out::{Death, Refusal};

use crate::explore::spawn;
use crate::mail::{poll, push};
use crate::wire::{START, Wire};

/// A sender publishes an inline and a long body; a receiver polls. Both arrive once, in order, whole.
pub fn publish_consume() {
    let wire = Wire::new(4).with_payload();
    let mut lane = wire.sender(3);
    let sender = spawn(move || {
        push(&mut lane, 1, 16).expect("there is room");
        push(&mut lane, 2, 48).expect("there is room");
    });
    let mut lane = wire.receiver(3);
    assert_eq!(poll(&mut lane), Some(1), "out of order");
    assert_eq!(poll(&mut lane), Some(2), "out of order");
    sender.join().unwrap();
}

/// Three messages through a ring of two slots, so that the first slot is written again, across the
/// wrap of the position. No slot changes under the receiver that reads it.
pub fn slot_again() {
    let wire = Wire::new(2);
    let mut lane = wire.sender(1);
    let sender = spawn(move || {
        for id in 1..=3 {
            while push(&mut lane, id, 8) == Err(Refusal::Full) {
                yield_now();
            }
        }
    });
    let mut lane = wire.receiver(1);
    for id in 1..=3 {
        assert_eq!(poll(&mut lane), Some(id), "out of order");
    }
    sender.join().unwrap();
}

/// Two bodies that fill the payload area, and a third that needs the room of the first. No payload
/// changes under the receiver that reads it.
pub fn payload_again() {
    let wire = Wire::new(4).with_payload();
    let mut lane = wire.sender(3);
    let sender = spawn(move || {
        push(&mut lane, 1, 128).expect("there is room");
        push(&mut lane, 2, 128).expect("there is room");
        while push(&mut lane, 3, 64) == Err(Refusal::Full) {
            yield_now();
        }
    });
    let mut lane = wire.receiver(3);
    for id in 1..=3 {
        assert_eq!(poll(&mut lane), Some(id), "out of order");
    }
    sender.join().unwrap();
}

/// Two messages by one region of memory, the second written when the first was read. Neither changes under
/// the receiver that reads it.
pub fn region_again() {
    let wire = Wire::new(4).with_payload();
    let mut lane = wire.sender(3);
    let there = wire.clone();
    let sender = spawn(move || {
        there.push_large(&mut lane, 1, 40);
        while step("region-when-read") && !there.is_read(&lane) {
            yield_now();
        }
        there.push_large(&mut lane, 2, 40);
    });
    let mut lane = wire.receiver(3);
    assert_eq!(wire.poll_large(&mut lane), 1, "out of order");
    assert_eq!(wire.poll_large(&mut lane), 2, "out of order");
    sender.join().unwrap();
}

/// A receiver declares the port dead while a sender sends. Once refused, always refused; and what
/// was accepted is there to be read, nothing more and nothing less.
pub fn death_against_push() {
    let wire = Wire::new(4);
    let mut lane = wire.sender(3);
    let mut reader = wire.receiver(3);
    let sender = spawn(move || {
        let first = push(&mut lane, 1, 8);
        let second = push(&mut lane, 2, 8);
        assert!(first.is_ok() || second == Err(Refusal::Dead), "alive after death");
        i32::from(first.is_ok()) + i32::from(second.is_ok())
    });
    reader.kill(Death::Died);
    let accepted = sender.join().unwrap();
    for id in 1..=accepted {
        assert_eq!(poll(&mut reader), Some(id), "an accepted message is lost");
    }
    assert_eq!(reader.peek(), Ok(None), "a refused message is there");
}

/// The generation of a ring that is used again.
fn next_generation() -> u32 {
    if step("reuse-new-generation") { 2 } else { 1 }
}

/// A lane is closed, drained and opened again in the same ring, while the receiver kills the old
/// generation. The new one sees neither the old slots nor the old flags.
pub fn reuse() {
    let wire = Wire::new(2);
    let mut lane = wire.sender(1);
    let ring = wire.clone();
    let sender = spawn(move || {
        push(&mut lane, 1, 8).expect("there is room");
        lane.close();
        while step("reuse-when-drained") && !lane.is_drained() {
            yield_now();
        }
        let (end, _) = lane.end();
        let mut lane = ring.sender_of(next_generation(), end, 1);
        push(&mut lane, 2, 8).expect("flags of the old generation were believed");
    });
    let mut lane = wire.receiver(1);
    assert_eq!(poll(&mut lane), Some(1));
    lane.kill(Death::Died);
    assert_eq!(poll(&mut lane), None, "the close record comes last");
    let mut lane = wire.receiver_of(next_generation(), START + 2, 1);
    assert_eq!(poll(&mut lane), Some(2), "an old slot was believed");
    sender.join().unwrap();
}

/// A handle is dropped while the lane is full: the close record has a slot of its own, is never
/// refused, and comes after all that was sent.
pub fn close_when_full() {
    let wire = Wire::new(2);
    let mut lane = wire.sender(1);
    let sender = spawn(move || {
        push(&mut lane, 1, 8).expect("there is room");
        assert_eq!(lane.position(), START + 1);
        lane.close();
    });
    let mut lane = wire.receiver(1);
    assert_eq!(poll(&mut lane), Some(1));
    assert_eq!(poll(&mut lane), None, "the close record comes last");
    sender.join().unwrap();
}
