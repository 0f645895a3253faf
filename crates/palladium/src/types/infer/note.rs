//! What names stand for, noted for those who are going to ask.

use std::sync::Arc;

use iridium_isa::Span;

use crate::core::{LocalId, Type};
use crate::diag::Place;
use crate::names::meaning::Meaning;
use crate::names::world::{Constructor, FnKey};
use crate::syntax::ast;
use crate::types::checker::Checker;

impl Checker {
    /// Notes what a name stands for.
    pub(super) fn note(&mut self, name: &Span, meaning: Meaning) {
        self.world.note(self.place(name), meaning);
    }

    /// Notes that a name stands for a local.
    pub(super) fn note_local(&mut self, name: &Span, local: LocalId) {
        let declared = self.frame().locals[local.0 as usize].core.span.clone();
        self.note(name, Meaning::Local(self.place(&declared)));
    }

    /// Notes which function is called, and which parameters are named.
    pub(super) fn note_call(&mut self, key: FnKey, name: &ast::Ident, args: &[ast::Arg]) {
        self.note(&name.span, Meaning::Function(key));
        self.note_params(key, args);
    }

    /// Notes which parameters are named.
    pub(super) fn note_params(&mut self, key: FnKey, args: &[ast::Arg]) {
        let signature = self.world.signature(key);
        for label in args.iter().filter_map(|arg| arg.label.as_ref()) {
            let param = signature.params.iter().find(|param| param.name == label.text);
            if let Some(param) = param {
                let declared = Place { file: signature.file, span: param.span.clone() };
                self.note(&label.span, Meaning::Local(declared));
            }
        }
    }

    /// Notes which constructor a name stands for.
    pub(super) fn note_constructor(&mut self, name: &ast::Ident, found: Option<Constructor>) {
        if let Some(found) = found {
            self.note(&name.span, Meaning::Constructor(found));
        }
    }

    /// Notes which fields of what a constructor makes are named.
    pub(super) fn note_labels<'a>(
        &mut self,
        constructor: Constructor,
        declared: &[(Option<Arc<str>>, Type)],
        labels: impl Iterator<Item = &'a ast::Ident>,
    ) {
        for label in labels {
            let field = declared.iter().position(|(name, _)| name.as_ref() == Some(&label.text));
            if let Some(field) = field {
                self.note(&label.span, Meaning::Field(constructor, field));
            }
        }
    }
}
