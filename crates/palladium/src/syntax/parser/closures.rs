//! Closures of other languages: how they are written here is told, and they are read as what they mean.

use super::Parser;
use crate::syntax::ast::{ExprKind, Param};
use crate::syntax::token::Kind;
use crate::syntax::tree::NodeKind;

impl Parser<'_> {
    /// Whether `x => …` or `(x, y) => …` is here. In a `match` an arrow ends what stands before it, so
    /// only what is given to something is looked at.
    pub(super) fn at_foreign_closure(&self) -> bool {
        let given = match self.at.checked_sub(1).map(|at| self.tokens[at].kind) {
            Some(Kind::Eq) => true,
            Some(Kind::LParen | Kind::Comma | Kind::Colon) => self.rounds,
            _ => false,
        };
        let arrow = |distance| {
            let token = self.ahead(distance);
            token.kind == Kind::FatArrow && !token.newline
        };
        if !given || !self.is_at(Kind::LParen) {
            return given && arrow(1);
        }
        let mut distance = 1;
        loop {
            let kind = self.ahead(distance).kind;
            distance += 1;
            match kind {
                Kind::RParen => return arrow(distance),
                Kind::Comma | Kind::Colon | Kind::TypeName | Kind::Underscore => {}
                kind if kind.is_name() => {}
                _ => return false,
            }
        }
    }

    /// `x => …`, `(x, y) => …`, `|x, y| …`
    pub(super) fn foreign_closure(&mut self) -> ExprKind {
        let start = self.token();
        let (params, text) = match start.kind {
            Kind::LParen => {
                let params = self.params();
                (params, self.text_since(start.start).to_owned())
            }
            Kind::Bar | Kind::BarBar => {
                let params = self.params_in_bars();
                let text = self.text_since(start.start).trim_matches('|');
                (params, format!("({text})"))
            }
            _ => {
                let params = vec![self.bare_param()];
                (params, format!("({})", self.text_since(start.start)))
            }
        };
        let span = start.start..self.end_of_last();
        let arrow = self.eat(Kind::FatArrow);
        let block = self.is_at(Kind::LBrace);
        let right = if arrow || block { format!("fn{text}") } else { format!("fn{text} =>") };
        let place = self.report.place(span.clone());
        let problem = self.problem("foreign-closure", span, "a closure begins with `fn`");
        self.report.push(
            problem.label("has no `fn` before it").help("write `fn(x) => x + 1`").fix(place, right),
        );
        let body = Box::new(if block { self.block_expr() } else { self.body() });
        ExprKind::Closure { params, result: None, body }
    }

    fn text_since(&self, start: u32) -> &str {
        self.text.get(start as usize..self.end_of_last() as usize).unwrap_or_default()
    }

    /// `|x, y|`, of which the first sign is here.
    fn params_in_bars(&mut self) -> Vec<Param> {
        let mut params = Vec::new();
        if self.bump().kind == Kind::BarBar {
            return params;
        }
        while self.kind().is_name() || self.is_at(Kind::Underscore) {
            params.push(self.bare_param());
            self.eat(Kind::Comma);
        }
        self.eat(Kind::Bar);
        params
    }

    /// A parameter that is a name, with a type behind a colon.
    fn bare_param(&mut self) -> Param {
        let mark = self.mark();
        let token = self.bump();
        let name = self.ident(token);
        let ty = self.annotation();
        let span = self.close(mark, NodeKind::Param);
        Param { span, inout: false, name, ty, default: None }
    }

    /// Whether the `->` here stands for the `=>` of a closure: no type follows it.
    pub(super) fn arrow_of_body(&self) -> bool {
        let next = self.ahead(1);
        let module = self.ahead(2).kind == Kind::Dot && self.ahead(3).kind == Kind::TypeName;
        let ty = match next.kind {
            kind if kind.is_name() => module || self.is_foreign_type(next),
            kind => matches!(kind, Kind::TypeName | Kind::LParen | Kind::Fn | Kind::LBracket),
        };
        self.is_at(Kind::Arrow) && !ty
    }
}
