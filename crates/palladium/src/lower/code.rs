//! One function while it is being made: registers, blocks, and short ways to add to them.

use std::collections::HashSet;
use std::sync::Arc;

use iridium_isa::{FileId, Span};

use super::context::Context;
use super::shape::Kind;
use crate::core::Type;
use crate::mir::{
    BinaryOp, Block, BlockIdx, Class, Compare, Data, Elem, FnIdx, Function, Inst, MachineOp,
    Operand, Passing, Reg, Terminator, UnaryOp, Width,
};

pub(super) use crate::mir::LENGTH;

/// The registers of a value.
pub(super) type Value = Vec<Reg>;

/// Where the first cell of a block is.
pub(super) const CELLS: u16 = 8;
/// Where the elements of a list, string or bytes begin.
pub(super) const ELEMENTS: u16 = 16;
/// Where the variant of a block is.
pub(super) const VARIANT: u16 = 4;

/// The file of functions that stand in none: what they do is told of their callers.
pub(super) const MADE: FileId = FileId(u32::MAX);

pub(super) struct Code<'c, 'a> {
    pub(super) context: &'c mut Context<'a>,
    regs: Vec<Class>,
    /// Those of variables, which others than the next instruction may read.
    variables: HashSet<Reg>,
    blocks: Vec<Open>,
    /// `None`: what follows is never reached.
    current: Option<BlockIdx>,
    /// Of what is being made.
    pub(super) span: Span,
}

#[derive(Default)]
struct Open {
    insts: Vec<(Inst, Span)>,
    end: Option<(Terminator, Span)>,
}

impl<'c, 'a> Code<'c, 'a> {
    pub(super) fn new(context: &'c mut Context<'a>, span: Span) -> Self {
        let blocks = vec![Open::default()];
        let (regs, variables) = (Vec::new(), HashSet::new());
        Self { context, regs, variables, blocks, current: Some(BlockIdx(0)), span }
    }

    pub(super) fn finish(
        self,
        name: Arc<str>,
        file: FileId,
        params: Vec<Reg>,
        results: Vec<Class>,
        passing: Passing,
    ) -> Function {
        let span = self.span;
        let block = |open: Open| {
            let end = open.end.unwrap_or((Terminator::Unreachable, span.clone()));
            Block { insts: open.insts, end }
        };
        let blocks = self.blocks.into_iter().map(block).collect();
        Function { name, file, params, results, regs: self.regs, blocks, passing }
    }

    pub(super) fn reg(&mut self, class: Class) -> Reg {
        self.regs.push(class);
        Reg(self.regs.len() as u32 - 1)
    }

    pub(super) fn class(&self, reg: Reg) -> Class {
        self.regs[reg.0 as usize]
    }

    pub(super) fn regs(&mut self, classes: &[Class]) -> Value {
        classes.iter().map(|class| self.reg(*class)).collect()
    }

    /// New registers for a value of a type.
    pub(super) fn value(&mut self, ty: &Type) -> Value {
        let parts = self.context.types.parts(ty);
        self.regs(&parts)
    }

    pub(super) fn block(&mut self) -> BlockIdx {
        self.blocks.push(Open::default());
        BlockIdx(self.blocks.len() as u32 - 1)
    }

    pub(super) fn is_reached(&self) -> bool {
        self.current.is_some()
    }

    /// Goes on in another block.
    pub(super) fn at(&mut self, block: BlockIdx) {
        self.current = Some(block);
    }

    pub(super) fn emit(&mut self, inst: Inst) {
        if let Some(current) = self.current {
            self.blocks[current.0 as usize].insts.push((inst, self.span.clone()));
        }
    }

    pub(super) fn end(&mut self, terminator: Terminator) {
        if let Some(current) = self.current.take() {
            self.blocks[current.0 as usize].end = Some((terminator, self.span.clone()));
        }
    }

    /// Makes the last instruction the end of the function, if it is a call that gives this. Whether it
    /// is.
    pub(super) fn end_with_call(&mut self, value: &[Reg]) -> bool {
        let Some(current) = self.current else { return false };
        let insts = &mut self.blocks[current.0 as usize].insts;
        let called = insts
            .pop_if(|(inst, _)| matches!(inst, Inst::Call { results, .. } if results == value));
        let Some((Inst::Call { function, args, .. }, _)) = called else { return false };
        self.end(Terminator::TailCall { function, args });
        true
    }

    pub(super) fn jump(&mut self, block: BlockIdx) {
        self.end(Terminator::Jump(block));
    }

    pub(super) fn branch(
        &mut self,
        op: Compare,
        a: Reg,
        b: Operand,
        then: BlockIdx,
        otherwise: BlockIdx,
    ) {
        self.end(Terminator::Branch { op, a, b, then, otherwise });
    }

    /// Registers that keep what they have until they are assigned again.
    pub(super) fn variable(&mut self, ty: &Type) -> Value {
        let value = self.value(ty);
        self.variables.extend(&value);
        value
    }

    pub(super) fn is_variable(&self, reg: Reg) -> bool {
        self.variables.contains(&reg)
    }

    /// Moves a value that is used nowhere else: what has just defined it defines the other at once.
    pub(super) fn move_to(&mut self, to: &[Reg], from: &[Reg]) {
        if from.iter().any(|reg| self.is_variable(*reg)) {
            return self.copy_to(to, from);
        }
        for (d, s) in to.iter().zip(from) {
            match self.defined_last(*s) {
                Some(defined) => *defined = *d,
                None => self.emit(Inst::Copy { d: *d, s: *s }),
            }
        }
    }

    pub(super) fn copy_to(&mut self, to: &[Reg], from: &[Reg]) {
        let moved = from.iter().enumerate().any(|(n, s)| to.iter().take(n).any(|d| d == s));
        let from = if moved { self.copy_of(from) } else { from.to_vec() };
        for (d, s) in to.iter().zip(from).filter(|(d, s)| *d != s) {
            self.emit(Inst::Copy { d: *d, s });
        }
    }

    /// Where the last instruction defines this register.
    fn defined_last(&mut self, s: Reg) -> Option<&mut Reg> {
        let block = &mut self.blocks[self.current?.0 as usize];
        let (inst, _) = block.insts.last_mut()?;
        match inst {
            Inst::Call { results, .. }
            | Inst::CallClosure { results, .. }
            | Inst::Machine { results, .. } => results.iter_mut().find(|reg| **reg == s),
            Inst::Int { d, .. }
            | Inst::Float { d, .. }
            | Inst::Data { d, .. }
            | Inst::Binary { d, .. }
            | Inst::Unary { d, .. }
            | Inst::FloatBinary { d, .. }
            | Inst::Compare { d, .. }
            | Inst::FloatCompare { d, .. }
            | Inst::NewBytes { d, .. }
            | Inst::Unique { d, .. } => Some(d).filter(|d| **d == s),
            _ => None,
        }
    }

    pub(super) fn copy_of(&mut self, value: &[Reg]) -> Value {
        let classes: Vec<Class> = value.iter().map(|reg| self.class(*reg)).collect();
        let copy = self.regs(&classes);
        self.copy_to(&copy, value);
        copy
    }

    pub(super) fn int(&mut self, value: i64) -> Reg {
        let d = self.reg(Class::Int);
        self.emit(Inst::Int { d, value });
        d
    }

    pub(super) fn binary(&mut self, op: BinaryOp, a: Reg, b: Operand) -> Reg {
        let d = self.reg(Class::Int);
        self.emit(Inst::Binary { op, d, a, b });
        d
    }

    pub(super) fn unary(&mut self, op: UnaryOp, class: Class, a: Reg) -> Reg {
        let d = self.reg(class);
        self.emit(Inst::Unary { op, d, a });
        d
    }

    pub(super) fn load(&mut self, class: Class, base: Reg, offset: u16, width: Width) -> Reg {
        let d = self.reg(class);
        self.emit(Inst::Load { d, base, offset, width });
        d
    }

    pub(super) fn store(&mut self, base: Reg, offset: u16, s: Reg) {
        self.emit(Inst::Store { base, offset, s, width: Width::Cell });
    }

    /// Makes a block one that nobody else has.
    pub(super) fn unique(&mut self, block: Reg) {
        if let Class::Ptr(glue) = self.class(block) {
            self.context.types.is_copied(glue);
        }
        self.emit(Inst::Unique { d: block, s: block });
    }

    /// The length of a list, string or bytes.
    pub(super) fn length(&mut self, base: Reg) -> Reg {
        self.load(Class::Int, base, LENGTH, Width::Cell)
    }

    pub(super) fn byte(&mut self, base: Reg, index: Reg) -> Reg {
        let d = self.reg(Class::Int);
        self.emit(Inst::LoadElem { d, base, index, width: Elem::Byte });
        d
    }

    /// Calls a function with results of these classes.
    pub(super) fn call(&mut self, function: FnIdx, args: Vec<Reg>, results: &[Class]) -> Value {
        let results = self.regs(results);
        self.emit(Inst::Call { function, args, results: results.clone() });
        results
    }

    pub(super) fn machine(&mut self, op: MachineOp, args: &[Reg], results: &[Class]) -> Value {
        let results = self.regs(results);
        self.emit(Inst::Machine { op, args: args.to_vec(), results: results.clone() });
        results
    }

    /// The address of something in a block.
    pub(super) fn address(&mut self, pointer: Reg, offset: u16) -> Reg {
        let address = self.machine(MachineOp::Address, &[pointer], &[Class::Int])[0];
        self.binary(BinaryOp::AddWrap, address, Operand::Imm(i32::from(offset)))
    }

    /// The address of the bytes of a string, and their number.
    pub(super) fn bytes_of(&mut self, string: Reg) -> [Reg; 2] {
        [self.address(string, ELEMENTS), self.length(string)]
    }

    /// A string or bytes in read-only data.
    pub(super) fn text(&mut self, bytes: &[u8]) -> Reg {
        let data = self.context.data(Data::Bytes(bytes.into()));
        let d = self.bytes_reg();
        self.emit(Inst::Data { d, data });
        d
    }

    pub(super) fn bytes_class(&mut self) -> Class {
        Class::Ptr(self.context.types.glue(Kind::Bytes))
    }

    pub(super) fn bytes_reg(&mut self) -> Reg {
        let class = self.bytes_class();
        self.reg(class)
    }

    /// Counts a register up from 0 to a limit, and runs what is to be done for each.
    pub(super) fn repeat(&mut self, limit: Reg, mut round: impl FnMut(&mut Self, Reg)) {
        let index = self.int(0);
        let (test, body, after) = (self.block(), self.block(), self.block());
        self.jump(test);
        self.at(test);
        self.branch(Compare::Lt, index, Operand::Reg(limit), body, after);
        self.at(body);
        round(self, index);
        let (op, b) = (BinaryOp::AddWrap, Operand::Imm(1));
        self.emit(Inst::Binary { op, d: index, a: index, b });
        self.jump(test);
        self.at(after);
    }
}
