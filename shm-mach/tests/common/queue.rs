//! A short queue, for the states of models: what is taken leaves nothing behind, so that equal states are equal.

use std::hash::{Hash, Hasher};

/// At most so many things, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Queue<T, const MOST: usize> {
    len: u8,
    items: [T; MOST],
}

impl<T: Hash, const MOST: usize> Hash for Queue<T, MOST> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.len.hash(state);
        for item in self.items() {
            item.hash(state);
        }
    }
}

impl<T: Copy + Default, const MOST: usize> Default for Queue<T, MOST> {
    fn default() -> Self {
        Self { len: 0, items: [T::default(); MOST] }
    }
}

impl<T, const MOST: usize> Queue<T, MOST> {
    pub(crate) fn len(&self) -> usize {
        usize::from(self.len)
    }

    pub(crate) fn items(&self) -> &[T] {
        &self.items[..self.len()]
    }
}

impl<T: Copy + Default, const MOST: usize> Queue<T, MOST> {
    pub(crate) fn front(&self) -> Option<T> {
        self.items().first().copied()
    }

    pub(crate) fn push(&mut self, item: T) {
        self.items[self.len()] = item;
        self.len += 1;
    }

    pub(crate) fn push_front(&mut self, item: T) {
        self.items.copy_within(..MOST - 1, 1);
        self.items[0] = item;
        self.len += 1;
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        let item = self.front()?;
        self.items.copy_within(1.., 0);
        self.len -= 1;
        self.items[self.len()] = T::default();
        Some(item)
    }
}
