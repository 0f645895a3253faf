//! What a module needs beyond computing, and where.

use std::collections::BTreeSet;

use iridium_host::Group;
use iridium_isa::{Instruction, Location, Module};
use iridium_vm::MissingImports;

/// Files of the library of Palladium are called so.
const LIBRARY: &str = "std/";

/// A group of host functions that a module calls.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) group: Group,
    /// Where the user's code leads to them: `FILE:LINE:COLUMN`, in the order of the code.
    pub(crate) places: Vec<String>,
}

/// What a module needs, in the order of the groups.
pub(crate) fn needs(module: &Module) -> Vec<Need> {
    let groups: BTreeSet<Group> =
        module.imports().iter().filter_map(|import| Group::of_import(import)).collect();
    let need = |group| Need { group, places: places(module, group) };
    groups.into_iter().map(need).collect()
}

/// Why a module cannot be run here, with what to do about it.
pub(crate) fn refusal(module: &Module, missing: &MissingImports) -> String {
    told(module, missing, ["the program may not use", "allow it with"])
}

/// Why a node does not run a module, for those who may be elsewhere.
pub(crate) fn refusal_of_node(module: &Module, missing: &MissingImports) -> String {
    told(module, missing, ["the node does not let the program use", "start the node with"])
}

/// `words`: what is said before what is needed, and before the flags.
fn told(module: &Module, missing: &MissingImports, words: [&str; 2]) -> String {
    let unknown = missing.0.iter().filter(|name| Group::of_import(name).is_none());
    let unknown: Vec<_> = unknown.cloned().collect();
    if !unknown.is_empty() {
        return format!("the program needs {}", MissingImports(unknown));
    }
    let groups: BTreeSet<Group> =
        missing.0.iter().filter_map(|name| Group::of_import(name)).collect();
    let needed = groups.iter().map(|group| match places(module, *group).first() {
        Some(place) => format!("{group} ({place})"),
        None => group.to_string(),
    });
    let flags = groups.iter().map(|group| match group.part() {
        Some(part) => format!("--allow {group}={part}"),
        None => format!("--allow {group}"),
    });
    let (needed, flags): (Vec<_>, Vec<_>) = (needed.collect(), flags.collect());
    format!("{} {}; {} {}, or all with -A", words[0], needed.join(", "), words[1], flags.join(" "))
}

/// Where a module leads to the functions of a group.
fn places(module: &Module, group: Group) -> Vec<String> {
    let calls = |instruction: &Instruction| match instruction {
        Instruction::Host { f, .. } => {
            let import = module.imports().get(usize::from(f.0));
            import.is_some_and(|import| Group::of_import(import) == Some(group))
        }
        _ => false,
    };
    let code = (0..).zip(module.code());
    let mut open: Vec<u32> = code.filter(|(_, it)| calls(it)).map(|(at, _)| at).collect();
    let mut seen = BTreeSet::new();
    let mut found = BTreeSet::new();
    while let Some(at) = open.pop() {
        let function = module.label_before(at).map_or(0, |(_, before)| at - before);
        if let Some(location) = own_location(module, function, at) {
            found.insert(location);
        } else if seen.insert(function) {
            let leads_there = |it: &Instruction| it.targets().contains(&function);
            let callers = (0..).zip(module.code()).filter(|(_, it)| leads_there(it));
            // Within a function the same label is where a loop begins.
            let others = callers.filter(|(from, _)| {
                module.label_before(*from).map_or(0, |(_, before)| from - before) != function
            });
            open.extend(others.map(|(from, _)| from));
        }
    }
    let lines = module.lines();
    let shown = found.into_iter().filter_map(|Location { file, line, column }| {
        Some(format!("{}:{line}:{column}", lines?.file(file)?))
    });
    shown.collect()
}

/// Where an instruction stands in the user's code. What the library does within a function of the
/// user stands where the function was last in his.
fn own_location(module: &Module, function: u32, at: u32) -> Option<Location> {
    let lines = module.lines()?;
    let own = |location: &Location| {
        lines.file(location.file).is_some_and(|file| !file.starts_with(LIBRARY))
    };
    (function..=at).rev().find_map(|index| lines.location(index).filter(own))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::program::palladium_source::compile;

    use super::*;

    fn needs_of(source: &str) -> Vec<(&'static str, Vec<String>)> {
        let compiled = compile(Path::new("m.pd"), source).unwrap();
        let shown = needs(&compiled.module).into_iter();
        shown.map(|need| (need.group.name(), need.places)).collect()
    }

    #[test]
    fn a_program_is_told_where_it_leads_to_what_it_needs() {
        let source = "import std.fs\nimport std.env\nfn home() -> String {\n    \
                      (env.get(\"HOME\") ?? None) ?? \"\"\n}\nfn main() {\n    \
                      for line in fs.lines(home()) {\n        print(line)\n    }\n    \
                      print(env.args())\n    print(fs.write_text(\"x\", \"y\"))\n}\n";
        assert_eq!(
            needs_of(source),
            [
                ("fs.read", vec!["m.pd:7:5".to_owned()]),
                ("fs.write", vec!["m.pd:11:11".to_owned()]),
                ("env", vec!["m.pd:4:6".to_owned()]),
            ]
        );
        assert_eq!(needs_of("fn main() { print(1) }"), []);
    }
}
