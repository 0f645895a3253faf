//! Problems about what can be changed.

use super::{Place, Problem};

/// Something is changed that is no `var`.
pub(crate) fn needs_var(place: Place, name: &str, what: Option<&str>, declared: Place) -> Problem {
    let message = match what {
        Some(what) => format!("{what}, but `{name}` is not a `var`"),
        None => format!("`{name}` is changed, but it is not a `var`"),
    };
    Problem::error("needs-var", place, message)
        .label("changed here")
        .because(declared, "declared here without `var`")
        .help(format!("declare it with `var {name}`"))
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

/// A closure that changes a variable around it does not end with its function.
pub(crate) fn escaping(place: Place, name: &str, var: Place) -> Problem {
    Problem::error("escaping-capture", place, format!("this closure changes `{name}` and is kept"))
        .label("it may be called when the variable is gone")
        .because(var, format!("`{name}` is declared here"))
        .help("only pass it on to functions that call it, or give the new value back instead")
}
