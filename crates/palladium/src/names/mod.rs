//! Names: the files of a program, what they declare, and what a name in them stands for.

pub(crate) mod actors;
mod check;
mod files;
pub(crate) mod library;
mod loader;
pub(crate) mod lookup;
pub(crate) mod meaning;
pub(crate) mod offers;
pub(crate) mod resolve;
mod source_file;
mod uses;
pub(crate) mod world;

pub use check::{Checked, check};
pub(crate) use files::Typed;
pub(crate) use library::importable as library_modules;
pub use loader::{LoadError, Loaded, Loader};
pub use source_file::SourceFile;
pub(crate) use uses::Uses;
