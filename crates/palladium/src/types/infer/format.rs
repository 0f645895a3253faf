//! Texts with values in them.

use iridium_isa::Span;

use crate::core::{Arg, Expr, ExprKind, LocalId, Type};
use crate::diag::control as say;
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

    /// `"…"`, in which `{name}` is text as well.
    pub(super) fn plain_text(&mut self, value: &str, span: &Span) -> Expr {
        if value.contains('{')
            && let Some(name) = self.variable_in_braces(value)
            && !self.is_marked_as_text(span)
        {
            let problem = say::plain_braces(self.place(span), &name);
            self.problem(problem);
        }
        string(value, span)
    }

    /// What stands between braces and begins with the name of a local.
    fn variable_in_braces(&self, text: &str) -> Option<String> {
        // `{{name}}` is for other templates.
        if text.contains("{{") {
            return None;
        }
        let locals = self.local_names();
        let between = text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0));
        let mut names = between.filter(|between| {
            let path = between.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.".contains(&b));
            let name = between.split('.').next();
            path && locals.iter().any(|local| Some(&**local) == name)
        });
        names.next().map(str::to_owned)
    }

    /// Whether a literal says that its braces are meant: it is raw, or what is to be replaced.
    fn is_marked_as_text(&self, span: &Span) -> bool {
        let text = &self.world.files[self.cx.file.0 as usize].text;
        let (before, literal) = text.split_at_checked(span.start as usize).unwrap_or_default();
        literal.starts_with('r') || before.ends_with(".replace(")
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
