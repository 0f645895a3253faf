//! The names of locals that are seen at a place in a function.

use iridium_isa::Span;

use crate::syntax::ast::{self, ExprKind, FormatPart, PatternKind, StmtKind, VariantPattern};

/// The names that a function has for its locals and nested functions at an offset, those that are
/// declared last at the end.
pub(super) fn names_at(function: &ast::Fn, offset: u32) -> Vec<&ast::Ident> {
    let mut scope = Scope { offset, names: Vec::new() };
    scope.names.extend(function.params.iter().map(|param| &param.name));
    if let Some(body) = &function.body {
        scope.block(body);
    }
    scope.names
}

struct Scope<'a> {
    offset: u32,
    names: Vec<&'a ast::Ident>,
}

impl<'a> Scope<'a> {
    fn is_in(&self, span: &Span) -> bool {
        span.start <= self.offset && self.offset <= span.end
    }

    /// The names of a block are seen only in it.
    fn block(&mut self, block: &'a ast::Block) {
        if !self.is_in(&block.span) {
            return;
        }
        for stmt in &block.stmts {
            if let StmtKind::Fn(nested) = &stmt.kind {
                self.names.push(&nested.name);
            }
        }
        let begun = block.stmts.partition_point(|stmt| stmt.span.start <= self.offset);
        block.stmts[..begun].iter().for_each(|stmt| self.stmt(stmt));
    }

    fn stmt(&mut self, stmt: &'a ast::Stmt) {
        let is_over = stmt.span.end < self.offset;
        match &stmt.kind {
            StmtKind::Let { pattern, .. } if is_over => self.pattern(pattern),
            StmtKind::Var(var) if is_over => self.names.push(&var.name),
            _ if is_over => {}
            StmtKind::Let { value, otherwise, .. } => {
                self.expr(value);
                otherwise.iter().for_each(|block| self.block(block));
            }
            StmtKind::Var(var) => self.expr(&var.value),
            StmtKind::Assign { place, value, .. } => {
                self.expr(place);
                self.expr(value);
            }
            StmtKind::Assert { condition, message } => {
                self.expr(condition);
                message.iter().for_each(|message| self.expr(message));
            }
            StmtKind::While { condition, body } => {
                self.condition(condition);
                self.expr(condition);
                self.block(body);
            }
            StmtKind::For { pattern, iterated, body } => {
                self.expr(iterated);
                if self.is_in(&body.span) {
                    self.pattern(pattern);
                }
                self.block(body);
            }
            // A function of its own, which sees no locals from here.
            StmtKind::Fn(_) => {}
            StmtKind::Expr(expr) => self.expr(expr),
        }
    }

    fn expr(&mut self, expr: &'a ast::Expr) {
        if !self.is_in(&expr.span) {
            return;
        }
        match &expr.kind {
            ExprKind::Block(block) | ExprKind::Loop(block) => self.block(block),
            ExprKind::Stmt(stmt) => self.stmt(stmt),
            ExprKind::If { condition, then, otherwise } => {
                self.expr(condition);
                if self.is_in(&then.span) {
                    self.condition(condition);
                }
                self.block(then);
                otherwise.iter().for_each(|otherwise| self.expr(otherwise));
            }
            ExprKind::Binary { op: ast::BinaryOp::And, left, right, .. } => {
                self.expr(left);
                if self.is_in(&right.span) {
                    self.condition(left);
                }
                self.expr(right);
            }
            ExprKind::Match { value, arms } => {
                self.expr(value);
                arms.iter().for_each(|arm| self.arm(arm));
            }
            ExprKind::Receive { arms, after } => {
                arms.iter().for_each(|arm| self.arm(arm));
                after.iter().for_each(|(time, body)| {
                    self.expr(time);
                    self.expr(body);
                });
            }
            ExprKind::Closure { params, body, .. } => {
                if self.is_in(&body.span) {
                    self.names.extend(params.iter().map(|param| &param.name));
                }
                self.expr(body);
            }
            _ => parts(expr).into_iter().for_each(|part| self.expr(part)),
        }
    }

    fn arm(&mut self, arm: &'a ast::Arm) {
        if self.is_in(&arm.span) && arm.pattern.span.end < self.offset {
            self.pattern(&arm.pattern);
            arm.guard.iter().for_each(|guard| self.condition(guard));
            self.expr(&arm.body);
        }
    }

    /// What `is` binds where a condition is true.
    fn condition(&mut self, condition: &'a ast::Expr) {
        match &condition.kind {
            ExprKind::Is { pattern, .. } if pattern.span.end < self.offset => self.pattern(pattern),
            ExprKind::Binary { op: ast::BinaryOp::And, left, right, .. } => {
                self.condition(left);
                self.condition(right);
            }
            _ => {}
        }
    }

    fn pattern(&mut self, pattern: &'a ast::Pattern) {
        match &pattern.kind {
            PatternKind::Bind(name) => self.names.push(name),
            PatternKind::As { pattern, name } => {
                self.pattern(pattern);
                self.names.push(name);
            }
            // All of them bind the same names.
            PatternKind::Or(patterns) => {
                patterns.first().into_iter().for_each(|first| self.pattern(first));
            }
            PatternKind::Variant { fields: VariantPattern::Fields(fields), .. } => {
                fields.iter().for_each(|(_, part)| self.pattern(part));
            }
            PatternKind::Tuple(parts) | PatternKind::List { patterns: parts, .. } => {
                parts.iter().for_each(|part| self.pattern(part));
            }
            _ => {}
        }
    }
}

/// The expressions in one that binds no names itself.
fn parts(expr: &ast::Expr) -> Vec<&ast::Expr> {
    match &expr.kind {
        ExprKind::Format(parts) => {
            let values = parts.iter().filter_map(|part| match part {
                FormatPart::Value { value, .. } => Some(value),
                FormatPart::Text(_) => None,
            });
            values.collect()
        }
        ExprKind::Member { base: part, .. }
        | ExprKind::Try(part)
        | ExprKind::Unwrap(part)
        | ExprKind::Unary { operand: part, .. }
        | ExprKind::Is { value: part, .. }
        | ExprKind::Become(part) => vec![part],
        ExprKind::Return(part) => part.as_deref().into_iter().collect(),
        ExprKind::Call { callee: of, args } | ExprKind::Index { base: of, args } => {
            std::iter::once(&**of).chain(args.iter().map(|arg| &arg.value)).collect()
        }
        ExprKind::Binary { left, right, .. }
        | ExprKind::Range { start: left, end: right, .. }
        | ExprKind::Within { call: left, time: right }
        | ExprKind::Timer { call: left, time: right, .. } => vec![left, right],
        ExprKind::Spawn { call, node } => std::iter::once(&**call).chain(node.as_deref()).collect(),
        ExprKind::Tuple(parts) | ExprKind::List(parts) => parts.iter().collect(),
        ExprKind::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
        _ => Vec::new(),
    }
}
