//! Loads a module, or makes one from a source in Palladium or assembly.

use std::path::Path;

use iridium_asm::{Assembled, Assembler};
use iridium_isa::{Diagnostics, MAGIC, Module, Sources};

use palladium::Compiled;
use palladium::diag::{Problem, diagnostics};
use palladium::names::SourceFile;

use super::file::{SAVED_MAGIC, command_word, display_name, read, without_mark};
use super::palladium_source::{compile, is_palladium};
use crate::failure::Failure;
use crate::output;

/// A module, with the warnings of its source.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) module: Module,
    /// `None` when the file was a module.
    pub(crate) warnings: Option<Diagnostics>,
    /// The sources that it was made of.
    pub(crate) files: Vec<SourceFile>,
}

/// Reads a module, or makes one from a source. `-` is stdin. The content decides which it is; the
/// name only tells Palladium from assembly, and serves to explain a file that is neither.
pub(crate) fn load(path: &Path) -> Result<Loaded, Failure> {
    read_source(path)?.load(path)
}

/// What is in a file that can be made into a module.
#[derive(Debug)]
pub(crate) enum Source {
    Module(Vec<u8>),
    Palladium(String),
    Assembly(String),
}

/// The module of a file that is to run. The warnings of Palladium are printed: mostly something else was meant. Those
/// of assembly are not: it is full of labels for whoever knows of them, and programs of the first Iridium end
/// without `hlt`.
pub(crate) fn load_module(path: &Path) -> Result<Module, Failure> {
    let source = read_source(path)?;
    let is_palladium = matches!(source, Source::Palladium(_));
    let Loaded { module, warnings, .. } = source.load(path)?;
    if let Some(warnings) = warnings.filter(|_| is_palladium) {
        output::print_diagnostics(&output::diagnostics(&warnings));
    }
    Ok(module)
}

impl Source {
    /// Makes a module of what was read from the file.
    pub(crate) fn load(self, path: &Path) -> Result<Loaded, Failure> {
        let name = display_name(path);
        match self {
            Self::Module(bytes) => {
                let module = Module::from_bytes(&bytes)
                    .map_err(|error| Failure::failed(format!("{name}: {error}")))?;
                Ok(Loaded { module, warnings: None, files: Vec::new() })
            }
            Self::Palladium(source) => {
                let Compiled { module, warnings, files } =
                    compile(path, &source).map_err(|errors| refused(&name, "compile", &errors))?;
                Ok(Loaded { module, warnings: Some(warnings), files })
            }
            Self::Assembly(source) => {
                let Assembled { module, warnings } = Assembler::new(&name)
                    .assemble(&source)
                    .map_err(|errors| refused(&name, "assemble", &errors))?;
                let files = vec![SourceFile { name: name.into(), text: source.into() }];
                Ok(Loaded { module, warnings: Some(warnings), files })
            }
        }
    }
}

/// Reads a file and tells what it is.
pub(crate) fn read_source(path: &Path) -> Result<Source, Failure> {
    let name = display_name(path);
    let bytes = read(path)?;
    let is_module = path.extension().is_some_and(|extension| extension == "irb");
    if is_module || bytes.starts_with(&MAGIC) {
        return Ok(Source::Module(bytes));
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
    match source {
        Some(source) if is_palladium(path, &source) => {
            Ok(Source::Palladium(without_mark(&source).to_owned()))
        }
        Some(source) => Ok(Source::Assembly(source)),
        None => Err(Failure::failed(format!(
            "{name} is neither an Iridium module nor a source, which is UTF-8 text"
        ))),
    }
}

/// The failure for a file of Palladium that does not parse.
pub(crate) fn unparsed(file: &Path, text: &str, problems: &[Problem]) -> Failure {
    let name = display_name(file);
    let mut sources = Sources::new();
    sources.add(&name, text);
    refused(&name, "parse", &diagnostics(problems, &sources))
}

/// The failure for a source with errors, which does not `assemble` or `compile`.
pub(crate) fn refused(name: &str, verb: &str, errors: &Diagnostics) -> Failure {
    let kept = errors.iter().count();
    let count = match errors.errors() {
        1 => "1 error".into(),
        count => format!("{count} errors"),
    };
    // An error about the whole file is reported in one line.
    let whole = errors.iter().find(|error| error.location().is_none());
    match whole {
        Some(error) if kept == 1 => Failure::failed(format!("{name}: {}", error.message())),
        _ => Failure::failed(format!("{name} does not {verb}: {count}"))
            .with_details(output::diagnostics(errors)),
    }
}
