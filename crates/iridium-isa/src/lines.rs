//! Where instructions stand in their source files.

/// A source file, by its position in a table of files: that of a [`LineTable`], of a
/// [`ModuleBuilder`](crate::ModuleBuilder) or of [`Sources`](crate::Sources).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A position in a source file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// The file.
    pub file: FileId,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1; a tab is one character.
    pub column: u32,
}

/// Where the instructions of a module stand in its source files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineTable {
    files: Vec<String>,
    locations: Vec<Option<Location>>,
}

impl LineTable {
    /// A table without files and instructions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a source file. The ids of files count up from 0.
    pub fn add_file(&mut self, name: impl Into<String>) -> FileId {
        self.files.push(name.into());
        FileId(self.files.len() as u32 - 1)
    }

    /// Makes room for this many more instructions at once.
    pub(crate) fn reserve(&mut self, instructions: usize) {
        self.locations.reserve(instructions);
    }

    /// Adds the location of the next instruction; `None` when it stands in no source.
    pub fn push(&mut self, location: Option<Location>) {
        self.locations.push(location);
    }

    /// The names of the source files, in the order of their ids.
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// The locations of all instructions, in their order.
    pub fn locations(&self) -> &[Option<Location>] {
        &self.locations
    }

    /// The location of an instruction; `None` for one that stands in no source, or that does not
    /// exist.
    pub fn location(&self, index: u32) -> Option<Location> {
        self.locations.get(index as usize).copied().flatten()
    }

    /// The name of a source file.
    pub fn file(&self, id: FileId) -> Option<&str> {
        self.files.get(id.0 as usize).map(String::as_str)
    }
}
