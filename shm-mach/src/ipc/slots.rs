//! The numbers that are free, and their generations.
//!
//! A slot that was given up is the first to be used again, with the next generation: 0x03, 0x07 and
//! so on, until its period is over and it starts again at 0x03. Periods are drawn at random for
//! each round, from 16 to 64 uses, so that an old name is refused for at least 15 uses of its slot
//! and nobody can tell exactly when it will be good again.

use super::entry::{Entry, Links};
use super::error::PortError;
use super::name::{INDEX_MAX, PortName, RawName};

/// How many slots the first names get; from there the number doubles.
const SLOTS_FIRST: usize = 32;

/// All entries of a space, by index.
#[derive(Debug)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    /// The first of the free slots; 0: none.
    free: u32,
    /// How many slots there can be, number 0 included.
    slots_max: usize,
    random: Xorshift,
}

#[derive(Debug)]
struct Slot {
    /// How often the slot was used in this round, less one: the upper six bits of the generation.
    reuse: u8,
    /// How many uses make a round; 0: never used.
    period: u8,
    what: Use,
}

#[derive(Debug)]
enum Use {
    /// Number 0.
    Reserved,
    Free(Links),
    Live(Entry),
}

/// What a chosen name would fall on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chosen {
    Free,
    Live(u32),
}

impl Slots {
    /// No entries yet; `lines` are the lines of the table, the first of which is never used.
    pub(super) fn new(lines: usize, seed: u64) -> Self {
        let slots_max = lines.min(INDEX_MAX as usize + 1);
        Self { slots: Vec::new(), free: 0, slots_max, random: Xorshift::new(seed) }
    }

    /// The entry of this name.
    pub(super) fn find(&self, name: RawName) -> Option<u32> {
        let slot = self.slots.get(name.index() as usize)?;
        let is_live = matches!(slot.what, Use::Live(_)) && slot.generation() == name.generation();
        is_live.then_some(name.index())
    }

    /// The name of the entry at `index`.
    ///
    /// # Panics
    /// When there is none: a bug of ours.
    pub(super) fn name(&self, index: u32) -> PortName {
        let slot = &self.slots[index as usize];
        let name = PortName::new(index << 8 | u32::from(slot.generation()));
        name.expect("number 0 has no entry")
    }

    /// The entry at `index`.
    ///
    /// # Panics
    /// When there is none: a bug of ours.
    pub(super) fn entry(&self, index: u32) -> &Entry {
        match &self.slots[index as usize].what {
            Use::Live(entry) => entry,
            _ => panic!("no entry at index {index}"),
        }
    }

    /// The entry at `index`, to be changed.
    ///
    /// # Panics
    /// When there is none: a bug of ours.
    pub(super) fn entry_mut(&mut self, index: u32) -> &mut Entry {
        match &mut self.slots[index as usize].what {
            Use::Live(entry) => entry,
            _ => panic!("no entry at index {index}"),
        }
    }

    /// The indices of all entries, ascending.
    pub(super) fn live(&self) -> impl Iterator<Item = u32> {
        let slots = self.slots.iter().enumerate();
        slots.filter(|(_, slot)| matches!(slot.what, Use::Live(_))).map(|(index, _)| index as u32)
    }

    /// How many slots there are, number 0 included, and how many there will be when they do not suffice.
    pub(super) fn sizes(&self) -> (u32, u32) {
        let size = self.slots.len();
        let next = (size * 2).max(SLOTS_FIRST).min(self.slots_max);
        (size as u32, next as u32)
    }

    /// The name of the slot at `index`, now or when it was used last, and its entry.
    pub(super) fn line(&self, index: u32) -> (RawName, Option<&Entry>) {
        let slot = &self.slots[index as usize];
        let entry = match &slot.what {
            Use::Live(entry) => Some(entry),
            _ => None,
        };
        (RawName(index << 8 | u32::from(slot.generation())), entry)
    }

    /// Puts an entry under a name of our choice.
    ///
    /// # Errors
    /// 1. [`PortError::NoSpace`]: every slot is in use and the table has no more lines.
    /// 2. [`PortError::ResourceShortage`]: no memory for more slots.
    pub(super) fn claim(&mut self, entry: Entry) -> Result<u32, PortError> {
        if self.free == 0 {
            self.grow(self.slots.len() + 1)?;
        }
        let index = self.free;
        self.unlink(index);
        let slot = &mut self.slots[index as usize];
        slot.what = Use::Live(entry);
        match slot.period {
            0 => slot.period = self.random.period(),
            period if slot.reuse + 1 < period => slot.reuse += 1,
            _ => {
                slot.reuse = 0;
                slot.period = self.random.period();
            }
        }
        Ok(index)
    }

    /// What lies under a name that somebody else chose.
    ///
    /// # Errors
    /// 1. [`PortError::NoSpace`]: the table has no such line.
    /// 2. [`PortError::BadNameBits`].
    /// 3. [`PortError::ReservedIndex`].
    /// 4. [`PortError::OtherGeneration`].
    pub(super) fn chosen(&self, name: RawName) -> Result<Chosen, PortError> {
        if name.index() as usize >= self.slots_max {
            return Err(PortError::NoSpace);
        }
        if !name.has_name_bits() {
            return Err(PortError::BadNameBits);
        }
        if name.index() == 0 {
            return Err(PortError::ReservedIndex);
        }
        match self.slots.get(name.index() as usize) {
            Some(Slot { what: Use::Live(_), .. }) => {
                self.find(name).map(Chosen::Live).ok_or(PortError::OtherGeneration)
            }
            _ => Ok(Chosen::Free),
        }
    }

    /// Puts an entry under a name that [`chosen`](Self::chosen) found free.
    ///
    /// # Errors
    /// [`PortError::ResourceShortage`]: no memory for so many slots.
    pub(super) fn claim_chosen(&mut self, name: RawName, entry: Entry) -> Result<u32, PortError> {
        let index = name.index();
        if index as usize >= self.slots.len() {
            self.grow(index as usize + 1)?;
        }
        self.unlink(index);
        let period = self.random.period();
        let slot = &mut self.slots[index as usize];
        slot.reuse = name.generation() >> 2;
        slot.period = if slot.period == 0 { period } else { slot.period };
        slot.what = Use::Live(entry);
        Ok(index)
    }

    /// Frees a slot; it is the first to be used again.
    ///
    /// # Panics
    /// When it has no entry: a bug of ours.
    pub(super) fn release(&mut self, index: u32) -> Entry {
        match self.make_free(index) {
            Use::Live(entry) => entry,
            _ => panic!("no entry at index {index}"),
        }
    }

    fn make_free(&mut self, index: u32) -> Use {
        let next = std::mem::replace(&mut self.free, index);
        if next != 0 {
            self.free_links(next).previous = index;
        }
        let links = Links { previous: 0, next };
        std::mem::replace(&mut self.slots[index as usize].what, Use::Free(links))
    }

    /// Takes a slot out of the list of free ones.
    fn unlink(&mut self, index: u32) {
        let Links { previous, next } = *self.free_links(index);
        match previous {
            0 => self.free = next,
            _ => self.free_links(previous).next = next,
        }
        if next != 0 {
            self.free_links(next).previous = previous;
        }
    }

    fn free_links(&mut self, index: u32) -> &mut Links {
        match &mut self.slots[index as usize].what {
            Use::Free(links) => links,
            _ => panic!("index {index} is not free"),
        }
    }

    /// Makes room for at least `slots` slots; the new ones become free in random order.
    fn grow(&mut self, slots: usize) -> Result<(), PortError> {
        if slots.max(2) > self.slots_max {
            return Err(PortError::NoSpace);
        }
        let first = self.slots.len().max(1);
        let end = slots.max(first * 2).max(SLOTS_FIRST).min(self.slots_max);
        let mut order = Vec::new();
        let more = end - self.slots.len();
        self.slots.try_reserve_exact(more).map_err(|_| PortError::ResourceShortage)?;
        order.try_reserve_exact(more).map_err(|_| PortError::ResourceShortage)?;
        order.extend(first as u32..end as u32);
        self.random.shuffle(&mut order);
        self.slots.resize_with(end, || Slot { reuse: 0, period: 0, what: Use::Reserved });
        for index in order {
            self.make_free(index);
        }
        Ok(())
    }
}

impl Slot {
    fn generation(&self) -> u8 {
        self.reuse << 2 | 3
    }
}

/// A small generator of numbers: good enough that a program does not come to rely on an order.
#[derive(Debug)]
struct Xorshift(u64);

impl Xorshift {
    fn new(seed: u64) -> Self {
        // A state of 0 would stay 0.
        Self(if seed == 0 { 0x9e37_79b9_7f4a_7c15 } else { seed })
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    /// 16, 32, 48 or 64.
    fn period(&mut self) -> u8 {
        16 * (1 + self.below(4) as u8)
    }

    fn shuffle(&mut self, order: &mut [u32]) {
        for last in (1..order.len()).rev() {
            order.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::entry::State;
    use super::super::port::Place;
    use super::*;

    fn entry() -> Entry {
        Entry::new(State::PortSet { handle: 0 }, Place::NOWHERE)
    }

    #[test]
    fn n3_generations_count_up_by_four_from_three() {
        let mut slots = Slots::new(2, 1);
        let mut generations = Vec::new();
        for _ in 0..16 {
            let index = slots.claim(entry()).unwrap();
            generations.push(slots.name(index).generation());
            slots.release(index);
        }
        assert_eq!(generations, (0..16).map(|use_| use_ * 4 + 3).collect::<Vec<u8>>());
    }

    #[test]
    fn n4_a_name_never_comes_back_within_fifteen_reuses() {
        for seed in 0..32 {
            let mut slots = Slots::new(2, seed);
            let mut last_use = [None; 256];
            let mut starts = Vec::new();
            for turn in 0..2000_usize {
                let index = slots.claim(entry()).unwrap();
                let generation = slots.name(index).generation();
                if let Some(last) = last_use[usize::from(generation)].replace(turn) {
                    assert!(turn - last >= 16, "{generation} after {}", turn - last);
                }
                if generation == 3 {
                    starts.push(turn);
                }
                slots.release(index);
            }
            let periods: BTreeSet<usize> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert_eq!(periods, BTreeSet::from([16, 32, 48, 64]), "seed {seed}");
        }
    }

    #[test]
    fn n5_the_first_order_is_random_and_the_last_freed_slot_is_used_first() {
        let order = |seed| {
            let mut slots = Slots::new(1000, seed);
            (0..31).map(|_| slots.claim(entry()).unwrap()).collect::<Vec<u32>>()
        };
        assert_eq!(order(7), order(7));
        assert_ne!(order(7), order(8));
        assert!(!order(7).is_sorted());
        let mut all = order(7);
        all.sort_unstable();
        assert_eq!(all, (1..32).collect::<Vec<u32>>());

        let mut slots = Slots::new(1000, 7);
        let [a, b, c] = [(); 3].map(|()| slots.claim(entry()).unwrap());
        for index in [b, a, c] {
            slots.release(index);
        }
        assert_eq!([(); 3].map(|()| slots.claim(entry()).unwrap()), [c, a, b]);
    }

    #[test]
    fn n6_the_table_grows_until_every_line_is_in_use() {
        let mut slots = Slots::new(100, 3);
        let indices: BTreeSet<u32> = (0..99).map(|_| slots.claim(entry()).unwrap()).collect();
        assert_eq!(indices, (1..100).collect());
        assert_eq!(slots.claim(entry()), Err(PortError::NoSpace));
        slots.release(17);
        assert_eq!(slots.claim(entry()), Ok(17));
        assert_eq!(Slots::new(0, 3).claim(entry()), Err(PortError::NoSpace));
        assert_eq!(Slots::new(1, 3).claim(entry()), Err(PortError::NoSpace));
    }

    #[test]
    fn n7_a_chosen_name_is_checked_in_order() {
        let mut slots = Slots::new(1000, 3);
        assert_eq!(slots.chosen(RawName(1000 << 8)), Err(PortError::NoSpace));
        assert_eq!(slots.chosen(RawName(122)), Err(PortError::BadNameBits));
        assert_eq!(slots.chosen(RawName(123)), Err(PortError::ReservedIndex));
        let name = RawName(999 << 8 | 0x7f);
        assert_eq!(slots.chosen(name), Ok(Chosen::Free));
        let index = slots.claim_chosen(name, entry()).unwrap();
        assert_eq!((index, slots.name(index).get()), (999, name.0));
        assert_eq!(slots.chosen(name), Ok(Chosen::Live(999)));
        assert_eq!(slots.chosen(RawName(name.0 + 4)), Err(PortError::OtherGeneration));
        slots.release(index);
        assert_eq!(slots.find(name), None);
        // What was chosen is not in the list of free names twice.
        let all: BTreeSet<u32> = (0..999).map(|_| slots.claim(entry()).unwrap()).collect();
        assert_eq!(all.len(), 999);
    }
}
