//! The types of what is in a function's body, and the body without sugar.
//!
//! Each file has methods of [`Checker`](super::checker::Checker) for one part of the language.

mod branch;
mod call;
mod callee;
mod closure;
mod collection;
mod default;
mod expr;
mod fallible;
mod format;
mod loops;
mod member;
mod misfit;
mod name;
mod note;
mod operator;
mod pattern;
mod place;
mod process;
mod stmt;
