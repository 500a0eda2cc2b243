//! The floor of a round trip that sleeps: one shared futex word each way, a wake with every message.

use crate::failure::Failure;
use crate::measure::Measure;
use crate::row::{Place, Row, Wait};
use crate::shared::APART;
use crate::side::{Role, Side};
use crate::trip::round_trips;
use rustix::io::Errno;
use rustix::thread::futex;
use std::sync::atomic::Ordering::{Acquire, Release};

/// The rows of this family.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "futex_rtt",
        payload: Some(4),
        wait: Some(Wait::Park),
        anchor: None,
        place: Place::TwoCores,
        count: 5_000,
        run: futex_rtt,
    },
    Row {
        name: "futex_rtt_one_core",
        payload: Some(4),
        wait: Some(Wait::Park),
        anchor: None,
        place: Place::OneCore,
        count: 20_000,
        run: futex_rtt,
    },
];

fn futex_rtt(side: &Side) -> Result<Measure, Failure> {
    let shared = side.shared(2 * APART)?;
    let (left, right) = (shared.word32(0), shared.word32(APART));
    let (mine, theirs) = match side.role {
        Role::Left => (left, right),
        Role::Right => (right, left),
    };
    // No PRIVATE flag: the words are found by their file, from both processes.
    let flags = futex::Flags::empty();
    let mut seen = 0;
    round_trips(
        side,
        |number| {
            mine.store(u32::try_from(number)?, Release);
            futex::wake(mine, flags, 1)?;
            Ok(())
        },
        || {
            loop {
                let now = theirs.load(Acquire);
                if now != seen {
                    seen = now;
                    return Ok(u64::from(now));
                }
                match futex::wait(theirs, flags, seen, None) {
                    Ok(()) | Err(Errno::AGAIN | Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        },
    )
}
