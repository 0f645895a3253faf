//! Which links have threads of their own: the first ones, up to a number.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The places for links that have threads of their own.
#[derive(Debug)]
pub(super) struct OwnThreads {
    free: Arc<AtomicUsize>,
}

impl OwnThreads {
    pub(super) fn new(places: usize) -> Self {
        Self { free: Arc::new(AtomicUsize::new(places)) }
    }

    /// A place for another link, if there is one.
    pub(super) fn take(&self) -> Option<Place> {
        let less = |free: usize| free.checked_sub(1);
        let taken = self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        taken.is_ok().then(|| Place(Arc::clone(&self.free)))
    }
}

/// The place of a link that has threads of its own, free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_link_has_ended() {
        let own_threads = OwnThreads::new(2);
        let (first, _second) = (own_threads.take().unwrap(), own_threads.take().unwrap());
        assert!(own_threads.take().is_none());
        drop(first);
        let third = own_threads.take();
        assert!(third.is_some() && own_threads.take().is_none());
    }
}
