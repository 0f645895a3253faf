//! What reads and writes what, and where control goes: for all passes over the middle.

use super::{
    BinaryOp, Block, BlockIdx, Function, Inst, MachineOp, Operand, Reg, Terminator, UnaryOp,
};

/// A set of the registers of one function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegSet(Vec<u64>);

impl RegSet {
    /// A set without any, with room for so many registers.
    pub fn new(registers: usize) -> Self {
        Self(vec![0; registers.div_ceil(64)])
    }

    /// Whether a register is in it.
    pub fn contains(&self, reg: Reg) -> bool {
        self.0.get(reg.0 as usize / 64).is_some_and(|word| word >> (reg.0 % 64) & 1 == 1)
    }

    /// Whether it is new in the set.
    pub fn insert(&mut self, reg: Reg) -> bool {
        let at = reg.0 as usize / 64;
        if at >= self.0.len() {
            self.0.resize(at + 1, 0);
        }
        let bit = 1 << (reg.0 % 64);
        match self.0.get_mut(at) {
            Some(word) if *word & bit == 0 => {
                *word |= bit;
                true
            }
            _ => false,
        }
    }

    /// Takes a register out.
    pub fn remove(&mut self, reg: Reg) {
        if let Some(word) = self.0.get_mut(reg.0 as usize / 64) {
            *word &= !(1 << (reg.0 % 64));
        }
    }

    /// Adds all of another set.
    pub fn union(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.0.iter_mut().zip(&other.0).for_each(|(word, more)| *word |= more);
    }

    /// Takes all of another set out.
    pub fn subtract(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, less)| *word &= !less);
    }

    /// In ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Reg> + '_ {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some(Reg(at as u32 * 64 + bit))
            })
        })
    }
}

impl Operand {
    /// The register, if it is one.
    pub fn reg(self) -> Option<Reg> {
        match self {
            Self::Reg(reg) => Some(reg),
            Self::Imm(_) => None,
        }
    }
}

impl Inst {
    /// The registers that it reads, each as often as it does.
    pub fn reads(&self) -> Vec<Reg> {
        let mut all = Vec::new();
        self.clone().each_read(&mut |reg| all.push(*reg));
        all
    }

    /// The registers that it writes.
    pub fn writes(&self) -> Vec<Reg> {
        let mut all = Vec::new();
        self.clone().each_write(&mut |reg| all.push(*reg));
        all
    }

    /// Does something with each register that it writes.
    pub fn each_write(&mut self, f: &mut impl FnMut(&mut Reg)) {
        match self {
            Self::Call { results, .. }
            | Self::CallClosure { results, .. }
            | Self::Machine { results, .. } => results.iter_mut().for_each(f),
            Self::Int { d, .. }
            | Self::Float { d, .. }
            | Self::Data { d, .. }
            | Self::Code { d, .. }
            | Self::Spawn { d, .. }
            | Self::Copy { d, .. }
            | Self::Binary { d, .. }
            | Self::Unary { d, .. }
            | Self::FloatBinary { d, .. }
            | Self::Compare { d, .. }
            | Self::FloatCompare { d, .. }
            | Self::Load { d, .. }
            | Self::Take { d, .. }
            | Self::LoadElem { d, .. }
            | Self::TakeElem { d, .. }
            | Self::New { d, .. }
            | Self::NewBytes { d, .. }
            | Self::Capacity { d, .. }
            | Self::Unique { d, .. }
            | Self::Reuse { d, .. } => f(d),
            Self::Open { token, .. } => token.iter_mut().for_each(f),
            Self::Store { .. }
            | Self::StoreElem { .. }
            | Self::Free { .. }
            | Self::Keep { .. }
            | Self::Drop { .. } => {}
        }
    }

    /// Does something with each register that it reads.
    pub fn each_read(&mut self, f: &mut impl FnMut(&mut Reg)) {
        match self {
            Self::Int { .. }
            | Self::Float { .. }
            | Self::Data { .. }
            | Self::Code { .. }
            | Self::New { .. } => {}
            Self::Copy { s, .. }
            | Self::Capacity { s, .. }
            | Self::Unique { s, .. }
            | Self::Free { s }
            | Self::Keep { s }
            | Self::Drop { s } => f(s),
            Self::Unary { a, .. } => f(a),
            Self::Binary { a, b, .. } | Self::Compare { a, b, .. } => {
                f(a);
                each_operand(b, f);
            }
            Self::FloatBinary { a, b, .. } | Self::FloatCompare { a, b, .. } => {
                f(a);
                f(b);
            }
            Self::Load { base, .. } | Self::Take { base, .. } => f(base),
            Self::Store { base, s, .. } => {
                f(base);
                f(s);
            }
            Self::LoadElem { base, index, .. } | Self::TakeElem { base, index, .. } => {
                f(base);
                f(index);
            }
            Self::StoreElem { base, index, s, .. } => {
                f(base);
                f(index);
                f(s);
            }
            Self::NewBytes { bytes, .. } => f(bytes),
            Self::Call { args, .. } | Self::Machine { args, .. } => args.iter_mut().for_each(f),
            Self::Spawn { args, node, .. } => args.iter_mut().chain(node).for_each(f),
            Self::CallClosure { closure, args, .. } => {
                f(closure);
                args.iter_mut().for_each(f);
            }
            Self::Open { s, moved, .. } => {
                f(s);
                moved.iter_mut().for_each(f);
            }
            Self::Reuse { token, .. } => f(token),
        }
    }

    /// Whether it does nothing but give its result.
    pub fn only_computes(&self) -> bool {
        match self {
            Self::Int { .. }
            | Self::Float { .. }
            | Self::Data { .. }
            | Self::Code { .. }
            | Self::Copy { .. }
            | Self::Compare { .. }
            | Self::FloatBinary { .. }
            | Self::FloatCompare { .. }
            | Self::Load { .. } => true,
            Self::Binary { .. } | Self::Unary { .. } => !self.traps(),
            _ => false,
        }
    }

    /// What the machine reads from a register and the one behind it.
    pub fn pair(&self) -> Option<(Reg, Reg)> {
        let Self::Machine { op, args, .. } = self else { return None };
        match (op, args.as_slice()) {
            (MachineOp::Receive | MachineOp::ReceiveWithin, [first, second])
            | (MachineOp::Send, [_, _, first, second]) => Some((*first, *second)),
            _ => None,
        }
    }

    /// Whether it may end the process.
    pub fn traps(&self) -> bool {
        match self {
            Self::Binary { op, .. } => matches!(
                op,
                BinaryOp::Add
                    | BinaryOp::Sub
                    | BinaryOp::Mul
                    | BinaryOp::Div
                    | BinaryOp::Rem
                    | BinaryOp::DivU
                    | BinaryOp::RemU
            ),
            Self::Unary { op, .. } => *op == UnaryOp::Neg,
            Self::Machine { op, .. } => matches!(
                op,
                MachineOp::Host(_)
                    | MachineOp::Send
                    | MachineOp::SendInt
                    | MachineOp::SendFloat
                    | MachineOp::Receive
                    | MachineOp::ReceiveWithin
            ),
            Self::Spawn { .. } => true,
            Self::LoadElem { .. }
            | Self::StoreElem { .. }
            | Self::TakeElem { .. }
            | Self::Call { .. }
            | Self::CallClosure { .. } => true,
            _ => false,
        }
    }
}

fn each_operand(operand: &mut Operand, f: &mut impl FnMut(&mut Reg)) {
    if let Operand::Reg(reg) = operand {
        f(reg);
    }
}

impl Terminator {
    /// The registers that it reads, each as often as it does.
    pub fn reads(&self) -> Vec<Reg> {
        let mut all = Vec::new();
        self.clone().each_read(&mut |reg| all.push(*reg));
        all
    }

    /// Does something with each register that it reads.
    pub fn each_read(&mut self, f: &mut impl FnMut(&mut Reg)) {
        match self {
            Self::Jump(_) | Self::Unreachable => {}
            Self::Branch { a, b, .. } => {
                f(a);
                each_operand(b, f);
            }
            Self::FloatBranch { a, b, .. } => {
                f(a);
                f(b);
            }
            Self::Switch { value, .. } => f(value),
            Self::Release { s, .. } => f(s),
            Self::Return(values) => values.iter_mut().for_each(f),
            Self::TailCall { args, .. } => args.iter_mut().for_each(f),
            Self::Trap { address, length, .. } => {
                f(address);
                f(length);
            }
            Self::Exit { code } => f(code),
        }
    }

    /// The blocks that control may go to; one may be there several times.
    pub fn successors(&self) -> Vec<BlockIdx> {
        let mut all = Vec::new();
        self.clone().each_successor(&mut |block| all.push(*block));
        all
    }

    /// Does something with each block that control may go to.
    pub fn each_successor(&mut self, f: &mut impl FnMut(&mut BlockIdx)) {
        match self {
            Self::Jump(to) => f(to),
            Self::Branch { then, otherwise, .. } => {
                f(then);
                f(otherwise);
            }
            // There is no opposite of a comparison of floats, so it is taken to `then` by a jump.
            Self::FloatBranch { then, otherwise, .. } => {
                f(otherwise);
                f(then);
            }
            Self::Release { last, otherwise, .. } => {
                f(otherwise);
                f(last);
            }
            Self::Switch { targets, otherwise, .. } => {
                targets.iter_mut().for_each(&mut *f);
                f(otherwise);
            }
            Self::Return(_)
            | Self::TailCall { .. }
            | Self::Trap { .. }
            | Self::Exit { .. }
            | Self::Unreachable => {}
        }
    }
}

impl Function {
    /// A block by its position.
    pub fn block(&self, index: BlockIdx) -> Option<&Block> {
        self.blocks.get(index.0 as usize)
    }

    /// The blocks that can be reached, each before those that it leads to as far as loops allow. What
    /// a branch names first comes directly after it where that can be.
    pub fn reverse_postorder(&self) -> Vec<BlockIdx> {
        let mut seen = vec![false; self.blocks.len()];
        let mut order = Vec::with_capacity(self.blocks.len());
        let successors = |index: BlockIdx| {
            self.block(index).map(|block| block.end.0.successors()).unwrap_or_default()
        };
        let first = BlockIdx(0);
        let mut stack = vec![(first, successors(first))];
        seen.iter_mut().take(1).for_each(|seen| *seen = true);
        while let Some((index, rest)) = stack.last_mut() {
            // The last is placed furthest away, so it is visited first.
            let Some(next) = rest.pop() else {
                order.push(*index);
                stack.pop();
                continue;
            };
            match seen.get_mut(next.0 as usize) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            stack.push((next, successors(next)));
        }
        order.reverse();
        order
    }

    /// What leads to a block that only leads on leads there at once.
    pub fn pass_by_empty(&mut self) {
        let all = (0..self.blocks.len() as u32).map(BlockIdx);
        let ends: Vec<BlockIdx> = all.map(|index| self.destination(index)).collect();
        for block in &mut self.blocks {
            block.end.0.each_successor(&mut |to| {
                *to = ends.get(to.0 as usize).copied().unwrap_or(*to);
            });
        }
    }

    /// Where control is after blocks that do nothing.
    fn destination(&self, from: BlockIdx) -> BlockIdx {
        let mut at = from;
        // Each step leads to another block, or this is a loop that does nothing.
        for _ in &self.blocks {
            match self.block(at) {
                Some(Block { insts, end: (Terminator::Jump(to), _) }) if insts.is_empty() => {
                    at = *to;
                }
                _ => break,
            }
        }
        at
    }

    /// From which blocks a process never gets to a return, an exit or a loop without an end: it fails.
    pub fn failing(&self) -> Vec<bool> {
        let mut failing = vec![false; self.blocks.len()];
        let mut changed = true;
        while changed {
            changed = false;
            for (at, block) in self.blocks.iter().enumerate().rev() {
                let fails = match &block.end.0 {
                    Terminator::Trap { .. } | Terminator::Unreachable => true,
                    end => {
                        let to = end.successors();
                        let fails = |to: &BlockIdx| failing.get(to.0 as usize) == Some(&true);
                        !to.is_empty() && to.iter().all(fails)
                    }
                };
                if fails && failing.get(at) == Some(&false) {
                    failing[at] = true;
                    changed = true;
                }
            }
        }
        failing
    }

    /// From how many places each block is reached: its begin is one of the first block.
    pub fn entries(&self) -> Vec<u32> {
        let mut entries = vec![0; self.blocks.len()];
        entries.iter_mut().take(1).for_each(|first| *first = 1);
        for index in self.reverse_postorder() {
            for to in self.block(index).iter().flat_map(|block| block.end.0.successors()) {
                if let Some(count) = entries.get_mut(to.0 as usize) {
                    *count += 1;
                }
            }
        }
        entries
    }
}

/// Which registers are live at the begin of each block.
///
/// `close` adds to a set of live registers those that must live as long as they do.
pub fn live_at_begin(function: &Function, close: impl Fn(&mut RegSet)) -> Vec<RegSet> {
    let registers = function.regs.len();
    let mut order = function.reverse_postorder();
    order.reverse();
    let (mut gen_, mut kill) = (Vec::new(), Vec::new());
    for block in &function.blocks {
        let (reads, writes) = exposed(block, registers);
        gen_.push(reads);
        kill.push(writes);
    }
    let mut live = vec![RegSet::new(registers); function.blocks.len()];
    let mut changed = true;
    while changed {
        changed = false;
        for index in order.iter().map(|index| index.0 as usize) {
            let mut now = live_at_end(function, index, &live);
            now.subtract(&kill[index]);
            now.union(&gen_[index]);
            close(&mut now);
            if now != live[index] {
                live[index] = now;
                changed = true;
            }
        }
    }
    live
}

/// Which registers are live after a block's terminator, from those at the begin of all blocks.
pub fn live_at_end(function: &Function, index: usize, begin: &[RegSet]) -> RegSet {
    let mut live = RegSet::new(function.regs.len());
    for to in function.blocks.get(index).iter().flat_map(|block| block.end.0.successors()) {
        if let Some(more) = begin.get(to.0 as usize) {
            live.union(more);
        }
    }
    live
}

/// What a block reads before it writes it, and what it writes.
fn exposed(block: &Block, registers: usize) -> (RegSet, RegSet) {
    let (mut reads, mut writes) = (RegSet::new(registers), RegSet::new(registers));
    let ends = block.end.0.reads();
    let all = block.insts.iter().map(|(inst, _)| (inst.reads(), inst.writes()));
    for (read, written) in all.chain([(ends, Vec::new())]) {
        for reg in read.into_iter().filter(|reg| !writes.contains(*reg)) {
            reads.insert(reg);
        }
        for reg in written {
            writes.insert(reg);
        }
    }
    (reads, writes)
}
