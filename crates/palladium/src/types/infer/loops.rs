//! `for`, over whatever it runs.

use iridium_isa::Span;

use crate::core::{Arg, CompareOp, Expr, ExprKind, LocalId, Op, PatternKind, Type};
use crate::diag::places::By;
use crate::diag::types as say;
use crate::syntax::ast;
use crate::types::build::{
    assign, bind, block, branch, call, compare, expr, int, leave, local, local_place, nothing,
    operate, set, values, variant_pattern,
};
use crate::types::checker::Checker;
use crate::types::kind::{as_var, is_error, unit};

/// How often `iter` is asked for what a loop runs over.
const MAX_ITERS: u32 = 4;

/// A loop that counts, before its first round.
struct Counting {
    before: Vec<Expr>,
    i: LocalId,
    /// What each round does with the number first.
    named: Vec<Expr>,
    start: Expr,
    end: Expr,
}

impl Checker {
    pub(super) fn for_(
        &mut self,
        pattern: &ast::Pattern,
        iterated: &ast::Expr,
        body: &ast::Block,
        span: &Span,
    ) -> Expr {
        if let ast::ExprKind::Range { start, end, inclusive } = &iterated.kind {
            return self.count(pattern, start, end, *inclusive, body, span);
        }
        self.cx.lazily = matches!(iterated.kind, ast::ExprKind::Call { .. });
        let value = self.infer(iterated);
        self.cx.lazily = false;
        self.cx.vars.settle(&value.ty);
        self.over(pattern, value, body, span)
    }

    fn over(
        &mut self,
        pattern: &ast::Pattern,
        mut value: Expr,
        body: &ast::Block,
        span: &Span,
    ) -> Expr {
        for _ in 0..MAX_ITERS {
            let ty = self.known(&value.ty);
            if let Type::List(of) = &ty {
                return self.over_list(pattern, value, of, body, span);
            }
            if let Type::Record(id, _) = &ty
                && Some(*id) == self.world.known_record("range", "Range")
            {
                return self.over_range(pattern, value, body, span);
            }
            if as_var(&ty).is_some() {
                self.problem(say::unknown_type(self.place(&value.span), None, "_"));
                self.cx.vars.silence(&ty);
            }
            if is_error(&self.known(&ty)) || ty == Type::Never {
                break;
            }
            if let Some(next) = self.world.loop_method(self.cx.module, &ty, "next") {
                return self.over_next(pattern, value, next, body, span);
            }
            let Some(iter) = self.world.loop_method(self.cx.module, &ty, "iter") else {
                let found = self.text(&ty);
                self.problem(say::not_iterable(self.place(&value.span), &found));
                break;
            };
            let at = value.span.clone();
            value = self.call_with(iter, vec![value], &at);
        }
        self.push_scope();
        self.pattern(pattern, &crate::types::kind::ERROR, By::Pattern);
        let body = self.loop_body(body);
        self.pop_scope();
        Expr { ty: unit(), ..block(vec![value, body], nothing(span)) }
    }

    /// One round of a loop: the pattern gets a value, the body is done.
    fn round(&mut self, pattern: &ast::Pattern, element: Expr, body: &ast::Block) -> Expr {
        self.push_scope();
        let at = pattern.span.clone();
        let pattern = self.pattern(pattern, &element.ty.clone(), By::Pattern);
        let kind = ExprKind::Let { pattern, value: Box::new(element), otherwise: None };
        let stmts = vec![expr(kind, unit(), &at)];
        let body = self.loop_body(body);
        self.pop_scope();
        block(stmts, body)
    }

    /// `for pattern in start..end`
    fn count(
        &mut self,
        pattern: &ast::Pattern,
        start: &ast::Expr,
        end: &ast::Expr,
        inclusive: bool,
        body: &ast::Block,
        span: &Span,
    ) -> Expr {
        let start = self.check(start, &Type::Int, None);
        let end = self.check(end, &Type::Int, None);
        if !inclusive {
            return self.count_below(pattern, start, end, body, span);
        }
        match end.kind {
            ExprKind::Int(last) if last < i64::MAX => {
                let end = int(last + 1, &end.span);
                self.count_below(pattern, start, end, body, span)
            }
            _ => self.count_through(pattern, start, end, body, span),
        }
    }

    /// The number steps on before it is compared, so both are done at one place: at the end of a round.
    fn count_below(
        &mut self,
        pattern: &ast::Pattern,
        start: Expr,
        end: Expr,
        body: &ast::Block,
        span: &Span,
    ) -> Expr {
        self.push_scope();
        let Counting { before, i, named, end, .. } = self.counting(pattern, start, end, span);
        let below = compare(CompareOp::Lt, local(i, Type::Int, span), end, span);
        let more = block(vec![self.step(i, span)], below);
        let body = block(named, self.loop_body(body));
        self.pop_scope();
        looped(before, more, body, span)
    }

    /// With the last one, which may be the largest that there is.
    fn count_through(
        &mut self,
        pattern: &ast::Pattern,
        start: Expr,
        last: Expr,
        body: &ast::Block,
        span: &Span,
    ) -> Expr {
        self.push_scope();
        let Counting { before, i, mut named, start, end } =
            self.counting(pattern, start, last, span);
        let some = compare(CompareOp::Le, start, end.clone(), span);
        let more = compare(CompareOp::Ne, local(i, Type::Int, span), end, span);
        named.insert(0, self.step(i, span));
        let body = block(named, self.loop_body(body));
        self.pop_scope();
        let counted = looped(Vec::new(), more, body, span);
        block(before, branch(some, counted, nothing(span), unit(), span))
    }

    /// What a loop does before it counts: the ends are found once, and the number stands before the
    /// first.
    fn counting(
        &mut self,
        pattern: &ast::Pattern,
        start: Expr,
        end: Expr,
        span: &Span,
    ) -> Counting {
        let mut before = Vec::new();
        let start = self.kept(start, &mut before);
        let end = self.kept(end, &mut before);
        let (i, named) = self.counter(pattern);
        before.push(set(i, operate(Op::SubWrap, start.clone(), int(1, span), span)));
        Counting { before, i, named, start, end }
    }

    /// What a loop counts with: the name itself that the pattern gives, or else a number of which
    /// the pattern gets each value.
    fn counter(&mut self, pattern: &ast::Pattern) -> (LocalId, Vec<Expr>) {
        let at = &pattern.span;
        let pattern = self.pattern(pattern, &Type::Int, By::Pattern);
        if let PatternKind::Bind(i) = pattern.kind {
            return (i, Vec::new());
        }
        let i = self.temporary(Type::Int, at);
        let value = Box::new(local(i, Type::Int, at));
        let kind = ExprKind::Let { pattern, value, otherwise: None };
        (i, vec![expr(kind, unit(), at)])
    }

    /// `i += 1`, where that is known to be no overflow or not to matter.
    fn step(&self, i: LocalId, span: &Span) -> Expr {
        let next = operate(Op::AddWrap, local(i, Type::Int, span), int(1, span), span);
        assign(local_place(i, Type::Int, span), next, span)
    }

    fn over_range(
        &mut self,
        pattern: &ast::Pattern,
        range: Expr,
        body: &ast::Block,
        span: &Span,
    ) -> Expr {
        let (ty, at) = (range.ty.clone(), range.span.clone());
        let id = self.temporary(ty.clone(), &at);
        let end = |index| {
            let base = Box::new(local(id, ty.clone(), &at));
            expr(ExprKind::Field { base, index }, Type::Int, &at)
        };
        let counted = self.count_below(pattern, end(0), end(1), body, span);
        block(vec![set(id, range)], counted)
    }

    fn over_list(
        &mut self,
        pattern: &ast::Pattern,
        list: Expr,
        of: &Type,
        body: &ast::Block,
        span: &Span,
    ) -> Expr {
        let ty = list.ty.clone();
        let xs = self.temporary(ty.clone(), span);
        let n = self.temporary(Type::Int, span);
        let i = self.temporary(Type::Int, span);
        let (len, element) =
            (self.library_fn("list", "len", span), self.library_fn("list", "element", span));
        let xs_value = || local(xs, ty.clone(), span);
        let index = || local(i, Type::Int, span);
        let types = vec![of.clone()];
        let length = call(len, types.clone(), values([xs_value()]), Type::Int, span);
        let before = vec![set(xs, list), set(n, length), set(i, int(-1, span))];
        let below = compare(CompareOp::Lt, index(), local(n, Type::Int, span), span);
        let more = block(vec![self.step(i, span)], below);
        let at = &pattern.span;
        let element = call(element, types, values([xs_value(), index()]), of.clone(), at);
        let round = self.round(pattern, element, body);
        looped(before, more, round, span)
    }

    /// Over what has `next(var self) -> T?`
    fn over_next(
        &mut self,
        pattern: &ast::Pattern,
        value: Expr,
        next: crate::names::world::FnKey,
        body: &ast::Block,
        span: &Span,
    ) -> Expr {
        let ty = value.ty.clone();
        let it = self.temporary(ty.clone(), span);
        let signature = self.world.signature(next);
        let types = self.instantiate(&signature.generics, span, "next");
        let own = signature.params[0].ty.substitute(&types);
        self.cx.vars.unify(&own, &ty);
        let result = signature.result.substitute(&types);
        let (option, of) = match self.known(&result) {
            Type::Enum(id, args) if args.len() == 1 => (id, args[0].clone()),
            _ => {
                let found = self.text(&ty);
                self.problem(say::not_iterable(self.place(&value.span), &found));
                return nothing(span);
            }
        };
        let function = self.reach(next);
        let place = match signature.params[0].inout {
            true => Arg::InOut(local_place(it, ty, span)),
            false => Arg::Value(local(it, ty, span)),
        };
        let called = call(function, types, vec![place], result.clone(), span);
        let element = self.temporary(of.clone(), span);
        let variants = &self.world.enums[option.0 as usize].variants;
        let some = variants.iter().position(|variant| &*variant.name == "Some").unwrap_or(0);
        let fields = vec![bind(element, of.clone(), span)];
        let pattern_some = variant_pattern(option, some as u32, fields, result, span);
        let kind = ExprKind::Let {
            pattern: pattern_some,
            value: Box::new(called),
            otherwise: Some(Box::new(leave(span))),
        };
        let taken = expr(kind, unit(), span);
        let round = self.round(pattern, local(element, of, &pattern.span), body);
        let round = block(vec![taken], round);
        let around = expr(ExprKind::Loop(Box::new(round)), unit(), span);
        block(vec![set(it, value)], around)
    }
}

/// `while more { round }`
fn looped(before: Vec<Expr>, more: Expr, round: Expr, span: &Span) -> Expr {
    let round = branch(more, round, leave(span), unit(), span);
    block(before, expr(ExprKind::Loop(Box::new(round)), unit(), span))
}
