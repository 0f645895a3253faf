//! Closures: functions of their own, with what they capture.

use iridium_isa::Span;

use crate::core::{Body, Expr, ExprKind, Function, Param, Type};
use crate::diag::calls as say;
use crate::diag::places::By;
use crate::syntax::ast;
use crate::types::build::{block, expr, nothing, within};
use crate::types::checker::{Binding, Checker, Frame, Local, Want};
use crate::types::kind::{ERROR, fn_of, is_unit};

impl Checker {
    pub(super) fn closure(
        &mut self,
        params: &[ast::Param],
        result: Option<&ast::Type>,
        body: &ast::Expr,
        span: &Span,
        want: &Want,
    ) -> Expr {
        let wanted = match want.ty().map(|ty| self.known(ty)) {
            Some(Type::Fn(function)) if function.params.len() == params.len() => Some(function),
            _ => None,
        };
        let types: Vec<Type> = params
            .iter()
            .enumerate()
            .map(|(nth, param)| {
                let wanted = wanted.as_ref().map(|wanted| wanted.params[nth].clone());
                self.closure_param(param, wanted)
            })
            .collect();
        let (result, why) = match (result, &wanted) {
            (Some(written), _) => {
                let why = (self.place(&written.span), "the closure gives this".to_owned());
                (self.written(written), Some(why))
            }
            (None, Some(wanted)) => (wanted.result.clone(), want.why().cloned()),
            (None, None) => (self.cx.vars.fresh(&body.span), None),
        };
        let id = self.reserve();
        self.cx.frames.push(Frame::new(result.clone(), why.clone()));
        let mut locals = Vec::new();
        for (param, ty) in params.iter().zip(&types) {
            let local = self.local(&param.name.text, ty.clone(), By::Pattern, &param.name.span);
            self.bind(&param.name.text, Binding::Local(local));
            locals.push(Param { local, inout: false });
        }
        let code = self.closure_body(body, &result, why);
        let Some(frame) = self.cx.frames.pop() else { return nothing(span) };
        self.share(&frame);
        self.cx.nested += 1;
        let function = Function {
            name: within(&self.cx.path, format!("fn{}", self.cx.nested)),
            file: self.cx.file,
            span: span.clone(),
            generics: self.cx.generics.len() as u32,
            params: locals,
            captures: frame.captures.iter().map(|(_, inner)| *inner).collect(),
            result: result.clone(),
            locals: frame.locals.into_iter().map(|local| local.core).collect(),
            body: Body::Code(code),
        };
        self.cx.closures.push((id, function));
        let types_here = (0..self.cx.generics.len() as u32).map(Type::Param).collect();
        let captured = frame.captures.iter().map(|(outer, _)| *outer).collect();
        let kind = ExprKind::Closure { function: id, types: types_here, captured };
        expr(kind, fn_of(types, result), span)
    }

    fn closure_param(&mut self, param: &ast::Param, wanted: Option<Type>) -> Type {
        if param.inout {
            self.problem(say::inout_closure(self.place(&param.span)));
        }
        match (&param.ty, wanted) {
            (Some(ty), _) => self.written(ty),
            (None, Some(wanted)) => wanted,
            (None, None) => self.cx.vars.fresh(&param.name.span),
        }
    }

    fn closure_body(
        &mut self,
        body: &ast::Expr,
        result: &Type,
        why: Option<crate::diag::types::Why>,
    ) -> Expr {
        if is_unit(&self.known(result)) {
            let code = self.expr(body, &Want::Drop);
            self.cx.vars.settle(&code.ty);
            if code.ty == Type::Never || is_unit(&code.ty) {
                return code;
            }
            let span = code.span.clone();
            return block(vec![code], nothing(&span));
        }
        self.expr(body, &Want::Type(result.clone(), why))
    }

    /// What a closure changes is shared with what is around it.
    fn share(&mut self, closure: &Frame) {
        let around = self.frame();
        for (outer, inner) in &closure.captures {
            let shared = closure.locals[inner.0 as usize].core.shared;
            let Local { core, .. } = &mut around.locals[outer.0 as usize];
            core.shared |= shared;
        }
    }

    /// In the place of what the checker could not make sense of.
    pub(super) fn hole(&self, span: &Span) -> Expr {
        expr(ExprKind::Tuple(Vec::new()), ERROR, span)
    }
}
