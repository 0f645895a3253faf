//! Apps: which processes are there, and what happens when one of them ends.
//!
//! A child becomes a function that makes its arguments and runs it, so that they are made anew
//! whenever it starts.

use std::rc::Rc;
use std::sync::Arc;

use iridium_isa::Span;
use iridium_isa::app::{MAX_MS, MAX_RESTARTS, Restart, Strategy};

use super::build::{call, string, values, within};
use super::checker::{Checker, Context, Frame};
use super::kind::{ERROR, unit};
use crate::core::{self, Arg, Body, Expr, ExprKind, Type};
use crate::diag::{names as say_names, processes as say};
use crate::names::meaning::Meaning;
use crate::names::world::{AppChild, AppId, ModuleId, Progress};
use crate::syntax::ast;

/// What is said of how an app restarts when the app says nothing.
const RESTARTS: u32 = 3;
const WITHIN_MS: u64 = 5_000;
/// How long a child may take to end, in ms.
const SHUTDOWN_MS: u64 = 5_000;

/// What an app may say of whom it restarts.
const STRATEGIES: [(&str, Strategy); 3] = [
    ("one_for_one", Strategy::OneForOne),
    ("one_for_all", Strategy::OneForAll),
    ("rest_for_one", Strategy::RestForOne),
];
/// What it may say of when a child is restarted.
const RESTART: [(&str, Restart); 3] = [
    ("permanent", Restart::Permanent),
    ("transient", Restart::Transient),
    ("temporary", Restart::Temporary),
];

impl Checker {
    /// The children of an app, with the functions that they run.
    pub(super) fn app_children(&mut self, id: AppId) -> Rc<[AppChild]> {
        let decl = &mut self.world.apps[id.0 as usize];
        match std::mem::replace(&mut decl.children, Progress::Begun) {
            Progress::Done(children) => {
                decl.children = Progress::Done(Rc::clone(&children));
                children
            }
            // The arguments of a child may not need the app itself.
            Progress::Begun => Rc::from([]),
            Progress::No => {
                let (module, ast) = (decl.module, Arc::clone(&decl.ast));
                if ast.children.is_empty() && !ast.name.text.is_empty() {
                    let place = self.world.place(module, &ast.name.span);
                    self.problem(say::no_children(place, &ast.name.text));
                }
                let mut children: Vec<AppChild> = Vec::new();
                for (nth, child) in ast.children.iter().enumerate() {
                    let first = ast.children[..nth].iter().find(|c| c.name.text == child.name.text);
                    if let Some(first) = first {
                        let place = self.world.place(module, &child.name.span);
                        let first = self.world.place(module, &first.name.span);
                        self.problem(say_names::declared_twice(place, &child.name.text, first));
                    }
                    children.push(self.child(module, child));
                }
                let children: Rc<[AppChild]> = children.into();
                self.world.apps[id.0 as usize].children = Progress::Done(Rc::clone(&children));
                children
            }
        }
    }

    fn child(&mut self, module: ModuleId, child: &ast::Child) -> AppChild {
        let declared_in = self.world.module(module);
        let name = within(&declared_in.name, &child.name.text);
        let context = Context::new(module, declared_in.file, name.to_string(), Rc::from([]));
        let outer = std::mem::replace(&mut self.cx, context);
        self.cx.frames.push(Frame::new(unit(), None));
        let span = &child.value.span;
        let spawned = self.spawn(&child.value, None, span);
        let inbox = match &spawned.ty {
            Type::Pid(inbox) => (**inbox).clone(),
            _ => ERROR,
        };
        let (runs, body) = match spawned.kind {
            ExprKind::Spawn { function, types, args, .. } => {
                let args = args.into_iter().map(Arg::Value).collect();
                (Some(function), call(function, types, args, unit(), span))
            }
            _ => (None, super::build::nothing(span)),
        };
        let id = self.reserve();
        let function = self.completed(name, span.clone(), Vec::new(), unit(), Body::Code(body));
        self.functions[id.0 as usize] = Some(function);
        self.cx = outer;
        AppChild { name: Arc::clone(&child.name.text), function: id, runs, inbox }
    }

    /// `App.child`: the pid of the child, as it is now.
    pub(super) fn child_of(&mut self, id: AppId, name: &ast::Ident, span: &Span) -> Expr {
        let wrong = super::build::expr(ExprKind::Tuple(Vec::new()), ERROR, span);
        let children = self.app_children(id);
        let app = Arc::clone(&self.world.app(id).ast.name.text);
        let nth = children.iter().position(|child| child.name == name.text);
        let Some((nth, child)) = nth.and_then(|nth| Some((nth, children.get(nth)?))) else {
            let names = children.iter().map(|child| &*child.name);
            let near = iridium_isa::suggest::nearest(&name.text, names);
            let what = format!("child of `{app}` named");
            self.problem(say_names::unknown(self.place(&name.span), &what, &name.text, near));
            return wrong;
        };
        self.world.note(self.place(&name.span), Meaning::Child(id, nth));
        let registered = string(&format!("{app}.{}", name.text), span);
        let find = self.library_fn("process", "child", span);
        let ty = Type::Pid(Arc::new(child.inbox.clone()));
        call(find, vec![child.inbox.clone()], values([registered]), ty, span)
    }

    /// How long calls wait in a program that begins with this file, in ms, when its app says so.
    pub(super) fn app_call_timeout(&self, root: ModuleId) -> Option<u64> {
        let app = self.world.apps.iter().find(|app| app.module == root)?;
        let setting = app.ast.settings.iter().find(|s| &*s.name.text == "call_timeout")?;
        time_of(&setting.value)
    }

    /// The app of the program: that of its first file.
    pub(super) fn app(&mut self, root: ModuleId) -> Option<core::App> {
        let apps = 0..self.world.apps.len() as u32;
        let own = |id: &AppId| self.world.app(*id).module == root;
        let own: Vec<AppId> = apps.map(AppId).filter(own).collect();
        if let [first, second, ..] = own[..] {
            let place = |id: AppId| self.world.place(root, &self.world.app(id).ast.name.span);
            let (second, first) = (place(second), place(first));
            self.problem(say::second_app(second, first));
        }
        let id = *own.first()?;
        let checked = self.app_children(id);
        let ast = Arc::clone(&self.world.app(id).ast);
        self.cx.module = root;
        self.cx.file = self.world.module(root).file;
        let mut app = core::App {
            name: Arc::clone(&ast.name.text),
            strategy: Strategy::OneForOne,
            restarts: RESTARTS,
            within_ms: WITHIN_MS,
            children: Vec::new(),
        };
        for setting in &ast.settings {
            self.app_setting(&mut app, setting);
        }
        for (child, ast) in checked.iter().zip(&ast.children) {
            app.children.push(self.described(child, ast));
        }
        Some(app)
    }

    fn app_setting(&mut self, app: &mut core::App, setting: &ast::Setting) {
        let value = &setting.value;
        let wrong = match &*setting.name.text {
            "strategy" => one_of(&STRATEGIES, value).map(|strategy| app.strategy = strategy).err(),
            "restarts" => intensity_of(value)
                .map(|(restarts, within_ms)| (app.restarts, app.within_ms) = (restarts, within_ms))
                .err(),
            // It is looked at before all calls are.
            "call_timeout" => a_time(value).err(),
            _ => {
                return self.unknown_setting(setting, &["strategy", "restarts", "call_timeout"]);
            }
        };
        self.wrong_setting(setting, wrong);
    }

    fn child_setting(&mut self, child: &mut core::AppChild, setting: &ast::Setting) {
        let value = &setting.value;
        let wrong = match &*setting.name.text {
            "restart" => one_of(&RESTART, value).map(|restart| child.restart = restart).err(),
            "shutdown" => a_time(value).map(|time| child.shutdown_ms = time).err(),
            _ => return self.unknown_setting(setting, &["restart", "shutdown"]),
        };
        self.wrong_setting(setting, wrong);
    }

    fn wrong_setting(&mut self, setting: &ast::Setting, wanted: Option<String>) {
        if let Some(wanted) = wanted {
            let place = self.place(&setting.value.span);
            self.problem(say::setting(place, &setting.name.text, &wanted));
        }
    }

    fn unknown_setting(&mut self, setting: &ast::Setting, known: &[&str]) {
        let near = iridium_isa::suggest::nearest(&setting.name.text, known.iter().copied());
        let place = self.place(&setting.name.span);
        let problem = say_names::unknown(place, "setting", &setting.name.text, near);
        self.problem(problem.help(format!("there are: {}", known.join(", "))));
    }

    fn described(&mut self, child: &AppChild, ast: &ast::Child) -> core::AppChild {
        let mut described = core::AppChild {
            name: Arc::clone(&child.name),
            function: child.function,
            runs: child.runs,
            restart: Restart::Permanent,
            shutdown_ms: SHUTDOWN_MS,
        };
        for setting in &ast.settings {
            self.child_setting(&mut described, setting);
        }
        described
    }

    /// Checks the apps of files that are not the first, which only lend their names.
    pub(super) fn check_apps(&mut self) {
        for id in (0..self.world.apps.len() as u32).map(AppId) {
            self.app_children(id);
        }
    }
}

/// What a word stands for, or which words there are.
fn one_of<T: Copy>(words: &[(&str, T); 3], value: &ast::Expr) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| match &value.kind {
        ast::ExprKind::Name(name) => &*name.text == *word,
        _ => false,
    });
    let [(first, _), (second, _), (third, _)] = words;
    found.map(|(_, meant)| *meant).ok_or_else(|| format!("`{first}`, `{second}` or `{third}`"))
}

/// `3 within 5.s`: so many restarts in so many ms.
fn intensity_of(value: &ast::Expr) -> Result<(u32, u64), String> {
    let found = match &value.kind {
        ast::ExprKind::Within { call, time } => match call.kind {
            ast::ExprKind::Int(count) => u32::try_from(count).ok().zip(time_of(time)),
            _ => None,
        },
        _ => None,
    };
    let allowed = |(count, time): &(u32, u64)| *count <= MAX_RESTARTS && *time > 0;
    found.filter(allowed).ok_or_else(|| "how often, and in which time".to_owned())
}

fn a_time(value: &ast::Expr) -> Result<u64, String> {
    time_of(value).ok_or_else(|| "a time".to_owned())
}

/// A time that is written as a number and its unit, in ms.
fn time_of(value: &ast::Expr) -> Option<u64> {
    let ast::ExprKind::Member { base, name } = &value.kind else { return None };
    let ast::ExprKind::Int(count) = base.kind else { return None };
    let unit = match &*name.text {
        "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let time = u64::try_from(count).ok()?.checked_mul(unit)?;
    (time <= MAX_MS).then_some(time)
}
