//! Hashes files in a process that may do nothing but talk to its ports.
//!
//! Five processes: the *launcher*, an *authority*, a *file server* that may open files, a *client*
//! that may ask it to, and a *reader* that is started with nothing but a channel to the client and
//! gives up what Linux lets it give up. The client asks the server to open a file, gets a send right
//! to a new port for that open file, and hands it on to the reader, which reads and hashes the whole
//! file through it. When the reader lets go, the server hears that there are no more senders, and
//! closes the file.
//!
//! | module | what it is |
//! |---|---|
//! | `launch` | starts the others, and sees to it that none outlives the one that started it |
//! | `authority`, `server`, `client`, `reader` | one process each |
//! | `sandbox`, `calls` | what the reader gives up |
//! | `attempts` | what the reader then tries, and must not succeed with |
//! | `protocol`, `asker` | what they say to each other |
//! | `report` | what is printed |
#![deny(unsafe_code)]

mod asker;
mod attempts;
mod authority;
mod calls;
mod client;
mod launch;
mod protocol;
mod reader;
mod report;
mod sandbox;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

/// Prints the SHA-256 of files, read by a process that cannot open them.
#[derive(Clone, Debug, Parser)]
#[command(name = "delegate", version)]
struct Arguments {
    /// Revoke the reader's right to each file after half the reads, and show that the next one fails.
    #[arg(long)]
    revoke: bool,
    /// The files; by default the workspace's Cargo.lock.
    files: Vec<PathBuf>,
    /// Which process this is.
    #[arg(long, hide = true, value_enum, default_value = "launcher")]
    role: Role,
    /// The process that has started this one.
    #[arg(long, hide = true)]
    parent: Option<u32>,
    /// The abstract address that the authority listens at.
    #[arg(long, hide = true, default_value = "")]
    authority: String,
    /// A layer of the sandbox to leave out, to show that the others hold, or that the attempts bite.
    #[arg(long, hide = true, value_enum)]
    spare: Vec<sandbox::Layer>,
}

/// One of the processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Role {
    Launcher,
    Authority,
    Server,
    Client,
    Reader,
}

/// What a role ends with; an error is printed and is exit status 1.
type Outcome = Result<ExitCode, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let role = arguments.role;
    let result = launch::die_with_parent(&arguments).and_then(|()| match role {
        Role::Launcher => launch::run(arguments),
        Role::Authority => authority::run(),
        Role::Server => server::run(&arguments),
        Role::Client => client::run(&arguments),
        Role::Reader => reader::run(&arguments),
    });
    result.unwrap_or_else(|error| {
        eprintln!("delegate: {}: {error}", role.name());
        ExitCode::FAILURE
    })
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Launcher => "launcher",
            Self::Authority => "authority",
            Self::Server => "server",
            Self::Client => "client",
            Self::Reader => "reader",
        }
    }
}
