//! What instructions on the slow path work with: registers, memory and calls, all checked.

use iridium_isa::operand::{Data, Int, IntOut, Offset};
use iridium_isa::{DATA_BASE, Module};

use super::interruption::Interruption;
use crate::interp::machine::Run;
use crate::process::Process;
use crate::register::{Frame, Register};
use crate::trap::TrapKind;

impl Run<'_> {
    pub(super) fn int(&self, register: Int) -> i64 {
        self.process.register(register.0).int
    }

    pub(super) fn float(&self, number: u8) -> f64 {
        self.process.register(number).float
    }

    pub(super) fn set_int(&mut self, register: IntOut, value: i64) {
        self.register(register.0).int = value;
    }

    /// A register of the window in force. All that an instruction names are there (V1, I2): it
    /// never grows, which only avoids a panic.
    pub(super) fn register(&mut self, number: u8) -> &mut Register {
        let at = self.process.window as usize + usize::from(number);
        if at >= self.process.registers.len() {
            self.process.registers.resize(at + 1, Register::default());
        }
        &mut self.process.registers[at]
    }

    /// A computed jump target.
    pub(super) fn target(&self, index: i64) -> Result<u32, Interruption> {
        match u32::try_from(index) {
            Ok(target) if (target as usize) < self.code.ops().len() => Ok(target),
            _ => Err(TrapKind::BadJumpTarget.into()),
        }
    }

    /// Makes a call that is paid for.
    pub(super) fn call(&mut self, index: u32, target: u32, slide: u8) -> Result<u32, Interruption> {
        let process = &mut *self.process;
        if process.frames.len() as u64 >= process.limits.call_depth
            || process.frames.try_reserve(1).is_err()
        {
            return Err(TrapKind::CallDepthLimit.into());
        }
        let window = process.window as usize + usize::from(slide);
        let needed = window + self.module.window();
        if needed > process.registers.len() {
            grow_registers(process, needed)?;
        }
        process.window = window as u32;
        process.frames.push(Frame { return_to: index + 1, slide: u32::from(slide) });
        Ok(target)
    }

    pub(super) fn read_array<const N: usize>(
        &self,
        a: Int,
        o: Offset,
    ) -> Result<[u8; N], TrapKind> {
        let address = self.int(a).wrapping_add(i64::from(o.0));
        let bytes = readable(self.process, self.module, address, N as i64)?;
        bytes.first_chunk().copied().ok_or(TrapKind::HeapOutOfBounds)
    }

    /// The address of element `i` of the list or bytes at `a`.
    fn element(&self, a: Int, i: Int, width: i64) -> Result<i64, Interruption> {
        let (block, index) = (self.int(a), self.int(i));
        let length = u64::from_le_bytes(self.read_array(a, Offset(8))?);
        if index as u64 >= length {
            let said = match width {
                1 => format!("index {index} of {length} bytes"),
                _ => format!("index {index} of a list of {length}"),
            };
            return Err(Interruption::TrapWith(Box::new((TrapKind::IndexOutOfBounds, said))));
        }
        Ok(block.wrapping_add(16).wrapping_add(index.wrapping_mul(width)))
    }

    pub(super) fn load_element<const N: usize>(
        &self,
        a: Int,
        i: Int,
    ) -> Result<[u8; N], Interruption> {
        let at = self.element(a, i, N as i64)?;
        let bytes = readable(self.process, self.module, at, N as i64)?;
        Ok(*bytes.first_chunk().ok_or(TrapKind::HeapOutOfBounds)?)
    }

    pub(super) fn store_element<const N: usize>(
        &mut self,
        a: Int,
        i: Int,
        bytes: [u8; N],
    ) -> Result<(), Interruption> {
        let at = self.element(a, i, N as i64)?;
        writable(self.process, at, N as i64)?.copy_from_slice(&bytes);
        Ok(())
    }

    pub(super) fn load<const N: usize>(
        &mut self,
        a: Int,
        o: Offset,
        d: IntOut,
        value: impl Fn([u8; N]) -> i64,
    ) -> Result<(), TrapKind> {
        let bytes = self.read_array(a, o)?;
        self.set_int(d, value(bytes));
        Ok(())
    }

    pub(super) fn store<const N: usize>(
        &mut self,
        a: Int,
        o: Offset,
        bytes: [u8; N],
    ) -> Result<(), TrapKind> {
        let address = self.int(a).wrapping_add(i64::from(o.0));
        writable(self.process, address, N as i64)?.copy_from_slice(&bytes);
        Ok(())
    }
}

/// A word of the heap.
pub(super) fn read_word(process: &Process, address: i64) -> Result<u64, TrapKind> {
    let bytes = range(address, 8).and_then(|range| process.heap.bytes.get(range));
    let word = bytes.and_then(|bytes| bytes.first_chunk()).ok_or(TrapKind::HeapOutOfBounds)?;
    Ok(u64::from_le_bytes(*word))
}

/// Writes a word of the heap.
pub(super) fn write_word(process: &mut Process, address: i64, word: u64) -> Result<(), TrapKind> {
    writable(process, address, 8)?.copy_from_slice(&word.to_le_bytes());
    Ok(())
}

/// Doubles the registers, within the limit, until there are as many as needed.
fn grow_registers(process: &mut Process, needed: usize) -> Result<(), TrapKind> {
    let limit = process.limits.registers as usize;
    if needed > limit {
        return Err(TrapKind::RegisterLimit);
    }
    let length = process.registers.len();
    let wanted = (length * 2).min(limit).max(needed);
    process.registers.try_reserve_exact(wanted - length).map_err(|_| TrapKind::RegisterLimit)?;
    process.registers.resize(wanted, Register::default());
    Ok(())
}

/// Bytes of the heap or of the read-only data.
pub(super) fn readable<'b>(
    process: &'b Process,
    module: &'b Module,
    address: i64,
    length: i64,
) -> Result<&'b [u8], TrapKind> {
    let bytes = if address >= DATA_BASE {
        read_data(module, address, length)
    } else {
        range(address, length).and_then(|range| process.heap.bytes.get(range))
    };
    bytes.ok_or(TrapKind::HeapOutOfBounds)
}

/// Bytes of the heap, to be changed. From the start of the read-only data on there is nothing to be
/// changed, which has a trap of its own.
pub(super) fn writable(
    process: &mut Process,
    address: i64,
    length: i64,
) -> Result<&mut [u8], TrapKind> {
    if address >= DATA_BASE && length >= 0 {
        return Err(TrapKind::ReadOnlyWrite);
    }
    range(address, length)
        .and_then(|range| process.heap.bytes.get_mut(range))
        .ok_or(TrapKind::HeapOutOfBounds)
}

pub(super) fn read_data(module: &Module, address: i64, length: i64) -> Option<&[u8]> {
    module.data().get(range(address.checked_sub(DATA_BASE)?, length)?)
}

fn range(start: i64, length: i64) -> Option<std::ops::Range<usize>> {
    let start = usize::try_from(start).ok()?;
    Some(start..start.checked_add(usize::try_from(length).ok()?)?)
}

/// The NUL-ended UTF-8 string at a data offset, as a name of at most this many bytes.
pub(super) fn name(module: &Module, at: Data, most: usize) -> Result<String, TrapKind> {
    let rest = module.data().get(at.0 as usize..).ok_or(TrapKind::BadString)?;
    let end = rest.iter().take(most + 1).position(|byte| *byte == 0);
    let bytes = end.and_then(|end| rest.get(..end)).ok_or(TrapKind::BadString)?;
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| TrapKind::BadString)
}
