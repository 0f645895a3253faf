//! Which tokens stand close to their neighbours.

use crate::syntax::token::Kind;
use crate::syntax::tree::NodeKind;

/// Whether no space stands before a token of a node.
pub(super) fn close_before(kind: Kind, parent: NodeKind) -> bool {
    match kind {
        Kind::RParen | Kind::RBracket | Kind::Comma | Kind::Colon => true,
        Kind::Dot | Kind::Question | Kind::Bang => true,
        Kind::DotDot | Kind::DotDotEq => is_range(parent),
        _ => false,
    }
}

/// Whether no space stands after a token of a node.
pub(super) fn close_after(kind: Kind, parent: NodeKind) -> bool {
    match kind {
        Kind::LParen | Kind::LBracket | Kind::Dot => true,
        Kind::Minus => parent != NodeKind::Binary,
        Kind::Amp => parent == NodeKind::Arg,
        Kind::DotDot | Kind::DotDotEq => is_range(parent) || parent == NodeKind::Import,
        _ => false,
    }
}

fn is_range(parent: NodeKind) -> bool {
    matches!(parent, NodeKind::Binary | NodeKind::Pattern)
}
