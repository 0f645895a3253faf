//! Replies that nobody can ever get: whoever asks waits until the time is over.

use std::collections::BTreeSet;

use crate::core::walk::each_child;
use crate::core::{Body, Expr, ExprKind, Function, LocalId, Pattern, PatternKind, Type};
use crate::diag::{Place, Problem, processes as say};
use crate::names::world::World;

/// Looks for replies that a function or an arm is given, and does nothing with.
pub(crate) fn check_replies(world: &World, functions: &[Function]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for function in functions.iter().filter(|function| !world.is_library(function.file)) {
        let Body::Code(body) = &function.body else { continue };
        let mut replies = Replies { given: own_params(function), used: BTreeSet::new() };
        replies.expr(body);
        for id in replies.given {
            let local = &function.locals[id.0 as usize];
            if matches!(local.ty, Type::Reply(_)) && !replies.used.contains(&id) {
                let place = Place { file: function.file, span: local.span.clone() };
                problems.push(say::unused_reply(place, &local.name));
            }
        }
    }
    problems
}

/// The parameters that a function declares itself. Those of its actor stand before it, and the
/// variables of that can be changed.
fn own_params(function: &Function) -> Vec<LocalId> {
    let span = |id: LocalId| &function.locals[id.0 as usize].span;
    let own = function.params.iter().filter(|param| !param.inout).map(|param| param.local);
    own.filter(|id| span(*id).start > function.span.start).collect()
}

struct Replies {
    /// What was given, in the order of the text.
    given: Vec<LocalId>,
    used: BTreeSet<LocalId>,
}

impl Replies {
    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Local(id) => {
                self.used.insert(*id);
            }
            ExprKind::Closure { captured, .. } => self.used.extend(captured),
            ExprKind::Match { arms, .. } => arms.iter().for_each(|arm| self.bound(&arm.pattern)),
            _ => {}
        }
        each_child(expr, &mut |child| self.expr(child));
    }

    /// What the parts of a message are called where it is received.
    fn bound(&mut self, pattern: &Pattern) {
        if let PatternKind::Variant { fields, .. } = &pattern.kind {
            let bind = |field: &Pattern| match field.kind {
                PatternKind::Bind(id) => Some(id),
                _ => None,
            };
            self.given.extend(fields.iter().filter_map(bind));
        }
    }
}
