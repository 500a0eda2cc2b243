//! Answers in reply slots: read once and whole, by threads that poll or sleep.

use futex::Deadline;
use futex::sync::{Arc, step, yield_now};
use shm_mach::ring::patience::Wait;
use shm_mach::ring::slot::{Kind, Token};

use crate::explore::spawn;
use crate::mail::{Inbox, Port, poll, send, take};
use crate::reply::{Awaited, DROPPED, Desk, FIRST};
use crate::scene::Scene;
use crate::wire::{Wire, bells};

/// A desk of `slots` reply slots without room for long answers.
fn desk(slots: usize) -> Desk {
    Desk::new(slots, bells(2), 0)
}

/// A group that waits for `awaited` alone.
fn group(awaited: Awaited) -> Port {
    Port::new(1, Inbox { awaited: vec![awaited], ..Inbox::default() })
}

fn polled(awaited: Awaited) -> i32 {
    while !awaited.is_there() {
        yield_now();
    }
    awaited.take()
}

fn waited(group: &Port) -> i32 {
    group.wait(&Scene::quiet(), Wait::Park, Deadline::NEVER, take).unwrap()
}

/// One answer, polled for: it is read whole and once, and the answer of the slot's life before is
/// not read at all.
pub fn publish_consume() {
    let desk = desk(1);
    let (token, awaited) = desk.ask(0, FIRST, None);
    let there = desk.clone();
    let answerer = spawn(move || there.answer(token, 1, 1));
    let group = group(awaited);
    let scene = Scene::quiet();
    let got = loop {
        match group.try_take(&scene, take) {
            Some(id) => break id,
            None => yield_now(),
        }
    };
    assert_eq!(got, 1, "an old answer was believed");
    assert_eq!(group.try_take(&scene, take), None, "an answer came twice");
    answerer.join().unwrap();
}

/// Two answers in two slots: who sees the second finds the first, too.
pub fn in_order() {
    let desk = desk(2);
    let [(first, one), (second, two)] = [0, 1].map(|slot| desk.ask(slot, FIRST, None));
    let answerer = spawn(move || {
        desk.answer(first, 1, 1);
        desk.answer(second, 2, 2);
    });
    while !two.is_there() {
        yield_now();
    }
    assert!(one.is_there(), "an earlier answer is missing");
    let stamps = [one, two].map(|awaited| awaited.peek().map(|head| head.stamp));
    assert_eq!(stamps, [Some(1), Some(2)], "an earlier answer is missing, or a stamp");
    answerer.join().unwrap();
}

/// The right to answer is dropped while nobody waits any more, or is about to: the asking side
/// finds the slot closed in the end, whatever the other side has seen, and may use it again.
pub fn drop_against_abandon() {
    let desk = desk(1);
    let (token, awaited) = desk.ask(0, FIRST, Some(1));
    let there = desk.clone();
    let holder = spawn(move || {
        if there.words(0).is_dead(FIRST + 1) {
            panic!("another generation's death was believed");
        }
        there.drop_unused(token);
    });
    let late = awaited.clone();
    awaited.abandon();
    while !late.is_there() {
        yield_now();
    }
    assert_eq!(late.peek().map(|head| head.kind), Some(Kind::Close));
    holder.join().unwrap();
    assert!(desk.words(0).is_dead(FIRST), "a death is lost");
}

/// A thread sleeps until the right to answer is dropped.
pub fn dropped() {
    let desk = desk(1);
    let (token, awaited) = desk.ask(0, FIRST, None);
    let holder = spawn(move || desk.drop_unused(token));
    assert_eq!(waited(&group(awaited)), DROPPED);
    holder.join().unwrap();
}

/// The bell is asked for when the token is out already: the gate decides.
pub fn armed_late() {
    let desk = desk(1);
    let (token, awaited) = desk.ask(0, FIRST, None);
    let answerer = spawn(move || desk.answer(token, 1, 1));
    assert_eq!(waited(&group(awaited)), 1);
    answerer.join().unwrap();
}

/// The bell is asked for before the token goes out with a request: no fence is needed, because who
/// answers has read the request.
pub fn armed_first() {
    let desk = desk(1);
    let wire = Wire::new(2);
    let (mut requests, mut reader) = (wire.sender(1), wire.receiver(1));
    let there = desk.clone();
    let answerer = spawn(move || {
        let slot = poll(&mut reader).expect("a request");
        there.answer(Token { slot: slot as u16, generation: FIRST }, 1, 1);
    });
    let is_begun = step("begin-before-request");
    if !is_begun {
        send(&mut requests, 0);
    }
    let (_, awaited) = desk.ask(0, FIRST, Some(1));
    if is_begun {
        send(&mut requests, 0);
    }
    assert_eq!(waited(&group(awaited)), 1);
    answerer.join().unwrap();
}

/// A thread waits for a lane and an answer at once: it gets both.
pub fn beside_a_lane() {
    let bells = bells(2);
    let wire = Wire::in_half(2, 0, bells.clone());
    let desk = Desk::new(1, bells, 0);
    let (token, awaited) = desk.ask(0, FIRST, None);
    let group = group(awaited);
    group.insert(wire.seat(1));
    let mut lane = wire.sender(1);
    let threads = [spawn(move || desk.answer(token, 1, 1)), spawn(move || send(&mut lane, 2))];
    let mut got = [0; 2].map(|_| waited(&group));
    got.sort_unstable();
    assert_eq!(got, [1, 2], "something is lost or came twice");
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// An answer is asked for while a thread sleeps already, or is about to: it takes the new source
/// into account.
pub fn extended() {
    let group = Arc::new(Port::new(1, Inbox::default()));
    let there = group.clone();
    let desk = desk(1);
    let asker = spawn(move || {
        let token = there.extend(|state| {
            let bell = state.is_sleepy().then_some(1);
            let (token, awaited) = desk.ask(0, FIRST, bell);
            state.port.awaited.push(awaited);
            token
        });
        desk.answer(token, 1, 1);
    });
    assert_eq!(waited(&group), 1);
    asker.join().unwrap();
}

/// A slot's first token was abandoned and is answered late, by a thread that knows nothing of it.
/// The slot's next life begins after that, and its answer is read.
pub fn late_answer() {
    let desk = desk(1);
    let (token, awaited) = desk.ask(0, FIRST, None);
    let there = desk.clone();
    let late = spawn(move || there.answer(token, 1, 1));
    let over = awaited.clone();
    awaited.abandon();
    while step("reuse-when-answered") && !over.is_there() {
        yield_now();
    }
    let (token, awaited) = desk.ask(0, FIRST + 1, None);
    let answerer = spawn(move || desk.answer(token, 2, 2));
    late.join().unwrap();
    answerer.join().unwrap();
    assert!(awaited.is_there(), "a late answer took the place of the next");
    assert_eq!(awaited.take(), 2);
}

/// The slot of a consumed answer is used again at once, without a word to the other side: the next
/// answer does not change the slot under whoever reads the one before.
pub fn next_life() {
    let desk = desk(1);
    let wire = Wire::new(4);
    let (mut requests, mut reader) = (wire.sender(2), wire.receiver(2));
    let there = desk.clone();
    let answerer = spawn(move || {
        for life in 0..2 {
            let id = poll(&mut reader).expect("a request");
            let token = Token { slot: 0, generation: FIRST + life };
            there.answer(token, id, u64::from(life));
        }
    });
    for life in 0..2 {
        let (_, awaited) = desk.ask(0, FIRST + life, None);
        let id = life as i32 + 1;
        send(&mut requests, id);
        assert_eq!(polled(awaited), id, "an old answer was believed");
    }
    answerer.join().unwrap();
}

/// Two threads answer, one when the other has: their stamps are in that order, and who sees the
/// second answer finds the first.
pub fn stamps() {
    let desk = desk(2);
    let [one, two] = [0, 1].map(|slot| desk.ask(slot, FIRST, None).1);
    let [first, second] = [0, 1].map(|slot| Token::new(slot, FIRST, true));
    let there = desk.clone();
    let earlier = spawn(move || there.answer_in_order(first, 1));
    let later = spawn(move || {
        earlier.join().unwrap();
        desk.answer_in_order(second, 2);
    });
    while !two.is_there() {
        yield_now();
    }
    assert!(one.is_there(), "an earlier answer is missing");
    let [one, two] = [one, two].map(|awaited| awaited.peek().map(|head| head.stamp));
    assert!(one < two, "an earlier answer has a later stamp: {one:?}, {two:?}");
    later.join().unwrap();
}

/// Two lives of one slot, each with a long answer, and room for one: the second is written when the
/// first was copied, whether the asking side says so or speaks of the next life already.
pub fn next_life_long() {
    let desk = Desk::new(1, bells(2), 64);
    let wire = Wire::new(4);
    let (mut requests, mut reader) = (wire.sender(2), wire.receiver(2));
    let there = desk.clone();
    let answerer = spawn(move || {
        let mut heap = there.heap();
        for life in 0..2 {
            let id = poll(&mut reader).expect("a request");
            let token = Token { slot: 0, generation: FIRST + life };
            while !there.answer_long(&mut heap, token, id, 40) {
                yield_now();
            }
        }
    });
    let (_, first) = desk.ask(0, FIRST, None);
    send(&mut requests, 1);
    while !first.is_there() {
        yield_now();
    }
    let is_copied = step("begin-after-copy");
    if is_copied {
        assert_eq!(first.copy(), 1);
    }
    let (_, second) = desk.ask(0, FIRST + 1, Some(1)); // its flags stand for the first's, too
    send(&mut requests, 2);
    if !is_copied {
        first.copy();
    }
    assert_eq!(polled(second), 2);
    answerer.join().unwrap();
}

/// Three long answers, and room for two: the third is written where the first was, when that was
/// read. No answer changes under the reader.
pub fn heap_again() {
    let desk = Desk::new(3, bells(2), 128);
    let asked = [0, 1, 2].map(|slot| desk.ask(slot, FIRST, None));
    let tokens = asked.each_ref().map(|(token, _)| *token);
    let answerer = spawn(move || {
        let mut heap = desk.heap();
        for (token, id) in tokens.into_iter().zip(1..) {
            while !desk.answer_long(&mut heap, token, id, 40) {
                yield_now();
            }
        }
    });
    let got = asked.map(|(_, awaited)| polled(awaited));
    assert_eq!(got, [1, 2, 3]);
    answerer.join().unwrap();
}
