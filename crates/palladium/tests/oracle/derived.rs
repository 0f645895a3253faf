//! What follows from the structure of a type: equality, order, hashes and text.

use std::cmp::Ordering;
use std::rc::Rc;
use std::sync::Arc;

use palladium::core::{FnId, Type};

use super::evaluator::{Evaluator, Outcome, wrong};
use super::value::Value;

impl Evaluator<'_> {
    pub(super) fn equal(&mut self, ty: &Type, a: &Value, b: &Value) -> Outcome<bool> {
        self.spend(0)?;
        if let Some((id, types)) = self.derived_by_library("derive_equal", ty) {
            let args = vec![a.clone(), b.clone()];
            let (equal, _) = self.call(id, types, args, &[])?;
            return Ok(matches!(equal, Value::Word(1)));
        }
        Ok(match (a, b) {
            (Value::Word(a), Value::Word(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => a == b,
            _ => {
                let ((left, a), (right, b)) = (parts(a)?, parts(b)?);
                if left != right {
                    return Ok(false);
                }
                for ((ty, a), b) in self.types_of_parts(ty, left).iter().zip(a).zip(b) {
                    if !self.equal(ty, a, b)? {
                        return Ok(false);
                    }
                }
                true
            }
        })
    }

    pub(super) fn order(&mut self, ty: &Type, a: &Value, b: &Value) -> Outcome<Ordering> {
        self.spend(0)?;
        if let Some((id, types)) = self.derived_by_library("derive_order", ty) {
            let args = vec![a.clone(), b.clone()];
            let (order, _) = self.call(id, types, args, &[])?;
            let Value::Variant(order, _) = order else { return wrong("an order is none") };
            return Ok((order as i64 - 1).cmp(&0));
        }
        Ok(match (a, b) {
            (Value::Word(a), Value::Word(b)) => a.cmp(b),
            (Value::Float(a), Value::Float(b)) => plain(*a).total_cmp(&plain(*b)),
            (Value::Text(a), Value::Text(b)) => a.cmp(b),
            _ => {
                let ((left, a), (right, b)) = (parts(a)?, parts(b)?);
                if left != right {
                    return Ok(left.cmp(&right));
                }
                for ((ty, a), b) in self.types_of_parts(ty, left).iter().zip(a).zip(b) {
                    let order = self.order(ty, a, b)?;
                    if order.is_ne() {
                        return Ok(order);
                    }
                }
                Ordering::Equal
            }
        })
    }

    /// Some hash: only that equal values have the same can be seen.
    pub(super) fn hash(&mut self, ty: &Type, value: &Value, seed: i64) -> Outcome<i64> {
        self.spend(0)?;
        if let Some((id, types)) = self.derived_by_library("derive_hash", ty) {
            let (hash, _) = self.call(id, types, vec![value.clone(), Value::Word(seed)], &[])?;
            let Value::Word(hash) = hash else { return wrong("a hash is no number") };
            return Ok(hash);
        }
        Ok(match value {
            Value::Word(n) => mix(seed, *n),
            Value::Float(n) => mix(seed, plain(*n).to_bits() as i64),
            Value::Text(text) => hash_bytes(text, seed),
            _ => {
                let (variant, values) = parts(value)?;
                let types = self.types_of_parts(ty, variant);
                let mut hash = mix(seed, variant.into());
                for (ty, value) in types.iter().zip(values) {
                    hash = self.hash(ty, value, hash)?;
                }
                hash
            }
        })
    }

    /// Appends the text of a value.
    pub(super) fn show(
        &mut self,
        ty: &Type,
        value: &Value,
        mut out: Vec<u8>,
        quoted: bool,
    ) -> Outcome<Vec<u8>> {
        self.spend(0)?;
        match (ty, value) {
            (Type::Int, Value::Word(n)) => out.extend(n.to_string().bytes()),
            (Type::Float, Value::Float(n)) => out.extend(format!("{n:?}").bytes()),
            (Type::Bool, Value::Word(n)) => out.extend((*n != 0).to_string().bytes()),
            (Type::String, Value::Text(text)) if !quoted => out.extend(text.iter()),
            (Type::Char, Value::Word(n)) if !quoted => {
                let Some(char) = u32::try_from(*n).ok().and_then(char::from_u32) else {
                    return wrong(format!("{n} is no character"));
                };
                out.extend(char.to_string().bytes());
            }
            (Type::Fn(_), _) => out.extend(b"fn"),
            _ => match self.derived_by_library("derive_show", ty) {
                Some((id, types)) => {
                    let text = Value::Text(Rc::new(out));
                    let (_, mut changed) = self.call(id, types, vec![value.clone(), text], &[])?;
                    let Some(Value::Text(text)) = changed.pop() else {
                        return wrong("nothing is shown");
                    };
                    return Ok(Rc::unwrap_or_clone(text));
                }
                None => return self.show_parts(ty, value, out),
            },
        }
        Ok(out)
    }

    /// `Name(label: value, value)`
    fn show_parts(&mut self, ty: &Type, value: &Value, mut out: Vec<u8>) -> Outcome<Vec<u8>> {
        let (variant, values) = parts(value)?;
        let (name, labels) = self.names(ty, variant);
        let types = self.types_of_parts(ty, variant);
        out.extend(name.bytes());
        if values.is_empty() {
            if name.is_empty() {
                out.extend(b"()");
            }
            return Ok(out);
        }
        for (n, (ty, value)) in types.iter().zip(values).enumerate() {
            out.extend(if n == 0 { b"(".iter() } else { b", ".iter() });
            if let Some(label) = &labels[n] {
                out.extend(format!("{label}: ").bytes());
            }
            out = self.show(ty, value, out, true)?;
        }
        out.push(b')');
        Ok(out)
    }

    fn names(&self, ty: &Type, variant: u32) -> (Arc<str>, Vec<Option<Arc<str>>>) {
        match ty {
            Type::Record(id, _) => {
                let record = &self.program.records[id.0 as usize];
                let labels = record.fields.iter().map(|(name, _)| Some(Arc::clone(name)));
                (Arc::clone(&record.name), labels.collect())
            }
            Type::Enum(id, _) => {
                let variant = &self.program.enums[id.0 as usize].variants[variant as usize];
                let labels = variant.fields.iter().map(|(label, _)| label.clone());
                (Arc::clone(&variant.name), labels.collect())
            }
            Type::Tuple(types) => ("".into(), vec![None; types.len()]),
            other => (format!("{other:?}").into(), Vec::new()),
        }
    }

    fn types_of_parts(&self, ty: &Type, variant: u32) -> Vec<Type> {
        match ty {
            Type::Tuple(types) => types.to_vec(),
            Type::Record(id, args) => {
                let fields = &self.program.records[id.0 as usize].fields;
                fields.iter().map(|(_, ty)| ty.substitute(args)).collect()
            }
            Type::Enum(id, args) => {
                let variant = &self.program.enums[id.0 as usize].variants[variant as usize];
                variant.fields.iter().map(|(_, ty)| ty.substitute(args)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The library's own way to derive something for a type, with the types that it is called with.
    fn derived_by_library(&self, name: &str, ty: &Type) -> Option<(FnId, Rc<[Type]>)> {
        let scalar = matches!(ty, Type::Int | Type::Float | Type::Bool | Type::Char);
        let text = matches!(ty, Type::String | Type::Bytes);
        if name != "derive_show" && (scalar || text || *ty == Type::Duration) {
            return None;
        }
        self.program.known.functions.iter().find_map(|(qualified, id)| {
            let (_, last) = qualified.rsplit_once('.')?;
            let function = self.function(*id);
            let param = function.params.first().filter(|_| last == name)?;
            let mut types = vec![Type::Never; function.generics as usize];
            let declared = &function.locals[param.local.0 as usize].ty;
            is_instance(declared, ty, &mut types).then(|| (*id, types.into()))
        })
    }
}

/// Whether a type is an instance of a declared one; then with which types for its parameters.
fn is_instance(declared: &Type, ty: &Type, types: &mut [Type]) -> bool {
    let mut all = |declared: &[Type], args: &[Type]| {
        declared.iter().zip(args).all(|(declared, ty)| is_instance(declared, ty, types))
    };
    match (declared, ty) {
        (Type::Param(n), _) => {
            types[*n as usize] = ty.clone();
            true
        }
        (Type::List(a), Type::List(b)) => is_instance(a, b, types),
        (Type::Record(a, declared), Type::Record(b, args)) => a == b && all(declared, args),
        (Type::Enum(a, declared), Type::Enum(b, args)) => a == b && all(declared, args),
        _ => declared == ty,
    }
}

fn parts(value: &Value) -> Outcome<(u32, &[Value])> {
    match value {
        Value::Fields(fields) => Ok((0, fields)),
        Value::Variant(variant, fields) => Ok((*variant, fields)),
        other => wrong(format!("{other:?} has no parts")),
    }
}

/// A number as the machine keeps it: there is one NaN.
pub(super) fn plain(n: f64) -> f64 {
    if n.is_nan() { f64::from_bits(0x7ff8_0000_0000_0000) } else { n }
}

fn mix(seed: i64, n: i64) -> i64 {
    (seed ^ n).wrapping_mul(0x5851_f42d_4c95_7f2d).rotate_left(23)
}

pub(super) fn hash_bytes(bytes: &[u8], seed: i64) -> i64 {
    bytes.iter().fold(mix(seed, bytes.len() as i64), |hash, byte| mix(hash, (*byte).into()))
}
