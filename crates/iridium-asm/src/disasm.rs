//! Modules back to source text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use iridium_isa::text::{Names, generated_label};
use iridium_isa::{Module, Parts};

/// Bytes on a `.byte` line.
const BYTES_A_LINE: usize = 16;

/// Source text that assembles to the same code, data, entry, exports and imports.
pub fn disassemble(module: &Module) -> String {
    let parts = module.parts();
    let labels = code_labels(parts);
    let names = Names {
        code: labels
            .iter()
            .filter_map(|(at, names)| Some((*at, names.first()?.as_str())))
            .collect(),
        data: parts.data_labels.iter().map(|(name, at)| (*at, name.as_str())).collect(),
        imports: &parts.imports,
    };
    let mut text = String::new();
    print_data(parts, &mut text);
    text.push_str(".code\n");
    parts.imports.iter().for_each(|name| {
        let _ = writeln!(text, ".import {name}");
    });
    parts.exports.iter().for_each(|(name, _)| {
        let _ = writeln!(text, ".export @{name}");
    });
    if parts.entry != 0 {
        text.push_str(".entry ");
        names.code(parts.entry, &mut text);
        text.push('\n');
    }
    for (index, instruction) in parts.code.iter().enumerate() {
        for label in labels.get(&(index as u32)).into_iter().flatten() {
            let _ = writeln!(text, "{label}:");
        }
        text.push_str("    ");
        instruction.print(&names, &mut text);
        text.push('\n');
    }
    text
}

/// The labels of every instruction that needs one: those that the module has, the exports, and
/// generated ones for targets that have none.
fn code_labels(parts: &Parts) -> BTreeMap<u32, Vec<String>> {
    let mut taken: BTreeSet<&str> =
        parts.data_labels.iter().map(|(name, _)| name.as_str()).collect();
    let mut labels: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for (name, at) in parts.code_labels.iter().chain(&parts.exports) {
        if taken.insert(name) {
            labels.entry(*at).or_default().push(name.clone());
        }
    }
    let targets = parts.code.iter().flat_map(|instruction| instruction.targets());
    for target in targets.chain([&parts.entry]) {
        labels.entry(*target).or_insert_with(|| {
            let mut name = generated_label(*target);
            while taken.contains(name.as_str()) {
                name.push('_');
            }
            vec![name]
        });
    }
    labels
}

fn print_data(parts: &Parts, text: &mut String) {
    if parts.data.is_empty() && parts.data_labels.is_empty() {
        return;
    }
    text.push_str(".data\n");
    let mut labels: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (name, at) in &parts.data_labels {
        labels.entry(*at as usize).or_default().push(name);
    }
    let mut ends = labels.keys().copied().filter(|at| *at > 0).collect::<Vec<_>>();
    ends.push(parts.data.len());
    let mut start = 0;
    for end in ends {
        for label in labels.remove(&start).into_iter().flatten() {
            let _ = writeln!(text, "{label}:");
        }
        print_chunk(parts.data.get(start..end).unwrap_or(&[]), text);
        start = end;
    }
    for label in labels.into_values().flatten() {
        let _ = writeln!(text, "{label}:");
    }
}

fn print_chunk(bytes: &[u8], text: &mut String) {
    let printable = |byte: &u8| *byte == b' ' || byte.is_ascii_graphic() || *byte == b'\n';
    match bytes.split_last() {
        Some((0, string)) if !string.is_empty() && string.iter().all(printable) => {
            text.push_str("    .asciiz \"");
            for byte in string {
                match byte {
                    b'\n' => text.push_str("\\n"),
                    b'"' => text.push_str("\\\""),
                    b'\\' => text.push_str("\\\\"),
                    _ => text.push(char::from(*byte)),
                }
            }
            text.push_str("\"\n");
        }
        _ if bytes.len() > BYTES_A_LINE && bytes.iter().all(|byte| *byte == 0) => {
            let _ = writeln!(text, "    .zero #{}", bytes.len());
        }
        _ => {
            for line in bytes.chunks(BYTES_A_LINE) {
                text.push_str("    .byte");
                line.iter().for_each(|byte| {
                    let _ = write!(text, " #{byte}");
                });
                text.push('\n');
            }
        }
    }
}
