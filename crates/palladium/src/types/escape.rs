//! Closures that change a variable around them must not outlive it: they may only be called, or
//! be passed on to parameters of which the same is true.

use std::collections::BTreeSet;

use crate::core::walk::each_child;
use crate::core::{Arg, Body, Expr, ExprKind, FnId, Function, LocalId, Step, Type};
use crate::diag::{Place, Problem, places as say};

/// The functions of the library that give a closure to another process.
const TASKS: [&str; 2] = ["process.spawn_task", "process.send_task"];

/// Says which closures that change something are kept.
pub(crate) fn check_escapes(functions: &[Function]) -> Vec<Problem> {
    let kept = kept_params(functions);
    let mut problems = Vec::new();
    for function in functions {
        let Body::Code(body) = &function.body else { continue };
        let mut uses =
            Uses { functions, kept: &kept, locals: BTreeSet::new(), closures: Vec::new() };
        uses.expr(body, true);
        let held: Vec<(LocalId, FnId)> = uses.held(body);
        for closure in uses.closures.iter().copied().chain(
            held.iter()
                .filter(|(local, _)| uses.locals.contains(local))
                .map(|(_, closure)| *closure),
        ) {
            problems.extend(problem(functions, closure));
        }
    }
    problems
}

/// What is wrong when a closure is kept.
fn problem(functions: &[Function], closure: FnId) -> Option<Problem> {
    let inner = functions.get(closure.0 as usize)?;
    let changed =
        inner.captures.iter().map(|local| &inner.locals[local.0 as usize]).find(|l| l.shared)?;
    let place = Place { file: inner.file, span: inner.span.clone() };
    let var = Place { file: inner.file, span: changed.span.clone() };
    Some(say::escaping(place, &changed.name, var))
}

type Kept = BTreeSet<(FnId, usize)>;

/// The parameters of function type that are kept by their functions, directly or by others.
fn kept_params(functions: &[Function]) -> Kept {
    // What a process runs outlives everything.
    let is_task = |function: &Function| TASKS.contains(&&*function.name);
    let tasks = functions.iter().enumerate().filter(|(_, function)| is_task(function));
    let mut kept: Kept =
        tasks.flat_map(|(nth, _)| [0, 1].map(|at| (FnId(nth as u32), at))).collect();
    loop {
        let before = kept.len();
        for (nth, function) in functions.iter().enumerate() {
            let takes_functions = function.params.iter().any(|param| {
                matches!(function.locals[param.local.0 as usize].ty, Type::Fn(_) | Type::Param(_))
            });
            let Body::Code(body) = &function.body else { continue };
            if !takes_functions {
                continue;
            }
            let mut uses =
                Uses { functions, kept: &kept, locals: BTreeSet::new(), closures: Vec::new() };
            uses.expr(body, true);
            let escaping = uses.locals;
            for (at, param) in function.params.iter().enumerate() {
                if escaping.contains(&param.local) {
                    kept.insert((FnId(nth as u32), at));
                }
            }
        }
        if kept.len() == before {
            return kept;
        }
    }
}

/// How functions are used in a body.
struct Uses<'f> {
    functions: &'f [Function],
    kept: &'f Kept,
    /// The locals whose values are kept.
    locals: BTreeSet<LocalId>,
    /// The closures that are kept.
    closures: Vec<FnId>,
}

impl Uses<'_> {
    /// `kept`: whether the value of the expression is.
    fn expr(&mut self, expr: &Expr, kept: bool) {
        match &expr.kind {
            ExprKind::Local(local) if kept && matches!(expr.ty, Type::Fn(_) | Type::Param(_)) => {
                self.locals.insert(*local);
            }
            ExprKind::Local(_) => {}
            ExprKind::Closure { function, captured, .. } => self.closure(*function, captured, kept),
            ExprKind::CallValue { function, args } => {
                self.expr(function, false);
                args.iter().for_each(|arg| self.arg(arg, true));
            }
            ExprKind::Call { function, args, .. } => {
                for (nth, arg) in args.iter().enumerate() {
                    self.arg(arg, self.kept.contains(&(*function, nth)));
                }
            }
            ExprKind::Let { value, otherwise, pattern } => {
                let named = matches!(pattern.kind, crate::core::PatternKind::Bind(_));
                self.expr(value, !named);
                otherwise.iter().for_each(|otherwise| self.expr(otherwise, kept));
            }
            ExprKind::Block { stmts, value } => {
                stmts.iter().for_each(|stmt| self.expr(stmt, false));
                self.expr(value, kept);
            }
            ExprKind::If { condition, then, otherwise } => {
                self.expr(condition, false);
                self.expr(then, kept);
                self.expr(otherwise, kept);
            }
            ExprKind::Field { base, .. } => self.expr(base, false),
            ExprKind::Compare { .. } | ExprKind::Op { .. } | ExprKind::Show { .. } => {
                each_child(expr, &mut |child| self.expr(child, false));
            }
            _ => each_child(expr, &mut |child| self.expr(child, true)),
        }
    }

    fn arg(&mut self, arg: &Arg, kept: bool) {
        match arg {
            Arg::Value(value) => self.expr(value, kept),
            Arg::InOut(place) => {
                for step in &place.path {
                    if let Step::Index(index) = step {
                        self.expr(index, false);
                    }
                }
            }
        }
    }

    /// What a closure keeps of what it captures is kept; all of it is when the closure itself is.
    fn closure(&mut self, function: FnId, captured: &[LocalId], kept: bool) {
        if kept {
            self.closures.push(function);
            self.locals.extend(captured);
            return;
        }
        let Some(inner) = self.functions.get(function.0 as usize) else { return };
        let Body::Code(body) = &inner.body else { return };
        let mut uses = Uses { locals: BTreeSet::new(), closures: Vec::new(), ..*self };
        uses.expr(body, true);
        let pairs = captured.iter().zip(&inner.captures);
        let kept: Vec<LocalId> =
            pairs.filter(|(_, own)| uses.locals.contains(own)).map(|(outer, _)| *outer).collect();
        self.locals.extend(kept);
    }

    /// The locals that are closures.
    fn held(&self, body: &Expr) -> Vec<(LocalId, FnId)> {
        let mut found = Vec::new();
        held(body, &mut found);
        found
    }
}

fn held(expr: &Expr, found: &mut Vec<(LocalId, FnId)>) {
    if let ExprKind::Let { pattern, value, .. } = &expr.kind
        && let crate::core::PatternKind::Bind(local) = pattern.kind
        && let ExprKind::Closure { function, .. } = value.kind
    {
        found.push((local, function));
    }
    each_child(expr, &mut |child| held(child, found));
}
