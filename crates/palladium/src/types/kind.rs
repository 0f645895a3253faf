//! Types while they are being found out.
//!
//! The checker uses the types of core. While a function is checked, parameters from `FIRST_VAR` on
//! stand for what is not known yet, and the last of all for what is wrong in a way that has been
//! told: it fits everything. Neither is in the finished program.

use std::sync::Arc;

use crate::core::{FnType, Type};

/// The type of what is wrong. It fits everything, so that one mistake gives one message.
pub(crate) const ERROR: Type = Type::Param(u32::MAX);

/// The first parameter that stands for an unknown type.
const FIRST_VAR: u32 = 1 << 30;

/// Parts of a type from which on it is too large to be worked with.
pub(crate) const MAX_SIZE: u32 = 500;

/// The unknown type of this number.
pub(crate) fn var(number: usize) -> Type {
    Type::Param(FIRST_VAR + number as u32)
}

/// The number of an unknown type.
pub(crate) fn as_var(ty: &Type) -> Option<usize> {
    match ty {
        Type::Param(n) if *n >= FIRST_VAR && *n != u32::MAX => Some((n - FIRST_VAR) as usize),
        _ => None,
    }
}

/// The position of a type parameter of the declaration.
pub(crate) fn as_param(ty: &Type) -> Option<usize> {
    match ty {
        Type::Param(n) if *n < FIRST_VAR => Some(*n as usize),
        _ => None,
    }
}

pub(crate) fn is_error(ty: &Type) -> bool {
    *ty == ERROR
}

/// `()`
pub(crate) fn unit() -> Type {
    Type::Tuple([].into())
}

pub(crate) fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(types) if types.is_empty())
}

pub(crate) fn list_of(ty: Type) -> Type {
    Type::List(Arc::new(ty))
}

pub(crate) fn fn_of(params: Vec<Type>, result: Type) -> Type {
    Type::Fn(Arc::new(FnType { params, result, receives: None }))
}

/// The same with other types in the place of parameters and unknown ones, of which `of` tells.
pub(crate) fn replace(ty: &Type, of: &mut impl FnMut(&Type) -> Option<Type>) -> Type {
    let all = |types: &[Type], of: &mut _| -> Arc<[Type]> {
        types.iter().map(|ty| replace(ty, of)).collect()
    };
    match ty {
        Type::Param(_) => of(ty).unwrap_or_else(|| ty.clone()),
        Type::Tuple(types) if !types.is_empty() => Type::Tuple(all(types, of)),
        Type::Record(id, types) if !types.is_empty() => Type::Record(*id, all(types, of)),
        Type::Enum(id, types) if !types.is_empty() => Type::Enum(*id, all(types, of)),
        Type::List(ty) => Type::List(Arc::new(replace(ty, of))),
        Type::Pid(ty) => Type::Pid(Arc::new(replace(ty, of))),
        Type::Reply(ty) => Type::Reply(Arc::new(replace(ty, of))),
        Type::Fn(ty) => Type::Fn(Arc::new(FnType {
            params: ty.params.iter().map(|ty| replace(ty, of)).collect(),
            result: replace(&ty.result, of),
            receives: ty.receives.as_ref().map(|ty| replace(ty, of)),
        })),
        other => other.clone(),
    }
}

/// Whether some part of a type is as asked for.
pub(crate) fn any(ty: &Type, is: &mut impl FnMut(&Type) -> bool) -> bool {
    is(ty)
        || match ty {
            Type::Tuple(types) | Type::Record(_, types) | Type::Enum(_, types) => {
                types.iter().any(|part| any(part, is))
            }
            Type::List(part) | Type::Pid(part) | Type::Reply(part) => any(part, is),
            Type::Fn(of) => of.params.iter().chain([&of.result]).any(|part| any(part, is)),
            _ => false,
        }
}

/// Whether something in a type stands for another: a parameter, or what is not known yet. It tells
/// soon what most types are: what they are in the end.
pub(crate) fn is_open(ty: &Type) -> bool {
    let receives = |ty: &Type| match ty {
        Type::Fn(of) => of.receives.is_some(),
        _ => false,
    };
    any(ty, &mut |part| matches!(part, Type::Param(_)) || receives(part))
}

/// The types that a type is made of.
pub(crate) fn parts(ty: &Type) -> Vec<&Type> {
    match ty {
        Type::Tuple(types) | Type::Record(_, types) | Type::Enum(_, types) => {
            types.iter().collect()
        }
        Type::List(ty) | Type::Pid(ty) | Type::Reply(ty) => vec![ty],
        Type::Fn(ty) => ty.params.iter().chain([&ty.result]).collect(),
        _ => Vec::new(),
    }
}
