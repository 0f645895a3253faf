//! What a program that is being written knows: its declarations, and the variables in scope.

use super::random::Random;
use super::types::{Decl, Signature, Ty};

pub(super) struct Writer {
    pub(super) random: Random,
    pub(super) decls: Vec<Decl>,
    /// The functions that may be called.
    pub(super) functions: Vec<Signature>,
    pub(super) vars: Vec<Var>,
    /// The functions around the place that is being written, the innermost last.
    pub(super) frames: Vec<Frame>,
    /// Whether the function has a type parameter.
    pub(super) generic: bool,
    /// Statements that may still be written.
    pub(super) budget: i32,
    names: usize,
    /// After so many expressions comes one of a wrong type.
    pub(super) mistake: Option<usize>,
}

/// What stands where the type is wrong.
pub(super) const MISTAKE: &str = "mistake";

#[derive(Debug, Clone)]
pub(super) struct Var {
    pub(super) name: String,
    pub(super) ty: Ty,
    pub(super) mutable: bool,
}

pub(super) struct Frame {
    /// Variables before this one are captured.
    pub(super) base: usize,
    /// The closure is kept, so it must not change what it captures.
    pub(super) kept: bool,
    /// What `return` gives, where it may be written.
    pub(super) result: Option<Ty>,
    /// How many loops are around.
    pub(super) loops: usize,
}

impl Writer {
    pub(super) fn new(random: Random) -> Self {
        Self {
            random,
            decls: Vec::new(),
            functions: Vec::new(),
            vars: Vec::new(),
            frames: Vec::new(),
            generic: false,
            budget: 0,
            names: 0,
            mistake: None,
        }
    }

    /// A name that no other thing has.
    pub(super) fn name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    pub(super) fn text(&self, ty: &Ty) -> String {
        ty.text(&self.decls)
    }

    pub(super) fn declare(&mut self, name: &str, ty: &Ty, mutable: bool) {
        self.vars.push(Var { name: name.to_owned(), ty: ty.clone(), mutable });
    }

    /// The variables that are seen: not those that others of their name hide.
    pub(super) fn visible(&self) -> Vec<(usize, Var)> {
        let hidden =
            |at: usize| self.vars[at + 1..].iter().any(|var| var.name == self.vars[at].name);
        let seen = (0..self.vars.len()).filter(|at| !hidden(*at));
        seen.map(|at| (at, self.vars[at].clone())).collect()
    }

    /// A variable that is seen and of which something holds.
    pub(super) fn var(&mut self, fits: impl Fn(&Var) -> bool) -> Option<Var> {
        let all = self.visible();
        let fitting: Vec<Var> = all.into_iter().map(|(_, var)| var).filter(fits).collect();
        self.random.pick(&fitting).cloned()
    }

    /// A variable that may be changed here.
    pub(super) fn changeable(&mut self, fits: impl Fn(&Var) -> bool) -> Option<Var> {
        let all = self.visible();
        let may = |at: usize| !self.frames.iter().any(|frame| frame.kept && at < frame.base);
        let fitting: Vec<Var> = all
            .into_iter()
            .filter(|(at, var)| var.mutable && may(*at) && fits(var))
            .map(|(_, var)| var)
            .collect();
        self.random.pick(&fitting).cloned()
    }

    /// A type of at most so many levels. `key`: its values can be compared and be keys.
    pub(super) fn ty(&mut self, depth: usize, key: bool) -> Ty {
        let simple = depth == 0 || self.random.one_in(3);
        if simple {
            let last = if self.generic { 9 } else { 8 };
            return match self.random.below(last) {
                0..=2 => Ty::Int,
                3 | 4 => Ty::String,
                5 => Ty::Bool,
                6 => Ty::Char,
                7 if !key => Ty::Float,
                8 => Ty::Param,
                _ => Ty::Int,
            };
        }
        let depth = depth - 1;
        let boxed = |writer: &mut Self| Box::new(writer.ty(depth, key));
        match self.random.below(14) {
            0..=2 => Ty::List(boxed(self)),
            3 | 4 => Ty::Option(boxed(self)),
            5 | 6 => {
                let parts = 2 + self.random.below(3);
                Ty::Tuple((0..parts).map(|_| self.ty(depth, key)).collect())
            }
            7 if !key => Ty::Map(Box::new(self.ty(depth, true)), boxed(self)),
            8 if !key => Ty::Set(Box::new(self.ty(depth, true))),
            9 if !key => Ty::Result(boxed(self), Box::new(self.ty(0, true))),
            _ => self.named(key).unwrap_or_else(|| Ty::List(boxed(self))),
        }
    }

    /// A declared type.
    pub(super) fn named(&mut self, key: bool) -> Option<Ty> {
        let fits = |at: &usize| !key || self.decls[*at].key;
        let fitting: Vec<usize> = (0..self.decls.len()).filter(fits).collect();
        let id = *self.random.pick(&fitting)?;
        let arg = self.decls[id].generic.then(|| Box::new(self.ty(0, true)));
        Some(Ty::Named(id, arg))
    }
}
