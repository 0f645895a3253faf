//! Enters actors: the enum of their messages, and the functions that they consist of.

use std::sync::Arc;

use super::world::{
    ActorDecl, ActorId, Constructor, EnumDecl, FnDecl, FnKey, ModuleId, Part, Progress, TypeName,
    World,
};
use crate::core::{self, EnumId};
use crate::diag::{names as say, processes};
use crate::syntax::ast;

/// The handlers of what the system tells an actor.
pub(crate) const SYSTEM: [&str; 6] = ["start", "stop", "down", "exit", "node_up", "node_down"];

impl World {
    pub(super) fn declare_actor(
        &mut self,
        module: ModuleId,
        public: bool,
        actor: &Arc<ast::Actor>,
    ) {
        let id = ActorId(self.actors.len() as u32);
        self.declare_type(module, &actor.name, TypeName::Actor(id));
        self.construct(module, &actor.name.text, Constructor::Actor(id));
        self.check_handlers(module, actor);
        let whole = ast::Fn {
            doc: None,
            name: actor.name.clone(),
            generics: actor.generics.clone(),
            params: actor.params.clone(),
            result: None,
            receives: None,
            body: Some(ast::Block { span: actor.name.span.clone(), stmts: Vec::new() }),
        };
        let own = |function: &ast::Fn| {
            let generics = actor.generics.iter().chain(&function.generics).cloned().collect();
            ast::Fn { generics, ..function.clone() }
        };
        let run = self.actor_part(module, (id, Part::Run), actor, None, whole.clone());
        let begin = self.actor_part(module, (id, Part::Begin), actor, Some("begin"), whole);
        let mut members = |functions: Vec<ast::Fn>| -> Vec<FnKey> {
            let member = |function: ast::Fn| {
                let name = Arc::clone(&function.name.text);
                self.actor_part(module, (id, Part::Member), actor, Some(&name), function)
            };
            functions.into_iter().map(member).collect()
        };
        let handlers = members(actor.handlers.iter().map(|handler| own(&as_fn(handler))).collect());
        let functions = members(actor.functions.iter().map(own).collect());
        let messages = messages(actor);
        let inbox = self.declare_inbox(module, public, id, actor, &messages);
        let variables = Progress::No;
        let ast = Arc::clone(actor);
        self.actors.push(ActorDecl {
            module,
            public,
            ast,
            inbox,
            run,
            begin,
            handlers,
            messages,
            functions,
            variables,
        });
    }

    fn actor_part(
        &mut self,
        module: ModuleId,
        part: (ActorId, Part),
        actor: &ast::Actor,
        name: Option<&str>,
        function: ast::Fn,
    ) -> FnKey {
        let path = match name {
            Some(name) => format!("{}.{name}", actor.name.text).into(),
            None => Arc::clone(&actor.name.text),
        };
        self.add_function(FnDecl {
            module,
            public: false,
            path,
            ast: Arc::new(function),
            around: Vec::new(),
            hidden: Vec::new(),
            actor: Some(part),
            signature: None,
            reached: None,
        })
    }

    /// The enum of an actor's messages. Its fields are those that the handlers take.
    fn declare_inbox(
        &mut self,
        module: ModuleId,
        public: bool,
        id: ActorId,
        actor: &ast::Actor,
        messages: &[usize],
    ) -> EnumId {
        let inbox = EnumId(self.enums.len() as u32);
        let handlers = || messages.iter().map(|nth| &actor.handlers[*nth]);
        let variants = handlers().map(|handler| core::Variant {
            name: Arc::clone(&handler.name.text),
            fields: Vec::new(),
        });
        let (name, generics) = (Arc::clone(&actor.name.text), actor.generics.len() as u32);
        self.enums.push(core::Enum { name, generics, variants: variants.collect() });
        let variants = handlers().map(|handler| ast::Variant {
            doc: handler.doc.clone(),
            name: handler.name.clone(),
            fields: Vec::new(),
        });
        let ast = Arc::new(ast::Enum {
            name: actor.name.clone(),
            generics: actor.generics.clone(),
            variants: variants.collect(),
        });
        let actor = Some(id);
        self.enum_decls.push(EnumDecl {
            module,
            public,
            ast,
            actor,
            generics: None,
            resolved: false,
        });
        inbox
    }

    /// No two handlers or functions of an actor have the same name, but for those of older forms.
    /// What the system tells has no older form.
    fn check_handlers(&mut self, module: ModuleId, actor: &ast::Actor) {
        for handler in actor.handlers.iter().filter(|handler| handler.old && is_of_system(handler))
        {
            let place = self.place(module, &handler.name.span);
            self.problem(processes::old_of_system(place, &handler.name.text));
        }
        let handlers = actor.handlers.iter().filter(|handler| !handler.old);
        let names = handlers
            .map(|handler| &handler.name)
            .chain(actor.functions.iter().map(|function| &function.name));
        let mut seen: Vec<&ast::Ident> = Vec::new();
        for name in names.filter(|name| !name.text.is_empty()) {
            if let Some(first) = seen.iter().find(|first| first.text == name.text) {
                let (place, first) =
                    (self.place(module, &name.span), self.place(module, &first.span));
                self.problem(say::declared_twice(place, &name.text, first));
            }
            seen.push(name);
        }
    }
}

/// The handlers of messages: those of older forms come behind the present ones.
fn messages(actor: &ast::Actor) -> Vec<usize> {
    let is_message = |nth: &usize| !is_of_system(&actor.handlers[*nth]);
    let mut messages: Vec<usize> = (0..actor.handlers.len()).filter(is_message).collect();
    messages.sort_by_key(|nth| actor.handlers[*nth].old);
    messages
}

/// Whether the system calls a handler, and not a message.
pub(crate) fn is_of_system(handler: &ast::Handler) -> bool {
    SYSTEM.contains(&&*handler.name.text)
}

/// A handler as a function.
fn as_fn(handler: &ast::Handler) -> ast::Fn {
    let span = handler.body.span.clone();
    let body = match &handler.body.kind {
        ast::ExprKind::Block(block) => block.clone(),
        _ => {
            let kind = ast::StmtKind::Expr(handler.body.clone());
            ast::Block { span: span.clone(), stmts: vec![ast::Stmt { span, kind }] }
        }
    };
    ast::Fn {
        doc: handler.doc.clone(),
        name: handler.name.clone(),
        generics: Vec::new(),
        params: handler.params.clone(),
        result: handler.result.clone(),
        receives: None,
        body: Some(body),
    }
}
