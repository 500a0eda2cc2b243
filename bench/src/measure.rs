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
        Measure::Times(counts(times))
    }

    /// The rate of `count` messages in `time`.
    pub(crate) fn rate(count: u64, time: Duration) -> Self {
        Measure::Rate(count as f64 / time.as_secs_f64())
    }
}

/// How often (second) each time (first, ascending) is in a histogram.
fn counts(times: &Histogram<u64>) -> Vec<(u64, u64)> {
    times.iter_recorded().map(|at| (at.value_iterated_to(), at.count_at_value())).collect()
}

/// The median time in a histogram, finer than the clock's tick (see [`middle`]).
pub(crate) fn median_time(times: &Histogram<u64>) -> Option<f64> {
    middle(&counts(times))
}

/// The median of counted times, ascending.
///
/// Some machines' clocks tick every ten nanoseconds, which is a tenth of a fast round trip. Each recorded time
/// therefore stands for the interval that reaches half way to its neighbours (but no further than a sixteenth of
/// itself, lest a gap in the times be taken for a tick), and the median is found inside its interval.
pub(crate) fn middle(seen: &[(u64, u64)]) -> Option<f64> {
    let half = seen.iter().map(|&(_, count)| count).sum::<u64>() as f64 / 2.0;
    let mut below = 0.0;
    for (at, &(time, count)) in seen.iter().enumerate() {
        let (time, count) = (time as f64, count as f64);
        if below + count >= half {
            let reach = |other: Option<&(u64, u64)>| {
                let gap = other.map_or(0.0, |&(other, _)| (other as f64 - time).abs());
                (gap / 2.0).min(time / 16.0)
            };
            let low = time - reach(at.checked_sub(1).and_then(|before| seen.get(before)));
            let high = time + reach(seen.get(at + 1));
            return Some(low + (high - low) * (half - below) / count);
        }
        below += count;
    }
    None
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

#[cfg(test)]
mod tests {
    use super::middle;

    #[test]
    fn medians_between_ticks() {
        assert_eq!(middle(&[]), None);
        assert_eq!(middle(&[(90, 7)]), Some(90.0));
        assert_eq!(middle(&[(90, 50), (100, 50)]), Some(95.0));
        // Two modes far apart: the median stays with the one that it belongs to.
        let median = middle(&[(90, 51), (10_000, 49)]).expect("not empty");
        assert!((90.0..96.0).contains(&median), "{median}");
    }
}
