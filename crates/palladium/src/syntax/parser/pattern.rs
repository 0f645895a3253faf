//! Patterns.

use super::Parser;
use crate::syntax::ast::{Expr, ExprKind, Ident, Pattern, PatternKind, VariantPattern};
use crate::syntax::token::Kind;
use crate::syntax::tree::NodeKind;

pub(super) fn begins_pattern(kind: Kind) -> bool {
    kind.is_name()
        || kind == Kind::TypeName
        || kind == Kind::Underscore
        || begins_literal(kind)
        || matches!(kind, Kind::LParen | Kind::LBracket)
}

fn begins_literal(kind: Kind) -> bool {
    use Kind::*;
    matches!(kind, Int | Float | Char | String | Bytes | True | False | Minus)
}

impl Parser<'_> {
    /// Alternatives, and a name for what they match.
    pub(super) fn pattern(&mut self) -> Pattern {
        self.pattern_of(|parser| parser.is_at(Kind::Or))
    }

    /// The pattern of `x is …`, which an `or` ends if no other alternative can be meant.
    pub(super) fn pattern_of_is(&mut self) -> Pattern {
        self.pattern_of(|parser| {
            let (next, then) = (parser.ahead(1).kind, parser.ahead(2).kind);
            let alternative = match next {
                Kind::TypeName => then != Kind::Dot,
                Kind::Underscore => true,
                kind => begins_literal(kind),
            };
            parser.is_at(Kind::Or) && alternative
        })
    }

    /// `mistaken` tells whether an `or` stands where a `|` belongs.
    fn pattern_of(&mut self, mistaken: fn(&Self) -> bool) -> Pattern {
        let mark = self.mark();
        let error = PatternKind::Error;
        let kind = self.nested(|parser| parser.alternatives(mistaken)).unwrap_or(error);
        let mut pattern = Pattern { span: self.close(mark, NodeKind::Pattern), kind };
        while self.is_at(Kind::As) && self.may_grow() {
            self.bump();
            let name = self.name("a name");
            let kind = PatternKind::As { pattern: Box::new(pattern), name };
            pattern = Pattern { span: self.close(mark, NodeKind::Pattern), kind };
        }
        pattern
    }

    fn alternatives(&mut self, mistaken: fn(&Self) -> bool) -> PatternKind {
        let first = self.alternative();
        if !self.is_at(Kind::Bar) && !mistaken(self) {
            return first.kind;
        }
        let mut patterns = vec![first];
        loop {
            if mistaken(self) {
                self.or_in_pattern();
            } else if !self.eat(Kind::Bar) {
                return PatternKind::Or(patterns);
            }
            patterns.push(self.alternative());
        }
    }

    fn alternative(&mut self) -> Pattern {
        let mark = self.mark();
        let kind = self.pattern_atom();
        Pattern { span: self.close(mark, NodeKind::Pattern), kind }
    }

    fn pattern_atom(&mut self) -> PatternKind {
        match self.kind() {
            Kind::Underscore => {
                self.bump();
                PatternKind::Any
            }
            Kind::TypeName => {
                let token = self.bump();
                let first = self.ident(token);
                self.dot_for_colons();
                match self.is_at(Kind::Dot) {
                    true => self.qualified(first),
                    false => self.variant(None, first),
                }
            }
            Kind::LParen => {
                let (patterns, open) = self.patterns_in(Kind::RParen);
                if open {
                    self.rest_in_tuple();
                }
                match <[Pattern; 1]>::try_from(patterns) {
                    Ok([only]) => only.kind,
                    Err(patterns) => PatternKind::Tuple(patterns),
                }
            }
            Kind::LBrace => {
                self.braces_in_pattern();
                PatternKind::Tuple(self.patterns_in(Kind::RBrace).0)
            }
            Kind::LBracket => {
                let (patterns, open) = self.patterns_in(Kind::RBracket);
                PatternKind::List { patterns, open }
            }
            kind if begins_literal(kind) => self.literal_pattern(),
            kind if kind.is_name() => {
                let token = self.bump();
                let name = self.ident(token);
                match self.is_at(Kind::Dot) {
                    true => self.qualified(name),
                    false => PatternKind::Bind(name),
                }
            }
            kind if kind.is_reserved() && !self.token().newline => {
                PatternKind::Bind(self.reserved())
            }
            _ => {
                self.unexpected("a pattern");
                PatternKind::Error
            }
        }
    }

    fn qualified(&mut self, qualifier: Ident) -> PatternKind {
        self.bump();
        let name = self.type_name("the name of a variant");
        self.variant(Some(qualifier), name)
    }

    fn variant(&mut self, qualifier: Option<Ident>, name: Ident) -> PatternKind {
        let fields = match self.is_at(Kind::LParen) && !self.at_break() {
            true => self.fields(),
            false => VariantPattern::None,
        };
        PatternKind::Variant { qualifier, name, fields }
    }

    fn fields(&mut self) -> VariantPattern {
        let mark = self.mark();
        self.bump();
        let mut rest = false;
        let fields = self.list(Kind::RParen, begins_pattern, |parser| {
            let mark = parser.mark();
            let field = match parser.eat(Kind::DotDot) {
                true => {
                    rest = true;
                    None
                }
                false => Some((parser.label(), parser.pattern())),
            };
            parser.close(mark, NodeKind::Arg);
            field
        });
        self.close(mark, NodeKind::Args);
        let fields: Vec<_> = fields.into_iter().flatten().collect();
        if rest && !fields.is_empty() {
            self.rest_with_fields();
        }
        if rest { VariantPattern::Rest } else { VariantPattern::Fields(fields) }
    }

    /// `name:`, if it is here.
    pub(super) fn label(&mut self) -> Option<Ident> {
        let path = self.ahead(2).kind == Kind::Colon;
        let labelled = self.kind().is_name() && self.next_kind() == Kind::Colon && !path;
        labelled.then(|| {
            let token = self.bump();
            self.bump();
            self.ident(token)
        })
    }

    /// Patterns in brackets, of which the current token is the first, and whether `..` follows them.
    fn patterns_in(&mut self, closer: Kind) -> (Vec<Pattern>, bool) {
        let mark = self.mark();
        self.bump();
        let mut open = false;
        let patterns = self.list(closer, begins_pattern, |parser| {
            if open {
                parser.rest_is_last();
            }
            let mark = parser.mark();
            open = parser.eat(Kind::DotDot);
            if open && parser.kind().is_name() {
                parser.named_rest();
            }
            let pattern = (!open).then(|| parser.pattern());
            parser.close(mark, NodeKind::Arg);
            pattern
        });
        self.close(mark, NodeKind::Args);
        (patterns.into_iter().flatten().collect(), open)
    }

    fn literal_pattern(&mut self) -> PatternKind {
        let start = self.pattern_literal();
        let inclusive = match self.kind() {
            Kind::DotDotEq => true,
            Kind::DotDot => false,
            _ => return PatternKind::Literal(Box::new(start)),
        };
        self.bump();
        if !begins_literal(self.kind()) {
            self.unexpected("the end of the range");
            return PatternKind::Error;
        }
        let end = self.pattern_literal();
        PatternKind::Range { start: Box::new(start), end: Box::new(end), inclusive }
    }

    fn pattern_literal(&mut self) -> Expr {
        let mark = self.mark();
        let negative = self.eat(Kind::Minus);
        let kind = match self.kind() {
            Kind::Int | Kind::Float => self.number(negative),
            Kind::Char | Kind::String | Kind::Bytes | Kind::True | Kind::False if !negative => {
                self.literal()
            }
            _ => {
                self.unexpected("a number");
                ExprKind::Error
            }
        };
        Expr { span: self.span(mark), kind }
    }
}
