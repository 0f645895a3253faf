//! The state of the oracle, and what instructions do with it.

use std::collections::HashMap;

use iridium_isa::{DATA_BASE, Module};
use iridium_vm::{Limits, TrapKind};

use super::blocks::Blocks;

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum End {
    OutOfFuel,
    Halted(i64),
    Exited(i64),
    Trapped(TrapKind),
}

/// The whole state.
#[derive(Debug, Clone, Default)]
pub(crate) struct Oracle {
    pub(crate) pc: usize,
    pub(crate) window: usize,
    pub(crate) ints: HashMap<usize, i64>,
    pub(crate) floats: HashMap<usize, f64>,
    pub(crate) flag: bool,
    pub(crate) remainder: i64,
    pub(crate) counter: u64,
    pub(crate) stack: Vec<i64>,
    pub(crate) calls: Vec<(usize, usize)>,
    pub(crate) heap: Vec<u8>,
    pub(crate) blocks: Blocks,
    pub(crate) output: String,
    pub(crate) spent: u64,
}

/// Where control goes.
pub(super) enum Go {
    Next,
    To(usize),
    End(End),
}

/// What an instruction does.
pub(super) type Outcome = Result<Go, TrapKind>;

impl Oracle {
    pub(super) fn int(&self, number: u8) -> i64 {
        self.ints.get(&(self.window + usize::from(number))).copied().unwrap_or(0)
    }

    pub(super) fn float(&self, number: u8) -> f64 {
        self.floats.get(&(self.window + usize::from(number))).copied().unwrap_or(0.0)
    }

    pub(super) fn set(&mut self, number: u8, value: i64) -> Outcome {
        self.ints.insert(self.window + usize::from(number), value);
        Ok(Go::Next)
    }

    pub(super) fn setf(&mut self, number: u8, value: f64) -> Outcome {
        self.floats.insert(self.window + usize::from(number), value);
        Ok(Go::Next)
    }

    pub(super) fn flag(&mut self, value: bool) -> Outcome {
        self.flag = value;
        Ok(Go::Next)
    }
    pub(super) fn jump(&mut self, target: i64, module: &Module) -> Outcome {
        self.spent += 1;
        match usize::try_from(target) {
            Ok(target) if target < module.code().len() => Ok(Go::To(target)),
            _ => Err(TrapKind::BadJumpTarget),
        }
    }

    pub(super) fn call(
        &mut self,
        target: i64,
        slide: u8,
        module: &Module,
        limits: &Limits,
    ) -> Outcome {
        let go = self.jump(target, module)?;
        if self.calls.len() as u64 >= limits.call_depth {
            return Err(TrapKind::CallDepthLimit);
        }
        let window = self.window + usize::from(slide);
        let one = module.window();
        if slide > 0 && (window + one) as u64 > limits.registers.max(one as u64) {
            return Err(TrapKind::RegisterLimit);
        }
        self.calls.push((self.pc + 1, usize::from(slide)));
        self.window = window;
        Ok(go)
    }

    /// Bytes that can be read; addresses are checked in numbers too wide to overflow.
    pub(super) fn bytes(
        &self,
        module: &Module,
        address: i64,
        length: i64,
    ) -> Result<Vec<u8>, TrapKind> {
        let (space, start): (&[u8], i128) = if address >= DATA_BASE {
            (module.data(), i128::from(address) - i128::from(DATA_BASE))
        } else {
            (&self.heap, i128::from(address))
        };
        let end = start + i128::from(length);
        if start < 0 || length < 0 || end > space.len() as i128 {
            return Err(TrapKind::HeapOutOfBounds);
        }
        Ok(space[start as usize..end as usize].to_vec())
    }

    pub(super) fn check_write(&self, address: i64, length: i64) -> Result<(), TrapKind> {
        if length >= 0 && address >= DATA_BASE {
            return Err(TrapKind::ReadOnlyWrite);
        }
        let end = i128::from(address) + i128::from(length);
        if address < 0 || length < 0 || end > self.heap.len() as i128 {
            return Err(TrapKind::HeapOutOfBounds);
        }
        Ok(())
    }

    pub(super) fn write(&mut self, address: i64, bytes: &[u8]) -> Outcome {
        self.check_write(address, bytes.len() as i64)?;
        self.heap[address as usize..address as usize + bytes.len()].copy_from_slice(bytes);
        Ok(Go::Next)
    }

    pub(super) fn read<const N: usize>(
        &self,
        module: &Module,
        a: i64,
        o: i32,
    ) -> Result<[u8; N], TrapKind> {
        let address = a.wrapping_add(i64::from(o));
        Ok(self.bytes(module, address, N as i64)?.try_into().unwrap())
    }

    pub(super) fn text<'m>(&self, module: &'m Module, offset: u32) -> Result<&'m str, TrapKind> {
        let rest = &module.data()[offset as usize..];
        let end = rest.iter().position(|byte| *byte == 0).ok_or(TrapKind::BadString)?;
        std::str::from_utf8(&rest[..end]).map_err(|_| TrapKind::BadString)
    }

    pub(super) fn store(&mut self, a: u8, offset: i32, bytes: &[u8]) -> Outcome {
        self.write(self.int(a).wrapping_add(i64::from(offset)), bytes)
    }
}
/// The bits of a float outside the float lane: there is one NaN.
pub(crate) fn bits(number: f64) -> u64 {
    if number.is_nan() { 0x7ff8_0000_0000_0000 } else { number.to_bits() }
}
