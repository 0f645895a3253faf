//! The heap on the fast path. Everything else about memory is in `general`.
#![allow(unsafe_code)]

use super::machine::Machine;

impl Machine<'_> {
    /// Bytes at a heap address; `None` when they are not all in the heap.
    #[inline(always)]
    pub(super) fn load<const N: usize>(&self, address: i64) -> Option<[u8; N]> {
        let end = (address as u64).checked_add(N as u64)?;
        if end > self.heap_length as u64 {
            return None;
        }
        // SAFETY: `address..end` was just found to lie in the heap (I3).
        Some(unsafe { self.heap.add(address as usize).cast::<[u8; N]>().read() })
    }

    /// Writes bytes at a heap address; `None` when they are not all in the heap.
    #[inline(always)]
    pub(super) fn store<const N: usize>(&mut self, address: i64, bytes: [u8; N]) -> Option<()> {
        let end = (address as u64).checked_add(N as u64)?;
        if end > self.heap_length as u64 {
            return None;
        }
        // SAFETY: `address..end` was just found to lie in the heap (I3).
        unsafe { self.heap.add(address as usize).cast::<[u8; N]>().write(bytes) }
        Some(())
    }
}
