//! A function as instructions of the machine.
//!
//! | calls | |
//! | --- | --- |
//! | window | the callee's `$0` is the caller's `$k`, above all that outlasts the call |
//! | arguments | in `$0 …`, counted in each lane; results likewise |
//! | closure | the first argument; the index of its code is its first cell |
//! | host function | all arguments in `$k …`, counted together; results likewise |

use iridium_isa::Instruction as I;
use iridium_isa::operand::{BlockSize, FailureLit, Int, IntOut, Slide, VariantLit};

use super::allocate::{Allocation, Lane, REGISTERS, positions};
use super::code::{Code, Label, Line};
use super::error::Error;
use super::moves::in_order;
use super::select::{self, Source};
use super::{loops, prepare, simplify, spill};
use crate::mir::{
    BlockIdx, Class, Compare, FnIdx, Function, Glue, GlueIdx, Inst, Operand, Program, Reg,
    Terminator, Width,
};

/// Where a closure has the index of its code.
const CODE: u16 = 8;
/// Where a block has its variant.
const VARIANT: u16 = 4;

/// How many values stay in registers when there are too many, in the order in which it is tried:
/// windows and pairs need some beside them.
const FEWER: [usize; 4] = [192, 96, 48, 24];

/// The instructions of a function, and of the entry, which ends the process where it returns. At
/// most `registers` values are kept in registers at once.
pub(super) fn function(
    program: &Program,
    index: FnIdx,
    registers: usize,
) -> Result<Vec<Line>, Error> {
    let Some(function) = program.functions.get(index.0 as usize) else { return Ok(Vec::new()) };
    let mut function = function.clone();
    prepare::prepare(&mut function, &program.data);
    loops::hoist(&mut function);
    simplify::repeat(&mut function);
    loops::rotate(&mut function);
    loops::lift(&mut function);
    let order = layout(&function);
    let is_entry = program.entry == index;
    let limits = std::iter::once(registers).chain(FEWER).filter(|most| *most <= registers);
    for most in limits {
        let spilled = (most < REGISTERS).then(|| spill::spill(&function, &order, most)).flatten();
        let function = spilled.as_ref().unwrap_or(&function);
        if let Some(lines) = emit(program, function, &order, is_entry) {
            return Ok(lines);
        }
    }
    Err(Error::TooManyRegisters { function: function.name.clone() })
}

/// `None` when it needs more registers than there are.
fn emit(
    program: &Program,
    function: &Function,
    order: &[BlockIdx],
    is_entry: bool,
) -> Option<Vec<Line>> {
    let allocation = Allocation::of(function, order)?;
    let count = |index: &BlockIdx| function.block(*index).map_or(0, |b| b.insts.len() + 1);
    let mut code = Code::default();
    let labels = function.blocks.iter().map(|_| code.label()).collect();
    let mut emitter = Emitter {
        program,
        function,
        is_entry,
        tops: allocation.tops(order.iter().map(count).sum()),
        allocation,
        code,
        labels,
        number: 0,
        too_many: false,
    };
    emitter.run(order);
    (!emitter.too_many).then(|| emitter.code.finish())
}

/// The blocks in the order in which they are emitted: those from which a process can only fail come
/// last.
fn layout(function: &Function) -> Vec<BlockIdx> {
    let failing = function.failing();
    let fails = |index: &BlockIdx| failing.get(index.0 as usize).copied().unwrap_or(false);
    let (mut order, last): (Vec<_>, Vec<_>) = function
        .reverse_postorder()
        .into_iter()
        .partition(|index| *index == BlockIdx(0) || !fails(index));
    order.extend(last);
    order
}

pub(super) struct Emitter<'f> {
    program: &'f Program,
    function: &'f Function,
    is_entry: bool,
    allocation: Allocation,
    /// For each instruction the first register above all that outlasts it.
    tops: Vec<u16>,
    pub(super) code: Code,
    labels: Vec<Label>,
    /// Which instruction it is, counted as [`intervals`](super::intervals) does.
    number: u32,
    /// A register past the last was needed.
    too_many: bool,
}

impl<'f> Emitter<'f> {
    fn run(&mut self, order: &[BlockIdx]) {
        for (at, index) in order.iter().enumerate() {
            let (Some(block), Some(label)) = (self.function.block(*index), self.label(*index))
            else {
                continue;
            };
            self.code.bind(label);
            for (inst, span) in &block.insts {
                self.number += 1;
                self.code.set_place(span.start);
                self.inst(inst);
            }
            self.number += 1;
            let (end, span) = &block.end;
            self.code.set_place(span.start);
            self.end(end, order.get(at + 1).copied());
        }
    }

    fn inst(&mut self, inst: &Inst) {
        match inst {
            Inst::Int { d, value } => self.code.push(select::integer(self.place(*d), *value)),
            Inst::Float { d, value } => self.code.push(select::float(self.place(*d), *value)),
            Inst::Data { d, data } => self.code.load_address(IntOut(self.place(*d)), *data),
            Inst::Code { d, function } => self.code.load_index(IntOut(self.place(*d)), *function),
            Inst::Copy { d, s } => self.copy(*d, *s),
            Inst::Binary { op, d, a, b } => {
                let (d, a, b) = (self.place(*d), self.place(*a), self.source(*b));
                if let Some(instruction) = select::binary(*op, d, a, b) {
                    self.code.push(instruction);
                }
            }
            Inst::Unary { op, d, a } => {
                self.code.push(select::unary(*op, self.place(*d), self.place(*a)));
            }
            Inst::FloatBinary { op, d, a, b } => {
                let (d, a, b) = (self.place(*d), self.place(*a), self.place(*b));
                self.code.push(select::float_binary(*op, d, a, b));
            }
            Inst::Compare { op, d, a, b } => {
                let (a, b) = (self.place(*a), self.source(*b));
                self.truth(*d, |l| select::branch(*op, a, b, l));
            }
            Inst::FloatCompare { op, d, a, b } => {
                let (a, b) = (self.place(*a), self.place(*b));
                self.truth(*d, |l| select::float_branch(*op, a, b, l));
            }
            Inst::Load { d, base, offset, width } => {
                let (place, base) = (self.place(*d), self.place(*base));
                self.code.push(select::load(place, self.is_float(*d), base, *offset, *width));
            }
            Inst::Store { base, offset, s, width } => {
                let (base, place) = (self.place(*base), self.place(*s));
                self.code.push(select::store(base, *offset, place, self.is_float(*s), *width));
            }
            Inst::LoadElem { d, base, index, width } => {
                let (place, is_float) = (self.place(*d), self.is_float(*d));
                let (base, index) = (self.place(*base), self.place(*index));
                self.code.push(select::load_element(place, is_float, base, index, *width));
            }
            Inst::StoreElem { base, index, s, width } => {
                let (place, is_float) = (self.place(*s), self.is_float(*s));
                let (base, index) = (self.place(*base), self.place(*index));
                self.code.push(select::store_element(base, index, place, is_float, *width));
            }
            Inst::Call { function, args, results } => {
                let slide = self.pass(args);
                self.code.push_call(*function, |l| I::Callw { l, k: Slide(slide) });
                self.take(results, slide);
            }
            Inst::CallClosure { closure, args, results } => {
                self.call_closure(*closure, args, results);
            }
            Inst::Spawn { d, function, args, node } => self.spawn(*d, *function, args, *node),
            Inst::Machine { op, args, results } => self.machine(*op, args, results),
            Inst::New { .. }
            | Inst::NewBytes { .. }
            | Inst::Capacity { .. }
            | Inst::Unique { .. }
            | Inst::Free { .. }
            | Inst::Keep { .. }
            | Inst::Drop { .. }
            | Inst::Open { .. }
            | Inst::Reuse { .. } => self.counted(inst),
            // They were expanded.
            Inst::Take { .. } | Inst::TakeElem { .. } => {}
        }
    }

    /// What makes, counts and ends blocks.
    fn counted(&mut self, inst: &Inst) {
        match inst {
            Inst::New { d, bytes, variant } => {
                self.code.push(new(self.place(*d), *bytes, *variant));
            }
            Inst::NewBytes { d, bytes } => {
                let (a, d) = (Int(self.place(*bytes)), IntOut(self.place(*d)));
                self.code.push(I::Newv { a, d });
            }
            Inst::Capacity { d, s } => {
                let (a, d) = (Int(self.place(*s)), IntOut(self.place(*d)));
                self.code.push(I::Cap { a, d });
            }
            Inst::Unique { d, s } => self.unique(*d, *s),
            Inst::Free { s } => self.code.push(I::Free { a: Int(self.place(*s)) }),
            Inst::Keep { s } => self.code.push(I::Keep { a: Int(self.place(*s)) }),
            Inst::Drop { s } => {
                let top = self.top();
                self.drop(self.place(*s), self.glue(*s), top);
            }
            Inst::Open { s, moved, rest, token } => self.open(*s, moved, rest, *token),
            Inst::Reuse { d, token, bytes, variant, same } => {
                let (d, token) = (self.place(*d), self.place(*token));
                self.reuse(d, token, (*bytes, *variant), *same);
            }
            _ => {}
        }
    }

    /// The end of a block, after which `next` is emitted.
    fn end(&mut self, end: &Terminator, next: Option<BlockIdx>) {
        match end {
            Terminator::Jump(to) => self.go(*to, next),
            Terminator::Branch { op, a, b, then, otherwise } => {
                let (a, b) = (self.place(*a), self.source(*b));
                self.branch((*then, *otherwise), next, |emitter, then, to| {
                    let op = if then { *op } else { select::opposite(*op) };
                    emitter.code.push_to(to, |l| select::branch(op, a, b, l));
                });
            }
            Terminator::FloatBranch { op, a, b, then, otherwise } => {
                self.float_branch(*op, (*a, *b), (*then, *otherwise), next);
            }
            Terminator::Switch { value, targets, otherwise } => {
                self.switch(*value, targets, *otherwise, next);
            }
            Terminator::Release { s, last, otherwise } => {
                let a = Int(self.place(*s));
                if let Some(last) = self.label(*last) {
                    self.code.push_to(last, |l| I::Drop { a, l });
                }
                self.go(*otherwise, next);
            }
            Terminator::Return(values) => {
                self.move_to(0, values);
                if self.is_entry {
                    self.code.push(select::integer(0, 0));
                    self.code.push(I::Hlt {});
                } else {
                    self.code.push(I::Ret {});
                }
            }
            Terminator::TailCall { function, args } => {
                self.move_to(0, args);
                self.code.push_call(*function, |l| I::Djmp { l });
            }
            Terminator::Trap { kind, address, length } => {
                let (a, len) = (Int(self.place(*address)), Int(self.place(*length)));
                self.code.push(I::Trapm { n: FailureLit(*kind), a, len });
            }
            Terminator::Exit { code } => self.code.push(I::Exit { a: Int(self.place(*code)) }),
            Terminator::Unreachable => self.code.push(I::Igl {}),
        }
    }

    fn go(&mut self, to: BlockIdx, next: Option<BlockIdx>) {
        if let Some(label) = self.label(to)
            && next != Some(to)
        {
            self.code.jump(label);
        }
    }

    /// `jump` emits what goes to a label when it is so, or when it is not.
    fn branch(
        &mut self,
        (then, otherwise): (BlockIdx, BlockIdx),
        next: Option<BlockIdx>,
        jump: impl FnOnce(&mut Self, bool, Label),
    ) {
        let (Some(to_then), Some(to_otherwise)) = (self.label(then), self.label(otherwise)) else {
            return;
        };
        if then == otherwise {
            self.go(then, next);
        } else if next == Some(then) {
            jump(self, false, to_otherwise);
        } else {
            jump(self, true, to_then);
            self.go(otherwise, next);
        }
    }

    /// Nothing but equality has an opposite: with a NaN, all others are false.
    fn float_branch(
        &mut self,
        op: Compare,
        (a, b): (Reg, Reg),
        (then, otherwise): (BlockIdx, BlockIdx),
        next: Option<BlockIdx>,
    ) {
        let (a, b) = (self.place(a), self.place(b));
        if let Compare::Eq | Compare::Ne = op {
            self.branch((then, otherwise), next, |emitter, then, to| {
                let op = if then { op } else { select::opposite(op) };
                emitter.code.push_to(to, |l| select::float_branch(op, a, b, l));
            });
        } else if let Some(to) = self.label(then) {
            self.code.push_to(to, |l| select::float_branch(op, a, b, l));
            self.go(otherwise, next);
        }
    }

    fn switch(
        &mut self,
        value: Reg,
        targets: &[BlockIdx],
        otherwise: BlockIdx,
        next: Option<BlockIdx>,
    ) {
        let a = Int(self.place(value));
        let labels: Vec<Label> = targets.iter().filter_map(|to| self.label(*to)).collect();
        self.code.jump_table(a, &labels);
        self.go(otherwise, next);
    }

    /// 1 when `jump` jumps, else 0.
    fn truth(&mut self, d: Reg, jump: impl FnOnce(iridium_isa::operand::Target) -> I) {
        let (d, done) = (self.place(d), self.code.label());
        self.code.push(select::integer(d, 1));
        self.code.push_to(done, jump);
        self.code.push(select::integer(d, 0));
        self.code.bind(done);
    }

    /// Moves the arguments into a window above all that outlasts the call. Returns where it begins.
    pub(super) fn pass(&mut self, args: &[Reg]) -> u8 {
        let slide = self.top();
        self.move_to(slide, args);
        slide
    }

    /// Moves registers to where they are arguments or results in a window.
    fn move_to(&mut self, slide: u8, values: &[Reg]) {
        let to = positions(values.iter().map(|reg| self.allocation.lane(*reg)));
        let to: Vec<u8> = to.into_iter().map(|at| self.above(slide, at)).collect();
        let moves: Vec<(Lane, u8, u8)> = values
            .iter()
            .zip(to)
            .map(|(reg, to)| (self.allocation.lane(*reg), to, self.place(*reg)))
            .collect();
        self.moves(&moves);
    }

    /// Moves results to where they belong.
    pub(super) fn take(&mut self, results: &[Reg], slide: u8) {
        let from = positions(results.iter().map(|reg| self.allocation.lane(*reg)));
        let from: Vec<u8> = from.into_iter().map(|at| self.above(slide, at)).collect();
        let moves: Vec<(Lane, u8, u8)> = results
            .iter()
            .zip(from)
            .map(|(reg, from)| (self.allocation.lane(*reg), self.place(*reg), from))
            .collect();
        self.moves(&moves);
    }

    /// (lane, to, from), all at once.
    pub(super) fn moves(&mut self, moves: &[(Lane, u8, u8)]) {
        let highest = moves.iter().map(|(_, to, from)| (*to).max(*from)).max();
        let spare = highest.unwrap_or(0).max(self.top());
        for lane in [Lane::Int, Lane::Float] {
            let of_lane = moves.iter().filter(|(of, ..)| *of == lane);
            let of_lane: Vec<(u8, u8)> = of_lane.map(|(_, to, from)| (*to, *from)).collect();
            for (to, from) in in_order(&of_lane, spare.saturating_add(1)) {
                self.too_many |= spare == u8::MAX;
                self.code.push(select::copy(lane == Lane::Float, to, from));
            }
        }
    }

    fn copy(&mut self, d: Reg, s: Reg) {
        let (to, from) = (self.place(d), self.place(s));
        if to != from {
            self.code.push(select::copy(self.is_float(d), to, from));
        }
    }

    /// The closure is the first argument, and the index of its code lies above all of them.
    fn call_closure(&mut self, closure: Reg, args: &[Reg], results: &[Reg]) {
        let args: Vec<Reg> = std::iter::once(closure).chain(args.iter().copied()).collect();
        let slide = self.pass(&args);
        let count = args.len().min(usize::from(u8::MAX)) as u8;
        let index = self.above(slide, count);
        self.code.push(select::load(index, false, slide, CODE, Width::Cell));
        self.code.push(I::Callwr { a: Int(index), k: Slide(slide) });
        self.take(results, slide);
    }

    fn unique(&mut self, d: Reg, s: Reg) {
        let (from, to, top) = (self.place(s), self.place(d), self.top());
        let (shared, done) = (self.code.label(), self.code.label());
        self.code.push_to(shared, |l| I::Brsh { a: Int(from), l });
        self.copy(d, s);
        self.code.bind(done);
        self.code.rare(true);
        self.code.bind(shared);
        match self.glue(s).and_then(|glue| glue.copy) {
            Some(function) => self.call_with(function, from, top),
            None => self.code.push(I::Igl {}),
        }
        self.moves(&[(Lane::Int, to, top)]);
        self.code.jump(done);
        self.code.rare(false);
    }

    /// Gives up a reference. `top` is above all that must stay.
    fn drop(&mut self, place: u8, glue: Option<&Glue>, top: u8) {
        let (last, done) = (self.code.label(), self.code.label());
        self.code.push_to(last, |l| I::Drop { a: Int(place), l });
        self.code.bind(done);
        let was_rare = self.code.rare(true);
        self.code.bind(last);
        match glue.and_then(|glue| glue.drop) {
            Some(function) => self.call_with(function, place, top),
            None => self.code.push(I::Free { a: Int(place) }),
        }
        self.code.jump(done);
        self.code.rare(was_rare);
    }

    fn call_with(&mut self, function: FnIdx, argument: u8, slide: u8) {
        self.moves(&[(Lane::Int, slide, argument)]);
        self.code.push_call(function, |l| I::Callw { l, k: Slide(slide) });
    }

    fn open(&mut self, s: Reg, moved: &[Reg], rest: &[(u16, GlueIdx)], token: Option<Reg>) {
        let place = self.place(s);
        let above = [Some(s), token].into_iter().flatten().map(|reg| self.place(reg)).max();
        let spare = above.map_or(0, |place| self.above(place, 1)).max(self.top());
        let (shared, done) = (self.code.label(), self.code.label());
        self.code.push_to(shared, |l| I::Brsh { a: Int(place), l });
        for (offset, glue) in rest {
            self.code.push(select::load(spare, false, place, *offset, Width::Cell));
            self.drop(spare, self.program.glue.get(glue.0 as usize), spare);
        }
        match token {
            Some(token) => self.copy(token, s),
            None => self.code.push(I::Free { a: Int(place) }),
        }
        self.code.bind(done);
        self.code.rare(true);
        self.code.bind(shared);
        for reg in moved {
            self.code.push(I::Keep { a: Int(self.place(*reg)) });
        }
        // It is shared, so this is not the last one.
        self.code.push_to(done, |l| I::Drop { a: Int(place), l });
        if let Some(token) = token {
            self.code.push(select::integer(self.place(token), 0));
        }
        self.code.jump(done);
        self.code.rare(false);
    }

    fn reuse(&mut self, d: u8, token: u8, (bytes, variant): (u16, u16), same: bool) {
        let (none, done) = (self.code.label(), self.code.label());
        let zero = Source::Number(0);
        self.code.push_to(none, |l| select::branch(Compare::Eq, token, zero, l));
        if d != token {
            self.code.push(select::copy(false, d, token));
        }
        if !same {
            let spare = self.above(d, 1).max(self.top());
            self.code.push(select::integer(spare, i64::from(variant)));
            self.code.push(select::store(d, VARIANT, spare, false, Width::U16));
        }
        self.code.bind(done);
        self.code.rare(true);
        self.code.bind(none);
        self.code.push(new(d, bytes, variant));
        self.code.jump(done);
        self.code.rare(false);
    }

    pub(super) fn place(&self, reg: Reg) -> u8 {
        self.allocation.place(reg)
    }

    pub(super) fn is_float(&self, reg: Reg) -> bool {
        self.allocation.lane(reg) == Lane::Float
    }

    fn source(&self, operand: Operand) -> Source {
        match operand {
            Operand::Reg(reg) => Source::Place(self.place(reg)),
            Operand::Imm(number) => Source::Number(number),
        }
    }

    /// How the block behind a pointer ends.
    fn glue(&self, reg: Reg) -> Option<&'f Glue> {
        match self.function.regs.get(reg.0 as usize)? {
            Class::Ptr(glue) => self.program.glue.get(glue.0 as usize),
            Class::Int | Class::Float => None,
        }
    }

    fn label(&self, index: BlockIdx) -> Option<Label> {
        self.labels.get(index.0 as usize).copied()
    }

    /// The first register above all that outlasts this instruction.
    pub(super) fn top(&mut self) -> u8 {
        let top = self.tops.get(self.number as usize).copied().unwrap_or(0);
        self.above(0, top.min(256).try_into().unwrap_or(u8::MAX))
    }

    pub(super) fn above(&mut self, place: u8, by: u8) -> u8 {
        place.checked_add(by).unwrap_or_else(|| {
            self.too_many = true;
            u8::MAX
        })
    }
}

fn new(d: u8, bytes: u16, variant: u16) -> I {
    I::New { d: IntOut(d), n: BlockSize(bytes.max(16)), v: VariantLit(variant) }
}
