//! Actors and apps.

use super::Parser;
use crate::syntax::ast::{Actor, App, Child, Handler, Setting};
use crate::syntax::token::Kind;
use crate::syntax::tree::NodeKind;

impl Parser<'_> {
    pub(super) fn actor(&mut self) -> Actor {
        let mark = self.mark();
        let name = self.type_name("the name of the actor");
        let generics = self.generics();
        let params = if self.is_at(Kind::LParen) { self.params() } else { Vec::new() };
        let (mut vars, mut handlers, mut functions) = (Vec::new(), Vec::new(), Vec::new());
        self.members(|parser| {
            parser.foreign_word();
            match parser.kind() {
                Kind::Var => vars.push(parser.var()),
                Kind::On | Kind::Old => handlers.push(parser.handler()),
                Kind::Fn => {
                    let doc = parser.doc();
                    parser.bump();
                    functions.push(parser.function(doc, true));
                }
                _ => parser.no_actor_member(),
            }
        });
        let stops = self.calls_stop(mark.token);
        Actor { name, generics, params, vars, handlers, functions, stops }
    }

    /// Whether something since this token calls a function `stop`.
    fn calls_stop(&self, first: usize) -> bool {
        let tokens = self.tokens.get(first..self.at).unwrap_or_default();
        tokens.iter().zip(tokens.iter().skip(1)).any(|(name, next)| {
            next.kind == Kind::LParen
                && self.text.get(name.start as usize..name.end as usize) == Some("stop")
        })
    }

    fn handler(&mut self) -> Handler {
        let doc = self.doc();
        let mark = self.mark();
        let old = self.eat(Kind::Old);
        self.expect(Kind::On);
        let name = self.name("the name of the handler");
        let params = if self.is_at(Kind::LParen) { self.params() } else { Vec::new() };
        let result = self.result();
        let body = match self.eat(Kind::FatArrow) {
            true => self.body(),
            false => self.block_expr(),
        };
        Handler { span: self.span(mark), doc, old, name, params, result, body }
    }

    pub(super) fn app(&mut self) -> App {
        let name = self.type_name("the name of the app");
        let (mut children, mut settings) = (Vec::new(), Vec::new());
        self.members(|parser| {
            if parser.is_at(Kind::Child) && parser.next_kind() != Kind::Colon {
                children.push(parser.child());
                return;
            }
            match parser.kind().is_name() {
                true => settings.push(parser.setting()),
                false => parser.no_app_member(),
            }
        });
        App { name, children, settings }
    }

    fn child(&mut self) -> Child {
        let mark = self.mark();
        self.bump();
        let name = self.name("the name of the child");
        let value = match self.is_at(Kind::Colon) {
            true => self.child_with_colon(),
            false => self.initial(),
        };
        let mut settings = Vec::new();
        while self.is_at(Kind::Comma) && self.next_kind().is_name() {
            self.bump();
            settings.push(self.setting());
        }
        Child { span: self.span(mark), name, value, settings }
    }

    fn setting(&mut self) -> Setting {
        let mark = self.mark();
        let name = self.name("the name of a setting");
        self.expect(Kind::Colon);
        let value = self.expr();
        self.close(mark, NodeKind::Arg);
        Setting { name, value }
    }
}
