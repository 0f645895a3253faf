//! `iridium lsp`: what editors ask of Palladium, over stdin and stdout.

use std::io::{BufReader, stdin, stdout};

use iridium_net::cache_dir;

use crate::failure::Failure;

/// Serves an editor until that says `exit`. It is shown files of the standard library in the folder of
/// the user's caches.
pub(crate) fn run() -> Result<(), Failure> {
    let library = cache_dir().map(|caches| caches.join("std"));
    palladium_lsp::serve(BufReader::new(stdin()), stdout(), library)
        .map_err(|error| Failure::failed(error.to_string()))
}
