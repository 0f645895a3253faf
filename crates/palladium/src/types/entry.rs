//! What has been typed at a prompt: statements whose names stay known, and whose values are shown.

use std::rc::Rc;
use std::sync::Arc;

use iridium_isa::{FileId, Span};

use super::build::{block, call, dropped, local, nothing, set, string, values};
use super::checker::{Binding, Checker, Context, Frame, Want};
use super::kind::{is_error, is_unit, parts, unit};
use crate::core::{Body, Expr, FnId, LocalId, Type};
use crate::diag::places::By;
use crate::names::world::ModuleId;
use crate::syntax::ast;

/// A variable that an earlier entry has made.
#[derive(Debug, Clone)]
pub(crate) struct EntryVariable {
    pub(crate) name: Arc<str>,
    pub(crate) ty: Type,
    pub(crate) var: bool,
}

/// The function of an entry, and what of it is a variable.
#[derive(Debug)]
pub(crate) struct CheckedEntry {
    pub(crate) function: FnId,
    /// The locals of the variables that there were before.
    pub(crate) given: Vec<LocalId>,
    /// The new variables, with the places of their names.
    pub(crate) made: Vec<(EntryVariable, LocalId, Span)>,
}

impl Checker {
    /// Functions do not see these variables, and are told so.
    pub(super) fn hide(&mut self, variables: &[EntryVariable]) {
        self.variables = variables.iter().map(|variable| Arc::clone(&variable.name)).collect();
    }

    /// Checks statements as a function of the first module.
    pub(super) fn entry(
        &mut self,
        stmts: &[ast::Stmt],
        variables: &[EntryVariable],
    ) -> CheckedEntry {
        let name = Arc::clone(&self.world.module(ModuleId(0)).name);
        self.cx = Context::new(ModuleId(0), FileId(0), name.to_string(), Rc::from([]));
        self.cx.is_entry = true;
        self.cx.frames.push(Frame::new(unit(), None));
        let given = variables.iter().map(|variable| {
            let EntryVariable { name, ty, var } = variable;
            let local = self.local(name, ty.clone(), if *var { By::Var } else { By::Let }, &(0..0));
            self.bind(name, Binding::Local(local));
            local
        });
        let given = given.collect();
        self.push_scope();
        let mut done = Vec::new();
        let mut named: Vec<(Arc<str>, LocalId)> = Vec::new();
        for stmt in stmts {
            let before = self.scope().len();
            done.push(match &stmt.kind {
                ast::StmtKind::Expr(e) => self.shown(e),
                _ => self.stmt(stmt),
            });
            if matches!(stmt.kind, ast::StmtKind::Let { .. } | ast::StmtKind::Var(_)) {
                for (name, binding) in self.scope().split_off(before) {
                    let Binding::Local(local) = binding else { continue };
                    named.retain(|(earlier, _)| *earlier != name);
                    named.push((Arc::clone(&name), local));
                    self.scope().push((name, binding));
                }
            }
        }
        let declared = |(name, id): (Arc<str>, LocalId)| {
            let local = &self.frame().locals[id.0 as usize];
            (name, id, local.by == By::Var, local.core.span.clone())
        };
        let named: Vec<_> = named.into_iter().map(declared).collect();
        let span = stmts.first().map_or(0..0, |stmt| stmt.span.clone());
        let end = stmts.last().map_or(0..0, |stmt| stmt.span.clone());
        let body = block(done, nothing(&end));
        let function = self.completed(name, span, Vec::new(), unit(), Body::Code(body));
        let made = named.into_iter().map(|(name, local, var, span)| {
            let ty = function.locals[local.0 as usize].ty.clone();
            (EntryVariable { name, ty, var }, local, span)
        });
        let made = made.collect();
        let id = self.reserve();
        self.functions[id.0 as usize] = Some(function);
        CheckedEntry { function: id, given, made }
    }

    /// The names of the innermost scope.
    fn scope(&mut self) -> &mut Vec<(Arc<str>, Binding)> {
        let scopes = &mut self.frame().scopes;
        if scopes.is_empty() {
            scopes.push(Vec::new());
        }
        let last = scopes.len() - 1;
        &mut scopes[last]
    }

    /// An expression whose value is written, as a person would write it, with its type where the
    /// value does not tell it.
    fn shown(&mut self, e: &ast::Expr) -> Expr {
        let value = self.expr(e, &Want::Any);
        self.cx.vars.settle(&value.ty);
        let ty = self.cx.vars.deep(&value.ty);
        if is_unit(&ty) || ty == Type::Never || is_error(&ty) {
            return dropped(value);
        }
        let span: &Span = &e.span;
        let end = match parts(&ty)[..] {
            [] => String::new(),
            _ => format!(" : {}", self.text(&ty)),
        };
        let text = self.temporary(Type::String, span);
        let echo = self.library_fn("io", "echo", span);
        let told = values([local(text, Type::String, span), string(&end, span)]);
        let stmts = vec![
            set(text, string("", span)),
            self.show(text, value, true),
            call(echo, Vec::new(), told, unit(), span),
        ];
        block(stmts, nothing(span))
    }
}
