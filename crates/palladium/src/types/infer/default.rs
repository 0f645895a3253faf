//! What is left out in a call and has a default.

use std::sync::Arc;

use iridium_isa::Span;

use crate::core::{Expr, ExprKind, Type};
use crate::names::world::{FnDecl, FnKey, Owner};
use crate::syntax::ast;
use crate::types::build::{call, expr, within};
use crate::types::checker::Checker;

impl Checker {
    /// The value of a parameter that is left out: a literal, or what a function for it gives.
    pub(super) fn default(
        &mut self,
        owner: Owner,
        name: Option<&Arc<str>>,
        ty: &Type,
        types: &[Type],
        span: &Span,
    ) -> Expr {
        let name = name.cloned().unwrap_or_default();
        if self.is_call_timeout(owner, &name) {
            return self.call_timeout(span);
        }
        let key = match self.world.defaults.get(&(owner, Arc::clone(&name))) {
            Some(key) => *key,
            None => {
                let key = self.default_function(owner, &name);
                self.world.defaults.insert((owner, name), key);
                key
            }
        };
        let body = Arc::clone(&self.world.function(key).ast);
        if let Some(ast::Block { stmts, .. }) = &body.body
            && let [ast::Stmt { kind: ast::StmtKind::Expr(value), .. }] = &stmts[..]
            && let Some(kind) = literal(value)
        {
            return expr(kind, ty.clone(), span);
        }
        let function = self.reach(key);
        call(function, types.to_vec(), Vec::new(), ty.clone(), span)
    }

    fn default_function(&mut self, owner: Owner, name: &Arc<str>) -> FnKey {
        let (module, path, around, generics, ty, value) = match owner {
            Owner::Function(key) => {
                let decl = self.world.function(key);
                let param = decl.ast.params.iter().find(|param| param.name.text == *name);
                let (ty, value) = param
                    .map(|param| (param.ty.clone(), param.default.clone()))
                    .unwrap_or_default();
                let generics = decl.ast.generics.clone();
                (decl.module, Arc::clone(&decl.path), decl.around.clone(), generics, ty, value)
            }
            Owner::Record(id) => {
                let decl = &self.world.record_decls[id.0 as usize];
                let field = decl.ast.fields.iter().find(|field| field.name.text == *name);
                let ty = field.map(|field| field.ty.clone());
                let value = field.and_then(|field| field.default.clone());
                let path = Arc::clone(&decl.ast.name.text);
                (decl.module, path, Vec::new(), decl.ast.generics.clone(), ty, value)
            }
        };
        let span = value.as_ref().map_or(0..0, |value| value.span.clone());
        let stmt = |value: ast::Expr| ast::Stmt {
            span: value.span.clone(),
            kind: ast::StmtKind::Expr(value),
        };
        let stmts = value.map(stmt).into_iter().collect();
        let function = ast::Fn {
            doc: None,
            name: ast::Ident { text: Arc::clone(name), span: span.clone() },
            generics,
            params: Vec::new(),
            result: ty,
            receives: None,
            body: Some(ast::Block { span, stmts }),
        };
        self.world.add_function(FnDecl {
            module,
            public: false,
            path: within(&path, name),
            ast: Arc::new(function),
            around,
            hidden: Vec::new(),
            actor: None,
            signature: None,
            reached: None,
        })
    }
}

/// A literal, as it can be put in wherever it is left out.
fn literal(value: &ast::Expr) -> Option<ExprKind> {
    Some(match &value.kind {
        ast::ExprKind::Int(value) => ExprKind::Int(*value),
        ast::ExprKind::Float(value) => ExprKind::Float(*value),
        ast::ExprKind::Bool(value) => ExprKind::Int((*value).into()),
        ast::ExprKind::Char(value) => ExprKind::Int(u32::from(*value).into()),
        ast::ExprKind::String(value) => ExprKind::String(value.clone()),
        ast::ExprKind::Unary { op: ast::UnaryOp::Neg, operand } => match &operand.kind {
            ast::ExprKind::Int(value) => ExprKind::Int(value.wrapping_neg()),
            ast::ExprKind::Float(value) => ExprKind::Float(-value),
            _ => return None,
        },
        _ => return None,
    })
}
