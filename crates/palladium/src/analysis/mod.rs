//! What an editor asks about a program: what a name stands for and where else it stands, what can
//! be written at a place, how a file is made up.
//!
//! A program that does not compile is asked in the same way. Answers go as far as it is understood.

mod calls;
mod complete;
mod declared;
mod outline;
mod scope;

use std::rc::Rc;

use iridium_isa::{FileId, Span};

use crate::core::Function;
use crate::diag::{Place, Problem};
use crate::fmt::format_tree;
use crate::names::world::{Module, ModuleId, World};
use crate::names::{LoadError, Loader, SourceFile, Uses, library};
use crate::syntax::{Parsed, ast};
use crate::types::checker::Checker;
use crate::types::look::Stage;

pub use calls::Call;
pub use complete::{Candidate, Completion};
pub use declared::{Declared, Kind};
pub use outline::Symbol;

/// A program that can be asked. Of what it declares only that is checked which is asked about, until
/// somebody wants to know all that is wrong.
#[derive(Debug)]
pub struct Analysis {
    checker: Checker,
    /// That of its first file.
    root: ModuleId,
    stage: Stage,
}

/// A name, and where what it stands for is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name that was asked about.
    pub name: Place,
    /// The name in the declaration; a module is declared at the beginning of its file.
    pub declared: Place,
}

impl Analysis {
    /// Reads the program that begins in the file `root`, as [`check`](crate::names::check) does.
    ///
    /// # Errors
    /// When that file cannot be read.
    pub fn of(root: &str, loader: &mut dyn Loader) -> Result<Self, LoadError> {
        Self::read(root, loader, Uses::default())
    }

    /// Reads the same program again. Files that have not changed are not parsed another time.
    ///
    /// # Errors
    /// When the first file cannot be read.
    pub fn again(&self, root: &str, loader: &mut dyn Loader) -> Result<Self, LoadError> {
        let uses = self.world().uses.as_ref();
        let before = uses.map(|uses| uses.with_trees(self.files())).unwrap_or_default();
        Self::read(root, loader, Uses { before, ..Uses::default() })
    }

    fn read(root: &str, loader: &mut dyn Loader, uses: Uses) -> Result<Self, LoadError> {
        let mut world = World { uses: Some(uses), ..World::default() };
        let root = world.read_program(root, loader)?;
        Ok(Self { checker: Checker::new(world), root, stage: Stage::Read })
    }

    /// A module of the standard library, by the name that follows `std.`.
    pub fn of_library(name: &str) -> Option<Self> {
        let mut world = World { uses: Some(Uses::default()), ..World::default() };
        let root = world.library_module(name)?;
        let mut checker = Checker::new(world);
        checker.check_module(root);
        Some(Self { checker, root, stage: Stage::Done })
    }

    /// Checks the next part of what is not checked yet. Whether all that is wrong is known now.
    pub fn check_next(&mut self) -> bool {
        self.stage = self.checker.check_next(self.root, self.stage);
        self.stage == Stage::Done
    }

    /// What is wrong, in the order in which it was found.
    pub fn problems(&mut self) -> &[Problem] {
        while !self.check_next() {}
        &self.world().problems
    }

    /// What is wrong at a part of a file and says how it is mended.
    pub fn fixable(&mut self, file: FileId, part: &Span) -> Vec<Problem> {
        let touches = |span: &Span| span.start <= part.end && part.start <= span.end;
        // What only the whole check finds has no fix.
        self.look(|of, item, _| of == file && touches(item));
        let problems = self.world().problems.iter().filter(|problem| {
            let (place, _) = &problem.primary;
            place.file == file && touches(&place.span) && problem.fix.is_some()
        });
        problems.cloned().collect()
    }

    /// All files that were read, by their ids. Those of the library are called `std/NAME.pd`.
    pub fn files(&self) -> &[SourceFile] {
        &self.world().files
    }

    /// Whether a word, or one that has it as a part, stands anywhere in the program or the library.
    pub fn mentions(&self, word: &str) -> bool {
        self.files().iter().any(|file| file.text.contains(word))
            || library::texts().any(|text| text.contains(word))
    }

    /// The module of the library that a file is, by the name that follows `std.`.
    pub fn library_module(&self, file: FileId) -> Option<&str> {
        self.module_of(file).filter(|module| module.library).map(|module| &*module.name)
    }

    /// The name at an offset in bytes, or just before it.
    pub fn name_at(&mut self, file: FileId, offset: u32) -> Option<Named> {
        self.look_at(file, offset);
        let touches = |(name, _): &&(Place, Place)| {
            name.file == file && name.span.start <= offset && offset <= name.span.end
        };
        // Of two that touch it that behind the place.
        let used = self.names().iter().filter(touches);
        if let Some((name, declared)) =
            used.max_by_key(|(name, _)| (name.span.start, name.span.end))
        {
            return Some(Named { name: name.clone(), declared: declared.clone() });
        }
        let declared = self.declared_at(file, offset)?;
        Some(Named { name: declared.clone(), declared })
    }

    /// All places of a name, in the order of files and places, with that of its declaration.
    pub fn places_of(&mut self, declared: &Place) -> Vec<Place> {
        self.look_for(declared);
        let used = self.names().iter().filter(|(_, of)| of == declared);
        let mut places: Vec<Place> = used.map(|(name, _)| name.clone()).collect();
        if !declared.span.is_empty() {
            places.push(declared.clone());
        }
        places.sort_by_key(|place| (place.file, place.span.start));
        places.dedup();
        places
    }

    /// A file in the one style; `None` when it cannot be read as a program.
    pub fn formatted(&self, file: FileId) -> Option<String> {
        let parsed = self.parsed(file).filter(|parsed| parsed.problems.is_empty())?;
        Some(format_tree(self.text(file), &parsed.tree))
    }

    /// What stands at a place.
    pub fn text_at(&self, place: &Place) -> &str {
        let (start, end) = (place.span.start as usize, place.span.end as usize);
        self.text(place.file).get(start..end).unwrap_or_default()
    }

    fn text(&self, file: FileId) -> &str {
        self.files().get(file.0 as usize).map_or("", |file| &file.text)
    }

    fn world(&self) -> &World {
        &self.checker.world
    }

    fn names(&self) -> &[(Place, Place)] {
        self.world().uses.as_ref().map_or(&[], |uses| &uses.names)
    }

    /// The functions that were checked.
    fn functions(&self) -> impl Iterator<Item = &Function> {
        self.checker.functions.iter().flatten()
    }

    fn module_of(&self, file: FileId) -> Option<&Module> {
        self.world().modules.iter().find(|module| module.file == file)
    }

    fn module_id(&self, file: FileId) -> Option<ModuleId> {
        let nth = self.world().modules.iter().position(|module| module.file == file)?;
        Some(ModuleId(nth as u32))
    }

    /// The tree of a file.
    fn parsed(&self, file: FileId) -> Option<&Rc<Parsed>> {
        self.world().uses.as_ref()?.trees.get(file.0 as usize)
    }

    /// The declarations around a place, of which there are two where one ends and the next begins.
    fn items_at(&self, file: FileId, offset: u32) -> &[ast::Item] {
        let items = self.parsed(file).map_or(&[][..], |parsed| &parsed.file.items);
        let first = items.partition_point(|item| item.span.end < offset);
        let end = items.partition_point(|item| item.span.start <= offset);
        items.get(first..end).unwrap_or_default()
    }

    /// Checks what is declared around a place.
    fn look_at(&mut self, file: FileId, offset: u32) {
        self.look(|of, item, _| of == file && item.start <= offset && offset <= item.end);
    }

    /// Checks all declarations in which the name stands that is declared at a place.
    fn look_for(&mut self, declared: &Place) {
        let name = self.text_at(declared).to_owned();
        self.look(|_, _, text| text.contains(&name));
    }

    /// Checks those of the user's declarations that are wanted: by file, place and text.
    fn look(&mut self, wanted: impl Fn(FileId, &Span, &str) -> bool) {
        if self.stage == Stage::Done {
            return;
        }
        let mut parts = Vec::new();
        for module in self.world().modules.iter().filter(|module| !module.library) {
            let (file, text) = (module.file, self.text(module.file));
            let items = self.parsed(file).map(|parsed| &parsed.file.items);
            let spans = items.into_iter().flatten().map(|item| &item.span);
            let text_of = |span: &Span| text.get(span.start as usize..span.end as usize);
            let spans = spans.filter(|span| wanted(file, span, text_of(span).unwrap_or_default()));
            parts.extend(spans.map(|span| (file, span.clone())));
        }
        self.checker.check_parts(&parts);
    }
}
