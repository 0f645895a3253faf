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

/// So often a text is laid out again until it stays.
const MOST_ROUNDS: usize = 4;

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
    let (mut formatted, mut may_change) = laid_out(text, tree);
    for _ in 0..MOST_ROUNDS {
        if !may_change {
            break;
        }
        let parsed = parse(FileId(0), &formatted);
        let (again, _) = laid_out(&formatted, &parsed.tree);
        may_change = again != formatted;
        formatted = again;
    }
    formatted
}

/// A text laid out once, and whether that may come out otherwise the next time: a comment in the
/// middle of an expression takes a line to its end, and what stood beside it has the room then.
fn laid_out(text: &str, tree: &Tree) -> (String, bool) {
    let (steps, comments_within) = Layout::new(text, tree).file();
    let mut formatted = printer::print(&steps);
    let end = formatted.trim_end().len();
    formatted.truncate(end);
    if end > 0 {
        formatted.push('\n');
    }
    (formatted, comments_within)
}
