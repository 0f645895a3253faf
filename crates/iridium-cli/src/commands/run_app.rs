//! `iridium run --app`, and `iridium run` of a module that is nothing but an app: runs a tree of
//! supervisors and programs until it ends, is told to, or can do nothing any more.

use std::cell::RefCell;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, after, never, select};

use iridium_host::Policy;
use iridium_isa::Module;
use iridium_sched::supervisor::Spec;
use iridium_sched::supervisor::app::{App, AppError};
use iridium_sched::{Activity, ExitInfo, Reason};
use iridium_vm::{Hosts, Limits};

use super::run_stats;
use super::run_tree::Tree;
use crate::args::describe_grant;
use crate::failure::Failure;
use crate::program::file::{display_name, read as read_file};
use crate::program::merged_notices::MergedNotices;
use crate::program::{Environment, Notice, Settings, Stream, drain, load_module, prepare, view};
use crate::{output, signals};

/// How long output may take at the end.
const OUTPUT_WITHIN: Duration = Duration::from_millis(500);

/// A tree of supervisors and programs that runs.
struct RunningApp {
    environment: Environment,
    tree: Tree,
    notices: MergedNotices,
}

/// An app before it runs.
pub(super) struct ReadApp {
    /// Its name, if it has one.
    pub(super) name: Option<String>,
    pub(super) spec: Spec,
    pub(super) modules: Vec<Module>,
}

/// `iridium run --app FILE`
pub(crate) fn run(app: &NamedApp, settings: Settings, stats: bool) -> Result<ExitCode, Failure> {
    run_read(&display_name(&app.file), app.load(&settings.hosts)?, settings, stats)
}

/// Runs the app that a module is.
pub(super) fn run_module(
    file: &Path,
    module: Module,
    limits: Limits,
    settings: Settings,
    stats: bool,
) -> Result<ExitCode, Failure> {
    let name = display_name(file);
    let app = of_module(module, limits);
    run_read(&name, app.ok_or_else(|| no_app(&name))?, settings, stats)
}

fn run_read(
    file: &str,
    app: ReadApp,
    settings: Settings,
    stats: bool,
) -> Result<ExitCode, Failure> {
    let signals = signals::receive()?;
    let environment = Environment::start(settings, Stream::to(io::stdout()))?;
    for module in app.modules {
        let program = prepare(module, &environment.settings.hosts)?;
        environment.scheduler.add_program(&program);
    }
    let top = environment.scheduler.start_supervisor(app.spec.clone(), None);
    let top = top.map_err(|error| Failure::failed(error.to_string()))?;
    let name = app.name.unwrap_or_else(|| file.to_owned());
    let tree = Tree::new(name, top.pid, app.spec);
    let notices = MergedNotices::new(Instant::now());
    let scheduler = environment.scheduler.clone();
    let ended = RunningApp { environment, tree, notices }.run(&top.exit, &signals);
    if stats {
        run_stats::report(&scheduler);
    }
    ended
}

fn no_app(file: &str) -> Failure {
    Failure::usage(format!("{file} has no app; write `app NAME {{ … }}`, or an app file"))
}

/// A file with an app that was named to the command: an app file, or a module or the source of one.
pub(crate) struct NamedApp {
    pub(super) file: PathBuf,
    /// What an app file says.
    app: Option<App>,
}

impl NamedApp {
    /// Reads an app file. Programs are left alone.
    pub(crate) fn open(file: &Path) -> Result<Self, Failure> {
        let ending = file.extension().and_then(|extension| extension.to_str());
        let app = match ending {
            Some("pd" | "irb") => None,
            _ => Some(read_file_of_app(file)?),
        };
        Ok(Self { file: file.to_owned(), app })
    }

    /// Allows what the app file says. A program with an app allows itself nothing.
    pub(crate) fn allow(&self, policy: &mut Policy) -> Result<(), Failure> {
        let Some(app) = &self.app else { return Ok(()) };
        let allowed = app.allow(|grant| {
            policy.allow_from(self.folder(), grant).map_err(|error| describe_grant(&error))
        });
        allowed.map_err(|error| self.mistake(&error))
    }

    /// Loads its programs.
    pub(super) fn load(&self, hosts: &Hosts) -> Result<ReadApp, Failure> {
        if let Some(app) = &self.app {
            return self.load_modules(app, hosts);
        }
        let program = prepare(load_module(&self.file)?, hosts)?;
        of_module(Module::clone(program.module()), Limits::default())
            .ok_or_else(|| no_app(&display_name(&self.file)))
    }

    fn load_modules(&self, app: &App, hosts: &Hosts) -> Result<ReadApp, Failure> {
        let (modules, details) = (RefCell::new(Vec::new()), RefCell::new(String::new()));
        let spec = app.spec(|path| {
            let loaded = load_module(&self.folder().join(path)).and_then(|module| {
                // Missing imports are found now, where the error can name the line of the app file.
                prepare(module, hosts).map(|program| Arc::clone(program.module()))
            });
            match loaded {
                Ok(module) => {
                    modules.borrow_mut().push(Module::clone(&module));
                    Ok(module)
                }
                Err(failure) => {
                    details.borrow_mut().push_str(failure.details());
                    Err(failure.message().to_string())
                }
            }
        });
        let spec = spec.map_err(|error| self.mistake(&error).with_details(details.into_inner()))?;
        let name = app.name().map(ToString::to_string);
        Ok(ReadApp { name, spec, modules: modules.into_inner() })
    }

    fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new(""))
    }

    fn mistake(&self, error: &AppError) -> Failure {
        Failure::usage(format!("{}, {error}", display_name(&self.file)))
    }
}

fn read_file_of_app(file: &Path) -> Result<App, Failure> {
    let shown = display_name(file);
    let text = read_file(file).map_err(|failure| Failure::usage(failure.message()))?;
    let text = String::from_utf8(text)
        .map_err(|_| Failure::usage(format!("cannot read {shown}: it is not text in UTF-8")))?;
    App::parse(&text).map_err(|error| Failure::usage(format!("{shown}, {error}")))
}

/// The app of a module, if it has one.
pub(super) fn of_module(module: Module, limits: Limits) -> Option<ReadApp> {
    let app = module.app()?;
    let (name, spec) = (app.name.clone(), Spec::of_module(&module, app, limits));
    Some(ReadApp { name: Some(name), spec, modules: vec![module] })
}

impl RunningApp {
    /// Waits for the end of the tree. A signal tells it to end, a second one ends the command
    /// at once. The tree is also told to end when all its processes are idle: no other node
    /// can reach them, so nothing would ever wake them.
    fn run(
        mut self,
        exit: &Receiver<ExitInfo>,
        signals: &Receiver<signals::Signal>,
    ) -> Result<ExitCode, Failure> {
        let (mut asked, mut stuck) = (false, false);
        let reason = loop {
            let (notices, idle) = (self.environment.notices.clone(), self.environment.idle.clone());
            let failed = self.environment.stream.failed().clone();
            let held = self.notices.timeout(Instant::now()).map_or_else(never, after);
            select! {
                recv(exit) -> exit => break exit.ok().map(|exit| exit.reason),
                recv(notices) -> notice => if let Ok(notice) = notice { self.report(notice)? },
                recv(held) -> _ => self.print_held()?,
                // The message may be old. If it does not hold any more, another one follows when
                // it does again.
                recv(idle) -> _ => if !asked && self.environment.scheduler.is_idle() {
                    asked = true;
                    stuck = self.report_idle()?;
                    self.environment.scheduler.kill(self.tree.top, Reason::SHUTDOWN);
                },
                recv(failed) -> _ => {
                    self.environment.stream.flush(OUTPUT_WITHIN)?;
                    return Ok(ExitCode::SUCCESS);
                }
                recv(signals) -> signal => match signal {
                    Ok(signal) if asked => return Ok((128 + signal as u8).into()),
                    Ok(_) => {
                        asked = true;
                        self.environment.scheduler.kill(self.tree.top, Reason::SHUTDOWN);
                    }
                    Err(_) => return Ok(ExitCode::SUCCESS),
                },
            }
        };
        drain(&self.environment.settings.outside, signals);
        self.report_all()?;
        self.start_line()?;
        self.environment.stream.flush(OUTPUT_WITHIN)?;
        match self.outcome(reason)? {
            // That was reported when it was noticed.
            _ if stuck => Ok(ExitCode::FAILURE),
            code => Ok(code),
        }
    }

    /// Reports that nothing can happen any more. Returns whether that is a failure: whether
    /// programs wait for messages that cannot come.
    fn report_idle(&mut self) -> Result<bool, Failure> {
        // First what has led to it.
        self.report_all()?;
        let mut waiting = self.environment.scheduler.processes();
        // Supervisors always wait.
        waiting.retain(|info| info.activity != Activity::Supervising);
        self.start_line()?;
        if waiting.is_empty() {
            output::print_stderr(&format!("{}: all programs have ended\n", self.tree.name));
        } else {
            output::print_error(&format!("{}: {}", self.tree.name, view::deadlock(&waiting)));
        }
        Ok(!waiting.is_empty())
    }

    /// On a terminal, ends the line that a program may be writing.
    fn start_line(&self) -> Result<(), Failure> {
        if io::stdout().is_terminal() {
            self.environment.stream.end_line(OUTPUT_WITHIN)?;
        }
        Ok(())
    }

    fn outcome(&self, reason: Option<Reason>) -> Result<ExitCode, Failure> {
        match (self.tree.given_up(), reason) {
            (Some(why), _) => Err(Failure::failed(why)),
            (_, None | Some(Reason::NORMAL | Reason::SHUTDOWN)) => Ok(ExitCode::SUCCESS),
            (_, Some(reason)) => Err(Failure::failed(format!(
                "the supervisor of {} has ended: {reason}",
                self.tree.name
            ))),
        }
    }

    /// Reports all notices that have come.
    fn report_all(&mut self) -> Result<(), Failure> {
        for notice in self.environment.notices.clone().try_iter() {
            self.report(notice)?;
        }
        self.print_held()
    }

    /// Prints what an operator should know. What happens very often is merged.
    fn report(&mut self, notice: Notice) -> Result<(), Failure> {
        let (about, line) = match notice {
            Notice::Trapped(pid, trap) => ("traps".into(), view::trap_line(pid, &trap)),
            Notice::Supervised(supervisor, what) => match self.tree.describe(supervisor, &what) {
                Some(described) => described,
                // That becomes the failure of the command.
                None => return Ok(()),
            },
        };
        match self.notices.take(&about, line, Instant::now()) {
            Some(line) => self.print(&line),
            None => Ok(()),
        }
    }

    fn print_held(&mut self) -> Result<(), Failure> {
        let held = self.notices.take_held(Instant::now());
        held.iter().try_for_each(|line| self.print(line))?;
        match self.environment.missed() {
            0 => Ok(()),
            missed => self.print(&format!("and {missed} more traps and restarts")),
        }
    }

    fn print(&self, line: &str) -> Result<(), Failure> {
        self.start_line()?;
        output::print_stderr(&format!("{line}\n"));
        Ok(())
    }
}
