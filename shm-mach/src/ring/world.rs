//! What surrounds the lanes of a wait group: the rest of the task, and what else its owner waits for.

use futex::Gate;

use crate::ring::layout::Bell;
use crate::ring::order::Order;
use crate::ring::samples::Samples;
use crate::ring::sleepers::Sleepers;
use crate::segment::Shared;

/// What a group's threads must also hear of: new lanes, closed links, the authority.
pub trait World {
    /// Adds every word that is rung for news, with its value now.
    fn sample(&self, samples: &mut Samples);
    /// Looks at the news and acts on it; may insert lanes into groups, this one included. Called
    /// with no group locked.
    fn look(&self);
    /// As [`look`](Self::look), until everything that was told before the call is acted on. False if some
    /// of it cannot be acted on yet: then a word of [`sample`](Self::sample) is rung when it can.
    fn hear(&self) -> bool {
        self.look();
        true
    }
    /// Asks every peer to ring for news. Adds the gates of the links where that was not so already: their
    /// heavy fences and then a [`look`](Self::look) must follow at once, whatever else happens, because
    /// other threads that find the links armed rely on it.
    fn arm(&self, gates: &mut Vec<Gate>);
    /// The groups of this task that sleep now.
    fn sleepers(&self) -> &Sleepers;
    /// A sleep is over, and this bell was rung since it was sampled: a peer that rings for nothing,
    /// again and again, keeps everybody awake.
    fn rang(&self, _bell: &Shared<Bell>) {}
    /// A sleep is over, and a receiver has read on since its cursor was sampled. Only one thread was woken
    /// for that.
    fn read_on(&self) {}
}

/// What else than lanes a group's threads wait for: the owner's part of the state says. Each is called
/// under the group's lock.
pub trait Sources {
    /// Samples the bells that are rung for it: `bell` of every half it lies in. False if there is a
    /// half that is not known yet: the [`World`] rings when it is.
    fn sample(&mut self, _bell: u8, _samples: &mut Samples) -> bool {
        true
    }
    /// Asks for `bell` wherever it is not asked for yet, and adds the gates of those places. Says
    /// whether everything that it has fenced for itself was fenced.
    fn arm(&mut self, _bell: u8, _gates: &mut Vec<Gate>) -> bool {
        true
    }
    /// Whether something is there that can be taken; while not everything was heard (`may_take`), what is
    /// taken in order cannot. When the answer to the group's leader is no, it goes to sleep.
    fn any_ready(&mut self, _may_take: bool) -> bool {
        false
    }
    /// Enters what is there into a round.
    fn due(&mut self, _order: &mut Order) {}
    /// The leader sleeps no more.
    fn awake(&mut self) {}
}

impl Sources for () {}
impl<T> Sources for Vec<T> {}
