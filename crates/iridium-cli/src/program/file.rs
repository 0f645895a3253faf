//! Files that are read and written as a whole.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use iridium_asm::MAX_SOURCE;
use iridium_isa::MAGIC;

use crate::failure::Failure;
use crate::io_error;

/// What a saved program begins with.
pub(super) const SAVED_MAGIC: [u8; 4] = *b"IRST";
/// The largest file that is read: room for the largest module with its names and line table.
const MAX_FILE: usize = 1 << 30;

/// A path as messages name it.
pub(crate) fn display_name(path: &Path) -> String {
    if is_stdin(path) { "stdin".into() } else { path.display().to_string() }
}

/// Whether the path stands for stdin.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Reads a file: a source, a module or a saved program.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let name = display_name(path);
    let fail = |error: io::Error| {
        Failure::failed(format!("cannot read {name}: {}", io_error::describe(&error)))
    };
    let mut file: Box<dyn Read> = if is_stdin(path) {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(fail)?)
    };
    let mut bytes = Vec::new();
    file.by_ref().take(4).read_to_end(&mut bytes).map_err(fail)?;
    let source = bytes != MAGIC && bytes != SAVED_MAGIC;
    let most = if source { MAX_SOURCE } else { MAX_FILE };
    let rest = most + 1 - bytes.len();
    file.take(rest as u64).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() > most {
        return Err(Failure::failed(format!(
            "{name} is too large: at most {} MiB are read",
            most >> 20
        )));
    }
    Ok(bytes)
}

/// Checks that a file can be written, so that nobody computes for hours and cannot save the
/// result.
pub(crate) fn check_writable(path: &Path) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let shown = path.display();
    match folder {
        _ if path.is_dir() => {
            Err(Failure::failed(format!("cannot write {shown}: it is a directory")))
        }
        Some(folder) if !folder.is_dir() => Err(Failure::failed(format!(
            "cannot write {shown}: there is no folder {}",
            folder.display()
        ))),
        _ => Ok(()),
    }
}

/// Writes a file. An earlier one of that name is replaced only when the new one is complete.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    check_writable(path)?;
    let fail = |error: io::Error| {
        Failure::failed(format!("cannot write {}: {}", path.display(), io_error::describe(&error)))
    };
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        // A pipe or a device, which cannot be replaced.
        return fs::write(path, bytes).map_err(fail);
    }
    let draft = draft(path);
    let written = fs::write(&draft, bytes).and_then(|()| fs::rename(&draft, path));
    written.map_err(|error| {
        // If the draft was not even created, there is nothing to remove.
        let _ = fs::remove_file(&draft);
        fail(error)
    })
}

/// The name of the file while it is being written; no other process uses it.
fn draft(path: &Path) -> PathBuf {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.tmp", std::process::id()));
    draft.into()
}
