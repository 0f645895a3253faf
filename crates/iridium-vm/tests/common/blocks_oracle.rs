//! Blocks of the heap as the [oracle](super::oracle) has them: slow and obvious.

use iridium_vm::TrapKind;

const TABLE: usize = 256;
const FREED: u64 = 0xffff_fffe;

/// Where a process has its blocks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Blocks {
    /// The address of the table, once there is one.
    table: Option<usize>,
}

/// The sizes of all classes.
fn sizes() -> Vec<u64> {
    let mut sizes: Vec<u64> = (1..=8).map(|number| number * 16).collect();
    let mut size = 128;
    while sizes.len() < 58 {
        sizes.extend([size / 2 * 3, size * 2]);
        size *= 2;
    }
    sizes
}

fn word(heap: &[u8], at: u64) -> Result<u64, TrapKind> {
    let at = usize::try_from(at).unwrap();
    let bytes = heap.get(at..at.saturating_add(8)).ok_or(TrapKind::HeapOutOfBounds)?;
    Ok(u64::from_le_bytes(bytes.try_into().unwrap()))
}

fn set_word(heap: &mut [u8], at: u64, value: u64) {
    heap[at as usize..at as usize + 8].copy_from_slice(&value.to_le_bytes());
}

/// The first free block of a class.
fn first(heap: &[u8], at: usize) -> u64 {
    u64::from(u32::from_le_bytes(heap[at..at + 4].try_into().unwrap()))
}

fn set_first(heap: &mut [u8], at: usize, block: u64) {
    heap[at..at + 4].copy_from_slice(&(block as u32).to_le_bytes());
}

impl Blocks {
    /// A new block, and by how many bytes the heap has grown for it.
    pub(crate) fn allocate(
        &mut self,
        heap: &mut Vec<u8>,
        limit: u64,
        bytes: u64,
        variant: u64,
    ) -> Result<(u64, u64), TrapKind> {
        let class = sizes().iter().position(|size| *size >= bytes).ok_or(TrapKind::HeapLimit)?;
        let size = sizes()[class];
        let before = heap.len() as u64;
        if !self.has_room(heap, class)? {
            self.grow(heap, limit, size)?;
        }
        let table = self.table.unwrap();
        let head = table + 24 + 4 * class;
        let free = first(heap, head);
        let block = if free == 0 {
            let top = word(heap, table as u64)?;
            set_word(heap, table as u64, top + size);
            top
        } else {
            if word(heap, free)? != FREED | (class as u64) << 48 {
                return Err(TrapKind::HeapOutOfBounds);
            }
            let next = word(heap, free + 8)?;
            set_first(heap, head, next);
            free
        };
        let live = word(heap, table as u64 + 16)?;
        set_word(heap, table as u64 + 16, live.wrapping_add(1));
        set_word(heap, block, 1 | variant << 32 | (class as u64) << 48);
        Ok((block, heap.len() as u64 - before))
    }

    /// From where to where the heap is not handed out.
    fn unused(&self, heap: &[u8]) -> Result<Option<(u64, u64)>, TrapKind> {
        let Some(table) = self.table else { return Ok(None) };
        let (top, end) = (word(heap, table as u64)?, word(heap, table as u64 + 8)?);
        if top % 16 != 0 || top > end || end > heap.len() as u64 {
            return Err(TrapKind::HeapOutOfBounds);
        }
        Ok(Some((top, end)))
    }

    fn has_room(&self, heap: &[u8], class: usize) -> Result<bool, TrapKind> {
        match self.table {
            None => Ok(false),
            Some(table) if first(heap, table + 24 + 4 * class) != 0 => Ok(true),
            Some(_) => Ok(self.unused(heap)?.is_some_and(|(a, b)| b - a >= sizes()[class])),
        }
    }

    fn grow(&mut self, heap: &mut Vec<u8>, limit: u64, size: u64) -> Result<(), TrapKind> {
        let length = heap.len() as u64;
        let behind = length.next_multiple_of(16);
        let unused = self.unused(heap)?;
        let top = match unused {
            None => behind + TABLE as u64,
            Some((top, end)) if end == length => top,
            Some(_) => behind,
        };
        if top + size > limit {
            return Err(TrapKind::HeapLimit);
        }
        let more = (length / 8).clamp(256, 65536);
        let wanted = (top.max(behind) + more).next_multiple_of(16);
        heap.resize((top + size).max(wanted.min(limit)) as usize, 0);
        match unused {
            None => self.table = Some(behind as usize),
            Some((left, end)) if left != top => self.retire(heap, left, end),
            Some(_) => {}
        }
        set_word(heap, self.table.unwrap() as u64, top);
        let end = heap.len() as u64;
        set_word(heap, self.table.unwrap() as u64 + 8, end);
        Ok(())
    }

    /// What is left before memory that is no block's becomes free blocks, the largest first.
    fn retire(&self, heap: &mut [u8], mut left: u64, end: u64) {
        while let Some(class) = sizes().iter().rposition(|size| *size <= end - left) {
            let head = self.table.unwrap() + 24 + 4 * class;
            let next = first(heap, head);
            set_word(heap, left, FREED | (class as u64) << 48);
            set_word(heap, left + 8, next);
            set_first(heap, head, left);
            left += sizes()[class];
        }
    }

    /// Gives a block back.
    pub(crate) fn free(&self, heap: &mut [u8], block: i64) -> Result<(), TrapKind> {
        let none = TrapKind::HeapOutOfBounds;
        let (_, class) = head(heap, block)?.filter(|(count, _)| *count <= 1).ok_or(none)?;
        let size = *sizes().get(class).ok_or(none)?;
        if block % 16 != 0 || block == 0 || block as u64 + size > heap.len() as u64 {
            return Err(none);
        }
        let table = self.table.ok_or(none)?;
        let head = table + 24 + 4 * class;
        let next = first(heap, head);
        if cfg!(debug_assertions) {
            heap[block as usize + 8..block as usize + size as usize].fill(0xDB);
        }
        set_word(heap, block as u64, FREED | (class as u64) << 48);
        set_word(heap, block as u64 + 8, next);
        set_first(heap, head, block as u64);
        let live = word(heap, table as u64 + 16)?;
        set_word(heap, table as u64 + 16, live.wrapping_sub(1));
        Ok(())
    }
}

/// What a value is for counting.
pub(crate) enum Held {
    /// Nobody counts it, and it must not be changed.
    Uncounted,
    /// A block with this count.
    Block(u32),
}

/// Count and class of a block; `None` when it was given back.
fn head(heap: &[u8], block: i64) -> Result<Option<(u32, usize)>, TrapKind> {
    let at = u64::try_from(block).map_err(|_| TrapKind::HeapOutOfBounds)?;
    let head = word(heap, at)?;
    let freed = head as u32 == FREED as u32;
    Ok((!freed).then_some((head as u32, (head >> 48) as usize)))
}

/// What a register holds; an error when it is no block that is alive.
pub(crate) fn held(heap: &[u8], value: i64) -> Result<Held, TrapKind> {
    if value == 0 || value % 2 != 0 || value >= 1 << 32 {
        return Ok(Held::Uncounted);
    }
    match head(heap, value)? {
        None => Err(TrapKind::HeapOutOfBounds),
        Some((u32::MAX, _)) => Ok(Held::Uncounted),
        Some((count, _)) => Ok(Held::Block(count)),
    }
}

/// How many bytes a block has room for.
pub(crate) fn room(heap: &[u8], value: i64) -> Result<u64, TrapKind> {
    if value == 0 || value % 2 != 0 || value >= 1 << 32 {
        return Ok(0);
    }
    let at = u64::try_from(value).map_err(|_| TrapKind::HeapOutOfBounds)?;
    let class = (word(heap, at)? >> 48) as usize;
    sizes().get(class).copied().ok_or(TrapKind::HeapOutOfBounds)
}
