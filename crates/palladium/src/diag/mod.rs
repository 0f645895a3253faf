//! What the compiler says about a program: problems with their places, made readable in the end.

pub(crate) mod calls;
pub(crate) mod control;
pub(crate) mod elsewhere;
pub(crate) mod memory;
pub(crate) mod names;
pub(crate) mod places;
pub(crate) mod processes;
pub(crate) mod types;

use iridium_isa::{Diagnostic, Diagnostics, FileId, Severity, Sources, Span};

/// A place in a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// The bytes in it.
    pub span: Span,
}

/// One thing that is wrong with a program.
///
/// It keeps places and not texts, so that an editor can be told of it as well as a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The name of its family, such as `mismatched-types`. It is stable: tests, tools and editors
    /// know a problem by it.
    pub name: &'static str,
    /// Whether it keeps the program from being compiled.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// Where it is, and what is to be seen there.
    pub primary: (Place, String),
    /// Where it comes from.
    pub secondary: Vec<(Place, String)>,
    /// What to do about it.
    pub help: Option<String>,
    /// What to put in the place of a span to mend it.
    pub fix: Option<(Place, String)>,
}

impl Problem {
    /// An error. What is to be seen at its place is said with [`label`](Self::label).
    #[must_use]
    pub fn error(name: &'static str, place: Place, message: impl Into<String>) -> Self {
        let message = message.into();
        let primary = (place, String::new());
        let (secondary, help, fix) = (Vec::new(), None, None);
        Self { name, severity: Severity::Error, message, primary, secondary, help, fix }
    }

    /// Something that is probably a mistake.
    #[must_use]
    pub fn warning(name: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(name, place, message) }
    }

    /// Says what is to be seen at its place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.1 = text.into();
        self
    }

    /// Points to where it comes from.
    #[must_use]
    pub fn because(mut self, place: Place, text: impl Into<String>) -> Self {
        self.secondary.push((place, text.into()));
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Says what to put in the place of a span to mend it.
    #[must_use]
    pub fn fix(mut self, place: Place, text: impl Into<String>) -> Self {
        self.fix = Some((place, text.into()));
        self
    }

    /// The same in another file.
    #[must_use]
    pub(crate) fn of_file(mut self, file: FileId) -> Self {
        let secondary = self.secondary.iter_mut().map(|(place, _)| place);
        let fix = self.fix.iter_mut().map(|(place, _)| place);
        secondary.chain(fix).chain([&mut self.primary.0]).for_each(|place| place.file = file);
        self
    }

    /// The same as a person reads it.
    pub fn diagnostic(&self, sources: &Sources<'_>) -> Diagnostic {
        let excerpt = |place: &Place| sources.excerpt(place.file, place.span.clone());
        let message = format!("{} [{}]", self.message, self.name);
        let diagnostic = match self.severity {
            Severity::Error => Diagnostic::error(message),
            Severity::Warning => Diagnostic::warning(message),
        };
        let (place, text) = &self.primary;
        let diagnostic = diagnostic.primary(excerpt(place), text.as_str());
        let diagnostic = self.secondary.iter().fold(diagnostic, |diagnostic, (place, text)| {
            diagnostic.secondary(excerpt(place), text.as_str())
        });
        match &self.help {
            Some(help) => diagnostic.help(help.as_str()),
            None => diagnostic,
        }
    }
}

/// All problems as a person reads them, in the order of their places.
pub fn diagnostics(problems: &[Problem], sources: &Sources<'_>) -> Diagnostics {
    let mut sorted: Vec<&Problem> = problems.iter().collect();
    sorted.sort_by_key(|problem| {
        let (place, _) = &problem.primary;
        (place.file, place.span.start, place.span.end)
    });
    let mut report = Diagnostics::new();
    for (nth, problem) in sorted.iter().enumerate() {
        if !sorted[..nth].iter().any(|earlier| tells_the_same(earlier, problem)) {
            let again = sorted[nth..].iter().filter(|later| tells_the_same(problem, later));
            report.push_with(problem.severity, || {
                let diagnostic = problem.diagnostic(sources);
                match other_lines(again, sources) {
                    Some(lines) => diagnostic.note(format!("the same in {lines}")),
                    None => diagnostic,
                }
            });
        }
    }
    report
}

/// What is understood when it has been read once.
const UNDERSTOOD: &[&str] = &[
    "arm-arrow",
    "colon-block",
    "foreign-comment",
    "foreign-operator",
    "foreign-word",
    "label",
    "missing-colon",
    "missing-let",
    "semicolon",
    "unknown-name",
];

/// The most lines that are listed.
const MAX_LINES: usize = 12;

fn tells_the_same(one: &Problem, other: &Problem) -> bool {
    UNDERSTOOD.contains(&one.name)
        && one.name == other.name
        && one.message == other.message
        && one.primary.0.file == other.primary.0.file
        && one.primary.1 == other.primary.1
        && one.help == other.help
        && one.secondary.is_empty()
        && other.secondary.is_empty()
}

/// Of all but the first line: `line 3`, `lines 3, 5 and 9`.
fn other_lines<'p>(
    problems: impl Iterator<Item = &'p &'p Problem>,
    sources: &Sources<'_>,
) -> Option<String> {
    let line = |problem: &&Problem| {
        let place = &problem.primary.0;
        Some(sources.location(place.file, place.span.start)?.line)
    };
    let mut lines: Vec<u32> = problems.filter_map(line).collect();
    lines.dedup();
    lines.drain(..lines.len().min(1));
    let more = lines.len().saturating_sub(MAX_LINES);
    lines.truncate(MAX_LINES);
    let mut shown: Vec<String> = lines.iter().map(u32::to_string).collect();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    let last = shown.pop()?;
    Some(match shown.is_empty() {
        true => format!("line {last}"),
        false => format!("lines {} and {last}", shown.join(", ")),
    })
}

/// The library lacks something that the compiler takes for granted.
pub(crate) fn missing_from_library(place: Place, name: &str) -> Problem {
    Problem::error("internal", place, format!("the library has no `{name}`"))
        .label("this needs it")
        .help("this is a mistake of the compiler; please report it")
}
