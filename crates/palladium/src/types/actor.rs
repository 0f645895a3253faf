//! Actors: their variables, and the function that their processes run.
//!
//! An actor becomes functions. One gives the first values of its variables, one keeps them and waits
//! for messages, and its handlers and functions get what they may use as parameters before their
//! own: the parameters of the actor, and its variables, which they can change.

use std::rc::Rc;
use std::sync::Arc;

use iridium_isa::Span;

use super::build::{
    bind, block, branch, call, compare, expr, int, local, local_place, nothing, set, values, within,
};
use super::checker::{Binding, Checker, Context, Frame};
use super::kind::unit;
use crate::core::{
    Arg, Body, CompareOp, Expr, ExprKind, Function, LocalId, MessageArm, Param, Pattern,
    PatternKind, Receive, SystemArm, SystemMessage, Type,
};
use crate::diag::places::By;
use crate::diag::processes as say;
use crate::names::actors::is_of_system;
use crate::names::world::{ActorId, Bound, FnKey, Part, Progress, Signature};
use crate::syntax::ast;

/// The local that says with which code the process is to end after the handler.
const STOP: &str = "@stop";
/// It has this while the process is to go on.
const GO_ON: i64 = i64::MIN;
/// The reason when a supervisor asks a process to end.
const SHUTDOWN: i64 = -4;

/// What the process of an actor keeps.
struct State {
    actor: ActorId,
    /// The parameters of the actor, its variables, and whether it is to stop.
    args: Vec<Arg>,
    stop: Option<LocalId>,
    /// The type parameters of the actor.
    types: Vec<Type>,
}

impl Checker {
    /// The types of an actor's variables, which their first values tell.
    fn variables(&mut self, id: ActorId) -> Rc<[Type]> {
        let decl = &mut self.world.actors[id.0 as usize];
        match std::mem::replace(&mut decl.variables, Progress::Begun) {
            Progress::Done(types) => {
                decl.variables = Progress::Done(Rc::clone(&types));
                types
            }
            // The first values use nothing of the actor itself.
            Progress::Begun => Rc::from([]),
            Progress::No => {
                let types = self.begin(id);
                self.world.actors[id.0 as usize].variables = Progress::Done(Rc::clone(&types));
                types
            }
        }
    }

    /// Checks the first values of an actor's variables, as a function that gives them all.
    fn begin(&mut self, id: ActorId) -> Rc<[Type]> {
        let decl = self.world.actor(id);
        let (module, run, begin, ast) = (decl.module, decl.run, decl.begin, Arc::clone(&decl.ast));
        let signature = self.world.signature(run);
        let function = self.reserve();
        self.world.functions[begin.0 as usize].reached = Some(function);
        let declared_in = self.world.module(module);
        let name = within(&declared_in.name, format!("{}.begin", ast.name.text));
        let generics = Rc::clone(&signature.generics);
        let mut context = Context::new(module, declared_in.file, name.to_string(), generics);
        context.receives = signature.receives.clone();
        let outer = std::mem::replace(&mut self.cx, context);
        self.cx.frames.push(Frame::new(unit(), None));
        let params = self.bind_params(&signature);
        let mut stmts = Vec::new();
        let mut given = Vec::new();
        for var in &ast.vars {
            stmts.push(self.var(var));
            if let Some(Binding::Local(id)) = self.binding(&var.name.text) {
                given.push(local(id, self.local_type(id), &var.name.span));
            }
        }
        let locals: Vec<LocalId> = given.iter().filter_map(as_local).collect();
        let value = together(given, &ast.name.span);
        let result = value.ty.clone();
        let span = ast.name.span.clone();
        let made = self.completed(name, span, params, result, Body::Code(block(stmts, value)));
        let types = locals.iter().map(|id| made.locals[id.0 as usize].ty.clone()).collect();
        self.functions[function.0 as usize] = Some(made);
        self.cx = outer;
        types
    }

    fn bind_params(&mut self, signature: &Signature) -> Vec<Param> {
        let mut params = Vec::new();
        for param in &signature.params {
            let local = self.local(&param.name, param.ty.clone(), By::Param, &param.span);
            self.bind(&param.name, Binding::Local(local));
            params.push(Param { local, inout: false });
        }
        params
    }

    /// The parameters before those that a handler or function of an actor declares.
    pub(super) fn hidden_params(&mut self, id: ActorId) -> Vec<Param> {
        self.cx.actor = Some(id);
        let types = self.variables(id);
        let decl = self.world.actor(id);
        let (ast, run) = (Arc::clone(&decl.ast), decl.run);
        let signature = self.world.signature(run);
        let mut params = self.bind_params(&signature);
        for (param, own) in params.iter().zip(&signature.params) {
            self.bind(&hidden_param(&own.name), Binding::Local(param.local));
        }
        for (var, ty) in ast.vars.iter().zip(types.iter()) {
            let id = self.local(&var.name.text, ty.clone(), By::Var, &var.name.span);
            self.bind(&var.name.text, Binding::Local(id));
            self.bind(&hidden_variable(&var.name.text), Binding::Local(id));
            params.push(Param { local: id, inout: true });
        }
        if ast.stops {
            let id = self.temporary(Type::Int, &ast.name.span);
            self.bind(&STOP.into(), Binding::Local(id));
            params.push(Param { local: id, inout: true });
        }
        params
    }

    /// What one of an actor's functions passes on to another.
    pub(super) fn hidden_args(&mut self, id: ActorId, span: &Span) -> Vec<Arg> {
        let decl = self.world.actor(id);
        let (ast, run) = (Arc::clone(&decl.ast), decl.run);
        let signature = self.world.signature(run);
        let params = signature.params.iter().map(|param| (hidden_param(&param.name), false));
        let vars = ast.vars.iter().map(|var| (hidden_variable(&var.name.text), true));
        let stop = ast.stops.then(|| (Arc::from(STOP), true));
        let mut args = Vec::new();
        for (name, changes) in params.chain(vars).chain(stop) {
            let Some(Binding::Local(id)) = self.binding(&name) else { continue };
            let read = local(id, self.local_type(id), span);
            if !changes {
                args.push(Arg::Value(read));
            } else if let Some(place) = self.place_of(read, &mut Vec::new(), None) {
                args.push(Arg::InOut(place));
            }
        }
        args
    }

    /// The function or handler of the actor that has this name.
    pub(super) fn member_of_actor(&self, name: &str) -> Option<FnKey> {
        let decl = self.world.actor(self.cx.actor?);
        let handlers = decl.handlers.iter().zip(&decl.ast.handlers);
        let handlers = handlers.filter(|(_, handler)| !handler.old && !is_of_system(handler));
        let functions = decl.functions.iter();
        let named = |key: &FnKey| &*self.world.function(*key).ast.name.text == name;
        handlers.map(|(key, _)| *key).chain(functions.copied()).find(named)
    }

    /// `stop(reason)`: ends the process of the actor after the handler.
    pub(super) fn stop(&mut self, reason: Expr, span: &Span) -> Option<Expr> {
        let Binding::Local(id) = self.binding(STOP)? else { return None };
        let code = self.library_fn("process", "code_of", span);
        let code = call(code, Vec::new(), values([reason]), Type::Int, span);
        let read = local(id, Type::Int, span);
        let place = self.place_of(read, &mut Vec::new(), None)?;
        Some(super::build::assign(place, code, span))
    }

    /// What the process of an actor does.
    pub(super) fn run_of(
        &mut self,
        id: ActorId,
        name: Arc<str>,
        signature: &Signature,
    ) -> Function {
        let types = self.variables(id);
        let ast = Arc::clone(&self.world.actor(id).ast);
        let span = &ast.name.span;
        let params = self.bind_params(signature);
        let own: Vec<Type> = (0..ast.generics.len() as u32).map(Type::Param).collect();
        let mut state = State { actor: id, args: Vec::new(), stop: None, types: own };
        let given = params.iter().zip(&signature.params);
        let given: Vec<Expr> =
            given.map(|(param, own)| local(param.local, own.ty.clone(), span)).collect();
        state.args.extend(values(given.clone()));
        let mut stmts = self.first_values(&mut state, &types, given, span);
        if ast.stops {
            let stop = self.temporary(Type::Int, span);
            stmts.push(set(stop, int(GO_ON, span)));
            state.args.push(Arg::InOut(local_place(stop, Type::Int, span)));
            state.stop = Some(stop);
        }
        if ["stop", "exit"].iter().any(|name| self.system_handler(id, name).is_some()) {
            stmts.push(self.process("trap_exits", Vec::new(), span));
        }
        if let Some((key, handler)) = self.system_handler(id, "start") {
            if !handler.params.is_empty() || handler.result.is_some() {
                let place = self.place(&handler.name.span);
                self.problem(say::system_handler(place, "start", "()"));
            }
            stmts.push(self.handled(&state, key, Vec::new(), &handler.name.span));
        }
        let receive = self.waits(&state, signature);
        stmts.push(expr(ExprKind::Loop(Box::new(receive)), Type::Never, span));
        let body =
            expr(ExprKind::Block { stmts, value: Box::new(nothing(span)) }, Type::Never, span);
        self.completed(name, span.clone(), params, unit(), Body::Code(body))
    }

    /// Gives the variables their first values.
    fn first_values(
        &mut self,
        state: &mut State,
        types: &[Type],
        given: Vec<Expr>,
        span: &Span,
    ) -> Vec<Expr> {
        let decl = self.world.actor(state.actor);
        let (ast, begin) = (Arc::clone(&decl.ast), decl.begin);
        let Some(begin) = self.world.function(begin).reached else { return Vec::new() };
        let mut binds = Vec::new();
        for (var, ty) in ast.vars.iter().zip(types) {
            let id = self.local(&var.name.text, ty.clone(), By::Var, &var.name.span);
            binds.push(bind(id, ty.clone(), &var.name.span));
            state.args.push(Arg::InOut(local_place(id, ty.clone(), &var.name.span)));
        }
        let whole = match types {
            [] => return Vec::new(),
            [only] => only.clone(),
            all => Type::Tuple(all.into()),
        };
        let pattern = match binds.len() {
            1 => binds.remove(0),
            _ => Pattern { kind: PatternKind::Tuple(binds), ty: whole.clone(), span: span.clone() },
        };
        let value = Box::new(call(begin, state.types.clone(), values(given), whole, span));
        vec![expr(ExprKind::Let { pattern, value, otherwise: None }, unit(), span)]
    }

    fn system_handler(&self, id: ActorId, name: &str) -> Option<(FnKey, ast::Handler)> {
        let decl = self.world.actor(id);
        let mut handlers = decl.handlers.iter().zip(&decl.ast.handlers);
        let (key, handler) = handlers.find(|(_, handler)| &*handler.name.text == name)?;
        Some((*key, handler.clone()))
    }

    /// Calls a function of the library for processes that gives nothing.
    fn process(&mut self, name: &str, args: Vec<Expr>, span: &Span) -> Expr {
        let function = self.library_fn("process", name, span);
        call(function, Vec::new(), values(args), unit(), span)
    }

    fn exits(&mut self, code: Expr, span: &Span) -> Expr {
        let exit = self.library_fn("process", "exit_with", span);
        call(exit, Vec::new(), values([code]), Type::Never, span)
    }

    /// Calls a handler that gives nothing, and ends when it has said so.
    fn handled(&mut self, state: &State, key: FnKey, args: Vec<Expr>, span: &Span) -> Expr {
        let called = self.handler_call(state, key, args, unit(), span);
        let stop = self.stop_check(state, span);
        block([Some(called), stop].into_iter().flatten().collect(), nothing(span))
    }

    fn handler_call(
        &mut self,
        state: &State,
        key: FnKey,
        args: Vec<Expr>,
        result: Type,
        span: &Span,
    ) -> Expr {
        let function = self.reach(key);
        let args = state.args.iter().cloned().chain(values(args)).collect();
        call(function, state.types.clone(), args, result, span)
    }

    fn stop_check(&mut self, state: &State, span: &Span) -> Option<Expr> {
        let stop = local(state.stop?, Type::Int, span);
        let stops = compare(CompareOp::Ne, stop.clone(), int(GO_ON, span), span);
        let exit = self.exits(stop, span);
        Some(branch(stops, exit, nothing(span), unit(), span))
    }

    /// Waits for a message, and handles it.
    fn waits(&mut self, state: &State, signature: &Signature) -> Expr {
        let of = signature.receives.clone().unwrap_or(Type::Never);
        let ast = Arc::clone(&self.world.actor(state.actor).ast);
        let inbox = self.world.actor(state.actor).inbox;
        self.world.resolve_enum(inbox);
        let messages = self.world.actor(state.actor).messages.clone();
        let mut arms = Vec::new();
        for (nth, handler) in messages.into_iter().enumerate() {
            let fields = self.world.enums[inbox.0 as usize].variants[nth].fields.clone();
            let handler = (self.world.actor(state.actor).handlers[handler], &ast.handlers[handler]);
            arms.push(self.message_arm(state, nth as u32, fields, handler));
        }
        let system = self.system_arms(state);
        let unknown = self.unknown_arm(&ast.name.span);
        let receive = Receive { of, arms, system, unknown, after: None };
        expr(ExprKind::Receive(Box::new(receive)), unit(), &ast.name.span)
    }

    fn message_arm(
        &mut self,
        state: &State,
        variant: u32,
        fields: Vec<(Option<Arc<str>>, Type)>,
        (key, handler): (FnKey, &ast::Handler),
    ) -> MessageArm {
        let span = &handler.name.span;
        self.check_message(key);
        let locals: Vec<LocalId> =
            fields.iter().map(|(_, ty)| self.temporary(ty.clone(), span)).collect();
        let mut args: Vec<Expr> =
            locals.iter().zip(fields).map(|(id, (_, ty))| local(*id, ty, span)).collect();
        let body = match handler.result.as_ref().and_then(|_| args.pop()) {
            None => self.handled(state, key, args, span),
            Some(reply) => {
                let result = self.world.signature(key).result.clone();
                let answer = self.handler_call(state, key, args, result.clone(), span);
                let send = self.library_fn("process", "send_reply", span);
                let sent = call(send, vec![result], values([reply, answer]), unit(), span);
                let stop = self.stop_check(state, span);
                block([Some(sent), stop].into_iter().flatten().collect(), nothing(span))
            }
        };
        MessageArm { variant: Some(variant), fields: locals, body }
    }

    /// What a handler takes and gives must be something that can be sent.
    fn check_message(&mut self, key: FnKey) {
        let signature = self.world.signature(key);
        for param in &signature.params {
            if param.inout {
                self.problem(say::spawned_inout(self.place(&param.span)));
            }
            self.need(Bound::Send, &param.ty, &param.span, None);
        }
        self.need(Bound::Send, &signature.result, &signature.result_span, None);
    }

    fn system_arms(&mut self, state: &State) -> Vec<SystemArm> {
        let ids = [
            (SystemMessage::Down, "down"),
            (SystemMessage::NodeUp, "node_up"),
            (SystemMessage::NodeDown, "node_down"),
        ];
        let mut arms = Vec::new();
        for (kind, name) in ids {
            let Some((key, handler)) = self.system_handler(state.actor, name) else { continue };
            let span = &handler.name.span;
            let (sender, value) = self.told(span);
            let what = self.what_is_told(kind, sender, value, span);
            let body = self.system_call(state, key, &handler, what);
            arms.push(SystemArm { kind, sender, value, body });
        }
        arms.extend(self.exit_arm(state));
        arms
    }

    /// Calls the handler of something that the system tells; it may leave out what it is.
    fn system_call(
        &mut self,
        state: &State,
        key: FnKey,
        handler: &ast::Handler,
        what: Expr,
    ) -> Expr {
        let signature = self.world.signature(key);
        let fits = signature.params.iter().all(|param| param.ty == what.ty)
            && signature.params.len() <= 1
            && handler.result.is_none();
        if !fits {
            let place = self.place(&handler.name.span);
            let ty = self.text(&what.ty);
            self.problem(say::system_handler(place, &handler.name.text, &ty));
        }
        let args = signature.params.iter().take(1).map(|_| what.clone()).collect();
        self.handled(state, key, args, &handler.name.span)
    }

    /// The locals for what the system tells.
    pub(super) fn told(&mut self, span: &Span) -> (LocalId, LocalId) {
        (self.temporary(Type::Int, span), self.temporary(Type::Int, span))
    }

    /// What the system tells, as a value.
    pub(super) fn what_is_told(
        &mut self,
        kind: SystemMessage,
        sender: LocalId,
        value: LocalId,
        span: &Span,
    ) -> Expr {
        let (make, name) = match kind {
            SystemMessage::Down => ("down_of", "Down"),
            SystemMessage::Exit => ("exit_of", "Exit"),
            SystemMessage::NodeUp | SystemMessage::NodeDown => {
                let node = self.library_fn("process", "node_of", span);
                let value = values([local(value, Type::Int, span)]);
                return call(node, Vec::new(), value, Type::Node, span);
            }
        };
        let ty = match self.world.known_record("process", name) {
            Some(id) => Type::Record(id, [].into()),
            None => super::kind::ERROR,
        };
        let make = self.library_fn("process", make, span);
        let given = values([local(sender, Type::Int, span), local(value, Type::Int, span)]);
        call(make, Vec::new(), given, ty, span)
    }

    /// An actor that has `on stop` or `on exit` is told of exits. What it has no handler for ends it,
    /// as it would end others.
    fn exit_arm(&mut self, state: &State) -> Option<SystemArm> {
        let stop = self.system_handler(state.actor, "stop");
        let exit = self.system_handler(state.actor, "exit");
        let first = stop.as_ref().or(exit.as_ref())?;
        let span = first.1.name.span.clone();
        let (sender, value) = self.told(&span);
        let reason = local(value, Type::Int, &span);
        let stopped = self.exits(int(SHUTDOWN, &span), &span);
        let on_stop = match stop {
            Some((key, handler)) => {
                let why = self.reason(reason.clone(), &span);
                let called = self.system_call(state, key, &handler, why);
                block(vec![called], stopped)
            }
            None => stopped,
        };
        let on_exit = match exit {
            Some((key, handler)) => {
                let what = self.what_is_told(SystemMessage::Exit, sender, value, &span);
                self.system_call(state, key, &handler, what)
            }
            None => {
                let fails = compare(CompareOp::Ne, reason.clone(), int(0, &span), &span);
                let exit = self.exits(reason.clone(), &span);
                branch(fails, exit, nothing(&span), unit(), &span)
            }
        };
        let asked = compare(CompareOp::Eq, reason, int(SHUTDOWN, &span), &span);
        let body = branch(asked, on_stop, on_exit, unit(), &span);
        Some(SystemArm { kind: SystemMessage::Exit, sender, value, body })
    }

    fn reason(&mut self, code: Expr, span: &Span) -> Expr {
        let ty = match self.world.known_enum("process", "Reason") {
            Some(id) => Type::Enum(id, [].into()),
            None => super::kind::ERROR,
        };
        let of = self.library_fn("process", "reason_of", span);
        call(of, Vec::new(), values([code]), ty, span)
    }

    /// Whether a function gets what it may use of its actor before its own parameters.
    pub(super) fn belongs_to(&self, key: FnKey) -> Option<ActorId> {
        match self.world.function(key).actor {
            Some((id, Part::Member)) => Some(id),
            _ => None,
        }
    }
}

fn hidden_param(name: &str) -> Arc<str> {
    format!("@param {name}").into()
}

fn hidden_variable(name: &str) -> Arc<str> {
    format!("@var {name}").into()
}

fn as_local(value: &Expr) -> Option<LocalId> {
    match value.kind {
        ExprKind::Local(id) => Some(id),
        _ => None,
    }
}

/// Several values as one.
fn together(mut all: Vec<Expr>, span: &Span) -> Expr {
    match all.len() {
        1 => all.remove(0),
        _ => {
            let types = all.iter().map(|value| value.ty.clone()).collect();
            expr(ExprKind::Tuple(all), Type::Tuple(types), span)
        }
    }
}
