//! Problems about what can be changed.

use super::{Place, Problem};

/// What a local is declared by. Only a `var` can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Var,
    /// A `let` of one name.
    Let,
    /// A parameter of a function that is not `var`.
    Param,
    /// A name in a pattern, or a parameter of a closure.
    Pattern,
}

/// Something is changed that is no `var`.
pub(crate) fn needs_var(
    place: Place,
    name: &str,
    what: Option<&str>,
    declared: Option<Place>,
    by: By,
) -> Problem {
    let message = match what {
        Some(what) => format!("{what}, but `{name}` is not a `var`"),
        None => format!("`{name}` is changed, but it is not a `var`"),
    };
    let (label, help) = match by {
        By::Var | By::Let => ("declared here with `let`", format!("write `var {name}` there")),
        By::Param => (
            "a parameter without `var`",
            format!(
                "copy it: `var copy = {name}`; or declare `var {name}`, to change the caller's"
            ),
        ),
        By::Pattern => (
            "declared here, without `var`",
            format!("copy it into a variable: `var copy = {name}`"),
        ),
    };
    let problem = Problem::error("needs-var", place, message).label("changed here").help(help);
    match declared {
        Some(declared) => problem.because(declared, label),
        None => problem,
    }
}

/// Something is changed that is no place.
pub(crate) fn no_place(place: Place, what: Option<&str>) -> Problem {
    let message = match what {
        Some(what) => format!("{what}, but this is a value, not a variable"),
        None => "this cannot be changed".to_owned(),
    };
    Problem::error("needs-var", place, message)
        .label("it is gone after this")
        .help("give it a name with `var` first")
}

pub(crate) fn overlapping(place: Place, other: Place) -> Problem {
    Problem::error("overlapping-inout", place, "one call cannot change the same variable twice")
        .label("this may be the same")
        .because(other, "as this")
        .help("change them one after the other, or take a copy of one first")
}

/// A closure changes what is given to the same call to be changed.
pub(crate) fn overlapping_closure(place: Place, closure: Place) -> Problem {
    Problem::error("overlapping-inout", place, "one call cannot change the same variable twice")
        .label("the call changes this")
        .because(closure, "and this closure does too")
        .help("let the closure change another variable, or work on a copy")
}

/// A closure that changes a variable around it does not end with its function.
pub(crate) fn escaping(place: Place, name: &str, var: Place) -> Problem {
    Problem::error("escaping-capture", place, format!("this closure changes `{name}` and is kept"))
        .label("it may be called when the variable is gone")
        .because(var, format!("`{name}` is declared here"))
        .help("pass it only to functions that call it, or give the new value back")
}
