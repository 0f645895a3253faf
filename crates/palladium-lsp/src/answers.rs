//! The answers to what an editor asks of a document.

use std::path::{Path, PathBuf};

use palladium::analysis::{Kind, Named, Symbol};

use crate::diagnostics::diagnostic;
use crate::documents::Documents;
use crate::position::{Lines, Position};
use crate::programs::{Program, Programs};
use crate::protocol::{
    CodeAction, CodeActionParams, CompletionItem, DocumentParams, DocumentSymbol, Hover, Location,
    Markup, ParameterInformation, PositionParams, ReferenceParams, SignatureHelp,
    SignatureInformation, TextEdit, WorkspaceEdit,
};
use crate::uri::path_of;

/// What answers are made of.
pub(crate) struct Answers<'s> {
    pub(crate) programs: &'s mut Programs,
    pub(crate) documents: &'s Documents,
}

impl Answers<'_> {
    pub(crate) fn hover(&mut self, params: PositionParams) -> Option<Hover> {
        let path = path_of(&params.text_document.uri);
        let (program, named) = self.named(&path, params.position)?;
        let declared = program.analysis.declared(&named.declared)?;
        let contents = markdown(&declared.signature, &declared.doc);
        Some(Hover { contents, range: program.range(&named.name) })
    }

    pub(crate) fn definition(&mut self, params: PositionParams) -> Option<Location> {
        let path = path_of(&params.text_document.uri);
        let (program, named) = self.named(&path, params.position)?;
        let root = program.root.clone();
        self.programs.location(&root, &named.declared, self.documents)
    }

    pub(crate) fn references(&mut self, params: ReferenceParams) -> Vec<Location> {
        let path = path_of(&params.text_document.uri);
        let declaration = params.context.include_declaration;
        let mut found = Vec::new();
        for (root, declared) in self.knowing(&path, params.position) {
            let Some(program) = self.programs.at(&root) else { continue };
            let mut places = program.analysis.places_of(&declared);
            places.retain(|place| declaration || *place != declared);
            let own = |place: &palladium::diag::Place| {
                self.programs.location(&root, place, self.documents)
            };
            found.extend(places.iter().filter_map(own));
        }
        found.sort_by(|a, b| (&a.uri, a.range.start).cmp(&(&b.uri, b.range.start)));
        found.dedup();
        found
    }

    pub(crate) fn completion(&mut self, params: PositionParams) -> Vec<CompletionItem> {
        let path = path_of(&params.text_document.uri);
        let Some((program, file)) = self.programs.of(&path, self.documents) else {
            return Vec::new();
        };
        let offset = program.lines(file).offset(params.position);
        let completion = program.analysis.complete(file, offset);
        let range = program.lines(file).range(&(completion.start..offset));
        let candidates = completion.candidates.into_iter().enumerate();
        let item = |(nth, candidate): (usize, palladium::analysis::Candidate)| CompletionItem {
            kind: completion_kind(candidate.kind),
            detail: candidate.signature,
            documentation: documentation(candidate.doc),
            sort_text: format!("{nth:05}"),
            text_edit: TextEdit { range, new_text: candidate.text.clone() },
            label: candidate.text,
        };
        candidates.map(item).collect()
    }

    pub(crate) fn signature_help(&mut self, params: PositionParams) -> Option<SignatureHelp> {
        let path = path_of(&params.text_document.uri);
        let (program, file) = self.programs.of(&path, self.documents)?;
        let offset = program.lines(file).offset(params.position);
        let calls = program.analysis.calls_at(file, offset);
        let active_parameter = calls.first()?.active as u32;
        let signatures = calls.into_iter().map(|call| {
            let params = call.params.iter().filter_map(|at| call.signature.get(at.clone()));
            let parameters = params.map(|text| ParameterInformation { label: text.to_owned() });
            SignatureInformation {
                parameters: parameters.collect(),
                documentation: documentation(call.doc),
                active_parameter: call.active as u32,
                label: call.signature,
            }
        });
        let signatures = signatures.collect();
        Some(SignatureHelp { signatures, active_signature: 0, active_parameter })
    }

    pub(crate) fn symbols(&mut self, params: DocumentParams) -> Vec<DocumentSymbol> {
        let path = path_of(&params.text_document.uri);
        let Some((program, file)) = self.programs.of(&path, self.documents) else {
            return Vec::new();
        };
        let symbols = program.analysis.outline(file);
        let lines = program.lines(file);
        symbols.into_iter().map(|symbol| document_symbol(symbol, lines)).collect()
    }

    /// What the formatter changes, as one edit; none while the text cannot be read as a program.
    pub(crate) fn formatting(&mut self, params: DocumentParams) -> Vec<TextEdit> {
        let path = path_of(&params.text_document.uri);
        let Some((program, file)) = self.programs.of(&path, self.documents) else {
            return Vec::new();
        };
        let Some(new) = program.analysis.formatted(file) else { return Vec::new() };
        let lines = program.lines(file);
        let old = &*lines.text;
        if *old == new {
            return Vec::new();
        }
        let same_lines = |(a, b): &(&str, &str)| a == b;
        let length = |(line, _): (&str, &str)| line.len();
        let (olds, news) = (old.split_inclusive('\n'), new.split_inclusive('\n'));
        let start: usize = olds.clone().zip(news.clone()).take_while(same_lines).map(length).sum();
        let ends =
            old[start..].split_inclusive('\n').rev().zip(new[start..].split_inclusive('\n').rev());
        let end: usize = ends.take_while(same_lines).map(length).sum();
        let span = start as u32..(old.len() - end) as u32;
        let new_text = new[start..new.len() - end].to_owned();
        vec![TextEdit { range: lines.range(&span), new_text }]
    }

    /// What the checker says how to mend.
    pub(crate) fn code_actions(&mut self, params: CodeActionParams) -> Vec<CodeAction> {
        let path = path_of(&params.text_document.uri);
        let Some((program, file)) = self.programs.of(&path, self.documents) else {
            return Vec::new();
        };
        let asked = program.lines(file).span(params.range);
        let mut actions = Vec::new();
        for problem in program.analysis.fixable(file, &asked) {
            let Some((place, text)) = &problem.fix else { continue };
            let Some(fixed) = program.own_path(place.file) else { continue };
            let old = program.analysis.text_at(place).to_owned();
            let uri = self.documents.uri(&fixed);
            let edit = TextEdit { range: program.range(place), new_text: text.clone() };
            actions.push(CodeAction {
                title: title(&old, text),
                kind: "quickfix",
                diagnostics: vec![diagnostic(program, &problem, self.documents)],
                edit: WorkspaceEdit { changes: [(uri, vec![edit])].into() },
                is_preferred: true,
            });
        }
        actions
    }

    /// The name at a position.
    pub(crate) fn named(
        &mut self,
        path: &Path,
        position: Position,
    ) -> Option<(&mut Program, Named)> {
        let (program, file) = self.programs.of(path, self.documents)?;
        let offset = program.lines(file).offset(position);
        let named = program.analysis.name_at(file, offset)?;
        Some((program, named))
    }

    /// All programs that know what is declared under the name at a position, each with the place of
    /// the declaration. What the library declares is looked for only in the own program.
    pub(crate) fn knowing(
        &mut self,
        path: &Path,
        position: Position,
    ) -> Vec<(PathBuf, palladium::diag::Place)> {
        let Some((program, named)) = self.named(path, position) else { return Vec::new() };
        let declared = named.declared;
        let own = program.own_path(declared.file);
        let name = program.analysis.text_at(&named.name).to_owned();
        let root = program.root.clone();
        match own {
            Some(declared_in) => {
                let place = (declared_in.as_path(), &declared.span);
                self.programs.knowing(&root, place, &name, self.documents)
            }
            None => vec![(root, declared)],
        }
    }
}

fn markdown(signature: &str, doc: &str) -> Markup {
    let mut value = format!("```palladium\n{signature}\n```");
    if !doc.is_empty() {
        value.push_str("\n\n");
        value.push_str(doc);
    }
    Markup { kind: "markdown", value }
}

fn documentation(doc: String) -> Option<Markup> {
    (!doc.is_empty()).then_some(Markup { kind: "markdown", value: doc })
}

fn title(old: &str, new: &str) -> String {
    match (old, new) {
        (old, "") => format!("Remove `{old}`"),
        ("", new) => format!("Insert `{}`", new.trim()),
        (_, new) => format!("Write `{}`", new.trim()),
    }
}

fn document_symbol(symbol: Symbol, lines: &Lines) -> DocumentSymbol {
    let children = symbol.children.into_iter().map(|child| document_symbol(child, lines));
    DocumentSymbol {
        children: children.collect(),
        kind: symbol_kind(symbol.kind),
        range: lines.range(&symbol.span),
        selection_range: lines.range(&symbol.name_span),
        name: symbol.name,
    }
}

/// The number that the protocol has for it.
fn completion_kind(kind: Kind) -> u8 {
    match kind {
        Kind::Method | Kind::Handler => 2,
        Kind::Function | Kind::Test => 3,
        Kind::Field | Kind::Child => 5,
        Kind::Local => 6,
        Kind::Actor | Kind::App | Kind::Alias | Kind::BuiltIn => 7,
        Kind::Module => 9,
        Kind::Enum => 13,
        Kind::Keyword => 14,
        Kind::Variant => 20,
        Kind::Constant => 21,
        Kind::Record => 22,
        Kind::TypeParameter => 25,
    }
}

/// The number that the protocol has for it.
fn symbol_kind(kind: Kind) -> u8 {
    match kind {
        Kind::Module => 2,
        Kind::Actor | Kind::App | Kind::Alias | Kind::BuiltIn => 5,
        Kind::Method | Kind::Handler => 6,
        Kind::Field | Kind::Child => 8,
        Kind::Enum => 10,
        Kind::Function | Kind::Test => 12,
        Kind::Local | Kind::Keyword => 13,
        Kind::Constant => 14,
        Kind::Variant => 22,
        Kind::Record => 23,
        Kind::TypeParameter => 26,
    }
}
