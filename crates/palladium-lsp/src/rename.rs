//! Another name for what is declared, everywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use iridium_isa::Severity;
use lsp_server::ErrorCode;
use palladium::analysis::Analysis;
use palladium::syntax::token::Kind as Word;

use crate::answers::Answers;
use crate::files::read;
use crate::position::Lines;
use crate::programs::analyse;
use crate::protocol::{PositionParams, PreparedRename, RenameParams, TextEdit, WorkspaceEdit};
use crate::server::Refusal;
use crate::uri::path_of;

/// Spans to be replaced, by file.
type Spans = BTreeMap<PathBuf, BTreeSet<(u32, u32)>>;

impl Answers<'_> {
    /// The name at a place, when it can have another.
    pub(crate) fn prepare_rename(
        &mut self,
        params: PositionParams,
    ) -> Result<PreparedRename, Refusal> {
        let path = path_of(&params.text_document.uri);
        let Some((program, named)) = self.named(&path, params.position) else {
            return refuse("there is no name here");
        };
        let placeholder = program.analysis.text_at(&named.name).to_owned();
        if program.analysis.library_module(named.declared.file).is_some() {
            return refuse(format!("`{placeholder}` belongs to the standard library"));
        }
        if named.declared.span.is_empty() {
            return refuse(format!(
                "`{placeholder}` is a file; rename that, and the imports of it"
            ));
        }
        if placeholder == "self" {
            return refuse("`self` has no other name");
        }
        Ok(PreparedRename { range: program.range(&named.name), placeholder })
    }

    /// The edits for a new name. One with which the programs would mean something else is refused.
    pub(crate) fn rename(&mut self, params: RenameParams) -> Result<WorkspaceEdit, Refusal> {
        let RenameParams { text_document, position, new_name } = params;
        let path = path_of(&text_document.uri);
        let old = self.prepare_rename(PositionParams { text_document, position })?.placeholder;
        check_name(&old, &new_name)?;
        let (mut spans, mut roots) = (Spans::new(), Vec::new());
        for (root, declared) in self.knowing(&path, position) {
            let Some(program) = self.programs.at(&root) else { continue };
            let places = program.analysis.places_of(&declared);
            for place in places.iter().filter(|place| program.analysis.text_at(place) == old) {
                let Some(file) = program.own_path(place.file) else { continue };
                spans.entry(file).or_default().insert((place.span.start, place.span.end));
            }
            // A word that stands nowhere yet can mean nothing else.
            if program.analysis.mentions(&new_name) {
                roots.push((root, errors(&mut program.analysis)));
            }
        }
        let mut texts = BTreeMap::new();
        let mut edit = WorkspaceEdit::default();
        for (file, spans) in &spans {
            let Ok(text) = read(file, self.documents) else { continue };
            texts.insert(file.clone(), replaced(&text, spans, &new_name));
            let lines = Lines::new(text);
            let edits = spans.iter().map(|(start, end)| TextEdit {
                range: lines.range(&(*start..*end)),
                new_text: new_name.clone(),
            });
            edit.changes.insert(self.documents.uri(file), edits.collect());
        }
        for (root, before) in roots {
            let program = self.programs.at(&root).map(|program| &program.analysis);
            let after = analyse(&root, self.documents, Some(&texts), program);
            let Some(mut after) = after else { continue };
            if errors(&mut after) > before || !same_places(after, &spans, new_name.len()) {
                return refuse(format!("`{new_name}` means something else here already"));
            }
        }
        Ok(edit)
    }
}

fn refuse<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { code: ErrorCode::RequestFailed, message: message.into() })
}

fn check_name(old: &str, new: &str) -> Result<(), Refusal> {
    let is_word = new.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && new.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && new != "_";
    if !is_word {
        return refuse(format!("`{new}` is no name: letters, digits and `_` are"));
    }
    if Word::RESERVED.contains(&new) {
        return refuse(format!("`{new}` is a word of the language"));
    }
    let (was_upper, is_upper) =
        (old.starts_with(char::is_uppercase), new.starts_with(char::is_uppercase));
    match (was_upper, is_upper) {
        (true, false) => refuse("names of types and variants begin with an upper-case letter"),
        (false, true) => refuse("only names of types and variants begin with an upper-case letter"),
        _ => Ok(()),
    }
}

fn errors(analysis: &mut Analysis) -> usize {
    let problems = analysis.problems().iter();
    problems.filter(|problem| problem.severity == Severity::Error).count()
}

fn replaced(text: &str, spans: &BTreeSet<(u32, u32)>, new: &str) -> Arc<str> {
    let mut replaced = String::with_capacity(text.len());
    let mut end = 0;
    for (from, to) in spans {
        replaced.push_str(&text[end..*from as usize]);
        replaced.push_str(new);
        end = *to as usize;
    }
    replaced.push_str(&text[end..]);
    replaced.into()
}

/// Whether the new name stands in the same places as the old one, and nowhere else.
fn same_places(mut after: Analysis, before: &Spans, length: usize) -> bool {
    let files = after.files().iter().enumerate();
    let ids: Vec<_> = files
        .filter_map(|(nth, file)| {
            let spans = before.get(std::path::Path::new(&*file.name))?;
            Some((iridium_isa::FileId(nth as u32), spans))
        })
        .collect();
    let mut expected = Vec::new();
    for (file, spans) in ids {
        let mut grown = 0i64;
        for (start, end) in spans {
            let at = (i64::from(*start) + grown) as u32;
            expected.push((file, at));
            grown += length as i64 - i64::from(end - start);
        }
    }
    let Some(&(file, at)) = expected.first() else { return true };
    let Some(named) = after.name_at(file, at) else { return false };
    let places = after.places_of(&named.declared);
    let found: Vec<_> = places.iter().map(|place| (place.file, place.span.start)).collect();
    found == expected
}
