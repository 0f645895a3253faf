//! `iridium doc`: what Palladium sources and the library offer.

use std::fs;
use std::path::{Path, PathBuf};

use iridium_isa::suggest;
use palladium::doc::{self, Links, Module};

use crate::failure::Failure;
use crate::io_error;
use crate::output;
use crate::path_text::shown;
use crate::program::file::{read_text, write};
use crate::program::load::unparsed;
use crate::program::palladium_files::palladium_files;

/// Prints the documentation of files, folders and parts of the library as Markdown, or writes a
/// page of HTML for each module to a folder.
pub(crate) fn run(paths: &[PathBuf], to: Option<&Path>) -> Result<(), Failure> {
    let mut modules = Vec::new();
    for path in paths {
        modules.extend(of_path(path)?);
    }
    modules.retain(|module| !module.items.is_empty() || !module.doc.is_empty());
    if modules.is_empty() {
        return Err(Failure::failed("nothing in it is pub, so there is nothing to tell"));
    }
    match to {
        Some(folder) => write_pages(&modules, folder),
        None => {
            let texts: Vec<String> = modules.iter().map(doc::markdown).collect();
            Ok(output::print_bytes(texts.join("\n").as_bytes())?)
        }
    }
}

fn of_path(path: &Path) -> Result<Vec<Module>, Failure> {
    let name = path.to_string_lossy();
    if !path.exists() && (name == "std" || name.starts_with("std.")) {
        return doc::of_library(&name).ok_or_else(|| no_module(&name));
    }
    let of_library = format!("std.{name}");
    if !path.exists() && doc::names_of_library().any(|known| known == of_library) {
        let what = format!("there is no file {}; did you mean {of_library}?", shown(path));
        return Err(Failure::failed(what));
    }
    let root = if path.is_dir() { Some(path) } else { path.parent() };
    let files = palladium_files(&[path.to_path_buf()])?;
    files.iter().map(|file| of_file(file, root)).collect()
}

fn of_file(file: &Path, root: Option<&Path>) -> Result<Module, Failure> {
    let source = read_text(file)?;
    let name = module_name(file, root);
    Module::read(&name, &source).map_err(|problems| unparsed(file, &source, &problems))
}

/// The name by which a file of a folder is imported.
fn module_name(file: &Path, root: Option<&Path>) -> String {
    let within = root.and_then(|root| file.strip_prefix(root).ok()).unwrap_or(file);
    let parts = within.with_extension("");
    let parts: Vec<_> = parts.iter().map(|part| part.to_string_lossy()).collect();
    parts.join(".")
}

fn no_module(name: &str) -> Failure {
    let names: Vec<String> = doc::names_of_library().collect();
    let hint = match suggest::nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => "iridium doc std tells of all".into(),
    };
    Failure::failed(format!("the library has no {name}; {hint}"))
}

fn write_pages(modules: &[Module], folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| {
        let why = io_error::describe(&error);
        Failure::failed(format!("cannot make the folder {}: {why}", shown(folder)))
    })?;
    let links = Links::to(modules);
    for module in modules {
        let page = doc::page(module, &links);
        write(&folder.join(format!("{}.html", module.name)), page.as_bytes())?;
    }
    write(&folder.join("index.html"), doc::index(modules).as_bytes())?;
    let pages = match modules.len() {
        1 => "1 module".to_owned(),
        many => format!("{many} modules"),
    };
    let index = folder.join("index.html");
    Ok(output::print_line(&format!("wrote {pages}; begin at {}", shown(&index)))?)
}
