//! The search that the models of protocols share: breadth first, so that the first thing found is the one
//! with the shortest way.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::{Debug, Display};
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// A step: its name, who takes it (by the model's own numbers), and whether it happens by itself: it is the libraries', the
/// authority's, or a receiving program's, and not what a program or a murderer may do or not.
pub(crate) type Step<N> = (&'static str, N, bool);

/// What a model says of a state.
pub(crate) struct Look<S, W, N> {
    pub(crate) steps: Vec<(Step<N>, S)>,
    pub(crate) wrong: Option<W>,
    /// Everything that was to be done is done here: a model that never gets there shows nothing.
    pub(crate) is_goal: bool,
}

impl<S, W, N> Look<S, W, N> {
    /// Whether nothing more happens by itself.
    pub(crate) fn is_quiet(&self) -> bool {
        !self.steps.iter().any(|((_, _, happens), _)| *happens)
    }
}

/// What a search came to: how many states it saw, and what went wrong first, with the way there.
pub(crate) struct Search<W> {
    pub(crate) states: usize,
    pub(crate) goals: usize,
    pub(crate) wrong: Option<(W, String)>,
}

impl<W: Debug> Search<W> {
    /// Fails if anything went wrong, or if the model shows nothing.
    pub(crate) fn expect_right(self, name: &str) {
        println!("{name}: {} states", self.states);
        if let Some((wrong, way)) = self.wrong {
            panic!("{name}: {wrong:?}\n{way}");
        }
        assert!(self.goals > 0, "{name}: never gets to its end");
    }
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
pub(crate) fn search<S: Copy + Eq + Hash, W, N: Copy + Default + Display>(
    first: S,
    look: impl Fn(&S) -> Look<S, W, N>,
) -> Search<W> {
    let mut seen: HashMap<S, (), BuildHasherDefault<Mix>> = HashMap::default();
    seen.insert(first, ());
    let mut all: Vec<(S, usize, Step<N>)> = vec![(first, 0, ("", N::default(), false))];
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
