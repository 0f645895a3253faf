//! An evaluator over the typed tree: the oracle for everything that comes after it.
//!
//! It follows the tree step by step, with values that are plain data: what is shared, counted or
//! changed in place cannot be seen. It knows the intrinsic functions by their names, and traps where
//! the machine does. What is evaluated is bounded in its steps, its depth and its size.
#![allow(dead_code, reason = "every test file uses a part of it")]

mod calls;
mod derived;
mod evaluator;
mod expr;
mod intrinsics;
mod pattern;
mod place;
mod value;

use palladium::core::{FnId, Program, Type};

use evaluator::{Evaluator, Exit};
use value::Value;

/// What a program has printed, and how it came to its end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Evaluated {
    pub(crate) output: String,
    pub(crate) end: End,
    pub(crate) steps: u64,
}

/// How a program comes to its end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum End {
    Normal,
    Trap {
        kind: &'static str,
        text: Option<String>,
    },
    /// It would take more than it may, or wants something of the world around it.
    Open(&'static str),
    /// The tree means nothing.
    Wrong(String),
}

/// The bounds of an evaluation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Expressions that are evaluated.
    pub(crate) steps: u64,
    /// Calls within calls.
    pub(crate) depth: u32,
}

/// Evaluates `main`, or another function without parameters.
///
/// It recurses with the program: each call within calls takes some kilobytes of the stack.
pub(crate) fn evaluate(program: &Program, first: FnId, bounds: Bounds) -> Evaluated {
    let mut evaluator = Evaluator::new(program, bounds);
    let end = match run(&mut evaluator, first) {
        Ok(()) => End::Normal,
        Err(Exit::Trap { kind, text }) => End::Trap { kind, text },
        Err(Exit::Open(why)) => End::Open(why),
        Err(Exit::Wrong(why)) => End::Wrong(why),
        Err(Exit::Break | Exit::Continue | Exit::Return(_)) => {
            End::Wrong("a function is left by what is no return".to_owned())
        }
    };
    let output = String::from_utf8_lossy(&evaluator.output).into_owned();
    Evaluated { output, end, steps: evaluator.steps }
}

fn run(evaluator: &mut Evaluator<'_>, first: FnId) -> Result<(), Exit> {
    let result = evaluator.function(first).result.clone();
    let (value, _) = evaluator.call(first, [].into(), Vec::new(), &[])?;
    let is_result =
        matches!(&result, Type::Enum(id, _) if Some(*id) == evaluator.program.known.result);
    let Value::Variant(1, fields) = value else { return Ok(()) };
    if !is_result {
        return Ok(());
    }
    let Type::Enum(_, types) = &result else { return Ok(()) };
    let text = evaluator.show(&types[1], &fields[0], Vec::new(), false)?;
    Err(Exit::Trap { kind: "error", text: Some(String::from_utf8_lossy(&text).into_owned()) })
}
