//! The one style that programs are written in.
//!
//! Lines are broken where they get longer than 100 characters, and joined where they need not be
//! broken; of the author's lines only those of blocks are kept, empty ones between them, and
//! comments. The tokens stay the same, but for commas before a bracket or at the end of a line, and
//! for the order of imports.

mod gaps;
mod layout;
mod lists;
mod operators;
mod printer;
mod spaces;

use iridium_isa::FileId;

use crate::diag::Problem;
use crate::syntax::parse;
use crate::syntax::tree::Tree;
use layout::Layout;

/// A program in the one style.
///
/// # Errors
///
/// What is wrong with the program, when it cannot be read.
pub fn format(text: &str) -> Result<String, Vec<Problem>> {
    let parsed = parse(FileId(0), text);
    if !parsed.problems.is_empty() {
        return Err(parsed.problems);
    }
    Ok(format_tree(text, &parsed.tree))
}

/// The same of a text that has been read, in which nothing is wrong.
pub(crate) fn format_tree(text: &str, tree: &Tree) -> String {
    let mut formatted = printer::print(&Layout::new(text, tree).file());
    let end = formatted.trim_end().len();
    formatted.truncate(end);
    if end > 0 {
        formatted.push('\n');
    }
    formatted
}
