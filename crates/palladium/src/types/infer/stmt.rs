//! Blocks and the statements in them.

use std::rc::Rc;
use std::sync::Arc;

use iridium_isa::Span;

use crate::core::{CompareOp, Expr, ExprKind, Trap, Type};
use crate::diag::places::By;
use crate::diag::{control, types as say};
use crate::names::resolve::TypeScope;
use crate::names::world::{FnDecl, FnKey, World};
use crate::syntax::ast;
use crate::types::build::{
    bind, block, branch, compare, dropped, expr, local, nothing, set, string, within,
};
use crate::types::checker::{Binding, Checker, Want};
use crate::types::kind::{ERROR, any, as_param, is_error, unit};

impl Checker {
    /// A block, whose value is that of its last statement.
    pub(in crate::types) fn block(&mut self, b: &ast::Block, want: &Want) -> Expr {
        self.push_scope();
        self.declare_nested(b);
        let dropping = match want {
            Want::Drop => true,
            Want::Any => false,
            Want::Type(ty, _) => self.gives_nothing(ty),
        };
        let mut stmts = Vec::new();
        let mut value = None;
        for (nth, stmt) in b.stmts.iter().enumerate() {
            match &stmt.kind {
                ast::StmtKind::Expr(e) if nth + 1 == b.stmts.len() && !dropping => {
                    value = Some(self.expr(e, want));
                }
                _ => stmts.push(self.stmt(stmt)),
            }
        }
        self.pop_scope();
        let ends = stmts.iter().all(|stmt| self.known(&stmt.ty) != Type::Never);
        let value = match value {
            Some(value) => value,
            None if ends => self.no_value(b, want, dropping),
            None => nothing(&b.span),
        };
        let ty = if ends { value.ty.clone() } else { Type::Never };
        if stmts.is_empty() && ends {
            return value;
        }
        expr(ExprKind::Block { stmts, value: Box::new(value) }, ty, &b.span)
    }

    /// The value of a block that ends without one.
    fn no_value(&mut self, b: &ast::Block, want: &Want, dropping: bool) -> Expr {
        let mut value = nothing(&b.span);
        if let Want::Type(ty, why) = want
            && !dropping
            && !self.cx.vars.unify(ty, &unit())
        {
            let expected = self.text(ty);
            let end = b.span.end.saturating_sub(1)..b.span.end;
            self.problem(say::no_value(self.place(&end), &expected, why.as_ref()));
            value.ty = ERROR;
        }
        value
    }

    /// The functions of a block are known in all of it.
    fn declare_nested(&mut self, b: &ast::Block) {
        let functions = b.stmts.iter().filter_map(|stmt| match &stmt.kind {
            ast::StmtKind::Fn(function) => Some(function),
            _ => None,
        });
        let mut keys = Vec::new();
        for function in functions {
            let key = self.world.add_function(FnDecl {
                module: self.cx.module,
                public: false,
                path: within(&self.cx.path, &function.name.text),
                ast: Arc::new(function.clone()),
                around: Vec::new(),
                hidden: Vec::new(),
                actor: None,
                signature: None,
                reached: None,
            });
            self.bind(&function.name.text, Binding::Fn(key));
            keys.push(key);
        }
        for key in keys {
            let around = self.nested_functions();
            self.world.functions[key.0 as usize].around = around;
            self.reach(key);
        }
    }

    /// A nested function does not see the locals around it.
    fn hide_locals(&mut self, name: &str) {
        if let Some(Binding::Fn(key)) = self.binding(name) {
            self.world.functions[key.0 as usize].hidden = self.local_names();
        }
    }

    /// The nested functions that are seen here.
    fn nested_functions(&self) -> Vec<(Arc<str>, FnKey)> {
        let scopes = self.cx.frames.iter().flat_map(|frame| frame.scopes.iter().flatten());
        let functions = scopes.filter_map(|(name, binding)| match binding {
            Binding::Fn(key) => Some((Arc::clone(name), *key)),
            Binding::Local(_) => None,
        });
        functions.collect()
    }

    pub(in crate::types) fn stmt(&mut self, stmt: &ast::Stmt) -> Expr {
        let span = &stmt.span;
        match &stmt.kind {
            ast::StmtKind::Let { pattern, ty, value, otherwise } => {
                self.let_(pattern, ty.as_ref(), value, otherwise.as_ref(), span)
            }
            ast::StmtKind::Var(var) => self.var(var),
            ast::StmtKind::Assign { place, op, op_span, value } => {
                self.assign(place, *op, op_span, value, span)
            }
            ast::StmtKind::Assert { condition, message } => {
                self.assert(condition, message.as_ref(), span)
            }
            ast::StmtKind::While { condition, body } => self.while_(condition, body, span),
            ast::StmtKind::For { pattern, iterated, body } => {
                self.for_(pattern, iterated, body, span)
            }
            ast::StmtKind::Fn(function) => {
                self.hide_locals(&function.name.text);
                nothing(span)
            }
            ast::StmtKind::Expr(e) => self.dropped_expr(e),
        }
    }

    /// An expression whose value nobody wants.
    fn dropped_expr(&mut self, e: &ast::Expr) -> Expr {
        let value = self.expr(e, &Want::Drop);
        self.cx.vars.settle(&value.ty);
        if let Type::Enum(id, _) = self.known(&value.ty)
            && Some(id) == self.world.known_enum("result", "Result")
        {
            let ty = self.text(&value.ty);
            self.problem(control::unused_result(self.place(&e.span), &ty));
        }
        value
    }

    /// A type that is given to a function: what a process receives may be an actor.
    pub(super) fn written_inbox(&mut self, ty: &ast::Type) -> Type {
        self.resolved(ty, World::resolve_inbox)
    }

    /// A written type, in the function that is being checked.
    pub(super) fn written(&mut self, ty: &ast::Type) -> Type {
        self.resolved(ty, World::resolve_type)
    }

    fn resolved(
        &mut self,
        ty: &ast::Type,
        resolve: fn(&mut World, TypeScope<'_>, &ast::Type) -> Type,
    ) -> Type {
        let generics = Rc::clone(&self.cx.generics);
        let scope = TypeScope { module: self.cx.module, generics: &generics };
        resolve(&mut self.world, scope, ty)
    }

    /// The value of a declaration, of its written type if it has one.
    fn initial(&mut self, ty: Option<&ast::Type>, value: &ast::Expr) -> Expr {
        let value = match ty {
            Some(ty) => {
                let wanted = self.written(ty);
                let why = (self.place(&ty.span), "this is its type".to_owned());
                let value = self.check(value, &wanted, Some(why));
                Expr { ty: wanted, ..value }
            }
            None => self.infer(value),
        };
        self.cx.vars.settle(&value.ty);
        value
    }

    fn let_(
        &mut self,
        pattern: &ast::Pattern,
        ty: Option<&ast::Type>,
        value: &ast::Expr,
        otherwise: Option<&ast::Block>,
        span: &Span,
    ) -> Expr {
        let value = self.initial(ty, value);
        let otherwise = otherwise.map(|otherwise| {
            let found = self.block(otherwise, &Want::Drop);
            if self.known(&found.ty) != Type::Never && !is_error(&found.ty) {
                self.problem(control::else_goes_on(self.place(&otherwise.span)));
            }
            Box::new(found)
        });
        let ends = self.known(&value.ty) != Type::Never;
        let ty = if ends { value.ty.clone() } else { self.never_ending(&value.span) };
        let by = match pattern.kind {
            ast::PatternKind::Bind(_) => By::Let,
            _ => By::Pattern,
        };
        let pattern = self.pattern(pattern, &ty, by);
        let result = if ends { unit() } else { Type::Never };
        expr(ExprKind::Let { pattern, value: Box::new(value), otherwise }, result, span)
    }

    /// The type of the value of something that never comes to an end: whatever is wanted.
    fn never_ending(&mut self, span: &Span) -> Type {
        let ty = self.cx.vars.fresh(span);
        self.cx.vars.diverges(&ty);
        ty
    }

    pub(in crate::types) fn var(&mut self, var: &ast::Var) -> Expr {
        let value = self.initial(var.ty.as_ref(), &var.value);
        let ty = value.ty.clone();
        let id = self.local(&var.name.text, ty.clone(), By::Var, &var.name.span);
        self.bind(&var.name.text, Binding::Local(id));
        let pattern = bind(id, ty, &var.name.span);
        let value = Box::new(value);
        expr(ExprKind::Let { pattern, value, otherwise: None }, unit(), &var.span)
    }

    fn while_(&mut self, condition: &ast::Expr, body: &ast::Block, span: &Span) -> Expr {
        self.push_scope();
        let condition = self.condition_of("while", condition, span);
        let body = self.loop_body(body);
        self.pop_scope();
        let round = branch(condition, body, crate::types::build::leave(span), unit(), span);
        expr(ExprKind::Loop(Box::new(round)), unit(), span)
    }

    /// The body of a loop that ends by itself.
    pub(super) fn loop_body(&mut self, body: &ast::Block) -> Expr {
        self.frame().loops.push(false);
        let body = self.block(body, &Want::Drop);
        self.frame().loops.pop();
        dropped(body)
    }

    pub(super) fn loop_(&mut self, body: &ast::Block, span: &Span) -> Expr {
        self.frame().loops.push(false);
        let body = self.block(body, &Want::Drop);
        let left = self.frame().loops.pop() == Some(true);
        let ty = if left { unit() } else { Type::Never };
        expr(ExprKind::Loop(Box::new(dropped(body))), ty, span)
    }

    fn assert(&mut self, condition: &ast::Expr, message: Option<&ast::Expr>, span: &Span) -> Expr {
        let (setup, condition, sides) = self.asserted(condition);
        let text = self.temporary(Type::String, span);
        let mut stmts = vec![set(text, string("assertion failed", span))];
        if let Some(message) = message {
            stmts.push(self.push_text(text, ": ", span));
            let message = self.infer(message);
            stmts.push(self.show(text, message, false));
        }
        let words: &[&str] = match sides.len() {
            1 => &["; the value is "],
            _ => &["; the left side is ", "; the right side is "],
        };
        for (word, value) in words.iter().zip(sides) {
            stmts.push(self.push_text(text, word, span));
            stmts.push(self.show(text, value, true));
        }
        let text = Box::new(local(text, Type::String, span));
        let trap = expr(ExprKind::Trap { kind: Trap::Assert, text }, Type::Never, span);
        let failed = expr(ExprKind::Block { stmts, value: Box::new(trap) }, Type::Never, span);
        block(setup, branch(condition, nothing(span), failed, unit(), span))
    }

    /// What an assertion does first, its condition, and the values to be shown when it fails.
    fn asserted(&mut self, condition: &ast::Expr) -> (Vec<Expr>, Expr, Vec<Expr>) {
        let mut setup = Vec::new();
        let (condition, shown) = match &condition.kind {
            ast::ExprKind::Binary { op: ast::BinaryOp::And, op_span, left, right }
                if is_match(left) =>
            {
                let (first, left, shown) = self.asserted(left);
                setup = first;
                let right = self.and_also(left, op_span, right, &condition.span);
                (right, shown)
            }
            ast::ExprKind::Binary { op, op_span, left, right } => match compared(*op) {
                Some(op) => {
                    let (left, right) = (self.infer(left), self.infer(right));
                    let span = &condition.span;
                    let checked =
                        self.binary_values(written(op), op_span, left.clone(), right.clone(), span);
                    if is_error(&checked.ty) {
                        return (setup, checked, Vec::new());
                    }
                    let (left, right) = (self.keep(left, &mut setup), self.keep(right, &mut setup));
                    (compare(op, left.clone(), right.clone(), span), vec![left, right])
                }
                None => (self.condition(condition, None), Vec::new()),
            },
            ast::ExprKind::Is { value, pattern } => {
                let value = self.infer(value);
                let value = self.keep(value, &mut setup);
                (self.matches(value.clone(), pattern, &condition.span), vec![value])
            }
            ast::ExprKind::Unary { op: ast::UnaryOp::Not, operand } if is_match(operand) => {
                self.push_scope();
                let (first, matched, shown) = self.asserted(operand);
                self.pop_scope();
                setup = first;
                let kind = ExprKind::Not(Box::new(matched));
                (expr(kind, Type::Bool, &condition.span), shown)
            }
            _ => (self.condition(condition, None), Vec::new()),
        };
        let unknown = shown.iter().any(|side| {
            let ty = self.cx.vars.deep(&side.ty);
            is_error(&ty) || any(&ty, &mut |part| as_param(part).is_some())
        });
        (setup, condition, if unknown { Vec::new() } else { shown })
    }

    /// A value in a variable, which `setup` gives it.
    fn keep(&mut self, value: Expr, setup: &mut Vec<Expr>) -> Expr {
        let (ty, span) = (value.ty.clone(), value.span.clone());
        let id = self.temporary(ty.clone(), &span);
        setup.push(set(id, value));
        local(id, ty, &span)
    }
}

/// Whether the first thing that an expression asks is `x is …`.
fn is_match(e: &ast::Expr) -> bool {
    match &e.kind {
        ast::ExprKind::Is { .. } => true,
        ast::ExprKind::Binary { op: ast::BinaryOp::And, left, .. } => is_match(left),
        _ => false,
    }
}

fn compared(op: ast::BinaryOp) -> Option<CompareOp> {
    Some(match op {
        ast::BinaryOp::Eq => CompareOp::Eq,
        ast::BinaryOp::Ne => CompareOp::Ne,
        ast::BinaryOp::Lt => CompareOp::Lt,
        ast::BinaryOp::Le => CompareOp::Le,
        ast::BinaryOp::Gt => CompareOp::Gt,
        ast::BinaryOp::Ge => CompareOp::Ge,
        _ => return None,
    })
}

fn written(op: CompareOp) -> ast::BinaryOp {
    match op {
        CompareOp::Eq => ast::BinaryOp::Eq,
        CompareOp::Ne => ast::BinaryOp::Ne,
        CompareOp::Lt => ast::BinaryOp::Lt,
        CompareOp::Le => ast::BinaryOp::Le,
        CompareOp::Gt => ast::BinaryOp::Gt,
        CompareOp::Ge => ast::BinaryOp::Ge,
    }
}
