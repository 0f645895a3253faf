//! Functions and records as other languages declare them. When more than one thing of a declaration
//! is written otherwise here, it is told once, with how the whole is written.

use iridium_isa::Span;

use super::Parser;
use super::words::lower;
use crate::syntax::ast::{
    Block, Enum, Expr, ExprKind, Field, Fn, Generic, Ident, Param, Record, Stmt, StmtKind, Type,
    TypeKind, Var,
};
use crate::syntax::token::{Kind, Token};

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
        let extends = self.is_at(Kind::TypeName) && self.next_kind() == Kind::Dot;
        if extends && self.ahead(2).kind.is_name() {
            // `fun Shape.area()`
            let token = self.token();
            let name = Ident { text: "self".into(), span: token.span() };
            let ty = Some(self.ty());
            self.bump();
            return Some(Param { span: token.span(), inout: false, name, ty, default: None });
        }
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

    /// `fn area() -> Int = 3`, from the sign on.
    pub(super) fn body_behind_sign(&mut self) -> Block {
        let sign = self.bump();
        let mark = self.mark();
        let message = "the body of a function stands between braces";
        let problem = self.problem("missing-body", sign.span(), message);
        self.report.push(problem.label("is to be `{`").help("write `fn name() -> Type { value }`"));
        let value = self.expr();
        let span = self.span(mark);
        let stmt = Stmt { span: span.clone(), kind: StmtKind::Expr(value) };
        Block { span, stmts: vec![stmt] }
    }

    /// `(val x: Int, val y: Int)` behind the name of a record, and what it extends.
    pub(super) fn fields_in_parentheses(&mut self) -> Vec<Field> {
        self.bump();
        let begins = |kind: Kind| kind.is_name() || kind == Kind::Var;
        let params = self.list(Kind::RParen, begins, |parser| {
            let (token, next) = (parser.token(), parser.ahead(1));
            if next.kind.is_name() && (token.kind == Kind::Var || parser.text_of(token) == "val") {
                parser.bump();
            }
            parser.param()
        });
        if self.is_at(Kind::Colon) && !self.at_new_line() {
            self.skip_until(|parser| parser.token().newline || parser.is_at(Kind::LBrace));
        }
        let error = |span: &Span| Type { span: span.clone(), kind: TypeKind::Error };
        let fields = params.into_iter().map(|param| Field {
            doc: None,
            ty: param.ty.unwrap_or_else(|| error(&param.span)),
            name: param.name,
            default: param.default,
        });
        fields.collect()
    }

    /// `enum class Color`, behind the first word.
    pub(super) fn class_before_name(&mut self) {
        let token = self.token();
        if self.text_of(token) == "class" && self.next_kind() == Kind::TypeName {
            self.not_needed(token);
        }
    }

    fn not_needed(&mut self, token: Token) {
        let place = self.report.place(token.start..self.ahead(1).start);
        let message = format!("`{}` is no word of the language", self.text_of(token));
        let problem = self.problem("foreign-word", token.span(), message);
        self.report.push(problem.label("is not needed").fix(place, ""));
        self.bump();
    }

    /// `type Point struct {`, behind the name.
    pub(super) fn struct_behind_name(&mut self) {
        let token = self.token();
        if self.text_of(token) == "struct" && self.next_kind() == Kind::LBrace {
            self.not_needed(token);
        }
    }

    /// Tells how a record is written when it is written as elsewhere.
    pub(super) fn foreign_record(&mut self, header: Span, round: bool, record: &Record) {
        let span = header.start..self.end_of_last();
        let folds = self.report.fold(&span, usize::from(!round));
        if !folds && !round {
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

    /// Tells once of variants that begin with lower-case letters, in an enum whose name ends at
    /// `header`.
    pub(super) fn lower_variants(&mut self, header: u32, enum_: &Enum) {
        if !self.report.fold(&(header..self.end_of_last()), 1) {
            return;
        }
        let names: Vec<&str> = enum_.variants.iter().map(|variant| &*variant.name.text).collect();
        let names = names.join(", ");
        let shown = if names.len() <= MAX_SHOWN { &names } else { "Red, Green" };
        let help = format!("write `enum {} {{ {shown} }}`", enum_.name.text);
        let message = "variants begin with upper-case letters";
        let problem = self.problem("wrong-case", enum_.name.span.clone(), message);
        self.report.push(problem.label("has others").help(help));
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
