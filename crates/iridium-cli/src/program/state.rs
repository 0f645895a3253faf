//! Processes in files, and files that are there as a whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use iridium_vm::{Module, Process, Program};

use super::load::{name, read, reason};
use super::prepare;
use crate::failure::Failure;

/// What a saved process begins with.
pub(super) const MAGIC: [u8; 4] = *b"IRPS";

/// Writes a process with its module.
pub(crate) fn save(path: &Path, process: &Process, module: &Module) -> Result<(), Failure> {
    write(path, &process.save(Some(module)))
}

/// Reads a process with its program.
pub(crate) fn restore(path: &Path) -> Result<(Process, Program), Failure> {
    let bytes = read(path)?;
    let name = name(path);
    if bytes.starts_with(&iridium_vm::module::MAGIC) {
        return Err(Failure::failed(format!(
            "{name} is a module, not a saved process; it starts with: iridium run {name}"
        )));
    }
    let (process, module) =
        Process::restore(&bytes).map_err(|error| Failure::failed(format!("{name}: {error}")))?;
    let module = module.ok_or_else(|| {
        Failure::failed(format!("{name}: the process was saved without its module"))
    })?;
    Ok((process, prepare(module)?))
}

/// Writes a file, so that an earlier one of that name stays whole until the new
/// one is.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let fail = |error: io::Error| {
        Failure::failed(format!("cannot write {}: {}", path.display(), reason(&error)))
    };
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        // A pipe or a device; there is nothing to keep whole.
        return fs::write(path, bytes).map_err(fail);
    }
    let draft = draft(path);
    let written = fs::write(&draft, bytes).and_then(|()| fs::rename(&draft, path));
    written.map_err(|error| {
        // What is left of it is of no use; that it may not be there is fine.
        let _ = fs::remove_file(&draft);
        fail(error)
    })
}

/// A name beside the file that nobody else uses.
fn draft(path: &Path) -> PathBuf {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.tmp", std::process::id()));
    draft.into()
}
