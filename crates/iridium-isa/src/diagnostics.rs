//! All that is wrong with source texts.

use std::fmt;

use annotate_snippets::Renderer;

use super::diagnostic::{Diagnostic, Severity};
use super::render::render;

/// Errors that are kept, and warnings; a source with more is beyond reading them all.
const MAX_KEPT: usize = 100;

/// All that is to be said about source texts: what a compiler reports to, and what it returns.
///
/// It keeps the first 100 errors and the first 100 warnings, and counts the others.
///
/// ```
/// use iridium_isa::{Diagnostic, Diagnostics, Sources};
///
/// let mut sources = Sources::new();
/// let file = sources.add("sum.txt", "1 + (2 + 3");
/// let mut report = Diagnostics::new();
/// report.push(
///     Diagnostic::error("a parenthesis is not closed")
///         .primary(sources.excerpt(file, 10..10), "expected `)`")
///         .secondary(sources.excerpt(file, 4..5), "opened here")
///         .help("add `)`"),
/// );
/// assert!(report.has_errors());
/// assert_eq!(report.to_string(), "sum.txt:1:11: error: a parenthesis is not closed; add `)`");
/// assert!(report.render(false).contains("opened here"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
}

impl Diagnostics {
    /// Nothing to say as yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.push_with(diagnostic.severity(), || diagnostic);
    }

    /// Counts one, which has this severity and is made only if it is kept: a text may have more
    /// faults than are worth the time to find their places.
    pub fn push_with(&mut self, severity: Severity, make: impl FnOnce() -> Diagnostic) {
        let count = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        if *count <= MAX_KEPT {
            self.list.push(make());
        }
    }

    /// Puts them in the order of their files, lines and columns; those without a place come first.
    pub fn sort(&mut self) {
        self.list.sort_by_key(Diagnostic::location);
    }

    /// Those that are kept, in the order in which they were added, or sorted.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether there was an error.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// How many errors there were, also of those that are not kept.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// How many there were beyond those that are kept.
    pub fn left_out(&self) -> usize {
        self.errors + self.warnings - self.list.len()
    }

    /// All of them with their source lines, coloured for a terminal or plain.
    pub fn render(&self, coloured: bool) -> String {
        let renderer = if coloured { Renderer::styled() } else { Renderer::plain() };
        let rendered = self.list.iter().map(|diagnostic| render(diagnostic, &renderer));
        let mut text = rendered.map(|text| text + "\n\n").collect::<String>();
        if self.left_out() > 0 {
            text.push_str(&format!("and {} more\n\n", self.left_out()));
        }
        text.pop();
        text
    }
}

/// One line a diagnostic.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, diagnostic) in self.list.iter().enumerate() {
            if position > 0 {
                writeln!(f)?;
            }
            write!(f, "{diagnostic}")?;
        }
        match self.left_out() {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Sources;

    #[test]
    fn errors_are_kept_behind_any_number_of_warnings() {
        let mut report = Diagnostics::new();
        (0..150).for_each(|_| report.push(Diagnostic::warning("w")));
        assert!(!report.has_errors());
        report.push(Diagnostic::error("e"));
        assert!(report.has_errors() && report.to_string().contains("error: e"));
        assert_eq!(report.left_out(), 50);
    }

    #[test]
    fn labels_in_several_files_are_all_shown() {
        let mut sources = Sources::new();
        let (main, library) = (
            sources.add("main.x", "use twice\ntwice(1, 2)\n"),
            sources.add("lib.x", "\ndef twice"),
        );
        let mut report = Diagnostics::new();
        report.push(Diagnostic::warning("later").primary(sources.excerpt(library, 0..0), ""));
        report.push(
            Diagnostic::error("too many arguments")
                .secondary(sources.excerpt(library, 5..10), "takes one")
                .primary(sources.excerpt(main, 19..20), "this one is not taken")
                .secondary(sources.excerpt(main, 10..15), "called here")
                .secondary(sources.excerpt(main, 4..9), "comes in here")
                .note("one is enough")
                .help("leave it out"),
        );
        report.push(Diagnostic::error("no text").in_file(&sources, main));
        report.sort();
        assert_eq!(
            report.to_string(),
            "main.x: error: no text\n\
             main.x:2:10: error: too many arguments; one is enough; leave it out\n\
             lib.x:1:1: warning: later"
        );
        let text = report.render(false);
        for expected in [
            "--> main.x:2:10",
            "::: lib.x:2:5",
            "this one is not taken",
            "called here",
            "comes in here",
            "takes one",
            "= note: one is enough",
            "= help: leave it out",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
    }
}
