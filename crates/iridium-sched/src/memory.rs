//! The memory that all processes of a node take together, counted where it is limited.

use std::sync::atomic::{AtomicI64, Ordering};

/// What is counted of all processes, and how much it may be. What would be too much is not counted:
/// it is refused, or whoever wants it ends. Only what nobody can refuse is counted in any case, such
/// as the signals of links and monitors, for which whoever asks for more of them ends.
#[derive(Debug)]
pub(crate) struct Memory {
    /// In bytes. Below 0 for a moment, when something is taken back before it was added.
    used: AtomicI64,
    /// `None`: nothing is counted.
    limit: Option<i64>,
}

impl Memory {
    /// `u64::MAX` is no limit.
    pub(crate) fn new(limit: u64) -> Self {
        let limit = (limit != u64::MAX).then(|| i64::try_from(limit).unwrap_or(i64::MAX));
        Self { used: AtomicI64::new(0), limit }
    }

    /// Whether anything is counted.
    #[inline]
    pub(crate) fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// Counts so many more bytes, if there is room for them.
    #[inline]
    pub(crate) fn try_grow(&self, bytes: u64) -> bool {
        self.limit.is_none_or(|limit| {
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            let fits = |used: i64| used.checked_add(bytes).filter(|used| *used <= limit);
            self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
        })
    }

    /// Counts so many bytes more or less in any case.
    #[inline]
    pub(crate) fn adjust(&self, bytes: i64) {
        if bytes != 0 && self.is_limited() {
            self.used.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    /// Whether there is more than may be.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.limit.is_some_and(|limit| self.used.load(Ordering::Relaxed) > limit)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_not_counted() {
        let memory = Memory::new(100);
        assert!(memory.try_grow(60) && !memory.try_grow(41) && memory.try_grow(40));
        assert!(!memory.is_over() && !memory.try_grow(u64::MAX));
        memory.adjust(1);
        assert!(memory.is_over());
        memory.adjust(-101);
        assert!(memory.try_grow(100) && !memory.try_grow(1));
    }

    #[test]
    fn without_a_limit_there_is_always_room() {
        let memory = Memory::new(u64::MAX);
        assert!(memory.try_grow(u64::MAX) && memory.try_grow(u64::MAX) && !memory.is_over());
    }
}
