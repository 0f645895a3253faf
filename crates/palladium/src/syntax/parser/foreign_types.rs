//! Types as other languages write them: what they are here is told, and they are read as what they
//! mean.

use super::Parser;
use crate::syntax::ast::{Generic, Ident, Type, TypeKind};
use crate::syntax::token::{Kind, Token};
use crate::syntax::tree::NodeKind;

/// Types of other languages.
const TYPES: &[(&str, &str)] = &[
    ("bool", "Bool"),
    ("boolean", "Bool"),
    ("bytes", "Bytes"),
    ("char", "Char"),
    ("dict", "Map"),
    ("double", "Float"),
    ("error", "String"),
    ("f32", "Float"),
    ("f64", "Float"),
    ("float", "Float"),
    ("float64", "Float"),
    ("i32", "Int"),
    ("i64", "Int"),
    ("int", "Int"),
    ("int64", "Int"),
    ("list", "List"),
    ("map", "Map"),
    ("number", "Float"),
    ("set", "Set"),
    ("str", "String"),
    ("string", "String"),
    ("u32", "Int"),
    ("u64", "Int"),
    ("u8", "Int"),
    ("uint", "Int"),
    ("usize", "Int"),
    ("void", "()"),
];

impl Parser<'_> {
    /// Whether a token is a type of another language.
    pub(super) fn is_foreign_type(&self, token: Token) -> bool {
        token.kind == Kind::Name && TYPES.iter().any(|(word, _)| *word == self.text_of(token))
    }

    /// `name:` before a block, or `:` before a result, for `->`
    pub(super) fn missing_arrow(&mut self) -> bool {
        let token = self.token();
        let next = self.ahead(1);
        let types = |kind| matches!(kind, Kind::TypeName | Kind::LParen);
        let colon = token.kind == Kind::Colon && types(next.kind) && !next.newline;
        let foreign = self.is_foreign_type(token);
        let ty = match token.kind {
            Kind::TypeName => true,
            // `(int, error) {`
            Kind::LParen => self.ahead(self.closing(0) + 1).kind == Kind::LBrace,
            _ => foreign && next.kind == Kind::LBrace,
        };
        if !colon && (!ty || self.at_break()) {
            return false;
        }
        let end = self.end_of_last();
        let problem = self.problem("missing-arrow", token.span(), "the result stands after `->`");
        let place = self.report.place(end..if colon { token.end } else { token.start });
        let fix = if colon { " ->" } else { " -> " };
        self.report.push(problem.label("needs a `->` before it").fix(place, fix));
        if colon {
            self.bump();
        }
        true
    }

    /// A type that begins with a lower-case letter.
    pub(super) fn lower_type(&mut self) -> TypeKind {
        let token = self.token();
        let known = TYPES.iter().find(|(foreign, _)| *foreign == self.text_of(token));
        let name = match known {
            Some((_, right)) => {
                self.bump();
                self.instead(token, right);
                Ident { text: (*right).into(), span: token.span() }
            }
            None => self.type_name("a type"),
        };
        let args = match self.kind() {
            Kind::LBracket => {
                let mark = self.mark();
                self.bump();
                let types = self.list(Kind::RBracket, |kind| kind == Kind::TypeName, Self::ty);
                self.close(mark, NodeKind::Args);
                types
            }
            Kind::Lt => self.angles(),
            _ => Vec::new(),
        };
        TypeKind::Named { module: None, name, args }
    }

    /// `[T]` for a list
    pub(super) fn bracketed(&mut self) -> TypeKind {
        let mark = self.mark();
        self.bump();
        let types = self.list(Kind::RBracket, |kind| kind == Kind::TypeName, Self::ty);
        let span = self.close(mark, NodeKind::Args);
        let problem = self.problem("list-type", span.clone(), "a type does not begin with `[`");
        self.report.push(problem.label("is no type").help("a list of numbers is a `List[Int]`"));
        // `[]Int`
        let behind = self.end_of_last() == self.token().start
            && (self.is_at(Kind::TypeName) || self.kind().is_name());
        let args = if behind && types.is_empty() { vec![self.ty()] } else { types };
        match args.len() {
            1 => TypeKind::Named { module: None, name: Ident { text: "List".into(), span }, args },
            _ => TypeKind::Error,
        }
    }

    /// `name Type`, behind the name
    pub(super) fn type_without_colon(&mut self) -> Option<Type> {
        let token = self.token();
        let next = self.ahead(1);
        let begins = match token.kind {
            Kind::TypeName => true,
            // `s *Stack`, `xs []int`
            Kind::Star | Kind::Amp => next.kind == Kind::TypeName || self.is_foreign_type(next),
            Kind::LBracket => next.kind == Kind::RBracket,
            _ => self.is_foreign_type(token),
        };
        if token.newline || !begins {
            return None;
        }
        let end = self.end_of_last();
        let problem =
            self.problem("missing-colon", end..end, "a name and its type are joined by `:`");
        let place = self.report.place(end..end);
        self.report.push(problem.label("needs a `:`").fix(place, ":"));
        Some(self.ty())
    }

    /// `&Type` and `*Type`
    pub(super) fn reference(&mut self) -> TypeKind {
        let sign = self.bump();
        if self.text_of(self.token()) == "mut" {
            self.bump();
        }
        let span = sign.start..self.end_of_last();
        let problem = self.problem("foreign-type", span.clone(), "there are no references");
        let place = self.report.place(span);
        self.report.push(
            problem
                .label("is not needed")
                .help("a function that changes its argument says `var name: Type`")
                .fix(place, ""),
        );
        self.nested(Self::ty).map_or(TypeKind::Error, |ty| ty.kind)
    }

    /// `List(Int)`, from the bracket on
    pub(super) fn round_types(&mut self) -> Vec<Type> {
        self.told_angles(self.token());
        self.types_in(Kind::RParen)
    }

    fn told_angles(&mut self, start: Token) {
        let message = "type arguments stand between `[` and `]`";
        let problem = self.problem("angle-brackets", start.span(), message);
        self.report
            .push(problem.label("is to be `[`").help("write `List[Int]`, `fn max[T: Ord](…)`"));
    }

    /// `<A, B>` after the name of a type
    pub(super) fn angles(&mut self) -> Vec<Type> {
        let start = self.token();
        self.angle_list(start, Self::ty)
    }

    /// `<A, B>` after the name of what is declared
    pub(super) fn angle_generics(&mut self) -> Vec<Generic> {
        let start = self.token();
        self.angle_list(start, Self::generic)
    }

    fn angle_list<T>(&mut self, start: Token, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        self.bump();
        self.told_angles(start);
        let mut items = vec![item(self)];
        while self.eat(Kind::Comma) {
            items.push(item(self));
        }
        match self.kind() {
            // Of two that close, the first one is still to come.
            Kind::Shr => self.tokens[self.at].kind = Kind::Gt,
            Kind::Gt => {
                self.bump();
            }
            _ => self.unexpected("`]`"),
        }
        items
    }
}
