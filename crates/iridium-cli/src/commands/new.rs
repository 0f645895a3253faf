//! `iridium new`: a folder with a project to begin with.

use std::fs;
use std::path::Path;

use crate::args::Template;
use crate::failure::Failure;
use crate::path_text::shown;
use crate::{io_error, output};

/// The files of a new project; `NAME` in them is its name.
type Files = [(&'static str, &'static str)];

const PROGRAM: &Files = &[
    ("main.pd", include_str!("new_project/program/main.pd")),
    ("greeting.pd", include_str!("new_project/program/greeting.pd")),
    ("README.md", include_str!("new_project/program/README.txt")),
];
const ACTOR: &Files = &[
    ("main.pd", include_str!("new_project/actor/main.pd")),
    ("counter.pd", include_str!("new_project/actor/counter.pd")),
    ("README.md", include_str!("new_project/actor/README.txt")),
];
const CLUSTER: &Files = &[
    ("main.pd", include_str!("new_project/cluster/main.pd")),
    ("pool.pd", include_str!("new_project/cluster/pool.pd")),
    ("README.md", include_str!("new_project/cluster/README.txt")),
];
/// What `iridium asm` makes of a source.
const IGNORED: (&str, &str) = (".gitignore", "*.irb\n");

/// Makes a folder of this name in the current one.
pub(crate) fn run(name: &str, template: Template) -> Result<(), Failure> {
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
    let files = match template {
        Template::Program => PROGRAM,
        Template::Actor => ACTOR,
        Template::Cluster => CLUSTER,
    };
    for (file, text) in files.iter().chain([&IGNORED]) {
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
