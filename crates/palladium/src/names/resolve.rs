//! Types as they are written, and what is declared with them: signatures, fields, aliases.

use std::rc::Rc;
use std::sync::Arc;

use iridium_isa::suggest;

use super::meaning::Meaning;
use super::world::{
    ActorId, AliasKey, Bound, FnKey, Generic, Generics, ModuleId, Param, Progress, Signature,
    TypeName, World,
};
use crate::core::{EnumId, FnType, RecordId, Type};
use crate::diag::{Place, elsewhere, names as say, types as say_types};
use crate::syntax::ast;
use crate::types::kind::{ERROR, unit};

/// Where a type is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TypeScope<'a> {
    pub(crate) module: ModuleId,
    pub(crate) generics: &'a [Generic],
}

impl World {
    /// What a written type stands for.
    pub(crate) fn resolve_type(&mut self, scope: TypeScope<'_>, ty: &ast::Type) -> Type {
        match &ty.kind {
            ast::TypeKind::Named { module, name, args } => {
                self.resolve_named(scope, ty, module.as_ref(), name, args)
            }
            ast::TypeKind::Option(of) => {
                let of = self.resolve_type(scope, of);
                self.option_of(of)
            }
            ast::TypeKind::Tuple(types) => Type::Tuple(self.resolve_types(scope, types).into()),
            ast::TypeKind::Fn { params, result, receives } => {
                let params = self.resolve_types(scope, params);
                let receives = receives.as_ref().map(|inbox| self.resolve_type(scope, inbox));
                let result = result.as_ref().map(|result| self.resolve_type(scope, result));
                let result = result.unwrap_or_else(unit);
                Type::Fn(Arc::new(FnType { params, result, receives }))
            }
            ast::TypeKind::Error => ERROR,
        }
    }

    fn resolve_types(&mut self, scope: TypeScope<'_>, types: &[ast::Type]) -> Vec<Type> {
        types.iter().map(|ty| self.resolve_type(scope, ty)).collect()
    }

    fn resolve_named(
        &mut self,
        scope: TypeScope<'_>,
        ty: &ast::Type,
        module: Option<&ast::Ident>,
        name: &ast::Ident,
        args: &[ast::Type],
    ) -> Type {
        let is_pid = module.is_none() && &*name.text == "Pid";
        let args = match is_pid {
            true => args.iter().map(|arg| self.resolve_inbox(scope, arg)).collect(),
            false => self.resolve_types(scope, args),
        };
        if let Some(module) = module {
            let Some(found) = self.type_of_module(scope.module, module, name) else {
                return ERROR;
            };
            return self.apply(scope.module, ty, name, found, args);
        }
        if let Some(nth) = scope.generics.iter().position(|generic| generic.name == name.text) {
            let declared = self.place(scope.module, &scope.generics[nth].span);
            self.note(self.place(scope.module, &name.span), Meaning::Local(declared));
            return self.builtin(scope.module, ty, name, &args, 0, |_| Type::Param(nth as u32));
        }
        let own = self.module(scope.module).types.contains_key(&name.text);
        if let Some((count, make)) = builtin(&name.text).filter(|_| !own) {
            return self.builtin(scope.module, ty, name, &args, count, make);
        }
        match self.types_named(scope.module, &name.text)[..] {
            [found] => {
                self.note(self.place(scope.module, &name.span), Meaning::Type(found));
                self.apply(scope.module, ty, name, found, args)
            }
            [] => {
                self.unknown_type(scope, name);
                ERROR
            }
            ref several => {
                let choices: Vec<String> =
                    several.iter().map(|ty| self.qualified_type(*ty)).collect();
                let place = self.place(scope.module, &name.span);
                self.problem(say::ambiguous(place, &name.text, &choices));
                ERROR
            }
        }
    }

    /// What a process receives: a type, or the messages of an actor.
    pub(crate) fn resolve_inbox(&mut self, scope: TypeScope<'_>, ty: &ast::Type) -> Type {
        if let ast::TypeKind::Named { module, name, args } = &ty.kind
            && let Some(actor) = self.actor_named(scope, module.as_ref(), name)
        {
            let args = self.resolve_types(scope, args);
            let count = self.actor(actor).ast.generics.len();
            return match self.right_number(scope.module, ty, name, args.len(), count) {
                true => Type::Enum(self.actor(actor).inbox, args.into()),
                false => ERROR,
            };
        }
        self.resolve_type(scope, ty)
    }

    fn actor_named(
        &mut self,
        scope: TypeScope<'_>,
        module: Option<&ast::Ident>,
        name: &ast::Ident,
    ) -> Option<ActorId> {
        let found = match module {
            Some(module) => {
                let module = self.module_named(scope.module, &module.text)??;
                let found = *self.module(module).types.get(&name.text)?;
                self.sees(scope.module, module, self.is_public_type(found)).then_some(found)?
            }
            None if scope.generics.iter().any(|generic| generic.name == name.text) => return None,
            None => match self.types_named(scope.module, &name.text)[..] {
                [found] => found,
                _ => return None,
            },
        };
        let TypeName::Actor(actor) = found else { return None };
        if let Some(module) = module
            && let Some(Some(of)) = self.module_named(scope.module, &module.text)
        {
            self.note(self.place(scope.module, &module.span), Meaning::Module(of));
        }
        self.note(self.place(scope.module, &name.span), Meaning::Type(found));
        Some(actor)
    }

    /// The type `module.Name`.
    pub(crate) fn type_of_module(
        &mut self,
        from: ModuleId,
        module: &ast::Ident,
        name: &ast::Ident,
    ) -> Option<TypeName> {
        let Some(found) = self.module_named(from, &module.text) else {
            let names: Vec<_> =
                self.module(from).imports.iter().map(|import| Arc::clone(&import.name)).collect();
            let near = suggest::nearest(&module.text, names.iter().map(|name| &**name));
            let place = self.place(from, &module.span);
            self.problem(say::unknown(place, "module", &module.text, near));
            return None;
        };
        let found = found?;
        self.note(self.place(from, &module.span), Meaning::Module(found));
        let Some(&ty) = self.module(found).types.get(&name.text) else {
            let names: Vec<_> = self.module(found).types.keys().cloned().collect();
            let near = suggest::nearest(&name.text, names.iter().map(|name| &**name));
            let place = self.place(from, &name.span);
            let what = format!("type in `{}` named", module.text);
            self.problem(say::unknown(place, &what, &name.text, near));
            return None;
        };
        if !self.sees(from, found, self.is_public_type(ty)) {
            let place = self.place(from, &name.span);
            let declared = self.place(found, &self.declared_span(ty));
            self.problem(say::private(place, &name.text, declared));
        }
        self.note(self.place(from, &name.span), Meaning::Type(ty));
        Some(ty)
    }

    /// Where a module declares a type.
    pub(crate) fn declared_type(&self, module: ModuleId, name: &str) -> Option<Place> {
        let ty = *self.module(module).types.get(name)?;
        Some(self.place(module, &self.declared_span(ty)))
    }

    fn unknown_type(&mut self, scope: TypeScope<'_>, name: &ast::Ident) {
        if name.text.is_empty() {
            return;
        }
        if let Some(instead) = elsewhere::upper(&name.text) {
            let place = self.place(scope.module, &name.span);
            self.problem(say::foreign(place, "type", &name.text, instead));
            return;
        }
        let mut names = self.upper_names(scope.module);
        names.extend(scope.generics.iter().map(|generic| Arc::clone(&generic.name)));
        let near = suggest::nearest(&name.text, names.iter().map(|name| &**name));
        let place = self.place(scope.module, &name.span);
        self.problem(say::unknown(place, "type", &name.text, near));
    }

    fn builtin(
        &mut self,
        module: ModuleId,
        ty: &ast::Type,
        name: &ast::Ident,
        args: &[Type],
        count: usize,
        make: impl FnOnce(&[Type]) -> Type,
    ) -> Type {
        if self.right_number(module, ty, name, args.len(), count) { make(args) } else { ERROR }
    }

    fn right_number(
        &mut self,
        module: ModuleId,
        ty: &ast::Type,
        name: &ast::Ident,
        given: usize,
        count: usize,
    ) -> bool {
        if given != count {
            let place = self.place(module, &ty.span);
            self.problem(say_types::type_arguments(place, &name.text, count, given));
        }
        given == count
    }

    fn apply(
        &mut self,
        module: ModuleId,
        ty: &ast::Type,
        name: &ast::Ident,
        found: TypeName,
        args: Vec<Type>,
    ) -> Type {
        let count = match found {
            TypeName::Record(id) => self.records[id.0 as usize].generics as usize,
            TypeName::Enum(id) => self.enums[id.0 as usize].generics as usize,
            TypeName::Alias(key) => self.aliases[key.0 as usize].ast.generics.len(),
            TypeName::Actor(_) => {
                let place = self.place(module, &ty.span);
                self.problem(say::actor_as_type(place, &name.text));
                return ERROR;
            }
            TypeName::App(_) => {
                let place = self.place(module, &ty.span);
                self.problem(say::app_as_type(place, &name.text));
                return ERROR;
            }
        };
        if !self.right_number(module, ty, name, args.len(), count) {
            return ERROR;
        }
        match found {
            TypeName::Record(id) => Type::Record(id, args.into()),
            TypeName::Enum(id) => Type::Enum(id, args.into()),
            TypeName::Alias(key) => self.alias(key).substitute(&args),
            TypeName::Actor(_) | TypeName::App(_) => ERROR,
        }
    }

    pub(crate) fn alias(&mut self, key: AliasKey) -> Type {
        let decl = &mut self.aliases[key.0 as usize];
        let (ast, module) = (Arc::clone(&decl.ast), decl.module);
        match std::mem::replace(&mut decl.resolved, Progress::Begun) {
            Progress::Done((generics, ty)) => {
                self.aliases[key.0 as usize].resolved = Progress::Done((generics, ty.clone()));
                ty
            }
            Progress::Begun => {
                let place = self.place(module, &ast.name.span);
                self.problem(say::circular(place, "alias", &ast.name.text));
                ERROR
            }
            Progress::No => {
                let generics = self.resolve_generics(module, &ast.generics);
                let scope = TypeScope { module, generics: &generics };
                let ty = self.resolve_type(scope, &ast.ty);
                self.aliases[key.0 as usize].resolved = Progress::Done((generics, ty.clone()));
                ty
            }
        }
    }

    /// Looks at all aliases, so that what is wrong with one that nobody uses is said.
    pub(crate) fn resolve_aliases(&mut self) {
        for key in (0..self.aliases.len() as u32).map(AliasKey) {
            self.alias(key);
        }
    }

    /// `T?`
    pub(crate) fn option_of(&mut self, ty: Type) -> Type {
        match self.known_enum("option", "Option") {
            Some(id) => Type::Enum(id, [ty].into()),
            None => ERROR,
        }
    }

    /// An enum of the library.
    pub(crate) fn known_enum(&mut self, module: &str, name: &str) -> Option<EnumId> {
        let module = self.library_module(module)?;
        match self.module(module).types.get(name) {
            Some(TypeName::Enum(id)) => Some(*id),
            _ => None,
        }
    }

    /// A record of the library.
    pub(crate) fn known_record(&mut self, module: &str, name: &str) -> Option<RecordId> {
        let module = self.library_module(module)?;
        match self.module(module).types.get(name) {
            Some(TypeName::Record(id)) => Some(*id),
            _ => None,
        }
    }

    fn resolve_generics(&mut self, module: ModuleId, generics: &[ast::Generic]) -> Generics {
        let mut all: Vec<Generic> = Vec::new();
        for generic in generics {
            if let Some(first) = all.iter().find(|other| other.name == generic.name.text) {
                let first = self.place(module, &first.span.clone());
                let place = self.place(module, &generic.name.span);
                self.problem(say::declared_twice(place, &generic.name.text, first));
            }
            let bounds = generic.bounds.iter().filter_map(|bound| self.bound(module, bound));
            let bounds = bounds.collect();
            let (name, span) = (Arc::clone(&generic.name.text), generic.name.span.clone());
            all.push(Generic { name, span, bounds });
        }
        all.into()
    }

    fn bound(&mut self, module: ModuleId, name: &ast::Ident) -> Option<Bound> {
        let known: Vec<Bound> = Bound::ALL
            .into_iter()
            .filter(|bound| *bound != Bound::Num || self.module(module).library)
            .collect();
        let found = known.iter().find(|bound| bound.name() == &*name.text).copied();
        if found.is_none() && !name.text.is_empty() {
            let near = suggest::nearest(&name.text, known.iter().map(|bound| bound.name()));
            let place = self.place(module, &name.span);
            let problem = say::unknown(place, "bound", &name.text, near);
            self.problem(
                problem.help("a type parameter can be Eq, Ord, Hash, Show, Send and Json"),
            );
        }
        found
    }

    /// What a function takes and gives.
    pub(crate) fn signature(&mut self, key: FnKey) -> Rc<Signature> {
        let decl = self.function(key);
        if let Some(signature) = &decl.signature {
            return Rc::clone(signature);
        }
        let (module, ast) = (decl.module, Arc::clone(&decl.ast));
        let generics = self.resolve_generics(module, &ast.generics);
        let scope = TypeScope { module, generics: &generics };
        let params = ast.params.iter().map(|param| self.param(scope, param)).collect();
        let actor = self.function(key).actor;
        let receives = match (&ast.receives, actor) {
            (Some(inbox), _) => Some(self.resolve_inbox(scope, inbox)),
            (None, Some((actor, _))) => {
                let own = self.actor(actor).ast.generics.len() as u32;
                Some(Type::Enum(self.actor(actor).inbox, (0..own).map(Type::Param).collect()))
            }
            (None, None) => None,
        };
        let result = ast.result.as_ref().map(|result| self.resolve_type(scope, result));
        let signature = Rc::new(Signature {
            file: self.module(module).file,
            name: ast.name.clone(),
            params,
            result: result.unwrap_or_else(unit),
            receives,
            result_span: ast.result.as_ref().map_or(&ast.name.span, |ty| &ty.span).clone(),
            generics,
        });
        self.functions[key.0 as usize].signature = Some(Rc::clone(&signature));
        signature
    }

    fn param(&mut self, scope: TypeScope<'_>, param: &ast::Param) -> Param {
        let ty = match &param.ty {
            Some(ty) => self.resolve_type(scope, ty),
            None => {
                let place = self.place(scope.module, &param.span);
                self.problem(say_types::missing_type(place, &param.name.text));
                ERROR
            }
        };
        Param {
            name: Arc::clone(&param.name.text),
            span: param.name.span.clone(),
            ty,
            inout: param.inout,
            default: param.default.is_some(),
        }
    }

    /// The type parameters of a record.
    pub(crate) fn record_generics(&mut self, id: RecordId) -> Generics {
        let decl = &self.record_decls[id.0 as usize];
        if let Some(generics) = &decl.generics {
            return Rc::clone(generics);
        }
        let (module, ast) = (decl.module, Arc::clone(&decl.ast));
        let generics = self.resolve_generics(module, &ast.generics);
        self.record_decls[id.0 as usize].generics = Some(Rc::clone(&generics));
        generics
    }

    /// The type parameters of an enum.
    pub(crate) fn enum_generics(&mut self, id: EnumId) -> Generics {
        let decl = &self.enum_decls[id.0 as usize];
        if let Some(generics) = &decl.generics {
            return Rc::clone(generics);
        }
        let (module, ast) = (decl.module, Arc::clone(&decl.ast));
        let generics = self.resolve_generics(module, &ast.generics);
        self.enum_decls[id.0 as usize].generics = Some(Rc::clone(&generics));
        generics
    }

    /// Fills in the fields of a record, if that was not yet done.
    pub(crate) fn resolve_record(&mut self, id: RecordId) {
        let decl = &mut self.record_decls[id.0 as usize];
        if std::mem::replace(&mut decl.resolved, true) {
            return;
        }
        let (module, ast) = (decl.module, Arc::clone(&decl.ast));
        let generics = self.record_generics(id);
        let scope = TypeScope { module, generics: &generics };
        let mut fields: Vec<(Arc<str>, Type)> = Vec::new();
        for (nth, field) in ast.fields.iter().enumerate() {
            let first = fields.iter().position(|(name, _)| *name == field.name.text);
            if let Some(first) = first.filter(|_| !field.name.text.is_empty()) {
                debug_assert!(first < nth);
                let first = self.place(module, &ast.fields[first].name.span);
                let place = self.place(module, &field.name.span);
                self.problem(say::declared_twice(place, &field.name.text, first));
            }
            fields.push((Arc::clone(&field.name.text), self.resolve_type(scope, &field.ty)));
        }
        self.records[id.0 as usize].fields = fields;
    }

    /// Fills in the fields of the variants of an enum, if that was not yet done.
    pub(crate) fn resolve_enum(&mut self, id: EnumId) {
        let decl = &mut self.enum_decls[id.0 as usize];
        if std::mem::replace(&mut decl.resolved, true) {
            return;
        }
        let (module, ast) = (decl.module, Arc::clone(&decl.ast));
        if let Some(actor) = decl.actor {
            return self.resolve_messages(id, actor);
        }
        let generics = self.enum_generics(id);
        let scope = TypeScope { module, generics: &generics };
        for (nth, variant) in ast.variants.iter().enumerate() {
            let mut fields = Vec::new();
            for field in &variant.fields {
                let label = field.label.as_ref().map(|label| Arc::clone(&label.text));
                fields.push((label, self.resolve_type(scope, &field.ty)));
            }
            self.enums[id.0 as usize].variants[nth].fields = fields;
        }
    }

    /// The messages of an actor have what its handlers take. Of one that is answered, who wants the
    /// answer comes last.
    fn resolve_messages(&mut self, id: EnumId, actor: ActorId) {
        for nth in 0..self.actor(actor).messages.len() {
            let handler = self.actor(actor).messages[nth];
            let signature = self.signature(self.actor(actor).handlers[handler]);
            let params = signature.params.iter();
            let mut fields: Vec<(Option<Arc<str>>, Type)> =
                params.map(|param| (Some(Arc::clone(&param.name)), param.ty.clone())).collect();
            if self.actor(actor).ast.handlers[handler].result.is_some() {
                fields.push((None, Type::Reply(Arc::new(signature.result.clone()))));
            }
            self.enums[id.0 as usize].variants[nth].fields = fields;
        }
    }

    fn qualified_type(&self, ty: TypeName) -> String {
        let (module, name) = match ty {
            TypeName::Record(id) => {
                (self.record_decls[id.0 as usize].module, &self.records[id.0 as usize].name)
            }
            TypeName::Enum(id) => {
                (self.enum_decls[id.0 as usize].module, &self.enums[id.0 as usize].name)
            }
            TypeName::Alias(key) => {
                let alias = &self.aliases[key.0 as usize];
                (alias.module, &alias.ast.name.text)
            }
            TypeName::Actor(id) => {
                let actor = self.actor(id);
                (actor.module, &actor.ast.name.text)
            }
            TypeName::App(id) => {
                let app = self.app(id);
                (app.module, &app.ast.name.text)
            }
        };
        format!("{}.{name}", self.module(module).name)
    }

    /// Where a type is declared, in the file of its module.
    pub(crate) fn declared_span(&self, ty: TypeName) -> iridium_isa::Span {
        match ty {
            TypeName::Record(id) => self.record_decls[id.0 as usize].ast.name.span.clone(),
            TypeName::Enum(id) => self.enum_decls[id.0 as usize].ast.name.span.clone(),
            TypeName::Alias(key) => self.aliases[key.0 as usize].ast.name.span.clone(),
            TypeName::Actor(id) => self.actor(id).ast.name.span.clone(),
            TypeName::App(id) => self.app(id).ast.name.span.clone(),
        }
    }
}

type Make = fn(&[Type]) -> Type;

/// How many arguments a built-in type takes, and what it is.
fn builtin(name: &str) -> Option<(usize, Make)> {
    Some(match name {
        "Int" => (0, |_| Type::Int),
        "Float" => (0, |_| Type::Float),
        "Bool" => (0, |_| Type::Bool),
        "Char" => (0, |_| Type::Char),
        "String" => (0, |_| Type::String),
        "Bytes" => (0, |_| Type::Bytes),
        "Duration" => (0, |_| Type::Duration),
        "Node" => (0, |_| Type::Node),
        "Never" => (0, |_| Type::Never),
        "List" => (1, |args| Type::List(Arc::new(args[0].clone()))),
        "Pid" => (1, |args| Type::Pid(Arc::new(args[0].clone()))),
        "Reply" => (1, |args| Type::Reply(Arc::new(args[0].clone()))),
        _ => return None,
    })
}
