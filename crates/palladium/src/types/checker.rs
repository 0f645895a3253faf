//! The state of a check: the program so far, and the function that is being checked.
//!
//! The files in `infer` each add the methods for one part of the language.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use iridium_isa::{FileId, Span};

use super::kind::ERROR;
use super::text::text;
use super::unify::Vars;
use crate::core::{self, FnId, Function, LocalId, Type};
use crate::diag::places::By;
use crate::diag::types::Why;
use crate::diag::{Place, Problem};
use crate::names::world::{ActorId, Bound, FnKey, Generics, ModuleId, World};
use crate::syntax::ast;

/// What an expression is wanted for.
#[derive(Debug, Clone)]
pub(crate) enum Want {
    /// Its value, whatever it is.
    Any,
    /// Nothing: its value is dropped.
    Drop,
    /// A value of this type, and why.
    Type(Type, Option<Why>),
}

impl Want {
    pub(crate) fn ty(&self) -> Option<&Type> {
        match self {
            Self::Type(ty, _) => Some(ty),
            Self::Any | Self::Drop => None,
        }
    }

    pub(crate) fn why(&self) -> Option<&Why> {
        match self {
            Self::Type(_, why) => why.as_ref(),
            Self::Any | Self::Drop => None,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Checker {
    pub(crate) world: World,
    /// Those that are reached, by their ids; `None` while the body is not yet checked.
    pub(crate) functions: Vec<Option<Function>>,
    /// Reached, and the body yet to be checked.
    pub(crate) queue: VecDeque<FnKey>,
    /// The names of the prompt's variables.
    pub(crate) variables: Vec<Arc<str>>,
    /// How long a call waits that says nothing of it, in ms, when the program's app has said so.
    pub(crate) call_timeout_ms: Option<u64>,
    pub(crate) cx: Context,
}

/// The function that is being checked, with the closures in it.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) module: ModuleId,
    pub(crate) file: FileId,
    /// The qualified name.
    pub(crate) path: String,
    pub(crate) generics: Generics,
    pub(crate) vars: Vars,
    /// The function, the closure in it, the closure in that, …
    pub(crate) frames: Vec<Frame>,
    pub(crate) needs: Vec<Need>,
    /// The closures whose bodies are checked, with types that may be unknown still.
    pub(crate) closures: Vec<(FnId, Function)>,
    pub(crate) nested: u32,
    /// What the process receives that runs it.
    pub(crate) receives: Option<Type>,
    /// The actor whose variables it uses.
    pub(crate) actor: Option<ActorId>,
    /// The call that starts a process, and so need not receive what this one does.
    pub(crate) spawned: Option<Span>,
    /// The call that a time stands behind.
    pub(crate) timed: Option<Timed>,
    /// It is what has been typed at a prompt.
    pub(crate) is_entry: bool,
    /// Of a nested function: the locals around it, which it does not see.
    pub(crate) hidden: Vec<Arc<str>>,
    /// The next call is what a loop runs over, so it need not make all elements at once.
    pub(crate) lazily: bool,
    /// How many expressions the current one is in.
    pub(crate) depth: u32,
}

/// A call with a time behind it.
#[derive(Debug)]
pub(crate) struct Timed {
    pub(crate) call: Span,
    pub(crate) time: ast::Expr,
    pub(crate) how: How,
}

/// What the time is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// So long the caller waits.
    Within,
    /// Then the message is sent.
    After,
    /// The message is sent again and again.
    Every,
}

/// A bound that a type must have, looked at when all types of the function are known.
#[derive(Debug)]
pub(crate) struct Need {
    pub(crate) bound: Bound,
    pub(crate) ty: Type,
    pub(crate) span: Span,
    pub(crate) why: Option<Why>,
}

/// A function or closure.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) locals: Vec<Local>,
    /// From the outermost; a later name of a scope hides an earlier one.
    pub(crate) scopes: Vec<Vec<(Arc<str>, Binding)>>,
    pub(crate) result: Type,
    pub(crate) result_why: Option<Why>,
    /// For each loop around the current place, whether something leaves it.
    pub(crate) loops: Vec<bool>,
    /// Locals of the frame around, each with the one that has it here.
    pub(crate) captures: Vec<(LocalId, LocalId)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binding {
    Local(LocalId),
    /// A nested function.
    Fn(FnKey),
}

#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) core: core::Local,
    pub(crate) by: By,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            module: ModuleId(0),
            file: FileId(0),
            path: String::new(),
            generics: Rc::from([]),
            vars: Vars::default(),
            frames: Vec::new(),
            needs: Vec::new(),
            closures: Vec::new(),
            nested: 0,
            receives: None,
            actor: None,
            spawned: None,
            timed: None,
            is_entry: false,
            hidden: Vec::new(),
            lazily: false,
            depth: 0,
        }
    }
}

impl Context {
    pub(crate) fn new(module: ModuleId, file: FileId, path: String, generics: Generics) -> Self {
        let is_numeric = |bounds: &[Bound]| bounds.contains(&Bound::Num);
        let numeric = generics.iter().map(|generic| is_numeric(&generic.bounds)).collect();
        let vars = Vars::new(numeric);
        Self { module, file, path, generics, vars, ..Self::default() }
    }
}

impl Frame {
    pub(crate) fn new(result: Type, result_why: Option<Why>) -> Self {
        Self {
            locals: Vec::new(),
            scopes: vec![Vec::new()],
            result,
            result_why,
            loops: Vec::new(),
            captures: Vec::new(),
        }
    }

    fn binding(&self, name: &str) -> Option<Binding> {
        self.scopes.iter().rev().find_map(|scope| {
            scope.iter().rev().find(|(bound, _)| &**bound == name).map(|(_, binding)| *binding)
        })
    }

    fn add(&mut self, name: Arc<str>, ty: Type, by: By, span: Span) -> LocalId {
        let core = core::Local { name, ty, span, shared: false };
        self.locals.push(Local { core, by });
        LocalId(self.locals.len() as u32 - 1)
    }
}

impl Checker {
    pub(crate) fn place(&self, span: &Span) -> Place {
        Place { file: self.cx.file, span: span.clone() }
    }

    pub(crate) fn problem(&mut self, problem: Problem) {
        self.world.problem(problem);
    }

    /// A type as it is written, with what is known of it.
    pub(crate) fn text(&self, ty: &Type) -> String {
        let ty = self.cx.vars.deep(ty);
        let shown = super::kind::replace(&ty, &mut |part| {
            self.cx.vars.is_number(part).then_some(Type::Int)
        });
        text(&self.world, &self.cx.generics, &shown)
    }

    /// The type that an expression has, as far as its outermost part is known.
    pub(crate) fn known(&self, ty: &Type) -> Type {
        self.cx.vars.shallow(ty)
    }

    pub(crate) fn need(&mut self, bound: Bound, ty: &Type, span: &Span, why: Option<Why>) {
        self.cx.needs.push(Need { bound, ty: ty.clone(), span: span.clone(), why });
    }

    /// The id of a function, whose body is checked later if it was not reached before.
    pub(crate) fn reach(&mut self, key: FnKey) -> FnId {
        if let Some(id) = self.world.function(key).reached {
            return id;
        }
        let id = self.reserve();
        self.world.functions[key.0 as usize].reached = Some(id);
        self.queue.push_back(key);
        id
    }

    /// An id for a function that is made.
    pub(crate) fn reserve(&mut self) -> FnId {
        self.functions.push(None);
        FnId(self.functions.len() as u32 - 1)
    }

    /// A function of the library.
    pub(crate) fn library_fn(&mut self, module: &str, name: &str, span: &Span) -> FnId {
        let found = self.world.library_module(module);
        let found = found.and_then(|id| self.world.module(id).functions_named(name).first());
        if let Some(&key) = found {
            return self.reach(key);
        }
        let place = self.place(span);
        self.problem(crate::diag::missing_from_library(place, &format!("{module}.{name}")));
        FnId(u32::MAX)
    }

    // Frames, scopes and locals.

    pub(crate) fn frame(&mut self) -> &mut Frame {
        if self.cx.frames.is_empty() {
            self.cx.frames.push(Frame::new(ERROR, None));
        }
        let last = self.cx.frames.len() - 1;
        &mut self.cx.frames[last]
    }

    pub(crate) fn push_scope(&mut self) {
        self.frame().scopes.push(Vec::new());
    }

    pub(crate) fn pop_scope(&mut self) {
        self.frame().scopes.pop();
    }

    /// Makes a name stand for something from here on.
    pub(crate) fn bind(&mut self, name: &Arc<str>, binding: Binding) {
        if let Some(scope) = self.frame().scopes.last_mut() {
            scope.push((Arc::clone(name), binding));
        }
    }

    /// Makes a name stand for something in the rest of the function.
    pub(crate) fn bind_outermost(&mut self, name: &Arc<str>, binding: Binding) {
        if let Some(scope) = self.frame().scopes.first_mut() {
            scope.push((Arc::clone(name), binding));
        }
    }

    /// A local that has a name; it is bound to it with `bind`.
    pub(crate) fn local(&mut self, name: &Arc<str>, ty: Type, by: By, span: &Span) -> LocalId {
        self.frame().add(Arc::clone(name), ty, by, span.clone())
    }

    /// A local of the compiler.
    pub(crate) fn temporary(&mut self, ty: Type, span: &Span) -> LocalId {
        self.frame().add(Arc::default(), ty, By::Var, span.clone())
    }

    pub(crate) fn local_type(&mut self, local: LocalId) -> Type {
        self.frame().locals[local.0 as usize].core.ty.clone()
    }

    /// What a name stands for here. A local of a frame around is captured.
    pub(crate) fn binding(&mut self, name: &str) -> Option<Binding> {
        let frames = &mut self.cx.frames;
        let (depth, binding) = frames
            .iter()
            .enumerate()
            .rev()
            .find_map(|(depth, frame)| Some((depth, frame.binding(name)?)))?;
        let Binding::Local(mut local) = binding else { return Some(binding) };
        for depth in depth + 1..frames.len() {
            local = capture(frames, depth, local);
        }
        Some(Binding::Local(local))
    }

    /// The names of locals that are seen here.
    pub(crate) fn local_names(&self) -> Vec<Arc<str>> {
        let scopes = self.cx.frames.iter().flat_map(|frame| frame.scopes.iter().flatten());
        scopes.map(|(name, _)| Arc::clone(name)).collect()
    }
}

/// The local of a frame that has a local of the frame around it.
fn capture(frames: &mut [Frame], depth: usize, outer: LocalId) -> LocalId {
    if let Some((_, inner)) = frames[depth].captures.iter().find(|(of, _)| *of == outer) {
        return *inner;
    }
    let Local { core, by } = &frames[depth - 1].locals[outer.0 as usize];
    let (core, by) = (core.clone(), *by);
    let inner = frames[depth].add(core.name, core.ty, by, core.span);
    frames[depth].captures.push((outer, inner));
    inner
}
