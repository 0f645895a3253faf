//! What a terminal or a pipe gives when a line is read from it.

/// How many lines are remembered.
pub(super) const HISTORY: usize = 1000;

/// What reading a line came to.
pub(super) enum Input {
    Line(String),
    End,
    Failed(String),
}
