//! Building programs of the middle.

use iridium_isa::FileId;
use palladium::mir::{
    BinaryOp, Block, BlockIdx, Class, Compare, FnIdx, Function, Glue, GlueIdx, Inst, MachineOp,
    Operand, Passing, Program, Reg, Terminator, Width,
};

pub(crate) const CELL: Width = Width::Cell;

/// A function that is being built: instructions go to the end of the current block.
pub(crate) struct Building {
    function: Function,
    at: usize,
}

impl Building {
    pub(crate) fn new(name: &str, params: &[Class], results: &[Class]) -> Self {
        let function = Function {
            name: name.into(),
            file: FileId(0),
            params: (0..params.len() as u32).map(Reg).collect(),
            results: results.to_vec(),
            regs: params.to_vec(),
            blocks: Vec::new(),
            passing: Passing::Inferred,
        };
        let mut building = Self { function, at: 0 };
        building.block();
        building
    }

    pub(crate) fn param(&self, nth: usize) -> Reg {
        self.function.params[nth]
    }

    pub(crate) fn passing(&mut self, owned: &[bool]) {
        self.function.passing = Passing::Fixed(owned.to_vec());
    }

    pub(crate) fn reg(&mut self, class: Class) -> Reg {
        self.function.regs.push(class);
        Reg(self.function.regs.len() as u32 - 1)
    }

    pub(crate) fn int(&mut self) -> Reg {
        self.reg(Class::Int)
    }

    pub(crate) fn ptr(&mut self, glue: GlueIdx) -> Reg {
        self.reg(Class::Ptr(glue))
    }

    /// A new block, without going on with it.
    pub(crate) fn block(&mut self) -> BlockIdx {
        let end = (Terminator::Unreachable, 0..0);
        self.function.blocks.push(Block { insts: Vec::new(), end });
        BlockIdx(self.function.blocks.len() as u32 - 1)
    }

    pub(crate) fn at(&mut self, block: BlockIdx) {
        self.at = block.0 as usize;
    }

    pub(crate) fn emit(&mut self, inst: Inst) {
        let place = self.function.blocks[self.at].insts.len() as u32;
        self.function.blocks[self.at].insts.push((inst, place..place + 1));
    }

    pub(crate) fn end(&mut self, end: Terminator) {
        self.function.blocks[self.at].end = (end, 0..0);
    }

    /// Ends the current block with a jump to a new one, and goes on with that.
    pub(crate) fn next(&mut self) -> BlockIdx {
        let block = self.block();
        self.end(Terminator::Jump(block));
        self.at(block);
        block
    }

    pub(crate) fn branch(
        &mut self,
        op: Compare,
        a: Reg,
        b: Operand,
        then: BlockIdx,
        otherwise: BlockIdx,
    ) {
        self.end(Terminator::Branch { op, a, b, then, otherwise });
    }

    pub(crate) fn number(&mut self, value: i64) -> Reg {
        let d = self.int();
        self.emit(Inst::Int { d, value });
        d
    }

    pub(crate) fn binary(&mut self, op: BinaryOp, a: Reg, b: Operand) -> Reg {
        let d = self.int();
        self.emit(Inst::Binary { op, d, a, b });
        d
    }

    pub(crate) fn load(&mut self, class: Class, base: Reg, offset: u16) -> Reg {
        let d = self.reg(class);
        self.emit(Inst::Load { d, base, offset, width: CELL });
        d
    }

    pub(crate) fn store(&mut self, base: Reg, offset: u16, s: Reg) {
        self.emit(Inst::Store { base, offset, s, width: CELL });
    }

    pub(crate) fn call(&mut self, function: FnIdx, args: &[Reg], results: &[Class]) -> Vec<Reg> {
        let results: Vec<Reg> = results.iter().map(|class| self.reg(*class)).collect();
        self.emit(Inst::Call { function, args: args.to_vec(), results: results.clone() });
        results
    }

    pub(crate) fn print(&mut self, code: Reg) {
        self.emit(Inst::Machine { op: MachineOp::PrintChar, args: vec![code], results: vec![] });
    }

    pub(crate) fn ret(&mut self, values: &[Reg]) {
        self.end(Terminator::Return(values.to_vec()));
    }

    pub(crate) fn finish(self) -> Function {
        self.function
    }
}

pub(crate) fn reg(reg: Reg) -> Operand {
    Operand::Reg(reg)
}

pub(crate) fn imm(number: i32) -> Operand {
    Operand::Imm(number)
}

/// The first function is the entry.
pub(crate) fn program(functions: Vec<Function>, glue: Vec<Glue>) -> Program {
    Program { functions, glue, entry: FnIdx(0), ..Program::default() }
}
