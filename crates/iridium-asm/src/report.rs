//! What there is to say about the source that is being assembled.

use iridium_isa::suggest::nearest;
use iridium_isa::{Diagnostic, Diagnostics, FileId, Severity, Sources, Span};

/// Names for which a nearest one is looked for, which takes a while in a source with many labels.
const SUGGESTIONS: usize = 10;

/// The diagnostics of one source.
pub(super) struct Report<'s> {
    sources: Sources<'s>,
    file: FileId,
    diagnostics: Diagnostics,
    suggestions: usize,
}

impl<'s> Report<'s> {
    /// Nothing to say as yet about a source of this name.
    pub(super) fn new(name: &str, source: &'s str) -> Self {
        let mut sources = Sources::new();
        let file = sources.add(name, source);
        Self { sources, file, diagnostics: Diagnostics::new(), suggestions: 0 }
    }

    pub(super) fn error(&mut self, span: Span, message: impl Into<String>, help: Option<String>) {
        let Self { sources, file, diagnostics, .. } = self;
        diagnostics.push_with(Severity::Error, || {
            let error = Diagnostic::error(message).primary(sources.excerpt(*file, span), "");
            match help {
                Some(help) => error.help(help),
                None => error,
            }
        });
    }

    /// The question whether something else was meant, for the first few of such errors.
    pub(super) fn did_you_mean<'c, C: Iterator<Item = &'c str>>(
        &mut self,
        name: &str,
        candidates: impl FnOnce() -> C,
    ) -> Option<String> {
        self.suggestions += 1;
        if self.suggestions > SUGGESTIONS {
            return None;
        }
        nearest(name, candidates()).map(|name| format!("did you mean `{name}`?"))
    }

    pub(super) fn warning(&mut self, span: Span, message: impl Into<String>) {
        let Self { sources, file, diagnostics, .. } = self;
        diagnostics.push_with(Severity::Warning, || {
            Diagnostic::warning(message).primary(sources.excerpt(*file, span), "")
        });
    }

    /// An error that has no place.
    pub(super) fn whole_file(&mut self, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(message).in_file(&self.sources, self.file));
    }

    pub(super) fn has_errors(&self) -> bool {
        self.diagnostics.has_errors()
    }

    /// All that was said, in the order of its lines.
    pub(super) fn finish(mut self) -> Diagnostics {
        self.diagnostics.sort();
        self.diagnostics
    }
}
