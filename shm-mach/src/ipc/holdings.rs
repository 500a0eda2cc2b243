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

/// All ports that a space holds a right to. The hash is keyed: its keys come from other tasks.
#[derive(Debug)]
pub(super) struct Holdings {
    map: HashMap<Key, Held>,
}

impl Holdings {
    pub(super) fn new() -> Self {
        Self { map: HashMap::new() }
    }

    /// What is held of this port.
    pub(super) fn get(&self, key: Key) -> Held {
        self.map.get(&key).copied().unwrap_or_default()
    }

    /// Makes sure that the next [`update`](Self::update) finds memory.
    pub(super) fn reserve(&mut self) -> Result<(), PortError> {
        self.map.try_reserve(1).map_err(|_| PortError::ResourceShortage)
    }

    /// Changes what is held of this port; it is forgotten when that is nothing.
    pub(super) fn update(&mut self, key: Key, change: impl FnOnce(&mut Held)) {
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
