//! Send rights that other tasks pass back to the task that receives from the port.
//!
//! The authority tells of each before it can arrive, and it counts as a sender from then on. Who
//! passes it is remembered: when that one is dead and all that it had sent was read, what has not
//! arrived never will.

use crate::client::port::{Aftermath, Port};

/// The rights on their way home, by who passes them.
#[derive(Debug, Default)]
pub(crate) struct Homing(Vec<Passed>);

#[derive(Debug)]
struct Passed {
    by: u64,
    /// Told by the authority and not arrived.
    coming: u32,
    /// Destroyed with their message before the authority's word was heard.
    ended: u32,
}

impl Homing {
    fn entry(&mut self, by: u64) -> &mut Passed {
        let at = self.0.iter().position(|passed| passed.by == by).unwrap_or_else(|| {
            self.0.push(Passed { by, coming: 0, ended: 0 });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    fn tidy(&mut self) {
        self.0.retain(|passed| passed.coming > 0 || passed.ended > 0);
    }

    /// The authority says that `by` passes one; it counts if the table says that `by` holds a right.
    pub(crate) fn expect(&mut self, by: u64, is_covered: bool) {
        let passed = self.entry(by);
        if passed.ended > 0 {
            passed.ended -= 1;
        } else {
            passed.coming += u32::from(is_covered);
        }
        self.tidy();
    }

    /// One has arrived from `by`; false if none was passed.
    pub(crate) fn arrive(&mut self, by: u64) -> bool {
        let Some(passed) = self.0.iter_mut().find(|passed| passed.by == by && passed.coming > 0) else {
            return false;
        };
        passed.coming -= 1;
        self.tidy();
        true
    }

    /// One from `by` is destroyed unread, or will not be sent. `is_word_coming`: the authority has
    /// something to tell that was not heard yet, which may be that this one is passed.
    pub(crate) fn end(&mut self, by: u64, is_word_coming: bool) {
        if !self.arrive(by) && is_word_coming {
            self.entry(by).ended += 1;
        }
    }

    /// Whether `by` has passed one that has not arrived.
    pub(crate) fn is_owed_by(&self, by: u64) -> bool {
        self.0.iter().any(|passed| passed.by == by)
    }

    /// `by` is dead and was heard out.
    pub(crate) fn settle(&mut self, by: u64) {
        self.0.retain(|passed| passed.by != by);
    }

    /// Whether any is on its way.
    pub(crate) fn any(&self) -> bool {
        self.0.iter().any(|passed| passed.coming > 0)
    }

    /// All are revoked.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Port {
    /// A right that `by` was told to have passed back to this task has arrived; false if it was not.
    pub(crate) fn arrive_home(&self, by: u64) -> bool {
        let mut state = self.group.lock();
        let is_told = state.port.on_their_way.arrive(by);
        state.port.local_senders += u32::from(is_told);
        is_told
    }

    /// Such a right is destroyed unread, or will not be sent. `is_word_coming` is asked under the lock:
    /// whether the authority has anything to tell that was not acted on.
    pub(crate) fn end_home(&self, by: u64, is_word_coming: impl FnOnce() -> bool) -> Aftermath {
        let mut state = self.group.lock();
        state.port.on_their_way.end(by, is_word_coming());
        state.port.judge();
        state.port.aftermath()
    }

    /// Whether a right that `by` has passed back has not arrived.
    pub(crate) fn awaits_home(&self, by: u64) -> bool {
        self.group.lock().port.on_their_way.is_owed_by(by)
    }

    /// `by` is dead, and all that it had sent was read or destroyed.
    pub(crate) fn settle_home(&self, by: u64) -> Aftermath {
        let mut state = self.group.lock();
        state.port.on_their_way.settle(by);
        state.port.judge();
        state.port.aftermath()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_passed_arrives_once() {
        let mut homing = Homing::default();
        assert!(!homing.arrive(7), "nobody has passed one");
        homing.expect(7, true);
        assert!(!homing.arrive(8), "another one has not");
        assert!(homing.any() && homing.arrive(7) && !homing.arrive(7) && !homing.any());
    }

    #[test]
    fn one_that_ends_before_the_authoritys_word_is_never_counted() {
        let mut homing = Homing::default();
        homing.end(7, true);
        assert!(!homing.any());
        homing.expect(7, true);
        assert!(!homing.any(), "this one has ended already");
        homing.end(7, false);
        homing.expect(7, true);
        assert!(homing.any(), "that one was never passed: nothing was to be heard of it");
        homing.expect(8, false);
        homing.settle(7);
        assert!(!homing.any(), "8 held no right to pass");
    }

    #[test]
    fn the_dead_pass_nothing_any_more() {
        let mut homing = Homing::default();
        homing.expect(7, true);
        homing.expect(8, true);
        assert!(homing.is_owed_by(7));
        homing.settle(7);
        assert!(homing.any() && !homing.is_owed_by(7));
        homing.settle(8);
        assert!(!homing.any());
    }
}
