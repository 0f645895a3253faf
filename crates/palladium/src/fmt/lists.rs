//! What stands in parentheses and brackets.

use super::layout::{Layout, Part};
use super::printer::{Group, Step};
use crate::syntax::token::Kind;
use crate::syntax::tree::NodeKind;

impl Layout<'_> {
    /// `(a, b)`, `[a, b]`
    pub(super) fn list(&mut self, node: usize) {
        let kind = self.at(node).kind;
        let parts = self.parts(node);
        let [Part::Token(open), inner @ .., Part::Token(close)] = parts.as_slice() else {
            return self.plain(node);
        };
        let items: Vec<usize> = inner
            .iter()
            .filter_map(|part| match part {
                Part::Node(item) => Some(*item),
                Part::Token(_) => None,
            })
            .collect();
        self.token(*open, kind);
        if items.is_empty() {
            for part in inner {
                self.part(*part, kind);
            }
            self.close = true;
            return self.token(*close, kind);
        }
        let commented =
            parts.iter().any(|part| !self.gap(self.first_token(*part)).comments.is_empty());
        if let ([only], false) = (items.as_slice(), commented)
            && self.is_bracket(*only)
        {
            self.node(*only);
            return self.token(*close, kind);
        }
        let hugs = !commented && self.hugs(&items);
        self.push(Step::Begin(if hugs { Group::Hug } else { Group::Fit }));
        self.push(Step::Indent);
        let fills = items.len() > 4 && items.iter().all(|item| self.is_short(*item));
        for (at, item) in items.iter().enumerate() {
            let first = self.at(*item).first as usize;
            if at > 0 {
                self.comma(first - 1);
            }
            let line = match (at, fills) {
                (0, _) => Step::Line { space: false },
                (_, true) => Step::Fill,
                (_, false) => Step::Line { space: true },
            };
            if !self.comments(first, true) {
                self.push(line);
            }
            self.node(*item);
        }
        if self.kind(close - 1) == Kind::Comma {
            self.leave_out(close - 1);
        }
        // After `..` nothing can follow, not even a comma.
        if self.kind(self.at(items[items.len() - 1]).end as usize - 1) != Kind::DotDot {
            self.push(Step::IfBroken(","));
        }
        self.dedent(*close, Step::Line { space: false });
        self.token(*close, kind);
        self.push(Step::End);
    }

    /// Whether an item is a list or map, whose brackets need none around them.
    fn is_bracket(&self, item: usize) -> bool {
        let [expr] = self.tree.children(item)[..] else { return false };
        let whole = self.at(expr).first == self.at(item).first;
        let [args] = self.tree.children(expr)[..] else { return false };
        let bracket = self.kind(self.at(args).first as usize) == Kind::LBracket;
        whole
            && bracket
            && self.at(args).kind == NodeKind::Args
            && (self.at(args).first, self.at(args).end) == (self.at(item).first, self.at(item).end)
    }

    /// Whether only the last of some items is broken, and at its end.
    fn hugs(&self, items: &[usize]) -> bool {
        let Some((last, others)) = items.split_last() else { return false };
        self.is_broken(*last) && !others.iter().any(|item| self.is_broken(*item))
    }

    /// Whether a block in it is broken.
    fn is_broken(&self, node: usize) -> bool {
        let size = self.at(node).size as usize;
        (node + 1 - size..=node)
            .any(|inner| self.at(inner).kind == NodeKind::Block && self.is_long(inner))
    }

    /// Whether an item is a single token.
    fn is_short(&self, item: usize) -> bool {
        let node = self.at(item);
        let minus = usize::from(self.kind(node.first as usize) == Kind::Minus);
        (node.end - node.first) as usize <= 1 + minus
    }
}
