//! Sources on disk: which there are in a folder, and how one is read. Everybody who looks for programs
//! does so in this way.

use std::fs::{self, DirEntry, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use palladium::names::LoadError;

/// The largest source that is read, in bytes.
const MAX_FILE: u64 = 16 << 20;
/// Folders in folders that are looked into.
const MAX_DEPTH: usize = 32;

/// What was found in a folder.
#[derive(Debug, Default)]
pub struct Found {
    /// The sources in it and in the folders in it, in the order of their names.
    pub files: Vec<PathBuf>,
    /// The folders that could not be looked into, and why.
    pub unread: Vec<(PathBuf, io::Error)>,
}

/// The sources in a folder, of which at most so many are wanted. Folders whose names begin with a dot
/// are left out.
pub fn in_folder(folder: &Path, most: usize) -> Found {
    let mut found = Found::default();
    collect(folder, 0, most, &mut found);
    found
}

fn collect(folder: &Path, depth: usize, most: usize, found: &mut Found) {
    let entries = match depth {
        MAX_DEPTH.. => Err(io::Error::other("it is too many folders deep")),
        _ => fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<DirEntry>>>),
    };
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => return found.unread.push((folder.to_owned(), error)),
    };
    entries.sort_by_key(DirEntry::file_name);
    for entry in entries {
        if found.files.len() == most {
            return;
        }
        // A symbolic link to a folder is not followed: it may lead back.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let path = entry.path();
        if is_folder && !entry.file_name().to_string_lossy().starts_with('.') {
            collect(&path, depth + 1, most, found);
        } else if !is_folder && path.extension().is_some_and(|ending| ending == "pd") {
            found.files.push(path);
        }
    }
}

/// The text of a source, without the byte order mark that some editors put before it.
///
/// # Errors
/// When there is none, or it cannot be read: why, in words.
pub fn read(path: &Path) -> Result<Arc<str>, LoadError> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => LoadError::NotFound,
        kind => LoadError::Unreadable(kind.to_string()),
    };
    let no_file = |what: &str| LoadError::Unreadable(format!("it is {what}"));
    // What is no file is not opened: that could wait for somebody who writes.
    let kind = fs::metadata(path).map_err(unreadable)?.file_type();
    if !kind.is_file() {
        return Err(no_file(if kind.is_dir() { "a directory" } else { "no regular file" }));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(no_file("larger than 16 MiB"));
    }
    let text = String::from_utf8(bytes).map_err(|_| no_file("no UTF-8 text"))?;
    Ok(text.trim_start_matches('\u{feff}').into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn sources_are_found_in_folders_and_told_in_the_order_of_names() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["b/c.pd", "b/notes.txt", "a.pd", ".git/d.pd", "z.pd"] {
            fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            fs::write(at(name), "").unwrap();
        }
        let found = in_folder(folder.path(), usize::MAX);
        assert_eq!(found.files, [at("a.pd"), at("b/c.pd"), at("z.pd")]);
        assert!(found.unread.is_empty());
        assert_eq!(in_folder(folder.path(), 2).files, [at("a.pd"), at("b/c.pd")]);
        let missing = in_folder(&at("missing"), 1);
        assert_eq!(missing.unread[0].0, at("missing"));
    }

    #[test]
    fn what_is_no_source_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a.pd"), "\u{feff}fn main() {}").unwrap();
        fs::write(at("b.pd"), b"\xff").unwrap();
        assert_eq!(read(&at("a.pd")).as_deref(), Ok("fn main() {}"));
        assert_eq!(read(&at("missing.pd")), Err(LoadError::NotFound));
        let unreadable = |why: &str| Err(LoadError::Unreadable(why.into()));
        assert_eq!(read(&at("b.pd")), unreadable("it is no UTF-8 text"));
        assert_eq!(read(folder.path()), unreadable("it is a directory"));
    }
}
