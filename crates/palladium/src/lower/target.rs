//! What a module is for.

/// What a program does when it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// Its `main`.
    Main,
    /// The test at this position of the program's.
    Test(usize),
    /// The test whose position is in `$0` when the process begins.
    Tests,
}
