//! Random well-typed programs, as text.
//!
//! A program declares types and functions and has a `main` that prints what it has. Loops and
//! recursion are bounded; it may trap. The same seed gives the same program.

mod expr;
mod function;
mod pattern;
mod random;
mod stmt;
mod types;
mod value;
mod writer;

use random::Random;
use writer::{MISTAKE, Writer};

/// The program of a seed.
pub(crate) fn program(seed: u64) -> String {
    Writer::new(Random::new(seed)).program()
}

/// The program of a seed with an expression of a wrong type, if it has so many expressions.
pub(crate) fn mistaken(seed: u64, at: usize) -> Option<String> {
    let mut writer = Writer::new(Random::new(seed));
    writer.mistake = Some(at);
    Some(writer.program()).filter(|text| text.contains(MISTAKE))
}
