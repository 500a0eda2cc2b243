//! Lists the ports of tasks: who holds which right under which name, and where it leads.
//!
//! `lsmp [-a | -p PID] [-v] [-j | --dot] [-n COUNT]`. It asks the authority for the tables of names that
//! this user may look into, and reads them. The tasks are not asked and not disturbed, and what they
//! wrote there is taken for what it is: their word.

mod arguments;
mod dot;
mod json;
mod right;
mod survey;
mod text;

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use arguments::{Arguments, Form};
use shm_mach::Tasks;
use survey::Survey;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(wrong) => {
            eprintln!("lsmp: {wrong}\n{}", arguments::USAGE);
            return ExitCode::from(2);
        }
    };
    if arguments.form == Form::Help {
        println!("{}", arguments::USAGE);
        return ExitCode::SUCCESS;
    }
    let survey = match Tasks::find().and_then(|tasks| Survey::take(tasks, arguments.most)) {
        Ok(survey) => survey,
        Err(error) => {
            eprintln!("lsmp: {error}");
            return ExitCode::FAILURE;
        }
    };
    match print(&survey, &arguments) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("lsmp: {error}");
            ExitCode::FAILURE
        }
        _ if !survey.tasks.iter().any(|task| arguments.shows(task)) && arguments.pid.is_some() => {
            eprintln!("lsmp: no task of this process, or none that you may look into");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

fn print(survey: &Survey, arguments: &Arguments) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match arguments.form {
        Form::Json => json::write(&mut out, survey, arguments)?,
        Form::Dot => dot::write(&mut out, survey, arguments)?,
        Form::Text | Form::Help => text::write(&mut out, survey, arguments)?,
    }
    out.flush()
}
