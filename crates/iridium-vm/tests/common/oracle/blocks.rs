//! Blocks of the heap as the oracle has them: slow and obvious.

use iridium_vm::TrapKind;

const FREED: u64 = 0xffff_fffe;

/// Where a process has its blocks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Blocks {
    /// The address of the table, once there is one.
    table: Option<u64>,
}

/// The sizes of all classes.
fn sizes() -> Vec<u64> {
    let mut sizes: Vec<u64> = (1..=8).map(|number| number * 16).collect();
    let mut size = 128;
    while size < 2 << 30 {
        sizes.extend([size / 2 * 3, size * 2]);
        size *= 2;
    }
    sizes.push(3 << 30);
    sizes
}

fn number(heap: &[u8], at: u64, bytes: u64) -> Result<u64, TrapKind> {
    let at = usize::try_from(at).unwrap();
    let bytes = heap.get(at..at.saturating_add(bytes as usize));
    let bytes = bytes.ok_or(TrapKind::HeapOutOfBounds)?;
    Ok(bytes.iter().rfold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn word(heap: &[u8], at: u64) -> Result<u64, TrapKind> {
    number(heap, at, 8)
}

fn cell(heap: &[u8], at: u64) -> u64 {
    number(heap, at, 4).unwrap()
}

fn set_word(heap: &mut [u8], at: u64, value: u64) {
    heap[at as usize..at as usize + 8].copy_from_slice(&value.to_le_bytes());
}

fn set_cell(heap: &mut [u8], at: u64, value: u64) {
    heap[at as usize..at as usize + 4].copy_from_slice(&(value as u32).to_le_bytes());
}

/// The address of the cell of a class.
fn cell_of(table: u64, class: usize) -> u64 {
    table + 256 - 4 * (57 - class as u64)
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
        let head = 1 | variant << 32 | (class as u64) << 48;
        let before = heap.len() as u64;
        if !self.has_room(heap, class)? {
            self.grow(heap, limit, size)?;
        }
        let grown = heap.len() as u64 - before;
        let table = self.table.unwrap();
        if cell(heap, cell_of(table, class)) == 0 {
            let (top, end) = (cell(heap, table), cell(heap, table + 4));
            let count = (((end - top) / 4).min(4096) / size).max(1);
            set_cell(heap, table, top + count * size);
            self.cut(heap, class, top, count);
        }
        let free = cell(heap, cell_of(table, class));
        let next = word(heap, free + 8)?;
        let found = word(heap, free)? & !(0xffff << 32);
        if free == 0 || !free.is_multiple_of(16) || found != FREED | (class as u64) << 48 {
            return Err(TrapKind::HeapOutOfBounds);
        }
        set_word(heap, free, head);
        set_cell(heap, cell_of(table, class), next);
        Ok((free, grown))
    }

    /// Cuts so many blocks.
    fn cut(&self, heap: &mut [u8], class: usize, top: u64, count: u64) {
        let table = self.table.unwrap();
        let blocks = (0..count).map(|number| top + number * sizes()[class]);
        for block in blocks.rev() {
            let next = cell(heap, cell_of(table, class));
            set_word(heap, block, FREED | (class as u64) << 48);
            set_word(heap, block + 8, next);
            set_cell(heap, cell_of(table, class), block);
        }
        let cut = cell(heap, table + 8);
        set_cell(heap, table + 8, cut.wrapping_add(count));
    }

    /// From where to where the heap was not cut into blocks.
    fn uncut(&self, heap: &[u8]) -> Result<Option<(u64, u64)>, TrapKind> {
        let Some(table) = self.table else { return Ok(None) };
        let (top, end) = (cell(heap, table), cell(heap, table + 4));
        if top == 0 || top % 16 != 0 || top > end || end > heap.len() as u64 {
            return Err(TrapKind::HeapOutOfBounds);
        }
        Ok(Some((top, end)))
    }

    fn has_room(&self, heap: &[u8], class: usize) -> Result<bool, TrapKind> {
        match self.table {
            None => Ok(false),
            Some(table) if cell(heap, cell_of(table, class)) != 0 => Ok(true),
            Some(_) => Ok(self.uncut(heap)?.is_some_and(|(a, b)| b - a >= sizes()[class])),
        }
    }

    fn grow(&mut self, heap: &mut Vec<u8>, limit: u64, size: u64) -> Result<(), TrapKind> {
        let length = heap.len() as u64;
        let behind = length.next_multiple_of(16);
        let uncut = self.uncut(heap)?;
        let top = match uncut {
            None => behind + 256,
            Some((top, end)) if end == length => top,
            Some(_) => behind,
        };
        if top + size > limit {
            return Err(TrapKind::HeapLimit);
        }
        let more = (length / 8).clamp(256, 65536);
        let wanted = (top.max(behind) + more).next_multiple_of(16);
        heap.resize((top + size).max(wanted.min(limit)) as usize, 0);
        match uncut {
            None => self.table = Some(behind),
            Some((left, end)) if left != top => self.cut_up(heap, left, end),
            Some(_) => {}
        }
        let end = heap.len() as u64;
        set_cell(heap, self.table.unwrap(), top);
        set_cell(heap, self.table.unwrap() + 4, end);
        Ok(())
    }

    /// What is left before memory that is no block's becomes free blocks, the largest first.
    fn cut_up(&self, heap: &mut [u8], mut left: u64, end: u64) {
        while let Some(class) = sizes().iter().rposition(|size| *size <= end - left) {
            self.cut(heap, class, left, 1);
            left += sizes()[class];
        }
    }

    /// Gives a block back.
    pub(crate) fn free(&self, heap: &mut [u8], block: i64) -> Result<(), TrapKind> {
        let none = TrapKind::HeapOutOfBounds;
        let (count, class) = head(heap, block)?;
        let size = *sizes().get(class).ok_or(none)?;
        let table = self.table.filter(|_| count <= 1).ok_or(none)?;
        let next = cell(heap, cell_of(table, class));
        let block = block as u64;
        if cfg!(debug_assertions) {
            let end = heap.len().min((block + size) as usize);
            heap[block as usize + 8..end].fill(0xDB);
        }
        set_cell(heap, block, FREED);
        set_cell(heap, block + 8, next);
        set_cell(heap, cell_of(table, class), block);
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

/// Count and class of what may be a block.
fn head(heap: &[u8], value: i64) -> Result<(u32, usize), TrapKind> {
    let none = TrapKind::HeapOutOfBounds;
    let at = u64::try_from(value).ok().filter(|at| *at > 0 && *at % 16 == 0).ok_or(none)?;
    let (head, _) = (word(heap, at)?, word(heap, at + 8)?);
    Ok((head as u32, (head >> 48) as usize))
}

fn is_uncounted(value: i64) -> bool {
    value == 0 || value % 2 != 0 || value >= 1 << 32
}

/// What a register holds; an error when it is no block that is alive.
pub(crate) fn held(heap: &[u8], value: i64) -> Result<Held, TrapKind> {
    if is_uncounted(value) {
        return Ok(Held::Uncounted);
    }
    match head(heap, value)?.0 {
        0xffff_fffe => Err(TrapKind::HeapOutOfBounds),
        u32::MAX => Ok(Held::Uncounted),
        count => Ok(Held::Block(count)),
    }
}

/// How many bytes a block has room for.
pub(crate) fn room(heap: &[u8], value: i64) -> Result<u64, TrapKind> {
    if is_uncounted(value) {
        return Ok(0);
    }
    let (_, class) = head(heap, value)?;
    sizes().get(class).copied().ok_or(TrapKind::HeapOutOfBounds)
}
