//! The input as a row of choices.

/// The choices that are left.
pub(super) struct Script<'a>(std::slice::Iter<'a, u8>);

impl<'a> Script<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self(input.iter())
    }

    pub(super) fn next(&mut self) -> Option<u8> {
        self.0.next().copied()
    }

    /// The next choice; the first of all when there are no more.
    pub(super) fn byte(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }

    /// One of them.
    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        of.get(usize::from(self.byte()) % of.len().max(1)).copied()
    }

    /// A number that means something, or one beside it, or any.
    pub(super) fn near(&mut self, known: usize) -> u64 {
        let (byte, known) = (self.byte(), known as u64);
        match byte >> 5 {
            0..=3 => known,
            4 => known.saturating_add(u64::from(byte & 31)),
            5 => known.saturating_sub(u64::from(byte & 31)),
            6 => u64::from(byte & 31),
            _ => u64::MAX - u64::from(byte & 31),
        }
    }
}
