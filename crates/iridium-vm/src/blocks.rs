//! Blocks: the parts of the heap that `new` hands out and `free` takes back.
//!
//! All that is known of them lies in the heap itself, so a process stays plain data:
//!
//! * A *block* begins at a multiple of 16 with its head, one word: the count of those who hold it
//!   (32 bits), its variant (16 bits), which is the program's business, and its class (16 bits), which
//!   says how large it is.
//! * The *table* is made by the first `new`, where the heap then ends: from where to where the heap has
//!   not been handed out yet, how many blocks are live, and for each class the first of the blocks
//!   that were given back. Such a block has a count that no other has, and the address of the next in
//!   its second word.
//!
//! A program can write to all of it. It then gets a trap or other memory of its own, and no more:
//! every address that is read here is looked at like any other.

/// Bytes of the table.
pub(crate) const TABLE_SIZE: usize = 256;

/// Where things are in the table. From where on the heap has not been handed out:
pub(crate) const TOP: usize = 0;
/// To where:
pub(crate) const END: usize = 8;
/// How many blocks are live:
pub(crate) const LIVE: usize = 16;
/// The first free block of each class, 32 bits each, 0 when there is none:
const HEADS: usize = 24;

/// How many classes there are.
pub(crate) const CLASSES: usize = (TABLE_SIZE - HEADS) / 4;

/// Classes up to this size differ by 16 bytes; above, two of them double the size.
const FINE: u64 = 128;

/// How large the blocks of each class are.
pub(crate) const SIZES: [u64; CLASSES] = {
    let mut sizes = [0; CLASSES];
    let fine = (FINE / 16) as usize;
    let mut class = 0;
    while class < CLASSES {
        sizes[class] = if class < fine {
            16 * (class as u64 + 1)
        } else {
            let doubled = (class - fine) / 2;
            (if (class - fine).is_multiple_of(2) { FINE / 2 * 3 } else { FINE * 2 }) << doubled
        };
        class += 1;
    }
    sizes
};

/// The largest class is that of the largest heap.
const _: () = assert!(SIZES[CLASSES - 1] == iridium_isa::DATA_BASE as u64);

/// A count that stays: such a block is never given back.
pub(crate) const SATURATED: u32 = u32::MAX;

/// The count of a block that was given back.
pub(crate) const FREED: u32 = u32::MAX - 1;

/// What the body of a block is filled with when it is given back, in debug builds.
pub(crate) const POISON: u8 = 0xDB;

/// The smallest class with room for so many bytes, if there is one.
pub(crate) const fn class_of(bytes: u64) -> Option<usize> {
    if bytes <= FINE {
        return Some((bytes.saturating_sub(1) / 16) as usize);
    }
    // Above this power of two, and not above the next.
    let log = 63 - (bytes - 1).leading_zeros();
    let doubled = (log - FINE.trailing_zeros()) as usize;
    let class = (FINE / 16) as usize + 2 * doubled + (bytes > 3 << (log - 1)) as usize;
    if class < CLASSES { Some(class) } else { None }
}

/// Where in the table the free blocks of a class are.
pub(crate) const fn head_offset(class: usize) -> usize {
    HEADS + 4 * class
}

/// The head of a block.
pub(crate) const fn head_word(count: u32, variant: u16, class: usize) -> u64 {
    count as u64 | (variant as u64) << 32 | (class as u64) << 48
}

/// The class in the head of a block.
pub(crate) const fn class_of_head(head: u64) -> usize {
    (head >> 48) as usize
}

/// Whether a value is no address of a block in the heap but one that counts do not matter for: 0 or
/// odd.
#[inline(always)]
pub(crate) const fn is_immediate(value: i64) -> bool {
    value == 0 || value & 1 != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_of_a_size_is_the_smallest_with_room() {
        let sizes =
            (0..100_000).chain((17..=32).flat_map(|log| [-1, 0, 1].map(|by| (1 << log) + by)));
        for bytes in sizes.map(|bytes: i64| bytes as u64) {
            let expected = SIZES.iter().position(|size| *size >= bytes);
            assert_eq!(class_of(bytes), expected, "{bytes}");
        }
        assert!(SIZES.is_sorted() && SIZES.iter().all(|size| size.is_multiple_of(16)));
    }

    #[test]
    fn little_is_lost_to_rounding() {
        for bytes in 129..100_000u64 {
            let size = class_of(bytes).map_or(0, |class| SIZES[class]);
            assert!(size * 2 <= bytes * 3, "{bytes} {size}");
        }
    }
}
