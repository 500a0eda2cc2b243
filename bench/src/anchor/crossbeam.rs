//! The queue that threads of one process would use if there were many of them at both ends.

use super::ring::{COUNT, SLOTS};
use crate::cpus::pin;
use crate::failure::Failure;
use crate::measure::Measure;
use crate::row::{Place, Row, Wait};
use crate::side::{Role, Side};
use crate::stream::{drain, pour};
use crossbeam_queue::ArrayQueue;
use std::hint::spin_loop;

/// The rows of this family.
pub(crate) const ROWS: &[Row] = &[Row {
    name: "array_queue",
    payload: Some(8),
    wait: Some(Wait::Spin),
    anchor: None,
    place: Place::TwoCores,
    count: COUNT / 4,
    run: array_queue,
}];

/// One thread at each end, which is the best case of a queue that allows many: two threads of the left
/// process, on the two CPUs of the run; the right process has nothing to do.
fn array_queue(side: &Side) -> Result<Measure, Failure> {
    if side.role == Role::Right {
        return Ok(Measure::Served);
    }
    let queue = ArrayQueue::<u64>::new(SLOTS);
    std::thread::scope(|scope| {
        let pouring = scope.spawn(|| {
            pin(side.cpus.right)?;
            pour(side, |number| {
                while queue.push(number).is_err() {
                    spin_loop();
                }
                Ok(())
            })
        });
        let measure = drain(side, || {
            loop {
                if let Some(number) = queue.pop() {
                    return Ok(number);
                }
                spin_loop();
            }
        })?;
        pouring.join().map_err(|_| "the pouring thread panicked")??;
        Ok(measure)
    })
}
