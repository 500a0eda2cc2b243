//! Repetitions, turns and medians.

use crate::catalogue;
use crate::cpus::Cpus;
use crate::failure::Failure;
use crate::measure::{Measure, histogram, middle};
use crate::pair;
use crate::row::{Place, Row};
use hdrhistogram::Histogram;
use std::io::IsTerminal;

/// How much to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// The word for it.
    pub(crate) name: &'static str,
    /// Repetitions of each row.
    pub(crate) repetitions: usize,
    /// What a row's count is divided by.
    divisor: u64,
}

impl Effort {
    /// A measurement.
    pub(crate) const FULL: Self = Self { name: "full", repetitions: 15, divisor: 1 };
    /// A smoke run.
    pub(crate) const QUICK: Self = Self { name: "quick", repetitions: 3, divisor: 10 };
}

/// A row with all that was measured of it.
pub(crate) struct Outcome {
    /// The row.
    pub(crate) row: &'static Row,
    /// The times of all repetitions together, for a row of times.
    pub(crate) times: Option<Histogram<u64>>,
    /// The median of the rates, for a row of rates.
    pub(crate) rate: Option<f64>,
    /// The median of the ratios to the anchor, where there is one and both could be measured.
    pub(crate) ratio: Option<f64>,
    /// What the anchor had (nanoseconds or messages a second) in the turns that this ratio comes from.
    pub(crate) beside: Option<f64>,
}

/// What [`measure`] brings back.
pub(crate) struct Measured {
    /// The rows asked for and their anchors, in the order of the table.
    pub(crate) outcomes: Vec<Outcome>,
    /// Rows that this machine cannot run.
    pub(crate) skipped: Vec<&'static Row>,
}

/// The collected repetitions of one row.
#[derive(Default)]
struct Collected {
    times: Option<Histogram<u64>>,
    rates: Vec<f64>,
    ratios: Vec<f64>,
    beside: Vec<f64>,
}

/// Measures the rows, each in turns with its chain of anchors.
pub(crate) fn measure(rows: &[&'static Row], effort: Effort, cpus: &Cpus) -> Result<Measured, Failure> {
    let all: Vec<&'static Row> = catalogue::rows().collect();
    let mut collected: Vec<Collected> = all.iter().map(|_| Collected::default()).collect();
    let place_of =
        |row: &Row| all.iter().position(|other| other.name == row.name).expect("from the catalogue");
    let mut skipped = Vec::new();
    for head in heads(rows) {
        let (chain, not): (Vec<_>, Vec<_>) =
            catalogue::chain(head).into_iter().partition(|row| possible(row, cpus));
        skipped.extend(not);
        if std::io::stderr().is_terminal() {
            eprint!("\r\x1b[K{} ...\r", head.name);
        }
        for turn in 0..effort.repetitions {
            let values = take_turns(&chain, turn, effort, cpus, |row, measure| {
                collect(&mut collected[place_of(row)], measure)
            })?;
            for ((row, value), (anchor, beside)) in values.iter().zip(values.iter().skip(1)) {
                if row.anchor == Some(anchor.name) {
                    let own = &mut collected[place_of(row)];
                    own.ratios.push(value / beside);
                    own.beside.push(*beside);
                }
            }
        }
    }
    skipped.sort_by_key(|row| place_of(row));
    skipped.dedup_by_key(|row| row.name);
    let measured = all.iter().zip(collected).filter(|(_, own)| own.times.is_some() || !own.rates.is_empty());
    let outcomes = measured.map(|(row, own)| own.outcome(row)).collect();
    Ok(Measured { outcomes, skipped })
}

/// Runs every row of a chain once, in turns forwards and backwards, and returns the values in the chain's order.
fn take_turns(
    chain: &[&'static Row],
    turn: usize,
    effort: Effort,
    cpus: &Cpus,
    mut collect: impl FnMut(&Row, Measure) -> f64,
) -> Result<Vec<(&'static Row, f64)>, Failure> {
    let mut order: Vec<&'static Row> = chain.to_vec();
    if turn % 2 == 1 {
        order.reverse();
    }
    let mut values = Vec::new();
    for row in order {
        let measure = pair::repeat(row, cpus, (row.count / effort.divisor).max(1))?;
        values.push((row, collect(row, measure)));
    }
    if turn % 2 == 1 {
        values.reverse();
    }
    Ok(values)
}

/// Adds a repetition to what is known of a row; returns its single figure: the median time, or the rate.
fn collect(own: &mut Collected, measure: Measure) -> f64 {
    match measure {
        Measure::Served => f64::NAN,
        Measure::Rate(rate) => {
            own.rates.push(rate);
            rate
        }
        Measure::Times(seen) => {
            let all = own.times.get_or_insert_with(histogram);
            for &(time, count) in &seen {
                all.saturating_record_n(time, count);
            }
            middle(&seen).unwrap_or(f64::NAN)
        }
    }
}

impl Collected {
    fn outcome(mut self, row: &'static Row) -> Outcome {
        Outcome {
            row,
            times: self.times,
            rate: median(&mut self.rates),
            ratio: median(&mut self.ratios),
            beside: median(&mut self.beside),
        }
    }
}

/// The rows that are not measured anyway as an anchor of another.
fn heads(rows: &[&'static Row]) -> Vec<&'static Row> {
    let is_anchor = |row: &Row| {
        let others = rows.iter().filter(|other| other.name != row.name);
        others.flat_map(|other| catalogue::chain(other)).any(|anchor| anchor.name == row.name)
    };
    rows.iter().copied().filter(|row| !is_anchor(row)).collect()
}

fn possible(row: &Row, cpus: &Cpus) -> bool {
    row.place == Place::OneCore || cpus.are_two()
}

/// The middle value, or the mean of the two in the middle.
fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[half]),
        _ => Some((values[half - 1] + values[half]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&mut []), None);
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn anchors_are_not_measured_twice() {
        let rows: Vec<_> = ["bare_ring", "rtrb"].into_iter().filter_map(catalogue::find).collect();
        let names: Vec<_> = heads(&rows).iter().map(|row| row.name).collect();
        assert_eq!(names, ["bare_ring"]);
    }
}
