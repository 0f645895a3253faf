//! The files of programs: as they are in the editor, or else on disk.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use palladium::names::{LoadError, Loaded, Loader};

use crate::documents::Documents;
use crate::sources;

/// Finds the files of a program whose first one is in a folder.
pub(crate) struct Folder<'d> {
    pub(crate) folder: PathBuf,
    pub(crate) documents: &'d Documents,
    /// Texts in the place of what is in documents and on disk.
    pub(crate) instead: Option<&'d BTreeMap<PathBuf, Arc<str>>>,
}

impl Loader for Folder<'_> {
    fn load(&mut self, path: &str) -> Result<Loaded, LoadError> {
        let path = plain(&self.folder.join(path));
        let instead = self.instead.and_then(|texts| texts.get(&path)).cloned();
        let text = match instead {
            Some(text) => text,
            None => read(&path, self.documents)?,
        };
        Ok(Loaded { name: path.to_string_lossy().into(), text })
    }
}

/// The text of a file.
pub(crate) fn read(path: &Path, documents: &Documents) -> Result<Arc<str>, LoadError> {
    if let Some(document) = documents.get(path) {
        return Ok(Arc::clone(&document.lines.text));
    }
    sources::read(path)
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts
}
