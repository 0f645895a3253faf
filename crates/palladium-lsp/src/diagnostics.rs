//! What is wrong with programs, as editors show it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use iridium_isa::{FileId, Severity};
use palladium::diag::{Place, Problem};

use crate::documents::Documents;
use crate::programs::{Program, Programs};
use crate::protocol::{Diagnostic, Location, PublishDiagnosticsParams, RelatedInformation};

/// The most problems that are told of one file.
const MOST: usize = 500;

/// What the editor has been told.
#[derive(Debug, Default)]
pub(crate) struct Published {
    by_file: BTreeMap<PathBuf, Vec<Diagnostic>>,
}

impl Published {
    /// What is to be told anew.
    pub(crate) fn news(
        &mut self,
        programs: &mut Programs,
        documents: &Documents,
    ) -> Vec<PublishDiagnosticsParams> {
        let found = all(programs, documents);
        let gone = self.by_file.keys().filter(|path| !found.contains_key(*path));
        let mut news: Vec<(PathBuf, Vec<Diagnostic>)> =
            gone.map(|path| (path.clone(), Vec::new())).collect();
        for (path, diagnostics) in &found {
            // A file of which nothing was told has no problems, as far as the editor knows.
            if self.by_file.get(path).map_or(&[][..], Vec::as_slice) != diagnostics {
                news.push((path.clone(), diagnostics.clone()));
            }
        }
        self.by_file = found;
        let params = news.into_iter().map(|(path, diagnostics)| {
            let version = documents.get(&path).map(|open| open.version);
            PublishDiagnosticsParams { uri: documents.uri(&path), version, diagnostics }
        });
        params.collect()
    }
}

/// What is wrong with all files of the programs that open documents belong to. A file of several
/// programs is told of as that sees it which has it first.
fn all(programs: &mut Programs, documents: &Documents) -> BTreeMap<PathBuf, Vec<Diagnostic>> {
    let mut found = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for path in documents.paths() {
        let Some(root) = programs.root_of(path, documents) else { continue };
        if !seen.insert(root.clone()) {
            continue;
        }
        let Some(program) = programs.at(&root) else { continue };
        for (file, path) in program.files() {
            found.entry(path).or_insert_with(|| of_file(program, file, documents));
        }
    }
    found
}

fn of_file(program: &mut Program, file: FileId, documents: &Documents) -> Vec<Diagnostic> {
    let problems = program.analysis.problems().iter();
    let mut own: Vec<Problem> =
        problems.filter(|problem| problem.primary.0.file == file).cloned().collect();
    own.sort_by_key(|problem| (problem.primary.0.span.start, problem.primary.0.span.end));
    own.truncate(MOST);
    own.iter().map(|problem| diagnostic(program, problem, documents)).collect()
}

/// A problem as the editor shows it.
pub(crate) fn diagnostic(
    program: &mut Program,
    problem: &Problem,
    documents: &Documents,
) -> Diagnostic {
    let (place, label) = &problem.primary;
    let mut message = problem.message.clone();
    // What only says to write the suggestion is a code action.
    let suggestion = problem.fix.as_ref().map(|(_, text)| format!("write `{text}`"));
    let help = problem.help.as_ref().filter(|help| Some(*help) != suggestion.as_ref());
    for more in [Some(label), help].into_iter().flatten() {
        if !more.is_empty() {
            message.push('\n');
            message.push_str(more);
        }
    }
    let secondary = problem.secondary.iter();
    let related = secondary.filter_map(|(place, text)| {
        let location = own_location(program, place, documents)?;
        Some(RelatedInformation { location, message: text.clone() })
    });
    Diagnostic {
        related_information: related.collect(),
        range: program.range(place),
        severity: if problem.severity == Severity::Error { 1 } else { 2 },
        code: problem.name,
        source: "palladium",
        message,
    }
}

/// A place in a file of the user. Those in the library are not told: nobody changes it.
fn own_location(program: &mut Program, place: &Place, documents: &Documents) -> Option<Location> {
    let uri = documents.uri(&program.own_path(place.file)?);
    Some(Location { uri, range: program.range(place) })
}
