//! Blocks of the heap: taking, counting and giving back, in their common case.

use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I32, I64};
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Value};
use iridium_isa::{DATA_BASE, Instruction};
use iridium_vm::blocks::{
    CLASSES, FINE, FREED, LAST_COUNT, SIZES, class_of, first_free, head_word,
};

use super::translator::{Translator, flags};
use crate::context::Context;

impl Translator<'_, '_> {
    /// Does an instruction about a block; `false` when it is none.
    pub(super) fn use_block(&mut self, instruction: &Instruction) -> bool {
        match instruction {
            Instruction::New { d, n, v } => {
                let Some(class) = class_of(u64::from(n.0)) else { return false };
                let class = self.number(class as i64);
                self.new_block(d.0, v.0, class);
            }
            Instruction::Newv { a, d } => self.new_block_of_size(a.0, d.0),
            Instruction::Cap { a, d } => self.room_of_block(a.0, d.0),
            // Debug builds of the machine write over what is given back.
            Instruction::Free { a } if !cfg!(debug_assertions) => self.free_block(a.0),
            Instruction::Keep { a } => self.keep_block(a.0),
            _ => return false,
        }
        true
    }

    /// Does a branch that looks at a block; `false` when the instruction is none.
    pub(super) fn branch_on_block(&mut self, instruction: &Instruction, to: u32) -> bool {
        match instruction {
            Instruction::Drop { a, .. } => self.drop_block(a.0, to),
            Instruction::Brsh { a, .. } => self.branch_if_shared(a.0, to),
            _ => return false,
        }
        true
    }

    /// Whether a value may be the address of a block: a multiple of 16, not 0, and in the heap.
    fn may_be_block(&mut self, value: Value) -> Value {
        // What is no multiple of 16 becomes very large by this, and so does 0.
        let number = self.builder.ins().rotr_imm_s(value, 4);
        let place = self.builder.ins().iadd_imm_s(number, -1);
        let places = self.part(offset_of!(Context, block_places));
        self.builder.ins().icmp(IntCC::UnsignedLessThan, place, places)
    }

    /// Whether a value is one that nobody counts: 0, odd, or the address of read-only data.
    fn is_uncounted(&mut self, value: Value) -> Value {
        let is_zero = self.builder.ins().icmp_imm_s(IntCC::Equal, value, 0);
        let low = self.builder.ins().band_imm_s(value, 1);
        let is_odd = self.builder.ins().icmp_imm_s(IntCC::NotEqual, low, 0);
        let is_data =
            self.builder.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, value, DATA_BASE);
        let either = self.builder.ins().bor(is_zero, is_odd);
        self.builder.ins().bor(either, is_data)
    }

    fn count(&mut self, place: Value) -> Value {
        self.builder.ins().uload32(flags(), place, 0)
    }

    fn set_count(&mut self, place: Value, count: Value) {
        self.builder.ins().istore32(flags(), count, place, 0);
    }

    fn class(&mut self, place: Value) -> Value {
        self.builder.ins().uload16(I64, flags(), place, 6)
    }

    /// The class of a block, if there is such a class.
    fn known_class(&mut self, place: Value) -> Value {
        let class = self.class(place);
        let classes = CLASSES as i64;
        let exists = self.builder.ins().icmp_imm_s(IntCC::UnsignedLessThan, class, classes);
        self.guard(exists);
        class
    }

    /// Goes on in the first block when a value may be a block, and in the second when it is nothing
    /// that is counted. Leaves when it is neither. The current block is the first one then.
    fn if_block(&mut self, value: Value) -> (Value, Block) {
        let is_block = self.may_be_block(value);
        let (block, other) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(is_block, block, &[], other, &[]);
        self.begin(block);
        (self.known_heap_place(value), other)
    }

    /// Makes a block current where a value is no block: leaves unless it is one that nobody counts.
    fn otherwise(&mut self, value: Value, block: Block) {
        self.begin(block);
        let is_uncounted = self.is_uncounted(value);
        self.guard(is_uncounted);
    }

    fn keep_block(&mut self, a: u8) {
        let value = self.int(a);
        let (place, other) = self.if_block(value);
        let done = self.builder.create_block();
        let count = self.count(place);
        let most = i64::from(LAST_COUNT);
        let is_usual = self.builder.ins().icmp_imm_s(IntCC::UnsignedLessThan, count, most);
        self.guard(is_usual);
        let more = self.builder.ins().iadd_imm_s(count, 1);
        self.set_count(place, more);
        self.builder.ins().jump(done, &[]);
        self.otherwise(value, other);
        self.builder.ins().jump(done, &[]);
        self.begin(done);
    }

    fn drop_block(&mut self, a: u8, to: u32) {
        let value = self.int(a);
        let (place, other) = self.if_block(value);
        let count = self.count(place);
        let less = self.builder.ins().iadd_imm_s(count, -1);
        let (last, more) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(less, more, &[], last, &[]);
        self.begin(last);
        self.look_before_jump(to);
        self.set_count(place, less);
        self.jump_owing(to);
        self.begin(more);
        // A count of 0 is very large now.
        let most = i64::from(FREED) - 1;
        let is_usual = self.builder.ins().icmp_imm_s(IntCC::UnsignedLessThan, less, most);
        self.guard(is_usual);
        self.set_count(place, less);
        self.fall_through();
        self.otherwise(value, other);
        self.fall_through();
    }

    fn branch_if_shared(&mut self, a: u8, to: u32) {
        let value = self.int(a);
        let (place, other) = self.if_block(value);
        let count = self.count(place);
        let freed = i64::from(FREED);
        let is_usual = self.builder.ins().icmp_imm_s(IntCC::NotEqual, count, freed);
        self.guard(is_usual);
        let is_shared = self.builder.ins().icmp_imm_s(IntCC::UnsignedGreaterThan, count, 1);
        self.branch(is_shared, to);
        self.otherwise(value, other);
        self.jump(to);
    }

    /// The place in memory of a cell of the table of blocks.
    fn cell(&mut self, at: Value) -> Value {
        let table = self.part(offset_of!(Context, table));
        let address = self.builder.ins().iadd(table, at);
        self.heap_place(address)
    }

    /// The cell of the first free block of a class.
    fn cell_of_class(&mut self, class: Value) -> Value {
        // The cells of the classes lie side by side.
        let offset = self.builder.ins().ishl_imm_s(class, 2);
        let at = self.builder.ins().iadd_imm_s(offset, first_free(0) as i64);
        self.cell(at)
    }

    fn new_block(&mut self, d: u8, variant: u16, class: Value) {
        self.look(1 + self.needs_after());
        let cell = self.cell_of_class(class);
        let value = self.builder.ins().uload32(flags(), cell, 0);
        let is_block = self.may_be_block(value);
        self.guard(is_block);
        let place = self.known_heap_place(value);
        let count = self.builder.ins().load(I32, flags(), place, 0);
        let freed = i64::from(FREED as i32);
        let is_free = self.builder.ins().icmp_imm_s(IntCC::Equal, count, freed);
        self.guard(is_free);
        let found = self.class(place);
        let is_of_class = self.builder.ins().icmp(IntCC::Equal, found, class);
        self.guard(is_of_class);
        let next = self.builder.ins().load(I32, flags(), place, 8);
        let class_part = self.builder.ins().ishl_imm_s(class, 48);
        let head = self.builder.ins().bor_imm_s(class_part, head_word(1, variant, 0) as i64);
        self.builder.ins().store(flags(), head, place, 0);
        self.builder.ins().store(flags(), next, cell, 0);
        self.settle(1);
        self.set_int(d, value);
    }

    /// Takes a block with room for so many bytes as a register says.
    fn new_block_of_size(&mut self, a: u8, d: u8) {
        let size = self.int(a);
        let above_least = self.builder.ins().iadd_imm_s(size, -16);
        let most = i64::from(SIZES[CLASSES - 1]) - 16;
        let exists =
            self.builder.ins().icmp_imm_s(IntCC::UnsignedLessThanOrEqual, above_least, most);
        self.guard(exists);
        let last = self.builder.ins().iadd_imm_s(size, -1);
        let is_fine = self.builder.ins().icmp_imm_s(IntCC::UnsignedLessThan, last, i64::from(FINE));
        let (coarse, found) = (self.builder.create_block(), self.builder.create_block());
        let class = self.builder.append_block_param(found, I64);
        let fine = self.builder.ins().ushr_imm_s(last, 4);
        self.builder.ins().brif(is_fine, found, &[BlockArg::Value(fine)], coarse, &[]);
        self.begin(coarse);
        let coarse = self.coarse_class(last);
        self.builder.ins().jump(found, &[BlockArg::Value(coarse)]);
        self.begin(found);
        self.new_block(d, 0, class);
    }

    /// As [`class_of`], of a size above [`FINE`]: two classes for each power of two. The highest bit of
    /// `last`, the size less one, says which power, and the bit below it which of the two.
    fn coarse_class(&mut self, last: Value) -> Value {
        let zeros = self.builder.ins().clz(last);
        let top = self.number(i64::from(u64::BITS - 1 - 1));
        let shift = self.builder.ins().isub(top, zeros);
        // 2 or 3, and twice the power above it.
        let upper = self.builder.ins().ushr(last, shift);
        let twice = self.builder.ins().ishl_imm_s(shift, 1);
        let sum = self.builder.ins().iadd(twice, upper);
        let first = i64::from(FINE / 16) - 2 - 2 * (i64::from(FINE.trailing_zeros()) - 1);
        self.builder.ins().iadd_imm_s(sum, first)
    }

    /// How many bytes a block has room for.
    fn room_of_block(&mut self, a: u8, d: u8) {
        let value = self.int(a);
        let (place, other) = self.if_block(value);
        let done = self.builder.create_block();
        let room = self.builder.append_block_param(done, I64);
        let class = self.known_class(place);
        let sizes = self.part(offset_of!(Context, sizes));
        let offset = self.builder.ins().ishl_imm_s(class, 2);
        let size_place = self.builder.ins().iadd(sizes, offset);
        let size = self.builder.ins().uload32(flags(), size_place, 0);
        self.builder.ins().jump(done, &[BlockArg::Value(size)]);
        self.otherwise(value, other);
        let none = self.number(0);
        self.builder.ins().jump(done, &[BlockArg::Value(none)]);
        self.begin(done);
        self.set_int(d, room);
    }

    fn free_block(&mut self, a: u8) {
        let value = self.int(a);
        let is_block = self.may_be_block(value);
        self.guard(is_block);
        let place = self.known_heap_place(value);
        let count = self.count(place);
        let is_unheld = self.builder.ins().icmp_imm_s(IntCC::UnsignedLessThanOrEqual, count, 1);
        self.guard(is_unheld);
        let class = self.known_class(place);
        let cell = self.cell_of_class(class);
        let next = self.builder.ins().load(I32, flags(), cell, 0);
        let freed = self.number(i64::from(FREED));
        self.set_count(place, freed);
        self.builder.ins().store(flags(), next, place, 8);
        self.builder.ins().istore32(flags(), value, cell, 0);
    }
}
