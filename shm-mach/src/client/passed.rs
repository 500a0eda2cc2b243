//! Rights that other tasks have passed on to this one, by who did.
//!
//! The port's receiver counts them by their issuer until they come back. When the issuer is dead, this
//! task tells how many it has; from then on they are rights like those that the receiver itself gave.

use std::collections::HashMap;

use futex::sync::Lock;

use crate::client::holders::AUTHORITY;
use crate::wire::request::PortRef;

/// How many rights this task has of each issuer's, receiver's, and port's.
#[derive(Debug, Default)]
pub(crate) struct Passed(Lock<HashMap<Key, u64>>);

/// Issuer, receiver, and the port, whatever its limit was when the right was given.
type Key = (u64, u64, (u32, u32, u64));

fn key(by: u64, receiver: u64, port: PortRef) -> Key {
    (by, receiver, (port.port, port.epoch, port.key))
}

impl Passed {
    /// A right has arrived that `by` has passed on (0: the authority).
    pub(crate) fn arrive(&self, by: u64, receiver: u64, port: PortRef) {
        if by != AUTHORITY {
            *self.0.lock().entry(key(by, receiver, port)).or_default() += 1;
        }
    }

    /// Such a right goes back: by whose name. That of nobody (0) once it was told in a settlement.
    pub(crate) fn leave(&self, by: u64, receiver: u64, port: PortRef) -> u64 {
        if by == AUTHORITY {
            return AUTHORITY;
        }
        let mut table = self.0.lock();
        let key = key(by, receiver, port);
        let Some(count) = table.get_mut(&key) else { return AUTHORITY };
        *count -= 1;
        if *count == 0 {
            table.remove(&key);
        }
        by
    }

    /// `by` is dead, and no more comes of it: how many rights of its are here. They are nobody's from
    /// here on.
    pub(crate) fn settle(&self, by: u64, receiver: u64, port: PortRef) -> u64 {
        self.0.lock().remove(&key(by, receiver, port)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORT: PortRef = PortRef { port: 1, epoch: 2, key: 3, limit: 4 };

    #[test]
    fn a_right_goes_back_in_its_issuers_name_until_it_is_settled() {
        let passed = Passed::default();
        (0..3).for_each(|_| passed.arrive(7, 9, PORT));
        passed.arrive(8, 9, PORT);
        assert_eq!(passed.leave(7, 9, PORT), 7);
        assert_eq!(passed.settle(7, 9, PortRef { limit: 0, ..PORT }), 2);
        assert_eq!((passed.leave(7, 9, PORT), passed.leave(8, 9, PORT)), (0, 8));
        assert_eq!(passed.settle(8, 9, PORT), 0);
    }

    #[test]
    fn what_the_authority_has_given_is_nobodys() {
        let passed = Passed::default();
        passed.arrive(0, 9, PORT);
        assert_eq!((passed.settle(0, 9, PORT), passed.leave(0, 9, PORT)), (0, 0));
    }
}
