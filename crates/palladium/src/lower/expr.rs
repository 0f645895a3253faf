//! Expressions.

use super::code::{ELEMENTS, LENGTH, Value};
use super::function::Body;
use super::shape::MAX_PARTS;
use super::value::offset;
use crate::core::{self, CompareOp, Expr, ExprKind, Op, Type};
use crate::mir::{
    BinaryOp, Class, Compare, Data, FloatOp, Inst, Operand, Reg, Terminator, UnaryOp,
};

/// So many elements of a list literal are in registers at the same time.
const AT_ONCE: usize = 8;

impl<'a> Body<'_, 'a> {
    pub(super) fn expr(&mut self, expr: &'a Expr) -> Value {
        let outer = std::mem::replace(&mut self.code.span, expr.span.clone());
        let value = self.kind(expr);
        self.code.span = outer;
        if self.code.is_reached() {
            return value;
        }
        // What follows needs registers, though it is never reached.
        match self.ty(&expr.ty) {
            Type::Never => (0..MAX_PARTS).map(|_| self.code.reg(Class::Int)).collect(),
            ty => self.code.value(&ty),
        }
    }

    fn kind(&mut self, expr: &'a Expr) -> Value {
        let ty = self.ty(&expr.ty);
        match &expr.kind {
            // A literal in code for numbers of any type.
            ExprKind::Int(n) if matches!(ty, Type::Float) => vec![self.float(*n as f64)],
            ExprKind::Int(n) => vec![self.code.int(*n)],
            ExprKind::Float(value) => vec![self.float(*value)],
            ExprKind::String(text) => vec![self.code.text(text.as_bytes())],
            ExprKind::Bytes(bytes) => vec![self.code.text(bytes)],
            ExprKind::Local(local) => self.get(*local),
            ExprKind::Fn { function, types } => vec![self.function_value(*function, types)],
            ExprKind::Closure { function, types, captured } => {
                vec![self.closure(*function, types, captured)]
            }
            ExprKind::Call { function, types, args } => self.call(*function, types, args, &ty),
            ExprKind::CallValue { function, args } => self.call_value(function, args, &ty),
            ExprKind::Op { op, args } => vec![self.op(*op, args)],
            ExprKind::Compare { op, left, right } => self.compare_value(expr, *op, left, right),
            ExprKind::And(..) | ExprKind::Or(..) | ExprKind::Is { .. } => self.truth(expr),
            ExprKind::Not(inner) => {
                let value = self.expr(inner)[0];
                vec![self.code.binary(BinaryOp::Xor, value, Operand::Imm(1))]
            }
            ExprKind::Order { left, right } => {
                let of = self.ty(&left.ty);
                let values = self.values(&[left, right]);
                vec![self.code.order(&of, &values[0], &values[1])]
            }
            ExprKind::Hash { value, seed } => {
                let of = self.ty(&value.ty);
                let values = self.values(&[value, seed]);
                vec![self.code.hash(&of, &values[0], values[1][0])]
            }
            ExprKind::Show { out, value, quoted } => self.show(out, value, *quoted),
            ExprKind::Tuple(fields) | ExprKind::Record { fields, .. } => {
                let fields = self.fields(fields);
                self.code.product(&ty, fields)
            }
            ExprKind::Variant { variant, fields, .. } => {
                let fields = self.fields(fields);
                self.code.variant(&ty, *variant, fields)
            }
            ExprKind::List(elements) => vec![self.list(elements, &ty)],
            ExprKind::Field { base, index } => {
                let of = self.ty(&base.ty);
                let base = self.expr(base);
                let (source, field) = self.code.field(&base, &of, *index as usize);
                self.code.read(&source, &field)
            }
            ExprKind::Block { stmts, value } => {
                for stmt in stmts {
                    self.expr(stmt);
                }
                self.expr(value)
            }
            ExprKind::Let { pattern, value, otherwise } => {
                self.let_(pattern, value, otherwise.as_deref());
                Vec::new()
            }
            ExprKind::Assign { place, value } => {
                self.assign(place, value);
                Vec::new()
            }
            ExprKind::If { condition, then, otherwise } => {
                self.if_(condition, then, otherwise, &ty)
            }
            ExprKind::Match { value, arms } => self.match_(value, arms, &ty),
            ExprKind::Loop(body) => {
                self.loop_(body);
                Vec::new()
            }
            ExprKind::Break | ExprKind::Continue => {
                if let Some((next, after)) = self.loops.last().copied() {
                    self.code.jump(if matches!(expr.kind, ExprKind::Break) { after } else { next });
                }
                Vec::new()
            }
            ExprKind::Return(value) => {
                let value = self.expr(value);
                self.give_back(value);
                Vec::new()
            }
            ExprKind::Become(value) => {
                let value = self.expr(value);
                self.go_on_as(value);
                Vec::new()
            }
            ExprKind::Spawn { function, types, args, node } => {
                vec![self.spawn(*function, types, args, node.as_deref())]
            }
            ExprKind::Receive(receive) => self.receive(receive, &ty),
            ExprKind::Trap { kind, text } => {
                let text = self.expr(text)[0];
                let [address, length] = self.code.bytes_of(text);
                self.code.end(Terminator::Trap { kind: trap(*kind), address, length });
                Vec::new()
            }
        }
    }

    fn float(&mut self, value: f64) -> Reg {
        let d = self.code.reg(Class::Float);
        self.code.emit(Inst::Float { d, value });
        d
    }

    fn fields(&mut self, fields: &'a [Expr]) -> Vec<Value> {
        let fields: Vec<&Expr> = fields.iter().collect();
        self.values(&fields)
    }

    /// A number as an operand: a literal where it fits.
    pub(super) fn operands(&mut self, left: &'a Expr, right: &'a Expr) -> (Reg, Operand) {
        if let Some(n) = literal(right) {
            return (self.expr(left)[0], Operand::Imm(n));
        }
        let values = self.values(&[left, right]);
        (values[0][0], Operand::Reg(values[1][0]))
    }

    fn op(&mut self, op: Op, args: &'a [Expr]) -> Reg {
        let is_float = matches!(self.ty(&args[0].ty), Type::Float);
        let [left, right] = args else {
            let a = self.expr(&args[0])[0];
            let (op, class) = match is_float {
                true => (UnaryOp::NegFloat, Class::Float),
                false => (UnaryOp::Neg, Class::Int),
            };
            return self.code.unary(op, class, a);
        };
        if is_float {
            let values = self.values(&[left, right]);
            return self.float_op(op, values[0][0], values[1][0]);
        }
        let commutes = !matches!(op, Op::Sub | Op::SubWrap | Op::Div | Op::Rem | Op::Shl | Op::Shr);
        let swapped = commutes && literal(left).is_some();
        let (left, right) = if swapped { (right, left) } else { (left, right) };
        let (a, b) = self.operands(left, right);
        self.code.binary(binary(op), a, b)
    }

    fn float_op(&mut self, op: Op, a: Reg, b: Reg) -> Reg {
        let op = match op {
            Op::Sub | Op::SubWrap => FloatOp::Sub,
            Op::Mul | Op::MulWrap => FloatOp::Mul,
            Op::Div => FloatOp::Div,
            Op::Rem => {
                // a - trunc(a / b) * b
                let quotient = self.float_op(Op::Div, a, b);
                let whole = self.code.unary(UnaryOp::Trunc, Class::Float, quotient);
                let part = self.float_op(Op::Mul, whole, b);
                return self.float_op(Op::Sub, a, part);
            }
            _ => FloatOp::Add,
        };
        let d = self.code.reg(Class::Float);
        self.code.emit(Inst::FloatBinary { op, d, a, b });
        d
    }

    fn compare_value(
        &mut self,
        expr: &'a Expr,
        op: CompareOp,
        left: &'a Expr,
        right: &'a Expr,
    ) -> Value {
        let ty = self.ty(&left.ty);
        let (is_float, is_number) = (matches!(ty, Type::Float), self.code.is_number(&ty));
        if !is_float && !is_number {
            return self.truth(expr);
        }
        let op = compare(op);
        let d = self.code.reg(Class::Int);
        if is_float {
            let values = self.values(&[left, right]);
            self.code.emit(Inst::FloatCompare { op, d, a: values[0][0], b: values[1][0] });
        } else {
            let (a, b) = self.operands(left, right);
            self.code.emit(Inst::Compare { op, d, a, b });
        }
        vec![d]
    }

    /// A condition as a value.
    fn truth(&mut self, expr: &'a Expr) -> Value {
        let d = self.code.reg(Class::Int);
        let (yes, no, after) = (self.code.block(), self.code.block(), self.code.block());
        self.condition(expr, yes, no);
        for (block, value) in [(yes, 1), (no, 0)] {
            self.code.at(block);
            self.code.emit(Inst::Int { d, value });
            self.code.jump(after);
        }
        self.code.at(after);
        vec![d]
    }

    fn if_(
        &mut self,
        condition: &'a Expr,
        then: &'a Expr,
        otherwise: &'a Expr,
        ty: &Type,
    ) -> Value {
        let (yes, no, after) = (self.code.block(), self.code.block(), self.code.block());
        let value = self.code.value(ty);
        self.condition(condition, yes, no);
        for (block, branch) in [(yes, then), (no, otherwise)] {
            self.code.at(block);
            self.expr_to(branch, &value);
            self.code.jump(after);
        }
        self.code.at(after);
        value
    }

    /// Evaluates into registers that nobody else uses.
    pub(super) fn expr_to(&mut self, expr: &'a Expr, to: &[Reg]) {
        let value = self.expr(expr);
        self.code.move_to(to, &value);
    }

    fn loop_(&mut self, body: &'a Expr) {
        let (next, after) = (self.code.block(), self.code.block());
        self.code.jump(next);
        self.code.at(next);
        self.loops.push((next, after));
        self.expr(body);
        self.loops.pop();
        self.code.jump(next);
        self.code.at(after);
    }

    fn show(&mut self, out: &'a core::Place, value: &'a Expr, quoted: bool) -> Value {
        let ty = self.ty(&value.ty);
        let value = self.expr(value);
        let open = self.open(out, false);
        let text = self.code.take(&open.slot);
        self.code.show(&ty, &value, text[0], quoted);
        self.code.put(&open.slot, &text);
        self.close(open);
        Vec::new()
    }

    fn list(&mut self, elements: &'a [Expr], ty: &Type) -> Reg {
        let class = self.code.context.types.parts(ty)[0];
        let d = self.code.reg(class);
        let Type::List(element) = ty else { return d };
        let element = Type::clone(element);
        let numbers: Option<Vec<i64>> = elements.iter().map(number).collect();
        if let Some(numbers) = numbers.filter(|all| all.is_empty() || element != Type::Float) {
            let data = self.code.context.data(Data::Cells(numbers.into()));
            self.code.emit(Inst::Data { d, data });
            return d;
        }
        let bytes = self.code.int(i64::from(ELEMENTS) + 8 * elements.len() as i64);
        let new = |body: &mut Self| body.code.emit(Inst::NewBytes { d, bytes });
        // What is evaluated may leave the function: then only what is in the list is dropped.
        let is_long = elements.len() > AT_ONCE;
        if is_long {
            new(self);
            let none = self.code.int(0);
            self.code.store(d, LENGTH, none);
        }
        for (n, some) in elements.chunks(AT_ONCE).enumerate() {
            let values = self.fields(some);
            if !is_long {
                new(self);
            }
            let length = self.code.int((n * AT_ONCE + some.len()) as i64);
            self.code.store(d, LENGTH, length);
            for (at, value) in values.iter().enumerate() {
                let cell = self.code.pack(value, &element);
                self.code.store(d, offset(1 + n * AT_ONCE + at), cell);
            }
        }
        d
    }
}

/// A number that fits in an instruction.
pub(super) fn literal(expr: &Expr) -> Option<i32> {
    number(expr).and_then(|n| i32::try_from(n).ok())
}

fn number(expr: &Expr) -> Option<i64> {
    match expr.kind {
        ExprKind::Int(n) => Some(n),
        _ => None,
    }
}

fn binary(op: Op) -> BinaryOp {
    match op {
        Op::Add | Op::Neg => BinaryOp::Add,
        Op::Sub => BinaryOp::Sub,
        Op::Mul => BinaryOp::Mul,
        Op::Div => BinaryOp::Div,
        Op::Rem => BinaryOp::Rem,
        Op::AddWrap => BinaryOp::AddWrap,
        Op::SubWrap => BinaryOp::SubWrap,
        Op::MulWrap => BinaryOp::MulWrap,
        Op::BitAnd => BinaryOp::And,
        Op::BitOr => BinaryOp::Or,
        Op::BitXor => BinaryOp::Xor,
        Op::Shl => BinaryOp::Shl,
        Op::Shr => BinaryOp::Shr,
    }
}

pub(super) fn compare(op: CompareOp) -> Compare {
    match op {
        CompareOp::Eq => Compare::Eq,
        CompareOp::Ne => Compare::Ne,
        CompareOp::Lt => Compare::Lt,
        CompareOp::Le => Compare::Le,
        CompareOp::Gt => Compare::Gt,
        CompareOp::Ge => Compare::Ge,
    }
}

fn trap(kind: core::Trap) -> u8 {
    match kind {
        core::Trap::Panic => 0,
        core::Trap::Assert => 1,
        core::Trap::Unwrap => 2,
        core::Trap::MissingKey => 3,
        core::Trap::BadSlice => 4,
    }
}
