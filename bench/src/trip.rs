//! The loops of a round trip: one side asks, the other answers.

use crate::failure::{Failure, expect};
use crate::measure::{Measure, histogram, nanoseconds};
use crate::side::{Role, Side};
use std::time::Instant;

/// Runs this side's part of the round trips over a transport given by its two halves.
///
/// Messages are numbered from 1; the answer to a number is the number. The clock is read after sending, while the
/// message is under way, so a time is that from one send to the next.
pub(crate) fn round_trips(
    side: &Side,
    send: impl FnMut(u64) -> Result<(), Failure>,
    receive: impl FnMut() -> Result<u64, Failure>,
) -> Result<Measure, Failure> {
    match side.role {
        Role::Left => ask(side, send, receive),
        Role::Right => answer(side, send, receive),
    }
}

fn ask(
    side: &Side,
    mut send: impl FnMut(u64) -> Result<(), Failure>,
    mut receive: impl FnMut() -> Result<u64, Failure>,
) -> Result<Measure, Failure> {
    let mut times = histogram();
    for number in 1..=side.warm_up() {
        send(number)?;
        expect(receive()?, number)?;
    }
    let first = side.warm_up() + 1;
    send(first)?;
    let mut sent = Instant::now();
    expect(receive()?, first)?;
    for number in first + 1..=first + side.count {
        send(number)?;
        let now = Instant::now();
        times.saturating_record(nanoseconds(now - sent));
        sent = now;
        expect(receive()?, number)?;
    }
    Ok(Measure::times(&times))
}

fn answer(
    side: &Side,
    mut send: impl FnMut(u64) -> Result<(), Failure>,
    mut receive: impl FnMut() -> Result<u64, Failure>,
) -> Result<Measure, Failure> {
    for number in 1..=side.warm_up() + 1 + side.count {
        expect(receive()?, number)?;
        send(number)?;
    }
    Ok(Measure::Served)
}
