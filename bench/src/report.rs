//! The table for people and the JSON for programs.

use crate::cpus::Cpus;
use crate::failure::Failure;
use crate::harness::{Effort, Outcome};
use crate::measure::median_time;
use serde::Serialize;
use std::fs::File;
use std::io::{BufWriter, Write};

/// One line of the JSON file; null where a column is not meant.
#[derive(Serialize)]
struct Line {
    name: &'static str,
    payload_bytes: Option<u64>,
    wait: Option<&'static str>,
    p50_ns: Option<u64>,
    p99_ns: Option<u64>,
    p999_ns: Option<u64>,
    msgs_per_s: Option<f64>,
    anchor: Option<&'static str>,
    ratio: Option<f64>,
}

impl Line {
    fn of(outcome: &Outcome) -> Self {
        let quantile = |at| outcome.times.as_ref().map(|times| times.value_at_quantile(at));
        Self {
            name: outcome.row.name,
            payload_bytes: outcome.row.payload,
            wait: outcome.row.wait.map(|wait| wait.word()),
            p50_ns: outcome.times.as_ref().and_then(median_time).map(|time| time.round() as u64),
            p99_ns: quantile(0.99),
            p999_ns: quantile(0.999),
            msgs_per_s: outcome.rate.map(f64::round),
            anchor: outcome.row.anchor,
            ratio: outcome.ratio.map(|ratio| (ratio * 10_000.0).round() / 10_000.0),
        }
    }
}

/// Writes one JSON object a line.
pub(crate) fn json(outcomes: &[Outcome], file: File) -> Result<(), Failure> {
    let mut out = BufWriter::new(file);
    for outcome in outcomes {
        serde_json::to_writer(&mut out, &Line::of(outcome))?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}

/// Where and how the run takes place.
pub(crate) fn heading(cpus: &Cpus, effort: Effort) -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let on = if cpus.are_two() {
        format!("CPUs {} and {}", cpus.left, cpus.right)
    } else {
        format!("CPU {} only", cpus.left)
    };
    let times = effort.repetitions;
    format!(
        "Linux {}, {on}, {} run, {times} repetitions. Ratio: this row / its anchor in the same turns, median of \
         the repetitions; times: smaller is better, rates: larger is better.\n",
        kernel.trim(),
        effort.name
    )
}

/// The columns of the table: the heading, and whether it is set left.
const COLUMNS: [(&str, bool); 10] = [
    ("row", true),
    ("bytes", false),
    ("wait", true),
    ("p50", false),
    ("p99", false),
    ("p99.9", false),
    ("msgs/s", false),
    ("anchor", true),
    ("anchor had", false),
    ("ratio", false),
];

/// The rows as a table, each with what its anchor had beside it.
pub(crate) fn table(outcomes: &[Outcome]) -> String {
    let heading = COLUMNS.map(|(title, _)| title.to_owned());
    let lines: Vec<_> = std::iter::once(heading).chain(outcomes.iter().map(cells)).collect();
    let mut widths = [0; COLUMNS.len()];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in &lines {
        let mut row = String::new();
        for ((cell, width), (_, left)) in line.iter().zip(widths).zip(COLUMNS) {
            row += &if left { format!("{cell:<width$}  ") } else { format!("{cell:>width$}  ") };
        }
        text += row.trim_end();
        text.push('\n');
    }
    text
}

fn cells(outcome: &Outcome) -> [String; COLUMNS.len()] {
    let line = Line::of(outcome);
    let or_none = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
    let time = |value: Option<u64>| or_none(value.map(|ns| duration(ns as f64)));
    let beside = outcome.beside.map(|value| match outcome.rate {
        Some(_) => rate(value, line.payload_bytes),
        None => duration(value),
    });
    [
        line.name.to_owned(),
        or_none(line.payload_bytes.map(|bytes| bytes.to_string())),
        or_none(line.wait.map(str::to_owned)),
        time(line.p50_ns),
        time(line.p99_ns),
        time(line.p999_ns),
        or_none(line.msgs_per_s.map(|value| rate(value, line.payload_bytes))),
        or_none(line.anchor.map(str::to_owned)),
        or_none(beside),
        or_none(line.ratio.map(|ratio| format!("{ratio:.2}"))),
    ]
}

/// Nanoseconds, in a unit that fits.
fn duration(ns: f64) -> String {
    match ns {
        ns if ns < 10_000.0 => format!("{ns:.0} ns"),
        ns if ns < 10_000_000.0 => format!("{:.1} µs", ns / 1e3),
        ns => format!("{:.1} ms", ns / 1e6),
    }
}

/// Messages a second, and bytes a second where messages are large.
fn rate(per_second: f64, payload: Option<u64>) -> String {
    let messages = match per_second {
        rate if rate < 1e6 => format!("{:.0} k", rate / 1e3),
        rate => format!("{:.1} M", rate / 1e6),
    };
    match payload {
        Some(bytes) if bytes >= 4096 => format!("{messages} ({:.1} GB/s)", per_second * bytes as f64 / 1e9),
        _ => messages,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        assert_eq!(duration(295.0), "295 ns");
        assert_eq!(duration(13_300.0), "13.3 µs");
        assert_eq!(rate(49.1e6, Some(8)), "49.1 M");
        assert_eq!(rate(170_000.0, Some(65_536)), "170 k (11.1 GB/s)");
    }
}
