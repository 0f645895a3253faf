//! Conditions: where control goes, without a value in between.

use super::expr::compare;
use super::function::Body;
use crate::core::{CompareOp, Expr, ExprKind, Type};
use crate::mir::{BlockIdx, Compare, Operand, Terminator};

impl<'a> Body<'_, 'a> {
    /// Goes to one block when an expression is true and to another when it is not.
    pub(super) fn condition(&mut self, expr: &'a Expr, then: BlockIdx, otherwise: BlockIdx) {
        let outer = std::mem::replace(&mut self.code.span, expr.span.clone());
        match &expr.kind {
            ExprKind::Int(value) => self.code.jump(if *value != 0 { then } else { otherwise }),
            ExprKind::And(left, right) => {
                let next = self.code.block();
                self.condition(left, next, otherwise);
                self.code.at(next);
                self.condition(right, then, otherwise);
            }
            ExprKind::Or(left, right) => {
                let next = self.code.block();
                self.condition(left, then, next);
                self.code.at(next);
                self.condition(right, then, otherwise);
            }
            ExprKind::Not(inner) => self.condition(inner, otherwise, then),
            ExprKind::Compare { op, left, right } => {
                self.comparison(*op, left, right, then, otherwise);
            }
            ExprKind::Is { value, pattern } => self.is(value, pattern, then, otherwise),
            ExprKind::Block { stmts, value } => {
                for stmt in stmts {
                    self.expr(stmt);
                }
                self.condition(value, then, otherwise);
            }
            ExprKind::If { condition, then: yes, otherwise: no } => {
                let (first, second) = (self.code.block(), self.code.block());
                self.condition(condition, first, second);
                self.code.at(first);
                self.condition(yes, then, otherwise);
                self.code.at(second);
                self.condition(no, then, otherwise);
            }
            _ => {
                let value = self.expr(expr)[0];
                self.code.branch(Compare::Ne, value, Operand::Imm(0), then, otherwise);
            }
        }
        self.code.span = outer;
    }

    fn comparison(
        &mut self,
        op: CompareOp,
        left: &'a Expr,
        right: &'a Expr,
        then: BlockIdx,
        otherwise: BlockIdx,
    ) {
        let ty = self.ty(&left.ty);
        if self.code.is_number(&ty) {
            let (a, b) = self.operands(left, right);
            return self.code.branch(compare(op), a, b, then, otherwise);
        }
        let values = self.values(&[left, right]);
        if matches!(ty, Type::Float) {
            let (op, a, b) = (compare(op), values[0][0], values[1][0]);
            return self.code.end(Terminator::FloatBranch { op, a, b, then, otherwise });
        }
        let (a, b) = (&values[0], &values[1]);
        match op {
            CompareOp::Eq => self.code.branch_equal(&ty, a, b, then, otherwise),
            CompareOp::Ne => self.code.branch_equal(&ty, a, b, otherwise, then),
            _ => {
                // As the numbers of Less, Equal and Greater.
                let order = self.code.order(&ty, a, b);
                self.code.branch(compare(op), order, Operand::Imm(1), then, otherwise);
            }
        }
    }
}
