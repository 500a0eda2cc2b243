//! The floor of a round trip: one word each way, each in a cache line of its own, both sides spinning.

use crate::failure::Failure;
use crate::measure::Measure;
use crate::row::{Place, Row, Wait};
use crate::shared::APART;
use crate::side::{Role, Side};
use crate::trip::round_trips;
use std::hint::spin_loop;
use std::sync::atomic::Ordering::{Acquire, Release};

/// The rows of this family.
pub(crate) const ROWS: &[Row] = &[Row {
    name: "line_rtt",
    payload: Some(8),
    wait: Some(Wait::Spin),
    anchor: None,
    place: Place::TwoCores,
    count: 200_000,
    run: line_rtt,
}];

fn line_rtt(side: &Side) -> Result<Measure, Failure> {
    let shared = side.shared(2 * APART)?;
    let (left, right) = (shared.word64(0), shared.word64(APART));
    let (mine, theirs) = match side.role {
        Role::Left => (left, right),
        Role::Right => (right, left),
    };
    let mut seen = 0;
    round_trips(
        side,
        |number| {
            mine.store(number, Release);
            Ok(())
        },
        || {
            loop {
                let now = theirs.load(Acquire);
                if now != seen {
                    seen = now;
                    return Ok(now);
                }
                spin_loop();
            }
        },
    )
}
