//! A register that is a copy of another, and neither ever changes, is that other.

use crate::mir::{Function, Inst, Reg};

pub(super) fn propagate(function: &mut Function) {
    let mut written = vec![0u32; function.regs.len()];
    let mut write = |reg: Reg| {
        if let Some(count) = written.get_mut(reg.0 as usize) {
            *count += 1;
        }
    };
    function.params.iter().copied().for_each(&mut write);
    let insts = function.blocks.iter().flat_map(|block| &block.insts);
    insts.flat_map(|(inst, _)| inst.writes()).for_each(&mut write);
    let once = |reg: Reg| written.get(reg.0 as usize) == Some(&1);
    let class = |reg: Reg| function.regs.get(reg.0 as usize);

    let mut original: Vec<Option<Reg>> = vec![None; function.regs.len()];
    for (inst, _) in function.blocks.iter().flat_map(|block| &block.insts) {
        if let Inst::Copy { d, s } = inst
            && d != s
            && once(*d)
            && once(*s)
            && class(*d) == class(*s)
            && let Some(original) = original.get_mut(d.0 as usize)
        {
            *original = Some(*s);
        }
    }
    // Each copy stands before its uses, so they form no circles.
    let find = |mut reg: Reg| {
        while let Some(Some(next)) = original.get(reg.0 as usize) {
            reg = *next;
        }
        reg
    };
    let mut rename = |reg: &mut Reg| *reg = find(*reg);
    for block in &mut function.blocks {
        block.insts.retain(|(inst, _)| !matches!(inst, Inst::Copy { d, .. } if find(*d) != *d));
        block.insts.iter_mut().for_each(|(inst, _)| inst.each_read(&mut rename));
        block.end.0.each_read(&mut rename);
    }
}
