//! `iridium run --app`: a tree of supervisors and programs, until it ends, is
//! asked to, or has nothing left that it could do.

use std::cell::RefCell;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, select};

use iridium_isa::Module;
use iridium_sched::supervisor::app::App;
use iridium_sched::supervisor::{ChildBody, Spec, Supervision};
use iridium_sched::{Activity, ExitInfo, Reason};
use iridium_vm::Pid;

use crate::failure::Failure;
use crate::program::load::{name, read as read_file};
use crate::program::{News, Settings, Stream, World, load, prepare, view};
use crate::{output, signals};

/// How long output may take at the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// A tree that runs.
struct Tree {
    world: World,
    top: Pid,
    /// What the app is called.
    name: String,
    spec: Spec,
    /// Why the top supervisor gave up, if it did.
    gave_up: Option<Supervision>,
}

/// `iridium run --app FILE.toml`
pub(crate) fn run(file: &Path, settings: Settings) -> Result<ExitCode, Failure> {
    let (app, spec, programs) = read(file)?;
    let signals = signals::arriving()?;
    let world = World::start(settings, Stream::to(io::stdout()))?;
    for program in programs {
        world.scheduler.add_program(&prepare(program)?);
    }
    let top = world.scheduler.start_supervisor(spec.clone(), None);
    let top = top.map_err(|error| Failure::failed(error.to_string()))?;
    let app = app.name().map_or_else(|| name(file), ToString::to_string);
    Tree { world, top: top.pid, name: app, spec, gave_up: None }.tend(&top.exit, &signals)
}

/// Reads an app file and its modules.
pub(super) fn read(file: &Path) -> Result<(App, Spec, Vec<Module>), Failure> {
    let shown = name(file);
    let text = read_file(file).map_err(|failure| Failure::usage(failure.message()))?;
    let text = String::from_utf8(text)
        .map_err(|_| Failure::usage(format!("cannot read {shown}: it is not text in UTF-8")))?;
    let app = App::parse(&text).map_err(|error| Failure::usage(format!("{shown}, {error}")))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let (modules, details) = (RefCell::new(Vec::new()), RefCell::new(String::new()));
    let spec = app.spec(|path| {
        let loaded = load(&folder.join(path)).and_then(|loaded| {
            // What it imports is looked for now, while there is a place to tell.
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

impl Tree {
    /// Waits for the end of the tree. A signal asks it to end, a second one does
    /// not ask. It is also asked when all rest: no other node can reach it, so
    /// nobody would ever wake it.
    fn tend(
        mut self,
        ending: &Receiver<ExitInfo>,
        signals: &Receiver<signals::Signal>,
    ) -> Result<ExitCode, Failure> {
        let (mut asked, mut stuck) = (false, false);
        let reason = loop {
            let (news, still) = (self.world.news.clone(), self.world.still.clone());
            let failed = self.world.stream.failed().clone();
            select! {
                recv(ending) -> ending => break ending.ok().map(|ending| ending.reason),
                recv(news) -> told => if let Ok(told) = told { self.tell(told)? },
                // That may have been told a while ago; it is again when it comes to be so.
                recv(still) -> _ => if !asked && self.world.scheduler.is_idle() {
                    asked = true;
                    stuck = self.tell_of_rest()?;
                    self.world.scheduler.kill(self.top, Reason::SHUTDOWN);
                },
                recv(failed) -> _ => {
                    self.world.stream.flush(FAREWELL)?;
                    return Ok(ExitCode::SUCCESS);
                }
                recv(signals) -> signal => match signal {
                    Ok(signal) if asked => {
                        self.world.stream.hurry();
                        return Ok((128 + signal as u8).into());
                    }
                    Ok(_) => {
                        asked = true;
                        self.world.stream.hurry();
                        self.world.scheduler.kill(self.top, Reason::SHUTDOWN);
                    }
                    Err(_) => return Ok(ExitCode::SUCCESS),
                },
            }
        };
        for told in self.world.news.clone().try_iter() {
            self.tell(told)?;
        }
        self.start_line()?;
        self.world.stream.flush(FAREWELL)?;
        match self.outcome(reason)? {
            // What is wrong was told when it was noticed.
            _ if stuck => Ok(ExitCode::FAILURE),
            code => Ok(code),
        }
    }

    /// Says that nothing can happen any more. Answers whether that is a failure:
    /// whether programs wait in vain.
    fn tell_of_rest(&mut self) -> Result<bool, Failure> {
        // What has led there comes first.
        for told in self.world.news.clone().try_iter() {
            self.tell(told)?;
        }
        let mut waiting = self.world.scheduler.processes();
        // A supervisor is there for its programs only.
        waiting.retain(|info| info.activity != Activity::Supervising);
        self.start_line()?;
        if waiting.is_empty() {
            output::complain(&format!("{}: all programs have ended\n", self.name));
        } else {
            output::error(&format!("{}: {}", self.name, view::deadlock(&waiting)));
        }
        Ok(!waiting.is_empty())
    }

    /// Leaves the line that a program may be in on a terminal.
    fn start_line(&self) -> Result<(), Failure> {
        if io::stdout().is_terminal() {
            self.world.stream.end_line(FAREWELL)?;
        }
        Ok(())
    }

    fn outcome(&self, reason: Option<Reason>) -> Result<ExitCode, Failure> {
        match (&self.gave_up, reason) {
            (Some(Supervision::GaveUp { child, reason }), _) => Err(Failure::failed(format!(
                "the supervisor of {} has given up: {child} ended too often, at last: {reason}",
                self.name
            ))),
            (_, None | Some(Reason::NORMAL | Reason::SHUTDOWN)) => Ok(ExitCode::SUCCESS),
            (_, Some(reason)) => {
                Err(Failure::failed(format!("the supervisor of {} has ended: {reason}", self.name)))
            }
        }
    }

    /// Tells what an operator should know.
    fn tell(&mut self, news: News) -> Result<(), Failure> {
        let line = match news {
            News::Trapped(pid, trap) => view::trap_line(pid, &trap),
            News::Supervised(supervisor, what) => {
                if supervisor == self.top && matches!(what, Supervision::GaveUp { .. }) {
                    // That is told as the failure that it is.
                    self.gave_up = Some(what);
                    return Ok(());
                }
                format!("{}: {what}", self.supervisor(supervisor, &what))
            }
        };
        self.start_line()?;
        output::complain(&format!("{line}\n"));
        Ok(())
    }

    /// What a supervisor is called: by its child, if only one has a child of
    /// that name.
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
