//! What can be wrong with an app file.

use iridium_isa::escape::escape;

/// A mistake and its position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {}", escape(&mistake.to_string()))]
pub struct AppError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub mistake: Mistake,
}

/// What is wrong with an app file, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "fields are named as in the message")]
pub enum Mistake {
    /// It is not TOML.
    #[error("this is not TOML: {0}")]
    Syntax(String),
    /// It is too long.
    #[error("the file is too long: at most {most} bytes")]
    TooLong { most: usize },
    /// A key that does not exist.
    #[error("there is no key `{key}` {place}; {}", did_you_mean(nearest, known))]
    UnknownKey {
        key: String,
        place: &'static str,
        nearest: Option<&'static str>,
        known: &'static [&'static str],
    },
    /// A value of the wrong type.
    #[error("`{key}` must be {wanted}, not {found}")]
    WrongType { key: &'static str, wanted: &'static str, found: &'static str },
    /// A word that does not exist.
    #[error("`{key}` is \"{found}\"; write {}", either(allowed))]
    WrongWord { key: &'static str, found: String, allowed: Vec<&'static str> },
    /// A number that is too small or too large.
    #[error("`{key}` is {number}; it must be from {least} to {most}")]
    OutOfRange { key: &'static str, number: String, least: i128, most: i128 },
    /// A float beyond all floats.
    #[error("{number} is too large for a float")]
    FloatTooLarge { number: String },
    /// A name that is none.
    #[error("`{key}` must have 1 to {most} bytes and no control characters")]
    BadName { key: &'static str, most: usize },
    /// A child without a name.
    #[error("this child has no name; add name = \"…\"")]
    NoName,
    /// A child that is nothing.
    #[error("child `{child}` does nothing; add module = \"FILE\", or children of its own")]
    NoBody { child: String },
    /// A path that is none.
    #[error("`module` is empty; write the path of a module, seen from this file")]
    NoPath,
    /// A child that is a program and a supervisor.
    #[error(
        "child `{child}` has children of its own, so `{key}` is not for it; remove it or the \
         children"
    )]
    NotForSupervisors { child: String, key: &'static str },
    /// A child that is a program but is told how to supervise.
    #[error(
        "child `{child}` runs a module, so `{key}` is not for it; remove it, or move it above \
         the first child of the supervisor that it is for"
    )]
    NotForPrograms { child: String, key: &'static str },
    /// Two children with one name.
    #[error("there is a child `{name}` on line {line} already; give this one another name")]
    DuplicateName { name: String, line: usize },
    /// Two processes with one name.
    #[error(
        "`{name}` is registered for the child on line {line} already; add register = false or \
         register = \"another name\""
    )]
    DuplicateRegistration { name: String, line: usize },
    /// A supervisor without children.
    #[error("there is nothing to supervise; add a [[child]]")]
    NoChildren,
    /// Too many children.
    #[error("there are too many children: at most {most} in all")]
    TooManyChildren { most: usize },
    /// Supervisors within supervisors within supervisors.
    #[error("supervisors are nested too deep: at most {most}")]
    TooDeep { most: usize },
    /// More arguments than registers.
    #[error("child `{child}` has {count} arguments; there are {most} registers")]
    TooManyArguments { child: String, count: usize, most: usize },
    /// Something that cannot be allowed.
    #[error("`allow`: {error}")]
    Grant { error: String },
    /// A module that cannot be used.
    #[error("child `{child}` cannot run {module}: {error}")]
    Module { child: String, module: String, error: String },
    /// Arguments that an actor does not take.
    #[error("child `{child}`: {error}")]
    Arguments { child: String, error: String },
    /// A text as the argument of a program that starts at a label.
    #[error(
        "child `{child}` starts at no actor, so its arguments are numbers, not \"{word}\"; name \
         the actor with entry = \"…\""
    )]
    NoActor { child: String, word: String },
    /// A label that does not exist.
    #[error("child `{child}` cannot start at `{entry}`: {module} has no such label{}",
        nearest.as_ref().map_or(String::new(), |name| format!("; did you mean `{name}`?")))]
    NoEntry { child: String, module: String, entry: String, nearest: Option<String> },
}

/// A mistake with its position as an offset into the text. Line and column are only counted when there
/// is a mistake to be told of.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) mistake: Mistake,
}

impl Fault {
    /// With line and column. Offsets that a mistake refers to become lines as well.
    pub(super) fn in_text(mut self, text: &str) -> AppError {
        if let Mistake::DuplicateName { line, .. } | Mistake::DuplicateRegistration { line, .. } =
            &mut self.mistake
        {
            *line = position(text, *line).0;
        }
        let (line, column) = position(text, self.at);
        AppError { line, column, mistake: self.mistake }
    }
}

/// Line and column of an offset.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    let line = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let lines = before.iter().filter(|byte| **byte == b'\n').count();
    (lines + 1, String::from_utf8_lossy(&before[line..]).chars().count() + 1)
}

fn did_you_mean(nearest: &Option<&str>, known: &[&str]) -> String {
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("there are {}", known.join(", ")),
    }
}

fn either(words: &[&str]) -> String {
    match words {
        [most @ .., last] if !most.is_empty() => format!("{} or {last}", most.join(", ")),
        words => words.join(", "),
    }
}
