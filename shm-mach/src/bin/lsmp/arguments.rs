//! What the command line asks for.

use std::ffi::OsString;

use crate::survey::Surveyed;

pub(crate) const USAGE: &str = "\
usage: lsmp [-a | -p PID] [-v] [-j | --dot] [-n COUNT]
  -a        all tasks that you may look into: your own, or everybody's for root (default)
  -p PID    the tasks of one process
  -v        ids of ports, and places that rights lead to
  -j        JSON: one object a task, one line an object
  --dot     a Graphviz picture of who can send to whom
  -n COUNT  at most so many names of a task (16384); of one user 64 times as many";

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Json,
    Dot,
    Help,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) pid: Option<u32>,
    pub(crate) verbose: bool,
    pub(crate) form: Form,
    /// The most names of a task.
    pub(crate) most: usize,
}

impl Arguments {
    /// Reads the arguments, without the program's name; says what is wrong with them.
    pub(crate) fn parse(from: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let mut from = from.map(|word| word.to_string_lossy().into_owned());
        let mut all = false;
        let mut found = Self { pid: None, verbose: false, form: Form::Text, most: 16_384 };
        while let Some(word) = from.next() {
            match word.as_str() {
                "-a" => all = true,
                "-v" => found.verbose = true,
                "-p" => found.pid = Some(number(&word, from.next())?),
                "-n" => found.most = number(&word, from.next())? as usize,
                "-h" | "--help" => found.form = Form::Help,
                "-j" | "--dot" if found.form != Form::Text => return Err("one of -j and --dot".to_owned()),
                "-j" => found.form = Form::Json,
                "--dot" => found.form = Form::Dot,
                _ => return Err(format!("{word:?} is no option")),
            }
        }
        if all && found.pid.is_some() { Err("one of -a and -p".to_owned()) } else { Ok(found) }
    }

    /// Whether a task is to be shown.
    pub(crate) fn shows(&self, task: &Surveyed) -> bool {
        self.pid.is_none_or(|pid| pid == task.identity.pid)
    }
}

fn number(option: &str, word: Option<String>) -> Result<u32, String> {
    let value = word.and_then(|word| word.parse().ok()).filter(|value| *value > 0);
    value.ok_or_else(|| format!("{option} needs a number from 1 to {}", u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn options_are_understood_in_any_order() {
        let all = Arguments { pid: None, verbose: false, form: Form::Text, most: 16_384 };
        assert_eq!(parse(""), parse("-a"));
        assert_eq!(parse("-a"), Ok(all));
        let some = Arguments { pid: Some(7), verbose: true, form: Form::Json, most: 3 };
        assert_eq!(parse("-j -p 7 -v -n 3"), Ok(some));
    }

    #[test]
    fn nonsense_is_refused() {
        for line in ["-p", "-p x", "-p 0", "-p -1", "-n 4294967296", "-a -p 1", "-j --dot", "--dot -j", "x"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
