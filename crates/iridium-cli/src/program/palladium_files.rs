//! The Palladium files that a command is to look at: files by name, and all those in folders.

use std::path::PathBuf;

use palladium_lsp::sources::in_folder;

use crate::failure::Failure;
use crate::io_error;
use crate::path_text::shown;

/// The files, in the order of their names; `-` and files that are named stay as they are.
pub(crate) fn palladium_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let found = in_folder(path, usize::MAX);
        if let Some((folder, error)) = found.unread.first() {
            let why = io_error::describe(error);
            return Err(Failure::failed(format!("cannot read {}: {why}", shown(folder))));
        }
        if found.files.is_empty() {
            return Err(Failure::failed(format!("there is no .pd file in {}", shown(path))));
        }
        files.extend(found.files);
    }
    Ok(files)
}
