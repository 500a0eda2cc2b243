//! The loops of a stream: the right side pours, the left side drains and measures.

use crate::failure::{Failure, expect};
use crate::measure::Measure;
use crate::side::Side;
use std::time::Instant;

// Inlined always, so that the cursors of a ring live in registers: a row measures the transport, not a spill.

/// Sends the numbers from 1 on, warm-up first.
#[inline(always)]
pub(crate) fn pour(
    side: &Side,
    mut push: impl FnMut(u64) -> Result<(), Failure>,
) -> Result<Measure, Failure> {
    for number in 1..=side.warm_up() + side.count {
        push(number)?;
    }
    Ok(Measure::Served)
}

/// Receives the numbers, checks each, and takes the time of all after the warm-up.
#[inline(always)]
pub(crate) fn drain(side: &Side, mut pop: impl FnMut() -> Result<u64, Failure>) -> Result<Measure, Failure> {
    let warm_up = side.warm_up();
    let mut start = Instant::now();
    // One loop with one call, which is then inlined too.
    for number in 1..=warm_up + side.count {
        expect(pop()?, number)?;
        if number == warm_up {
            start = Instant::now();
        }
    }
    Ok(Measure::rate(side.count, start.elapsed()))
}
