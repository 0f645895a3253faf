//! Values, as plain data.

use std::cell::RefCell;
use std::rc::Rc;

use palladium::core::{FnId, Type};

#[derive(Debug, Clone)]
pub(super) enum Value {
    /// An `Int`, `Bool`, `Char` or `Duration`.
    Word(i64),
    Float(f64),
    /// A `String` or `Bytes`.
    Text(Rc<Vec<u8>>),
    List(Rc<Vec<Value>>),
    /// A record or tuple.
    Fields(Rc<Vec<Value>>),
    Variant(u32, Rc<Vec<Value>>),
    Function(Rc<Closure>),
    /// What is left where a value was taken out.
    Hole,
}

#[derive(Debug)]
pub(super) struct Closure {
    pub(super) function: FnId,
    pub(super) types: Rc<[Type]>,
    pub(super) captured: Vec<Variable>,
}

/// A local.
#[derive(Debug, Clone)]
pub(super) enum Variable {
    Own(Value),
    /// One that closures assign to as well.
    Shared(Rc<RefCell<Value>>),
}

impl Variable {
    pub(super) fn new(value: Value, shared: bool) -> Self {
        if shared { Self::Shared(Rc::new(RefCell::new(value))) } else { Self::Own(value) }
    }

    pub(super) fn get(&self) -> Value {
        match self {
            Self::Own(value) => value.clone(),
            Self::Shared(cell) => cell.borrow().clone(),
        }
    }

    /// Does something with the value where it is.
    pub(super) fn with<R>(&mut self, f: impl FnOnce(&mut Value) -> R) -> R {
        match self {
            Self::Own(value) => f(value),
            Self::Shared(cell) => f(&mut cell.borrow_mut()),
        }
    }
}

impl Value {
    pub(super) fn unit() -> Self {
        Self::Fields(Rc::new(Vec::new()))
    }

    pub(super) fn bool(value: bool) -> Self {
        Self::Word(value.into())
    }

    pub(super) fn text(bytes: &[u8]) -> Self {
        Self::Text(Rc::new(bytes.to_vec()))
    }
}
