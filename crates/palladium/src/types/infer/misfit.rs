//! Which argument is for which parameter, and why one is for none.

use std::sync::Arc;

use iridium_isa::{Span, suggest};

use crate::diag::calls as say;
use crate::diag::names as say_names;
use crate::syntax::ast;
use crate::types::checker::Checker;

use super::callee::Slot;

/// Why arguments do not fit parameters.
#[derive(Debug)]
pub(super) enum Misfit<'a> {
    TooMany(&'a ast::Arg),
    Missing(usize),
    UnknownLabel(&'a ast::Ident),
    Again(&'a ast::Ident),
}

impl Checker {
    /// Tells why arguments do not fit.
    pub(super) fn misfit(
        &mut self,
        name: &ast::Ident,
        slots: &[Slot],
        args: &[ast::Arg],
        misfit: &Misfit<'_>,
        span: &Span,
    ) {
        let shown: Vec<String> = slots
            .iter()
            .map(|slot| {
                let ty = self.text(&slot.ty);
                slot.name.as_ref().map_or(ty.clone(), |name| format!("{name}: {ty}"))
            })
            .collect();
        let declared = slots.first().and_then(|slot| slot.place.clone());
        let required = slots.iter().filter(|slot| slot.default.is_none()).count();
        let problem = match misfit {
            Misfit::TooMany(arg) => {
                let place = self.place(&arg.span);
                say::too_many(place, &name.text, &shown, args.len(), declared)
            }
            Misfit::Missing(nth) => {
                let place = self.place(&(span.end.saturating_sub(1)..span.end));
                let declared = slots[*nth].place.clone().or(declared);
                say::too_few(
                    place,
                    &name.text,
                    &shown,
                    &shown[*nth],
                    required,
                    args.len(),
                    declared,
                )
            }
            Misfit::UnknownLabel(label) if slots.is_empty() => {
                let place = self.place(&label.span);
                say::too_many(place, &name.text, &shown, args.len(), declared)
            }
            Misfit::UnknownLabel(label) => {
                let names = slots.iter().filter_map(|slot| slot.name.as_deref());
                let near = suggest::nearest(&label.text, names);
                let part = slots.first().map_or("parameter", |slot| slot.part);
                let what = format!("{part} of `{}` named", name.text);
                let problem = say_names::unknown(self.place(&label.span), &what, &label.text, near);
                if near.is_some() { problem } else { say::with_params(problem, &name.text, &shown) }
            }
            Misfit::Again(label) => {
                say::label_order(self.place(&label.span), &name.text, &label.text, &shown)
            }
        };
        self.problem(problem);
    }
}

/// Which argument is for which of `count` parameters, of which `of` tells the name and whether it
/// has a default. Labels are in the order of the declaration.
pub(super) fn assign<'a, 'n>(
    count: usize,
    of: impl Fn(usize) -> (Option<&'n Arc<str>>, bool),
    args: &'a [ast::Arg],
) -> Result<Vec<Option<&'a ast::Arg>>, Misfit<'a>> {
    let mut assigned = vec![None; count];
    let mut next = 0;
    for arg in args {
        let at = match &arg.label {
            None => next,
            Some(label) => (0..count)
                .find(|nth| of(*nth).0 == Some(&label.text))
                .ok_or(Misfit::UnknownLabel(label))?,
        };
        if let (Some(label), true) = (&arg.label, at < next) {
            return Err(Misfit::Again(label));
        }
        *assigned.get_mut(at).ok_or(Misfit::TooMany(arg))? = Some(arg);
        next = at + 1;
    }
    let missing = (0..count).find(|nth| assigned[*nth].is_none() && !of(*nth).1);
    missing.map_or(Ok(assigned), |nth| Err(Misfit::Missing(nth)))
}
