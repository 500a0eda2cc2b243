//! A well-kept ring of another maker, between two threads of one process: what `bare_ring` must not fall behind.

use super::ring::{COUNT, SLOTS};
use crate::cpus::pin;
use crate::failure::Failure;
use crate::measure::Measure;
use crate::row::{Place, Row, Wait};
use crate::side::{Role, Side};
use crate::stream::{drain, pour};
use std::hint::spin_loop;

/// The rows of this family.
pub(crate) const ROWS: &[Row] = &[Row {
    name: "rtrb",
    payload: Some(8),
    wait: Some(Wait::Spin),
    anchor: Some("array_queue"),
    place: Place::TwoCores,
    count: COUNT,
    run: rtrb,
}];

/// Waits as `bare_ring` does. Both ends are threads of the left process, on the two CPUs of the run; the right
/// process has nothing to do.
fn rtrb(side: &Side) -> Result<Measure, Failure> {
    if side.role == Role::Right {
        return Ok(Measure::Served);
    }
    let (mut producer, mut consumer) = rtrb::RingBuffer::<u64>::new(SLOTS);
    std::thread::scope(|scope| {
        let pouring = scope.spawn(move || {
            pin(side.cpus.right)?;
            pour(side, |number| {
                while producer.push(number).is_err() {
                    spin_loop();
                }
                Ok(())
            })
        });
        let measure = drain(side, || {
            loop {
                if let Ok(number) = consumer.pop() {
                    return Ok(number);
                }
                spin_loop();
            }
        })?;
        pouring.join().map_err(|_| "the pouring thread panicked")??;
        Ok(measure)
    })
}
