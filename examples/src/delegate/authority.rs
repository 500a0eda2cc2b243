//! The authority's process: it introduces the others to each other, and is told when they die.

use std::process::ExitCode;

use shm_mach::authority::{Server, listen};

use crate::Outcome;

/// Serves the listening socket that is this process's standard input, until the launcher ends it.
pub(crate) fn run() -> Outcome {
    Server::new(Some(listen::at_descriptor(0)?)).run()?;
    Ok(ExitCode::SUCCESS)
}
