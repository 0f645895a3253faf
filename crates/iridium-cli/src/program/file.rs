//! Files that are read and written as a whole.

use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};

use iridium_asm::MAX_SOURCE;
use iridium_isa::MAGIC;

use super::open::Opened;
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
    let opened = if is_dash(path) { Opened::stdin() } else { Opened::to_read(path) };
    let mut file = opened.map_err(fail)?;
    let mut bytes = Vec::new();
    Read::by_ref(&mut file).take(4).read_to_end(&mut bytes).map_err(fail)?;
    let source = bytes != MAGIC && bytes != SAVED_MAGIC;
    let most = if source { MAX_SOURCE } else { MAX_FILE };
    let length = file.length().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if length.is_none_or(|length| length <= most) {
        bytes.reserve_exact(length.unwrap_or_default());
        let rest = most + 1 - bytes.len();
        file.take(rest as u64).read_to_end(&mut bytes).map_err(fail)?;
    }
    if bytes.len().max(length.unwrap_or_default()) > most {
        return Err(Failure::failed(format!(
            "{name} is too large: at most {} MiB are read",
            most >> 20
        )));
    }
    Ok(bytes)
}

/// Reads a source.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    let text = String::from_utf8(read(path)?).ok().filter(|text| !text.contains('\0'));
    let name = display_name(path);
    text.map(|text| without_mark(&text).to_owned())
        .ok_or_else(|| Failure::failed(format!("{name} is no source, which is UTF-8 text")))
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
    write_with(path, |file| file.write_all(bytes))
}

/// As [`write`](fn@write), piece by piece.
pub(super) fn write_with(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    check_writable(path)?;
    let fail = |error: io::Error| {
        Failure::failed(format!("cannot write {}: {}", shown(path), io_error::describe(&error)))
    };
    let place = fs::canonicalize(path);
    let place = place.as_deref().unwrap_or(path);
    let earlier = fs::metadata(place).ok();
    if earlier.as_ref().is_some_and(|found| !found.is_file()) || is_dangling_link(place) {
        // A pipe or a device, which cannot be replaced, or nothing that could be lost.
        let open = if earlier.is_some() {
            Opened::to_write(place).map(|file| Box::new(file) as Box<dyn Write>)
        } else {
            File::create(place).map(|file| Box::new(file) as Box<dyn Write>)
        };
        return open.and_then(|file| write_all(file, content)).map_err(fail);
    }
    let draft = draft(place);
    // One of an earlier process with the same number is of no use to anybody.
    let _ = fs::remove_file(&draft);
    let written = fill(&draft, content, earlier.as_ref()).and_then(|()| fs::rename(&draft, place));
    written.map_err(|error| {
        // If the draft was not even created, there is nothing to remove.
        let _ = fs::remove_file(&draft);
        fail(error)
    })
}

/// Writes a file that is not there yet, to take the place of an earlier one.
fn fill(
    draft: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    earlier: Option<&Metadata>,
) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    if earlier.is_some() {
        // Nobody else may read it before it has its mode.
        options.mode(0o600);
    }
    let mut file = options.open(draft)?;
    write_all(&mut file, content)?;
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

fn write_all(
    file: impl Write,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = BufWriter::new(file);
    content(&mut file)?;
    file.flush()
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
