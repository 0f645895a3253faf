//! The check of a program that an editor asks about: of single declarations, and of all else in parts
//! between which something may be asked.

use iridium_isa::{FileId, Span};

use super::checker::Checker;
use super::program::check_whole;
use crate::core::{EnumId, RecordId};
use crate::names::world::{AliasKey, AppId, ConstKey, FnKey, ModuleId, Part};

/// The bodies of so many functions are checked in one part.
const PART: usize = 64;

/// How far the check of a program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Its files are read.
    Read,
    /// What it declares is checked, and the bodies of some functions.
    Bodies,
    /// All that is wrong is known.
    Done,
}

impl Checker {
    /// Checks the next part of a program that begins with a module.
    pub(crate) fn check_next(&mut self, root: ModuleId, stage: Stage) -> Stage {
        match stage {
            Stage::Read => {
                self.check_user();
                Stage::Bodies
            }
            Stage::Bodies if self.queue.is_empty() => {
                self.complete_types();
                self.main(root);
                self.app(root);
                self.check_reached();
                self.finish_program();
                Stage::Done
            }
            Stage::Bodies => {
                for key in self.queue.drain(..PART.min(self.queue.len())).collect::<Vec<_>>() {
                    self.check_body(key);
                }
                Stage::Bodies
            }
            Stage::Done => Stage::Done,
        }
    }

    /// Checks all functions of a module, and what they reach.
    pub(crate) fn check_module(&mut self, module: ModuleId) {
        let functions = self.world.module(module).functions.values().flatten();
        for key in functions.copied().collect::<Vec<_>>() {
            self.world.signature(key);
            self.reach(key);
        }
        self.check_reached();
    }

    fn finish_program(&mut self) {
        // One is missing only where something is wrong.
        if self.functions.iter().all(Option::is_some) {
            let functions: Vec<_> =
                std::mem::take(&mut self.functions).into_iter().flatten().collect();
            check_whole(&mut self.world, &functions);
            self.functions = functions.into_iter().map(Some).collect();
        }
    }

    /// Checks what is declared in parts of files, which are in the order of files and places.
    pub(crate) fn check_parts(&mut self, parts: &[(FileId, Span)]) {
        for nth in 0..self.world.record_decls.len() {
            let decl = &self.world.record_decls[nth];
            if self.is_in(parts, decl.module, &decl.ast.name.span) {
                self.world.resolve_record(RecordId(nth as u32));
            }
        }
        for nth in 0..self.world.enum_decls.len() {
            let decl = &self.world.enum_decls[nth];
            if self.is_in(parts, decl.module, &decl.ast.name.span) {
                self.world.resolve_enum(EnumId(nth as u32));
            }
        }
        for nth in 0..self.world.aliases.len() {
            let decl = &self.world.aliases[nth];
            if self.is_in(parts, decl.module, &decl.ast.name.span) {
                self.world.alias(AliasKey(nth as u32));
            }
        }
        for nth in 0..self.world.consts.len() {
            let decl = &self.world.consts[nth];
            if self.is_in(parts, decl.module, &decl.ast.name.span) {
                self.check_const(ConstKey(nth as u32));
            }
        }
        for nth in 0..self.world.apps.len() {
            let decl = self.world.app(AppId(nth as u32));
            if self.is_in(parts, decl.module, &decl.ast.name.span) {
                self.app_children(AppId(nth as u32));
            }
        }
        self.check_functions_in(parts);
    }

    /// The bodies of functions, with the functions that are found in these.
    fn check_functions_in(&mut self, parts: &[(FileId, Span)]) {
        let mut nth = 0;
        while nth < self.world.functions.len() {
            let key = FnKey(nth as u32);
            let decl = self.world.function(key);
            // The first values of an actor's variables are checked with what uses these.
            let begins = matches!(decl.actor, Some((_, Part::Begin)));
            if !begins && self.is_in(parts, decl.module, &decl.ast.name.span) {
                self.world.signature(key);
                self.reach(key);
                self.check_body(key);
            }
            nth += 1;
        }
    }

    fn is_in(&self, parts: &[(FileId, Span)], module: ModuleId, name: &Span) -> bool {
        let file = self.world.module(module).file;
        let after = parts.partition_point(|(of, part)| (*of, part.start) <= (file, name.start));
        let part = after.checked_sub(1).and_then(|last| parts.get(last));
        part.is_some_and(|(of, part)| *of == file && name.end <= part.end)
    }
}
