//! A picture of who can send to whom, for Graphviz.
//!
//! A box for each task, and an arrow for each pair of tasks of which one can send to the other, with
//! how many ports. Rights to tasks that were not seen lead to one dashed box for all of them, since the
//! numbers of such tasks are whatever the holder wrote. A table is its task's word: an arrow says
//! that the task at its tail claims the right.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Result, Write};

use shm_mach::TypeBits;

use crate::arguments::Arguments;
use crate::right;
use crate::survey::{Found, Lead, Survey, Surveyed};

/// The ports that one task can send to at another.
#[derive(Debug, Default)]
struct Arrow {
    ports: usize,
    /// At least one of the rights is good for more than one message.
    is_lasting: bool,
    /// The first names, as pairs: at the tail, at the head.
    names: Vec<String>,
}

/// The most pairs of names that an arrow tells.
const NAMES_MOST: usize = 8;

/// Prints the picture: of the tasks that are asked for, and of those they can send to or that can send to
/// them.
pub(crate) fn write(out: &mut impl Write, survey: &Survey, arguments: &Arguments) -> Result<()> {
    let shown: BTreeSet<u64> =
        survey.tasks.iter().filter(|task| arguments.shows(task)).map(|task| task.id).collect();
    let mut arrows = BTreeMap::new();
    for task in &survey.tasks {
        collect(survey, task, &mut arrows);
    }
    arrows.retain(|(from, to), _| shown.contains(from) || to.is_some_and(|to| shown.contains(&to)));
    let ends: BTreeSet<u64> = arrows.keys().flat_map(|(from, to)| [Some(*from), *to]).flatten().collect();
    writeln!(out, "digraph lsmp {{\n  rankdir=LR;\n  node [shape=box];")?;
    for task in survey.tasks.iter().filter(|task| shown.contains(&task.id) || ends.contains(&task.id)) {
        let (who, mark) =
            (task.identity, if task.is_cut || task.failure.is_some() { "\\nincomplete" } else { "" });
        writeln!(out, "  t{} [label=\"pid {}\\nuid {}{mark}\"];", task.id, who.pid, who.uid)?;
    }
    if arrows.keys().any(|(_, to)| to.is_none()) {
        writeln!(out, "  unseen [label=\"tasks not seen\", style=dashed];")?;
    }
    for ((from, to), arrow) in &arrows {
        let head = to.map_or_else(|| "unseen".to_owned(), |to| format!("t{to}"));
        let style = if arrow.is_lasting { "solid" } else { "dashed" };
        let label = if arguments.verbose { arrow.all_names() } else { arrow.count() };
        writeln!(out, "  t{from} -> {head} [label=\"{label}\", style={style}];")?;
    }
    writeln!(out, "}}")
}

fn collect(survey: &Survey, task: &Surveyed, arrows: &mut BTreeMap<(u64, Option<u64>), Arrow>) {
    for line in &task.lines {
        let Found::Right(row) = line else { continue };
        if !right::can_send(row.type_bits) {
            continue;
        }
        let (to, name) = match survey.lead(task, row) {
            Lead::Nowhere => continue,
            Lead::Here(name) => (Some(task.id), Some(name)),
            Lead::There(to, name) => (Some(to.id), Some(name)),
            Lead::Task(to) => (Some(to.id), None),
            Lead::Unseen(_) => (None, None),
        };
        let arrow: &mut Arrow = arrows.entry((task.id, to)).or_default();
        arrow.ports += 1;
        arrow.is_lasting |= row.type_bits.contains(TypeBits::SEND);
        if arrow.names.len() < NAMES_MOST {
            let there = name.map_or_else(|| "?".to_owned(), |name| name.to_string());
            arrow.names.push(format!("{} to {there}", row.name));
        }
    }
}

impl Arrow {
    fn count(&self) -> String {
        if self.ports == 1 { "1 port".to_owned() } else { format!("{} ports", self.ports) }
    }

    fn all_names(&self) -> String {
        let more = if self.ports > self.names.len() { "\\nand more" } else { "" };
        self.names.join("\\n") + more
    }
}
