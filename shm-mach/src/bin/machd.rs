//! The authority as a process of its own.
//!
//! `machd [PATH | fd:N]`: listens at PATH, or on an inherited listening socket; without an argument
//! on the socket that systemd passed, else at the user's place (root: at the system's).

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::ExitCode;

use rustix::process::{Resource, getrlimit, setrlimit};
use shm_mach::authority::{Server, listen};

const USAGE: &str = "usage: machd [PATH | fd:N]";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let place = arguments.next().map(|place| place.to_string_lossy().into_owned());
    if arguments.next().is_some() || place.as_deref().is_some_and(|place| place.starts_with('-')) {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    // Each task costs three descriptors. Refused: then fewer are served at one time.
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
    match listener(place).and_then(|listener| Server::new(Some(listener)).run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("machd: {error}");
            ExitCode::FAILURE
        }
    }
}

fn listener(place: Option<String>) -> std::io::Result<OwnedFd> {
    if let Some(place) = place {
        return match place.strip_prefix("fd:").map(str::parse) {
            Some(Ok(number)) => listen::at_descriptor(number),
            Some(Err(_)) => Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, USAGE)),
            None => listen::at_path(&PathBuf::from(place)),
        };
    }
    match listen::activated() {
        Some(number) => listen::at_descriptor(number),
        None => listen::at_path(&listen::default_path()),
    }
}
