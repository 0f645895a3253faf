//! Problems about the way through a program.

use super::types::Why;
use super::{Place, Problem};

pub(crate) fn outside_loop(place: Place, word: &str) -> Problem {
    Problem::error("outside-loop", place, format!("`{word}` is not in a loop"))
        .label("there is no loop around this")
        .help("to leave a function, write `return`")
}

pub(crate) fn bare_return(place: Place, expected: &str, why: Option<&Why>) -> Problem {
    let message = format!("expected `{expected}`, but this returns nothing");
    let mut problem = Problem::error("mismatched-types", place, message)
        .label("a value is missing")
        .help("write the value after `return`");
    if let Some((place, text)) = why {
        problem = problem.because(place.clone(), text.clone());
    }
    problem
}

/// A text that shows `{name}` and not the value of the variable.
pub(crate) fn plain_braces(place: Place, name: &str) -> Problem {
    let start = Place { file: place.file, span: place.span.start..place.span.start };
    Problem::warning("plain-braces", place, format!("`{{{name}}}` is not the value of `{name}`"))
        .label("has no `f` before it")
        .help("write f\"…\" for its value, r\"…\" where the braces are meant")
        .fix(start, "f")
}

pub(crate) fn return_at_prompt(place: Place) -> Problem {
    Problem::error("return-at-prompt", place, "there is no function to return from")
        .label("this is typed at the prompt")
        .help("leave it out, or put what is done into a function")
}

/// A `match` or `receive`, as `word` says, leaves something out.
pub(crate) fn missing_arm(
    place: Place,
    word: &str,
    pattern: &str,
    declared: Option<Place>,
) -> Problem {
    let problem = match pattern {
        "_" => {
            Problem::error("missing-arm", place, format!("this {word} does not take every value"))
                .label("nothing takes the other values")
        }
        pattern => {
            Problem::error("missing-arm", place, format!("this {word} leaves out `{pattern}`"))
                .label(format!("nothing takes `{pattern}`"))
        }
    };
    let problem = match declared {
        Some(declared) => problem.because(declared, "declared here"),
        None => problem,
    };
    problem.help(format!("add an arm `{pattern} => …`"))
}

/// A pattern of `let` or `for` does not fit always.
pub(crate) fn may_not_fit(place: Place, pattern: &str) -> Problem {
    Problem::error("missing-arm", place, format!("this pattern leaves out `{pattern}`"))
        .label(format!("it does not fit `{pattern}`"))
        .help("in a `let`, say what happens then: `else { … }`; else use `match`")
}

pub(crate) fn too_complex(place: Place) -> Problem {
    Problem::error("too-complex", place, "there are too many ways through this match")
        .label("here")
        .help("split it into several, or add an arm `_ => …`")
}

pub(crate) fn unreachable_arm(place: Place) -> Problem {
    Problem::warning("unreachable-arm", place, "nothing reaches this arm")
        .label("the arms before it take everything that it would")
        .help("remove it, or put it before them")
}

/// What `else` of a `let` does goes on.
pub(crate) fn else_goes_on(place: Place) -> Problem {
    Problem::error("else-goes-on", place, "the `else` of a `let` must not go on")
        .label("the names would have no values after this")
        .help("end it with `return`, `break`, `continue` or `panic(…)`")
}

pub(crate) fn unused_result(place: Place, ty: &str) -> Problem {
    Problem::warning("unused-result", place, format!("this `{ty}` is not looked at"))
        .label("an error in it would be lost")
        .help("pass an error on with `?`, trap with `!`, or say `let _ = …`")
}
