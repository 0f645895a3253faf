//! Statements.

use super::Parser;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, Pattern, Stmt, StmtKind, Var};
use crate::syntax::token::Kind;
use crate::syntax::tree::NodeKind;

impl Parser<'_> {
    /// The statements of a block, of which the brace has been read.
    pub(super) fn stmts(&mut self) -> Vec<Stmt> {
        let mut stmts = Vec::new();
        self.lines(false, |parser| stmts.push(parser.stmt()));
        stmts
    }

    pub(super) fn stmt(&mut self) -> Stmt {
        let mark = self.mark();
        let kind = self.stmt_kind();
        Stmt { span: self.close(mark, NodeKind::Stmt), kind }
    }

    pub(super) fn stmt_kind(&mut self) -> StmtKind {
        self.foreign_word();
        if let Some(declared) = self.without_let() {
            return declared;
        }
        match self.kind() {
            Kind::Let => self.let_(),
            Kind::Var => StmtKind::Var(self.var()),
            Kind::Const => self.local_const(),
            Kind::Name if self.at_use_arrow() => self.use_arrow(),
            Kind::Name if self.at_several_names() => self.several_names(),
            Kind::Fn if self.next_kind() != Kind::LParen => {
                let doc = self.doc();
                self.bump();
                StmtKind::Fn(self.function(doc, true))
            }
            Kind::LBrace => StmtKind::Expr(self.bare_block()),
            kind if self.begins_item(kind) => self.misplaced_item(),
            _ => self.simple_stmt(),
        }
    }

    /// A statement that may stand where an expression is expected: it declares nothing.
    fn simple_stmt(&mut self) -> StmtKind {
        match self.kind() {
            Kind::Assert => {
                self.bump();
                let condition = self.condition();
                let message = self.message().then(|| {
                    self.bump();
                    self.expr()
                });
                StmtKind::Assert { condition, message }
            }
            Kind::While => {
                self.bump();
                let condition = self.condition();
                StmtKind::While { condition, body: self.block() }
            }
            Kind::For if self.next_kind() == Kind::LBrace => self.for_ever(),
            Kind::For => {
                self.bump();
                let (pattern, iterated) = if self.at_counting_for() {
                    self.counting_for()
                } else if self.at_numbers_for() {
                    self.numbers_for()
                } else if self.at_foreign_for() {
                    self.foreign_for()
                } else {
                    self.for_head()
                };
                StmtKind::For { pattern, iterated, body: self.block() }
            }
            _ => {
                let place = self.expr();
                self.assignment(place)
            }
        }
    }

    /// `pattern in value`
    fn for_head(&mut self) -> (Pattern, Expr) {
        let pattern = self.loose_pattern();
        if !self.eat(Kind::In) {
            self.missing_in();
        }
        (pattern, self.condition())
    }

    /// Whether the comma here comes before the message of an `assert`, and does not end its line.
    fn message(&self) -> bool {
        let next = self.ahead(1);
        self.is_at(Kind::Comma) && !next.newline && next.kind.begins_expr()
    }

    fn let_(&mut self) -> StmtKind {
        self.bump();
        if let Some(var) = self.let_mut() {
            return StmtKind::Var(var);
        }
        let pattern = match self.at_capitals() {
            true => self.capitals(),
            false => self.loose_pattern(),
        };
        let ty = self.annotation();
        let value = self.initial();
        let otherwise = (self.is_at(Kind::Else)).then(|| {
            self.bump();
            self.block()
        });
        StmtKind::Let { pattern, ty, value, otherwise }
    }

    pub(super) fn var(&mut self) -> Var {
        let (doc, mark) = (self.doc(), self.mark());
        self.bump();
        let name = match self.is_at(Kind::LParen) {
            true => self.var_pattern(),
            false => self.declared_name("a name"),
        };
        let ty = self.annotation();
        let value = self.initial();
        Var { span: self.span(mark), doc, name, ty, value }
    }

    /// `: Type`, if it is here.
    pub(super) fn annotation(&mut self) -> Option<crate::syntax::ast::Type> {
        if !self.is_at(Kind::Colon) {
            return None;
        }
        if self.next_kind() == Kind::Eq {
            self.empty_annotation();
            return None;
        }
        self.bump();
        Some(self.ty())
    }

    /// `= value`
    pub(super) fn initial(&mut self) -> Expr {
        let missing = !self.is_at(Kind::Eq) || self.at_break();
        if missing && !self.equals_for_assignment() {
            self.unexpected("`=` and a value");
            let end = self.end_of_last();
            return Expr { span: end..end, kind: ExprKind::Error };
        }
        self.bump();
        let mut value = self.expr();
        if self.is_at(Kind::LBrace) && matches!(value.kind, ExprKind::TypeName(_)) {
            // `Point {…`, which is told of where the line ends.
            value.kind = ExprKind::Error;
        }
        value
    }

    /// An expression, or an assignment to what it says.
    fn assignment(&mut self, place: Expr) -> StmtKind {
        if !self.kind().is_assignment() {
            return StmtKind::Expr(place);
        }
        let token = self.bump();
        let op = compound(token.kind);
        let value = self.expr();
        StmtKind::Assign { place, op, op_span: token.span(), value }
    }

    /// What stands after `=>`: an expression, a block, or a statement that declares nothing.
    pub(super) fn body(&mut self) -> Expr {
        if self.is_at(Kind::LBrace) {
            return self.block_expr();
        }
        let mark = self.mark();
        if matches!(self.kind(), Kind::Let | Kind::Var) {
            self.declaration_without_block();
        }
        let span = self.here();
        let kind = self.nested(|parser| match parser.simple_stmt() {
            StmtKind::Expr(expr) => expr,
            kind => {
                let span = parser.span(mark);
                let stmt = Stmt { span: span.clone(), kind };
                Expr { span, kind: ExprKind::Stmt(Box::new(stmt)) }
            }
        });
        self.close(mark, NodeKind::Stmt);
        kind.unwrap_or(Expr { span, kind: ExprKind::Error })
    }

    /// What stands after `if`, `while`, `match` and the like.
    pub(super) fn condition(&mut self) -> Expr {
        let mark = self.mark();
        let condition = self.expr();
        match self.is_at(Kind::Eq) {
            true => self.assignment_in_condition(mark, condition),
            false => condition,
        }
    }
}

fn compound(kind: Kind) -> Option<BinaryOp> {
    use BinaryOp::*;
    Some(match kind {
        Kind::PlusEq => Add,
        Kind::MinusEq => Sub,
        Kind::StarEq => Mul,
        Kind::SlashEq => Div,
        Kind::PercentEq => Rem,
        Kind::PlusWrapEq => AddWrap,
        Kind::MinusWrapEq => SubWrap,
        Kind::StarWrapEq => MulWrap,
        Kind::AmpEq => BitAnd,
        Kind::BarEq => BitOr,
        Kind::CaretEq => BitXor,
        Kind::ShlEq => Shl,
        Kind::ShrEq => Shr,
        _ => return None,
    })
}
