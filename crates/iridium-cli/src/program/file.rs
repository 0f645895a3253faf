//! Files that are read and written as a whole.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};

use iridium_asm::MAX_SOURCE;
use iridium_isa::MAGIC;

use crate::failure::Failure;
use crate::io_error;
use crate::path_text::{shell_word, shown};

/// What a saved program begins with.
pub(super) const SAVED_MAGIC: [u8; 4] = *b"IRST";
/// The largest file that is read: room for the largest module with its names and line table.
const MAX_FILE: usize = 1 << 30;

/// A path as messages name it.
pub(crate) fn display_name(path: &Path) -> String {
    if is_dash(path) { "stdin".into() } else { shown(path) }
}

/// A path as a word of a command of ours, for a person to copy.
pub(super) fn command_word(path: &Path) -> String {
    if is_dash(path) { "-".into() } else { shell_word(path) }
}

/// Whether the path stands for stdin, or for stdout where a file is written.
pub(crate) fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Reads a file: a source, a module or a saved program.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let name = display_name(path);
    let fail = |error: io::Error| {
        Failure::failed(format!("cannot read {name}: {}", io_error::describe(&error)))
    };
    let mut file: Box<dyn Read> = if is_dash(path) {
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

/// Checks that a file can be written.
pub(super) fn check_writable(path: &Path) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let fail = |why: &str| Err(Failure::failed(format!("cannot write {}: {why}", shown(path))));
    match folder {
        _ if path.is_dir() => fail("it is a directory"),
        Some(folder) if !folder.is_dir() => fail(&format!("there is no folder {}", shown(folder))),
        _ => Ok(()),
    }
}

/// Writes a file. An earlier one of that name is replaced only when the new one is complete and
/// on the disk; the new one has its mode, and its owner if the system allows that. The file that
/// a symbolic link names is replaced, not the link.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    check_writable(path)?;
    let fail = |error: io::Error| {
        Failure::failed(format!("cannot write {}: {}", shown(path), io_error::describe(&error)))
    };
    let place = fs::canonicalize(path);
    let place = place.as_deref().unwrap_or(path);
    let earlier = fs::metadata(place).ok();
    if earlier.as_ref().is_some_and(|found| !found.is_file()) || is_dangling_link(place) {
        // A pipe or a device, which cannot be replaced, or nothing that could be lost.
        return fs::write(place, bytes).map_err(fail);
    }
    let draft = draft(place);
    // One of an earlier process with the same number is of no use to anybody.
    let _ = fs::remove_file(&draft);
    let written = fill(&draft, bytes, earlier.as_ref()).and_then(|()| fs::rename(&draft, place));
    written.map_err(|error| {
        // If the draft was not even created, there is nothing to remove.
        let _ = fs::remove_file(&draft);
        fail(error)
    })
}

/// Writes a file that is not there yet, to take the place of an earlier one.
fn fill(draft: &Path, bytes: &[u8], earlier: Option<&Metadata>) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    if earlier.is_some() {
        // Nobody else may read it before it has its mode.
        options.mode(0o600);
    }
    let mut file = options.open(draft)?;
    file.write_all(bytes)?;
    if let Some(earlier) = earlier {
        let made = file.metadata()?;
        if (made.uid(), made.gid()) != (earlier.uid(), earlier.gid()) {
            // Only the superuser can give a file away; for others it is theirs from now on.
            let _ = fchown(&file, Some(earlier.uid()), Some(earlier.gid()));
        }
        file.set_permissions(earlier.permissions())?;
    }
    file.sync_all()
}

fn is_dangling_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
}

/// The name of the file while it is being written, in the same folder; no other process uses it.
/// It does not contain the name of the file, which may be as long as names can be.
fn draft(path: &Path) -> PathBuf {
    path.with_file_name(format!(".iridium.{}.tmp", std::process::id()))
}

/// A text without the byte order mark that some editors put before it.
pub(crate) fn without_mark(text: &str) -> &str {
    text.trim_start_matches('\u{feff}')
}
