//! `iridium new`: a folder with a program to begin with.

use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::path_text::shown;
use crate::{io_error, output};

/// The files of a new program; `NAME` in them is its name.
const FILES: [(&str, &str); 4] = [
    ("main.pd", include_str!("new_project/main.pd")),
    ("greeting.pd", include_str!("new_project/greeting.pd")),
    ("README.md", include_str!("new_project/README.txt")),
    // What `iridium asm` makes of a source.
    (".gitignore", "*.irb\n"),
];

/// Makes a folder of this name in the current one.
pub(crate) fn run(name: &str) -> Result<(), Failure> {
    check_name(name)?;
    let folder = Path::new(name);
    let fail = |path: &Path, error: &std::io::Error| {
        Failure::failed(format!("cannot make {}: {}", shown(path), io_error::describe(error)))
    };
    match fs::create_dir(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(Failure::failed(format!("{name} is there already; take another name")));
        }
        Err(error) => return Err(fail(folder, &error)),
    }
    for (file, text) in FILES {
        let path = folder.join(file);
        fs::write(&path, text.replace("NAME", name)).map_err(|error| fail(&path, &error))?;
    }
    Ok(output::print_line(&format!("made {name}; iridium run {name}/main.pd runs it"))?)
}

fn check_name(name: &str) -> Result<(), Failure> {
    let fits = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    match fits {
        true => Ok(()),
        false => Err(Failure::usage(format!(
            "{name:?} is no name for a project: a letter, then letters, digits, - and _"
        ))),
    }
}
