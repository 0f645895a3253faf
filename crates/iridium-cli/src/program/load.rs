//! Loads a module, or assembles one from source.

use std::path::Path;

use iridium_asm::{Assembled, Assembler};
use iridium_isa::{Diagnostics, MAGIC, Module};

use super::file::{SAVED_MAGIC, command_word, display_name, read};
use crate::failure::Failure;
use crate::output;

/// A module, with the warnings of its source.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) module: Module,
    /// `None` when the file was a module.
    pub(crate) warnings: Option<Diagnostics>,
}

/// Reads a module, or assembles a source. `-` is stdin. The content decides which it is; the
/// name only serves to explain a file that is neither.
pub(crate) fn load(path: &Path) -> Result<Loaded, Failure> {
    let name = display_name(path);
    let bytes = read(path)?;
    let is_module = path.extension().is_some_and(|extension| extension == "irb");
    if is_module || bytes.starts_with(&MAGIC) {
        let module = Module::from_bytes(&bytes)
            .map_err(|error| Failure::failed(format!("{name}: {error}")))?;
        return Ok(Loaded { module, warnings: None });
    }
    if bytes.starts_with(&SAVED_MAGIC) {
        return Err(Failure::failed(format!(
            "{name} is a saved program; resume it with: iridium resume {}",
            command_word(path)
        )));
    }
    if path.extension().is_some_and(|extension| extension == "toml") {
        return Err(Failure::failed(format!(
            "{name} is an app file, not a program; run it with: iridium run --app {}",
            command_word(path)
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

fn refused(name: &str, errors: &Diagnostics) -> Failure {
    let kept = errors.iter().count();
    let count = match kept + errors.left_out() {
        1 => "1 error".into(),
        count => format!("{count} errors"),
    };
    // An error about the whole file is reported in one line.
    let whole = errors.iter().find(|error| error.location().is_none());
    match whole {
        Some(error) if kept == 1 => Failure::failed(format!("{name}: {}", error.message())),
        _ => Failure::failed(format!("{name} does not assemble: {count}"))
            .with_details(output::diagnostics(errors)),
    }
}
