//! From tokens to the two trees: recursive descent, and for operators by their strength.
//!
//! A problem that leaves open how to go on is told once: then the parser is silent until it has
//! found its way again, at the end of the statement or at the next comma. Brackets balance
//! (see [`balance`](super::balance)), so that it never leaves a bracket in which it is lost.

mod actor;
mod closures;
mod expr;
mod foreign;
mod foreign_declarations;
mod foreign_statements;
mod foreign_types;
mod foreign_values;
mod item;
mod literals;
mod mistakes;
mod pattern;
mod primary;
mod signs;
mod stmt;
mod types;
mod words;

use std::sync::Arc;

use iridium_isa::Span;

use super::ast::{File, Ident, Stmt};
use super::report::Report;
use super::token::{Kind, Token};
use super::tree::{Node, NodeKind, Tree};
use crate::diag::Problem;

/// How deep a program may be nested.
const MAX_DEPTH: u16 = 200;

/// Reads a file.
pub(super) fn file(text: &str, tokens: Vec<Token>, report: Report) -> (Tree, File, Vec<Problem>) {
    let mut parser = Parser::new(text, tokens, report);
    let mark = parser.mark();
    let file = parser.items();
    parser.close(mark, NodeKind::File);
    let tree = Tree { tokens: parser.tokens, nodes: parser.nodes };
    (tree, file, parser.report.finish())
}

/// Reads items, imports and statements in any order.
pub(super) fn entry(
    text: &str,
    tokens: Vec<Token>,
    report: Report,
) -> (Tree, File, Vec<Stmt>, Vec<Problem>) {
    let mut parser = Parser::new(text, tokens, report);
    let mark = parser.mark();
    let (file, stmts) = parser.items_and_stmts();
    parser.close(mark, NodeKind::File);
    let tree = Tree { tokens: parser.tokens, nodes: parser.nodes };
    (tree, file, stmts, parser.report.finish())
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    at: usize,
    nodes: Vec<Node>,
    report: Report,
    /// Whether it is in `( )` or `[ ]`, where newlines mean nothing.
    rounds: bool,
    /// Whether it is lost, which it has told.
    lost: bool,
    /// The token that the line which is read begins with.
    line: usize,
    depth: u16,
    /// Whether it has told that the program is nested too deep.
    too_deep: bool,
}

/// Where a node begins.
#[derive(Clone, Copy)]
struct Mark {
    token: usize,
    node: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, tokens: Vec<Token>, report: Report) -> Self {
        let nodes = Vec::with_capacity(tokens.len());
        let (at, line, depth) = (0, 0, 0);
        let (rounds, lost, too_deep) = (false, false, false);
        Self { text, tokens, at, nodes, report, rounds, lost, line, depth, too_deep }
    }

    fn token(&self) -> Token {
        self.ahead(0)
    }

    /// The token after so many others; the end of the file after all.
    fn ahead(&self, distance: usize) -> Token {
        let last = self.tokens.len() - 1;
        self.tokens[(self.at + distance).min(last)]
    }

    /// How far ahead the bracket is closed that is so far ahead.
    fn closing(&self, open: usize) -> usize {
        let mut depth = 0usize;
        let mut ahead = open;
        loop {
            match self.ahead(ahead).kind {
                Kind::End => return ahead,
                kind if kind.opens() => depth += 1,
                kind if kind.closes() => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return ahead;
            }
            ahead += 1;
        }
    }

    fn kind(&self) -> Kind {
        self.token().kind
    }

    fn next_kind(&self) -> Kind {
        self.ahead(1).kind
    }

    fn is_at(&self, kind: Kind) -> bool {
        self.kind() == kind
    }

    /// Whether a statement ends before the current token, because of a newline.
    fn at_break(&self) -> bool {
        let token = self.token();
        if token.kind == Kind::End {
            return true;
        }
        !self.rounds
            && token.newline
            && (!token.kind.continues() || self.at_else_arm())
            && (self.at == 0 || self.tokens[self.at - 1].kind.can_end())
    }

    /// Whether a statement ends before the current token.
    fn at_end_of_stmt(&self) -> bool {
        self.at_break() || self.kind().closes()
    }

    /// Whether the line that is read ends before the current token.
    fn at_new_line(&self) -> bool {
        let token = self.token();
        token.kind == Kind::End || token.newline && !self.rounds && self.at != self.line
    }

    /// Goes on to the next token, and gives the one before.
    fn bump(&mut self) -> Token {
        let token = self.token();
        if token.kind != Kind::End {
            self.at += 1;
        }
        token
    }

    fn eat(&mut self, kind: Kind) -> bool {
        let found = self.is_at(kind);
        if found {
            self.bump();
        }
        found
    }

    /// Takes a token that has to be here.
    fn expect(&mut self, kind: Kind) -> bool {
        self.eat(kind) || {
            self.unexpected(kind.name());
            false
        }
    }

    fn text_of(&self, token: Token) -> &'t str {
        self.text.get(token.start as usize..token.end as usize).unwrap_or("")
    }

    fn ident(&self, token: Token) -> Ident {
        Ident { text: Arc::from(self.text_of(token)), span: token.span() }
    }

    /// A name that is missing here.
    fn no_name(&self) -> Ident {
        let end = self.end_of_last();
        Ident { text: Arc::from(""), span: end..end }
    }

    /// The byte after the token before.
    fn end_of_last(&self) -> u32 {
        self.at.checked_sub(1).map_or(0, |last| self.tokens[last].end)
    }

    fn mark(&self) -> Mark {
        Mark { token: self.at, node: self.nodes.len() }
    }

    /// The span from a mark to the token before.
    fn span(&self, from: Mark) -> Span {
        let start = self.tokens[from.token].start;
        if self.at <= from.token {
            let end = self.end_of_last();
            return end..end;
        }
        start..self.end_of_last().max(start)
    }

    /// Ends the node that has begun at a mark, and gives its span.
    fn close(&mut self, from: Mark, kind: NodeKind) -> Span {
        let size = self.nodes.len() - from.node + 1;
        let mut height = 0;
        let mut end = self.nodes.len();
        while end > from.node {
            let child = self.nodes[end - 1];
            height = height.max(child.height);
            end -= child.size as usize;
        }
        self.nodes.push(Node {
            kind,
            height: height.saturating_add(1),
            first: to_u32(from.token),
            end: to_u32(self.at),
            size: to_u32(size),
        });
        self.span(from)
    }

    /// Reads something that can stand within itself, unless it does so too often: then it skips
    /// the rest of the bracket that it is in.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            self.tell_too_deep();
            return None;
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        Some(result)
    }

    /// Whether the node that has ended last may be a part of a greater one.
    fn may_grow(&mut self) -> bool {
        let small = self.nodes.last().is_none_or(|node| node.height < MAX_DEPTH);
        if !small {
            self.tell_too_deep();
        }
        small
    }

    fn tell_too_deep(&mut self) {
        if !self.too_deep {
            let place = self.report.place(self.token().span());
            let message = format!("this is nested more than {MAX_DEPTH} deep");
            self.report.push(
                Problem::error("too-deep", place, message)
                    .label("is in too many others")
                    .help("give parts of it a name, or a function of their own"),
            );
        }
        self.too_deep = true;
        self.lost = true;
        self.skip_until(|_| false);
    }

    /// Skips to a token outside of brackets for which `wanted` holds, or to the end of the bracket.
    fn skip_until(&mut self, wanted: impl Fn(&Self) -> bool) {
        let mut open = 0usize;
        while !self.is_at(Kind::End) {
            let kind = self.kind();
            if open == 0 && (kind.closes() || wanted(self)) {
                return;
            }
            if kind.opens() {
                open += 1;
            } else if kind.closes() {
                open -= 1;
            }
            self.bump();
        }
    }

    /// Reads items with commas between them up to the bracket that closes them.
    fn list<T>(
        &mut self,
        closer: Kind,
        begins: impl Fn(Kind) -> bool,
        mut item: impl FnMut(&mut Self) -> T,
    ) -> Vec<T> {
        let outside = std::mem::replace(&mut self.rounds, true);
        let mut items = Vec::new();
        while !self.is_at(closer) && !self.is_at(Kind::End) {
            let before = self.at;
            items.push(item(self));
            if !self.lost && !self.is_at(closer) && !self.is_at(Kind::Comma) {
                match self.at > before && begins(self.kind()) {
                    true => {
                        self.missing_comma();
                        continue;
                    }
                    false => self.unexpected_in_list(closer),
                }
            }
            self.skip_until(|parser| parser.is_at(Kind::Comma));
            self.lost = false;
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        self.rounds = outside;
        self.expect(closer);
        items
    }

    /// Reads lines up to the brace that closes them. They end at newlines, and where `commas` holds
    /// also at commas.
    fn lines(&mut self, commas: bool, mut line: impl FnMut(&mut Self)) {
        let outside = std::mem::replace(&mut self.rounds, false);
        loop {
            self.semicolons();
            if self.is_at(Kind::RBrace) || self.is_at(Kind::End) {
                break;
            }
            let before = self.at;
            self.line = before;
            line(self);
            if self.at == before {
                self.bump();
            }
            self.end_of_line(commas);
        }
        self.rounds = outside;
        self.expect(Kind::RBrace);
    }

    fn end_of_line(&mut self, commas: bool) {
        let comma = |parser: &Self| commas && parser.is_at(Kind::Comma);
        let at_end = |parser: &Self| {
            parser.at_end_of_stmt() || comma(parser) || parser.is_at(Kind::Semicolon)
        };
        if !self.lost && !at_end(self) {
            self.missing_newline();
        }
        if self.lost {
            self.skip_until(at_end);
        }
        self.lost = false;
        if comma(self) {
            self.bump();
        }
    }
}

/// Of a count of tokens or nodes, of which there are not more than bytes.
fn to_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
