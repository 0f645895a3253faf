//! The rows of a decision over patterns.

use super::value::Source;
use crate::core::{LocalId, Pattern, PatternKind, Type};
use crate::mir::Reg;

/// The way to a part of a value: variants and positions.
pub(super) type Path = Vec<u32>;

/// A part of a value, and the pattern that it is to fit.
#[derive(Debug, Clone)]
pub(super) struct Test<'a> {
    pub(super) path: Path,
    pub(super) source: Source,
    pub(super) ty: Type,
    pub(super) pattern: &'a Pattern,
}

impl Test<'_> {
    /// The way to a part of the part.
    pub(super) fn below(&self, variant: u32, index: usize) -> Path {
        [self.path.as_slice(), &[variant, index as u32]].concat()
    }
}

/// An arm, with the tests that are still open.
#[derive(Debug, Clone)]
pub(super) struct Row<'a> {
    pub(super) arm: usize,
    pub(super) tests: Vec<Test<'a>>,
    pub(super) binds: Vec<(LocalId, Source, Type)>,
}

impl<'a> Row<'a> {
    pub(super) fn new(arm: usize) -> Self {
        Self { arm, tests: Vec::new(), binds: Vec::new() }
    }

    pub(super) fn has(&self, path: &[u32]) -> bool {
        self.tests.iter().any(|test| test.path == path)
    }

    /// What it wants of a part.
    pub(super) fn pattern(&self, path: &[u32]) -> Option<&'a PatternKind> {
        self.tests.iter().find(|test| test.path == path).map(|test| &test.pattern.kind)
    }

    /// Itself without the test of a part, and what that was.
    pub(super) fn without(&self, path: &[u32]) -> (Self, Option<&'a Pattern>) {
        let mut row = self.clone();
        let at = row.tests.iter().position(|test| test.path == path);
        let pattern = at.map(|at| row.tests.remove(at).pattern);
        (row, pattern)
    }

    /// A part was read.
    pub(super) fn set_source(&mut self, path: &[u32], value: &[Reg]) {
        for test in self.tests.iter_mut().filter(|test| test.path == path) {
            test.source = Source::Regs(value.to_vec());
        }
    }
}

/// What is known of a pattern when another was found to fit or not.
pub(super) enum Outcome {
    /// It fits, but for its elements.
    Certain,
    Impossible,
    Open,
}

/// What is known of `pattern` when it is known whether `tested` fits the same part.
pub(super) fn outcome(tested: &PatternKind, pattern: &PatternKind, fits: bool) -> Outcome {
    if let (PatternKind::List { .. }, PatternKind::List { .. }) = (tested, pattern) {
        return outcome_of_lengths(tested, pattern, fits);
    }
    match (is_inside(tested, pattern), is_inside(pattern, tested), fits) {
        (true, _, true) => Outcome::Certain,
        (_, true, false) => Outcome::Impossible,
        (false, false, true) if are_apart(tested, pattern) => Outcome::Impossible,
        _ => Outcome::Open,
    }
}

/// Whether all that fits the first fits the second.
fn is_inside(inner: &PatternKind, outer: &PatternKind) -> bool {
    match (inner, outer) {
        (PatternKind::IntRange(a, b), PatternKind::IntRange(from, to)) => from <= a && b <= to,
        (PatternKind::Int(n), PatternKind::IntRange(from, to)) => (from..=to).contains(&n),
        (PatternKind::String(a), PatternKind::String(b)) => a == b,
        (PatternKind::Bytes(a), PatternKind::Bytes(b)) => a == b,
        (PatternKind::Float(a), PatternKind::Float(b)) => a == b,
        (
            PatternKind::FloatRange { start: a, end: b, inclusive: c },
            PatternKind::FloatRange { start, end, inclusive },
        ) => a == start && b == end && c == inclusive,
        _ => false,
    }
}

/// Whether nothing fits both.
fn are_apart(a: &PatternKind, b: &PatternKind) -> bool {
    match (a, b) {
        (PatternKind::IntRange(a, b), PatternKind::IntRange(from, to)) => b < from || to < a,
        (PatternKind::IntRange(from, to), PatternKind::Int(n)) => !(from..=to).contains(&n),
        (PatternKind::FloatRange { .. }, _) | (_, PatternKind::FloatRange { .. }) => false,
        (PatternKind::IntRange(..), _) | (_, PatternKind::IntRange(..)) => false,
        _ => true,
    }
}

fn outcome_of_lengths(tested: &PatternKind, pattern: &PatternKind, fits: bool) -> Outcome {
    let (
        PatternKind::List { patterns: known, open: at_least },
        PatternKind::List { patterns, open },
    ) = (tested, pattern)
    else {
        return Outcome::Open;
    };
    let (known, wanted) = (known.len(), patterns.len());
    match (fits, *at_least, *open) {
        (true, false, true) if wanted <= known => Outcome::Certain,
        (true, false, false) if wanted == known => Outcome::Certain,
        (true, false, _) => Outcome::Impossible,
        (true, true, true) if wanted <= known => Outcome::Certain,
        (true, true, false) if wanted < known => Outcome::Impossible,
        (false, false, false) if wanted == known => Outcome::Impossible,
        (false, true, _) if wanted >= known => Outcome::Impossible,
        _ => Outcome::Open,
    }
}
