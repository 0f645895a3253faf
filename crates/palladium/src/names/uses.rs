//! What an editor asks about: the trees of files, and what names in them stand for.

use std::rc::Rc;

use iridium_isa::FileId;

use super::loader::Loaded;
use super::source_file::SourceFile;
use crate::core::Type;
use crate::diag::Place;
use crate::syntax::{self, Parsed};

/// What is noted while a program is read and checked.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    /// Names, each with the place of the name in the declaration of what it stands for. A module is
    /// declared at the beginning of its file.
    pub(crate) names: Vec<(Place, Place)>,
    /// Values before a dot, with their types as far as they are known there.
    pub(crate) receivers: Vec<(Place, Type)>,
    /// The trees of all files, by their ids.
    pub(crate) trees: Vec<Rc<Parsed>>,
    /// Files that were read for the program as it was before, with their trees.
    pub(crate) before: Vec<(SourceFile, Rc<Parsed>)>,
}

impl Uses {
    /// These files with their trees, and those files of the library that were read before them.
    pub(crate) fn with_trees(&self, files: &[SourceFile]) -> Vec<(SourceFile, Rc<Parsed>)> {
        let own = files.iter().cloned().zip(self.trees.iter().cloned());
        let is_own = |(file, _): &(SourceFile, _)| files.iter().any(|own| own.name == file.name);
        let library = |(file, _): &(SourceFile, _)| file.name.starts_with("std/");
        let before = self.before.iter().filter(|file| library(file) && !is_own(file));
        own.chain(before.cloned()).collect()
    }

    /// The tree of a file, which is the next one.
    pub(super) fn tree(&mut self, file: FileId, loaded: &Loaded) -> Rc<Parsed> {
        let same = |(before, _): &&(SourceFile, Rc<Parsed>)| {
            before.name == loaded.name && before.text == loaded.text
        };
        let tree = match self.before.iter().find(same) {
            Some((_, tree)) => of_file(file, tree),
            None => Rc::new(syntax::parse(file, &loaded.text)),
        };
        self.trees.push(Rc::clone(&tree));
        tree
    }
}

/// The same tree with what is wrong in it told of a file. Nothing else in it names its file.
fn of_file(file: FileId, tree: &Rc<Parsed>) -> Rc<Parsed> {
    match tree.problems.first() {
        Some(problem) if problem.primary.0.file != file => {
            let problems = tree.problems.iter().map(|problem| problem.clone().of_file(file));
            Rc::new(Parsed { problems: problems.collect(), ..Parsed::clone(tree) })
        }
        _ => Rc::clone(tree),
    }
}
