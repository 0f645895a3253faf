//! What instructions do with the pointers that they read.

use crate::mir::{Class, FnIdx, Function, Inst, Passing, Program, Reg, Terminator};

/// Which parameters functions own.
#[derive(Debug, Clone)]
pub(super) struct Ownership(Vec<Vec<bool>>);

impl Ownership {
    /// What is fixed, and `inferred` for each pointer of the others.
    pub(super) fn of(program: &Program, inferred: bool) -> Self {
        let of_function = |function: &Function| {
            let params = function.params.iter().enumerate();
            let owned = params.map(|(nth, reg)| match &function.passing {
                _ if !is_pointer(function, *reg) => false,
                Passing::Fixed(owned) => owned.get(nth).copied().unwrap_or(false),
                Passing::Inferred => inferred,
            });
            owned.collect()
        };
        Self(program.functions.iter().map(of_function).collect())
    }

    pub(super) fn of_function(&self, function: FnIdx) -> &[bool] {
        self.0.get(function.0 as usize).map(Vec::as_slice).unwrap_or_default()
    }

    /// A parameter is owned. Whether it was not before.
    pub(super) fn own(&mut self, function: FnIdx, nth: usize) -> bool {
        let of_function = self.0.get_mut(function.0 as usize);
        of_function.and_then(|owned| owned.get_mut(nth)).is_some_and(|owned| {
            let is_new = !*owned;
            *owned = true;
            is_new
        })
    }

    /// Those arguments that a function owns.
    fn owned(&self, function: FnIdx, args: &[Reg]) -> Vec<Reg> {
        let owned = self.of_function(function);
        args.iter().zip(owned).filter(|(_, owned)| **owned).map(|(reg, _)| *reg).collect()
    }

    /// The registers that an instruction consumes, each as often as it does.
    pub(super) fn consumed(&self, inst: &Inst) -> Vec<Reg> {
        match inst {
            Inst::Copy { s, .. }
            | Inst::Store { s, .. }
            | Inst::StoreElem { s, .. }
            | Inst::Unique { s, .. }
            | Inst::Free { s }
            | Inst::Drop { s }
            | Inst::Open { s, .. } => vec![*s],
            Inst::Call { function, args, .. } => self.owned(*function, args),
            Inst::CallClosure { args, .. } => args.clone(),
            _ => Vec::new(),
        }
    }

    /// The same of a terminator.
    pub(super) fn consumed_at_end(&self, end: &Terminator) -> Vec<Reg> {
        match end {
            Terminator::Return(values) => values.clone(),
            Terminator::TailCall { function, args } => self.owned(*function, args),
            _ => Vec::new(),
        }
    }
}

pub(super) fn is_pointer(function: &Function, reg: Reg) -> bool {
    matches!(function.regs.get(reg.0 as usize), Some(Class::Ptr(_)))
}

/// The register whose block an instruction takes a pointer out of, or puts one into.
pub(super) fn changed(function: &Function, inst: &Inst) -> Option<Reg> {
    match inst {
        Inst::Store { base, s, .. } | Inst::StoreElem { base, s, .. } => {
            is_pointer(function, *s).then_some(*base)
        }
        Inst::Take { base, .. } | Inst::TakeElem { base, .. } => Some(*base),
        _ => None,
    }
}

/// The block that a pointer is read out of.
pub(super) fn read_from(inst: &Inst) -> Option<(Reg, Reg)> {
    match inst {
        Inst::Load { d, base, .. } | Inst::LoadElem { d, base, .. } => Some((*d, *base)),
        _ => None,
    }
}
