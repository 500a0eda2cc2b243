//! A table that a person reads.

use std::io::{Result, Write};

use shm_mach::ipc::Row;

use crate::arguments::Arguments;
use crate::right;
use crate::survey::{Found, Lead, Survey, Surveyed};

const BORDER: [&str; 5] = ["NAME", "RIGHTS", "UREFS", "FLAGS", "LEADS TO"];

/// Prints the tasks that are asked for, one table each.
pub(crate) fn write(out: &mut impl Write, survey: &Survey, arguments: &Arguments) -> Result<()> {
    let mut is_first = true;
    for task in survey.tasks.iter().filter(|task| arguments.shows(task)) {
        if !std::mem::take(&mut is_first) {
            writeln!(out)?;
        }
        table(out, survey, task, arguments.verbose)?;
    }
    Ok(())
}

fn table(out: &mut impl Write, survey: &Survey, task: &Surveyed, verbose: bool) -> Result<()> {
    let who = task.identity;
    writeln!(out, "pid {} uid {} gid {} task {}", who.pid, who.uid, who.gid, task.id)?;
    let [name, rights, urefs, flags, leads] = BORDER;
    write!(out, "{name:<10}  {rights:<9}  {urefs:>5}  {flags:<13}  ")?;
    if verbose {
        writeln!(out, "{leads:<28}  {:<60}  PLACE", "PORT")?;
    } else {
        writeln!(out, "{leads}")?;
    }
    for line in &task.lines {
        match line {
            Found::Busy(index) => writeln!(out, "{:<10}  busy: line {index} is being changed", "?")?,
            Found::Nonsense(index, name) => {
                writeln!(out, "{name:#010x}  nonsense: line {index} holds what no library writes")?;
            }
            Found::Right(row) => {
                let rights = joined(right::rights(row.type_bits));
                let flags = joined(right::requests(row.type_bits));
                let lead = lead(survey.lead(task, row));
                write!(out, "{}  {rights:<9}  {:>5}  {flags:<13}  ", row.name, row.urefs)?;
                if verbose {
                    let (id, place) = (id(row), place(row));
                    writeln!(out, "{lead:<28}  {id:<60}  {place}")?;
                } else {
                    writeln!(out, "{lead}")?;
                }
            }
        }
    }
    if task.is_cut {
        writeln!(out, "and more: these are the first {} names (see -n)", task.lines.len())?;
    }
    if let Some(failure) = &task.failure {
        writeln!(out, "the table cannot be read: {failure}")?;
    }
    Ok(())
}

/// The port's id: birth, index, generation, secret.
fn id(row: &Row) -> String {
    let port = row.port;
    if right::leads(row.type_bits) {
        format!("{}:{}:{}:{:016x}", port.birth, port.index, port.generation, port.secret)
    } else {
        "-".to_owned()
    }
}

/// Segment, offset and generation of what a send goes to; nothing while no lane is open.
fn place(row: &Row) -> String {
    match row.place {
        place if place.generation == 0 => "-".to_owned(),
        place => format!("{}:{:#x}:{}", place.segment, place.offset, place.generation),
    }
}

fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let all = words.collect::<Vec<_>>().join(",");
    if all.is_empty() { "-".to_owned() } else { all }
}

fn lead(lead: Lead<'_>) -> String {
    match lead {
        Lead::Nowhere => "-".to_owned(),
        Lead::Here(name) => format!("here {name}"),
        Lead::There(task, name) => format!("pid {} {name}", task.identity.pid),
        Lead::Task(task) => format!("pid {} ?", task.identity.pid),
        Lead::Unseen(task) => format!("task {task} ?"),
    }
}
