//! What is looked at when everything else is known: whether matches leave something out, whether
//! closures outlive what they change, whether values can be of finite size.

use iridium_isa::Span;

use super::exhaustive::{self, Declarations};
use super::kind::{any, is_error};
use crate::core::walk::each_child;
use crate::core::{Body, Expr, ExprKind, Function, Pattern, RecordId, Type};
use crate::diag::{Place, Problem, control as say, types as say_types};
use crate::names::world::World;

/// Looks through all functions that the user has written.
pub(crate) fn check_matches(world: &World, functions: &[Function]) -> Vec<Problem> {
    let declarations = Declarations { records: &world.records, enums: &world.enums };
    let mut problems = Vec::new();
    for function in functions {
        let Body::Code(body) = &function.body else { continue };
        if world.is_library(function.file) {
            continue;
        }
        let receive = None;
        Matches { world, declarations, function, receive, problems: &mut problems }.expr(body);
    }
    problems
}

struct Matches<'p> {
    world: &'p World,
    declarations: Declarations<'p>,
    function: &'p Function,
    /// Where the last `receive` stands, which has a match of what it receives.
    receive: Option<Span>,
    problems: &'p mut Vec<Problem>,
}

impl Matches<'_> {
    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Receive(_) => self.receive = Some(expr.span.clone()),
            ExprKind::Match { value, arms } => {
                let rows: Vec<(&Pattern, bool)> =
                    arms.iter().map(|arm| (&arm.pattern, arm.guard.is_some())).collect();
                self.arms(&value.ty, &rows, &expr.span);
            }
            ExprKind::Let { pattern, value, otherwise: None } => {
                self.always(pattern, &value.ty);
            }
            _ => {}
        }
        each_child(expr, &mut |child| self.expr(child));
    }

    fn place(&self, span: &Span) -> Place {
        Place { file: self.function.file, span: span.clone() }
    }

    fn arms(&mut self, ty: &Type, rows: &[(&Pattern, bool)], span: &Span) {
        if *ty == Type::Never || is_wrong(ty) || rows.iter().any(|(row, _)| has_wrong(row)) {
            return;
        }
        let report = exhaustive::check(self.declarations, ty, rows);
        if report.too_complex {
            self.problems.push(say::too_complex(self.place(span)));
        }
        if let Some(missing) = &report.missing {
            let word = if self.receive.as_ref() == Some(span) { "receive" } else { "match" };
            let start = span.start..(span.start + word.len() as u32).min(span.end);
            let declared = self.variant(ty, missing);
            self.problems.push(say::missing_arm(self.place(&start), word, missing, declared));
        }
        for nth in report.unreachable {
            let (pattern, _) = rows[nth];
            // What `x?` and the like are made of has no arms of its own.
            if pattern.span != *span {
                self.problems.push(say::unreachable_arm(self.place(&pattern.span)));
            }
        }
    }

    /// Where the variant that a pattern begins with is declared, when the user has done so.
    fn variant(&self, ty: &Type, pattern: &str) -> Option<Place> {
        let Type::Enum(id, _) = ty else { return None };
        let decl = &self.world.enum_decls[id.0 as usize];
        let name = pattern.split('(').next()?;
        let variant = decl.ast.variants.iter().find(|variant| &*variant.name.text == name)?;
        let library = self.world.module(decl.module).library;
        (!library).then(|| self.world.place(decl.module, &variant.name.span))
    }

    fn always(&mut self, pattern: &Pattern, ty: &Type) {
        use crate::core::PatternKind::{Any, Bind};
        let wrong = is_wrong(ty) || has_wrong(pattern);
        if wrong || *ty == Type::Never || matches!(pattern.kind, Any | Bind(_)) {
            return;
        }
        let report = exhaustive::check(self.declarations, ty, &[(pattern, false)]);
        if let Some(missing) = report.missing {
            self.problems.push(say::may_not_fit(self.place(&pattern.span), &missing));
        }
    }
}

/// Whether a type has something in it of which it has been told that it is wrong.
fn is_wrong(ty: &Type) -> bool {
    any(ty, &mut is_error)
}

/// The same of a pattern.
fn has_wrong(pattern: &Pattern) -> bool {
    is_wrong(&pattern.ty) || pattern.parts().iter().any(has_wrong)
}

/// Records that would contain themselves without end.
pub(crate) fn check_endless(world: &World) -> Vec<Problem> {
    let mut problems = Vec::new();
    for nth in 0..world.records.len() {
        let mut seen = vec![false; world.records.len()];
        let fields = world.records[nth].fields.iter().enumerate();
        for (field, (name, ty)) in fields {
            if leads_to(world, ty, nth, &mut seen) {
                let decl = &world.record_decls[nth];
                let place = world.place(decl.module, &decl.ast.fields[field].name.span);
                let record = &world.records[nth].name;
                problems.push(say_types::endless(place, record, name));
                break;
            }
        }
    }
    problems
}

/// Whether a value of a type always has one of a record in it.
fn leads_to(world: &World, ty: &Type, target: usize, seen: &mut [bool]) -> bool {
    match ty {
        Type::Record(RecordId(id), _) => {
            let id = *id as usize;
            if id == target {
                return true;
            }
            if std::mem::replace(&mut seen[id], true) {
                return false;
            }
            world.records[id].fields.iter().any(|(_, ty)| leads_to(world, ty, target, seen))
        }
        Type::Tuple(types) => types.iter().any(|ty| leads_to(world, ty, target, seen)),
        _ => false,
    }
}
