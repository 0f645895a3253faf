//! Operators, chains of calls, and alternatives: lines that are broken between their parts.

use super::layout::{Layout, Part};
use super::printer::{Group, Step};
use crate::syntax::token::Kind;
use crate::syntax::tree::{Node, NodeKind};

impl Layout<'_> {
    /// `a + b - c`
    pub(super) fn binary(&mut self, node: usize) {
        let mut parts = Vec::new();
        self.operands(node, &mut parts);
        let op = self.operator(node);
        if matches!(op, Kind::DotDot | Kind::DotDotEq | Kind::Is) {
            return parts.iter().for_each(|part| self.part(*part, NodeKind::Binary));
        }
        // At the beginning of a line they would begin a statement.
        let begins = |part: &Part| match part {
            Part::Token(token) => {
                matches!(self.kind(*token), Kind::Minus | Kind::After | Kind::Every)
            }
            Part::Node(_) => false,
        };
        let after = parts.iter().any(begins);
        self.push(Step::Begin(Group::Hug));
        let mut first = true;
        let mut before = Kind::End;
        for part in parts {
            match part {
                Part::Token(token) if after => {
                    self.token(token, NodeKind::Binary);
                    self.indent(&mut first);
                    self.line_before(token + 1);
                }
                Part::Token(token) if before == Kind::Question => {
                    self.close = true;
                    self.token(token, NodeKind::Binary);
                }
                Part::Token(token) => {
                    self.indent(&mut first);
                    self.line_before(token);
                    self.token(token, NodeKind::Binary);
                }
                Part::Node(node) => self.node(node),
            }
            before = match part {
                Part::Token(token) if before != Kind::Question => self.kind(token),
                _ => Kind::End,
            };
        }
        if !first {
            self.push(Step::Dedent);
        }
        self.push(Step::End);
    }

    fn indent(&mut self, first: &mut bool) {
        if std::mem::replace(first, false) {
            self.push(Step::Indent);
        }
    }

    fn line_before(&mut self, token: usize) {
        if !self.comments(token, false) {
            self.push(Step::Line { space: true });
        }
    }

    /// The operands and operators of a row of equally strong operators.
    fn operands(&self, node: usize, parts: &mut Vec<Part>) {
        let strength = strength(self.operator(node));
        for (at, part) in self.parts(node).into_iter().enumerate() {
            match part {
                Part::Node(left)
                    if at == 0
                        && self.at(left).kind == NodeKind::Binary
                        && strength > 0
                        && strength == self::strength(self.operator(left)) =>
                {
                    self.operands(left, parts);
                }
                part => parts.push(part),
            }
        }
    }

    fn operator(&self, binary: usize) -> Kind {
        let token = self.parts(binary).into_iter().find_map(|part| match part {
            Part::Token(token) => Some(self.kind(token)),
            Part::Node(_) => None,
        });
        token.unwrap_or(Kind::End)
    }

    /// `base.f(x).g(y)`: with more than one call each gets its line, if there is not enough room.
    pub(super) fn chain(&mut self, node: usize) {
        let mut links = Vec::new();
        let mut base = node;
        while matches!(self.at(base).kind, NodeKind::Postfix | NodeKind::Call) {
            let children = self.tree.children(base);
            links.push(base);
            match children.first() {
                Some(first) if self.at(*first).first == self.at(base).first => base = *first,
                _ => break,
            }
        }
        links.reverse();
        let called = |at: usize| {
            let dot = self.at(links[at]).kind == NodeKind::Postfix
                && self.kind(self.at(links[at]).end as usize - 2) == Kind::Dot;
            let call = links.get(at + 1).is_some_and(|next| self.at(*next).kind == NodeKind::Call);
            dot && call
        };
        let calls: Vec<bool> = (0..links.len()).map(called).collect();
        let breaks = calls.iter().filter(|called| **called).count() > 1;
        if breaks {
            self.push(Step::Begin(Group::Hug));
        }
        self.node(base);
        if breaks {
            self.push(Step::Indent);
        }
        for (link, called) in links.iter().zip(calls) {
            let kind = self.at(*link).kind;
            for part in self.parts(*link).into_iter().skip(1) {
                let token = self.first_token(part);
                let breaks = breaks && called && self.kind(token) == Kind::Dot;
                if breaks && !self.comments(token, false) {
                    self.push(Step::Line { space: false });
                }
                if self.would_join(token) {
                    self.push(Step::Text(" "));
                }
                self.close = true;
                self.part(part, kind);
            }
        }
        if breaks {
            self.push(Step::Dedent);
            self.push(Step::End);
        }
    }

    /// Whether a token would become another one with its neighbours: a `.` between two numbers, or a
    /// second `?`, which would make `x ?? y` of `x? ?`.
    fn would_join(&self, token: usize) -> bool {
        let is_int = |token: usize| self.kind(token) == Kind::Int;
        match self.kind(token) {
            Kind::Dot => is_int(token - 1) && is_int(token + 1),
            kind => {
                kind == Kind::Question && self.kind(token - 1) == kind && !self.ends_value(token)
            }
        }
    }

    /// Whether nothing of the line can follow a token, so that two `?` before it are no operator.
    fn ends_value(&self, token: usize) -> bool {
        let next = self.kind(token + 1);
        let statement = |node: &Node| node.kind == NodeKind::Stmt && node.end as usize == token + 1;
        next.closes()
            || matches!(next, Kind::Comma | Kind::Dot | Kind::End)
            || self.tree.nodes.iter().any(statement)
    }

    /// `A | B`, `Node(l, r)`
    pub(super) fn pattern(&mut self, node: usize) {
        let parts = self.parts(node);
        let bar =
            |part: &Part| matches!(part, Part::Token(token) if self.kind(*token) == Kind::Bar);
        let alternatives = parts.iter().any(bar);
        if alternatives {
            self.push(Step::Begin(Group::Fit));
            self.push(Step::Indent);
        }
        for (at, part) in parts.into_iter().enumerate() {
            self.attach(at, part);
            match part {
                Part::Token(token) if self.kind(token) == Kind::Bar => {
                    self.line_before(token);
                    self.token(token, NodeKind::Pattern);
                }
                part => self.part(part, NodeKind::Pattern),
            }
        }
        if alternatives {
            self.push(Step::Dedent);
            self.push(Step::End);
        }
    }
}

/// Operators with the same number are laid out in one row; those with 0 each alone.
fn strength(op: Kind) -> u8 {
    match op {
        Kind::Question => 1,
        Kind::Or => 2,
        Kind::And => 3,
        Kind::Bar => 4,
        Kind::Caret => 5,
        Kind::Amp => 6,
        Kind::Plus | Kind::Minus | Kind::PlusWrap | Kind::MinusWrap => 7,
        Kind::Star | Kind::Slash | Kind::Percent | Kind::StarWrap => 8,
        _ => 0,
    }
}
