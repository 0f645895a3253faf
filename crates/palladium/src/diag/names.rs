//! Problems about names: what is not there, what is there twice.

use super::{Place, Problem};
use crate::names::{LoadError, library};

/// What makes a value or a process.
pub(crate) const CONSTRUCTOR: &str = "variant, record or actor";

/// A name that nothing has. `near`: one that was probably meant.
pub(crate) fn unknown(place: Place, what: &str, name: &str, near: Option<&str>) -> Problem {
    let problem =
        Problem::error("unknown-name", place.clone(), format!("there is no {what} `{name}`"));
    match near {
        Some(near) => problem
            .label(format!("did you mean `{near}`?"))
            .help(format!("write `{near}`"))
            .fix(place, near),
        None => match what {
            "value" => problem
                .label("is not known here")
                .help("declare it before this, take it as a parameter, or import its module"),
            "type" => problem
                .label("is not known here")
                .help("declare it with `record` or `enum`, or import its module"),
            CONSTRUCTOR => {
                problem.label("is not known here").help("declare it, or import its module")
            }
            _ => problem.label("unknown"),
        },
    }
}

/// A variable that is given a value and was not declared.
pub(crate) fn undeclared(place: Place) -> Problem {
    let start = Place { file: place.file, span: place.span.start..place.span.start };
    Problem::error("missing-let", place, "a variable is declared with `let` or `var`")
        .label("is not declared")
        .help("write `var` before it, `let` when it does not change")
        .fix(start, "var ")
}

/// A name that another language has. `instead`: what to write here.
pub(crate) fn foreign(place: Place, what: &str, name: &str, instead: &str) -> Problem {
    Problem::error("unknown-name", place, format!("there is no {what} `{name}`"))
        .label("is not known here")
        .help(instead)
}

/// A module of the library that is named without an import.
pub(crate) fn not_imported(place: Place, name: &str) -> Problem {
    Problem::error("unknown-name", place, format!("`{name}` is not imported"))
        .label("is a module of the library")
        .help(format!("write `import std.{name}` at the top of the file"))
}

/// A name that a module of the library has not.
pub(crate) fn not_in_library(place: Place, module: &str, name: &str) -> Problem {
    Problem::error("unknown-name", place, format!("`{module}` has no `{name}`"))
        .label("is not known here")
        .help(format!("`iridium doc std.{module}` tells what it has"))
}

pub(crate) fn declared_twice(place: Place, name: &str, first: Place) -> Problem {
    Problem::error("declared-twice", place, format!("`{name}` is declared twice"))
        .label("declared again")
        .because(first, "first declared here")
        .help("give one of them another name")
}

pub(crate) fn unknown_module(place: Place, path: &str, near: Option<String>) -> Problem {
    let problem = Problem::error("unknown-module", place, format!("there is no module `{path}`"));
    match near {
        Some(near) => {
            problem.label(format!("did you mean `{near}`?")).help(format!("write `import {near}`"))
        }
        None => problem.label("imported here").help("modules of the library are `std.NAME`"),
    }
}

pub(crate) fn unreadable_module(place: Place, path: &str, error: &LoadError) -> Problem {
    let library = path.strip_suffix(".pd").unwrap_or(path);
    match error {
        LoadError::NotFound if library::importable().any(|module| module == library) => {
            Problem::error("unknown-module", place, format!("there is no file `{path}`"))
                .label("imported here")
                .help(format!("for the module of the library write `import std.{library}`"))
        }
        LoadError::NotFound => {
            Problem::error("unknown-module", place, format!("there is no file `{path}`"))
                .label("imported here")
                .help("`import name` is beside the first file, `import .name` beside this one")
        }
        LoadError::Unreadable(why) => {
            Problem::error("unknown-module", place, format!("`{path}` cannot be read: {why}"))
                .label("imported here")
        }
    }
}

/// Something of another module that is not `pub`.
pub(crate) fn private(place: Place, name: &str, declared: Place) -> Problem {
    Problem::error("private-name", place, format!("`{name}` belongs to its own module"))
        .label("used from outside")
        .because(declared, "declared here without `pub`")
        .help(format!("write `pub` before `{name}` where it is declared, if others may use it"))
}

pub(crate) fn ambiguous(place: Place, name: &str, choices: &[String]) -> Problem {
    let choices: Vec<String> = choices.iter().map(|choice| format!("`{choice}`")).collect();
    Problem::error("ambiguous-name", place, format!("`{name}` can be more than one thing"))
        .label(format!("one of {}", choices.join(", ")))
        .help(format!("write which: {}", choices.join(" or ")))
}

pub(crate) fn actor_as_type(place: Place, name: &str) -> Problem {
    Problem::error("mismatched-types", place, format!("`{name}` is an actor, not a type of values"))
        .label("this is an actor")
        .help(format!("write `Pid[{name}]`: that is what `spawn {name}(…)` gives"))
}

pub(crate) fn app_as_type(place: Place, name: &str) -> Problem {
    Problem::error("mismatched-types", place, format!("`{name}` is an app, not a type of values"))
        .label("this is an app")
        .help(format!("write `{name}.CHILD` for the pid of one of its processes"))
}

pub(crate) fn circular(place: Place, what: &str, name: &str) -> Problem {
    Problem::error("circular-declaration", place, format!("{what} `{name}` is declared by itself"))
        .label("it leads back to itself")
}
