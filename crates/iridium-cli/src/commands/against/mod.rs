//! `iridium check FILE --against OLD`: whether two versions of a program understand each other.

mod compare;

use std::path::{Path, PathBuf};

use serde::Serialize;

use self::compare::{Compared, compare};
use super::json;
use crate::failure::Failure;
use crate::output;
use crate::program::file::display_name;
use crate::program::load::{load, load_module};

/// The documented shape of `check --against --json`; fields may be added, not changed.
#[derive(Debug, Serialize)]
struct Report<'c> {
    file: String,
    against: String,
    /// Whether the file understands all that the older one sends.
    understands: bool,
    messages: &'c [Compared],
}

/// Compares what the processes of a program understand with what those of an older one do. Fails
/// when the older one sends something that is not understood any more.
pub(crate) fn run(files: &[PathBuf], old: &Path, as_json: bool) -> Result<(), Failure> {
    let [file] = files else {
        return Err(Failure::usage("--against compares one program with an older one"));
    };
    let (name, old_name) = (display_name(file), display_name(old));
    let new = load_module(file)?;
    let old = load(old)?.module;
    if old.protocols().is_empty() {
        return Err(Failure::failed(format!(
            "{old_name} does not say what its processes understand; there is nothing to compare with"
        )));
    }
    let messages = compare(old.protocols(), new.protocols());
    let lost: Vec<&Compared> = messages.iter().filter(|message| message.is_lost()).collect();
    if as_json {
        let (file, against) = (name.clone(), old_name.clone());
        let understands = lost.is_empty();
        output::print_line(&json(&Report { file, against, understands, messages: &messages })?)?;
    } else {
        print(&messages, &name, &old_name)?;
    }
    if lost.is_empty() {
        return Ok(());
    }
    let kept: Vec<String> = lost.iter().filter_map(|message| message.handler()).collect();
    let details = match kept.as_slice() {
        [] => String::new(),
        kept => format!("to understand it still, write in the actor\n  {}\n", kept.join("\n  ")),
    };
    Err(Failure::failed(format!(
        "nodes with {name} do not understand all that nodes with {old_name} send: {}",
        names(lost)
    ))
    .with_details(details))
}

fn print(messages: &[Compared], name: &str, old_name: &str) -> Result<(), Failure> {
    for message in messages {
        output::print_line(&message.to_string())?;
    }
    if !messages.iter().any(Compared::is_lost) {
        output::print_line(&format!(
            "nodes with {name} understand all that nodes with {old_name} send"
        ))?;
    }
    let unknown: Vec<&Compared> = messages.iter().filter(|message| message.is_unknown()).collect();
    if !unknown.is_empty() {
        output::print_line(&format!(
            "nodes with {old_name} do not understand all that nodes with {name} send: {}",
            names(unknown)
        ))?;
    }
    Ok(())
}

fn names(messages: Vec<&Compared>) -> String {
    let names = messages.into_iter().map(|m| format!("{}.{}", m.actor, m.name));
    names.collect::<Vec<_>>().join(", ")
}
