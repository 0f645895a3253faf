//! The bodies of functions and constants, one after the other until none is left.

use std::rc::Rc;
use std::sync::Arc;

use super::build::{block, nothing, within};
use super::checker::{Binding, Checker, Context, Frame, Local, Want};
use super::kind::is_unit;
use crate::core::{Body, Expr, FnId, Function, Param, Type};
use crate::diag::calls as say;
use crate::diag::places::By;
use crate::names::resolve::TypeScope;
use crate::names::world::{FnKey, ModuleId, Part, World};
use crate::syntax::ast;

impl Checker {
    pub(crate) fn new(world: World) -> Self {
        Self { world, ..Self::default() }
    }

    /// Checks the bodies of all functions that are reached.
    pub(crate) fn check_reached(&mut self) {
        while let Some(key) = self.queue.pop_front() {
            self.check_body(key);
        }
    }

    /// Checks the body of a function that is reached, unless that was done.
    pub(super) fn check_body(&mut self, key: FnKey) {
        let Some(FnId(id)) = self.world.function(key).reached else { return };
        if self.functions[id as usize].is_none() {
            self.functions[id as usize] = Some(self.body(key));
        }
    }

    fn body(&mut self, key: FnKey) -> Function {
        let signature = self.world.signature(key);
        let decl = self.world.function(key);
        let (module, ast) = (decl.module, Arc::clone(&decl.ast));
        let (around, hidden, part) = (decl.around.clone(), decl.hidden.clone(), decl.actor);
        let declared_in = self.world.module(module);
        let name: Arc<str> = if decl.path.starts_with(&format!("{}.", declared_in.name)) {
            Arc::clone(&decl.path)
        } else {
            within(&declared_in.name, &decl.path)
        };
        let (file, library) = (declared_in.file, declared_in.library);
        let generics = Rc::clone(&signature.generics);
        let mut context = Context::new(module, file, name.to_string(), generics);
        context.hidden = hidden;
        context.receives = signature.receives.clone();
        self.cx = context;
        let mut frame = Frame::new(
            signature.result.clone(),
            Some((
                self.place(&signature.result_span),
                match ast.result {
                    Some(_) => "the function gives this".to_owned(),
                    None => "the function has no `-> TYPE`, so it gives nothing".to_owned(),
                },
            )),
        );
        frame.scopes[0].extend(around.into_iter().map(|(name, key)| (name, Binding::Fn(key))));
        self.cx.frames.push(frame);
        if let Some((actor, Part::Run)) = part {
            return self.run_of(actor, name, &signature);
        }
        let mut params = Vec::new();
        if let Some((actor, Part::Member)) = part {
            params = self.hidden_params(actor);
        }
        self.push_scope();
        for param in &signature.params {
            let by = if param.inout { By::Var } else { By::Param };
            let local = self.local(&param.name, param.ty.clone(), by, &param.span);
            self.bind(&param.name, Binding::Local(local));
            params.push(Param { local, inout: param.inout });
        }
        let body = match &ast.body {
            Some(body) => Body::Code(self.function_block(body)),
            None => {
                if !library {
                    let place = self.place(&ast.name.span);
                    self.problem(say::intrinsic(place, &ast.name.text));
                }
                Body::Intrinsic
            }
        };
        self.completed(name, ast.name.span.clone(), params, signature.result.clone(), body)
    }

    fn function_block(&mut self, body: &ast::Block) -> Expr {
        let (result, why) = (self.frame().result.clone(), self.frame().result_why.clone());
        if is_unit(&result) {
            let code = self.block(body, &Want::Drop);
            let span = code.span.clone();
            return if code.ty == Type::Never || is_unit(&code.ty) {
                code
            } else {
                block(vec![code], nothing(&span))
            };
        }
        self.block(body, &Want::Type(result, why))
    }

    /// Makes a function of the current frame, with all types known, and its closures with it.
    pub(super) fn completed(
        &mut self,
        name: Arc<str>,
        span: iridium_isa::Span,
        params: Vec<Param>,
        result: Type,
        body: Body,
    ) -> Function {
        let locals = self.cx.frames.pop().map(|frame| frame.locals).unwrap_or_default();
        let mut function = Function {
            name,
            file: self.cx.file,
            span,
            generics: self.cx.generics.len() as u32,
            params,
            captures: Vec::new(),
            result,
            locals: locals.into_iter().map(|Local { core, .. }| core).collect(),
            body,
        };
        let mut closures = std::mem::take(&mut self.cx.closures);
        let inner = closures.iter_mut().map(|(_, closure)| closure);
        let mut all: Vec<&mut Function> = std::iter::once(&mut function).chain(inner).collect();
        self.finish(&mut all);
        for (FnId(id), closure) in closures {
            self.functions[id as usize] = Some(closure);
        }
        function
    }

    /// Checks the value of a constant, in the middle of whatever is checked.
    pub(crate) fn const_body(&mut self, id: FnId, module: ModuleId, ast: &ast::Const) -> Type {
        let declared_in = self.world.module(module);
        let name = within(&declared_in.name, &ast.name.text);
        let context = Context::new(module, declared_in.file, name.to_string(), Rc::from([]));
        let outer = std::mem::replace(&mut self.cx, context);
        let want = match &ast.ty {
            Some(ty) => {
                let scope = TypeScope { module, generics: &[] };
                let wanted = self.world.resolve_type(scope, ty);
                let why = (self.place(&ty.span), "this is its type".to_owned());
                Want::Type(wanted, Some(why))
            }
            None => Want::Any,
        };
        let result = want.ty().cloned().unwrap_or(Type::Never);
        self.cx.frames.push(Frame::new(result, None));
        let value = self.expr(&ast.value, &want);
        self.cx.vars.settle(&value.ty);
        let ty = want.ty().cloned().unwrap_or_else(|| value.ty.clone());
        let span = ast.name.span.clone();
        let function = self.completed(name, span, Vec::new(), ty, Body::Code(value));
        let ty = function.result.clone();
        self.functions[id.0 as usize] = Some(function);
        self.cx = outer;
        ty
    }
}
