//! `iridium asm`, `disasm` and `check`: sources and modules.

use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use iridium_isa::Module;
use palladium::Target;
use palladium::diag::diagnostics;
use palladium::names::SourceFile;
use palladium::rc::Mode;

use crate::failure::Failure;
use crate::output;
use crate::path_text::shown;
use crate::program::engine;
use crate::program::file::{self, display_name, is_dash};
use crate::program::load::{Loaded, Source, load, read_source, refused};
use crate::program::needs::{Need, needs};
use crate::program::palladium_source::look_at;

/// Makes a module file from a source.
pub(crate) fn asm(file: &Path, to: Option<&Path>, strip: bool) -> Result<(), Failure> {
    let to = match to {
        Some(to) => to.to_path_buf(),
        None => beside(file)?,
    };
    let Loaded { mut module, warnings, .. } = load(file)?;
    let Some(warnings) = warnings else {
        return Err(Failure::usage(format!("{} is a module already", display_name(file))));
    };
    if is_dash(&to) && io::stdout().is_terminal() {
        return Err(Failure::usage("a module is no text for a terminal; name a file with -o"));
    }
    if same_file(file, &to) {
        return Err(Failure::usage(format!("{} would overwrite its source", shown(&to))));
    }
    output::print_diagnostics(&output::diagnostics(&warnings));
    if strip {
        module.strip();
    }
    if is_dash(&to) {
        return Ok(output::print_bytes(&module.to_bytes())?);
    }
    file::write(&to, &module.to_bytes())?;
    Ok(output::print_line(&format!("wrote {}: {}", shown(&to), summary(&module)))?)
}

/// Prints the instructions of a source, with its lines beside them.
pub(crate) fn listing(file: &Path) -> Result<(), Failure> {
    let Loaded { module, warnings, files } = load(file)?;
    let Some(warnings) = warnings else {
        return Err(Failure::usage(format!(
            "{} is a module, without the lines that it was made of; iridium disasm prints it",
            display_name(file)
        )));
    };
    output::print_diagnostics(&output::diagnostics(&warnings));
    let mut to = BufWriter::new(io::stdout().lock());
    write!(to, "{}", iridium_asm::listing(&module, &SourceFile::sources(&files)))?;
    Ok(to.flush()?)
}

/// Prints a module as source.
pub(crate) fn disasm(file: &Path) -> Result<(), Failure> {
    let module = load(file)?.module;
    let mut to = BufWriter::new(io::stdout().lock());
    write!(to, "{}", iridium_asm::disassemble(&module))?;
    Ok(to.flush()?)
}

/// Prints the native code of a module.
pub(crate) fn disasm_native(file: &Path) -> Result<(), Failure> {
    let module = load(file)?.module;
    let listing = engine::native_listing(&module)
        .ok_or_else(|| Failure::failed("this iridium has no native code for this machine"))?;
    let mut to = BufWriter::new(io::stdout().lock());
    write!(to, "{listing}")?;
    Ok(to.flush()?)
}

/// Checks all files, also after errors in one of them; `copies`: tells where values are copied;
/// `permissions`: tells what the programs need to be allowed.
pub(crate) fn check(files: &[PathBuf], copies: bool, permissions: bool) -> Result<(), Failure> {
    let mut bad = 0;
    for file in files {
        match check_file(file, copies, permissions) {
            Ok(found) => output::print_line(&format!("{}: {found}", display_name(file)))?,
            // With one file its failure is that of the command.
            Err(failure) if files.len() == 1 => return Err(failure),
            Err(failure) => {
                failure.print();
                bad += 1;
            }
        }
    }
    match bad {
        0 => Ok(()),
        _ => Err(Failure::failed(format!("{bad} of {} files cannot be used", files.len()))),
    }
}

/// Prints the warnings of a file. Gives what is to be said of it.
fn check_file(file: &Path, copies: bool, permissions: bool) -> Result<String, Failure> {
    let (warnings, found, module) = match read_source(file)? {
        // It may be for others to import, without anything that runs.
        Source::Palladium(source) => {
            let checked = look_at(file, &source);
            let name = display_name(file);
            let checked = checked.map_err(|errors| refused(&name, "compile", &errors))?;
            let report = checked.diagnostics();
            if checked.has_errors() {
                return Err(refused(&name, "compile", &report));
            }
            let module = permissions.then(|| checked.module(Target::Main, Mode::Optimised));
            let module = module.transpose().map_err(|errors| refused(&name, "compile", &errors))?;
            let (warnings, found) = match copies {
                true => {
                    let found = checked.copies();
                    let all = [&checked.problems[..], &found].concat();
                    (Some(diagnostics(&all, &checked.sources())), copies_found(found.len()))
                }
                false => (Some(report), "no errors".into()),
            };
            (warnings, found, module)
        }
        _ if copies => {
            let name = display_name(file);
            return Err(Failure::usage(format!("--copies is for Palladium, and {name} is not")));
        }
        source => {
            let Loaded { module, warnings, .. } = source.load(file)?;
            (warnings, summary(&module), permissions.then_some(module))
        }
    };
    output::print_diagnostics(
        &warnings.map(|found| output::diagnostics(&found)).unwrap_or_default(),
    );
    Ok(found + &module.map_or_else(String::new, |module| needs_found(&module)))
}

/// What a program needs to be allowed, and where it uses it: a line for each.
fn needs_found(module: &Module) -> String {
    let needs = needs(module);
    if needs.is_empty() {
        return "\n  needs nothing to be allowed".into();
    }
    let line = |need: &Need| format!("\n  {:<9} {}", need.group, need.places.join(" "));
    needs.iter().map(line).collect()
}

fn copies_found(count: usize) -> String {
    match count {
        0 => "no errors, and no change copies a shared value".into(),
        1 => "no errors; 1 change copies a shared value".into(),
        _ => format!("no errors; {count} changes copy a shared value"),
    }
}

fn summary(module: &Module) -> String {
    let count = |number: usize, one: &str| {
        let plural = if number == 1 { "" } else { "s" };
        format!("{number} {one}{plural}")
    };
    let (code, data) = (module.code().len(), module.data().len());
    format!("{}, {} of data", count(code, "instruction"), count(data, "byte"))
}

/// Where the module of a source is written by default.
fn beside(file: &Path) -> Result<PathBuf, Failure> {
    if is_dash(file) {
        return Err(Failure::usage("name the module file with -o OUT.irb"));
    }
    Ok(file.with_extension("irb"))
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        // One of the files does not exist.
        _ => false,
    }
}
