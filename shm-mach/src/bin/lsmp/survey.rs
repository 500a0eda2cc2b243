//! What the tables of all tasks say, and which right leads where.
//!
//! A task's table is written by that task, at any moment and perhaps in bad faith. So each line is
//! taken once, the count of lines kept is bounded for each task and for each user, and whose port a right
//! leads to is believed only from the receiver's own table.

use std::collections::HashMap;

use shm_mach::ipc::{NameReader, PortId, Row, Sight};
use shm_mach::{AuthorityError, Identity, ListedTask, PortName, TypeBits};

use crate::right;

/// So many times the names of one task are kept of all tasks of a user.
const TASKS_WORTH: usize = 64;

/// What was found, at one time or another during the survey.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) tasks: Vec<Surveyed>,
    /// The receive rights: receiver and port, and which task has it under which name.
    receivers: HashMap<(u64, PortId), (usize, PortName)>,
    /// Tasks by their id.
    by_id: HashMap<u64, usize>,
}

/// One task.
#[derive(Debug)]
pub(crate) struct Surveyed {
    pub(crate) id: u64,
    pub(crate) identity: Identity,
    pub(crate) lines: Vec<Found>,
    /// There are more names than were kept.
    pub(crate) is_cut: bool,
    /// Why the table, or the rest of it, could not be read.
    pub(crate) failure: Option<String>,
}

/// A line that is not free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Right(Row),
    /// It was written at every look: at this index.
    Busy(u32),
    /// No library writes this: index, and what stands there as the name.
    Nonsense(u32, u32),
}

/// Where a right leads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lead<'a> {
    /// To no port.
    Nowhere,
    /// To a port of the task itself.
    Here(PortName),
    /// To the port that this task has under that name.
    There(&'a Surveyed, PortName),
    /// To this task; under which name was not seen.
    Task(&'a Surveyed),
    /// To a task that is not among those surveyed, or is dead.
    Unseen(u64),
}

impl Survey {
    /// Looks into the tables of all tasks that are told, at most `most` names each.
    pub(crate) fn take(
        tasks: impl Iterator<Item = Result<ListedTask, AuthorityError>>,
        most: usize,
    ) -> Result<Self, AuthorityError> {
        let mut survey = Self::default();
        let mut left: HashMap<u32, usize> = HashMap::new();
        for task in tasks {
            let task = task?;
            let left = left.entry(task.identity.uid).or_insert_with(|| most.saturating_mul(TASKS_WORTH));
            let surveyed = look_into(&task, most.min(*left));
            *left -= surveyed.lines.len();
            survey.add(surveyed);
        }
        Ok(survey)
    }

    fn add(&mut self, task: Surveyed) {
        let at = self.tasks.len();
        for line in &task.lines {
            if let Found::Right(row) = line
                && row.type_bits.contains(TypeBits::RECEIVE)
            {
                self.receivers.entry((task.id, row.port)).or_insert((at, row.name));
            }
        }
        self.by_id.insert(task.id, at);
        self.tasks.push(task);
    }

    /// Where a right of the task `from` leads.
    pub(crate) fn lead(&self, from: &Surveyed, row: &Row) -> Lead<'_> {
        if !right::leads(row.type_bits) {
            return Lead::Nowhere;
        }
        match self.receivers.get(&(row.receiver.0, row.port)) {
            Some((_, name)) if row.receiver.0 == from.id => Lead::Here(*name),
            Some((at, name)) => Lead::There(&self.tasks[*at], *name),
            None => match self.by_id.get(&row.receiver.0) {
                Some(at) => Lead::Task(&self.tasks[*at]),
                None => Lead::Unseen(row.receiver.0),
            },
        }
    }
}

/// Reads one table, where there is memory: elsewhere a look would make some, at the task's cost.
fn look_into(task: &ListedTask, most: usize) -> Surveyed {
    let (id, identity) = (task.id, task.identity);
    let mut found = Surveyed { id, identity, lines: Vec::new(), is_cut: false, failure: None };
    let reader = match NameReader::adopt(&task.names) {
        Ok(reader) => reader,
        Err(error) => {
            found.failure = Some(error.to_string());
            return found;
        }
    };
    let mut from = 1;
    loop {
        let run = match reader.made(&task.names, from) {
            Ok(Some(run)) => run,
            Ok(None) => return found,
            Err(error) => {
                found.failure = Some(error.to_string());
                return found;
            }
        };
        from = run.end;
        for index in run.start.max(1)..run.end {
            let line = match reader.sight(index) {
                Sight::Free => continue,
                Sight::Entry(row) if right::is_possible(&row, id) => Found::Right(row),
                Sight::Entry(row) => Found::Nonsense(index as u32, row.name.get()),
                Sight::Foreign(name) => Found::Nonsense(index as u32, name),
                Sight::Busy => Found::Busy(index as u32),
            };
            if found.lines.len() == most {
                found.is_cut = true;
                return found;
            }
            found.lines.push(line);
        }
    }
}
