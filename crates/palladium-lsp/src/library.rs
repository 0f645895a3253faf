//! The files of the standard library, written to a folder so that an editor can show them.

use std::fs;
use std::path::{Path, PathBuf};

/// Where the files of the library are shown.
#[derive(Debug)]
pub(crate) struct Library {
    /// `None`: they are not shown.
    folder: Option<PathBuf>,
}

impl Library {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// The file of a module, which has this text; `None` when it cannot be written.
    pub(crate) fn file(&self, module: &str, text: &str) -> Option<PathBuf> {
        let folder = self.folder.as_ref()?;
        let path = folder.join(format!("{module}.pd"));
        if fs::read(&path).is_ok_and(|there| there == text.as_bytes()) {
            return Some(path);
        }
        fs::create_dir_all(folder).ok()?;
        fs::write(&path, text).ok()?;
        Some(path)
    }

    /// The module that a file of the folder shows.
    pub(crate) fn module(&self, path: &Path) -> Option<String> {
        let is_there = path.parent() == self.folder.as_deref();
        let stem = path.file_stem().filter(|_| is_there)?;
        Some(stem.to_string_lossy().into_owned())
    }
}
