//! From source text to syntax trees.

pub mod ast;
