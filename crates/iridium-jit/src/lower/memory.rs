//! Loads and stores. Of the heap, what is not eight bytes below its end is left to the interpreter: the
//! last bytes, and what traps.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{F64, I64};
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Type, Value};
use cranelift_frontend::FunctionBuilder;
use iridium_isa::Instruction;

use super::translator::{Translator, flags};

/// What a load reads.
#[derive(Debug, Clone, Copy)]
enum Load {
    U8,
    S8,
    U16,
    S16,
    U32,
    S32,
    I64,
    F64,
}

impl Load {
    /// Its width in bytes.
    fn width(self) -> usize {
        match self {
            Self::U8 | Self::S8 => 1,
            Self::U16 | Self::S16 => 2,
            Self::U32 | Self::S32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }

    /// The type of the lane that it is for.
    fn kind(self) -> Type {
        if matches!(self, Self::F64) { F64 } else { I64 }
    }

    /// What is at a place in memory.
    fn at(self, builder: &mut FunctionBuilder<'_>, place: Value) -> Value {
        match self {
            Self::U8 => builder.ins().uload8(I64, flags(), place, 0),
            Self::S8 => builder.ins().sload8(I64, flags(), place, 0),
            Self::U16 => builder.ins().uload16(I64, flags(), place, 0),
            Self::S16 => builder.ins().sload16(I64, flags(), place, 0),
            Self::U32 => builder.ins().uload32(flags(), place, 0),
            Self::S32 => builder.ins().sload32(flags(), place, 0),
            Self::I64 | Self::F64 => builder.ins().load(self.kind(), flags(), place, 0),
        }
    }
}

impl Translator<'_, '_> {
    /// Does a load or a store; `false` when the instruction is none.
    pub(super) fn access_memory(&mut self, instruction: &Instruction) -> bool {
        self.load(instruction) || self.store(instruction)
    }

    fn load(&mut self, instruction: &Instruction) -> bool {
        use Instruction as I;
        let (d, value) = match instruction {
            I::Ld8 { a, o, d } => (d, self.read(a.0, o.0, Load::U8)),
            I::Ld8s { a, o, d } => (d, self.read(a.0, o.0, Load::S8)),
            I::Ld16 { a, o, d } => (d, self.read(a.0, o.0, Load::U16)),
            I::Ld16s { a, o, d } => (d, self.read(a.0, o.0, Load::S16)),
            I::Ld32 { a, o, d } => (d, self.read(a.0, o.0, Load::U32)),
            I::Ld32s { a, o, d } => (d, self.read(a.0, o.0, Load::S32)),
            I::Loadm { a, d } => (d, self.read(a.0, 0, Load::S32)),
            I::Ld64 { a, o, d } => (d, self.read(a.0, o.0, Load::I64)),
            I::Ldx8 { a, i, d } => (d, self.read_element(a.0, i.0, Load::U8)),
            I::Ldx64 { a, i, d } => (d, self.read_element(a.0, i.0, Load::I64)),
            I::LdF64 { a, o, d } => {
                let value = self.read(a.0, o.0, Load::F64);
                self.set_float(d.0, value);
                return true;
            }
            I::LdxF64 { a, i, d } => {
                let value = self.read_element(a.0, i.0, Load::F64);
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

    /// What is at the address in a register, and an offset, in the heap or in the read-only data. Leaves
    /// when it is nowhere.
    fn read(&mut self, a: u8, offset: i32, load: Load) -> Value {
        let address = self.address(a, offset);
        let ([heap, data, found], result) = self.ways_to_read(address, load);
        self.begin(data);
        let place = self.data_place(address, load.width());
        self.found(found, place, load);
        self.begin(heap);
        let place = self.known_heap_place(address);
        self.found(found, place, load);
        self.begin(found);
        result
    }

    /// The blocks that go on when an address is in the heap, when it is not, and behind these two; there what
    /// they have found is the value.
    fn ways_to_read(&mut self, address: Value, load: Load) -> ([Block; 3], Value) {
        let in_heap = self.is_in_heap(address);
        let [heap, data, found] = [(); 3].map(|()| self.builder.create_block());
        self.builder.set_cold_block(data);
        let result = self.builder.append_block_param(found, load.kind());
        self.likely(in_heap, heap, &[], data);
        ([heap, data, found], result)
    }

    /// Ends one of the ways that read: goes on with what is at a place in memory.
    ///
    /// Each way reads by itself, so that the place is part of the machine's instruction that does.
    fn found(&mut self, found: Block, place: Value, load: Load) {
        let value = load.at(&mut self.builder, place);
        self.builder.ins().jump(found, &[BlockArg::Value(value)]);
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

    /// An element of a block of the heap or of the read-only data. Leaves when there is none.
    fn read_element(&mut self, block: u8, index: u8, load: Load) -> Value {
        let (block, index) = (self.int(block), self.int(index));
        let width = load.width();
        let length_at = self.builder.ins().iadd_imm_s(block, 8);
        let ([heap, data, found], result) = self.ways_to_read(length_at, load);
        self.begin(data);
        let length_place = self.data_place(length_at, 8);
        let at = self.element_address(block, index, length_place, width);
        let place = self.data_place(at, width);
        self.found(found, place, load);
        self.begin(heap);
        let length_place = self.known_heap_place(length_at);
        let at = self.element_address(block, index, length_place, width);
        let place = self.heap_place(at);
        self.found(found, place, load);
        self.begin(found);
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
