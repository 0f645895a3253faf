//! Processes: `spawn`, messages and calls, `receive`.

use std::sync::Arc;

use iridium_isa::Span;

use super::branch::Join;
use super::callee::{Callee, Message, Slot};
use crate::core::{
    Arg, EnumId, Expr, ExprKind, MessageArm, Receive, SystemArm, SystemMessage, Type, UnknownArm,
};
use crate::diag::processes as say;
use crate::names::meaning::Meaning;
use crate::names::world::{ActorId, Bound, Constructor, FnKey, Owner, Signature};
use crate::syntax::ast;
use crate::types::build::{block, call, expr, local, set, values, variant};
use crate::types::checker::{Checker, How, Timed, Want};
use crate::types::kind::{ERROR, is_error, unit};

/// How long a call waits when nothing else is said, in ms.
const CALL_TIMEOUT_MS: u64 = 5_000;

impl Checker {
    /// `spawn f(x)`, `spawn Actor(x) on node`
    pub(in crate::types) fn spawn(
        &mut self,
        called: &ast::Expr,
        node: Option<&ast::Expr>,
        span: &Span,
    ) -> Expr {
        let wrong = expr(ExprKind::Tuple(Vec::new()), ERROR, span);
        let ast::ExprKind::Call { callee, args } = &called.kind else {
            self.problem(say::not_spawnable(self.place(&called.span)));
            return wrong;
        };
        let (callee, name, types) = self.callee(callee, &Want::Any);
        let key = match callee {
            Callee::Functions(keys) => {
                let key = self.choose(&keys, args, false);
                self.note(&name.span, Meaning::Function(key));
                key
            }
            Callee::Constructor(Constructor::Actor(id)) => self.world.actor(id).run,
            Callee::Wrong => return wrong,
            _ => {
                self.problem(say::not_spawnable(self.place(&called.span)));
                return wrong;
            }
        };
        self.note_params(key, args);
        let outer = self.cx.spawned.replace(called.span.clone());
        let made = self.call_function(key, None, &name, args, types, &called.span, &Want::Any);
        self.cx.spawned = outer;
        let ExprKind::Call { function, types, args } = made.kind else { return wrong };
        let mut given = Vec::new();
        for arg in args {
            match arg {
                Arg::Value(value) => {
                    let why = (self.place(span), "it is sent to the process".to_owned());
                    self.need(Bound::Send, &value.ty, &value.span, Some(why));
                    given.push(value);
                }
                Arg::InOut(place) => {
                    self.problem(say::spawned_inout(self.place(&place.span)));
                    return wrong;
                }
            }
        }
        let receives = self.world.signature(key).receives.clone();
        let receives = receives.map_or(Type::Never, |inbox| inbox.substitute(&types));
        let pid = Type::Pid(Arc::new(receives.clone()));
        let why = (self.place(span), "a process starts on a node".to_owned());
        let node = node.map(|node| Box::new(self.check(node, &Type::Node, Some(why))));
        let elsewhere = node.is_some();
        let started =
            expr(ExprKind::Spawn { function, types, args: given, node }, pid.clone(), span);
        match elsewhere {
            true => self.spawned_elsewhere(started, receives, pid, span),
            false => started,
        }
    }

    /// The pid, or why there is none.
    fn spawned_elsewhere(&mut self, started: Expr, inbox: Type, pid: Type, span: &Span) -> Expr {
        let error = self.process_enum("SpawnError");
        let result = self.result_of(pid, error);
        let spawned = self.library_fn("process", "spawned", span);
        call(spawned, vec![inbox], values([started]), result, span)
    }

    fn process_enum(&mut self, name: &str) -> Type {
        let id = self.world.known_enum("process", name);
        id.map_or(ERROR, |id| Type::Enum(id, [].into()))
    }

    fn result_of(&mut self, ok: Type, err: Type) -> Type {
        let id = self.world.known_enum("result", "Result");
        id.map_or(ERROR, |id| Type::Enum(id, [ok, err].into()))
    }

    /// The message of this name that a process of a type understands.
    pub(super) fn message_named(&mut self, ty: &Type, name: &str) -> Option<Message> {
        let (of, types, actor) = self.inbox_of(ty)?;
        let mut sendable = self.world.actor(actor).sendable();
        let (variant, ast, handler) = sendable.find(|(_, ast, _)| &*ast.name.text == name)?;
        let (variant, answered) = (variant as u32, ast.result.is_some());
        Some(Message { of, types, variant, handler, answered })
    }

    /// The names of the messages that a process of a type understands.
    pub(super) fn messages_of(&self, ty: &Type) -> Vec<Arc<str>> {
        let Some((.., actor)) = self.inbox_of(ty) else { return Vec::new() };
        let sendable = self.world.actor(actor).sendable();
        sendable.map(|(_, handler, _)| Arc::clone(&handler.name.text)).collect()
    }

    fn inbox_of(&self, ty: &Type) -> Option<(EnumId, Vec<Type>, ActorId)> {
        let Type::Pid(inbox) = ty else { return None };
        let Type::Enum(id, types) = self.known(inbox) else { return None };
        Some((id, types.to_vec(), self.world.actor_of(id)?))
    }

    /// `pid.handler(x)`: sends the message, and waits for the answer if there is one.
    pub(super) fn message(
        &mut self,
        pid: Expr,
        message: &Message,
        name: &ast::Ident,
        args: &[ast::Arg],
        span: &Span,
    ) -> Expr {
        let timed = self.cx.timed.take_if(|timed| timed.call == *span);
        self.note_call(message.handler, name, args);
        let signature = self.world.signature(message.handler);
        let mut slots = self.slots(message.handler, &signature, &message.types);
        let asked = self.reply_of(&slots).filter(|_| !message.answered && args.len() < slots.len());
        if let Some((at, _)) = &asked {
            slots.remove(*at);
        }
        let wrong = expr(ExprKind::Tuple(Vec::new()), ERROR, span);
        let Some(given) = self.arguments(name, &slots, args, &message.types, span) else {
            return wrong;
        };
        let mut before = Vec::new();
        let mut fields = Vec::new();
        for (arg, stmts) in given {
            before.extend(stmts);
            if let Arg::Value(value) = arg {
                // That what is declared can be sent is looked at where it is declared.
                if !message.types.is_empty() {
                    let why = (self.place(span), "it is sent to a process".to_owned());
                    self.need(Bound::Send, &value.ty, &value.span, Some(why));
                }
                fields.push(value);
            }
        }
        let answer = match (message.answered, &asked) {
            (true, _) => Some((fields.len(), signature.result.substitute(&message.types))),
            (false, Some((at, ty))) => Some((*at, ty.clone())),
            (false, None) => None,
        };
        let how = timed.as_ref().map(|timed| timed.how);
        let value = match (answer, how) {
            (Some(answer), None | Some(How::Within)) => {
                self.ask(pid, message, fields, answer, timed.as_ref(), span)
            }
            (None, None) => self.sent(pid, message, fields, span),
            (None, Some(How::After | How::Every)) => {
                self.later(pid, message, fields, timed.as_ref(), span)
            }
            (None, Some(How::Within)) => {
                self.problem(say::no_wait(self.place(span)));
                wrong
            }
            (_, Some(how)) => {
                self.problem(say::no_time(self.place(span), word(how)));
                wrong
            }
        };
        block(before, value)
    }

    /// Which parameter says whom to answer, and with what.
    fn reply_of(&self, slots: &[Slot]) -> Option<(usize, Type)> {
        slots.iter().enumerate().find_map(|(nth, slot)| match self.known(&slot.ty) {
            Type::Reply(answer) => Some((nth, (*answer).clone())),
            _ => None,
        })
    }

    fn inbox(message: &Message) -> Type {
        Type::Enum(message.of, message.types.clone().into())
    }

    /// Sends a message that nobody waits for.
    fn sent(&mut self, pid: Expr, message: &Message, fields: Vec<Expr>, span: &Span) -> Expr {
        let inbox = Self::inbox(message);
        let sent = variant(message.of, message.variant, fields, inbox.clone(), span);
        let send = self.library_fn("process", "send_message", span);
        call(send, vec![inbox], values([pid, sent]), unit(), span)
    }

    /// Sends a message, and waits for its answer.
    fn ask(
        &mut self,
        pid: Expr,
        message: &Message,
        mut fields: Vec<Expr>,
        (at, answer): (usize, Type),
        timed: Option<&Timed>,
        span: &Span,
    ) -> Expr {
        let own = self.library_fn("process", "own_pid", span);
        if matches!(pid.kind, ExprKind::Call { function, .. } if function == own) {
            self.problem(say::asks_itself(self.place(span)));
        }
        let inbox = Self::inbox(message);
        let to = self.temporary(pid.ty.clone(), span);
        let read = local(to, pid.ty.clone(), span);
        let mut stmts = vec![set(to, pid)];
        // What is waited for begins when all arguments are there.
        for field in &mut fields {
            let id = self.temporary(field.ty.clone(), span);
            let given = std::mem::replace(field, local(id, field.ty.clone(), span));
            stmts.push(set(id, given));
        }
        let time = match timed {
            Some(timed) => self.time(&timed.time),
            None => self.call_timeout(span),
        };
        let limit = self.temporary(Type::Duration, span);
        stmts.push(set(limit, time));
        let reply_ty = Type::Reply(Arc::new(answer.clone()));
        let begin = self.library_fn("process", "begin_call", span);
        let types = vec![inbox, answer.clone()];
        let begun = call(begin, types, values([read.clone()]), reply_ty.clone(), span);
        let reply = self.temporary(reply_ty.clone(), span);
        stmts.push(set(reply, begun));
        let reply = local(reply, reply_ty, span);
        fields.insert(at.min(fields.len()), reply.clone());
        stmts.push(self.sent(read, message, fields, span));
        let error = self.process_enum("CallError");
        let result = self.result_of(answer.clone(), error);
        let end = self.library_fn("process", "end_call", span);
        let limit = local(limit, Type::Duration, span);
        let value = call(end, vec![answer], values([reply, limit]), result, span);
        block(stmts, value)
    }

    /// Has a message sent later, or again and again.
    fn later(
        &mut self,
        pid: Expr,
        message: &Message,
        fields: Vec<Expr>,
        timed: Option<&Timed>,
        span: &Span,
    ) -> Expr {
        let Some(timed) = timed else { return self.sent(pid, message, fields, span) };
        let inbox = Self::inbox(message);
        let time = self.time(&timed.time);
        let sent = variant(message.of, message.variant, fields, inbox.clone(), span);
        let repeated = crate::types::build::boolean(timed.how == How::Every, span);
        let id = self.world.known_record("process", "Timer");
        let ty = id.map_or(ERROR, |id| Type::Record(id, [].into()));
        let timer = self.library_fn("process", "timer", span);
        call(timer, vec![inbox], values([pid, sent, time, repeated]), ty, span)
    }

    /// How long a call waits that says nothing of it.
    pub(super) fn call_timeout(&self, span: &Span) -> Expr {
        let ms = self.call_timeout_ms.unwrap_or(CALL_TIMEOUT_MS) as i64;
        expr(ExprKind::Int(ms * 1_000_000), Type::Duration, span)
    }

    /// Whether a parameter that is left out is how long a call waits.
    pub(super) fn is_call_timeout(&self, owner: Owner, name: &str) -> bool {
        let Owner::Function(key) = owner else { return false };
        let decl = self.world.function(key);
        let module = self.world.module(decl.module);
        module.library && &*module.name == "process" && &*decl.path == "ask" && name == "within"
    }

    fn time(&mut self, time: &ast::Expr) -> Expr {
        let why = (self.place(&time.span), "this is a time".to_owned());
        self.check(time, &Type::Duration, Some(why))
    }

    /// A call with a time behind it.
    pub(super) fn timed(
        &mut self,
        called: &ast::Expr,
        time: &ast::Expr,
        how: How,
        want: &Want,
    ) -> Expr {
        let timed = Timed { call: called.span.clone(), time: time.clone(), how };
        let outer = self.cx.timed.replace(timed);
        let found = self.expr(called, want);
        let unused = std::mem::replace(&mut self.cx.timed, outer);
        if unused.is_some_and(|timed| timed.call == called.span) && !is_error(&found.ty) {
            self.problem(say::no_time(self.place(&called.span), word(how)));
        }
        found
    }

    /// The arguments of a function with the time that stands behind its call.
    pub(super) fn with_time(&mut self, args: &[ast::Arg], span: &Span) -> Option<Vec<ast::Arg>> {
        let is_own = |timed: &mut Timed| timed.call == *span && timed.how == How::Within;
        let Timed { time, .. } = self.cx.timed.take_if(is_own)?;
        let (span, text) = (time.span.clone(), "within".into());
        let label = Some(ast::Ident { text, span: span.clone() });
        let within = ast::Arg { span, label, inout: false, value: time };
        Some(args.iter().cloned().chain([within]).collect())
    }

    /// `self()` and `stop(reason)`, which are not functions.
    pub(super) fn own_process(
        &mut self,
        callee: &ast::Expr,
        args: &[ast::Arg],
        span: &Span,
    ) -> Option<Expr> {
        let ast::ExprKind::Name(name) = &callee.kind else { return None };
        match (&*name.text, args) {
            ("self", []) if self.binding("self").is_none() => Some(self.own_pid(span)),
            ("stop", [] | [_]) if self.cx.actor.is_some() && self.binding("stop").is_none() => {
                let why = (self.place(span), "a process ends for a reason".to_owned());
                let ty = self.process_enum("Reason");
                let reason = match args {
                    [reason] => self.check(&reason.value, &ty, Some(why)),
                    _ => self.normal(ty, span),
                };
                self.stop(reason, span)
            }
            _ => None,
        }
    }

    fn normal(&mut self, ty: Type, span: &Span) -> Expr {
        match ty {
            Type::Enum(of, _) => variant(of, 0, Vec::new(), ty, span),
            _ => expr(ExprKind::Tuple(Vec::new()), ERROR, span),
        }
    }

    fn own_pid(&mut self, span: &Span) -> Expr {
        let Some(inbox) = self.cx.receives.clone() else {
            self.problem(say::no_inbox(self.place(span), "`self()`"));
            return expr(ExprKind::Tuple(Vec::new()), ERROR, span);
        };
        let pid = self.library_fn("process", "own_pid", span);
        let ty = Type::Pid(Arc::new(inbox.clone()));
        call(pid, vec![inbox], Vec::new(), ty, span)
    }

    /// The type parameters of an actor are its own in all its functions.
    pub(super) fn unify_own(&mut self, types: &[Type], actor: ActorId) {
        let own = self.world.actor(actor).ast.generics.len();
        for (nth, ty) in types.iter().take(own).enumerate() {
            self.cx.vars.unify(ty, &Type::Param(nth as u32));
        }
    }

    /// What receives can only be called by what receives the same.
    pub(super) fn check_inbox(
        &mut self,
        key: FnKey,
        signature: &Signature,
        types: &[Type],
        name: &ast::Ident,
        span: &Span,
    ) {
        let Some(needs) = &signature.receives else { return };
        let spawned = self.cx.spawned.take_if(|spawned| *spawned == *span).is_some();
        if spawned || self.belongs_to(key).is_some() {
            return;
        }
        let needs = needs.substitute(types);
        let own = self.cx.receives.clone();
        if own.as_ref().is_some_and(|own| self.cx.vars.unify(own, &needs)) {
            return;
        }
        let (needs, own) = (self.text(&needs), own.map(|own| self.text(&own)));
        let decl = self.world.function(key);
        let declared = self.world.place(decl.module, &decl.ast.name.span);
        let place = self.place(&name.span);
        self.problem(say::wrong_inbox(place, &name.text, &needs, own.as_deref(), declared));
    }

    /// Whether a function of the library has another process run what it is given.
    pub(super) fn runs_elsewhere(&self, key: FnKey) -> bool {
        let decl = self.world.function(key);
        let module = self.world.module(decl.module);
        module.library
            && &*module.name == "process"
            && matches!(&*decl.ast.name.text, "task" | "parallel_map")
    }

    /// What a closure has captured must be something that can be sent.
    pub(super) fn captures_are_sent(&mut self, arg: &Arg) {
        let Arg::Value(Expr { kind: ExprKind::Closure { captured, .. }, span, .. }) = arg else {
            return;
        };
        for id in captured {
            let ty = self.local_type(*id);
            let name = Arc::clone(&self.frame().locals[id.0 as usize].core.name);
            let why = (self.place(span), format!("`{name}` is sent to the process that runs it"));
            self.need(Bound::Send, &ty, span, Some(why));
        }
    }

    /// `become f(x)`: goes on as another function, which gives what this one does.
    pub(super) fn become_(&mut self, called: &ast::Expr, span: &Span) -> Expr {
        if !matches!(called.kind, ast::ExprKind::Call { .. }) {
            self.problem(say::not_a_call(self.place(&called.span)));
            return expr(ExprKind::Tuple(Vec::new()), Type::Never, span);
        }
        let mut gone_on = self.return_(Some(called), span);
        if let ExprKind::Return(value) = gone_on.kind {
            gone_on.kind = ExprKind::Become(value);
        }
        gone_on
    }

    /// `receive { … }`
    pub(super) fn receive(
        &mut self,
        arms: &[ast::Arm],
        after: Option<&(Box<ast::Expr>, Box<ast::Expr>)>,
        span: &Span,
        want: &Want,
    ) -> Expr {
        if self.cx.actor.is_some() {
            self.problem(say::receive_in_actor(self.place(span)));
            return expr(ExprKind::Tuple(Vec::new()), ERROR, span);
        }
        let of = match self.cx.receives.clone() {
            Some(of) => of,
            None => {
                self.problem(say::no_inbox(self.place(span), "`receive`"));
                ERROR
            }
        };
        let why = (self.place(span), "messages are sent".to_owned());
        self.need(Bound::Send, &of, span, Some(why));
        let message = self.temporary(of.clone(), span);
        let value = local(message, of.clone(), span);
        let own: Vec<ast::Arm> = arms.iter().filter(|arm| !arm.system).cloned().collect();
        let mut join = Join::new(want);
        let matched = self.match_value(value, &own, span, &mut join);
        let body = MessageArm { variant: None, fields: vec![message], body: matched };
        let mut system = Vec::new();
        for arm in arms.iter().filter(|arm| arm.system) {
            system.extend(self.system_arm(arm, &mut join));
        }
        let after = after.map(|(time, body)| {
            let time = self.time(time);
            let body = self.expr(body, &join.want);
            (time, self.join(&mut join, body, "an earlier arm gives this"))
        });
        let unknown = self.unknown_arm(span);
        let receive = Receive { of, arms: vec![body], system, unknown, after };
        expr(ExprKind::Receive(Box::new(receive)), join.result(), span)
    }

    /// A message that is not understood; who waits for an answer is told.
    pub(in crate::types) fn unknown_arm(&mut self, span: &Span) -> UnknownArm {
        let (tag, length) = self.told(span);
        let refuse = self.library_fn("process", "not_understood", span);
        let given = values([local(tag, Type::Int, span), local(length, Type::Int, span)]);
        let body = call(refuse, Vec::new(), given, unit(), span);
        UnknownArm { tag, length, body }
    }

    /// `system Down(pid, reason) => …`
    fn system_arm(&mut self, arm: &ast::Arm, join: &mut Join) -> Option<SystemArm> {
        let ast::PatternKind::Variant { name, .. } = &arm.pattern.kind else {
            self.problem(say::not_a_message(self.place(&arm.pattern.span)));
            return None;
        };
        let kind = match &*name.text {
            "Down" => SystemMessage::Down,
            "Exit" => SystemMessage::Exit,
            "NodeUp" => SystemMessage::NodeUp,
            "NodeDown" => SystemMessage::NodeDown,
            _ => {
                self.problem(say::not_a_message(self.place(&arm.pattern.span)));
                return None;
            }
        };
        let span = &arm.pattern.span;
        let (sender, value) = self.told(span);
        let what = self.what_is_told(kind, sender, value, span);
        let what = self.told_record(kind, what, span);
        let only = [ast::Arm { system: false, ..arm.clone() }];
        let body = self.match_value(what, &only, span, join);
        Some(SystemArm { kind, sender, value, body })
    }

    /// Of a node as well, what the system tells is a record.
    fn told_record(&mut self, kind: SystemMessage, what: Expr, span: &Span) -> Expr {
        let name = match kind {
            SystemMessage::NodeUp => "NodeUp",
            SystemMessage::NodeDown => "NodeDown",
            SystemMessage::Down | SystemMessage::Exit => return what,
        };
        match self.world.known_record("process", name) {
            Some(record) => {
                let kind = ExprKind::Record { record, fields: vec![what] };
                expr(kind, Type::Record(record, [].into()), span)
            }
            None => what,
        }
    }
}

fn word(how: How) -> &'static str {
    match how {
        How::Within => "within",
        How::After => "after",
        How::Every => "every",
    }
}
