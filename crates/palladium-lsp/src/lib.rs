//! A language server for Palladium: what an editor asks over its standard input and output, in the
//! Language Server Protocol.
//!
//! One thread answers, in the order in which requests come. Between two of them it takes all that
//! has come, so that a request that was cancelled meanwhile is not worked on. A program that has changed
//! is read when something is asked of it, and of what it declares that is checked which the answer
//! needs. The rest is checked in small parts while nobody asks.

mod answers;
mod diagnostics;
mod documents;
mod error;
mod files;
mod library;
mod position;
mod programs;
mod protocol;
mod rename;
mod server;
pub mod sources;
mod uri;
mod wire;

use std::io::{BufRead, Write};
use std::path::PathBuf;

pub use error::Error;
use library::Library;
use server::Server;
use wire::Wire;

/// Serves an editor until that says `exit`. Files of the standard library are written to the folder
/// `library` when they are to be shown; without one they are not.
///
/// # Errors
/// When it ends otherwise.
pub fn serve<R, W>(input: R, output: W, library: Option<PathBuf>) -> Result<(), Error>
where
    R: BufRead + Send + 'static,
    W: Write + Send + 'static,
{
    let wire = Wire::open(input, output)?;
    let mut server = Server::new(wire.outgoing.clone(), Library::new(library));
    let end = server.run(&wire.incoming);
    drop(server);
    match (end, wire.close()) {
        (Ok(()), written) => Ok(written?),
        (Err(error), _) => Err(error),
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
