//! What one repetition brings back.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The longest time that a histogram tells from longer ones.
const LONGEST: Duration = Duration::from_secs(60);

/// The result of one side's part in one repetition.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Measure {
    /// This side only served.
    Served,
    /// How often (second) each time in nanoseconds (first) was seen.
    Times(Vec<(u64, u64)>),
    /// Messages a second.
    Rate(f64),
}

impl Measure {
    /// The times in a histogram, in a form that crosses a process boundary.
    pub(crate) fn times(times: &Histogram<u64>) -> Self {
        let seen = times.iter_recorded();
        Measure::Times(seen.map(|at| (at.value_iterated_to(), at.count_at_value())).collect())
    }

    /// The rate of `count` messages in `time`.
    pub(crate) fn rate(count: u64, time: Duration) -> Self {
        Measure::Rate(count as f64 / time.as_secs_f64())
    }
}

/// An empty histogram of nanoseconds with three significant digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST.as_nanos() as u64, 3).expect("the bounds are constant and valid")
}

/// Nanoseconds as a histogram takes them.
#[inline]
pub(crate) fn nanoseconds(time: Duration) -> u64 {
    time.as_nanos() as u64
}
