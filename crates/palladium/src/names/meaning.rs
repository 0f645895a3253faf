//! Where what a name stands for is declared.

use super::world::{AppId, ConstKey, Constructor, FnKey, ModuleId, Target, TypeName, World};
use crate::core::Type;
use crate::diag::Place;
use crate::syntax::ast;

/// What a name stands for.
#[derive(Debug, Clone)]
pub(crate) enum Meaning {
    Function(FnKey),
    Const(ConstKey),
    Type(TypeName),
    Constructor(Constructor),
    /// Of what a constructor makes, by its position.
    Field(Constructor, usize),
    Module(ModuleId),
    /// Of an app, by its position.
    Child(AppId, usize),
    /// A local, a parameter or a type parameter, which is declared here.
    Local(Place),
}

impl World {
    /// Notes what a name stands for, if somebody is going to ask.
    pub(crate) fn note(&mut self, name: Place, meaning: Meaning) {
        if self.uses.is_none() {
            return;
        }
        let declared = self.declared(meaning);
        if let (Some(uses), Some(declared)) = (&mut self.uses, declared) {
            uses.names.push((name, declared));
        }
    }

    /// Notes the type of a value before a dot, if somebody is going to ask.
    pub(crate) fn note_receiver(&mut self, value: Place, ty: &Type) {
        if let Some(uses) = &mut self.uses {
            uses.receivers.push((value, ty.clone()));
        }
    }

    /// Notes which module the name in an import stands for, if somebody is going to ask.
    pub(crate) fn note_import(&mut self, from: ModuleId, import: &ast::Import, target: Target) {
        if self.uses.is_none() {
            return;
        }
        let module = match target {
            Target::Module(module) => Some(module),
            Target::Library(name) => self.library_module(name),
        };
        let Some(module) = module else { return };
        for name in import.path.last().into_iter().chain(&import.alias) {
            self.note(self.place(from, &name.span), Meaning::Module(module));
        }
    }

    /// The place of the name in the declaration of something.
    pub(crate) fn declared(&self, meaning: Meaning) -> Option<Place> {
        let (module, span) = match meaning {
            Meaning::Local(place) => return Some(place),
            Meaning::Module(module) => (module, &(0..0)),
            Meaning::Function(key) => {
                let decl = self.function(key);
                (decl.module, &decl.ast.name.span)
            }
            Meaning::Const(key) => {
                let decl = &self.consts[key.0 as usize];
                (decl.module, &decl.ast.name.span)
            }
            Meaning::Type(TypeName::Record(id)) | Meaning::Constructor(Constructor::Record(id)) => {
                let decl = &self.record_decls[id.0 as usize];
                (decl.module, &decl.ast.name.span)
            }
            Meaning::Type(TypeName::Enum(id)) => {
                let decl = &self.enum_decls[id.0 as usize];
                (decl.module, &decl.ast.name.span)
            }
            Meaning::Type(TypeName::Alias(key)) => {
                let decl = &self.aliases[key.0 as usize];
                (decl.module, &decl.ast.name.span)
            }
            Meaning::Constructor(Constructor::Variant(id, nth)) => {
                let decl = &self.enum_decls[id.0 as usize];
                (decl.module, &decl.ast.variants.get(nth as usize)?.name.span)
            }
            Meaning::Field(Constructor::Record(id), nth) => {
                let decl = &self.record_decls[id.0 as usize];
                (decl.module, &decl.ast.fields.get(nth)?.name.span)
            }
            Meaning::Field(Constructor::Variant(id, variant), nth) => {
                let decl = &self.enum_decls[id.0 as usize];
                let field = decl.ast.variants.get(variant as usize)?.fields.get(nth)?;
                (decl.module, &field.label.as_ref()?.span)
            }
            Meaning::Type(TypeName::Actor(id)) | Meaning::Constructor(Constructor::Actor(id)) => {
                let decl = self.actor(id);
                (decl.module, &decl.ast.name.span)
            }
            Meaning::Type(TypeName::App(id)) => {
                let decl = self.app(id);
                (decl.module, &decl.ast.name.span)
            }
            Meaning::Child(id, nth) => {
                let decl = self.app(id);
                (decl.module, &decl.ast.children.get(nth)?.name.span)
            }
            Meaning::Field(Constructor::Actor(_), _) => return None,
        };
        Some(self.place(module, span))
    }
}
