//! The state of an evaluation.

use std::rc::Rc;

use palladium::core::{Function, LocalId, Program, Type};

use super::Bounds;
use super::value::{Value, Variable};

pub(super) struct Evaluator<'p> {
    pub(super) program: &'p Program,
    pub(super) output: Vec<u8>,
    pub(super) steps: u64,
    pub(super) depth: u32,
    bounds: Bounds,
}

/// Why an expression gives no value.
#[derive(Debug)]
pub(super) enum Exit {
    Break,
    Continue,
    Return(Value),
    Trap { kind: &'static str, text: Option<String> },
    Open(&'static str),
    Wrong(String),
}

pub(super) type Outcome<T> = Result<T, Exit>;

/// A function that is being evaluated.
pub(super) struct Frame<'p> {
    pub(super) function: &'p Function,
    /// What the parameters of its type stand for.
    pub(super) types: Rc<[Type]>,
    pub(super) locals: Vec<Variable>,
}

/// No program that is evaluated has longer texts and lists.
const LONGEST: usize = 1 << 20;

impl<'p> Evaluator<'p> {
    pub(super) fn new(program: &'p Program, bounds: Bounds) -> Self {
        Self { program, output: Vec::new(), steps: 0, depth: 0, bounds }
    }

    /// Counts steps, as many as are needed for so many bytes or elements.
    pub(super) fn spend(&mut self, size: usize) -> Outcome<()> {
        self.steps += 1 + size as u64 / 16;
        match self.steps > self.bounds.steps || size > LONGEST {
            true => Err(Exit::Open("it takes too many steps")),
            false => Ok(()),
        }
    }

    pub(super) fn enter(&mut self) -> Outcome<()> {
        self.depth += 1;
        match self.depth > self.bounds.depth {
            true => Err(Exit::Open("it calls too deep")),
            false => Ok(()),
        }
    }
}

impl Frame<'_> {
    /// A type of the tree in this instance.
    pub(super) fn ty(&self, ty: &Type) -> Type {
        ty.substitute(&self.types)
    }

    pub(super) fn types(&self, types: &[Type]) -> Rc<[Type]> {
        types.iter().map(|ty| self.ty(ty)).collect()
    }

    pub(super) fn variable(&mut self, local: LocalId) -> &mut Variable {
        &mut self.locals[local.0 as usize]
    }

    /// Gives a local its first value.
    pub(super) fn bind(&mut self, local: LocalId, value: Value) {
        let shared = self.function.locals[local.0 as usize].shared;
        *self.variable(local) = Variable::new(value, shared);
    }
}

pub(super) fn trap<T>(kind: &'static str) -> Outcome<T> {
    Err(Exit::Trap { kind, text: None })
}

pub(super) fn wrong<T>(what: impl Into<String>) -> Outcome<T> {
    Err(Exit::Wrong(what.into()))
}
