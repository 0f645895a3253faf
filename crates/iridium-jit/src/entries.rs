//! The native code of a program, by the instruction at which it begins.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// An entry as one word, so that it is read and replaced at once: the address of a region's code, and
/// below it the number of the entry among those of the region. 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry(u64);

/// How far up the address is.
pub(crate) const ADDRESS_SHIFT: u32 = 16;
/// Where the number is.
pub(crate) const NUMBER_MASK: u64 = (1 << ADDRESS_SHIFT) - 1;

impl Entry {
    /// `None` when address or number need too many bits, which they do nowhere today.
    pub(crate) fn new(address: usize, number: usize) -> Option<Self> {
        let (address, number) = (address as u64, number as u64);
        let fits = address != 0 && address >> (64 - ADDRESS_SHIFT) == 0 && number <= NUMBER_MASK;
        fits.then_some(Self(address << ADDRESS_SHIFT | number))
    }

    pub(crate) fn address(self) -> u64 {
        self.0 >> ADDRESS_SHIFT
    }

    pub(crate) fn number(self) -> u64 {
        self.0 & NUMBER_MASK
    }
}

/// For each instruction of a module the entry that begins there.
#[derive(Debug)]
pub(crate) struct EntryTable {
    words: Box<[AtomicU64]>,
    /// How often in a row entering there has not been worth it.
    idle: Box<[AtomicU8]>,
}

impl EntryTable {
    pub(crate) fn new(instructions: usize) -> Self {
        Self {
            words: (0..instructions).map(|_| AtomicU64::new(0)).collect(),
            idle: (0..instructions).map(|_| AtomicU8::new(0)).collect(),
        }
    }

    pub(crate) fn at(&self, index: u32) -> Option<Entry> {
        let word = self.words.get(index as usize)?.load(Ordering::Acquire);
        (word != 0).then_some(Entry(word))
    }

    /// The code must be there, and stay as long as the table. What was judged at this instruction
    /// before was other code.
    pub(crate) fn publish(&self, index: u32, entry: Entry) {
        let index = index as usize;
        if let (Some(word), Some(idle)) = (self.words.get(index), self.idle.get(index)) {
            idle.store(0, Ordering::Relaxed);
            word.store(entry.0, Ordering::Release);
        }
    }

    pub(crate) fn as_ptr(&self) -> *const AtomicU64 {
        self.words.as_ptr()
    }

    /// Code was entered at an instruction. Returns how often in a row that was not worth it.
    pub(crate) fn judge(&self, index: u32, is_worth_it: bool) -> u8 {
        let Some(idle) = self.idle.get(index as usize) else { return 0 };
        let times = if is_worth_it { 0 } else { idle.load(Ordering::Relaxed).saturating_add(1) };
        idle.store(times, Ordering::Relaxed);
        times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_where_it_was_published() {
        let table = EntryTable::new(3);
        assert_eq!(table.at(1), None);
        let entry = Entry::new(0x7fff_ffff_f040, 65535);
        entry.into_iter().for_each(|entry| table.publish(1, entry));
        assert_eq!(table.at(1), entry);
        assert_eq!(entry.map(|e| (e.address(), e.number())), Some((0x7fff_ffff_f040, 65535)));
        assert_eq!((table.at(0), table.at(2), table.at(3)), (None, None, None));
        let times = [false, false, true, false].map(|is_worth_it| table.judge(2, is_worth_it));
        assert_eq!(times, [1, 2, 0, 1]);
        entry.into_iter().for_each(|entry| table.publish(2, entry));
        assert_eq!(table.judge(2, false), 1, "other code");
        assert_eq!(Entry::new(1 << 48, 0), None);
        assert_eq!(Entry::new(64, 65536), None);
    }
}
