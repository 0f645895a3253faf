//! What is called, and what it takes.

use std::sync::Arc;

use crate::core::{EnumId, Expr, Type};
use crate::diag;
use crate::names::world::{Constructor, FnKey, Owner};

/// What is called.
#[derive(Debug)]
pub(super) enum Callee {
    /// One of several functions of a name, as the arguments tell.
    Functions(Vec<FnKey>),
    /// The same, with a value before the dot.
    Methods(Box<Expr>, Vec<FnKey>),
    Constructor(Constructor),
    /// A message of an actor, to the pid before the dot.
    Message(Box<Expr>, Message),
    Value(Box<Expr>),
    /// It is wrong in a way that has been told.
    Wrong,
}

/// A parameter of whatever is called.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) name: Option<Arc<str>>,
    pub(super) ty: Type,
    pub(super) inout: bool,
    /// What it is called: a parameter or a field.
    pub(super) part: &'static str,
    /// Where its default is written.
    pub(super) default: Option<Owner>,
    /// Where it is declared.
    pub(super) place: Option<diag::Place>,
}

/// A message of an actor.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) of: EnumId,
    pub(super) types: Vec<Type>,
    pub(super) variant: u32,
    pub(super) handler: FnKey,
    /// The handler has a result, which is the answer.
    pub(super) answered: bool,
}
