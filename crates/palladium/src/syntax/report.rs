//! The problems of one file while they are found.

use iridium_isa::{FileId, Span};

use crate::diag::{Place, Problem};

/// The most problems that are told of one file: nobody reads more of what is no program.
const MOST: usize = 1000;

/// What may be wrong with each part of a declaration that is written as elsewhere.
const FOLDED: &[&str] = &[
    "angle-brackets",
    "foreign-operator",
    "foreign-type",
    "foreign-word",
    "list-type",
    "missing-arrow",
    "missing-colon",
    "semicolon",
    "wrong-case",
];

pub(super) struct Report {
    pub(super) file: FileId,
    problems: Vec<Problem>,
}

impl Report {
    pub(super) fn new(file: FileId) -> Self {
        Self { file, problems: Vec::new() }
    }

    pub(super) fn place(&self, span: Span) -> Place {
        Place { file: self.file, span }
    }

    pub(super) fn push(&mut self, problem: Problem) {
        if self.problems.len() < MOST {
            self.problems.push(problem);
        }
    }

    /// Takes back what has been said, since something else has turned out to be wrong.
    pub(super) fn retract(&mut self, name: &str, start: u32) {
        self.problems
            .retain(|problem| problem.name != name || problem.primary.0.span.start != start);
    }

    /// Takes back what has been said within a span, if that is more than so much, and only of names
    /// and signs that are written in another way.
    pub(super) fn fold(&mut self, span: &Span, more_than: usize) -> bool {
        let within = |problem: &Problem| {
            let start = problem.primary.0.span.start;
            span.start <= start && start <= span.end
        };
        let told: Vec<&Problem> = self.problems.iter().filter(|problem| within(problem)).collect();
        let folds = told.len() > more_than && told.iter().all(|told| FOLDED.contains(&told.name));
        if folds {
            self.problems.retain(|problem| !within(problem));
        }
        folds
    }

    pub(super) fn last(&self) -> Option<&Problem> {
        self.problems.last()
    }

    /// Whether a string within this span is not closed.
    pub(super) fn has_unclosed_string(&self, span: Span) -> bool {
        let within = |problem: &&Problem| span.contains(&problem.primary.0.span.start);
        let strings = self.problems.iter().filter(|problem| problem.name == "unclosed-string");
        strings.rev().find(within).is_some()
    }

    /// All problems, in the order of their places.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| {
            let span = &problem.primary.0.span;
            (span.start, span.end)
        });
        self.problems
    }
}
