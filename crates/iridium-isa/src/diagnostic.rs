//! What is wrong with a source text, and where.

use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::source::Span;

/// Errors that are kept; a source with more is beyond reading them all.
const MAX_KEPT: usize = 100;
/// Bytes of a message.
const MAX_MESSAGE: usize = 200;
/// Bytes of a source line that are shown around the place.
const SHOWN: usize = 160;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Nothing is assembled.
    Error,
    /// Probably a mistake.
    Warning,
}

/// One thing to say about a source text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// What to do about it, if that can be said.
    pub help: Option<String>,
    /// Where; `None` when it concerns the whole source.
    pub place: Option<Place>,
}

/// A place in a source text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1; a tab is one character.
    pub column: u32,
    /// The text of the line, or the part of a long line around the place.
    pub text: String,
    /// The bytes of `text` that are meant.
    pub marked: std::ops::Range<usize>,
}

/// All that is to be said about a source text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    file: String,
    list: Vec<Diagnostic>,
    left_out: usize,
    /// The byte and the line of the last place, so that lines are not counted from the start again.
    last: (usize, u32),
}

impl Diagnostics {
    pub fn new(file: &str) -> Self {
        Self { file: file.to_owned(), list: Vec::new(), left_out: 0, last: (0, 1) }
    }

    /// The name of the source.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The diagnostics in the order of their lines.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// How many errors there were beyond those that are kept.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// All diagnostics with their source lines, coloured or plain.
    pub fn render(&self, coloured: bool) -> String {
        let renderer = if coloured { Renderer::styled() } else { Renderer::plain() };
        let mut text = String::new();
        for diagnostic in &self.list {
            text.push_str(&renderer.render(&[self.group(diagnostic)]));
            text.push_str("\n\n");
        }
        if self.left_out > 0 {
            text.push_str(&format!("and {} more\n\n", self.left_out));
        }
        text.pop();
        text
    }

    pub fn whole_file(&mut self, message: String) {
        self.push(Diagnostic { severity: Severity::Error, message, help: None, place: None });
    }

    pub fn error(&mut self, source: &str, span: Span, message: String, help: Option<String>) {
        self.at(Severity::Error, source, span, message, help);
    }

    pub fn warning(&mut self, source: &str, span: Span, message: String) {
        self.at(Severity::Warning, source, span, message, None);
    }

    pub fn sort(&mut self) {
        self.list.sort_by_key(|diagnostic| {
            diagnostic.place.as_ref().map_or((0, 0), |place| (place.line, place.column))
        });
    }

    fn at(
        &mut self,
        severity: Severity,
        source: &str,
        span: Span,
        message: String,
        help: Option<String>,
    ) {
        if self.list.len() >= MAX_KEPT {
            self.left_out += 1;
            return;
        }
        let place = Some(self.locate(source, &span));
        self.push(Diagnostic { severity, message, help, place });
    }

    /// The line and column of a span, with the text around it.
    fn locate(&mut self, source: &str, span: &Span) -> Place {
        let start = floor(source, span.start as usize);
        let end = floor(source, span.end as usize).max(start);
        let before = source.get(..start).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let rest = source.get(start..).unwrap_or("");
        let line_end = start + rest.find('\n').unwrap_or(rest.len());
        let column = source.get(line_start..start).unwrap_or("").chars().count() as u32 + 1;
        let (from, lines) = if self.last.0 <= start { self.last } else { (0, 1) };
        let between = source.get(from..start).unwrap_or("").bytes();
        let line = lines + between.filter(|byte| *byte == b'\n').count() as u32;
        self.last = (start, line);

        let shown_start = floor(source, line_start.max(start.saturating_sub(SHOWN)));
        let shown_end = floor(source, line_end.min(start + SHOWN));
        let text =
            source.get(shown_start..shown_end).unwrap_or("").trim_end_matches('\r').to_owned();
        let length = text.len();
        let marked = (start - shown_start).min(length)..(end - shown_start).min(length);
        Place { line, column, text, marked }
    }

    fn push(&mut self, mut diagnostic: Diagnostic) {
        // It quotes the source, in which a word may go on for millions of bytes.
        if diagnostic.message.len() > MAX_MESSAGE {
            diagnostic.message.truncate(floor(&diagnostic.message, MAX_MESSAGE));
            diagnostic.message.push('…');
        }
        self.list.push(diagnostic);
    }

    fn group<'d>(&'d self, diagnostic: &'d Diagnostic) -> Group<'d> {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(&diagnostic.message);
        let mut group = match &diagnostic.place {
            None => Group::with_title(title),
            Some(place) => title.element(
                Snippet::source(&place.text)
                    .line_start(place.line as usize)
                    .path(&self.file)
                    .annotation(AnnotationKind::Primary.span(place.marked.clone())),
            ),
        };
        if let Some(help) = &diagnostic.help {
            group = group.element(Level::HELP.message(help));
        }
        group
    }
}

/// One line a diagnostic: `file:line:column: error: message`.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, diagnostic) in self.list.iter().enumerate() {
            if position > 0 {
                writeln!(f)?;
            }
            write!(f, "{}:", self.file)?;
            if let Some(place) = &diagnostic.place {
                write!(f, "{}:{}:", place.line, place.column)?;
            }
            let severity = match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            write!(f, " {severity}: {}", diagnostic.message)?;
            if let Some(help) = &diagnostic.help {
                write!(f, "; {help}")?;
            }
        }
        if self.left_out > 0 {
            write!(f, "\nand {} more", self.left_out)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}
