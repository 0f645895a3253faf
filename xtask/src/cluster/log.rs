//! What nodes have logged, as it is shown.

use std::fs;
use std::path::Path;

/// How much of a log is shown, in lines.
const TAIL: usize = 12;

/// The last lines of a log, under its name.
pub(crate) fn tail(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|error| error.to_string());
    let lines: Vec<_> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(TAIL)..];
    format!("--- {}\n{}", shown(path), last.join("\n"))
}

/// A path as one would type it from where one is.
pub(super) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}
