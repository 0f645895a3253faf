//! Problems about types: what was expected, what is there, and where the expectation comes from.

use super::{Place, Problem};

/// Where an expectation comes from, and in which words.
pub(crate) type Why = (Place, String);

/// Something of one type stands where another is expected.
pub(crate) fn mismatched(place: Place, expected: &str, found: &str, why: Option<&Why>) -> Problem {
    let message = format!("expected {}, found {}", named(expected), named(found));
    let mut problem = Problem::error("mismatched-types", place, message)
        .label(format!("this is {}", named(found)));
    if let Some((place, text)) = why {
        problem = problem.because(place.clone(), text.clone());
    }
    match advice(expected, found) {
        Some(advice) => problem.help(advice),
        None => problem,
    }
}

fn named(ty: &str) -> String {
    match ty {
        "()" => "`()` (nothing)".to_owned(),
        ty => format!("`{ty}`"),
    }
}

/// What to do next, for the pairs that are met most.
fn advice(expected: &str, found: &str) -> Option<String> {
    Some(match (expected, found) {
        (_, found) if found.starts_with("Task[") => AWAITED.to_owned(),
        ("Float", "Int") => "convert it with `.to_float()`".to_owned(),
        ("Int", "Float") => "convert it with `.to_int()`, or first `.round()` it".to_owned(),
        ("String", "()") => return None,
        ("String", "Char") => "make it a text with `.to_string()`, or write \"…\"".to_owned(),
        ("String", _) => "make it a text with an f-string: f\"{…}\"".to_owned(),
        ("Int", "String") => "read a number from it with `Int.parse(…)`".to_owned(),
        ("Float", "String") => "read a number from it with `Float.parse(…)`".to_owned(),
        ("()", found) => {
            format!("if the function is to give it, write `-> {found}` after its parameters")
        }
        ("Bool", "String") => "ask for what is meant, such as `not text.is_empty()`".to_owned(),
        ("Bool", found) if found.starts_with("List") => {
            "ask for what is meant, such as `not xs.is_empty()`".to_owned()
        }
        ("Bool", found) if is_option(found) => "ask whether it is there: `x is Some(y)`".to_owned(),
        ("Bool", found) if found.starts_with("Result[") => {
            "ask how it ended: `x is Ok(y)`".to_owned()
        }
        ("Bool", _) => "write a comparison, such as `x != 0`".to_owned(),
        (_, found) if gives(found) == Some(expected) => "call it: write `()` after it".to_owned(),
        (expected, found) if found == format!("{expected}?") => {
            "take the value out with `?`, `!` or `?? default`".to_owned()
        }
        (expected, found) if found.starts_with(&format!("Result[{expected},")) => {
            "take the value out with `?`, `!` or `?? default`".to_owned()
        }
        (expected, found) if expected == format!("{found}?") => "wrap it: `Some(…)`".to_owned(),
        (expected, found) if expected.starts_with(&format!("Result[{found},")) => {
            "wrap it: `Ok(…)`".to_owned()
        }
        _ => return None,
    })
}

/// Whether a value of a type must be taken out of it: an Option or a Result.
pub(super) fn may_be_missing(ty: &str) -> bool {
    is_option(ty) || ty.starts_with("Result[")
}

fn is_option(ty: &str) -> bool {
    ty.ends_with('?') || ty.starts_with("Option[")
}

/// What a function without parameters gives.
fn gives(ty: &str) -> Option<&str> {
    ty.strip_prefix("fn() -> ")
}

/// The two sides of an operator are of different types.
pub(crate) fn sides(place: Place, op: &str, left: Place, types: (&str, &str)) -> Problem {
    let (expected, found) = types;
    let problem = mismatched(
        place,
        expected,
        found,
        Some(&(left, format!("the left side of `{op}` is `{expected}`"))),
    );
    match types {
        ("Int", "Float") | ("Float", "Int") => {
            problem.help("make a Float of the Int with `.to_float()`; numbers are not mixed")
        }
        (_, "String") | ("String", _) if op == "+" => problem.help(JOINED),
        _ => problem,
    }
}

const AWAITED: &str = "`t.wait()` gives its result, which is a `Result`";
const JOINED: &str = "join texts with an f-string: f\"{a}{b}\"";

/// A block or function that should give something ends without it.
pub(crate) fn no_value(place: Place, expected: &str, why: Option<&Why>) -> Problem {
    let message = format!("expected `{expected}`, but this block gives nothing");
    let mut problem = Problem::error("mismatched-types", place, message)
        .label("it has no expression at its end")
        .help(format!("end the block with an expression that is `{expected}`, or `return` one"));
    if let Some((place, text)) = why {
        problem = problem.because(place.clone(), text.clone());
    }
    problem
}

/// An `if` whose value is used has no `else`.
pub(crate) fn no_else(place: Place, expected: &str, why: Option<&Why>) -> Problem {
    let message = format!("expected `{expected}`, but this `if` has no `else`");
    let mut problem = Problem::error("mismatched-types", place, message)
        .label("it gives nothing when the condition is false")
        .help("add `else { … }` with the other value");
    if let Some((place, text)) = why {
        problem = problem.because(place.clone(), text.clone());
    }
    problem
}

pub(crate) fn type_arguments(place: Place, name: &str, takes: usize, given: usize) -> Problem {
    let message = format!("`{name}` takes {}, not {given}", count(takes, "type argument"));
    let example: Vec<&str> = ["A", "B", "C"].into_iter().take(takes).collect();
    let help = match takes {
        0 => format!("write `{name}`"),
        _ => format!("write `{name}[{}]` with types in their places", example.join(", ")),
    };
    Problem::error("wrong-type-arguments", place, message).label("here").help(help)
}

pub(crate) fn missing_type(place: Place, name: &str) -> Problem {
    let message = format!("the type of `{name}` is missing");
    Problem::error("missing-type", place, message)
        .label("parameters of functions have written types")
        .help(format!("write `{name}: TYPE`"))
}

/// Nothing tells what a type is.
pub(crate) fn unknown_type(place: Place, what: Option<&str>, shape: &str) -> Problem {
    let message = match what {
        Some(name) => format!("cannot tell the type of `{name}`"),
        None => "cannot tell the type of this".to_owned(),
    };
    let shape = shape.replace('_', "Int");
    let help = match what {
        Some(name) => format!("say it: `{name}: {shape}`"),
        None => "give it a name with a type: `let x: TYPE = …`".to_owned(),
    };
    Problem::error("unknown-type-of", place, message).label("nothing says what it is").help(help)
}

pub(crate) fn too_large(place: Place) -> Problem {
    Problem::error("type-too-large", place, "the type of this is too large")
        .label("it is made of hundreds of types")
        .help("give parts of it names with records")
}

pub(crate) fn too_deep(place: Place) -> Problem {
    Problem::error("too-deep", place, "this is nested too deeply")
        .label("here")
        .help("give parts of it names with `let`")
}

/// `a op b` of types that have no such operator.
pub(crate) fn operator(place: Place, op: &str, found: &str) -> Problem {
    let message = format!("`{op}` is not there for `{found}`");
    let problem =
        Problem::error("wrong-operand", place, message).label(format!("this is `{found}`"));
    match (op, found) {
        ("+", "String") => problem.help(JOINED),
        ("*", "String") => problem.help("a text is repeated by `text.repeat(n)`"),
        ("%", "String") => problem.help("put values into a text with an f-string: f\"{a} {b}\""),
        (_, "()") => problem.help("what is called gives nothing; has it a `-> TYPE`?"),
        (_, found) if may_be_missing(found) => {
            problem.help("take the value out with `?`, `!` or `?? default`")
        }
        (_, found) if gives(found).is_some() => problem.help("call it: write `()` after it"),
        (_, found) if found.starts_with("Task[") => problem.help(AWAITED),
        ("+", found) if found.starts_with("List") => problem.help("join lists with `.concat(…)`"),
        ("/", "Duration") => problem.help("divide its nanoseconds: `d.ns() / n`"),
        ("-", "Time") => problem.help("the time between two is `a.since(b)`"),
        ("+", "Time") => problem.help("a later time is `a.add(duration)`"),
        ("%" | "&" | "|" | "^" | "<<" | ">>" | "+%" | "-%" | "*%", _) => {
            problem.help("it is only there for `Int`")
        }
        _ => problem.help("it is only there for `Int` and `Float`"),
    }
}

/// `"a".."b"`
pub(crate) fn range_of_texts(place: Place) -> Problem {
    Problem::error("mismatched-types", place, "a range is between two `Int`s")
        .label("this is a text")
        .help(JOINED)
}

/// A duration times something else than a whole number.
pub(crate) fn times(place: Place, found: &str) -> Problem {
    Problem::error("wrong-operand", place, format!("a `Duration` cannot be taken `{found}` times"))
        .label(format!("this is `{found}`"))
        .help("what follows `*` is an `Int`: `200.ms * 5`")
}

/// A type lacks a bound that something needs.
pub(crate) fn bound(
    place: Place,
    bound: &str,
    ty: &str,
    part: Option<(&str, &str)>,
    why: Option<&Why>,
) -> Problem {
    let can = match bound {
        "Eq" => "be compared",
        "Ord" => "be put in order",
        "Hash" => "be a key",
        "Show" => "be shown",
        "Send" => "be sent",
        "Json" => "be written as JSON or read from it",
        _ => "be calculated with",
    };
    let name = if bound == "Send" { "not-sendable" } else { "missing-bound" };
    let mut problem = Problem::error(name, place, format!("`{ty}` cannot {can}"));
    problem = match part {
        Some((path, part)) => problem.label(format!("because of `{path}`, which is `{part}`")),
        None => problem.label(format!("this needs {bound}")),
    };
    if let Some((place, text)) = why {
        problem = problem.because(place.clone(), text.clone());
    }
    match bound {
        "Send" => problem.help("send what the function needs, and call it where that arrives"),
        _ => problem,
    }
}

/// A type parameter lacks a bound that its function needs.
pub(crate) fn parameter_bound(
    place: Place,
    bound: &str,
    name: &str,
    declared: Place,
    bounds: &[&str],
) -> Problem {
    let all: Vec<&str> = bounds.iter().copied().chain([bound]).collect();
    let fixed = format!("{name}: {}", all.join(" + "));
    Problem::error("missing-bound", place, format!("`{name}` may be a type without {bound}"))
        .label(format!("this needs {bound}"))
        .because(declared, format!("`{name}` is declared here"))
        .help(format!("declare it as `[{fixed}]`"))
}

/// `x?` in a function that cannot pass it on.
pub(crate) fn try_outside(
    place: Place,
    what: &str,
    gives: &str,
    in_main: bool,
    why: Option<&Why>,
) -> Problem {
    let message = format!("`?` passes {what} on, but the function gives `{gives}`");
    let mut problem = Problem::error("mismatched-types", place, message)
        .label("it cannot be passed on from here")
        .help(match (what, in_main) {
            ("None", true) => "use `!`, `??` or `match`; `main` itself can only give a Result",
            ("None", false) => "let the function give an Option, or use `!`, `??` or `match`",
            _ => "let the function give a Result, or use `!`, `??` or `match`",
        });
    if let Some((place, text)) = why {
        problem = problem.because(place.clone(), text.clone());
    }
    problem
}

pub(crate) fn not_fallible(place: Place, op: &str, found: &str) -> Problem {
    Problem::error("mismatched-types", place, format!("`{op}` needs a Result or an Option"))
        .label(format!("this is `{found}`"))
        .help(format!("leave `{op}` out"))
}

pub(crate) fn endless(place: Place, name: &str, field: &str) -> Problem {
    Problem::error("endless-type", place, format!("a `{name}` would contain itself without end"))
        .label(format!("by the field `{field}`"))
        .help("put an Option, a List or an enum in between")
}

fn count(number: usize, what: &str) -> String {
    match number {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    }
}

pub(crate) fn not_a_type(place: Place) -> Problem {
    Problem::error("not-a-type", place, "this is not a type")
        .label("types are wanted in these brackets")
        .help("write types such as `Int` or `List[String]`")
}

pub(crate) fn type_as_value(place: Place) -> Problem {
    Problem::error("type-as-value", place, "a type is no value")
        .label("is a type")
        .help("write a function as `fn(x) => x + 1`")
}

pub(crate) fn not_indexed(place: Place, found: &str) -> Problem {
    let help = if found.starts_with('(') {
        "write `t.0` or `t.1`, or take it apart: `let (a, b) = t`"
    } else if may_be_missing(found) {
        "take the value out first, with `?`, `!` or `?? default`"
    } else {
        "take a field of it with `.`"
    };
    Problem::error("mismatched-types", place, format!("`{found}` has no elements by position"))
        .label("brackets are for lists, maps, strings and bytes")
        .help(help)
}

pub(crate) fn string_index(place: Place) -> Problem {
    Problem::error("mismatched-types", place, "a String has no single elements by position")
        .label("its offsets are bytes, not characters")
        .help("take a slice `s[a..b]`, or `s.chars()[i]`")
}

pub(crate) fn map_index(place: Place) -> Problem {
    Problem::error("wrong-arguments", place, "a Map takes a key, and perhaps a default")
        .label("here")
        .help("write `m[key]` or `m[key, default: value]`")
}

/// `x?` with an error that is not the function's.
pub(crate) fn other_error(place: Place, expected: &str, found: &str, why: Option<&Why>) -> Problem {
    let message = format!("`?` passes `{found}` on, but the function's errors are `{expected}`");
    let mut problem = Problem::error("mismatched-types", place, message)
        .label(format!("this error is `{found}`"))
        .help(format!(
            "convert it with `.map_err(…)?`, or give `{expected}` one variant with a `{found}` in it"
        ));
    if let Some((place, text)) = why {
        problem = problem.because(place.clone(), text.clone());
    }
    problem
}

pub(crate) fn not_iterable(place: Place, found: &str) -> Problem {
    Problem::error("mismatched-types", place, format!("`for` cannot run over `{found}`"))
        .label(format!("this is `{found}`"))
        .help("run over a list, a map, a set, a range `a..b`, or what has a `next` or `iter`")
}
