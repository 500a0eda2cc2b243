//! One JSON object for each task, one line each.
//!
//! All values are numbers, fixed words, and the words of an error, so there is nothing to escape but
//! what an error says. Numbers of 64 bits are strings: many readers of JSON keep 53 bits only.

use std::io::{Result, Write};

use shm_mach::ipc::Row;

use crate::arguments::Arguments;
use crate::right;
use crate::survey::{Found, Lead, Survey, Surveyed};

/// Prints the tasks that are asked for.
pub(crate) fn write(out: &mut impl Write, survey: &Survey, arguments: &Arguments) -> Result<()> {
    for task in survey.tasks.iter().filter(|task| arguments.shows(task)) {
        let who = task.identity;
        write!(
            out,
            "{{\"task\":\"{}\",\"pid\":{},\"uid\":{},\"gid\":{}",
            task.id, who.pid, who.uid, who.gid
        )?;
        write!(out, ",\"cut\":{},\"failure\":", task.is_cut)?;
        match &task.failure {
            Some(failure) => write!(out, "{}", quoted(failure))?,
            None => write!(out, "null")?,
        }
        write!(out, ",\"names\":[")?;
        for (at, line) in task.lines.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(out, "{comma}")?;
            match line {
                Found::Busy(index) => write!(out, "{{\"line\":{index},\"state\":\"busy\"}}")?,
                Found::Nonsense(index, name) => {
                    write!(out, "{{\"line\":{index},\"state\":\"nonsense\",\"name\":{name}}}")?;
                }
                Found::Right(row) => right_of(out, survey, task, row, arguments.verbose)?,
            }
        }
        writeln!(out, "]}}")?;
    }
    Ok(())
}

fn right_of(out: &mut impl Write, survey: &Survey, task: &Surveyed, row: &Row, verbose: bool) -> Result<()> {
    write!(out, "{{\"line\":{},\"state\":\"right\",\"name\":{}", row.name.index(), row.name.get())?;
    write!(out, ",\"rights\":{}", list(right::rights(row.type_bits)))?;
    write!(out, ",\"urefs\":{},\"flags\":{}", row.urefs, list(right::requests(row.type_bits)))?;
    let (to, name) = match survey.lead(task, row) {
        Lead::Nowhere => (None, None),
        Lead::Here(name) => (Some((task.id, Some(task.identity.pid))), Some(name)),
        Lead::There(to, name) => (Some((to.id, Some(to.identity.pid))), Some(name)),
        Lead::Task(to) => (Some((to.id, Some(to.identity.pid))), None),
        Lead::Unseen(to) => (Some((to, None)), None),
    };
    match to {
        None => write!(out, ",\"to\":null")?,
        Some((task, pid)) => {
            let (pid, name) = (number(pid), number(name.map(|name| name.get())));
            write!(out, ",\"to\":{{\"task\":\"{task}\",\"pid\":{pid},\"name\":{name}}}")?;
        }
    }
    if verbose {
        let (port, place) = (row.port, row.place);
        write!(out, ",\"port\":{{\"birth\":\"{}\",\"index\":{}", port.birth, port.index)?;
        write!(out, ",\"generation\":{},\"secret\":\"{:016x}\"}}", port.generation, port.secret)?;
        write!(out, ",\"place\":{{\"segment\":{},\"offset\":\"{}\"", place.segment, place.offset)?;
        write!(out, ",\"generation\":{}}}", place.generation)?;
    }
    write!(out, "}}")
}

fn number(value: Option<u32>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| value.to_string())
}

/// A list of fixed words.
fn list(words: impl Iterator<Item = &'static str>) -> String {
    let words: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
    format!("[{}]", words.join(","))
}

fn quoted(text: &str) -> String {
    let mut all = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => all.extend(['\\', c]),
            c if c.is_control() => all.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => all.push(c),
        }
    }
    all + "\""
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_an_error_says_stays_one_string() {
        assert_eq!(super::quoted("a \"b\" \\ \n"), "\"a \\\"b\\\" \\\\ \\u000a\"");
    }
}
