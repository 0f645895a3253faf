//! Names: of locals, functions and constants, and of what makes values.

use std::collections::BTreeSet;
use std::sync::Arc;

use iridium_isa::{Span, suggest};

use crate::core::{self, Body, Expr, ExprKind, FnId, Function, LocalId, Param, Type};
use crate::diag::places::By;
use crate::diag::{calls as say_calls, elsewhere, names as say, processes};
use crate::names::library;
use crate::names::lookup::is_built_in;
use crate::names::meaning::Meaning;
use crate::names::world::{ConstKey, Constructor, FnKey, ModuleId, Progress, TypeName};
use crate::syntax::ast;
use crate::types::build::{call, expr, local, variant};
use crate::types::checker::{Binding, Checker, Want};
use crate::types::kind::{ERROR, fn_of, is_error, unit};

/// What a constructor takes and gives, with unknown types for its parameters.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) ty: Type,
    pub(super) args: Vec<Type>,
    pub(super) fields: Vec<(Option<Arc<str>>, Type)>,
}

impl Checker {
    /// The value of a name that begins with a lower-case letter.
    pub(super) fn name(&mut self, name: &ast::Ident) -> Expr {
        let span = &name.span;
        let wrong = expr(ExprKind::Tuple(Vec::new()), ERROR, span);
        match self.binding(&name.text) {
            Some(Binding::Local(id)) => {
                self.note_local(span, id);
                return local(id, self.local_type(id), span);
            }
            Some(Binding::Fn(key)) => return self.function_value(&[key], name),
            None => {}
        }
        if let Some(constant) = self.world.const_named(self.cx.module, &name.text) {
            self.note(span, Meaning::Const(constant));
            return self.constant(constant, span);
        }
        let functions = self.world.functions_named(self.cx.module, &name.text);
        if !functions.is_empty() {
            return self.function_value(&functions, name);
        }
        if let Some(module) = self.world.module_named(self.cx.module, &name.text) {
            if module.is_some() {
                self.problem(say_calls::module_as_value(self.place(span), &name.text));
            }
            return wrong;
        }
        self.unknown_value(name);
        wrong
    }

    /// Says that there is no such value, and what may have been meant.
    pub(super) fn unknown_value(&mut self, name: &ast::Ident) {
        if name.text.is_empty() {
            return;
        }
        let place = self.place(&name.span);
        if self.is_hidden(&name.text) {
            self.problem(say_calls::nested_capture(place, &name.text));
            return;
        }
        if self.variables.contains(&name.text) {
            self.problem(say_calls::prompt_variable(place, &name.text));
            return;
        }
        if library::importable().any(|module| module == &*name.text) {
            self.problem(say::not_imported(place, &name.text));
            return;
        }
        if &*name.text == "self" && self.cx.actor.is_some() {
            let instead = "an actor names what is its own without it: `n`, `f(x)`";
            self.problem(say::foreign(place, "value", "self", instead));
            return;
        }
        if let Some(import) = self.world.import_with(self.cx.module, &name.text) {
            let instead = format!("write `{import}.{}`", name.text);
            self.problem(say::foreign(place, "value", &name.text, &instead));
            return;
        }
        if let Some(instead) = elsewhere::value(&name.text) {
            self.problem(say::foreign(place, "value", &name.text, instead));
            return;
        }
        let mut names = self.world.value_names(self.cx.module);
        names.extend(self.local_names());
        let near = suggest::nearest(&name.text, names.iter().map(|name| &**name));
        self.problem(say::unknown(place, "value", &name.text, near));
    }

    /// Whether there is nothing with this name, nor with one that it may be a slip of.
    pub(super) fn is_undeclared(&mut self, name: &ast::Ident) -> bool {
        if self.binding(&name.text).is_some() || self.world.is_value(self.cx.module, &name.text) {
            return false;
        }
        let locals = self.local_names();
        let near = suggest::nearest(&name.text, locals.iter().map(|name| &**name));
        let known = self.is_hidden(&name.text) || self.variables.contains(&name.text);
        near.is_none() && !known && !name.text.is_empty() && &*name.text != "self"
    }

    /// `name = value` of a name that is not declared. From here on it is.
    pub(super) fn undeclared(&mut self, name: &ast::Ident, value: &ast::Expr, span: &Span) -> Expr {
        self.problem(say::undeclared(self.place(&name.span)));
        let value = self.infer(value);
        self.cx.vars.settle(&value.ty);
        self.cx.vars.silence(&value.ty);
        let id = self.local(&name.text, value.ty, By::Var, &name.span);
        self.bind_outermost(&name.text, Binding::Local(id));
        expr(ExprKind::Tuple(Vec::new()), unit(), span)
    }

    /// Whether a local around the nested function that is being checked has this name.
    fn is_hidden(&self, name: &str) -> bool {
        self.cx.hidden.iter().any(|hidden| &**hidden == name)
    }

    /// A function as a value.
    pub(super) fn function_value(&mut self, keys: &[FnKey], name: &ast::Ident) -> Expr {
        let span = &name.span;
        let signature = self.world.signature(keys[0]);
        self.note(span, Meaning::Function(keys[0]));
        if signature.params.iter().any(|param| param.inout) {
            self.problem(say_calls::inout_value(self.place(span), &name.text));
            return expr(ExprKind::Tuple(Vec::new()), ERROR, span);
        }
        let types = self.instantiate(&signature.generics, span, &name.text);
        let params = signature.params.iter().map(|param| param.ty.substitute(&types)).collect();
        let ty = fn_of(params, signature.result.substitute(&types));
        let function = self.reach(keys[0]);
        expr(ExprKind::Fn { function, types }, ty, span)
    }

    /// Unknown types for the parameters of a declaration, with what they must be able to do.
    pub(super) fn instantiate(
        &mut self,
        generics: &crate::names::world::Generics,
        span: &Span,
        of: &str,
    ) -> Vec<Type> {
        let mut types = Vec::new();
        for generic in generics.iter() {
            let ty = self.cx.vars.fresh(span);
            for &bound in &generic.bounds {
                let text =
                    format!("because of `{of}`, whose `{}` is {}", generic.name, bound.name());
                self.need(bound, &ty, span, Some((self.place(span), text)));
            }
            types.push(ty);
        }
        types
    }

    /// The value of a constant: its literal, or what its function gives.
    pub(super) fn constant(&mut self, key: ConstKey, span: &Span) -> Expr {
        let (ty, function) = self.check_const(key);
        if is_error(&ty) {
            return expr(ExprKind::Tuple(Vec::new()), ERROR, span);
        }
        match &self.functions[function.0 as usize] {
            Some(Function { body: Body::Code(body), .. }) if is_literal(&body.kind) => {
                expr(body.kind.clone(), ty, span)
            }
            _ => call(function, Vec::new(), Vec::new(), ty, span),
        }
    }

    /// The type of a constant and the function that gives it, checked when it is first asked for.
    pub(in crate::types) fn check_const(&mut self, key: ConstKey) -> (Type, FnId) {
        let decl = &mut self.world.consts[key.0 as usize];
        let (ast, module) = (Arc::clone(&decl.ast), decl.module);
        match std::mem::replace(&mut decl.checked, Progress::Begun) {
            Progress::Done(checked) => {
                self.world.consts[key.0 as usize].checked = Progress::Done(checked.clone());
                checked
            }
            Progress::Begun => {
                let place = self.world.place(module, &ast.name.span);
                self.problem(say::circular(place, "const", &ast.name.text));
                (ERROR, FnId(u32::MAX))
            }
            Progress::No => {
                let id = self.reserve();
                let ty = self.const_body(id, module, &ast);
                self.world.consts[key.0 as usize].checked = Progress::Done((ty.clone(), id));
                (ty, id)
            }
        }
    }

    /// What makes a value under this name. The type that is expected decides between several.
    pub(super) fn constructor(
        &mut self,
        name: &ast::Ident,
        expected: Option<&Type>,
    ) -> Option<Constructor> {
        let expected = expected.map(|ty| self.known(ty));
        match expected {
            Some(Type::Enum(id, _)) => {
                let variants = &self.world.enums[id.0 as usize].variants;
                if let Some(nth) = variants.iter().position(|variant| variant.name == name.text) {
                    return Some(Constructor::Variant(id, nth as u32));
                }
            }
            Some(Type::Record(id, _)) if self.world.records[id.0 as usize].name == name.text => {
                return Some(Constructor::Record(id));
            }
            _ => {}
        }
        match self.world.constructors_named(self.cx.module, &name.text)[..] {
            [only] => Some(only),
            [] => {
                let names = self.constructor_names(expected.as_ref());
                self.unknown_constructor(name, &names);
                None
            }
            ref several => {
                let choices: Vec<String> =
                    several.iter().map(|choice| self.qualified(*choice)).collect();
                self.problem(say::ambiguous(self.place(&name.span), &name.text, &choices));
                None
            }
        }
    }

    /// What makes a value where one of a type is expected.
    fn constructor_names(&mut self, expected: Option<&Type>) -> BTreeSet<Arc<str>> {
        if let Some(Type::Enum(id, _)) = expected {
            let variants = &self.world.enums[id.0 as usize].variants;
            return variants.iter().map(|variant| Arc::clone(&variant.name)).collect();
        }
        let mut names = self.world.upper_names(self.cx.module);
        names.retain(|name| !is_built_in(name));
        names
    }

    /// Says that there is no such variant, record or actor, and which of `names` may have been meant.
    fn unknown_constructor(&mut self, name: &ast::Ident, names: &BTreeSet<Arc<str>>) {
        if name.text.is_empty() || self.has_value_named(&name.text) {
            return;
        }
        let place = self.place(&name.span);
        let types = self.world.types_named(self.cx.module, &name.text);
        if !types.is_empty() {
            self.problem(say_calls::type_as_value(place, &name.text));
            return;
        }
        if let Some(instead) = elsewhere::upper(&name.text) {
            self.problem(say::foreign(place, "value", &name.text, instead));
            return;
        }
        let near = suggest::nearest(&name.text, names.iter().map(|name| &**name));
        self.problem(say::unknown(place, say::CONSTRUCTOR, &name.text, near));
    }

    /// Whether a value is declared with a name like this, which has been told.
    fn has_value_named(&mut self, name: &str) -> bool {
        self.local_names().iter().any(|local| &**local == name)
            || self.world.const_named(self.cx.module, name).is_some()
            || !self.world.functions_named(self.cx.module, name).is_empty()
    }

    fn qualified(&self, constructor: Constructor) -> String {
        match constructor {
            Constructor::Record(id) => {
                let module = self.world.record_decls[id.0 as usize].module;
                let name = &self.world.records[id.0 as usize].name;
                format!("{}.{name}", self.world.module(module).name)
            }
            Constructor::Variant(id, nth) => {
                let declared = &self.world.enums[id.0 as usize];
                format!("{}.{}", declared.name, declared.variants[nth as usize].name)
            }
            Constructor::Actor(id) => {
                let actor = self.world.actor(id);
                let module = self.world.module(actor.module);
                format!("{}.{}", module.name, actor.ast.name.text)
            }
        }
    }

    /// `Enum.Variant`, `module.Name`
    pub(super) fn qualified_constructor(
        &mut self,
        qualifier: &ast::Ident,
        name: &ast::Ident,
    ) -> Option<Constructor> {
        let is_type = qualifier.text.starts_with(char::is_uppercase);
        if is_type {
            let found = self.world.types_named(self.cx.module, &qualifier.text);
            return match found.first() {
                Some(&ty) => {
                    self.note(&qualifier.span, Meaning::Type(ty));
                    self.variant_of(ty, name)
                }
                None => {
                    let names = self.world.upper_names(self.cx.module);
                    self.unknown_constructor(qualifier, &names);
                    None
                }
            };
        }
        match self.world.module_named(self.cx.module, &qualifier.text) {
            Some(Some(module)) => {
                self.note(&qualifier.span, Meaning::Module(module));
                self.constructor_in(module, name)
            }
            Some(None) => None,
            None => {
                self.unknown_value(qualifier);
                None
            }
        }
    }

    /// The constructor `name` of a module.
    pub(super) fn constructor_in(
        &mut self,
        module: ModuleId,
        name: &ast::Ident,
    ) -> Option<Constructor> {
        let place = self.place(&name.span);
        match self.world.seen_constructors(self.cx.module, &[module], &name.text)[..] {
            [only] => Some(only),
            [] => {
                if let Some(declared) = self.world.declared_type(module, &name.text) {
                    self.problem(say::private(place, &name.text, declared));
                    return None;
                }
                let names: Vec<_> =
                    self.world.module(module).constructors.keys().cloned().collect();
                let near = suggest::nearest(&name.text, names.iter().map(|name| &**name));
                let what = format!(
                    "public variant or record in `{}` named",
                    self.world.module(module).name
                );
                self.problem(say::unknown(place, &what, &name.text, near));
                None
            }
            ref several => {
                let choices: Vec<String> =
                    several.iter().map(|choice| self.qualified(*choice)).collect();
                self.problem(say::ambiguous(place, &name.text, &choices));
                None
            }
        }
    }

    /// The variant of an enum.
    pub(super) fn variant_of(&mut self, ty: TypeName, name: &ast::Ident) -> Option<Constructor> {
        let TypeName::Enum(id) = ty else {
            if !name.text.is_empty() {
                let place = self.place(&name.span);
                self.problem(say::unknown(place, "variant", &name.text, None));
            }
            return None;
        };
        let declared = &self.world.enums[id.0 as usize];
        let nth = declared.variants.iter().position(|variant| variant.name == name.text);
        if nth.is_none() && !name.text.is_empty() {
            let names: Vec<_> =
                declared.variants.iter().map(|variant| Arc::clone(&variant.name)).collect();
            let what = format!("variant of `{}` named", declared.name);
            let near = suggest::nearest(&name.text, names.iter().map(|name| &**name));
            self.problem(say::unknown(self.place(&name.span), &what, &name.text, near));
        }
        nth.map(|nth| Constructor::Variant(id, nth as u32))
    }

    /// What a constructor takes and gives; `None` for one of processes, which is said.
    pub(super) fn shape(
        &mut self,
        constructor: Constructor,
        span: &Span,
    ) -> Option<(Constructor, Shape)> {
        let shape = match constructor {
            Constructor::Record(id) => {
                self.world.resolve_record(id);
                let generics = self.world.record_generics(id);
                let name = Arc::clone(&self.world.records[id.0 as usize].name);
                let args = self.instantiate(&generics, span, &name);
                let fields = self.world.records[id.0 as usize].fields.iter();
                let fields = fields
                    .map(|(name, ty)| (Some(Arc::clone(name)), ty.substitute(&args)))
                    .collect();
                Shape { ty: Type::Record(id, args.clone().into()), args, fields }
            }
            Constructor::Variant(id, nth) => {
                self.world.resolve_enum(id);
                let generics = self.world.enum_generics(id);
                let name = Arc::clone(&self.world.enums[id.0 as usize].name);
                let args = self.instantiate(&generics, span, &name);
                let fields = self.world.enums[id.0 as usize].variants[nth as usize].fields.iter();
                let fields =
                    fields.map(|(label, ty)| (label.clone(), ty.substitute(&args))).collect();
                Shape { ty: Type::Enum(id, args.clone().into()), args, fields }
            }
            Constructor::Actor(id) => {
                let name = Arc::clone(&self.world.actor(id).ast.name.text);
                self.problem(processes::not_spawned(self.place(span), &name));
                return None;
            }
        };
        Some((constructor, shape))
    }

    /// The value of a name that begins with an upper-case letter.
    pub(super) fn constructor_name(&mut self, name: &ast::Ident, want: &Want) -> Expr {
        match self.constructor(name, want.ty()) {
            Some(constructor) => {
                self.note(&name.span, Meaning::Constructor(constructor));
                self.constructor_value(constructor, &name.span)
            }
            None => expr(ExprKind::Tuple(Vec::new()), ERROR, &name.span),
        }
    }

    /// A constructor that is not called: a value when it takes nothing, else a function.
    pub(super) fn constructor_value(&mut self, constructor: Constructor, span: &Span) -> Expr {
        let Some((constructor, shape)) = self.shape(constructor, span) else {
            return expr(ExprKind::Tuple(Vec::new()), ERROR, span);
        };
        if let (Constructor::Variant(of, nth), true) = (constructor, shape.fields.is_empty()) {
            return variant(of, nth, Vec::new(), shape.ty, span);
        }
        let function = self.constructor_function(constructor, span);
        let params = shape.fields.iter().map(|(_, ty)| ty.clone()).collect();
        let ty = fn_of(params, shape.ty);
        expr(ExprKind::Fn { function, types: shape.args }, ty, span)
    }

    /// A function that does what a constructor does.
    fn constructor_function(&mut self, constructor: Constructor, span: &Span) -> FnId {
        let id = self.reserve();
        let (generics, fields) = match constructor {
            Constructor::Record(id) => {
                let declared = &self.world.records[id.0 as usize];
                (declared.generics, declared.fields.iter().map(|(_, ty)| ty.clone()).collect())
            }
            Constructor::Variant(id, nth) => {
                let declared = &self.world.enums[id.0 as usize];
                let fields = &declared.variants[nth as usize].fields;
                (declared.generics, fields.iter().map(|(_, ty)| ty.clone()).collect())
            }
            // It has no shape.
            Constructor::Actor(_) => (0, Vec::<Type>::new()),
        };
        let own: Arc<[Type]> = (0..generics).map(Type::Param).collect();
        let locals = |nth: usize| LocalId(nth as u32);
        let given = fields.iter().enumerate().map(|(nth, ty)| local(locals(nth), ty.clone(), span));
        let given: Vec<Expr> = given.collect();
        let body = match constructor {
            Constructor::Record(record) => {
                expr(ExprKind::Record { record, fields: given }, Type::Record(record, own), span)
            }
            Constructor::Variant(of, nth) => variant(of, nth, given, Type::Enum(of, own), span),
            Constructor::Actor(_) => expr(ExprKind::Tuple(given), unit(), span),
        };
        let named = |ty: &Type| core::Local {
            name: Arc::default(),
            ty: ty.clone(),
            span: span.clone(),
            shared: false,
        };
        self.functions[id.0 as usize] = Some(Function {
            name: self.qualified(constructor).into(),
            file: self.cx.file,
            span: span.clone(),
            generics,
            params: (0..fields.len())
                .map(|nth| Param { local: locals(nth), inout: false })
                .collect(),
            captures: Vec::new(),
            result: body.ty.clone(),
            locals: fields.iter().map(named).collect(),
            body: Body::Code(body),
        });
        id
    }
}

fn is_literal(kind: &ExprKind) -> bool {
    matches!(kind, ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::String(_) | ExprKind::Bytes(_))
}
