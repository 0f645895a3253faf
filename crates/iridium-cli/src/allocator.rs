//! What the allocator of the C library keeps of what is freed.
//!
//! It has arenas: heaps of their own for several threads, eight for each core, and what is freed in one is of
//! no use to the others. From the first time that a long block is freed, it takes others of that length from
//! these heaps, and keeps up to twice as much free in each. A node to which long messages came from many
//! others would so keep the memory of many such, where it has room for one or two at a time.
#![allow(unsafe_code)]

/// Blocks of this length and more are the system's own, and given back when they are freed. To make their
/// memory real costs little beside what is done with so much.
const LONG: i32 = 4 << 20;
/// What each heap keeps at its end.
const KEPT: i32 = 2 << 20;
/// Arenas for each core. No more threads allocate at a time than there are cores, and with twice as many
/// arenas they hardly meet.
const ARENAS: usize = 2;

/// Has fewer heaps keep what is freed, and long blocks given back to the system.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn keep_little() {
    use nix::libc;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let arenas = i32::try_from(ARENAS * cores).unwrap_or(i32::MAX);
    // SAFETY: mallopt(3) may be called at any time; main calls it before there are other threads. A value
    // that the library does not take changes nothing.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LONG);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
        libc::mallopt(libc::M_ARENA_MAX, arenas);
    }
}

/// Other allocators do so by themselves, or cannot be asked.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn keep_little() {}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    #[test]
    fn a_long_block_is_the_systems_own_also_when_others_were_freed() {
        keep_little();
        let len = 4 * LONG as usize;
        (0..3).for_each(|_| drop(std::hint::black_box(vec![1_u8; len])));
        let block = std::hint::black_box(vec![1_u8; len]);
        // SAFETY: it takes nothing, and gives numbers (mallinfo(3)).
        let mapped = unsafe { nix::libc::mallinfo2() }.hblkhd;
        assert!(mapped >= block.len(), "{mapped}");
    }
}
