//! Texts with values in them.

use iridium_isa::Span;

use crate::core::{Arg, Expr, ExprKind, LocalId, Type};
use crate::names::world::Bound;
use crate::syntax::ast::{Align, Format, FormatPart};
use crate::types::build::{block, boolean, call, expr, int, local, local_place, set, string};
use crate::types::checker::Checker;
use crate::types::kind::{is_error, unit};

impl Checker {
    /// `f"…"`
    pub(super) fn format(&mut self, parts: &[FormatPart], span: &Span) -> Expr {
        let out = self.temporary(Type::String, span);
        let mut stmts = vec![set(out, string("", span))];
        for part in parts {
            match part {
                FormatPart::Text(text) => stmts.push(self.push_text(out, text, span)),
                FormatPart::Value { value, format } => {
                    let value = self.infer(value);
                    self.cx.vars.settle(&value.ty);
                    let shown = match format {
                        Some(format) => self.formatted(out, value, format),
                        None => self.show(out, value, false),
                    };
                    stmts.push(shown);
                }
            }
        }
        block(stmts, local(out, Type::String, span))
    }

    /// Appends a text to a local.
    pub(in crate::types) fn push_text(&mut self, out: LocalId, text: &str, span: &Span) -> Expr {
        let push = self.library_fn("string", "push", span);
        let out = Arg::InOut(local_place(out, Type::String, span));
        call(push, Vec::new(), vec![out, Arg::Value(string(text, span))], unit(), span)
    }

    /// Appends the text of a value to a local.
    pub(in crate::types) fn show(&mut self, out: LocalId, value: Expr, quoted: bool) -> Expr {
        let span = value.span.clone();
        self.need(Bound::Show, &value.ty, &span, None);
        let out = local_place(out, Type::String, &span);
        expr(ExprKind::Show { out, value: Box::new(value), quoted }, unit(), &span)
    }

    fn formatted(&mut self, out: LocalId, value: Expr, format: &Format) -> Expr {
        let span = &format.span;
        let ty = self.known(&value.ty);
        if is_error(&ty) {
            return self.hole(span);
        }
        let mut stmts = Vec::new();
        let (name, value) = match ty {
            Type::Int => ("int", value),
            Type::Float => ("float", value),
            Type::String => ("text", value),
            _ => {
                let text = self.temporary(Type::String, span);
                stmts.push(set(text, string("", span)));
                stmts.push(self.show(text, value, false));
                ("text", local(text, Type::String, span))
            }
        };
        let character = |c: char| expr(ExprKind::Int(i64::from(u32::from(c))), Type::Char, span);
        let align = match format.align {
            None => 0,
            Some(Align::Left) => 1,
            Some(Align::Center) => 2,
            Some(Align::Right) => 3,
        };
        let given = [
            value,
            character(format.fill),
            int(align, span),
            boolean(format.plus, span),
            boolean(format.zero, span),
            int(format.width.into(), span),
            int(format.precision.map_or(-1, i64::from), span),
            character(format.radix.unwrap_or(' ')),
        ];
        let out = Arg::InOut(local_place(out, Type::String, span));
        let args = std::iter::once(out).chain(given.into_iter().map(Arg::Value)).collect();
        let function = self.library_fn("fmt", name, span);
        block(stmts, call(function, Vec::new(), args, unit(), span))
    }
}
