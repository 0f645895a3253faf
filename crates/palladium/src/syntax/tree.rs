//! The lossless tree: all tokens of a text, and the nodes over them.
//!
//! Nodes are kept in the order in which they end, each after its children, so that the parser can
//! put a node round what it has read already.

use super::token::Token;

/// A source file as it is written.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// All tokens. Between two of them are white space and comments.
    pub tokens: Vec<Token>,
    /// All nodes, each after its children; the last one is the whole file.
    pub nodes: Vec<Node>,
}

/// A range of tokens that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// How many levels of nodes it has, itself included.
    pub height: u16,
    /// Its first token.
    pub first: u32,
    /// The token after its last one.
    pub end: u32,
    /// How many nodes it is, with those within.
    pub size: u32,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum NodeKind {
    File,
    Import,
    /// A declaration, with `pub`.
    Item,
    /// A line of a record, an enum, an actor or an app.
    Member,
    /// `[T: Ord, U]`
    Generics,
    /// `(a: Int, b)`
    Params,
    Param,
    /// `{ … }`
    Block,
    Stmt,
    Arm,
    Type,
    Pattern,
    /// An expression that is none of those below.
    Expr,
    Binary,
    /// `base.name`, `x?`, `x!`
    Postfix,
    /// `f(…)`, `m[…]`
    Call,
    /// `(…)` and `[…]` with what stands in them
    Args,
    /// One of them
    Arg,
    /// An f-string
    Format,
}

impl Tree {
    /// The children of a node, in their order.
    pub fn children(&self, node: usize) -> Vec<usize> {
        let mut children = Vec::new();
        let Some(parent) = self.nodes.get(node) else {
            return children;
        };
        let first = (node + 1).saturating_sub(parent.size as usize);
        let mut end = node;
        while end > first {
            children.push(end - 1);
            end -= (self.nodes[end - 1].size as usize).clamp(1, end);
        }
        children.reverse();
        children
    }
}
