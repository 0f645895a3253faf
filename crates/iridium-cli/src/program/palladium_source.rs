//! Programs in Palladium: which sources are, where their files are found, and how they become
//! modules.

use std::path::{Path, PathBuf};

use iridium_isa::Diagnostics;
use palladium::names::{Checked, LoadError, Loaded, Loader};
use palladium::{Compiled, Target};
use palladium_lsp::sources;

use super::file::display_name;

/// Words that a declaration of Palladium begins with, and no line of assembly.
const BEGINNINGS: [&str; 12] = [
    "fn",
    "pub",
    "import",
    "record",
    "enum",
    "actor",
    "app",
    "const",
    "alias",
    "test",
    "intrinsic",
    "#",
];

/// Whether a source is Palladium: by the ending of its file, or else by how it begins.
pub(crate) fn is_palladium(path: &Path, source: &str) -> bool {
    match path.extension() {
        Some(extension) if extension == "pd" => true,
        Some(extension) if extension == "iasm" => false,
        _ => begins_as_palladium(source),
    }
}

fn begins_as_palladium(source: &str) -> bool {
    let first = source.lines().map(str::trim_start).find(|line| !line.is_empty());
    let Some(first) = first else { return false };
    BEGINNINGS.iter().any(|word| match first.strip_prefix(word) {
        Some(rest) => *word == "#" || rest.starts_with([' ', '\t']),
        None => false,
    })
}

/// Compiles the source of a file, and what that imports.
pub(crate) fn compile(path: &Path, source: &str) -> Result<Compiled, Diagnostics> {
    let (name, mut folder) = files_of(path, source);
    palladium::compile(&name, &mut folder, Target::Main)
}

/// Checks the source of a file, and what that imports.
pub(crate) fn look_at(path: &Path, source: &str) -> Result<Checked, Diagnostics> {
    let (name, mut folder) = files_of(path, source);
    palladium::look_at(&name, &mut folder)
}

fn files_of(path: &Path, source: &str) -> (String, Folder) {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let root = Loaded { name: display_name(path).into(), text: source.into() };
    (name.clone(), Folder { folder, root: Some((name, root)) })
}

/// The files of a program, relative to the folder of the first; by default those of the current
/// folder.
#[derive(Default)]
pub(crate) struct Folder {
    folder: PathBuf,
    /// The first, when it is read already: it may be stdin.
    root: Option<(String, Loaded)>,
}

impl Loader for Folder {
    fn load(&mut self, path: &str) -> Result<Loaded, LoadError> {
        if let Some((name, root)) = &self.root
            && path == name
        {
            return Ok(root.clone());
        }
        let path = self.folder.join(path);
        Ok(Loaded { name: display_name(&path).into(), text: sources::read(&path)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_ending_is_known_by_its_beginning() {
        for palladium in
            ["# hello\nfn main() {}", "\n  fn main() {", "#!/usr/bin/iridium", "import std.json"]
        {
            assert!(is_palladium(Path::new("-"), palladium), "{palladium}");
        }
        for assembly in ["", "; hello", "main: hlt", "fn: hlt", ".data", "test: load $0 #1"] {
            assert!(!is_palladium(Path::new("-"), assembly), "{assembly}");
        }
        assert!(is_palladium(Path::new("a.pd"), "load $0 #1"));
        assert!(!is_palladium(Path::new("a.iasm"), "fn main() {}"));
    }
}
