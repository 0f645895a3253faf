//! A diagnostic with the source lines that they point to.

use annotate_snippets::{Annotation as Marked, AnnotationKind, Group, Level, Renderer, Snippet};

use super::diagnostic::{Annotation, Attachment, Diagnostic, Severity};
use super::sources::Excerpt;

/// A diagnostic in several lines.
pub(crate) fn render(diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    renderer.render(&[group(diagnostic)])
}

fn group(diagnostic: &Diagnostic) -> Group<'_> {
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(diagnostic.message()));
    for line in lines(diagnostic) {
        group = group.element(snippet(&line));
    }
    for attachment in diagnostic.attachments() {
        group = group.element(match attachment {
            Attachment::Help(text) => Level::HELP.message(text),
            Attachment::Note(text) => Level::NOTE.message(text),
        });
    }
    group
}

/// The annotations of each line that is shown, with the line of the diagnostic's place first.
fn lines(diagnostic: &Diagnostic) -> Vec<Vec<&Annotation>> {
    let mut lines: Vec<Vec<&Annotation>> = Vec::new();
    for annotation in diagnostic.annotations() {
        let shown =
            |line: &&mut Vec<&Annotation>| line.iter().any(|other| is_same_line(other, annotation));
        match lines.iter_mut().find(shown) {
            Some(line) => line.push(annotation),
            None => lines.push(vec![annotation]),
        }
    }
    lines.sort_by_key(|line| !line.iter().any(|annotation| annotation.primary));
    lines
}

/// Whether two annotations show the same text, which of a long line may be two parts.
fn is_same_line(one: &Annotation, other: &Annotation) -> bool {
    let key = |Excerpt { location, text, .. }: &Excerpt| (location.file, location.line, text.len());
    key(&one.excerpt) == key(&other.excerpt) && one.excerpt.text == other.excerpt.text
}

fn snippet<'d>(annotations: &[&'d Annotation]) -> Snippet<'d, Marked<'d>> {
    let first = annotations.first().map(|annotation| &annotation.excerpt);
    let text = first.map_or("", |excerpt| &excerpt.text);
    let mut snippet = Snippet::source(text);
    if let Some(excerpt) = first {
        snippet = snippet.line_start(excerpt.location.line as usize).path(&*excerpt.name);
    }
    snippet.annotations(annotations.iter().map(|annotation| marked(annotation)))
}

fn marked(annotation: &Annotation) -> Marked<'_> {
    let kind = if annotation.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
    let text = (!annotation.text.is_empty()).then_some(annotation.text.as_str());
    kind.span(annotation.excerpt.marked.clone()).label(text)
}
