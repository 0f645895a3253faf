//! From the lossless tree to what is to be printed: lines, blocks, and everything that has no
//! layout of its own.

use super::gaps::{Comment, Gap, gap};
use super::printer::{Group, Step};
use super::spaces;
use crate::syntax::token::{Kind, Token};
use crate::syntax::tree::{Node, NodeKind, Tree};

pub(super) struct Layout<'t> {
    text: &'t str,
    pub(super) tree: &'t Tree,
    pub(super) steps: Vec<Step<'t>>,
    /// Comments before a comma, which follow it.
    pending: Vec<Comment<'t>>,
    /// The first token whose comments have not been printed.
    told: usize,
    /// Whether there are comments in the middle of something.
    comments_within: bool,
    /// Whether the next token stands close to the one before.
    pub(super) close: bool,
}

/// What a node is made of.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Token(usize),
    Node(usize),
}

impl<'t> Layout<'t> {
    pub(super) fn new(text: &'t str, tree: &'t Tree) -> Self {
        let (steps, pending) = (Vec::with_capacity(tree.tokens.len() * 2), Vec::new());
        Self { text, tree, steps, pending, told: 0, comments_within: false, close: true }
    }

    /// The whole file, and whether there are comments in the middle of something.
    pub(super) fn file(mut self) -> (Vec<Step<'t>>, bool) {
        let root = self.tree.nodes.len() - 1;
        let mut lines = self.tree.children(root);
        self.sort_imports(&mut lines);
        for line in lines {
            self.next_line(self.at(line).first as usize, true);
            self.node(line);
        }
        self.next_line(self.tree.tokens.len() - 1, true);
        (self.steps, self.comments_within)
    }

    /// Sorts imports that stand together without a comment between them.
    fn sort_imports(&self, lines: &mut [usize]) {
        let import = |line: &usize| self.at(*line).kind == NodeKind::Import;
        let alone = |line: &usize| {
            let gap = self.gap(self.at(*line).first as usize);
            !gap.comments.is_empty() || gap.empty
        };
        for run in lines.chunk_by_mut(|left, right| import(left) && import(right) && !alone(right))
        {
            // What stands before the first of a run belongs to it.
            let fixed = run
                .first()
                .is_some_and(|first| !self.gap(self.at(*first).first as usize).comments.is_empty());
            let next = run.last().map_or(0, |last| self.at(*last).end as usize);
            let trailing = self.gap(next).comments.first().is_some_and(|first| !first.own_line);
            if !fixed && !trailing {
                run.sort_by_key(|line| self.sort_key(*line));
            }
        }
    }

    /// The library, then what lies beside the file, each by its name.
    fn sort_key(&self, import: usize) -> (bool, Vec<&'t str>) {
        let node = self.at(import);
        let tokens = &self.tree.tokens[node.first as usize + 1..node.end as usize];
        let beside = tokens.first().is_none_or(|first| !first.kind.is_name());
        // What stands between the words does not count: it is not what it will be.
        (beside, tokens.iter().map(|token| self.text_of(*token)).collect())
    }

    pub(super) fn at(&self, node: usize) -> Node {
        self.tree.nodes[node]
    }

    pub(super) fn kind(&self, token: usize) -> Kind {
        self.tree.tokens[token].kind
    }

    fn text_of(&self, token: Token) -> &'t str {
        &self.text[token.start as usize..token.end as usize]
    }

    pub(super) fn gap(&self, token: usize) -> Gap<'t> {
        let start = token.checked_sub(1).map_or(0, |before| self.tree.tokens[before].end);
        let end = self.tree.tokens[token].start;
        gap(&self.text[start as usize..end as usize], token == 0)
    }

    /// The tokens and nodes that a node is made of, in their order.
    pub(super) fn parts(&self, node: usize) -> Vec<Part> {
        let Node { first, end, .. } = self.at(node);
        let mut parts = Vec::new();
        let mut next = first as usize;
        for child in self.tree.children(node) {
            parts.extend((next..self.at(child).first as usize).map(Part::Token));
            parts.push(Part::Node(child));
            next = self.at(child).end as usize;
        }
        parts.extend((next..end as usize).map(Part::Token));
        parts
    }

    pub(super) fn first_token(&self, part: Part) -> usize {
        match part {
            Part::Token(token) => token,
            Part::Node(node) => self.at(node).first as usize,
        }
    }

    pub(super) fn push(&mut self, step: Step<'t>) {
        if matches!(step, Step::Hard { .. } | Step::Line { .. } | Step::Fill) {
            self.close = true;
        }
        self.steps.push(step);
    }

    pub(super) fn node(&mut self, node: usize) {
        let Node { kind, first, end, .. } = self.at(node);
        match kind {
            NodeKind::Block => self.block(node, false),
            NodeKind::Args | NodeKind::Params | NodeKind::Generics => self.list(node),
            NodeKind::Binary => self.binary(node),
            NodeKind::Postfix | NodeKind::Call => self.chain(node),
            NodeKind::Pattern => self.pattern(node),
            NodeKind::Expr if self.kind(first as usize) == Kind::If => self.choice(node),
            NodeKind::Expr if self.kind(first as usize) == Kind::FormatStart => {
                self.format(first as usize, end as usize);
            }
            _ => self.plain(node),
        }
    }

    /// What has no layout of its own.
    pub(super) fn plain(&mut self, node: usize) {
        let kind = self.at(node).kind;
        for (at, part) in self.parts(node).into_iter().enumerate() {
            self.attach(at, part);
            self.part(part, kind);
        }
    }

    /// Arguments stand close to what they belong to.
    pub(super) fn attach(&mut self, at: usize, part: Part) {
        if let Part::Node(node) = part {
            let kind = self.at(node).kind;
            let args = matches!(kind, NodeKind::Params | NodeKind::Generics);
            self.close |= args || at > 0 && kind == NodeKind::Args;
        }
    }

    pub(super) fn part(&mut self, part: Part, parent: NodeKind) {
        match part {
            Part::Token(token) => self.token(token, parent),
            Part::Node(node) => self.node(node),
        }
    }

    /// A token, with the space before it and the comments.
    pub(super) fn token(&mut self, at: usize, parent: NodeKind) {
        let token = self.tree.tokens[at];
        self.comments(at, false);
        let path = parent == NodeKind::Import && self.kind(at.max(1) - 1) == Kind::Import;
        if !self.close && (path || !spaces::close_before(token.kind, parent)) {
            self.steps.push(Step::Text(" "));
        }
        self.steps.push(Step::Text(self.text_of(token)));
        self.close = spaces::close_after(token.kind, parent);
    }

    /// A comma, with the comments before it behind it.
    pub(super) fn comma(&mut self, at: usize) {
        self.leave_out(at);
        self.steps.push(Step::Text(","));
        self.close = false;
    }

    /// Leaves a comma out, but not the comments before it.
    pub(super) fn leave_out(&mut self, at: usize) {
        if self.told <= at {
            let comments = self.gap(at).comments;
            self.pending.extend(comments);
            self.told = at + 1;
        }
    }

    /// An f-string, as it is written.
    fn format(&mut self, first: usize, end: usize) {
        self.comments(first, false);
        let (start, last) = (self.tree.tokens[first], self.tree.tokens[end - 1]);
        if !self.close {
            self.steps.push(Step::Text(" "));
        }
        self.steps.push(Step::Text(&self.text[start.start as usize..last.end as usize]));
        self.close = false;
        self.told = end;
    }

    /// The comments before a token, each with its line, and the line of the token. Gives whether
    /// there are any.
    pub(super) fn comments(&mut self, token: usize, empty: bool) -> bool {
        let gap = if self.told <= token { self.gap(token) } else { Gap::default() };
        let comments: Vec<_> = self.pending.drain(..).chain(gap.comments).collect();
        self.told = self.told.max(token + 1);
        for comment in &comments {
            self.comment(comment, empty);
        }
        if comments.is_empty() {
            return false;
        }
        self.comments_within |= !empty;
        self.push(Step::Hard { empty: empty && gap.empty });
        true
    }

    fn comment(&mut self, comment: &Comment<'t>, empty: bool) {
        if !comment.own_line && !self.steps.is_empty() {
            return self.push(Step::Trailing(comment.text));
        }
        let begins = matches!(self.steps.last(), Some(Step::Indent) | None);
        self.push(Step::Hard { empty: empty && comment.empty_before && !begins });
        self.push(Step::Text(comment.text));
    }

    /// A new line before a token, with an empty one where there is one, if `empty`.
    fn next_line(&mut self, token: usize, empty: bool) {
        if !self.comments(token, true) {
            let empty = empty && self.gap(token).empty;
            self.push(Step::Hard { empty });
        }
    }

    /// The end of what is indented, before the token that closes it: its comments are indented.
    pub(super) fn dedent(&mut self, token: usize, line: Step<'t>) {
        let gap = if self.told <= token { self.gap(token) } else { Gap::default() };
        let comments: Vec<_> = self.pending.drain(..).chain(gap.comments).collect();
        self.told = self.told.max(token + 1);
        for comment in &comments {
            self.comment(comment, true);
        }
        self.push(Step::Dedent);
        self.push(if comments.is_empty() { line } else { Step::Hard { empty: false } });
    }

    /// Whether a block is written over several lines, or has to be.
    pub(super) fn is_long(&self, block: usize) -> bool {
        let Node { first, end, .. } = self.at(block);
        let mut inner = first as usize + 1..end as usize;
        let begins_line = self.tree.tokens[inner.start].newline;
        let children = self.tree.children(block);
        let comments = inner.any(|at| !self.gap(at).comments.is_empty());
        let empty = children.is_empty() && !comments;
        let stmts = children.iter().filter(|child| self.at(**child).kind == NodeKind::Stmt).count();
        let next = end as usize;
        let apart = self.kind(next) == Kind::Else && !self.gap(next).comments.is_empty();
        !empty && (begins_line || comments || stmts > 1 || apart)
    }

    /// `{ … }`. `joined` ones are broken with what they belong to.
    pub(super) fn block(&mut self, node: usize, joined: bool) {
        let Node { first, end, kind, .. } = self.at(node);
        let (open, close) = (first as usize, end as usize - 1);
        self.token(open, kind);
        let children = self.tree.children(node);
        let long = self.is_long(node);
        if children.is_empty() && !long {
            self.close = true;
            return self.token(close, kind);
        }
        if !joined || long {
            self.push(Step::Begin(if long { Group::Broken } else { Group::Fit }));
        }
        self.push(Step::Indent);
        for (at, child) in children.iter().enumerate() {
            let first = self.at(*child).first as usize;
            match long {
                true => {
                    let comma = first - 1;
                    if at > 0 && self.kind(comma) == Kind::Comma {
                        self.leave_out(comma);
                    }
                    self.next_line(first, at > 0);
                }
                false => {
                    if at > 0 {
                        self.push(Step::IfFlat(","));
                    }
                    self.told = self.told.max(first);
                    self.push(Step::Line { space: true });
                }
            }
            self.node(*child);
        }
        if self.kind(close - 1) == Kind::Comma {
            self.leave_out(close - 1);
        }
        let line = if long { Step::Hard { empty: false } } else { Step::Line { space: true } };
        self.dedent(close, line);
        self.token(close, kind);
        if !joined || long {
            self.push(Step::End);
        }
    }

    /// `if … { … } else { … }`, of which all blocks are broken or none.
    fn choice(&mut self, node: usize) {
        let long = self.any_is_long(node);
        self.push(Step::Begin(if long { Group::Broken } else { Group::Fit }));
        self.branches(node);
        self.push(Step::End);
    }

    fn any_is_long(&self, choice: usize) -> bool {
        self.tree.children(choice).iter().any(|child| match self.at(*child).kind {
            NodeKind::Block => self.is_long(*child),
            NodeKind::Expr => self.is_else_if(*child) && self.any_is_long(*child),
            _ => false,
        })
    }

    fn is_else_if(&self, node: usize) -> bool {
        let first = self.at(node).first as usize;
        self.kind(first) == Kind::If && first > 0 && self.kind(first - 1) == Kind::Else
    }

    fn branches(&mut self, node: usize) {
        for part in self.parts(node) {
            match part {
                Part::Node(child) if self.at(child).kind == NodeKind::Block => {
                    self.block(child, true)
                }
                Part::Node(child) if self.is_else_if(child) => self.branches(child),
                part => self.part(part, NodeKind::Expr),
            }
        }
    }
}
