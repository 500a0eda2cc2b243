//! From a port to the names that a space has for it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::error::PortError;
use super::port::{PortId, ReceiverId};

/// What rights merge on.
pub(super) type Key = (PortId, ReceiverId);

/// What a space holds of one port, as indices; 0: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// The name of its send right, its receive right, or both.
    pub(super) name: u32,
    /// The first in the list of its send-once rights.
    pub(super) once: u32,
}

/// Ports of the task's own with a number from here on are looked up like those of others.
const OWN_MAX: u32 = 1 << 24;

/// All ports that a space holds a right to.
///
/// Those that the task made and receives from itself stand at their number: of one number one lives
/// at a time. For the others there is a hash, and it is keyed: its keys come from other tasks.
#[derive(Debug)]
pub(super) struct Holdings {
    task: ReceiverId,
    own: Vec<Held>,
    map: HashMap<Key, Held>,
}

impl Holdings {
    /// Those of `task`: none yet.
    pub(super) fn new(task: ReceiverId) -> Self {
        Self { task, own: Vec::new(), map: HashMap::new() }
    }

    /// Where a port of the task's own stands.
    fn own(&self, (port, receiver): Key) -> Option<usize> {
        let is_own = receiver == self.task && port.birth == self.task.0 && port.index < OWN_MAX;
        is_own.then_some(port.index as usize)
    }

    /// What is held of this port.
    pub(super) fn get(&self, key: Key) -> Held {
        match self.own(key) {
            Some(at) => self.own.get(at).copied().unwrap_or_default(),
            None => self.map.get(&key).copied().unwrap_or_default(),
        }
    }

    /// Makes sure that the next [`update`](Self::update) of this port finds memory.
    pub(super) fn reserve(&mut self, key: Key) -> Result<(), PortError> {
        let reserved = match self.own(key) {
            Some(at) if at < self.own.len() => return Ok(()),
            Some(at) => self.own.try_reserve(at + 1 - self.own.len()),
            None => self.map.try_reserve(1),
        };
        reserved.map_err(|_| PortError::ResourceShortage)
    }

    /// Changes what is held of this port; it is forgotten when that is nothing.
    pub(super) fn update(&mut self, key: Key, change: impl FnOnce(&mut Held)) {
        if let Some(at) = self.own(key) {
            if at >= self.own.len() {
                self.own.resize(at + 1, Held::default());
            }
            return change(&mut self.own[at]);
        }
        match self.map.entry(key) {
            Entry::Occupied(mut place) => {
                change(place.get_mut());
                if *place.get() == Held::default() {
                    place.remove();
                }
            }
            Entry::Vacant(place) => {
                let mut held = Held::default();
                change(&mut held);
                if held != Held::default() {
                    place.insert(held);
                }
            }
        }
    }
}
