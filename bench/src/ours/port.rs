//! Making and destroying ports.

use super::meet::{meet, receive_number, send_number};
use crate::failure::{Failure, expect};
use crate::measure::{Measure, histogram, nanoseconds};
use crate::row::{Place, Row};
use crate::side::{Role, Side};
use shm_mach::{Joined, Received, Wait};
use std::time::Instant;

/// The rows of this family.
pub(crate) const ROWS: &[Row] = &[Row {
    name: "alloc_port",
    payload: None,
    wait: None,
    anchor: Some("socketpair_create"),
    place: Place::OneCore,
    count: 20_000,
    run: alloc_port,
}];

/// Makes a port and destroys it, in a task that is joined to another, as tasks are.
fn alloc_port(side: &Side) -> Result<Measure, Failure> {
    let Joined { task, receive, send, .. } = meet(side, Wait::Park)?;
    let mut message = Received::new();
    if side.role == Role::Right {
        send_number(&send, 1)?;
        // The other side drops its right when it is done.
        receive.receive(&mut message)?;
        return match message.notification() {
            Some(_) => Ok(Measure::Served),
            None => Err("a message came that nobody sends".into()),
        };
    }
    // So that the other side has joined too before this one can be gone again.
    expect(receive_number(&receive, &mut message)?, 1)?;
    let mut times = histogram();
    for number in 0..side.warm_up() + side.count {
        let start = Instant::now();
        drop(task.allocate()?);
        if number >= side.warm_up() {
            times.saturating_record(nanoseconds(start.elapsed()));
        }
    }
    Ok(Measure::times(&times))
}
