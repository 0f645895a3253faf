//! Expressions.

use std::rc::Rc;

use palladium::core::{Arm, CompareOp, Expr, ExprKind, Op, Trap, Type};

use super::evaluator::{Evaluator, Exit, Frame, Outcome, trap, wrong};
use super::value::{Closure, Value, Variable};

const OVERFLOW: &str = "integer-overflow";
const BY_ZERO: &str = "divide-by-zero";

impl<'p> Evaluator<'p> {
    pub(super) fn expr(&mut self, frame: &mut Frame<'p>, expr: &'p Expr) -> Outcome<Value> {
        self.spend(0)?;
        Ok(match &expr.kind {
            ExprKind::Int(n) => match frame.ty(&expr.ty) {
                // A literal in code for numbers of any type.
                Type::Float => Value::Float(*n as f64),
                _ => Value::Word(*n),
            },
            ExprKind::Float(value) => Value::Float(*value),
            ExprKind::String(text) => Value::text(text.as_bytes()),
            ExprKind::Bytes(bytes) => Value::text(bytes),
            ExprKind::Local(local) => match frame.variable(*local).get() {
                Value::Hole => {
                    let name = &frame.function.locals[local.0 as usize].name;
                    return wrong(format!("`{name}` of {} has no value", frame.function.name));
                }
                value => value,
            },
            ExprKind::Fn { function, types } => {
                let (types, captured) = (frame.types(types), Vec::new());
                Value::Function(Rc::new(Closure { function: *function, types, captured }))
            }
            ExprKind::Closure { function, types, captured } => {
                let inner = self.function(*function);
                let mut all = Vec::new();
                for (local, inside) in captured.iter().zip(&inner.captures) {
                    // Of a variable that it does not change it has the value.
                    let variable = frame.variable(*local).clone();
                    all.push(match inner.locals[inside.0 as usize].shared {
                        true => variable,
                        false => Variable::Own(variable.get()),
                    });
                }
                let (types, captured) = (frame.types(types), all);
                Value::Function(Rc::new(Closure { function: *function, types, captured }))
            }
            ExprKind::Call { function, types, args } => {
                self.call_with(frame, *function, types, args)?
            }
            ExprKind::CallValue { function, args } => self.call_value(frame, function, args)?,
            ExprKind::Op { op, args } => self.op(frame, *op, args)?,
            ExprKind::Compare { op, left, right } => self.compare(frame, *op, left, right)?,
            ExprKind::Order { left, right } => {
                let ty = frame.ty(&left.ty);
                let (left, right) = (self.expr(frame, left)?, self.expr(frame, right)?);
                let order = self.order(&ty, &left, &right)?;
                Value::Variant((order as i8 + 1) as u32, Rc::default())
            }
            ExprKind::Hash { value, seed } => {
                let ty = frame.ty(&value.ty);
                let value = self.expr(frame, value)?;
                let seed = self.word(frame, seed)?;
                Value::Word(self.hash(&ty, &value, seed)?)
            }
            ExprKind::Show { out, value, quoted } => {
                let ty = frame.ty(&value.ty);
                let value = self.expr(frame, value)?;
                let ways = self.ways(frame, out)?;
                let taken =
                    frame.change(out, &ways, |text| std::mem::replace(text, Value::Hole))?;
                let Value::Text(text) = taken else { return wrong("it is shown into no string") };
                let text = Rc::unwrap_or_clone(text);
                self.spend(text.len())?;
                let text = self.show(&ty, &value, text, *quoted)?;
                frame.change(out, &ways, |place| *place = Value::Text(Rc::new(text)))?;
                Value::unit()
            }
            ExprKind::And(left, right) => match self.truth(frame, left)? {
                true => self.expr(frame, right)?,
                false => Value::bool(false),
            },
            ExprKind::Or(left, right) => match self.truth(frame, left)? {
                true => Value::bool(true),
                false => self.expr(frame, right)?,
            },
            ExprKind::Not(inner) => Value::bool(!self.truth(frame, inner)?),
            ExprKind::Tuple(fields) | ExprKind::Record { fields, .. } => {
                Value::Fields(Rc::new(self.all(frame, fields)?))
            }
            ExprKind::List(elements) => Value::List(Rc::new(self.all(frame, elements)?)),
            ExprKind::Variant { variant, fields, .. } => {
                Value::Variant(*variant, Rc::new(self.all(frame, fields)?))
            }
            ExprKind::Field { base, index } => match self.expr(frame, base)? {
                Value::Fields(fields) => fields[*index as usize].clone(),
                other => return wrong(format!("a field of {other:?}")),
            },
            ExprKind::Block { stmts, value } => {
                for stmt in stmts {
                    self.expr(frame, stmt)?;
                }
                self.expr(frame, value)?
            }
            ExprKind::Let { pattern, value, otherwise } => {
                let value = self.expr(frame, value)?;
                if !self.fits(frame, &value, pattern)? {
                    let Some(otherwise) = otherwise else { return wrong("a `let` does not fit") };
                    self.expr(frame, otherwise)?;
                    return wrong("`else` of a `let` comes to an end");
                }
                Value::unit()
            }
            ExprKind::Assign { place, value } => {
                let value = self.expr(frame, value)?;
                let ways = self.ways(frame, place)?;
                if ways.is_empty() && matches!(frame.variable(place.local).get(), Value::Hole) {
                    frame.bind(place.local, value);
                } else {
                    frame.change(place, &ways, |place| *place = value)?;
                }
                Value::unit()
            }
            ExprKind::If { condition, then, otherwise } => match self.truth(frame, condition)? {
                true => self.expr(frame, then)?,
                false => self.expr(frame, otherwise)?,
            },
            ExprKind::Match { value, arms } => {
                let value = self.expr(frame, value)?;
                self.arms(frame, &value, arms)?
            }
            ExprKind::Is { value, pattern } => {
                let value = self.expr(frame, value)?;
                Value::bool(self.fits(frame, &value, pattern)?)
            }
            ExprKind::Loop(body) => loop {
                match self.expr(frame, body) {
                    Ok(_) | Err(Exit::Continue) => {}
                    Err(Exit::Break) => break Value::unit(),
                    Err(exit) => return Err(exit),
                }
            },
            ExprKind::Break => return Err(Exit::Break),
            ExprKind::Continue => return Err(Exit::Continue),
            ExprKind::Return(value) | ExprKind::Become(value) => {
                return Err(Exit::Return(self.expr(frame, value)?));
            }
            // One process is evaluated alone.
            ExprKind::Spawn { .. } | ExprKind::Receive(_) => {
                return wrong("it has processes");
            }
            ExprKind::Trap { kind, text } => {
                let text = self.bytes(frame, text)?;
                let text = Some(String::from_utf8_lossy(&text).into_owned());
                return Err(Exit::Trap { kind: trap_name(*kind), text });
            }
        })
    }

    pub(super) fn word(&mut self, frame: &mut Frame<'p>, expr: &'p Expr) -> Outcome<i64> {
        match self.expr(frame, expr)? {
            Value::Word(n) => Ok(n),
            other => wrong(format!("{other:?} is no number")),
        }
    }

    fn truth(&mut self, frame: &mut Frame<'p>, expr: &'p Expr) -> Outcome<bool> {
        Ok(self.word(frame, expr)? != 0)
    }

    fn bytes(&mut self, frame: &mut Frame<'p>, expr: &'p Expr) -> Outcome<Rc<Vec<u8>>> {
        match self.expr(frame, expr)? {
            Value::Text(text) => Ok(text),
            other => wrong(format!("{other:?} is no text")),
        }
    }

    fn all(&mut self, frame: &mut Frame<'p>, exprs: &'p [Expr]) -> Outcome<Vec<Value>> {
        exprs.iter().map(|expr| self.expr(frame, expr)).collect()
    }

    fn arms(&mut self, frame: &mut Frame<'p>, value: &Value, arms: &'p [Arm]) -> Outcome<Value> {
        for arm in arms {
            if !self.fits(frame, value, &arm.pattern)? {
                continue;
            }
            match &arm.guard {
                Some(guard) if !self.truth(frame, guard)? => {}
                _ => return self.expr(frame, &arm.body),
            }
        }
        wrong("no arm fits")
    }

    fn op(&mut self, frame: &mut Frame<'p>, op: Op, args: &'p [Expr]) -> Outcome<Value> {
        let values = self.all(frame, args)?;
        Ok(match values[..] {
            [Value::Word(a)] => Value::Word(a.checked_neg().map_or_else(|| trap(OVERFLOW), Ok)?),
            [Value::Float(a)] => Value::Float(-a),
            [Value::Word(a), Value::Word(b)] => Value::Word(int_op(op, a, b)?),
            [Value::Float(a), Value::Float(b)] => Value::Float(match op {
                Op::Add => a + b,
                Op::Sub => a - b,
                Op::Mul => a * b,
                Op::Div => a / b,
                Op::Rem => a - (a / b).trunc() * b,
                other => return wrong(format!("{other:?} of floats")),
            }),
            _ => return wrong(format!("{op:?} of {values:?}")),
        })
    }

    fn compare(
        &mut self,
        frame: &mut Frame<'p>,
        op: CompareOp,
        left: &'p Expr,
        right: &'p Expr,
    ) -> Outcome<Value> {
        let ty = frame.ty(&left.ty);
        let (left, right) = (self.expr(frame, left)?, self.expr(frame, right)?);
        if let (Value::Float(a), Value::Float(b)) = (&left, &right) {
            return Ok(Value::bool(match op {
                CompareOp::Eq => a == b,
                CompareOp::Ne => a != b,
                CompareOp::Lt => a < b,
                CompareOp::Le => a <= b,
                CompareOp::Gt => a > b,
                CompareOp::Ge => a >= b,
            }));
        }
        if let CompareOp::Eq | CompareOp::Ne = op {
            return Ok(Value::bool(self.equal(&ty, &left, &right)? == (op == CompareOp::Eq)));
        }
        let order = self.order(&ty, &left, &right)?;
        Ok(Value::bool(match op {
            CompareOp::Lt => order.is_lt(),
            CompareOp::Le => order.is_le(),
            CompareOp::Gt => order.is_gt(),
            _ => order.is_ge(),
        }))
    }
}

fn int_op(op: Op, a: i64, b: i64) -> Outcome<i64> {
    let checked = |value: Option<i64>| value.map_or_else(|| trap(OVERFLOW), Ok);
    match op {
        Op::Add => checked(a.checked_add(b)),
        Op::Sub => checked(a.checked_sub(b)),
        Op::Mul => checked(a.checked_mul(b)),
        Op::Div | Op::Rem if b == 0 => trap(BY_ZERO),
        Op::Div => checked(a.checked_div(b)),
        Op::Rem => checked(a.checked_rem(b)),
        Op::AddWrap => Ok(a.wrapping_add(b)),
        Op::SubWrap => Ok(a.wrapping_sub(b)),
        Op::MulWrap => Ok(a.wrapping_mul(b)),
        Op::BitAnd => Ok(a & b),
        Op::BitOr => Ok(a | b),
        Op::BitXor => Ok(a ^ b),
        Op::Shl => Ok(a.wrapping_shl(b as u32)),
        Op::Shr => Ok(a.wrapping_shr(b as u32)),
        Op::Neg => wrong("a negation of two numbers"),
    }
}

fn trap_name(kind: Trap) -> &'static str {
    match kind {
        Trap::Panic => "panic",
        Trap::Assert => "assert",
        Trap::Unwrap => "unwrap",
        Trap::MissingKey => "missing-key",
        Trap::BadSlice => "bad-slice",
    }
}
