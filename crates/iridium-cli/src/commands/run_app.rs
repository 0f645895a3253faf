//! `iridium run --app`: runs a tree of supervisors and programs until it ends, is told to,
//! or can do nothing any more.

use std::cell::RefCell;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, after, never, select};

use iridium_isa::Module;
use iridium_sched::supervisor::app::App;
use iridium_sched::supervisor::{ChildBody, Spec, Supervision};
use iridium_sched::{Activity, ExitInfo, Reason};
use iridium_vm::Pid;

use crate::failure::Failure;
use crate::program::culprits::Culprits;
use crate::program::file::{display_name, read as read_file};
use crate::program::merged_notices::MergedNotices;
use crate::program::{Environment, Notice, Settings, Stream, load, prepare, view};
use crate::{output, signals};

/// How long output may take at the end.
const OUTPUT_WITHIN: Duration = Duration::from_millis(500);

/// A tree of supervisors and programs that runs.
struct RunningApp {
    environment: Environment,
    /// Its top supervisor.
    top: Pid,
    /// The name of the app.
    name: String,
    spec: Spec,
    /// Why supervisors gave up.
    culprits: Culprits,
    notices: MergedNotices,
}

/// `iridium run --app FILE.toml`
pub(crate) fn run(file: &Path, settings: Settings) -> Result<ExitCode, Failure> {
    let (app, spec, programs) = read(file)?;
    let signals = signals::receive()?;
    let environment = Environment::start(settings, Stream::to(io::stdout()))?;
    for program in programs {
        environment.scheduler.add_program(&prepare(program)?);
    }
    let top = environment.scheduler.start_supervisor(spec.clone(), None);
    let top = top.map_err(|error| Failure::failed(error.to_string()))?;
    let app = app.name().map_or_else(|| display_name(file), ToString::to_string);
    let culprits = Culprits::new(spec.clone());
    let notices = MergedNotices::new(Instant::now());
    RunningApp { environment, top: top.pid, name: app, spec, culprits, notices }
        .run(&top.exit, &signals)
}

/// Reads an app file and its modules.
pub(super) fn read(file: &Path) -> Result<(App, Spec, Vec<Module>), Failure> {
    let shown = display_name(file);
    let text = read_file(file).map_err(|failure| Failure::usage(failure.message()))?;
    let text = String::from_utf8(text)
        .map_err(|_| Failure::usage(format!("cannot read {shown}: it is not text in UTF-8")))?;
    let app = App::parse(&text).map_err(|error| Failure::usage(format!("{shown}, {error}")))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let (modules, details) = (RefCell::new(Vec::new()), RefCell::new(String::new()));
    let spec = app.spec(|path| {
        let loaded = load(&folder.join(path)).and_then(|loaded| {
            // Missing imports are found now, where the error can name the line of the app file.
            prepare(loaded.module).map(|program| Arc::clone(program.module()))
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
    let spec = spec.map_err(|error| {
        Failure::usage(format!("{shown}, {error}")).with_details(details.into_inner())
    })?;
    Ok((app, spec, modules.into_inner()))
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
                    self.environment.scheduler.kill(self.top, Reason::SHUTDOWN);
                },
                recv(failed) -> _ => {
                    self.environment.stream.flush(OUTPUT_WITHIN)?;
                    return Ok(ExitCode::SUCCESS);
                }
                recv(signals) -> signal => match signal {
                    Ok(signal) if asked => return Ok((128 + signal as u8).into()),
                    Ok(_) => {
                        asked = true;
                        self.environment.scheduler.kill(self.top, Reason::SHUTDOWN);
                    }
                    Err(_) => return Ok(ExitCode::SUCCESS),
                },
            }
        };
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
            output::print_stderr(&format!("{}: all programs have ended\n", self.name));
        } else {
            output::print_error(&format!("{}: {}", self.name, view::deadlock(&waiting)));
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
        match (self.culprits.explain(), reason) {
            (Some(why), _) => {
                Err(Failure::failed(format!("the supervisor of {} has given up: {why}", self.name)))
            }
            (_, None | Some(Reason::NORMAL | Reason::SHUTDOWN)) => Ok(ExitCode::SUCCESS),
            (_, Some(reason)) => {
                Err(Failure::failed(format!("the supervisor of {} has ended: {reason}", self.name)))
            }
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
            Notice::Supervised(supervisor, what) => {
                let name = self.supervisor(supervisor, &what);
                let (Supervision::Restarted { child, .. }
                | Supervision::NotStarted { child, .. }
                | Supervision::GaveUp { child, .. }) = &what;
                let about = format!("{name}: {child}");
                if let Supervision::GaveUp { child, reason } = &what {
                    let by_top = supervisor == self.top;
                    self.culprits.add(by_top, child, *reason);
                    if by_top {
                        // That becomes the failure of the command.
                        return Ok(());
                    }
                }
                (about, format!("{name}: {what}"))
            }
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

    /// The name of a supervisor, found by the name of its child if only one supervisor has
    /// such a child; else its pid.
    fn supervisor(&self, pid: Pid, what: &Supervision) -> String {
        if pid == self.top {
            return self.name.clone();
        }
        let (Supervision::Restarted { child, .. }
        | Supervision::NotStarted { child, .. }
        | Supervision::GaveUp { child, .. }) = what;
        let mut found = Vec::new();
        parents(&self.name, &self.spec, child, &mut found);
        match found.as_slice() {
            [name] => (*name).to_string(),
            _ => format!("supervisor {pid}"),
        }
    }
}

/// The supervisors that have a child of this name.
fn parents<'s>(name: &'s str, spec: &'s Spec, child: &str, found: &mut Vec<&'s str>) {
    if spec.children.iter().any(|each| each.name == child) {
        found.push(name);
    }
    for each in &spec.children {
        if let ChildBody::Supervisor(spec) = &each.body {
            parents(&each.name, spec, child, found);
        }
    }
}
