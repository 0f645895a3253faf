//! Memory for machine code: first written, then executable, never both.
#![allow(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use memmap2::{Mmap, MmapMut};
use wasmtime_internal_jit_icache_coherence::{clear_cache, pipeline_flush_mt};

/// How many bytes of code there may be, together.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    left: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { limit: bytes, left: AtomicUsize::new(bytes) })
    }

    fn take(self: &Arc<Self>, bytes: usize) -> Option<Charge> {
        let less = |left: usize| left.checked_sub(bytes);
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        taken.is_ok().then(|| Charge { budget: Arc::clone(self), bytes })
    }

    /// Bytes that there may be.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes that there are.
    pub(crate) fn taken(&self) -> usize {
        self.limit - self.left.load(Ordering::Relaxed)
    }
}

/// A part of the budget that is taken until this is dropped.
#[derive(Debug)]
struct Charge {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.left.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

/// Code that can be executed, until this is dropped.
#[derive(Debug)]
pub(crate) struct CodeMemory {
    code: Mmap,
    /// Where in it the pieces begin.
    starts: Vec<usize>,
    _charge: Charge,
}

/// Pieces begin at multiples of this: lines of the cache, and what constants between code need.
const ALIGNMENT: usize = 64;

/// What the system hands out memory in.
const PAGE: usize = 4096;

/// Where pieces of these lengths begin when they lie together.
pub(crate) fn starts(lengths: impl Iterator<Item = usize>) -> Vec<usize> {
    let next = |start: &mut usize, length: usize| {
        let own = *start;
        *start += length.next_multiple_of(ALIGNMENT);
        Some(own)
    };
    lengths.scan(0, next).collect()
}

impl CodeMemory {
    /// Code made of some pieces; `None` when there is no room for it.
    pub(crate) fn new(pieces: &[Vec<u8>], budget: &Arc<Budget>) -> Option<Self> {
        let starts = starts(pieces.iter().map(Vec::len));
        let length = starts.last()? + pieces.last()?.len();
        let charge = budget.take(length.next_multiple_of(PAGE))?;
        let mut memory = MmapMut::map_anon(length).ok()?;
        for (start, piece) in starts.iter().zip(pieces) {
            memory.get_mut(*start..start + piece.len())?.copy_from_slice(piece);
        }
        let code = memory.make_exec().ok()?;
        // On some processors instructions are not read through the cache that they were written into.
        // SAFETY: all of it is this mapping.
        unsafe { clear_cache(code.as_ptr().cast(), code.len()) }.ok()?;
        pipeline_flush_mt().ok()?;
        Some(Self { code, starts, _charge: charge })
    }

    /// Where a piece is.
    pub(crate) fn piece(&self, number: usize) -> Option<*const u8> {
        let start = *self.starts.get(number)?;
        self.code.get(start..).map(<[u8]>::as_ptr)
    }

    /// All of it.
    #[cfg(all(test, feature = "arm64"))]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.code
    }

    /// How many bytes it has.
    pub(crate) fn len(&self) -> usize {
        self.code.len()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_for_code_that_is_there() {
        let budget = Budget::new(3 * PAGE);
        let code = CodeMemory::new(&[vec![0xc3; 100], vec![0xc3; 10]], &budget).unwrap();
        assert_eq!(code.piece(1).unwrap() as usize, code.piece(0).unwrap() as usize + 128);
        assert!(code.piece(2).is_none());
        assert!(CodeMemory::new(&[vec![0; 3 * PAGE]], &budget).is_none());
        let more = CodeMemory::new(&[vec![0; 2 * PAGE]], &budget);
        assert_eq!((more.is_some(), budget.taken()), (true, 3 * PAGE));
        drop((code, more));
        assert_eq!((budget.taken(), budget.limit()), (0, 3 * PAGE));
    }

    /// What the system says of the pages: executable and not writable, and gone after the drop.
    #[cfg(target_os = "linux")]
    #[test]
    fn code_is_never_writable_and_is_unmapped_when_it_is_dropped() {
        let permissions = |address: usize| {
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
            maps.lines().find_map(|line| {
                let (range, rest) = line.split_once(' ')?;
                let (start, end) = range.split_once('-')?;
                let [start, end] = [start, end].map(|at| usize::from_str_radix(at, 16).unwrap());
                (start..end).contains(&address).then(|| rest[..4].to_owned())
            })
        };
        // Larger than what other threads of this test map, so that nothing comes in its place.
        let budget = Budget::new(1 << 30);
        let code = CodeMemory::new(&[vec![0xc3; 64 << 20]], &budget).unwrap();
        let address = code.piece(0).unwrap() as usize + (32 << 20);
        assert_eq!(permissions(address).as_deref(), Some("r-xp"));
        drop(code);
        assert_ne!(permissions(address).as_deref(), Some("r-xp"));
    }
}
