//! Round trips, streams and rights of shm-mach, each beside an anchor measured in the same run.
//!
//! ```text
//! cargo run --release -p bench -- [--json PATH] [--quick] [NAME...]
//! ```
//!
//! A *row* is one figure. Most rows name an *anchor*: another row that says what this machine can do at best, or what
//! the usual tool does. Every repetition of a row starts two fresh processes, pinned to different cores (or to one, in
//! the `one_core` rows), which agree on memory and sockets, warm up, and measure. Row and anchor take turns, and the
//! ratio of a row is the median of the ratios of its repetitions:
//!
//! * rows of times: median time of ours / median time of the anchor: smaller is better;
//! * rows of rates: messages a second of ours / those of the anchor: larger is better.
//!
//! A round trip is timed from one send to the next, with the clock read while the message is under way, so
//! that the clock costs a spinning round trip nothing. Every payload carries a number which the receiving side
//! checks; a number lost, repeated or out of turn ends the run with a failure, and so does a process that dies
//! or stops answering.
#![deny(unsafe_code)]

mod anchor;
mod catalogue;
mod cpus;
mod failure;
mod harness;
mod measure;
mod ours;
mod pair;
mod passing;
mod report;
mod row;
#[allow(unsafe_code)]
mod shared;
mod side;
mod stream;
mod trip;
mod worker;

use clap::Parser;
use clap::builder::PossibleValuesParser;
use failure::Failure;
use harness::Effort;
use std::path::PathBuf;
use std::process::ExitCode;

/// Measure shm-mach, each row beside its anchor.
#[derive(Parser)]
#[command(name = "bench")]
struct Arguments {
    /// Also write the rows to PATH, one JSON object a line.
    #[arg(long, value_name = "PATH")]
    json: Option<PathBuf>,
    /// Fewer and shorter repetitions: a smoke run, not a measurement.
    #[arg(long)]
    quick: bool,
    /// One of the two processes of a repetition.
    #[arg(long, hide = true, value_name = "JOB")]
    worker: Option<String>,
    /// A third process that one of them has started.
    #[arg(long, hide = true, num_args = 2, value_names = ["PARENT", "CPU"])]
    third: Option<Vec<usize>>,
    /// The rows to measure (default: all); the anchors they need are added.
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(catalogue::names()))]
    names: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match (&arguments.worker, &arguments.third) {
        (Some(job), _) => worker::run(job),
        (None, Some(values)) => ours::run_third(values),
        (None, None) => coordinate(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Measures what was asked for and reports it.
fn coordinate(arguments: &Arguments) -> Result<(), Failure> {
    let effort = if arguments.quick { Effort::QUICK } else { Effort::FULL };
    // Opened first: a path that cannot be written should not cost a whole run.
    let json = match &arguments.json {
        Some(path) => {
            Some(std::fs::File::create(path).map_err(|error| format!("{}: {error}", path.display()))?)
        }
        None => None,
    };
    let cpus = cpus::Cpus::choose()?;
    let rows = catalogue::chosen(&arguments.names);
    println!("{}", report::heading(&cpus, effort));
    let measured = harness::measure(&rows, effort, &cpus)?;
    print!("{}", report::table(&measured.outcomes));
    for row in &measured.skipped {
        println!("{}: not measured, it needs two CPUs and only one is allowed here", row.name);
    }
    if let Some(file) = json {
        report::json(&measured.outcomes, file)?;
    }
    Ok(())
}
