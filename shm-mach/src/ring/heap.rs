//! Room for answers that do not fit into a reply slot.
//!
//! Answers are read in any order, so a ring would not do: this is a first-fit heap over payload
//! areas that a half has set aside. All its bookkeeping is private to the answering task.

use futex::sync::AtomicU64;

use crate::ring::slot::{PAYLOAD_UNIT, Token};
use crate::segment::Shared;

/// The reply bodies of one half.
#[derive(Debug, Default)]
pub struct Heap {
    blocks: Vec<Block>,
    free: Vec<(usize, usize)>,
    taken: Vec<Taken>,
}

/// One area: where it begins in the payload region, and its words.
#[derive(Debug)]
struct Block {
    base: usize,
    words: Shared<[AtomicU64]>,
}

/// A body that may not have been read yet.
#[derive(Debug)]
struct Taken {
    at: usize,
    bytes: usize,
    token: Token,
}

impl Heap {
    /// Adds an area that begins `base` bytes into the payload region.
    pub fn grow(&mut self, base: usize, words: Shared<[AtomicU64]>) {
        self.free.push((base, words.len() * 8));
        self.blocks.push(Block { base, words });
    }

    /// Writes `parts` one after the other, for an answer to `token`; says where in the region they
    /// begin. `is_free` says whether the answer to an earlier token was read. `None` while there is
    /// no room: grow, or refuse.
    pub fn write(
        &mut self,
        parts: [&[u8]; 2],
        token: Token,
        is_free: impl Fn(Token) -> bool,
    ) -> Option<usize> {
        let bytes = (parts[0].len() + parts[1].len()).next_multiple_of(PAYLOAD_UNIT);
        let at = self.take(bytes).or_else(|| {
            self.collect(is_free);
            self.take(bytes)
        })?;
        let block = self
            .blocks
            .iter()
            .find(|block| (block.base..block.base + block.words.len() * 8).contains(&at))?;
        let mut word = (at - block.base) / 8;
        for part in parts {
            let words = part.len().div_ceil(8);
            futex::sync::store_bytes(&block.words[word..word + words], part);
            word += words;
        }
        self.taken.push(Taken { at, bytes, token });
        Some(at)
    }

    fn take(&mut self, bytes: usize) -> Option<usize> {
        let found = self.free.iter().position(|(_, room)| *room >= bytes)?;
        let (at, room) = self.free[found];
        if room == bytes {
            self.free.swap_remove(found);
        } else {
            self.free[found] = (at + bytes, room - bytes);
        }
        Some(at)
    }

    /// Frees what was read, and joins neighbours.
    fn collect(&mut self, is_free: impl Fn(Token) -> bool) {
        let (read, unread) =
            std::mem::take(&mut self.taken).into_iter().partition(|taken: &Taken| is_free(taken.token));
        self.taken = unread;
        self.free.extend(read.into_iter().map(|taken: Taken| (taken.at, taken.bytes)));
        self.free.sort_unstable();
        let bases: Vec<usize> = self.blocks.iter().map(|block| block.base).collect();
        let mut joined: Vec<(usize, usize)> = Vec::with_capacity(self.free.len());
        for (at, bytes) in self.free.drain(..) {
            match joined.last_mut() {
                Some((last, room)) if *last + *room == at && !bases.contains(&at) => *room += bytes,
                _ => joined.push((at, bytes)),
            }
        }
        self.free = joined;
    }
}
