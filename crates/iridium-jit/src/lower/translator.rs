//! The state of a translation, and what all instructions are made of, beside reading and writing lanes:
//! branching, and leaving.

use std::collections::BTreeSet;
use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::{CondCode as _, IntCC};
use cranelift_codegen::ir::types::{F64, I64};
use cranelift_codegen::ir::{
    Block, BlockArg, InstBuilder, InstructionData, MemFlagsData, SigRef, Value,
};
use cranelift_frontend::{FunctionBuilder, Variable};
use iridium_isa::{DATA_BASE, Instruction};

use super::near::Near;
use crate::context::{Context, Leave};
use crate::dataflow::Dataflow;
use crate::dues::{AT_START, Dues};
use crate::lanes::Lane;
use crate::operation::{Control, Operation};
use crate::region::{Region, Source};

/// What compiled code always has at hand. It gets them as arguments and returns them, as callees do, so
/// that none of them is saved around a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held<T> {
    /// The address of the [`Context`].
    pub(super) context: T,
    /// `$0` of the window in force.
    pub(super) window: T,
    pub(super) fuel: T,
}

/// The signatures of what is called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signatures {
    /// See [`signature`](super::signature).
    pub(super) region: SigRef,
    /// See [`Context::step`].
    pub(super) step: SigRef,
    /// See [`Context::beside`].
    pub(super) beside: SigRef,
}

/// What is translated.
pub(super) struct Input<'r> {
    pub(super) source: &'r Source<'r>,
    pub(super) region: &'r Region,
    pub(super) flow: Dataflow,
    /// The regions that are called directly, by their first instruction.
    pub(super) direct: &'r BTreeSet<u32>,
}

/// A translation of a region. At each moment there is a current instruction.
pub(super) struct Translator<'b, 'r> {
    pub(super) builder: FunctionBuilder<'b>,
    pub(super) signatures: Signatures,
    source: &'r Source<'r>,
    pub(super) region: &'r Region,
    pub(super) flow: Dataflow,
    pub(super) dues: Dues,
    pub(super) direct: &'r BTreeSet<u32>,
    pub(super) near: Near,
    pub(super) held: Held<Variable>,
    /// Of members that begin a block, by position.
    blocks: Vec<Option<Block>>,
    /// Where lanes are loaded, for each entry of the region.
    entry_blocks: Vec<Block>,
    leave: Block,
    /// Where calls go that a stop has cut short, once there is one.
    pub(super) unwind: Option<Block>,
    pub(super) position: usize,
    /// How much of the fuel is spent already.
    pub(super) owed: u32,
    /// Ways out of the current instruction's common case.
    pub(super) ways_out: WaysOut,
}

/// Where the guards of an instruction go to when they do not hold, if it has any.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WaysOut {
    interpret: Option<Block>,
    /// Where an instruction ends that the interpreter has done.
    pub(super) done: Option<Block>,
}

/// The flags of all accesses: native code only makes those that it has found to be in bounds.
pub(super) fn flags() -> MemFlagsData {
    MemFlagsData::trusted()
}

impl<'b, 'r> Translator<'b, 'r> {
    /// The current block is the first one, and ends by going to the entry that is asked for.
    pub(super) fn new(
        mut builder: FunctionBuilder<'b>,
        arguments: Held<Value>,
        signatures: Signatures,
        input: Input<'r>,
    ) -> Self {
        let Input { source, region, flow, direct } = input;
        let mut variable = |value: Value| {
            let variable = builder.declare_var(I64);
            builder.def_var(variable, value);
            variable
        };
        let held = Held {
            context: variable(arguments.context),
            window: variable(arguments.window),
            fuel: variable(arguments.fuel),
        };
        let near = Near::new(&mut builder, region, &flow);
        let leave = builder.create_block();
        builder.set_cold_block(leave);
        let mut this = Self {
            builder,
            signatures,
            source,
            region,
            flow,
            dues: Dues::new(source, region),
            direct,
            near,
            held,
            blocks: vec![None; region.members.len()],
            entry_blocks: Vec::new(),
            leave,
            unwind: None,
            position: 0,
            owed: 0,
            ways_out: WaysOut::default(),
        };
        this.create_blocks();
        this.create_entry_blocks();
        this
    }

    fn create_blocks(&mut self) {
        let region = self.region;
        for entry in &region.entries {
            self.create_block_at(*entry);
        }
        for (index, operation) in &region.members {
            match &operation.next {
                Control::Call(_) | Control::CallComputed(_) => self.create_block_at(*index + 1),
                Control::Branch(_) | Control::Table(_) | Control::Jump(_) => {
                    operation.successors(*index).for_each(|to| self.create_block_at(to));
                }
                _ => {}
            }
        }
    }

    fn create_block_at(&mut self, index: u32) {
        if let Some(position) = self.region.position(index)
            && self.blocks[position].is_none()
        {
            self.blocks[position] = Some(self.builder.create_block());
        }
    }

    /// How many instructions there are.
    pub(super) fn length(&self) -> usize {
        self.region.members.len()
    }

    /// Makes an instruction the current one; whether a block begins at it. The instruction before it goes
    /// on to it, or not.
    pub(super) fn go_to(&mut self, position: usize, goes_on: bool) -> bool {
        let block = self.blocks[position];
        if let Some(block) = block {
            if goes_on {
                self.pay_but(self.dues.owed(position), self.owed);
                self.arrive(self.region.members[position].0);
                self.builder.ins().jump(block, &[]);
            }
            if !self.near.is_gone_back_to[position] {
                self.builder.seal_block(block);
            }
            self.builder.switch_to_block(block);
            self.begin_block(position);
        } else if goes_on {
            debug_assert_eq!(self.owed, self.dues.owed(position), "nothing is paid here");
        }
        self.position = position;
        self.owed = self.dues.owed(position);
        self.ways_out = WaysOut::default();
        block.is_some()
    }

    /// The index of the current instruction.
    pub(super) fn index(&self) -> u32 {
        self.region.members[self.position].0
    }

    pub(super) fn operation(&self) -> &'r Operation {
        &self.region.members[self.position].1
    }

    pub(super) fn instruction(&self) -> &'r Instruction {
        &self.source.code[self.index() as usize]
    }

    /// How many instructions the module has.
    pub(super) fn code_length(&self) -> usize {
        self.source.code.len()
    }

    pub(super) fn is_toll(&self) -> bool {
        self.source.tolls[self.index() as usize]
    }

    pub(super) fn entry_blocks(&self) -> &[Block] {
        &self.entry_blocks
    }

    /// Where native code goes on at an entry: lanes are loaded there first. `None` when the
    /// interpreter goes on.
    pub(super) fn entry_block(&self, index: u32) -> Option<Block> {
        let number = self.region.entries.iter().position(|entry| *entry == index)?;
        self.entry_blocks.get(number).copied()
    }

    /// Makes the blocks of the entries: where nothing is to be done but to go on, that of the member.
    fn create_entry_blocks(&mut self) {
        for index in &self.region.entries {
            let plain = self.region.position(*index).filter(|position| {
                self.needs_at_entry(*position) == 0 && !self.flow.loops.is_in_one(*position)
            });
            let own = plain.and_then(|position| self.blocks[position]);
            let block = own.unwrap_or_else(|| self.builder.create_block());
            self.entry_blocks.push(block);
        }
    }

    /// How much fuel an entry must look for.
    fn needs_at_entry(&self, position: usize) -> u32 {
        let needs = self.dues.needs(position);
        let is_start = self.region.members[position].0 == self.region.start;
        if is_start && needs <= AT_START { 0 } else { needs }
    }

    /// Fills the blocks of the entries: each loads what is live.
    pub(super) fn enter(&mut self) {
        for (number, index) in self.region.entries.iter().enumerate() {
            let Some(position) = self.region.position(*index) else { continue };
            if self.blocks[position] == Some(self.entry_blocks[number]) {
                continue;
            }
            self.builder.switch_to_block(self.entry_blocks[number]);
            self.look_or_leave(self.needs_at_entry(position), *index);
            self.load_lanes(self.flow.live(position));
            if let Some(block) = self.blocks[position] {
                self.builder.ins().jump(block, &[]);
            }
        }
    }

    pub(super) fn context(&mut self) -> Value {
        self.builder.use_var(self.held.context)
    }

    pub(super) fn window(&mut self) -> Value {
        self.builder.use_var(self.held.window)
    }

    pub(super) fn fuel(&mut self) -> Value {
        self.builder.use_var(self.held.fuel)
    }

    pub(super) fn set_fuel(&mut self, fuel: Value) {
        self.builder.def_var(self.held.fuel, fuel);
    }

    /// A constant.
    pub(super) fn number(&mut self, value: i64) -> Value {
        self.builder.ins().iconst(I64, value)
    }

    pub(super) fn float_number(&mut self, bits: u64) -> Value {
        self.builder.ins().f64const(f64::from_bits(bits))
    }

    /// A part of the context.
    pub(super) fn part(&mut self, at: usize) -> Value {
        let context = self.context();
        self.builder.ins().load(I64, flags(), context, at as i32)
    }

    pub(super) fn set_part(&mut self, at: usize, value: Value) {
        let context = self.context();
        self.builder.ins().store(flags(), value, context, at as i32);
    }

    /// Leaves the current instruction to the interpreter. The current block ends.
    pub(super) fn leave(&mut self) {
        // Otherwise the dataflow would not have kept the lanes that are put home.
        debug_assert!(self.operation().may_leave, "{:?} leaves", self.instruction());
        self.write_back();
        self.pay_but(0, self.owed);
        self.leave_before(self.index());
    }

    /// Leaves an instruction to the interpreter, with all lanes at home. The current block ends.
    ///
    /// Fuel goes by memory: as a parameter of the block that all ways out come to, all its values would be
    /// one to the library, which has a register all the way or almost nowhere.
    pub(super) fn leave_before(&mut self, index: u32) {
        let fuel = self.fuel();
        // In this order the library has less to do.
        let pc = self.number(i64::from(index));
        self.set_part(offset_of!(Context, fuel), fuel);
        self.builder.ins().jump(self.leave, &[BlockArg::Value(pc)]);
    }

    /// Fills the blocks that all ways out come to.
    pub(super) fn finish(mut self) -> FunctionBuilder<'b> {
        let leave = self.leave;
        let pc = self.builder.append_block_param(leave, I64);
        self.builder.switch_to_block(leave);
        self.set_part(offset_of!(Context, pc), pc);
        let window = self.window();
        self.set_part(offset_of!(Context, window), window);
        let fuel = self.part(offset_of!(Context, fuel));
        self.set_fuel(fuel);
        let why = self.number(Leave::Interpret as i64);
        self.return_why(why);
        self.fill_unwind();
        self.builder
    }

    /// Returns why. The current block ends.
    pub(super) fn return_why(&mut self, why: Value) {
        let values = [why, self.context(), self.fuel(), self.window()];
        self.builder.ins().return_(&values);
    }

    /// Goes to a block if a condition holds, and else to a rare one.
    ///
    /// Of two successors the library has the first one, and all that only that one goes on to, behind the
    /// other. That order says what it takes for loops, whose values have registers first. So the rare block
    /// is the first one.
    pub(super) fn likely(&mut self, holds: Value, go_on: Block, with: &[BlockArg], rare: Block) {
        let fails = self.complement(holds);
        self.builder.ins().brif(fails, rare, &[], go_on, with);
    }

    /// Whether the current block is a rare one.
    pub(super) fn is_cold(&self) -> bool {
        self.builder.current_block().is_some_and(|block| self.builder.func.layout.is_cold(block))
    }

    /// Whether a condition does not hold.
    fn complement(&mut self, condition: Value) -> Value {
        let dfg = &self.builder.func.dfg;
        let compared = dfg.value_def(condition).inst().map(|comparison| dfg.insts[comparison]);
        match compared {
            Some(InstructionData::IntCompare { cond, args: [a, b], .. }) => {
                self.builder.ins().icmp(cond.complement(), a, b)
            }
            Some(InstructionData::FloatCompare { cond, args: [a, b], .. }) => {
                self.builder.ins().fcmp(cond.complement(), a, b)
            }
            _ => self.builder.ins().icmp_imm_s(IntCC::Equal, condition, 0),
        }
    }

    /// Goes on if a condition holds. Otherwise it leaves the current instruction to the interpreter, or has
    /// it do the instruction.
    pub(super) fn guard(&mut self, holds: Value) {
        let go_on = self.builder.create_block();
        if self.is_cold() {
            self.builder.set_cold_block(go_on);
        }
        let known = self.ways_out.interpret;
        let way_out = known.unwrap_or_else(|| self.builder.create_block());
        self.likely(holds, go_on, &[], way_out);
        if known.is_none() {
            self.ways_out.interpret = Some(way_out);
            self.builder.set_cold_block(way_out);
            self.builder.switch_to_block(way_out);
            self.interpret();
        }
        self.begin(go_on);
    }

    /// Ends an instruction that goes on to the next: the ways of its cases meet.
    pub(super) fn meet(&mut self) {
        if let Some(done) = self.ways_out.done {
            self.builder.ins().jump(done, &[]);
            self.begin(done);
            self.forget_ways();
        }
    }

    /// The block that begins at an instruction.
    pub(super) fn block(&self, index: u32) -> Option<Block> {
        self.region.position(index).and_then(|position| self.blocks[position])
    }

    /// Goes to an instruction without paying.
    pub(super) fn jump_to_block(&mut self, index: u32) {
        match self.block(index) {
            Some(block) => {
                self.arrive(index);
                self.builder.ins().jump(block, &[]);
            }
            // Never: regions have all that control goes to.
            None => self.leave(),
        }
    }

    /// Pays and goes to an instruction if a condition holds, and else goes on to the next.
    pub(super) fn branch(&mut self, condition: Value, to: u32) {
        let (taken, not_taken) = (self.builder.create_block(), self.builder.create_block());
        // What is within a loop lies together.
        if to <= self.index() {
            self.likely(condition, taken, &[], not_taken);
        } else {
            self.builder.ins().brif(condition, taken, &[], not_taken, &[]);
        }
        self.begin(taken);
        self.jump(to);
        self.begin(not_taken);
        self.fall_through();
    }

    /// Makes a block current that nothing more will go to.
    pub(super) fn begin(&mut self, block: Block) {
        self.builder.seal_block(block);
        self.builder.switch_to_block(block);
    }

    /// Where in memory an address of the heap is; leaves when it is not for the fast path.
    pub(super) fn heap_place(&mut self, address: Value) -> Value {
        let in_heap = self.is_in_heap(address);
        self.guard(in_heap);
        self.known_heap_place(address)
    }

    /// Where in memory so many bytes of the read-only data are; leaves when they are not there.
    pub(super) fn data_place(&mut self, address: Value, width: usize) -> Value {
        let offset = self.builder.ins().iadd_imm_s(address, -DATA_BASE);
        let rooms = offset_of!(Context, data_rooms);
        let room = self.part(rooms + size_of::<u64>() * width.trailing_zeros() as usize);
        let in_data = self.builder.ins().icmp(IntCC::UnsignedLessThan, offset, room);
        self.guard(in_data);
        let data = self.part(offset_of!(Context, data));
        self.builder.ins().iadd(data, offset)
    }

    /// Whether an address is one of the heap, with eight bytes.
    pub(super) fn is_in_heap(&mut self, address: Value) -> Value {
        let room = self.lane(Lane::HEAP_ROOM);
        self.builder.ins().icmp(IntCC::UnsignedLessThan, address, room)
    }

    /// Where in memory an address is that is known to be in the heap.
    pub(super) fn known_heap_place(&mut self, address: Value) -> Value {
        let heap = self.lane(Lane::HEAP);
        self.builder.ins().iadd(heap, address)
    }

    /// A float as it leaves the float lane: there is one NaN outside.
    pub(super) fn canonical(&mut self, value: Value) -> Value {
        use cranelift_codegen::ir::condcodes::FloatCC;
        let is_nan = self.builder.ins().fcmp(FloatCC::Unordered, value, value);
        let nan = self.float_number(f64::NAN.to_bits());
        let canonical = self.builder.ins().select(is_nan, nan, value);
        debug_assert_eq!(self.builder.func.dfg.value_type(canonical), F64);
        canonical
    }
}
