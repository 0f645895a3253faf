//! One thing that is wrong with a source text, and where.

use std::fmt;
use std::sync::Arc;

use super::escape;
use super::lines::{FileId, Location};
use super::sources::{Excerpt, Sources};

/// Bytes of a message, an annotation, a help or a note.
const MAX_TEXT: usize = 200;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// No module is made.
    Error,
    /// Probably a mistake.
    Warning,
}

/// One thing to say about source texts.
///
/// It keeps the lines that it shows, so it outlives the texts. What it says quotes the source, in
/// which a word may go on for millions of bytes and hold any character: it is cut to 200 bytes, and
/// hidden characters are [escaped](escape::escape).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    severity: Severity,
    message: String,
    /// The file that it is about, when it points to no place.
    file: Option<Arc<str>>,
    annotations: Vec<Annotation>,
    attachments: Vec<Attachment>,
}

/// A place that a diagnostic points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// Where.
    pub excerpt: Excerpt,
    /// What is to be seen there; may be empty.
    pub text: String,
    /// Whether this is what is wrong. The others only help to understand that.
    pub primary: bool,
}

/// Text below a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attachment {
    /// What to do about it.
    Help(String),
    /// What else there is to know.
    Note(String),
}

impl Diagnostic {
    /// Something for which no module can be made, said in one line.
    #[must_use]
    pub fn error(message: impl Into<String>) -> Self {
        Self::new(Severity::Error, message.into())
    }

    /// Something that is probably a mistake, said in one line.
    #[must_use]
    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, message.into())
    }

    /// Says that it is about a whole file, for one that points to no place.
    #[must_use]
    pub fn in_file(mut self, sources: &Sources<'_>, file: FileId) -> Self {
        self.file = sources.shared_name(file).cloned();
        self
    }

    /// Points to what is wrong. The first of these is the place of the diagnostic.
    #[must_use]
    pub fn primary(mut self, excerpt: Excerpt, text: impl Into<String>) -> Self {
        self.annotations.push(Annotation { excerpt, text: cut(text.into()), primary: true });
        self
    }

    /// Points to something that helps to understand it.
    #[must_use]
    pub fn secondary(mut self, excerpt: Excerpt, text: impl Into<String>) -> Self {
        self.annotations.push(Annotation { excerpt, text: cut(text.into()), primary: false });
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.attachments.push(Attachment::Help(cut(text.into())));
        self
    }

    /// Says what else there is to know.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.attachments.push(Attachment::Note(cut(text.into())));
        self
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// What is wrong, in one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where it is; `None` when it concerns a whole file, or none.
    pub fn location(&self) -> Option<Location> {
        self.place().map(|excerpt| excerpt.location)
    }

    /// The places that it points to, in the order in which they were added.
    pub fn annotations(&self) -> &[Annotation] {
        &self.annotations
    }

    /// Its help and notes, in the order in which they were added.
    pub fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    fn new(severity: Severity, message: String) -> Self {
        let (annotations, attachments) = (Vec::new(), Vec::new());
        Self { severity, message: cut(message), file: None, annotations, attachments }
    }

    /// The first primary place, or the first of all when none is primary.
    fn place(&self) -> Option<&Excerpt> {
        let primary = self.annotations.iter().find(|label| label.primary);
        primary.or(self.annotations.first()).map(|label| &label.excerpt)
    }
}

/// In one line: `file:line:column: error: message; help`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.place(), &self.file) {
            (Some(Excerpt { name, location, .. }), _) => {
                write!(f, "{name}:{}:{}: ", location.line, location.column)?;
            }
            (None, Some(name)) => write!(f, "{name}: ")?,
            (None, None) => {}
        }
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}: {}", self.message)?;
        self.attachments.iter().try_for_each(|attachment| match attachment {
            Attachment::Help(text) | Attachment::Note(text) => write!(f, "; {text}"),
        })
    }
}

fn cut(text: String) -> String {
    escape::excerpt(&text, MAX_TEXT).into_owned()
}
