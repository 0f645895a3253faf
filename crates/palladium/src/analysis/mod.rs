//! What an editor asks about a program: what a name stands for and where else it stands, what can
//! be written at a place, how a file is made up.
//!
//! A program that does not compile is asked in the same way. Answers go as far as it is understood.

mod calls;
mod complete;
mod declared;
mod outline;
mod scope;

use std::collections::HashMap;
use std::rc::Rc;

use iridium_isa::FileId;

use crate::core::Function;
use crate::diag::{Place, Problem};
use crate::names::world::{Module, ModuleId, World};
use crate::names::{LoadError, Loader, SourceFile, library};
use crate::syntax::{self, Parsed};
use crate::types::checker::Checker;
use crate::types::program;

pub use calls::Call;
pub use complete::{Candidate, Completion};
pub use declared::{Declared, Kind};
pub use outline::{Symbol, outline};

/// A checked program that can be asked.
#[derive(Debug)]
pub struct Analysis {
    world: World,
    /// Those that were checked, with their locals.
    functions: Vec<Function>,
    /// All names, each with the place of the name that it stands for, in the order of their places.
    names: Vec<(Place, Place)>,
    /// The trees of files that were asked about.
    parsed: HashMap<FileId, Rc<Parsed>>,
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
    /// Checks the program that begins in the file `root`, as [`check`](crate::names::check) does.
    ///
    /// # Errors
    /// When that file cannot be read.
    pub fn of(root: &str, loader: &mut dyn Loader) -> Result<Self, LoadError> {
        let mut world = asked();
        let module = world.read_program(root, loader)?;
        let (functions, world) = program::look(world, module);
        Ok(Self::new(world, functions))
    }

    /// A module of the standard library, by the name that follows `std.`.
    pub fn of_library(name: &str) -> Option<Self> {
        let mut world = asked();
        let module = world.library_module(name)?;
        let functions: Vec<_> =
            world.module(module).functions.values().flatten().copied().collect();
        let mut checker = Checker::new(world);
        for key in functions {
            checker.world.signature(key);
            checker.reach(key);
        }
        checker.check_reached();
        let functions = checker.functions.into_iter().flatten().collect();
        Some(Self::new(checker.world, functions))
    }

    fn new(mut world: World, functions: Vec<Function>) -> Self {
        let mut names = world.uses.as_mut().map(|uses| std::mem::take(&mut uses.names));
        let names = names.as_mut().map(std::mem::take).unwrap_or_default();
        let mut analysis = Self { world, functions, names, parsed: HashMap::new() };
        analysis.names.sort_by_key(|(name, _)| (name.file, name.span.start, name.span.end));
        analysis.names.dedup();
        analysis
    }

    /// What is wrong, in the order in which it was found.
    pub fn problems(&self) -> &[Problem] {
        &self.world.problems
    }

    /// All files that were read, by their ids. Those of the library are called `std/NAME.pd`.
    pub fn files(&self) -> &[SourceFile] {
        &self.world.files
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
        let touches = |place: &Place| {
            place.file == file && place.span.start <= offset && offset <= place.span.end
        };
        let end =
            self.names.partition_point(|(name, _)| (name.file, name.span.start) <= (file, offset));
        // Names do not overlap, but a module and what a name without text stands for have no length.
        let used = self.names[..end].iter().rev().take(2).find(|(name, _)| touches(name));
        if let Some((name, declared)) = used {
            return Some(Named { name: name.clone(), declared: declared.clone() });
        }
        let declared = self.declared_at(file, offset)?;
        Some(Named { name: declared.clone(), declared })
    }

    /// All places of a name, in the order of files and places, with that of its declaration.
    pub fn places_of(&self, declared: &Place) -> Vec<Place> {
        let used = self.names.iter().filter(|(_, of)| of == declared);
        let mut places: Vec<Place> = used.map(|(name, _)| name.clone()).collect();
        if !declared.span.is_empty() {
            places.push(declared.clone());
        }
        places.sort_by_key(|place| (place.file, place.span.start));
        places.dedup();
        places
    }

    /// What stands at a place.
    pub fn text_at(&self, place: &Place) -> &str {
        let (start, end) = (place.span.start as usize, place.span.end as usize);
        self.text(place.file).get(start..end).unwrap_or_default()
    }

    fn text(&self, file: FileId) -> &str {
        self.world.files.get(file.0 as usize).map_or("", |file| &file.text)
    }

    fn module_of(&self, file: FileId) -> Option<&Module> {
        self.world.modules.iter().find(|module| module.file == file)
    }

    fn module_id(&self, file: FileId) -> Option<ModuleId> {
        let nth = self.world.modules.iter().position(|module| module.file == file)?;
        Some(ModuleId(nth as u32))
    }

    /// The tree of a file.
    fn parsed(&mut self, file: FileId) -> Rc<Parsed> {
        let text = self.world.files.get(file.0 as usize).map_or("", |file| &file.text);
        let parsed = self.parsed.entry(file).or_insert_with(|| Rc::new(syntax::parse(file, text)));
        Rc::clone(parsed)
    }
}

/// A world that notes what names stand for.
fn asked() -> World {
    World { uses: Some(Default::default()), ..World::default() }
}
