//! Send rights that other tasks pass back to the task that receives from the port.
//!
//! The authority tells of each before it can arrive, and it counts as a sender from then on. Who
//! passes it is remembered: when that one is dead and all that it had sent was read, what has not
//! arrived never will.

use crate::client::aftermath::Aftermath;
use crate::client::port::Port;

/// The rights on their way home, by who passes them and of which epoch they are.
#[derive(Debug, Default)]
pub(crate) struct Homing(Vec<Passed>);

#[derive(Debug)]
struct Passed {
    by: u64,
    epoch: u32,
    /// Told by the authority and not arrived.
    coming: u32,
    /// Destroyed with their message before the authority's word was heard.
    ended: u32,
}

impl Homing {
    fn entry(&mut self, by: u64, epoch: u32) -> &mut Passed {
        let is_it = |passed: &Passed| (passed.by, passed.epoch) == (by, epoch);
        let at = self.0.iter().position(is_it).unwrap_or_else(|| {
            self.0.push(Passed { by, epoch, coming: 0, ended: 0 });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    fn tidy(&mut self) {
        self.0.retain(|passed| passed.coming > 0 || passed.ended > 0);
    }

    /// The authority says that `by` passes one; it counts if the table says that `by` holds a right.
    pub(crate) fn expect(&mut self, by: u64, epoch: u32, is_covered: bool) {
        let passed = self.entry(by, epoch);
        if passed.ended > 0 {
            passed.ended -= 1;
        } else {
            passed.coming += u32::from(is_covered);
        }
        self.tidy();
    }

    /// One has arrived from `by`; false if none was passed.
    pub(crate) fn arrive(&mut self, by: u64, epoch: u32) -> bool {
        let is_told = |passed: &&mut Passed| (passed.by, passed.epoch) == (by, epoch) && passed.coming > 0;
        let Some(passed) = self.0.iter_mut().find(is_told) else { return false };
        passed.coming -= 1;
        self.tidy();
        true
    }

    /// One from `by` is destroyed unread, or will not be sent. `is_word_coming`: the authority has
    /// something to tell that was not heard yet, which may be that this one is passed.
    pub(crate) fn end(&mut self, by: u64, epoch: u32, is_word_coming: bool) {
        if self.arrive(by, epoch) {
            return;
        }
        if is_word_coming {
            self.entry(by, epoch).ended += 1;
        } else {
            // Nor is one coming for any that ended before.
            self.0.iter_mut().for_each(|passed| passed.ended = 0);
            self.tidy();
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

    /// `by` is revoked: of what it has passed, nothing that has not arrived counts any more. Says whether
    /// there was any.
    pub(crate) fn revoke(&mut self, by: u64) -> bool {
        let of_loser = self.0.iter_mut().filter(|passed| passed.by == by);
        let ended: u64 = of_loser.map(|passed| u64::from(std::mem::take(&mut passed.coming))).sum();
        self.tidy();
        ended > 0
    }

    /// How many are on their way.
    pub(crate) fn count(&self) -> u64 {
        self.0.iter().map(|passed| u64::from(passed.coming)).sum()
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
    pub(crate) fn arrive_home(&self, by: u64, epoch: u32) -> bool {
        let mut state = self.group.lock();
        let is_told = state.port.on_their_way.arrive(by, epoch);
        state.port.local_senders += u32::from(is_told);
        is_told
    }

    /// Such a right is destroyed unread, or will not be sent. `is_word_coming` is asked under the lock:
    /// whether the authority has anything to tell that was not acted on.
    pub(crate) fn end_home(&self, by: u64, epoch: u32, is_word_coming: impl FnOnce() -> bool) -> Aftermath {
        let mut state = self.group.lock();
        // No right of an epoch that has not begun is ever believed.
        let is_word_coming = epoch <= state.port.holders.epoch && is_word_coming();
        state.port.on_their_way.end(by, epoch, is_word_coming);
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
        assert!(!homing.arrive(7, 0), "nobody has passed one");
        homing.expect(7, 0, true);
        assert!(!homing.arrive(8, 0), "another one has not");
        assert!(homing.any() && homing.arrive(7, 0) && !homing.arrive(7, 0) && !homing.any());
    }

    #[test]
    fn one_that_ends_before_the_authoritys_word_is_never_counted() {
        let mut homing = Homing::default();
        homing.end(7, 0, true);
        assert!(!homing.any());
        homing.expect(7, 0, true);
        assert!(!homing.any(), "this one has ended already");
        homing.end(7, 0, false);
        homing.expect(7, 0, true);
        assert!(homing.any(), "that one was never passed: nothing was to be heard of it");
        homing.expect(8, 0, false);
        homing.settle(7);
        assert!(!homing.any(), "8 held no right to pass");
    }

    #[test]
    fn the_dead_pass_nothing_any_more() {
        let mut homing = Homing::default();
        homing.expect(7, 0, true);
        homing.expect(8, 0, true);
        assert!(homing.is_owed_by(7));
        homing.settle(7);
        assert!(homing.any() && !homing.is_owed_by(7));
        homing.settle(8);
        assert!(!homing.any());
    }

    #[test]
    fn what_a_revoked_one_had_passed_never_arrives_and_takes_nothing_from_what_it_passes_later() {
        let mut homing = Homing::default();
        homing.expect(7, 0, true);
        homing.expect(8, 0, true);
        assert!(homing.revoke(7) && !homing.revoke(7));
        assert!(!homing.arrive(7, 0) && homing.any(), "what another one has passed is on its way");
        homing.end(7, 0, true); // destroyed with its message, while something else is still to be heard
        homing.expect(7, 1, true); // by a right that was given since
        assert!(homing.arrive(7, 1) && homing.arrive(8, 0) && !homing.any());
    }

    #[test]
    fn what_has_ended_is_remembered_as_long_as_a_word_may_come() {
        let mut homing = Homing::default();
        (0..9).for_each(|epoch| homing.end(7, epoch, true));
        homing.end(8, 0, false);
        assert_eq!(homing.0.len(), 0);
    }
}
