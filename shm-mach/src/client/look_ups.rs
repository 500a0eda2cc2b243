//! Look-ups that wait until somebody registers the name, and what they came to.

use std::collections::{HashMap, HashSet};

use crate::wire::event::Found;

/// By the serials of their requests.
#[derive(Debug, Default)]
pub(crate) struct LookUps {
    waiting: HashSet<u32>,
    appeared: HashMap<u32, Found>,
}

impl LookUps {
    /// One is about to be asked for.
    pub(crate) fn begin(&mut self, serial: u32) {
        self.waiting.insert(serial);
    }

    /// It was answered at once, or refused: nothing more is to come.
    pub(crate) fn end(&mut self, serial: u32) {
        self.waiting.remove(&serial);
    }

    /// The name was registered. Gives the right back if nobody waits for it any more.
    pub(crate) fn appear(&mut self, serial: u32, found: Found) -> Option<Found> {
        if !self.waiting.contains(&serial) {
            return Some(found);
        }
        self.appeared.insert(serial, found);
        None
    }

    /// What it came to, if it has.
    pub(crate) fn take(&mut self, serial: u32) -> Option<Found> {
        let found = self.appeared.remove(&serial)?;
        self.waiting.remove(&serial);
        Some(found)
    }

    /// Nobody waits for it any more: what it came to nevertheless.
    pub(crate) fn give_up(&mut self, serial: u32) -> Option<Found> {
        self.waiting.remove(&serial);
        self.appeared.remove(&serial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::request::PortRef;

    const FOUND: Found = Found { receiver: 7, port: PortRef { port: 1, epoch: 2, key: 3, limit: 4 } };

    #[test]
    fn what_appears_is_kept_for_who_waits_and_nobody_else() {
        let mut look_ups = LookUps::default();
        look_ups.begin(1);
        assert_eq!((look_ups.appear(1, FOUND), look_ups.take(1)), (None, Some(FOUND)));
        assert_eq!(look_ups.appear(1, FOUND), Some(FOUND), "it came once");
        look_ups.begin(2);
        assert_eq!(look_ups.give_up(2), None);
        assert_eq!(look_ups.appear(2, FOUND), Some(FOUND), "too late");
        look_ups.begin(3);
        look_ups.appear(3, FOUND);
        assert_eq!(look_ups.give_up(3), Some(FOUND), "just in time");
        look_ups.begin(4);
        look_ups.end(4);
        assert!(look_ups.waiting.is_empty() && look_ups.appeared.is_empty());
    }
}
