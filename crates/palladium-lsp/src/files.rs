//! The files of programs: as they are in the editor, or else on disk.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use palladium::names::{LoadError, Loaded, Loader};

use crate::documents::Documents;

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 16 << 20;
/// Folders in folders that are looked into.
const MAX_DEPTH: usize = 16;
/// Files that are looked into for the places of a name.
const MAX_FILES: usize = 2000;

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
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => LoadError::NotFound,
        _ => LoadError::Unreadable(error.to_string()),
    };
    let file = fs::File::open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(LoadError::Unreadable("it is no file".into()));
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(LoadError::Unreadable("it is larger than 16 MiB".into()));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| LoadError::Unreadable("it is no UTF-8 text".into()))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).into())
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

/// The sources in a folder and those in it, in the order of their names.
pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(folder, 0, &mut found);
    found
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        // A symbolic link to a folder is not followed: it may lead back.
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if kind.is_dir() && !hidden && depth < MAX_DEPTH {
            collect(&path, depth + 1, found);
        } else if !kind.is_dir()
            && found.len() < MAX_FILES
            && path.extension().is_some_and(|ending| ending == "pd")
        {
            found.push(path);
        }
    }
}
