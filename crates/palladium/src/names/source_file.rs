//! The files that were read, as those know them who show places in them.

use std::sync::Arc;

use iridium_isa::Sources;

/// A source file.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// What diagnostics call it.
    pub name: Arc<str>,
    /// What it contains.
    pub text: Arc<str>,
}

impl SourceFile {
    /// Files, by their ids, so that places in them can be shown.
    pub fn sources(files: &[Self]) -> Sources<'_> {
        let mut sources = Sources::new();
        for file in files {
            sources.add(&file.name, &file.text);
        }
        sources
    }
}
