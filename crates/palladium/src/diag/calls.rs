//! Problems about calls, and about what stands in the place of a value or pattern.

use std::sync::Arc;

use super::types::may_be_missing;
use super::{Place, Problem};
use crate::core::Type;

pub(crate) fn too_many(
    place: Place,
    name: &str,
    params: &[String],
    given: usize,
    declared: Option<Place>,
) -> Problem {
    let message = format!("`{name}` takes {}, not {given}", arguments(params.len()));
    let problem = Problem::error("wrong-arguments", place, message).label("this is too much");
    if matches!(name, "print" | "write" | "eprint") && params.len() == 1 {
        return problem.help("make one text of several values with an f-string: f\"{a} {b}\"");
    }
    with_declaration(problem, name, params, declared)
}

pub(crate) fn too_few(
    place: Place,
    name: &str,
    params: &[String],
    missing: &str,
    required: usize,
    given: usize,
    declared: Option<Place>,
) -> Problem {
    let least = if required < params.len() { "at least " } else { "" };
    let message = format!("`{name}` takes {least}{}, not {given}", arguments(required));
    let problem =
        Problem::error("wrong-arguments", place, message).label(format!("`{missing}` is missing"));
    with_declaration(problem, name, params, declared)
}

fn with_declaration(
    problem: Problem,
    name: &str,
    params: &[String],
    declared: Option<Place>,
) -> Problem {
    let problem = match declared {
        Some(declared) => problem.because(declared, "declared here"),
        None => problem,
    };
    with_params(problem, name, params)
}

/// Says how to call what has been called wrongly.
pub(crate) fn with_params(problem: Problem, name: &str, params: &[String]) -> Problem {
    problem.help(format!("call it as `{name}({})`", params.join(", ")))
}

fn arguments(count: usize) -> String {
    match count {
        0 => "no arguments".to_owned(),
        1 => "1 argument".to_owned(),
        count => format!("{count} arguments"),
    }
}

/// A label that has been passed by.
pub(crate) fn label_order(place: Place, name: &str, label: &str, params: &[String]) -> Problem {
    Problem::error("wrong-arguments", place, format!("`{label}` comes too late"))
        .label("it is given twice, or after one that is declared later")
        .help(format!("keep the order of the declaration: `{name}({})`", params.join(", ")))
}

pub(crate) fn needs_ampersand(place: Place, name: &str, declared: Option<Place>) -> Problem {
    let mut problem =
        Problem::error("needs-ampersand", place.clone(), format!("`{name}` changes this"))
            .label("it must be seen here that it is changed")
            .help("write `&` before it");
    if let Some(declared) = declared {
        problem = problem.because(declared, "declared with `var` here");
    }
    let start = place.span.start;
    problem.fix(Place { span: start..start, ..place }, "&")
}

pub(crate) fn needless_ampersand(place: Place, name: &str, declared: Option<Place>) -> Problem {
    let mut problem =
        Problem::error("needs-ampersand", place, format!("`{name}` does not change this"))
            .label("`&` is for what is changed")
            .help("leave the `&` out");
    if let Some(declared) = declared {
        problem = problem.because(declared, "declared without `var` here");
    }
    problem
}

pub(crate) fn not_a_function(place: Place, found: &str) -> Problem {
    Problem::error("not-a-function", place, format!("`{found}` cannot be called"))
        .label(format!("this is `{found}`"))
        .help("leave the parentheses out, or call a function")
}

pub(crate) fn module_as_value(place: Place, name: &str) -> Problem {
    Problem::error("not-a-value", place, format!("`{name}` is a module"))
        .label("a value is wanted here")
        .help(format!("name something in it: `{name}.NAME`"))
}

pub(crate) fn type_as_value(place: Place, name: &str) -> Problem {
    Problem::error("not-a-value", place, format!("`{name}` is a type"))
        .label("a value is wanted here")
        .help(format!("take one of its variants or functions: `{name}.NAME`"))
}

pub(crate) fn inout_value(place: Place, name: &str) -> Problem {
    Problem::error("not-a-value", place, format!("`{name}` changes a parameter, so it is no value"))
        .label("only functions without `var` parameters are values")
        .help("call it inside of a closure")
}

pub(crate) fn method_as_value(place: Place, name: &str) -> Problem {
    Problem::error("not-a-value", place, format!("`{name}` is a function"))
        .label("it is not called")
        .help(format!("call it: `.{name}()`"))
}

pub(crate) fn nested_capture(place: Place, name: &str) -> Problem {
    Problem::error("nested-capture", place, format!("a nested function does not see `{name}`"))
        .label("this is a variable of the function around it")
        .help("take it as a parameter, or use a closure: `let f = fn(…) { … }`")
}

pub(crate) fn prompt_variable(place: Place, name: &str) -> Problem {
    Problem::error("nested-capture", place, format!("a function does not see `{name}`"))
        .label("this is a variable of the prompt")
        .help("take it as a parameter, or declare it with `const`")
}

/// The alternatives of a pattern bind different names.
pub(crate) fn alternatives(place: Place, name: &str) -> Problem {
    let message = format!("not all alternatives bind `{name}`");
    Problem::error("different-names", place, message)
        .label(format!("whether `{name}` has a value depends on which one fits"))
        .help("bind the same names in each, or write `_`")
}

/// A pattern has too many fields, or too few.
pub(crate) fn pattern_fields(
    place: Place,
    name: &str,
    declared: &[(Option<Arc<str>>, Type)],
    given: usize,
) -> Problem {
    let count = match declared.len() {
        0 => "no fields".to_owned(),
        1 => "1 field".to_owned(),
        count => format!("{count} fields"),
    };
    let names: Vec<&str> =
        declared.iter().map(|(label, _)| label.as_deref().unwrap_or("_")).collect();
    let help = match declared.len() {
        0 => format!("write `{name}`"),
        _ => format!("write `{name}({})`, or `{name}(..)`", names.join(", ")),
    };
    Problem::error("wrong-arguments", place, format!("`{name}` has {count}, not {given}"))
        .label("this pattern does not have as many")
        .help(help)
}

pub(crate) fn empty_range(place: Place) -> Problem {
    Problem::error("empty-range", place, "nothing is in this range")
        .label("it ends before it begins")
        .help("write the smaller value first")
}

pub(crate) fn range_of(place: Place) -> Problem {
    Problem::error("mismatched-types", place, "a range is of numbers or characters")
        .label("this is neither")
        .help("write the values with `|` between them")
}

/// A value has no such field or method.
pub(crate) fn no_member(
    place: Place,
    ty: &str,
    name: &str,
    near: Option<&str>,
    fields: &[Arc<str>],
) -> Problem {
    let problem = Problem::error("unknown-name", place.clone(), format!("`{ty}` has no `{name}`"));
    if let Some(near) = near {
        return problem
            .label(format!("did you mean `{near}`?"))
            .help(format!("write `{near}`"))
            .fix(place, near);
    }
    let problem = problem.label("neither a field nor a function");
    if may_be_missing(ty) {
        return problem.help("take the value out first, with `?`, `!` or `?? default`");
    }
    match fields {
        [] => problem.help(format!("declare `fn {name}(self: {ty})` if you want it")),
        fields => {
            let fields: Vec<String> = fields.iter().map(|field| format!("`.{field}`")).collect();
            problem.help(format!("its fields are {}", fields.join(", ")))
        }
    }
}

/// A method that another language has. `instead`: what to write here.
pub(crate) fn foreign_method(place: Place, ty: &str, name: &str, instead: &str) -> Problem {
    Problem::error("unknown-name", place, format!("`{ty}` has no `{name}`"))
        .label("neither a field nor a function")
        .help(instead)
}

/// A function without `self` that is called as a method.
pub(crate) fn no_method_but_function(place: Place, ty: &str, name: &str) -> Problem {
    Problem::error("unknown-name", place, format!("`{ty}` has no `{name}`"))
        .label("is a function, and no method")
        .help(format!("write `{name}(x, …)` for `x.{name}(…)`"))
}

pub(crate) fn inout_closure(place: Place) -> Problem {
    Problem::error("needs-ampersand", place, "a closure has no `var` parameters")
        .label("here")
        .help("give the new value back, or change a captured `var`")
}

pub(crate) fn intrinsic(place: Place, name: &str) -> Problem {
    Problem::error("missing-body", place, format!("`{name}` has no body"))
        .label("only the standard library has functions without one")
        .help("write its body in braces: `{ … }`")
}

pub(crate) fn main_shape(place: Place) -> Problem {
    Problem::error("wrong-main", place, "`main` takes nothing and gives nothing or a Result")
        .label("this is where the program begins")
        .help("write `fn main()` or `fn main() -> Result[(), ERROR]`; arguments are in `std.env`")
}

/// Two functions of one name that no call can tell apart.
pub(crate) fn same_function(place: Place, name: &str, first: Place) -> Problem {
    Problem::error("declared-twice", place, format!("`{name}` is declared twice"))
        .label("declared again")
        .because(first, "first declared here")
        .help("give one of them another name; only methods of different types may share one")
}
