//! The Palladium files that a command is to look at: files by name, and all those in folders.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::io_error;
use crate::path_text::shown;

/// Folders in folders that are looked into.
const MAX_DEPTH: usize = 32;

/// The files, in the order of their names; `-` and files that are named stay as they are.
pub(crate) fn palladium_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = files.len();
            collect(path, 0, &mut files)?;
            if files.len() == before {
                return Err(Failure::failed(format!("there is no .pd file in {}", shown(path))));
            }
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let fail = |error| {
        Failure::failed(format!("cannot read {}: {}", shown(folder), io_error::describe(&error)))
    };
    if depth > MAX_DEPTH {
        return Err(Failure::failed(format!("{} is too many folders deep", shown(folder))));
    }
    let entries: Result<Vec<_>, _> = fs::read_dir(folder).map_err(fail)?.collect();
    let mut entries = entries.map_err(fail)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        // A symbolic link to a folder is not followed: it may lead back.
        let kind = entry.file_type().map_err(fail)?;
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if kind.is_dir() && !hidden {
            collect(&path, depth + 1, files)?;
        } else if !kind.is_dir() && path.extension().is_some_and(|ending| ending == "pd") {
            files.push(path);
        }
    }
    Ok(())
}
