//! The heap on the fast path. Everything else about memory is in the slow path.
//!
//! One comparison serves all widths: an access is taken here when eight bytes from its address on
//! are in the heap. The last bytes of a heap are left to the slow path.
#![allow(unsafe_code)]

use std::marker::PhantomData;

use iridium_isa::DATA_BASE;

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

    /// Bytes of the heap or of the read-only data; `None` when this is not for the fast path.
    #[inline(always)]
    pub(super) fn bytes(&self, address: i64, length: usize) -> Option<&[u8]> {
        if address >= DATA_BASE {
            let start = (address - DATA_BASE) as usize;
            return self.module.data().get(start..start.checked_add(length)?);
        }
        let at = self.span(address, length)?;
        // SAFETY: so many bytes from there on lie in the heap.
        Some(unsafe { std::slice::from_raw_parts(at, length) })
    }

    /// Copies few bytes to the heap; the ranges may overlap. `None` when this is not for the fast path.
    #[inline(always)]
    pub(super) fn copy(&mut self, to: i64, from: i64, length: usize) -> Option<()> {
        let to = self.span(to, length)?;
        let from = self.bytes(from, length)?.as_ptr();
        // SAFETY: so many bytes from either on may be read, and those of `to` lie in the heap.
        unsafe { std::ptr::copy(from, to, length) }
        Some(())
    }

    /// Copies the current message to the heap. `None` when this is not for the fast path.
    #[inline(always)]
    pub(super) fn copy_message(&mut self, to: i64) -> Option<()> {
        let from = self.process.message.as_ref()?.bytes();
        let to = self.span(to, from.len())?;
        // SAFETY: so many bytes from either on are there, and a message lies apart from the heap.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), to, from.len()) }
        Some(())
    }

    /// Where so many bytes of the heap begin; `None` when this is not for the fast path.
    #[inline(always)]
    fn span(&self, address: i64, length: usize) -> Option<*mut u8> {
        let room = self.heap_room as u64;
        if address as u64 > room || length as u64 > room - address as u64 {
            return None;
        }
        // SAFETY: below `heap_room` all bytes lie in the heap (I3).
        Some(unsafe { self.heap.add(address as usize) })
    }

    /// What may be a block: its address is a multiple of 16, not 0, and in the heap.
    #[inline(always)]
    pub(super) fn block(&mut self, value: i64) -> Option<Block<'_>> {
        // What is no multiple of 16 becomes very large by this, and so does 0.
        if (value as u64).rotate_right(4).wrapping_sub(1) >= self.block_places {
            return None;
        }
        // SAFETY: sixteen bytes from there on lie in the heap (I3).
        Some(unsafe { Block { at: self.heap.add(value as usize), heap: PhantomData } })
    }

    /// Fills what the heap has of so many bytes at an address.
    pub(super) fn fill(&mut self, address: i64, length: usize, byte: u8) {
        let bytes = &mut self.process.heap.bytes;
        let end = bytes.len();
        let start = usize::try_from(address).unwrap_or(end).min(end);
        bytes[start..end.min(start.saturating_add(length))].fill(byte);
    }
}

/// Sixteen bytes of the heap that may be those of a [block](crate::blocks). Each part is read as it
/// is written, since a processor waits when it reads more than it has just written.
pub(super) struct Block<'h> {
    at: *mut u8,
    heap: PhantomData<&'h mut [u8]>,
}

impl Block<'_> {
    /// How many hold it.
    #[inline(always)]
    pub(super) fn count(&self) -> u32 {
        // SAFETY: it has sixteen bytes.
        u32::from_le_bytes(unsafe { self.at.cast::<[u8; 4]>().read() })
    }

    #[inline(always)]
    pub(super) fn set_count(&mut self, count: u32) {
        // SAFETY: as above.
        unsafe { self.at.cast::<[u8; 4]>().write(count.to_le_bytes()) }
    }

    /// Its class.
    #[inline(always)]
    pub(super) fn class(&self) -> u16 {
        // SAFETY: as above.
        u16::from_le_bytes(unsafe { self.at.add(6).cast::<[u8; 2]>().read() })
    }

    /// Sets its variant and its class.
    #[inline(always)]
    pub(super) fn set_kind(&mut self, kind: u32) {
        // SAFETY: as above.
        unsafe { self.at.add(4).cast::<[u8; 4]>().write(kind.to_le_bytes()) }
    }

    /// The free block after this one.
    #[inline(always)]
    pub(super) fn next(&self) -> u32 {
        // SAFETY: as above.
        u32::from_le_bytes(unsafe { self.at.add(8).cast::<[u8; 4]>().read() })
    }

    #[inline(always)]
    pub(super) fn set_next(&mut self, next: u32) {
        // SAFETY: as above.
        unsafe { self.at.add(8).cast::<[u8; 4]>().write(next.to_le_bytes()) }
    }
}
