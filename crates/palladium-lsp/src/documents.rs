//! The documents that are open in the editor, as they are there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::position::Lines;
use crate::protocol::ContentChange;
use crate::uri::uri_of;

/// An open document.
#[derive(Debug)]
pub(crate) struct Document {
    /// As the editor calls it.
    pub(crate) uri: String,
    pub(crate) version: i32,
    pub(crate) lines: Lines,
}

/// All open documents, by their paths.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    open: BTreeMap<PathBuf, Document>,
}

impl Documents {
    pub(crate) fn open(&mut self, path: PathBuf, uri: String, version: i32, text: &str) {
        let lines = Lines::new(text.into());
        self.open.insert(path, Document { uri, version, lines });
    }

    pub(crate) fn close(&mut self, path: &Path) {
        self.open.remove(path);
    }

    /// Makes changes one after the other; false when the document is not open.
    pub(crate) fn change(
        &mut self,
        path: &Path,
        version: i32,
        changes: Vec<ContentChange>,
    ) -> bool {
        let Some(document) = self.open.get_mut(path) else { return false };
        document.version = version;
        for ContentChange { range, text } in changes {
            let text: Arc<str> = match range {
                None => text.into(),
                Some(range) => {
                    let span = document.lines.span(range);
                    let mut whole = document.lines.text.to_string();
                    whole.replace_range(span.start as usize..span.end as usize, &text);
                    whole.into()
                }
            };
            document.lines = Lines::new(text);
        }
        true
    }

    pub(crate) fn get(&self, path: &Path) -> Option<&Document> {
        self.open.get(path)
    }

    /// The name of the document at a path, open or not.
    pub(crate) fn uri(&self, path: &Path) -> String {
        self.get(path).map_or_else(|| uri_of(path), |document| document.uri.clone())
    }

    /// The paths of all, in their order.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.open.keys().map(PathBuf::as_path)
    }
}
