//! Files to modules: assembly source, or a module that is ready.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use iridium_asm::{Assembled, Assembler, MAX_SOURCE};
use iridium_isa::{Diagnostics, MAGIC, Module};

use super::state;
use crate::failure::Failure;
use crate::output;

/// The largest file that is read at all: code and data of the largest module
/// with its names and line table.
const MAX_FILE: usize = 1 << 30;

/// A module and what is to be said about its source.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) module: Module,
    /// `None` when it was no source.
    pub(crate) warnings: Option<Diagnostics>,
}

/// Reads a module, or assembles a source. `-` is stdin. What the file is says
/// its content; its name says only what a wrong file was meant to be.
pub(crate) fn load(path: &Path) -> Result<Loaded, Failure> {
    let name = name(path);
    let bytes = read(path)?;
    let is_module = path.extension().is_some_and(|extension| extension == "irb");
    if is_module || bytes.starts_with(&MAGIC) {
        let module = Module::from_bytes(&bytes)
            .map_err(|error| Failure::failed(format!("{name}: {error}")))?;
        return Ok(Loaded { module, warnings: None });
    }
    if bytes.starts_with(&state::MAGIC) {
        return Err(Failure::failed(format!(
            "{name} is a saved program; it goes on with: iridium resume {name}"
        )));
    }
    if path.extension().is_some_and(|extension| extension == "toml") {
        return Err(Failure::failed(format!(
            "{name} is an app file and no program; it runs with: iridium run --app {name}"
        )));
    }
    let source = String::from_utf8(bytes).ok().filter(|source| !source.contains('\0'));
    let Some(source) = source else {
        return Err(Failure::failed(format!(
            "{name} is neither an Iridium module nor assembly source, which is UTF-8 text"
        )));
    };
    let assembled = Assembler::new(&name).assemble(&source);
    let Assembled { module, warnings } = assembled.map_err(|errors| refused(&name, &errors))?;
    Ok(Loaded { module, warnings: Some(warnings) })
}

/// A path as it stands in messages.
pub(crate) fn name(path: &Path) -> String {
    if is_stdin(path) { "stdin".into() } else { path.display().to_string() }
}

/// Whether the path stands for stdin.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Reads all of a file that can be a source, a module or a saved program.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let name = name(path);
    let fail =
        |error: io::Error| Failure::failed(format!("cannot read {name}: {}", reason(&error)));
    let mut file: Box<dyn Read> = if is_stdin(path) {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(fail)?)
    };
    let mut bytes = Vec::new();
    file.by_ref().take(4).read_to_end(&mut bytes).map_err(fail)?;
    let source = bytes != MAGIC && bytes != state::MAGIC;
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

/// What went wrong with a file or an address, without the number that the system gives it.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".into(),
        io::ErrorKind::IsADirectory => "it is a directory".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::NotADirectory => "a part of its path is a file, no directory".into(),
        io::ErrorKind::StorageFull => "there is no space left".into(),
        _ => {
            let text = error.to_string();
            let told = error.raw_os_error().and_then(|code| {
                text.strip_suffix(&format!(" (os error {code})")).map(str::to_lowercase)
            });
            told.unwrap_or(text)
        }
    }
}

fn refused(name: &str, errors: &Diagnostics) -> Failure {
    let kept = errors.iter().count();
    let count = match kept + errors.left_out() {
        1 => "1 error".into(),
        count => format!("{count} errors"),
    };
    // What concerns the whole file is said in one line.
    let whole = errors.iter().find(|error| error.location().is_none());
    match whole {
        Some(error) if kept == 1 => Failure::failed(format!("{name}: {}", error.message())),
        _ => Failure::failed(format!("{name} does not assemble: {count}"))
            .with_details(output::diagnostics(errors)),
    }
}
