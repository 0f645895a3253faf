//! What is inside of an expression.

use super::{Arg, Expr, ExprKind, LocalId, Place, Receive, Step};

/// The functions that walk over expressions, to read them or to change them.
macro_rules! walk {
    ($(#[$doc:meta])* $name:ident, $in_arg:ident, $in_place:ident, $iter:ident $(, $mut:tt)?) => {
        $(#[$doc])*
        pub(crate) fn $name<'e>(expr: &'e $($mut)? Expr, f: &mut dyn FnMut(&'e $($mut)? Expr)) {
            match &$($mut)? expr.kind {
                ExprKind::Int(_)
                | ExprKind::Float(_)
                | ExprKind::String(_)
                | ExprKind::Bytes(_)
                | ExprKind::Local(_)
                | ExprKind::Fn { .. }
                | ExprKind::Closure { .. }
                | ExprKind::Break
                | ExprKind::Continue => {}
                ExprKind::Spawn { args, node, .. } => {
                    args.$iter().for_each(&mut *f);
                    node.$iter().for_each(|node| f(node));
                }
                ExprKind::Receive(receive) => {
                    let Receive { arms, system, unknown, after, .. } = &$($mut)? **receive;
                    if let Some((time, body)) = after {
                        f(time);
                        f(body);
                    }
                    arms.$iter().for_each(|arm| f(&$($mut)? arm.body));
                    system.$iter().for_each(|arm| f(&$($mut)? arm.body));
                    f(&$($mut)? unknown.body);
                }
                ExprKind::Call { args, .. } => args.$iter().for_each(|arg| $in_arg(arg, f)),
                ExprKind::CallValue { function, args } => {
                    f(function);
                    args.$iter().for_each(|arg| $in_arg(arg, f));
                }
                ExprKind::Op { args, .. } | ExprKind::Tuple(args) | ExprKind::List(args) => {
                    args.$iter().for_each(f);
                }
                ExprKind::Record { fields, .. } | ExprKind::Variant { fields, .. } => {
                    fields.$iter().for_each(f);
                }
                ExprKind::Compare { left, right, .. }
                | ExprKind::Order { left, right }
                | ExprKind::Hash { value: left, seed: right }
                | ExprKind::And(left, right)
                | ExprKind::Or(left, right) => {
                    f(left);
                    f(right);
                }
                ExprKind::Show { out, value, .. } => {
                    $in_place(out, f);
                    f(value);
                }
                ExprKind::Not(inner)
                | ExprKind::Field { base: inner, .. }
                | ExprKind::Is { value: inner, .. }
                | ExprKind::Loop(inner)
                | ExprKind::Return(inner)
                | ExprKind::Become(inner)
                | ExprKind::Trap { text: inner, .. } => f(inner),
                ExprKind::Block { stmts, value } => {
                    stmts.$iter().for_each(&mut *f);
                    f(value);
                }
                ExprKind::Let { value, otherwise, .. } => {
                    f(value);
                    otherwise.$iter().for_each(|otherwise| f(otherwise));
                }
                ExprKind::Assign { place, value } => {
                    $in_place(place, f);
                    f(value);
                }
                ExprKind::If { condition, then, otherwise } => {
                    f(condition);
                    f(then);
                    f(otherwise);
                }
                ExprKind::Match { value, arms } => {
                    f(value);
                    for arm in arms {
                        arm.guard.$iter().for_each(&mut *f);
                        f(&$($mut)? arm.body);
                    }
                }
            }
        }

        fn $in_arg<'e>(arg: &'e $($mut)? Arg, f: &mut dyn FnMut(&'e $($mut)? Expr)) {
            match arg {
                Arg::Value(value) => f(value),
                Arg::InOut(place) => $in_place(place, f),
            }
        }

        fn $in_place<'e>(place: &'e $($mut)? Place, f: &mut dyn FnMut(&'e $($mut)? Expr)) {
            for step in &$($mut)? place.path {
                if let Step::Index(index) = step {
                    f(index);
                }
            }
        }
    };
}

walk! {
    /// Does something with each expression directly inside of another.
    each_child, each_in_arg, each_in_place, iter
}

walk! {
    /// The same, to change them.
    each_child_mut, each_in_arg_mut, each_in_place_mut, iter_mut, mut
}

/// The locals that an expression assigns to, other than by binding them.
pub(crate) fn assigned(expr: &Expr, found: &mut dyn FnMut(LocalId)) {
    match &expr.kind {
        ExprKind::Assign { place, .. } | ExprKind::Show { out: place, .. } => found(place.local),
        ExprKind::Call { args, .. } | ExprKind::CallValue { args, .. } => {
            for arg in args {
                if let Arg::InOut(place) = arg {
                    found(place.local);
                }
            }
        }
        _ => {}
    }
    each_child(expr, &mut |child| assigned(child, &mut *found));
}
