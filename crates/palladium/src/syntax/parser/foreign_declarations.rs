//! Functions and records as other languages declare them. When more than one thing of a declaration
//! is written otherwise here, it is told once, with how the whole is written.

use iridium_isa::Span;

use super::Parser;
use super::words::lower;
use crate::syntax::ast::{
    Expr, ExprKind, Fn, Generic, Ident, Param, Record, Stmt, StmtKind, Type, TypeKind, Var,
};
use crate::syntax::token::Kind;

/// Characters of a declaration that are shown in one line.
const MAX_SHOWN: usize = 56;

impl Parser<'_> {
    /// Whether `func (s *Stack) push(` is here.
    pub(super) fn at_receiver(&self) -> bool {
        let word = self.is_at(Kind::Fn) || self.text_of(self.token()) == "func";
        if !word || self.next_kind() != Kind::LParen {
            return false;
        }
        let close = self.closing(1);
        let (name, params) = (self.ahead(close + 1), self.ahead(close + 2));
        let named = name.kind.is_name() || name.kind == Kind::TypeName;
        named && !name.newline && params.kind == Kind::LParen
    }

    /// What stands in parentheses before the name of a function.
    pub(super) fn receiver(&mut self) -> Option<Param> {
        if !self.is_at(Kind::LParen) {
            return None;
        }
        self.params().into_iter().next()
    }

    /// What makes the name of a receiver known in the body of its function.
    pub(super) fn receiver_as_self(name: Ident) -> Stmt {
        let (span, text) = (name.span.clone(), "self".into());
        let kind = ExprKind::Name(Ident { text, span: span.clone() });
        let value = Expr { span: span.clone(), kind };
        let var = Var { span: span.clone(), doc: None, name, ty: None, value };
        Stmt { span, kind: StmtKind::Var(var) }
    }

    /// Tells how the header of a function is written, from its word on, when it is written as
    /// elsewhere.
    pub(super) fn foreign_header(
        &mut self,
        start: u32,
        receiver: Option<Param>,
        function: &mut Fn,
    ) {
        let span = start..self.end_of_last();
        let method = receiver.is_some();
        let folds = self.report.fold(&span, usize::from(!method));
        if !folds && !method {
            return;
        }
        if let Some(mut receiver) = receiver {
            // `*Stack` is changed.
            let ty = receiver.ty.as_ref().map_or(0..0, |ty| ty.span.clone());
            receiver.inout |= self.source(&ty).starts_with(['*', '&']);
            receiver.name.text = "self".into();
            function.params.insert(0, receiver);
        }
        types_of_groups(&mut function.params);
        let result = function.result.as_ref().and_then(|result| self.result_or_error(result));
        function.result = result.or(function.result.take());
        let message = "a function is not declared like this";
        let problem =
            self.problem("foreign-function", span.clone(), message).label("is of another language");
        let shown = self.header(function);
        let place = self.report.place(span);
        self.report.push(match shown.len() <= MAX_SHOWN {
            true => problem.help(format!("write `{shown} {{ … }}`")).fix(place, shown),
            false => {
                problem.help("write `fn name(a: Int, b: String) -> Int { … }`").fix(place, shown)
            }
        });
    }

    /// `(int, error)` is a Result here, as is `error` alone.
    fn result_or_error(&self, result: &Type) -> Option<Type> {
        let is_error = |ty: &&Type| self.source(&ty.span) == "error";
        let span = &result.span;
        let (value, error) = match &result.kind {
            TypeKind::Tuple(parts) => match &parts[..] {
                [value, error] => (value.clone(), Some(error).filter(is_error)?),
                _ => return None,
            },
            _ => {
                let nothing = Type { span: span.clone(), kind: TypeKind::Tuple(Vec::new()) };
                (nothing, Some(result).filter(is_error)?)
            }
        };
        let name = Ident { text: "Result".into(), span: span.clone() };
        let args = vec![value, error.clone()];
        Some(Type { span: span.clone(), kind: TypeKind::Named { module: None, name, args } })
    }

    /// The header of a function as it is written here.
    fn header(&self, function: &Fn) -> String {
        let params: Vec<String> = function
            .params
            .iter()
            .map(|param| {
                let var = if param.inout { "var " } else { "" };
                let name = lower(&param.name.text);
                let ty =
                    param.ty.as_ref().map_or(": TYPE".into(), |ty| format!(": {}", written(ty)));
                let default = param.default.as_ref();
                let default = default
                    .map_or(String::new(), |default| format!(" = {}", self.source(&default.span)));
                format!("{var}{name}{ty}{default}")
            })
            .collect();
        let result = function
            .result
            .as_ref()
            .filter(|ty| !is_nothing(ty))
            .map(|ty| format!(" -> {}", written(ty)));
        let name = lower(&function.name.text);
        let generics = generics(&function.generics);
        format!("fn {name}{generics}({}){}", params.join(", "), result.unwrap_or_default())
    }

    /// `type Point struct {`, behind the name.
    pub(super) fn struct_behind_name(&mut self) {
        let token = self.token();
        if self.text_of(token) == "struct" && self.next_kind() == Kind::LBrace {
            let place = self.report.place(token.span());
            let problem =
                self.problem("foreign-word", token.span(), "`struct` is no word of the language");
            self.report.push(problem.label("is not needed").fix(place, ""));
            self.bump();
        }
    }

    /// Tells how a record is written when it is written as elsewhere.
    pub(super) fn foreign_record(&mut self, header: Span, record: &Record) {
        let span = header.start..self.end_of_last();
        if !self.report.fold(&span, 1) {
            return;
        }
        let fields: Vec<String> = record
            .fields
            .iter()
            .map(|field| format!("{}: {}", lower(&field.name.text), written(&field.ty)))
            .collect();
        let head = format!("record {}{}", record.name.text, generics(&record.generics));
        let whole = format!("{head} {{ {} }}", fields.join(", "));
        let help = match &fields[..] {
            [] => format!("write `{head} {{}}`"),
            _ if whole.len() <= MAX_SHOWN => format!("write `{whole}`, or a line for each field"),
            [first, ..] => format!("write `{head} {{`, and in a line each `{first}`"),
        };
        let message = "a record is not declared like this";
        let problem = self.problem("foreign-record", header, message);
        self.report.push(problem.label("is of another language").help(help));
    }

    /// What stands in a span.
    pub(super) fn source(&self, span: &Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }
}

/// In `a, b int` the type is that of both.
fn types_of_groups(params: &mut [Param]) {
    let mut last = None;
    for param in params.iter_mut().rev() {
        match &param.ty {
            Some(ty) => last = Some(ty.clone()),
            None => param.ty.clone_from(&last),
        }
    }
}

fn is_nothing(ty: &Type) -> bool {
    matches!(&ty.kind, TypeKind::Tuple(parts) if parts.is_empty())
        || matches!(&ty.kind, TypeKind::Named { name, .. } if &*name.text == "()")
}

fn generics(generics: &[Generic]) -> String {
    let generics: Vec<String> = generics
        .iter()
        .map(|generic| {
            let bounds: Vec<&str> = generic.bounds.iter().map(|bound| &*bound.text).collect();
            let colon = if bounds.is_empty() { "" } else { ": " };
            format!("{}{colon}{}", generic.name.text, bounds.join(" + "))
        })
        .collect();
    if generics.is_empty() { String::new() } else { format!("[{}]", generics.join(", ")) }
}

/// A type as it is written here.
fn written(ty: &Type) -> String {
    let all = |types: &[Type]| types.iter().map(written).collect::<Vec<_>>().join(", ");
    match &ty.kind {
        TypeKind::Named { module, name, args } => {
            let module =
                module.as_ref().map_or(String::new(), |module| format!("{}.", module.text));
            let args = if args.is_empty() { String::new() } else { format!("[{}]", all(args)) };
            format!("{module}{}{args}", name.text)
        }
        TypeKind::Option(of) => format!("{}?", written(of)),
        TypeKind::Tuple(parts) => format!("({})", all(parts)),
        TypeKind::Fn { params, result, .. } => {
            let result = result.as_ref().map(|result| format!(" -> {}", written(result)));
            format!("fn({}){}", all(params), result.unwrap_or_default())
        }
        TypeKind::Error => "TYPE".into(),
    }
}
