//! Blocks: the parts of the heap that `new` hands out and `free` takes back.
//!
//! All that is known of them lies in the heap itself, so a process stays plain data:
//!
//! * A *block* begins at a multiple of 16 with its head, one word: the count of those who hold it
//!   (32 bits), its variant (16 bits), which is the program's business, and its class (16 bits), which
//!   says how large it is.
//! * The *table* is made by the first `new`, where the heap then ends: 64 cells of 32 bits. They say
//!   from where to where the heap has not been cut into blocks yet, how many blocks were cut, and for
//!   each class the first of those that were given back. Such a block has a count that no other has,
//!   and the address of the next in its second word.
//!
//! A program can write to all of it. It then gets a trap or other memory of its own, and no more:
//! every address that is read here is looked at like any other.
//!
//! What is public here is for engines that take blocks and give them back themselves.

/// Cells of the table, and their bytes.
const CELLS: usize = 64;
pub(crate) const TABLE_SIZE: usize = 4 * CELLS;

/// Where in the table it stands from where on the heap has not been cut into blocks.
pub(crate) const TOP: usize = 0;
/// And to where.
pub(crate) const END: usize = 4;
/// How many blocks were cut.
pub(crate) const CUT: usize = 8;

/// How many classes there are. Their cells are the last ones.
pub const CLASSES: usize = 57;

/// What blocks take of the heap ends here at the latest, so that a cell can say so.
pub(crate) const MOST: u64 = iridium_isa::DATA_BASE as u64 - 16;

/// Classes up to this size differ by 16 bytes; above, two of them double the size.
pub const FINE: u32 = 128;

/// How large the blocks of each class are.
pub const SIZES: [u32; CLASSES] = {
    let mut sizes = [0; CLASSES];
    let fine = FINE as usize / 16;
    let mut class = 0;
    while class < CLASSES {
        sizes[class] = if class < fine {
            16 * (class as u32 + 1)
        } else {
            let doubled = (class - fine) / 2;
            (if (class - fine).is_multiple_of(2) { FINE / 2 * 3 } else { FINE * 2 }) << doubled
        };
        class += 1;
    }
    sizes
};

/// The largest block is most of the largest heap.
const _: () = assert!(SIZES[CLASSES - 1] == 3 << 30);

/// A count that stays: such a block is never given back.
pub(crate) const SATURATED: u32 = u32::MAX;

/// The count of a block that was given back.
pub const FREED: u32 = u32::MAX - 1;

/// The highest count that is one.
pub const LAST_COUNT: u32 = u32::MAX - 2;

/// What the body of a block is filled with when it is given back, in debug builds.
pub(crate) const POISON: u8 = 0xDB;

/// The smallest class with room for so many bytes, if there is one.
pub const fn class_of(bytes: u64) -> Option<usize> {
    if bytes <= FINE as u64 {
        return Some((bytes.saturating_sub(1) / 16) as usize);
    }
    // Above this power of two, and not above the next.
    let log = 63 - (bytes - 1).leading_zeros();
    let doubled = (log - FINE.trailing_zeros()) as usize;
    let class = (FINE / 16) as usize + 2 * doubled + (bytes > 3 << (log - 1)) as usize;
    if class < CLASSES { Some(class) } else { None }
}

/// Where in the table the first free block of a class is; 0 there means that there is none.
pub const fn first_free(class: usize) -> usize {
    TABLE_SIZE - 4 * (CLASSES - class)
}

/// The head of a block.
pub const fn head_word(count: u32, variant: u16, class: usize) -> u64 {
    count as u64 | (variant as u64) << 32 | (class as u64) << 48
}

/// The count and the class in the head of a block.
pub(crate) const fn parts_of(head: u64) -> (u32, usize) {
    (head as u32, (head >> 48) as usize)
}

/// The address in a value that may be one of a block: blocks are at multiples of 16, and not at 0.
pub(crate) const fn address_of(value: i64) -> Option<i64> {
    if value > 0 && value % 16 == 0 { Some(value) } else { None }
}

/// Whether a value is one that nobody counts: 0, odd, or the address of read-only data.
#[inline(always)]
pub(crate) const fn is_uncounted(value: i64) -> bool {
    value == 0 || value & 1 != 0 || value >= iridium_isa::DATA_BASE
}

/// How many blocks are live, by what the table at an address says: those that were cut, without those
/// that were given back.
pub(crate) fn live(heap: &[u8], table: u32) -> u64 {
    let cell = |at: usize| {
        let bytes = heap.get(at..).and_then(<[u8]>::first_chunk);
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
    };
    let table = table as usize;
    let mut live = u64::from(cell(table + CUT));
    for class in 0..CLASSES {
        let mut free = cell(table + first_free(class)) as usize;
        // A list that was written over may go round in circles.
        while free != 0 && live > 0 {
            live -= 1;
            free = cell(free + 8) as usize;
        }
    }
    live
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_of_a_size_is_the_smallest_with_room() {
        let sizes =
            (0..100_000).chain((17..=32).flat_map(|log| [-1, 0, 1].map(|by| (1 << log) + by)));
        for bytes in sizes.map(|bytes: i64| bytes as u64) {
            let expected = SIZES.iter().position(|size| u64::from(*size) >= bytes);
            assert_eq!(class_of(bytes), expected, "{bytes}");
        }
        assert!(SIZES.is_sorted() && SIZES.iter().all(|size| size.is_multiple_of(16)));
    }

    #[test]
    fn little_is_lost_to_rounding() {
        for bytes in 129..100_000u64 {
            let size = class_of(bytes).map_or(0, |class| u64::from(SIZES[class]));
            assert!(size * 2 <= bytes * 3, "{bytes} {size}");
        }
    }
}
