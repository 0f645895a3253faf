//! Why the server ends otherwise than it was asked to.

/// Why the server has ended without having been asked to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing can be read from it, or written to it, any more.
    #[error("the editor has gone without saying so")]
    Gone,
    /// `exit` came before `shutdown`.
    #[error("the editor said exit before shutdown")]
    EarlyExit,
    /// It is unknown where the next message begins.
    #[error("what the editor sends cannot be read: {0}")]
    Broken(String),
    /// The system does not let it work.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// This is a mistake of the server.
    #[error("a mistake of the server: {0}")]
    Internal(String),
}
