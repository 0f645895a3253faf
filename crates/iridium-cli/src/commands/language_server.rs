//! `iridium lsp`: what editors ask of Palladium, over stdin and stdout.

use std::io::{BufReader, stdin, stdout};
use std::path::PathBuf;

use crate::failure::Failure;

/// Serves an editor until that says `exit`.
pub(crate) fn run() -> Result<(), Failure> {
    palladium_lsp::serve(BufReader::new(stdin()), stdout(), library())
        .map_err(|error| Failure::failed(error.to_string()))
}

/// The folder in which editors are shown files of the standard library: of the user's caches.
fn library() -> Option<PathBuf> {
    let absolute =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(caches.join("iridium").join("std"))
}
