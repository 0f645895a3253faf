//! Loads and stores. What is not eight bytes below the end of the heap is left to the interpreter: read-only
//! data, the last bytes, and what traps.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{F64, I64};
use cranelift_codegen::ir::{InstBuilder, Value};
use iridium_isa::Instruction;

use super::translator::{Translator, flags};
use crate::context::Leave;

impl Translator<'_, '_> {
    /// Does a load or a store; `false` when the instruction is none.
    pub(super) fn access_memory(&mut self, instruction: &Instruction) -> bool {
        self.load(instruction) || self.store(instruction) || self.access_element(instruction)
    }

    fn load(&mut self, instruction: &Instruction) -> bool {
        use Instruction as I;
        macro_rules! load {
            ($a:ident + $o:expr, $operation:ident) => {{
                let place = self.place($a.0, $o);
                self.builder.ins().$operation(I64, flags(), place, 0)
            }};
        }
        let (d, value) = match instruction {
            I::Ld8 { a, o, d } => (d, load!(a + o.0, uload8)),
            I::Ld8s { a, o, d } => (d, load!(a + o.0, sload8)),
            I::Ld16 { a, o, d } => (d, load!(a + o.0, uload16)),
            I::Ld16s { a, o, d } => (d, load!(a + o.0, sload16)),
            I::Ld32 { a, o, d } => {
                let place = self.place(a.0, o.0);
                (d, self.builder.ins().uload32(flags(), place, 0))
            }
            I::Ld32s { a, o, d } => {
                let place = self.place(a.0, o.0);
                (d, self.builder.ins().sload32(flags(), place, 0))
            }
            I::Loadm { a, d } => {
                let place = self.place(a.0, 0);
                (d, self.builder.ins().sload32(flags(), place, 0))
            }
            I::Ld64 { a, o, d } => (d, load!(a + o.0, load)),
            I::LdF64 { a, o, d } => {
                let place = self.place(a.0, o.0);
                let value = self.builder.ins().load(F64, flags(), place, 0);
                self.set_float(d.0, value);
                return true;
            }
            _ => return false,
        };
        self.set_int(d.0, value);
        true
    }

    fn store(&mut self, instruction: &Instruction) -> bool {
        use Instruction as I;
        macro_rules! store {
            ($a:ident + $o:expr, $b:ident, $operation:ident) => {{
                let place = self.place($a.0, $o);
                let value = self.int($b.0);
                self.builder.ins().$operation(flags(), value, place, 0);
            }};
        }
        match instruction {
            I::St8 { a, o, b } => store!(a + o.0, b, istore8),
            I::St16 { a, o, b } => store!(a + o.0, b, istore16),
            I::St32 { a, o, b } => store!(a + o.0, b, istore32),
            I::Setm { a, b } => store!(a + 0, b, istore32),
            I::St64 { a, o, b } => store!(a + o.0, b, store),
            I::StF64 { a, o, b } => {
                let place = self.place(a.0, o.0);
                self.store_float(place, b.0);
            }
            _ => return false,
        }
        true
    }

    fn store_float(&mut self, place: Value, b: u8) {
        let value = self.float(b);
        let value = self.canonical(value);
        self.builder.ins().store(flags(), value, place, 0);
    }

    /// Where in memory the address in a register, and an offset, is.
    fn place(&mut self, a: u8, offset: i32) -> Value {
        let address = self.int(a);
        let address = match offset {
            0 => address,
            _ => self.builder.ins().iadd_imm_s(address, i64::from(offset)),
        };
        self.heap_place(address)
    }

    fn access_element(&mut self, instruction: &Instruction) -> bool {
        use Instruction as I;
        match instruction {
            I::Ldx64 { a, i, d } => {
                let place = self.element(a.0, i.0, 8);
                let value = self.builder.ins().load(I64, flags(), place, 0);
                self.set_int(d.0, value);
            }
            I::Ldx8 { a, i, d } => {
                let place = self.element(a.0, i.0, 1);
                let value = self.builder.ins().uload8(I64, flags(), place, 0);
                self.set_int(d.0, value);
            }
            I::LdxF64 { a, i, d } => {
                let place = self.element(a.0, i.0, 8);
                let value = self.builder.ins().load(F64, flags(), place, 0);
                self.set_float(d.0, value);
            }
            I::Stx64 { a, i, b } => {
                let place = self.element(a.0, i.0, 8);
                let value = self.int(b.0);
                self.builder.ins().store(flags(), value, place, 0);
            }
            I::Stx8 { a, i, b } => {
                let place = self.element(a.0, i.0, 1);
                let value = self.int(b.0);
                self.builder.ins().istore8(flags(), value, place, 0);
            }
            I::StxF64 { a, i, b } => {
                let place = self.element(a.0, i.0, 8);
                self.store_float(place, b.0);
            }
            _ => return false,
        }
        true
    }

    /// Where in memory an element of a block with a length is, if it has it.
    fn element(&mut self, block: u8, index: u8, width: i64) -> Value {
        let (block, index) = (self.int(block), self.int(index));
        let length_at = self.builder.ins().iadd_imm_s(block, 8);
        let length_place = self.heap_place(length_at);
        let length = self.builder.ins().load(I64, flags(), length_place, 0);
        let has_it = self.builder.ins().icmp(IntCC::UnsignedLessThan, index, length);
        self.guard(has_it, Leave::Interpret);
        let offset = match width {
            1 => index,
            _ => self.builder.ins().ishl_imm_s(index, i64::from(width.trailing_zeros())),
        };
        let first = self.builder.ins().iadd_imm_s(block, 16);
        let at = self.builder.ins().iadd(first, offset);
        self.heap_place(at)
    }
}
