//! What is said about counts and copies.

use super::{Place, Problem};
use crate::rc::Copied;

/// A value is changed that something else has too.
pub(crate) fn copies(copied: &Copied) -> Problem {
    let place = |(start, end): (u32, u32)| Place { file: copied.file, span: start..end };
    let problem = Problem::warning(
        "copies-here",
        place(copied.at),
        "this change copies a value that is shared",
    )
    .help("use the other before, or change it where it lies: `xs[i].push(x)`");
    if copied.kept == copied.at {
        return problem.label("what is used later has it too");
    }
    problem
        .label("copied here")
        .because(place(copied.kept), "something that is used later has it too")
}
