//! `iridium fmt`: Palladium in its one style.

use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::output;
use crate::program::file::{display_name, is_dash, read_text, write};
use crate::program::load::unparsed;
use crate::program::palladium_files::palladium_files;

/// Formats files in place, or with `check` says which are not in the style. `-` goes from stdin to
/// stdout.
pub(crate) fn run(paths: &[PathBuf], check: bool) -> Result<(), Failure> {
    let files = palladium_files(paths)?;
    let (mut different, mut bad) = (0, 0);
    for file in &files {
        match format(file, check) {
            Ok(true) => different += 1,
            Ok(false) => {}
            // With one file its failure is that of the command.
            Err(failure) if files.len() == 1 => return Err(failure),
            Err(failure) => {
                failure.print();
                bad += 1;
            }
        }
    }
    match (bad, different) {
        (0, 0) => Ok(()),
        (0, 1) if check => Err(Failure::failed("1 file is not formatted; iridium fmt does it")),
        (0, _) if check => Err(Failure::failed(format!(
            "{different} files are not formatted; iridium fmt does it"
        ))),
        (0, _) => Ok(()),
        _ => Err(Failure::failed(format!("{bad} of {} files cannot be formatted", files.len()))),
    }
}

/// Whether the file was not in the style.
fn format(file: &Path, check: bool) -> Result<bool, Failure> {
    let name = display_name(file);
    let text = read_text(file)?;
    let formatted =
        palladium::fmt::format(&text).map_err(|problems| unparsed(file, &text, &problems))?;
    let different = formatted != text;
    if is_dash(file) && !check {
        output::print_bytes(formatted.as_bytes())?;
    } else if different && check {
        output::print_line(&name)?;
    } else if different {
        write(file, formatted.as_bytes())?;
        output::print_line(&format!("formatted {name}"))?;
    }
    Ok(different)
}
