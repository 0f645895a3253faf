//! Types, and the parameters that they have.

use super::Parser;
use crate::syntax::ast::{Generic, Ident, Type, TypeKind};
use crate::syntax::token::Kind;
use crate::syntax::tree::NodeKind;

fn begins_type(kind: Kind) -> bool {
    kind.is_name() || matches!(kind, Kind::TypeName | Kind::LParen | Kind::Fn)
}

impl Parser<'_> {
    pub(super) fn ty(&mut self) -> Type {
        let mark = self.mark();
        let kind = self.nested(Self::type_atom).unwrap_or(TypeKind::Error);
        let mut ty = Type { span: self.close(mark, NodeKind::Type), kind };
        while self.is_at(Kind::Question) && !self.at_break() && self.may_grow() {
            self.bump();
            let span = self.close(mark, NodeKind::Type);
            ty = Type { span, kind: TypeKind::Option(Box::new(ty)) };
        }
        ty
    }

    fn type_atom(&mut self) -> TypeKind {
        match self.kind() {
            Kind::TypeName => {
                let token = self.bump();
                let name = self.ident(token);
                self.named(None, name)
            }
            Kind::LParen => {
                let parts = self.types_in(Kind::RParen);
                match <[Type; 1]>::try_from(parts) {
                    Ok([only]) => only.kind,
                    Err(parts) => TypeKind::Tuple(parts),
                }
            }
            Kind::Fn => self.fn_type(),
            Kind::LBracket => self.bracketed(),
            Kind::Amp | Kind::Star => self.reference(),
            kind if kind.is_name() && self.next_kind() == Kind::Dot => {
                let token = self.bump();
                let module = self.ident(token);
                self.bump();
                let name = self.type_name("the name of a type");
                self.named(Some(module), name)
            }
            kind if kind.is_name() => self.lower_type(),
            _ => {
                self.unexpected("a type");
                TypeKind::Error
            }
        }
    }

    fn named(&mut self, module: Option<Ident>, name: Ident) -> TypeKind {
        let args = match self.kind() {
            Kind::LBracket if !self.at_break() => self.types_in(Kind::RBracket),
            Kind::Lt => self.angles(),
            Kind::LParen if self.end_of_last() == self.token().start => self.round_types(),
            _ => Vec::new(),
        };
        TypeKind::Named { module, name, args }
    }

    /// Types in brackets, of which the current token is the first.
    pub(super) fn types_in(&mut self, closer: Kind) -> Vec<Type> {
        let mark = self.mark();
        self.bump();
        let types = self.list(closer, begins_type, |parser| {
            let mark = parser.mark();
            let ty = parser.ty();
            parser.close(mark, NodeKind::Arg);
            ty
        });
        self.close(mark, NodeKind::Args);
        types
    }

    fn fn_type(&mut self) -> TypeKind {
        self.bump();
        let params = match self.is_at(Kind::LParen) {
            true => self.types_in(Kind::RParen),
            false => {
                self.unexpected("`(`");
                Vec::new()
            }
        };
        let result = self.eat(Kind::Arrow).then(|| Box::new(self.ty()));
        let receives = self.eat(Kind::Receives).then(|| Box::new(self.ty()));
        TypeKind::Fn { params, result, receives }
    }

    /// `[T: Ord + Show, U]`, if it is here.
    pub(super) fn generics(&mut self) -> Vec<Generic> {
        if self.is_at(Kind::Lt) {
            return self.angle_generics();
        }
        let mark = self.mark();
        if !self.eat(Kind::LBracket) {
            return Vec::new();
        }
        let generics = self.list(Kind::RBracket, |kind| kind == Kind::TypeName, Self::generic);
        self.close(mark, NodeKind::Generics);
        generics
    }

    pub(super) fn generic(&mut self) -> Generic {
        let mark = self.mark();
        let name = self.type_name("the name of a type");
        let mut bounds = Vec::new();
        if self.eat(Kind::Colon) {
            bounds.push(self.type_name("a bound"));
            while self.eat(Kind::Plus) {
                bounds.push(self.type_name("a bound"));
            }
        }
        self.close(mark, NodeKind::Arg);
        Generic { name, bounds }
    }
}
