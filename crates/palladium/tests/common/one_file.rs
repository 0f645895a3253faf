//! A program of one file.

use palladium::names::{LoadError, Loaded, Loader};

/// The name of the file, and its text.
pub(crate) struct OneFile<'s>(pub(crate) &'s str, pub(crate) &'s str);

impl Loader for OneFile<'_> {
    fn load(&mut self, path: &str) -> Result<Loaded, LoadError> {
        let found = (path == self.0).then(|| Loaded { name: path.into(), text: self.1.into() });
        found.ok_or(LoadError::NotFound)
    }
}
