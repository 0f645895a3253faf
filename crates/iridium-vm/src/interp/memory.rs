//! The heap on the fast path. Everything else about memory is in the slow path.
//!
//! One comparison serves all widths: an access is taken here when eight bytes from its address on
//! are in the heap. The last bytes of a heap are left to the slow path.
#![allow(unsafe_code)]

use super::machine::{Machine, Run, WIDEST};

impl<const F: usize> Machine<'_, F> {
    /// As [`Run::peek`].
    #[inline(always)]
    pub(super) fn load<const N: usize>(&mut self, address: i64) -> Option<[u8; N]> {
        self.run().peek(address)
    }

    /// As [`Run::poke`].
    #[inline(always)]
    pub(super) fn store<const N: usize>(&mut self, address: i64, bytes: [u8; N]) -> Option<()> {
        self.run().poke(address, bytes)
    }
}

/// While a machine is in use.
impl Run<'_> {
    /// Bytes at a heap address; `None` when this is not for the fast path.
    #[inline(always)]
    pub(super) fn peek<const N: usize>(&self, address: i64) -> Option<[u8; N]> {
        const { assert!(N <= WIDEST) };
        if address as u64 >= self.heap_room as u64 {
            return None;
        }
        // SAFETY: eight bytes from `address` on lie in the heap (I3).
        Some(unsafe { self.heap.add(address as usize).cast::<[u8; N]>().read() })
    }

    /// Writes bytes at a heap address; `None` when this is not for the fast path.
    #[inline(always)]
    pub(super) fn poke<const N: usize>(&mut self, address: i64, bytes: [u8; N]) -> Option<()> {
        const { assert!(N <= WIDEST) };
        if address as u64 >= self.heap_room as u64 {
            return None;
        }
        // SAFETY: eight bytes from `address` on lie in the heap (I3).
        unsafe { self.heap.add(address as usize).cast::<[u8; N]>().write(bytes) }
        Some(())
    }

    /// The length of the heap in bytes, when anything in it is for the fast path.
    #[inline(always)]
    pub(super) fn heap_length(&self) -> u64 {
        (self.heap_room + (WIDEST - 1)) as u64
    }

    /// Fills bytes at a heap address, if they are all there.
    pub(super) fn fill(&mut self, address: i64, length: usize, byte: u8) {
        let range = usize::try_from(address).ok().and_then(|at| Some(at..at.checked_add(length)?));
        let bytes = range.and_then(|range| self.process.heap.bytes.get_mut(range));
        if let Some(bytes) = bytes {
            bytes.fill(byte);
        }
    }
}
