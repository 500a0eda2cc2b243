//! The search that all the models share: breadth first, so that the first thing found is the one with
//! the shortest way.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// What must never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wrong {
    /// A message that was acknowledged, or a right in one, is gone though its port lives.
    Lost,
    /// A message was received twice.
    Twice,
    /// A message was received that its sender never sent, or never sent to this port.
    Forged,
    /// A message was received before one that it followed.
    Order,
    /// A message was received though its send was refused.
    Ghost,
    /// A task waits, and nothing will end that.
    Stuck,
    /// A sender takes a port for dead that lives.
    CutOff,
    /// No-senders fired while a right lived or was on its way.
    Early,
    /// A notification that is due does not come.
    Missing,
    /// A port lives that nobody can ever receive from.
    Leaked,
}

/// A step: its name, who takes it, and whether it happens by itself: it is the libraries', the
/// authority's, or a receiving program's, and not what a program or a murderer may do or not.
pub(crate) type Step = (&'static str, u8, bool);

/// What a model says of a state.
pub(crate) struct Look<S> {
    pub(crate) steps: Vec<(Step, S)>,
    pub(crate) wrong: Option<Wrong>,
    /// Everything that was to be done is done here: a model that never gets there shows nothing.
    pub(crate) is_goal: bool,
}

impl<S> Look<S> {
    /// Whether nothing more happens by itself.
    pub(crate) fn is_quiet(&self) -> bool {
        !self.steps.iter().any(|((_, _, happens), _)| *happens)
    }
}

/// What a search came to: how many states it saw, and what went wrong first, with the way there.
pub(crate) struct Search {
    pub(crate) states: usize,
    pub(crate) goals: usize,
    pub(crate) wrong: Option<(Wrong, String)>,
}

/// Quick also in a debug build; nobody chooses the states to spite it.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(u64::from(byte));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, _length: usize) {
        // Of an array, whose length is no news.
    }

    fn write_isize(&mut self, discriminant: isize) {
        self.write_u8(discriminant as u8);
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}

/// Looks at every state that can be reached from `first`.
pub(crate) fn search<S: Copy + Eq + Hash>(first: S, look: impl Fn(&S) -> Look<S>) -> Search {
    let mut seen: HashMap<S, (), BuildHasherDefault<Mix>> = HashMap::default();
    seen.insert(first, ());
    let mut all: Vec<(S, usize, Step)> = vec![(first, 0, ("", 0, false))];
    let (mut at, mut goals) = (0, 0);
    while at < all.len() {
        let Look { steps, wrong, is_goal } = look(&all[at].0);
        goals += usize::from(is_goal);
        if let Some(wrong) = wrong {
            let mut way = Vec::new();
            while at > 0 {
                let (name, who, _) = all[at].2;
                way.push(format!("  {who} {name}\n"));
                at = all[at].1;
            }
            way.reverse();
            return Search { states: all.len(), goals, wrong: Some((wrong, way.concat())) };
        }
        for (step, next) in steps {
            if let Entry::Vacant(vacant) = seen.entry(next) {
                vacant.insert(());
                all.push((next, at, step));
            }
        }
        at += 1;
    }
    Search { states: all.len(), goals, wrong: None }
}
