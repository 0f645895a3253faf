//! How the texts of a program's files are found. The compiler does no I/O of its own.

use std::sync::Arc;

/// Finds the files of a program.
pub trait Loader {
    /// The file at a path relative to the folder of the root file, such as `web/routes.pd`.
    ///
    /// # Errors
    ///
    /// When there is no such file, or it cannot be read.
    fn load(&mut self, path: &str) -> Result<Loaded, LoadError>;
}

/// A file that was found.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What diagnostics call it.
    pub name: Arc<str>,
    /// What it contains.
    pub text: Arc<str>,
}

/// Why a file was not found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// There is none at this path.
    #[error("there is no such file")]
    NotFound,
    /// In words, such as "it is a directory".
    #[error("{0}")]
    Unreadable(String),
}
