//! The heap on the fast path. Everything else about memory is in the slow path.
//!
//! One comparison serves all widths: an access is taken here when eight bytes from its address on
//! are in the heap. The last bytes of a heap are left to the slow path.
#![allow(unsafe_code)]

use super::machine::{Machine, WIDEST};

impl<const F: usize> Machine<'_, F> {
    /// Bytes at a heap address; `None` when this is not for the fast path.
    #[inline(always)]
    pub(super) fn load<const N: usize>(&mut self, address: i64) -> Option<[u8; N]> {
        const { assert!(N <= WIDEST) };
        if address as u64 >= self.run().heap_room as u64 {
            return None;
        }
        // SAFETY: eight bytes from `address` on lie in the heap (I3).
        Some(unsafe { self.run().heap.add(address as usize).cast::<[u8; N]>().read() })
    }

    /// Writes bytes at a heap address; `None` when this is not for the fast path.
    #[inline(always)]
    pub(super) fn store<const N: usize>(&mut self, address: i64, bytes: [u8; N]) -> Option<()> {
        const { assert!(N <= WIDEST) };
        if address as u64 >= self.run().heap_room as u64 {
            return None;
        }
        // SAFETY: eight bytes from `address` on lie in the heap (I3).
        unsafe { self.run().heap.add(address as usize).cast::<[u8; N]>().write(bytes) }
        Some(())
    }
}
