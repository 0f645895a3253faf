//! The content of a module file's sections, written.

use std::borrow::Cow;

use super::forms::{put_list, put_text};
use super::parts::Parts;
use crate::bytes::Number;
use crate::lines::LineTable;

/// The sections that affect behaviour: code, data, entry with exports, imports. Their bytes are what
/// the identity of a module is the hash of, so no version of the format changes them.
pub(super) fn behaviour(parts: &Parts) -> [Cow<'_, [u8]>; 4] {
    let mut code = Vec::with_capacity(parts.code.len() * 6);
    (parts.code.len() as u32).put(&mut code);
    parts.code.iter().for_each(|instruction| instruction.encode(&mut code));

    let mut exports = Vec::new();
    parts.entry.put(&mut exports);
    put_names(&mut exports, &parts.exports);

    // There may be much data, so it is not copied.
    [code.into(), (&*parts.data).into(), exports.into(), texts(&parts.imports).into()]
}

/// The files, then file, line and column of each instruction; the line is 0 for one that stands in
/// no source.
pub(super) fn lines(table: &LineTable) -> Vec<u8> {
    let mut out = texts(table.files());
    out.reserve(table.locations().len() * 12);
    for location in table.locations() {
        let place = location.map_or([0; 3], |at| [at.file.0, at.line, at.column]);
        place.into_iter().for_each(|number| number.put(&mut out));
    }
    out
}

pub(super) fn labels(parts: &Parts) -> Vec<u8> {
    let mut out = Vec::new();
    put_names(&mut out, &parts.code_labels);
    put_names(&mut out, &parts.data_labels);
    out
}

fn texts(texts: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    put_list(&mut out, texts, |out, text| put_text(out, text));
    out
}

fn put_names(out: &mut Vec<u8>, names: &[(String, u32)]) {
    put_list(out, names, |out, (name, value)| {
        put_text(out, name);
        value.put(out);
    });
}
