//! What follows a dot: fields, methods, and names of modules and types.

use std::sync::Arc;

use iridium_isa::{Span, suggest};

use super::callee::Callee;
use crate::core::{EnumId, Expr, ExprKind, Type};
use crate::diag::{calls as say, elsewhere, names as say_names, processes, types as say_types};
use crate::names::lookup::builtin_module;
use crate::names::meaning::Meaning;
use crate::names::world::{ActorId, AppId, Constructor, FnKey, ModuleId, TypeName};
use crate::syntax::ast;
use crate::types::build::expr;
use crate::types::checker::{Binding, Checker, Want};
use crate::types::kind::{ERROR, as_var, is_error, list_of};

/// What stands before a dot.
enum Before {
    Module(ModuleId),
    /// A type, with the module that declares it.
    Type(Option<TypeName>, ModuleId),
    App(AppId),
    /// Something whose value is wanted.
    Value,
    /// It is wrong in a way that has been told.
    Wrong,
}

/// What a name of a module or type is.
enum Qualified {
    Value(Expr),
    Functions(Vec<FnKey>),
    Constructor(Constructor),
    Wrong,
}

impl Checker {
    /// `base.name`, not called.
    pub(super) fn member(
        &mut self,
        base: &ast::Expr,
        name: &ast::Ident,
        span: &Span,
        _want: &Want,
    ) -> Expr {
        let wrong = expr(ExprKind::Tuple(Vec::new()), ERROR, span);
        let before = self.before(base);
        match self.qualified_name(before, name, span) {
            Some(Qualified::Value(value)) => return value,
            Some(Qualified::Functions(keys)) => return self.function_value(&keys, name),
            Some(Qualified::Constructor(constructor)) => {
                return self.constructor_value(constructor, span);
            }
            Some(Qualified::Wrong) => return wrong,
            None => {}
        }
        let base = self.infer(base);
        let Some(ty) = self.receiver_type(&base) else { return wrong };
        if self.message_named(&ty, &name.text).is_some() {
            let place = self.place(&name.span);
            self.problem(processes::uncalled_message(place, &name.text));
            return wrong;
        }
        let base = match self.field(base, &ty, name, span) {
            Ok(field) => return field,
            Err(base) => base,
        };
        let methods = self.world.methods(self.cx.module, &ty, &name.text);
        match methods.found.first() {
            Some(&key) if ty == Type::Int && is_unit_of_time(&name.text) => {
                self.note(&name.span, Meaning::Function(key));
                self.call_with(key, vec![base], span)
            }
            Some(_) => {
                self.problem(say::method_as_value(self.place(&name.span), &name.text));
                wrong
            }
            None => {
                self.no_member(&ty, name, methods.private);
                wrong
            }
        }
    }

    /// What is called, its name, and the types that are given with it.
    pub(super) fn callee(
        &mut self,
        callee: &ast::Expr,
        want: &Want,
    ) -> (Callee, ast::Ident, Option<Vec<Type>>) {
        let unnamed = ast::Ident { text: "this".into(), span: callee.span.clone() };
        match &callee.kind {
            ast::ExprKind::Name(name) => (self.named_callee(name), name.clone(), None),
            ast::ExprKind::TypeName(name) => {
                let found = self.constructor(name, want.ty());
                self.note_constructor(name, found);
                (found.map_or(Callee::Wrong, Callee::Constructor), name.clone(), None)
            }
            ast::ExprKind::Member { base, name } => {
                (self.member_callee(base, name, &callee.span), name.clone(), None)
            }
            ast::ExprKind::Index { base, args } if self.is_function_name(base) => {
                let types = args.iter().map(|arg| self.type_of_expr(&arg.value)).collect();
                let (callee, name, _) = self.callee(base, want);
                (callee, name, Some(types))
            }
            _ => (Callee::Value(Box::new(self.infer(callee))), unnamed, None),
        }
    }

    fn named_callee(&mut self, name: &ast::Ident) -> Callee {
        match self.binding(&name.text) {
            Some(Binding::Fn(key)) => return Callee::Functions(vec![key]),
            Some(Binding::Local(_)) => return Callee::Value(Box::new(self.name(name))),
            None => {}
        }
        if let Some(key) = self.member_of_actor(&name.text) {
            self.note(&name.span, Meaning::Function(key));
            return Callee::Functions(vec![key]);
        }
        if self.world.const_named(self.cx.module, &name.text).is_none() {
            let functions = self.world.functions_named(self.cx.module, &name.text);
            if !functions.is_empty() {
                return Callee::Functions(functions);
            }
        }
        let value = self.name(name);
        if is_error(&value.ty) { Callee::Wrong } else { Callee::Value(Box::new(value)) }
    }

    fn member_callee(&mut self, base: &ast::Expr, name: &ast::Ident, span: &Span) -> Callee {
        let before = self.before(base);
        match self.qualified_name(before, name, span) {
            Some(Qualified::Value(value)) => return Callee::Value(Box::new(value)),
            Some(Qualified::Functions(keys)) => return Callee::Functions(keys),
            Some(Qualified::Constructor(constructor)) => return Callee::Constructor(constructor),
            Some(Qualified::Wrong) => return Callee::Wrong,
            None => {}
        }
        let base = self.infer(base);
        let Some(ty) = self.receiver_type(&base) else { return Callee::Wrong };
        if let Some(message) = self.message_named(&ty, &name.text) {
            return Callee::Message(Box::new(base), message);
        }
        let methods = self.world.methods(self.cx.module, &ty, &name.text);
        if !methods.found.is_empty() {
            return Callee::Methods(Box::new(base), methods.found);
        }
        match self.field(base, &ty, name, span) {
            Ok(field) => Callee::Value(Box::new(field)),
            Err(_) => {
                self.no_member(&ty, name, methods.private);
                Callee::Wrong
            }
        }
    }

    /// The type of a value before a dot; `None` when it is wrong or not known, which is said.
    fn receiver_type(&mut self, base: &Expr) -> Option<Type> {
        self.cx.vars.settle(&base.ty);
        let ty = self.known(&base.ty);
        if as_var(&ty).is_some() {
            self.problem(say_types::unknown_type(self.place(&base.span), None, "_"));
            self.cx.vars.silence(&ty);
            return None;
        }
        if is_error(&ty) || ty == Type::Never {
            return None;
        }
        self.world.note_receiver(self.place(&base.span), &ty);
        Some(ty)
    }

    /// A field of a record or tuple; the value again when it has none of this name.
    fn field(
        &mut self,
        base: Expr,
        ty: &Type,
        name: &ast::Ident,
        span: &Span,
    ) -> Result<Expr, Expr> {
        let found = match ty {
            Type::Tuple(types) => name
                .text
                .parse::<usize>()
                .ok()
                .and_then(|nth| Some((nth as u32, types.get(nth)?.clone()))),
            Type::Record(id, args) if self.sees_fields(*id) => {
                self.world.resolve_record(*id);
                let fields = &self.world.records[id.0 as usize].fields;
                fields.iter().position(|(field, _)| *field == name.text).map(|nth| {
                    let field = fields[nth].1.substitute(args);
                    (nth as u32, field)
                })
            }
            _ => None,
        };
        match found {
            Some((index, field)) => {
                if let Type::Record(id, _) = ty {
                    let record = Constructor::Record(*id);
                    self.note(&name.span, Meaning::Field(record, index as usize));
                }
                Ok(expr(ExprKind::Field { base: Box::new(base), index }, field, span))
            }
            None => Err(base),
        }
    }

    /// The fields of maps, sets and ranges belong to the library.
    fn sees_fields(&self, record: crate::core::RecordId) -> bool {
        let declared = self.world.module(self.world.record_decls[record.0 as usize].module);
        let hidden = declared.library && matches!(&*declared.name, "map" | "set" | "range");
        !hidden || self.world.module(self.cx.module).library
    }

    fn no_member(&mut self, ty: &Type, name: &ast::Ident, private: Option<FnKey>) {
        if name.text.is_empty() {
            return;
        }
        let place = self.place(&name.span);
        if let Some(key) = private {
            let decl = self.world.function(key);
            let declared = self.world.place(decl.module, &decl.ast.name.span);
            self.problem(say_names::private(place, &name.text, declared));
            return;
        }
        if !self.world.functions_named(self.cx.module, &name.text).is_empty() {
            let text = self.text(ty);
            self.problem(say::no_method_but_function(place, &text, &name.text));
            return;
        }
        let mut names = self.world.method_names(self.cx.module, ty);
        names.extend(self.messages_of(ty));
        let fields = self.field_names(ty);
        let here = elsewhere::methods(&name.text).iter().find(|here| names.contains(**here));
        let near = match (here, elsewhere::no_method(&name.text)) {
            (Some(here), _) => Some(*here),
            (None, Some(instead)) => {
                let text = self.text(ty);
                self.problem(say::foreign_method(place, &text, &name.text, instead));
                return;
            }
            (None, None) => {
                names.extend(fields.iter().cloned());
                suggest::nearest(&name.text, names.iter().map(|name| &**name))
            }
        };
        let messages = self.messages_of(ty);
        let ty = self.text(ty);
        self.problem(match near {
            None if !messages.is_empty() => {
                processes::no_message(place, &ty, &name.text, &messages)
            }
            near => say::no_member(place, &ty, &name.text, near, &fields),
        });
    }

    /// The names of the fields of a type that are seen here.
    fn field_names(&self, ty: &Type) -> Vec<Arc<str>> {
        match ty {
            Type::Record(id, _) if self.sees_fields(*id) => {
                let fields = &self.world.records[id.0 as usize].fields;
                fields.iter().map(|(name, _)| Arc::clone(name)).collect()
            }
            Type::Tuple(parts) => (0..parts.len()).map(|nth| nth.to_string().into()).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether what stands before a dot is a module, a type or a value.
    fn before(&mut self, base: &ast::Expr) -> Before {
        match &base.kind {
            ast::ExprKind::Name(name) => {
                if self.binding(&name.text).is_some()
                    || self.world.const_named(self.cx.module, &name.text).is_some()
                {
                    return Before::Value;
                }
                match self.world.module_named(self.cx.module, &name.text) {
                    Some(Some(module)) => {
                        self.note(&name.span, Meaning::Module(module));
                        Before::Module(module)
                    }
                    Some(None) => Before::Wrong,
                    None => Before::Value,
                }
            }
            ast::ExprKind::TypeName(name) => self.type_before(name),
            ast::ExprKind::Member { base, name } if name.text.starts_with(char::is_uppercase) => {
                let Before::Module(module) = self.before(base) else { return Before::Value };
                match self.world.module(module).types.get(&name.text) {
                    Some(&ty) => {
                        self.note(&name.span, Meaning::Type(ty));
                        Before::Type(Some(ty), module)
                    }
                    None => Before::Value,
                }
            }
            _ => Before::Value,
        }
    }

    fn type_before(&mut self, name: &ast::Ident) -> Before {
        if self.world.module(self.cx.module).types.contains_key(&name.text) {
            return self.declared_before(name);
        }
        let builtin = match &*name.text {
            "Int" => Type::Int,
            "Float" => Type::Float,
            "Bool" => Type::Bool,
            "Char" => Type::Char,
            "String" => Type::String,
            "Bytes" => Type::Bytes,
            "Duration" => Type::Duration,
            "List" => list_of(ERROR),
            _ => return self.declared_before(name),
        };
        let module = builtin_module(&builtin).and_then(|name| self.world.library_module(name));
        let Some(module) = module else { return Before::Wrong };
        self.note(&name.span, Meaning::Module(module));
        Before::Type(None, module)
    }

    fn declared_before(&mut self, name: &ast::Ident) -> Before {
        let Some(&ty) = self.world.types_named(self.cx.module, &name.text).first() else {
            return Before::Value;
        };
        self.note(&name.span, Meaning::Type(ty));
        let module = match ty {
            TypeName::Record(id) => self.world.record_decls[id.0 as usize].module,
            TypeName::Enum(id) => self.world.enum_decls[id.0 as usize].module,
            TypeName::Alias(key) => self.world.aliases[key.0 as usize].module,
            TypeName::Actor(id) => self.world.actor(id).module,
            TypeName::App(id) => return Before::App(id),
        };
        Before::Type(Some(ty), module)
    }

    /// What a name after that of a module or type is; `None` after a value.
    fn qualified_name(
        &mut self,
        before: Before,
        name: &ast::Ident,
        span: &Span,
    ) -> Option<Qualified> {
        let upper = name.text.starts_with(char::is_uppercase);
        let (module, what) = match before {
            Before::Value => return None,
            Before::App(id) => return Some(Qualified::Value(self.child_of(id, name, span))),
            Before::Wrong => return Some(Qualified::Wrong),
            Before::Type(Some(ty), _) if upper => {
                let found = self.variant_of(ty, name);
                self.note_constructor(name, found);
                return Some(found.map_or(Qualified::Wrong, Qualified::Constructor));
            }
            Before::Module(module) if upper => {
                let found = self.constructor_in(module, name);
                self.note_constructor(name, found);
                return Some(found.map_or(Qualified::Wrong, Qualified::Constructor));
            }
            Before::Module(module) => (module, "in this module"),
            Before::Type(Some(TypeName::Actor(actor)), _) if self.handles(actor, &name.text) => {
                let actor = Arc::clone(&self.world.actor(actor).ast.name.text);
                let place = self.place(&name.span);
                self.problem(processes::message_to_actor(place, &actor, &name.text));
                return Some(Qualified::Wrong);
            }
            Before::Type(Some(TypeName::Enum(id)), module) => {
                if let Some(wrong) = self.variant_in_lower_case(id, name) {
                    return Some(wrong);
                }
                (module, "of this type")
            }
            Before::Type(_, module) => (module, "of this type"),
        };
        Some(self.value_of_module(module, name, span, what))
    }

    /// `Color.red`, which is told unless the variant is declared like that, which has been told.
    fn variant_in_lower_case(&mut self, id: EnumId, name: &ast::Ident) -> Option<Qualified> {
        let decl = &self.world.enum_decls[id.0 as usize];
        let (module, ast) = (decl.module, Arc::clone(&decl.ast));
        let found = self.world.module(module);
        if found.consts.contains_key(&name.text) || !found.functions_named(&name.text).is_empty() {
            return None;
        }
        let mut names = ast.variants.iter().map(|variant| &variant.name);
        let variant = names.find(|variant| variant.text.eq_ignore_ascii_case(&name.text))?;
        let place = self.world.place(module, &variant.span);
        let text = &self.world.files[place.file.0 as usize].text;
        let declared = text.get(place.span.start as usize..place.span.end as usize);
        if declared != Some(&*name.text) {
            let near = Some(&*variant.text);
            self.problem(say_names::unknown(self.place(&name.span), "variant", &name.text, near));
        }
        Some(Qualified::Wrong)
    }

    fn handles(&self, actor: ActorId, name: &str) -> bool {
        let handlers = &self.world.actor(actor).ast.handlers;
        handlers.iter().any(|handler| &*handler.name.text == name)
    }

    fn value_of_module(
        &mut self,
        module: ModuleId,
        name: &ast::Ident,
        span: &Span,
        what: &str,
    ) -> Qualified {
        let from = self.cx.module;
        let found = self.world.module(module);
        if let Some(&key) = found.consts.get(&name.text) {
            let decl = &self.world.consts[key.0 as usize];
            if !self.world.sees(from, module, decl.public) {
                let declared = self.world.place(module, &decl.ast.name.span);
                self.problem(say_names::private(self.place(&name.span), &name.text, declared));
            }
            self.note(&name.span, Meaning::Const(key));
            return Qualified::Value(self.constant(key, span));
        }
        let keys = found.functions_named(&name.text).to_vec();
        let sees = |key: &&FnKey| self.world.sees(from, module, self.world.function(**key).public);
        let seen: Vec<FnKey> = keys.iter().filter(sees).copied().collect();
        if seen.is_empty() && !name.text.is_empty() {
            let place = self.place(&name.span);
            let library = self.world.module(module).library;
            // What a program cannot make public is not there for it.
            if let Some(key) = keys.first().filter(|_| !library) {
                let decl = self.world.function(*key);
                let declared = self.world.place(module, &decl.ast.name.span);
                self.problem(say_names::private(place, &name.text, declared));
            } else {
                let mut names = crate::names::lookup::own_values(self.world.module(module));
                names.retain(|name| !library || self.is_public(module, name));
                let near = suggest::nearest(&name.text, names.iter().map(|name| &**name));
                let what = format!("public function or constant {what} named");
                self.problem(match (near, elsewhere::value(&name.text)) {
                    (None, Some(instead)) => say_names::foreign(place, &what, &name.text, instead),
                    (None, None) if library => {
                        let module = Arc::clone(&self.world.module(module).name);
                        say_names::not_in_library(place, &module, &name.text)
                    }
                    _ => say_names::unknown(place, &what, &name.text, near),
                });
            }
        }
        if seen.is_empty() { Qualified::Wrong } else { Qualified::Functions(seen) }
    }

    fn is_public(&self, module: ModuleId, name: &str) -> bool {
        let found = self.world.module(module);
        let value = found.consts.get(name).map(|key| &self.world.consts[key.0 as usize]);
        let mut functions = found.functions_named(name).iter();
        value.is_some_and(|value| value.public)
            || functions.any(|key| self.world.function(*key).public)
    }

    /// Whether types in brackets may follow.
    fn is_function_name(&mut self, e: &ast::Expr) -> bool {
        match &e.kind {
            ast::ExprKind::Name(name) => match self.binding(&name.text) {
                Some(Binding::Fn(_)) => true,
                Some(Binding::Local(_)) => false,
                None => !self.world.functions_named(self.cx.module, &name.text).is_empty(),
            },
            ast::ExprKind::TypeName(_) => true,
            ast::ExprKind::Member { base, name } => {
                let module = match self.before(base) {
                    Before::Module(module) | Before::Type(_, module) => module,
                    Before::App(_) | Before::Value | Before::Wrong => return false,
                };
                !self.world.module(module).functions_named(&name.text).is_empty()
            }
            _ => false,
        }
    }

    /// A type that was read as an expression.
    fn type_of_expr(&mut self, e: &ast::Expr) -> Type {
        match written_type(e) {
            Some(ty) => self.written_inbox(&ty),
            None => {
                self.problem(say_types::not_a_type(self.place(&e.span)));
                ERROR
            }
        }
    }
}

fn is_unit_of_time(name: &str) -> bool {
    matches!(name, "ms" | "s" | "min" | "h")
}

fn written_type(e: &ast::Expr) -> Option<ast::Type> {
    let kind = match &e.kind {
        ast::ExprKind::FnType(ty) => ty.kind.clone(),
        ast::ExprKind::TypeName(name) => {
            ast::TypeKind::Named { module: None, name: name.clone(), args: Vec::new() }
        }
        ast::ExprKind::Member { base, name } => match &base.kind {
            ast::ExprKind::Name(module) => ast::TypeKind::Named {
                module: Some(module.clone()),
                name: name.clone(),
                args: Vec::new(),
            },
            _ => return None,
        },
        ast::ExprKind::Index { base, args } => {
            let types = args.iter().map(|arg| written_type(&arg.value)).collect::<Option<_>>()?;
            match written_type(base)?.kind {
                ast::TypeKind::Named { module, name, args } if args.is_empty() => {
                    ast::TypeKind::Named { module, name, args: types }
                }
                _ => return None,
            }
        }
        ast::ExprKind::Try(of) => ast::TypeKind::Option(Box::new(written_type(of)?)),
        ast::ExprKind::Tuple(parts) => {
            ast::TypeKind::Tuple(parts.iter().map(written_type).collect::<Option<_>>()?)
        }
        _ => return None,
    };
    Some(ast::Type { span: e.span.clone(), kind })
}
