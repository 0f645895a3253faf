//! Loads and stores. Of the heap, what is not eight bytes below its end is left to the interpreter: the
//! last bytes, and what traps.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{F64, I64};
use cranelift_codegen::ir::{BlockArg, InstBuilder, Value};
use iridium_isa::Instruction;

use super::translator::{Translator, flags};

impl Translator<'_, '_> {
    /// Does a load or a store; `false` when the instruction is none.
    pub(super) fn access_memory(&mut self, instruction: &Instruction) -> bool {
        self.load(instruction) || self.store(instruction)
    }

    fn load(&mut self, instruction: &Instruction) -> bool {
        use Instruction as I;
        macro_rules! load {
            ($place:expr, $operation:ident $($kind:ident)?) => {{
                let place = $place;
                self.builder.ins().$operation($($kind,)? flags(), place, 0)
            }};
        }
        let (d, value) = match instruction {
            I::Ld8 { a, o, d } => (d, load!(self.readable(a.0, o.0, 1), uload8 I64)),
            I::Ld8s { a, o, d } => (d, load!(self.readable(a.0, o.0, 1), sload8 I64)),
            I::Ld16 { a, o, d } => (d, load!(self.readable(a.0, o.0, 2), uload16 I64)),
            I::Ld16s { a, o, d } => (d, load!(self.readable(a.0, o.0, 2), sload16 I64)),
            I::Ld32 { a, o, d } => (d, load!(self.readable(a.0, o.0, 4), uload32)),
            I::Ld32s { a, o, d } => (d, load!(self.readable(a.0, o.0, 4), sload32)),
            I::Loadm { a, d } => (d, load!(self.readable(a.0, 0, 4), sload32)),
            I::Ld64 { a, o, d } => (d, load!(self.readable(a.0, o.0, 8), load I64)),
            I::Ldx8 { a, i, d } => (d, load!(self.readable_element(a.0, i.0, 1), uload8 I64)),
            I::Ldx64 { a, i, d } => (d, load!(self.readable_element(a.0, i.0, 8), load I64)),
            I::LdF64 { a, o, d } => {
                let value = load!(self.readable(a.0, o.0, 8), load F64);
                self.set_float(d.0, value);
                return true;
            }
            I::LdxF64 { a, i, d } => {
                let value = load!(self.readable_element(a.0, i.0, 8), load F64);
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
            ($place:expr, $b:ident, $operation:ident) => {{
                let place = $place;
                let value = self.int($b.0);
                self.builder.ins().$operation(flags(), value, place, 0);
            }};
        }
        match instruction {
            I::St8 { a, o, b } => store!(self.place(a.0, o.0), b, istore8),
            I::St16 { a, o, b } => store!(self.place(a.0, o.0), b, istore16),
            I::St32 { a, o, b } => store!(self.place(a.0, o.0), b, istore32),
            I::Setm { a, b } => store!(self.place(a.0, 0), b, istore32),
            I::St64 { a, o, b } => store!(self.place(a.0, o.0), b, store),
            I::Stx8 { a, i, b } => store!(self.element(a.0, i.0, 1), b, istore8),
            I::Stx64 { a, i, b } => store!(self.element(a.0, i.0, 8), b, store),
            I::StF64 { a, o, b } => {
                let place = self.place(a.0, o.0);
                self.store_float(place, b.0);
            }
            I::StxF64 { a, i, b } => {
                let place = self.element(a.0, i.0, 8);
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

    /// Where in memory of the heap the address in a register, and an offset, is.
    fn place(&mut self, a: u8, offset: i32) -> Value {
        let address = self.address(a, offset);
        self.heap_place(address)
    }

    /// The same of the heap or of the read-only data.
    fn readable(&mut self, a: u8, offset: i32, width: usize) -> Value {
        let address = self.address(a, offset);
        self.readable_place(address, width)
    }

    fn address(&mut self, a: u8, offset: i32) -> Value {
        let address = self.int(a);
        match offset {
            0 => address,
            _ => self.builder.ins().iadd_imm_s(address, i64::from(offset)),
        }
    }

    /// Where in memory an element of a block of the heap with a length is, if it has it.
    fn element(&mut self, block: u8, index: u8, width: usize) -> Value {
        let (block, index) = (self.int(block), self.int(index));
        let length_at = self.builder.ins().iadd_imm_s(block, 8);
        let length_place = self.heap_place(length_at);
        let at = self.element_address(block, index, length_place, width);
        self.heap_place(at)
    }

    /// The same of the heap or of the read-only data.
    fn readable_element(&mut self, block: u8, index: u8, width: usize) -> Value {
        let (block, index) = (self.int(block), self.int(index));
        let length_at = self.builder.ins().iadd_imm_s(block, 8);
        let in_heap = self.is_in_heap(length_at);
        let [heap, data, found] = [(); 3].map(|()| self.builder.create_block());
        self.builder.set_cold_block(data);
        let result = self.builder.append_block_param(found, I64);
        self.likely(in_heap, heap, &[], data);
        self.builder.switch_to_block(data);
        let length_place = self.data_place(length_at, 8);
        let at = self.element_address(block, index, length_place, width);
        let place = self.data_place(at, width);
        self.builder.ins().jump(found, &[BlockArg::Value(place)]);
        self.builder.switch_to_block(heap);
        let length_place = self.known_heap_place(length_at);
        let at = self.element_address(block, index, length_place, width);
        let place = self.heap_place(at);
        self.builder.ins().jump(found, &[BlockArg::Value(place)]);
        self.builder.switch_to_block(found);
        result
    }

    /// The address of an element of a block, if it has it by the length at a place in memory.
    fn element_address(
        &mut self,
        block: Value,
        index: Value,
        length_place: Value,
        width: usize,
    ) -> Value {
        let length = self.builder.ins().load(I64, flags(), length_place, 0);
        let has_it = self.builder.ins().icmp(IntCC::UnsignedLessThan, index, length);
        self.guard(has_it);
        let offset = match width {
            1 => index,
            _ => self.builder.ins().ishl_imm_s(index, i64::from(width.trailing_zeros())),
        };
        let first = self.builder.ins().iadd_imm_s(block, 16);
        self.builder.ins().iadd(first, offset)
    }
}
